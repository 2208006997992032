import { reactive, shallowRef } from "vue";
import { calm, useExamEvents } from "@/exam/useExams";
import { chime } from "@/ui/chime";
import { Intention } from "@/wire/keys";
import { problemOf, type Problem } from "@/wire/problem";
import { http } from "@/wire/session";
import type { Exam } from "@/wire/types";
import { useLoad } from "@/wire/useLoad";
import { arrived, fateOf, fromList, withFate, without, type Entry } from "./worklistModel";

/** Who has it is worth knowing: the loser may phone. */
const holderOf = ({ facts }: Problem): string | null => {
  const name = (facts as Record<string, unknown>)["reader_name"];
  return typeof name === "string" ? name : null;
};

/** The reads nobody has yet, live, and claiming one of them. */
export function useWorklist() {
  const entries = shallowRef<Entry[]>([]);
  const claiming = reactive(new Set<string>());
  const problems = reactive(new Map<string, Problem>());
  const wishes = new Map<string, Intention>();
  let first = true;

  const loaded = useLoad(async (signal) => {
    const exams = await http.call("readingList", { signal });
    if (!first && arrived(entries.value, exams)) chime();
    first = false;
    entries.value = fromList(exams, entries.value);
    return exams;
  });
  const again = calm(() => void loaded.reload());
  useExamEvents(again);

  async function claim(exam: Exam): Promise<Exam | null> {
    if (claiming.has(exam.id)) return null;
    claiming.add(exam.id);
    problems.delete(exam.id);
    const wish = wishes.get(exam.id) ?? new Intention();
    wishes.set(exam.id, wish);
    try {
      const body = { version: exam.version };
      return await http.call("examClaim", { path: { exam_id: exam.id }, body, key: wish.keyFor(body) });
    } catch (error) {
      const problem = problemOf(error);
      if (!problem.passing) wish.settle();
      const fate = fateOf(problem.code);
      if (!fate) problems.set(exam.id, problem);
      else entries.value = withFate(entries.value, exam, fate, holderOf(problem));
      return null;
    } finally {
      claiming.delete(exam.id);
    }
  }
  const dismiss = (id: string) => { entries.value = without(entries.value, id); problems.delete(id); };
  return { entries, loaded, claiming, problems, claim, dismiss };
}
