// Pictures of people, small, each fetched once.
import { app } from "./app.svelte";
import { live } from "./live.svelte";

const PIXELS = 128;
const KEPT_MAX = 500;
const kept = new Map<string, Promise<string>>();

/** The address of somebody's picture as their rooms know it; "": they have none. */
export function pictureOf(id: string): string {
  if (!live.ready || !id.startsWith("@")) return "";
  return live.client.getUser(id)?.avatarUrl ?? "";
}

/** An address that the page may show. */
export function shown(mxc: string): Promise<string> {
  const before = kept.get(mxc);
  if (before) return before;
  if (kept.size >= KEPT_MAX) kept.clear();
  const coming = fetched(mxc);
  kept.set(mxc, coming);
  // What did not come is asked for again the next time.
  coming.catch(() => kept.delete(mxc));
  return coming;
}

async function fetched(mxc: string): Promise<string> {
  const url = live.client.mxcUrlToHttp(mxc, PIXELS, PIXELS, "crop", false, true, true);
  if (url === null) throw new Error("that is no address of a picture");
  const response = await app.sites.fetchFn(url, { headers: { Authorization: `Bearer ${live.client.getAccessToken() ?? ""}` } });
  if (!response.ok) throw new Error(`the picture could not be fetched: ${response.status}`);
  return URL.createObjectURL(await response.blob());
}
