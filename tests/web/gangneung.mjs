// The Gangneung drill: `node gangneung.mjs LAB FOLDER LANGUAGE FIGURES`, where LAB is the folder of a running laboratory
// of one data centre and two hubs. A wildfire cuts a hub's fibre; a situation room of 90 people goes on on both sides.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drive, step } from "./driver.mjs";
import { ask, bongsu, certify, eventually, forEach, officers, OWN, register as registerByApi, talk } from "./officers.mjs";

const [lab, folder, language, figuresFile] = process.argv.slice(2);
const { nodes } = JSON.parse(readFileSync(join(lab, "lab.json"), "utf8"));
const [core, hub, other] = ["a", "h1", "h2"].map((site) => nodes.find((node) => node.site === site));
const PEOPLE = 90;
const AT_HUB = 45;
// What is said on either side in the hours of the cut; only the clocks do not wait for them.
const HOURS = 12;
const AN_HOUR = 40;
const SAID = HOURS * AN_HOUR;
const kit = await drive(core.url, folder, language, 1280);
const { texts, person, logIn, shot, tell, allowed, like, button, tolerate } = kit;
allowed.push(hub.url, other.url);
// The fibre is cut: to ask another site is no fault of the page.
tolerate(/Failed to fetch|ERR_CONNECTION/);
const tower = officers(kit);
// What others and their alerts do is shown as it comes.
for (const each of ["mayor", "deputy", "citizen"]) kit.restless(each);
const figures = { drill: "gangneung", people: PEOPLE, sites: nodes.length, broken: [] };
const expect = (holds, sentence) => holds || figures.broken.push(sentence);

const home = (number) => (number < AT_HUB ? hub : core);
const speaker = (one, url, roomId) => ({ name: one.name, url, room_id: roomId, access_token: one.token });
const unread = async (one, url, roomId) => {
  const answer = await ask(url, "GET", "/sync?timeout=0", one.token);
  return answer.rooms.join[roomId]?.unread_notifications?.notification_count;
};
const tokenOf = (page) => page.evaluate(() => JSON.parse(localStorage.getItem("bongsu.session")).accessToken);
const picture = (url, token) => ask(url, "GET", `${OWN}/tower/picture`, token);
const total = (areas, answer) => Object.values(areas).reduce((sum, counts) => sum + (counts[answer] ?? 0), 0);

async function settle() {
  await eventually("the hubs linked", async () => {
    const { sites } = await ask(core.url, "GET", `${OWN}/sites`);
    return ["h1", "h2"].every((name) => sites.some((site) => site.name === name && site.up));
  });
  const people = [];
  const names = Array.from({ length: PEOPLE }, (_, number) => (number === 0 ? "mayor" : number === AT_HUB ? "deputy" : `p${number}`));
  await forEach(names.entries(), async ([number, name]) => (people[number] = await registerByApi(core.url, name)));
  await forEach(people.slice(0, AT_HUB), (one) => ask(core.url, "PUT", `${OWN}/residency`, one.token, { hub: "h1" }));
  await forEach(people.slice(0, AT_HUB), (one) => eventually(`${one.name} at the hub`, () => ask(hub.url, "GET", "/account/whoami", one.token)));
  return people;
}

/** An officer's page: logged in, with a key of their own making, and the tower open. */
async function officer(one, name, role, url) {
  const page = await person(one.name, url);
  await logIn(page, one.name);
  await page.getByText(texts.no_chats, { exact: true }).waitFor();
  const { request, file } = await tower.makeKey(page, name);
  writeFileSync(join(lab, `${one.name}.key`), file);
  certify(lab, url, request, one.userId, role);
  await tower.enter(page);
  return page;
}

async function alerted(one, url, headline) {
  return eventually(`${one.name} alerted`, async () => {
    const { alerts } = await ask(url, "GET", `${OWN}/alerts`, one.token);
    return alerts.find(({ content }) => content.texts.ko.headline === headline)?.id;
  });
}

await tell(async () => {
  const beganMs = Date.now();
  const people = await settle();
  step(`${PEOPLE} people, ${AT_HUB} of them residents of the hub`);
  const mayor = await officer(people[0], "강릉시장", "commander", hub.url);
  const deputy = await officer(people[AT_HUB], "강원도 부지사", "deputy", core.url);
  step("two officers made their keys in the browser; the root key's holder signed them; the tower opens with a code");

  await tower.declare(mayor, "산불", "강릉시 난곡동");
  const token = await tokenOf(mayor);
  const { incidents } = await picture(hub.url, token);
  const { id: incident, opened } = incidents[0];
  const roomId = opened.content.room_id;
  // At the core, since a hub knows nobody whom it has not to know.
  const invite = (one) => ask(core.url, "POST", `/rooms/${encodeURIComponent(roomId)}/invite`, token, { user_id: one.userId });
  await eventually("the room at the core", () => invite(people[1]));
  await forEach(people.slice(2), invite, 4);
  await forEach([...people.entries()].slice(1), ([number, one]) =>
    eventually(`${one.name} in the room`, () => ask(home(number).url, "POST", `/join/${encodeURIComponent(roomId)}`, one.token, {})),
  );
  for (const site of [core, hub])
    await eventually("everybody in the room", async () => {
      const one = site === hub ? people[1] : people[AT_HUB + 1];
      const { joined } = await ask(site.url, "GET", `/rooms/${encodeURIComponent(roomId)}/joined_members`, one.token);
      return Object.keys(joined).length === PEOPLE;
    });
  await tower.view(deputy, "tower_incidents");
  await deputy.getByRole("heading", { name: /난곡동/ }).waitFor();
  step(`a situation room of ${PEOPLE} people; both officers see the incident`);

  const citizen = await person("citizen", hub.url, 360);
  await logIn(citizen, people[2].name);
  await button(citizen, "kit_card").first().or(citizen.getByText("산불 강릉시 난곡동").first()).first().waitFor();

  for (const where of ["core", "h2"]) bongsu("lab", "link", "--dir", lab, "h1", where, "none");
  const cutMs = Date.now();
  await tower.view(mayor, "tower_sites");
  await mayor.getByText(like("site_cut")).or(mayor.getByText(texts.site_cut_unknown, { exact: true })).first().waitFor();
  await shot(mayor, "60-fibre-cut");
  step("the wildfire cuts the hub's fibre; the tower at the hub says so");

  const HERE = "난곡동 산불이 경포 방향으로 번지고 있습니다";
  const THERE = "강릉 시내로 들어오지 마십시오";
  await tower.write(mayor, { event: "산불", korean: HERE, instruction: "경포초등학교로 걸어서 대피하십시오.", english: "Wildfire spreads towards Gyeongpo" });
  await shot(mayor, "61-preview");
  await tower.send(mayor);
  await tower.confirmCard(mayor);
  await tower.write(deputy, { event: "산불", korean: THERE, instruction: "7번 국도가 막혔습니다.", english: "Keep out of Gangneung" });
  await tower.send(deputy);
  await tower.confirmCard(deputy);
  await tower.card(citizen).getByText(HERE).or(tower.card(citizen).getByText("Wildfire spreads towards Gyeongpo")).waitFor();
  await shot(citizen, "62-alert");
  await tower.confirmCard(citizen);
  const ids = { hub: await alerted(people[1], hub.url, HERE), core: await alerted(people[AT_HUB + 1], core.url, THERE) };
  step("an alert signed in the browser on each side; a resident's phone shows the hub's and answers");

  await tower.askSafe(mayor);
  await citizen.getByRole("region", { name: texts.safe_question }).waitFor();
  await shot(citizen, "63-are-you-safe");
  await citizen.getByRole("region", { name: texts.safe_question }).getByRole("button", { name: texts.say_safe, exact: true }).click();
  const { calls } = await picture(hub.url, token);
  const call = calls[0].id;
  // 40 of the hub's confirm and 4 cannot; the citizen and the mayor answered in the browser. Of the core's, all confirm.
  await forEach([...people.entries()], async ([number, one]) => {
    if (number === 0 || number === 2 || number === AT_HUB) return;
    const url = home(number).url;
    const cannot = number < AT_HUB && number % 10 === 1;
    await ask(url, "PUT", `${OWN}/alerts/${number < AT_HUB ? ids.hub : ids.core}/ack`, one.token, { answer: cannot ? "cannot" : "confirmed" });
    if (number < AT_HUB) await ask(url, "POST", `${OWN}/check_ins`, one.token, { answer: cannot ? "help" : "safe", where: cannot ? [37.79, 128.9] : undefined, request: call });
    else if (number % 2) await ask(url, "POST", `${OWN}/check_ins`, one.token, { answer: "safe" });
  });
  const sides = Object.fromEntries([1, AT_HUB + 1].map((number) => [home(number).site, [speaker(people[number], home(number).url, roomId)]]));
  const said = await talk(lab, sides, HOURS, AN_HOUR);
  expect(said === 2 * SAID, `Both sides wrote ${said} messages, not ${2 * SAID}.`);
  await tower.view(mayor, "tower_incidents");
  await tower.stage(mayor, "stage_alert").click();
  await tower.view(deputy, "tower_incidents");
  await tower.stage(deputy, "stage_serious").click();
  await mayor.locator("[aria-pressed=true]", { hasText: texts.stage_alert }).waitFor();
  await deputy.locator("[aria-pressed=true]", { hasText: texts.stage_serious }).waitFor();
  await tower.view(mayor, "tower_safety");
  await shot(mayor, "64-check-ins");
  step(`check-ins, answers, ${HOURS} hours' messages and two different stages on both sides`);

  bongsu("lab", "link", "--dir", lab, "h1", "core", "lan");
  const backMs = Date.now();
  const deputysToken = await tokenOf(deputy);
  const cannot = Array.from({ length: AT_HUB }, (_, number) => number).filter((number) => number % 10 === 1 && number !== 0).length;
  const safe = AT_HUB - cannot - 1 + Array.from({ length: PEOPLE - AT_HUB }, (_, number) => number + AT_HUB).filter((number) => number !== AT_HUB && number % 2).length;
  const seen = {};
  for (const [site, url, officersToken] of [["hub", hub.url, token], ["core", core.url, deputysToken]])
    seen[site] = await eventually(`the sums at the ${site}`, async () => {
      const found = await picture(url, officersToken);
      const sums = Object.fromEntries(found.alerts.map((alert) => [alert.id, alert.areas]));
      const asked = found.calls.find((each) => each.id === call)?.areas;
      const whole = sums[ids.hub] && sums[ids.core] && asked && found.incidents[0].conflicts.length > 0;
      // Answers to alerts are of a person's own data, so that a hub has those of its residents alone; the core has all.
      const ofHub = whole && total(sums[ids.hub], "confirmed") + total(sums[ids.hub], "cannot") >= AT_HUB;
      const all = ofHub && (site === "hub" || total(sums[ids.core], "confirmed") >= PEOPLE - AT_HUB) && total(asked, "safe") >= safe;
      return all ? { sums, asked, help: found.help.length, incident: found.incidents[0] } : null;
    });
  figures.merged_after_ms = Date.now() - backMs;
  figures.cut_for_ms = backMs - cutMs;
  figures.hours_of_talk = HOURS;
  for (const [site, { sums, asked, help }] of Object.entries(seen)) {
    expect(total(sums[ids.hub], "cannot") === cannot, `At the ${site} ${total(sums[ids.hub], "cannot")} cannot follow the alert, not ${cannot}.`);
    expect(total(asked, "safe") === safe, `At the ${site} ${total(asked, "safe")} are safe, not ${safe}.`);
    expect(help === cannot, `At the ${site} ${help} need help, not ${cannot}.`);
    expect(total(asked, "safe") + total(asked, "help") + total(asked, "silent") === PEOPLE, `At the ${site} the sums are not of ${PEOPLE} people.`);
  }
  figures.sums = Object.fromEntries(Object.entries(seen).map(([site, { asked, help }]) => [site, { safe: total(asked, "safe"), help, silent: total(asked, "silent") }]));
  step(`the link is back; sums are the same on both sides after ${figures.merged_after_ms} ms`);

  // Read up to the end of their own side before the merge: what the merge brings in between is unread.
  figures.unread = {};
  for (const [site, number] of [["hub", 3], ["core", AT_HUB + 2]]) {
    const count = await eventually(`unread at the ${site}`, async () => ((await unread(people[number], home(number).url, roomId)) === 2 * SAID ? 2 * SAID : null)).catch(async () => unread(people[number], home(number).url, roomId));
    figures.unread[site] = count;
    expect(count === 2 * SAID, `At the ${site} ${count} messages are unread, not ${2 * SAID}.`);
  }
  step("each side's unread counts have the other side's messages");

  for (const page of [mayor, deputy]) {
    // The other side's alert has come over the link.
    await tower.confirmCard(page);
    await tower.view(page, "tower_incidents");
    await page.getByText(texts.conflict).first().waitFor();
  }
  expect(seen.core.incident.stage === "serious", "The graver stage is not shown.");
  await shot(mayor, "65-conflict");
  await tower.stage(mayor, "stage_serious").click();
  for (const page of [mayor, deputy]) await page.getByText(texts.conflict).first().waitFor({ state: "detached" });
  step("both commanders see that their orders contradict; one decision that knows both settles it");

  for (const [key, name] of [["incident_record", "incident.json"], ["incident_report", "incident.html"]]) {
    const downloaded = mayor.waitForEvent("download");
    await button(mayor, key).click();
    await (await downloaded).saveAs(join(lab, name));
  }
  expect(bongsu("tower", "verify", join(lab, "incident.json")).includes("No problem found"), "The exported record does not verify.");
  expect(readFileSync(join(lab, "incident.html"), "utf8").includes("난곡동"), "The report does not name the place.");
  const { acts } = JSON.parse(readFileSync(join(lab, "incident.json"), "utf8"));
  figures.acts = acts.length;
  expect(acts.length === 4, `The record has ${acts.length} acts, not 4.`);
  expect(incident === acts[0].id, "The record is of another incident.");
  figures.seconds = (Date.now() - beganMs) / 1000;
  step("the report is exported, and its record proves itself");
  if (figures.broken.length > 0) throw new Error(figures.broken.join("\n"));
});
writeFileSync(figuresFile, `${JSON.stringify(figures, null, 2)}\n`);
