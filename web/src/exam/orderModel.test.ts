import { expect, test } from "vitest";
import { bodyOf, emptyDraft, gapsOf } from "./orderModel";

test("an order says what and why", () => {
  expect(gapsOf(emptyDraft())).toEqual(["procedure", "question"]);
  expect(gapsOf({ ...emptyDraft(), procedure: "CT", question: " " })).toEqual(["question"]);
});
test("it travels trimmed and with its visit", () => {
  expect(bodyOf({ modality: "ECG", procedure: " ECG ", question: " ? ", urgency: "urgent" }, "7"))
    .toEqual({ visit_id: "7", modality: "ECG", procedure: "ECG", question: "?", urgency: "urgent" });
});
