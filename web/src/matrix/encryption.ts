// Cross-signing, secret storage and key backup, set up without a question at the first log-in of an account.
import type { MatrixClient } from "matrix-js-sdk";
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

/** Takes the account's keys out of secret storage and every room key out of the backup. */
export async function recover(client: MatrixClient): Promise<void> {
  const crypto = client.getCrypto();
  if (!crypto) return;
  await crypto.bootstrapCrossSigning({});
  await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
  await crypto.checkKeyBackupAndEnable();
  await crypto.restoreKeyBackup();
  // What failed to decrypt while the keys were coming is tried once more.
  await Promise.all(client.getRooms().map((room) => room.decryptAllEvents()));
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
