/** Numbers of a call, and the words made from them. */

/** Counters of one moment, summed from getStats(). Times in ms of the stats clock. */
export interface Sample {
  atMs: number;
  bytesIn: number; bytesOut: number;
  packetsIn: number; lostIn: number;
  packetsOut: number; lostOut: number;
  framesIn: number; framesOut: number;
  rttMs: number | null;
  /** Decoded frames and audio energy of each receiving m-line, by mid. */
  chairs: Record<string, { frames: number; energy: number }>;
}

export interface Rates {
  kbpsIn: number; kbpsOut: number;
  lossIn: number; lossOut: number;
  fpsIn: number;
  rttMs: number | null;
}

type Row = Record<string, unknown> & { type: string };
const num = (row: Row, name: string): number => (typeof row[name] === "number" ? row[name] : 0);

export function sampleOf(report: Iterable<[string, unknown]>, atMs: number): Sample {
  const sample: Sample = {
    atMs, bytesIn: 0, bytesOut: 0, packetsIn: 0, lostIn: 0, packetsOut: 0, lostOut: 0, framesIn: 0, framesOut: 0, rttMs: null, chairs: {},
  };
  for (const [, value] of report) {
    const row = value as Row;
    if (row.type === "inbound-rtp") {
      sample.bytesIn += num(row, "bytesReceived");
      sample.packetsIn += num(row, "packetsReceived");
      sample.lostIn += num(row, "packetsLost");
      sample.framesIn += num(row, "framesDecoded");
      const mid = typeof row["mid"] === "string" ? row["mid"] : "";
      if (mid) sample.chairs[mid] = { frames: num(row, "framesDecoded"), energy: num(row, "totalAudioEnergy") };
    } else if (row.type === "outbound-rtp") {
      sample.bytesOut += num(row, "bytesSent");
      sample.packetsOut += num(row, "packetsSent");
      sample.framesOut += num(row, "framesEncoded");
    } else if (row.type === "remote-inbound-rtp") {
      sample.lostOut += num(row, "packetsLost");
    } else if (row.type === "candidate-pair" && row["nominated"] === true && typeof row["currentRoundTripTime"] === "number") {
      sample.rttMs = Math.round(row["currentRoundTripTime"] * 1_000);
    }
  }
  return sample;
}

const share = (lost: number, got: number): number => (lost <= 0 ? 0 : lost / (lost + Math.max(0, got)));

export function ratesOf(before: Sample, now: Sample): Rates {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1_000);
  const kbps = (bytes: number) => Math.max(0, Math.round((bytes * 8) / 1_000 / seconds));
  return {
    kbpsIn: kbps(now.bytesIn - before.bytesIn),
    kbpsOut: kbps(now.bytesOut - before.bytesOut),
    lossIn: share(now.lostIn - before.lostIn, now.packetsIn - before.packetsIn),
    lossOut: share(now.lostOut - before.lostOut, now.packetsOut - before.packetsOut),
    fpsIn: Math.max(0, Math.round((now.framesIn - before.framesIn) / seconds)),
    rttMs: now.rttMs,
  };
}

/** How the line is, in one word. `back`: connected again, not yet measured. */
export type Line = "connecting" | "good" | "fair" | "poor" | "lost";

/** The word a person can act on. Limits: voice stays clear below 3 % loss and 300 ms; above 10 % or 600 ms it does not. */
export function lineOf(state: RTCPeerConnectionState, wasConnected: boolean, rates: Rates | null): Line {
  if (state !== "connected") return wasConnected ? "lost" : "connecting";
  if (!rates) return "good";
  const loss = Math.max(rates.lossIn, rates.lossOut);
  const rtt = rates.rttMs ?? 0;
  if (loss > 0.1 || rtt > 600) return "poor";
  return loss > 0.03 || rtt > 300 ? "fair" : "good";
}
