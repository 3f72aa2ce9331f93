// What is said in answer to what.
import { expect, test } from "vitest";
import { text } from "../src/matrix/compose";

test("an answer names what it answers", () => {
  expect(text("!r", "네", { id: "$a", thread: null }).content["m.relates_to"]).toEqual({ "m.in_reply_to": { event_id: "$a" } });
});

test("an answer in a thread stays in it, and is a real answer there", () => {
  expect(text("!r", "네", { id: "$b", thread: "$a" }).content["m.relates_to"]).toEqual({
    rel_type: "m.thread",
    event_id: "$a",
    is_falling_back: false,
    "m.in_reply_to": { event_id: "$b" },
  });
});

test("what answers nothing is related to nothing", () => {
  expect(text("!r", "네").content).not.toHaveProperty("m.relates_to");
});
