// The entry: the shell alone. The SDK is fetched while a newcomer reads the first screen.
import { mount } from "svelte";
import App from "./App.svelte";
import "./app.css";
import { getLocale, overwriteGetLocale } from "./paraglide/runtime";
import { warmEncryption } from "./matrix/wasm";
import { app } from "./state/app.svelte";

// Asked for with every text, and looked up in the browser's storage each time; who changes it gets a new page.
const locale = getLocale();
overwriteGetLocale(() => locale);
document.documentElement.lang = locale;
app.begin();
mount(App, { target: document.getElementById("app") as HTMLElement });
// A notification was tapped: its chat is opened here.
navigator.serviceWorker?.addEventListener("message", ({ data }: MessageEvent<{ address?: string }>) => {
  if (data.address) location.hash = data.address;
});
// Later than all else: keeping the whole client for offline must not slow down the first look at it.
const loaded = new Promise((done) => window.addEventListener("load", done, { once: true }));
if (import.meta.env.PROD)
  void Promise.all([loaded, warmEncryption()])
    .then(() => navigator.serviceWorker?.register("/sw.js"))
    .catch(() => undefined);
