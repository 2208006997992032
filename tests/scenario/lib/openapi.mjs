// Requests out of the API's own description: whatever is described is asked.
import { readFile } from "node:fs/promises";

const ROOM = new URL("../../../signaling/", import.meta.url);
const METHODS = ["get", "post", "put", "patch", "delete"];

const load = async (name) => JSON.parse(await readFile(new URL(name, ROOM), "utf8"));

function follow(document, node) {
  while (node?.$ref) {
    const path = node.$ref.slice(node.$ref.indexOf("#/") + 2).split("/");
    node = path.reduce((at, key) => at[key], document);
  }
  return node;
}

/** A value that fits the schema; `known` wins by the member's name. */
function sample(document, schema, known, name) {
  if (name in known) return known[name];
  schema = follow(document, schema) ?? {};
  const choice = schema.oneOf ?? schema.anyOf;
  if (choice) return sample(document, choice[0], known, name);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => sample(document, part, known, name)));
  if ("const" in schema) return schema.const;
  if (schema.enum) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([key]) => schema.required?.includes(key) || key in known)
          .map(([key, part]) => [key, sample(document, part, known, key)]),
      );
    case "array":
      return [sample(document, schema.items, known, name)];
    case "integer":
    case "number":
      return Math.max(schema.minimum ?? 1, 1);
    case "boolean":
      return true;
    default:
      if (schema.format === "date-time") return new Date(Date.now() + 86_400_000).toISOString();
      if (schema.format === "date") return new Date().toISOString().slice(0, 10);
      return "x".repeat(Math.max(schema.minLength ?? 1, 1));
  }
}

/** Every operation with `roles`, `open` (no session needed) and request(known) → {path, body, type, names of ids used}. */
export async function operations() {
  const document = await load("openapi.json");
  const list = [];
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      if (!METHODS.includes(method) || path === "/ws" || path.startsWith("/internal/")) continue; /* nginx alone asks there */
      const parameters = [...(methods.parameters ?? []), ...(operation.parameters ?? [])].map((p) => follow(document, p));
      const content = Object.entries(operation.requestBody?.content ?? {})[0];
      list.push({
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        roles: operation["x-roles"] ?? [],
        open: (operation["x-roles"] ?? []).length === 0,
        names: parameters.filter((p) => p.in === "path").map((p) => p.name),
        request(known) {
          const query = new URLSearchParams(
            parameters.filter((p) => p.in === "query" && (p.required || p.name in known))
              .map((p) => [p.name, sample(document, p.schema, known, p.name)]),
          ).toString();
          const at = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(known[name] ?? `no-${name}`));
          const body = content && sample(document, content[1].schema, content[0] === "application/json" ? known : {}, "");
          return { path: query ? `${at}?${query}` : at, body, type: content?.[0] };
        },
      });
    }
  return list;
}

/** Every message a client may send: [{t, message(known), answered}]; answered: it carries an id and gets an answer. */
export async function messages() {
  const document = await load("socket.schema.json");
  return follow(document, { $ref: "#/$defs/ClientMessage" }).oneOf.map((ref) => {
    const schema = follow(document, ref);
    return { t: schema.properties.t.const, answered: "id" in schema.properties, message: (known) => sample(document, schema, known, "") };
  });
}
