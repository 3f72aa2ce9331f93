// What officers sign: canonical JSON behind words of its own kind (docs/protocol/tower.md, Signed statements). Pure.

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json | undefined };

export type Kind = "alert" | "safety-call" | "incident-act" | "tower-request";

/** Matrix's canonical JSON: keys in the order of their code points, no white space, whole numbers only. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new Error(`${value} is no whole number`);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  fields.sort(([a], [b]) => byCodePoints(a, b));
  return `{${fields.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(",")}}`;
}

/** JavaScript itself compares UTF-16 units, which puts letters beyond U+FFFF before some below it. */
function byCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The bytes that are signed. */
export const message = (kind: Kind, content: Json): Uint8Array<ArrayBuffer> => utf8(`bongsu ${kind} 1\n${canonical(content)}`);

export const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const unhex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

const half = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes), 0, 16));

export const statementId = (kind: Kind, content: Json): Promise<string> => half(message(kind, content));

export const keyId = (publicKey: Uint8Array<ArrayBuffer>): Promise<string> => half(publicKey);

/** Unpadded base64, as Matrix writes it. */
export const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");

export const unbase64 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** A statement with its one signature as a line of text, to be carried by hand. */
export function line(kind: Kind, content: Json, signature: string): string {
  const text = base64(utf8(canonical({ content, signature })));
  return `${kind}:${text.replaceAll("+", "-").replaceAll("/", "_")}`;
}
