// What the administration asks the service (docs/protocol/tower.md, Administration), and what it answers.

export interface Account {
  user_id: string;
  display_name: string | null;
  created_ts: number;
  deactivated: boolean;
  site: string | null;
  sessions: number;
  administrator: boolean;
}

export interface Device {
  device_id: string;
  created_ts: number;
  display_name: string | null;
  last_seen_ts: number | null;
}

export interface WholeAccount extends Omit<Account, "sessions" | "site"> {
  devices: Device[];
  rooms: string[];
  media_bytes: number;
  second_factor: boolean;
}

export interface Room {
  room_id: string;
  version: string;
  joined: number;
  encrypted: boolean;
  name: string | null;
  join_rule: string;
  closed: boolean;
}

export interface WholeRoom extends Room {
  topic: string | null;
  aliases: string[];
  members: { user_id: string; membership: string; display_name: string | null }[];
}

export interface File {
  media_id: string;
  user_id: string;
  bytes: number;
  content_type: string;
  created_ts: number;
  quarantined: boolean;
}

export interface Report {
  number: number;
  id: string;
  reporter: string;
  room_id: string | null;
  event_id: string | null;
  user_id: string | null;
  reason: string;
  ts: number;
  done: { by: string; ts: number } | null;
  event: { sender: string; type: string; redacted: boolean; body: string | null; media: string[] } | null;
}

export interface ActOfAdministrator {
  number: number;
  actor: string;
  act: string;
  target: string;
  ts: number;
}

/** What the service refused, with its own sentence. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly errcode: string,
    readonly enrolled: boolean,
    sentence: string,
  ) {
    super(sentence);
  }
}

export const ADMIN = "/_bongsu/admin/v1";
const OWN = "/_bongsu/client/v1";
const TOKEN_KEY = "bongsu.admin";

let token = sessionStorage.getItem(TOKEN_KEY) ?? "";

export const isLoggedIn = (): boolean => token !== "";

/** @throws Refused, or TypeError when nothing answers */
export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const said = (await response.json().catch(() => ({}))) as { errcode?: string; error?: string; enrolled?: boolean };
  if (!response.ok) throw new Refused(response.status, said.errcode ?? "", said.enrolled === true, said.error ?? String(response.status));
  return said as T;
}

export const read = <T>(path: string, query: Record<string, string> = {}): Promise<T> => ask<T>("GET", `${ADMIN}${path}?${new URLSearchParams(query).toString()}`);

export const act = <T = object>(method: string, path: string, body: unknown = {}): Promise<T> => ask<T>(method, `${ADMIN}${path}`, body);

export async function logIn(name: string, password: string, device: string): Promise<void> {
  const identifier = { type: "m.id.user", user: name };
  const body = { type: "m.login.password", identifier, password, initial_device_display_name: device };
  token = (await ask<{ access_token: string }>("POST", "/_matrix/client/v3/login", body)).access_token;
  // Of this tab alone: whoever closes it is out.
  sessionStorage.setItem(TOKEN_KEY, token);
}

export async function logOut(): Promise<void> {
  await ask("POST", "/_matrix/client/v3/logout", {}).catch(() => undefined);
  forget();
}

export function forget(): void {
  token = "";
  sessionStorage.removeItem(TOKEN_KEY);
}

export const enrol = (): Promise<{ secret: string; uri: string }> => ask("POST", `${OWN}/second_factor/enrol`, {});

export const giveCode = (code: string): Promise<object> => ask("POST", `${OWN}/second_factor`, { code: code.replace(/\s/g, "") });
