// Web Push: one subscription a site, each with the key of that site alone, so that any of them can tell this browser.
// docs/protocol/client.md, "Web Push".
import type { MatrixClient } from "matrix-js-sdk";
import type { Site } from "./sites";

const APP_ID = "kr.bongsu.web";
const KEY_PATH = "/_bongsu/client/v1/push";
const ASKED_MS_MAX = 5_000;
// A registration has one subscription: for each key there is one, under an address that no page has.
const SCOPE = "/push/";

export interface Wanted {
  lang: string;
  /** Whether the notification says who wrote, and where. */
  names: boolean;
  app: string;
  device: string;
}

/** Lets every core site that answers tell this browser. How many can: none where the browser has no push service. */
export async function subscribe(client: MatrixClient, sites: readonly Site[], wanted: Wanted): Promise<number> {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return 0;
  const done = sites
    .filter((site) => site.role !== "hub")
    .map((site) => subscribeAt(client, site, wanted).then(() => 1, () => 0));
  return (await Promise.all(done)).reduce<number>((sum, one) => sum + one, 0);
}

async function subscribeAt(client: MatrixClient, site: Site, wanted: Wanted): Promise<void> {
  const address = site.base_url.replace(/\/$/, "") + KEY_PATH;
  const response = await fetch(address, { signal: AbortSignal.timeout(ASKED_MS_MAX) });
  const { key } = (await response.json()) as { key: string };
  const registration = await navigator.serviceWorker.register("/sw.js", { scope: `${SCOPE}${key.slice(-16)}/` });
  await active(registration);
  const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const { endpoint, keys } = made.toJSON();
  await client.setPusher({
    kind: "http",
    app_id: APP_ID,
    pushkey: keys?.["p256dh"] ?? "",
    app_display_name: wanted.app,
    device_display_name: wanted.device,
    lang: wanted.lang,
    data: { format: "event_id_only", endpoint, auth: keys?.["auth"], vapid: key, names: wanted.names } as never,
    append: false,
  });
}

function active(registration: ServiceWorkerRegistration): Promise<void> {
  const coming = registration.installing ?? registration.waiting;
  if (registration.active || !coming) return Promise.resolve();
  return new Promise((done) => {
    coming.addEventListener("statechange", () => {
      if (coming.state === "activated") done();
    });
  });
}

/** This browser is told nothing more. `client` null: the session is over, and its pushers with it. */
export async function unsubscribe(client: MatrixClient | null): Promise<void> {
  const all = (await navigator.serviceWorker?.getRegistrations()) ?? [];
  const ours = all.filter(({ scope }) => new URL(scope).pathname.startsWith(SCOPE));
  await Promise.all(ours.map((registration) => end(client, registration)));
}

async function end(client: MatrixClient | null, registration: ServiceWorkerRegistration): Promise<void> {
  const made = await registration.pushManager.getSubscription();
  const pushkey = made?.toJSON().keys?.["p256dh"];
  // The server learns of it at the next message at the latest: the push service tells that the subscription has ended.
  if (client && pushkey) await client.removePusher(pushkey, APP_ID).catch(() => undefined);
  await made?.unsubscribe();
  await registration.unregister();
}
