import { expect, test } from "vitest";
import type { DeviceState } from "@/media/devices";
import { muteView } from "./muteView";

const mic: DeviceState = { state: "ready", track: {} as MediaStreamTrack };

test("a ready microphone is on", () => expect(muteView(mic, false, false)).toEqual({ on: true, pending: false }));
test("a muted one is off", () => expect(muteView(mic, true, false)).toEqual({ on: false, pending: false }));
test("while it opens it is neither", () => expect(muteView({ state: "off" }, false, true)).toEqual({ on: false, pending: true }));
test("a refused one says why", () =>
  expect(muteView({ state: "refused", refusal: "denied" }, false, false)).toEqual({ on: false, pending: false, refusal: "denied" }));
