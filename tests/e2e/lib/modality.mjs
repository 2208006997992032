// A modality as a hospital has it: dcmtk's own programs ask our worklist and send our archive what was taken.
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TOP } from "./product.mjs";
import { run } from "./run.mjs";
import { until } from "./until.mjs";

const TOOL = new URL("./modality.py", import.meta.url).pathname;
const CALLED = "YUNZHEN";
const PYTHON = "/usr/bin/python3"; /* where Debian's pydicom is */
/** Real recordings and images, when the checkout stands beside a folder of them (YUNZHEN_TEST_DATA names another). */
const DATA = join(process.env.YUNZHEN_TEST_DATA ?? join(TOP, "../shared/data"), "files");
const REAL_ECG = join(DATA, "synthetic/ecg12_1000hz.dcm");
const REAL_CT = ["CTImage.dcm_JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90.dcm", "CTImage.dcm_JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm",
  "CTImage.dcm_RLELosslessTransferSyntax_1.2.840.10008.1.2.5.dcm"].map((name) => join(DATA, "cornerstone3d", name));

export class Modality {
  constructor(product, ae) {
    this.product = product;
    this.ae = ae;
  }

  #to() {
    return ["-aet", this.ae, "-aec", CALLED, "127.0.0.1", String(this.product.dicom)];
  }

  /** Is somebody there? */
  echoes() {
    return until(`${CALLED} answers C-ECHO`, () => run("echoscu", this.#to()).then(() => true), { within: 30_000, every: 300 });
  }

  /** What the modality worklist holds for this kind of machine. */
  async worklist(kind) {
    const folder = await mkdtemp(join(tmpdir(), "yz-mwl-"));
    try {
      const keys = ["AccessionNumber", "PatientName", "PatientID", "StudyInstanceUID", "RequestedProcedureDescription",
        `ScheduledProcedureStepSequence[0].Modality=${kind}`];
      await run("findscu", ["-W", "-X", "-od", folder, ...keys.flatMap((key) => ["-k", key]), ...this.#to()]);
      const files = (await readdir(folder)).sort().map((name) => join(folder, name));
      return files.length ? JSON.parse(await run(PYTHON, [TOOL, "worklist", ...files])) : [];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** The worklist's entry with this accession number. */
  scheduled(kind, accession) {
    return until(`accession ${accession} stands in the worklist of ${kind}`, async () =>
      (await this.worklist(kind)).find((one) => one.accession === accession), { within: 15_000, every: 500 });
  }

  /** Take an exam for this worklist entry: files in a folder of their own, thrown away by `away()`. */
  async takes(kind, entry, { slices } = {}) {
    const folder = await mkdtemp(join(tmpdir(), "yz-modality-"));
    const real = kind === "ECG" ? { ecg: existsSync(REAL_ECG) ? REAL_ECG : undefined } : { extra: REAL_CT.filter((path) => existsSync(path)) };
    const order = JSON.stringify({ ...entry, slices, ...real });
    const names = JSON.parse(await run(PYTHON, [TOOL, kind.toLowerCase(), folder], { input: order }));
    return { files: names.map((name) => join(folder, name)), away: () => rm(folder, { recursive: true, force: true }) };
  }

  /** C-STORE: storescu sends what is uncompressed, dcmsend whatever has a syntax of its own, as it is. */
  async sends(files) {
    const own = (file) => /extra\d+\.dcm$/.test(file);
    const [plain, compressed] = [files.filter((file) => !own(file)), files.filter(own)];
    await run("storescu", ["-R", ...this.#to(), ...plain], { within: 120_000 });
    if (compressed.length) await run("dcmsend", ["-dn", ...this.#to(), ...compressed], { within: 120_000 });
  }
}
