// A message left at a hub that does not keep its room: signed by this device, and sent once where the room is kept.
import { type MatrixClient, MatrixError, type MatrixEvent, Method, type Room } from "matrix-js-sdk";
import { Deferred, type Letter } from "./outbox";

const PREFIX = "/_bongsu/client/v1";

export interface DeferredSend {
  user_id: string;
  device_id: string;
  room_id: string;
  type: string;
  txn_id: string;
  content: Record<string, unknown>;
  ts: number;
}

/** A hub refused because it does not keep this person's rooms; another site would not. */
export const isNotAResident = (error: unknown): boolean =>
  error instanceof MatrixError && error.httpStatus === 403 && (error.data as Record<string, unknown>)["kr.bongsu.not_a_resident"] === true;

/** What is signed. `sealed`: as the SDK would have sent it, encrypted where the room is. */
export function deferredSend(
  who: { userId: string; deviceId: string },
  letter: Pick<Letter, "id" | "roomId" | "writtenMs">,
  sealed: { type: string; content: Record<string, unknown> },
): DeferredSend {
  return {
    user_id: who.userId,
    device_id: who.deviceId,
    room_id: letter.roomId,
    type: sealed.type,
    txn_id: letter.id,
    content: sealed.content,
    ts: letter.writtenMs,
  };
}

/**
 * Leaves a message at the hub that was asked.
 * @throws Deferred it is left there, now or before
 */
export async function defer(client: MatrixClient, room: Room, letter: Letter, tried: MatrixEvent | undefined): Promise<void> {
  if (letter.deferred) throw new Deferred();
  const crypto = client.getCrypto() as unknown as { signObject(object: DeferredSend): Promise<void> } | undefined;
  if (!crypto || !tried || letter.type === "m.room.redaction") return;
  // Where keys could not be asked for, it is not encrypted yet, and must not leave this device.
  if (room.hasEncryptionStateEvent() && tried.getWireType() !== "m.room.encrypted") return;
  const who = { userId: client.getSafeUserId(), deviceId: client.getDeviceId() ?? "" };
  const body = deferredSend(who, letter, { type: tried.getWireType(), content: tried.getWireContent() });
  // The SDK keeps this out of its interface, and signs its own device keys with it.
  await crypto.signObject(body);
  await client.http.request(Method.Post, "/deferred_sends", undefined, body, { prefix: PREFIX });
  throw new Deferred();
}
