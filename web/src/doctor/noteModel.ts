import type { Note, Order } from "@/wire/types";

/** The note as it stands in the form. */
export interface Draft { code: string; diagnosis: string; text: string; advice: string }

export const draftOf = (note: Note | null): Draft =>
  ({ code: note?.diagnosis.code ?? "", diagnosis: note?.diagnosis.text ?? "", text: note?.text ?? "", advice: note?.advice ?? "" });

const same = (a: Draft, b: Draft): boolean => a.code === b.code && a.diagnosis === b.diagnosis && a.text === b.text && a.advice === b.advice;

/** blank: nothing written. dirty: not saved. saved: version kept. signed: closed for good. */
export type NoteState = "blank" | "dirty" | "saved" | "signed";

export function noteState(draft: Draft, saved: Note | null): NoteState {
  if (saved?.signed) return "signed";
  if (!same(draft, draftOf(saved))) return "dirty";
  return saved ? "saved" : "blank";
}

export type Gap = "diagnosis" | "text";

/** What a note needs before it can carry a signature. */
export function gapsOf(draft: Draft): Gap[] {
  const gaps: Gap[] = [];
  if (!draft.diagnosis.trim()) gaps.push("diagnosis");
  if (!draft.text.trim()) gaps.push("text");
  return gaps;
}

export const bodyOf = (draft: Draft, version: number) => ({
  version, diagnosis: { code: draft.code.trim(), text: draft.diagnosis.trim() }, text: draft.text.trim(), advice: draft.advice.trim(),
});

/** The note the order will hold once this draft is saved as `version`. */
export const savedAs = (draft: Draft, version: number): Note =>
  ({ version, diagnosis: { code: draft.code, text: draft.diagnosis }, text: draft.text, advice: draft.advice, signed: false });

/** The note of a fresh order, unless what we saved ourselves is newer. */
export const newerNote = (mine: Note | null, order: Order): Note | null =>
  mine && mine.version > (order.note?.version ?? 0) ? mine : order.note;
