import { words, type Words } from "@/i18n/words";
import type { Exam, ExamAct, ExamState, Modality, Urgency } from "@/wire/types";

/** Colour that repeats what the word of a state says. */
export type Tone = "plain" | "ok" | "warn" | "danger" | "info" | "brand";

export const MODALITIES: readonly Modality[] = ["CT", "ECG", "DX", "US"];

const TONE: Record<ExamState, Tone> = {
  ordered: "info", acquired: "info", uploaded: "info", pooled: "warn", claimed: "brand", draft: "brand", signed: "ok", delivered: "ok",
  amended: "ok", rejected: "danger", cancelled: "plain",
};
export const toneOf = (state: ExamState): Tone => TONE[state];

/** Whose eyes look at an exam; each sees who acts next in their own words. */
export type Viewer = "township" | "doctor" | "reader" | "patient";

export const may = (exam: Pick<Exam, "acts">, act: ExamAct): boolean => exam.acts.includes(act);

/** The images this caller may open: before a claim a reader is told how many there are, not which. */
export function imagesOf(exam: Pick<Exam, "study">): string | null {
  const study = exam.study;
  return study && study.state !== "returned" && study.n_instances > 0 ? study.study_uid : null;
}

const REPORTED: readonly ExamState[] = ["signed", "delivered", "amended"];
/** There is a signed report to read. */
export const hasReport = (exam: Pick<Exam, "state">): boolean => REPORTED.includes(exam.state);
/** Nobody will do anything more about it by itself. */
export const isOver = (exam: Pick<Exam, "state">): boolean => hasReport(exam) || exam.state === "rejected" || exam.state === "cancelled";

export const nextWords = (exam: Exam, viewer: Viewer): Words => words(`exam.next.${viewer === "doctor" ? "township" : viewer}.${exam.state}`);

/** What of the images is here: nothing yet, arriving, all of it. */
export type Upload = { state: "none" | "arriving" | "complete"; count: number; series: number };

export function uploadOf(exam: Pick<Exam, "study">): Upload {
  const study = exam.study;
  if (!study || study.state === "returned") return { state: "none", count: 0, series: 0 };
  return { state: study.state, count: study.n_instances, series: study.n_series };
}

export function uploadWords({ state, count, series }: Upload): Words {
  return state === "none" ? words("exam.upload.none") : words(`exam.upload.${state}`, { n: count, series });
}

const URGENCY_RANK: Record<Urgency, number> = { emergency: 0, urgent: 1, normal: 2 };

/** A township's day: a retake somebody must make first, then what is under way (urgent first), then what is done. */
export function sortExams(exams: readonly Exam[]): Exam[] {
  const rank = (exam: Exam): number => (exam.state === "ordered" && exam.retake_of ? 0 : isOver(exam) ? 2 : 1);
  return [...exams].sort((a, b) => rank(a) - rank(b) || URGENCY_RANK[a.urgency] - URGENCY_RANK[b.urgency] || b.ordered_at.localeCompare(a.ordered_at));
}

/** A newer version of the same exam replaces an older one, never the other way: answers may overtake events. The counts of an arriving
 * study move without the exam's version. */
export const newer = (known: Exam | null, next: Exam): Exam => (known && known.id === next.id && known.version > next.version ? known : next);

/** What is left until the deadline, as numbers a screen can say. Overdue counts upwards. */
export interface Remaining { overdue: boolean; minutes: number; hours: number; rest: number }

export function remaining(deadline: string | null, now: Date): Remaining | null {
  if (!deadline) return null;
  const ms = Date.parse(deadline) - now.getTime();
  const minutes = ms < 0 ? Math.ceil(-ms / 60_000) : Math.floor(ms / 60_000);
  return { overdue: ms < 0, minutes, hours: Math.floor(minutes / 60), rest: minutes % 60 };
}

export function remainingWords(left: Remaining | null): Words {
  if (!left) return words("exam.clock.none");
  const side = left.overdue ? "over" : "left";
  return left.hours > 0 ? words(`exam.clock.${side}Hours`, { h: left.hours, m: left.rest }) : words(`exam.clock.${side}Minutes`, { m: left.minutes });
}

/** Most urgent first, then the least time left: the order of the server, kept while the clock runs. */
export function sortWorklist(exams: readonly Exam[]): Exam[] {
  const at = (exam: Exam): string => exam.deadline_at ?? "9999";
  return [...exams].sort((a, b) => URGENCY_RANK[a.urgency] - URGENCY_RANK[b.urgency] || at(a).localeCompare(at(b)) || a.id.localeCompare(b.id));
}
