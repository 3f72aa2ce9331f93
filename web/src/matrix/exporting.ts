// Everything one can read, as files: each chat as JSON and its media beside it, made one after another so that a
// long history does not have to fit in memory.
import { KnownMembership, type MatrixClient, type MatrixEvent, type Room } from "matrix-js-sdk";
import { isMessage } from "./chats";
import { loadOlder } from "./older";
import { download, type EncryptedFile } from "./upload";

export interface Exported {
  name: string;
  input: string | Blob;
}

export interface ExportProgress {
  rooms: number;
  roomsDone: number;
  messages: number;
}

export async function* exported(
  client: MatrixClient,
  fetch: typeof globalThis.fetch,
  tell: (progress: ExportProgress) => void,
): AsyncGenerator<Exported> {
  const rooms = client.getRooms().filter((room) => room.getMyMembership() === KnownMembership.Join);
  const progress = { rooms: rooms.length, roomsDone: 0, messages: 0 };
  const me = client.getSafeUserId();
  const friends = client.getAccountData("m.direct" as never)?.getContent() ?? {};
  yield { name: "account.json", input: JSON.stringify({ user_id: me, direct_chats: friends }, null, 2) };
  for (const room of rooms) {
    tell({ ...progress });
    while (await loadOlder(client, room)) tell({ ...progress });
    const folder = `${progress.roomsDone + 1}-${fileName(room.name)}`;
    const events = room.getLiveTimeline().getEvents().filter(isMessage);
    await Promise.all(events.map((event) => client.decryptEventIfNeeded(event)));
    yield { name: `${folder}/messages.json`, input: JSON.stringify(describe(room, events), null, 2) };
    for (const event of events) {
      progress.messages++;
      tell({ ...progress });
      const file = await mediaOf(client, fetch, event);
      if (file) yield { name: `${folder}/${progress.messages}-${fileName(file.name)}`, input: file.blob };
    }
    progress.roomsDone++;
  }
  tell({ ...progress });
}

function describe(room: Room, events: MatrixEvent[]) {
  return {
    room_id: room.roomId,
    name: room.name,
    members: room.getMembers().map(({ userId, name, membership }) => ({ user_id: userId, name, membership })),
    messages: events.map((event) => ({
      event_id: event.getId(),
      sender: event.getSender(),
      time: new Date(event.getTs()).toISOString(),
      unreadable: event.isDecryptionFailure() || undefined,
      deleted: event.isRedacted() || undefined,
      content: event.isDecryptionFailure() ? undefined : event.getContent(),
    })),
  };
}

/** The bytes of a message's file; null when it has none, or the server has them no more. */
async function mediaOf(client: MatrixClient, fetch: typeof globalThis.fetch, event: MatrixEvent) {
  const content = event.getContent<{ file?: EncryptedFile; url?: string; filename?: string; body?: string; info?: { mimetype?: string } }>();
  const source = content.file ?? content.url;
  if (!source || event.isRedacted()) return null;
  try {
    const blob = await download(client, fetch, source, content.info?.mimetype ?? "application/octet-stream");
    return { name: content.filename ?? content.body ?? "file", blob };
  } catch {
    return null;
  }
}

/** A name that every file system takes. */
export function fileName(name: string): string {
  return name.replace(/[\u0000-\u001f\\/:*?"<>|]/g, "_").replace(/^\.+/, "_").slice(0, 80) || "_";
}
