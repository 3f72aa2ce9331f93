// What the SDK knows, as the screens want it: the chats, the open room's items, the state of the encryption.
import {
  ClientEvent,
  type EmittedEvents,
  MatrixEventEvent,
  type MatrixClient,
  type Room,
  RoomEvent,
  RoomMemberEvent,
  RoomStateEvent,
} from "matrix-js-sdk";
import { type Chat, chatsOf } from "../matrix/chats";
import { type Running, start } from "../matrix/client";
import { openDirect } from "../matrix/direct";
import { type Encryption, openWithKit, prepareEncryption, recover, tryAgain, whenRead } from "../matrix/encryption";
import { type Item, layout, type Line, prepend } from "../matrix/layout";
import { settle } from "../matrix/residency";
import { pinnedIds, typing } from "../matrix/rooms";
import { fillScreen, loadOlder } from "../matrix/older";
import { type Drawn, KEY_PATIENCE_MS, linesOf, loadUntil, markRead, olderLines } from "../matrix/timeline";
import { deleteDB } from "idb";
import { feed } from "../matrix/indexing";
import { outboxName, readKept, writeKept } from "../matrix/keptOutbox";
import { SearchIndex } from "../matrix/searchIndex";
import { onProgress } from "../matrix/upload";
import { CryptoEvent, type VerificationRequest } from "matrix-js-sdk/lib/crypto-api/index.js";
import { m } from "../paraglide/messages";
import { app } from "./app.svelte";
import { forgetChats, keepChats, readChats } from "./lastChats";
import { HUB_KEY } from "./keys";
import { notices } from "./notices.svelte";
import { warnings } from "./warnings.svelte";

const NEWS = [
  ClientEvent.Room,
  ClientEvent.AccountData,
  RoomEvent.TimelineReset,
  RoomEvent.Name,
  RoomEvent.MyMembership,
  RoomEvent.Receipt,
  RoomEvent.Redaction,
  RoomEvent.Tags,
  RoomMemberEvent.Membership,
  RoomMemberEvent.Typing,
  RoomStateEvent.Members,
  RoomStateEvent.Events,
  MatrixEventEvent.Replaced,
] as const satisfies EmittedEvents[];

const KEYS_AGAIN_MS = 3_000;
// Longer than the SDK's own rest of 5 s between two questions for one key.
const ASK_KEYS_MS = 6_000;
const ASK_KEYS_MS_MAX = 300_000;
// After older messages everything is drawn once more, when whoever scrolls pauses.
const REST_MS = 1_500;
const FRAME_MS = 16;
// So long a room that is opened waits for its messages to be decrypted before it shows those that are not.
const READ_MS_MAX = 1_000;
// What is drawn again and again while a slow phone starts leaves so many times as long for everything else.
const REST_PART = 3;
const REST_MS_MAX = 500;

/** Why nothing opened, in the person's words; the program's own words are in the console. */
function startFailure(error: unknown): string {
  return (error as Partial<Error> | null)?.name === "QuotaExceededError" ? m.error_storage_full() : m.error_start();
}

/** What is left of an account on this device, but for an outbox that waits for its owner. */
async function forgetStores(userId: string): Promise<void> {
  const waits = readKept(localStorage)?.userId === userId;
  const all = (await indexedDB.databases()).map(({ name = "" }) => name);
  const ours = all.filter((name) => name.startsWith("bongsu") && name.includes(userId));
  const gone = ours.filter((name) => !waits || name !== outboxName(userId));
  await Promise.all(gone.map(remove));
}

/** Deletes a database now, or, when something still holds it, as soon as the page is left. */
const remove = (name: string): Promise<unknown> =>
  new Promise((done) => void deleteDB(name, { blocked: () => done(null) }).then(done, done));

/** A frame's time; a page that nobody sees has no frames to wait for. */
const breathe = () => new Promise<void>((done) => (document.hidden ? done() : setTimeout(done, FRAME_MS)));

class LiveState {
  chats = $state.raw<Chat[]>(readChats(app.session?.userId ?? ""));
  items = $state.raw<Item[]>([]);
  typing = $state.raw<string[]>([]);
  pinned = $state.raw<string[]>([]);
  roomId = $state<string | null>(null);
  ready = $state(false);
  failure = $state("");
  encryption = $state<Encryption | "starting">("starting");
  waiting = $state(0);
  atBeginning = $state(false);
  verifying = $state.raw<VerificationRequest | null>(null);
  /** Null while it opens, and where the device gives it no room. */
  search: SearchIndex | null = null;
  private running: Running | null = null;
  /** What is said when the account is removed, whichever request is refused first afterwards. */
  private farewell = "";
  private over = false;
  /** What had been read when the room was opened: the mark stays while one reads on. */
  private readUpTo: string | null = null;
  private progress = new Map<string, number>();
  private refreshing = false;
  private drawMs = 0;
  private loading = false;
  /** The open room's messages are being decrypted: lines that change what they say move those around them. */
  private reading = false;
  private drawn: Drawn | null = null;
  private resting: ReturnType<typeof setTimeout> | undefined;
  private asking: ReturnType<typeof setTimeout> | null = null;
  private askAfterMs = ASK_KEYS_MS;

  get client(): MatrixClient {
    if (!this.running) throw new Error("the client has not started");
    return this.running.client;
  }

  get outbox() {
    if (!this.running) throw new Error("the client has not started");
    return this.running.outbox;
  }

  get room(): Room | null {
    return this.roomId ? (this.running?.client.getRoom(this.roomId) ?? null) : null;
  }

  async begin(): Promise<void> {
    const { session } = app;
    if (!session || this.running) return;
    try {
      this.running = await start(session, app.sites, {
        texts: { emptyRoom: m.empty_room(), andOthers: (name, count) => m.and_others({ name, count }) },
        session: () => app.session ?? session,
        loggedOut: (soft) => void (soft && !this.farewell ? this.pause() : this.ended()),
        changed: () => this.refresh(),
        news: (news) => warnings.hear(news),
        waiting: () => (this.failure = m.error_network()),
      });
    } catch (error) {
      console.warn("the client did not start", error);
      this.failure = startFailure(error);
      return;
    }
    this.failure = "";
    void this.beginSearch(this.client);
    notices.listen(this.client);
    warnings.begin(this.client);
    this.client.on(CryptoEvent.VerificationRequestReceived, (request) => (this.verifying = request));
    for (const news of NEWS) this.client.on(news, () => this.refresh());
    this.client.on(MatrixEventEvent.Decrypted, (event) => {
      // What is read before it is in the timeline is drawn when it comes there.
      if (this.running?.client.getRoom(event.getRoomId())?.findEventById(event.getId() ?? "")) this.refresh();
    });
    this.client.on(RoomEvent.TimelineReset, (room) => {
      // A gap: what is older than it has to be fetched, whatever was held before.
      if (room?.roomId === this.roomId) this.atBeginning = false;
    });
    this.client.on(RoomEvent.Timeline, (_event, _room, toStart) => {
      // Whoever asked for older messages draws them once, when they are all there.
      if (!toStart) this.refresh();
    });
    onProgress((id, part) => {
      this.progress.set(id, part);
      this.refresh();
    });
    await this.running.prepared;
    this.ready = true;
    this.refresh();
    // What this device held may be older than the account's keys: made from that, they would be made twice.
    await this.running.upToDate;
    // Not possible while the core is away: at the next start.
    settle(app.api, localStorage, HUB_KEY).catch(() => undefined);
    await this.prepareEncryption();
  }

  private async beginSearch(client: MatrixClient): Promise<void> {
    try {
      this.search = await SearchIndex.open(client.getSafeUserId());
      feed(client, this.search);
    } catch {
      // Without the index names are searched, and messages are not.
    }
  }

  private async prepareEncryption(): Promise<void> {
    const keeper = {
      session: () => app.session ?? { userId: "", deviceId: "", accessToken: "", recoveryKey: null, kitSaved: true },
      keepRecoveryKey: (recoveryKey: string) => app.update({ recoveryKey, kitSaved: false }),
    };
    try {
      this.encryption = await prepareEncryption(this.client, keeper, app.password);
      app.password = null;
    } catch {
      // The network went while keys were made: what is missing is made when it is back.
      setTimeout(() => void this.prepareEncryption(), KEYS_AGAIN_MS);
    }
  }

  /** False: that is not this account's kit. */
  async enterKit(recoveryKey: string): Promise<boolean> {
    if (!(await openWithKit(this.client, recoveryKey))) return false;
    app.update({ recoveryKey, kitSaved: true });
    try {
      await recover(this.client);
    } catch (error) {
      // Half a recovery must not pass for a whole one: the kit is asked for again.
      app.update({ recoveryKey: null });
      throw error;
    }
    this.encryption = "ready";
    this.refresh();
    return true;
  }

  /** Redraws soon; many changes of one moment cost one drawing. */
  refresh(): void {
    if (this.refreshing) return;
    this.refreshing = true;
    setTimeout(
      () => {
        this.refreshing = false;
        const beganMs = performance.now();
        this.draw();
        this.drawMs = performance.now() - beganMs;
      },
      Math.min(Math.max(FRAME_MS, REST_PART * this.drawMs), REST_MS_MAX),
    );
  }

  private draw(): void {
    if (!this.running || !this.ready) return;
    const chats = chatsOf(this.client);
    this.chats = chats;
    keepChats(this.client.getSafeUserId(), chats);
    this.waiting = this.outbox.waiting().length;
    this.drawRoom(this.running);
  }

  private drawRoom(running: Running): void {
    const { room } = this;
    this.drawn = null;
    if (!room || this.reading) {
      this.items = [];
      return;
    }
    this.drawn = linesOf(running, room, this.progress, Date.now());
    const { lines } = this.drawn;
    this.items = layout(lines, this.readUpTo);
    this.typing = typing(room, this.client.getSafeUserId());
    const pinned = pinnedIds(room);
    if (pinned.join() !== this.pinned.join()) this.pinned = pinned;
    this.awaitKeys(room, lines);
    if (document.visibilityState === "visible") void markRead(this.client, room);
  }

  /** Puts what came above what is drawn already; a room of 50,000 lines is not drawn again for each page. */
  private drawOlder(running: Running): void {
    const { room, drawn } = this;
    const older = room && drawn ? olderLines(running.client, room, drawn, Date.now()) : null;
    // The mark of what is new may begin among the older ones.
    if (!room || !drawn || !older || older.lines.some(({ id }) => id === this.readUpTo)) {
      this.drawRoom(running);
      return;
    }
    this.drawn = { ...older, lines: [] };
    this.items = prepend(older.lines, this.items);
    this.awaitKeys(room, older.lines);
    // A reply may have found what it answers.
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.refresh(), REST_MS);
  }

  private awaitKeys(room: Room, lines: Line[]): void {
    if (lines.some((line) => line.what.kind === "waiting")) setTimeout(() => this.refresh(), KEY_PATIENCE_MS);
    if (lines.some((line) => line.what.kind === "waiting" || line.what.kind === "unreadable")) this.askAgain(room);
  }

  /** Another device may still bring the missing keys to the backup: asks at growing distances, one question at a time. */
  private askAgain(room: Room): void {
    if (this.asking !== null) return;
    this.asking = setTimeout(() => {
      this.asking = null;
      this.askAfterMs = Math.min(this.askAfterMs * 2, ASK_KEYS_MS_MAX);
      // The person may have logged out meanwhile.
      if (this.running && this.roomId === room.roomId) void tryAgain(this.client, room).then(() => this.refresh());
    }, this.askAfterMs);
  }

  async open(roomId: string | null): Promise<void> {
    this.roomId = roomId;
    this.readUpTo = this.room?.getEventReadUpTo(this.client.getSafeUserId()) ?? null;
    this.askAfterMs = ASK_KEYS_MS;
    this.atBeginning = false;
    const { room } = this;
    const reading = room && (whenRead(this.client, room) ?? fillScreen(this.client, room));
    if (reading) {
      this.reading = true;
      this.draw();
      await Promise.race([reading, new Promise((done) => setTimeout(done, READ_MS_MAX))]);
      if (this.roomId !== roomId) return;
    }
    this.reading = false;
    this.draw();
    if (!room) return;
    await room.loadMembersIfNeeded().catch(() => undefined);
    this.draw();
  }

  /** False: nothing came, because there is nothing, it is being fetched already, or the network is away. */
  async older(): Promise<boolean> {
    const { room } = this;
    if (!room || this.loading || this.atBeginning) return false;
    this.loading = true;
    try {
      this.atBeginning = !(await loadOlder(this.client, room, breathe));
      return !this.atBeginning;
    } catch {
      // Offline: what is held is shown; it is asked for again when the network is back.
      return false;
    } finally {
      this.loading = false;
      // Older messages change nothing in the list of chats.
      if (this.running && this.ready) this.drawOlder(this.running);
    }
  }

  /** Brings a message of the open room here. False: it cannot be had. */
  async seek(eventId: string): Promise<boolean> {
    const { room } = this;
    if (!room) return false;
    try {
      return await loadUntil(this.client, room, eventId);
    } catch {
      return false;
    } finally {
      this.draw();
    }
  }

  async chatWith(userId: string): Promise<void> {
    app.go({ screen: "room", roomId: await openDirect(this.client, userId) });
  }

  /** @throws WrongPassword */
  async leaveService(password: string): Promise<void> {
    const { leaveService } = await import("../matrix/account");
    this.farewell = m.left_service();
    try {
      await leaveService(this.client, password);
    } catch (error) {
      this.farewell = "";
      throw error;
    }
    await this.end(this.farewell);
  }

  /** The server wants the password again: everything stays on this device, and nothing runs meanwhile. */
  private async pause(): Promise<void> {
    if (!this.running || app.phase === "again") return;
    this.ready = false;
    this.waiting = this.running.outbox.waiting().length;
    app.phase = "again";
    await this.running.stop();
  }

  /** The server ended the session. What is not sent yet waits here for the same person. */
  private async ended(): Promise<void> {
    // Each request that was under way says so: what the first one counted stands.
    if (this.over) return;
    const letters = (this.running?.outbox.waiting().length ?? 0) + warnings.drafts.length;
    const userId = app.session?.userId;
    if (userId && letters > 0 && !this.farewell) writeKept(localStorage, { userId, letters });
    await this.end(this.farewell || m.logged_out(), !this.farewell);
  }

  /** Leaves this account on this device, and everything the device held of it. */
  async end(notice = "", keepsDrafts = false): Promise<void> {
    if (this.over) return;
    this.over = true;
    const running = this.running;
    this.running = null;
    this.ready = false;
    await notices.end();
    await running?.stop();
    this.search?.close();
    const { userId = "" } = app.session ?? {};
    await running?.client.clearStores({ cryptoDatabasePrefix: `bongsu-${userId}` }).catch(() => undefined);
    await forgetStores(userId);
    forgetChats();
    warnings.forget(keepsDrafts);
    app.leave(notice);
    location.reload();
  }
}

export const live = new LiveState();
