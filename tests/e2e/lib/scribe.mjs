// Writes note after note while something dies: what was acknowledged must be there afterwards, once.
import { until } from "./until.mjs";

const PACE_MS = 60; /* below what one account may ask of the API for long */

export class Scribe {
  #running = true;
  #ended;

  constructor(api, order) {
    this.api = api;
    this.name = `scribe-${Date.now()}`;
    this.order = order;
    this.acknowledged = new Map(); /* note version -> text */
    this.refusals = new Map();     /* code or error -> how often */
    this.#ended = this.#write();
  }

  async #write() {
    for (let n = 0; this.#running; n++) {
      const next = Date.now() + PACE_MS;
      await this.#once(`note ${n} of ${this.name}`, `${this.name}-${n}`);
      await until("it is time for the next note", () => Date.now() >= next);
    }
  }

  /* One note under one key, sent again until somebody knows what became of it. */
  #once(text, key) {
    return until(`"${text}" is answered`, async () => {
      const { version } = await this.api.get(`/api/v1/orders/${this.order}`);
      const body = { version, diagnosis: { code: "", text: "" }, text, advice: "" };
      const answer = await this.api.send("PUT", `/api/v1/orders/${this.order}/note`, body, { key });
      if (answer.status < 300) this.acknowledged.set(answer.json.note_version, text);
      else this.#count(answer.json?.code ?? answer.status);
      return answer.status < 500 && answer.status !== 409;
    }, { within: 40_000, every: 100 }).catch((error) => this.#count(error.message));
  }

  #count(what) {
    this.refusals.set(what, (this.refusals.get(what) ?? 0) + 1);
  }

  /** @returns {Promise<string[]>} what was promised and is not there, or is there twice */
  async stop(product, visit) {
    this.#running = false;
    await this.#ended;
    const rows = new Map();
    const wrong = [];
    for (const [version, text] of await product.sql(`SELECT version, text FROM records.visit_notes WHERE visit_id = ${visit}`)) {
      if ([...rows.values()].includes(text)) wrong.push(`${text} is there twice`);
      rows.set(Number(version), text);
    }
    for (const [version, text] of this.acknowledged)
      if (rows.get(version) !== text) wrong.push(`${text} was acknowledged as version ${version}, but there is ${rows.get(version) ?? "nothing"}`);
    return wrong;
  }
}
