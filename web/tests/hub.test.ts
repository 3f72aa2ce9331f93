// The hub's page: what phones read on its poster, and moving in by an invitation.
import { expect, test } from "vitest";
import { HubError, joinLink, standing, wifiText } from "../src/matrix/hub";
import { readPlace } from "../src/matrix/links";
import { homes, moveIn, NotChosen, settle } from "../src/matrix/residency";

test("a Wi-Fi's name and password may have any character", () => {
  expect(wifiText("bongsu", "12345678")).toBe("WIFI:T:WPA;S:bongsu;P:12345678;;");
  expect(wifiText('면사무소;"2"', "a\\b:c,d")).toBe('WIFI:T:WPA;S:면사무소\\;\\"2\\";P:a\\\\b\\:c\\,d;;');
  expect(wifiText("open", "")).toBe("WIFI:T:nopass;S:open;;");
});

test("the link of a code leads to the first screen with the code", () => {
  expect(readPlace(new URL(joinLink("https://talk.kr", "aB3_-x")).hash)).toEqual({ screen: "join", token: "aB3_-x" });
});

test("who does not run the hub is refused with its sentence", async () => {
  const refuse = () => Promise.resolve(new Response(JSON.stringify({ error: "Only the operators." }), { status: 403 }));
  await expect(standing(refuse)).rejects.toEqual(new HubError(403, "Only the operators."));
});

test("a newcomer moves in where the invitation says, as soon as it can be told", async () => {
  const kept = new Map([["hub", "jongno"]]);
  const store = { getItem: (key: string) => kept.get(key) ?? null, removeItem: (key: string) => void kept.delete(key) };
  await expect(settle(() => Promise.resolve(new Response("{}", { status: 403 })), store, "hub")).rejects.toThrow(NotChosen);
  expect(kept.get("hub")).toBe("jongno");
  const asked: unknown[] = [];
  const api = (path: string, init?: RequestInit) => {
    asked.push([path, init?.method, init?.body]);
    return Promise.resolve(new Response(JSON.stringify({ hubs: ["jongno"] })));
  };
  await settle(api, store, "hub");
  await settle(api, store, "hub");
  expect(asked).toEqual([["/_bongsu/client/v1/residency", "PUT", '{"hub":"jongno"}']]);
  expect(await homes(api)).toEqual(["jongno"]);
  expect(await moveIn(api, "jongno")).toEqual(["jongno"]);
});
