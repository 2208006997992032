import { expect, test } from "vitest";
import type { Alert } from "@/wire/types";
import { rings, waiting } from "./alertModel";

const alert = (more: Partial<Alert> = {}): Alert => ({
  id: "1", exam_id: "5", visit_id: null, modality: "ECG", procedure: "", person_name: null, finding: "ST", raised_at: "2026-11-21T06:00:00Z", raised_by_name: "",
  step: 1, acknowledged_at: null, acknowledged_by_name: null, note: null, ...more,
});

test("the longest-waiting is first, the acknowledged is gone", () => {
  const list = [alert({ id: "b", raised_at: "2026-11-21T06:05:00Z" }), alert({ id: "a" }), alert({ id: "c", acknowledged_at: "2026-11-21T06:06:00Z" })];
  expect(waiting(list).map((one) => one.id)).toEqual(["a", "b"]);
});
test("it rings when somebody is paged, and paged again, and not when the list is merely read again", () => {
  expect(rings([], [alert()])).toBe(true);
  expect(rings([alert()], [alert()])).toBe(false);
  expect(rings([alert()], [alert({ step: 2 })])).toBe(true);
  expect(rings([], [alert({ acknowledged_at: "2026-11-21T06:06:00Z" })])).toBe(false);
});
