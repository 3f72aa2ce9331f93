// What the scripts about the tower share: accounts by the API, a root key's holder at the command line, codes of an hour.
import { execFile, execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { PASSWORD } from "./driver.mjs";

export const OWN = "/_bongsu/client/v1";
const API = "/_matrix/client/v3";
const PATIENCE_MS = 90_000;
export const PASSPHRASE = "봉수대에 불이 올랐습니다";

/** Asks a site; `own`: below /_bongsu/client/v1 instead of Matrix's own. @throws Error unless it is answered well */
export async function ask(url, method, path, token, body) {
  const whole = path.startsWith("/_bongsu") ? path : `${API}${path}`;
  const response = await fetch(`${url}${whole}`, {
    method,
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(`${method} ${path}: ${response.status} ${answer.error}`), { status: response.status });
  return answer;
}

export async function register(url, name) {
  const body = { username: name, password: PASSWORD, auth: { type: "m.login.dummy" } };
  const { user_id: userId, access_token: token } = await ask(url, "POST", "/register", null, body);
  return { name, userId, token };
}

/** Waits until something that happens by itself has happened; what `holds` throws is taken for "not yet". */
export async function eventually(what, holds) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await Promise.resolve(holds()).catch(() => null);
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`it never came to be so: ${what}`);
    await new Promise((done) => setTimeout(done, 200));
  }
}

/** Runs `act` for each, so many at once. */
export async function forEach(all, act, atOnce = 8) {
  const left = [...all];
  const work = async () => {
    for (let each = left.shift(); each !== undefined; each = left.shift()) await act(each);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

const BONGSU = new URL("../../.venv/bin/bongsu", import.meta.url).pathname;

export const bongsu = (...args) => execFileSync(BONGSU, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

const PYTHON = new URL("../../.venv/bin/python", import.meta.url).pathname;

/**
 * Has hours of talk written in time-lapse, as the drill hub-cut does (bongsu/drill/talk.py).
 * `sides`: by the name of each, its speakers `{name, url, room_id, access_token}`.
 * @returns how many messages were acknowledged
 */
export async function talk(lab, sides, hours, perHour) {
  const file = join(lab, "talk.json");
  writeFileSync(file, JSON.stringify({ ca: "", hours, per_hour: perHour, sides }));
  const { stdout } = await promisify(execFile)(PYTHON, ["-m", "bongsu.drill.talk", file]);
  return Number(stdout);
}

/** The holder of a laboratory's root key signs an officer's request, and hands it to a site. */
export function certify(lab, url, request, userId, role, ...more) {
  const out = join(lab, `${role}-${Date.now()}.statement`);
  const line = join(lab, `${role}-${Date.now()}.request`);
  writeFileSync(line, request);
  const root = ["--root", join(lab, "root.key"), "--passphrase-file", join(lab, "root.passphrase")];
  bongsu("tower", "add", ...root, line, "--role", role, "--user", userId, "--out", out, ...more);
  bongsu("tower", "install", out, "--url", url);
}

/** The code of an authenticator app (RFC 6238). `step`: of which half-minute, counted from now's. */
export function code(secret, step = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + step));
  const digest = createHmac("sha1", key).update(counter).digest();
  const at = digest.at(-1) & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** How an officer does things in the browser. `kit`: what `drive` returns. */
export function officers({ texts, button, like, dialog }) {
  async function toTower(page) {
    await page.evaluate(() => (location.hash = "#/tower"));
    await page.getByRole("heading", { name: texts.tower, exact: true }).waitFor();
  }

  const view = (page, key) => page.getByRole("tab", { name: texts[key] }).click();

  /** A key made in the browser; the request line that it shows. */
  async function makeKey(page, name) {
    await toTower(page);
    await button(page, "tower_make_key").click();
    await page.getByLabel(texts.key_name).fill(name);
    await page.getByLabel(like("key_passphrase")).fill(PASSPHRASE);
    const downloaded = page.waitForEvent("download");
    await button(page, "key_make").click();
    const file = await (await downloaded).path();
    const line = page.getByText(/^tower-request:/);
    await line.waitFor();
    return { request: await line.textContent(), file: readFileSync(file, "utf8") };
  }

  /** Sets the second factor up and opens the tower. */
  async function enter(page) {
    await page.evaluate(() => (location.hash = "#/me"));
    await page.getByRole("heading", { name: texts.me, exact: true }).waitFor();
    await toTower(page);
    await button(page, "tower_enrol_start").click();
    const secret = await page.locator("code").first().textContent();
    await page.getByLabel(texts.tower_code, { exact: true }).fill(code(secret));
    await button(page, "open").click();
    await page.getByRole("tab", { name: texts.tower_sites }).waitFor();
    await page.getByText(like("sites_up")).waitFor();
    return secret;
  }

  /** `more`: what else is filled in. */
  async function declare(page, kind, place, more = async () => undefined) {
    await view(page, "tower_incidents");
    await button(page, "incident_new").click();
    await page.getByLabel(texts.incident_kind).fill(kind);
    await page.getByLabel(texts.incident_place).fill(place);
    await more();
    await button(page, "incident_open").click();
    await page.getByRole("heading", { name: `${kind} · ${place}` }).waitFor();
  }

  const stage = (page, key) => page.getByRole("group", { name: texts.incident_stage }).getByRole("button", { name: texts[key], exact: true });

  /** Fills the form in and looks at what would go out. */
  async function write(page, { event, korean, instruction, english }) {
    await view(page, "tower_alerts");
    await button(page, "alert_new").click();
    await page.getByLabel(texts.alert_event, { exact: true }).fill(event);
    const [ko, en] = ["korean", "english"].map((key) => page.getByRole("group", { name: texts[key], exact: true }));
    await ko.getByLabel(texts.alert_headline).fill(korean);
    await ko.getByLabel(texts.alert_instruction).fill(instruction);
    await en.getByLabel(texts.alert_headline).fill(english);
    await button(page, "alert_look").click();
    await page.getByRole("heading", { name: texts.alert_preview }).waitFor();
  }

  const send = (page) => button(page, "alert_send").click();

  const card = (page) => page.getByRole("alertdialog");

  const confirmCard = (page) => card(page).getByRole("button", { name: texts.alert_confirm, exact: true }).click();

  async function askSafe(page) {
    await view(page, "tower_safety");
    await button(page, "call_new").click();
    await button(page, "call_send").click();
    await button(page, "show_silent").first().waitFor();
  }

  return { toTower, view, makeKey, enter, declare, stage, write, send, card, confirmCard, askSafe, dialog };
}
