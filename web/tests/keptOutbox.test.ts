// What was not sent when a session was ended waits for its owner, and for nobody else.
import { IDBFactory } from "fake-indexeddb";
import { expect, test } from "vitest";
import { handOver, outboxName, readKept, writeKept } from "../src/matrix/keptOutbox";
import { WARNINGS_KEY } from "../src/state/keys";
import type { TextStore } from "../src/matrix/session";

function fakeStore(): TextStore {
  const held = new Map<string, string>();
  return {
    getItem: (key) => held.get(key) ?? null,
    setItem: (key, value) => void held.set(key, value),
    removeItem: (key) => void held.delete(key),
  };
}

async function withOutbox(): Promise<IDBFactory> {
  const databases = new IDBFactory();
  await new Promise((done) => {
    const opened = databases.open(outboxName("@hong:x"));
    opened.onsuccess = () => {
      opened.result.close();
      done(null);
    };
  });
  return databases;
}

const names = async (databases: IDBFactory) => (await databases.databases()).map(({ name }) => name);

test.each([
  ["@hong:x", 1],
  ["@kim:x", 0],
  [null, 0],
])("after a log-in of %s there are %i outboxes", async (userId, left) => {
  const [store, databases] = [fakeStore(), await withOutbox()];
  writeKept(store, { userId: "@hong:x", letters: 2 });
  store.setItem(WARNINGS_KEY, "what hong said");
  expect(readKept(store)).toEqual({ userId: "@hong:x", letters: 2 });
  handOver(store, databases, userId);
  expect(readKept(store)).toBeNull();
  expect(store.getItem(WARNINGS_KEY)).toBe(left ? "what hong said" : null);
  await expect.poll(() => names(databases)).toHaveLength(left);
});

test("a note that makes no sense is none", () => {
  const store = fakeStore();
  for (const text of ["", "{", "null", '{"userId":"@hong:x","letters":0}']) {
    store.setItem("bongsu.kept", text);
    expect(readKept(store)).toBeNull();
  }
});
