/** An ECG as the archive tells it: leads in microvolts, never filtered here. */
export interface Lead {
  name: string;
  /** NaN where the machine marked samples as missing. */
  uv: Float32Array;
}
export interface Filters { highPassHz: number | null; lowPassHz: number | null; notchHz: number | null }
export interface Group {
  /** rhythm: the recording · median: one beat made from many */
  label: "rhythm" | "median";
  hz: number;
  seconds: number;
  leads: Lead[];
  filters: Filters;
}
export interface Note { name: string; value: string; unit: string }
export interface Ecg {
  groups: Group[];
  startAt: string;
  notes: Note[];
  /** What the file did not say and was taken for granted, as words of the archive. */
  assumed: string[];
}

export const TWELVE = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"] as const;

/** "Lead I (Einthoven)", "aVR, augmented …", "MDC_ECG_LEAD_V1" → I, aVR, V1; unknown names as they are. */
export function leadName(raw: string): string {
  const bare = raw.replace(/\(.*?\)/g, "").replace(/^\s*(lead|MDC_ECG_LEAD_|derivation)\s*/i, "").split(",")[0]?.trim() ?? "";
  return TWELVE.find((one) => one.toLowerCase() === bare.toLowerCase()) ?? (bare || raw.trim());
}

type Raw = Record<string, unknown>;
const isRaw = (value: unknown): value is Raw => typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = (value: unknown): Raw[] => (Array.isArray(value) ? value.filter(isRaw) : []);
const numberOf = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
const textOf = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");

function fromBase64(text: string, scale: number): Float32Array {
  const raw = atob(text);
  const view = new DataView(Uint8Array.from(raw, (letter) => letter.charCodeAt(0)).buffer);
  return Float32Array.from({ length: view.byteLength >> 1 }, (_, i) => view.getInt16(i * 2, true) * scale);
}

function leadOf(raw: Raw): Lead {
  const scale = numberOf(raw["uv_per_unit"]) ?? numberOf(raw["scale"]) ?? 1;
  const packed = raw["samples_b64"];
  const plain = raw["samples_uV"] ?? raw["samples_uv"];
  const uv = typeof packed === "string" ? fromBase64(packed, scale) : Float32Array.from(Array.isArray(plain) ? plain.map((one) => numberOf(one) ?? 0) : []);
  for (const gap of Array.isArray(raw["gaps"]) ? raw["gaps"] : []) {
    const [first, count] = Array.isArray(gap) ? [numberOf(gap[0]), numberOf(gap[1])] : [null, null];
    if (first !== null && count !== null) uv.fill(NaN, first, first + count);
  }
  return { name: leadName(textOf(raw["name"])), uv };
}

function filtersOf(raw: unknown): Filters {
  const of = isRaw(raw) ? raw : {};
  return { highPassHz: numberOf(of["high_pass_hz"]), lowPassHz: numberOf(of["low_pass_hz"]), notchHz: numberOf(of["notch_hz"]) };
}

function groupOf(raw: Raw, outer: Raw): Group | null {
  const hz = numberOf(raw["hz"]) ?? numberOf(outer["hz"]) ?? 0;
  const leads = listOf(raw["leads"]).map(leadOf).filter((lead) => lead.uv.length > 0);
  if (hz <= 0 || leads.length === 0) return null;
  const samples = Math.max(...leads.map((lead) => lead.uv.length));
  return {
    label: raw["label"] === "median" ? "median" : "rhythm", hz, seconds: samples / hz, leads, filters: filtersOf(raw["filters"] ?? outer["filters"]),
  };
}

/** Null when there is nothing to draw. */
export function ecgOf(raw: unknown): Ecg | null {
  if (!isRaw(raw)) return null;
  const groups = (listOf(raw["groups"]).some((one) => Array.isArray(one["leads"])) ? listOf(raw["groups"]) : [raw])
    .map((one) => groupOf(one, raw)).filter((one) => one !== null);
  const notes = listOf(raw["annotations"]).map((one) => ({ name: textOf(one["name"]), value: textOf(one["value"]), unit: textOf(one["unit"]) }));
  const assumed = Array.isArray(raw["assumed"]) ? raw["assumed"].map(textOf).filter(Boolean) : [];
  return groups.length ? { groups, startAt: textOf(raw["start_at"]), notes: notes.filter((one) => one.name && one.value), assumed } : null;
}
