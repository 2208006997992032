import { expect, test } from "vitest";
import type { Consent, ConsentKind, ConsentText } from "@/wire/types";
import { consentsPending, consentsView } from "./consentModel";

const text = (kind: ConsentKind, required = true, version = 1): ConsentText =>
  ({ kind, version, locale: "en", title: kind, text: "…", hash: "0".repeat(64), required });
const gave = (kind: ConsentKind, granted = true, version = 1, at = "2026-11-21T01:00:00Z"): Consent =>
  ({ kind, version, granted, at, by: { account_id: "1", name: "p" } });
const TEXTS = [text("recording"), text("service"), text("sensitive_data")];

test("one at a time, the service first", () => {
  expect(consentsView(TEXTS, []).open?.kind).toBe("service");
  expect(consentsView(TEXTS, [gave("service")]).open?.kind).toBe("sensitive_data");
});
test("when all are given nothing is pending", () => {
  const view = consentsView(TEXTS, [gave("service"), gave("sensitive_data"), gave("recording")]);
  expect([consentsPending(view), view.answered, view.total]).toEqual([false, 3, 3]);
});
test("a required one refused stops the visit", () => {
  const view = consentsView(TEXTS, [gave("service"), gave("sensitive_data"), gave("recording", false)]);
  expect(view.refused.map((one) => one.kind)).toEqual(["recording"]);
  expect(consentsPending(view)).toBe(true);
});
test("an optional one refused does not", () =>
  expect(consentsPending(consentsView([text("recording", false)], [gave("recording", false)]))).toBe(false));
test("the last answer counts", () => {
  const given = [gave("service", true, 1, "2026-11-21T02:00:00Z"), gave("service", false, 1, "2026-11-21T01:00:00Z")];
  expect(consentsPending(consentsView([text("service")], given))).toBe(false);
});
test("an answer to an older text does not count for the new one", () =>
  expect(consentsView([text("service", true, 2)], [gave("service")]).open?.kind).toBe("service"));
