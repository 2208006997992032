import { ref } from "vue";

/** How large a millimetre is on this screen. A measure of this workstation's glass, kept on it; nothing about a person. */
const KEY = "yz-screen-mm";
/** ISO/IEC 7810 ID-1: every bank card, identity card and health card. */
export const CARD_MM = { width: 85.6, height: 53.98 };
/** What CSS assumes (96 pixels an inch) while nobody has measured. */
export const ASSUMED = 96 / 25.4;

/** Physical pixels per millimetre: browser zoom changes CSS pixels, but not the glass. */
const measured = ref<number | null>(read());

function read(): number | null {
  try {
    const kept = Number(localStorage.getItem(KEY));
    return kept >= 1 && kept <= 60 ? kept : null;
  } catch { return null; }
}

export const isMeasured = (): boolean => measured.value !== null;
export const cssPxPerMm = (ratio: number): number => (measured.value === null ? ASSUMED : measured.value / ratio);

/** The card was as wide as `cssPx` on a screen of this pixel ratio. */
export function keepCard(cssPx: number, ratio: number): void {
  measured.value = (cssPx * ratio) / CARD_MM.width;
  try { localStorage.setItem(KEY, measured.value.toFixed(4)); } catch { /* a private window forgets it */ }
}
