// Where the outbox keeps its letters: one IndexedDB database per account, durable before a letter counts as kept.
import { openDB } from "idb";
import { outboxName } from "./keptOutbox";
import type { Letter, LetterStore } from "./outbox";

const TABLE = "letters";

export async function openOutboxStore(userId: string): Promise<LetterStore> {
  const db = await openDB(outboxName(userId), 1, {
    upgrade: (made) => void made.createObjectStore(TABLE, { keyPath: "id" }),
  });
  return {
    all: async () => (await db.getAll(TABLE)) as Letter[],
    put: async (letter) => {
      const transaction = db.transaction(TABLE, "readwrite", { durability: "strict" });
      await Promise.all([transaction.store.put(letter), transaction.done]);
    },
    close: () => db.close(),
    remove: (id) => db.delete(TABLE, id),
  };
}
