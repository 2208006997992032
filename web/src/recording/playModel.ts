import type { Recording, RecordingTrack, SeatRole } from "@/wire/types";

/** What was recorded of one seat. Long recordings come in pieces; they play one after the other. */
export interface SeatTracks { role: SeatRole | "machine"; audio: RecordingTrack[]; video: RecordingTrack[] }

const ORDER = ["doctor", "patient", "township_doctor", "interpreter", "helper", "machine"] as const;

export function bySeat(tracks: readonly RecordingTrack[]): SeatTracks[] {
  return ORDER.flatMap((role) => {
    const of = tracks.filter((track) => (track.seat_role ?? "machine") === role);
    if (of.length === 0) return [];
    return [{ role, audio: of.filter((track) => track.kind === "audio"), video: of.filter((track) => track.kind === "video") }];
  });
}

/** The longest seat decides how long the visit is. */
export function lengthMs(tracks: readonly RecordingTrack[]): number {
  const lines = bySeat(tracks).flatMap((seat) => [seat.audio, seat.video]);
  return Math.max(0, ...lines.map((pieces) => pieces.reduce((sum, one) => sum + one.duration_ms, 0)));
}

/** Which piece plays at a moment of the visit, and where in it. Null after the last. */
export function pieceAt(pieces: readonly RecordingTrack[], atMs: number): { index: number; offsetMs: number } | null {
  let begins = 0;
  for (const [index, piece] of pieces.entries()) {
    if (atMs < begins + piece.duration_ms) return { index, offsetMs: atMs - begins };
    begins += piece.duration_ms;
  }
  return null;
}

/** Asked again by itself only while something is still being made. */
export const unfinished = (recording: Recording): boolean => recording.state === "recording" || recording.state === "processing";
