// Hubs go on alone, and a phone carries between them: `node couriers.mjs LAB FOLDER LANGUAGE PROGRAM`, where LAB is the
// folder of a running `bongsu lab` of one data centre and two hubs. The data centre goes, two people at each hub talk in
// one room, a courier walks there and back, links return, and everybody has everything once.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { drive, kitOf, step } from "./driver.mjs";

const [lab, folder, language, program] = process.argv.slice(2);
const { nodes, nats } = JSON.parse(readFileSync(join(lab, "lab.json"), "utf8"));
const [core, h1, h2] = ["a", "h1", "h2"].map((site) => nodes.find((node) => node.site === site));
const PHONE = 360;
const WAIT_MS = 60_000;
const MERGED_MS = 60_000;
const { texts, person, register, say, shows, shot, tab, button, like, menu, restless, tell, allowed } = await drive(core.url, folder, language, PHONE);
allowed.push(h1.url, h2.url);

const bongsu = (...words) => execFileSync(program, ["lab", ...words], { stdio: "pipe" });
const link = (hub, other, how) => bongsu("link", hub, other, how, "--dir", lab);

async function eventually(holds, what) {
  const endMs = Date.now() + WAIT_MS;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > endMs) throw new Error(`it never came to be so: ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** What somebody is told of the API at a site, with the session of their page; with a `body`, what they put there. */
async function asked(page, site, path, body) {
  const token = await page.evaluate(() => JSON.parse(localStorage.getItem("bongsu.session")).accessToken);
  const put = body && { method: "PUT", body: JSON.stringify(body) };
  const response = await fetch(`${site.url}${path}`, { ...put, headers: { Authorization: `Bearer ${token}` } });
  return response.ok ? response.json() : {};
}

const roomOf = (page) => decodeURIComponent(new URL(page.url()).hash.split("/")[2]);

/** Somebody who comes to a chat by the link of another, and becomes a resident where the link says. */
async function invited(name, hub, hash) {
  const page = await person(name, `/?hub=${hub.site}${hash}`);
  await register(page, name);
  await page.getByLabel(texts.write_message).waitFor();
  await kitOf(page);
  return page;
}

async function accept(page) {
  await button(page, "accept").first().click();
  await page.getByLabel(texts.write_message).waitFor();
  await button(page, "back").click();
}

const GROUP = "우리 마을";
const openGroup = (page) => page.getByRole("button", { name: new RegExp(GROUP) }).first().click();

async function meet() {
  const kim = await person("kim", "/?hub=h1");
  await register(kim, "kim");
  await kim.getByText(texts.no_chats, { exact: true }).waitFor();
  await kitOf(kim);
  await tab(kim, "me");
  const { hash } = new URL(await kim.getByRole("link", { name: /#\/u\// }).getAttribute("href"));
  await tab(kim, "chats");
  const [lee, park, choi] = [await invited("lee", h1, hash), await invited("park", h2, hash), await invited("choi", h2, hash)];
  for (let count = 0; count < 3; count++) await accept(kim);
  await tab(kim, "friends");
  await button(kim, "new_group").click();
  await kim.getByLabel(texts.group_name).fill(GROUP);
  await shot(kim, "60-kinds-of-rooms");
  for (const name of ["lee", "park", "choi"]) await kim.getByRole("button", { name, exact: true }).click();
  await button(kim, "make_group").click();
  await kim.getByLabel(texts.write_message).waitFor();
  for (const page of [lee, park, choi]) {
    await button(page, "back").click();
    await button(page, "accept").click();
    await page.getByLabel(texts.write_message).waitFor();
  }
  return { kim, lee, park, choi };
}

const bodies = async (page) =>
  (await page.getByRole("log").locator(".message .text").allTextContents()).map((text) => text.trim());

/** The room's owner gives somebody a level. */
async function setLevel(owner, site, room, userId, level) {
  const path = `${room}/state/m.room.power_levels`;
  const levels = await asked(owner, site, path);
  await asked(owner, site, path, { ...levels, users: { ...levels.users, [userId]: level } });
}

/** The courier's phone is where one site alone can be reached. */
async function walk(phone, from, to) {
  await phone.context().unrouteAll();
  for (const site of [core, h1, h2]) if (site !== to) await phone.context().route(`${site.url}/**`, (route) => route.abort());
  // Phones say so when they join another Wi-Fi.
  await phone.evaluate(() => window.dispatchEvent(new Event("online")));
  await phone.getByRole("heading", { name: texts.courier_at.replace("{site}", to.site) }).waitFor();
  // What was in reach before may still stand there.
  for (const site of [core, h1, h2])
    if (site !== to) await phone.getByRole("heading", { name: texts.courier_at.replace("{site}", site.site) }).waitFor({ state: "detached" });
}

await tell(async () => {
  // What others and their alerts do is shown as it comes.
  for (const each of ["courier"]) restless(each);
  const people = await meet();
  const { kim, lee, park, choi } = people;
  await say(kim, "다들 잘 보여?");
  for (const page of [lee, park, choi]) await shows(page, "다들 잘 보여?");
  for (const [page, text] of [[lee, "응"], [park, "잘 보여"], [choi, "나도"]]) {
    await say(page, text);
    await shows(kim, text);
  }
  const roomId = roomOf(kim);
  for (const [page, hub] of [[kim, h1], [lee, h1], [park, h2], [choi, h2]]) {
    await eventually(async () => {
      const { chunk = [] } = await asked(page, hub, `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=50`);
      return chunk.filter(({ type }) => type === "m.room.encrypted").length === 4;
    }, `everything at ${hub.site}`);
  }
  const room = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
  const parkId = await park.evaluate(() => JSON.parse(localStorage.getItem("bongsu.session")).userId);
  await setLevel(kim, core, room, parkId, 50);
  await eventually(async () => (await asked(park, h2, `${room}/state/m.room.power_levels`)).users[parkId] === 50, "park moderates");
  await button(kim, "back").click();
  await tab(kim, "me");
  await kim.getByRole("status").filter({ hasText: texts.town_hall_mine }).waitFor();
  const inviting = await kim.getByRole("link", { name: /#\/u\// }).getAttribute("href");
  if (!inviting.includes("?hub=h1")) throw new Error(`the invitation does not name the hub: ${inviting}`);
  await kim.getByRole("status").filter({ hasText: texts.town_hall_mine }).scrollIntoViewIfNeeded();
  await shot(kim, "61-town-hall");
  await tab(kim, "chats");
  await openGroup(kim);
  step("four people are residents of two hubs by their invitations, and have a room");

  for (const hub of ["h1", "h2"]) link(hub, "core", "none");
  for (const each of [...nodes, ...nats].filter(({ site }) => site === "a")) process.kill(each.pid, "SIGKILL");
  await say(kim, "센터가 꺼졌어");
  await shows(lee, "센터가 꺼졌어");
  await say(lee, "우리는 그대로네");
  await shows(kim, "우리는 그대로네");
  await say(park, "여기도 우리끼리");
  await shows(choi, "여기도 우리끼리");
  await kim.getByText(like("strip_hub_alone")).or(kim.getByText(new RegExp(texts.strip_hub_alone.split("{site}")[0].trim()))).first().waitFor({ timeout: WAIT_MS });
  await menu(kim, "센터가 꺼졌어");
  await kim.getByRole("dialog").getByText(texts.waits_for_courier).waitFor();
  await shot(kim, "62-waits-for-a-courier");
  await kim.keyboard.press("Escape");
  step("the data centre is gone, the hubs are cut off: talk goes on at each, and messages say that they wait");

  const phone = await person("courier", `${h1.url}/courier`);
  await walk(phone, h1, h1);
  await button(phone, "courier_take").click();
  await phone.getByText(like("courier_carries")).first().waitFor();
  await shot(phone, "63-courier-at-h1");
  await button(choi, "back").click();
  await walk(phone, h1, h2);
  await phone.getByText(new RegExp(texts.courier_handed.split("{site}").at(-1).replace(/[()]/g, "\\$&").replace("{size}", ".*"))).first().waitFor();
  await shot(phone, "64-courier-at-h2");
  await shows(park, "센터가 꺼졌어");
  await shows(park, "우리는 그대로네");
  const badge = choi.getByRole("button", { name: new RegExp(GROUP) }).locator(".badge");
  await eventually(async () => (await badge.textContent()) === "2", "what the courier brought is unread");
  await say(park, "잘 받았어");
  await walk(phone, h2, h1);
  for (const page of [kim, lee]) await shows(page, "여기도 우리끼리");
  step("a phone without an account carries there and back: each side reads the other, decrypted");

  await menu(kim, "센터가 꺼졌어");
  await kim.getByRole("dialog").getByText(texts.courier_took.replace("{time}", "").trim()).waitFor();
  await shot(kim, "65-a-courier-took-it");
  await kim.keyboard.press("Escape");
  // One side demotes park, who, on the other, does what is then no longer theirs to do.
  await setLevel(kim, h1, room, parkId, 0);
  await asked(park, h2, `${room}/state/m.room.topic`, { topic: "박의 공지" });
  for (const name of ["nats-a", "a"]) bongsu("start", name, "--dir", lab);
  for (const hub of ["h1", "h2"]) link(hub, "core", "lan");
  await say(kim, "다시 이어졌다");
  for (const page of [lee, park]) await page.getByRole("log").getByText("다시 이어졌다").waitFor({ timeout: MERGED_MS });
  const wanted = ["다들 잘 보여?", "응", "잘 보여", "나도", "센터가 꺼졌어", "우리는 그대로네", "여기도 우리끼리", "잘 받았어", "다시 이어졌다"];
  await eventually(async () => (await badge.textContent()) === "4", "unread after the merge");
  await openGroup(choi);
  for (const page of [kim, lee, park, choi]) {
    await shows(page, "다시 이어졌다");
    await eventually(async () => (await bodies(page)).length >= wanted.length, "the whole history");
    const said = await bodies(page);
    if ([...said].sort().join() !== [...wanted].sort().join()) throw new Error(`the chat reads: ${said.join(" / ")}`);
  }
  await shot(choi, "66-merged");
  await menu(kim, "센터가 꺼졌어");
  await kim.getByRole("dialog").getByText(texts.at_core).or(kim.getByRole("dialog").getByText(like("kept_here"))).first().waitFor();
  await kim.keyboard.press("Escape");
  step("links return: everybody has the same history once, and unread counts are right");

  const merges = `/_bongsu/client/v1/rooms/${encodeURIComponent(roomId)}/merges`;
  for (const site of [core, h1]) await eventually(async () => (await asked(kim, site, merges)).undone?.length === 1, `the merge at ${site.site}`);
  await button(kim, "room_info").click();
  await kim.getByRole("heading", { name: texts.merges }).waitFor();
  await kim.getByText(texts.merge_topic.replace("{text}", "박의 공지")).waitFor();
  await shot(kim, "67-what-a-merge-undid");
  await kim.keyboard.press("Escape");
  await button(choi, "room_info").click();
  await choi.getByRole("dialog").getByRole("heading", { name: like("members") }).waitFor();
  if (await choi.getByText(texts.merges, { exact: true }).isVisible()) throw new Error("who does not moderate is shown what the merge undid");
  step("who moderates the room is shown what the merge undid, and nobody else");
});
