import { parse as parseTemplate, type RootNode, type TemplateChildNode } from "@vue/compiler-dom";
import { parse as parseSfc } from "@vue/compiler-sfc";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import en from "./i18n/en";
import zhCN from "./i18n/zh-CN";

/** The rules of this room, kept by a test: who may import whom, and that every visible word stands in i18n. */
const SRC = dirname(fileURLToPath(import.meta.url));
const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(ts|vue)$/.test(name) && !name.includes("generated") && !name.endsWith(".d.ts"));
const text = (name: string): string => readFileSync(join(SRC, name), "utf8");
const sources = files.filter((name) => !name.endsWith(".test.ts"));

const FEATURES = ["call", "booking", "consent", "township", "doctor", "office", "audit", "recording", "viewer", "ecg", "reading", "alert"];
const ALLOWED: Record<string, string[]> = {
  wire: ["wire"],
  media: ["media"],
  i18n: ["i18n", "wire"],
  ui: ["ui", "i18n", "wire"],
  order: ["order", "ui", "i18n", "wire"],
  exam: ["exam", "order", "ui", "i18n", "wire"],
  imaging: ["imaging", "ui", "i18n", "wire"],
  pages: ["pages", "order", "exam", "imaging", "ui", "i18n", "wire", ...FEATURES],
  app: ["app", "pages", "alert", "ui", "i18n", "wire"],
};
for (const feature of FEATURES) ALLOWED[feature] = [feature, "order", "exam", "imaging", "media", "ui", "i18n", "wire"];

function importsOf(name: string): string[] {
  return [...text(name).matchAll(/(?:from|import)\s*\(?\s*"([@.][^"]+)"/g)].map((found) => {
    const path = found[1] ?? "";
    const full = path.startsWith("@/") ? join(SRC, path.slice(2)) : resolve(SRC, dirname(name), path);
    return relative(SRC, full).split("/")[0] ?? "";
  });
}

test.each(sources.filter((name) => name.includes("/")))("%s imports along the arrows", (name) => {
  const room = name.split("/")[0] ?? "";
  expect(importsOf(name).filter((to) => !ALLOWED[room]?.includes(to))).toEqual([]);
});

test("only media/ and the call touch RTCPeerConnection, only wire/ opens sockets", () => {
  const rtc = sources.filter((name) => /new RTCPeerConnection/.test(text(name))).map((name) => name.split("/")[0]);
  expect([...new Set(rtc)]).toEqual(["call"]);
  expect(sources.filter((name) => !name.startsWith("wire/") && /new WebSocket\(|\bfetch\(/.test(text(name)))).toEqual([]);
});

test("ui/ knows no patient", () => {
  expect(sources.filter((name) => name.startsWith("ui/") && /wire\/(types|session)/.test(text(name)))).toEqual([]);
});

test("nothing but the wish for large text and the size of a millimetre is kept in the browser", () => {
  expect(sources.filter((name) => /localStorage|sessionStorage|document\.cookie|indexedDB/.test(text(name))).sort()).toEqual(["ecg/calibration.ts", "ui/elder.ts"]);
});

function keysOf(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => keysOf(inner, path ? `${path}.${key}` : key));
}
const leaf = (tree: unknown, path: string): unknown => path.split(".").reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], tree);

test("both languages say the same things", () => expect(keysOf(en)).toEqual(keysOf(zhCN)));

test("a sentence has the same blanks in both languages", () => {
  const blanks = (value: unknown): string[] => [...new Set([...String(value).matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? ""))].sort();
  const differ = keysOf(zhCN).filter((key) => blanks(leaf(zhCN, key)).join() !== blanks(leaf(en, key)).join());
  expect(differ).toEqual([]);
});

test("no word is empty", () => expect(keysOf(zhCN).filter((key) => !leaf(zhCN, key) || !leaf(en, key))).toEqual([]));

/** Keys as they stand in code, and the beginnings of keys whose end comes from data. */
function usedKeys(): { exact: Set<string>; begun: Set<string> } {
  const [exact, begun] = [new Set<string>(), new Set<string>()];
  const roots = Object.keys(zhCN).join("|");
  const whole = new RegExp(`(?<!=)(["'\`])((?:${roots})(?:\\.\\w+)+)\\1`, "g");
  const start = new RegExp(`\`((?:${roots})\\.[\\w.]*)\\$\\{`, "g");
  for (const name of sources.filter((one) => !one.startsWith("i18n/") || one === "i18n/useFormat.ts")) {
    for (const found of text(name).matchAll(whole)) exact.add(found[2] ?? "");
    for (const found of text(name).matchAll(start)) begun.add(found[1] ?? "");
  }
  return { exact, begun };
}

test("every key used exists", () => {
  const { exact, begun } = usedKeys();
  const known = keysOf(zhCN);
  expect([...exact].filter((key) => leaf(zhCN, key) === undefined)).toEqual([]);
  expect([...begun].filter((key) => !known.some((one) => one.startsWith(key)))).toEqual([]);
});

test("every key is used", () => {
  const { exact, begun } = usedKeys();
  const used = (key: string) => exact.has(key) || [...begun].some((one) => key.startsWith(one)) || [...exact].some((one) => key.startsWith(`${one}.`));
  expect(keysOf(zhCN).filter((key) => !used(key))).toEqual([]);
});

const CJK = /[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]/;
test("no Chinese outside i18n", () => {
  expect(sources.filter((name) => !name.startsWith("i18n/") && CJK.test(text(name)))).toEqual([]);
});

const SPOKEN = new Set(["title", "placeholder", "alt", "aria-label", "aria-valuetext", "label"]);

/** Letters that would be seen or read aloud without passing through i18n. */
function rawWords(nodes: readonly TemplateChildNode[]): string[] {
  return nodes.flatMap((node): string[] => {
    if (node.type === 2 /* text */) return /\p{L}/u.test(node.content) ? [node.content.trim()] : [];
    if (node.type !== 1 /* element */) return [];
    const said = node.props.flatMap((prop) => (prop.type === 6 && SPOKEN.has(prop.name) && /\p{L}/u.test(prop.value?.content ?? "") ? [`${prop.name}=${prop.value?.content}`] : []));
    return [...said, ...rawWords(node.children)];
  });
}

test.each(sources.filter((name) => name.endsWith(".vue")))("%s says nothing of its own", (name) => {
  const template = parseSfc(text(name)).descriptor.template;
  const root: RootNode | null = template ? parseTemplate(template.content) : null;
  expect(rawWords(root?.children ?? [])).toEqual([]);
});

test.each(sources.filter((name) => name.endsWith(".vue")))("%s has no inline style and no HTML from data", (name) => {
  expect(text(name)).not.toMatch(/v-html|\sstyle="/);
});

test("the README lists every word the browser tests may hold on to, and no other", () => {
  const readme = readFileSync(join(SRC, "../README.md"), "utf8");
  const table = readme.slice(readme.indexOf("## Words the tests hold on to"));
  const listed = new Set([...table.matchAll(/`([a-z-]+)(?:\[[^`]*)?`/g)].map((found) => found[1] ?? ""));
  const used = new Set(sources.flatMap((name) => [...text(name).matchAll(/data-testid="([a-z-]+)"/g)].map((found) => found[1] ?? "")));
  expect([...used].filter((word) => !listed.has(word)).sort()).toEqual([]);
  expect([...listed].filter((word) => !used.has(word) && !/^(data|aria)-/.test(word)).sort()).toEqual([]);
});
