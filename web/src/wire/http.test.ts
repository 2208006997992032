import { expect, test, vi } from "vitest";
import { Http, urlOf } from "./http";
import { Intention } from "./keys";

type Answer = { status: number; body?: unknown; type?: string } | "no-network";

function server(...answers: Answer[]) {
  const seen: { url: string; init: RequestInit }[] = [];
  const over = vi.fn();
  const http = new Http({
    locale: () => "en", wait: () => Promise.resolve(), onUnauthenticated: over,
    fetch: ((url: string, init: RequestInit) => {
      seen.push({ url, init });
      const answer = answers.shift() ?? "no-network";
      if (answer === "no-network") return Promise.reject(new TypeError("failed"));
      const headers = { "content-type": answer.type ?? "application/json", "x-request-id": "rq" };
      return Promise.resolve(new Response(answer.status === 204 ? null : JSON.stringify(answer.body ?? {}), { status: answer.status, headers }));
    }) as unknown as typeof fetch,
  });
  return { http, seen, over, header: (n: number, name: string) => (seen[n]!.init.headers as Record<string, string>)[name] };
}
const slotBody = { slot_id: "1", complaint: "x" };

test("paths are filled and empty questions left out", () => {
  expect(urlOf("/a/{id}/b", { id: "7/8" }, { day: "2026-01-02", other: undefined })).toBe("/a/7%2F8/b?day=2026-01-02");
});

test("a lost answer to a keyed call is asked for again with the same key", async () => {
  const { http, seen, header } = server("no-network", { status: 502, type: "text/html" }, { status: 201, body: { id: "9" } });
  await expect(http.call("appointmentCreate", { body: slotBody, key: "k1" })).resolves.toEqual({ id: "9" });
  expect(seen).toHaveLength(3);
  expect([0, 1, 2].map((n) => header(n, "Idempotency-Key"))).toEqual(["k1", "k1", "k1"]);
});

test("when no answer ever comes the outcome is unknown", async () => {
  const { http } = server();
  await expect(http.call("appointmentCreate", { body: slotBody, key: "k" })).rejects.toMatchObject({ code: "outcome_unknown" });
});

test("a read that cannot leave is offline", async () => {
  await expect(server().http.call("clinicList", {})).rejects.toMatchObject({ code: "offline" });
});

test("an unsafe call without a key is sent once", async () => {
  const { http, seen } = server("no-network", { status: 201 });
  await expect(http.call("loginCreate", { body: { login: "a", password: "b" } })).rejects.toMatchObject({ code: "outcome_unknown" });
  expect(seen).toHaveLength(1);
});

test("a refusal keeps the server's word, its facts and its request id", async () => {
  const body = { type: "", title: "", status: 409, code: "consent_missing", detail: "", hint: "", request_id: "r9", kinds: ["recording"] };
  const { http, seen } = server({ status: 409, body, type: "application/problem+json" });
  await expect(http.call("orderAdmit", { path: { order_id: "1" }, body: { version: 1 }, key: "k" }))
    .rejects.toMatchObject({ code: "consent_missing", status: 409, requestId: "r9", facts: { kinds: ["recording"] } });
  expect(seen).toHaveLength(1);
});

test("a 401 ends the session, but not while asking who we are", async () => {
  const one = server({ status: 401, body: { code: "not_logged_in" } });
  await expect(one.http.call("clinicList", {})).rejects.toMatchObject({ code: "not_logged_in" });
  expect(one.over).toHaveBeenCalledOnce();
  const two = server({ status: 401, body: { code: "not_logged_in" } });
  await expect(two.http.call("sessionGet", {})).rejects.toMatchObject({ status: 401 });
  expect(two.over).not.toHaveBeenCalled();
});

test("one intention has one key; a changed wish or a settled one has another", () => {
  let n = 0;
  const intention = new Intention(() => `k${++n}`);
  expect(intention.keyFor({ slot: 1 })).toBe("k1");
  expect(intention.keyFor({ slot: 1 })).toBe("k1");
  expect(intention.keyFor({ slot: 2 })).toBe("k2");
  intention.settle();
  expect(intention.keyFor({ slot: 2 })).toBe("k3");
});
