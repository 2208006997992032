// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { effectScope, type EffectScope } from "vue";
import type { Told } from "@/wire/socket";
import type { Visit } from "@/wire/types";

/** The neighbours of a call, played: a socket that answers, devices that open, a peer that only remembers. */
const world = vi.hoisted(() => ({
  listeners: [] as ((message: unknown) => void)[], asked: [] as { t: string }[], told: [] as object[], rights: { publish: true, subscribe: true },
  visit: {} as unknown, refuse: "", peers: [] as { calls: string[] }[], closed: 0,
}));

vi.mock("@/wire/session", () => ({
  browserConfig: () => Promise.resolve({ turn: [], media: { audio_chairs: 2, video_chairs: 2 }, features: {} }),
  live: {
    state: "open",
    onMessage: (listener: (message: unknown) => void) => { world.listeners.push(listener); return () => { world.listeners = world.listeners.filter((one) => one !== listener); }; },
    tell: (message: object) => { world.told.push(message); return true; },
    ask: async (message: { t: string }) => {
      world.asked.push(message);
      const { Problem } = await import("@/wire/problem");
      if (message.t === "join" && world.refuse) throw new Problem(world.refuse, 404);
      return message.t === "join" ? { t: "joined", id: "a", visit: world.visit, seat_id: "1", rights: world.rights } : { t: "ok", id: "a" };
    },
  },
}));
vi.mock("@/media/peer", () => ({
  Peer: class {
    calls: string[] = [];
    chairs = new Map();
    state = "connected";
    wasConnected = true;
    constructor() { world.peers.push(this); }
    start() { this.calls.push("start"); return Promise.resolve(); }
    rebuild() { this.calls.push("rebuild"); return Promise.resolve(); }
    restart() { this.calls.push("restart"); return Promise.resolve(); }
    close() { this.calls.push("close"); }
    setTrack(kind: string, track: unknown) { this.calls.push(`${kind} ${track ? "on" : "off"}`); }
    sample() { return Promise.resolve(null); }
  },
}));
vi.mock("@/media/devices", async (original) => ({
  ...(await original<object>()),
  openDevices: (wish: { audio: boolean; video: boolean }) => {
    const device = (on: boolean) => (on ? { state: "ready", track: { enabled: true, stop() { world.closed++; } } } : { state: "off" });
    return Promise.resolve({ audio: device(wish.audio), video: device(wish.video) });
  },
}));
const { useCall } = await import("./useCall");

const visit = (state: Visit["state"]): Visit => ({
  id: "7", order_id: "1", room_id: "w", state, channel: "home_direct", kind: "follow_up", recording: false, clinic: null,
  patient: { name: "p", age_band: "40-49", sex: "female" },
  seats: [{ id: "1", role: "patient", name: "p", present: true, admitted: true, me: true, muted: { audio: false, video: false } }],
});
const says = (message: object) => world.listeners.forEach((one) => one(message as Told));
const settle = async () => { for (let n = 0; n < 12; n++) await Promise.resolve(); };
let scope: EffectScope;
let call: ReturnType<typeof useCall>;
const enter = async (state: Visit["state"], rights = { publish: true, subscribe: true }) => {
  Object.assign(world, { visit: visit(state), rights });
  scope = effectScope();
  call = scope.run(() => useCall("7")) as ReturnType<typeof useCall>;
  await settle();
};
const calls = () => world.peers.at(-1)?.calls ?? [];

beforeEach(() => Object.assign(world, { listeners: [], asked: [], told: [], peers: [], closed: 0, refuse: "" }));
afterEach(() => scope.stop());

test("a live visit is joined, with sound and picture", async () => {
  await enter("live");
  expect([call.phase.value, calls()]).toEqual(["live", ["audio on", "video on", "start"]]);
});

test("in the lobby nothing is sent; being admitted begins it, being sent back ends it", async () => {
  await enter("waiting", { publish: false, subscribe: false });
  expect([call.phase.value, world.peers.length]).toEqual(["lobby", 0]);
  says({ t: "visit", visit: visit("live") });
  says({ t: "rights", visit_id: "7", publish: true, subscribe: true });
  await settle();
  expect([call.phase.value, calls().includes("start")]).toEqual(["live", true]);
  says({ t: "rights", visit_id: "7", publish: false, subscribe: false });
  says({ t: "visit", visit: visit("waiting") });
  expect([call.phase.value, calls().at(-1)]).toEqual(["lobby", "close"]);
});

test("the end closes the room and the lights", async () => {
  await enter("live");
  says({ t: "visit", visit: visit("documenting") });
  expect([call.phase.value, calls().at(-1), world.closed]).toEqual(["over", "close", 2]);
});

test("a new media worker gets a new connection", async () => {
  await enter("live");
  says({ t: "rejoin", visit_id: "7", reason: "media_restarted" });
  expect(calls().at(-1)).toBe("rebuild");
});

test("a socket that lost its seats takes them again and asks for a new path", async () => {
  await enter("live");
  says({ t: "welcome", resumed: true });
  await settle();
  expect(calls()).not.toContain("restart");
  says({ t: "welcome", resumed: false });
  await settle();
  expect([world.asked.filter((one) => one.t === "join").length, calls().at(-1)]).toEqual([3, "restart"]);
});

test("muting silences the track and tells the room", async () => {
  await enter("live");
  await call.toggle("audio");
  expect(call.mic.value.on).toBe(false);
  expect(world.told).toContainEqual({ t: "mute", visit_id: "7", kind: "audio", on: true });
});

test("silenced by the doctor, one can speak again", async () => {
  await enter("live");
  says({ t: "muted", visit_id: "7", seat_id: "1", kind: "audio", on: true, by: "3" });
  expect([call.mic.value.on, call.model.value.silencedBy]).toEqual([false, "3"]);
  await call.toggle("audio");
  expect([call.mic.value.on, call.model.value.silencedBy]).toEqual([true, null]);
});

test("another window: this one stops and gives the devices back", async () => {
  await enter("live");
  says({ t: "moved", visit_id: "7" });
  expect([call.phase.value, calls().at(-1), world.closed]).toEqual(["moved", "close", 2]);
});

test("no seat here: the server's word is kept for the screen", async () => {
  world.refuse = "not_found";
  await enter("live");
  expect([call.phase.value, call.problem.value?.code]).toEqual(["refused", "not_found"]);
});

test("leaving the page leaves the room once", async () => {
  await enter("live");
  await call.leave();
  scope.stop();
  await settle();
  expect(world.asked.filter((one) => one.t === "leave")).toHaveLength(1);
});
