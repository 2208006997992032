import { expect, test } from "vitest";
import { examOf } from "@/exam/sample";
import { arrived, fateOf, fromList, withFate, without } from "./worklistModel";

const pooled = (id: string) => examOf({ id, state: "pooled" });

test("what was lost stays to be read, what came back is open again", () => {
  const lost = withFate(fromList([pooled("1"), pooled("2")]), pooled("1"), "lost", "演示");
  expect(lost[0]).toMatchObject({ fate: "lost", by: "演示" });
  const now = fromList([pooled("2")], lost);
  expect(now.map((one) => [one.exam.id, one.fate])).toEqual([["1", "lost"], ["2", "open"]]);
  expect(fromList([pooled("1")], lost).map((one) => one.fate)).toEqual(["open"]);
  expect(without(now, "1").map((one) => one.exam.id)).toEqual(["2"]);
});

test("news of a claim is told even if the list has lost the read meanwhile", () => {
  const now = withFate(fromList([pooled("2")]), pooled("1"), "lost", "演示");
  expect(now.map((one) => [one.exam.id, one.fate])).toEqual([["1", "lost"], ["2", "open"]]);
});

test("a sound is for a new read only", () => {
  const before = fromList([pooled("1")]);
  expect(arrived(before, [pooled("1")])).toBe(false);
  expect(arrived(before, [pooled("1"), pooled("3")])).toBe(true);
});

test.each([["claim_lost", "lost"], ["claim_stale", "gone"], ["claim_ineligible", null], ["busy", null]])("%s means %s", (code, fate) =>
  expect(fateOf(code)).toBe(fate));
