import { computed, onBeforeUnmount, onMounted, reactive, ref, shallowRef, watch } from "vue";
import { randomWord } from "@/wire/keys";
import { problemOf, type Problem } from "@/wire/problem";
import { http } from "@/wire/session";
import type { Exam } from "@/wire/types";
import { draftState, onFresh, same, savedOf, type Saved, type Text } from "./draftModel";

const AFTER_TYPING_MS = 1_200;
const AGAIN_MS = 4_000;

/** The reader's working copy: saved by itself shortly after typing, sent again while the line is broken, found again after a closed browser.
 * `fresh` asks for the exam anew; `writable` says whether this person may write now. */
export function useDraft(exam: () => Exam, writable: () => boolean, fresh: () => Promise<Exam | null>) {
  const saved = shallowRef<Saved>(savedOf(exam()));
  const text = reactive<Text>({ ...saved.value.text });
  const busy = ref(false);
  const stale = ref(false);
  const problem = shallowRef<Problem | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let under: Promise<boolean> | null = null;

  const state = computed(() => draftState(text, saved.value, { busy: busy.value, failed: problem.value !== null, stale: stale.value }));
  const dirty = computed(() => !same(text, saved.value.text));

  function look(now: Exam): void {
    const found = savedOf(now);
    const what = onFresh(text, saved.value, found);
    if (what === "adopt") { Object.assign(text, found.text); saved.value = found; stale.value = false; }
    if (what === "stale") stale.value = true;
  }
  watch(exam, (now) => { if (!busy.value) look(now); });

  async function send(now: Exam): Promise<void> {
    const written = { findings: text.findings, impression: text.impression, template: text.template };
    const body = { version: now.version, draft_version: saved.value.version, ...written };
    const answer = await http.call("examDraft", { path: { exam_id: now.id }, body, key: randomWord() });
    saved.value = { version: answer.draft_version, savedAt: answer.saved_at, text: written };
  }

  /** The exam itself may have moved (its images grew, a critical value was called) without anybody touching the draft: look once, then send. */
  async function put(): Promise<void> {
    try {
      await send(exam());
    } catch (error) {
      if (problemOf(error).status !== 409) throw error;
      const now = await fresh();
      if (!now) throw error;
      look(now);
      if (!stale.value && dirty.value) await send(now);
    }
  }

  async function once(): Promise<boolean> {
    busy.value = true;
    try {
      await put();
      problem.value = null;
    } catch (error) {
      problem.value = problemOf(error);
    } finally {
      busy.value = false;
      under = null;
    }
    if (dirty.value && !stale.value && (!problem.value || problem.value.passing)) later(problem.value ? AGAIN_MS : 0);
    return problem.value === null;
  }

  function later(ms: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => void save(), ms);
  }

  /** Save now. True when the server has every letter. */
  async function save(): Promise<boolean> {
    clearTimeout(timer);
    if (under) await under;
    if (!dirty.value) return true;
    if (stale.value || !writable()) return false;
    under = once();
    await under;
    return !dirty.value;
  }

  watch(text, () => { if (dirty.value && writable() && !stale.value) later(AFTER_TYPING_MS); });
  // The exam went back to the list while the line was broken, and is in this reader's hands again: what waited is sent.
  watch(writable, (may) => { if (may && dirty.value && !stale.value) later(0); });

  /** Two windows wrote: take what the other one saved … */
  function takeTheirs(): void {
    saved.value = savedOf(exam());
    Object.assign(text, saved.value.text);
    stale.value = false;
  }
  /** … or put mine over it; the other's words remain in the audit, not here. */
  function keepMine(): Promise<boolean> {
    saved.value = { ...savedOf(exam()) };
    stale.value = false;
    return save();
  }

  const guard = (event: BeforeUnloadEvent) => { if (dirty.value) event.preventDefault(); };
  const hidden = () => { if (document.hidden) void save(); };
  onMounted(() => {
    addEventListener("beforeunload", guard);
    document.addEventListener("visibilitychange", hidden);
  });
  onBeforeUnmount(() => {
    removeEventListener("beforeunload", guard);
    document.removeEventListener("visibilitychange", hidden);
    clearTimeout(timer);
    if (dirty.value && writable()) void save();
  });
  return { text, saved, state, dirty, problem, save, takeTheirs, keepMine };
}

export type Draft = ReturnType<typeof useDraft>;
