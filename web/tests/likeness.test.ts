// Lines are taken for equally high only where nothing can make one of them higher.
import { expect, test } from "vitest";
import type { Item, Line } from "../src/matrix/layout";
import { likeness } from "../src/parts/likeness";
import { line } from "./line";

const PHONE_PX = 360;
const PC_PX = 900;
const said: Line = { ...line("$1", "@a:b", 0), senderName: "홍길동", what: { kind: "text", text: "네", html: null, edited: false } };
const message = (changes: Partial<Line>, head = false): Item => ({ kind: "message", key: "$1", line: { ...said, ...changes }, head, tail: true });
const text = (words: string): Partial<Line> => ({ what: { kind: "text", text: words, html: null, edited: false } });
const like = (item: Item, widthPx = PHONE_PX) => likeness(item, widthPx, 16);

test("short lines are alike, and those with a name above are alike among themselves", () => {
  expect(like(message({}))).toBe(like(message(text("고마워요"))));
  expect(like(message({}, true))).not.toBe(like(message({})));
  expect(like(message({}, true))).not.toBe(like(message({ mine: true }, true)));
});

test.each([
  ["what may be folded on a phone", text("마을 회관에 물이 있어요")],
  ["two lines", text("네\n네")],
  ["letters that may be wider or higher than others", text("﷽")],
  ["a reaction", { reactions: [{ key: "👍", count: 1, mine: null }] }],
  ["a reply", { replyTo: { name: "a", text: "b" } }],
  ["what is not sent", { state: "refused" as const }],
  ["no text", { what: { kind: "deleted" as const } }],
])("%s has to be measured", (_, changes) => {
  expect(like(message(changes))).toBeNull();
});

test("a wide screen holds in one line what a phone does not", () => {
  expect(like(message(text("마을 회관에 물이 있어요")), PC_PX)).toBe("line");
});
