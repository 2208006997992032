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

interface Decoder {
  getEncodedBuffer(size: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  getFrameInfo(): { width: number; height: number; componentCount: number };
  decode(): void;
  delete(): void;
}

/** A decoder as the page makes it, in a world where code from text is forbidden. */
async function decoderOf(script: string, wasm: string, decoder: string): Promise<Decoder> {
  const code = withoutBuilders(readFileSync(find(script), "utf8"), find(script));
  const page = createContext({ WebAssembly, TextDecoder, console, URL, performance, setTimeout, module: {}, exports: {} }, { codeGeneration: { strings: false, wasm: true } });
  expect(() => runInContext("new Function('return 1')", page)).toThrow(/Code generation from strings/);
  const factory = runInContext(`${code}; module.exports`, page) as (more: object) => Promise<Record<string, new () => Decoder>>;
  const made = await factory({ wasmBinary: readFileSync(find(wasm)), print: () => undefined, printErr: () => undefined });
  return new (made[decoder] as new () => Decoder)();
}

test.each(CODECS)("%s begins and binds where building functions from text is forbidden", async (script, wasm, decoder) => {
  const one = await decoderOf(script, wasm, decoder);
  expect(one.getEncodedBuffer(16)).toHaveLength(16);
  one.delete();
});

/** A ramp of 16 by 16 pixels, 0 to 255 from the upper left to the lower right, encoded by CharLS, OpenJPEG and libjpeg. */
const RAMP: Record<string, string> = {
  JpegLSDecoder: "/9j/9wALCAAQABABAREA/9oACAEBAAAAAK22/b/+ATSv/wAn/3j3/3nP/3Nf/2x//y3/fqf/el//aH//e/9/n/98/3/X/36//0D/2Q==",
  J2KDecoder:
    "/0//UQApAAAAAAAQAAAAEAAAAAAAAAAAAAAAEAAAABAAAAAAAAAAAAABBwEB/1IADAAAAAEAAQQEAAH/XAAHQEBISFD/ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjD/kAAKAAAAAABPAAH/k9+BiBIrAwsLE+S5L4U/OFCLF3Xs/uu7v5kK41dJijMPeCQK4ToLNdAH+QBsNhZNMmPHcJ/AEUHzhQA2oT2mNGB//9k=",
  JPEGDecoder:
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/wAALCAAQABABAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/AP529N/4Jt/d/wCJB6f8u3/2Negab/wTb+7/AMSD0/5dv/sa/vA03/gm393/AIkHp/y7f/Y16Bpv/BNv7v8AxIPT/l2/+xr/2Q==",
};

test.each(CODECS.filter(([, , decoder]) => decoder in RAMP))("%s decodes there, and gives its pixels back", async (script, wasm, decoder) => {
  const one = await decoderOf(script, wasm, decoder);
  const bytes = Buffer.from(RAMP[decoder] ?? "", "base64");
  one.getEncodedBuffer(bytes.length).set(bytes);
  one.decode();
  const off = [...one.getDecodedBuffer()].map((value, i) => Math.abs(value - i));
  expect(off).toHaveLength(256);
  expect(Math.max(...off)).toBeLessThanOrEqual(decoder === "JPEGDecoder" ? 2 : 0);
  expect(one.getFrameInfo()).toMatchObject({ width: 16, height: 16, componentCount: 1 });
  one.delete();
});

test("4:2:2 without compression has two bytes a pixel, and is converted", () => {
  const file = find("@cornerstonejs/codec-charls/decodewasmjs").replace(/codec-charls\/.*$/, "dicom-image-loader/dist/esm/imageLoader/isColorConversionRequired.js");
  const code = withoutBuilders(readFileSync(file, "utf8"), file).replace("export default", "module.exports =");
  const required = runInContext(`${code}; module.exports`, createContext({ module: {} })) as (frame: object) => boolean;
  const frame = { rows: 555, columns: 800, photometricInterpretation: "YBR_FULL_422", planarConfiguration: 0 };
  expect([2, 3].map((bytes) => required({ ...frame, pixelDataLength: 555 * 800 * bytes }))).toEqual([true, false]);
});

test("a codec that has changed stops the build", () => {
  expect(() => withoutBuilders("function createNamedFunction(){}", "/x/codec-charls/dist/charlswasm_decode.js")).toThrow(/has changed/);
  expect(withoutBuilders("anything", "/x/other.js")).toBe("anything");
});
