// Small DICOM objects made here, multipart bodies, and the files of the shared data when they are there.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { TOP } from "../../e2e/lib/product.mjs";

export const EXPLICIT = "1.2.840.10008.1.2.1";
export const DEFLATED = "1.2.840.10008.1.2.1.99";
export const CAPTURE = "1.2.840.10008.5.1.4.1.1.7";

const LONG = new Set(["OB", "OW", "SQ", "UN", "UT"]);

/** One data element, explicit little endian; an odd value is padded. */
export function element(tag, vr, value) {
  const head = Buffer.alloc(LONG.has(vr) ? 12 : 8);
  const odd = value.length % 2 ? Buffer.from([vr === "UI" || vr === "OB" ? 0 : 0x20]) : Buffer.alloc(0);
  const length = value.length + odd.length;
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, "latin1");
  if (LONG.has(vr)) head.writeUInt32LE(length, 8);
  else head.writeUInt16LE(length, 6);
  return Buffer.concat([head, value, odd]);
}

export const words = (tag, vr, value) => element(tag, vr, Buffer.isBuffer(value) ? value : Buffer.from(String(value)));
export const short = (tag, value) => element(tag, "US", Buffer.from([value & 0xff, value >> 8]));

/** Preamble, file meta group, data set as it is. */
export function part10(syntax, sopClass, sopUid, dataSet) {
  const meta = Buffer.concat([
    element(0x00020001, "OB", Buffer.from([0, 1])),
    words(0x00020002, "UI", sopClass),
    words(0x00020003, "UI", sopUid),
    words(0x00020010, "UI", syntax),
    words(0x00020012, "UI", "2.25.1"),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  return Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), element(0x00020000, "UL", length), meta, dataSet]);
}

let next = 1;
/** A UID nobody has used yet. */
export const uid = () => `1.2.826.0.1.3680043.10.1.${process.pid}.${Date.now()}.${next++}`;

/** A secondary capture: `rows` × `columns`, 8 bit, frames of a pattern of its own. @returns its file and what is in it */
export function capture({ study = uid(), series = uid(), sop = uid(), name = "Wang^XiaoDong=王^小东", patient = "T1", accession = "",
  rows = 16, columns = 16, frames = 2, number = 1, syntax = EXPLICIT, sopClass = CAPTURE } = {}) {
  const pixels = Buffer.from(Array.from({ length: rows * columns * frames }, (_, i) => (i * 7 + number * 13) & 0xff));
  let dataSet = Buffer.concat([
    words(0x00080005, "CS", "ISO_IR 192"),
    words(0x00080016, "UI", sopClass),
    words(0x00080018, "UI", sop),
    words(0x00080020, "DA", "20260105"),
    words(0x00080030, "TM", "102030"),
    words(0x00080050, "SH", accession),
    words(0x00080060, "CS", "OT"),
    words(0x00081030, "LO", "scenario"),
    words(0x00100010, "PN", name),
    words(0x00100020, "LO", patient),
    words(0x00100030, "DA", "19550902"),
    words(0x00100040, "CS", "M"),
    words(0x0020000d, "UI", study),
    words(0x0020000e, "UI", series),
    words(0x00200011, "IS", "1"),
    words(0x00200013, "IS", number),
    short(0x00280002, 1),
    words(0x00280004, "CS", "MONOCHROME2"),
    words(0x00280008, "IS", frames),
    short(0x00280010, rows),
    short(0x00280011, columns),
    short(0x00280100, 8),
    short(0x00280101, 8),
    short(0x00280102, 7),
    short(0x00280103, 0),
    element(0x7fe00010, "OW", pixels),
  ]);
  if (syntax === DEFLATED) dataSet = deflateRawSync(dataSet);
  return { study, series, sop, pixels, frame: rows * columns, file: part10(syntax, sopClass, sop, dataSet), dataSet };
}

/** A data set that is a few kilobytes deflated and 160 MiB inflated. */
export function bomb() {
  const dataSet = Buffer.alloc(12 + (160 << 20));
  dataSet.writeUInt16LE(0x0009, 0);
  dataSet.writeUInt16LE(0x1001, 2);
  dataSet.write("OB", 4, "latin1");
  dataSet.writeUInt32LE(dataSet.length - 12, 8);
  return part10(DEFLATED, CAPTURE, uid(), deflateRawSync(dataSet));
}

export const BOUNDARY = "yz-scenario";
export const STOW = `multipart/related; type="application/dicom"; boundary=${BOUNDARY}`;

export function parts(files, type = "application/dicom") {
  return Buffer.concat([
    ...files.flatMap((file) => [Buffer.from(`--${BOUNDARY}\r\nContent-Type: ${type}\r\n\r\n`), file, Buffer.from("\r\n")]),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ]);
}

/** A multipart answer taken apart. @returns [{type, body}] */
export function takeApart(contentType, body) {
  const mark = Buffer.from(`--${/boundary="?([^";]+)/.exec(contentType)[1]}`);
  const found = [];
  let at = body.indexOf(mark);
  for (;;) {
    at += mark.length;
    if (body.subarray(at, at + 2).toString() === "--") return found;
    const end = body.indexOf(Buffer.concat([Buffer.from("\r\n"), mark]), at);
    if (end < 0) throw new Error("a part does not end");
    const head = body.indexOf("\r\n\r\n", at);
    found.push({ type: /content-type: *(.*)/i.exec(body.subarray(at, head).toString())[1], body: body.subarray(head + 4, end) });
    at = end + 2;
  }
}

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

const folder = process.env.YUNZHEN_TEST_DATA ?? join(TOP, "../shared/data");
export const manifest = existsSync(join(folder, "manifest.json")) ? JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) : [];
export const shared = (name) => readFileSync(join(folder, "files", name));
