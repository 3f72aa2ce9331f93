// Addresses, names and the stored session, good and bad.
import { expect, test } from "vitest";
import { isUsable, localpart, register } from "../src/matrix/auth";
import { hashOf, hubOf, linkTo, type Place, placeOf, readPlace } from "../src/matrix/links";
import { readSession, writeSession } from "../src/matrix/session";

test.each<Place>([
  { screen: "chats" },
  { screen: "settings" },
  { screen: "group" },
  { screen: "courier" },
  { screen: "hub" },
  { screen: "join", token: "aB3_-x" },
  { screen: "room", roomId: "!aB/+:x" },
  { screen: "room", roomId: "!aB/+:x", eventId: "$e/+f" },
  { screen: "person", userId: "@hong:talk.example.kr" },
])("an address says where it leads: %o", (place) => {
  expect(readPlace(hashOf(place))).toEqual(place);
});

test.each(["", "#", "#/u/hong", "#/room/x", "#/nothing", "#/u/%E0%A4%A", "#/u/@a b:c", "#/join", "#/join/%3Cb%3E"])(
  "an address that leads nowhere leads to the chats: %s",
  (hash) => expect(readPlace(hash)).toEqual({ screen: "chats" }),
);

test("a link to a person is short enough to read out", () => {
  expect(linkTo("https://talk.kr", "@hong:talk.kr")).toBe("https://talk.kr/#/u/@hong:talk.kr");
});

test("a link may name the town hall of who is invited", () => {
  const link = linkTo("https://talk.kr", "@hong:talk.kr", "jongno");
  expect(link).toBe("https://talk.kr/?hub=jongno#/u/@hong:talk.kr");
  expect(hubOf(new URL(link).search)).toBe("jongno");
  expect(hubOf("?hub=%3Cb%3E")).toBeNull();
  expect(hubOf("")).toBeNull();
});

test("addresses that people type lead somewhere", () => {
  expect(placeOf("/hub", "")).toEqual({ screen: "hub" });
  expect(placeOf("/courier", "")).toEqual({ screen: "courier" });
  expect(placeOf("/tower", "")).toEqual({ screen: "tower" });
  expect(placeOf("/hub", "#/chats")).toEqual({ screen: "chats" });
  expect(placeOf("/", "")).toEqual({ screen: "chats" });
});

test("names are taken as people type them", () => {
  expect(localpart(" @Hong:talk.kr ")).toBe("hong");
  expect(isUsable("hong.gildong")).toBe(true);
  expect(isUsable("홍길동")).toBe(false);
  expect(isUsable("")).toBe(false);
});

test("a stored session is read back; a broken one is none", () => {
  const kept = new Map<string, string>();
  const store = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const session = { userId: "@a:b", deviceId: "D", accessToken: "t", recoveryKey: null, kitSaved: false };
  expect(readSession(store)).toBeNull();
  writeSession(store, session);
  expect(readSession(store)).toEqual(session);
  kept.set("bongsu.session", "{");
  expect(readSession(store)).toBeNull();
  kept.set("bongsu.session", "{}");
  expect(readSession(store)).toBeNull();
});

test("registering walks through the stages the server asks for, the invitation first", async () => {
  const bodies: { auth?: { type: string } }[] = [];
  const flows = [{ stages: ["m.login.registration_token", "m.login.dummy"] }];
  const answers: [number, object][] = [
    [401, { session: "s", flows }],
    [401, { session: "s", flows, completed: ["m.login.registration_token"] }],
    [200, { user_id: "@a:b", device_id: "D", access_token: "t" }],
  ];
  const fetch = (_: string, init?: RequestInit) => {
    bodies.push(JSON.parse(String(init?.body)) as { auth?: { type: string } });
    const [status, body] = answers[bodies.length - 1] as [number, object];
    return Promise.resolve(new Response(JSON.stringify(body), { status }));
  };
  const session = await register(fetch, "a", "password", "phone", "code");
  expect(session.accessToken).toBe("t");
  expect(bodies.map((body) => body.auth?.type)).toEqual([
    undefined,
    "m.login.registration_token",
    "m.login.dummy",
  ]);
});

test("without the invitation that is needed, it says so", async () => {
  const body = { session: "s", flows: [{ stages: ["m.login.registration_token"] }] };
  const fetch = () => Promise.resolve(new Response(JSON.stringify(body), { status: 401 }));
  await expect(register(fetch, "a", "password", "phone")).rejects.toMatchObject({
    errcode: "INVITATION_NEEDED",
  });
});
