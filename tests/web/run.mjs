// The web client in a real browser: `node run.mjs URL FOLDER LANGUAGE WIDTH`. Controls are found by what people see.
// Prints one line a step; a failure leaves a screenshot of every page and ends with status 1.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const web = new URL("../../web/", import.meta.url);
const { chromium } = createRequire(web)("playwright-core");

const [url, folder, language, width] = process.argv.slice(2);
const texts = JSON.parse(readFileSync(new URL(`messages/${language}.json`, web), "utf8"));
const PASSWORD = "봉수대 다섯 개";
const PATIENCE_MS = 30_000;
const height = Number(width) < 900 ? 740 : 800;

/** A text of the client as a pattern: its {variables} stand for anything. */
const like = (key) =>
  new RegExp(`^${texts[key].replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\w+\}/g, ".+")}$`);

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const pages = [];
const complaints = [];

async function person(name, at = "/") {
  const context = await browser.newContext({
    locale: language === "ko" ? "ko-KR" : "en-US",
    viewport: { width: Number(width), height },
    timezoneId: "Asia/Seoul",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("console", (said) => {
    if (/Content Security Policy|Uncaught|TypeError(?!: Failed to fetch)|ReferenceError/.test(said.text()))
      complaints.push(`${name}: ${said.text()}`);
    if (process.env.LOUD) console.error(name, said.type(), said.text().slice(0, 300));
  });
  page.on("pageerror", (error) => complaints.push(`${name}: ${error.stack ?? error}`));
  page.on("request", (request) => {
    if (!/^(?:blob|data):/.test(request.url()) && !request.url().startsWith(url))
      complaints.push(`${name} asked a third party: ${request.url()}`);
  });
  await page.goto(url + at);
  pages.push([name, page]);
  return page;
}

const button = (page, key) => page.getByRole("button", { name: like(key), exact: true });
const shot = (page, name) => page.screenshot({ path: join(folder, `${language}-${width}-${name}.png`) });

async function register(page, name) {
  await page.getByLabel(texts.name, { exact: true }).fill(name);
  await page.getByLabel(texts.password, { exact: true }).fill(PASSWORD);
  await button(page, "register").click();
}

async function say(page, text) {
  await page.getByLabel(texts.write_message).fill(text);
  await page.keyboard.press("Enter");
}

async function act(page, text, name) {
  const message = page.locator(".message").filter({ hasText: text }).last();
  await message.hover();
  await message.getByLabel(texts.more, { exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
}

/** The recovery kit's text, once it is made. */
const kitOf = (page) =>
  page.waitForFunction(() => JSON.parse(localStorage.getItem("bongsu.session")).recoveryKey).then((it) => it.jsonValue());

const shows = (page, text) => page.getByRole("log").getByText(text, { exact: true }).waitFor();
const step = (text) => console.log(`ok ${text}`);

async function story() {
  const sora = await person("sora");
  await shot(sora, "1-welcome");
  await register(sora, "sora");
  await sora.getByText(texts.no_chats, { exact: true }).waitFor();
  await shot(sora, "2-no-chats");
  step("sora makes an account with two fields and one tap");

  await sora.getByRole("navigation").getByText(texts.me, { exact: true }).click();
  const link = await sora.getByRole("link", { name: /#\/u\// }).getAttribute("href");
  await shot(sora, "3-me");
  step("sora has a link and a QR to give");

  const bada = await person("bada", new URL(link).hash ? `/${new URL(link).hash}` : "/");
  await bada.getByText(texts.welcome_friend.replace("{name}", "sora")).waitFor();
  await shot(bada, "4-invited-by-link");
  await register(bada, "bada");
  await bada.getByLabel(texts.write_message).waitFor();
  step("bada opens the link, fills in two fields and is in the chat");

  await say(bada, "소라야, 여기 괜찮다!");
  await shows(bada, "소라야, 여기 괜찮다!");
  await sora.getByRole("navigation").getByText(texts.chats, { exact: true }).click();
  await button(sora, "accept").waitFor();
  await shot(sora, "5-invitation");
  await button(sora, "accept").click();
  await shows(sora, "소라야, 여기 괜찮다!");
  step("sora accepts and reads what bada wrote before, decrypted");

  await say(sora, "어서 와 바다야 😀");
  await shows(bada, "어서 와 바다야 😀");
  await say(bada, "오늘 저녁에 마을 회관에서 봐. 주소는 https://example.org/map 이야.");
  await sora.getByRole("log").getByRole("link").waitFor();
  await say(sora, "응 🙌");
  await shows(bada, "응 🙌");
  await sora.getByText(texts.encrypted).waitFor();
  await shot(sora, "6-room");
  await shot(bada, "6-room-bada");
  step("they chat, encrypted");

  const firstKit = await kitOf(sora);
  await sora.reload();
  await shows(sora, "응 🙌");
  await shows(sora, "소라야, 여기 괜찮다!");
  step("after a reload the history is there");

  await sora.context().setOffline(true);
  await say(sora, "끊긴 동안 쓴 첫 번째");
  await say(sora, "끊긴 동안 쓴 두 번째");
  await sora.getByTitle(texts.sending).nth(1).waitFor();
  await sora.getByText(like("strip_offline")).waitFor();
  await shot(sora, "7-offline");
  await sora.evaluate(async () => {
    await navigator.serviceWorker.ready;
    dispatchEvent(new Event("pagehide"));
  });
  await sora.reload();
  await sora.getByTitle(texts.sending).nth(1).waitFor();
  await shows(sora, "응 🙌");
  step("reloaded without a network it opens, with its history and what waits");
  await sora.context().setOffline(false);
  await shows(bada, "끊긴 동안 쓴 두 번째");
  await sora.getByTitle(texts.sending).first().waitFor({ state: "detached" });
  const bodies = await bada.getByRole("log").getByText(/^끊긴 동안/).allTextContents();
  if (bodies.map((body) => body.trim()).join() !== "끊긴 동안 쓴 첫 번째,끊긴 동안 쓴 두 번째")
    throw new Error(`what was written offline arrived as ${bodies}`);
  step("what is written offline goes out later, in order, once");

  await act(bada, "끊긴 동안 쓴 첫 번째", texts.react.replace("{emoji}", "❤️"));
  await sora.getByRole("button", { name: "❤️ 1" }).waitFor();
  await act(sora, "끊긴 동안 쓴 첫 번째", texts.edit);
  await say(sora, "끊긴 동안 쓴 글, 고침");
  await shows(bada, "끊긴 동안 쓴 글, 고침");
  await act(bada, "끊긴 동안 쓴 글, 고침", texts.reply);
  await say(bada, "잘 왔어");
  await shows(sora, "잘 왔어");
  await act(sora, "끊긴 동안 쓴 두 번째", texts.delete);
  await bada.getByText(texts.deleted).waitFor();
  step("they react, edit, reply and delete");

  await sora.locator("input[type=file]").setInputFiles(new URL("photo.png", import.meta.url).pathname);
  await bada.getByRole("button", { name: "photo.png" }).getByRole("img").waitFor();
  await shot(bada, "8-photo");
  await bada.getByRole("button", { name: "photo.png" }).click();
  await bada.getByRole("dialog").getByRole("img").waitFor();
  await bada.keyboard.press("Escape");
  step("sora sends a photo, bada looks at it");

  if (Number(width) < 900) await button(sora, "back").click();
  await sora.getByText("bada").first().waitFor();
  await shot(sora, "9-chats");
  await sora.getByRole("navigation").getByText(texts.friends, { exact: true }).click();
  await sora.getByLabel(texts.search_friends).fill("ba");
  await sora.getByRole("button", { name: "bada" }).waitFor();
  await shot(sora, "10-friends");
  step("sora finds bada among the friends");

  await sora.getByRole("navigation").getByText(texts.chats, { exact: true }).click();
  await button(sora, "kit_show").first().click();
  const kit = await sora.getByRole("dialog").locator("code").textContent();
  if (kit !== firstKit) throw new Error("the recovery kit changed: one put away before is worth nothing");
  await shot(sora, "11-kit");
  await button(sora, "kit_saved").click();
  const phone = await person("new-phone");
  await button(phone, "to_log_in").click();
  await phone.getByLabel(texts.name, { exact: true }).fill("sora");
  await phone.getByLabel(texts.password, { exact: true }).fill(PASSWORD);
  await button(phone, "log_in").click();
  await phone.getByText(texts.kit_needed).waitFor();
  await button(phone, "kit_enter").first().click();
  await phone.getByRole("dialog").getByLabel(texts.kit).fill(kit);
  await shot(phone, "12-kit-needed");
  await phone.getByRole("dialog").getByRole("button", { name: texts.open }).click();
  await phone.getByText(texts.kit_done).waitFor();
  await phone.keyboard.press("Escape");
  await phone.getByRole("button", { name: /bada/ }).click();
  await shows(phone, "끊긴 동안 쓴 글, 고침");
  await phone.getByRole("log").hover();
  await phone.mouse.wheel(0, -5000);
  await shows(phone, "소라야, 여기 괜찮다!");
  await say(phone, "새 전화로도 잘 보여");
  await shows(bada, "새 전화로도 잘 보여");
  await shot(phone, "13-new-phone");
  step("with name, password and kit a new phone reads all history");
}

try {
  await story();
  if (complaints.length > 0) throw new Error(`the pages complained:\n${complaints.join("\n")}`);
} catch (error) {
  console.log(error.stack);
  console.log(complaints.join("\n"));
  for (const [name, page] of pages) await shot(page, `failed-${name}`).catch(() => undefined);
  process.exitCode = 1;
} finally {
  await browser.close();
}
