// What somebody wrote, or said of how they are, and could not send before the server ended the session: it waits for the same person here.
import { WARNINGS_KEY } from "../state/keys";
import type { TextStore } from "./session";

export interface Kept {
  userId: string;
  letters: number;
}

const KEY = "bongsu.kept";

export const outboxName = (userId: string): string => `bongsu-outbox-${userId}`;

export function readKept(store: TextStore): Kept | null {
  try {
    const kept = JSON.parse(store.getItem(KEY) ?? "null") as Partial<Kept> | null;
    return kept?.userId && kept.letters ? { userId: kept.userId, letters: kept.letters } : null;
  } catch {
    return null;
  }
}

export function writeKept(store: TextStore, kept: Kept): void {
  store.setItem(KEY, JSON.stringify(kept));
}

/** Somebody has logged in: the outbox is theirs, or it goes. */
export function handOver(store: TextStore, databases: IDBFactory, userId: string | null): void {
  const kept = readKept(store);
  store.removeItem(KEY);
  if (!kept || kept.userId === userId) return;
  databases.deleteDatabase(outboxName(kept.userId));
  store.removeItem(WARNINGS_KEY);
}
