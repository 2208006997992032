// The product as a user starts it: ops/up with a data folder and ports of its own, stopped by ops/down.
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, run } from "./run.mjs";
import { until } from "./until.mjs";

export const TOP = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");
const MEDIA_WORKERS = 2;
const UP_WITHIN = 120_000;

export class Product {
  #env;

  /** `YUNZHEN_E2E_URL` and `YUNZHEN_DATA` name a running product instead; it is left running. */
  static async start({ settings = {} } = {}) {
    const http = await freePorts(1);
    const media = await freePorts(MEDIA_WORKERS);
    const dicom = await freePorts(1);
    const data = await mkdtemp(join(tmpdir(), "yz-e2e-"));
    const product = new Product(data, http, media, dicom, settings);
    await product.up();
    return product;
  }

  constructor(data, http, media, dicom, settings) {
    this.data = data;
    this.http = http;
    this.media = media;
    this.dicom = dicom;
    this.mediaPorts = Array.from({ length: MEDIA_WORKERS }, (_, n) => media + n);
    this.url = `http://127.0.0.1:${http}`;
    this.#env = {
      ...process.env,
      YUNZHEN_DATA: data,
      YUNZHEN_HTTP_PORT: String(http),
      YUNZHEN_MEDIA_PORT: String(media),
      YUNZHEN_DICOM_PORT: String(dicom),
      YUNZHEN_MEDIA_WORKERS: String(MEDIA_WORKERS),
      ...settings,
    };
  }

  ops(name, args = [], options = {}) {
    return run(join(TOP, "ops", name), args, { env: this.#env, ...options });
  }

  async up() {
    const began = Date.now();
    await this.ops("up", ["-d", ...(process.env.YUNZHEN_E2E_BUILD ? [] : ["--no-build"])], { within: UP_WITHIN });
    this.accounts = await this.#demoAccounts();
    return Date.now() - began;
  }

  async down() {
    await this.ops("down", [], { within: UP_WITHIN });
  }

  /** Stop, and throw the data away unless the test failed and somebody wants to look. */
  async end({ keep = Boolean(process.env.YUNZHEN_E2E_KEEP) } = {}) {
    try {
      await this.down();
    } finally {
      if (keep) console.error(`data kept in ${this.data}`);
      else await rm(this.data, { recursive: true, force: true });
    }
  }

  async #demoAccounts() {
    const answer = JSON.parse(await this.ops("yunzhen", ["user", "demo-passwords", "--json"]));
    return new Map((answer.accounts ?? answer).map((account) => [account.login, account.password]));
  }

  password(login) {
    const password = this.accounts.get(login);
    if (!password) throw new Error(`no demo account ${login}; there are ${[...this.accounts.keys()].join(", ")}`);
    return password;
  }

  async status() {
    return JSON.parse(await this.ops("status", ["--json"]));
  }

  /** A process by its name as the supervisor knows it. */
  async process(name) {
    const { processes } = await this.status();
    const found = processes.find((p) => p.name === name);
    if (!found) throw new Error(`no process ${name}; there are ${processes.map((p) => p.name).join(", ")}`);
    return found;
  }

  /** kill -9, and wait until another one under the same name is ready. @returns ms without it */
  async kill(name) {
    const before = await this.process(name);
    const began = Date.now();
    process.kill(before.pid, "SIGKILL");
    await until(`${name} runs again`, async () => {
      const now = await this.process(name);
      return now.pid !== before.pid && now.state === "ready";
    }, { within: 60_000 });
    return Date.now() - began;
  }

  async token(login, ...rights) {
    return (await this.ops("yunzhen", ["token", "--user", login, ...rights])).trim();
  }

  verifyAudit() {
    return this.ops("yunzhen", ["verify", "audit", "--json"]).then(
      (out) => ({ ok: true, ...JSON.parse(out) }),
      (error) => ({ ok: false, ...parseOr(error.stdout), text: `${error.stdout ?? ""}${error.stderr ?? ""}` }),
    );
  }

  /** As PostgreSQL's own superuser, past every rule of ours. @returns rows as arrays of text */
  async sql(statement) {
    const out = await run(postgresProgram("psql"), [
      "-h", join(this.data, "run/pg"), "-U", "yz_admin", "-d", "yunzhen", "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1",
    ], { input: statement });
    return out.split("\n").filter(Boolean).map((line) => line.split("\t"));
  }

  async log(name) {
    return readFile(join(this.data, "log", `${name}.log`), "utf8");
  }

  /** What the daemons wrote that nobody wants to read: sanitizer reports and failed asserts. */
  async alarms() {
    const found = [];
    for (const file of await readdir(join(this.data, "log"))) {
      const text = await readFile(join(this.data, "log", file), "utf8");
      for (const line of text.split("\n"))
        if (/ERROR: \w*Sanitizer|runtime error:|Assertion .* failed|WARNING: ThreadSanitizer/.test(line)) found.push(`${file}: ${line}`);
    }
    return found;
  }
}

function parseOr(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

export function postgresProgram(name) {
  const debian = `/usr/lib/postgresql/15/bin/${name}`;
  return existsSync(debian) ? debian : name;
}
