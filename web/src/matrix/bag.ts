// What happens when a courier comes to a site: handing in, then taking along. Each file is kept before it counts.
import {
  type Carried,
  type Fetch,
  fetchExport,
  fetchKept,
  type FileStore,
  handIn,
  isFor,
  NotTaken,
  type Offer,
  type Receipt,
  toHandIn,
  toTake,
  worthCarrying,
} from "./courier";

export class Bag {
  files: Carried[] = [];

  private constructor(
    private readonly store: FileStore,
    private readonly fetch: Fetch,
    private readonly now: () => number,
  ) {}

  static async open(store: FileStore, fetch: Fetch, now: () => number = Date.now): Promise<Bag> {
    const bag = new Bag(store, fetch, now);
    bag.files = await store.all();
    await bag.tidy();
    return bag;
  }

  /** Hands in what is for the site or may wait there. What the site refuses for good is not carried further. */
  async handIn(base: string, offer: Offer): Promise<Receipt[]> {
    const receipts: Receipt[] = [];
    for (const file of toHandIn(this.files, offer)) {
      const receipt = { to: file.to, site: offer.site, atMs: this.now(), records: file.records, bytes: file.bytes };
      try {
        const answer = await handIn(this.fetch, base, file.blob);
        const kept = answer.kept === true;
        receipts.push({ ...receipt, kept, problem: answer.problem ? "part" : null });
        if (kept) await this.keep({ ...file, passedOn: [...file.passedOn, offer.site] });
        else await this.drop(file);
      } catch (error) {
        if (!(error instanceof NotTaken)) throw error;
        receipts.push({ ...receipt, kept: false, problem: error.unusable ? "unusable" : "later" });
        // A disk that is full now, or a site that asks for patience, may take it the next time.
        if (isFor(file, offer) && error.unusable) await this.drop(file);
        else if (!isFor(file, offer)) await this.keep({ ...file, passedOn: [...file.passedOn, offer.site] });
      }
    }
    return receipts;
  }

  /** Takes along what waits at the site. Returns how many files are new. */
  async take(base: string, offer: Offer): Promise<number> {
    const wanted = toTake(this.files, offer);
    const held = new Set(this.files.map(({ id }) => id));
    let taken = 0;
    for (const to of wanted.exports) {
      const file = await fetchExport(this.fetch, base, offer.site, to, held, this.now());
      if (file === null) continue;
      await this.keep(file);
      taken++;
    }
    for (const each of wanted.kept) {
      await this.keep(await fetchKept(this.fetch, base, each, this.now()));
      taken++;
    }
    await this.tidy();
    return taken;
  }

  private async keep(file: Carried): Promise<void> {
    await this.store.put(file);
    this.files = [...this.files.filter(({ id }) => id !== file.id), file];
  }

  private async drop(file: Carried): Promise<void> {
    await this.store.remove(file.id);
    this.files = this.files.filter(({ id }) => id !== file.id);
  }

  /** Lets go of what has expired, was replaced, or has no room. */
  async tidy(): Promise<void> {
    const worth = new Set(worthCarrying(this.files, this.now()));
    for (const file of this.files) if (!worth.has(file)) await this.drop(file);
  }
}
