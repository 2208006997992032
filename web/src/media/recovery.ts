/** What to do about a peer connection that stopped working, decided without one.
 *
 *   none     connected, or too early to worry, or the question cannot be carried (no socket)
 *   restart  ICE restart: same seat, same keys, a new path
 *   rebuild  a new peer connection: the other end is new, or restarts did not help */
export type Step = "none" | "restart" | "rebuild";

export interface Health {
  state: RTCPeerConnectionState;
  socketOpen: boolean;
  /** An offer is on its way. */
  negotiating: boolean;
  /** Since the connection was last good, or since it was made. */
  downMs: number;
  /** Since the last step; Infinity when there was none in this outage. */
  sinceStepMs: number;
  restarts: number;
}

/** Consent checks fail after a few lost packets; most gaps heal by themselves within this. */
const PATIENCE_MS = 2_500;
/** A restart that has not connected by now did not help. */
const STEP_MS = 6_000;
const RESTARTS_BEFORE_REBUILD = 2;

export function nextStep(health: Health): Step {
  if (health.state === "connected" || health.negotiating || !health.socketOpen) return "none";
  if (health.state === "closed") return "rebuild";
  if (health.state !== "failed" && health.downMs < PATIENCE_MS) return "none";
  // First contact is not an outage: ICE and DTLS may take a while on a slow line.
  if (health.restarts === 0 && health.state === "connecting" && health.downMs < STEP_MS) return "none";
  if (health.sinceStepMs < STEP_MS) return "none";
  return health.restarts >= RESTARTS_BEFORE_REBUILD ? "rebuild" : "restart";
}

/** The DTLS fingerprints of a description. When they differ from before, the far end is a new one and a browser cannot
 * carry its keys over: only a new peer connection helps. */
export function fingerprints(sdp: string): string {
  const found = sdp.match(/^a=fingerprint:\S+ \S+/gm) ?? [];
  return [...new Set(found.map((line) => line.toLowerCase()))].sort().join("\n");
}
