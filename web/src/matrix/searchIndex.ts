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

const TABLE = "messages";
const TEXT_CHARACTERS_MAX = 4_000;
// Each write is answered on the page's own thread: so many at a time, when nothing else wants it, or at the latest then.
const WRITES = 25;
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
  /** What the disk does not hold yet: entries, and null for one that goes. */
  private unwritten = new Map<string, Entry | null>();

  private constructor(private readonly db: Awaited<ReturnType<typeof openDB>>) {}

  static async open(userId: string): Promise<SearchIndex> {
    const db = await openDB(searchName(userId), 1, {
      upgrade: (made) => void made.createObjectStore(TABLE, { keyPath: "eventId" }),
    });
    const index = new SearchIndex(db);
    for (const entry of (await db.getAll(TABLE)) as Entry[]) index.hold(entry);
    return index;
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
    this.unwritten.set(eventId, null);
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
      const changes = [...this.unwritten].slice(0, WRITES);
      for (const [eventId] of changes) this.unwritten.delete(eventId);
      const transaction = this.db.transaction(TABLE, "readwrite");
      const done = changes.map(([eventId, kept]) =>
        kept === null ? transaction.store.delete(eventId) : transaction.store.put(kept),
      );
      await Promise.all([...done, transaction.done]);
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
