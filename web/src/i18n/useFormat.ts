import { useI18n } from "vue-i18n";
import { clockOf, dayName, dayOf, stamp } from "./format";
import type { Words } from "./words";

/** Times and model sentences in the language of the screen. */
export function useFormat() {
  const { t, locale } = useI18n();
  const day = (value: string): string => {
    const name = dayName(value, locale.value, new Date());
    return "near" in name ? t(`day.${name.near}`) : name.date;
  };
  return {
    day,
    clock: (at: string): string => clockOf(at, locale.value),
    /** "today 14:30" */
    when: (at: string): string => t("day.at", { day: day(dayOf(at)), time: clockOf(at, locale.value) }),
    stamp: (at: string): string => stamp(at, locale.value),
    say: (one: Words): string => t(one.key, one.params ?? {}),
  };
}
