import type { DeviceState } from "@/media/devices";
import type { Refusal } from "@/media/refusal";

/** What a microphone or camera button says. `on`: the others hear or see. `pending`: pressed, the device is being opened. */
export interface MuteView { on: boolean; pending: boolean; refusal?: Refusal }

export function muteView(device: DeviceState, muted: boolean, opening: boolean): MuteView {
  if (opening) return { on: false, pending: true };
  if (device.state === "refused") return { on: false, pending: false, refusal: device.refusal };
  return { on: device.state === "ready" && !muted, pending: false };
}
