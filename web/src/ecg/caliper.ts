import { rowOfY, secondsOfMm, timeOfX, uvOfMm, uvOfY, type Scale, type Sheet } from "./paper";

/** Two lines on the paper: moments (s) across it, or voltages (µV) over the baseline of one row. */
export interface Caliper { kind: "time" | "amplitude"; a: number; b: number; row: number }
export type Edge = "a" | "b";

export interface TimeReading { ms: number; bpm: number | null }
export const readTime = ({ a, b }: Caliper): TimeReading => {
  const ms = Math.round(Math.abs(b - a) * 1_000);
  return { ms, bpm: ms >= 150 ? Math.round(60_000 / ms) : null };
};
/** Millivolts, signed: upwards from the first line is positive. */
export const readAmplitude = ({ a, b }: Caliper): number => Math.round((b - a) / 10) / 100;

/** A caliper that begins where the finger came down. */
export function begun(kind: Caliper["kind"], sheet: Sheet, scale: Scale, xMm: number, yMm: number): Caliper {
  const row = rowOfY(sheet, yMm);
  const at = kind === "time" ? timeOfX(sheet, scale, xMm) : uvOfY(sheet, scale, row, yMm);
  return { kind, a: at, b: at, row };
}

export function moved(caliper: Caliper, edge: Edge, sheet: Sheet, scale: Scale, xMm: number, yMm: number): Caliper {
  const at = caliper.kind === "time" ? timeOfX(sheet, scale, xMm) : uvOfY(sheet, scale, caliper.row, yMm);
  return { ...caliper, [edge]: at };
}

/** The line under the finger, if one is near enough to take hold of. */
export function grabbed(caliper: Caliper | null, sheet: Sheet, scale: Scale, xMm: number, yMm: number, reachMm: number): Edge | null {
  if (!caliper) return null;
  const at = caliper.kind === "time" ? timeOfX(sheet, scale, xMm) : uvOfY(sheet, scale, caliper.row, yMm);
  const reach = caliper.kind === "time" ? secondsOfMm(scale, reachMm) : uvOfMm(scale, reachMm);
  const [a, b] = [Math.abs(at - caliper.a), Math.abs(at - caliper.b)];
  return Math.min(a, b) > reach ? null : b <= a ? "b" : "a";
}

/** One arrow key: half a millimetre, or with Shift a tenth. */
export function nudged(caliper: Caliper, edge: Edge, scale: Scale, key: string, fine: boolean): Caliper | null {
  const mm = fine ? 0.1 : 0.5;
  const sign = key === "ArrowRight" || key === "ArrowUp" ? 1 : key === "ArrowLeft" || key === "ArrowDown" ? -1 : 0;
  const across = key === "ArrowLeft" || key === "ArrowRight";
  if (sign === 0 || across !== (caliper.kind === "time")) return null;
  return { ...caliper, [edge]: caliper[edge] + sign * (across ? secondsOfMm(scale, mm) : uvOfMm(scale, mm)) };
}

/** For the keyboard: a caliper in the middle of what is shown, one large square wide. */
export function middle(kind: Caliper["kind"], sheet: Sheet, scale: Scale): Caliper {
  const at = kind === "time" ? (sheet.fromS + sheet.toS) / 2 : 0;
  return { kind, a: at, b: at + (kind === "time" ? secondsOfMm(scale, 5) : uvOfMm(scale, 10)), row: sheet.baselines.length - 1 };
}
