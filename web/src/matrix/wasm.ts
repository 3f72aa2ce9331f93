// The encryption's program, fetched while the first screen is read. The SDK fetches it once a page and keeps a failure
// for good, so that a connection that broke in the middle would leave nothing but a reload: here it is tried again.
import address from "../../node_modules/@matrix-org/matrix-sdk-crypto-wasm/pkg/matrix_sdk_crypto_wasm_bg.wasm?url";

const TRIES = 5;
const FIRST_WAIT_MS = 500;
let warmed: Promise<void> | null = null;

/** Resolves when the browser holds the program, or cannot get it. */
export function warmEncryption(): Promise<void> {
  // A service worker that stands before the page keeps all of it already.
  if (navigator.serviceWorker?.controller) return Promise.resolve();
  warmed ??= fetchWhole();
  return warmed;
}

async function fetchWhole(): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      const response = await fetch(address);
      await response.arrayBuffer();
      if (response.ok) return;
    } catch {
      // The wait below is all there is to do about it.
    }
    await new Promise((done) => setTimeout(done, FIRST_WAIT_MS * 2 ** tries));
  }
  warmed = null;
}
