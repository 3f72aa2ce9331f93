// Feeds the search index with what the SDK shows and decrypts, edits and removals included.
import { EventType, type MatrixClient, type MatrixEvent, MatrixEventEvent, RelationType, RoomEvent } from "matrix-js-sdk";
import { isMessage } from "./chats";
import type { Entry, SearchIndex } from "./searchIndex";

export function feed(client: MatrixClient, index: SearchIndex): void {
  const take = (event: MatrixEvent) => {
    const entry = entryOf(client, event);
    if (entry) index.add(entry);
  };
  client.on(RoomEvent.Timeline, take);
  client.on(MatrixEventEvent.Decrypted, take);
  client.on(RoomEvent.Redaction, (event) => index.remove(event.getAssociatedId() ?? ""));
}

function entryOf(client: MatrixClient, event: MatrixEvent): Entry | null {
  const roomId = event.getRoomId();
  if (!roomId || !isReadable(event)) return null;
  const { eventId, text } = saidIn(event);
  if (!eventId?.startsWith("$") || typeof text !== "string") return null;
  const original = client.getRoom(roomId)?.findEventById(eventId);
  const sender = event.getSender() ?? "";
  // Only one's own words can be changed.
  if (original && original.getSender() !== sender) return null;
  return { eventId, roomId, sender, timeMs: (original ?? event).getTs(), text, versionMs: event.getTs() };
}

function isReadable(event: MatrixEvent): boolean {
  const decrypted = !event.isDecryptionFailure() && event.getType() !== EventType.RoomMessageEncrypted;
  return isMessage(event) && decrypted && !event.isRedacted();
}

/** What an event says, and of which message: an edit speaks of another. */
function saidIn(event: MatrixEvent): { eventId: string | undefined; text: unknown } {
  const content = event.getOriginalContent<Record<string, unknown>>();
  const relation = event.getRelation();
  if (relation?.rel_type !== RelationType.Replace) return { eventId: event.getId(), text: content["body"] };
  const { body } = (content["m.new_content"] ?? {}) as { body?: unknown };
  return { eventId: relation.event_id, text: body };
}
