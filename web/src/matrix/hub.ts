// What a hub tells its operators (docs/protocol/client.md), and what stands on its poster.
import type { Api } from "./residency";

export interface Standing {
  site: string;
  role: string;
  base_url: string;
  now_ms: number;
  residents: { user_id: string; name: string | null; here: boolean }[];
  links: { site: string; role: string; this: boolean; linked: boolean; by_radio: boolean; plain_only?: boolean; since_ms: number | null }[];
  battery: { percent: number; on_mains: boolean; hours_left: number | null; does: string } | null;
  certificates: { node: number | null; tls: number | null };
  waiting: { to: string; records: number; linked: boolean }[];
  files_kept: number;
  radio?: RadioLine[];
  notices: { room: string; text: string; ts: number }[];
}

/** A modem, and who is heard by it. */
export interface RadioLine {
  modem: string;
  problem: string | null;
  site: string | null;
  in_use: boolean;
  reached: boolean;
  heard_ms: number | null;
  bits_per_second: number;
  bytes_per_minute: number;
  sent_bytes: number;
  waiting_bytes: number;
  text_s: number;
}

export interface Vouched {
  token: string;
  uses: number;
  expires_ts: number;
}

/** A refusal, in the hub's words. `status`: 403 for who does not run it. */
export class HubError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const PATH = "/_bongsu/client/v1/hub";
/** Days before a certificate ends from which the page warns. */
export const DAYS_WARNED = 30;
/** What a hub's clock may differ from this device's, before its operator is told. */
export const CLOCK_MS = 120_000;

async function read<T>(response: Response): Promise<T> {
  const answer = (await response.json().catch(() => ({}))) as T & { error?: string };
  if (!response.ok) throw new HubError(response.status, answer.error ?? "");
  return answer;
}

export const standing = async (api: Api): Promise<Standing> => read(await api(PATH));

export const vouch = async (api: Api, uses: number, hours: number): Promise<Vouched> =>
  read(await api(`${PATH}/vouch`, { method: "POST", body: JSON.stringify({ uses, hours }) }));

/** What phones read to join a Wi-Fi: every character that means something in it has a backslash before it. */
export function wifiText(name: string, password: string): string {
  const plain = (text: string) => text.replace(/[\\;,":]/g, "\\$&");
  return password ? `WIFI:T:WPA;S:${plain(name)};P:${plain(password)};;` : `WIFI:T:nopass;S:${plain(name)};;`;
}

/** The address at which a newcomer makes an account with a code. */
export const joinLink = (origin: string, token: string): string => `${origin}/#/join/${encodeURIComponent(token)}`;
