import { refusalBefore, refusalOf, type Refusal } from "./refusal";

export type Kind = "audio" | "video";
export type Wish = { audio: boolean; video: boolean };

/** One device's state. `off`: not wanted. */
export type DeviceState = { state: "off" } | { state: "ready"; track: MediaStreamTrack } | { state: "refused"; refusal: Refusal };
export type Devices = Record<Kind, DeviceState>;

/** The two functions of the browser this needs, so that a test can play the user who says no. */
export interface DeviceSource {
  secure: boolean;
  get: ((constraints: MediaStreamConstraints) => Promise<MediaStream>) | undefined;
}

export function browserDevices(): DeviceSource {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  return { secure: window.isSecureContext, get: devices?.getUserMedia?.bind(devices) };
}

export type Facing = "user" | "environment";

/** 640×480 is what a phone in a village can send; the doctor sees a face, a rash and a tongue with it. */
function constraintsOf(wish: Wish, facing: Facing): MediaStreamConstraints {
  return {
    audio: wish.audio && { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    video: wish.video && { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24, max: 30 }, facingMode: facing },
  };
}

const OFF: DeviceState = { state: "off" };
const ready = (track: MediaStreamTrack | undefined): DeviceState => (track ? { state: "ready", track } : { state: "refused", refusal: "none" });

/** Open what is wished for. Both at once, for one question to the user; if that fails, each alone, so that a broken camera
 * does not cost the voice. Never throws: what could not be had says why. */
export async function openDevices(wish: Wish, source: DeviceSource = browserDevices(), facing: Facing = "user"): Promise<Devices> {
  const before = refusalBefore(source.secure, source.get !== undefined);
  const none = (refusal: Refusal): Devices => ({
    audio: wish.audio ? { state: "refused", refusal } : OFF,
    video: wish.video ? { state: "refused", refusal } : OFF,
  });
  const get = source.get;
  if (before || !get) return none(before ?? "unsupported");
  if (!wish.audio && !wish.video) return { audio: OFF, video: OFF };
  try {
    const stream = await get(constraintsOf(wish, facing));
    return {
      audio: wish.audio ? ready(stream.getAudioTracks()[0]) : OFF,
      video: wish.video ? ready(stream.getVideoTracks()[0]) : OFF,
    };
  } catch (error) {
    if (!wish.audio || !wish.video) return none(refusalOf(error));
  }
  const audio = await openDevices({ audio: true, video: false }, source);
  const video = await openDevices({ audio: false, video: true }, source, facing);
  return { audio: audio.audio, video: video.video };
}

export const trackOf = (device: DeviceState): MediaStreamTrack | null => (device.state === "ready" ? device.track : null);

export function closeDevices(devices: Devices): void {
  for (const device of [devices.audio, devices.video]) trackOf(device)?.stop();
}

/** What to tell a user whose devices are not all there: the worst news, and what can still be done. */
export interface DeviceTrouble { refusal: Refusal; kinds: Kind[]; left: "both" | "audio" | "video" | "nothing" }

export function troubleOf(devices: Devices): DeviceTrouble | null {
  const kinds = (["audio", "video"] as const).filter((kind) => devices[kind].state === "refused");
  const first = kinds[0] && devices[kinds[0]];
  if (!first || first.state !== "refused") return null;
  const has = (kind: Kind) => devices[kind].state === "ready";
  const left = has("audio") ? (has("video") ? "both" : "audio") : has("video") ? "video" : "nothing";
  return { refusal: first.refusal, kinds, left };
}
