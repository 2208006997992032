// Images whose every pixel is known, written as DICOM Part 10 files (explicit VR little endian) without any library.

const LONG = new Set(["OB", "OW", "SQ", "UN", "UT"]);
const even = (bytes, pad) => (bytes.length % 2 ? Buffer.concat([bytes, Buffer.from([pad])]) : bytes);

function bytesOf(vr, value) {
  if (Buffer.isBuffer(value)) return even(value, 0);
  const all = Array.isArray(value) ? value : [value];
  if (vr === "US" || vr === "SS") {
    const out = Buffer.alloc(all.length * 2);
    all.forEach((one, i) => (vr === "US" ? out.writeUInt16LE(one, i * 2) : out.writeInt16LE(one, i * 2)));
    return out;
  }
  return even(Buffer.from(all.join("\\"), "utf8"), vr === "UI" ? 0 : 0x20);
}

function element(tag, vr, value) {
  const body = bytesOf(vr, value);
  const head = Buffer.alloc(LONG.has(vr) ? 12 : 8);
  head.writeUInt16LE(parseInt(tag.slice(0, 4), 16), 0);
  head.writeUInt16LE(parseInt(tag.slice(4), 16), 2);
  head.write(vr, 4, "latin1");
  if (LONG.has(vr)) head.writeUInt32LE(body.length, 8);
  else head.writeUInt16LE(body.length, 6);
  return Buffer.concat([head, body]);
}

const dataSet = (rows) => Buffer.concat([...rows].sort((a, b) => (a[0] < b[0] ? -1 : 1)).map((row) => element(...row)));

/** @param rows [tag, vr, value] of the data set, in any order; class and instance UID among them */
export function part10(rows) {
  const of = (tag) => rows.find((row) => row[0] === tag)[2];
  const meta = dataSet([
    ["00020001", "OB", Buffer.from([0, 1])], ["00020002", "UI", of("00080016")], ["00020003", "UI", of("00080018")],
    ["00020010", "UI", "1.2.840.10008.1.2.1"], ["00020012", "UI", "1.2.826.0.1.3680043.10.1.1"],
  ]);
  const length = Buffer.concat([Buffer.from([2, 0, 0, 0, 0x55, 0x4c, 4, 0]), Buffer.alloc(4)]);
  length.writeUInt32LE(meta.length, 8);
  return Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), length, meta, dataSet(rows)]);
}

/** Bytes of pixels from a function of column and row. */
export function pixels(columns, rows, bits, signed, valueAt) {
  const out = Buffer.alloc((columns * rows * bits) / 8);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const at = y * columns + x;
      if (bits === 8) out.writeUInt8(valueAt(x, y), at);
      else if (signed) out.writeInt16LE(valueAt(x, y), at * 2);
      else out.writeUInt16LE(valueAt(x, y), at * 2);
    }
  return out;
}

const CT = "1.2.840.10008.5.1.4.1.1.2", DX = "1.2.840.10008.5.1.4.1.1.1.1", SC = "1.2.840.10008.5.1.4.1.1.7";

/** One image. `more` adds elements or overrides them. */
export function image({ study, series, instance, sopClass, modality, columns, rows, bits, signed = false, photometric, data, number = 1, more = [], patient = {} }) {
  const uid = (last) => `${study}.${series}.${last}`;
  const own = [
    ["00080005", "CS", "ISO_IR 192"], ["00080016", "UI", sopClass], ["00080018", "UI", uid(instance)], ["00080020", "DA", "20260801"],
    ["00080030", "TM", "093000"], ["00080050", "SH", patient.accession ?? ""], ["00080060", "CS", modality], ["00100010", "PN", patient.name ?? "体模^甲"],
    ["00100020", "LO", patient.id ?? "PHANTOM-1"], ["00100040", "CS", "O"], ["0020000D", "UI", study], ["0020000E", "UI", `${study}.${series}`],
    ["00200011", "IS", String(series)], ["00200013", "IS", String(number)], ["00280002", "US", 1], ["00280004", "CS", photometric],
    ["00280010", "US", rows], ["00280011", "US", columns], ["00280100", "US", bits], ["00280101", "US", bits], ["00280102", "US", bits - 1],
    ["00280103", "US", signed ? 1 : 0], ["7FE00010", bits === 8 ? "OB" : "OW", data],
  ];
  const replaced = new Set(more.map((row) => row[0]));
  return part10([...own.filter((row) => !replaced.has(row[0])), ...more]);
}

/** CT slice `n` of `of`: air, a block of n × 10 HU in the upper left quarter, bone in the lower right corner. Signed, 2 mm a pixel. */
export function ctSlice({ study, series = 1, n, of, patient, size = 128 }) {
  const data = pixels(size, size, 16, true, (x, y) =>
    x < size / 2 && y < size / 2 ? n * 10 : x >= size * 0.75 && y >= size * 0.75 ? 1_000 : -1_000);
  return image({
    study, series, instance: n + 1, number: n + 1, sopClass: CT, modality: "CT", columns: size, rows: size, bits: 16, signed: true, photometric: "MONOCHROME2",
    data, patient, more: [
      ["0008103E", "LO", "平扫 5 mm"], ["00180050", "DS", "5"], ["00200032", "DS", ["-128", "-128", String(n * 5)]], ["00200037", "DS", ["1", "0", "0", "0", "1", "0"]],
      ["00200052", "UI", `${study}.9`], ["00201002", "IS", String(of)], ["00280030", "DS", ["2", "2"]], ["00281050", "DS", "40"], ["00281051", "DS", "400"],
      ["00281052", "DS", "0"], ["00281053", "DS", "1"],
    ],
  });
}

/** A plate: 0 must be white (MONOCHROME1), bright on the left half, and nobody knows its spacing. */
export const plate = ({ study, series = 2, patient }) => image({
  study, series, instance: 1, sopClass: DX, modality: "DX", columns: 100, rows: 100, bits: 16, photometric: "MONOCHROME1", patient,
  data: pixels(100, 100, 16, false, (x) => (x < 50 ? 0 : 4_000)), more: [["00200020", "CS", ["L", "F"]], ["00281050", "DS", "2000"], ["00281051", "DS", "4000"]],
});

/** Four quarters in colours of a palette: red, green, blue, white. */
export function palette({ study, series = 3, patient, bits = 16 }) {
  const colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]];
  const table = (channel) => {
    const out = Buffer.alloc(8);
    colours.forEach((colour, i) => out.writeUInt16LE((colour[channel] ?? 0) * 257, i * 2));
    return out;
  };
  return image({
    study, series, instance: 1, sopClass: SC, modality: "OT", columns: 64, rows: 64, bits: 8, photometric: "PALETTE COLOR", patient,
    data: pixels(64, 64, 8, false, (x, y) => (x < 32 ? 0 : 1) + (y < 32 ? 0 : 2)),
    more: [0, 1, 2].flatMap((channel) => [
      [`0028110${channel + 1}`, "US", [4, 0, bits]], [`0028120${channel + 1}`, "OW", table(channel)],
    ]),
  });
}
