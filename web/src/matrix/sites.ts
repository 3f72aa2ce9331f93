// One account at several sites: a fetch that goes to the site that answers, hops when one does not, and comes back.
// A watchdog probes the current site while requests hang, because the SDK alone waits about 110 s.

export interface Site {
  name: string;
  base_url: string;
  role: string;
  this?: boolean;
}

export type SiteState =
  | { kind: "normal"; site: string }
  | { kind: "elsewhere"; site: string; away: string; sinceMs: number; stranger?: boolean }
  | { kind: "offline"; sinceMs: number };

export interface SitesOptions {
  fetch: typeof globalThis.fetch;
  now?: () => number;
  setTimer?: (run: () => void, ms: number) => unknown;
  clearTimer?: (timer: unknown) => void;
  random?: () => number;
}

export const PROBE_AFTER_MS = 5_000;
export const PROBE_TIMEOUT_MS = 3_000;
export const RETURN_AFTER_MS = 30_000;
/** For how long a hub that does not know the person is left out: they may have become its resident since. */
export const FOREIGN_MS = 60_000;
/** A hub says that it does not keep this person's rooms, a site that it has not heard of the log-in (client.md). */
const NOT_A_RESIDENT = "x-bongsu-not-a-resident";
const NOT_HEARD_YET = "x-bongsu-not-heard-yet";

export class Sites {
  private sites: Site[];
  private current = 0;
  private firstGoodMs: number | null = null;
  private flights = new Set<AbortController>();
  private watching: unknown = null;
  private hopping: Promise<boolean> | null = null;
  /** Hubs that do not know the person, until when they are left out, by base URL. */
  private foreign = new Map<string, number>();
  private listeners = new Set<(state: SiteState) => void>();
  private readonly fetch: typeof globalThis.fetch;
  private readonly now: () => number;
  private readonly setTimer: (run: () => void, ms: number) => unknown;
  private readonly clearTimer: (timer: unknown) => void;
  private readonly random: () => number;
  state: SiteState;

  constructor(home: string, known: Site[], options: SitesOptions) {
    this.fetch = options.fetch;
    this.now = options.now ?? Date.now;
    this.setTimer = options.setTimer ?? ((run, ms) => setTimeout(run, ms));
    this.clearTimer = options.clearTimer ?? ((timer) => clearTimeout(timer as never));
    this.random = options.random ?? Math.random;
    this.sites = ordered(home, known);
    this.state = { kind: "normal", site: this.site.name };
  }

  get site(): Site {
    return this.sites[this.current] as Site;
  }

  get known(): readonly Site[] {
    return this.sites;
  }

  onChange(listener: (state: SiteState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Takes a new list of sites; the site in use stays in use if it is still there. */
  learn(home: string, known: Site[]): void {
    const used = this.site.base_url;
    this.sites = ordered(home, known);
    this.current = Math.max(0, this.sites.findIndex((site) => site.base_url === used));
    if (this.state.kind === "normal") this.become({ kind: "normal", site: this.site.name });
  }

  /** The fetch to give to the SDK: the origin of what it asks for is replaced by that of the site in use. */
  readonly fetchFn = async (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const asked = new URL(input instanceof Request ? input.url : String(input), this.site.base_url);
    const signal = init.signal ?? null;
    for (let tries = 0; ; tries++) {
      const used = this.current;
      try {
        const response = await this.fly(asked, init, signal);
        if (await this.mayLeave(response, used, tries)) continue;
        this.good(used);
        return response;
      } catch (error) {
        if (signal?.aborted) throw error;
        // Two requests that fail at once must not hop twice: only the first finds its site still in use.
        const moved = used !== this.current || (await this.hop());
        if (!moved || tries >= this.sites.length) throw error;
      }
    }
  };

  /** One try at the site in use; the watchdog may end it, and so may the caller. */
  private async fly(asked: URL, init: RequestInit, signal: AbortSignal | null): Promise<Response> {
    const flight = new AbortController();
    const forward = () => flight.abort(signal?.reason);
    if (signal?.aborted) forward();
    signal?.addEventListener("abort", forward);
    this.flights.add(flight);
    this.watch();
    try {
      return await this.fetch(this.at(this.site, asked), { ...init, signal: flight.signal });
    } finally {
      signal?.removeEventListener("abort", forward);
      this.flights.delete(flight);
    }
  }

  private at(site: Site, asked: URL): string {
    return site.base_url.replace(/\/$/, "") + asked.pathname + asked.search;
  }

  private good(used: number): void {
    if (used !== this.current) return;
    if (used === 0) this.become({ kind: "normal", site: this.site.name });
    else if (this.state.kind === "offline") this.elsewhere();
  }

  private elsewhere(): void {
    this.become({
      kind: "elsewhere",
      site: this.site.name,
      away: this.sites[0]?.name ?? "",
      sinceMs: this.state.kind === "normal" ? this.now() : this.state.sinceMs,
    });
  }

  /** Leaves a site that does not know the person for one that may. False: it knows them, or there is no other. */
  private async mayLeave(response: Response, used: number, tries: number): Promise<boolean> {
    const stranger = response.headers.has(NOT_A_RESIDENT);
    if (!(stranger || response.headers.has(NOT_HEARD_YET)) || tries >= this.sites.length) return false;
    if (used !== this.current) return true;
    this.foreign.set(this.site.base_url, this.now() + FOREIGN_MS);
    const before = this.state;
    const moved = await this.hop();
    // It does answer: nothing is gone.
    if (!moved) this.become(before.kind === "elsewhere" && stranger ? { ...before, stranger } : before);
    return moved;
  }

  private isForeign(site: Site): boolean {
    return (this.foreign.get(site.base_url) ?? 0) > this.now();
  }

  /** Goes to the next site that answers. False: none does. */
  private hop(): Promise<boolean> {
    this.hopping ??= this.findAnother().finally(() => (this.hopping = null));
    return this.hopping;
  }

  private async findAnother(): Promise<boolean> {
    for (let step = 1; step < this.sites.length; step++) {
      const index = (this.current + step) % this.sites.length;
      const site = this.sites[index] as Site;
      if (!this.isForeign(site) && (await this.answers(site))) {
        this.use(index);
        return true;
      }
    }
    if (this.state.kind !== "offline")
      this.become({ kind: "offline", sinceMs: this.state.kind === "normal" ? this.now() : this.state.sinceMs });
    return false;
  }

  private use(index: number): void {
    this.current = index;
    this.firstGoodMs = null;
    if (index === 0) this.become({ kind: "normal", site: this.site.name });
    else this.elsewhere();
    for (const flight of this.flights) flight.abort(new DOMException("the site changed", "AbortError"));
  }

  private async answers(site: Site): Promise<boolean> {
    const probe = new AbortController();
    const timer = this.setTimer(() => probe.abort(), PROBE_TIMEOUT_MS);
    try {
      const url = this.at(site, new URL("/_matrix/client/versions", site.base_url));
      const response = await this.fetch(url, { signal: probe.signal, cache: "no-store" });
      return response.status < 500;
    } catch {
      return false;
    } finally {
      this.clearTimer(timer);
    }
  }

  private watch(): void {
    if (this.watching !== null) return;
    const jittered = PROBE_AFTER_MS * (0.8 + 0.4 * this.random());
    this.watching = this.setTimer(() => void this.probe(), jittered);
  }

  /** While something is in flight: leave a site that hangs, and go back to the first once it is steadily well. */
  private async probe(): Promise<void> {
    this.watching = null;
    if (this.flights.size === 0) return;
    if (!(await this.answers(this.site))) await this.hop();
    else if (this.current !== 0) await this.maybeReturn();
    if (this.flights.size > 0) this.watch();
  }

  private async maybeReturn(): Promise<void> {
    const first = this.sites[0] as Site;
    if (this.isForeign(first) || !(await this.answers(first))) this.firstGoodMs = null;
    else if (this.firstGoodMs === null) this.firstGoodMs = this.now();
    else if (this.now() - this.firstGoodMs >= RETURN_AFTER_MS) this.use(0);
  }

  private become(state: SiteState): void {
    if (JSON.stringify(state) === JSON.stringify(this.state)) return;
    this.state = state;
    for (const listener of this.listeners) listener(state);
  }
}

/** The site the page came from first, then the others as the server orders them, each once. */
function ordered(home: string, known: Site[]): Site[] {
  const usable = known.filter((site) => /^https?:\/\//.test(site.base_url));
  const here = usable.find((site) => site.this);
  // The page's own origin stands for the site that served it, whatever that site calls itself.
  const first: Site = { name: here?.name ?? new URL(home).host, base_url: home, role: here?.role ?? "core" };
  const others = usable.filter((site) => !site.this && site.base_url !== home);
  return [first, ...others];
}

/** Reads the answer of /_bongsu/client/v1/sites; what is not a site is left out. */
export function readSites(value: unknown): Site[] {
  const list = (value as { sites?: unknown } | null)?.sites;
  if (!Array.isArray(list)) return [];
  return list.filter(
    (each: Partial<Site> | null): each is Site =>
      typeof each?.name === "string" && typeof each.base_url === "string" && typeof each.role === "string",
  );
}

export interface HubState {
  name: string;
  /** Since when it is linked with no data centre; null: it is. */
  aloneSinceMs: number | null;
  /** What is left while there is no power from the mains. */
  battery: { percent: number; hours: number | null; does: string } | null;
  /** What sending costs where radio is the way out; null: it is not. */
  radio: { site: string; reached: boolean; waitsS: number; textS: number; byteS: number } | null;
}

/** The same answer, of the site that gave it: how it stands, if it is a hub. */
export function readHub(value: unknown): HubState | null {
  const here = readSites(value).find((site) => site.this && site.role === "hub") as HubAnswer | undefined;
  if (!here) return null;
  const { alone_since_ms: since, battery } = here;
  return {
    name: here.name,
    aloneSinceMs: typeof since === "number" ? since : null,
    battery:
      battery && battery.on_mains === false && typeof battery.percent === "number"
        ? { percent: battery.percent, hours: battery.hours_left ?? null, does: String(battery.does) }
        : null,
    radio: readRadio(here.radio),
  };
}

function readRadio(value: HubAnswer["radio"]): HubState["radio"] {
  if (!value || typeof value.site !== "string") return null;
  const { site, reached, waits_s: waits, text_s: text, byte_s: byte } = value;
  return { site, reached: reached === true, waitsS: Number(waits), textS: Number(text), byteS: Number(byte) };
}

// In UTF-8: twenty Korean letters, the text that `textS` is of.
const RADIO_TEXT_BYTES = 60;

/** About how many seconds a text of so many bytes takes by radio. */
export function radioSeconds({ waitsS, textS, byteS }: NonNullable<HubState["radio"]>, bytes: number): number {
  return Math.max(1, Math.ceil(waitsS + textS + Math.max(0, bytes - RADIO_TEXT_BYTES) * byteS));
}

interface HubAnswer extends Site {
  radio?: { site?: unknown; reached?: unknown; waits_s?: unknown; text_s?: unknown; byte_s?: unknown } | null;
  alone_since_ms?: unknown;
  battery?: { percent?: unknown; on_mains?: unknown; hours_left?: number | null; does?: unknown } | null;
}
