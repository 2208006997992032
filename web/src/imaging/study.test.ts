import { describe, expect, test } from "vitest";
import type { DataSet } from "@/wire/dicomweb";
import { age, dateTime, personName } from "./dicom";
import { marksOf, seriesOf, spacingOf, stackOf, towards } from "./study";

const set = (values: Record<string, unknown[]>): DataSet => Object.fromEntries(Object.entries(values).map(([tag, Value]) => [tag, { vr: "", Value }]));
const slice = (n: number, z: number, more: Record<string, unknown[]> = {}): DataSet => set({
  "00080018": [`1.${n}`], "00200013": [n], "00200032": [0, 0, z], "00200037": [1, 0, 0, 0, 1, 0], "00280010": [4], "00280011": [4], ...more,
});

describe("a study", () => {
  test("lists its series by number, and knows which hold pictures", () => {
    const row = (uid: string, modality: string, n?: number) => set({ "0020000E": [uid], "00080060": [modality], ...(n === undefined ? {} : { "00200011": [n] }) });
    expect(seriesOf([row("c", "SR"), row("b", "CT", 2), row("a", "ECG", 1)]).map((one) => [one.uid, one.kind])).toEqual([["a", "waveform"], ["b", "image"], ["c", "other"]]);
  });

  test("is leafed through by instance number, frames in order", () => {
    const { slices } = stackOf("1", "2", [slice(2, 5), slice(1, 0, { "00280008": ["2"] })]);
    expect(slices.map((one) => one.url)).toEqual(["1/frames/1", "1/frames/2", "2/frames/1"].map((end) => `/dicomweb/studies/1/series/2/instances/1.${end}`));
  });

  test("without instance numbers it is leafed through by position", () => {
    const { slices } = stackOf("1", "2", [slice(7, 10, { "00200013": [] }), slice(3, 5, { "00200013": [] })]);
    expect(slices.map((one) => one.sop)).toEqual(["1.3", "1.7"]);
  });

  test("a gap is counted, and mixed orientations are said", () => {
    const at = [0, 5, 10, 25, 30];
    expect(stackOf("1", "2", at.map((z, i) => slice(i + 1, z))).missing).toBe(2);
    const mixed = stackOf("1", "2", [...at.map((z, i) => slice(i + 1, z)), slice(9, 99, { "00200037": [0, 1, 0, 0, 0, -1] })]);
    expect(mixed).toMatchObject({ missing: 0, mixed: true });
  });

  test("objects without pixels are not pictures", () => expect(stackOf("1", "2", [set({ "00080018": ["1"] })]).slices).toEqual([]));
});

test("spacing says where it holds", () => {
  expect(spacingOf(set({ "00280030": [0.5, 0.7] }))).toEqual({ y: 0.5, x: 0.7, at: "patient" });
  expect(spacingOf(set({ "00181164": ["0.1", "0.1"] })).at).toBe("detector");
  expect(spacingOf(set({ "00280030": [0, 0] })).at).toBe("none");
});

test("the sides of a picture are named as the patient lay", () => {
  expect(marksOf(set({ "00200037": [1, 0, 0, 0, 1, 0] }))).toEqual({ left: "R", right: "L", top: "A", bottom: "P" });
  expect(marksOf(set({ "00200037": [0, 1, 0, 0, 0, -1] }))).toEqual({ left: "A", right: "P", top: "H", bottom: "F" });
  expect(marksOf(set({ "00200020": ["L", "F"] }))).toEqual({ left: "R", right: "L", top: "H", bottom: "F" });
  expect(towards([0.8, 0.6, 0.1])).toBe("LP");
  expect(marksOf(set({}))).toBeNull();
});

test("names, dates and ages read as people write them", () => {
  const name = (value: object) => personName({ "00100010": { vr: "PN", Value: [value] } });
  expect(name({ Alphabetic: "Wang^XiaoDong", Ideographic: "王^小东" })).toBe("王小东");
  expect(name({ Alphabetic: "Doe^Jane^^Dr" })).toBe("Doe Jane Dr");
  expect(name({})).toBe("");
  expect([dateTime("20260801", "093012.5"), dateTime("2026"), dateTime("20260801")]).toEqual(["2026-08-01 09:30", "", "2026-08-01"]);
  expect([age("045Y"), age("45")]).toEqual([{ n: 45, unit: "Y" }, null]);
});
