import { expect, test } from "vitest";
// @ts-expect-error the generator is plain JavaScript, so that the build needs nothing before it
import { apiModule, socketModule, typeOf } from "./generate.mjs";

test("a nullable reference becomes a union with null", () => {
  expect(typeOf({ oneOf: [{ $ref: "#/components/schemas/Time" }, { type: "null" }] })).toBe("Time | null");
});

test("a list of a union keeps its brackets", () => {
  expect(typeOf({ type: "array", items: { enum: ["a", "b"] } })).toBe('("a" | "b")[]');
});

test("optional fields carry the question mark and their description", () => {
  const text = typeOf({ type: "object", required: ["id"], properties: { id: { type: "string" }, n: { type: "integer", description: "how many" } } });
  expect(text).toContain("id: string;");
  expect(text).toContain("/** how many */\n  n?: number;");
});

test("an operation knows its path, query, body and result", () => {
  const text = apiModule({
    paths: { "/api/v1/orders/{order_id}/claim": { post: {
      operationId: "orderClaim", parameters: [{ $ref: "#/components/parameters/OrderId" }],
      requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Claim" } } } },
      responses: { 200: { content: { "application/json": { schema: { $ref: "#/components/schemas/ClaimWon" } } } }, 409: {} } } } },
    components: { schemas: {}, parameters: { OrderId: { name: "order_id", in: "path", required: true, schema: { type: "string" } } } },
  });
  expect(text).toContain("orderClaim: { path: { order_id: string }; query: undefined; body: Claim; result: ClaimWon };");
  expect(text).toContain('orderClaim: { method: "POST", path: "/api/v1/orders/{order_id}/claim" }');
});

test("socket types import what they borrow from the API", () => {
  const text = socketModule({ $defs: { ServerVisit: { type: "object", required: ["visit"], properties: { visit: { $ref: "openapi.json#/components/schemas/Visit" } } } } });
  expect(text).toContain('import type { Visit } from "./api";');
  expect(text).toContain("export interface ServerVisit {");
});

test("an unknown kind of schema stops the build", () => {
  expect(() => typeOf({ type: "tuple" })).toThrow(/not known/);
});
