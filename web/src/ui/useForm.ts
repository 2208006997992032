import { nextTick, ref } from "vue";

/** A form that complains only after it was tried, and then takes the reader to the first thing that is missing. */
export function useForm<Gap extends string>(gaps: () => readonly Gap[]) {
  const tried = ref(false);
  const form = ref<HTMLFormElement>();

  /** The complaint about these gaps in the reader's words; empty while nothing was tried or nothing is missing. */
  const complaint = (say: (gap: Gap) => string, ...about: Gap[]): string => {
    const found = about.find((gap) => gaps().includes(gap));
    return tried.value && found !== undefined ? say(found) : "";
  };
  /** True when nothing is missing. */
  async function complete(): Promise<boolean> {
    tried.value = true;
    if (gaps().length === 0) return true;
    await nextTick();
    form.value?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
    return false;
  }
  return { tried, form, complaint, complete };
}
