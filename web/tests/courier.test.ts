// What a courier carries: what is worth it, for whom, and what becomes of it at each site.
import { expect, test } from "vitest";
import { Bag } from "../src/matrix/bag";
import { type Carried, type FileStore, isFor, type Offer, sums, toHandIn, toTake, worthCarrying } from "../src/matrix/courier";

const file = (changes: Partial<Carried> = {}): Carried => ({
  id: "1",
  from: "h1",
  to: "h2",
  bytes: 100,
  createdMs: 10,
  expiresMs: 1_000,
  records: 5,
  blob: new Blob(["sealed"]),
  passedOn: [],
  ...changes,
});
const offer = (changes: Partial<Offer> = {}): Offer => ({ site: "h2", role: "hub", waiting: [], kept: [], ...changes });

test("the newest of each maker and destination is carried until it expires, within the quota", () => {
  const files = [
    file(),
    file({ id: "2", createdMs: 20 }),
    file({ id: "3", to: "core", createdMs: 30 }),
    file({ id: "4", from: "a", expiresMs: 50 }),
  ];
  expect(worthCarrying(files, 100).map(({ id }) => id)).toEqual(["3", "2"]);
  expect(worthCarrying(files, 100, 150).map(({ id }) => id)).toEqual(["3"]);
  expect(worthCarrying(files, 1_000)).toEqual([]);
});

test("a file for the core is for every data centre", () => {
  expect(isFor({ to: "core" }, offer({ site: "a", role: "core" }))).toBe(true);
  expect(isFor({ to: "core" }, offer())).toBe(false);
  expect(isFor({ to: "h2" }, offer())).toBe(true);
});

test("a site gets what is for it, and what it may keep for others, once", () => {
  const kept = { id: "3", from: "h1", to: "core", bytes: 1, created_ms: 1, expires_ms: 2 };
  const files = [
    file(),
    file({ id: "2", to: "core" }),
    file({ id: "3", to: "core" }),
    file({ id: "4", to: "core", passedOn: ["h2"] }),
    file({ id: "5", from: "h2", to: "h1" }),
  ];
  expect(toHandIn(files, offer({ kept: [kept] })).map(({ id }) => id)).toEqual(["1", "2"]);
});

test("what a link brings is not carried", () => {
  const waiting = [
    { to: "core", records: 3, linked: true },
    { to: "h1", records: 2, linked: false },
    { to: "h3", records: 0, linked: false },
  ];
  const kept = ["core", "h1"].map((to, index) => ({ id: `k${index}`, from: "h3", to, bytes: 1, created_ms: 1, expires_ms: 2 }));
  expect(toTake([file({ id: "k9" })], offer({ waiting, kept }))).toEqual({ exports: ["h1"], kept: [kept[1]] });
});

test("one sum for each destination; what nobody counted is not counted", () => {
  expect(sums([file(), file({ to: "core", records: null }), file({ to: "core" })])).toEqual([
    { to: "core", records: null, bytes: 200 },
    { to: "h2", records: 5, bytes: 100 },
  ]);
});

function memory(files: Carried[]): FileStore {
  const kept = new Map(files.map((each) => [each.id, each]));
  return {
    all: () => Promise.resolve([...kept.values()]),
    put: (each) => Promise.resolve(void kept.set(each.id, each)),
    remove: (id) => Promise.resolve(void kept.delete(id)),
  };
}

test("what was handed in is let go; what was passed on is carried further; a refusal is told", async () => {
  const store = memory([file(), file({ id: "2", to: "core" }), file({ id: "3", from: "h3" })]);
  const answers = [
    new Response(JSON.stringify({ kept: false, new: 5, problem: null })),
    new Response(JSON.stringify({ kept: true, to: "core" })),
    new Response(JSON.stringify({ errcode: "M_INVALID_PARAM", error: "This file has expired." }), { status: 400 }),
  ];
  const bag = await Bag.open(store, () => Promise.resolve(answers.shift() as Response), () => 100);
  const receipts = await bag.handIn("https://h2", offer());
  expect(receipts.map(({ kept, problem }) => [kept, problem])).toEqual([
    [false, null],
    [true, null],
    [false, "unusable"],
  ]);
  expect((await store.all()).map(({ id, passedOn }) => [id, passedOn])).toEqual([["2", ["h2"]]]);
});

test("what a site cannot take now is kept for the next time, and what came in part is told", async () => {
  const store = memory([file(), file({ id: "2", from: "h3" })]);
  const answers = [
    new Response(JSON.stringify({ errcode: "M_RESOURCE_LIMIT_EXCEEDED", error: "The disk is nearly full." }), { status: 403 }),
    new Response(JSON.stringify({ kept: false, new: 3, problem: "This file ends early." })),
  ];
  const bag = await Bag.open(store, () => Promise.resolve(answers.shift() as Response), () => 100);
  const receipts = await bag.handIn("https://h2", offer());
  expect(receipts.map(({ problem }) => problem)).toEqual(["later", "part"]);
  expect((await store.all()).map(({ id }) => id)).toEqual(["1"]);
});

test("who goes out of reach in the middle still has what was not handed in", async () => {
  const store = memory([file()]);
  const bag = await Bag.open(store, () => Promise.reject(new TypeError("Failed to fetch")), () => 100);
  await expect(bag.handIn("https://h2", offer())).rejects.toThrow("Failed to fetch");
  expect(await store.all()).toHaveLength(1);
});

test("a hub whose clock is months behind still has its files carried", async () => {
  const nowMs = 9_000_000_000;
  const headers = { "x-bongsu-id": "f1", "x-bongsu-records": "1", "x-bongsu-expires": "5000", "x-bongsu-expires-in": "3000" };
  const bag = await Bag.open(memory([]), () => Promise.resolve(new Response("sealed", { headers })), () => nowMs);
  const kept = [{ id: "f2", from: "h3", to: "core", bytes: 6, created_ms: 2000, expires_ms: 5000, expires_in_ms: 1000 }];
  await bag.take("https://h2", offer({ waiting: [{ to: "h1", records: 1, linked: false }], kept }));
  expect(bag.files.map(({ id, expiresMs }) => [id, expiresMs - nowMs])).toEqual([
    ["f1", 3000],
    ["f2", 1000],
  ]);
});

test("a file is fetched, kept, and not fetched twice", async () => {
  const headers = { "x-bongsu-id": "f1", "x-bongsu-records": "128", "x-bongsu-expires": "9000" };
  const bag = await Bag.open(memory([]), () => Promise.resolve(new Response("sealed", { headers })), () => 100);
  const waits = offer({ waiting: [{ to: "h1", records: 128, linked: false }] });
  expect(await bag.take("https://h2", waits)).toBe(1);
  expect(bag.files[0]).toMatchObject({ id: "f1", from: "h2", to: "h1", records: 128, expiresMs: 9000, bytes: 6 });
  expect(await bag.take("https://h2", waits)).toBe(0);
});
