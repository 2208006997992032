// Types of everything that crosses the wire, written from the two documents the server publishes.
//
//   node tools/generate.mjs [folder with openapi.json and socket.schema.json]
//
// Output goes to src/wire/generated/{api,socket}.ts, which git does not keep: the documents are the truth.
// The subset of JSON Schema read here is the one those documents use; anything else stops the build loudly.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HEAD = (source) => `// Generated from signaling/${source} by tools/generate.mjs. Do not edit.\n`;
const METHODS = ["get", "post", "put", "patch", "delete"];

const refName = (ref) => ref.slice(ref.lastIndexOf("/") + 1);
const quote = (word) => (/^[A-Za-z_$][\w$]*$/.test(word) ? word : JSON.stringify(word));
const union = (types) => [...new Set(types)].join(" | ");
const listItem = (type) => (type.includes(" | ") ? `(${type})[]` : `${type}[]`);
const comment = (text, indent) => (text ? `${indent}/** ${text.replace(/\*\//g, "* /").replace(/\s+/g, " ").trim()} */\n` : "");

/** The TypeScript of one schema. */
export function typeOf(schema, indent = "") {
  if (schema === true || schema === undefined) return "unknown";
  if (schema.$ref) return refName(schema.$ref);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return union(schema.enum.map((value) => JSON.stringify(value)));
  if (schema.oneOf ?? schema.anyOf) return union((schema.oneOf ?? schema.anyOf).map((one) => typeOf(one, indent)));
  if (schema.allOf) return schema.allOf.map((one) => typeOf(one, indent)).join(" & ");
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => typeOf({ ...schema, type }, indent)));
  switch (schema.type) {
    case "string": return "string";
    case "integer":
    case "number": return "number";
    case "boolean": return "boolean";
    case "null": return "null";
    case "array": return listItem(typeOf(schema.items, indent));
    case "object": return objectOf(schema, indent);
    case undefined: return "unknown";
    default: throw new Error(`generate: schema type ${JSON.stringify(schema.type)} is not known here`);
  }
}

function objectOf(schema, indent) {
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) {
    const more = schema.additionalProperties;
    return `Record<string, ${more && typeof more === "object" ? typeOf(more, indent) : more === false ? "never" : "unknown"}>`;
  }
  const deeper = indent + "  ";
  const required = new Set(schema.required ?? []);
  const lines = fields.map(([name, one]) =>
    `${comment(one.description, deeper)}${deeper}${quote(name)}${required.has(name) ? "" : "?"}: ${typeOf(one, deeper)};\n`);
  return `{\n${lines.join("")}${indent}}`;
}

function declare(name, schema) {
  const body = typeOf(schema);
  const head = comment(schema.description, "");
  return body.startsWith("{") ? `${head}export interface ${name} ${body}\n` : `${head}export type ${name} = ${body};\n`;
}

const jsonSchema = (content) => content?.["application/json"]?.schema;

/** Operations by operationId: what each takes and gives, and the table of routes the HTTP client reads. */
function operationsOf(doc) {
  const types = [];
  const routes = [];
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const method of METHODS.filter((one) => item[one])) {
      const op = item[method];
      if (!path.startsWith("/api/v1/")) continue;
      const parameters = [...(item.parameters ?? []), ...(op.parameters ?? [])]
        .map((one) => (one.$ref ? doc.components.parameters[refName(one.$ref)] : one));
      const group = (place) => {
        const some = parameters.filter((one) => one.in === place);
        return some.length === 0 ? "undefined"
          : `{ ${some.map((one) => `${quote(one.name)}${one.required ? "" : "?"}: ${typeOf(one.schema)}`).join("; ")} }`;
      };
      const body = jsonSchema(op.requestBody?.content);
      const good = Object.entries(op.responses).filter(([status]) => status.startsWith("2"))
        .map(([, response]) => jsonSchema(response.content)).map((schema) => (schema ? typeOf(schema, "  ") : "void"));
      types.push(`${comment(op.description || op.summary, "  ")}  ${op.operationId}: { path: ${group("path")}; query: ${group("query")}; ` +
        `body: ${body ? typeOf(body, "  ") : "undefined"}; result: ${union(good)} };\n`);
      routes.push(`  ${op.operationId}: { method: "${method.toUpperCase()}", path: "${path}" },\n`);
    }
  }
  return `export interface Operations {\n${types.join("")}}\n\n` +
    `export const ROUTES: { readonly [K in keyof Operations]: { readonly method: string; readonly path: string } } = {\n${routes.join("")}};\n`;
}

export function apiModule(doc) {
  const schemas = Object.entries(doc.components.schemas).map(([name, schema]) => declare(name, schema));
  return `${HEAD("openapi.json")}\n${schemas.join("\n")}\n${operationsOf(doc)}`;
}

function foreignNames(value, names = new Set()) {
  if (value && typeof value === "object") {
    if (typeof value.$ref === "string" && value.$ref.startsWith("openapi.json#")) names.add(refName(value.$ref));
    for (const one of Object.values(value)) foreignNames(one, names);
  }
  return names;
}

export function socketModule(doc) {
  const imports = [...foreignNames(doc)].sort();
  const head = imports.length ? `import type { ${imports.join(", ")} } from "./api";\n\n` : "";
  return `${HEAD("socket.schema.json")}${head}${Object.entries(doc.$defs).map(([name, schema]) => declare(name, schema)).join("\n")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const here = dirname(fileURLToPath(import.meta.url));
  const source = resolve(process.argv[2] ?? process.env.YUNZHEN_SCHEMAS ?? join(here, "../../signaling"));
  const target = join(here, "../src/wire/generated");
  const read = (name) => JSON.parse(readFileSync(join(source, name), "utf8"));
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "api.ts"), apiModule(read("openapi.json")));
  writeFileSync(join(target, "socket.ts"), socketModule(read("socket.schema.json")));
}
