import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createContext, runInContext } from "node:vm";
import { expect, test } from "vitest";
import { withoutBuilders } from "./codecs";

const find = createRequire(import.meta.url).resolve;
const CODECS: readonly [string, string, string][] = [
  ["@cornerstonejs/codec-charls/decodewasmjs", "@cornerstonejs/codec-charls/decodewasm", "JpegLSDecoder"],
  ["@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs", "@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm", "JPEGDecoder"],
  ["@cornerstonejs/codec-openjpeg/decodewasmjs", "@cornerstonejs/codec-openjpeg/decodewasm", "J2KDecoder"],
  ["@cornerstonejs/codec-openjph/wasmjs", "@cornerstonejs/codec-openjph/wasm", "HTJ2KDecoder"],
];

test.each(CODECS)("%s begins and binds where building functions from text is forbidden", async (script, wasm, decoder) => {
  const code = withoutBuilders(readFileSync(find(script), "utf8"), find(script));
  const page = createContext({ WebAssembly, TextDecoder, console, URL, performance, setTimeout, module: {}, exports: {} }, { codeGeneration: { strings: false, wasm: true } });
  expect(() => runInContext("new Function('return 1')", page)).toThrow(/Code generation from strings/);
  type Decoder = { getEncodedBuffer(size: number): Uint8Array; delete(): void };
  const factory = runInContext(`${code}; module.exports`, page) as (more: object) => Promise<Record<string, new () => Decoder>>;
  const made = await factory({ wasmBinary: readFileSync(find(wasm)), print: () => undefined, printErr: () => undefined });
  const one = new (made[decoder] as new () => Decoder)();
  expect(one.getEncodedBuffer(16)).toHaveLength(16);
  one.delete();
});

test("a codec that has changed stops the build", () => {
  expect(() => withoutBuilders("function createNamedFunction(){}", "/x/codec-charls/dist/charlswasm_decode.js")).toThrow(/has changed/);
  expect(withoutBuilders("anything", "/x/other.js")).toBe("anything");
});
