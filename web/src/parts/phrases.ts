// Small things that are written alike everywhere: sizes of files, and facts in a row with dots between them.
import { getLocale } from "../paraglide/runtime";

const UNITS = ["B", "kB", "MB", "GB"];
const STEP = 1_000;
const SMALL = 100;

/** A number of bytes, with one place after the point below 100: 64.6 kB, 100 kB, 1.2 MB. */
export function size(bytes: number): string {
  let [value, unit] = [bytes, 0];
  // What would be rounded to a thousand is one of the next unit.
  while (Math.round(value) >= STEP && unit < UNITS.length - 1) [value, unit] = [value / STEP, unit + 1];
  const number = new Intl.NumberFormat(getLocale(), { maximumFractionDigits: unit > 0 && value < SMALL ? 1 : 0 });
  return `${number.format(value)} ${UNITS[unit] ?? ""}`;
}

/** Those of the facts that there are; a line never begins with a dot. */
export const dotted = (...facts: string[]): string => facts.filter(Boolean).join("\u00a0· ");
