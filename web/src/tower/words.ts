// The closed words of alerts and incidents in the person's language.
import { m } from "../paraglide/messages";
import type { Wellbeing } from "./safety";

export const pick = (table: Record<string, () => string>, word: string): string => table[word]?.() ?? word;

const SEVERITIES = { Extreme: m.severity_extreme, Severe: m.severity_severe, Moderate: m.severity_moderate, Minor: m.severity_minor, Unknown: m.severity_unknown };
export const severityWord = (severity: string): string => pick(SEVERITIES, severity);

export const WELLBEINGS: Record<Wellbeing, () => string> = { safe: m.said_safe, help: m.said_help, moving: m.said_moving, unknown: m.said_unknown };
export const wellbeingWord = (answer: Wellbeing): string => pick(WELLBEINGS, answer);
