// @vitest-environment happy-dom
import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";
import { i18n } from "@/i18n";
import type { Clinic, Slot } from "@/wire/types";
import ClinicPage from "./ClinicPage.vue";

/** A server that holds its answer to a booking until the test lets it go. */
const SOON = new Date(Date.now() + 3_600_000).toISOString();
const clinic: Clinic = { id: "41", name: "全科", department: "全科", tenant: { id: "31", name: "h", care_level: "L2" }, next_free_at: SOON, doctors: [], price_note: null };
const slot: Slot = { id: "900", starts_at: SOON, ends_at: SOON, doctor: { staff_id: "201", name: "d", title: "t" }, free: 1 };
let posts: { key: string | undefined; body: unknown }[];
let answer: (status: number, body: object) => void;
let page: VueWrapper;
const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/:rest(.*)*", component: { template: "<i />" } }] });

function serve(url: string, init: RequestInit): Promise<Response> {
  const json = (body: object, status = 200) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
  if (init.method === "POST") {
    posts.push({ key: (init.headers as Record<string, string>)["Idempotency-Key"], body: JSON.parse(String(init.body)) });
    return new Promise((done) => { answer = (status, body) => done(json(body, status)); });
  }
  return Promise.resolve(json(url.includes("slots") ? [slot] : [clinic]));
}
const find = (id: string) => page.find(`[data-testid="${id}"]`);

beforeEach(async () => {
  posts = [];
  vi.stubGlobal("fetch", serve);
  page = mount(ClinicPage, { props: { id: "41" }, global: { plugins: [i18n, router] }, attachTo: document.body });
  await flushPromises();
  await find("slot").trigger("click");
  for (const [id, value] of [["complaint", "头晕"], ["prior-diagnosis", "高血压"], ["prior-organisation", "县医院"], ["prior-date", "2026-08-01"], ["prior-evidence", "出院小结"]]) {
    await find(id ?? "").setValue(value);
  }
});
afterEach(() => { page.unmount(); vi.unstubAllGlobals(); });

test("a double click on book sends one request with one key", async () => {
  await find("book").trigger("submit");
  await find("book").trigger("submit");
  expect(posts).toHaveLength(1);
  expect(posts[0]?.key).toMatch(/^[0-9a-f]{32}$/);
  answer(201, { id: "5001" });
  await flushPromises();
  expect(router.currentRoute.value.path).toBe("/orders/5001");
});

test("a slot taken meanwhile leads back to the times, and the next try is a new wish", async () => {
  await find("book").trigger("submit");
  answer(409, { code: "slot_full", request_id: "r1" });
  await flushPromises();
  expect(find("problem").attributes("data-code")).toBe("slot_full");
  await find("choose-again").trigger("click");
  expect(find("book").exists()).toBe(false);
  expect(find("slot").exists()).toBe(true);
});

test("nothing is sent before everything is told", async () => {
  await find("prior-evidence").setValue(" ");
  await find("book").trigger("submit");
  expect(posts).toHaveLength(0);
  expect(find("prior-evidence").attributes("aria-invalid")).toBe("true");
});
