import { expect, test } from "vitest";
import { ageOn, bodyOf, emptyDraft, gapsOf } from "./assistedModel";

const person = { id: "102", name: "演示", sex: "male" as const, birth_date: "1955-09-02" };
const told = () => ({ ...emptyDraft(), person, complaint: "胸闷两天" });

test("somebody, and something to complain of", () => {
  expect(gapsOf(emptyDraft())).toEqual(["person", "complaint"]);
  expect(gapsOf(told())).toEqual([]);
});
test("an impossible value is a slip, an empty one is not", () => {
  const draft = told();
  draft.vitals.temperature = "366";
  draft.vitals.pulse = "";
  expect(gapsOf(draft)).toEqual(["temperature"]);
});
test("vitals travel as numbers, and only the measured ones", () => {
  const draft = told();
  draft.vitals.systolic = "150";
  draft.history = " 高血压十年 ";
  expect(bodyOf(draft).vitals).toEqual({ systolic: 150, history: "高血压十年" });
  expect(bodyOf(told())).not.toHaveProperty("vitals");
});
test("the birthday counts from its own day", () => {
  expect(ageOn("1946-11-21", "2026-11-21")).toBe(80);
  expect(ageOn("1946-11-22", "2026-11-21")).toBe(79);
  expect(ageOn(null, "2026-11-21")).toBeNull();
});
