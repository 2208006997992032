#!/usr/bin/env node
// Images beside others in the same run: what receiving a CT series costs us, Orthanc and storescp, and what its metadata cost.
// Prints JSON lines. Usage: node tests/load/imaging/imaging.mjs [--slices=300] [--rounds=3] [--asks=300]
import { Agent, request } from "node:http";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { until } from "../../e2e/lib/until.mjs";
import { Orthanc } from "../../scenario/lib/orthanc.mjs";
import { percentile, round, say } from "../figures.mjs";
import { stopwatch } from "./cpu.mjs";
import { makeSeries } from "./phantom.mjs";
import { Ours, Peer, Storescp, send } from "./receivers.mjs";

const { values } = parseArgs({
  options: { slices: { type: "string", default: "300" }, rounds: { type: "string", default: "3" }, asks: { type: "string", default: "300" } },
});
const [slices, rounds, asks] = [values.slices, values.rounds, values.asks].map(Number);
const ASSOCIATIONS = [1, 4];
const GB = 1e9;
const PEER_ASKS_LESS = 10; /* it reads every file of the series at each question */

const median = (samples) => percentile(samples, 0.5);
const total = (seconds) => Object.values(seconds).reduce((sum, one) => sum + one, 0);
const progress = (text) => process.stderr.write(`${text}\n`);

/* ---- C-STORE ---- */

/** One series into one receiver. CPU is counted until all of it can be found, not only until it was acknowledged. */
async function store(receiver, series, associations) {
  const mine = stopwatch(receiver.pids), others = stopwatch(receiver.beside ?? {});
  const began = performance.now();
  await send(receiver.to, series.files, associations);
  const seconds = (performance.now() - began) / 1000;
  await until(`${receiver.name} has kept all`, async () => (await receiver.kept(series)) === series.files.length, { within: 120_000, every: 250 });
  const found = (performance.now() - began) / 1000;
  return { objects_per_s: series.files.length / seconds, found_s: found, cpu: total(mine()), beside: others(), gb: series.bytes / GB };
}

const storeCase = (associations) => `C-STORE, ${associations} association${associations > 1 ? "s" : ""}`;

function storeFigure(receiver, associations, runs) {
  const rates = runs.map((run) => run.objects_per_s), costs = runs.map((run) => run.cpu / run.gb);
  const whole = runs.map((run) => (run.cpu + total(run.beside)) / run.gb);
  return {
    bench: "imaging",
    case: `${storeCase(associations)}: ${receiver.name}`,
    objects: slices,
    rounds: runs.length,
    objects_per_s: round(median(rates)),
    least: round(Math.min(...rates)),
    most: round(Math.max(...rates)),
    cpu_s_per_gb: round(median(costs), 2),
    cpu_least: round(Math.min(...costs), 2),
    cpu_most: round(Math.max(...costs), 2),
    cpu_ms_per_object: round((median(runs.map((run) => run.cpu)) * 1000) / slices, 2),
    cpu_s_per_gb_with_database: round(median(whole), 2), /* the peers have none beside them: Orthanc's index is in its process */
    all_found_after_s: round(median(runs.map((run) => run.found_s)), 2),
    ...Object.fromEntries(Object.keys(runs[0].beside).map((name) => [`${name}_cpu_s_per_gb_apart`, round(median(runs.map((run) => run.beside[name] / run.gb)), 2)])),
  };
}

function sayRatios(what, ours, peers, keys) {
  const ratios = peers.flatMap((peer) => keys.map(([key, higherIsBetter]) => {
    const ratio = higherIsBetter ? ours[key] / peer[key] : peer[key] / ours[key];
    return [`${key}, beside ${peer.case.split(": ").at(-1)}`, Number.isFinite(ratio) ? round(ratio, 2) : null];
  }));
  say({ bench: "imaging", case: `${what}: how many times better we are`, ...Object.fromEntries(ratios) });
}

/** Every round: one new series, sent to each in turn, and not always in the same order. @returns the last series */
async function storing(receivers) {
  let last;
  for (const associations of ASSOCIATIONS) {
    const runs = new Map(receivers.map((receiver) => [receiver, []]));
    for (let n = 0; n < rounds; n++) {
      const series = await makeSeries(slices);
      try {
        for (const receiver of receivers.map((_, i) => receivers[(i + n) % receivers.length])) {
          await receiver.forget(series);
          runs.get(receiver).push(await store(receiver, series, associations));
          progress(`round ${n + 1}, ${associations}: ${receiver.name} ${round(runs.get(receiver).at(-1).objects_per_s)} objects/s`);
        }
      } finally {
        await series.away();
      }
      last = series;
    }
    const figures = receivers.map((receiver) => storeFigure(receiver, associations, runs.get(receiver)));
    figures.forEach(say);
    const [ours, ...peers] = figures;
    sayRatios(storeCase(associations), ours, peers, [["objects_per_s", true], ["cpu_s_per_gb", false], ["cpu_s_per_gb_with_database", false]]);
  }
  return last;
}

/* ---- metadata ---- */

function fetchMetadata({ url, token }, { study, series }, agent) {
  const headers = { Accept: "application/dicom+json", "Accept-Encoding": "gzip", ...(token && { Authorization: `Bearer ${token}` }) };
  const began = performance.now();
  return new Promise((resolve, reject) => {
    request(`${url}/studies/${study}/series/${series}/metadata`, { agent, headers }, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("error", reject);
      answer.on("end", () => {
        const body = Buffer.concat(pieces);
        if (answer.statusCode !== 200) reject(new Error(`metadata: ${answer.statusCode} ${body.subarray(0, 300)}`));
        else resolve({ ms: performance.now() - began, body, packed: answer.headers["content-encoding"] === "gzip" });
      });
    }).on("error", reject).end();
  });
}

async function metadata(receiver, series, count) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const first = await fetchMetadata(receiver.web, series, agent);
  const json = first.packed ? gunzipSync(first.body) : first.body;
  if (JSON.parse(json).length !== slices) throw new Error(`${receiver.name}: metadata of another number of slices`);
  const mine = stopwatch(receiver.serving), others = stopwatch(receiver.asking ?? {});
  const times = [];
  for (let n = 0; n < count; n++) times.push((await fetchMetadata(receiver.web, series, agent)).ms);
  const cpu = mine(), apart = others();
  agent.destroy();
  const per = (seconds) => round((seconds * 1000) / count, 2);
  return {
    bench: "imaging",
    case: `metadata of ${slices} slices: ${receiver.name}`,
    asked: count,
    p50_ms: round(median(times), 2),
    p95_ms: round(percentile(times, 0.95), 2),
    first_ms: round(first.ms, 1),
    cpu_ms: per(total(cpu)),
    cpu_ms_with_all_apart: per(total(cpu) + total(apart)),
    ...Object.fromEntries(Object.entries(cpu).map(([name, seconds]) => [`${name}_cpu_ms`, per(seconds)])),
    ...Object.fromEntries(Object.entries(apart).map(([name, seconds]) => [`${name}_cpu_ms_apart`, per(seconds)])),
    gzip_bytes: first.packed ? first.body.length : null,
    json_bytes: json.length,
  };
}

/* ---- all of it ---- */

if (!Orthanc.isThere()) throw new Error("orthanc and orthanc-dicomweb are not installed");
const ours = new Ours(), peer = new Peer({ quick: false });
const receivers = [ours, peer, new Peer({ quick: true }), new Storescp()];
try {
  for (const receiver of receivers) await receiver.begin();
  const series = await storing(receivers);
  const figures = [await metadata(ours, series, asks), await metadata(peer, series, Math.ceil(asks / PEER_ASKS_LESS))];
  figures.forEach(say);
  sayRatios("metadata", figures[0], figures.slice(1), [["p50_ms", false], ["cpu_ms", false], ["cpu_ms_with_all_apart", false], ["gzip_bytes", false]]);
} finally {
  for (const receiver of receivers) await receiver.end().catch((error) => progress(String(error)));
}
