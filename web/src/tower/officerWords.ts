// The closed words that officers alone read, in the person's language.
import { m } from "../paraglide/messages";
import type { Drill, DrillReport } from "./picture";
import { pick, WELLBEINGS } from "./words";

const STAGE_WORDS = { attention: m.stage_attention, caution: m.stage_caution, alert: m.stage_alert, serious: m.stage_serious };
export const stageWord = (stage: string): string => pick(STAGE_WORDS, stage);

const ROLES = { commander: m.role_commander, deputy: m.role_deputy, agency: m.role_agency };
export const roleWord = (role: string): string => pick(ROLES, role);

const ACTS = {
  open: m.act_open,
  stage: m.act_stage,
  order: m.act_order,
  report: m.act_report,
  request: m.act_request,
  confirmation: m.act_confirmation,
  handover: m.act_handover,
  alert: m.act_alert,
  drill: m.act_drill,
  close: m.act_close,
};
export const actWord = (act: string): string => pick(ACTS, act);

const STATES = {
  standing: m.alert_standing,
  pending: m.alert_pending,
  replaced: m.alert_replaced,
  cancelled: m.alert_cancelled,
  note: m.alert_note,
  foreign: m.alert_foreign,
  refused: m.alert_refused,
};
export const stateWord = (state: string): string => pick(STATES, state);

const CATEGORIES = {
  Geo: m.category_geo,
  Met: m.category_met,
  Safety: m.category_safety,
  Security: m.category_security,
  Rescue: m.category_rescue,
  Fire: m.category_fire,
  Health: m.category_health,
  Env: m.category_env,
  Transport: m.category_transport,
  Infra: m.category_infra,
  CBRNE: m.category_cbrne,
  Other: m.category_other,
};
export const categoryWord = (category: string): string => pick(CATEGORIES, category);

const STATUSES = { Actual: m.status_actual, Exercise: m.status_exercise, Test: m.status_test };
export const statusWord = (status: string): string => pick(STATUSES, status);

const ANSWERS = { people: m.count_people, seen: m.alert_seen, confirmed: m.alert_confirmed, cannot: m.alert_cannot_said, silent: m.count_silent };
/** The word of a count, of an alert's answers and of check-ins alike. */
export const countWord = (answer: string): string => pick({ ...ANSWERS, ...WELLBEINGS }, answer);

/** How far a drill has got. */
export function drillState({ state, report }: Drill): string {
  if (report?.figures["alone"] || report?.figures["no_fabric"]) return m.drill_over();
  if (report) return report.ended === null ? m.drill_runs() : report.figures["interrupted"] ? m.drill_interrupted() : report.figures["broken"] ? m.drill_broken() : m.drill_done();
  return { waiting: m.drill_waiting, ready: m.drill_ready, over: m.drill_over }[state]();
}

const PLANS: Record<string, () => string> = {
  cut: m.drill_plan_cut,
  fabric: m.drill_plan_fabric,
  restart: m.drill_plan_restart,
  calm: m.drill_plan_calm,
  inventory: m.drill_plan_inventory,
  "site-kill": m.drill_plan_site_kill,
  "site-disk-destroyed": m.drill_plan_site_disk_destroyed,
  "site-returns": m.drill_plan_site_returns,
  "partition-minority": m.drill_plan_partition_minority,
  "fabric-wiped": m.drill_plan_fabric_wiped,
  "hub-cut": m.drill_plan_hub_cut,
  "courier-only": m.drill_plan_courier_only,
};

/** What a drill takes away, in words; the name of one that only the command line has. */
export const drillName = (plan: string): string => PLANS[plan]?.() ?? plan;

const FIGURES: Record<string, (count: string) => string> = {
  acknowledged: (count) => m.drill_acknowledged({ count }),
  lost: (count) => m.drill_lost({ count }),
  struck_p95_s: (count) => m.drill_struck({ count }),
  away_s: (count) => m.drill_away({ count }),
  alone: () => m.drill_alone(),
  no_fabric: () => m.drill_no_fabric(),
  linked_after_s: (count) => m.drill_linked({ count }),
  level_after_s: (count) => m.drill_level({ count }),
};

/** What was measured, in words. */
export const figuresOf = ({ figures }: DrillReport): string =>
  Object.entries(FIGURES)
    .flatMap(([name, say]) => (typeof figures[name] === "number" ? [say(String(Math.round(figures[name] * 100) / 100))] : []))
    .join(", ");
