import type { Problem as WireProblem } from "./generated/api";

/** Why a request did not do what was asked. `code` is the stable word the screens translate.
 *
 * Codes made here, where no server answered:
 *   offline          the request never left this machine; sending it again is safe
 *   outcome_unknown  it may or may not have happened; ask again with the same key
 *   unavailable      something in front of the server answered for it
 */
export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly status = 0,
    readonly requestId = "",
    readonly facts: Partial<WireProblem> = {},
  ) {
    super(code);
    this.name = "Problem";
  }
  get reason(): string | undefined { return this.facts.reason; }
  /** The same request may be sent again by itself. */
  get passing(): boolean { return this.status === 0 || this.status === 429 || this.status >= 500; }
}

/** Any thrown value as a Problem, so that a screen has one thing to show. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  console.error(error);
  return new Problem("unexpected");
}

const isWireProblem = (value: unknown): value is WireProblem =>
  typeof value === "object" && value !== null && typeof (value as WireProblem).code === "string";

/** What a non-2xx answer says. nginx answers in HTML when nobody is behind it. */
export function problemFrom(status: number, body: unknown, requestId: string): Problem {
  if (isWireProblem(body)) return new Problem(body.code, status, body.request_id || requestId, body);
  if (status === 504) return new Problem("outcome_unknown", status, requestId);
  if (status === 413) return new Problem("body_too_large", status, requestId);
  if (status === 429) return new Problem("too_many_requests", status, requestId);
  return new Problem(status >= 500 ? "unavailable" : "unexpected", status, requestId);
}
