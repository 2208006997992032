import { expect, test } from "vitest";
import { loudness } from "./meter";

const sine = (amplitude: number) => Uint8Array.from({ length: 512 }, (_, n) => 128 + Math.round(amplitude * 127 * Math.sin(n / 4)));

test("silence is nothing, a shout is full, speech is between", () => {
  expect(loudness(new Uint8Array(512).fill(128))).toBe(0);
  expect(loudness(sine(1))).toBe(1);
  expect(loudness(sine(0.1))).toBeGreaterThan(0.3);
  expect(loudness(sine(0.1))).toBeLessThan(0.9);
});
