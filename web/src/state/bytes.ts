// The bytes of a photo, video or file: from the server, decrypted, or from the outbox while they wait there.
import type { Source } from "../matrix/layout";
import { download } from "../matrix/upload";
import { app } from "./app.svelte";
import { live } from "./live.svelte";

// Safe kinds only: an SVG or a page opened from an address of ours could run scripts.
const PICTURES = /^image\/(?:jpeg|png|gif|webp|avif|bmp)$/;
const PLAYED = /^(?:video|audio)\/[\w.+-]+$/;

export function bytesOf(source: Source, mimetype: string): Promise<Blob> {
  if (source instanceof Blob) return Promise.resolve(source);
  const kind = PICTURES.test(mimetype) || PLAYED.test(mimetype) ? mimetype : "application/octet-stream";
  return download(live.client, app.sites.fetchFn, source, kind);
}

/** The same for the same bytes, whatever object names them: a redrawn line must not fetch its photo again. */
export const keyOf = (source: Source): string | Blob => (source instanceof Blob ? source : JSON.stringify(source));

export const fromKey = (key: string | Blob): Source => (key instanceof Blob ? key : (JSON.parse(key) as Source));

/** Hands a blob to the person as a file. */
export function saveAs(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser reads it after the click; a minute later it surely has.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Minutes and seconds; what lasts at all lasts a second. */
export function duration(ms: number): string {
  const seconds = ms > 0 ? Math.max(1, Math.round(ms / 1000)) : 0;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
