// From the lines of a room to what the screen shows: days, heads and tails of a person's run, unread numbers. Pure.
import type { EncryptedFile } from "./upload";

/** Where bytes are: an mxc address, an encrypted file, or the file itself while it waits to be sent. */
export type Source = string | EncryptedFile | Blob;

export interface Picture {
  source: Source;
  /** The small one that stands in the timeline; null: there is only the whole one. */
  thumbnail: Source | null;
  mimetype: string;
  width: number;
  height: number;
}

export interface Media {
  source: Source;
  mimetype: string;
  /** Bytes, or 0 when nobody said. */
  size: number;
  durationMs: number;
}

export interface Reaction {
  key: string;
  count: number;
  /** The event of one's own, to take it back. */
  mine: string | null;
}

export interface Line {
  id: string;
  sender: string;
  senderName: string;
  mine: boolean;
  timeMs: number;
  what:
    | { kind: "text"; text: string; html: string | null; edited: boolean }
    | { kind: "picture"; picture: Picture; name: string }
    | { kind: "video"; picture: Picture; media: Media; name: string }
    | { kind: "file" | "voice"; name: string; media: Media }
    | { kind: "waiting" | "unreadable" | "deleted" }
    | { kind: "joined" | "left" | "invited" | "created"; names: string };
  replyTo: { name: string; text: string } | null;
  /** The first message of the thread that this one is in. */
  thread: string | null;
  reactions: Reaction[];
  /** Members who have not read it; 0 is shown as nothing. */
  unread: number;
  /** Names that stand in the text with an @ and are somebody's in this room. */
  mentions: string[];
  state: "sent" | "sending" | "refused" | "deferred";
  progress: number | null;
  refusal: string | null;
}

export type Item =
  | { kind: "unread"; key: string }
  | { kind: "day"; key: string; timeMs: number }
  | { kind: "notice"; key: string; line: Line }
  | { kind: "message"; key: string; line: Line; head: boolean; tail: boolean };

const NOTICES = new Set(["joined", "left", "invited", "created"]);
const RUN_MS = 60_000;
// Among so many items are two lines: a day and the mark of what is new may stand before each.
const FIRST_TWO = 6;

/** @param readUpTo the last line that had been read when the room was opened; what follows it is marked as new */
export function layout(lines: Line[], readUpTo: string | null = null): Item[] {
  const items: Item[] = [];
  const firstNew = readUpTo === null ? -1 : newBegins(lines, readUpTo);
  lines.forEach((line, index) => {
    const before = lines[index - 1];
    const after = lines[index + 1];
    if (before === undefined || day(before.timeMs) !== day(line.timeMs))
      items.push({ kind: "day", key: `day ${day(line.timeMs)} ${line.id}`, timeMs: line.timeMs });
    if (index === firstNew) items.push({ kind: "unread", key: "unread" });
    if (NOTICES.has(line.what.kind)) items.push({ kind: "notice", key: line.id, line });
    else
      items.push({
        kind: "message",
        key: line.id,
        line,
        head: before === undefined || !together(before, line),
        tail: after === undefined || !together(line, after),
      });
  });
  return items;
}

/**
 * The same as to lay out older and held lines together, where the mark of what is new is not among the older ones: of
 * what is laid out already only the oldest line can change.
 */
export function prepend(older: Line[], items: Item[]): Item[] {
  const [first, second] = items.slice(0, FIRST_TWO).filter((item) => "line" in item);
  if (!first || !("line" in first)) return [...layout(older), ...items];
  const around = second && "line" in second ? [first.line, second.line] : [first.line];
  const above = layout([...older, ...around]);
  const lastAbove = above.findIndex((item) => item.key === first.key);
  return [...above.slice(0, lastAbove + 1), ...items.slice(items.indexOf(first) + 1)];
}

/** Where what has not been read begins; -1 when that is nowhere, or before what is held. */
function newBegins(lines: Line[], readUpTo: string): number {
  const read = lines.findIndex((line) => line.id === readUpTo);
  if (read < 0) return -1;
  const next = lines.findIndex((line, index) => index > read && !NOTICES.has(line.what.kind));
  return next < 0 || lines[next]?.mine ? -1 : next;
}

/** Two messages of one person in the same minute: shown as one run with one name and one time. */
function together(a: Line, b: Line): boolean {
  return (
    a.sender === b.sender &&
    !NOTICES.has(a.what.kind) &&
    !NOTICES.has(b.what.kind) &&
    day(a.timeMs) === day(b.timeMs) &&
    Math.floor(a.timeMs / RUN_MS) === Math.floor(b.timeMs / RUN_MS)
  );
}

let lastDay = { fromMs: 0, toMs: 0, name: "" };

/** The day of a time, here. Most lines are of the same day as the one before, and making a date is dear. */
function day(timeMs: number): string {
  if (timeMs < lastDay.fromMs || timeMs >= lastDay.toMs) {
    const date = new Date(timeMs);
    const [year, month, number] = [date.getFullYear(), date.getMonth(), date.getDate()];
    const [from, to] = [new Date(year, month, number), new Date(year, month, number + 1)];
    lastDay = { fromMs: from.getTime(), toMs: to.getTime(), name: date.toDateString() };
  }
  return lastDay.name;
}

/**
 * How many members have not read each event.
 * @param senders of the events, oldest first
 * @param readUpTo for each member the index of the last event read, -1 for none of these
 */
export function unreadCounts(senders: string[], readUpTo: Map<string, number>): number[] {
  const members = [...readUpTo].map(([userId, read]) => ({
    userId,
    // Who writes has read what stands above.
    read: Math.max(read, senders.lastIndexOf(userId)),
  }));
  if (members.length === 0) return senders.map(() => 0);
  // What everybody has read is most of a long room.
  const allRead = Math.min(...members.map(({ read }) => read));
  return senders.map((sender, index) =>
    index <= allRead ? 0 : members.filter(({ userId, read }) => userId !== sender && read < index).length,
  );
}
