import { computed, ref, shallowRef, watch, type Ref } from "vue";
import { seriesOf, stackOf, type Series, type Stack } from "@/imaging/study";
import type { DataSet } from "@/wire/dicomweb";
import { dicomweb } from "@/wire/session";
import { useEvent } from "@/wire/useEvent";
import { useLoad } from "@/wire/useLoad";
import { missingBulk, prepared } from "./prepare";

/** Everything that is needed to leaf through one series. */
export interface Opened { series: Series; stack: Stack; sets: DataSet[] }

function base64(bytes: ArrayBuffer): string {
  let letters = "";
  for (const one of new Uint8Array(bytes)) letters += String.fromCharCode(one);
  return btoa(letters);
}

/** Archives behind a proxy may write their own host into addresses; ours is where the page came from. */
const ownPath = (uri: string): string => new URL(uri, location.href).pathname;

/** Palettes the archive keeps apart from the data set are fetched before the first picture needs them. */
async function complete(set: DataSet, signal: AbortSignal): Promise<DataSet> {
  const full = { ...set };
  for (const tag of missingBulk(set)) {
    const element = set[tag];
    if (element?.BulkDataURI) full[tag] = { vr: element.vr, InlineBinary: base64(await dicomweb.bulk(ownPath(element.BulkDataURI), signal)) };
  }
  return full;
}

/** A study from the archive: its series, and the one chosen as a stack. Grows by itself while images still arrive. */
export function useStudy(study: () => string) {
  const list = useLoad((signal) => dicomweb.series(study(), signal).then(seriesOf), study);
  const chosen: Ref<string | null> = ref(null);
  const opened = shallowRef<Opened | null>(null);

  const series = computed<Series[]>(() => (list.data as Series[] | null) ?? []);
  const current = computed(() => series.value.find((one) => one.uid === chosen.value) ?? null);

  const metadata = useLoad(async (signal) => {
    const mine = current.value;
    if (!mine || mine.kind !== "image") return null;
    const sets = await Promise.all((await dicomweb.metadata(study(), mine.uid, signal)).map((set) => complete(set, signal)));
    const stack = stackOf(study(), mine.uid, sets);
    const ready = new Map(sets.map((set) => [set, prepared(set)]));
    return { series: mine, stack, sets: stack.slices.map((slice) => ready.get(slice.set) ?? slice.set) } satisfies Opened;
  }, () => (chosen.value ? `${study()} ${chosen.value}` : null));

  // The first series with pictures opens by itself.
  watch(series, (now) => {
    if (now.some((one) => one.uid === chosen.value)) return;
    chosen.value = (now.find((one) => one.kind === "image") ?? now[0])?.uid ?? null;
  });
  // What is shown changes only when the stack does: a refetch after a lost line must not turn the picture.
  watch(() => metadata.data as Opened | null, (now) => {
    const same = now && opened.value?.series.uid === now.series.uid && opened.value.stack.slices.length === now.stack.slices.length;
    if (!same) opened.value = now;
  });
  watch(study, () => { chosen.value = null; opened.value = null; });

  let asked: ReturnType<typeof setTimeout> | undefined;
  useEvent("study", () => {
    clearTimeout(asked);
    asked = setTimeout(() => { void list.reload(); void metadata.reload(); }, 1_500);
  });

  return { list, series, chosen, current, metadata, opened };
}
