// Alerts, and "I'm safe": what this device knows of them, and what it still has to tell. Kept on the device, so that
// a standing alert is there when the client opens without a network, and an answer is never lost.
import { SvelteDate } from "svelte/reactivity";
import { ClientEvent, type MatrixClient, SyncState } from "matrix-js-sdk";
import { getLocale } from "../paraglide/runtime";
import { isNotAResident } from "../matrix/deferring";
import { type Alert, type AlertNews, type Answer, gravestFirst, learn, stands, toKeep, toShow } from "../tower/alert";
import { get, post, put, refusal } from "../tower/api";
import type { News } from "../tower/news";
import { clocks, ServiceTime } from "../tower/serviceTime";
import { type CheckIn, isPlay, type Known, learnSafety, openQuestion, saidBy, type Wellbeing } from "../tower/safety";
import { app } from "./app.svelte";
import { WARNINGS_KEY as KEY } from "./keys";
import { notices } from "./notices.svelte";

const TICK_MS = 5_000;
const TELL_AGAIN_MS = 15_000;
// An answer that took longer says too little of what time it is.
const ROUND_MS_MAX = 10_000;
const KEPT_ALERTS_MAX = 30;
const NOTHING: Known = { checkIns: [], requests: [], calls: [] };

export interface CheckInDraft {
  answer: Wellbeing;
  with?: string[];
  where?: string | [number, number];
  request?: string;
}

interface Kept {
  userId: string;
  alerts: Alert[];
  known: Known;
  /** Answers that no site has taken yet, by alert. */
  answers: Record<string, Answer>;
  drafts: CheckInDraft[];
  /** By how much the device's clock is ahead of the service's. */
  aheadMs: number;
}

function readKept(userId: string): Kept {
  const none = { userId, alerts: [], known: NOTHING, answers: {}, drafts: [], aheadMs: 0 };
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "null") as (Kept & { draft?: CheckInDraft }) | null;
    if (kept?.userId !== userId) return none;
    // Clients before this one kept a single check-in.
    return { ...none, ...kept, drafts: kept.drafts ?? (kept.draft ? [kept.draft] : []) };
  } catch {
    return none;
  }
}

class Warnings {
  private kept = readKept(app.session?.userId ?? "");
  alerts = $state.raw<Alert[]>(this.kept.alerts);
  known = $state.raw<Known>(this.kept.known);
  /** What the person said and no site has taken yet: at most one for real and one in an exercise. */
  drafts = $state.raw<CheckInDraft[]>(this.kept.drafts);
  /** Alerts that a person has put aside on this device alone: others' take no answer. */
  private answers: Record<string, Answer> = this.kept.answers;
  private readonly time = new ServiceTime(this.kept.aheadMs);
  private readonly now = new SvelteDate(this.serviceNow());
  private client: MatrixClient | null = null;
  private telling = false;
  private loading = false;
  private over = false;

  /** The one that covers the screen. */
  readonly current = $derived(toShow(this.alerts, this.now.getTime()));
  readonly standing = $derived(this.alerts.filter((alert) => stands(alert, this.now.getTime())));
  /** Those that were answered, or that never cover the screen: they are shown as a line. */
  readonly lined = $derived(gravestFirst(this.standing.filter((alert) => toShow([alert], this.now.getTime()) === null)));
  /** The one that the line names. */
  readonly line = $derived(this.lined.find(({ content }) => content.msg_type !== "Cancel"));
  readonly question = $derived(openQuestion(this.known, this.me, getLocale(), this.now.getTime()));

  get me(): string {
    return app.session?.userId ?? "";
  }

  /** What stands of what somebody said; of the person's own also what waits, with `ts` 0. */
  saidBy(user: string): CheckIn[] {
    const waiting = user === this.me ? this.drafts.map((draft) => ({ ...draft, user_id: user, ts: 0 })) : [];
    const kinds = waiting.map((each) => isPlay(each, this.known.calls));
    return [...saidBy(this.known, user).filter((each) => !kinds.includes(isPlay(each, this.known.calls))), ...waiting];
  }

  /** What time it is, also where the device's clock is wrong. */
  serviceNow(): number {
    return this.time.now(clocks());
  }

  begin(client: MatrixClient): void {
    this.client = client;
    if (this.kept.userId !== this.me) this.take(readKept(this.me));
    setInterval(() => {
      this.now.setTime(this.serviceNow());
      if (this.time.slipped(clocks())) void this.load();
    }, TICK_MS);
    // What a site that answers did not take has no other occasion: /sync goes on as if nothing were.
    setInterval(() => {
      if (this.drafts.length > 0 || Object.keys(this.answers).length > 0) void this.tell();
    }, TELL_AGAIN_MS);
    client.on(ClientEvent.Sync, (state, previous) => {
      if (state === SyncState.Syncing && previous !== SyncState.Syncing) void (this.time.isKnown ? this.tell() : this.load());
    });
    void this.load();
  }

  /** Loaded while the log-in was still being read, this page did not know whose it would be. */
  private take(kept: Kept): void {
    this.kept = kept;
    [this.alerts, this.known, this.drafts, this.answers] = [kept.alerts, kept.known, kept.drafts, kept.answers];
  }

  /** All there is, since what this device heard last may be old. */
  async load(): Promise<void> {
    if (!this.client || this.loading) return;
    this.loading = true;
    const asked = clocks();
    try {
      const [alerts, said] = await Promise.all([
        get<AlertNews>(this.client, "/alerts"),
        get<{ check_ins: CheckIn[]; requests: Known["requests"]; calls: Known["calls"] }>(this.client, "/check_ins"),
      ]);
      const came = clocks();
      if (alerts.now && came.steadyMs - asked.steadyMs < ROUND_MS_MAX) this.time.learn(alerts.now, came);
      this.hear({ alerts, checkIns: said });
    } catch {
      // What is kept stands; /sync brings what is new.
    } finally {
      this.loading = false;
    }
    void this.tell();
  }

  /** What /sync said. */
  hear({ alerts, checkIns }: News): void {
    this.now.setTime(this.serviceNow());
    if (alerts) {
      const before = this.current?.id;
      this.alerts = this.withAnswers(learn(this.alerts, alerts.alerts));
      const { current } = this;
      if (current && current.id !== before) void notices.warn(current);
    }
    if (checkIns) this.known = learnSafety(this.known, checkIns);
    this.keep();
  }

  /** An answer that is on its way counts here already. */
  private withAnswers(alerts: Alert[]): Alert[] {
    return alerts.map((alert) => (this.answers[alert.id] ? { ...alert, answer: this.answers[alert.id] as Answer } : alert));
  }

  /** Whether what waits for a site answers the question already; play answers nothing that is real. */
  isAnswering(exercise: boolean): boolean {
    return this.drafts.some((each) => exercise || !isPlay(each, this.known.calls));
  }

  answer(alert: Alert, answer: Answer): void {
    if (alert.answer === answer) return;
    this.answers = { ...this.answers, [alert.id]: answer };
    this.alerts = this.withAnswers(this.alerts);
    this.keep();
    void this.tell();
  }

  checkIn(draft: CheckInDraft): void {
    const { calls } = this.known;
    this.drafts = [...this.drafts.filter((each) => isPlay(each, calls) !== isPlay(draft, calls)), draft];
    this.keep();
    void this.tell();
  }

  async ask(users: string[], text: string): Promise<void> {
    if (this.client) await post(this.client, "/check_requests", { users, text });
  }

  /** Hands over what waits; what is refused will be refused again, and is dropped. */
  async tell(): Promise<void> {
    const { client } = this;
    if (!client || this.telling) return;
    this.telling = true;
    try {
      for (let draft = this.drafts[0]; draft; draft = this.drafts[0]) {
        const said = draft;
        const { ts } = await this.handOver(() => post<{ ts: number }>(client, "/check_ins", said), { ts: 0 });
        if (ts) this.known = learnSafety(this.known, { check_ins: [{ ...said, user_id: this.me, ts }] });
        this.drafts = this.drafts.filter((each) => each !== said);
      }
      for (const [id, answer] of Object.entries(this.answers)) {
        await this.handOver(() => put(client, `/alerts/${id}/ack`, { answer }), {});
        if (this.answers[id] === answer) this.answers = Object.fromEntries(Object.entries(this.answers).filter(([each]) => each !== id));
      }
    } catch {
      // The network is away: once more when there is news of it.
    } finally {
      this.telling = false;
      this.keep();
    }
  }

  private async handOver<T>(ask: () => Promise<T>, refused: T): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      // A full disk empties, and another site knows whom a strange hub does not.
      const { status = 0, errcode } = refusal(error) ?? {};
      const passes = [401, 408, 429].includes(status) || errcode === "M_RESOURCE_LIMIT_EXCEEDED" || isNotAResident(error);
      if (status >= 400 && status < 500 && !passes) return refused;
      throw error;
    }
  }

  private keep(): void {
    // What is on its way when the session ends must not write it all down again.
    if (this.over) return;
    const { alerts, known, answers, drafts, me: userId } = this;
    this.kept = { userId, alerts: toKeep(alerts, KEPT_ALERTS_MAX), known, answers, drafts, aheadMs: this.time.aheadMs };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.kept));
    } catch {
      // A full device shows what it hears all the same.
    }
  }

  /** Everything goes from this device; what the person said and no site has taken may wait for them (`keptOutbox`). */
  forget(keepsDrafts: boolean): void {
    this.over = true;
    if (!keepsDrafts || this.drafts.length === 0) return localStorage.removeItem(KEY);
    localStorage.setItem(KEY, JSON.stringify({ userId: this.me, drafts: this.drafts }));
  }
}

export const warnings = new Warnings();
