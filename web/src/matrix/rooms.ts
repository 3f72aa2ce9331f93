// What one keeps about a room and does with it: favourite, archive, mute, pinned notices, who is in it, who types.
import { KnownMembership, type MatrixClient, type MatrixEvent, PushRuleActionName, type Room } from "matrix-js-sdk";

export const FAVOURITE = "m.favourite";
/** The specification's word for rooms one wants out of the way; here: the archive. */
export const ARCHIVE = "m.lowpriority";
const PINNED = "m.room.pinned_events";
const PINNED_MAX = 20;

export interface Person {
  userId: string;
  name: string;
  invited: boolean;
}

export const isTagged = (room: Room, tag: string): boolean => tag in room.tags;

export async function setTagged(client: MatrixClient, roomId: string, tag: string, wanted: boolean): Promise<void> {
  if (wanted) await client.setRoomTag(roomId, tag, { order: 0.5 });
  else await client.deleteRoomTag(roomId, tag);
}

export function isMuted(client: MatrixClient, roomId: string): boolean {
  const rule = client.pushRules?.global.room?.find((each) => each.rule_id === roomId);
  return rule !== undefined && rule.enabled && !rule.actions.includes(PushRuleActionName.Notify);
}

export async function setMuted(client: MatrixClient, roomId: string, muted: boolean): Promise<void> {
  await client.setRoomMutePushRule("global", roomId, muted);
}

export function people(room: Room): Person[] {
  return room
    .getMembers()
    .filter(({ membership }) => membership === KnownMembership.Join || membership === KnownMembership.Invite)
    .map(({ userId, name, membership }) => ({ userId, name, invited: membership === KnownMembership.Invite }))
    .sort((a, b) => Number(a.invited) - Number(b.invited) || a.name.localeCompare(b.name));
}

export function typing(room: Room, me: string): string[] {
  return room
    .getMembers()
    .filter((member) => member.typing && member.userId !== me)
    .map((member) => member.name);
}

export function pinnedIds(room: Room): string[] {
  const content = room.currentState.getStateEvents(PINNED, "")?.getContent<{ pinned?: unknown }>();
  return Array.isArray(content?.pinned) ? content.pinned.filter((id) => typeof id === "string").slice(-PINNED_MAX) : [];
}

/** Whether one may put notices up in the room. */
export function mayPin(room: Room, me: string): boolean {
  return room.currentState.maySendStateEvent(PINNED, me);
}

export async function setPinned(client: MatrixClient, room: Room, eventId: string, wanted: boolean): Promise<void> {
  const others = pinnedIds(room).filter((id) => id !== eventId);
  await client.sendStateEvent(room.roomId, PINNED as never, { pinned: wanted ? [...others, eventId] : others } as never);
}

/** The pinned events, the newest pin last; what is not held here is fetched, what cannot be had is left out. */
export async function pinnedEvents(client: MatrixClient, room: Room): Promise<MatrixEvent[]> {
  const found = await Promise.all(
    pinnedIds(room).map(async (id) => {
      const held = room.findEventById(id);
      if (held) return held;
      const fetched = await client.fetchRoomEvent(room.roomId, id).catch(() => null);
      const event = fetched && client.getEventMapper()(fetched);
      if (event) await client.decryptEventIfNeeded(event);
      return event;
    }),
  );
  return found.filter((event): event is MatrixEvent => event !== null && !event.isRedacted());
}

export interface Promised {
  promise: string;
  sites: string[];
  since: number;
  /** Whether a data centre has it; null: the site that answers does not know. */
  at_core?: boolean | null;
  core_linked?: boolean;
  /** When a courier took it along to the core. */
  courier_ms?: number | null;
  /** The sites that get it by radio. */
  radio?: RadioWay[];
}

export interface RadioWay {
  site: string;
  has: boolean;
  /** Whether that site was heard lately. */
  reached: boolean;
  /** About how long it still takes. */
  seconds: number;
}

/** Where the server knows an event to be on disk (docs/protocol/client.md). */
export async function promised(client: MatrixClient, fetch: typeof globalThis.fetch, eventId: string): Promise<Promised> {
  const path = `/_bongsu/client/v1/durability/${encodeURIComponent(eventId)}`;
  const response = await fetch(path, { headers: { Authorization: `Bearer ${client.getAccessToken() ?? ""}` } });
  if (!response.ok) throw new Error(`the server did not say: ${response.status}`);
  return (await response.json()) as Promised;
}

/** People of the service whose name or account has the words in it. */
export async function directory(client: MatrixClient, term: string): Promise<Person[]> {
  const { results } = await client.searchUserDirectory({ term, limit: 20 });
  return results.map((each) => ({ userId: each.user_id, name: each.display_name ?? each.user_id, invited: false }));
}
