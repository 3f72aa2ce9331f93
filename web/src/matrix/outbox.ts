// What is written and not yet sent: in IndexedDB with a fixed transaction id, in order per room, sent once.
// The SDK keeps unsent messages of encrypted rooms in memory only; this survives a reload and a crash.

export interface Attachment {
  blob: Blob;
  name: string;
  width?: number;
  height?: number;
  durationMs?: number;
  thumbnail?: { blob: Blob; width: number; height: number } | null;
}

export interface Letter {
  /** The transaction id: the server knows a repeated one and stores the message once. */
  id: string;
  order: number;
  roomId: string;
  type: string;
  content: Record<string, unknown>;
  attachment: Attachment | null;
  writtenMs: number;
  /** The server's sentence when it refused the letter for good; it then waits for the person. */
  refused: string | null;
  /** It was left, signed, at a hub that does not keep the room, and is sent from there or from here, once. */
  deferred?: boolean;
}

export type Draft = Pick<Letter, "roomId" | "type" | "content"> & { attachment?: Letter["attachment"] };

export interface LetterStore {
  all(): Promise<Letter[]>;
  put(letter: Letter): Promise<void>;
  remove(id: string): Promise<void>;
  /** Lets go of the store, so that it can be deleted. */
  close?(): void;
}

/** A refusal that trying again cannot change. */
export class Refused extends Error {}

/** Left at a hub that does not keep the room: it is tried again when something has changed. */
export class Deferred extends Error {}

export interface OutboxOptions {
  store: LetterStore;
  /** Sends one letter; throws Refused, or anything else to be tried again. */
  send: (letter: Letter) => Promise<string>;
  changed?: (letters: Letter[]) => void;
  sent?: (letter: Letter, eventId: string) => void;
  wait?: (ms: number) => Promise<void>;
  random?: () => number;
  now?: () => number;
  newId?: () => string;
}

export const FIRST_WAIT_MS = 1_000;
export const LONGEST_WAIT_MS = 30_000;

export class Outbox {
  private letters: Letter[] = [];
  private running = new Map<string, Promise<void>>();
  private nextOrder = 1;
  private closed = false;
  private wakers = new Set<() => void>();
  /** Deferred letters, which hold back nobody until there is another site to try. */
  private resting = new Set<string>();

  constructor(private readonly options: OutboxOptions) {}

  /** Loads what an earlier page left, and sends it. */
  async open(): Promise<void> {
    const kept = await this.options.store.all();
    this.letters = [...kept, ...this.letters].sort((a, b) => a.order - b.order);
    this.nextOrder = Math.max(this.nextOrder, ...this.letters.map((letter) => letter.order + 1));
    this.tell();
    for (const roomId of new Set(this.letters.map((letter) => letter.roomId))) this.drain(roomId);
  }

  /** Nothing more is sent from here; what waits stays in the store. */
  close(): void {
    this.closed = true;
    this.wake();
    this.options.store.close?.();
  }

  waiting(roomId?: string): Letter[] {
    return this.letters.filter((letter) => roomId === undefined || letter.roomId === roomId);
  }

  /** Keeps a letter, then sends it when its turn comes. Returns once it is on disk. */
  async add(draft: Draft): Promise<Letter> {
    const letter: Letter = {
      ...draft,
      attachment: draft.attachment ?? null,
      id: this.newId(),
      order: this.nextOrder++,
      writtenMs: (this.options.now ?? Date.now)(),
      refused: null,
    };
    this.letters = [...this.letters, letter];
    this.tell();
    try {
      await this.options.store.put(letter);
    } catch (error) {
      // Not kept (the device is full): it must not look as if it were; whoever wrote it still has it.
      this.letters = this.letters.filter((each) => each.id !== letter.id);
      this.tell();
      throw error;
    }
    this.drain(letter.roomId);
    return letter;
  }

  /** Sends a refused letter anew. It was never stored, so it may have, and for the SDK needs, a new id. */
  async retry(id: string): Promise<void> {
    const letter = this.letters.find((each) => each.id === id);
    if (letter === undefined || letter.refused === null) return;
    const again = { ...letter, id: this.newId(), refused: null };
    await this.options.store.put(again);
    await this.options.store.remove(id);
    this.letters = this.letters.map((each) => (each.id === id ? again : each));
    this.tell();
    this.drain(letter.roomId);
  }

  private newId(): string {
    return this.options.newId?.() ?? `b${crypto.randomUUID()}`;
  }

  async discard(id: string): Promise<void> {
    await this.options.store.remove(id);
    this.letters = this.letters.filter((letter) => letter.id !== id);
    this.tell();
  }

  /** Tries at once what waits for a better moment: the network is back. */
  wake(): void {
    this.resting.clear();
    for (const waker of this.wakers) waker();
    for (const roomId of new Set(this.letters.map((letter) => letter.roomId))) this.drain(roomId);
  }

  /** Resolves when every room's queue is empty, refused or stopped. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running.values());
  }

  private drain(roomId: string): void {
    if (this.running.has(roomId) || this.closed) return;
    const run = this.drainRoom(roomId).finally(() => {
      this.running.delete(roomId);
      if (this.next(roomId) !== undefined) this.drain(roomId);
    });
    this.running.set(roomId, run);
  }

  private next(roomId: string): Letter | undefined {
    return this.letters.find((letter) => letter.roomId === roomId && letter.refused === null && !this.resting.has(letter.id));
  }

  private async drainRoom(roomId: string): Promise<void> {
    let failures = 0;
    for (let letter = this.next(roomId); letter !== undefined && !this.closed; letter = this.next(roomId)) {
      try {
        const eventId = await this.options.send(letter);
        failures = 0;
        // Told first: the message must not vanish between the queue and the timeline.
        this.options.sent?.(letter, eventId);
        await this.discard(letter.id);
      } catch (error) {
        if (error instanceof Refused) await this.replace({ ...letter, refused: error.message });
        else if (error instanceof Deferred) await this.rest(letter);
        else await this.pause(failures++);
      }
    }
  }

  private async rest(letter: Letter): Promise<void> {
    this.resting.add(letter.id);
    if (!letter.deferred) await this.replace({ ...letter, deferred: true });
  }

  private pause(failures: number): Promise<void> {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 10));
    const ms = longest * (0.5 + 0.5 * (this.options.random ?? Math.random)());
    const wait = this.options.wait ?? ((each: number) => new Promise<void>((done) => setTimeout(done, each)));
    return new Promise((done) => {
      const waker = () => {
        this.wakers.delete(waker);
        done();
      };
      this.wakers.add(waker);
      void wait(ms).then(waker);
    });
  }

  private async replace(letter: Letter): Promise<void> {
    this.letters = this.letters.map((each) => (each.id === letter.id ? letter : each));
    this.tell();
    await this.options.store.put(letter);
  }

  private tell(): void {
    this.options.changed?.(this.letters);
  }
}
