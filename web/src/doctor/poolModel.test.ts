import { expect, test } from "vitest";
import type { Offer } from "@/wire/types";
import { fateOf, fromList, withChange, withFate, without } from "./poolModel";

const offer = (order_id: string, more: Partial<Offer> = {}): Offer => ({
  order_id, version: 1, nonce: "n", age_band: "60-69", sex: "male", complaint: "c", specialty: "general", urgency: "normal", care_level: "L2",
  waiting_since: "2026-11-21T01:00:00Z", level: 0, township: "t", ...more,
});
const ids = (entries: { offer: Offer }[]) => entries.map((one) => one.offer.order_id);

test("the urgent first, then who waited longest", () => {
  const list = [offer("2", { waiting_since: "2026-11-21T02:00:00Z" }), offer("1"), offer("3", { urgency: "emergency", waiting_since: "2026-11-21T03:00:00Z" })];
  expect(ids(fromList(list))).toEqual(["3", "1", "2"]);
});
test("a new offer arrives once", () => {
  const first = withChange([], { op: "added", order_id: "1", offer: offer("1") });
  expect([ids(first.entries), first.arrived]).toEqual([["1"], true]);
  expect(withChange(first.entries, { op: "changed", order_id: "1", offer: offer("1", { version: 2 }) }).arrived).toBe(false);
});
test("an event without the offer asks for the list", () =>
  expect(withChange([], { op: "added", order_id: "1" })).toMatchObject({ incomplete: true, arrived: false }));
test("an offer taken by somebody else stays readable as gone", () =>
  expect(withChange(fromList([offer("1")]), { op: "removed", order_id: "1" }).entries[0]?.fate).toBe("gone"));
test("the news of a lost claim is not overwritten by the removal", () => {
  const lost = withFate(fromList([offer("1")]), "1", "lost");
  expect(withChange(lost, { op: "removed", order_id: "1" }).entries[0]?.fate).toBe("lost");
});
test("news survive a fresh list until dismissed; an offer that came back is open again", () => {
  const lost = withFate(fromList([offer("1")]), "1", "lost");
  expect(fromList([offer("2")], lost)).toHaveLength(2);
  expect(fromList([offer("1")], lost)).toEqual([{ offer: offer("1"), fate: "open" }]);
  expect(without(lost, "1")).toEqual([]);
});
test.each([["claim_lost", "lost"], ["claim_stale", "gone"], ["claim_ineligible", null], ["outcome_unknown", null]])("%s means %s", (code, fate) =>
  expect(fateOf(code)).toBe(fate));
