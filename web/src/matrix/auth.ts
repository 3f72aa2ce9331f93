// Making an account and logging in, with plain requests: the form works before the SDK is loaded.
import type { Session } from "./session";

export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/** What the server refused. `errcode` is Matrix's; "" when the answer was not Matrix's at all. */
export class AuthError extends Error {
  constructor(
    readonly errcode: string,
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface Answer {
  errcode?: string;
  error?: string;
  session?: string;
  user_id?: string;
  device_id?: string;
  access_token?: string;
  flows?: { stages: string[] }[];
  completed?: string[];
}

const DUMMY = "m.login.dummy";
const TOKEN = "m.login.registration_token";

async function post(fetch: Fetch, path: string, body: unknown): Promise<[number, Answer]> {
  const response = await fetch(`/_matrix/client/v3/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return [response.status, (await response.json().catch(() => ({}))) as Answer];
}

function session(status: number, answer: Answer): Session {
  if (status !== 200 || !answer.user_id || !answer.device_id || !answer.access_token)
    throw new AuthError(answer.errcode ?? "", status, answer.error ?? String(status));
  return {
    userId: answer.user_id,
    deviceId: answer.device_id,
    accessToken: answer.access_token,
    recoveryKey: null,
    kitSaved: false,
  };
}

/**
 * Makes an account.
 * @throws AuthError M_USER_IN_USE, M_INVALID_USERNAME, M_WEAK_PASSWORD, M_FORBIDDEN, or "INVITATION_NEEDED"
 */
export async function register(
  fetch: Fetch,
  name: string,
  password: string,
  device: string,
  invitation = "",
): Promise<Session> {
  const asked = { username: name, password, initial_device_display_name: device };
  let [status, answer] = await post(fetch, "register", asked);
  for (let stage = 0; status === 401 && answer.session && !answer.errcode && stage < 3; stage++) {
    const auth = { ...nextStage(answer, invitation), session: answer.session };
    [status, answer] = await post(fetch, "register", { ...asked, auth });
  }
  return session(status, answer);
}

/** The stage to do next: the invitation, where every way to an account asks for one, else nothing at all. */
function nextStage(answer: Answer, invitation: string): { type: string; token?: string } {
  const flows = answer.flows ?? [];
  const asksToken = flows.length > 0 && flows.every((flow) => flow.stages.includes(TOKEN));
  if (!asksToken || answer.completed?.includes(TOKEN)) return { type: DUMMY };
  if (!invitation) throw new AuthError("INVITATION_NEEDED", 401, "");
  return { type: TOKEN, token: invitation };
}

/** @throws AuthError M_FORBIDDEN for a wrong name or password */
export async function logIn(
  fetch: Fetch,
  name: string,
  password: string,
  device: string,
  deviceId: string | null = null,
): Promise<Session> {
  const [status, answer] = await post(fetch, "login", {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: name },
    password,
    initial_device_display_name: device,
    ...(deviceId ? { device_id: deviceId } : {}),
  });
  return session(status, answer);
}

/** The name people type, as the server wants it: lower case, no spaces around it. */
export function localpart(typed: string): string {
  return typed.trim().replace(/^@/, "").replace(/:.*$/, "").toLowerCase();
}

/** Whether a name can be an account's: Matrix allows these characters only. */
export function isUsable(name: string): boolean {
  return /^[a-z0-9._=/+-]{1,100}$/.test(name);
}
