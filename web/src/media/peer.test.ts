import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Peer } from "./peer";

/** As much of a peer connection as Peer touches. */
class FakePc {
  connectionState: RTCPeerConnectionState = "new";
  signalingState = "stable";
  localDescription: { sdp: string } | null = null;
  onconnectionstatechange: (() => void) | null = null;
  lines: { mid: string | null; direction: string; kind: string; receiver: { track: object }; sender: { replaceTrack: (t: unknown) => Promise<void> } }[] = [];
  iceRestarts = 0;
  remote = 0;
  replaced: unknown[] = [];
  addTransceiver(kind: string | { kind: string }, init: { direction: string }) {
    const one = {
      mid: null, direction: init.direction, kind: typeof kind === "string" ? kind : kind.kind, receiver: { track: {} },
      sender: { replaceTrack: (t: unknown) => { this.replaced.push(t); return Promise.resolve(); } },
    };
    this.lines.push(one);
    return one;
  }
  getTransceivers() { return this.lines; }
  createOffer() { return Promise.resolve({ type: "offer", sdp: "offer" }); }
  setLocalDescription(d: { type: string; sdp?: string }) {
    if (d.type !== "rollback") this.lines.forEach((one, n) => { one.mid = String(n); });
    this.localDescription = { sdp: d.sdp ?? "" };
    return Promise.resolve();
  }
  setRemoteDescription() { this.remote++; return Promise.resolve(); }
  restartIce() { this.iceRestarts++; }
  close() { this.connectionState = "closed"; }
  goes(state: RTCPeerConnectionState) { this.connectionState = state; this.onconnectionstatechange?.(); }
}

let pcs: FakePc[];
let answers: (() => Promise<string>)[];
let socketOpen: boolean;
let renewed: number;
const answer = (print = "AA") => () => Promise.resolve(`a=fingerprint:sha-256 ${print}\r\n`);
const peerHere = () => new Peer({
  config: { iceServers: [], audioChairs: 2, videoChairs: 2 },
  make: () => { const pc = new FakePc(); pcs.push(pc); return pc as unknown as RTCPeerConnection; },
  negotiate: () => (answers.shift() ?? answer())(),
  socketOpen: () => socketOpen, changed: () => undefined, renewed: () => { renewed++; }, now: () => Date.now(),
});
let peer: Peer;
const pc = () => pcs[pcs.length - 1]!;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(async () => {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  [pcs, answers, socketOpen, renewed] = [[], [], true, 0];
  peer = peerHere();
  await peer.start();
});
afterEach(() => { peer.close(); vi.useRealTimers(); vi.restoreAllMocks(); });

test("own lines come first, then chairs, which are known by mid", () => {
  expect(pc().lines.map((one) => `${one.kind} ${one.direction}`)).toEqual([
    "audio sendonly", "video sendonly", "audio recvonly", "audio recvonly", "video recvonly", "video recvonly",
  ]);
  expect([...peer.chairs.keys()]).toEqual(["2", "3", "4", "5"]);
});

test("a cut line is restarted, on the same connection", async () => {
  pc().goes("connected");
  pc().goes("disconnected");
  await pass(2_000);
  expect(pc().iceRestarts).toBe(0);
  await pass(1_500);
  expect([pc().iceRestarts, pcs.length]).toEqual([1, 1]);
});

test("it waits for the socket before asking for anything", async () => {
  pc().goes("connected");
  socketOpen = false;
  pc().goes("failed");
  await pass(30_000);
  expect(pc().iceRestarts).toBe(0);
  socketOpen = true;
  await pass(600);
  expect(pc().iceRestarts).toBe(1);
});

test("a line that heals by itself costs nothing", async () => {
  pc().goes("connected");
  pc().goes("disconnected");
  await pass(1_500);
  pc().goes("connected");
  await pass(20_000);
  expect([pc().iceRestarts, pcs.length]).toEqual([0, 1]);
});

test("when the far end is new, so is the connection", async () => {
  pc().goes("connected");
  answers = [answer("BB"), answer("BB")];
  pc().goes("failed");
  await pass(600);
  expect(pcs).toHaveLength(2);
  expect(renewed).toBe(2);
  expect(pc().remote).toBe(1);
});

test("when restarts do not help, everything is made new", async () => {
  pc().goes("connected");
  pc().goes("failed");
  await pass(14_000);
  expect(pcs).toHaveLength(2);
});

test("an offer nobody answered is made again", async () => {
  peer.close();
  answers = [() => Promise.reject(new Error("away"))];
  peer = peerHere();
  await peer.start();
  await pass(8_000);
  expect(pc().iceRestarts + pcs.length).toBeGreaterThan(2);
});

test("a camera may come late, without a word to the room", () => {
  const track = { kind: "video" } as MediaStreamTrack;
  peer.setTrack("video", track);
  expect(pc().replaced).toEqual([track]);
});
