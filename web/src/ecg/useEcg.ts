import { computed, ref, watch } from "vue";
import { number, TAG, text } from "@/imaging/dicom";
import { seriesOf } from "@/imaging/study";
import type { DataSet } from "@/wire/dicomweb";
import { Problem } from "@/wire/problem";
import { dicomweb } from "@/wire/session";
import { useEvent } from "@/wire/useEvent";
import { useLoad } from "@/wire/useLoad";
import { ecgOf, type Ecg } from "./waveform";

/** One recording of a study: the cart may have sent several. */
export interface Recording { series: string; sop: string; set: DataSet }

/** The recordings of a study, and the chosen one with its samples. */
export function useEcg(study: () => string) {
  const list = useLoad(async (signal): Promise<Recording[]> => {
    const waves = seriesOf(await dicomweb.series(study(), signal)).filter((one) => one.kind === "waveform");
    const sets = await Promise.all(waves.map(async (one) => ({ series: one.uid, sets: await dicomweb.metadata(study(), one.uid, signal) })));
    return sets.flatMap((one) => [...one.sets].sort((a, b) => (number(a, TAG.instanceNumber) ?? 0) - (number(b, TAG.instanceNumber) ?? 0))
      .map((set) => ({ series: one.series, sop: text(set, TAG.sopInstance), set }))).filter((one) => one.sop !== "");
  }, study);
  const recordings = computed<Recording[]>(() => (list.data as Recording[] | null) ?? []);
  const chosen = ref<string | null>(null);
  const current = computed(() => recordings.value.find((one) => one.sop === chosen.value) ?? null);

  const wave = useLoad(async (signal): Promise<Ecg | null> => {
    const mine = current.value;
    if (!mine) return null;
    const ecg = ecgOf(await dicomweb.waveform(study(), mine.series, mine.sop, signal));
    if (!ecg) throw new Problem("waveform_missing", 422);
    return ecg;
  }, () => (chosen.value ? `${study()} ${chosen.value}` : null));

  watch(recordings, (now) => {
    if (!now.some((one) => one.sop === chosen.value)) chosen.value = now[0]?.sop ?? null;
  });
  useEvent("study", () => { if (recordings.value.length === 0) void list.reload(); });

  return { list, recordings, chosen, current, wave };
}
