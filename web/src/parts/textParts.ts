// A message's text cut into plain pieces, links and names that are spoken to. Nothing of it is ever read as HTML.

export interface TextPart {
  kind: "plain" | "link" | "mention";
  text: string;
}

// The end of a sentence is not the end of an address.
const LINK = /(https?:\/\/[^\s<>"']*[^\s<>"'.,!?:;)\]}])/;

/** @param names of the people spoken to, as they stand in the text after an @ */
export function textParts(text: string, names: string[]): TextPart[] {
  const mention = pattern(names);
  return text.split(LINK).flatMap((piece, index): TextPart[] => {
    if (index % 2) return [{ kind: "link", text: piece }];
    if (mention === null) return [{ kind: "plain", text: piece }];
    return piece.split(mention).map((part, at) => ({ kind: at % 2 ? "mention" : "plain", text: part }));
  });
}

function pattern(names: string[]): RegExp | null {
  const escaped = names.filter(Boolean).map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // The longest first, so that "홍길동" is not taken for "홍".
  return escaped.length > 0 ? new RegExp(`(@(?:${escaped.sort((a, b) => b.length - a.length).join("|")}))`) : null;
}

// What stands before a word that was found: less than a line of a phone.
const BEFORE_CHARACTERS = 12;

/** A text around what was looked for: what stands before it, it, what follows. Nothing found: all of it stands before. */
export function around(text: string, wanted: string): [before: string, found: string, after: string] {
  // Some letters change their number with their size; then nothing is marked.
  const lower = text.toLowerCase();
  const at = lower.length === text.length ? lower.indexOf(wanted.toLowerCase()) : -1;
  if (at < 0 || wanted === "") return [text, "", ""];
  const from = at > 2 * BEFORE_CHARACTERS ? at - BEFORE_CHARACTERS : 0;
  const end = at + wanted.length;
  return [(from > 0 ? "…" : "") + text.slice(from, at), text.slice(at, end), text.slice(end)];
}

/** The word with an @ that is being written just before the caret; null when there is none. */
export function wordAfterAt(text: string, caret: number): string | null {
  return /(?:^|\s)@([^\s@]*)$/.exec(text.slice(0, caret))?.[1] ?? null;
}
