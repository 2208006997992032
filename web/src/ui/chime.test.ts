import { expect, test } from "vitest";
import { mayChime } from "./chime";

test("one sound at a time", () => {
  expect(mayChime(10_000, -Infinity, false)).toBe(true);
  expect(mayChime(12_000, 10_000, false)).toBe(false);
  expect(mayChime(18_000, 10_000, false)).toBe(true);
});
test("none during a live visit", () => expect(mayChime(60_000, 0, true)).toBe(false));
