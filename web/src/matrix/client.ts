// The Matrix client of this page: SDK with IndexedDB store and Rust encryption, over the sites, with the outbox.
import "./polyfill";
import {
  ClientEvent,
  createClient,
  HttpApiEvent,
  IndexedDBStore,
  type MatrixClient,
  PendingEventOrdering,
  type RoomNameState,
  RoomNameType,
  SyncState,
} from "matrix-js-sdk";
import { decodeRecoveryKey } from "matrix-js-sdk/lib/crypto-api/index.js";
import { hastenBackup } from "./encryption";
import { type News, withNews } from "../tower/news";
import { whileOpening } from "./opening";
import { type Letter, Outbox } from "./outbox";
import { openOutboxStore } from "./outboxStore";
import { sendLetter } from "./send";
import type { Session } from "./session";
import type { Sites } from "./sites";
import { programAddress } from "./wasm";

// The SDK itself writes the store only every 5 minutes, which a closed phone would lose.
const SAVE_EVERY_MS = 20_000;
// Short, so that the watchdog over the sites and a hop cost little.
const POLL_MS = 15_000;

export interface Texts {
  emptyRoom: string;
  andOthers: (name: string, count: number) => string;
}

export interface Hooks {
  texts: Texts;
  session: () => Session;
  /** `soft`: the server keeps the device, and wants the password once more. */
  loggedOut: (soft: boolean) => void;
  changed: () => void;
  /** What a /sync said of alerts and check-ins. */
  news: (news: News) => void;
  /** What is needed to begin does not come; it is tried again. */
  waiting: () => void;
}

export interface Sent {
  letter: Letter;
  eventId: string;
  atMs: number;
}

export interface Running {
  client: MatrixClient;
  outbox: Outbox;
  /** What the server took, by transaction id, until the timeline shows it. */
  sent: Map<string, Sent>;
  /** The first list of rooms is there, from this device or from the server. */
  prepared: Promise<void>;
  /** The server has told what is new: from now on the account data held here is the account's. */
  upToDate: Promise<void>;
  stop: () => Promise<void>;
}

function roomName(texts: Texts): (roomId: string, state: RoomNameState) => string | null {
  return (_, state) => {
    if (state.type === RoomNameType.Actual) return state.name;
    if (state.type === RoomNameType.EmptyRoom) return state.oldName ?? texts.emptyRoom;
    const [first, ...others] = state.names;
    if (first === undefined) return texts.emptyRoom;
    return state.count > 2 && others.length === 0 ? texts.andOthers(first, state.count - 1) : state.names.join(", ");
  };
}

async function startProgram(waiting: () => void): Promise<void> {
  const address = await programAddress(waiting);
  // A part of its own: the list of chats is there before it.
  const { initAsync } = await import("@matrix-org/matrix-sdk-crypto-wasm");
  await initAsync(address);
  if (address) URL.revokeObjectURL(address);
}

/** Opens the stores, the encryption and the outbox, and begins to sync. */
export async function start(session: Session, sites: Sites, hooks: Hooks): Promise<Running> {
  const store = new IndexedDBStore({ indexedDB, localStorage, dbName: `bongsu-${session.userId}` });
  const opening = whileOpening(withNews(sites.fetchFn, hooks.news), session.userId.slice(session.userId.indexOf(":") + 1));
  // The outbox keeps what is not sent; a second queue in the SDK would send it twice.
  store.getPendingEvents = () => Promise.resolve([]);
  store.setPendingEvents = () => Promise.resolve();
  const client = createClient({
    baseUrl: sites.site.base_url,
    fetchFn: opening.fetchFn,
    userId: session.userId,
    deviceId: session.deviceId,
    accessToken: session.accessToken,
    store,
    timelineSupport: true,
    roomNameGenerator: roomName(hooks.texts),
    cryptoCallbacks: {
      getSecretStorageKey: ({ keys }) => {
        const [id] = Object.keys(keys);
        const key = hooks.session().recoveryKey;
        return Promise.resolve(id && key ? [id, decodeRecoveryKey(key) as Uint8Array<ArrayBuffer>] : null);
      },
    },
  });
  // Uploads go by XMLHttpRequest, past fetchFn: at a site that is gone a photo would hold up all that is written after it.
  const follow = sites.onChange(() => (client.http.opts.baseUrl = sites.site.base_url));
  // After a gap older pages would lead into the timeline of before, which nobody looks at: they begin anew instead.
  client.setCanResetTimelineCallback(() => true);
  client.on(HttpApiEvent.SessionLoggedOut, ({ data }) => hooks.loggedOut(data["soft_logout"] === true));
  await store.startup();
  await Promise.all([hastenBackup(), startProgram(hooks.waiting)]);
  await client.initRustCrypto({ cryptoDatabasePrefix: `bongsu-${session.userId}` });
  opening.done();

  const sent = new Map<string, Sent>();
  const outbox = new Outbox({
    store: await openOutboxStore(session.userId),
    send: (letter) => sendLetter(client, letter),
    sent: (letter, eventId) => sent.set(letter.id, { letter, eventId, atMs: Date.now() }),
    changed: hooks.changed,
  });
  let tellUpToDate: () => void;
  const upToDate = new Promise<void>((done) => (tellUpToDate = done));
  const prepared = new Promise<void>((done) => {
    client.on(ClientEvent.Sync, (state, previous) => {
      if (state === SyncState.Prepared || state === SyncState.Syncing) done();
      if (state === SyncState.Syncing) tellUpToDate();
      if (state === SyncState.Syncing && previous !== SyncState.Syncing) outbox.wake();
    });
  });
  await client.startClient({
    initialSyncLimit: 20,
    lazyLoadMembers: true,
    pendingEventOrdering: PendingEventOrdering.Detached,
    pollTimeout: POLL_MS,
  });
  void prepared.then(() => outbox.open());
  const wake = () => outbox.wake();
  const save = () => void store.save(true);
  const saving = setInterval(save, SAVE_EVERY_MS);
  window.addEventListener("online", wake);
  window.addEventListener("pagehide", save);
  document.addEventListener("visibilitychange", save);
  return {
    client,
    outbox,
    sent,
    prepared,
    upToDate,
    stop: async () => {
      follow();
      clearInterval(saving);
      window.removeEventListener("online", wake);
      window.removeEventListener("pagehide", save);
      document.removeEventListener("visibilitychange", save);
      outbox.close();
      client.stopClient();
      await store.save(true);
    },
  };
}
