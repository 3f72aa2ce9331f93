// A line of a chat as the tests write it.
import type { Line } from "../src/matrix/layout";

export function line(id: string, sender: string, timeMs: number): Line {
  return {
    id,
    sender,
    senderName: sender,
    mine: false,
    timeMs,
    what: { kind: "text", text: id, html: null, edited: false },
    replyTo: null,
    thread: null,
    reactions: [],
    unread: 0,
    mentions: [],
    state: "sent",
    progress: null,
    refusal: null,
  };
}
