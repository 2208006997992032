import { describe, expect, test } from "vitest";
import { begun, grabbed, middle, moved, nudged, readAmplitude, readTime } from "./caliper";
import { drawEcg, glassOf } from "./draw";
import { mmOfSeconds, mmOfUv, PULSE, sheetOf, timeOfX, uvOfY, xOfTime, yOfUv, type LayoutId, type Scale } from "./paper";
import { ecgOf, leadName, TWELVE, type Group } from "./waveform";

const SCALE: Scale = { pxPerMm: 4, speed: 25, gain: 10 };
const group = (seconds = 10, names: readonly string[] = TWELVE, hz = 500): Group => ({
  label: "rhythm", hz, seconds, filters: { highPassHz: null, lowPassHz: null, notchHz: null },
  leads: names.map((name) => ({ name, uv: new Float32Array(seconds * hz) })),
});

describe("paper true to scale", () => {
  test("1 mV for 200 ms is 10 mm by 5 mm", () => {
    expect([mmOfUv(SCALE, PULSE.uv), mmOfSeconds(SCALE, PULSE.seconds)]).toEqual([10, 5]);
    expect([mmOfUv({ ...SCALE, gain: 20 }, 1_000), mmOfSeconds({ ...SCALE, speed: 50 }, 0.2)]).toEqual([20, 10]);
  });

  test("ten seconds are a quarter of a metre, and the glass has the pixels for it", () => {
    const sheet = sheetOf(group(), "3x4+1", SCALE);
    expect(xOfTime(sheet, SCALE, 10) - xOfTime(sheet, SCALE, 0)).toBe(250);
    expect(glassOf(sheet, SCALE, 2)).toEqual({ width: sheet.widthMm * 8, height: sheet.heightMm * 8, pxPerMm: 8 });
  });

  test("the pulse that is drawn has those millimetres in pixels", () => {
    const path: [number, number][] = [];
    const none = () => undefined;
    const pen = { fillStyle: "", strokeStyle: "", lineWidth: 0, lineJoin: "", font: "", textBaseline: "", beginPath: none, stroke: none, fillRect: none,
      fillText: none, setLineDash: none, moveTo: (x: number, y: number) => void path.push([x, y]), lineTo: (x: number, y: number) => void path.push([x, y]) };
    const sheet = sheetOf(group(1, ["II"], 10), "12x1", SCALE);
    path.length = 0;
    drawEcg(pen as unknown as CanvasRenderingContext2D, { width: 0, height: 0, pxPerMm: 4 }, group(1, [], 10), { ...sheet, strips: [] }, SCALE);
    const first = path.slice(-6 * sheet.baselines.length).slice(0, 6);
    const [xs, ys] = [first.slice(1, 5).map(([x]) => x), first.map(([, y]) => y)];
    expect(Math.max(...xs) - Math.min(...xs)).toBeCloseTo(5 * 4);
    expect(Math.max(...ys) - Math.min(...ys)).toBeCloseTo(10 * 4);
  });
});

describe("layouts", () => {
  test.each<[LayoutId, number, number]>([["3x4+1", 4, 13], ["6x2", 6, 12], ["12x1", 12, 12]])("%s has %i rows and %i strips", (layout, rows, strips) => {
    const sheet = sheetOf(group(), layout, SCALE);
    expect([sheet.baselines.length, sheet.strips.length]).toEqual([rows, strips]);
  });
  test("all leads of a column are of the same time, and columns follow one another", () => {
    const { strips } = sheetOf(group(), "3x4+1", SCALE);
    const of = (lead: string) => strips.find((one) => one.lead === lead && !one.rhythm);
    expect([of("V1")?.fromS, of("V3")?.fromS, of("V4")?.fromS, of("aVR")?.toS]).toEqual([5, 5, 7.5, 5]);
    expect(strips.find((one) => one.rhythm)).toMatchObject({ lead: "II", fromS: 0, toS: 10, row: 3 });
  });
  test("a short record fills its columns, a long one is leafed through, a missing lead is named", () => {
    expect(sheetOf(group(8), "6x2", SCALE).strips.map((one) => one.toS).slice(-1)).toEqual([8]);
    expect(sheetOf(group(60), "12x1", SCALE, 20)).toMatchObject({ fromS: 20, toS: 30 });
    expect(sheetOf(group(10, ["I", "II"]), "6x2", SCALE).strips.filter((one) => one.missing)).toHaveLength(10);
  });
  test("leads nobody knows are drawn one below the other", () => {
    expect(sheetOf(group(10, ["X", "Y", "Z"]), "3x4+1", SCALE).strips.map((one) => [one.lead, one.row])).toEqual([["X", 0], ["Y", 1], ["Z", 2]]);
  });
});

describe("calipers", () => {
  const sheet = sheetOf(group(), "3x4+1", SCALE);
  test("a time caliper says milliseconds and beats a minute", () => {
    const caliper = moved(begun("time", sheet, SCALE, 40, 10), "b", sheet, SCALE, 60, 10);
    expect(readTime(caliper)).toEqual({ ms: 800, bpm: 75 });
    expect(readTime({ ...caliper, b: caliper.a + 0.1 }).bpm).toBeNull();
  });
  test("an amplitude caliper says millivolts over its own row", () => {
    const y = yOfUv(sheet, SCALE, 1, 0);
    const caliper = moved(begun("amplitude", sheet, SCALE, 40, y), "b", sheet, SCALE, 40, y - 12.5);
    expect([caliper.row, readAmplitude(caliper)]).toEqual([1, 1.25]);
    expect(uvOfY(sheet, SCALE, 1, y - 10)).toBeCloseTo(1_000);
  });
  test("its lines can be taken hold of, and moved by keys", () => {
    const caliper = middle("time", sheet, SCALE);
    const x = xOfTime(sheet, SCALE, caliper.b);
    expect([grabbed(caliper, sheet, SCALE, x + 1, 5, 2), grabbed(caliper, sheet, SCALE, x + 9, 5, 2)]).toEqual(["b", null]);
    expect(readTime(caliper).ms).toBe(200);
    const wider = nudged(caliper, "b", SCALE, "ArrowRight", false);
    expect(wider && readTime(wider).ms).toBe(220);
    expect(nudged(caliper, "b", SCALE, "ArrowUp", false)).toBeNull();
  });
  test("time and place are one another's inverse", () => expect(timeOfX(sheet, SCALE, xOfTime(sheet, SCALE, 3.21))).toBeCloseTo(3.21));
});

describe("what the archive tells", () => {
  test("leads are named as cardiologists name them", () => {
    expect(["Lead I (Einthoven)", "aVR, augmented voltage, right", "MDC_ECG_LEAD_V1", "lead avf", "Lead X"].map(leadName)).toEqual(["I", "aVR", "V1", "aVF", "X"]);
  });
  test("samples come as numbers or packed, groups inside or alone", () => {
    const packed = btoa(String.fromCharCode(0x64, 0x00, 0x9c, 0xff));
    const ecg = ecgOf({ start_at: "2026-08-01T09:00:00Z", groups: [
      { label: "rhythm", hz: 2, leads: [{ name: "Lead II", samples_b64: packed, uv_per_unit: 2.5 }], filters: { low_pass_hz: 150 } },
      { label: "median", hz: 2, leads: [{ name: "II", samples_uV: [1, 2, 3, 4] }] },
    ] });
    expect(ecg?.groups.map((one) => [one.label, one.seconds, [...(one.leads[0]?.uv ?? [])]])).toEqual([["rhythm", 1, [250, -250]], ["median", 2, [1, 2, 3, 4]]]);
    expect(ecg?.groups[0]?.filters).toEqual({ highPassHz: null, lowPassHz: 150, notchHz: null });
    expect(ecgOf({ hz: 4, leads: [{ name: "I", samples_uV: [5] }] })?.groups).toHaveLength(1);
  });
  test("samples marked as missing are gaps, and what was taken for granted is told", () => {
    const ecg = ecgOf({ hz: 4, assumed: ["units_uv"], leads: [{ name: "I", samples_uV: [1, 2, 3, 4], gaps: [[1, 2]] }] });
    expect([...(ecg?.groups[0]?.leads[0]?.uv ?? [])]).toEqual([1, NaN, NaN, 4]);
    expect(ecg?.assumed).toEqual(["units_uv"]);
  });
  test.each([null, [], {}, { hz: 0, leads: [] }, { groups: [{ leads: [{ name: "I" }] }] }])("nothing to draw: %j", (raw) => expect(ecgOf(raw)).toBeNull());
});
