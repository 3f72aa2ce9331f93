// Beginning chats: one with each person, groups, all encrypted from their first event; and answering invitations.
import { KnownMembership, type MatrixClient, Preset } from "matrix-js-sdk";
import { directRooms, RELIEF } from "./chats";

const ENCRYPTED = { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } };

/** The chat with a person: the one there is, the one they invited us to, or a new one. */
export async function openDirect(client: MatrixClient, userId: string): Promise<string> {
  const there = findDirect(client, userId);
  if (there !== null) {
    if (client.getRoom(there)?.getMyMembership() === KnownMembership.Invite) await accept(client, there);
    return there;
  }
  const { room_id } = await client.createRoom({
    is_direct: true,
    invite: [userId],
    preset: Preset.TrustedPrivateChat,
    initial_state: [ENCRYPTED],
  });
  await rememberDirect(client, userId, room_id);
  return room_id;
}

/** The chat with oneself, for notes: encrypted like every other. */
export async function openAlone(client: MatrixClient, name: string): Promise<string> {
  const me = client.getSafeUserId();
  const there = findDirect(client, me);
  if (there !== null) return there;
  const { room_id } = await client.createRoom({ name, preset: Preset.PrivateChat, initial_state: [ENCRYPTED] });
  await rememberDirect(client, me, room_id);
  return room_id;
}

export async function openGroup(client: MatrixClient, name: string, userIds: string[]): Promise<string> {
  const { room_id } = await client.createRoom({
    name,
    invite: userIds,
    preset: Preset.PrivateChat,
    initial_state: [ENCRYPTED],
  });
  return room_id;
}

/** A room that hubs can read: a situation room, or with `board` a notice board that anybody may read. Never encrypted. */
export async function openRelief(client: MatrixClient, name: string, userIds: string[], board: boolean): Promise<string> {
  const visibility = { type: "m.room.history_visibility", state_key: "", content: { history_visibility: "world_readable" } };
  // Who may read a board writes nothing on it.
  const levels = board ? { power_level_content_override: { events_default: 50 } } : {};
  const { room_id } = await client.createRoom({
    name,
    invite: userIds,
    preset: Preset.PublicChat,
    creation_content: { type: RELIEF },
    initial_state: board ? [visibility] : [],
    ...levels,
  });
  return room_id;
}

function findDirect(client: MatrixClient, userId: string): string | null {
  const me = client.getSafeUserId();
  for (const [roomId, other] of directRooms(client))
    if (other === userId && client.getRoom(roomId)?.getMyMembership() === KnownMembership.Join) return roomId;
  const invitation = client
    .getRooms()
    .find(
      (room) =>
        room.getMyMembership() === KnownMembership.Invite && room.getMember(me)?.getDMInviter() === userId,
    );
  return invitation?.roomId ?? null;
}

export async function accept(client: MatrixClient, roomId: string): Promise<void> {
  const inviter = client.getRoom(roomId)?.getMember(client.getSafeUserId())?.getDMInviter();
  await client.joinRoom(roomId);
  if (inviter) await rememberDirect(client, inviter, roomId);
}

async function rememberDirect(client: MatrixClient, userId: string, roomId: string): Promise<void> {
  const content: Record<string, unknown> = { ...client.getAccountData("m.direct" as never)?.getContent() };
  const before = Array.isArray(content[userId]) ? (content[userId] as string[]) : [];
  await client.setAccountData("m.direct" as never, { ...content, [userId]: [roomId, ...before] } as never);
}
