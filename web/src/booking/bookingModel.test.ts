import { expect, test } from "vitest";
import { addDays } from "@/i18n/format";
import type { Slot } from "@/wire/types";
import { bodyOf, daysToShow, emptyDraft, groupSlots, missingIn } from "./bookingModel";

const TODAY = "2026-11-21";
const full = () => ({ complaint: " 头晕 ", prior: { text: "高血压", code: "", organisation: "县医院", date: "2026-08-01", evidence: "出院小结" } });
const slot = (starts_at: string): Slot => ({ id: starts_at, starts_at, ends_at: starts_at, doctor: { staff_id: "1", name: "d", title: "" }, free: 1 });

test("everything a follow-up needs is asked for", () =>
  expect(missingIn(emptyDraft(), TODAY)).toEqual(["complaint", "text", "organisation", "date", "evidence"]));
test("a told draft is complete", () => expect(missingIn(full(), TODAY)).toEqual([]));
test("blanks are not words", () => expect(missingIn({ ...full(), complaint: "  " }, TODAY)).toEqual(["complaint"]));
test("a diagnosis of tomorrow is none", () => {
  const draft = full();
  draft.prior.date = "2026-11-22";
  expect(missingIn(draft, TODAY)).toEqual(["dateFuture"]);
});
test("the body is trimmed and leaves an empty code out", () => {
  const body = bodyOf(full(), "9");
  expect(body).toMatchObject({ slot_id: "9", complaint: "头晕" });
  expect(body.prior_diagnosis).not.toHaveProperty("code");
});
test("slots fall into morning, afternoon and evening of the clinic", () => {
  const groups = groupSlots([slot("2026-11-21T11:00:00Z"), slot("2026-11-21T00:30:00Z"), slot("2026-11-21T06:00:00Z")]);
  expect(groups.map((group) => group.part)).toEqual(["morning", "afternoon", "evening"]);
});
test("the next free day is offered even when it is far", () => {
  expect(daysToShow(TODAY, "2026-11-22T01:00:00Z", addDays, 3)).toEqual(["2026-11-21", "2026-11-22", "2026-11-23"]);
  expect(daysToShow(TODAY, "2026-12-01T01:00:00Z", addDays, 2)).toEqual(["2026-11-21", "2026-11-22", "2026-12-01"]);
});
