// What was said is found by any part of a word; edits and removals count, in any order of arrival.
import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { openDB } from "idb";
import { type Entry, SearchIndex, searchName } from "../src/matrix/searchIndex";
import { around, textParts, wordAfterAt } from "../src/parts/textParts";

function entry(eventId: string, text: string, timeMs: number, versionMs = timeMs): Entry {
  return { eventId, roomId: "!r", sender: "@a:b", timeMs, text, versionMs };
}
const ids = (found: Entry[]) => found.map(({ eventId }) => eventId);

test("parts of Korean words, several words and large letters find a message, the newest first", async () => {
  const index = await SearchIndex.open("@one:b");
  index.add(entry("$1", "오늘 저녁에 마을회관에서 봐", 1));
  index.add(entry("$2", "마을 Beacon 점검", 2));
  expect(ids(index.search("마을", 10))).toEqual(["$2", "$1"]);
  expect(ids(index.search("회관 저녁", 10))).toEqual(["$1"]);
  expect(ids(index.search("BEACON", 10))).toEqual(["$2"]);
  // As a Mac writes the same letters: in pieces.
  expect(ids(index.search("회관".normalize("NFD"), 10))).toEqual(["$1"]);
  expect(index.search("  ", 10)).toEqual([]);
  expect(index.search("마을", 1)).toHaveLength(1);
});

test("it is all there after a reload, edits and removals too", async () => {
  const index = await SearchIndex.open("@two:b");
  index.add(entry("$late", "고친 글", 9, 9));
  index.add(entry("$late", "처음 글", 5, 5));
  index.add(entry("$gone", "지울 글", 6));
  index.remove("$gone");
  await index.settled();
  index.close();
  const again = await SearchIndex.open("@two:b");
  expect(again.search("글", 10).map(({ text }) => text)).toEqual(["고친 글"]);
});

test("what is removed or written anew leaves the disk with the next start, and many small batches become few", async () => {
  const index = await SearchIndex.open("@three:b");
  index.add(entry("$gone", "지울 글", 1));
  index.add(entry("$edited", "처음 글", 2));
  await index.settled();
  index.remove("$gone");
  index.add(entry("$edited", "고친 글", 2, 3));
  await index.settled();
  for (let number = 0; number < 120; number++) {
    index.add(entry(`$${number}`, `${number}번 글`, 10 + number));
    await index.settled();
  }
  index.close();
  const again = await SearchIndex.open("@three:b");
  expect(again.search("글", 500)).toHaveLength(121);
  again.close();
  const db = await openDB(searchName("@three:b"), 2);
  const batches = (await db.getAll("batches")) as string[];
  expect(batches).toHaveLength(1);
  expect(batches[0]).not.toMatch(/지울|처음/);
  db.close();
});

test("what an earlier version wrote is found still", async () => {
  const before = await openDB(searchName("@four:b"), 1, {
    upgrade: (made) => void made.createObjectStore("messages", { keyPath: "eventId" }),
  });
  await before.put("messages", entry("$old", "옛 글", 1));
  before.close();
  for (let start = 0; start < 2; start++) {
    const index = await SearchIndex.open("@four:b");
    expect(ids(index.search("옛", 10))).toEqual(["$old"]);
    index.close();
  }
});

test("a text is cut into links and names, and nothing of it is a page's", () => {
  const parts = textParts("@홍길동 <b>봐</b> https://a.kr/x?y=1. 끝", ["홍", "홍길동"]);
  expect(parts.filter(({ kind }) => kind !== "plain")).toEqual([
    { kind: "mention", text: "@홍길동" },
    { kind: "link", text: "https://a.kr/x?y=1" },
  ]);
  expect(parts.map(({ text }) => text).join("")).toBe("@홍길동 <b>봐</b> https://a.kr/x?y=1. 끝");
  expect(textParts("javascript:alert(1)", [])).toEqual([{ kind: "plain", text: "javascript:alert(1)" }]);
});

test("what was found stands near the beginning of what is shown of a message", () => {
  expect(around("내일 회관에서 봐", "회관")).toEqual(["내일 ", "회관", "에서 봐"]);
  expect(around("See you in the Hall", "hall")).toEqual(["See you in the ", "Hall", ""]);
  const [before, found, after] = around(`${"길다 ".repeat(50)}회관에서`, "회관");
  expect([before.length < 20, before.startsWith("…"), found, after]).toEqual([true, true, "회관", "에서"]);
  expect(around("아무것도", "없다")).toEqual(["아무것도", "", ""]);
  // Lower case makes this letter two, and every place after it another.
  expect(around("İ회관", "회관")).toEqual(["İ회관", "", ""]);
});

test("the word after an @ is what one is looking for, and an address is not", () => {
  expect(wordAfterAt("안녕 @ㅎㄱ", 6)).toBe("ㅎㄱ");
  expect(wordAfterAt("a@b", 3)).toBeNull();
  expect(wordAfterAt("@a b", 4)).toBeNull();
});
