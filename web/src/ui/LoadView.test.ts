// @vitest-environment happy-dom
import { mount } from "@vue/test-utils";
import { expect, test, vi } from "vitest";
import { i18n } from "@/i18n";
import { Problem } from "@/wire/problem";
import type { Loaded } from "@/wire/useLoad";
import LoadView from "./LoadView.vue";

const loaded = (more: Partial<Loaded<string[]>>): Loaded<string[]> => ({ data: null, problem: null, busy: false, reload: vi.fn(), put: vi.fn(), ...more });
const show = (of: Loaded<string[]>) => mount(LoadView, {
  props: { of: of as Loaded<unknown>, empty: (data: unknown) => (data as string[]).length === 0 },
  slots: { default: "<p data-testid='here' />", empty: "<p data-testid='nothing' />" }, global: { plugins: [i18n] },
});
const faces = (of: Loaded<string[]>) => ["loading", "problem", "nothing", "here"].filter((id) => show(of).find(`[data-testid="${id}"]`).exists());

test("on its way", () => expect(faces(loaded({ busy: true }))).toEqual(["loading"]));
test("not to be had, with a way to try again", async () => {
  const of = loaded({ problem: new Problem("offline") });
  expect(faces(of)).toEqual(["problem"]);
  await show(of).find('[data-testid="retry"]').trigger("click");
  expect(of.reload).toHaveBeenCalledOnce();
});
test("empty", () => expect(faces(loaded({ data: [] }))).toEqual(["nothing"]));
test("here", () => expect(faces(loaded({ data: ["a"] }))).toEqual(["here"]));
test("old content stays when refreshing fails", () => expect(faces(loaded({ data: ["a"], problem: new Problem("offline") }))).toEqual(["problem", "here"]));
