// Older messages of a room: fetched a page ahead of whoever reads back, and handed to the SDK in slices that leave time
// for frames. The SDK's own `scrollback` takes a page in at once, which stops a slow phone for a fifth of a second.
import { Direction, EventType, type EventTimeline, type MatrixClient, type MatrixEvent, type Room } from "matrix-js-sdk";
import { isMessage } from "./chats";

type Response = Awaited<ReturnType<MatrixClient["createMessagesRequest"]>>;

interface Page {
  /** What it continues: after a gap the room has another timeline, and the page belongs nowhere. */
  timeline: EventTimeline;
  token: string | null;
  /** The newest event when it was asked for: a removal that came since is not in it. */
  newest: MatrixEvent | undefined;
  response: Response;
}

// Who reads on far back is given more at a time.
const PAGE = 60;
const DEEP = 300;
const PAGE_DEEP = 250;
// So many, then a look at the clock.
const SLICE = 5;
const SLICE_MS = 4;
const AGAIN_MS = 3_000;
const SCREENFUL = 15;

/** Lets frames be drawn between two slices. */
export type Breathe = () => Promise<void>;

class Older {
  private adding: Promise<boolean> | null = null;
  private ahead: Promise<Page | null> | null = null;
  private failedMs = -AGAIN_MS;

  constructor(
    private readonly client: MatrixClient,
    private readonly room: Room,
  ) {}

  /** @see loadOlder; whoever asks meanwhile gets the same answer */
  add(breathe: Breathe | null): Promise<boolean> {
    this.adding ??= this.addPage(breathe).finally(() => (this.adding = null));
    return this.adding;
  }

  private async addPage(breathe: Breathe | null): Promise<boolean> {
    const { room } = this;
    if (room.oldState.paginationToken === null) return false;
    const page = await this.page();
    const before = page.timeline.getEvents().length;
    if (!(await this.take(page, breathe))) return true;
    const { chunk, end } = page.response;
    room.oldState.paginationToken = chunk.length > 0 ? (end ?? null) : null;
    const isMore = room.oldState.paginationToken !== null;
    // Whoever came this far goes on: the next page is here before they are.
    if (isMore && breathe && page.timeline.getEvents().length >= DEEP) this.ahead = this.fetch().catch(() => null);
    return isMore && page.timeline.getEvents().length > before;
  }

  private async page(): Promise<Page> {
    const ahead = await this.ahead;
    this.ahead = null;
    return ahead && this.stands(ahead) ? ahead : this.fetch();
  }

  private async fetch(): Promise<Page> {
    const waitMs = this.failedMs + AGAIN_MS - performance.now();
    if (waitMs > 0) await new Promise((done) => setTimeout(done, waitMs));
    const { room } = this;
    const timeline = room.getLiveTimeline();
    const events = timeline.getEvents();
    const [token, newest] = [room.oldState.paginationToken, events.at(-1)];
    try {
      const limit = events.length < DEEP ? PAGE : PAGE_DEEP;
      const response = await this.client.createMessagesRequest(room.roomId, token, limit, Direction.Backward);
      return { timeline, token, newest, response };
    } catch (error) {
      this.failedMs = performance.now();
      throw error;
    }
  }

  /** Whether the page still says what the server would say: no gap and no removal came since it was asked for. */
  private stands({ timeline, token, newest }: Page): boolean {
    const { room } = this;
    if (timeline !== room.getLiveTimeline() || token !== room.oldState.paginationToken) return false;
    const events = timeline.getEvents();
    for (let index = events.length - 1; index >= 0 && events[index] !== newest; index--)
      if (events[index]?.getType() === EventType.RoomRedaction) return false;
    return true;
  }

  /** Hands the page to the SDK. False: it no longer stands, and is to be asked for again. */
  private async take(page: Page, breathe: Breathe | null): Promise<boolean> {
    const { client, room } = this;
    const { chunk, state } = page.response;
    const map = client.getEventMapper();
    if (state) room.currentState.setUnknownStateEvents(state.map(map));
    let next = 0;
    while (next < chunk.length) {
      const untilMs = performance.now() + SLICE_MS;
      do {
        const events = chunk.slice(next, next + SLICE).map(map);
        // Read before they are shown: a line that changes afterwards moves what stands around it.
        if (events.some((event) => event.isBeingDecrypted())) await Promise.all(events.map((event) => event.getDecryptionPromise()));
        if (!this.stands(page)) return false;
        // The token of before stays until the whole page is in: without it the room would seem to begin here. Threads are
        // not asked for: theirs are events like all others.
        room.addEventsToTimeline(events, true, true, page.timeline, page.token ?? undefined);
        next += SLICE;
      } while (next < chunk.length && (breathe === null || performance.now() < untilMs));
      if (breathe) await breathe();
    }
    return this.stands(page);
  }
}

const known = new WeakMap<Room, Older>();

/**
 * Loads a page of older events.
 * @param breathe called between slices; null: as fast as it goes
 * @returns false: there are none
 * @throws when no site answers
 */
export function loadOlder(client: MatrixClient, room: Room, breathe: Breathe | null = null): Promise<boolean> {
  let older = known.get(room);
  if (!older) known.set(room, (older = new Older(client, room)));
  return older.add(breathe);
}

/** What is held may not fill a screen, and what is older would push it down. */
const leavesRoom = (room: Room): boolean =>
  room.oldState.paginationToken !== null &&
  room.getMyMembership() === "join" &&
  room.getLiveTimeline().getEvents().filter(isMessage).length < SCREENFUL;

/** Loads older events until they fill a screen, there are no more, or no site answers; null: they fill it already. */
export function fillScreen(client: MatrixClient, room: Room): Promise<void> | null {
  const fill = async () => {
    while (leavesRoom(room)) if (!(await loadOlder(client, room).catch(() => false))) return;
  };
  return leavesRoom(room) ? fill() : null;
}
