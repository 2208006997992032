import type { Exam, Study } from "@/wire/types";

/** Why an order may be the one a study belongs to. The server refuses what does not fit; this only puts the likely first. */
export type Why = "accession" | "person" | "name" | "modality";
export interface Candidate { exam: Exam; why: Why[] }

const bare = (text: string): string => text.replace(/[\s^=]+/g, "").toLowerCase();

export function whyOf(study: Study, exam: Exam): Why[] {
  const why: Why[] = [];
  if (study.accession_no !== "" && study.accession_no === exam.accession_no) why.push("accession");
  if (exam.person && study.patient_no === exam.person.id) why.push("person");
  const [sent, known] = [bare(study.patient_name), bare(exam.person?.name ?? "")];
  if (sent !== "" && known !== "" && (known.startsWith(sent) || sent.startsWith(known))) why.push("name");
  if (study.modality === exam.modality) why.push("modality");
  return why;
}

const WEIGHT: Record<Why, number> = { accession: 8, person: 4, name: 2, modality: 1 };
const weight = (one: Candidate): number => one.why.reduce((sum, why) => sum + WEIGHT[why], 0);

/** Orders still without images, the likeliest first; the newest of equals before older ones. */
export function candidatesOf(study: Study, exams: readonly Exam[]): Candidate[] {
  return exams
    .filter((exam) => exam.state === "ordered" && !exam.study)
    .map((exam) => ({ exam, why: whyOf(study, exam) }))
    .sort((a, b) => weight(b) - weight(a) || b.exam.ordered_at.localeCompare(a.exam.ordered_at));
}

/** What of the two sides differs, by the row of the table that shows them. */
export type Row = "name" | "id" | "accession" | "modality";
export function differs(study: Study, exam: Exam | null): Row[] {
  if (!exam) return [];
  const why = whyOf(study, exam);
  const rows: Row[] = [];
  if (!why.includes("name")) rows.push("name");
  if (!why.includes("person")) rows.push("id");
  if (!why.includes("accession")) rows.push("accession");
  if (!why.includes("modality")) rows.push("modality");
  return rows;
}
