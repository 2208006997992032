import type { Consent, ConsentKind, ConsentText } from "@/wire/types";

/** One consent at a time, in an order in which each makes sense after the one before. */
const ORDER: readonly ConsentKind[] = ["service", "sensitive_data", "record_sharing", "recording"];

export interface ConsentsView {
  /** The text to read now; null when all are answered. */
  open: ConsentText | null;
  /** Required, and refused: the visit cannot be by video. */
  refused: ConsentText[];
  answered: number;
  total: number;
}

/** The last answer for each kind counts, and only when it was given to the text in force. */
function answerTo(text: ConsentText, given: readonly Consent[]): Consent | undefined {
  return [...given].sort((a, b) => a.at.localeCompare(b.at)).filter((one) => one.kind === text.kind && one.version === text.version).pop();
}

export function consentsView(texts: readonly ConsentText[], given: readonly Consent[]): ConsentsView {
  const sorted = [...texts].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  const open = sorted.find((text) => answerTo(text, given) === undefined) ?? null;
  const refused = sorted.filter((text) => text.required && answerTo(text, given)?.granted === false);
  return { open, refused, answered: sorted.filter((text) => answerTo(text, given)).length, total: sorted.length };
}

/** Something is still to be read or changed before the visit can go on. */
export const consentsPending = (view: ConsentsView): boolean => view.open !== null || view.refused.length > 0;
