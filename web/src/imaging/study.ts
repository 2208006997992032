import { instancePath, type DataSet } from "@/wire/dicomweb";
import { number, numbers, TAG, text, words } from "./dicom";

/** image: pixels · waveform: an ECG · other: kept by the archive, not shown here (SR, PDF, presentation states …) */
export type SeriesKind = "image" | "waveform" | "other";

export interface Series {
  uid: string;
  kind: SeriesKind;
  modality: string;
  number: number | null;
  description: string;
  /** Instances the archive holds; frames may be more. */
  instances: number;
}

/** Modalities without pixels of their own. */
const OTHER = new Set(["SR", "PR", "KO", "DOC", "RTPLAN", "RTSTRUCT", "RTDOSE", "REG", "ANN", "SEG", "PLAN", "FID"]);
const WAVES = new Set(["ECG", "HD", "EPS", "RESP", "EEG"]);

export const kindOf = (modality: string): SeriesKind => (WAVES.has(modality) ? "waveform" : OTHER.has(modality) ? "other" : "image");

const seriesNumber = (set: DataSet): number | null => number(set, TAG.seriesNumber);

/** The series of a study as its list shows them: by number, those without one last. */
export function seriesOf(rows: readonly DataSet[]): Series[] {
  return rows.map((row) => ({
    uid: text(row, TAG.seriesUid), kind: kindOf(text(row, TAG.modality)), modality: text(row, TAG.modality),
    number: seriesNumber(row), description: text(row, TAG.seriesDescription), instances: number(row, TAG.seriesInstances) ?? 0,
  })).filter((one) => one.uid !== "").sort((a, b) => (a.number ?? Infinity) - (b.number ?? Infinity) || (a.uid < b.uid ? -1 : 1));
}

/** One picture of the stack: a frame of an instance. */
export interface Slice {
  /** Where its frame is fetched. */
  url: string;
  sop: string;
  frame: number;
  set: DataSet;
}

export interface Stack {
  slices: Slice[];
  /** Slices that seem to be missing between the first and the last; 0 where positions do not tell. */
  missing: number;
  /** More than one orientation: distances between slices mean nothing. */
  mixed: boolean;
}

type Vector = [number, number, number];
const vector = (values: number[], from = 0): Vector => [values[from] ?? 0, values[from + 1] ?? 0, values[from + 2] ?? 0];
const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** How far along the stack's own axis (mm), or null without position and orientation. */
function depthOf(set: DataSet): number | null {
  const [place, axes] = [numbers(set, TAG.position), numbers(set, TAG.orientation)];
  return place.length === 3 && axes.length === 6 ? dot(vector(place), cross(vector(axes), vector(axes, 3))) : null;
}

const orientationKey = (set: DataSet): string => numbers(set, TAG.orientation).map((value) => value.toFixed(2)).join(",");

function missingBetween(sets: readonly DataSet[]): number {
  const depths = sets.map(depthOf);
  if (sets.length < 4 || depths.some((depth) => depth === null)) return 0;
  const sorted = [...new Set((depths as number[]).map((depth) => Math.round(depth * 100) / 100))].sort((a, b) => a - b);
  const steps = sorted.slice(1).map((depth, i) => depth - (sorted[i] ?? 0));
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  if (usual <= 0) return 0;
  return steps.reduce((sum, step) => sum + Math.max(0, Math.round(step / usual) - 1), 0);
}

const hasPixels = (set: DataSet): boolean => number(set, TAG.rows) !== null && number(set, TAG.columns) !== null;

/** The pictures of a series in the order one leafs through them: by instance number, then by position, frames in order. */
export function stackOf(study: string, series: string, sets: readonly DataSet[]): Stack {
  const images = sets.filter(hasPixels);
  const sorted = [...images].sort((a, b) =>
    (number(a, TAG.instanceNumber) ?? 0) - (number(b, TAG.instanceNumber) ?? 0) || (depthOf(a) ?? 0) - (depthOf(b) ?? 0));
  const slices = sorted.flatMap((set) => {
    const sop = text(set, TAG.sopInstance);
    const base = instancePath(study, series, sop);
    return Array.from({ length: Math.max(1, number(set, TAG.frames) ?? 1) }, (_, i) => ({ url: `${base}/frames/${i + 1}`, sop, frame: i + 1, set }));
  });
  const mixed = new Set(images.map(orientationKey)).size > 1;
  return { slices, missing: mixed ? 0 : missingBetween(images), mixed };
}

export interface Spacing {
  /** mm between columns and between rows; 1 each in pixels. */
  x: number;
  y: number;
  /** patient: in the body · detector: on the plate, larger than the body part · none: distances are in pixels */
  at: "patient" | "detector" | "none";
}

/** What a pixel measures (PS3.3 10.7.1.3). Ultrasound says it per region, which the engine reads itself. */
export function spacingOf(set: DataSet): Spacing {
  const [inBody, onPlate] = [numbers(set, TAG.spacing), numbers(set, TAG.imagerSpacing)];
  const good = (pair: number[]): boolean => pair.length === 2 && pair.every((value) => value > 0);
  if (good(inBody)) return { y: inBody[0] ?? 1, x: inBody[1] ?? 1, at: "patient" };
  if (good(onPlate)) return { y: onPlate[0] ?? 1, x: onPlate[1] ?? 1, at: "detector" };
  return { x: 1, y: 1, at: "none" };
}

export interface Marks { left: string; right: string; top: string; bottom: string }
const NAMES: readonly [string, string][] = [["L", "R"], ["P", "A"], ["H", "F"]];
const OPPOSITE: Record<string, string> = { L: "R", R: "L", A: "P", P: "A", H: "F", F: "H" };

/** Where a direction points in the patient: at most two letters, the larger part first. */
export function towards(direction: readonly [number, number, number]): string {
  return direction.map((value, i) => ({ size: Math.abs(value), letter: NAMES[i]?.[value > 0 ? 0 : 1] ?? "" }))
    .filter((part) => part.size > 0.25).sort((a, b) => b.size - a.size).slice(0, 2).map((part) => part.letter).join("");
}
const opposite = (letters: string): string => [...letters].map((one) => OPPOSITE[one] ?? "").join("");

/** The letters at the four sides of the picture, or null when the picture does not say how the patient lay. */
export function marksOf(set: DataSet): Marks | null {
  const axes = numbers(set, TAG.orientation);
  const [row = "", column = ""] = axes.length === 6 ? [towards(vector(axes)), towards(vector(axes, 3))] : words(set, TAG.patientOrientation);
  return row || column ? { right: row, left: opposite(row), bottom: column, top: opposite(column) } : null;
}
