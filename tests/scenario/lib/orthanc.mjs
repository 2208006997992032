// Orthanc with its DICOMweb plugin: a peer nobody here wrote. Started by the test, ended by its pid.
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, start } from "../../e2e/lib/run.mjs";
import { until } from "../../e2e/lib/until.mjs";

const PROGRAM = "/usr/sbin/Orthanc";
const PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so";

export class Orthanc {
  static isThere() {
    return existsSync(PROGRAM) && existsSync(PLUGIN);
  }

  /**
   * @param url of our DICOMweb, and a bearer `token` for it: the server `yunzhen` of its client
   * @param modalities whom its C-STORE client knows: {name: [AE title, host, port]}
   * @param config more of its configuration; @param env of its process
   */
  static async start({ url, token, modalities = {}, config: more = {}, env = process.env } = {}) {
    const folder = await mkdtemp(join(tmpdir(), "yz-orthanc-"));
    const http = await freePorts(2), dicom = http + 1;
    const config = {
      Name: "peer", StorageDirectory: folder, IndexDirectory: folder, HttpPort: http, DicomPort: dicom, RemoteAccessAllowed: false,
      AuthenticationEnabled: false, Plugins: [PLUGIN], DicomModalities: modalities,
      DicomWeb: { Enable: true, Servers: url ? { yunzhen: { Url: url, HttpHeaders: { Authorization: `Bearer ${token}` } } } : {} },
      ...more,
    };
    await writeFile(join(folder, "orthanc.json"), JSON.stringify(config));
    const orthanc = new Orthanc(folder, `http://127.0.0.1:${http}`, start(PROGRAM, [join(folder, "orthanc.json")], { stdio: ["ignore", "ignore", "ignore"], env }));
    orthanc.dicom = dicom;
    await until("Orthanc answers", () => orthanc.get("/system"), { within: 60_000 });
    return orthanc;
  }

  constructor(folder, url, child) {
    this.folder = folder;
    this.url = url;
    this.child = child;
    this.gone = new Promise((resolve) => child.once("exit", resolve));
  }

  async #ask(path, options) {
    const answer = await fetch(this.url + path, options);
    const body = Buffer.from(await answer.arrayBuffer());
    if (!answer.ok) throw new Error(`Orthanc ${path}: ${answer.status} ${body}`);
    return body;
  }

  bytes(path) {
    return this.#ask(path);
  }

  async get(path) {
    return JSON.parse((await this.#ask(path)).toString());
  }

  async post(path, body) {
    return JSON.parse((await this.#ask(path, { method: "POST", body: Buffer.isBuffer(body) ? body : JSON.stringify(body) })).toString());
  }

  drop(path) {
    return this.#ask(path, { method: "DELETE" });
  }

  async end() {
    this.child.kill("SIGTERM");
    await this.gone;
    await rm(this.folder, { recursive: true, force: true });
  }
}
