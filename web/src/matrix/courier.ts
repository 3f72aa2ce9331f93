// What a courier's phone carries: sealed files between sites that nothing else links (docs/protocol/carry.md).

export interface Carried {
  id: string;
  from: string;
  to: string;
  bytes: number;
  createdMs: number;
  expiresMs: number;
  /** Null: of files that others brought here nobody says how many records they hold. */
  records: number | null;
  blob: Blob;
  /** Sites that keep a copy for the next courier. */
  passedOn: string[];
}

export interface Offer {
  site: string;
  role: string;
  waiting: { to: string; records: number; linked: boolean }[];
  kept: { id: string; from: string; to: string; bytes: number; created_ms: number; expires_ms: number; expires_in_ms?: number }[];
}

export interface Receipt {
  /** For whom it was. */
  to: string;
  /** Where it was handed in. */
  site: string;
  atMs: number;
  records: number | null;
  bytes: number;
  /** It waits there for the next courier. */
  kept: boolean;
  /** It ended early or was changed on the way; it is of no use there; or the site cannot take it now. */
  problem: "part" | "unusable" | "later" | null;
}

export interface FileStore {
  all(): Promise<Carried[]>;
  put(file: Carried): Promise<void>;
  remove(id: string): Promise<void>;
}

export const QUOTA_BYTES = 50_000_000;
const PATH = "/_bongsu/client/v1/courier";
const ASK_MS = 5_000;
const CARRY_MS = 120_000;

/** A site does not take a file, for a reason it gives. */
export class NotTaken extends Error {
  /** @param unusable it is the file that is wrong, and not the moment */
  constructor(
    message: string,
    readonly unusable: boolean,
  ) {
    super(message);
  }
}

/** Of what is carried, what is worth its place: not expired, the newest of each maker and destination, within the quota. */
export function worthCarrying(files: Carried[], nowMs: number, quotaBytes = QUOTA_BYTES): Carried[] {
  const newest = new Map<string, Carried>();
  for (const file of files) {
    const way = JSON.stringify([file.from, file.to]);
    const before = newest.get(way);
    if (file.expiresMs > nowMs && (!before || file.createdMs > before.createdMs)) newest.set(way, file);
  }
  let bytes = 0;
  return [...newest.values()]
    .sort((a, b) => b.createdMs - a.createdMs)
    .filter((file) => {
      if (bytes + file.bytes > quotaBytes) return false;
      bytes += file.bytes;
      return true;
    });
}

/** Whether a file is for the site that makes the offer. */
export const isFor = (file: Pick<Carried, "to">, { site, role }: Offer): boolean =>
  file.to === site || (file.to === "core" && role === "core");

/** What is to be handed in at a site: what is for it, and what it may keep for the next courier. */
export function toHandIn(files: Carried[], offer: Offer): Carried[] {
  const there = new Set(offer.kept.map(({ id }) => id));
  return files.filter(
    (file) => isFor(file, offer) || (file.from !== offer.site && !there.has(file.id) && !file.passedOn.includes(offer.site)),
  );
}

/** The destinations for which the site makes files that nobody else brings, and files of others that wait there. */
export function toTake(files: Carried[], offer: Offer): { exports: string[]; kept: Offer["kept"] } {
  const linked = new Set(offer.waiting.filter((each) => each.linked).map(({ to }) => to));
  const held = new Set(files.map(({ id }) => id));
  return {
    exports: offer.waiting.filter((each) => !each.linked && each.records > 0).map(({ to }) => to),
    kept: offer.kept.filter((each) => !held.has(each.id) && !linked.has(each.to)),
  };
}

/** What is carried, one sum for each destination. */
export function sums(files: Carried[]): { to: string; records: number | null; bytes: number }[] {
  const found = new Map<string, { to: string; records: number | null; bytes: number }>();
  for (const { to, records, bytes } of files) {
    const before = found.get(to) ?? { to, records: 0, bytes: 0 };
    const counted = before.records === null || records === null ? null : before.records + records;
    found.set(to, { to, records: counted, bytes: before.bytes + bytes });
  }
  return [...found.values()].sort((a, b) => a.to.localeCompare(b.to));
}

export type Fetch = typeof globalThis.fetch;

/** When to let go, by this device's clock: the site's own may be months behind, and says how long is left. */
const endMs = (nowMs: number, leftMs: number | undefined, expiresMs: number): number =>
  leftMs !== undefined && Number.isFinite(leftMs) ? nowMs + leftMs : expiresMs;

const at = (base: string, path: string): string => base.replace(/\/$/, "") + PATH + path;

/** Asks a site what there is to carry. Null: it cannot be reached, or is of another kind. */
export async function ask(fetch: Fetch, base: string): Promise<Offer | null> {
  try {
    const response = await fetch(at(base, ""), { signal: AbortSignal.timeout(ASK_MS), cache: "no-store" });
    const offer = response.ok ? ((await response.json()) as Partial<Offer>) : {};
    return offer.site && Array.isArray(offer.waiting) && Array.isArray(offer.kept) ? (offer as Offer) : null;
  } catch {
    return null;
  }
}

/** Fetches a file for a destination. Null: it is the one that is carried already. */
export async function fetchExport(
  fetch: Fetch,
  base: string,
  from: string,
  to: string,
  held: Set<string>,
  nowMs: number,
): Promise<Carried | null> {
  const response = await fetch(at(base, `/export?to=${encodeURIComponent(to)}`), { signal: AbortSignal.timeout(CARRY_MS) });
  if (!response.ok) throw await refusal(response);
  const id = response.headers.get("x-bongsu-id") ?? "";
  if (held.has(id)) {
    await response.body?.cancel();
    return null;
  }
  const blob = await response.blob();
  const records = Number(response.headers.get("x-bongsu-records"));
  const left = response.headers.get("x-bongsu-expires-in");
  const expiresMs = endMs(nowMs, left === null ? undefined : Number(left), Number(response.headers.get("x-bongsu-expires")));
  return { id, from, to, bytes: blob.size, createdMs: nowMs, expiresMs, records, blob, passedOn: [] };
}

/** Fetches a file that waits at a site for somebody to take it along. */
export async function fetchKept(fetch: Fetch, base: string, kept: Offer["kept"][number], nowMs: number): Promise<Carried> {
  const response = await fetch(at(base, `/files/${encodeURIComponent(kept.id)}`), { signal: AbortSignal.timeout(CARRY_MS) });
  if (!response.ok) throw await refusal(response);
  const blob = await response.blob();
  const { id, from, to, created_ms: createdMs } = kept;
  const expiresMs = endMs(nowMs, kept.expires_in_ms, kept.expires_ms);
  return { id, from, to, bytes: blob.size, createdMs, expiresMs, records: null, blob, passedOn: [] };
}

export interface Answer {
  kept?: boolean;
  new?: number;
  /** Records that need earlier ones, which another file has to bring. */
  lacking?: number;
  /** Records that are not what their author wrote. */
  refused?: number;
  problem?: string | null;
}

/**
 * Hands a file in.
 * @throws NotTaken the site says why; another error: it was not reached
 */
export async function handIn(fetch: Fetch, base: string, blob: Blob): Promise<Answer> {
  const response = await fetch(at(base, ""), { method: "POST", body: blob, signal: AbortSignal.timeout(CARRY_MS) });
  if (!response.ok) throw await refusal(response);
  return (await response.json()) as Answer;
}

async function refusal(response: Response): Promise<NotTaken> {
  const { error, errcode } = (await response.json().catch(() => ({}))) as { error?: string; errcode?: string };
  return new NotTaken(error ?? String(response.status), errcode === "M_INVALID_PARAM");
}
