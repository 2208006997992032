// A CT series made at run time: 512 × 512, signed 16 bit, with the attributes a scanner writes. Every series has UIDs of its own.
import { randomFillSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXPLICIT, element, part10, short, uid, words } from "../../scenario/lib/dicom.mjs";

const CT = "1.2.840.10008.5.1.4.1.1.2";
const SIDE = 512;

/* A ramp from air to bone with noise on it: nobody on the way packs pixels, so what they show does not matter. */
function picture() {
  const noise = randomFillSync(new Uint8Array(SIDE * SIDE));
  const pixels = Int16Array.from(noise, (n, i) => -1000 + Math.floor((i % SIDE) * 3.5) + (n & 31));
  return Buffer.from(pixels.buffer);
}

function dataSet({ study, series, frame, sop, number, pixels }) {
  return Buffer.concat([
    words(0x00080005, "CS", "ISO_IR 192"),
    words(0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
    words(0x00080012, "DA", "20261121"),
    words(0x00080013, "TM", "100000"),
    words(0x00080016, "UI", CT),
    words(0x00080018, "UI", sop),
    words(0x00080020, "DA", "20261121"),
    words(0x00080021, "DA", "20261121"),
    words(0x00080022, "DA", "20261121"),
    words(0x00080023, "DA", "20261121"),
    words(0x00080030, "TM", "100000"),
    words(0x00080031, "TM", "100012"),
    words(0x00080032, "TM", `1000${String(12 + (number % 40)).padStart(2, "0")}`),
    words(0x00080033, "TM", "100055"),
    words(0x00080050, "SH", ""),
    words(0x00080060, "CS", "CT"),
    words(0x00080070, "LO", "Demo"),
    words(0x00080080, "LO", "示范卫生院"),
    words(0x00080090, "PN", ""),
    words(0x00081010, "SH", "CT1"),
    words(0x00081030, "LO", "胸部 CT 平扫"),
    words(0x0008103e, "LO", "Chest 1.0"),
    words(0x00081090, "LO", "Phantom"),
    words(0x00100010, "PN", "Bench^Phantom=量具^体模"),
    words(0x00100020, "LO", "BENCH"),
    words(0x00100030, "DA", "19550902"),
    words(0x00100040, "CS", "O"),
    words(0x00101010, "AS", "071Y"),
    words(0x00180015, "CS", "CHEST"),
    words(0x00180022, "CS", "HELICAL MODE"),
    words(0x00180050, "DS", "1"),
    words(0x00180060, "DS", "120"),
    words(0x00180090, "DS", "500"),
    words(0x00181020, "LO", "1.0"),
    words(0x00181030, "LO", "Chest"),
    words(0x00181100, "DS", "360"),
    words(0x00181120, "DS", "0"),
    words(0x00181130, "DS", "140"),
    words(0x00181140, "CS", "CW"),
    words(0x00181150, "IS", "500"),
    words(0x00181151, "IS", 180 + (number % 60)),
    words(0x00181152, "IS", 90 + (number % 30)),
    words(0x00181160, "SH", "BODY"),
    words(0x00181210, "SH", "STANDARD"),
    words(0x00185100, "CS", "FFS"),
    words(0x0020000d, "UI", study),
    words(0x0020000e, "UI", series),
    words(0x00200010, "SH", "1"),
    words(0x00200011, "IS", "1"),
    words(0x00200012, "IS", "1"),
    words(0x00200013, "IS", number),
    words(0x00200032, "DS", `-180\\-180\\${-number}`),
    words(0x00200037, "DS", "1\\0\\0\\0\\1\\0"),
    words(0x00200052, "UI", frame),
    words(0x00201040, "LO", ""),
    words(0x00201041, "DS", -number),
    short(0x00280002, 1),
    words(0x00280004, "CS", "MONOCHROME2"),
    short(0x00280010, SIDE),
    short(0x00280011, SIDE),
    words(0x00280030, "DS", "0.703125\\0.703125"),
    short(0x00280100, 16),
    short(0x00280101, 16),
    short(0x00280102, 15),
    short(0x00280103, 1),
    words(0x00281050, "DS", "40\\-600"),
    words(0x00281051, "DS", "400\\1500"),
    words(0x00281052, "DS", "0"),
    words(0x00281053, "DS", "1"),
    words(0x00281054, "LO", "HU"),
    element(0x7fe00010, "OW", pixels),
  ]);
}

/** Written into a folder of its own. @returns {study, series, files, bytes, away()} */
export async function makeSeries(slices) {
  const folder = await mkdtemp(join(tmpdir(), "yz-phantom-"));
  const [study, series, frame] = [uid(), uid(), uid()];
  const base = picture();
  const files = [];
  let bytes = 0;
  for (let number = 1; number <= slices; number++) {
    const turned = (number * 2 * 797) % base.length; /* every slice other bytes */
    const pixels = Buffer.concat([base.subarray(turned), base.subarray(0, turned)]);
    const sop = uid();
    const file = part10(EXPLICIT, CT, sop, dataSet({ study, series, frame, sop, number, pixels }));
    files.push(join(folder, `ct${String(number).padStart(4, "0")}.dcm`));
    await writeFile(files.at(-1), file);
    bytes += file.length;
  }
  return { study, series, files, bytes, away: () => rm(folder, { recursive: true, force: true }) };
}
