// A day with a hub: `node hub.mjs LAB FOLDER LANGUAGE WIDTH PROGRAM`, where LAB is the folder of a running `bongsu lab` of
// one data centre and two hubs, and @kim runs the first. Its page, a newcomer, the board, the poster, a stick, a visitor.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drive, kitOf, step } from "./driver.mjs";

const [lab, folder, language, width, program] = process.argv.slice(2);
const { nodes } = JSON.parse(readFileSync(join(lab, "lab.json"), "utf8"));
const [core, h1, h2] = ["a", "h1", "h2"].map((site) => nodes.find((node) => node.site === site));
const narrow = Number(width) < 900;
const WAIT_MS = 60_000;
const COURIER = "/_bongsu/client/v1/courier";
const { texts, person, register, logIn, say, shows, shot, tab, button, dialog, like, pushes, tell, allowed } = await drive(core.url, folder, language, width);
allowed.push(h1.url, h2.url);

const link = (hub, other, how) => execFileSync(program, ["lab", "link", hub, other, how, "--dir", lab], { stdio: "pipe" });

async function eventually(holds, what) {
  const endMs = Date.now() + WAIT_MS;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > endMs) throw new Error(`it never came to be so: ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function knows(site, page) {
  const token = await page.evaluate(() => JSON.parse(localStorage.getItem("bongsu.session")).accessToken);
  const headers = { Authorization: `Bearer ${token}` };
  return (await fetch(`${site.url}/_matrix/client/v3/account/whoami`, { headers })).ok;
}

/** Waits until a page says something that stands in one of its elements, with anything for the variables. */
const says = (page, key) => page.getByText(like(key)).first().waitFor({ timeout: WAIT_MS });

await tell(async () => {
  const first = await person("kim", "/?hub=h1");
  await register(first, "kim");
  await first.getByText(texts.no_chats, { exact: true }).waitFor();
  await kitOf(first);
  await eventually(() => knows(h1, first), "kim at h1");
  await tab(first, "me");
  const { hash } = new URL(await first.getByRole("link", { name: /#\/u\// }).getAttribute("href"));
  const park = await person("park", `/?hub=h2${hash}`);
  await register(park, "park");
  await park.getByLabel(texts.write_message).waitFor();
  await kitOf(park);
  await tab(first, "chats");
  await button(first, "accept").click();
  await say(park, "안녕하세요");
  await shows(first, "안녕하세요");

  const kim = await person("operator", `${h1.url}/hub`);
  await logIn(kim, "kim");
  await says(kim, "hub_people");
  await shot(kim, "70-hub");
  step("who runs the hub types its address, logs in, and sees how it stands");

  await button(kim, "close").click();
  await tab(kim, "friends");
  await button(kim, "new_group").click();
  await kim.getByLabel(texts.group_name).fill("공지");
  await kim.getByRole("radio", { name: new RegExp(texts.room_board) }).check();
  await button(kim, "make_group").click();
  await kim.getByText(texts.relief_hint).waitFor();
  await say(kim, "물은 마을 회관에서 오후 두 시부터 나눕니다.");
  await shows(kim, "물은 마을 회관에서 오후 두 시부터 나눕니다.");
  await kim.getByText(texts.relief_room).waitFor();
  await shot(kim, "71-board-room");
  if (narrow) await button(kim, "back").click();
  await tab(kim, "chats");
  await kim.getByText(texts.relief_short).first().waitFor();
  step("a notice board says in its head, over what one writes, and in the list that hubs can read it");

  link("h1", "core", "none");
  await kim.goto(`${h1.url}/#/hub`);
  await says(kim, "hub_cut");
  await kim.getByText(texts.strip_hub_alone.replace("{site}", "h1").split("{time}").at(-1).trim()).first().waitFor({ timeout: WAIT_MS });
  await button(kim, "hub_vouch").click();
  await button(kim, "hub_vouch_make").click();
  const join_ = await kim.getByRole("dialog").getByRole("link").getAttribute("href");
  await shot(kim, "72-vouch");
  const newcomer = await person("newcomer", join_);
  await newcomer.getByLabel(texts.invitation).waitFor();
  await shot(newcomer, "73-newcomer");
  await register(newcomer, "saebom");
  await newcomer.getByText(texts.no_chats, { exact: true }).waitFor();
  if (!(await newcomer.evaluate(() => localStorage.getItem("bongsu.session"))).includes("+h1:")) throw new Error("the newcomer is not the hub's");
  step("a newcomer scans a code at a hub that is cut off, and has an account");

  await kim.keyboard.press("Escape");
  await button(kim, "hub_board").click();
  await kim.getByText("물은 마을 회관에서 오후 두 시부터 나눕니다.").waitFor();
  await shot(kim, "74-board");
  await kim.getByRole("main").last().getByRole("button", { name: texts.close }).click();
  await button(kim, "hub_poster").click();
  await kim.getByLabel(texts.hub_wifi_name).fill("bongsu-h1");
  await kim.getByLabel(texts.hub_wifi_password).fill("봉수대;다섯개");
  await shot(kim, "75-poster");
  let paper;
  await pushes(kim, async () => {
    await kim.emulateMedia({ media: "print" });
    paper = await kim.pdf({ preferCSSPageSize: true, printBackground: true });
    await kim.emulateMedia({ media: null });
  });
  writeFileSync(join(folder, `${language}-${width}-poster.pdf`), paper);
  const sheets = paper.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length;
  if (sheets !== 1) throw new Error(`the poster has ${sheets} pages`);
  if ((await kim.evaluate(() => JSON.stringify({ ...localStorage }))).includes("다섯개")) throw new Error("the password of the Wi-Fi is kept");
  await button(kim, "back").click();
  step("the board fills the screen, and the poster is one sheet of A4");

  const saving = kim.waitForEvent("download");
  await kim.getByRole("link", { name: texts.hub_save_file }).first().click();
  const stick = readFileSync(await (await saving).path());
  const taken = await (await fetch(`${core.url}${COURIER}`, { method: "POST", body: stick })).json();
  if (!taken.complete || taken.new === 0) throw new Error(`the core did not take the stick: ${JSON.stringify(taken)}`);
  const back = Buffer.from(await (await fetch(`${core.url}${COURIER}/export?to=h1`)).arrayBuffer());
  await kim.locator("input[type=file]").setInputFiles({ name: "h1.carry", mimeType: "application/octet-stream", buffer: back });
  await says(kim, "hub_brought");
  await kim.locator("input[type=file]").setInputFiles({ name: "photo.png", mimeType: "image/png", buffer: Buffer.from("no file of bundles") });
  await says(kim, "hub_not_bundles");
  await kim.locator("input[type=file]").setInputFiles({ name: "cut.carry", mimeType: "application/octet-stream", buffer: back.subarray(0, -20) });
  await kim.getByText(texts.hub_brought_in_part).waitFor();
  await shot(kim, "76-carried");
  if (await kim.getByText(like("hub_clock")).isVisible()) throw new Error("the hub's clock is right");
  // As if the hub had lain in a cupboard: its operator's device is ahead of it.
  await kim.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 3_600_000;
  });
  await says(kim, "hub_clock");
  await kim.reload();
  await says(kim, "hub_people");
  step("files go out and come in at the page; what is no such file is refused with a sentence");

  if (!narrow) {
    link("h1", "h2", "19200bps");
    await says(kim, "hub_by_radio");
    await says(kim, "radio_budget");
    await shot(kim, "76-radio");
    link("h1", "h2", "none");
    step("the page says whom radio reaches, and what it may send");
  }

  // Kim has a new device since: its keys come to park's while the core is there.
  await say(park, "새 전화도 보여요?");
  await shows(first, "새 전화도 보여요?");
  link("h2", "core", "none");
  for (const site of [core, h2]) await park.context().route(`${site.url}/**`, (route) => route.abort());
  await park.getByText(texts.strip_stranger.replace("{site}", "h1")).waitFor({ timeout: WAIT_MS });
  await say(park, "지나가다 남겨요");
  await park.getByText(texts.deferred).waitFor({ timeout: WAIT_MS });
  await shot(park, "77-deferred");
  for (const hub of ["h1", "h2"]) link(hub, "core", "lan");
  await first.getByRole("log").getByText("지나가다 남겨요").waitFor({ timeout: WAIT_MS });
  await park.context().unrouteAll();
  await park.getByText(texts.deferred).waitFor({ state: "detached", timeout: WAIT_MS });
  for (const page of [first, park]) {
    const count = await page.getByRole("log").getByText("지나가다 남겨요").count();
    if (count !== 1) throw new Error(`the deferred message is there ${count} times`);
  }
  step("a visitor's message is left at a hub that does not keep his room, and sent once");

  if (narrow) await button(first, "back").click();
  await tab(first, "me");
  const mine = first.getByRole("status").filter({ hasText: texts.town_hall_mine });
  await mine.waitFor();
  await button(first, "town_hall_leave").click();
  await says(first, "town_hall_leave_warning");
  await shot(first, "78-leaving");
  await dialog(first, "town_hall_stay").click();
  await mine.waitFor();
  await button(first, "town_hall_leave").click();
  await dialog(first, "town_hall_leave").click();
  await mine.waitFor({ state: "detached" });
  step("who leaves a town hall is told first what would be lost");
});
