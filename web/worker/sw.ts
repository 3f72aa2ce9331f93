// The service worker: the client opens when the network is gone. Each build is one cache, whole or not at all;
// a page and its parts come from the same build. What the service answers is never kept here.
const worker = self as unknown as ServiceWorkerGlobalScope;

// The build puts the list of its files here (tools/precache.mjs), so that a new build is a new worker.
const files = "__FILES__" as unknown as { version: string; paths: string[] };
// And the few texts that are shown while no page is open.
const texts = "__TEXTS__" as unknown as Record<string, Record<string, string>>;
const NAME = `bongsu-${files.version}`;
const PAGE = "/index.html";
// What the service answers, and the administration, which is a page of its own.
const API = ["/_matrix", "/_bongsu", "/.well-known", "/admin"];

// For each site's push service there is a registration more of this worker; the files are the first one's business.
const isFirst = new URL(worker.registration.scope).pathname === "/";

worker.addEventListener("install", (event) => {
  if (!isFirst) return;
  event.waitUntil(
    (async () => {
      await (await caches.open(NAME)).addAll(files.paths);
      await worker.skipWaiting();
    })(),
  );
});

worker.addEventListener("activate", (event) => {
  if (!isFirst) return;
  event.waitUntil(
    (async () => {
      // The build before is left: a page of it may still be open and fetch a part. It goes with the next.
      const [, ...older] = (await caches.keys()).filter((name) => name !== NAME).reverse();
      await Promise.all(older.map((name) => caches.delete(name)));
      await worker.clients.claim();
    })(),
  );
});

worker.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  const ours = origin === worker.location.origin && !API.some((prefix) => pathname.startsWith(prefix));
  if (!ours || event.request.method !== "GET") return;
  event.respondWith(answer(event.request, pathname));
  if (event.request.mode === "navigate") event.waitUntil(refreshPage());
});

/** What the service sends (docs/protocol/client.md): who and where, as the person wants it, and never what. */
interface Told {
  event_id?: string;
  room_id?: string;
  room_name?: string;
  sender_display_name?: string;
  lang?: string;
  /** `kr.bongsu.alert`: the control tower warns; its words come along, since they are for everybody. */
  type?: string;
  content?: { status: string; msg_type: string; event: string; headline: Record<string, string> };
}

const ALERT = "kr.bongsu.alert";
// Long and uneven, so that nobody takes it for a message.
const VIBRATION_MS = [800, 200, 800, 200, 800, 400, 300, 100, 300, 100, 300];

worker.addEventListener("push", (event) => {
  event.waitUntil(tell(read(event.data)));
});

function read(data: PushMessageData | null): Told {
  try {
    return (data?.json() ?? {}) as Told;
  } catch {
    return {};
  }
}

async function tell(told: Told): Promise<void> {
  // Also where a page is open: it may sleep, or be without a link to the service.
  if (told.type === ALERT) return warn(told);
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (pages.some((page) => page.visibilityState === "visible")) return;
  // A page that is open in the background can read what was said.
  const answers = await Promise.all(pages.map((page) => ask(page, told)));
  const { title, body } = answers.find((answer) => answer !== null) ?? inOurWords(told);
  await worker.registration.showNotification(title, {
    body,
    // Each site may send the same message: one tag, one notification.
    tag: told.room_id ?? "news",
    icon: "/icon.svg",
    data: { address: told.room_id ? `#/room/${encodeURIComponent(told.room_id)}` : "" },
  });
}

/** Stays until it is looked at, sounds and shakes the phone, and sounds again if it changes. */
async function warn(told: Told): Promise<void> {
  const { title, body } = warning(told);
  const options: NotificationOptions & { vibrate: number[]; renotify: boolean } = {
    body,
    // Each site may send the same alert: one tag, one notification.
    tag: `alert-${told.event_id ?? ""}`,
    icon: "/icon.svg",
    requireInteraction: true,
    renotify: true,
    silent: false,
    vibrate: VIBRATION_MS,
    // The client covers its screen with every alert that nobody answered: there is nowhere else to lead.
    data: { address: "" },
  };
  await worker.registration.showNotification(title, options);
}

// An exercise is never taken for the real thing, and what is over not for what begins.
const MARKS: Record<string, string> = { Exercise: "status_exercise", Test: "status_test", Update: "alert_update", Cancel: "alert_over" };

function warning({ content, lang = "ko" }: Told): Words {
  const words = texts[lang] ?? texts["ko"] ?? {};
  const unnamed = words["tower_alerts"] ?? "";
  if (!content) return { title: unnamed, body: "" };
  const marks = [content.status, content.msg_type].flatMap((word) => (MARKS[word] ? [`[${words[MARKS[word]] ?? word}] `] : []));
  const [first = ""] = Object.values(content.headline);
  return { title: `${marks.join("")}${content.event || unnamed}`, body: content.headline[lang] ?? content.headline["ko"] ?? first };
}

interface Words {
  title: string;
  body: string;
}

function inOurWords({ lang, room_name: room, sender_display_name: sender }: Told): Words {
  const { app_name = "", notice_new = "" } = texts[lang === "en" ? "en" : "ko"] ?? {};
  if (room && sender) return { title: room, body: `${sender}: ${notice_new}` };
  return { title: room ?? sender ?? app_name, body: notice_new };
}

const PAGE_ANSWERS_MS = 2_000;

function ask(page: Client, told: Told): Promise<Words | null> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((done) => {
    port1.onmessage = ({ data }: MessageEvent<Words | null>) => done(data);
    page.postMessage({ told }, [port2]);
    // A page that sleeps does not answer.
    setTimeout(() => done(null), PAGE_ANSWERS_MS);
  });
}

// A tap on a notification leads to the chat it tells of.
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { address = "" } = (event.notification.data ?? {}) as { address?: string };
  event.waitUntil(
    (async () => {
      const [page] = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
      if (!page) return void (await worker.clients.openWindow(`/${address}`));
      await page.focus();
      page.postMessage({ address });
    })(),
  );
});

async function answer(request: Request, pathname: string): Promise<Response> {
  const isPage = request.mode === "navigate";
  const kept = isPage ? await (await caches.open(NAME)).match(PAGE) : await caches.match(pathname);
  return kept ?? fetch(request);
}

// The page's policy names the sites it may talk to, and they change while the build stays: the next time the page is
// opened, it has the policy of today. A page of another build comes with its worker, not here.
async function refreshPage(): Promise<void> {
  try {
    const cache = await caches.open(NAME);
    const kept = await cache.match(PAGE);
    const fresh = await fetch(PAGE);
    if (fresh.ok && fresh.headers.get("etag") === kept?.headers.get("etag")) await cache.put(PAGE, fresh);
  } catch {
    // Without a network the page that is kept stands.
  }
}
export {};
