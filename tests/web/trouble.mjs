// What goes wrong on a device: `node trouble.mjs URL FOLDER LANGUAGE WIDTH`. A clock three hours off, a device that is
// full, what other clients may send, a session that ended: each is told in a sentence, and nothing that was written is lost.
import { drive, PASSWORD, step } from "./driver.mjs";

const [url, folder, language, width, reactions] = process.argv.slice(2);
const { texts, person, register, say, shows, shot, tab, button, restless, tell } = await drive(url, folder, language, width);
// Slow on the phone, fast on the PC.
const HOURS_OFF = Number(width) < 900 ? -3 : 3;
const REACTIONS = Number(reactions);

/** From now on the pages of this person have a clock that is wrong. */
async function turnClock(page, hours) {
  await page.context().addInitScript((offMs) => {
    const Right = Date;
    globalThis.Date = class extends Right {
      constructor(...given) {
        if (given.length === 0) super(Right.now() + offMs);
        else super(...given);
      }
      static now = () => Right.now() + offMs;
    };
  }, hours * 3_600_000);
  await page.reload();
}

const said = async (page) => (await page.getByRole("log").locator(".text").allTextContents()).map((text) => text.trim()).join();

/** Something from another client, with the session of this page. */
const ask = (page, method, path, body) =>
  page.evaluate(
    async ({ method, path, body }) => {
      const { accessToken } = JSON.parse(localStorage.getItem("bongsu.session"));
      const headers = { Authorization: `Bearer ${accessToken}` };
      const response = await fetch(path, { method, headers, body: typeof body === "string" ? body : JSON.stringify(body) });
      return response.json();
    },
    { method, path, body },
  );

/** What other clients may send: a text of 60 kB, a photo that is none, reactions by the thousand. */
async function flood(early, right) {
  const { joined_rooms } = await ask(right, "GET", "/_matrix/client/v3/joined_rooms");
  const room = `/_matrix/client/v3/rooms/${encodeURIComponent(joined_rooms[0])}`;
  const send = (id, content, type = "m.room.message") => ask(right, "PUT", `${room}/send/${type}/${id}`, content);
  await send("long", { msgtype: "m.text", body: "길다 ".repeat(8_500) });
  const unfold = early.getByRole("log").getByRole("button", { name: texts.show_all });
  await unfold.waitFor();
  const { content_uri } = await ask(right, "POST", "/_matrix/media/v3/upload?filename=x.png", "this is no picture");
  await send("false", { msgtype: "m.image", body: "거짓.png", url: content_uri, info: { mimetype: "image/png", w: 200, h: 100 } });
  await early.getByRole("log").getByText(texts.photo_none).waitFor();
  const { event_id } = await send("loved", { msgtype: "m.text", body: "모두가 좋아하는 말" });
  await shows(early, "모두가 좋아하는 말");
  // So many while early is away leave a gap in what it is told: it has to fetch what it held already.
  await early.context().setOffline(true);
  await right.evaluate(
    async ({ room, event_id, count }) => {
      const { accessToken } = JSON.parse(localStorage.getItem("bongsu.session"));
      const headers = { Authorization: `Bearer ${accessToken}` };
      let next = 0;
      const work = async () => {
        while (next < count) {
          const number = next++;
          const relation = { rel_type: "m.annotation", event_id, key: `${String.fromCodePoint(0x1f600 + (number % 60))}${number}` };
          const body = JSON.stringify({ "m.relates_to": relation });
          await fetch(`${room}/send/m.reaction/r${number}`, { method: "PUT", headers, body });
        }
      };
      await Promise.all(Array.from({ length: 6 }, work));
    },
    { room, event_id, count: REACTIONS },
  );
  await early.context().setOffline(false);
  await say(early, "그래도 잘 써져");
  await shows(right, "그래도 잘 써져");
  await early.locator(".reactions").getByRole("button").first().waitFor();
  const shown = await early.locator(".reactions").getByRole("button").count();
  if (shown < 2 || shown > 20) throw new Error(`${shown} kinds of reactions are shown`);
  await shot(early, "52-flood");
  step(`a text of 60 kB is folded, a photo that is none is told, ${reactions} reactions do not stop the writing`);
}

/** The server ends a session: for good, and for a moment. */
async function ends(early, right) {
  await right.context().setOffline(true);
  await say(right, "아직 못 보낸 말");
  await right.getByTitle(texts.sending).first().waitFor();
  const room = await right.evaluate(() => location.hash);
  await right.evaluate(() => (location.hash = "#/friends"));
  await right.getByRole("button", { name: texts.say_help, exact: true }).click();
  await right.getByText(texts.said_waits).waitFor();
  const { accessToken } = await right.evaluate(() => JSON.parse(localStorage.getItem("bongsu.session")));
  await fetch(`${url}/_matrix/client/v3/logout`, { method: "POST", headers: { Authorization: `Bearer ${accessToken}` } });
  await right.context().setOffline(false);
  await right.getByText(texts.logged_out).waitFor();
  await right.getByText(texts.kept_letters.replace("{name}", "right").replace("{count}", "2")).waitFor();
  await shot(right, "51-logged-out");
  await right.getByLabel(texts.password, { exact: true }).fill(PASSWORD);
  await button(right, "log_in").click();
  await shows(early, "아직 못 보낸 말");
  const { accessToken: token } = await early.evaluate(() => JSON.parse(localStorage.getItem("bongsu.session")));
  const headers = { Authorization: `Bearer ${token}` };
  const said = async () => (await (await fetch(`${url}/_bongsu/client/v1/check_ins`, { headers })).json()).check_ins;
  const until = Date.now() + 30_000;
  while (!(await said()).some(({ answer }) => answer === "help")) {
    if (Date.now() > until) throw new Error("what was said of how somebody is did not go out after the log-in");
    await new Promise((done) => setTimeout(done, 200));
  }
  await right.evaluate((hash) => (location.hash = hash), room);
  step("a session that was ended says so; what was not sent goes out when the same person is back");

  // The server of a service without short-lived tokens never asks so; the answer is put in its place.
  const soft = { status: 401, json: { errcode: "M_UNKNOWN_TOKEN", error: "expired", soft_logout: true } };
  await early.context().setOffline(true);
  await say(early, "기한이 끝난 뒤에 쓴 말");
  await early.getByTitle(texts.sending).first().waitFor();
  await early.route("**/_matrix/client/v3/{sync,rooms}**", (route) => route.fulfill(soft));
  await early.context().setOffline(false);
  await early.getByText(texts.again_title.replace("{name}", "early")).waitFor();
  await shot(early, "53-again");
  await early.unroute("**/_matrix/client/v3/{sync,rooms}**");
  await early.getByLabel(texts.password, { exact: true }).fill("something else");
  await button(early, "log_in").click();
  await early.getByText(texts.error_wrong).waitFor();
  const device = await early.evaluate(() => JSON.parse(localStorage.getItem("bongsu.session")).deviceId);
  await early.getByLabel(texts.password, { exact: true }).fill(PASSWORD);
  await button(early, "log_in").click();
  await shows(early, "아직 못 보낸 말");
  await shows(right, "기한이 끝난 뒤에 쓴 말");
  if ((await early.evaluate(() => JSON.parse(localStorage.getItem("bongsu.session")).deviceId)) !== device)
    throw new Error("it is another device now");
  step("a log-in that ran out asks for the password alone, and everything is still there and goes out");
}

await tell(async () => {
  // A gap of nothing but reactions leaves the open chat three lines, until what is older has come above them.
  restless("early");
  // Ten thousand reactions come to one line.
  restless("right");
  const early = await person("early");
  await turnClock(early, HOURS_OFF);
  await register(early, "early");
  await early.getByText(texts.no_chats, { exact: true }).waitFor();
  await tab(early, "me");
  const link = await early.getByRole("link", { name: /#\/u\// }).getAttribute("href");
  const right = await person("right", `/${new URL(link).hash}`);
  await register(right, "right");
  await right.getByLabel(texts.write_message).waitFor();
  await button(early, "accept").click();
  for (const [page, other, text] of [[early, right, "하나"], [right, early, "둘"], [early, right, "셋"], [right, early, "넷"]]) {
    await say(page, text);
    await shows(other, text);
  }
  for (const page of [early, right]) if ((await said(page)) !== "하나,둘,셋,넷") throw new Error(`the order is ${await said(page)}`);
  step("a clock that is three hours wrong changes neither what is read nor its order");

  // Chromium lets small writes pass whatever its quota: the refusal itself is put in place of a full disk.
  await right.evaluate(() => {
    const { add, put } = IDBObjectStore.prototype;
    const full = () => {
      throw new DOMException("the disk is full", "QuotaExceededError");
    };
    Object.assign(IDBObjectStore.prototype, { add: full, put: full });
    window.makeRoom = () => Object.assign(IDBObjectStore.prototype, { add, put });
  });
  await say(right, "자리가 없어도");
  await right.getByRole("alert").getByText(texts.error_storage).waitFor();
  if ((await right.getByLabel(texts.write_message).inputValue()) !== "자리가 없어도") throw new Error("what was written is gone");
  await shot(right, "50-device-full");
  await right.evaluate(() => window.makeRoom());
  await right.getByLabel(texts.write_message).press("Enter");
  await shows(early, "자리가 없어도");
  if ((await said(early)) !== "하나,둘,셋,넷,자리가 없어도") throw new Error(`early reads ${await said(early)}`);
  step("a device that is full says so, keeps what was written, and sends it once when there is room");

  await flood(early, right);
  await ends(early, right);
});
