// The alert for radio, at most 200 bytes (docs/protocol/tower.md, The brief). Made here, so that nobody signs what a
// node made up. Pure.
import { encode } from "cborg";
import { type AlertContent, CODED } from "./alert";
import { message, statementId, unhex, utf8 } from "./statement";

const VERSION = 1;
const ID_BYTES = 8;

/** The payload of a brief with this headline: of the alert's own, as far as there is room. */
export async function payload(content: AlertContent, headline: string): Promise<Uint8Array> {
  if (!isShortened(headline, content.texts.ko.headline)) throw new Error("the headline for radio is not the alert's");
  const code = Object.entries(CODED).reduceRight((sum, [name, words]) => sum * 16 + words.indexOf(content[name as keyof typeof CODED]), 0);
  const references = (content.references ?? []).map((id) => unhex(id).subarray(0, ID_BYTES));
  const id = unhex(await statementId("alert", content)).subarray(0, ID_BYTES);
  const lastsS = (content.expires - content.sent) / 1000;
  return encode([VERSION, id, code, content.sent / 1000, lastsS, content.areas, content.event, headline, references]);
}

/** What is signed of a brief. */
export function briefMessage(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  const domain = utf8("bongsu alert-brief 1\n");
  const whole = new Uint8Array(domain.length + raw.length);
  whole.set(domain);
  whole.set(raw, domain.length);
  return whole;
}

/** The whole text with single spaces, or its beginning and an ellipsis. */
export function isShortened(short: string, long: string): boolean {
  const words = long.split(/\s+/).filter(Boolean).join(" ");
  return short === words || (short.endsWith("…") && short.length > 1 && words.startsWith(short.slice(0, -1)));
}

export const alertMessage = (content: AlertContent): Uint8Array<ArrayBuffer> => message("alert", content);
