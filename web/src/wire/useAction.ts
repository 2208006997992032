import { reactive } from "vue";
import { Intention } from "./keys";
import { problemOf, type Problem } from "./problem";

/** One thing a person can have done: busy while it is, with the reason when it was refused. */
export interface Action<I, R> {
  busy: boolean;
  problem: Problem | null;
  /** Undefined when it failed (see `problem`) or is already under way: a second press is the same press. */
  run: (input: I) => Promise<R | undefined>;
  clear: () => void;
}

/** `act` gets the idempotency key of the intention: the same for a repeated press and after a lost answer, a new one
 * when the wish changed, was fulfilled, or was refused for good. */
export function useAction<I, R>(act: (input: I, key: string) => Promise<R>, intention = new Intention()): Action<I, R> {
  const state = reactive({ busy: false, problem: null, run, clear }) as Action<I, R>;

  async function run(input: I): Promise<R | undefined> {
    if (state.busy) return undefined;
    state.busy = true;
    state.problem = null;
    try {
      const result = await act(input, intention.keyFor(input));
      intention.settle();
      return result;
    } catch (error) {
      const problem = problemOf(error);
      if (!problem.passing) intention.settle();
      state.problem = problem;
      return undefined;
    } finally {
      state.busy = false;
    }
  }
  function clear(): void { state.problem = null; }
  return state;
}
