import { http } from "@/wire/session";
import type { Exam, ReportVersion } from "@/wire/types";
import { useLoad, type Loaded } from "@/wire/useLoad";

/** Every signed version of an exam's report; asked for again when a new one was signed. Null: there is none to ask for. */
export function useReports(exam: () => Exam | null): Loaded<ReportVersion[]> {
  const key = () => { const one = exam(); return one ? `${one.id}/${one.version}` : null; };
  return useLoad((signal) => http.call("examReports", { path: { exam_id: exam()?.id ?? "" }, signal }), key);
}
