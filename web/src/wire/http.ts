import { ROUTES, type Operations } from "./generated/api";
import { Problem, problemFrom } from "./problem";

type Op = keyof Operations;
type Part<K extends Op, P extends "path" | "query" | "body"> =
  Operations[K][P] extends undefined ? { [Q in P]?: undefined }
  : P extends "query" ? { query?: Operations[K]["query"] }
  : { [Q in P]: Operations[K][P] };

/** `key` makes an unsafe call repeatable: with it, lost answers are asked for again with the same key. */
export type CallInput<K extends Op> = Part<K, "path"> & Part<K, "query"> & Part<K, "body"> & { key?: string; signal?: AbortSignal };

export interface HttpDeps {
  fetch: typeof fetch;
  wait: (ms: number) => Promise<void>;
  locale: () => string;
  /** The session is over; the shell shows the login page. */
  onUnauthenticated: () => void;
}

const TIMEOUT_MS = 12_000;
/** Waits between tries of a repeatable call. Long enough for a daemon to restart, short enough to stay a page load. */
const AGAIN_MS = [400, 1_200, 2_500];

export function urlOf(template: string, path: Record<string, string> = {}, query: Record<string, string | undefined> = {}): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ""));
  const asked = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "");
  return asked.length ? `${filled}?${new URLSearchParams(asked)}` : filled;
}

async function bodyOf(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined;
  const type = response.headers.get("content-type") ?? "";
  if (!/json/.test(type)) return undefined;
  return response.json().catch(() => undefined);
}

export class Http {
  constructor(private readonly deps: HttpDeps) {}

  async call<K extends Op>(op: K, input: CallInput<K>): Promise<Operations[K]["result"]> {
    const { method } = ROUTES[op];
    const repeatable = method === "GET" || input.key !== undefined;
    for (let turn = 0; ; turn++) {
      try {
        return await this.once(op, input);
      } catch (error) {
        const wait = AGAIN_MS[turn];
        const passing = error instanceof Problem && error.passing && error.status !== 429;
        if (!repeatable || !passing || wait === undefined || input.signal?.aborted) throw error;
        await this.deps.wait(wait);
      }
    }
  }

  private async once<K extends Op>(op: K, input: CallInput<K>): Promise<Operations[K]["result"]> {
    const { method, path } = ROUTES[op];
    const given = input as { path?: Record<string, string>; query?: Record<string, string>; body?: unknown };
    const response = await this.send(urlOf(path, given.path, given.query), method, given.body, input.key, input.signal);
    const body = await bodyOf(response);
    if (response.ok) return body as Operations[K]["result"];
    if (response.status === 401 && op !== "loginCreate" && op !== "sessionGet") this.deps.onUnauthenticated();
    throw problemFrom(response.status, body, response.headers.get("x-request-id") ?? "");
  }

  private async send(url: string, method: string, body: unknown, key?: string, signal?: AbortSignal): Promise<Response> {
    const clock = new AbortController();
    const timer = setTimeout(() => clock.abort(), TIMEOUT_MS);
    const stop = () => clock.abort();
    signal?.addEventListener("abort", stop);
    const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": this.deps.locale() };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (key !== undefined) headers["Idempotency-Key"] = key;
    try {
      const text = body === undefined ? undefined : JSON.stringify(body);
      return await this.deps.fetch(url, { method, headers, body: text, credentials: "same-origin", signal: clock.signal });
    } catch {
      // A browser does not tell whether the bytes left. Only a read is sure to have changed nothing.
      throw new Problem(method === "GET" ? "offline" : "outcome_unknown");
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
  }
}
