// Each daemon is killed during a running visit. Nobody reloads a page; nothing acknowledged is lost.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openChromium } from "./lib/browsers.mjs";
import { onDuty, publishSession, waitingFollowUp } from "./lib/clinic.mjs";
import { birth, everybodyMeets, longestFreeze } from "./lib/evidence.mjs";
import { Doctor, Patient } from "./lib/people.mjs";
import { Product } from "./lib/product.mjs";
import { Scribe } from "./lib/scribe.mjs";
import { until } from "./lib/until.mjs";

const RECORDING_LOSS_MAX_MS = 2000;
const WORKER_BACK_MAX_MS = 10_000;
const UNDISTURBED_MS = 1500; /* pictures that never stopped: the machine's own hiccups, and nothing more */
const DATABASE_AWAY_MS = 20_000;

let product, chromium, doctor, patient, order, api, born;
const recorderKilled = { at: 0, back: 0 };

before(async () => {
  [product, chromium] = await Promise.all([Product.start(), openChromium()]);
  const roster = await publishSession(product);
  api = await onDuty(product, "doctor1");
  ({ order } = await waitingFollowUp(product, roster));
  doctor = await new Doctor(product, await chromium.screen("doctor"), "doctor1").logs_in();
  patient = await new Patient(product, await chromium.screen("patient", { phone: true }), "patient1").logs_in();
  await patient.goes_to(`/orders/${order.id}`);
  await patient.enters_the_room();
  await doctor.opens(order.id);
  await doctor.admits();
  await everybodyMeets(people());
  born = await births();
});

after(async () => {
  await chromium?.close();
  await product?.end();
});

const people = () => [
  { screen: doctor.screen, role: "doctor" },
  { screen: patient.screen, role: "patient" },
];
const births = () => Promise.all(people().map(({ screen }) => birth(screen)));

/** The visit as it was: live, on the same pages, and a word from one screen still reaches the other. */
async function visitIsWhole() {
  assert.deepEqual(await births(), born, "nobody reloaded");
  await until("the API answers", async () => (await api.get(`/api/v1/orders/${order.id}`)).state === "live", { within: 30_000 });
  for (const muted of ["true", "false"]) {
    await patient.screen.press("mute");
    await doctor.screen.has('tile[data-role="patient"]', "data-audio-muted", muted, { within: 20_000 });
  }
  await doctor.screen.sees_no("banner-delayed", { within: 30_000 });
}

/** Somebody writes all the while, the daemon dies and comes back. @returns how it went */
async function dies(name, kill = () => product.kill(name)) {
  const scribe = new Scribe(api, order.id);
  let ready, wrong;
  const freeze = await longestFreeze(people(), async () => {
    await until("the scribe has begun", () => scribe.acknowledged.size > 0);
    ready = await kill();
    const soFar = scribe.acknowledged.size;
    await until("the scribe goes on", () => scribe.acknowledged.size > soFar, { within: 40_000 });
  }).finally(async () => (wrong = await scribe.stop(product, order.visit_id)));
  assert.deepEqual(wrong, [], "what was acknowledged is there, once");
  return { case: name, ready_again_ms: ready, freeze_ms: freeze, notes: scribe.acknowledged.size, refused: Object.fromEntries(scribe.refusals) };
}

async function workerOfTheVisit() {
  const [[worker]] = await product.sql(`SELECT worker FROM signaling.rooms WHERE visit_id = ${order.visit_id}`);
  return Number(worker);
}

test("the media worker of the visit dies: everybody is back within seconds", async (t) => {
  const figures = await dies(`mediad-${await workerOfTheVisit()}`);
  t.diagnostic(JSON.stringify(figures));
  assert.ok(figures.freeze_ms < WORKER_BACK_MAX_MS);
  await visitIsWhole();
});

test("the other media worker dies: this visit does not notice", async (t) => {
  const figures = await dies(`mediad-${1 - (await workerOfTheVisit())}`);
  t.diagnostic(JSON.stringify(figures));
  assert.ok(figures.freeze_ms < UNDISTURBED_MS);
  await visitIsWhole();
});

for (const name of ["signald", "schedulerd", "recorderd", "nginx"])
  test(`${name} dies: the pictures do not stop, and the visit goes on`, async (t) => {
    if (name === "recorderd") recorderKilled.at = Date.now();
    const figures = await dies(name);
    if (name === "recorderd") recorderKilled.back = Date.now();
    t.diagnostic(JSON.stringify(figures));
    assert.ok(figures.freeze_ms < UNDISTURBED_MS);
    await visitIsWhole();
  });

test("a PostgreSQL backend dies: the server restarts all of them, the daemons reconnect", async (t) => {
  const figures = await dies("a backend of postgres", async () => {
    const [[pid]] = await product.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'yz_schedulerd' LIMIT 1");
    process.kill(Number(pid), "SIGKILL");
  });
  t.diagnostic(JSON.stringify(figures));
  assert.ok(figures.freeze_ms < UNDISTURBED_MS);
  await visitIsWhole();
});

test("the PostgreSQL server dies: the pictures do not stop, and nothing acknowledged is lost", async (t) => {
  const orders = () => product.sql("SELECT id, state, version, doctor_id FROM scheduling.orders ORDER BY id");
  const before = await orders();
  const figures = await dies("postgres");
  t.diagnostic(JSON.stringify(figures));
  assert.ok(figures.freeze_ms < UNDISTURBED_MS);
  await visitIsWhole();
  assert.deepEqual(await orders(), before);
});

test("PostgreSQL is away for 20 s: the pictures go on, the screens say what is delayed, nothing is lost", async (t) => {
  const { pid } = await product.process("postgres");
  const backends = (await product.sql("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")).map(([p]) => Number(p));
  const figures = await dies("postgres, stopped for 20 s", async () => {
    const began = Date.now();
    for (const one of [pid, ...backends]) process.kill(one, "SIGSTOP");
    try {
      await doctor.screen.has("banner-delayed", "data-what", "database", { within: DATABASE_AWAY_MS });
      await patient.screen.has("banner-delayed", "data-what", "database", { within: DATABASE_AWAY_MS });
      t.diagnostic(`the screens say so after ${Date.now() - began} ms`);
      await until("20 s have passed", () => Date.now() - began >= DATABASE_AWAY_MS, { within: DATABASE_AWAY_MS + 1000 });
    } finally {
      for (const one of [pid, ...backends]) process.kill(one, "SIGCONT");
    }
    return Date.now() - began;
  });
  t.diagnostic(JSON.stringify(figures));
  assert.ok(figures.freeze_ms < UNDISTURBED_MS);
  await visitIsWhole();
});

const lengthOf = (gap) => Date.parse(gap.to) - Date.parse(gap.from);

test("the visit ends as usual; the recording says where it has gaps, and the audit trail holds", async (t) => {
  await doctor.ends_the_visit();
  await doctor.writes_and_signs({ code: "I10", diagnosis: "原发性高血压", text: "平稳。", advice: "继续。" });
  const recording = await until("the recording is ready", async () => {
    const now = await api.get(`/api/v1/visits/${order.visit_id}/recording`);
    return now.state === "ready" && now;
  }, { within: 60_000 });
  for (const gap of recording.gaps) t.diagnostic(`gap: ${gap.reason}, ${lengthOf(gap)} ms`);
  const ofRecorder = recording.gaps.filter((gap) => gap.reason === "recorder_lost");
  assert.ok(ofRecorder.length > 0, "the recorder's death is written down");
  for (const gap of ofRecorder) {
    assert.ok(Date.parse(gap.from) > recorderKilled.at - RECORDING_LOSS_MAX_MS, "what was recorded until 2 s before its death is kept");
    assert.ok(Date.parse(gap.to) < recorderKilled.back + RECORDING_LOSS_MAX_MS, "and it goes on once it is back");
  }
  const ofWorker = recording.gaps.filter((gap) => gap.reason === "worker_lost");
  assert.ok(ofWorker.length > 0, "the worker's death is written down");
  for (const gap of ofWorker) assert.ok(lengthOf(gap) < WORKER_BACK_MAX_MS, `a gap of ${lengthOf(gap)} ms`);
  assert.ok((await product.verifyAudit()).ok);
  assert.deepEqual(await product.alarms(), []);
});
