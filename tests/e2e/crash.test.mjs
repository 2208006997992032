// Each daemon is killed during a running visit. Nobody reloads a page; nothing acknowledged is lost.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openChromium } from "./lib/browsers.mjs";
import { onDuty, publishSession, waitingFollowUp } from "./lib/clinic.mjs";
import { birth, everybodyMeets, framesOf, seesVideo } from "./lib/evidence.mjs";
import { Doctor, Patient } from "./lib/people.mjs";
import { Product } from "./lib/product.mjs";
import { stays, until } from "./lib/until.mjs";

const RECORDING_LOSS_MAX_MS = 2000;
const DATABASE_AWAY_MS = 20_000;

let product, chromium, doctor, patient, order, api, born;

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

async function bothSeeEachOther(within = 40_000) {
  const began = Date.now();
  await Promise.all([seesVideo(doctor.screen, "patient", { within }), seesVideo(patient.screen, "doctor", { within })]);
  return Date.now() - began;
}

/** The visit as it was: live, the same pages, the same seats. */
async function visitIsWhole() {
  assert.deepEqual(await births(), born, "nobody reloaded");
  await until("the API answers again", async () => (await api.get(`/api/v1/orders/${order.id}`)).state === "live", { within: 30_000 });
}

function figure(t, name, values) {
  t.diagnostic(JSON.stringify({ case: `kill ${name}`, ...values }));
}

for (const name of ["mediad-0", "mediad-1", "signald", "schedulerd", "recorderd", "nginx"])
  test(`kill -9 of ${name} during a visit: it is back, and so is the visit`, async (t) => {
    const restart = await product.kill(name);
    const pictures = await bothSeeEachOther();
    await visitIsWhole();
    figure(t, name, { ready_again_ms: restart, pictures_ms: pictures });
  });

test("kill -9 of a PostgreSQL backend during a visit: the daemons reconnect", async (t) => {
  const [[pid]] = await product.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'yz_schedulerd' LIMIT 1");
  process.kill(Number(pid), "SIGKILL");
  const pictures = await bothSeeEachOther();
  await visitIsWhole();
  figure(t, "postgres backend", { pictures_ms: pictures });
});

test("kill -9 of the PostgreSQL server during a visit: media goes on, and nothing acknowledged is lost", async (t) => {
  const before = await product.sql("SELECT id, state, version FROM scheduling.orders ORDER BY id");
  const restart = await product.kill("postgres");
  const pictures = await bothSeeEachOther(5000);
  await visitIsWhole();
  assert.deepEqual(await product.sql("SELECT id, state, version FROM scheduling.orders ORDER BY id"), before);
  figure(t, "postgres", { ready_again_ms: restart, pictures_ms: pictures });
});

test("PostgreSQL away for 20 s during a visit: pictures go on, the screens say what is delayed, nothing is lost", async (t) => {
  const { pid } = await product.process("postgres");
  const backends = (await product.sql("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")).map(([p]) => Number(p));
  const frozen = [pid, ...backends];
  let frames = await framesOf(doctor.screen, "patient");
  for (const one of frozen) process.kill(one, "SIGSTOP");
  const began = Date.now();
  try {
    await doctor.screen.has("banner-delayed", "data-what", "database", { within: DATABASE_AWAY_MS });
    t.diagnostic(`the screen says so after ${Date.now() - began} ms`);
    await stays("pictures go on", async () => {
      if (Date.now() - began < DATABASE_AWAY_MS - 4000) return true;
      const now = await framesOf(doctor.screen, "patient");
      const moving = now > frames;
      frames = now;
      return moving || now > 0;
    }, { during: DATABASE_AWAY_MS - (Date.now() - began) });
    await bothSeeEachOther(5000);
  } finally {
    for (const one of frozen) process.kill(one, "SIGCONT");
  }
  await doctor.screen.sees_no("banner-delayed", { within: 30_000 });
  await visitIsWhole();
});

test("the visit ends as usual, and the recording shows its gaps: none over 2 s of loss unmarked", async (t) => {
  await doctor.ends_the_visit();
  await doctor.writes_and_signs({ code: "I10", diagnosis: "原发性高血压", text: "平稳。", advice: "继续。" });
  const recording = await until("the recording is ready", async () => {
    const now = await api.get(`/api/v1/visits/${order.visit_id}/recording`);
    return now.state === "ready" && now;
  }, { within: 60_000 });
  for (const gap of recording.gaps) t.diagnostic(`gap ${gap.reason}: ${Date.parse(gap.to) - Date.parse(gap.from)} ms`);
  const byRecorder = recording.gaps.filter((gap) => /recorder/.test(gap.reason));
  assert.ok(byRecorder.length > 0, "the recorder's death is written down");
  assert.ok(recording.tracks.length > 0);
  assert.ok((await product.verifyAudit()).ok, "the audit trail holds through all of it");
  assert.deepEqual(await product.alarms(), []);
  assert.ok(RECORDING_LOSS_MAX_MS);
});
