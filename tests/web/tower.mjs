// Alerts, "I'm safe" and the control tower on every screen: `node tower.mjs LAB FOLDER LANGUAGE WIDTH`, where LAB is the
// folder of a running laboratory. An officer, a second one, and two people of the town.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { drive, step } from "./driver.mjs";
import { pmtiles } from "./pmtiles.mjs";
import { ask, certify, code, eventually, officers, OWN } from "./officers.mjs";

const [lab, folder, language, width] = process.argv.slice(2);
const { nodes } = JSON.parse(readFileSync(join(lab, "lab.json"), "utf8"));
const { url } = nodes[0];
const kit = await drive(url, folder, language, width);
const { texts, person, like, button, tab, shot, register, tell, allowed } = kit;
for (const node of nodes) allowed.push(node.url);
const tower = officers(kit);
const session = (page) => page.evaluate(() => JSON.parse(localStorage.getItem("bongsu.session")));

const DISTRICTS = {
  type: "FeatureCollection",
  features: [
    ["gyeongpo", "경포동", 128.88, 37.78],
    ["okgye", "옥계면", 129.02, 37.6],
    ["seongsan", "성산면", 128.78, 37.71],
  ].map(([id, name, east, north]) => ({
    type: "Feature",
    id,
    properties: { name },
    geometry: { type: "Polygon", coordinates: [[[east - 0.07, north - 0.06], [east - 0.05, north + 0.05], [east + 0.06, north + 0.07], [east + 0.07, north - 0.05], [east - 0.07, north - 0.06]]] },
  })),
};

async function friends() {
  const sora = await person("sora");
  await register(sora, "sora");
  await sora.getByText(texts.no_chats, { exact: true }).waitFor();
  const { userId } = await session(sora);
  const bada = await person("bada", `/#/u/${userId}`);
  await register(bada, "bada");
  await bada.getByLabel(texts.write_message).waitFor();
  await button(sora, "accept").click();
  await sora.getByLabel(texts.write_message).waitFor();
  for (const page of [sora, bada]) await page.evaluate(() => (location.hash = "#/friends"));
  await shot(sora, "50-friends-safe");
  await button(sora, "ask_safe").click();
  await sora.getByRole("dialog").getByRole("button", { name: like("ask_safe_send") }).waitFor();
  await shot(sora, "51-ask");
  await sora.getByRole("dialog").getByRole("button", { name: like("ask_safe_send") }).click();
  const question = bada.getByRole("region", { name: texts.safe_question });
  await question.waitFor();
  await question.getByRole("button", { name: texts.say_more, exact: true }).click();
  await bada.getByLabel(texts.say_where).fill("경포초등학교");
  await bada.getByLabel(texts.say_with).fill("할머니, 민수");
  await shot(bada, "52-asked");
  await question.getByRole("button", { name: texts.say_moving, exact: true }).click();
  await question.waitFor({ state: "detached" });
  await sora.getByText(/경포초등학교/).waitFor();
  await shot(sora, "53-friend-answered");
  step("a friend is asked, answers with one tap, and it stands beside their name");
  return { sora, bada };
}

async function office() {
  const mayor = await person("mayor");
  await register(mayor, "mayor");
  await mayor.getByText(texts.no_chats, { exact: true }).waitFor();
  await mayor.evaluate(() => (location.hash = "#/tower"));
  await button(mayor, "tower_make_key").waitFor();
  await shot(mayor, "70-stranger");
  const { request } = await tower.makeKey(mayor, "강릉시장");
  await shot(mayor, "71-key");
  const { userId } = await session(mayor);
  certify(lab, url, request, userId, "commander", "--two-person");
  await mayor.evaluate(() => (location.hash = "#/me"));
  await mayor.getByRole("heading", { name: texts.me, exact: true }).waitFor();
  await tower.toTower(mayor);
  await button(mayor, "tower_enrol_start").click();
  await mayor.getByText(/^[A-Z2-7]{32}$/).waitFor();
  await shot(mayor, "72-second-factor");
  const secret = await mayor.getByText(/^[A-Z2-7]{32}$/).textContent();
  await mayor.getByLabel(texts.tower_code, { exact: true }).fill(code(secret));
  await button(mayor, "open").click();
  await mayor.getByText(like("sites_up")).waitFor();
  await eventually("every site seen", async () => (await mayor.getByText(texts.site_hub, { exact: true }).count()) === 2);
  await shot(mayor, "73-sites-coast");
  await mayor.locator("input[accept*=geojson]").setInputFiles({ name: "강릉.geojson", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(DISTRICTS)) });
  await mayor.locator("path.area").nth(2).waitFor();
  await shot(mayor, "74-sites-districts");
  const maps = mayor.locator("input[accept*=geojson]");
  await maps.setInputFiles({ name: "강릉.pmtiles", mimeType: "application/octet-stream", buffer: pmtiles() });
  await mayor.locator("[data-drawn=true] canvas").waitFor();
  await shot(mayor, "74-sites-tiles");
  await maps.setInputFiles({ name: "강릉.pmtiles", mimeType: "application/octet-stream", buffer: Buffer.concat([pmtiles().subarray(0, 20), Buffer.alloc(200)]) });
  await mayor.getByText(texts.map_tiles_bad, { exact: true }).waitFor();
  await button(mayor, "map_tiles_away").click();
  await mayor.locator("path.area").nth(2).waitFor();
  step("an officer makes a key, gives a code, and sees the sites and the operator's map");
  return mayor;
}

await tell(async () => {
  // What others and their alerts do is shown as it comes.
  for (const each of ["sora", "bada", "mayor", "chief"]) kit.restless(each);
  const { sora, bada } = await friends();
  const mayor = await office();
  const chief = await person("chief");
  await register(chief, "chief");
  await chief.getByText(texts.no_chats, { exact: true }).waitFor();
  const { request } = await tower.makeKey(chief, "소방서장");
  certify(lab, url, request, (await session(chief)).userId, "deputy");
  await tower.enter(chief);

  await tower.view(mayor, "tower_alerts");
  await button(mayor, "alert_new").click();
  await shot(mayor, "75-alert-form");
  await button(mayor, "cancel").click();
  const headline = "난곡동 산불이 경포 방향으로 번지고 있습니다";
  const english = "Wildfire spreads from Nangok towards Gyeongpo";
  const descriptions = { ko: "불길이 초속 18 m의 바람을 타고 번집니다.", en: "A wind of 18 m/s drives the fire." };
  await tower.write(mayor, { event: "산불", korean: headline, instruction: "창문을 닫고 경포초등학교로 걸어서 대피하십시오.", english, descriptions, area: /옥계면/ });
  for (const text of Object.values(descriptions)) await mayor.getByText(text).first().waitFor();
  await shot(mayor, "76-alert-preview");
  await tower.send(mayor);
  await mayor.getByText(like("alert_pending")).or(mayor.getByText(texts.alert_pending_hint)).first().waitFor();
  if (await tower.card(sora).isVisible()) throw new Error("an alert of one signature was shown");
  await tower.view(chief, "tower_alerts");
  chief.on("dialog", (asked) => void asked.accept());
  await button(chief, "alert_sign_too").waitFor();
  await shot(chief, "77-second-signature");
  await button(chief, "alert_sign_too").click();
  for (const page of [sora, bada, mayor, chief]) await tower.card(page).waitFor();
  await shot(sora, "78-alert");
  // What a card refuses once, browsers let a second key do.
  for (let times = 0; times < 3; times++) await sora.keyboard.press("Escape");
  const covers = () => sora.evaluate(() => document.querySelector("[role=alertdialog]").matches(":modal"));
  await eventually("the alert that nobody answered covering the screen", covers);
  await tower.confirmCard(sora);
  await tower.card(bada).getByRole("button", { name: texts.alert_cannot, exact: true }).click();
  for (const page of [mayor, chief]) await tower.confirmCard(page);
  const bar = sora.getByRole("button", { name: /산불|Wildfire/ }).first();
  await bar.waitFor();
  await bar.click();
  await sora.getByRole("dialog").getByText(texts.alert_standing).waitFor({ state: "attached" }).catch(() => undefined);
  await shot(sora, "79-alerts");
  await sora.keyboard.press("Escape");
  await mayor.getByText(`${texts.alert_cannot_said} 1`).first().waitFor();
  await button(mayor, "show_silent").first().click();
  await mayor.getByText(like("silent_count")).waitFor();
  await shot(mayor, "80-acknowledgements");
  // The alert is an exercise's, and the map says so in colours and words.
  await tower.view(mayor, "tower_sites");
  const label = async () => (await mayor.locator("svg[role=img]").last().getAttribute("aria-label")) ?? "";
  await mayor.locator("path[data-alarm=exercise]").first().waitFor();
  if ((await mayor.locator("path.warned").count()) > 0) throw new Error("an exercise warns districts as if it were real");
  if (!(await label()).includes(`[${texts.alert_exercise}] ${texts.map_warned}: `)) throw new Error(`the map reads: ${await label()}`);
  await shot(mayor, "80-map-exercise");
  await tower.view(mayor, "tower_alerts");
  await button(mayor, "alert_do_update").first().click();
  for (const [language, text] of Object.entries(descriptions)) {
    const group = mayor.getByRole("group", { name: texts[language === "ko" ? "korean" : "english"], exact: true });
    const written = await group.getByLabel(texts.alert_description).inputValue();
    if (written !== text) throw new Error(`an Update begins with the description ${JSON.stringify(written)}`);
  }
  await shot(mayor, "80-alert-update");
  await button(mayor, "cancel").click();
  step("two officers sign; the card stays until it is answered; answers are counted");

  await tower.askSafe(mayor);
  await sora.getByRole("region", { name: texts.safe_question }).getByRole("button", { name: texts.say_safe, exact: true }).click();
  const place = await bada.evaluate(() => location.hash);
  await bada.evaluate(() => (location.hash = "#/friends"));
  await bada.getByRole("region", { name: texts.say_for_real }).getByRole("button", { name: texts.say_help, exact: true }).waitFor();
  await shot(bada, "81-exercise-asks");
  await bada.getByRole("region", { name: texts.safe_question }).getByRole("button", { name: texts.say_help, exact: true }).click();
  await bada.evaluate((hash) => (location.hash = hash), place);
  await mayor.getByRole("region", { name: texts.help_list }).getByText("bada").waitFor();
  await shot(mayor, "81-check-ins");
  step("the tower asks who is safe, and sees who needs help");

  await tower.declare(mayor, "산불", "강릉시 난곡동", async () => {
    await mayor.getByRole("group", { name: texts.incident_areas }).getByLabel(/옥계면/).check();
    await button(mayor, "incident_point").click();
    await mayor.getByText(texts.map_tap_scene).waitFor();
    await mayor.locator("svg[role=img]").last().click();
    await mayor.getByText(/^3[78]\.\d{4}, 12[89]\.\d{4}$/).waitFor();
    await shot(mayor, "82-incident-form");
  });
  await mayor.locator("path.scene").waitFor();
  await mayor.locator("path.concerned").waitFor();
  await mayor.getByLabel(texts.incident_text, { exact: true }).fill("풍속 초속 18 m, 헬기 이륙 불가");
  await button(mayor, "incident_sign").click();
  await mayor.getByText(/초속 18/).waitFor();
  await mayor.getByLabel(texts.missing_name).fill("김순자 (78)");
  await button(mayor, "missing_report").click();
  await mayor.getByText("김순자 (78)").first().waitFor();
  await tower.stage(mayor, "stage_serious").click();
  await mayor.locator("[aria-pressed=true]", { hasText: texts.stage_serious }).waitFor();
  await shot(mayor, "82-incident");
  step("an incident is declared, led to a graver stage, and keeps its record");

  const handover = mayor.getByLabel(texts.handover_to);
  mayor.on("dialog", (asked) => void asked.accept());
  await handover.selectOption({ label: `소방서장 · ${texts.role_deputy}` });
  await button(mayor, "handover").click();
  await mayor.getByText(texts.incident_commander.replace("{name}", "소방서장")).waitFor();
  step("command is handed over, and the record says so");

  await tower.view(mayor, "tower_operations");
  await mayor.getByText(texts.figures_title).waitFor();
  await mayor.getByRole("rowheader", { name: "h1" }).waitFor();
  await button(mayor, "staff_room_make").click();
  await button(mayor, "staff_room_open").waitFor();
  await shot(mayor, "84-operations");
  await tower.view(mayor, "tower_drills");
  await mayor.getByRole("combobox", { name: texts.drill_where, exact: true }).selectOption("site");
  await mayor.getByRole("combobox", { name: texts.drill_site, exact: true }).selectOption("h1");
  await mayor.getByRole("combobox", { name: texts.drill_minutes, exact: true }).selectOption("1");
  await mayor.getByLabel(texts.drill_type).fill("h2");
  if (await button(mayor, "drill_do").isEnabled()) throw new Error("a site whose name was not typed could be cut off");
  await mayor.getByLabel(texts.drill_type).fill("h1");
  await button(mayor, "drill_do").click();
  await mayor.getByText(texts.drill_waiting).waitFor();
  await shot(mayor, "85-drills");
  await tower.view(chief, "tower_drills");
  await chief.getByPlaceholder(texts.drill_type).last().fill("h1");
  await button(chief, "drill_agree").click();
  // Its setting `drills` lets nothing be done to it: both people's word is on record, and the site goes on.
  await chief.getByText(texts.drill_ready).waitFor();
  await tower.view(chief, "tower_alerts");
  step("a drill on a real site waits for a second person, and the site's own setting has the last word");

  await tower.view(mayor, "tower_alerts");
  await button(mayor, "alert_do_cancel").click();
  const ko = mayor.getByRole("group", { name: texts.korean, exact: true });
  await ko.getByLabel(texts.alert_headline).fill("난곡동 산불이 꺼졌습니다");
  await button(mayor, "alert_look").click();
  await tower.send(mayor);
  await button(chief, "alert_sign_too").click();
  await tower.card(sora).getByText("난곡동 산불이 꺼졌습니다").waitFor();
  await shot(sora, "83-all-clear");
  await tower.card(sora).getByRole("button", { name: texts.alert_close, exact: true }).click();
  await tower.card(sora).waitFor({ state: "detached" });
  await tab(sora, "me").catch(() => undefined);
  const { token } = await session(sora).then(({ accessToken }) => ({ token: accessToken }));
  const { alerts } = await ask(url, "GET", `${OWN}/alerts`, token);
  const states = alerts.map(({ state }) => state).sort().join();
  if (states !== "cancelled,standing") throw new Error(`the alerts are ${states}`);
  step("it is called off, and everybody sees that");
});
