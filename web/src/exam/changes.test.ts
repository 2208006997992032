import { expect, test } from "vitest";
import { changes, clausesOf } from "./changes";

const said = (before: string, after: string) => changes(before, after).map((one) => `${{ same: "=", gone: "-", new: "+" }[one.kind]}${one.text}`);

test("a text falls into clauses and nothing of it is lost", () => {
  const text = "右肺下叶见结节，大小约 8.5 mm；边界清。\n心影不大";
  expect(clausesOf(text).join("")).toBe(text);
  expect(clausesOf("")).toEqual([]);
});
test("the same text has no change", () => expect(said("双肺清晰。心影不大。", "双肺清晰。心影不大。")).toEqual(["=双肺清晰。心影不大。"]));
test("one clause is replaced, the rest stays", () => {
  expect(said("双肺清晰。心影不大。膈面光整。", "双肺清晰。心影增大。膈面光整。")).toEqual(["=双肺清晰。", "-心影不大。", "+心影增大。", "=膈面光整。"]);
});
test("words are added at the end or taken away", () => {
  expect(said("未见异常。", "未见异常。建议复查。")).toEqual(["=未见异常。", "+建议复查。"]);
  expect(said("a. b. c.", "a. c.")).toEqual(["=a.", "- b.", "= c."]);
});
test("the pieces of either side give that side again", () => {
  const [before, after] = ["a, b; c. d", "x, b; d. e"];
  const pieces = changes(before, after);
  expect(pieces.filter((one) => one.kind !== "new").map((one) => one.text).join("")).toBe(before);
  expect(pieces.filter((one) => one.kind !== "gone").map((one) => one.text).join("")).toBe(after);
});
