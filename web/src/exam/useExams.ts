import { computed } from "vue";
import { http } from "@/wire/session";
import type { Exam } from "@/wire/types";
import { useEvent } from "@/wire/useEvent";
import { useLoad, type Loaded } from "@/wire/useLoad";
import { newer } from "./examView";

/** What `exam` and `study` events tell: which exam moved. What a caller may see and do comes only from asking. */
export function useExamEvents(heard: (examId: string | null, visitId: string | null) => void): void {
  const text = (value: unknown): string | null => (typeof value === "string" && value !== "" && value !== "0" ? value : null);
  const tell = (data: Record<string, unknown>) => heard(text(data["exam_id"]), text(data["visit_id"]));
  useEvent("exam", tell);
  useEvent("study", tell);
}

/** Asked again once when many images arrive at a time: an event an image would be a request an image. */
export function calm(act: () => void, ms = 300): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  return () => {
    timer ??= setTimeout(() => { timer = null; act(); }, ms);
  };
}

export type ExamScope = "visit" | "township" | "mine" | "history";

/** A list of exams, live. */
export function useExams(scope: ExamScope, visitId: () => string | null | undefined = () => undefined): Loaded<Exam[]> {
  const key = () => (scope === "visit" ? visitId() ?? null : scope);
  const loaded: Loaded<Exam[]> = useLoad((signal) => {
    const visit = scope === "visit" ? { visit_id: visitId() ?? "" } : {};
    return http.call("examList", { query: { scope, ...visit }, signal });
  }, key);
  const again = calm(() => void loaded.reload());
  useExamEvents((_, visit) => { if (scope !== "visit" || visit === null || visit === visitId()) again(); });
  return loaded;
}

/** One exam, live. Answers, events and reloads may overtake each other; the newest version stays. */
export function useExam(id: () => string) {
  const loaded: Loaded<Exam> = useLoad(async (signal) => {
    const exam = await http.call("examGet", { path: { exam_id: id() }, signal });
    return newer(loaded?.data ?? null, exam);
  }, id);
  const put = (exam: Exam) => loaded.put(newer(loaded.data, exam));
  const again = calm(() => void loaded.reload());
  useExamEvents((exam) => { if (exam === id()) again(); });
  return { loaded, exam: computed(() => loaded.data), put };
}
