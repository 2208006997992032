import { sortWorklist } from "@/exam/examView";
import type { Exam } from "@/wire/types";

/** What became of a read for this reader. `lost`: somebody else has it; `gone`: it is no longer to be had. */
export type Fate = "open" | "lost" | "gone";
export interface Entry { exam: Exam; fate: Fate; by: string | null }

/** A fresh worklist. What was lost stays until it is dismissed, so that its news can be read. */
export function fromList(exams: readonly Exam[], before: readonly Entry[] = []): Entry[] {
  const told = before.filter((one) => one.fate !== "open" && !exams.some((exam) => exam.id === one.exam.id));
  return [...told, ...sortWorklist(exams).map((exam) => ({ exam, fate: "open" as const, by: null }))];
}

/** Reads that were not there before: worth one sound. */
export const arrived = (before: readonly Entry[], now: readonly Exam[]): boolean =>
  now.some((exam) => !before.some((one) => one.exam.id === exam.id));

/** What became of a claim. The list may have lost the read before its claimant was told: then it comes back with the news. */
export const withFate = (entries: readonly Entry[], exam: Exam, fate: Fate, by: string | null = null): Entry[] =>
  entries.some((one) => one.exam.id === exam.id)
    ? entries.map((one) => (one.exam.id === exam.id ? { ...one, fate, by } : one))
    : [{ exam, fate, by }, ...entries];

export const without = (entries: readonly Entry[], id: string): Entry[] => entries.filter((one) => one.exam.id !== id);

/** What a refused claim means for the read; null: it stays, the reader may act. */
export function fateOf(code: string): Fate | null {
  if (code === "claim_lost") return "lost";
  return ["claim_stale", "version_stale", "wrong_state", "exam_state", "not_found"].includes(code) ? "gone" : null;
}
