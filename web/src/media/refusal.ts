/** Why a camera or microphone is not there, as words the screens translate.
 *
 *   insecure     the page came over plain HTTP from another machine: browsers offer no devices there
 *   denied       the user or the machine's settings said no
 *   none         no such device, or none that can do what was asked
 *   busy         another program holds it, or the driver failed
 *   unsupported  a browser without these functions at all
 *   failed       anything else */
export type Refusal = "insecure" | "denied" | "none" | "busy" | "unsupported" | "failed";

const BY_NAME: Record<string, Refusal> = {
  NotAllowedError: "denied", PermissionDeniedError: "denied", SecurityError: "denied",
  NotFoundError: "none", DevicesNotFoundError: "none", OverconstrainedError: "none", ConstraintNotSatisfiedError: "none",
  NotReadableError: "busy", TrackStartError: "busy", AbortError: "busy",
};

export function refusalOf(error: unknown): Refusal {
  const name = typeof error === "object" && error !== null && "name" in error ? String(error.name) : "";
  return BY_NAME[name] ?? "failed";
}

/** What is already known before asking. Null: ask. */
export function refusalBefore(secure: boolean, hasDevices: boolean): Refusal | null {
  if (!secure) return "insecure";
  return hasDevices ? null : "unsupported";
}
