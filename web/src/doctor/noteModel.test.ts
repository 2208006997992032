import { expect, test } from "vitest";
import type { Note } from "@/wire/types";
import { bodyOf, draftOf, gapsOf, noteState, savedAs, type Draft } from "./noteModel";

const draft = (more: Partial<Draft> = {}): Draft => ({ code: "I10", diagnosis: "高血压", text: "血压控制平稳", advice: "继续服药", ...more });
const note = (more: Partial<Note> = {}): Note => ({ ...savedAs(draft(), 2), ...more });

test("an empty form is blank, a touched one is not saved", () => {
  expect(noteState(draftOf(null), null)).toBe("blank");
  expect(noteState(draft(), null)).toBe("dirty");
});
test("saved means word for word", () => {
  expect(noteState(draft(), note())).toBe("saved");
  expect(noteState(draft({ advice: "" }), note())).toBe("dirty");
});
test("a signed note is signed whatever the form says", () => expect(noteState(draft({ text: "x" }), note({ signed: true }))).toBe("signed"));
test("a signature needs a diagnosis and a text", () => {
  expect(gapsOf(draftOf(null))).toEqual(["diagnosis", "text"]);
  expect(gapsOf(draft())).toEqual([]);
});
test("what is sent is trimmed", () => expect(bodyOf(draft({ text: " a " }), 4)).toMatchObject({ version: 4, text: "a" }));
