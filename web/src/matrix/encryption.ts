// Cross-signing, secret storage and key backup, set up without a question at the first log-in of an account.
import { type MatrixClient, MatrixError, Method, type Room } from "matrix-js-sdk";
import type { CryptoBackend } from "matrix-js-sdk/lib/common-crypto/CryptoBackend.js";
import { decodeRecoveryKey } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { Session } from "./session";

/** "kit-needed": another device made the keys; what was said before is readable only with the recovery kit. */
export type Encryption = "ready" | "kit-needed";

interface Challenge {
  data?: { session?: string };
}

export interface Keeper {
  session: () => Session;
  /** Keeps a recovery key on this device before the server relies on it. */
  keepRecoveryKey: (key: string) => void;
}

export async function prepareEncryption(
  client: MatrixClient,
  keeper: Keeper,
  password: string | null,
): Promise<Encryption> {
  const crypto = client.getCrypto();
  if (!crypto) throw new Error("the encryption did not start");
  const { userId, recoveryKey } = keeper.session();
  if (!(await crypto.isCrossSigningReady())) {
    if (await crypto.userHasCrossSigningKeys(userId, true)) {
      if (recoveryKey === null) return "kit-needed";
      await recover(client);
      return "ready";
    }
    await crypto.bootstrapCrossSigning({
      authUploadDeviceSigningKeys: async (uploadKeys) => {
        try {
          await uploadKeys(null);
        } catch (error) {
          const session = (error as Challenge).data?.session;
          if (password === null || !session) throw error;
          const identifier = { type: "m.id.user", user: userId };
          await uploadKeys({ type: "m.login.password", identifier, password, session });
        }
      },
    });
  }
  if (!(await crypto.isSecretStorageReady())) {
    await crypto.bootstrapSecretStorage({
      setupNewKeyBackup: (await crypto.getKeyBackupInfo()) === null,
      setupNewSecretStorage: recoveryKey === null,
      createSecretStorageKey: async () => {
        // A second key would make the kit that somebody has put away worthless.
        if (await hasSecretStorage(client)) throw new Error("the account has a recovery key already");
        const made = await crypto.createRecoveryKeyFromPassphrase();
        keeper.keepRecoveryKey(made.encodedPrivateKey ?? "");
        return made;
      },
    });
  }
  await crypto.checkKeyBackupAndEnable();
  // Without a network the SDK quietly leaves the backup off; whoever called tries again.
  if ((await crypto.getActiveSessionBackupVersion()) === null) throw new Error("the key backup is not on yet");
  return "ready";
}

/** Asks the server itself: the SDK answers from what this device held when it was closed. */
async function hasSecretStorage(client: MatrixClient): Promise<boolean> {
  const path = `/user/${encodeURIComponent(client.getSafeUserId())}/account_data/m.secret_storage.default_key`;
  try {
    const { key } = await client.http.authedRequest<{ key?: string }>(Method.Get, path);
    return Boolean(key);
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === "M_NOT_FOUND") return false;
    throw error;
  }
}

/** Takes the account's keys out of secret storage and every room key out of the backup. */
export async function recover(client: MatrixClient): Promise<void> {
  const crypto = client.getCrypto();
  if (!crypto) return;
  await crypto.bootstrapCrossSigning({});
  await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
  await crypto.checkKeyBackupAndEnable();
  await crypto.restoreKeyBackup();
  await Promise.all(client.getRooms().map((room) => tryAgain(client, room)));
}

// More than a screen holds.
const NEWEST = 40;

/** Resolves when the newest messages are decrypted, or cannot be; null: they are already. */
export function whenRead(client: MatrixClient, room: Room): Promise<unknown> | null {
  const newest = room.getLiveTimeline().getEvents().slice(-NEWEST);
  const reading = newest.map((event) => client.decryptEventIfNeeded(event));
  return newest.some((event) => event.isBeingDecrypted()) ? Promise.allSettled(reading) : null;
}

/**
 * Tries once more what could not be decrypted; the SDK itself asks the backup once and never again, and another
 * device may put a key there any time.
 */
export async function tryAgain(client: MatrixClient, room: Room): Promise<void> {
  const crypto = client.getCrypto();
  if (!crypto) return;
  const failed = room.getLiveTimeline().getEvents().filter((event) => event.isDecryptionFailure());
  await Promise.all(
    failed.map((event) => event.attemptDecryption(crypto as unknown as CryptoBackend, { isRetry: true })),
  );
}

// The SDK waits up to 10 s before it saves a new key to the backup, so that a big service's devices do not all write
// at once. Whoever loses the phone in those seconds loses what was said in them.
const BACKUP_DELAY_MS_MAX = 500;

/** Lets new keys reach the backup soon. */
export async function hastenBackup(): Promise<void> {
  const { RustBackupManager } = await import("matrix-js-sdk/lib/rust-crypto/backup.js");
  (RustBackupManager as { maxBackupLoopStartDelayMillis: number }).maxBackupLoopStartDelayMillis = BACKUP_DELAY_MS_MAX;
}

/** Whether a text may be a recovery kit's key at all: its letters carry a checksum. */
export function isRecoveryKey(text: string): boolean {
  try {
    decodeRecoveryKey(text);
    return true;
  } catch {
    return false;
  }
}

/** Opens everything with the key of the recovery kit. False: it is the key of something else. */
export async function openWithKit(client: MatrixClient, key: string): Promise<boolean> {
  const [, info] = (await client.secretStorage.getKey()) ?? [];
  if (!info || !(await client.secretStorage.checkKey(decodeRecoveryKey(key) as Uint8Array<ArrayBuffer>, info)))
    return false;
  return true;
}
