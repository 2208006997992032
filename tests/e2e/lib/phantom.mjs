// Images whose every pixel is known, written as DICOM Part 10 files (explicit VR little endian) without any library.

const LONG = new Set(["OB", "OW", "SQ", "UN", "UT"]);
const even = (bytes, pad) => (bytes.length % 2 ? Buffer.concat([bytes, Buffer.from([pad])]) : bytes);

/** @param value text, numbers, bytes, or for SQ a list of items, each a list of rows */
function bytesOf(vr, value) {
  if (vr === "SQ") return Buffer.concat(value.map((rows) => item(dataSet(rows))));
  if (Buffer.isBuffer(value)) return even(value, 0);
  const all = Array.isArray(value) ? value : [value];
  if (vr === "US" || vr === "SS") {
    const out = Buffer.alloc(all.length * 2);
    all.forEach((one, i) => (vr === "US" ? out.writeUInt16LE(one, i * 2) : out.writeInt16LE(one, i * 2)));
    return out;
  }
  if (vr === "UL") return Buffer.concat(all.map((one) => { const out = Buffer.alloc(4); out.writeUInt32LE(one); return out; }));
  return even(Buffer.from(all.join("\\"), "utf8"), vr === "UI" ? 0 : 0x20);
}

function item(body) {
  const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
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

const LEADS = [
  ["I", "2:1"], ["II", "2:2"], ["III", "2:61"], ["aVR", "2:62"], ["aVL", "2:63"], ["aVF", "2:64"],
  ["V1", "2:3"], ["V2", "2:4"], ["V3", "2:5"], ["V4", "2:6"], ["V5", "2:7"], ["V6", "2:8"],
];
export const ECG_HZ = 500;
/** Every lead rests at 0 and rises to 1 mV for 200 ms once a second, 300 ms after the full second. */
export const ecgPulse = (s) => (s % 1 >= 0.3 && s % 1 < 0.5 ? 1_000 : 0);

/** A 12-lead ECG of ten seconds, stored at 2.5 µV a unit. */
export function ecg({ study, series = 1, patient }) {
  const samples = ECG_HZ * 10;
  const data = Buffer.alloc(samples * LEADS.length * 2);
  for (let i = 0; i < samples; i++) LEADS.forEach((_, c) => data.writeInt16LE(Math.round(ecgPulse(i / ECG_HZ) / 2.5), (i * LEADS.length + c) * 2));
  const code = (value, scheme, meaning) => [["00080100", "SH", value], ["00080102", "SH", scheme], ["00080104", "LO", meaning]];
  const channels = LEADS.map(([name, value]) => [
    ["003A0208", "SQ", [code(`MDC_ECG_LEAD_${name.toUpperCase()}`, "MDC", `Lead ${name}`)]], ["003A0210", "DS", "2.5"],
    ["003A0211", "SQ", [code("uV", "UCUM", "microvolt")]], ["003A0212", "DS", "1"], ["003A0213", "DS", "0"], ["003A0215", "DS", "0"], ["003A021A", "US", 16],
    ["003A0220", "DS", "0.05"], ["003A0221", "DS", "150"],
  ]);
  return part10([
    ["00080005", "CS", "ISO_IR 192"], ["00080016", "UI", "1.2.840.10008.5.1.4.1.1.9.1.1"], ["00080018", "UI", `${study}.${series}.1`], ["00080020", "DA", "20260801"],
    ["0008002A", "DT", "20260801093000"], ["00080030", "TM", "093000"], ["00080050", "SH", patient?.accession ?? ""], ["00080060", "CS", "ECG"],
    ["00100010", "PN", patient?.name ?? "体模^甲"], ["00100020", "LO", patient?.id ?? "PHANTOM-1"], ["00100040", "CS", "O"], ["0020000D", "UI", study],
    ["0020000E", "UI", `${study}.${series}`], ["00200011", "IS", String(series)], ["00200013", "IS", "1"],
    ["54000100", "SQ", [[
      ["003A0004", "CS", "ORIGINAL"], ["003A0005", "US", LEADS.length], ["003A0010", "UL", samples], ["003A001A", "DS", String(ECG_HZ)], ["003A0020", "SH", "RHYTHM"],
      ["003A0200", "SQ", channels], ["54001004", "US", 16], ["54001006", "CS", "SS"], ["54001010", "OW", data],
    ]]],
  ]);
}

/** A body for STOW-RS. @returns {{type: string, body: Buffer}} */
export function related(files) {
  const boundary = "yz-phantom";
  const parts = files.flatMap((file) => [Buffer.from(`\r\n--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`), file]);
  return { type: `multipart/related; type="application/dicom"; boundary=${boundary}`, body: Buffer.concat([...parts, Buffer.from(`\r\n--${boundary}--\r\n`)]) };
}
