// Notifications while nothing is open: `node push.mjs URL FOLDER LANGUAGE WIDTH ALERT`, where ALERT is an alert as an officer
// hands it in. A headless browser has no push service:
// one of the test's stands in for it. The subscription, the pusher, the request and the worker are the real ones.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { drive, step } from "./driver.mjs";
import { ask, OWN } from "./officers.mjs";

const [url, folder, language, width, alertFile] = process.argv.slice(2);
const { texts, person, register, say, shows, shot, tab, button, tell } = await drive(url, folder, language, width);

const came = [];
let tellCame;
const service = createServer((asked, answer) => {
  asked.resume();
  asked.on("end", () => {
    came.push(asked.headers);
    answer.writeHead(201).end();
    tellCame?.();
  });
});
await new Promise((done) => service.listen(0, "127.0.0.1", done));
const endpoint = `http://127.0.0.1:${service.address().port}/one`;

/** What a browser with a push service does when it is asked to subscribe. */
const subscribing = async (endpoint) => {
  const made = new WeakMap();
  const bytes = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const { publicKey } = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
  const keys = { p256dh: bytes(await crypto.subtle.exportKey("raw", publicKey)), auth: bytes(crypto.getRandomValues(new Uint8Array(16))) };
  PushManager.prototype.subscribe = function () {
    const subscription = { endpoint, toJSON: () => ({ endpoint, keys }), unsubscribe: async () => made.delete(this) };
    made.set(this, subscription);
    return Promise.resolve(subscription);
  };
  PushManager.prototype.getSubscription = function () {
    return Promise.resolve(made.get(this) ?? null);
  };
};

const pushers = (page) =>
  page.evaluate(async () => {
    const { accessToken } = JSON.parse(localStorage.getItem("bongsu.session"));
    const response = await fetch("/_matrix/client/v3/pushers", { headers: { Authorization: `Bearer ${accessToken}` } });
    return (await response.json()).pushers;
  });

await tell(async () => {
  const maru = await person("maru");
  await register(maru, "maru");
  await maru.getByText(texts.no_chats, { exact: true }).waitFor();
  await tab(maru, "me");
  const link = await maru.getByRole("link", { name: /#\/u\// }).getAttribute("href");
  const guest = await person("guest", `/${new URL(link).hash}`);
  await register(guest, "guest");
  await guest.getByLabel(texts.write_message).waitFor();
  await button(maru, "accept").click();
  await say(guest, "들려요?");
  await shows(maru, "들려요?");

  await maru.context().grantPermissions(["notifications"], { origin: url });
  if (Number(width) < 900) await button(maru, "back").click();
  await tab(maru, "me");
  const box = maru.getByLabel(texts.notify_here);
  await box.check();
  await maru.getByText(texts.notify_open_only).waitFor();
  await box.uncheck();
  step("a browser without a push service says so, and notifies while it is open");

  await maru.evaluate(subscribing, endpoint);
  await box.check();
  await maru.getByText(texts.notify_closed_too).waitFor();
  await shot(maru, "70-push");
  const [pusher] = await pushers(maru);
  if (pusher.app_id !== "kr.bongsu.web" || pusher.data.endpoint !== endpoint) throw new Error(`the pusher is ${JSON.stringify(pusher)}`);
  const told = new Promise((done) => (tellCame = done));
  const before = came.length;
  await say(guest, "아무도 안 보는 말");
  await told;
  if (came[before]["content-encoding"] !== "aes128gcm" || !came[before].authorization.startsWith("vapid t=")) throw new Error("what came is no Web Push");
  step("the server tells the push service, encrypted and signed");

  // The browser's side of it: what came wakes the worker, with no page of the client open.
  const devtools = await maru.context().newCDPSession(maru);
  const scopes = new Map();
  devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
    for (const { scopeURL, registrationId } of registrations) scopes.set(new URL(scopeURL).pathname, registrationId);
  });
  await devtools.send("ServiceWorker.enable");
  const scope = await maru.evaluate(async () => {
    const all = await navigator.serviceWorker.getRegistrations();
    return all.map((each) => new URL(each.scope).pathname).find((path) => path.startsWith("/push/"));
  });
  const registrationId = scopes.get(scope);
  const [{ roomId }] = await maru.evaluate(() => JSON.parse(localStorage.getItem("bongsu.chats")).chats);
  const deliver = (data) => devtools.send("ServiceWorker.deliverPushMessage", { origin: url, registrationId, data: JSON.stringify(data) });
  const notifications = () =>
    maru.evaluate(async (scope) => {
      const registration = await navigator.serviceWorker.getRegistration(scope);
      return (await registration.getNotifications()).map(({ title, body, tag, data }) => ({ title, body, tag, data }));
    }, scope);
  // Whoever looks at the client needs no notification: this one must not be among those found below.
  await deliver({ room_id: "!looked-at:x", event_id: "$w", sender_display_name: "guest", lang: language });
  await maru.goto("about:blank");
  await deliver({ room_id: roomId, event_id: "$x", sender_display_name: "guest", lang: language });
  await deliver({ room_id: roomId, event_id: "$x", sender_display_name: "guest", lang: language });
  await maru.goto(url);
  await maru.getByText("guest").first().waitFor();
  let shown = [];
  for (let turns = 0; turns < 50 && shown.length === 0; turns++) {
    shown = await notifications();
    await maru.evaluate(() => new Promise((done) => setTimeout(done, 100)));
  }
  const wanted = { title: "guest", body: texts.notice_new, tag: roomId, data: { address: `#/room/${encodeURIComponent(roomId)}` } };
  if (JSON.stringify(shown) !== JSON.stringify([wanted])) throw new Error(`the notifications are ${JSON.stringify(shown)}`);
  step("with the client closed one notification is shown, in the person's language, without what was said");

  const handed = JSON.parse(readFileSync(alertFile, "utf8"));
  await maru.goto("about:blank");
  const warned = new Promise((done) => (tellCame = done));
  const count = came.length;
  const { id } = await ask(url, "POST", `${OWN}/alerts`, null, handed);
  await warned;
  if (came[count].urgency !== "high") throw new Error(`an alert went out with the urgency ${came[count].urgency}`);
  const { status, msg_type, severity, event, texts: said } = handed.content;
  const headline = Object.fromEntries(Object.entries(said).map(([each, { headline }]) => [each, headline]));
  await deliver({ event_id: id, type: "kr.bongsu.alert", prio: "high", lang: language, content: { status, msg_type, severity, event, headline } });
  await maru.goto(url);
  // The client covers its screen with it, because nobody has answered it here.
  const card = maru.getByRole("alertdialog");
  await card.getByText(headline[language]).waitFor();
  const alert = await maru.evaluate(async (scope) => {
    const registration = await navigator.serviceWorker.getRegistration(scope);
    const [found] = (await registration.getNotifications()).filter(({ tag }) => tag.startsWith("alert-"));
    return found && { title: found.title, body: found.body, tag: found.tag, stays: found.requireInteraction, silent: found.silent, shakes: found.vibrate?.length > 0 };
  }, scope);
  const loud = { title: `[${texts.status_exercise}] ${event}`, body: headline[language], tag: `alert-${id}`, stays: true, silent: false, shakes: true };
  if (JSON.stringify(alert) !== JSON.stringify(loud)) throw new Error(`the alert's notification is ${JSON.stringify(alert)}`);
  step("an alert by push stays on the screen, sounds and shakes, and the client then shows its card");
  service.close();
});
