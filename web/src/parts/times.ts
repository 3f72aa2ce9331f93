// Times and dates as people write them in the language chosen.
import { m } from "../paraglide/messages";
import { getLocale } from "../paraglide/runtime";

const format = (timeMs: number, options: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat(getLocale(), options).format(timeMs);

const dayNumber = (timeMs: number): number => {
  const date = new Date(timeMs);
  return Math.round(new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime() / 86_400_000);
};

export const clock = (timeMs: number): string => format(timeMs, { hour: "numeric", minute: "2-digit" });

export const fullDay = (timeMs: number): string =>
  format(timeMs, { year: "numeric", month: "long", day: "numeric", weekday: "long" });

/** Short, for a list: the time today, then the day. */
export function short(timeMs: number): string {
  if (!timeMs || timeMs < 0) return "";
  const ago = dayNumber(Date.now()) - dayNumber(timeMs);
  if (ago <= 0) return clock(timeMs);
  if (ago === 1) return m.yesterday();
  return format(timeMs, { month: "short", day: "numeric" });
}
