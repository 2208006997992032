import { expect, test } from "vitest";
import type { Channel, Consent, ConsentKind, ConsentText } from "@/wire/types";
import { consentsPending, consentsView } from "./consentModel";

const text = (kind: ConsentKind, required_for: Channel[] = ["home_direct"], version = 1): ConsentText =>
  ({ kind, version, locale: "en", title: kind, text: "…", hash: "0".repeat(64), required: required_for.length > 0, required_for });
const gave = (kind: ConsentKind, granted = true, version = 1, at = "2026-11-21T01:00:00Z"): Consent =>
  ({ kind, version, granted, at, by: { account_id: "1", name: "p" } });
const TEXTS = [
  text("recording"), text("service", ["home_direct", "assisted"]), text("sensitive_data", ["home_direct", "assisted"]), text("record_sharing", ["assisted"]),
];
const home = (given: Consent[], texts = TEXTS) => consentsView("home_direct", texts, given);
const assisted = (given: Consent[]) => consentsView("assisted", TEXTS, given);
const BASE = [gave("service"), gave("sensitive_data")];

test("one at a time, the service first", () => {
  expect(home([]).open?.kind).toBe("service");
  expect(home([gave("service")]).open?.kind).toBe("sensitive_data");
});
test("when all are given nothing is pending", () => {
  const view = home([...BASE, gave("recording")]);
  expect([consentsPending(view), view.answered, view.total]).toEqual([false, 3, 3]);
});
test("from home, recording refused stops the visit", () => {
  const view = home([...BASE, gave("recording", false)]);
  expect(view.refused.map((one) => one.kind)).toEqual(["recording"]);
  expect(consentsPending(view)).toBe(true);
});
test("at a township the record is shared, and recording is a choice", () => {
  expect(assisted(BASE).open).toMatchObject({ kind: "record_sharing", must: true });
  expect(assisted([...BASE, gave("record_sharing")]).open).toMatchObject({ kind: "recording", must: false });
  expect(consentsPending(assisted([...BASE, gave("record_sharing"), gave("recording", false)]))).toBe(false);
});
test("the last answer counts", () => {
  const given = [gave("service", true, 1, "2026-11-21T02:00:00Z"), gave("service", false, 1, "2026-11-21T01:00:00Z")];
  expect(consentsPending(home(given, [text("service")]))).toBe(false);
});
test("an answer to an older text does not count for the new one", () =>
  expect(home([gave("service")], [text("service", ["home_direct"], 2)]).open?.kind).toBe("service"));
