// The service worker: the client opens when the network is gone. Each build is one cache, whole or not at all;
// a page and its parts come from the same build. What the service answers is never kept here.
const worker = self as unknown as ServiceWorkerGlobalScope;

// The build puts the list of its files here (tools/precache.mjs), so that a new build is a new worker.
const files = "__FILES__" as unknown as { version: string; paths: string[] };
const NAME = `bongsu-${files.version}`;
const PAGE = "/index.html";
const API = ["/_matrix", "/_bongsu", "/.well-known"];

worker.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      await (await caches.open(NAME)).addAll(files.paths);
      await worker.skipWaiting();
    })(),
  );
});

worker.addEventListener("activate", (event) => {
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

// A tap on a notification leads to the chat it tells of.
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { address = "" } = (event.notification.data ?? {}) as { address?: string };
  event.waitUntil(
    (async () => {
      const [page] = await worker.clients.matchAll({ type: "window" });
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
