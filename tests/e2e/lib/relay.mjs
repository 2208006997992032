// The bad network between one person and the product: tests/load/netlab's yz-relay, by its stdin.
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { start } from "./run.mjs";
import { within } from "./until.mjs";
import { TOP } from "./product.mjs";

function relayProgram() {
  const places = [process.env.YUNZHEN_RELAY, ...["dev", "release", "tsan"].map((b) => join(TOP, "build", b, "bin/yz-relay"))];
  const path = places.find((place) => place && existsSync(place));
  if (!path) throw new Error("yz-relay is not built: cmake --build --preset dev --target yz-relay");
  return path;
}

export class Relay {
  #child;
  #answers;

  /** Page, API and live socket by TCP, media by UDP: everything of one person. */
  static async between(product, { seed = 1 } = {}) {
    const relay = new Relay();
    await relay.#open(product, seed);
    return relay;
  }

  async #open(product, seed) {
    this.#child = start(relayProgram(), [
      `--seed=${seed}`,
      `--tcp=0=127.0.0.1:${product.http}`,
      ...product.mediaPorts.map((port) => `--udp=0=127.0.0.1:${port}`),
    ]);
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    const { forwards } = await this.#answer("the relay listens");
    const udp = Object.fromEntries(forwards.filter((f) => f.kind === "udp").map((f) => [f.target, f.listen]));
    this.url = `http://127.0.0.1:${forwards.find((f) => f.kind === "tcp").listen}`;
    this.candidates = { udp, tcp: {} };
  }

  async #answer(what) {
    const { value, done } = await within(what, 5000, this.#answers.next());
    if (done) throw new Error("yz-relay ended");
    return JSON.parse(value);
  }

  /** One command line of relay.h. */
  async tell(command) {
    this.#child.stdin.write(`${command}\n`);
    const answer = await this.#answer(`the relay does: ${command}`);
    if (answer.ok === false) throw new Error(`relay refuses "${command}": ${answer.code}`);
    return answer;
  }

  close() {
    this.#child.stdin.end();
  }
}
