import type { Kind } from "./devices";
import { fingerprints, nextStep } from "./recovery";
import { sampleOf, type Sample } from "./stats";

export interface PeerConfig {
  iceServers: RTCIceServer[];
  audioChairs: number;
  videoChairs: number;
}

export interface PeerDeps {
  config: PeerConfig;
  make: (config: RTCConfiguration) => RTCPeerConnection;
  /** Carries an offer to the room and brings its answer. */
  negotiate: (sdp: string) => Promise<string>;
  socketOpen: () => boolean;
  /** State or chairs changed: look again. */
  changed: () => void;
  /** A new peer connection begins: what was said about the old one's m-lines no longer holds. */
  renewed: () => void;
  now?: () => number;
}

const TICK_MS = 500;
const VIDEO_BPS_MAX = 900_000;
/** An offer that was not answered at all is made again sooner than one that was answered and did not connect. */
const UNANSWERED_CREDIT_MS = 4_000;

/** The one RTCPeerConnection of a visit, kept working.
 *
 * Its first two m-lines send our own voice and picture, the rest are chairs: empty receiving lines which the room fills with
 * other people's tracks (it tells which mid carries whose). Nobody renegotiates when somebody comes or goes. Tracks of our
 * own are swapped under a running line, so a camera can come late, go away or turn around without a word to the room. */
export class Peer {
  /** Receiving tracks by mid, known once offered. */
  readonly chairs = new Map<string, MediaStreamTrack>();
  wasConnected = false;
  private pc: RTCPeerConnection | null = null;
  private readonly own: Record<Kind, MediaStreamTrack | null> = { audio: null, video: null };
  private readonly senders: Partial<Record<Kind, RTCRtpSender>> = {};
  private timer: ReturnType<typeof setInterval> | undefined;
  private negotiating = false;
  private downSince: number;
  private stepAt = -Infinity;
  private restarts = 0;
  private remotePrint = "";

  constructor(private readonly deps: PeerDeps) { this.downSince = this.now(); }

  get state(): RTCPeerConnectionState { return this.pc?.connectionState ?? "new"; }
  private now(): number { return (this.deps.now ?? (() => performance.now()))(); }

  async start(): Promise<void> {
    if (this.pc) return;
    this.timer = setInterval(() => void this.tick(), TICK_MS);
    await this.rebuild();
  }

  setTrack(kind: Kind, track: MediaStreamTrack | null): void {
    this.own[kind] = track;
    void this.senders[kind]?.replaceTrack(track).catch(() => undefined);
  }

  /** A new path for the same keys; when the far end turns out to be new, a new connection. */
  async restart(): Promise<void> {
    const pc = this.pc;
    if (!pc || this.negotiating) return;
    this.restarts++;
    if (pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" }).catch(() => undefined);
    pc.restartIce();
    const known = this.remotePrint;
    const sdp = await this.exchange(pc);
    if (sdp !== null && known && fingerprints(sdp) !== known) await this.rebuild();
  }

  async rebuild(): Promise<void> {
    this.forget();
    this.restarts = 0;
    this.downSince = this.now();
    const pc = this.deps.make({ iceServers: this.deps.config.iceServers, bundlePolicy: "max-bundle" });
    this.pc = pc;
    this.furnish(pc);
    pc.onconnectionstatechange = () => this.stateChanged(pc);
    this.deps.renewed();
    await this.exchange(pc);
  }

  close(): void {
    clearInterval(this.timer);
    this.forget();
    this.deps.changed();
  }

  async sample(): Promise<Sample | null> {
    if (!this.pc) return null;
    const report = await this.pc.getStats();
    return sampleOf(report as unknown as Iterable<[string, unknown]>, this.now());
  }

  private furnish(pc: RTCPeerConnection): void {
    this.senders.audio = pc.addTransceiver(this.own.audio ?? "audio", { direction: "sendonly" }).sender;
    this.senders.video = pc.addTransceiver(this.own.video ?? "video", {
      direction: "sendonly", sendEncodings: [{ maxBitrate: VIDEO_BPS_MAX }],
    }).sender;
    for (let n = 0; n < this.deps.config.audioChairs; n++) pc.addTransceiver("audio", { direction: "recvonly" });
    for (let n = 0; n < this.deps.config.videoChairs; n++) pc.addTransceiver("video", { direction: "recvonly" });
  }

  private forget(): void {
    const pc = this.pc;
    this.pc = null;
    this.negotiating = false;
    this.remotePrint = "";
    this.chairs.clear();
    if (!pc) return;
    pc.onconnectionstatechange = null;
    pc.close();
  }

  /** Offer, answer. The answer's SDP, or null when it could not be had: the clock asks again. */
  private async exchange(pc: RTCPeerConnection): Promise<string | null> {
    this.negotiating = true;
    this.stepAt = this.now();
    try {
      await pc.setLocalDescription(await pc.createOffer());
      if (pc !== this.pc) return null;
      for (const one of pc.getTransceivers()) {
        if (one.mid !== null && one.direction === "recvonly") this.chairs.set(one.mid, one.receiver.track);
      }
      const sdp = await this.deps.negotiate(pc.localDescription?.sdp ?? "");
      if (pc !== this.pc) return null;
      this.remotePrint ||= fingerprints(sdp);
      if (fingerprints(sdp) === this.remotePrint) await pc.setRemoteDescription({ type: "answer", sdp });
      return sdp;
    } catch (error) {
      console.warn("offer not answered", error);
      if (pc === this.pc) this.stepAt -= UNANSWERED_CREDIT_MS;
      return null;
    } finally {
      if (pc === this.pc) this.negotiating = false;
      this.deps.changed();
    }
  }

  private stateChanged(pc: RTCPeerConnection): void {
    if (pc !== this.pc) return;
    if (pc.connectionState === "connected") {
      this.wasConnected = true;
      this.restarts = 0;
      this.stepAt = -Infinity;
    } else if (pc.connectionState === "disconnected" || pc.connectionState === "failed") {
      if (this.stepAt === -Infinity && this.restarts === 0) this.downSince = this.now();
    }
    this.deps.changed();
  }

  private async tick(): Promise<void> {
    const pc = this.pc;
    if (!pc) return;
    const now = this.now();
    const step = nextStep({
      state: pc.connectionState, socketOpen: this.deps.socketOpen(), negotiating: this.negotiating,
      downMs: now - this.downSince, sinceStepMs: now - this.stepAt, restarts: this.restarts,
    });
    if (step === "restart") await this.restart();
    if (step === "rebuild") await this.rebuild();
  }
}
