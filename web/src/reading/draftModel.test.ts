import { expect, test } from "vitest";
import { draftState, emptyText, gapsOf, onFresh, savedOf, withTemplate, type Saved, type Text } from "./draftModel";

const text = (more: Partial<Text> = {}): Text => ({ findings: "右肺下叶结节", impression: "建议复查", template: "", ...more });
const saved = (version: number, of: Text): Saved => ({ version, savedAt: "2026-11-21T06:00:00Z", text: of });
const still = { busy: false, failed: false, stale: false };
const template = (id: string, findings: string, impression = "") => ({ id, modality: "CT" as const, title: id, findings, impression });

test.each<[string, Text, Saved, Partial<typeof still>, string]>([
  ["nothing written", emptyText(), saved(0, emptyText()), {}, "blank"],
  ["typed since", text(), saved(0, emptyText()), {}, "dirty"],
  ["every letter is kept", text(), saved(3, text()), {}, "saved"],
  ["on its way", text(), saved(3, emptyText()), { busy: true }, "saving"],
  ["the line is broken", text(), saved(3, emptyText()), { failed: true }, "offline"],
  ["kept after all, whatever failed before", text(), saved(3, text()), { failed: true }, "saved"],
  ["another window wrote", text(), saved(3, emptyText()), { stale: true, busy: true }, "stale"],
])("%s", (_, now, kept, around, state) => expect(draftState(now, kept, { ...still, ...around })).toBe(state));

test("a closed browser finds its words again", () => {
  const draft = { draft_version: 4, findings: "a", impression: "b", template: "ct-chest", saved_at: "2026-11-21T06:00:00Z" };
  expect(savedOf({ draft })).toEqual({ version: 4, savedAt: draft.saved_at, text: { findings: "a", impression: "b", template: "ct-chest" } });
  expect(savedOf({ draft: null }).version).toBe(0);
});

test("what another window saved is taken over only if nothing is lost", () => {
  const mine = saved(2, text());
  expect(onFresh(text(), mine, saved(2, text()))).toBe("keep");
  expect(onFresh(text(), mine, saved(3, text({ findings: "x" })))).toBe("adopt");
  expect(onFresh(text({ findings: "typed" }), mine, saved(3, text({ findings: "x" })))).toBe("stale");
  expect(onFresh(text({ findings: "x" }), mine, saved(3, text({ findings: "x" })))).toBe("adopt");
});

test("an answer that was lost on the way counts once it is seen", () =>
  expect(onFresh(text(), saved(0, emptyText()), saved(1, text()))).toBe("adopt"));

test("a signature needs findings and an impression", () => {
  expect(gapsOf(emptyText())).toEqual(["findings", "impression"]);
  expect(gapsOf(text({ impression: "  " }))).toEqual(["impression"]);
});

test("a template fills what is empty and never eats own words", () => {
  const chest = template("chest", "双肺清晰", "未见异常");
  const head = template("head", "脑实质未见异常");
  const filled = withTemplate(emptyText(), chest, null);
  expect(filled).toEqual({ findings: "双肺清晰", impression: "未见异常", template: "chest" });
  expect(withTemplate(filled, head, chest).findings).toBe("脑实质未见异常");
  expect(withTemplate(text(), chest, null).findings).toBe("右肺下叶结节\n双肺清晰");
  expect(withTemplate({ ...text(), findings: "双肺清晰。多一句" }, chest, null).findings).toBe("双肺清晰。多一句");
});
