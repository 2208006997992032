import { expect, test } from "vitest";
import { examOf } from "./sample";
import { newer, remaining, remainingWords, sortExams, sortWorklist, uploadOf, uploadWords } from "./examView";

const study = { id: "1", study_uid: "1.2", state: "arriving" as const, n_series: 1, n_instances: 7, bytes: 10 };
const NOW = new Date("2026-11-21T06:00:00Z");

test("images are counted while they arrive and when they are all here", () => {
  expect(uploadWords(uploadOf(examOf()))).toEqual({ key: "exam.upload.none" });
  expect(uploadOf(examOf({ study }))).toEqual({ state: "arriving", count: 7, series: 1 });
  expect(uploadOf(examOf({ study: { ...study, state: "complete" } })).state).toBe("complete");
  expect(uploadOf(examOf({ study: { ...study, state: "returned" } })).state).toBe("none");
});

test.each<[string, string, object]>([
  ["2026-11-21T06:29:30Z", "29 minutes are left", { key: "exam.clock.leftMinutes", params: { m: 29 } }],
  ["2026-11-21T08:05:00Z", "hours and minutes", { key: "exam.clock.leftHours", params: { h: 2, m: 5 } }],
  ["2026-11-21T05:59:30Z", "overdue begins with the first second", { key: "exam.clock.overMinutes", params: { m: 1 } }],
  ["2026-11-21T04:00:00Z", "overdue by hours", { key: "exam.clock.overHours", params: { h: 2, m: 0 } }],
])("%s: %s", (deadline, _, said) => expect(remainingWords(remaining(deadline, NOW))).toEqual(said));

test("without a deadline nothing is promised", () => expect(remainingWords(remaining(null, NOW))).toEqual({ key: "exam.clock.none" }));

test("the worklist: urgent before normal, then who has least time left", () => {
  const list = [
    examOf({ id: "a", deadline_at: "2026-11-21T06:10:00Z" }), examOf({ id: "b", deadline_at: "2026-11-21T05:50:00Z" }),
    examOf({ id: "c", urgency: "emergency", deadline_at: "2026-11-21T07:00:00Z" }), examOf({ id: "d", deadline_at: null }),
  ];
  expect(sortWorklist(list).map((one) => one.id)).toEqual(["c", "b", "a", "d"]);
});

test("a township sees the retake first and what is done last", () => {
  const list = [
    examOf({ id: "done", state: "delivered" }), examOf({ id: "normal" }), examOf({ id: "urgent", urgency: "urgent", state: "pooled" }),
    examOf({ id: "retake", retake_of: "done" }),
  ];
  expect(sortExams(list).map((one) => one.id)).toEqual(["retake", "urgent", "normal", "done"]);
});

test("an overtaken answer does not turn the clock back", () => {
  const known = examOf({ version: 5 });
  expect(newer(known, examOf({ version: 4 }))).toBe(known);
  expect(newer(known, examOf({ version: 5, study })).study).toEqual(study);
});
