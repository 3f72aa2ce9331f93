// Who is logged in on this device: one small record in localStorage, read before anything else is loaded.

export interface Session {
  userId: string;
  deviceId: string;
  accessToken: string;
  /** Made silently at the first log-in; null on a device that has not been given the recovery kit yet. */
  recoveryKey: string | null;
  kitSaved: boolean;
}

export interface TextStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const KEY = "bongsu.session";

export function readSession(store: TextStore): Session | null {
  const text = store.getItem(KEY);
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as Partial<Session>;
    if (!value.userId || !value.deviceId || !value.accessToken) return null;
    return {
      userId: value.userId,
      deviceId: value.deviceId,
      accessToken: value.accessToken,
      recoveryKey: value.recoveryKey ?? null,
      kitSaved: value.kitSaved ?? false,
    };
  } catch {
    return null;
  }
}

export function writeSession(store: TextStore, session: Session): void {
  store.setItem(KEY, JSON.stringify(session));
}

export function forgetSession(store: TextStore): void {
  store.removeItem(KEY);
}
