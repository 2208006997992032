#!/usr/bin/env node
// Claims per second and p99 through the whole API: nginx, yz-signald, yz-schedulerd, PostgreSQL, with the load on the same machine.
// Every order is shown to a few doctors, who all press at once; at the end exactly one of them has it.
// Prints one JSON line. Usage: node tests/load/claims/claims.mjs [--orders=1000] [--doctors=200] [--reach=5] [--connections=32]
import { Agent, request } from "node:http";
import { parseArgs } from "node:util";
import { Product } from "../../e2e/lib/product.mjs";
import { percentile, round, say } from "../figures.mjs";
import { loadToken, makeCrowd, SPECIALTY } from "./crowd.mjs";

const { values } = parseArgs({
  options: {
    orders: { type: "string", default: "1000" },
    doctors: { type: "string", default: "200" },
    reach: { type: "string", default: "5" },
    connections: { type: "string", default: "32" },
  },
});
const [orders, doctors, reach, connections] = [values.orders, values.doctors, values.reach, values.connections].map(Number);

/* fetch() costs more than what is measured; a bare request over kept connections does not. */
class Line {
  constructor(product) {
    this.port = product.http;
    this.agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  send(method, path, token, body) {
    const text = body === undefined ? "" : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          host: "127.0.0.1", port: this.port, path, method, agent: this.agent,
          headers: { Authorization: `Bearer ${token}`, ...(text && { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) }) },
        },
        (answer) => {
          const parts = [];
          answer.on("data", (part) => parts.push(part));
          answer.on("end", () => {
            const all = Buffer.concat(parts).toString();
            resolve({ status: answer.statusCode, json: all ? JSON.parse(all) : null });
          });
        },
      );
      asked.on("error", reject);
      asked.end(text);
    });
  }
}

/** Every item through `work`, at most `connections` at a time. */
async function crowded(items, work) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++]);
  };
  await Promise.all(Array.from({ length: connections }, worker));
}

function must(answer, what) {
  if (answer.status >= 300) throw new Error(`${what}: ${answer.status} ${JSON.stringify(answer.json)}`);
  return answer.json;
}

function shuffled(items) {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

/* The racers of one order stand next to each other, so that they really meet; the orders are in no order. */
async function allOffers(line, crowd) {
  const byOrder = new Map();
  await crowded(crowd.doctors, async (doctor) => {
    for (const offer of must(await line.send("GET", "/api/v1/pool", doctor.token), "pool")) {
      if (!byOrder.has(offer.order_id)) byOrder.set(offer.order_id, []);
      byOrder.get(offer.order_id).push({ doctor, offer });
    }
  });
  return shuffled([...byOrder.values()]).flatMap(shuffled);
}

async function measure(product) {
  const line = new Line(product);
  const crowd = await makeCrowd(product, { doctors, persons: orders, reach });
  await crowded(crowd.doctors, async (doctor) => must(await line.send("PUT", "/api/v1/duty", doctor.token, { on: true }), "duty"));
  const township = await loadToken(product, "township_doctor1");
  const raised = Date.now();
  await crowded(crowd.persons, async (person) =>
    must(await line.send("POST", "/api/v1/orders", township, { person_id: person, complaint: "load", specialty: SPECIALTY, urgency: "normal" }), "order"));
  const raised_s = (Date.now() - raised) / 1000;

  const times = [];
  const results = {};
  let seconds = 0;
  /* A doctor's list ends somewhere: what lies behind its end is shown once the front is taken. */
  for (let claims = await allOffers(line, crowd); claims.length; claims = await allOffers(line, crowd)) {
    const began = performance.now();
    await crowded(claims, async ({ doctor, offer }) => {
      const sent = performance.now();
      const answer = await line.send("POST", `/api/v1/orders/${offer.order_id}/claim`, doctor.token, { version: offer.version, nonce: offer.nonce });
      times.push(performance.now() - sent);
      const result = answer.json.result ?? answer.json.code;
      results[result] = (results[result] ?? 0) + 1;
    });
    seconds += (performance.now() - began) / 1000;
  }
  return { times, results, seconds, claims: times.length, raised_s };
}

const product = await Product.start();
try {
  const { times, results, seconds, claims, raised_s } = await measure(product);
  say({
    bench: "claims",
    case: "claims through the API",
    orders, doctors, reach, connections, claims,
    per_second: round(claims / seconds, 0),
    p50_ms: round(percentile(times, 0.5)),
    p99_ms: round(percentile(times, 0.99)),
    max_ms: round(Math.max(...times)),
    orders_raised_per_second: round(orders / raised_s, 0),
    results,
  });
  if (results.won !== orders) {
    process.exitCode = 1;
    process.stderr.write(`${orders} orders, but ${results.won ?? 0} winners\n`);
  }
} finally {
  await product.end();
}
