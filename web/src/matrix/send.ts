// Sending one letter of the outbox through the SDK, and telling a refusal from a failure that may pass.
import { EventStatus, MatrixError, type MatrixClient, type Room } from "matrix-js-sdk";
import { type Letter, Refused } from "./outbox";
import { upload } from "./upload";

const PASSING = new Set([401, 408, 429]);

/** @throws Refused, or another error when it is worth trying again */
export async function sendLetter(client: MatrixClient, letter: Letter): Promise<string> {
  const room = client.getRoom(letter.roomId);
  // Without the room the SDK does not know that it is encrypted, and would send in clear.
  if (room === null) throw new Error("the room has not been synced yet");
  try {
    const content = letter.attachment ? await upload(client, room, letter) : letter.content;
    const sent = await client.sendEvent(letter.roomId, letter.type as never, content as never, letter.id);
    return sent.event_id;
  } catch (error) {
    forget(client, room, letter.id);
    if (error instanceof MatrixError && isFinal(error)) throw new Refused(error.data.error ?? error.message);
    throw error;
  }
}

function isFinal(error: MatrixError): boolean {
  const status = error.httpStatus ?? 0;
  return status >= 400 && status < 500 && !PASSING.has(status);
}

/** Takes a failed try out of the SDK, so that the next may use the same transaction id. */
function forget(client: MatrixClient, room: Room, txnId: string): void {
  for (const event of room.getPendingEvents())
    if (event.getTxnId() === txnId && event.status === EventStatus.NOT_SENT) client.cancelPendingEvent(event);
}
