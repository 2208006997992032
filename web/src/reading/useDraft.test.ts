// @vitest-environment happy-dom
import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { defineComponent, h, shallowRef, type ShallowRef } from "vue";
import { examOf } from "@/exam/sample";
import type { Exam } from "@/wire/types";
import { useDraft, type Draft } from "./useDraft";

/** A server with one draft, which another window may overtake, and a line that may be cut. */
let kept: { version: number; findings: string };
let line: "up" | "down";
let puts: Record<string, unknown>[];
let exam: ShallowRef<Exam>;
let draft: Draft;
let page: VueWrapper;
let writable: ShallowRef<boolean>;

const draftOf = () => ({ draft_version: kept.version, findings: kept.findings, impression: "", template: "", saved_at: "2026-11-21T06:00:00Z" });
const now = (): Exam => examOf({ state: "draft", version: 3, draft: kept.version ? draftOf() : null, acts: ["draft", "sign"] });
const json = (body: object, status = 200) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

function serve(_: string, init: RequestInit): Promise<Response> {
  if (line === "down") return Promise.reject(new TypeError("failed"));
  const body = JSON.parse(String(init.body)) as { draft_version: number; findings: string };
  puts.push(body);
  if (body.draft_version !== kept.version) return Promise.resolve(json({ code: "version_stale" }, 409));
  kept = { version: kept.version + 1, findings: body.findings };
  return Promise.resolve(json({ draft_version: kept.version, saved_at: "2026-11-21T06:00:01Z", exam_version: 3 }));
}
const pass = async (ms: number) => { await vi.advanceTimersByTimeAsync(ms); await flushPromises(); };
async function fresh(): Promise<Exam> { exam.value = now(); return exam.value; }

beforeEach(() => {
  vi.useFakeTimers();
  [kept, line, puts] = [{ version: 0, findings: "" }, "up", []];
  vi.stubGlobal("fetch", serve);
  exam = shallowRef(now());
  writable = shallowRef(true);
  page = mount(defineComponent({ setup() { draft = useDraft(() => exam.value, () => writable.value, fresh); return () => h("i"); } }));
});
afterEach(() => { page.unmount(); vi.useRealTimers(); vi.unstubAllGlobals(); });

test("typing is saved once it pauses, and once only", async () => {
  draft.text.findings = "a";
  await pass(500);
  draft.text.findings = "ab";
  await pass(1_000);
  expect(puts).toHaveLength(0);
  await pass(1_000);
  expect(puts.map((one) => one["findings"])).toEqual(["ab"]);
  expect(draft.state.value).toBe("saved");
});

test("without a network the words stay, and are saved when it is back", async () => {
  line = "down";
  draft.text.findings = "a";
  await pass(15_000);
  expect(draft.state.value).toMatch(/offline|saving/);
  expect(draft.text.findings).toBe("a");
  line = "up";
  await pass(15_000);
  expect(draft.state.value).toBe("saved");
  expect(kept.findings).toBe("a");
});

test("two windows: nothing is overwritten unasked, and either side can be kept", async () => {
  kept = { version: 4, findings: "theirs" };
  draft.text.findings = "mine";
  await pass(3_000);
  expect(draft.state.value).toBe("stale");
  expect(kept.findings).toBe("theirs");
  await Promise.all([draft.keepMine(), pass(1)]);
  expect(kept.findings).toBe("mine");
  expect(draft.state.value).toBe("saved");
});

test("taking the other window's words loses mine knowingly", async () => {
  kept = { version: 4, findings: "theirs" };
  draft.text.findings = "mine";
  await pass(3_000);
  draft.takeTheirs();
  expect(draft.text.findings).toBe("theirs");
  expect(draft.state.value).toBe("saved");
});

test("an exam that moved without the draft is asked for anew, and the words go through", async () => {
  draft.text.findings = "a";
  await pass(2_000);
  kept = { ...kept, version: 7 }; // the answer of a save got lost: the server has our words under a later number
  await fresh();
  draft.text.findings = "ab";
  await pass(2_000);
  expect(kept.findings).toBe("ab");
  expect(draft.state.value).toBe("saved");
});

test("a page that closes sends what is left", async () => {
  draft.text.findings = "last words";
  page.unmount();
  await pass(1);
  expect(kept.findings).toBe("last words");
});

test("an exam that went back to the list keeps the unsent words, and they are saved when it is claimed again", async () => {
  line = "down";
  draft.text.findings = "a";
  await pass(2_000);
  writable.value = false;
  await pass(30_000); // what is under way gives up
  line = "up";
  await pass(15_000);
  expect(puts).toHaveLength(0);
  expect(draft.dirty.value).toBe(true);
  expect(draft.text.findings).toBe("a");
  writable.value = true;
  await pass(2_000);
  expect(puts.map((one) => one["findings"])).toEqual(["a"]);
  expect(draft.state.value).toBe("saved");
});
