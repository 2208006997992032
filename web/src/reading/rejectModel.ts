/** Why an image cannot be read, as the scheduler knows the reasons. */
export const REJECT_CODES = ["motion", "positioning", "incomplete", "artefact", "wrong_patient", "other"] as const;
export type RejectCode = (typeof REJECT_CODES)[number];
