// Who is measured: our product, Debian's Orthanc and dcmtk's storescp, each behind the same few calls.
//   to         where storescu sends: {ae, port}
//   pids       whose CPU is the receiver's, and `beside`: whose is named apart
//   kept(s)    how many objects of a series are there for who asks
//   forget(s)  makes room before the next series
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Product } from "../../e2e/lib/product.mjs";
import { freePorts, run, start } from "../../e2e/lib/run.mjs";
import { until } from "../../e2e/lib/until.mjs";
import { Orthanc } from "../../scenario/lib/orthanc.mjs";

const PDU = 131072; /* what storescu sends at most; Orthanc's own default is 16384 */
const withoutDelay = { ...process.env, TCP_NODELAY: "1" };
const plain = { ...process.env };
delete plain.TCP_NODELAY;

const answers = (name, { ae, port }) =>
  until(`${name} answers C-ECHO`, () => run("echoscu", ["-aec", ae, "127.0.0.1", String(port)]).then(() => true), { within: 60_000, every: 300 });

export class Ours {
  name = "yz-dicomd";

  async begin() {
    this.product = await Product.start();
    this.to = { ae: "YUNZHEN", port: this.product.dicom };
    const pid = async (name) => (await this.product.process(name)).pid;
    this.pids = { dicomd: await pid("dicomd") }; /* the decoders are its children */
    this.beside = { postgres: await pid("postgres") };
    this.serving = { nginx: await pid("nginx"), dicomd: this.pids.dicomd };
    this.asking = { signald: await pid("signald"), postgres: this.beside.postgres };
    this.web = { url: `${this.product.url}/dicomweb`, token: await this.product.token("operator1") };
    await answers(this.name, this.to);
  }

  async kept({ study }) {
    const [[count]] = await this.product.sql(`SELECT count(*) FROM dicom.instances i JOIN records.studies s
        ON s.region_id = i.region_id AND s.id = i.study_id WHERE s.study_uid = '${study}'`);
    return Number(count);
  }

  async forget() {}

  async end() {
    await this.product?.end();
  }
}

export class Peer {
  /** @param quick TCP_NODELAY=1 in its environment, which dcmtk's network layer reads */
  constructor({ quick }) {
    this.quick = quick;
    this.name = quick ? "Orthanc with TCP_NODELAY=1" : "Orthanc";
  }

  async begin() {
    const config = { MaximumPduLength: PDU, HttpCompressionEnabled: true };
    this.orthanc = await Orthanc.start({ config, env: this.quick ? withoutDelay : plain });
    this.to = { ae: "ORTHANC", port: this.orthanc.dicom };
    this.pids = this.serving = { orthanc: this.orthanc.child.pid };
    this.web = { url: `${this.orthanc.url}/dicom-web` };
    await answers(this.name, this.to);
  }

  async kept() {
    return (await this.orthanc.get("/statistics")).CountInstances; /* it holds one study at a time */
  }

  async forget() {
    for (const id of await this.orthanc.get("/studies")) await this.orthanc.drop(`/studies/${id}`);
  }

  async end() {
    await this.orthanc?.end();
  }
}

export class Storescp {
  name = "storescp +B with TCP_NODELAY=1";

  async begin() {
    this.folder = await mkdtemp(join(tmpdir(), "yz-storescp-"));
    this.to = { ae: "SCPB", port: await freePorts(1) };
    const options = ["--fork", "+B", "-od", this.folder, "-aet", this.to.ae, "--max-pdu", String(PDU), String(this.to.port)];
    this.child = start("storescp", options, { stdio: "ignore", env: withoutDelay });
    this.gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.pids = { storescp: this.child.pid };
    await answers(this.name, this.to);
  }

  async kept() {
    return (await readdir(this.folder)).length;
  }

  async forget() {
    for (const file of await readdir(this.folder)) await rm(join(this.folder, file));
  }

  async end() {
    this.child?.kill("SIGTERM");
    await this.gone;
    if (this.folder) await rm(this.folder, { recursive: true, force: true });
  }
}

/** An unchanged storescu a share of the files, all at once. */
export function send({ ae, port }, files, associations) {
  const share = Math.ceil(files.length / associations);
  const shares = Array.from({ length: associations }, (_, n) => files.slice(n * share, (n + 1) * share)).filter((some) => some.length);
  return Promise.all(shares.map((some) =>
    run("storescu", ["-R", "-aet", "CT1", "-aec", ae, "127.0.0.1", String(port), ...some], { within: 300_000, env: plain })));
}
