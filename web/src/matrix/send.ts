// Sending one letter of the outbox through the SDK, and telling a refusal from a failure that may pass.
import { EventStatus, type MatrixClient, MatrixError, type MatrixEvent, type Room } from "matrix-js-sdk";
import { defer, isNotAResident } from "./deferring";
import { type Letter, Refused } from "./outbox";
import { upload } from "./upload";

export const REDACTION = "m.room.redaction";
const PASSING = new Set([401, 408, 429]);

/** @throws Refused, Deferred, or another error when it is worth trying again */
export async function sendLetter(client: MatrixClient, letter: Letter): Promise<string> {
  const room = client.getRoom(letter.roomId);
  // Without the room the SDK does not know that it is encrypted, and would send in clear.
  if (room?.currentState.getStateEvents("m.room.create", "") == null) throw new Error("the room has not been synced yet");
  try {
    // The SDK takes a transaction id only once: what it failed to send, it is told to send again.
    const tried = pending(room, letter.id);
    const { event_id } = tried ? await client.resendEvent(tried, room) : await first(client, room, letter);
    return event_id;
  } catch (error) {
    if (isNotAResident(error)) await defer(client, room, letter, pending(room, letter.id));
    if (!(error instanceof MatrixError) || !isFinal(error)) throw error;
    const tried = pending(room, letter.id);
    if (tried?.status === EventStatus.NOT_SENT) client.cancelPendingEvent(tried);
    throw new Refused(error.data.error ?? error.message);
  }
}

async function first(client: MatrixClient, room: Room, letter: Letter): Promise<{ event_id: string }> {
  if (letter.type === REDACTION)
    return client.redactEvent(room.roomId, String(letter.content["redacts"]), letter.id);
  const content = letter.attachment ? await upload(client, room, letter) : letter.content;
  return client.sendEvent(room.roomId, letter.type as never, content as never, letter.id);
}

function pending(room: Room, txnId: string): MatrixEvent | undefined {
  return room.getPendingEvents().find((event) => event.getTxnId() === txnId);
}

function isFinal(error: MatrixError): boolean {
  const status = error.httpStatus ?? 0;
  return status >= 400 && status < 500 && !PASSING.has(status) && !isNotAResident(error);
}
