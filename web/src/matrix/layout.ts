// From the lines of a room to what the screen shows: days, heads and tails of a person's run, unread numbers. Pure.

export interface Picture {
  source: unknown;
  mimetype: string;
  width: number;
  height: number;
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
    | { kind: "text"; text: string; edited: boolean }
    | { kind: "picture"; picture: Picture; name: string }
    | { kind: "file"; name: string; source: unknown; mimetype: string; size: number }
    | { kind: "waiting" | "unreadable" | "deleted" }
    | { kind: "joined" | "left" | "invited" | "created"; names: string };
  replyTo: { name: string; text: string } | null;
  reactions: Reaction[];
  /** Members who have not read it; 0 is shown as nothing. */
  unread: number;
  state: "sent" | "sending" | "refused";
  progress: number | null;
  refusal: string | null;
}

export type Item =
  | { kind: "day"; key: string; timeMs: number }
  | { kind: "notice"; key: string; line: Line }
  | { kind: "message"; key: string; line: Line; head: boolean; tail: boolean };

const NOTICES = new Set(["joined", "left", "invited", "created"]);
const RUN_MS = 60_000;

export function layout(lines: Line[]): Item[] {
  const items: Item[] = [];
  lines.forEach((line, index) => {
    const before = lines[index - 1];
    const after = lines[index + 1];
    if (before === undefined || day(before.timeMs) !== day(line.timeMs))
      items.push({ kind: "day", key: `day ${day(line.timeMs)} ${line.id}`, timeMs: line.timeMs });
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

function day(timeMs: number): string {
  return new Date(timeMs).toDateString();
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
  return senders.map(
    (sender, index) => members.filter(({ userId, read }) => userId !== sender && read < index).length,
  );
}
