// Clients nobody here wrote: aiortc and GStreamer, each a small Python program that speaks in JSON lines and ends with its stdin.
import { createInterface } from "node:readline";
import { start } from "./run.mjs";
import { until } from "./until.mjs";

const FOLDER = new URL("../machines/", import.meta.url).pathname;
export const KINDS = { aiortc: "aiortc_peer.py", gstreamer: "gst_peer.py" };

export class Machine {
  /** @param what "publish" or "play"; @param url WHIP or WHEP endpoint */
  constructor(kind, what, url, token) {
    this.name = `${kind} ${what}`;
    this.facts = { video: 0, audio: 0 };
    this.child = start("/usr/bin/python3", ["-B", FOLDER + KINDS[kind], what, url, token], { cwd: FOLDER });
    createInterface({ input: this.child.stdout }).on("line", (line) => Object.assign(this.facts, JSON.parse(line)));
    this.gone = new Promise((resolve) => this.child.once("exit", resolve));
  }

  is(state) {
    return until(`${this.name} is ${state}`, () => this.facts.state === state && this.facts, { within: 20_000 });
  }

  /** More decoded pictures and sound from now on. */
  async receives({ frames = 20 } = {}) {
    const before = { ...this.facts };
    return until(
      `${this.name} decodes ${frames} more frames and blocks of sound`,
      () => this.facts.video >= before.video + frames && this.facts.audio >= before.audio + frames && this.facts,
      { within: 20_000 },
    );
  }

  async end() {
    this.child.stdin.end();
    return this.gone;
  }
}
