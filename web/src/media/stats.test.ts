import { expect, test } from "vitest";
import { lineOf, ratesOf, sampleOf, type Rates } from "./stats";

const report = (bytes: number, packets: number, lost: number, frames: number): [string, unknown][] => [
  ["a", { type: "inbound-rtp", mid: "3", bytesReceived: bytes, packetsReceived: packets, packetsLost: lost, framesDecoded: frames, totalAudioEnergy: 0.5 }],
  ["b", { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.042 }],
  ["c", { type: "outbound-rtp", bytesSent: bytes, packetsSent: packets }],
];

test("rates come from two samples", () => {
  const rates = ratesOf(sampleOf(report(0, 0, 0, 0), 0), sampleOf(report(250_000, 90, 10, 50), 2_000));
  expect(rates).toEqual({ kbpsIn: 1000, kbpsOut: 1000, lossIn: 0.1, lossOut: 0, fpsIn: 25, rttMs: 42 });
});

test("each receiving line is counted by its mid", () => {
  expect(sampleOf(report(1, 1, 0, 7), 0).chairs).toEqual({ 3: { frames: 7, energy: 0.5 } });
});

test("counters that begin again do not make negative rates", () => {
  const rates = ratesOf(sampleOf(report(9_000, 900, 90, 90), 0), sampleOf(report(0, 0, 0, 0), 1_000));
  expect([rates.kbpsIn, rates.fpsIn, rates.lossIn]).toEqual([0, 0, 0]);
});

const calm: Rates = { kbpsIn: 500, kbpsOut: 500, lossIn: 0, lossOut: 0, fpsIn: 24, rttMs: 40 };
test.each<[string, RTCPeerConnectionState, boolean, Rates | null, string]>([
  ["before first contact", "connecting", false, null, "connecting"],
  ["just connected", "connected", true, null, "good"],
  ["a calm line", "connected", true, calm, "good"],
  ["some loss", "connected", true, { ...calm, lossIn: 0.05 }, "fair"],
  ["a slow path", "connected", true, { ...calm, rttMs: 700 }, "poor"],
  ["our own packets get lost", "connected", true, { ...calm, lossOut: 0.2 }, "poor"],
  ["a cut line", "disconnected", true, calm, "lost"],
])("%s", (_, state, was, rates, line) => expect(lineOf(state, was, rates)).toBe(line));
