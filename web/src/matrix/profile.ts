// Who somebody is, as they say themselves: name, picture, a line on how things are; and whom one does not want to hear.
import { type MatrixClient, Method } from "matrix-js-sdk";

export interface Profile {
  name: string;
  /** An mxc address; "" for none. */
  picture: string;
  status: string;
}

// A field of our own: the specification's status belongs to presence, which is never kept.
const STATUS = "kr.bongsu.status";
export const STATUS_CHARACTERS_MAX = 60;
const PICTURE_PIXELS = 512;

const words = (value: unknown): string => (typeof value === "string" ? value : "");

export async function profileOf(client: MatrixClient, userId: string): Promise<Profile> {
  const path = `/profile/${encodeURIComponent(userId)}`;
  const held = await client.http.authedRequest<Record<string, unknown>>(Method.Get, path);
  return { name: words(held["displayname"]), picture: words(held["avatar_url"]), status: words(held[STATUS]).slice(0, STATUS_CHARACTERS_MAX) };
}

export async function setStatus(client: MatrixClient, status: string): Promise<void> {
  const path = `/profile/${encodeURIComponent(client.getSafeUserId())}/${STATUS}`;
  await client.http.authedRequest(Method.Put, path, undefined, { [STATUS]: status });
}

/** @throws Error when the file is no picture */
export async function setPicture(client: MatrixClient, file: Blob): Promise<void> {
  const { content_uri } = await client.uploadContent(await square(file), { name: "profile.jpg", type: "image/jpeg" });
  await client.setAvatarUrl(content_uri);
}

/** The middle of a picture. Drawn anew, so that it tells nobody where it was taken. */
async function square(file: Blob): Promise<Blob> {
  const picture = await createImageBitmap(file);
  const side = Math.min(picture.width, picture.height);
  const canvas = new OffscreenCanvas(PICTURE_PIXELS, PICTURE_PIXELS);
  const [left, top] = [(picture.width - side) / 2, (picture.height - side) / 2];
  canvas.getContext("2d")?.drawImage(picture, left, top, side, side, 0, 0, PICTURE_PIXELS, PICTURE_PIXELS);
  picture.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
}

/** From now on (no longer) nothing of theirs is shown, and they cannot invite. */
export async function setBlocked(client: MatrixClient, userId: string, blocked: boolean): Promise<void> {
  const others = client.getIgnoredUsers().filter((each) => each !== userId);
  await client.setIgnoredUsers(blocked ? [...others, userId] : others);
}
