// An officer's key: made in this browser or opened from the file of `bongsu tower key`, kept where no script can read
// it, and saved to a file that the command line opens, too. The passphrase is stretched as there: scrypt, 64 MiB.
import { scryptAsync } from "@noble/hashes/scrypt.js";
import { openDB } from "idb";
import { base64, keyId, line, message, type Kind, type Json, unbase64, utf8 } from "./statement";

export interface OfficerKey {
  id: string;
  publicKey: string;
  name: string;
  sign: (bytes: Uint8Array<ArrayBuffer>) => Promise<string>;
}

interface KeyFile {
  kind: string;
  public_key: string;
  salt: string;
  nonce: string;
  sealed: string;
}

interface Kept {
  publicKey: string;
  name: string;
  key: CryptoKey;
}

const KIND = "bongsu tower key 1";
const SCRYPT = { N: 2 ** 16, r: 8, p: 1, dkLen: 32 };
/** As the command line wants it. */
export const PASSPHRASE_CHARACTERS_MIN = 12;
// RFC 8410: what stands before the 32 bytes of an Ed25519 key in PKCS #8.
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);

const pkcs8 = (secret: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.of(...PKCS8, ...secret);

export async function fromSecret(secret: Uint8Array, name: string): Promise<{ kept: Kept; key: OfficerKey }> {
  // For a moment extractable, because that is the only way to its public half; what is kept is not.
  const open = await crypto.subtle.importKey("pkcs8", pkcs8(secret), "Ed25519", true, ["sign"]);
  const { x = "" } = await crypto.subtle.exportKey("jwk", open);
  const publicKey = x.replaceAll("-", "+").replaceAll("_", "/");
  const shut = await crypto.subtle.importKey("pkcs8", pkcs8(secret), "Ed25519", false, ["sign"]);
  const kept = { publicKey, name, key: shut };
  return { kept, key: await opened(kept) };
}

async function opened({ publicKey, name, key }: Kept): Promise<OfficerKey> {
  return {
    id: await keyId(unbase64(publicKey)),
    publicKey,
    name,
    sign: async (bytes) => base64(new Uint8Array(await crypto.subtle.sign("Ed25519", key, bytes))),
  };
}

/** A new key and its sealed file, which is the only copy that can leave this browser. */
export async function make(userId: string, name: string, passphrase: string): Promise<{ key: OfficerKey; file: string }> {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const { kept, key } = await fromSecret(secret, name);
  const file = await seal(secret, kept.publicKey, passphrase);
  await keep(userId, kept);
  return { key, file };
}

async function seal(secret: Uint8Array<ArrayBuffer>, publicKey: string, passphrase: string): Promise<string> {
  const [salt, iv] = [crypto.getRandomValues(new Uint8Array(16)), crypto.getRandomValues(new Uint8Array(12))];
  const covered = { name: "AES-GCM", iv, additionalData: utf8(`${KIND}\n${publicKey}`) };
  const sealed = await crypto.subtle.encrypt(covered, await stretch(passphrase, salt, "encrypt"), secret);
  const file: KeyFile = { kind: KIND, public_key: publicKey, salt: base64(salt), nonce: base64(iv), sealed: base64(new Uint8Array(sealed)) };
  return `${JSON.stringify(file)}\n`;
}

/** The secret in a key file. @throws Error when it is none, or the passphrase is another */
export async function unseal(text: string, passphrase: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = JSON.parse(text) as KeyFile;
  if (file.kind !== KIND) throw new Error("this is no key of a tower");
  const covered = { name: "AES-GCM", iv: unbase64(file.nonce), additionalData: utf8(`${KIND}\n${file.public_key}`) };
  const key = await stretch(passphrase, unbase64(file.salt), "decrypt");
  return new Uint8Array(await crypto.subtle.decrypt(covered, key, unbase64(file.sealed)));
}

async function stretch(passphrase: string, salt: Uint8Array, use: KeyUsage): Promise<CryptoKey> {
  const raw = (await scryptAsync(utf8(passphrase), salt, SCRYPT)) as Uint8Array<ArrayBuffer>;
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, [use]);
}

/** Opens a key file into this browser. @throws Error as `unseal` */
export async function load(userId: string, text: string, name: string, passphrase: string): Promise<OfficerKey> {
  const { kept, key } = await fromSecret(await unseal(text, passphrase), name);
  await keep(userId, kept);
  return key;
}

const STORE = "key";
// The name begins like every store of an account, so that logging out removes it, too.
const database = (userId: string) => openDB(`bongsu-tower-${userId}`, 1, { upgrade: (opened) => void opened.createObjectStore(STORE) });

async function keep(userId: string, kept: Kept): Promise<void> {
  const held = await database(userId);
  await held.put(STORE, kept, "mine");
  held.close();
}

/** The key that this browser keeps for the account, if there is one. */
export async function mine(userId: string): Promise<OfficerKey | null> {
  const held = await database(userId);
  const kept = (await held.get(STORE, "mine")) as Kept | undefined;
  held.close();
  return kept ? opened(kept) : null;
}

export async function forget(userId: string): Promise<void> {
  const held = await database(userId);
  await held.delete(STORE, "mine");
  held.close();
}

/** The line that the holder of the root key needs: `bongsu tower add`. */
export async function request({ publicKey, name, sign }: OfficerKey): Promise<string> {
  const content = { public_key: publicKey, name };
  return line("tower-request", content, await sign(message("tower-request", content)));
}

/** A statement with this officer's signature, as it is handed in. */
export async function signed<T extends Json>(kind: Kind, content: T, key: OfficerKey): Promise<{ content: T; signatures: Record<string, string> }> {
  return { content, signatures: { [key.id]: await key.sign(message(kind, content)) } };
}
