// Search over the messages held on this device, encrypted ones too: the server cannot read them, so it cannot search.
// Kept in IndexedDB; searched in memory, because Korean is looked for by any part of a word, which no index is for.
import { openDB } from "idb";

export interface Entry {
  eventId: string;
  roomId: string;
  sender: string;
  timeMs: number;
  text: string;
  /** When this text was written: an edit comes after what it edits, in whatever order the two arrive. */
  versionMs: number;
}

/** What is written at once: in this order the later word on a message holds. */
type Batch = (Entry | { eventId: string; gone: true })[];

// A batch is one text: of entries, each would be copied and answered on the page's own thread, which has lines to draw.
const TABLE = "batches";
const TABLE_1 = "messages";
const TEXT_CHARACTERS_MAX = 4_000;
const BATCH = 500;
const BATCHES_MAX = 100;
// Written when nothing else wants the thread, or at the latest then.
const WRITE_MS_MAX = 1_000;

export const searchName = (userId: string): string => `bongsu-search-${userId}`;

/** Letters as one compares them: composed, and without the difference between large and small. */
export const fold = (text: string): string => text.normalize("NFKC").toLowerCase();

/** Not every browser tells when it is idle. */
const idle = () =>
  new Promise<unknown>((done) => {
    if (typeof requestIdleCallback === "function") requestIdleCallback(done, { timeout: WRITE_MS_MAX });
    else setTimeout(done);
  });

export class SearchIndex {
  private entries = new Map<string, Entry & { folded: string }>();
  private writing: Promise<unknown> | null = null;
  /** What the disk does not hold yet, by event. */
  private unwritten = new Map<string, Batch[number]>();

  private constructor(private readonly db: Awaited<ReturnType<typeof openDB>>) {}

  static async open(userId: string): Promise<SearchIndex> {
    const db = await openDB(searchName(userId), 2, {
      upgrade: async (made, _from, _to, transaction) => {
        made.createObjectStore(TABLE, { autoIncrement: true });
        if (!made.objectStoreNames.contains(TABLE_1)) return;
        const entries = (await transaction.objectStore(TABLE_1).getAll()) as Entry[];
        await transaction.objectStore(TABLE).add(JSON.stringify(entries));
        made.deleteObjectStore(TABLE_1);
      },
    });
    const index = new SearchIndex(db);
    await index.read();
    return index;
  }

  /** Takes in what is on the disk, and leaves nothing there of what was removed or written anew since. */
  private async read(): Promise<void> {
    const batches = (await this.db.getAll(TABLE)) as string[];
    let told = 0;
    for (const batch of batches)
      for (const each of JSON.parse(batch) as Batch) {
        told++;
        if ("gone" in each) this.entries.delete(each.eventId);
        else this.hold(each);
      }
    if (told === this.entries.size && batches.length <= BATCHES_MAX) return;
    const transaction = this.db.transaction(TABLE, "readwrite");
    await transaction.store.clear();
    const entries = [...this.entries.values()].map((entry) => ({ ...entry, folded: undefined }));
    for (let next = 0; next < entries.length; next += BATCH)
      await transaction.store.add(JSON.stringify(entries.slice(next, next + BATCH)));
    await transaction.done;
  }

  private hold(entry: Entry): void {
    this.entries.set(entry.eventId, { ...entry, folded: fold(entry.text) });
  }

  add(entry: Entry): void {
    const held = this.entries.get(entry.eventId);
    const text = entry.text.slice(0, TEXT_CHARACTERS_MAX);
    if (held && (held.versionMs > entry.versionMs || held.text === text)) return;
    // The first time a message was told is when it was sent; an edit tells a later one.
    const kept = { ...entry, text, timeMs: Math.min(entry.timeMs, held?.timeMs ?? entry.timeMs) };
    this.hold(kept);
    this.unwritten.set(entry.eventId, kept);
    this.write();
  }

  remove(eventId: string): void {
    if (!this.entries.delete(eventId)) return;
    this.unwritten.set(eventId, { eventId, gone: true });
    this.write();
  }

  /** Writes until all is written. A device that is full searches what it still holds in memory. */
  private write(): void {
    this.writing ??= this.writeAll()
      .catch(() => undefined)
      .finally(() => (this.writing = null));
  }

  private async writeAll(): Promise<void> {
    while (this.unwritten.size > 0) {
      await idle();
      const batch: Batch = [...this.unwritten.values()].slice(0, BATCH);
      for (const { eventId } of batch) this.unwritten.delete(eventId);
      await this.db.add(TABLE, JSON.stringify(batch));
    }
  }

  /** Resolves when all that was added is on disk. */
  async settled(): Promise<void> {
    await this.writing;
  }

  /** Messages that have every word, the newest first. */
  search(typed: string, max: number): Entry[] {
    const words = fold(typed).split(/\s+/).filter(Boolean);
    if (words.length === 0) return [];
    return [...this.entries.values()]
      .filter(({ folded }) => words.every((word) => folded.includes(word)))
      .sort((a, b) => b.timeMs - a.timeMs)
      .slice(0, max);
  }

  close(): void {
    this.db.close();
  }
}
