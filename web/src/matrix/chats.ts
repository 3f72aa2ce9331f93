// The list of chats, derived from the client's rooms: newest first, invitations on top.
import { KnownMembership, type MatrixClient, type MatrixEvent, NotificationCountType, type Room, type RoomMember } from "matrix-js-sdk";
import { ARCHIVE, FAVOURITE, isMuted, isTagged } from "./rooms";

/** The type of rooms that hubs can read (docs/protocol/client.md). */
export const RELIEF = "kr.bongsu.relief";

export interface Chat {
  roomId: string;
  name: string;
  /** Whom it is with, when it is with one person. */
  other: string | null;
  invited: boolean;
  inviter: string;
  encrypted: boolean;
  /** Hubs can read it. */
  relief: boolean;
  favourite: boolean;
  archived: boolean;
  muted: boolean;
  /** A chat with nobody but oneself. */
  alone: boolean;
  unread: number;
  preview: Preview;
  timeMs: number;
}

export type Preview =
  | { kind: "text"; text: string; mine: boolean }
  | { kind: "photo" | "video" | "voice" | "file" | "waiting" | "deleted" | "none" };

export function chatsOf(client: MatrixClient): Chat[] {
  const me = client.getSafeUserId();
  const direct = directRooms(client);
  return client
    .getVisibleRooms()
    .filter((room) => isHere(room))
    .map((room) => ({ ...chatOf(room, me, direct.get(room.roomId) ?? null), muted: isMuted(client, room.roomId) }))
    .sort((a, b) => Number(b.invited) - Number(a.invited) || Number(b.favourite) - Number(a.favourite) || b.timeMs - a.timeMs);
}

function isHere(room: Room): boolean {
  const membership = room.getMyMembership();
  return membership === KnownMembership.Join || membership === KnownMembership.Invite;
}

function chatOf(room: Room, me: string, other: string | null): Omit<Chat, "muted"> {
  const member = room.getMember(me);
  const common = {
    roomId: room.roomId,
    name: room.name,
    other: other ?? (member?.getDMInviter() || null),
    encrypted: room.hasEncryptionStateEvent(),
    relief: room.getType() === RELIEF,
    favourite: isTagged(room, FAVOURITE),
    archived: isTagged(room, ARCHIVE),
    alone: other === me,
  };
  const none: Preview = { kind: "none" };
  if (room.getMyMembership() === KnownMembership.Invite)
    return { ...common, invited: true, unread: 1, preview: none, ...invitationOf(member) };
  const last = lastShown(room);
  return {
    ...common,
    invited: false,
    inviter: "",
    unread: room.getUnreadNotificationCount(NotificationCountType.Total),
    preview: last ? previewOf(last, me) : none,
    timeMs: last?.getTs() ?? room.getLastActiveTimestamp(),
  };
}

function invitationOf(member: RoomMember | null): { inviter: string; timeMs: number } {
  const event = member?.events.member;
  return { inviter: event?.getSender() ?? "", timeMs: event?.getTs() ?? 0 };
}

function lastShown(room: Room): MatrixEvent | undefined {
  return room
    .getLiveTimeline()
    .getEvents()
    .findLast((event) => isMessage(event) && event.getRelation()?.rel_type !== "m.replace");
}

export function isMessage(event: MatrixEvent): boolean {
  const type = event.getType();
  if (event.getContent()["msgtype"] === "m.key.verification.request") return false;
  return type === "m.room.message" || type === "m.room.encrypted" || type === "m.sticker";
}

/** What an event says; null: nothing, or its key is not here. The SDK puts a sentence of its own in the place of that. */
export function bodyOf(event: MatrixEvent): string | null {
  const body: unknown = event.isDecryptionFailure() ? null : event.getContent()["body"];
  return typeof body === "string" ? body : null;
}

function previewOf(event: MatrixEvent, me: string): Preview {
  if (event.isRedacted()) return { kind: "deleted" };
  if (event.getType() === "m.room.encrypted" || event.isDecryptionFailure()) return { kind: "waiting" };
  const { msgtype, body } = event.getContent<{ msgtype?: string; body?: string }>();
  if (msgtype === "m.image") return { kind: "photo" };
  if (msgtype === "m.video") return { kind: "video" };
  if (msgtype === "m.audio") return { kind: "voice" };
  if (msgtype === "m.file") return { kind: "file" };
  return { kind: "text", text: String(body ?? "").slice(0, 200), mine: event.getSender() === me };
}

/** Room ids of direct chats and whom each is with, from the account's data; what is malformed is left out. */
export function directRooms(client: MatrixClient): Map<string, string> {
  const content: Record<string, unknown> = client.getAccountData("m.direct" as never)?.getContent() ?? {};
  const found = new Map<string, string>();
  for (const [userId, rooms] of Object.entries(content))
    if (Array.isArray(rooms)) for (const roomId of rooms) found.set(String(roomId), userId);
  return found;
}
