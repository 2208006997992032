import { expect, test } from "vitest";
import { openDevices, troubleOf, type DeviceSource } from "./devices";
import { refusalOf } from "./refusal";

const track = (kind: string) => ({ kind, stop() {} }) as unknown as MediaStreamTrack;
const named = (name: string) => Object.assign(new Error(name), { name });

/** A machine on which some devices answer with an error. */
function machine(broken: { audio?: string; video?: string }, secure = true): DeviceSource & { asked: string[] } {
  const asked: string[] = [];
  return {
    secure, asked,
    get: (wish) => {
      asked.push([wish.audio && "audio", wish.video && "video"].filter(Boolean).join("+"));
      const bad = (wish.video && broken.video) || (wish.audio && broken.audio);
      if (bad) return Promise.reject(named(bad));
      const list = (on: unknown, kind: string) => (on ? [track(kind)] : []);
      return Promise.resolve({
        getAudioTracks: () => list(wish.audio, "audio"), getVideoTracks: () => list(wish.video, "video"),
      } as unknown as MediaStream);
    },
  };
}
const BOTH = { audio: true, video: true };

test("both are asked for with one question", async () => {
  const here = machine({});
  const devices = await openDevices(BOTH, here);
  expect([devices.audio.state, devices.video.state, here.asked]).toEqual(["ready", "ready", ["audio+video"]]);
  expect(troubleOf(devices)).toBeNull();
});

test("a camera held by another program does not cost the voice", async () => {
  const devices = await openDevices(BOTH, machine({ video: "NotReadableError" }));
  expect(devices.audio.state).toBe("ready");
  expect(troubleOf(devices)).toEqual({ refusal: "busy", kinds: ["video"], left: "audio" });
});

test("a user who says no to everything is told why and may go on without", async () => {
  const devices = await openDevices(BOTH, machine({ audio: "NotAllowedError", video: "NotAllowedError" }));
  expect(troubleOf(devices)).toEqual({ refusal: "denied", kinds: ["audio", "video"], left: "nothing" });
});

test("plain HTTP is told apart from a refusal, without asking", async () => {
  const here = machine({}, false);
  expect(troubleOf(await openDevices(BOTH, here))?.refusal).toBe("insecure");
  expect(here.asked).toEqual([]);
});

test("a browser without the function says so", async () => {
  expect(troubleOf(await openDevices(BOTH, { secure: true, get: undefined }))?.refusal).toBe("unsupported");
});

test("what is not wished for is off, not refused", async () => {
  const devices = await openDevices({ audio: true, video: false }, machine({ video: "NotFoundError" }));
  expect(devices.video.state).toBe("off");
  expect(troubleOf(devices)).toBeNull();
});

test.each([
  ["NotAllowedError", "denied"], ["NotFoundError", "none"], ["OverconstrainedError", "none"], ["NotReadableError", "busy"],
  ["AbortError", "busy"], ["SomethingNew", "failed"],
])("%s reads as %s", (name, refusal) => expect(refusalOf(named(name))).toBe(refusal));
