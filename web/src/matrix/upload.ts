// Attachments: encrypted on this device before they leave it when the room is encrypted (AES-CTR, as Matrix says).
import type { MatrixClient, Room } from "matrix-js-sdk";
import type { Letter } from "./outbox";

export interface EncryptedFile {
  url: string;
  key: { alg: "A256CTR"; ext: true; k: string; key_ops: string[]; kty: "oct" };
  iv: string;
  hashes: { sha256: string };
  v: "v2";
}

type Progress = (id: string, part: number) => void;
const listeners = new Set<Progress>();

export function onProgress(listener: Progress): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const encode = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
const decode = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

export async function encrypt(
  plain: ArrayBuffer,
): Promise<{ data: ArrayBuffer; file: Omit<EncryptedFile, "url"> }> {
  const key = await crypto.subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt", "decrypt"]);
  const iv = new Uint8Array(16);
  // Half of it counts, so the random half never meets another file's.
  crypto.getRandomValues(iv.subarray(0, 8));
  const data = await crypto.subtle.encrypt({ name: "AES-CTR", counter: iv, length: 64 }, key, plain);
  const { k = "" } = await crypto.subtle.exportKey("jwk", key);
  const sha256 = encode(new Uint8Array(await crypto.subtle.digest("SHA-256", data)));
  const jwk = { alg: "A256CTR", ext: true, k, key_ops: ["encrypt", "decrypt"], kty: "oct" } as const;
  return { data, file: { key: { ...jwk, key_ops: [...jwk.key_ops] }, iv: encode(iv), hashes: { sha256 }, v: "v2" } };
}

/** @throws Error when the bytes are not those that were encrypted */
export async function decrypt(data: ArrayBuffer, file: Omit<EncryptedFile, "url">): Promise<ArrayBuffer> {
  const sha256 = encode(new Uint8Array(await crypto.subtle.digest("SHA-256", data)));
  if (sha256 !== file.hashes.sha256.replace(/=+$/, "")) throw new Error("the file was changed on its way");
  const key = await crypto.subtle.importKey("jwk", file.key, { name: "AES-CTR" }, false, ["decrypt"]);
  return crypto.subtle.decrypt({ name: "AES-CTR", counter: decode(file.iv), length: 64 }, key, data);
}

/** Uploads a letter's attachment; the content to send. */
export async function upload(client: MatrixClient, room: Room, letter: Letter): Promise<Record<string, unknown>> {
  const { attachment } = letter;
  if (attachment === null) return letter.content;
  const { blob, thumbnail } = attachment;
  const encrypted = room.hasEncryptionStateEvent();
  const small = thumbnail ? await put(client, thumbnail.blob, encrypted, "", () => undefined) : null;
  const whole = await put(client, blob, encrypted, attachment.name, (part) => {
    for (const listener of listeners) listener(letter.id, part);
  });
  const info = {
    mimetype: blob.type || "application/octet-stream",
    size: blob.size,
    ...(attachment.width ? { w: attachment.width, h: attachment.height } : {}),
    ...(attachment.durationMs ? { duration: attachment.durationMs } : {}),
    ...(thumbnail && small
      ? {
          [encrypted ? "thumbnail_file" : "thumbnail_url"]: small,
          thumbnail_info: { mimetype: thumbnail.blob.type, size: thumbnail.blob.size, w: thumbnail.width, h: thumbnail.height },
        }
      : {}),
  };
  return { ...letter.content, filename: attachment.name, [encrypted ? "file" : "url"]: whole, info };
}

/** Uploads bytes, encrypted if the room is; what a message says of where they are. */
async function put(
  client: MatrixClient,
  blob: Blob,
  encrypted: boolean,
  name: string,
  tell: (part: number) => void,
): Promise<string | EncryptedFile> {
  const progressHandler = ({ loaded, total }: { loaded: number; total: number }) => tell(total ? loaded / total : 0);
  if (!encrypted) return (await client.uploadContent(blob, { name, progressHandler })).content_uri;
  const { data, file } = await encrypt(await blob.arrayBuffer());
  const { content_uri } = await client.uploadContent(new Blob([data]), {
    type: "application/octet-stream",
    includeFilename: false,
    progressHandler,
  });
  return { ...file, url: content_uri };
}

/** The bytes of an attachment, checked and decrypted. */
export async function download(
  client: MatrixClient,
  fetch: typeof globalThis.fetch,
  source: string | EncryptedFile,
  mimetype: string,
): Promise<Blob> {
  const mxc = typeof source === "string" ? source : source.url;
  const url = client.mxcUrlToHttp(mxc, undefined, undefined, undefined, false, true, true);
  if (url === null) throw new Error("the message names no file");
  const response = await fetch(url, { headers: { Authorization: `Bearer ${client.getAccessToken() ?? ""}` } });
  if (!response.ok) throw new Error(`the file could not be fetched: ${response.status}`);
  const data = await response.arrayBuffer();
  return new Blob([typeof source === "string" ? data : await decrypt(data, source)], { type: mimetype });
}
