import { expect, test } from "vitest";
import type { Waiting } from "@/wire/types";
import { waitingView } from "./waitingView";

const waiting = (more: Partial<Waiting>): Waiting => ({ position: 3, ahead: 2, estimate_minutes: 25, doctor_present: true, opens_at: null, ...more });

test("a place and an estimate", () => {
  const view = waitingView(waiting({}));
  expect([view.place, view.estimate]).toEqual([{ key: "waiting.ahead", params: { n: 2, place: 3 } }, { key: "waiting.minutes", params: { n: 25 } }]);
});
test("the next one is told so", () => expect(waitingView(waiting({ position: 1, ahead: 0 })).place.key).toBe("waiting.next"));
test.each([null, "unknown"] as const)("an estimate of %s is not made up", (estimate_minutes) =>
  expect(waitingView(waiting({ estimate_minutes }))).toMatchObject({ minutes: null, estimate: { key: "waiting.unknown" } }));
test("an absent doctor is not hidden", () => expect(waitingView(waiting({ doctor_present: false })).doctor.key).toBe("waiting.doctorAway"));
