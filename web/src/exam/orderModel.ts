import type { Operations } from "@/wire/generated/api";
import type { Modality, Urgency } from "@/wire/types";

/** What is asked for most, offered while typing; the words are the language's. */
export const PROCEDURES = {
  CT: ["chestCt", "headCt", "abdomenCt"], ECG: ["restEcg"], DX: ["chestDx", "limbDx"], US: ["abdomenUs", "heartUs"],
} as const satisfies Record<Modality, readonly string[]>;

export interface Draft { modality: Modality; procedure: string; question: string; urgency: Urgency }
export const emptyDraft = (): Draft => ({ modality: "CT", procedure: "", question: "", urgency: "normal" });

export type Gap = "procedure" | "question";

/** A reader without a question reads something else than what was wanted: both are required. */
export function gapsOf(draft: Draft): Gap[] {
  const gaps: Gap[] = [];
  if (!draft.procedure.trim()) gaps.push("procedure");
  if (!draft.question.trim()) gaps.push("question");
  return gaps;
}

export const bodyOf = (draft: Draft, visitId: string): Operations["examCreate"]["body"] => ({
  visit_id: visitId, modality: draft.modality, procedure: draft.procedure.trim(), question: draft.question.trim(), urgency: draft.urgency,
});
