import { onScopeDispose, ref, type Ref } from "vue";

/** The moment, often enough for clocks that say minutes. */
export function useNow(everyMs = 10_000): Ref<Date> {
  const now = ref(new Date());
  const timer = setInterval(() => { now.value = new Date(); }, everyMs);
  onScopeDispose(() => clearInterval(timer));
  return now;
}
