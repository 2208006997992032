import type { Group } from "./waveform";

/** ECG paper: millimetres, with 1 mm and 5 mm lines. Everything here is geometry in millimetres; one factor makes it pixels. */
export const SPEEDS = [12.5, 25, 50] as const;
export const GAINS = [5, 10, 20] as const;
export type LayoutId = "3x4+1" | "6x2" | "12x1";
export const LAYOUTS: readonly LayoutId[] = ["3x4+1", "6x2", "12x1"];

export interface Scale {
  /** CSS pixels of this screen per true millimetre. */
  pxPerMm: number;
  /** mm per second. */
  speed: number;
  /** mm per millivolt. */
  gain: number;
}

export const mmOfSeconds = (scale: Scale, seconds: number): number => seconds * scale.speed;
export const mmOfUv = (scale: Scale, uv: number): number => (uv / 1_000) * scale.gain;
export const secondsOfMm = (scale: Scale, mm: number): number => mm / scale.speed;
export const uvOfMm = (scale: Scale, mm: number): number => (mm / scale.gain) * 1_000;

/** The pulse before every row (IEC 60601-2-25): 1 mV for 200 ms, so 10 mm by 5 mm at 10 mm/mV and 25 mm/s. */
export const PULSE = { uv: 1_000, seconds: 0.2 };

const COLUMNS: Record<LayoutId, readonly (readonly string[])[]> = {
  "3x4+1": [["I", "II", "III"], ["aVR", "aVL", "aVF"], ["V1", "V2", "V3"], ["V4", "V5", "V6"]],
  "6x2": [["I", "II", "III", "aVR", "aVL", "aVF"], ["V1", "V2", "V3", "V4", "V5", "V6"]],
  "12x1": [["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]],
};
const ROW_MM: Record<LayoutId, number> = { "3x4+1": 30, "6x2": 22.5, "12x1": 17.5 };

/** One lead over one stretch of time. */
export interface Strip { lead: string; row: number; fromS: number; toS: number; xMm: number; rhythm: boolean; missing: boolean }
export interface Sheet {
  widthMm: number;
  heightMm: number;
  /** Where the time axis begins; left of it stands the pulse. */
  startMm: number;
  fromS: number;
  toS: number;
  rowMm: number;
  baselines: number[];
  strips: Strip[];
}

/** How much of a recording one sheet shows. */
export const SHEET_S = 10;
const EDGE_MM = 5;

/** Leads over rows and columns. Columns follow one another in time, and all leads of a column are of the same time. */
export function sheetOf(group: Group, layout: LayoutId, scale: Scale, fromS = 0): Sheet {
  const names = new Set(group.leads.map((lead) => lead.name));
  const known = COLUMNS[layout].flat().some((name) => names.has(name));
  // A recording of other leads (three of a monitor, Frank's XYZ) is drawn one below the other.
  const columns = known ? COLUMNS[layout] : [group.leads.map((lead) => lead.name)];
  const rhythm = known && layout === "3x4+1" && names.has("II");
  const from = Math.max(0, Math.min(fromS, group.seconds - 1));
  const span = Math.min(SHEET_S, group.seconds - from);
  const each = span / columns.length;
  const rows = Math.max(...columns.map((column) => column.length)) + (rhythm ? 1 : 0);
  const rowMm = ROW_MM[layout] * Math.max(1, scale.gain / 10);
  const startMm = EDGE_MM + mmOfSeconds(scale, PULSE.seconds) + EDGE_MM;
  const strips = columns.flatMap((column, c) => column.map((lead, row): Strip => ({
    lead, row, fromS: from + c * each, toS: from + (c + 1) * each, xMm: startMm + mmOfSeconds(scale, c * each), rhythm: false, missing: !names.has(lead),
  })));
  if (rhythm) strips.push({ lead: "II", row: rows - 1, fromS: from, toS: from + span, xMm: startMm, rhythm: true, missing: false });
  return {
    widthMm: Math.ceil((startMm + mmOfSeconds(scale, span) + EDGE_MM) / 5) * 5, heightMm: Math.ceil((rows * rowMm) / 5) * 5, startMm,
    fromS: from, toS: from + span, rowMm, baselines: Array.from({ length: rows }, (_, row) => (row + 0.55) * rowMm), strips,
  };
}

/** Where a moment stands on the sheet, and back: the whole sheet is one line of time. */
export const xOfTime = (sheet: Sheet, scale: Scale, s: number): number => sheet.startMm + mmOfSeconds(scale, s - sheet.fromS);
export const timeOfX = (sheet: Sheet, scale: Scale, xMm: number): number => sheet.fromS + secondsOfMm(scale, xMm - sheet.startMm);
export const rowOfY = (sheet: Sheet, yMm: number): number => Math.max(0, Math.min(sheet.baselines.length - 1, Math.floor(yMm / sheet.rowMm)));
export const uvOfY = (sheet: Sheet, scale: Scale, row: number, yMm: number): number => uvOfMm(scale, (sheet.baselines[row] ?? 0) - yMm);
export const yOfUv = (sheet: Sheet, scale: Scale, row: number, uv: number): number => (sheet.baselines[row] ?? 0) - mmOfUv(scale, uv);
