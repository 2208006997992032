import type { Operations } from "@/wire/generated/api";
import type { Person, Urgency } from "@/wire/types";

/** What the township measures, with the range a living person can have: a slip of the finger is caught here. */
export const VITALS = [
  { name: "temperature", min: 30, max: 45, step: 0.1 },
  { name: "systolic", min: 40, max: 300, step: 1 },
  { name: "diastolic", min: 20, max: 200, step: 1 },
  { name: "pulse", min: 20, max: 250, step: 1 },
  { name: "spo2", min: 50, max: 100, step: 1 },
  { name: "glucose", min: 1, max: 50, step: 0.1 },
] as const;
export type VitalName = (typeof VITALS)[number]["name"];

/** Specialties a township may ask for; the words are the scheduler's. */
export const SPECIALTIES = ["general", "cardiology", "respiratory"] as const;

export interface Draft {
  person: Person | null;
  complaint: string;
  history: string;
  specialty: string;
  urgency: Urgency;
  vitals: Record<VitalName, string>;
}

export const emptyDraft = (): Draft => ({
  person: null, complaint: "", history: "", specialty: "general", urgency: "normal",
  vitals: { temperature: "", systolic: "", diastolic: "", pulse: "", spo2: "", glucose: "" },
});

export type Gap = "person" | "complaint" | VitalName;

/** An unmeasured vital is fine; an impossible one is not. */
export function gapsOf(draft: Draft): Gap[] {
  const gaps: Gap[] = [];
  if (!draft.person) gaps.push("person");
  if (!draft.complaint.trim()) gaps.push("complaint");
  for (const { name, min, max } of VITALS) {
    const given = String(draft.vitals[name]).trim();
    const value = Number(given);
    if (given !== "" && !(value >= min && value <= max)) gaps.push(name);
  }
  return gaps;
}

export function bodyOf(draft: Draft): Operations["orderCreate"]["body"] {
  const vitals: Record<string, number | string> = {};
  for (const { name } of VITALS) {
    const given = String(draft.vitals[name]).trim();
    if (given !== "") vitals[name] = Number(given);
  }
  if (draft.history.trim()) vitals["history"] = draft.history.trim();
  return {
    person_id: draft.person?.id ?? "", complaint: draft.complaint.trim(), specialty: draft.specialty, urgency: draft.urgency,
    ...(Object.keys(vitals).length ? { vitals } : {}),
  };
}

/** Age in whole years on a day, from the registered birth date; claimed ages are not used. */
export function ageOn(birth: string | null, today: string): number | null {
  if (!birth) return null;
  const years = Number(today.slice(0, 4)) - Number(birth.slice(0, 4));
  return today.slice(5) < birth.slice(5) ? years - 1 : years;
}
