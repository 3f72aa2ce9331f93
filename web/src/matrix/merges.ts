// What a merge undid in a room, as the server tells those who moderate it (docs/protocol/client.md).
import type { Api } from "./residency";

export interface Undone {
  event_id: string;
  type: string;
  state_key: string;
  sender: string;
  content: Record<string, unknown>;
  ts: number;
  refused: boolean;
  holds: { event_id: string; sender: string } | null;
}

/** @throws Error for who may not see it, and while the server is away */
export async function undone(api: Api, roomId: string): Promise<{ undone: Undone[]; more: boolean }> {
  const response = await api(`/_bongsu/client/v1/rooms/${encodeURIComponent(roomId)}/merges`);
  if (!response.ok) throw new Error(`the server did not say: ${response.status}`);
  return (await response.json()) as { undone: Undone[]; more: boolean };
}
