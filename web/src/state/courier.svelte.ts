// The courier of this device: which sites are in reach, what is carried, and doing it by itself once the person agreed.
import { Bag } from "../matrix/bag";
import { ask, type Carried, type Offer, type Receipt } from "../matrix/courier";
import { openCourierStore } from "../matrix/courierStore";
import { app } from "./app.svelte";
import { COURIER_KEY } from "./keys";

export interface Reached {
  base: string;
  offer: Offer;
}

const RECEIPTS_KEY = "bongsu.courierReceipts";
const RECEIPTS_MAX = 20;
const LOOK_MS = 30_000;
/** A site that stays in reach is visited again after this, since each visit makes receipts that want carrying. */
const AGAIN_MS = 600_000;

function storedReceipts(): Receipt[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(RECEIPTS_KEY) ?? "[]");
    return Array.isArray(value) ? (value as Receipt[]) : [];
  } catch {
    return [];
  }
}

class CourierState {
  files = $state.raw<Carried[]>([]);
  reached = $state.raw<Reached[]>([]);
  receipts = $state.raw<Receipt[]>(storedReceipts());
  automatic = $state(localStorage.getItem(COURIER_KEY) === "yes");
  busy = $state(false);
  failed = $state(false);
  private bag: Bag | null = null;
  private beginning: Promise<void> | null = null;
  private looks = 0;
  private visitedMs = new Map<string, number>();

  /** Opens the bag, and looks around now and then. */
  begin(): Promise<void> {
    this.beginning ??= this.open();
    return this.beginning;
  }

  private async open(): Promise<void> {
    const fetch = globalThis.fetch.bind(globalThis);
    this.bag = await Bag.open(await openCourierStore(), fetch);
    this.files = this.bag.files;
    setInterval(() => void this.look(), LOOK_MS);
    window.addEventListener("online", () => void this.look());
    document.addEventListener("visibilitychange", () => void this.look());
    app.sites.onChange(() => void this.look());
    await this.look();
  }

  setAutomatic(wanted: boolean): void {
    this.automatic = wanted;
    localStorage.setItem(COURIER_KEY, wanted ? "yes" : "no");
    if (wanted) void this.look();
  }

  /** Asks every known site; where the person agreed, does at each new one what a courier does. */
  async look(): Promise<void> {
    if (this.busy || document.visibilityState !== "visible") return;
    const turn = ++this.looks;
    const bases = [...new Set([location.origin, ...app.sites.known.map((site) => site.base_url)])];
    const answers = await Promise.all(bases.map(async (base) => ({ base, offer: await ask(fetch, base) })));
    // Who walks on looks again before the last answer came: what it says is where they were.
    if (turn !== this.looks) return;
    const found = answers.flatMap(({ base, offer }) => (offer ? [{ base, offer }] : []));
    // One site may have two addresses: the region's name and its own.
    this.reached = found.filter(({ offer }, index) => found.findIndex((each) => each.offer.site === offer.site) === index);
    for (const site of this.visitedMs.keys())
      if (!this.reached.some(({ offer }) => offer.site === site)) this.visitedMs.delete(site);
    if (!this.automatic) return;
    for (const each of this.reached)
      if (Date.now() - (this.visitedMs.get(each.offer.site) ?? 0) >= AGAIN_MS) {
        await this.handIn(each);
        await this.take(each);
      }
  }

  async take(reached: Reached): Promise<void> {
    await this.work(async (bag) => {
      await bag.take(reached.base, reached.offer);
      this.visitedMs.set(reached.offer.site, Date.now());
    });
  }

  async handIn(reached: Reached): Promise<void> {
    await this.work(async (bag) => {
      const receipts = await bag.handIn(reached.base, reached.offer);
      this.receipts = [...receipts.reverse(), ...this.receipts].slice(0, RECEIPTS_MAX);
      localStorage.setItem(RECEIPTS_KEY, JSON.stringify(this.receipts));
    });
    const offer = await ask(fetch, reached.base);
    if (offer) this.reached = this.reached.map((each) => (each.base === reached.base ? { ...each, offer } : each));
  }

  private async work(act: (bag: Bag) => Promise<void>): Promise<void> {
    if (!this.bag || this.busy) return;
    this.busy = true;
    this.failed = false;
    try {
      await act(this.bag);
    } catch (error) {
      // Out of reach in the middle, or the device is full: what was kept is kept, the rest is tried again.
      console.warn("the courier was interrupted", error);
      this.failed = true;
    } finally {
      this.files = this.bag.files;
      this.busy = false;
    }
  }
}

export const courier = new CourierState();
