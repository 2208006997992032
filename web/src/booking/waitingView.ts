import { words, type Words } from "@/i18n/words";
import type { Waiting } from "@/wire/types";

/** The waiting room in sentences. Nothing is promised that is not known. */
export interface WaitingView { place: Words; estimate: Words; minutes: number | null; doctor: Words; present: boolean }

export function waitingView(waiting: Waiting): WaitingView {
  const minutes = typeof waiting.estimate_minutes === "number" ? waiting.estimate_minutes : null;
  return {
    place: waiting.ahead === 0 ? words("waiting.next") : words("waiting.ahead", { n: waiting.ahead, place: waiting.position }),
    estimate: minutes === null ? words("waiting.unknown") : minutes === 0 ? words("waiting.soon") : words("waiting.minutes", { n: minutes }),
    minutes,
    doctor: words(waiting.doctor_present ? "waiting.doctorHere" : "waiting.doctorAway"),
    present: waiting.doctor_present,
  };
}
