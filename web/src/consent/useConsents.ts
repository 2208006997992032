import { computed } from "vue";
import { useAction } from "@/wire/useAction";
import { useEvent } from "@/wire/useEvent";
import { useLoad } from "@/wire/useLoad";
import { http, session } from "@/wire/session";
import type { Channel, ConsentText } from "@/wire/types";
import { consentsPending, consentsView } from "./consentModel";

/** The consents of one visit: the texts in force, what was answered, and answering. */
export function useConsents(visitId: () => string | null, channel: () => Channel) {
  const loaded = useLoad(async (signal) => {
    const visit = visitId() ?? "";
    const [texts, given] = await Promise.all([
      http.call("consentTexts", { query: { locale: session.locale }, signal }),
      http.call("consentList", { path: { visit_id: visit }, signal }),
    ]);
    return { texts, given };
  }, () => (visitId() === null ? null : `${visitId()} ${session.locale}`));

  const view = computed(() => (loaded.data ? consentsView(channel(), loaded.data.texts, loaded.data.given) : null));
  const answer = useAction(async ({ text, granted }: { text: ConsentText; granted: boolean }, key) => {
    const body = { kind: text.kind, version: text.version, text_hash: text.hash, granted };
    const given = await http.call("consentGive", { path: { visit_id: visitId() ?? "" }, body, key });
    if (loaded.data) loaded.put({ ...loaded.data, given: [...loaded.data.given, given] });
    return given;
  });
  // Somebody else at the same visit may answer too: the township doctor beside the patient.
  useEvent("consent", () => void loaded.reload());

  return { loaded, view, answer, pending: computed(() => view.value === null || consentsPending(view.value)) };
}

export type Consents = ReturnType<typeof useConsents>;
