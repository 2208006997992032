import { expect, test } from "vitest";
import type { RecordingTrack } from "@/wire/types";
import { bySeat, lengthMs, pieceAt } from "./playModel";

const track = (id: string, seat_role: RecordingTrack["seat_role"], kind: "audio" | "video", duration_ms = 1_000): RecordingTrack =>
  ({ id, seat_role, kind, codec: "", url: `/${id}`, duration_ms, bytes: 1 });

test("tracks are put under their seat, the doctor first", () => {
  const seats = bySeat([track("p", "patient", "video"), track("d", "doctor", "audio"), track("q", "patient", "audio")]);
  expect(seats.map((seat) => [seat.role, seat.audio.length, seat.video.length])).toEqual([["doctor", 1, 0], ["patient", 1, 1]]);
});
test("the longest seat decides the length", () => {
  expect(lengthMs([track("a", "doctor", "audio", 5_000), track("b", "doctor", "audio", 2_000), track("c", "patient", "audio", 6_000)])).toBe(7_000);
  expect(lengthMs([])).toBe(0);
});
test("pieces follow one another", () => {
  const pieces = [track("a", "doctor", "audio", 1_000), track("b", "doctor", "audio", 500)];
  expect(pieceAt(pieces, 999)).toEqual({ index: 0, offsetMs: 999 });
  expect(pieceAt(pieces, 1_200)).toEqual({ index: 1, offsetMs: 200 });
  expect(pieceAt(pieces, 1_500)).toBeNull();
});
