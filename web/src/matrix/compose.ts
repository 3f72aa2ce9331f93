// The contents of events that a person makes: text, reply, edit, reaction, photo. Pure.
import type { Draft } from "./outbox";

type Content = Record<string, unknown>;
const MESSAGE = "m.room.message";

export function text(roomId: string, body: string, replyTo: string | null = null): Draft {
  const relation: Content = replyTo ? { "m.relates_to": { "m.in_reply_to": { event_id: replyTo } } } : {};
  return { roomId, type: MESSAGE, content: { msgtype: "m.text", body, ...relation } };
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

export function photo(roomId: string, blob: Blob, name: string, width: number, height: number): Draft {
  return {
    roomId,
    type: MESSAGE,
    content: { msgtype: "m.image", body: name },
    attachment: { blob, name, width, height },
  };
}
