// The contents of events that a person makes: text, reply, edit, reaction, photo. Pure.
import type { Attachment, Draft } from "./outbox";

type Content = Record<string, unknown>;
const MESSAGE = "m.room.message";

/** What is answered; with `thread`, the first message of the thread it is in, the answer stays in the thread. */
export interface Answered {
  id: string;
  thread: string | null;
}

/** @param mentioned the accounts of those whose name stands in the text with an @ */
export function text(roomId: string, body: string, replyTo: Answered | null = null, mentioned: string[] = []): Draft {
  const relation: Content = replyTo ? { "m.relates_to": answer(replyTo) } : {};
  const mentions = { "m.mentions": mentioned.length > 0 ? { user_ids: mentioned } : {} };
  return { roomId, type: MESSAGE, content: { msgtype: "m.text", body, ...mentions, ...relation } };
}

function answer({ id, thread }: Answered): Content {
  const inThread = thread ? { rel_type: "m.thread", event_id: thread, is_falling_back: false } : {};
  return { ...inThread, "m.in_reply_to": { event_id: id } };
}

export function edit(roomId: string, eventId: string, body: string): Draft {
  const content = {
    msgtype: "m.text",
    body: `* ${body}`,
    "m.new_content": { msgtype: "m.text", body },
    "m.relates_to": { rel_type: "m.replace", event_id: eventId },
  };
  return { roomId, type: MESSAGE, content };
}

export function reaction(roomId: string, eventId: string, key: string): Draft {
  const content = { "m.relates_to": { rel_type: "m.annotation", event_id: eventId, key } };
  return { roomId, type: "m.reaction", content };
}

export function removal(roomId: string, eventId: string): Draft {
  return { roomId, type: "m.room.redaction", content: { redacts: eventId } };
}

export type AttachmentKind = "photo" | "video" | "file" | "voice";

export function attached(roomId: string, kind: AttachmentKind, attachment: Attachment): Draft {
  const msgtype = { photo: "m.image", video: "m.video", file: "m.file", voice: "m.audio" }[kind];
  // What other clients know a voice message by, and draw as one.
  const voice = kind === "voice" ? { "org.matrix.msc3245.voice": {} } : {};
  return { roomId, type: MESSAGE, content: { msgtype, body: attachment.name, ...voice }, attachment };
}
