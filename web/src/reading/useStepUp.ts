import { ref } from "vue";
import { randomWord } from "@/wire/keys";
import { Problem } from "@/wire/problem";
import { http } from "@/wire/session";

/** Signing wants the password again, at most every few minutes. The server is the judge; what is kept here only saves a vain question. */
const until = ref(0);

export function useStepUp() {
  const fresh = (): boolean => until.value > Date.now() + 5_000;

  /** Prove who sits here, then act. An expired proof is asked for again: the problem says `step_up_needed`. */
  async function proven<T>(password: string, act: () => Promise<T>): Promise<T> {
    if (!fresh()) {
      if (password === "") throw new Problem("step_up_needed", 403);
      until.value = Date.parse((await http.call("stepUp", { body: { password }, key: randomWord() })).until);
    }
    try {
      return await act();
    } catch (error) {
      if (error instanceof Problem && error.code === "step_up_needed") until.value = 0;
      throw error;
    }
  }
  return { fresh, proven };
}
