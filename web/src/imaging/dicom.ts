import type { DataSet } from "@/wire/dicomweb";

/** Names of the tags this side reads. */
export const TAG = {
  specificCharset: "00080005", sopClass: "00080016", sopInstance: "00080018", studyDate: "00080020", seriesDate: "00080021",
  acquisitionDate: "00080022", contentDate: "00080023", studyTime: "00080030", modality: "00080060", institution: "00080080",
  studyDescription: "00081030", seriesDescription: "0008103E", patientName: "00100010", patientId: "00100020", birthDate: "00100030",
  sex: "00100040", age: "00101010", sliceThickness: "00180050", imagerSpacing: "00181164", usRegions: "00186011",
  studyUid: "0020000D", seriesUid: "0020000E", seriesNumber: "00200011", instanceNumber: "00200013", patientOrientation: "00200020",
  position: "00200032", orientation: "00200037", laterality: "00200060", sliceLocation: "00201041", seriesInstances: "00201209",
  samples: "00280002", photometric: "00280004", frames: "00280008", rows: "00280010", columns: "00280011", spacing: "00280030",
  windowCenter: "00281050", windowWidth: "00281051", windowWords: "00281055",
} as const;

export const text = (set: DataSet, tag: string): string => {
  const value = set[tag]?.Value?.[0];
  return typeof value === "string" || typeof value === "number" ? String(value).trim() : "";
};

export function numbers(set: DataSet, tag: string): number[] {
  return (set[tag]?.Value ?? []).map(Number).filter((value) => Number.isFinite(value));
}
export const number = (set: DataSet, tag: string): number | null => numbers(set, tag)[0] ?? null;
export const words = (set: DataSet, tag: string): string[] => (set[tag]?.Value ?? []).map(String);

/** A person name as people read it: the ideographic group when there is one, carets as spaces. The archive has already repaired
 * mislabelled bytes (PS3.5 6.2). */
export function personName(set: DataSet, tag: string = TAG.patientName): string {
  const value = set[tag]?.Value?.[0] as { Ideographic?: string; Alphabetic?: string } | string | undefined;
  const raw = typeof value === "string" ? value : (value?.Ideographic || value?.Alphabetic) ?? "";
  const parts = raw.split("^").map((part) => part.trim()).filter(Boolean);
  return parts.every((part) => /^\p{Script=Han}+$/u.test(part)) ? parts.join("") : parts.join(" ");
}

/** DICOM's DA (20260801) and TM (093012.5) as ISO text; empty when it is not one. */
export function dateTime(date: string, time = ""): string {
  const day = /^(\d{4})(\d{2})(\d{2})$/.exec(date.replace(/[.-]/g, ""));
  if (!day) return "";
  const hour = /^(\d{2})(\d{2})?(\d{2})?/.exec(time.replace(/:/g, ""));
  return `${day[1]}-${day[2]}-${day[3]}${hour ? ` ${hour[1]}:${hour[2] ?? "00"}` : ""}`;
}

/** AS (045Y) as a number and its unit. */
export function age(raw: string): { n: number; unit: "Y" | "M" | "W" | "D" } | null {
  const found = /^(\d{1,3})([YMWD])$/.exec(raw);
  return found ? { n: Number(found[1]), unit: found[2] as "Y" } : null;
}
