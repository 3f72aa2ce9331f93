// Somebody reads back through a long chat: `node history.mjs URL FOLDER LANGUAGE WIDTH`. What is read stays where it is
// while older messages come in above it, all of them come, each once, and what is removed meanwhile does not.
import { drive, step } from "./driver.mjs";
import { ask, forEach, register as account } from "./officers.mjs";

const [url, folder, language, width] = process.argv.slice(2);
const { texts, person, logIn, shows, tab, pushes, tell } = await drive(url, folder, language, width);
const MESSAGES = 420;
const REMOVED = 30;

const STEP_PX = 450;
const LEAVING_STEPS = 3;
// One line of text.
const SLIP_PX_MAX = 24;

const numbers = (page) =>
  page.locator(".message .text").evaluateAll((all) => all.map(({ textContent }) => Number(textContent.split(" ")[0])));

/**
 * Scrolls up by pieces until nothing comes any more. A line goes as far as is scrolled, and in every frame in which nobody
 * scrolls the line in the middle of the screen has to stand where it stood.
 * @returns every number seen, and the most that a line moved by itself, in px
 */
async function readBack(page, until) {
  let read;
  // A script that scrolls is nobody's hand: what moves is measured here.
  await pushes(page, async () => (read = await page.evaluate(scrollBack, [until, STEP_PX, LEAVING_STEPS])));
  return read;
}

/** Until the list has come to the newest line and stays there. */
const rests = (page) =>
  page.evaluate(async () => {
    const list = document.querySelector("[role=log] > div");
    for (let [frames, at] = [0, -1]; frames < 20; frames = at === list.scrollTop && at + list.clientHeight > list.scrollHeight - 2 ? frames + 1 : 0) {
      at = list.scrollTop;
      await new Promise(requestAnimationFrame);
    }
  });

/** In the page. */
async function scrollBack([until, stepPx, leavingSteps]) {
  const list = document.querySelector("[role=log] > div");
  // After the frame was painted: before that lines that came are not measured yet, and nobody sees them so.
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const lines = () => [...list.querySelectorAll(".message")];
  const number = (line) => Number(line.querySelector(".text")?.textContent.split(" ")[0]);
  const seen = new Set(lines().map(number));
  let [moved, slipped, pages, still, steps] = [0, 0, 0, 0, 0];
  const top = (line) => line.getBoundingClientRect().top;
  const lineAt = (px) => lines().find((line) => line.getBoundingClientRect().bottom > top(list) + px);
  while (still < 60 && ![...seen].some((each) => each <= until)) {
    const [before, high] = [list.scrollTop, list.scrollHeight];
    // A line that is on the screen before and after goes as far as the finger, however high those are that come in.
    const under = lineAt(100);
    const from = under && top(under);
    list.scrollTop -= stepPx;
    const asked = before - list.scrollTop;
    await frame();
    // Whoever is at the newest line is kept there while lines are measured; a wheel or a finger ends that, a script does not.
    const hasLeft = ++steps > leavingSteps;
    if (hasLeft && under?.isConnected && list.scrollHeight < high + 1_000) slipped = Math.max(slipped, Math.abs(top(under) - from - asked));
    for (const line of lines()) seen.add(number(line));
    still = list.scrollTop === before ? still + 1 : 0;
    // Nobody scrolls now: a page that comes in must not be noticed.
    const watched = lineAt(list.clientHeight / 2);
    let at = watched && top(watched);
    for (let frames = 0; frames < 3 && watched; frames++) {
      const high = list.scrollHeight;
      await frame();
      if (!watched.isConnected) break;
      moved = Math.max(moved, Math.abs(top(watched) - at));
      at = top(watched);
      pages += list.scrollHeight > high + 1_000 ? 1 : 0;
    }
  }
  return { seen: [...seen], moved, slipped, pages };
}

await tell(async () => {
  const reader = await account(url, "reader");
  const { room_id } = await ask(url, "POST", "/createRoom", reader.token, { name: "긴 대화", preset: "public_chat" });
  const room = `/rooms/${encodeURIComponent(room_id)}`;
  const say = (body, id) => ask(url, "PUT", `${room}/send/m.room.message/${id}`, reader.token, { msgtype: "m.text", body });
  const ids = [];
  for (let from = 0; from < MESSAGES; from += 20)
    await forEach(
      Array.from({ length: 20 }, (_, index) => from + index),
      // Lines of several heights: the list guesses them, and has to put its guesses right unnoticed.
      async (number) => (ids[number] = (await say(`${number} ${"긴 이야기입니다. ".repeat((number * 7) % 23)}`, `m${number}`)).event_id),
      1,
    );
  step(`${MESSAGES} messages are there`);

  // Ten at night, whenever this runs: beside the longest time, texts take so many lines that the guess of how high
  // the first rows are is more than is left to scroll at the beginning, where too high a guess was seen to jump.
  const hours = 22 - new Date().getUTCHours();
  const ahead = hours > 12 ? hours - 24 : hours;
  const zone = ahead >= 0 ? `Etc/GMT-${ahead}` : `Etc/GMT+${-ahead}`;
  const page = await person("reader", "/", Number(width), null, zone);
  await logIn(page, "reader");
  await tab(page, "chats");
  await page.getByText("긴 대화").first().click();
  await page.locator(".message .text").filter({ hasText: `${MESSAGES - 1} ` }).waitFor();
  await rests(page);
  const first = await readBack(page, MESSAGES / 4);
  if (first.pages === 0 || first.moved > 1) throw new Error(`${first.pages} pages came in, and a line moved by ${first.moved} px`);
  if (first.slipped > SLIP_PX_MAX) throw new Error(`a line went ${first.slipped} px less or more than was scrolled`);
  step("older messages come in above, and what is read stays");

  // The next page may be here already, and it says nothing of this.
  await ask(url, "PUT", `${room}/redact/${encodeURIComponent(ids[REMOVED])}/r`, reader.token, {});
  await say("하나 지웠어요", "after");
  await page.waitForResponse((answer) => answer.url().includes("/sync"));
  const second = await readBack(page, 0);
  if (second.moved > 1) throw new Error(`a line moved by ${second.moved} px`);
  const seen = new Set([...first.seen, ...second.seen]);
  const missing = ids.flatMap((_, number) => (seen.has(number) || number === REMOVED ? [] : [number]));
  if (missing.length > 0) throw new Error(`never shown: ${missing}`);
  if (seen.has(REMOVED)) throw new Error("what was removed is shown");
  const shown = (await numbers(page)).filter((number) => !Number.isNaN(number));
  if (shown.join() !== [...new Set(shown)].sort((a, b) => a - b).join()) throw new Error(`not in order: ${shown}`);
  step("every message comes once and in order; the removed one does not");

  // Words alone while the list flies by; then all that belongs to a line.
  let flying;
  const fly = async () => {
    const list = document.querySelector("[role=log] > div");
    let light = 0;
    for (let frames = 0; frames < 20; frames++) {
      list.scrollTop += 300;
      await new Promise(requestAnimationFrame);
      light = Math.max(light, list.querySelectorAll(".light").length);
    }
    return light;
  };
  await pushes(page, async () => (flying = await page.evaluate(fly)));
  if (flying === 0) throw new Error("every line was drawn whole while the list flew by");
  await page.waitForFunction(() => document.querySelectorAll("[role=log] .message").length > 5 && !document.querySelector(".light"));
  const bare = await page.locator("[role=log] .message:not(:has(.more))").count();
  if (bare > 0) throw new Error(`${bare} lines were not completed`);
  step("what flew by with its words alone is completed once the list is calm");

  await page.getByRole("button", { name: texts.to_newest }).click();
  await shows(page, "하나 지웠어요");
  step("one tap leads back to the newest");
});
