import { expect, test } from "vitest";
import { bodyOf, emptyDraft, gapsOf, slotsOf, spanMin, type Draft } from "./rosterModel";

const draft = (more: Partial<Draft> = {}): Draft => ({ ...emptyDraft("2026-11-21"), clinic: "41", doctor: "201", ...more });

test("clinic and doctor must be chosen", () => expect(gapsOf(emptyDraft("2026-11-21"))).toEqual(["clinic", "doctor"]));
test("a complete session has no gaps", () => expect(gapsOf(draft())).toEqual([]));
test("slots are counted before the session is made", () => expect(slotsOf(draft({ from: "09:00", to: "12:00", minutes: 15 }))).toBe(12));
test("a session may run over midnight, but not twelve hours", () => {
  expect(spanMin({ from: "22:00", to: "01:00" })).toBe(180);
  expect(gapsOf(draft({ from: "09:00", to: "08:00" }))).toEqual(["span"]);
});
test("too short for one slot is a mistake", () => expect(gapsOf(draft({ from: "09:00", to: "09:10" }))).toEqual(["span"]));
test("it must be open to somebody", () => expect(gapsOf(draft({ firstVisits: false, followUps: false }))).toEqual(["kinds"]));
test("the end is moved to the last whole slot, in clinic time", () => {
  const body = bodyOf(draft({ from: "09:00", to: "10:05", minutes: 15 }));
  expect([body.starts_at, body.ends_at]).toEqual(["2026-11-21T01:00:00.000Z", "2026-11-21T02:00:00.000Z"]);
});
