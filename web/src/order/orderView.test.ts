import { expect, test } from "vitest";
import type { Order } from "@/wire/types";
import { newer, sortToday, stageOf, vitalsOf } from "./orderView";

export const order = (more: Partial<Order> = {}): Order => ({
  id: "1", version: 1, state: "booked", channel: "home_direct", kind: "follow_up", urgency: "normal", visit_id: "7", room_id: "r",
  clinic: null, slot_starts_at: "2026-11-21T06:00:00Z", patient: null, doctor: null, inviting: null, complaint: "", prior_diagnosis: null,
  consents: [], created_at: "2026-11-21T01:00:00Z", claimed_at: null, live_at: null, ended_at: null, signed_at: null, note: null, actions: [], ...more,
});

test.each<[string, Partial<Order>, boolean, string]>([
  ["consents come before anything else", { state: "booked", actions: ["check_in"] }, true, "consents"],
  ["too early to come in", { state: "booked" }, false, "before"],
  ["the waiting room is open", { state: "booked", actions: ["check_in"] }, false, "check_in"],
  ["nobody has taken it yet", { state: "pooled" }, false, "searching"],
  ["in the waiting room", { state: "waiting" }, false, "waiting"],
  ["the doctor let us in", { state: "live" }, true, "enter"],
  ["the doctor writes", { state: "documenting" }, false, "writing"],
  ["signed", { state: "signed" }, false, "result"],
  ["closed", { state: "closed" }, true, "result"],
  ["cancelled", { state: "cancelled" }, true, "ended"],
])("%s", (_, more, open, stage) => expect(stageOf(order(more), open)).toBe(stage));

test("who waits comes before who will come, the urgent first, then the earlier", () => {
  const list = [
    order({ id: "later", slot_starts_at: "2026-11-21T08:00:00Z" }), order({ id: "done", state: "closed" }), order({ id: "sooner" }),
    order({ id: "waits", state: "waiting" }), order({ id: "urgent", state: "waiting", urgency: "urgent", slot_starts_at: "2026-11-21T09:00:00Z" }),
    order({ id: "now", state: "live" }),
  ];
  expect(sortToday(list).map((one) => one.id)).toEqual(["now", "urgent", "waits", "sooner", "later", "done"]);
});

test("an overtaken answer does not turn the clock back", () => {
  const known = order({ version: 5 });
  expect(newer(known, order({ version: 4 }))).toBe(known);
  expect(newer(known, order({ version: 6 })).version).toBe(6);
  expect(newer(known, order({ id: "2", version: 1 })).id).toBe("2");
});

test("vitals are shown in one order, whatever order they came in", () => {
  expect(vitalsOf({ vitals: { pulse: 80, temperature: "36.6", secret: {} } })).toEqual([
    { name: "temperature", value: "36.6" }, { name: "pulse", value: "80" },
  ]);
});
