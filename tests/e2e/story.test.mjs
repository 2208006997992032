// The story: a doctor on duty, a patient who booked, a township that asks, and all of them in one room.
// It reads from top to bottom; each test is a chapter, and one that fails ends it.
import assert from "node:assert/strict";
import { after } from "node:test";
import { Api } from "./lib/api.mjs";
import { openChromium, openFirefox } from "./lib/browsers.mjs";
import { birth, everybodyMeets, hears, isSilent, seesVideo } from "./lib/evidence.mjs";
import { Doctor, Office, Patient, Person, TownshipDoctor } from "./lib/people.mjs";
import { Product } from "./lib/product.mjs";
import { Relay } from "./lib/relay.mjs";
import { endStarted } from "./lib/run.mjs";
import { stages } from "./lib/stages.mjs";
import { until } from "./lib/until.mjs";
import { probe } from "./lib/video.mjs";

const SECOND_PATIENT = "演示患者乙";
const OUTAGE_MS = 10_000;
const PRIOR = { text: "原发性高血压", organisation: "示例县医院", date: "2026-08-01", evidence: "出院小结，编号 2026-0801" };

let product, relay, chromium, firefox;
let office, doctor1, doctor2, patient1, patient2, township;
let followUp, assisted;
const screens = [];
const stage = stages({ screens: () => screens });

async function seat(Role, login, open, options = {}) {
  const screen = await open.screen(login, options);
  screens.push(screen);
  return new Role(product, screen, login, options.url).logs_in();
}

async function leaves_the_story({ screen }) {
  assert.deepEqual(screen.complaints(), [], `scripts of ${screen.name}`);
  screens.splice(screens.indexOf(screen), 1);
  await screen.close();
}

async function is_accessible(person) {
  assert.deepEqual(await person.screen.axe(), [], `axe on ${person.screen.name}'s ${person.screen.url()}`);
}

after(async () => {
  endStarted();
  await Promise.allSettled([chromium?.close(), firefox?.close()]);
  await product?.end();
});

stage("1. the product is up: every process is ready, and the demo people can log in", async () => {
  product = await Product.start();
  [chromium, firefox, relay] = await Promise.all([openChromium(), openFirefox(), Relay.between(product)]);
  const { processes } = await product.status();
  assert.deepEqual(processes.filter((p) => !["ready", "done"].includes(p.state)).map((p) => p.name), []);
  assert.equal((await new Api(product.url).send("GET", "/readyz")).status, 200);
  assert.match(await product.ops("up", ["-d", "--no-build"]), /already running/);

  const stranger = new Person(product, await chromium.screen("stranger"), "office1");
  await stranger.goes_to("/");
  await stranger.screen.sees("login-name");
  await is_accessible(stranger);
  await stranger.screen.close();
});

stage("2. the office publishes today's session; the doctor appears on duty and disappears off duty", async () => {
  office = await seat(Office, "office1", chromium);
  doctor1 = await seat(Doctor, "doctor1", chromium);
  patient1 = await seat(Patient, "patient1", chromium, { phone: true });
  await office.publishes_todays_session();
  await is_accessible(office);

  const { account } = await (await Api.login(product, "doctor1")).get("/api/v1/session");
  const shown = `clinic-doctor[data-staff="${account.staff_id}"]`;
  await doctor1.goes_on_duty();
  await is_accessible(doctor1);
  await patient1.screen.has(shown, "data-on-duty", "true");
  await doctor1.goes_off_duty();
  await until("the doctor has disappeared", async () => (await patient1.screen.attribute(shown, "data-on-duty")) !== "true");
  await doctor1.goes_on_duty();
  await patient1.screen.has(shown, "data-on-duty", "true");
});

stage("3. a patient at a phone books a follow-up, consents one by one, and waits with a position and an honest estimate", async () => {
  await patient1.screen.sees('clinic-card[data-id="41"] clinic-next-time');
  await is_accessible(patient1);
  followUp = await patient1.books_a_follow_up({ clinic: "41", complaint: "复诊，血压复查", prior: PRIOR });
  await is_accessible(patient1);
  const kinds = await patient1.gives_consents();
  assert.ok(kinds.length >= 3 && new Set(kinds).size === kinds.length, `consents asked one by one: ${kinds}`);
  await patient1.enters_the_waiting_room();
  await patient1.screen.has("waiting-position", "data-value", "1");
  await patient1.screen.has("waiting-estimate", "data-value", "unknown"); /* nobody has been seen yet, and it says so */
  await is_accessible(patient1);
  await picture(patient1, "waiting");
});

stage("3b. the booked follow-up is held between two: admitted, sent back, admitted again, ended and signed", async () => {
  await doctor1.opens(followUp);
  await doctor1.visit_is("waiting");
  await doctor1.admits();
  await patient1.is_in("live");
  const two = [
    { screen: doctor1.screen, role: "doctor" },
    { screen: patient1.screen, role: "patient" },
  ];
  await everybodyMeets(two);
  await doctor1.sends_back();
  await patient1.is_in("lobby");
  await doctor1.admits();
  await everybodyMeets(two);
  await doctor1.ends_the_visit();
  await patient1.screen.sees_no("room");
  await doctor1.writes_and_signs({ code: "I10", diagnosis: "原发性高血压", text: "血压平稳。", advice: "继续用药，三个月后复诊。" });
  await doctor1.screen.has("order", "data-state", "closed");
  await patient1.screen.sees("result-note");
  await is_accessible(patient1);
  await leaves_the_story(patient1);
});

stage("4. the township raises a first visit; two doctors see it without identity, both claim, one wins", async () => {
  township = await seat(TownshipDoctor, "township_doctor1", firefox);
  doctor2 = await seat(Doctor, "doctor2", chromium);
  await doctor1.goes_on_duty();
  await doctor2.goes_on_duty();
  await is_accessible(township);
  const [saw1, saw2] = [await doctor1.offers(), await doctor2.offers()];

  assisted = await township.raises_a_first_visit({ person: SECOND_PATIENT, complaint: "胸闷两天", specialty: "cardiology" });
  assert.equal(await doctor1.sees_an_offer(saw1), assisted);
  assert.equal(await doctor2.sees_an_offer(saw2), assisted);
  await is_accessible(doctor2);
  await picture(doctor2, "pool");
  for (const doctor of [doctor1, doctor2])
    assert.ok(!doctor.screen.received().includes(SECOND_PATIENT), `${doctor.login}'s browser was never told the name`);

  const results = await Promise.all([doctor1.claims(assisted), doctor2.claims(assisted)]);
  assert.deepEqual([...results].sort(), ["lost", "won"]);
  const [winner, loser] = results[0] === "won" ? [doctor1, doctor2] : [doctor2, doctor1];
  assert.ok(!loser.screen.received().includes(SECOND_PATIENT), "who lost never learns the name");
  [doctor1, doctor2] = [winner, loser];
});

stage("4b. without the township doctor in the room the visit cannot go live", async () => {
  patient2 = await seat(Patient, "patient2", chromium, { phone: true, url: relay.url, relay: relay.candidates });
  await patient2.goes_to(`/orders/${assisted}`);
  await patient2.gives_consents();
  if (await patient2.screen.shows("check-in")) await patient2.enters_the_waiting_room();
  await patient2.enters_the_room();
  await doctor1.sees_seated("patient").catch(() => {});
  await doctor1.screen.press("admit");
  await doctor1.screen.has("problem", "data-code", "inviting_doctor_absent");
  await doctor1.visit_is("waiting");
});

stage("5. doctor, patient and township meet: everybody decodes the picture and the sound of everybody", async () => {
  await township.enters_the_room();
  await doctor1.admits();
  await everybodyMeets(room());
  for (const person of [doctor1, patient2, township]) await person.screen.has("recording-status", "data-state", "on");
  for (const person of [doctor1, patient2, township]) await is_accessible(person);
  await picture(doctor1, "visit");
  await picture(patient2, "visit-phone");
});

const room = () => [
  { screen: doctor1.screen, role: "doctor" },
  { screen: patient2.screen, role: "patient" },
  { screen: township.screen, role: "township_doctor" },
];

stage("5b. the patient's network is gone for ten seconds, and the same seat comes back without a reload", async (t) => {
  const [born, chair] = [await birth(patient2.screen), await patient2.own_seat()];
  await relay.tell("drop on");
  const dark = Date.now();
  await patient2.screen.has("room", "data-line", "lost", { within: OUTAGE_MS });
  await until("ten seconds of darkness", () => Date.now() - dark >= OUTAGE_MS, { within: OUTAGE_MS + 1000 });
  await relay.tell("drop off");

  const back = Date.now();
  await Promise.all([
    seesVideo(doctor1.screen, "patient"),
    seesVideo(patient2.screen, "doctor"),
    seesVideo(township.screen, "patient"),
  ]);
  t.diagnostic(`pictures both ways ${Date.now() - back} ms after the network returned`);
  await patient2.screen.has("room", "data-connection", "connected");
  await hears(doctor1.screen, "patient");
  await hears(patient2.screen, "doctor");
  assert.equal(await birth(patient2.screen), born, "the page was not reloaded");
  assert.equal(await patient2.own_seat(), chair, "it is the same seat");
});

stage("5c. mute, leave, send back, admit and end do what they say", async () => {
  const patients = 'tile[data-role="patient"]';
  await patient2.screen.press("mute");
  await doctor1.screen.has(patients, "data-audio-muted", "true");
  await isSilent(doctor1.screen, "patient");
  await patient2.screen.press("mute");
  await doctor1.screen.has(patients, "data-audio-muted", "false");
  await hears(doctor1.screen, "patient");

  await patient2.leaves_the_room();
  await doctor1.sees_seated("patient", "false");
  await patient2.enters_the_room();
  await seesVideo(doctor1.screen, "patient");
  await seesVideo(patient2.screen, "doctor");

  await doctor1.sends_back();
  await patient2.is_in("lobby");
  await doctor1.admits();
  await everybodyMeets(room());
  await doctor1.ends_the_visit();
  await patient2.screen.sees_no("room");
  await township.is_in("over");
});

stage("6. the note is signed, the visit closes, and its recording plays", async (t) => {
  await doctor1.writes_and_signs({ code: "R07.4", diagnosis: "胸痛", text: "心电图待查。", advice: "去县医院做心电图。" });
  await doctor1.screen.has("order", "data-state", "closed");

  const api = await Api.login(product, doctor1.login);
  const order = await api.get(`/api/v1/orders/${assisted}`);
  const recording = await until("the recording is ready", async () => {
    const now = await api.get(`/api/v1/visits/${order.visit_id}/recording`);
    return now.state === "ready" && now;
  }, { within: 20_000 });
  const packets = {}; /* who left and came back has several pieces */
  for (const track of recording.tracks) {
    const found = await probe(api, track.url);
    assert.equal(found.kind, track.kind);
    assert.ok(found.packets > 0, `${track.seat_role}'s ${track.kind} has something in it`);
    const whose = `${track.seat_role} ${track.kind}`;
    packets[whose] = (packets[whose] ?? 0) + found.packets;
  }
  t.diagnostic(`packets recorded: ${JSON.stringify(packets)}`);
  for (const role of ["doctor", "patient", "township_doctor"])
    for (const kind of ["audio", "video"]) assert.ok(packets[`${role} ${kind}`] > 100, `${role}'s ${kind} was recorded`);

  await doctor1.screen.press("recording-link");
  await doctor1.screen.has("recording", "data-state", "ready");
  await doctor1.screen.press("play");
  await until("the recording plays on the doctor's screen", () => doctor1.screen.evaluate(() => {
    const videos = [...document.querySelectorAll("[data-testid=track][data-kind=video]")];
    return videos.some((video) => video.currentTime > 1 && video.getVideoPlaybackQuality().totalVideoFrames > 10);
  }), { within: 15_000 });
  await is_accessible(doctor1);
  await picture(doctor1, "recording");
});

stage("6b. the audit trail proves who did what, and names the row that was edited on disk", async () => {
  const good = await product.verifyAudit();
  assert.ok(good.ok, good.text);
  const [[writer, epoch, seq]] = await product.sql(
    `SELECT writer_id, epoch, seq FROM records.audit WHERE action = 'order.claim' AND outcome = 'won' LIMIT 1`);
  await product.sql(`UPDATE records.audit SET outcome = 'claim_lost' WHERE writer_id = '${writer}' AND epoch = ${epoch} AND seq = ${seq}`);
  const bad = await product.verifyAudit();
  assert.ok(!bad.ok, "an edited row is noticed");
  assert.match(bad.text, new RegExp(`${writer}\\D+.*\\b${seq}\\b`), "and named");
});

stage("7. the same pages speak English, and no page threw a script error", async () => {
  const guest = await seat(Person, "patient3", chromium, { phone: true, locale: "en" });
  await guest.screen.press("locale-toggle");
  await until("the page is in English", () => guest.screen.evaluate(() => document.documentElement.lang === "en"));
  assert.doesNotMatch(await guest.screen.evaluate(() => document.querySelector("main").innerText), /登录|挂号|候诊/);
  await is_accessible(guest);
  for (const screen of screens) assert.deepEqual(screen.complaints(), [], `scripts of ${screen.name}`);
  assert.deepEqual(await product.alarms(), [], "no sanitizer report, no failed assert");
});

/** For README and docs, only when asked: UPDATE_IMAGES=1. */
async function picture(person, name) {
  if (!process.env.UPDATE_IMAGES) return;
  const { keepImage } = await import("./lib/images.mjs");
  await keepImage(person.screen, name);
}
