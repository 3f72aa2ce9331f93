// The courier's bag: sealed files in IndexedDB. It is the device's, not an account's: it stays when somebody logs out.
import { openDB } from "idb";
import type { Carried, FileStore } from "./courier";

const TABLE = "files";

export async function openCourierStore(): Promise<FileStore> {
  const db = await openDB("bongsu-courier", 1, { upgrade: (made) => void made.createObjectStore(TABLE, { keyPath: "id" }) });
  return {
    all: async () => (await db.getAll(TABLE)) as Carried[],
    put: async (file) => {
      const transaction = db.transaction(TABLE, "readwrite", { durability: "strict" });
      await Promise.all([transaction.store.put(file), transaction.done]);
    },
    remove: (id) => db.delete(TABLE, id),
  };
}
