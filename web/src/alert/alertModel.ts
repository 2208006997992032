import type { Alert } from "@/wire/types";

/** What waits for this person, the longest-waiting first. */
export const waiting = (alerts: readonly Alert[]): Alert[] =>
  alerts.filter((one) => !one.acknowledged_at).sort((a, b) => a.raised_at.localeCompare(b.raised_at));

/** A page is worth a sound: an alert nobody knew of, or one paged again. */
export function rings(before: readonly Alert[], now: readonly Alert[]): boolean {
  return waiting(now).some((one) => {
    const known = before.find((old) => old.id === one.id);
    return !known || known.step < one.step;
  });
}
