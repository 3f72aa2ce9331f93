// The encryption's program, fetched while the first screen is read, and again until it is whole. The SDK would fetch it
// once a page and keep a failure for good; and of two that fetch it at once the browser fails one when its cache is full
// (net::ERR_CACHE_WRITE_FAILURE). So the SDK is handed the bytes, and the service worker fetches its own afterwards.
import address from "../../node_modules/@matrix-org/matrix-sdk-crypto-wasm/pkg/matrix_sdk_crypto_wasm_bg.wasm?url";

const FIRST_WAIT_MS = 500;
const WAIT_MS_MAX = 8_000;
let fetched: Promise<Blob | null> | null = null;
const troubled = new Set<() => void>();

/** Resolves when the program is here; tries for as long as that takes. */
export async function warmEncryption(): Promise<void> {
  fetched ??= fetchWhole();
  await fetched;
}

/** Where the SDK finds the program, once it is here; undefined: where the build has put it. `trouble`: it does not come. */
export async function programAddress(trouble: () => void): Promise<string | undefined> {
  troubled.add(trouble);
  try {
    await warmEncryption();
  } finally {
    troubled.delete(trouble);
  }
  const program = await fetched;
  return program ? URL.createObjectURL(program) : undefined;
}

/** Null: the service worker that stands before the page holds it. */
async function fetchWhole(): Promise<Blob | null> {
  if (navigator.serviceWorker?.controller && (await caches.match(address))) return null;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, WAIT_MS_MAX)) {
    try {
      const response = await fetch(address);
      if (response.ok) return new Blob([await response.arrayBuffer()], { type: "application/wasm" });
    } catch {
      // The wait below is all there is to do about it.
    }
    for (const tell of troubled) tell();
    await new Promise((done) => setTimeout(done, waitMs));
  }
}
