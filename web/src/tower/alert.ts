// Alerts as the service gives them, and which of them a person has to be shown (docs/protocol/tower.md, Alerts). Pure.

/** CAP's words, in the order in which the brief counts them. */
export const CODED = {
  status: ["Actual", "Exercise", "Test"],
  msg_type: ["Alert", "Update", "Cancel", "Ack", "Error"],
  category: ["Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"],
  urgency: ["Immediate", "Expected", "Future", "Past", "Unknown"],
  severity: ["Extreme", "Severe", "Moderate", "Minor", "Unknown"],
  certainty: ["Observed", "Likely", "Possible", "Unlikely", "Unknown"],
};

// A type and no interface, so that it is JSON to the compiler, too.
export type AlertTexts = { headline: string; description?: string; instruction?: string };

export type AlertContent = {
  sender: string;
  sent: number;
  expires: number;
  status: string;
  msg_type: string;
  scope: string;
  category: string;
  urgency: string;
  severity: string;
  certainty: string;
  event: string;
  areas: string[];
  texts: { ko: AlertTexts; en?: AlertTexts };
  references?: string[];
  incident?: string;
};

export type State = "standing" | "pending" | "replaced" | "cancelled" | "note" | "refused" | "foreign";
export type Answer = "seen" | "confirmed" | "cannot";

export interface Alert {
  id: string;
  state: State;
  content: Omit<AlertContent, "texts" | "references"> & {
    texts: Record<string, AlertTexts>;
    references?: string[] | string;
    sender_name?: string;
  };
  signed_by: string[];
  brief: boolean;
  /** What the reader of it has answered. */
  answer?: Answer | null;
  source?: { feed: string; proved: boolean };
}

export interface AlertNews {
  /** The service's time, where it was asked for all of them. */
  now?: number;
  alerts: (Alert | { id: string; state: "refused" })[];
}

const KEPT_MAX = 100;
// Of others' alerts only those that cannot wait cover the screen; a weather service has many a day.
const URGENT = new Set(["Extreme", "Severe"]);

/** The list after news: each anew by its id, a whole alert in the place of its brief, the latest first. */
export function learn(known: Alert[], news: AlertNews["alerts"]): Alert[] {
  const byId = new Map(known.map((alert) => [alert.id, alert]));
  for (const each of news) {
    if (!("content" in each)) {
      byId.delete(each.id);
      continue;
    }
    // The brief was answered, and nobody is asked twice for one alert.
    const brief = byId.get(each.id.slice(0, 16));
    byId.delete(each.id.slice(0, 16));
    byId.set(each.id, { ...each, answer: each.answer ?? byId.get(each.id)?.answer ?? brief?.answer ?? null });
  }
  return toKeep([...byId.values()], KEPT_MAX);
}

/** The latest of them: those of the service before others' notices, of which there may be any number. */
export function toKeep(alerts: Alert[], most: number): Alert[] {
  const latest = (a: Alert, b: Alert) => b.content.sent - a.content.sent;
  const ours = (alert: Alert) => Number(alert.state === "foreign");
  return alerts.toSorted((a, b) => ours(a) - ours(b) || latest(a, b)).slice(0, most).sort(latest);
}

/** Whether it speaks of now. */
export function stands({ state, content }: Alert, nowMs: number): boolean {
  return (state === "standing" || state === "foreign") && content.expires > nowMs && ["Alert", "Update", "Cancel"].includes(content.msg_type);
}

/** The one that covers the screen: standing, and not answered by this person; the gravest real one first. */
export function toShow(alerts: Alert[], nowMs: number): Alert | null {
  const open = alerts.filter(
    (alert) =>
      stands(alert, nowMs) && (alert.answer ?? "seen") === "seen" && (alert.state !== "foreign" || URGENT.has(alert.content.severity)),
  );
  return gravestFirst(open)[0] ?? null;
}

/** Real ones before exercises, then by how grave they are, then the latest. */
export const gravestFirst = (alerts: Alert[]): Alert[] =>
  alerts.toSorted((a, b) => weight(a) - weight(b) || b.content.sent - a.content.sent);

function weight({ content }: Alert): number {
  const severity = CODED.severity.indexOf(content.severity);
  return CODED.status.indexOf(content.status) * 10 + (severity < 0 ? 5 : severity);
}

/** Its words in the reader's language, else in what there is. */
export function wordsOf({ content }: Alert, language: string): AlertTexts {
  const { texts } = content;
  const matching = Object.keys(texts).find((each) => each.toLowerCase().startsWith(language));
  return texts[matching ?? "ko"] ?? Object.values(texts)[0] ?? { headline: content.event };
}
