import { numbers, TAG, words } from "@/imaging/dicom";
import type { DataSet } from "@/wire/dicomweb";

/** A window as radiologists say it: the grey scale spans `width` around `center` (PS3.3 C.11.2.1.2). */
export interface Window { center: number; width: number }

export interface Preset { id: string; window: Window }

/** Hounsfield presets of CT, in the order of the keys 1 to 6. */
export const CT_PRESETS: readonly Preset[] = [
  { id: "soft", window: { center: 40, width: 400 } },
  { id: "lung", window: { center: -600, width: 1500 } },
  { id: "bone", window: { center: 500, width: 2000 } },
  { id: "brain", window: { center: 40, width: 80 } },
  { id: "abdomen", window: { center: 50, width: 350 } },
  { id: "liver", window: { center: 90, width: 150 } },
];

export const presetsOf = (modality: string): readonly Preset[] => (modality === "CT" ? CT_PRESETS : []);

export interface StoredWindow extends Window { words: string }

/** The windows the modality itself recommends, with its words for them. */
export function storedWindows(set: DataSet): StoredWindow[] {
  const [centers, widths, said] = [numbers(set, TAG.windowCenter), numbers(set, TAG.windowWidth), words(set, TAG.windowWords)];
  return centers.flatMap((center, i) => {
    const width = widths[i] ?? 0;
    return width >= 1 ? [{ center, width, words: said[i] ?? "" }] : [];
  });
}

/** First and last grey of a window; the engine interpolates between them. C.11.2.1.2.1: black at c - 0.5 - (w-1)/2 and below. */
export const rangeOf = ({ center, width }: Window): { lower: number; upper: number } =>
  ({ lower: center - 0.5 - (width - 1) / 2, upper: center - 0.5 + (width - 1) / 2 });
export const windowOf = ({ lower, upper }: { lower: number; upper: number }): Window =>
  ({ width: upper - lower + 1, center: (lower + upper) / 2 + 0.5 });

/** The preset whose window this is, for the list to show. */
export function presetNamed(window: Window | null, presets: readonly Preset[]): string {
  if (!window) return "";
  return presets.find((one) => Math.abs(one.window.center - window.center) < 0.75 && Math.abs(one.window.width - window.width) < 0.75)?.id ?? "";
}
