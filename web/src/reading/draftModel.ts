import type { Exam, ReportTemplate } from "@/wire/types";

/** What a reader writes. */
export interface Text { findings: string; impression: string; template: string }

/** The last version the server keeps. Version 0: nothing yet. */
export interface Saved { version: number; savedAt: string | null; text: Text }

export const emptyText = (): Text => ({ findings: "", impression: "", template: "" });

export function savedOf(exam: Pick<Exam, "draft">): Saved {
  const draft = exam.draft;
  if (!draft) return { version: 0, savedAt: null, text: emptyText() };
  return {
    version: draft.draft_version, savedAt: draft.saved_at,
    text: { findings: draft.findings, impression: draft.impression, template: draft.template },
  };
}

export const same = (a: Text, b: Text): boolean =>
  a.findings === b.findings && a.impression === b.impression && a.template === b.template;

/** blank: nothing written. dirty: typed since. saving: on its way. saved: the server has every letter. offline: it could not be sent, and will
 * be. stale: another window saved something else. */
export type DraftState = "blank" | "dirty" | "saving" | "saved" | "offline" | "stale";

export interface Around { busy: boolean; failed: boolean; stale: boolean }

export function draftState(text: Text, saved: Saved, around: Around): DraftState {
  if (around.stale) return "stale";
  if (around.busy) return "saving";
  if (!same(text, saved.text)) return around.failed ? "offline" : "dirty";
  return saved.version === 0 ? "blank" : "saved";
}

/** What to do with a fresh look at the exam. `adopt`: it moved on and nothing here is lost by taking it over; `stale`: it moved on, and there
 * are words here that it does not have; `keep`: it tells nothing new. */
export function onFresh(text: Text, mine: Saved, fresh: Saved): "adopt" | "stale" | "keep" {
  if (fresh.version <= mine.version) return "keep";
  if (same(text, mine.text) || same(text, fresh.text)) return "adopt";
  return "stale";
}

export type Gap = "findings" | "impression";

/** What a report needs before it can carry a signature. */
export function gapsOf(text: Pick<Text, "findings" | "impression">): Gap[] {
  const gaps: Gap[] = [];
  if (!text.findings.trim()) gaps.push("findings");
  if (!text.impression.trim()) gaps.push("impression");
  return gaps;
}

/** A template fills what is empty, or what the last template put there untouched; own words stay and it is put behind them. */
export function withTemplate(text: Text, next: ReportTemplate, before: ReportTemplate | null): Text {
  const put = (own: string, fresh: string, old: string | undefined): string => {
    const bare = own.trim();
    if (bare === "" || bare === old?.trim()) return fresh;
    return fresh.trim() === "" || own.includes(fresh) ? own : `${own.trimEnd()}\n${fresh}`;
  };
  return {
    findings: put(text.findings, next.findings, before?.findings), impression: put(text.impression, next.impression, before?.impression),
    template: next.id,
  };
}
