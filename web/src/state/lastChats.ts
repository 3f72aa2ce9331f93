// The list of chats as it was last drawn: shown at once at the next start, while the encryption and the SDK open.
import type { Chat } from "../matrix/chats";

const KEY = "bongsu.chats";
const CHATS_MAX = 400;
const EVERY_MS = 2_000;
let waiting: ReturnType<typeof setTimeout> | null = null;
let newest: Chat[] = [];

export function readChats(userId: string): Chat[] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "null") as { userId?: string; chats?: Chat[] } | null;
    return kept?.userId === userId && Array.isArray(kept.chats) ? kept.chats : [];
  } catch {
    return [];
  }
}

/** Keeps the list soon; many changes of one moment cost one writing. */
export function keepChats(userId: string, chats: Chat[]): void {
  newest = chats;
  waiting ??= setTimeout(() => {
    waiting = null;
    try {
      localStorage.setItem(KEY, JSON.stringify({ userId, chats: newest.slice(0, CHATS_MAX) }));
    } catch {
      // A full device starts a little later.
      localStorage.removeItem(KEY);
    }
  }, EVERY_MS);
}

export function forgetChats(): void {
  if (waiting !== null) clearTimeout(waiting);
  waiting = null;
  localStorage.removeItem(KEY);
}
