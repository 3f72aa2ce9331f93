// What goes wrong on a device: `node trouble.mjs URL FOLDER LANGUAGE WIDTH`. A clock three hours off, a device that is
// full, a session that ended elsewhere: each is told in a sentence, and nothing that was written is lost.
import { drive, step } from "./driver.mjs";

const [url, folder, language, width] = process.argv.slice(2);
const { texts, person, register, say, shows, shot, tab, button, tell } = await drive(url, folder, language, width);
const HOURS_OFF = 3;

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

await tell(async () => {
  const early = await person("early");
  await turnClock(early, -HOURS_OFF);
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
  step("a clock that is three hours slow changes neither what is read nor its order");

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

  await right.evaluate(async () => {
    const { accessToken } = JSON.parse(localStorage.getItem("bongsu.session"));
    await fetch("/_matrix/client/v3/logout", { method: "POST", headers: { Authorization: `Bearer ${accessToken}` } });
  });
  await right.getByText(texts.logged_out).waitFor();
  await shot(right, "51-logged-out");
  step("a session that was ended says so, on the first screen");
});
