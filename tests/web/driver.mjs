// What the scripts of the web client share: a browser, people in it, and controls found by what people see.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const web = new URL("../../web/", import.meta.url);
const require = createRequire(web);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const PASSWORD = "봉수대 다섯 개";
const PATIENCE_MS = 30_000;
// A microphone that hums, and no question whether it may.
const ARGS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
/** The most that what stands on a page may move by itself: the Cumulative Layout Shift that Web Vitals call good. */
const SHIFT_MAX = 0.1;
const BAD = /Content Security Policy|Uncaught|TypeError(?!: Failed to fetch)|ReferenceError/;

/** In the page: tells of whatever moves without somebody having touched anything. */
const watchShifts = () =>
  new PerformanceObserver((list) => {
    for (const { hadRecentInput, value, startTime, sources } of list.getEntries()) {
      if (hadRecentInput) continue;
      const box = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(" ");
      const what = sources.map(({ node, previousRect, currentRect }) => {
        const element = node instanceof Element ? node : node?.parentElement;
        const name = `${element?.localName}.${element?.className.toString().replace(/ ?svelte-\w+/g, "")} ${element?.textContent.trim().replace(/\s+/g, " ").slice(0, 24)}`;
        return `${name}: ${box(previousRect)} -> ${box(currentRect)}`;
      });
      window.tellShift({ value, startTime, what, at: location.href });
    }
  }).observe({ type: "layout-shift", buffered: true });

/** Adds up what moved on one page; shifts a second apart, or over more than five, are not one to who looks (as CLS has it). */
function shiftsOf(name, moved) {
  let [sum, firstMs, lastMs, what] = [0, 0, -Infinity, []];
  return (shift) => {
    const { value, startTime } = shift;
    if (startTime < lastMs || startTime - lastMs > 1_000 || startTime - firstMs > 5_000) [sum, firstMs, what] = [0, startTime, []];
    [sum, lastMs] = [sum + value, startTime];
    what.push(`${value.toFixed(3)} at ${Math.round(startTime)} ms on ${shift.at}: ${shift.what.join(" | ")}`);
    if (sum > SHIFT_MAX) moved.set(what, `${name}: the page moved by itself by ${sum.toFixed(3)}:\n  ${what.join("\n  ")}`);
  };
}

export async function drive(url, folder, language, width) {
  mkdirSync(folder, { recursive: true });
  const texts = JSON.parse(readFileSync(new URL(`messages/${language}.json`, web), "utf8"));
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGS });
  const pages = [];
  const complaints = [];
  // One for each time that a page moved.
  const moved = new Map();
  const pushed = new Set();
  const allowed = [url];
  let tolerated = null;
  const tolerate = (pattern) => (tolerated = pattern);

  /** Somebody new at a path of the first site, or at a whole address; a PC among phones has a width of its own.
   * `before` runs in the page before the client does. */
  async function person(name, at = "/", pixels = Number(width), before = null, timezoneId = "Asia/Seoul") {
    const context = await browser.newContext({
      locale: language === "ko" ? "ko-KR" : "en-US",
      viewport: { width: pixels, height: pixels < 900 ? 740 : 800 },
      timezoneId,
      hasTouch: pixels < 900,
    });
    if (before) await context.addInitScript(before);
    const tell = shiftsOf(name, moved);
    await context.exposeFunction("tellShift", (shift) => pushed.has(name) || tell(shift));
    await context.addInitScript(watchShifts);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("console", (said) => {
      if (BAD.test(said.text()) && !tolerated?.test(said.text())) complaints.push(`${name}: ${said.text()}`);
      if (process.env.LOUD) console.error(name, said.type(), said.text().slice(0, 300));
    });
    page.on("pageerror", ({ name: kind, message, stack }) => {
      // The SDK, stopped while its connection is gone, rejects what nobody waits for, and gives no reason.
      if (stack || message !== "undefined") complaints.push(`${name}: ${stack || `${kind}: ${message}`}`);
    });
    page.on("request", (request) => {
      const asked = request.url();
      if (!/^(?:blob|data):/.test(asked) && !allowed.some((site) => asked.startsWith(site)))
        complaints.push(`${name} asked a third party: ${asked}`);
    });
    await page.goto(new URL(at, url).href);
    pages.push([name, page]);
    return page;
  }

  /** A text of the client as a pattern: its {variables} stand for anything. */
  const like = (key) =>
    new RegExp(`^${texts[key].replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\w+\}/g, ".+")}$`);
  const button = (page, key) => page.getByRole("button", { name: like(key), exact: true });
  const dialog = (page, key) => page.getByRole("dialog").getByRole("button", { name: like(key), exact: true });
  const tab = (page, key) => page.getByRole("navigation").getByText(texts[key], { exact: true }).click();
  const shows = (page, text) => page.getByRole("log").getByText(text, { exact: true }).last().waitFor();
  const picture = (page, name) =>
    page.screenshot({ path: join(folder, `${language}-${page.viewportSize().width}-${name}.png`) });

  /** A screenshot, and what axe finds serious on the screen, and what a finger would miss. */
  async function shot(page, name) {
    await picture(page, name);
    await page.evaluate(axe);
    const found = await page.evaluate(async () => {
      const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
      return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .flatMap(({ id, nodes }) => nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary}`));
    });
    const small = await page.evaluate(() =>
      [...document.querySelectorAll("button, a[href], select, label > input")].flatMap((control) => {
        const target = control.matches("label > input") ? control.parentElement : control;
        const { width: wide, height: high } = target.getBoundingClientRect();
        // A link within a sentence is as high as its line.
        const inText = target.matches("a") && getComputedStyle(target).display === "inline";
        const shown = target.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && wide > 0;
        return shown && !inText && (high < 43.5 || wide < 43.5) ? [`${wide}x${high} ${target.outerHTML.slice(0, 120)}`] : [];
      }),
    );
    for (const each of found) complaints.push(`${name}: axe: ${each}`);
    for (const each of small) complaints.push(`${name}: too small for a finger: ${each}`);
  }

  async function register(page, name) {
    await page.getByLabel(texts.name, { exact: true }).fill(name);
    await page.getByLabel(texts.password, { exact: true }).fill(PASSWORD);
    await button(page, "register").click();
  }

  async function logIn(page, name) {
    await button(page, "to_log_in").click();
    await page.getByLabel(texts.name, { exact: true }).fill(name);
    await page.getByLabel(texts.password, { exact: true }).fill(PASSWORD);
    await button(page, "log_in").click();
  }

  /** Fills in a message. A key is touched first: the field grows by somebody's hand, not by itself. */
  async function write(page, text) {
    await page.getByLabel(texts.write_message).press("End");
    await page.getByLabel(texts.write_message).fill(text);
  }

  async function say(page, text) {
    await write(page, text);
    await page.keyboard.press("Enter");
  }

  async function menu(page, text) {
    const message = page.locator(".message").filter({ hasText: text }).last();
    // A row that came into sight while the list flew by is its words alone for a moment, and has nothing to tap.
    await message.locator(".light").waitFor({ state: "detached" });
    const words = message.locator(".bubble .text");
    // A finger taps the text itself.
    if (page.viewportSize().width < 900 && (await words.count()) > 0) return words.first().click({ position: { x: 4, y: 4 } });
    await message.hover();
    await message.getByLabel(texts.more, { exact: true }).click();
  }

  async function act(page, text, name) {
    await menu(page, text);
    await page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
  }

  /** While `act` runs somebody else's doing changes what stands on the page: that may move what is around it. */
  async function pushes(page, act) {
    const [name] = pages.find(([, each]) => each === page);
    pushed.add(name);
    await act();
    await page.evaluate(() => new Promise((told) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(told, 50)))));
    pushed.delete(name);
  }

  /** Whoever watches what others do as they do it: on such a page something always comes and goes. */
  const restless = (name) => pushed.add(name);

  /** Runs a story; what fails leaves a screenshot of every page and ends with status 1. */
  async function tell(story) {
    try {
      await story();
      complaints.push(...moved.values());
      if (complaints.length > 0) throw new Error("the pages complained");
    } catch (error) {
      console.log([error.stack, ...new Set(complaints)].join("\n"));
      for (const [name, page] of pages) await picture(page, `failed-${name}`).catch(() => undefined);
      process.exitCode = 1;
    } finally {
      await browser.close();
    }
  }

  return { texts, tolerate, person, like, button, dialog, tab, shows, shot, register, logIn, write, say, pushes, restless, menu, act, tell, allowed, browser };
}

const beganMs = Date.now();
export const step = (text) => console.log(`ok ${text} (${((Date.now() - beganMs) / 1000).toFixed(1)} s)`);

/** Drops a video, made on the spot, into the open chat. */
export const dropVideo = (page, name) =>
  page.locator(".composer").evaluate(async (composer, name) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [320, 180];
    const context = canvas.getContext("2d");
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: "video/webm" });
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.start();
    for (let frame = 0; frame < 20; frame++) {
      context.fillStyle = `hsl(${frame * 18} 70% 50%)`;
      context.fillRect(0, 0, 320, 180);
      await new Promise((done) => setTimeout(done, 40));
    }
    await new Promise((done) => {
      recorder.onstop = done;
      recorder.stop();
    });
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(parts, name, { type: "video/webm" }));
    composer.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  }, name);

/** Opens a picture or a video of the chat, and waits until it really shows. */
export async function look(page, name) {
  await page.getByRole("button", { name }).last().click();
  const shown = page.getByRole("dialog").locator("img, video").first();
  await shown.evaluate(async (media) => {
    if (media instanceof HTMLImageElement) await media.decode();
    else if (media.readyState < 2) await new Promise((done) => media.addEventListener("loadeddata", done));
  });
}

/** The recovery kit's text, once it is made. */
export const kitOf = (page) =>
  page.waitForFunction(() => JSON.parse(localStorage.getItem("bongsu.session")).recoveryKey).then((it) => it.jsonValue());
