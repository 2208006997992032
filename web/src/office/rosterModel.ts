import { momentOf } from "@/i18n/format";
import type { Operations } from "@/wire/generated/api";
import type { Roster } from "@/wire/types";

/** A session as the office types it: clinic-time clock words. */
export interface Draft {
  clinic: string;
  doctor: string;
  day: string;
  from: string;
  to: string;
  minutes: number;
  capacity: number;
  firstVisits: boolean;
  followUps: boolean;
}

export const emptyDraft = (day: string): Draft =>
  ({ clinic: "", doctor: "", day, from: "09:00", to: "12:00", minutes: 15, capacity: 1, firstVisits: true, followUps: true });

export type Gap = "clinic" | "doctor" | "from" | "span" | "minutes" | "capacity" | "kinds";

const CLOCK = /^([01]\d|2[0-3]):[0-5]\d$/;
const minuteOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));
const LONGEST_MIN = 12 * 60;

/** Minutes of the session; one that ends "earlier" than it begins runs over midnight. */
export function spanMin(draft: Pick<Draft, "from" | "to">): number {
  if (!CLOCK.test(draft.from) || !CLOCK.test(draft.to)) return 0;
  const span = minuteOf(draft.to) - minuteOf(draft.from);
  return span > 0 ? span : span + 24 * 60;
}

export function gapsOf(draft: Draft): Gap[] {
  const gaps: Gap[] = [];
  if (!draft.clinic) gaps.push("clinic");
  if (!draft.doctor) gaps.push("doctor");
  if (!CLOCK.test(draft.from)) gaps.push("from");
  const span = spanMin(draft);
  if (span === 0 || span > LONGEST_MIN || span < draft.minutes) gaps.push("span");
  if (!(draft.minutes >= 5 && draft.minutes <= 240)) gaps.push("minutes");
  if (!(draft.capacity >= 1 && draft.capacity <= 100)) gaps.push("capacity");
  if (!draft.firstVisits && !draft.followUps) gaps.push("kinds");
  return gaps;
}

/** How many slots the session will open; shown before it is made. */
export const slotsOf = (draft: Draft): number => (draft.minutes >= 5 ? Math.floor(spanMin(draft) / draft.minutes) : 0);

export function bodyOf(draft: Draft): Operations["rosterCreate"]["body"] {
  const starts_at = momentOf(draft.day, draft.from);
  const ends_at = new Date(Date.parse(starts_at) + slotsOf(draft) * draft.minutes * 60_000).toISOString();
  const kinds = [...(draft.followUps ? ["follow_up" as const] : []), ...(draft.firstVisits ? ["first_visit" as const] : [])];
  return {
    clinic_id: draft.clinic, staff_id: draft.doctor, starts_at, ends_at,
    slot_minutes: draft.minutes, capacity_per_slot: draft.capacity, kinds,
  };
}

export const slotCount = (roster: Roster): number => (typeof roster.slots === "number" ? roster.slots : roster.slots.length);
export const canPublish = (roster: Roster): boolean => roster.state === "draft";
export const canCancel = (roster: Roster): boolean => roster.state !== "cancelled" && roster.state !== "closed";
