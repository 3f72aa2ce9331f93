// Which rows of a timeline are as high as each other: what is known of one need not be measured of the next. Pure.
import type { Item, Line } from "../matrix/layout";

// Beside the letters of a bubble stand its edges, the time, the number of who has not read, and the button.
const BESIDE_PX = 150;
const ROOM_PX = 72;
const LINE_PART = 0.86;
const LINE_PX_MAX = 640;
// Letters of which none is wider than it is high; an emoji counts twice.
const KNOWN_LETTERS = /^[\u0020-\u007e\u3131-\u318e\uac00-\ud7a3\ud83c-\ud83e\udc00-\udfff]*$/;
const NARROW = /[ \d.,!?]/g;
const NARROW_PART = 0.6;
const NAME_LETTERS_MAX = 16;

/** @returns rows of the same name are equally high; null: it has to be measured */
export function likeness(item: Item, widthPx: number, letterPx: number): string | null {
  if (item.kind === "day") return "day";
  if (item.kind !== "message" || !isLetters(item.line)) return null;
  const { line, head } = item;
  const linePx = Math.min(LINE_PART * (widthPx - ROOM_PX), LINE_PX_MAX) - BESIDE_PX;
  if (line.what.kind === "text" && !isOneLine(line.what.text, linePx / letterPx)) return null;
  if (!head) return "line";
  if (line.mine) return "first";
  return isOneLine(line.senderName, NAME_LETTERS_MAX) ? "named" : null;
}

function isOneLine(text: string, lettersMax: number): boolean {
  const narrow = text.match(NARROW)?.length ?? 0;
  return text.length - narrow + NARROW_PART * narrow <= lettersMax && KNOWN_LETTERS.test(text);
}

/** Nothing but one's words, which are not long, in a bubble. */
function isLetters({ what, replyTo, reactions, state }: Line): boolean {
  return what.kind === "text" && what.html === null && !what.edited && replyTo === null && reactions.length === 0 && state === "sent";
}
