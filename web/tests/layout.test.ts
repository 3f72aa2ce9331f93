// How lines are laid out, who has read what, who is found, and what is encrypted comes back.
import { expect, test } from "vitest";
import { byName, matches } from "../src/matrix/contacts";
import { layout, type Line, prepend, unreadCounts } from "../src/matrix/layout";
import { decrypt, encrypt } from "../src/matrix/upload";
import { line } from "./line";

const NOON = new Date(2026, 10, 22, 12, 0).getTime();

test("what came since the last look is marked, and nothing is when the last word is one's own", () => {
  const lines = [line("1", "a", NOON), line("2", "b", NOON), line("3", "b", NOON)];
  const kinds = (readUpTo: string | null) => layout(lines, readUpTo).map((item) => item.key);
  expect(kinds("1")[2]).toBe("unread");
  expect(kinds("3")).not.toContain("unread");
  expect(kinds("gone")).not.toContain("unread");
  expect(layout([lines[0] as Line, { ...line("2", "me", NOON), mine: true }], "1").map((item) => item.kind)).not.toContain("unread");
});

test("one person's messages of one minute are one run, and each day begins with its date", () => {
  const items = layout([
    line("1", "a", NOON),
    line("2", "a", NOON + 10_000),
    line("3", "b", NOON + 20_000),
    line("4", "b", NOON + 90_000),
    line("5", "b", NOON + 24 * 3_600_000),
  ]);
  const drawn = items.map((item) =>
    item.kind === "message" ? `${item.key}${item.head ? "h" : ""}${item.tail ? "t" : ""}` : item.kind,
  );
  expect(drawn).toEqual(["day", "1h", "2t", "3ht", "4ht", "day", "5ht"]);
  expect(new Set(items.map((item) => item.key)).size).toBe(items.length);
});

test("a notice stands between runs", () => {
  const joined: Line = { ...line("2", "a", NOON), what: { kind: "joined", names: "a" } };
  const items = layout([line("1", "a", NOON), joined, line("3", "a", NOON)]);
  expect(items.map((item) => item.kind)).toEqual(["day", "message", "notice", "message"]);
  expect(items.filter((item) => item.kind === "message").every((item) => item.head && item.tail)).toBe(true);
});

test("older lines put above what is laid out give what all together would", () => {
  const joined: Line = { ...line("3", "a", NOON + 5_000), what: { kind: "joined", names: "a" } };
  const lines = [
    line("1", "a", NOON - 24 * 3_600_000),
    line("2", "a", NOON),
    joined,
    line("4", "a", NOON + 10_000),
    line("5", "a", NOON + 20_000),
    line("6", "b", NOON + 30_000),
    line("7", "b", NOON + 24 * 3_600_000),
  ];
  for (const readUpTo of [null, "5"])
    for (let held = lines.length; held >= 0; held--)
      for (let kept = held; kept < lines.length; kept++) {
        const [older, first] = [lines.slice(0, held), lines.slice(held)];
        // The mark's own line has to be among those that are held.
        const mark = first.some(({ id }) => id === readUpTo) ? readUpTo : null;
        const [oldest, next] = [older.slice(0, kept - held), older.slice(kept - held)];
        expect(prepend(oldest, prepend(next, layout(first, mark)))).toEqual(layout(lines, mark));
      }
});

test("the unread number counts members but the sender who have not come so far", () => {
  const read = new Map([
    ["a", -1],
    ["b", 0],
    ["c", -1],
  ]);
  expect(unreadCounts(["a", "a", "b"], read)).toEqual([1, 1, 2]);
  expect(unreadCounts([], read)).toEqual([]);
});

test.each([
  ["ㅎㄱㄷ", true],
  ["길동", true],
  ["hong", true],
  ["홍 길동", true],
  ["", true],
  ["ㅎㅎ", false],
  ["김", false],
])("%s finds 홍길동: %s", (typed, found) => {
  expect(matches({ userId: "@hong:x", name: "홍길동" }, typed)).toBe(found);
});

test("friends are in the order of their language", () => {
  const names = ["하나", "가람", "나래"].map((name) => ({ userId: name, name }));
  expect(byName(names, "ko").map((each) => each.name)).toEqual(["가람", "나래", "하나"]);
});

test("an attachment comes back as it was, and a changed one does not", async () => {
  const plain = new TextEncoder().encode("사진 한 장").buffer;
  const { data, file } = await encrypt(plain);
  expect(new Uint8Array(data)).not.toEqual(new Uint8Array(plain));
  expect(new TextDecoder().decode(await decrypt(data, file))).toBe("사진 한 장");
  new Uint8Array(data).reverse();
  await expect(decrypt(data, file)).rejects.toThrow("changed");
});
