import { computed, onScopeDispose, reactive, shallowRef, triggerRef } from "vue";
import { closeDevices, openDevices, trackOf, troubleOf, type Devices, type Facing, type Kind } from "@/media/devices";
import { Peer } from "@/media/peer";
import { lineOf, ratesOf, type Rates, type Sample } from "@/media/stats";
import { Problem, problemOf } from "@/wire/problem";
import { browserConfig, live } from "@/wire/session";
import type { Told } from "@/wire/socket";
import { chairsCleared, connects, EMPTY, heard, phaseOf, tilesOf } from "./callModel";
import { muteView } from "./muteView";

const STATS_EVERY_MS = 2_000;
/** A question for the camera left open this long does not keep the others' voices away. */
const DEVICES_WITHIN_MS = 4_000;

/** One visit's room for one screen: joins, opens devices, keeps the peer connection and answers the buttons.
 * Everything it decides is decided in callModel, devices and recovery; here they are only wired together. */
export function useCall(visitId: string) {
  const model = shallowRef(EMPTY);
  const devices = shallowRef<Devices>({ audio: { state: "off" }, video: { state: "off" } });
  const peer = shallowRef<Peer | null>(null);
  const rates = shallowRef<Rates | null>(null);
  const sample = shallowRef<Sample | null>(null);
  const problem = shallowRef<Problem | null>(null);
  const local = reactive({ opening: true, audioMuted: false, videoMuted: false, facing: "user" as Facing, accepted: false });
  let gone = false;
  let starting = false;
  let patience = true;

  const phase = computed(() => phaseOf(model.value));
  const flows = computed(() => connects(model.value) && (phase.value === "live" || phase.value === "lobby"));
  const tiles = computed(() => tilesOf(model.value));
  const trouble = computed(() => (local.opening || local.accepted ? null : troubleOf(devices.value)));
  const mic = computed(() => muteView(devices.value.audio, local.audioMuted, local.opening));
  const camera = computed(() => muteView(devices.value.video, local.videoMuted, local.opening));
  const connection = computed(() => peer.value?.state ?? "new");
  const line = computed(() => lineOf(connection.value, peer.value?.wasConnected ?? false, rates.value));

  async function join(): Promise<void> {
    try {
      const message = await live.ask({ t: "join", visit_id: visitId });
      problem.value = null;
      take(message);
      tellMutes();
    } catch (error) {
      const failed = problemOf(error);
      // A line that broke is asked again when it is back; the server's no is an answer.
      if (failed.code === "offline" || failed.code === "outcome_unknown") return;
      problem.value = failed;
      if (!model.value.visit) model.value = { ...model.value, refused: true };
    }
  }

  function take(message: Told): void {
    const before = model.value;
    model.value = heard(before, visitId, message);
    if (message.t === "rejoin" && message.visit_id === visitId) void peer.value?.rebuild();
    if (model.value.silencedBy && model.value.silencedBy !== before.silencedBy) applyMute("audio", true);
    follow();
  }

  /** The peer connection exists exactly while this seat may send or hear. */
  function follow(): void {
    if (gone) return;
    if (flows.value) return void startPeer();
    if (peer.value && phase.value !== "joining") stopPeer();
    if (phase.value === "over" || phase.value === "moved") release();
  }

  /** Lights out: nobody is filmed in a room that is over. */
  function release(): void {
    closeDevices(devices.value);
    devices.value = { audio: { state: "off" }, video: { state: "off" } };
  }

  async function startPeer(): Promise<void> {
    if (peer.value || starting || (local.opening && patience)) return;
    starting = true;
    try {
      const config = await browserConfig();
      if (gone || !flows.value) return;
      const made = new Peer({
        config: { iceServers: config.turn, audioChairs: config.media.audio_chairs, videoChairs: config.media.video_chairs },
        make: (rtc) => new RTCPeerConnection(rtc),
        negotiate,
        socketOpen: () => live.state === "open",
        changed: () => triggerRef(peer),
        renewed: () => { model.value = chairsCleared(model.value); },
      });
      made.setTrack("audio", trackOf(devices.value.audio));
      made.setTrack("video", trackOf(devices.value.video));
      peer.value = made;
      await made.start();
    } catch (error) {
      problem.value = problemOf(error);
      setTimeout(follow, 2_000);
    } finally {
      starting = false;
    }
  }

  async function negotiate(sdp: string): Promise<string> {
    const answer = await live.ask({ t: "offer", visit_id: visitId, sdp });
    if (answer.t !== "answer") throw new Problem("unexpected");
    return answer.sdp;
  }

  function stopPeer(): void {
    peer.value?.close();
    peer.value = null;
    rates.value = null;
    sample.value = null;
  }

  async function open(wish = { audio: true, video: true }): Promise<void> {
    local.opening = true;
    const old = devices.value;
    closeDevices(old);
    const opened = await openDevices(wish, undefined, local.facing);
    if (gone) return closeDevices(opened);
    devices.value = opened;
    local.opening = false;
    local.accepted = false;
    for (const kind of ["audio", "video"] as const) {
      watchTrack(kind);
      peer.value?.setTrack(kind, trackOf(opened[kind]));
    }
    follow();
  }

  /** A headset pulled out, a permission taken back: say so instead of sending silence. */
  function watchTrack(kind: Kind): void {
    const track = trackOf(devices.value[kind]);
    if (!track) return;
    track.enabled = kind === "audio" ? !local.audioMuted : !local.videoMuted;
    track.onended = () => {
      if (trackOf(devices.value[kind]) !== track) return;
      devices.value = { ...devices.value, [kind]: { state: "refused", refusal: "busy" } };
    };
  }

  function applyMute(kind: Kind, muted: boolean): void {
    if (kind === "audio") local.audioMuted = muted;
    else local.videoMuted = muted;
    const track = trackOf(devices.value[kind]);
    if (track) track.enabled = !muted;
    if (!muted && kind === "audio") model.value = { ...model.value, silencedBy: null };
  }

  function tellMutes(): void {
    if (phase.value !== "live" && phase.value !== "lobby") return;
    live.tell({ t: "mute", visit_id: visitId, kind: "audio", on: local.audioMuted || devices.value.audio.state !== "ready" });
    live.tell({ t: "mute", visit_id: visitId, kind: "video", on: local.videoMuted || devices.value.video.state !== "ready" });
  }

  /** The button: turns off, on, or asks for a device that was refused before. */
  async function toggle(kind: Kind): Promise<void> {
    if (devices.value[kind].state === "ready") applyMute(kind, kind === "audio" ? !local.audioMuted : !local.videoMuted);
    else {
      applyMute(kind, false);
      const wanted = (one: Kind) => one === kind || devices.value[one].state === "ready";
      await open({ audio: wanted("audio"), video: wanted("video") });
    }
    tellMutes();
  }

  async function flip(): Promise<void> {
    local.facing = local.facing === "user" ? "environment" : "user";
    await open({ audio: devices.value.audio.state === "ready", video: true });
  }

  const muteOther = (seat: string) => live.ask({ t: "mute_other", visit_id: visitId, seat_id: seat, kind: "audio" });
  /** Go on with what there is. */
  const accept = () => { local.accepted = true; tellMutes(); };
  const reclaim = () => join().then(() => open());

  async function leave(): Promise<void> {
    if (gone) return;
    gone = true;
    stopPeer();
    closeDevices(devices.value);
    clearInterval(clock);
    clearTimeout(hurry);
    off.forEach((stop) => stop());
    if (phase.value !== "moved" && phase.value !== "refused") await live.ask({ t: "leave", visit_id: visitId }).catch(() => undefined);
  }

  const off = [
    live.onMessage(take),
    live.onMessage((message) => {
      // Seats that did not come back with the socket are taken again; the room may have forgotten our connection too.
      if (message.t === "welcome" && !gone) void join().then(() => (message.resumed ? undefined : peer.value?.restart()));
    }),
  ];
  const hurry = setTimeout(() => { patience = false; follow(); }, DEVICES_WITHIN_MS);
  const clock = setInterval(() => void measure(), STATS_EVERY_MS);
  async function measure(): Promise<void> {
    const now = await peer.value?.sample().catch(() => null);
    if (!now) return;
    if (sample.value) rates.value = ratesOf(sample.value, now);
    sample.value = now;
  }

  if (live.state === "open") void join();
  void open().then(tellMutes);
  onScopeDispose(() => void leave());

  return {
    model, phase, flows, tiles, devices, trouble, mic, camera, line, rates, sample, problem, connection, local,
    trackOf: (mid: string | null) => (mid === null ? null : peer.value?.chairs.get(mid) ?? null),
    toggle, flip, open, accept, reclaim, leave, muteOther,
  };
}

export type Call = ReturnType<typeof useCall>;
