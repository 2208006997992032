import { describe, expect, test } from "vitest";
import type { DataSet } from "@/wire/dicomweb";
import { paletteOf, prepared, unrolled } from "./prepare";
import { keyAct, prefetchOrder, stepTo, Wheel } from "./stackModel";
import { CT_PRESETS, presetNamed, presetsOf, rangeOf, storedWindows, windowOf } from "./windows";

describe("windows", () => {
  test("centre and width become the first and last grey of the standard, and back", () => {
    expect(rangeOf({ center: 40, width: 400 })).toEqual({ lower: -160, upper: 239 });
    for (const { window } of CT_PRESETS) expect(windowOf(rangeOf(window))).toEqual(window);
  });
  test("the modality's own windows are offered, senseless ones are not", () => {
    const set: DataSet = { "00281050": { vr: "DS", Value: ["40", "300"] }, "00281051": { vr: "DS", Value: [400, 0] }, "00281055": { vr: "LO", Value: ["WINDOW1"] } };
    expect(storedWindows(set)).toEqual([{ center: 40, width: 400, words: "WINDOW1" }]);
  });
  test("a preset is named while its window is shown; only CT has Hounsfield presets", () => {
    expect(presetNamed({ center: -600.2, width: 1500.4 }, CT_PRESETS)).toBe("lung");
    expect(presetNamed({ center: 0, width: 1 }, CT_PRESETS)).toBe("");
    expect(presetsOf("DX")).toEqual([]);
  });
});

describe("hands and keys", () => {
  const key = (name: string, more = {}) => keyAct({ key: name, ctrlKey: false, metaKey: false, altKey: false, ...more });
  test("keys leaf, choose and measure, and leave the browser its own", () => {
    expect(key("PageDown")).toEqual({ do: "step", by: 10 });
    expect(key("L")).toEqual({ do: "tool", tool: "length" });
    expect(key("3")).toEqual({ do: "preset", n: 3 });
    expect(key("r", { ctrlKey: true })).toBeNull();
    expect(key("q")).toBeNull();
  });
  test("the ends of a stack hold", () => {
    expect([stepTo(0, -1, 5), stepTo(3, 10, 5), stepTo(0, 1, 0)]).toEqual([0, 4, 0]);
  });
  test("what is near is fetched first, and everything once", () => {
    expect(prefetchOrder(6, 2)).toEqual([2, 3, 1, 4, 0, 5]);
    expect(prefetchOrder(1, 0)).toEqual([0]);
    expect(new Set(prefetchOrder(300, 299)).size).toBe(300);
  });
  test("a mouse wheel steps by ones, a touchpad collects", () => {
    const wheel = new Wheel();
    expect([wheel.steps({ deltaY: 120, deltaMode: 0 }, 0), wheel.steps({ deltaY: -3, deltaMode: 1 }, 10)]).toEqual([1, -1]);
    const pad = new Wheel();
    expect([0, 10, 20, 30].map((at) => pad.steps({ deltaY: 10, deltaMode: 0 }, at))).toEqual([0, 0, 1, 0]);
  });
});

describe("palettes", () => {
  test("words, or bytes where eight bits were packed", () => {
    expect(paletteOf(Uint8Array.of(1, 0, 2, 1), 2)).toEqual([1, 258]);
    expect(paletteOf(Uint8Array.of(1, 2, 3, 0), 3)).toEqual([1, 2, 3]);
  });
  test("segments are unrolled: listed, straight lines, earlier ones again", () => {
    expect(unrolled([0, 2, 10, 20, 1, 4, 60], 6)).toEqual([10, 20, 30, 40, 50, 60]);
    expect(unrolled([0, 2, 7, 8, 2, 1, 0, 0], 4)).toEqual([7, 8, 7, 8]);
    expect(unrolled([9, 9, 9], 4)).toEqual([]);
  });
  test("a data set carries its palette as numbers, and the plate's spacing where the body's is unknown", () => {
    const set: DataSet = {
      "00280004": { vr: "CS", Value: ["PALETTE COLOR"] }, "00281101": { vr: "US", Value: [2, 0, 16] },
      "00281201": { vr: "OW", InlineBinary: btoa("\x00\x01\xff\xff") }, "00181164": { vr: "DS", Value: [0.2, 0.3] },
    };
    expect(prepared(set)["00281201"]?.Value).toEqual([256, 65535]);
    expect(prepared(set)["00280030"]?.Value).toEqual([0.2, 0.3]);
  });
});
