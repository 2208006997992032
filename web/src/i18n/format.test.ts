import { expect, test } from "vitest";
import { addDays, clockOf, dayName, dayOf, lengthOf, minutesBetween, momentOf } from "./format";

test("a day ends at midnight in Shanghai, wherever the browser is", () => {
  expect(dayOf("2026-11-21T15:59:59Z")).toBe("2026-11-21");
  expect(dayOf("2026-11-21T16:00:00Z")).toBe("2026-11-22");
});
test("clock time is clinic time", () => expect(clockOf("2026-11-21T06:30:00Z", "zh-CN")).toBe("14:30"));
test("a roster's clock becomes a moment", () => expect(momentOf("2026-11-21", "00:30")).toBe("2026-11-20T16:30:00.000Z"));
test("near days have names, far ones a date", () => {
  const now = new Date("2026-11-21T17:00:00Z"); // already the 22nd there
  expect(dayName("2026-11-22", "en", now)).toEqual({ near: "today" });
  expect(dayName("2026-11-23", "en", now)).toEqual({ near: "tomorrow" });
  expect(dayName("2026-11-21", "en", now)).toEqual({ near: "yesterday" });
  expect(dayName("2026-12-01", "en", now)).toEqual({ date: "Tue, Dec 1" });
});
test("months and years roll over", () => expect(addDays("2026-12-31", 1)).toBe("2027-01-01"));
test("minutes are whole and never negative", () => {
  expect(minutesBetween("2026-11-21T00:00:00Z", "2026-11-21T00:02:59Z")).toBe(2);
  expect(minutesBetween("2026-11-21T00:05:00Z", "2026-11-21T00:02:59Z")).toBe(0);
});
test("lengths read like a player's", () => expect([lengthOf(75_000), lengthOf(3_605_000)]).toEqual(["1:15", "1:00:05"]));
