/** Times as people in the region read them. Everything happens in one time zone; a doctor abroad still sees clinic time. */
export const ZONE = "Asia/Shanghai";
const DAY_MS = 86_400_000;
const OFFSET_MS = 8 * 3_600_000; // no summer time since 1991

const cache = new Map<string, Intl.DateTimeFormat>();
function formatter(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  let found = cache.get(key);
  if (!found) cache.set(key, (found = new Intl.DateTimeFormat(locale, { timeZone: ZONE, ...options })));
  return found;
}

/** The calendar day of a moment, as the API writes it. */
export function dayOf(at: Date | string): string {
  return new Date(new Date(at).getTime() + OFFSET_MS).toISOString().slice(0, 10);
}

export const addDays = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);

/** A clinic-time day and clock ("2026-11-21", "09:30") as the moment the API wants. */
export const momentOf = (day: string, clock: string): string => new Date(`${day}T${clock}:00+08:00`).toISOString();

export const clockOf = (at: string, locale: string): string =>
  formatter(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at));

/** Today, tomorrow, or the date with its weekday. */
export type DayName = { near: "today" | "tomorrow" | "yesterday" } | { date: string };

export function dayName(day: string, locale: string, now: Date): DayName {
  const today = dayOf(now);
  if (day === today) return { near: "today" };
  if (day === addDays(today, 1)) return { near: "tomorrow" };
  if (day === addDays(today, -1)) return { near: "yesterday" };
  return { date: formatter(locale, { month: "short", day: "numeric", weekday: "short" }).format(new Date(`${day}T12:00:00+08:00`)) };
}

export const stamp = (at: string, locale: string): string =>
  formatter(locale, { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" })
    .format(new Date(at));

/** Whole minutes from `from` to `to`, never negative. */
export const minutesBetween = (from: Date | string, to: Date | string): number =>
  Math.max(0, Math.floor((new Date(to).getTime() - new Date(from).getTime()) / 60_000));

/** 75000 → "1:15". */
export function lengthOf(ms: number): string {
  const total = Math.round(ms / 1_000);
  const [h, m, s] = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60];
  return h ? `${h}:${String(m).padStart(2, "0")}:${String(s).padStart(2, "0")}` : `${m}:${String(s).padStart(2, "0")}`;
}
