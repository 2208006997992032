import { onScopeDispose, reactive, watch } from "vue";
import { problemOf, type Problem } from "./problem";
import { session } from "./session";

/** Something shown on a screen: on its way, here, or not to be had. What is here stays while it is asked for again. */
export interface Loaded<T> {
  data: T | null;
  problem: Problem | null;
  busy: boolean;
  reload: () => Promise<void>;
  /** Put a newer value in place that came another way. */
  put: (data: T) => void;
}

/** Load now, when the key changes, and after every gap in the live socket. The newest request wins. A null key means that it is
 * not yet known what to load. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, key: () => unknown = () => 0): Loaded<T> {
  let current: AbortController | null = null;
  const state = reactive({ data: null, problem: null, busy: false, reload, put }) as Loaded<T>;

  async function reload(): Promise<void> {
    if (key() === null) return;
    current?.abort();
    const mine = (current = new AbortController());
    state.busy = true;
    try {
      const data = await load(mine.signal);
      if (mine !== current) return;
      state.data = data;
      state.problem = null;
    } catch (error) {
      if (mine === current) state.problem = problemOf(error);
    } finally {
      if (mine === current) state.busy = false;
    }
  }
  function put(data: T): void {
    current?.abort();
    current = null;
    Object.assign(state, { data, problem: null, busy: false });
  }

  watch(key, () => { state.data = null; void reload(); }, { immediate: true });
  watch(() => session.fresh, () => void reload());
  onScopeDispose(() => { current?.abort(); current = null; });
  return state;
}
