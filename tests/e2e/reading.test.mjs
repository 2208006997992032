// The first image: a township's CT and ECG reach the room, are seen by everyone at once, read, reported, signed and printed.
// Chapter by chapter as issue 3 tells it; the modality is dcmtk, unchanged.
import assert from "node:assert/strict";
import { after } from "node:test";
import { Api } from "./lib/api.mjs";
import { openChromium } from "./lib/browsers.mjs";
import { consentToAll } from "./lib/clinic.mjs";
import { Modality } from "./lib/modality.mjs";
import { Doctor, Operator, Person, Reader, TownshipDoctor } from "./lib/people.mjs";
import { Product } from "./lib/product.mjs";
import { endStarted } from "./lib/run.mjs";
import { stages } from "./lib/stages.mjs";
import { until } from "./lib/until.mjs";

const PATIENT = { search: "演示患者乙", login: "patient2", id: "102" };
const SLICES = 16;
const ARRIVES = { within: 60_000 }; /* two busy cores: stored, indexed, counted, told */
const FINDINGS = "右肺下叶见结节，大小约 14 mm，边界清。双肺未见渗出。心影不大。";
const IMPRESSION = "右肺下叶结节，建议三个月后复查。";

let product, chromium, ct1, cart;
let township, doctor, operator, reader;
let visit, ct, ecg, spoiled;
const screens = [];
const stage = stages({ screens: () => screens });

async function seat(Role, login, options = {}) {
  const screen = await chromium.screen(login, options);
  screens.push(screen);
  return new Role(product, screen, login).logs_in();
}

async function is_accessible(person) {
  assert.deepEqual(await person.screen.axe(), [], `axe on ${person.screen.name}'s ${person.screen.url()}`);
}

after(async () => {
  endStarted();
  await Promise.allSettled([chromium?.close()]);
  await product?.end();
});

stage("1. in a running visit the township orders a CT and an ECG; both stand in the modality worklist", async () => {
  product = await Product.start({ settings: { YUNZHEN_DICOM_QUIET: "2" } });
  [ct1, cart] = [new Modality(product, "CT1"), new Modality(product, "ECG1")];
  [chromium] = await Promise.all([openChromium(), ct1.echoes()]);
  township = await seat(TownshipDoctor, "township_doctor1");
  doctor = await seat(Doctor, "doctor1");
  await doctor.goes_on_duty();
  const order = await township.raises_a_first_visit({ person: PATIENT.search, complaint: "咳嗽两周，胸闷", specialty: "cardiology" });
  await doctor.sees_an_offer();
  assert.equal(await doctor.claims(order), "won");
  visit = (await (await Api.login(product, "township_doctor1")).get(`/api/v1/orders/${order}`)).visit_id;
  await consentToAll(await Api.login(product, PATIENT.login), visit);
  await township.goes_to(`/visit/${visit}`);
  await township.screen.sees("exams");

  ct = await township.orders_an_exam({ modality: "CT", procedure: "胸部 CT 平扫", question: "右下肺结节？", urgency: "urgent" });
  ecg = await township.orders_an_exam({ modality: "ECG", procedure: "12 导联静息心电图", question: "胸闷两天，ST 段改变？" });
  await doctor.sees_the_exam(ct.id, "ordered");
  await doctor.sees_the_exam(ecg.id, "ordered");
  await is_accessible(township);
  ct.entry = await ct1.scheduled("CT", ct.accession);
  ecg.entry = await cart.scheduled("ECG", ecg.accession);
  assert.equal(ct.entry.patient_id, PATIENT.id);
  assert.match(ct.entry.patient_name, /演示患者乙/, "the name travels in Chinese");
});

stage("2. storescu sends a CT series and an ECG; they find their orders, and the township sees every image counted", async (t) => {
  for (const [machine, kind, exam] of [[ct1, "CT", ct], [cart, "ECG", ecg]]) {
    const shot = await machine.takes(kind, exam.entry, { slices: SLICES });
    exam.images = shot.files.length;
    const began = Date.now();
    await machine.sends(shot.files);
    await shot.away();
    await township.sees_all_images(exam.id, exam.images, ARRIVES);
    t.diagnostic(`${exam.images} ${kind} images stored, indexed and complete on screen after ${Date.now() - began} ms`);
  }
  await doctor.sees_all_images(ct.id, ct.images, ARRIVES);
  await township.sees_the_exam(ct.id, "pooled", ARRIVES);
  assert.ok(!(await cart.worklist("ECG")).some((one) => one.accession === ecg.accession), "what was taken has left the worklist");
});

stage("2b. a study of somebody else waits with both sides shown and is returned; one without a number is matched", async () => {
  operator = await seat(Operator, "operator1");
  await operator.screen.sees("unmatched");
  spoiled = await township.orders_an_exam({ modality: "CT", procedure: "头颅 CT 平扫", question: "跌倒后头痛" });
  const entry = await ct1.scheduled("CT", spoiled.accession);

  const foreign = await ct1.takes("CT", { ...entry, patient_id: "105", patient_name: "演示居民戊", study_uid: "" }, { slices: 1 });
  await ct1.sends(foreign.files.slice(0, 1));
  await foreign.away();
  const stray = await operator.sees_a_stray([], ARRIVES);
  await operator.screen.has(`study[data-study="${stray}"]`, "data-mismatch", "patient_mismatch");
  await operator.screen.has(`study[data-study="${stray}"] match-row[data-row="id"]`, "data-differs", "true");
  await is_accessible(operator);
  await picture(operator, "match");
  await operator.returns(stray, "患者编号是另一个人的，已通知放射科。");

  const nameless = await ct1.takes("CT", { ...entry, accession: "", patient_id: "", study_uid: "" }, { slices: 3 });
  spoiled.images = 3;
  await ct1.sends(nameless.files.slice(0, 3));
  await nameless.away();
  const lost = await operator.sees_a_stray([stray], ARRIVES);
  await operator.matches(lost, spoiled.id, "急诊时没有登记号，已与技师核对。");
  await township.sees_the_exam(spoiled.id, "pooled", ARRIVES);
});

stage("3. doctor and township open the CT together: one scrolls, both see it, each with the other's pointer", async () => {
  await township.opens_images(ct.id);
  await doctor.screen.sees("images", ARRIVES);
  for (const person of [township, doctor]) await person.screen.has("viewer", "data-state", "ready", ARRIVES);
  assert.match(await doctor.screen.text("image-name"), new RegExp(PATIENT.search), "GB18030 is read right");
  await doctor.turns_the_stack(5);
  await doctor.screen.has("viewer", "data-index", "5", ARRIVES);
  await township.screen.has("viewer", "data-index", "5", ARRIVES);
  await township.turns_the_stack(2);
  await doctor.screen.has("viewer", "data-index", "7", ARRIVES);
  await until("the doctor sees the township's pointer", async () => { /* one that rests fades after a while */
    await township.points_at(0.7, 0.55);
    return doctor.screen.shows("remote-pointer");
  }, { ...ARRIVES, every: 300 });
  for (const person of [township, doctor]) await is_accessible(person);
  await picture(doctor, "images");
  await township.closes_images();
  await doctor.screen.sees_no("images", ARRIVES);
  await doctor.opens_images(ecg.id);
  await township.screen.sees("ecg", ARRIVES);
  await doctor.screen.sees("ecg", ARRIVES);
  await is_accessible(township);
  await picture(township, "ecg");
});

stage("4. a reading doctor sees no name, claims, writes from a template; a closed browser loses nothing", async () => {
  reader = await seat(Reader, "reader1");
  await reader.sees_waiting(ct.id, ARRIVES);
  assert.equal((await reader.waiting())[0], ct.id, "the urgent one is first");
  await reader.screen.has(`worklist-row[data-exam="${ct.id}"] turn-clock`, "data-overdue", "false");
  assert.ok(!reader.screen.received().includes(PATIENT.search), "no name before the claim");
  await is_accessible(reader);
  await picture(reader, "worklist");
  assert.equal(await reader.claims(ct.id), "won");
  await reader.screen.has("viewer", "data-state", "ready", ARRIVES);
  assert.match(await reader.screen.text("read"), new RegExp(PATIENT.search), "who reads knows whom");

  const template = await until("there are templates", () => reader.screen.evaluate(() => document.querySelector("[data-testid=template] option[value]:not([value=''])")?.value));
  await reader.writes({ template });
  await reader.writes({ findings: FINDINGS, impression: "写到一半" });
  const half = reader.screen;
  screens.splice(screens.indexOf(half), 1);
  await half.close();
  reader = await seat(Reader, "reader1");
  await reader.screen.press(`in-hand[data-exam="${ct.id}"]`);
  await until("the words are there again", () => reader.screen.evaluate((wanted) => document.querySelector("[data-testid=findings]")?.value === wanted, FINDINGS), ARRIVES);
  await is_accessible(reader);
});

stage("4b. it is signed with the password, the township has it at once, prints it, and anybody can check the paper", async () => {
  await reader.writes({ impression: IMPRESSION });
  await picture(reader, "reading");
  await reader.signs();
  await township.sees_the_exam(ct.id, /^(delivered|amended)$/);
  await township.screen.press(`exam[data-exam="${ct.id}"] exam-report`);
  await until("the township reads it", async () => (await township.screen.text("report-impression")) === IMPRESSION, ARRIVES);
  await is_accessible(township);
  await picture(township, "report");

  const api = await Api.login(product, "township_doctor1");
  const pdf = await until("the paper is printed", async () => {
    const answer = await api.send("GET", await township.screen.attribute("report-print", "href"));
    return answer.status === 200 && answer;
  }, { within: 30_000, every: 500 });
  assert.match(pdf.headers.get("content-type"), /application\/pdf/);
  assert.match(pdf.text.slice(0, 8), /^%PDF-/);

  const code = await township.screen.attribute("report-verify", "data-code");
  const stranger = new Person(product, await chromium.screen("stranger", { phone: true }), "");
  await stranger.goes_to(`/verify/${code}`);
  await stranger.screen.has("verify", "data-verdict", "genuine", ARRIVES);
  assert.ok(!stranger.screen.received().includes(PATIENT.search), "the page masks the patient");
  await is_accessible(stranger);
  await stranger.goes_to(`/verify/${code.slice(0, -1)}${code.endsWith("0") ? "1" : "0"}`);
  await stranger.screen.has("verify", "data-verdict", "false", ARRIVES);
  await stranger.screen.close();
});

stage("4c. an amendment keeps both versions; of two readers one is told who was first; a bad image goes back", async () => {
  await reader.amends({ impression: `${IMPRESSION}必要时增强扫描。`, reason: "补充建议" });
  await township.screen.has("report", "data-version", "2", ARRIVES);
  await township.screen.press("report-compare");
  await township.screen.has("report-changes", "data-from", "1");
  await is_accessible(township);

  const colleague = await seat(Reader, "reader2");
  await reader.goes_to("/");
  for (const one of [reader, colleague]) await one.sees_waiting(spoiled.id, ARRIVES);
  const results = await Promise.all([reader, colleague].map((one) => one.claims(spoiled.id)));
  assert.deepEqual([...results].sort(), ["lost", "won"]);
  const [winner, loser] = results[0] === "won" ? [reader, colleague] : [colleague, reader];
  assert.match(await loser.screen.text("claim-result"), /演示阅片医生/, "the loser is told who has it");
  assert.ok(!colleague.screen.received().includes(PATIENT.search) || winner === colleague, "who lost never learns the name");
  await winner.screen.has("viewer", "data-state", "ready", ARRIVES);
  await winner.rejects("motion", "运动伪影，请固定头部重拍。");
  await township.goes_to("/township");
  await township.screen.has(`exam[data-exam="${spoiled.id}"]`, "data-state", "rejected", ARRIVES);
  await township.screen.has("exam-retake", "data-count", "1", ARRIVES);
});

stage("5. a critical ECG pages the township doctor; unacknowledged it pages the next, until somebody reads it back", async () => {
  await reader.goes_to("/");
  assert.equal(await reader.claims(ecg.id), "won");
  await reader.screen.sees("ecg", ARRIVES);
  await reader.calls_a_critical_value("下壁导联 ST 段抬高 3 mm");
  await township.screen.sees("alert-bar", ARRIVES);
  await is_accessible(township);
  await picture(township, "alert");
  assert.ok(!(await doctor.screen.shows("alert-bar")), "one after the other");
  await product.sql("UPDATE scheduling.alerts SET step_at = step_at - interval '1 hour', next_at = now()"); /* nobody answers */
  await doctor.screen.sees("alert-bar", ARRIVES);
  await doctor.acknowledges("下壁 ST 抬高 3 mm，立即转上级医院，嚼服阿司匹林。");
  await township.screen.sees_no("alert-bar", ARRIVES);
});

stage("6. the patient reads the report and sees who looked; no page threw a script error", async () => {
  const patient = await seat(Person, PATIENT.login, { phone: true });
  await patient.screen.press(`exam[data-exam="${ct.id}"] exam-report`);
  await patient.screen.sees("report");
  await is_accessible(patient);
  await patient.goes_to("/my/access-log");
  await patient.screen.sees("access-row");
  const api = await Api.login(product, PATIENT.login);
  const looks = await api.get(`/api/v1/persons/${PATIENT.id}/access-log`);
  assert.ok(looks.some((one) => one.action === "study.view"), `looks at images are told: ${[...new Set(looks.map((one) => one.action))]}`);
  for (const screen of screens) assert.deepEqual(screen.complaints(), [], `scripts of ${screen.name}`);
  assert.deepEqual(await product.alarms(), [], "no sanitizer report, no failed assert");
});

/** For README and docs, only when asked: UPDATE_IMAGES=1. */
async function picture(person, name) {
  if (!process.env.UPDATE_IMAGES) return;
  const { keepImage } = await import("./lib/images.mjs");
  await keepImage(person.screen, name);
}
