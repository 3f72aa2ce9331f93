// What the tower is shown of the service (docs/protocol/tower.md, The picture; Incidents), and what it can do. Pure.
import type { Alert } from "./alert";
import type { CheckIn, SafetyCall } from "./safety";

export interface Battery {
  percent: number;
  on_mains: boolean;
  hours_left: number | null;
}

export interface Problem {
  name: string;
  serious: boolean;
  since_ms: number;
  ko: string;
  en: string;
}

export interface SiteStatus {
  at: number;
  people: number;
  behind: number;
  free_mib: number;
  certificate_days: number | null;
  battery: Battery | null;
  problems: Problem[];
  figures?: Figures;
}

/** Since the node's start. */
export interface Figures {
  release: string;
  resident_mib: number;
  records: number;
  requests: number;
  failed: number;
  push_waiting: number;
  media_lacking: number;
}

export interface SitePicture {
  node: string;
  site: string;
  role: string;
  this: boolean;
  linked: boolean;
  linked_since: number | null;
  revoked: boolean;
  /** How the radio link with it stands; null: no modem leads there. */
  radio?: { in_use: boolean; reached: boolean; bits_per_second: number; bytes_per_minute: number; waiting_bytes: number; text_s: number } | null;
  /** [latitude, longitude], as the tower or the site itself says. */
  place?: [number, number] | null;
  status: SiteStatus | null;
}

/** Counts by answer of one area. */
export type Counts = Record<string, number>;

export interface Missing {
  id: string;
  name: string;
  where: string;
  text: string;
  since: number;
  found: boolean;
}

export interface Incident {
  id: string;
  opened: { sent: number; areas: string[]; content: { kind: string; place: string; stage: string; status: string; room_id?: string; at?: [number, number] } };
  stage: Stage;
  commander: string;
  commander_name: string;
  closed: boolean;
  heads: string[];
  acts: number;
  missing: Missing[];
  conflicts: { about: string; acts: string[] }[];
}

export interface Act {
  id: string;
  content: { sender: string; sent: number; act: string; content: Record<string, unknown>; after?: string[] };
}

export interface IncidentExport {
  acts: Act[];
  state: Incident;
  names: Record<string, string>;
}

export interface DrillReport {
  plan: string;
  where: "lab" | "site";
  site: string;
  started: number;
  ended: number | null;
  figures: Record<string, number | null>;
}

export interface Drill {
  id: string;
  incident: string;
  plan: string;
  where: "lab" | "site";
  site: string;
  minutes: number;
  by: string;
  by_name: string;
  sent: number;
  agreed: string[];
  state: "waiting" | "ready" | "over";
  report: DrillReport | null;
}

/** A part of the service, what stops without it, and how its removal was survived in drills. */
export interface Component {
  name: string;
  ko: string;
  en: string;
  without_ko: string;
  without_en: string;
  at: string[];
  plans: string[];
  removed: DrillReport[];
}

export interface Picture {
  as_of: number;
  version: string;
  sites: SitePicture[];
  incidents: Incident[];
  alerts: (Alert & { areas: Record<string, Counts> })[];
  foreign_alerts: Alert[];
  calls: (SafetyCall & { areas: Record<string, Counts> })[];
  help: CheckIn[];
  people: Record<string, number>;
  staff_room?: string | null;
  drills?: Drill[];
  inventory?: Component[];
  feeds: { id: string; name: string; pinned: boolean; worked: number | null; problem: string | null }[];
}

export interface TowerKey {
  id: string;
  name: string;
  role: "commander" | "deputy" | "agency";
  areas: string[];
  two_person: boolean;
  users: string[];
  expires: number;
  ended: number | null;
  mine: boolean;
}

export const STAGES = ["attention", "caution", "alert", "serious"] as const;
export type Stage = (typeof STAGES)[number];

/**
 * What is as it was before stays the very same object, so that nothing of it is drawn again; lists go by names. `now` is taken
 * over and changed: on a slow phone a copy of ten thousand sums would be felt.
 */
export function shared<T>(before: unknown, now: T): T {
  if (before === null || now === null || typeof before !== "object" || typeof now !== "object") return now;
  if (Array.isArray(now)) return (Array.isArray(before) ? sharedList(before, now) : now) as T;
  const [old, fields] = [before as Record<string, unknown>, now as Record<string, unknown>];
  let same = true;
  let count = 0;
  for (const name in fields) {
    count++;
    fields[name] = shared(old[name], fields[name]);
    if (fields[name] !== old[name]) same = false;
  }
  return (same && count === Object.keys(old).length ? before : now) as T;
}

function sharedList(before: unknown[], now: unknown[]): unknown[] {
  let same = before.length === now.length;
  let known: Map<unknown, unknown> | null = null;
  for (const [index, each] of now.entries()) {
    const name = nameIn(each, index);
    let old = before[index];
    if (nameIn(old, index) !== name) {
      known ??= new Map(before.map((one, at) => [nameIn(one, at), one]));
      old = known.get(name);
    }
    now[index] = shared(old, each);
    if (now[index] !== before[index]) same = false;
  }
  return same ? before : now;
}

function nameIn(each: unknown, index: number): unknown {
  if (typeof each !== "object" || each === null) return index;
  const { id, node, user_id: user } = each as { id?: unknown; node?: unknown; user_id?: unknown };
  return id ?? node ?? user ?? index;
}

/** All areas together. */
export function sum(areas: Record<string, Counts>): Counts {
  const found: Counts = {};
  for (const counts of Object.values(areas)) for (const [answer, count] of Object.entries(counts)) found[answer] = (found[answer] ?? 0) + count;
  return found;
}

/** Sites in the order in which somebody has to look at them: cut off, with problems, the rest by name. */
export function inOrder(sites: SitePicture[]): SitePicture[] {
  const rank = ({ revoked, linked, status }: SitePicture) => (revoked ? 3 : !linked ? 0 : status?.problems.some(({ serious }) => serious) ? 1 : 2);
  return sites.toSorted((a, b) => rank(a) - rank(b) || a.site.localeCompare(b.site));
}

export interface FindingOfNode {
  node: string;
  site: string;
  at: number;
  problem: Problem;
}

/** What is wrong anywhere, the serious first, then what is so for longest. */
export function findings(sites: SitePicture[]): FindingOfNode[] {
  const found = sites.flatMap(({ node, site, revoked, status }) => (revoked || !status ? [] : status.problems.map((problem) => ({ node, site, at: status.at, problem }))));
  return found.sort((a, b) => Number(b.problem.serious) - Number(a.problem.serious) || a.problem.since_ms - b.problem.since_ms);
}

/** Every place that an alert can be for, as the service and the operator's map know them. */
export function areasOf(picture: Picture, districts: Iterable<string>): string[] {
  const sites = picture.sites.filter(({ revoked }) => !revoked).map(({ site }) => site);
  return [...new Set([...Object.keys(picture.people), ...sites, ...districts])].filter((area) => /^[\p{L}\p{N}_.-]{1,32}$/u.test(area)).sort();
}

/** Areas as they are signed: in the order of their code points, each once. */
export const signedAreas = (areas: string[]): string[] => [...new Set(areas)].sort((a, b) => (a < b ? -1 : Number(a > b)));
