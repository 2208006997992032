import { expect, test } from "vitest";
import { fingerprints, nextStep, type Health } from "./recovery";

const fine: Health = { state: "connected", socketOpen: true, negotiating: false, downMs: 0, sinceStepMs: Infinity, restarts: 0 };
const down: Health = { ...fine, state: "disconnected", downMs: 3_000 };

test.each<[string, Health, string]>([
  ["a working connection is left alone", fine, "none"],
  ["a short gap heals by itself", { ...down, downMs: 1_000 }, "none"],
  ["a longer gap asks for a new path", down, "restart"],
  ["a failed path asks at once", { ...down, state: "failed", downMs: 0 }, "restart"],
  ["nothing can be asked without a socket", { ...down, socketOpen: false }, "none"],
  ["one question at a time", { ...down, negotiating: true }, "none"],
  ["a restart gets time to work", { ...down, sinceStepMs: 2_000, restarts: 1 }, "none"],
  ["a second restart follows", { ...down, sinceStepMs: 7_000, restarts: 1 }, "restart"],
  ["then everything is made new", { ...down, sinceStepMs: 7_000, restarts: 2 }, "rebuild"],
  ["first contact may take its time", { ...fine, state: "connecting", downMs: 4_000 }, "none"],
  ["but not for ever", { ...fine, state: "connecting", downMs: 7_000 }, "restart"],
  ["a closed connection is made new", { ...down, state: "closed" }, "rebuild"],
])("%s", (_, health, step) => expect(nextStep(health)).toBe(step));

test("fingerprints compare regardless of order, case and repetition", () => {
  const one = "v=0\r\na=fingerprint:sha-256 AA:BB\r\nm=audio\r\na=fingerprint:sha-256 AA:BB\r\n";
  expect(fingerprints(one)).toBe(fingerprints("a=fingerprint:SHA-256 aa:bb\r\n"));
  expect(fingerprints(one)).not.toBe(fingerprints("a=fingerprint:sha-256 AA:CC\r\n"));
});
