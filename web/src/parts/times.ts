// Times and dates as people write them in the language chosen.
import { m } from "../paraglide/messages";
import { getLocale } from "../paraglide/runtime";

// Making one costs more than drawing a line of a chat, using it next to nothing.
const made = new Map<Intl.DateTimeFormatOptions, Intl.DateTimeFormat>();

function format(timeMs: number, options: Intl.DateTimeFormatOptions): string {
  let formatter = made.get(options);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat(getLocale(), options);
    made.set(options, formatter);
  }
  return formatter.format(timeMs);
}

const CLOCK = { hour: "numeric", minute: "2-digit" } as const;
const FULL_DAY = { year: "numeric", month: "long", day: "numeric", weekday: "long" } as const;
const SHORT_DAY = { month: "short", day: "numeric" } as const;

const dayNumber = (timeMs: number): number => {
  const date = new Date(timeMs);
  return Math.round(new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime() / 86_400_000);
};

export const clock = (timeMs: number): string => format(timeMs, CLOCK);

/** Day and time, short; the time alone when it is today. */
export const day = (timeMs: number): string => (dayNumber(timeMs) === dayNumber(Date.now()) ? clock(timeMs) : format(timeMs, { ...SHORT_DAY, ...CLOCK }));

export const fullDay = (timeMs: number): string => format(timeMs, FULL_DAY);

/** Short, for a list: the time today, then the day. */
export function short(timeMs: number): string {
  if (!timeMs || timeMs < 0) return "";
  const ago = dayNumber(Date.now()) - dayNumber(timeMs);
  if (ago <= 0) return clock(timeMs);
  if (ago === 1) return m.yesterday();
  return format(timeMs, SHORT_DAY);
}
