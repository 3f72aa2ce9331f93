// What the shell knows before the SDK is there: who is logged in, where one is, which site answers, how it looks.
import { type AuthError, logIn, register } from "../matrix/auth";
import { handOver, type Kept, readKept } from "../matrix/keptOutbox";
import { hashOf, hubOf, type Place, placeOf } from "../matrix/links";
import { forgetSession, readSession, type Session, writeSession } from "../matrix/session";
import { type HubState, readHub, readSites, Sites, type Site, type SiteState } from "../matrix/sites";
import { m } from "../paraglide/messages";
import { HUB_KEY } from "./keys";

export type Phase = "opening" | "welcome" | "main" | "otherTab" | "again";
export type Theme = "auto" | "light" | "dark";

const SITES_KEY = "bongsu.sites";
const THEME_KEY = "bongsu.theme";
const LARGE_KEY = "bongsu.large";
const LOCK = "bongsu";
const NOTICE_KEY = "bongsu.notice";
const LOOK_MS = 30_000;

function storedSites(): Site[] {
  try {
    return readSites(JSON.parse(localStorage.getItem(SITES_KEY) ?? "null"));
  } catch {
    return [];
  }
}

class AppState {
  readonly sites = new Sites(location.origin, storedSites(), { fetch: globalThis.fetch.bind(globalThis) });
  session = $state<Session | null>(readSession(localStorage));
  /** Until the lock is had nothing is shown: the first screen is not for who is logged in. */
  phase = $state<Phase>(readSession(localStorage) ? "opening" : "welcome");
  place = $state<Place>(placeOf(location.pathname, location.hash));
  siteState = $state<SiteState>({ kind: "normal", site: "" });
  /** How the hub stands that one talks to; null: it is no hub. */
  hub = $state.raw<HubState | null>(null);
  /** What is said on the first screen, also after the reload that ends a session. */
  notice = $state(sessionStorage.getItem(NOTICE_KEY) ?? "");
  /** What somebody wrote here before the server ended their session. */
  kept = $state.raw<Kept | null>(readKept(localStorage));
  theme = $state<Theme>((localStorage.getItem(THEME_KEY) as Theme | null) ?? "auto");
  large = $state(localStorage.getItem(LARGE_KEY) === "yes");
  /** Held in memory for the minute in which a new account's keys are made. */
  password: string | null = null;

  begin(): void {
    sessionStorage.removeItem(NOTICE_KEY);
    window.addEventListener("hashchange", () => (this.place = placeOf("/", location.hash)));
    this.siteState = this.sites.state;
    this.sites.onChange((state) => (this.siteState = state));
    if (this.session) void this.enter();
    void this.learnSites();
    setInterval(() => document.visibilityState === "visible" && void this.learnSites(), LOOK_MS);
  }

  /** A question to the site in use, as who is logged in. */
  readonly api = (path: string, init: RequestInit = {}): Promise<Response> =>
    this.sites.fetchFn(path, { ...init, headers: { Authorization: `Bearer ${this.session?.accessToken ?? ""}` } });

  go(place: Place): void {
    if (location.hash !== hashOf(place)) location.hash = hashOf(place);
    this.place = place;
  }

  async register(name: string, password: string, invitation: string): Promise<void> {
    const session = await register(this.sites.fetchFn, name, password, m.device_web(), invitation);
    // A newcomer lives where the invitation says; who had an account keeps the town hall they chose.
    const hub = hubOf(location.search);
    if (hub) localStorage.setItem(HUB_KEY, hub);
    if (this.place.screen === "join") this.go({ screen: "chats" });
    await this.logged(session, password);
  }

  async logIn(name: string, password: string): Promise<void> {
    await this.logged(await logIn(this.sites.fetchFn, name, password, m.device_web()), password);
  }

  /** The same person on the same device, whom the server asked for the password once more. */
  async logInAgain(password: string): Promise<void> {
    if (!this.session) return;
    const { userId, deviceId } = this.session;
    const { accessToken } = await logIn(this.sites.fetchFn, userId, password, m.device_web(), deviceId);
    this.update({ accessToken });
    location.reload();
  }

  /** Nobody waits for what was kept. */
  dropKept(): void {
    handOver(localStorage, indexedDB, null);
    this.kept = null;
  }

  private async logged(session: Session, password: string): Promise<void> {
    this.password = password;
    handOver(localStorage, indexedDB, session.userId);
    this.kept = null;
    this.keep(session);
    await navigator.storage?.persist?.();
    await this.enter();
  }

  keep(session: Session): void {
    this.session = session;
    writeSession(localStorage, session);
  }

  update(changes: Partial<Session>): void {
    if (this.session) this.keep({ ...this.session, ...changes });
  }

  /** Back to the first screen. What the device holds of the account is removed by who calls this. */
  leave(notice = ""): void {
    forgetSession(localStorage);
    this.session = null;
    sessionStorage.setItem(NOTICE_KEY, notice);
    this.notice = notice;
    this.phase = "welcome";
  }

  /** One tab at a time may use the encryption's store. */
  enter(steal = false): Promise<void> {
    return new Promise((entered) => {
      const held = navigator.locks.request(LOCK, steal ? { steal } : { ifAvailable: true }, (lock) => {
        this.phase = lock ? "main" : "otherTab";
        entered();
        return lock ? new Promise<void>(() => undefined) : undefined;
      });
      // Another tab took over: stop everything here by starting afresh, which finds the lock taken.
      held.catch(() => location.reload());
    });
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    localStorage.setItem(THEME_KEY, theme);
  }

  setLarge(large: boolean): void {
    this.large = large;
    localStorage.setItem(LARGE_KEY, large ? "yes" : "no");
  }

  private async learnSites(): Promise<void> {
    try {
      const response = await this.sites.fetchFn("/_bongsu/client/v1/sites");
      if (!response.ok) return;
      const answer: unknown = await response.json();
      this.hub = readHub(answer);
      // Elsewhere, "this site" is not the one the page came from.
      if (this.siteState.kind !== "normal") return;
      localStorage.setItem(SITES_KEY, JSON.stringify(answer));
      this.sites.learn(location.origin, readSites(answer));
    } catch {
      // The list of last time stands; of a hub that does not answer nothing is claimed.
      this.hub = null;
    }
  }
}

/** The same of what the SDK asked for: there a refusal has nothing to do with a name or a password. */
function explainSdk(error: unknown): string {
  const { errcode, httpStatus = 0, data } = error as { errcode?: string; httpStatus?: number; data?: { error?: string } };
  if (errcode === "M_LIMIT_EXCEEDED") return m.error_limit();
  return httpStatus >= 400 && httpStatus < 500 ? m.error_server({ text: data?.error ?? "" }) : m.error_network();
}

/** A refusal in the person's words. */
export function explain(error: unknown): string {
  const { errcode, status, message } = error as Partial<AuthError>;
  if (status === undefined) return explainSdk(error);
  const known: Record<string, () => string> = {
    M_USER_IN_USE: m.error_in_use,
    M_INVALID_USERNAME: m.error_name,
    M_WEAK_PASSWORD: m.error_password_short,
    M_FORBIDDEN: m.error_wrong,
    M_LIMIT_EXCEEDED: m.error_limit,
    INVITATION_NEEDED: m.error_invitation,
  };
  return known[errcode ?? ""]?.() ?? (status >= 500 ? m.error_network() : m.error_server({ text: message ?? "" }));
}

export const app = new AppState();
