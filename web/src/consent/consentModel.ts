import type { Channel, Consent, ConsentKind, ConsentText } from "@/wire/types";

/** One consent at a time, in an order in which each makes sense after the one before. */
const ORDER: readonly ConsentKind[] = ["service", "sensitive_data", "record_sharing", "recording"];

/** A text as it stands for one visit. */
export type Asked = ConsentText & { must: boolean };

export interface ConsentsView {
  /** The text to read now; null when all are answered. */
  open: Asked | null;
  /** Required, and refused: the visit cannot be by video. */
  refused: Asked[];
  answered: number;
  total: number;
}

/** The last answer for each kind counts, and only when it was given to the text in force. */
function answerTo(text: ConsentText, given: readonly Consent[]): Consent | undefined {
  return [...given].sort((a, b) => a.at.localeCompare(b.at)).filter((one) => one.kind === text.kind && one.version === text.version).pop();
}

/** What is asked in this channel: whatever it needs, and recording, which is a free choice where it is not needed. */
function askedIn(channel: Channel, texts: readonly ConsentText[]): Asked[] {
  return texts.map((text) => ({ ...text, must: text.required_for.includes(channel) })).filter((text) => text.must || text.kind === "recording");
}

export function consentsView(channel: Channel, texts: readonly ConsentText[], given: readonly Consent[]): ConsentsView {
  const sorted = askedIn(channel, texts).sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  const open = sorted.find((text) => answerTo(text, given) === undefined) ?? null;
  const refused = sorted.filter((text) => text.must && answerTo(text, given)?.granted === false);
  return { open, refused, answered: sorted.filter((text) => answerTo(text, given)).length, total: sorted.length };
}

/** Something is still to be read or changed before the visit can go on. */
export const consentsPending = (view: ConsentsView): boolean => view.open !== null || view.refused.length > 0;
