import type { DataSet, DicomElement } from "@/wire/dicomweb";
import { numbers, TAG, text } from "@/imaging/dicom";
import { spacingOf } from "@/imaging/study";

const COLOURS = ["1", "2", "3"] as const;

export function bytesOf(base64: string): Uint8Array {
  const raw = atob(base64);
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

/** Palette data as numbers (PS3.3 C.7.6.3.1.6): 16-bit words, or bytes where eight bits were packed. Segments are unrolled. */
export function paletteOf(bytes: Uint8Array, entries: number): number[] {
  const count = entries === 0 ? 65_536 : entries;
  if (bytes.length < count * 2) return [...bytes.subarray(0, count)];
  return wordsOf(bytes).slice(0, count);
}

const wordsOf = (bytes: Uint8Array): number[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength >> 1 }, (_, i) => view.getUint16(i * 2, true));
};

/** A segmented palette (C.7.9.2) unrolled: 0 = as listed, 1 = a straight line to, 2 = earlier segments again. */
export function unrolled(segments: readonly number[], entries: number): number[] {
  const count = entries === 0 ? 65_536 : entries;
  const out: number[] = [];
  const play = (from: number, stop: number, depth: number): void => {
    for (let at = from, done = 0; at + 1 < segments.length && done < stop && out.length < count; done++) {
      const [code, length = 0] = [segments[at], segments[at + 1]];
      if (code === 0) out.push(...segments.slice(at + 2, at + 2 + length));
      else if (code === 1) out.push(...line(out[out.length - 1] ?? 0, segments[at + 2] ?? 0, length));
      else if (code === 2 && depth === 0) play(((segments[at + 2] ?? 0) | ((segments[at + 3] ?? 0) << 16)) >> 1, length, 1);
      else return;
      at += code === 0 ? 2 + length : code === 1 ? 3 : 4;
    }
  };
  play(0, Infinity, 0);
  return out.slice(0, count);
}
const line = (from: number, to: number, length: number): number[] =>
  Array.from({ length }, (_, i) => Math.round(from + ((to - from) * (i + 1)) / length));

/** Elements whose bytes lie elsewhere and are needed to draw. */
export function missingBulk(set: DataSet): string[] {
  return COLOURS.flatMap((n) => [`0028120${n}`, `0028122${n}`]).filter((tag) => set[tag]?.BulkDataURI && !set[tag]?.InlineBinary);
}

function withPalette(set: DataSet): DataSet {
  const more: Record<string, DicomElement> = {};
  for (const n of COLOURS) {
    const entries = numbers(set, `0028110${n}`)[0] ?? 0;
    const [whole, segments] = [set[`0028120${n}`]?.InlineBinary, set[`0028122${n}`]?.InlineBinary];
    if (whole) more[`0028120${n}`] = { vr: "OW", Value: paletteOf(bytesOf(whole), entries) };
    else if (segments) more[`0028120${n}`] = { vr: "OW", Value: unrolled(wordsOf(bytesOf(segments)), entries) };
  }
  return { ...set, ...more };
}

/** A data set as the engine wants it: palettes as numbers, the plate's spacing where the body's is unknown. */
export function prepared(set: DataSet): DataSet {
  const full = text(set, TAG.photometric) === "PALETTE COLOR" ? withPalette(set) : set;
  const spacing = spacingOf(full);
  return spacing.at === "detector" ? { ...full, [TAG.spacing]: { vr: "DS", Value: [spacing.y, spacing.x] } } : full;
}
