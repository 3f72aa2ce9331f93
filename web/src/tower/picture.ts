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
}

export interface SitePicture {
  node: string;
  site: string;
  role: string;
  this: boolean;
  linked: boolean;
  linked_since: number | null;
  revoked: boolean;
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
  opened: { sent: number; areas: string[]; content: { kind: string; place: string; stage: string; status: string; room_id?: string } };
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

/** Every place that an alert can be for, as the service and the operator's map know them. */
export function areasOf(picture: Picture, districts: Iterable<string>): string[] {
  const sites = picture.sites.filter(({ revoked }) => !revoked).map(({ site }) => site);
  return [...new Set([...Object.keys(picture.people), ...sites, ...districts])].filter((area) => /^[\p{L}\p{N}_.-]{1,32}$/u.test(area)).sort();
}

/** Areas as they are signed: in the order of their code points, each once. */
export const signedAreas = (areas: string[]): string[] => [...new Set(areas)].sort((a, b) => (a < b ? -1 : Number(a > b)));
