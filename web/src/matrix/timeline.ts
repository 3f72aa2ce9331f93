// One room as lines: the SDK's live timeline, then what waits in the outbox.
import {
  type EventTimeline,
  EventType,
  KnownMembership,
  type MatrixClient,
  type MatrixEvent,
  ReceiptType,
  RelationType,
  type Room,
} from "matrix-js-sdk";
import { bodyOf, directRooms, isMessage } from "./chats";
import type { Running } from "./client";
import { type Line, type Media, type Picture, type Reaction, type Source, unreadCounts } from "./layout";
import { loadOlder } from "./older";
import type { Attachment, Letter } from "./outbox";

/** A key may still be on its way; before this nobody is told that a message cannot be read. */
export const KEY_PATIENCE_MS = 10_000;
// A gap may swallow what comes back; it is not waited for longer.
const ECHO_MS_MAX = 15_000;
// Beyond this many members a number by each message says little and costs much.
const UNREAD_MEMBERS_MAX = 100;
// Of ten thousand reactions a person reads a few.
const REACTION_KINDS_MAX = 30;
const REACTION_NAMES_MAX = 30;
const HTML_CHARACTERS_MAX = 65_536;
// How far back a link to a message leads.
const PAGES_BACK_MAX = 100;

/** Lines that were made, and what is needed to put older ones above them without making them all again. */
export interface Drawn {
  lines: Line[];
  /** The oldest event held then, of this timeline. */
  oldest: MatrixEvent | undefined;
  timeline: EventTimeline;
  /** Members of whom no sign that they have read is among these lines; what is older may have one. */
  behind: string[];
}

export function linesOf(running: Running, room: Room, progress: Map<string, number>, nowMs: number): Drawn {
  const me = running.client.getSafeUserId();
  const timeline = room.getLiveTimeline();
  const members = room.getJoinedMembers().map(({ userId }) => userId);
  const few = members.length <= UNREAD_MEMBERS_MAX ? members : [];
  const { lines, behind } = sentLines(running.client, room, timeline.getEvents(), few, nowMs);
  const waiting = waitingLines(running, room, progress, nowMs, me);
  return { lines: [...lines, ...waiting], oldest: timeline.getEvents()[0], timeline, behind };
}

/** The lines above those of `drawn`; null: the timeline is another by now, and is to be drawn anew. */
export function olderLines(client: MatrixClient, room: Room, drawn: Drawn, nowMs: number): Drawn | null {
  const timeline = room.getLiveTimeline();
  const events = timeline.getEvents();
  const count = drawn.oldest ? events.indexOf(drawn.oldest) : -1;
  if (timeline !== drawn.timeline || count < 0) return null;
  const { lines, behind } = sentLines(client, room, events.slice(0, count), drawn.behind, nowMs);
  return { lines, oldest: events[0], timeline, behind };
}

/** @param members whose numbers count here: the others have read all of these */
function sentLines(client: MatrixClient, room: Room, all: MatrixEvent[], members: string[], nowMs: number) {
  const me = client.getSafeUserId();
  const isDirect = directRooms(client).has(room.roomId);
  const events = all.filter((event) => isShown(event, isDirect));
  const senders = events.map((event) => event.getSender() ?? "");
  const places = readPlaces(room, members, all, events);
  const counts = unreadCounts(senders, places);
  const lines = events.map((event, index) => lineOf(room, event, me, counts[index] ?? 0, nowMs));
  const behind = members.filter((userId) => (places.get(userId) ?? -1) < 0 && !senders.includes(userId));
  return { lines, behind };
}

const isEdit = ({ content }: Letter): boolean => content["m.new_content"] !== undefined;

function waitingLines({ outbox, sent }: Running, room: Room, progress: Map<string, number>, nowMs: number, me: string): Line[] {
  const waiting = outbox.waiting(room.roomId);
  if (waiting.length === 0 && sent.size === 0) return [];
  const events = room.getLiveTimeline().getEvents();
  const shown = new Set(events.flatMap((event) => [event.getUnsigned().transaction_id, event.getId()]));
  for (const [txnId, { eventId, atMs }] of sent)
    if (shown.has(txnId) || shown.has(eventId) || nowMs - atMs > ECHO_MS_MAX) sent.delete(txnId);
  // What left the outbox a moment ago stands where it stood until it comes back: the lines below would jump up and down.
  const echoing = [...sent.values()].map(({ letter }) => letter).filter((letter) => letter.roomId === room.roomId && !isEdit(letter));
  const ids = new Set(waiting.map(({ id }) => id));
  return [...echoing.filter(({ id }) => !ids.has(id)), ...waiting]
    .filter((letter) => letter.type === "m.room.message" && !shown.has(letter.id))
    .map((letter) => pending(letter, me, progress));
}

function isShown(event: MatrixEvent, isDirect: boolean): boolean {
  if (event.getRelation()?.rel_type === RelationType.Replace) return false;
  if (isMessage(event)) return true;
  // Between two people, who began and who came says nothing; who left does.
  if (isDirect) return event.getType() === EventType.RoomMember && notice(event) === "left";
  if (event.getType() === EventType.RoomMember) return notice(event) !== null;
  return event.getType() === EventType.RoomCreate;
}

function notice(event: MatrixEvent): "joined" | "left" | "invited" | null {
  const before = event.getPrevContent()["membership"] as string | undefined;
  const after = event.getContent()["membership"] as string | undefined;
  if (before === after) return null;
  if (after === KnownMembership.Join) return "joined";
  if (after === KnownMembership.Invite) return "invited";
  if (after === KnownMembership.Leave && before === KnownMembership.Join) return "left";
  return null;
}

/** For each member the place of the last of the shown events that they have read, -1: not even the first. */
function readPlaces(room: Room, members: string[], all: MatrixEvent[], shown: MatrixEvent[]): Map<string, number> {
  const read = members.map((userId): [string, string | null] => [userId, room.getEventReadUpTo(userId)]);
  const places = placesOf(new Set(read.map(([, eventId]) => eventId)), all, shown);
  return new Map(read.map(([userId, eventId]) => [userId, places.get(eventId) ?? -1]));
}

/** For each event the place of the last shown one up to it. People have mostly read far: looked for from the end. */
function placesOf(wanted: Set<string | null>, all: MatrixEvent[], shown: MatrixEvent[]): Map<string | null, number> {
  const places = new Map<string | null, number>();
  wanted.delete(null);
  let place = shown.length - 1;
  for (let index = all.length - 1; index >= 0 && places.size < wanted.size; index--) {
    const id = all[index]?.getId() ?? null;
    if (wanted.has(id)) places.set(id, place);
    if (shown[place] === all[index]) place--;
  }
  return places;
}

/** All that a line is made of and that can change. */
interface Facts {
  name: string | undefined;
  unread: number;
  redacted: boolean;
  replacing: string | undefined;
}

// Of 50,000 lines a new message changes one: the others are kept until something that shows in them changes.
const kept = new WeakMap<MatrixEvent, { facts: Facts; line: Line }>();

function lineOf(room: Room, event: MatrixEvent, me: string, unreadCount: number, nowMs: number): Line {
  if (changesOften(room, event)) return drawn(room, event, me, unreadCount, nowMs);
  const before = kept.get(event);
  const name = room.getMember(event.getSender() ?? "")?.name;
  const facts = { name, unread: unreadCount, redacted: event.isRedacted(), replacing: event.replacingEventId() };
  if (before && same(before.facts, facts)) return before.line;
  const line = drawn(room, event, me, unreadCount, nowMs);
  kept.set(event, { facts, line });
  return line;
}

const same = (a: Facts, b: Facts): boolean =>
  a.name === b.name && a.unread === b.unread && a.redacted === b.redacted && a.replacing === b.replacing;

/** Too much of the line can change to keep it. */
function changesOften(room: Room, event: MatrixEvent): boolean {
  if (event.isDecryptionFailure() || event.getType() === EventType.RoomMessageEncrypted || event.replyEventId) return true;
  const id = event.getId() ?? "";
  return room.relations.getChildEventsForEvent(id, RelationType.Annotation, EventType.Reaction) !== undefined;
}

function drawn(room: Room, event: MatrixEvent, me: string, unreadCount: number, nowMs: number): Line {
  const sender = event.getSender() ?? "";
  return {
    id: event.getId() ?? "",
    sender,
    senderName: room.getMember(sender)?.name ?? sender,
    mine: sender === me,
    timeMs: event.getTs(),
    what: whatOf(room, event, nowMs),
    replyTo: replied(room, event),
    thread: threadOf(event),
    reactions: event.isRedacted() ? [] : reactions(room, event, me),
    unread: unreadCount,
    mentions: mentionsOf(room, event),
    state: "sent",
    progress: null,
    refusal: null,
  };
}

// Since when this device has gone without the key of an event: one that was sent long ago may have come just now.
const missed = new WeakMap<MatrixEvent, number>();

function missedSince(event: MatrixEvent, nowMs: number): number {
  const sinceMs = missed.get(event) ?? nowMs;
  missed.set(event, sinceMs);
  return sinceMs;
}

function whatOf(room: Room, event: MatrixEvent, nowMs: number): Line["what"] {
  if (event.isState()) return noticeOf(room, event);
  if (event.isRedacted()) return { kind: "deleted" };
  if (event.getType() === EventType.RoomMessageEncrypted || event.isDecryptionFailure())
    return { kind: nowMs - missedSince(event, nowMs) < KEY_PATIENCE_MS ? "waiting" : "unreadable" };
  return contentOf(event.getContent(), event.replacingEvent() !== null);
}

function noticeOf(room: Room, event: MatrixEvent): Line["what"] {
  if (event.getType() === EventType.RoomCreate)
    return { kind: "created", names: room.getMember(event.getSender() ?? "")?.name ?? "" };
  const names = String(event.getContent()["displayname"] ?? event.getStateKey() ?? "");
  return { kind: notice(event) ?? "joined", names };
}

interface Info {
  mimetype?: unknown;
  w?: unknown;
  h?: unknown;
  size?: unknown;
  duration?: unknown;
  thumbnail_url?: Source;
  thumbnail_file?: Source;
}

const words = (value: unknown): string => (typeof value === "string" ? value : "");

const number = (value: unknown): number => Number(value) || 0;

function contentOf(content: Record<string, unknown>, edited: boolean): Line["what"] {
  const source = (content["file"] ?? content["url"]) as Source | undefined;
  if (source !== undefined) {
    const found = mediaOf(content, source);
    if (found) return found;
  }
  return { kind: "text", text: withoutQuote(content), html: htmlOf(content), edited };
}

/** The formatted text, where it says more than the plain one. */
function htmlOf(content: Record<string, unknown>): string | null {
  const html = content["format"] === "org.matrix.custom.html" ? words(content["formatted_body"]) : "";
  return html.includes("<") && html.length <= HTML_CHARACTERS_MAX ? html : null;
}

function mediaOf(content: Record<string, unknown>, source: Source): Line["what"] | null {
  const name = words(content["filename"]) || words(content["body"]);
  const info = (content["info"] ?? {}) as Info;
  const mimetype = words(info.mimetype) || "application/octet-stream";
  const media: Media = { source, mimetype, size: number(info.size), durationMs: number(info.duration) };
  const thumbnail = info.thumbnail_file ?? info.thumbnail_url ?? null;
  const picture: Picture = { source, thumbnail, mimetype, width: number(info.w), height: number(info.h) };
  switch (content["msgtype"]) {
    case "m.image":
      return { kind: "picture", name, picture };
    case "m.video":
      return { kind: "video", name, picture, media };
    case "m.audio":
      return { kind: "voice", name, media };
    case "m.file":
      return { kind: "file", name, media };
    default:
      return null;
  }
}

/** The body without the quote of what is replied to, which some clients still put before it. */
function withoutQuote(content: Record<string, unknown>): string {
  const body = words(content["body"]);
  const isReply = Boolean((content["m.relates_to"] as { "m.in_reply_to"?: unknown } | undefined)?.["m.in_reply_to"]);
  return isReply ? body.replace(/^(?:> .*\n)+\n?/, "") : body;
}

function mentionsOf(room: Room, event: MatrixEvent): string[] {
  const named = (event.getContent()["m.mentions"] as { user_ids?: unknown } | undefined)?.user_ids;
  if (!Array.isArray(named)) return [];
  return named.flatMap((userId) => room.getMember(String(userId))?.name ?? []);
}

interface Relation {
  rel_type?: unknown;
  event_id?: unknown;
  is_falling_back?: unknown;
}

const threadRelation = (event: MatrixEvent): Relation | null => {
  const relation = event.getWireContent()["m.relates_to"] as Relation | undefined;
  return relation?.rel_type === "m.thread" ? relation : null;
};

function threadOf(event: MatrixEvent): string | null {
  const root = threadRelation(event)?.event_id;
  return typeof root === "string" && !event.isRedacted() ? root : null;
}

/** What a message answers. In a thread other clients name the message before; what is answered is the thread's first. */
function repliedId(event: MatrixEvent): string | undefined {
  const relation = threadRelation(event);
  return relation && relation.is_falling_back !== false ? (threadOf(event) ?? undefined) : event.replyEventId;
}

function replied(room: Room, event: MatrixEvent): Line["replyTo"] {
  const id = repliedId(event);
  if (!id || event.isRedacted()) return null;
  const original = room.findEventById(id);
  if (!original) return { name: "", text: "…" };
  const text = bodyOf(original) ?? "…";
  return { name: room.getMember(original.getSender() ?? "")?.name ?? "", text: text.slice(0, 100) };
}

function reactions(room: Room, event: MatrixEvent, me: string): Reaction[] {
  const found = room.relations
    .getChildEventsForEvent(event.getId() ?? "", RelationType.Annotation, EventType.Reaction)
    ?.getSortedAnnotationsByKey();
  return (found ?? [])
    .map(([key, events]) => {
      const standing = [...events].filter((each) => !each.isRedacted());
      const mine = standing.find((each) => each.getSender() === me)?.getId() ?? null;
      return { key, count: new Set(standing.map((each) => each.getSender())).size, mine };
    })
    .filter((reaction) => reaction.count > 0);
}

function pending(letter: Letter, me: string, progress: Map<string, number>): Line {
  const edit = letter.content["m.new_content"] as Record<string, unknown> | undefined;
  const { attachment } = letter;
  return {
    id: letter.id,
    sender: me,
    senderName: "",
    mine: true,
    timeMs: letter.writtenMs,
    what: attachment ? attachmentOf(letter, attachment) : contentOf(edit ?? letter.content, edit !== undefined),
    replyTo: null,
    thread: null,
    reactions: [],
    unread: 0,
    mentions: [],
    state: letter.refused !== null ? "refused" : letter.deferred ? "deferred" : "sending",
    progress: attachment ? (progress.get(letter.id) ?? 0) : null,
    refusal: letter.refused,
  };
}

/** What waits in the outbox looks as it will when it is sent; its bytes are those in the outbox. */
function attachmentOf(letter: Letter, attachment: Attachment): Line["what"] {
  const { blob, name, width, height, durationMs, thumbnail } = attachment;
  const info = { mimetype: blob.type, size: blob.size, w: width, h: height, duration: durationMs };
  const small = thumbnail ? { thumbnail_url: thumbnail.blob } : {};
  return contentOf({ ...letter.content, filename: name, url: blob, info: { ...info, ...small } }, false);
}

/** Tells the others that everything here has been read. */
export async function markRead(client: MatrixClient, room: Room): Promise<void> {
  const last = room.getLiveTimeline().getEvents().at(-1);
  if (!last || room.getEventReadUpTo(client.getSafeUserId()) === last.getId()) return;
  // Threads are shown inline: what is read is everything, not one thread.
  await client.sendReadReceipt(last, ReceiptType.Read, true).catch(() => undefined);
}

/** Loads older events until one is there. False: it is not here, or too far back. */
export async function loadUntil(client: MatrixClient, room: Room, eventId: string): Promise<boolean> {
  for (let pages = 0; pages < PAGES_BACK_MAX; pages++) {
    if (room.getLiveTimeline().getEvents().some((event) => event.getId() === eventId)) return true;
    if (!(await loadOlder(client, room))) break;
  }
  return room.getLiveTimeline().getEvents().some((event) => event.getId() === eventId);
}

/** Who reacted, by what they reacted with. */
export function reactionsOf(room: Room, eventId: string): { key: string; names: string[] }[] {
  const found = room.relations
    .getChildEventsForEvent(eventId, RelationType.Annotation, EventType.Reaction)
    ?.getSortedAnnotationsByKey();
  return (found ?? [])
    .slice(0, REACTION_KINDS_MAX)
    .map(([key, events]) => {
      const senders = new Set([...events].filter((each) => !each.isRedacted()).map((each) => each.getSender() ?? ""));
      return { key, names: [...senders].slice(0, REACTION_NAMES_MAX).map((sender) => room.getMember(sender)?.name ?? sender) };
    })
    .filter(({ names }) => names.length > 0);
}
