// One name, two machines: `node sameName.mjs LAB FOLDER LANGUAGE PINS PLAIN`. The data centre and a hub both answer for
// talk.example.kr, each with its own certificate (PINS are the keys that count); PLAIN is the hub's page without TLS.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { step } from "./driver.mjs";

const [lab, folder, language, pins, plain] = process.argv.slice(2);
const web = new URL("../../web/", import.meta.url);
const { chromium } = createRequire(web)("playwright-core");
const texts = JSON.parse(readFileSync(new URL(`messages/${language}.json`, web), "utf8"));
const { nodes, nats } = JSON.parse(readFileSync(join(lab, "lab.json"), "utf8"));
const [core, hub] = ["a", "h1"].map((site) => nodes.find((node) => node.site === site));
const HOME = "https://talk.example.kr";
const WAIT_MS = 60_000;
const profiles = [];

/** A phone whose network says that the name is at this machine. */
async function phone(profile, node) {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", `--host-resolver-rules=MAP talk.example.kr:443 ${new URL(node.url).host}`, `--ignore-certificate-errors-spki-list=${pins}`],
    viewport: { width: 360, height: 740 },
    locale: language === "ko" ? "ko-KR" : "en-US",
    hasTouch: true,
  });
  const [page] = context.pages();
  page.setDefaultTimeout(WAIT_MS);
  page.on("dialog", () => {
    throw new Error("there was a prompt");
  });
  return { context, page };
}

function profile() {
  const made = mkdtempSync(join(tmpdir(), "bongsu-phone-"));
  profiles.push(made);
  return made;
}

async function register(page, name) {
  await page.getByLabel(texts.name, { exact: true }).fill(name);
  await page.getByLabel(texts.password, { exact: true }).fill("봉수대 다섯 개");
  await page.getByRole("button", { name: texts.register, exact: true }).click();
  await page.getByText(texts.no_chats, { exact: true }).waitFor();
}

async function writeMyself(page, text) {
  await page.getByRole("button", { name: texts.write_myself }).click();
  await say(page, text);
}

async function say(page, text) {
  await page.getByLabel(texts.write_message).fill(text);
  await page.keyboard.press("Enter");
  const line = page.locator(".message").filter({ hasText: text }).last();
  await line.waitFor();
  // Sent, not merely kept: the clock is gone.
  await line.locator(".sending").waitFor({ state: "detached" });
}

/** Whether the hub knows a session, asked without the name. */
const knows = (token) =>
  new Promise((done) => {
    const options = { rejectUnauthorized: false, headers: { Authorization: `Bearer ${token}` } };
    const asked = request(`https://${new URL(hub.url).host}/_matrix/client/v3/account/whoami`, options, ({ statusCode }) => done(statusCode === 200));
    asked.on("error", () => done(false));
    asked.end();
  });

try {
  const home = profile();
  let { context, page } = await phone(home, core);
  await page.goto(`${HOME}/?hub=h1`);
  await register(page, "kim");
  await writeMyself(page, "센터에서");
  const token = await page.waitForFunction(() => JSON.parse(localStorage.getItem("bongsu.session"))?.recoveryKey && JSON.parse(localStorage.getItem("bongsu.session")).accessToken).then((it) => it.jsonValue());
  for (const endMs = Date.now() + WAIT_MS; !(await knows(token)); ) {
    if (Date.now() > endMs) throw new Error("the hub never knew kim");
    await new Promise((done) => setTimeout(done, 100));
  }
  await page.waitForFunction(() => navigator.serviceWorker.ready.then(({ active }) => active?.state === "activated"));
  await context.close();
  step("somebody uses the client at the data centre and becomes a resident of the hub");

  for (const each of [...nodes, ...nats].filter(({ site }) => site === "a")) process.kill(each.pid, "SIGKILL");
  ({ context, page } = await phone(home, hub));
  await page.goto(HOME);
  await page.getByText(texts.to_myself).filter({ visible: true }).first().click();
  await page.getByText("센터에서").last().waitFor();
  await say(page, "거점에서");
  await page.getByText(texts.strip_hub_alone.split("{time}").at(-1).trim().slice(-12)).first().waitFor();
  await page.screenshot({ path: join(folder, `${language}-360-80-same-name.png`) });
  await context.close();
  step("the data centre is gone: the same address at the hub opens the same chats, without a prompt or a log-in");

  ({ context, page } = await phone(profile(), hub));
  await page.goto(HOME);
  await register(page, "saebom");
  await writeMyself(page, "처음 왔어요");
  await context.close();
  step("a first visit at a hub that is cut off loads, registers and chats");

  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const poor = await browser.newPage({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } });
  await poor.goto(plain);
  await poor.getByText("공지 · Notices").waitFor();
  if ((await poor.getByRole("link").getAttribute("href")) !== HOME) throw new Error("the plain page does not lead to the messenger");
  await poor.screenshot({ path: join(folder, `${language}-360-81-plain.png`) });
  await browser.close();
  step("the page over plain HTTP shows the notices without a script");
} catch (error) {
  console.log(error.stack);
  process.exitCode = 1;
} finally {
  for (const each of profiles) rmSync(each, { recursive: true, force: true });
}
