import type { Operations } from "@/wire/generated/api";
import { clockOf, dayOf } from "@/i18n/format";
import type { Slot } from "@/wire/types";

/** What a patient tells when booking a follow-up. */
export interface Draft {
  complaint: string;
  prior: { text: string; code: string; organisation: string; date: string; evidence: string };
}

export const emptyDraft = (): Draft => ({ complaint: "", prior: { text: "", code: "", organisation: "", date: "", evidence: "" } });

export type Missing = "complaint" | "text" | "organisation" | "date" | "dateFuture" | "evidence";

/** What still has to be told. A follow-up from home needs evidence of an earlier diagnosis; the doctor judges it. */
export function missingIn(draft: Draft, today: string): Missing[] {
  const missing: Missing[] = [];
  if (!draft.complaint.trim()) missing.push("complaint");
  if (!draft.prior.text.trim()) missing.push("text");
  if (!draft.prior.organisation.trim()) missing.push("organisation");
  if (!draft.prior.date) missing.push("date");
  else if (draft.prior.date > today) missing.push("dateFuture");
  if (!draft.prior.evidence.trim()) missing.push("evidence");
  return missing;
}

export function bodyOf(draft: Draft, slotId: string): Operations["appointmentCreate"]["body"] {
  const { text, code, organisation, date, evidence } = draft.prior;
  return {
    slot_id: slotId,
    complaint: draft.complaint.trim(),
    prior_diagnosis: {
      text: text.trim(), organisation: organisation.trim(), date, evidence: evidence.trim(), ...(code.trim() ? { code: code.trim() } : {}),
    },
  };
}

export interface SlotGroup { part: "morning" | "afternoon" | "evening"; slots: Slot[] }

/** Slots of a day as people think of it. Full ones stay visible, so that nobody looks for a time that is gone. */
export function groupSlots(slots: readonly Slot[]): SlotGroup[] {
  const parts: SlotGroup[] = [{ part: "morning", slots: [] }, { part: "afternoon", slots: [] }, { part: "evening", slots: [] }];
  for (const slot of [...slots].sort((a, b) => a.starts_at.localeCompare(b.starts_at))) {
    const hour = Number(clockOf(slot.starts_at, "en").slice(0, 2));
    parts[hour < 12 ? 0 : hour < 18 ? 1 : 2]?.slots.push(slot);
  }
  return parts.filter((group) => group.slots.length > 0);
}

/** Days offered on the page: from today, and the clinic's next free day even when it is further away. */
export function daysToShow(today: string, next: string | null, addDays: (day: string, n: number) => string, count = 5): string[] {
  const days = Array.from({ length: count }, (_, n) => addDays(today, n));
  const free = next ? dayOf(next) : null;
  return free && !days.includes(free) ? [...days, free] : days;
}
