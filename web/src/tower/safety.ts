// "I'm safe": what friends said last, and who asks (docs/protocol/tower.md, Check-ins). Pure.

export type Wellbeing = "safe" | "help" | "moving" | "unknown";

export interface CheckIn {
  user_id: string;
  answer: Wellbeing;
  ts: number;
  with?: string[];
  where?: string | [number, number];
  request?: string;
  /** It was said to a question of an exercise, and is play. */
  exercise?: boolean;
}

export interface CheckRequest {
  id: string;
  user_id: string;
  users: string[];
  text: string;
  ts: number;
  room_id?: string;
}

export interface CallContent {
  [name: string]: string | number | string[] | Record<string, { question: string; note?: string }> | undefined;
  sender: string;
  sent: number;
  expires: number;
  status: string;
  areas: string[];
  texts: Record<string, { question: string; note?: string }>;
  incident?: string;
}

export interface SafetyCall {
  id: string;
  content: CallContent;
  signed_by: string[];
}

/** Somebody's open question to the person: the tower's, or a friend's. */
export interface Question {
  id: string;
  from: string;
  text: string;
  note: string;
  exercise: boolean;
  tower: boolean;
  sinceMs: number;
}

// A friend's question of last week is no question any more.
const ASKED_MS_MAX = 48 * 3_600_000;

export interface Known {
  checkIns: CheckIn[];
  requests: CheckRequest[];
  calls: SafetyCall[];
}

/** What is known after news: what each said last, and every question once. */
export function learnSafety(known: Known, news: Partial<{ check_ins: CheckIn[]; requests: CheckRequest[]; calls: SafetyCall[] }>): Known {
  const said = new Map(known.checkIns.map((each) => [each.user_id, each]));
  for (const each of news.check_ins ?? []) if (each.ts >= (said.get(each.user_id)?.ts ?? 0)) said.set(each.user_id, each);
  return { checkIns: [...said.values()], requests: once(known.requests, news.requests), calls: once(known.calls, news.calls) };
}

function once<T extends { id: string }>(known: T[], news: T[] = []): T[] {
  return [...new Map([...known, ...news].map((each) => [each.id, each])).values()].slice(-100);
}

/** Whether it was said in an exercise: the service says so, and a device that has the question knows it by itself. */
export const isPlay = (said: Pick<CheckIn, "request" | "exercise">, calls: SafetyCall[]): boolean =>
  said.exercise === true || calls.some(({ id, content }) => id === said.request && content.status !== "Actual");

/** The latest question that this person has not answered; the tower's before a friend's. While a real one stands, or
 * somebody said that they need help, no exercise asks: only what was said last counts, and play would take its place. */
export function openQuestion(known: Known, me: string, language: string, nowMs: number): Question | null {
  const mine = known.checkIns.find((each) => each.user_id === me);
  const played = mine !== undefined && isPlay(mine, known.calls);
  const isOpen = (id: string, sinceMs: number, real: boolean) => !mine || (mine.request !== id && (mine.ts < sinceMs || (real && played)));
  const standing = known.calls.filter(({ content }) => content.expires > nowMs);
  const isReal = ({ content }: SafetyCall) => content.status === "Actual";
  const inNeed = mine?.answer === "help" && !played && nowMs - mine.ts < ASKED_MS_MAX;
  const asking = inNeed || standing.some(isReal) ? standing.filter(isReal) : standing;
  const calls = asking.filter((each) => isOpen(each.id, each.content.sent, isReal(each)));
  const call = calls.sort((a, b) => b.content.sent - a.content.sent)[0];
  if (call) {
    const texts = call.content.texts[language] ?? call.content.texts["ko"] ?? { question: "" };
    const exercise = call.content.status !== "Actual";
    return { id: call.id, from: call.signed_by.join(", "), text: texts.question, note: texts.note ?? "", exercise, tower: true, sinceMs: call.content.sent };
  }
  const asked = known.requests.filter(
    (each) => each.user_id !== me && each.users.includes(me) && nowMs - each.ts < ASKED_MS_MAX && isOpen(each.id, each.ts, true),
  );
  const last = asked.sort((a, b) => b.ts - a.ts)[0];
  return last ? { id: last.id, from: last.user_id, text: last.text, note: "", exercise: false, tower: false, sinceMs: last.ts } : null;
}
