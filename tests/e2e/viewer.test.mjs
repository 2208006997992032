// The pixel side of the first image: images whose every pixel is known go through the whole product and are read back from the glass.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { after } from "node:test";
import { Api } from "./lib/api.mjs";
import { openChromium } from "./lib/browsers.mjs";
import { consentToAll, onDuty, raiseFirstVisit } from "./lib/clinic.mjs";
import { grey, pulseOn, showsColour } from "./lib/glass.mjs";
import { Person } from "./lib/people.mjs";
import { ctSlice, ecg, palette, plate, related } from "./lib/phantom.mjs";
import { Product } from "./lib/product.mjs";
import { endStarted } from "./lib/run.mjs";
import { stages } from "./lib/stages.mjs";
import { until } from "./lib/until.mjs";

const SLICES = 24;
const STORED = { center: 40, width: 400 };
const LUNG = { center: -600, width: 1500 };
const SOON = { within: 30_000 };

let product, chromium, plain;
let township, doctor, visit, person;
const exams = {};
const screens = [];
const stage = stages({ screens: () => screens });
const uid = () => `1.2.826.0.1.3680043.10.1.${Date.now()}${randomInt(1000, 9999)}`;

async function seat(login, browser = chromium) {
  const screen = await browser.screen(login);
  screens.push(screen);
  return new Person(product, screen, login).logs_in();
}

/** Ordered in the visit, taken by a machine, stored through the web door, and found by its order. @returns {id, study} */
async function examined(modality, files) {
  const api = await Api.login(product, "township_doctor1");
  const exam = await api.post("/api/v1/exams", { visit_id: visit, modality, procedure: "体模", question: "像素是否正确", urgency: "normal" });
  const study = uid();
  const { type, body } = related(files({ study, patient: { name: "演示患者乙", id: person, accession: exam.accession_no } }));
  const machine = await Api.login(product, "operator1");
  const answer = await fetch(`${product.url}/dicomweb/studies`, {
    method: "POST", headers: { ...machine.headers(), "Content-Type": type, Accept: "application/dicom+json" }, body,
  });
  assert.equal(answer.status, 200, await answer.text());
  await until(`the ${modality} has found its order`, async () => (await api.get(`/api/v1/exams/${exam.id}`)).study?.study_uid === study, SOON);
  return { id: exam.id, study };
}

const looks_at = async (who, study) => {
  await who.goes_to(`/study/${study}`);
  await who.screen.has("viewer", "data-state", "ready", SOON);
};
const chooses_series = async (who, modality) => {
  await who.screen.press(`series[data-modality="${modality}"]`);
  await until(`the ${modality} series is on the glass`, async () =>
    (await who.screen.attribute("viewer", "data-series")) === (await who.screen.attribute(`series[data-modality="${modality}"]`, "data-series"))
    && (await who.screen.attribute("viewer", "data-state")) === "ready", SOON);
};
const presses = async (who, ...keys) => {
  await who.screen.evaluate(() => document.querySelector("[data-testid=viewer-glass]").focus());
  for (const key of keys) await who.screen.driver.press(key);
};
/** Drags over the glass, from and to shares of it. */
async function drags(who, [x0, y0], [x1, y1]) {
  const box = await who.screen.driver.page.locator("[data-testid=viewer-glass]").boundingBox();
  const { mouse } = who.screen.driver.page;
  await mouse.move(box.x + box.width * x0, box.y + box.height * y0);
  await mouse.down();
  await mouse.move(box.x + box.width * x1, box.y + box.height * y1, { steps: 5 });
  await mouse.up();
  return { width: box.width * (x1 - x0), fits: Math.min(box.width, box.height) };
}
async function is_accessible(who) {
  assert.deepEqual(await who.screen.axe(), [], `axe on ${who.screen.name}'s ${who.screen.url()}`);
}

after(async () => {
  endStarted();
  await Promise.allSettled([chromium?.close(), plain?.close()]);
  await product?.end();
});

stage("0. a visit is live, its CT, its plate and its ECG are stored", async () => {
  product = await Product.start({ settings: { YUNZHEN_DICOM_QUIET: "1" } });
  chromium = await openChromium();
  const clerk = await onDuty(product, "doctor1");
  const raised = await raiseFirstVisit(product);
  [visit, person] = [raised.order.visit_id, raised.person.person_id];
  const offer = await until("doctor1 is offered the visit", async () => (await clerk.get("/api/v1/pool")).find((one) => one.order_id === raised.order.id || one.id === raised.order.id), SOON);
  await clerk.post(`/api/v1/orders/${raised.order.id}/claim`, { version: offer.version, nonce: offer.nonce });
  await consentToAll(await Api.login(product, "patient2"), visit);
  exams.ct = await examined("CT", ({ study, patient }) => [
    ...Array.from({ length: SLICES }, (_, n) => ctSlice({ study, n, of: SLICES, patient })), plate({ study, patient }), palette({ study, patient }),
  ]);
  exams.ecg = await examined("ECG", ({ study, patient }) => [ecg({ study, patient })]);
});

stage("1. a CT is shown as stored: signed values, the modality's window, the right way round, every slice itself", async (t) => {
  township = await seat("township_doctor1");
  const began = Date.now();
  await looks_at(township, exams.ct.study);
  t.diagnostic(`address to first image, engine loaded anew: ${Date.now() - began} ms`);
  const { screen } = township;
  t.diagnostic(`drawn by the ${await screen.attribute("viewer", "data-engine")}`);
  await screen.has("viewer", "data-total", String(SLICES));
  await screen.has("viewer", "data-loaded", String(SLICES), SOON);
  await screen.has("viewer", "data-window", "40/400");
  assert.match(await screen.text("image-name"), /演示患者乙/);
  await showsColour(screen, [0.25, 0.25], grey(0, STORED.center, STORED.width));
  await showsColour(screen, [0.75, 0.25], 0);
  await showsColour(screen, [0.25, 0.75], 0);
  await showsColour(screen, [0.9, 0.9], 255);
  await presses(township, "PageDown", "ArrowDown", "ArrowDown");
  await screen.has("viewer", "data-index", "12");
  await showsColour(screen, [0.25, 0.25], grey(120, STORED.center, STORED.width));
  await is_accessible(township);
});

stage("2. windows, inversion, zoom and lengths are what they say", async () => {
  const { screen } = township;
  await presses(township, "2");
  await screen.has("viewer", "data-window", "-600/1500");
  await showsColour(screen, [0.75, 0.25], grey(-1_000, LUNG.center, LUNG.width));
  await presses(township, "i");
  await showsColour(screen, [0.75, 0.25], 255 - grey(-1_000, LUNG.center, LUNG.width));
  await presses(township, "r");
  await screen.has("viewer", "data-window", "40/400");
  await showsColour(screen, [0.9, 0.9], 255);
  await drags(township, [0.5, 0.5], [0.6, 0.5]);
  await until("the window follows the hand", async () => Number((await screen.attribute("viewer", "data-window")).split("/")[1]) > 400);
  await presses(township, "l");
  const line = await drags(township, [0.4, 0.4], [0.6, 0.4]);
  await screen.has("viewer-length", "data-unit", "mm");
  const wanted = (line.width / line.fits) * 256;
  await until(`about ${wanted.toFixed(1)} mm are measured`, async () => {
    const mm = Number(await screen.attribute("viewer-length", "data-value"));
    if (Math.abs(mm - wanted) > wanted * 0.03) throw new Error(`${mm} mm`);
    return true;
  });
  await presses(township, "?");
  await screen.sees("viewer-keys");
  await is_accessible(township);
  await screen.press("help-close");
});

stage("3. MONOCHROME1 is white where it is 0 and measures in pixels; a palette has its colours", async () => {
  const { screen } = township;
  await chooses_series(township, "DX");
  await showsColour(screen, [0.25, 0.5], 255);
  await showsColour(screen, [0.75, 0.5], 0);
  await presses(township, "l");
  await drags(township, [0.4, 0.3], [0.6, 0.3]);
  await screen.has("viewer-length", "data-unit", "px");
  await chooses_series(township, "OT");
  for (const [at, colour] of [[[0.25, 0.25], [255, 0, 0]], [[0.75, 0.25], [0, 255, 0]], [[0.25, 0.75], [0, 0, 255]], [[0.75, 0.75], [255, 255, 255]]])
    await showsColour(screen, at, colour);
  const thumbnails = await until("the series list has its small pictures", () => screen.evaluate(() => {
    const all = [...document.querySelectorAll("[data-testid=series] img")];
    return all.length === 3 && all.every((one) => one.complete && one.naturalWidth > 0) && all.length;
  }), SOON);
  assert.equal(thumbnails, 3);
});

stage("4. without WebGL the CPU draws the same picture", async () => {
  plain = await openChromium({ graphics: "none" });
  const who = await seat("operator1", plain);
  await looks_at(who, exams.ct.study);
  await who.screen.has("viewer", "data-engine", "cpu");
  await showsColour(who.screen, [0.25, 0.25], grey(0, STORED.center, STORED.width));
  await showsColour(who.screen, [0.9, 0.9], 255);
  await chooses_series(who, "DX");
  await showsColour(who.screen, [0.25, 0.5], 255);
  assert.deepEqual(who.screen.complaints(), []);
  screens.splice(screens.indexOf(who.screen), 1);
  await plain.close();
});

stage("5. on a calibrated screen 1 mV for 200 ms is 10 mm by 5 mm of ECG paper", async (t) => {
  const { screen } = township;
  await screen.evaluate(() => localStorage.setItem("yz-screen-mm", "5"));
  const began = Date.now();
  await township.goes_to(`/study/${exams.ecg.study}`);
  await screen.has("ecg", "data-state", "ready", SOON);
  t.diagnostic(`address to ECG: ${Date.now() - began} ms`);
  await screen.has("ecg", "data-calibrated", "true");
  await screen.has("ecg-paper", "data-px-per-mm", "5.0000");
  // The pulse of calibration before the first row; the first pulse of lead II in the rhythm row (fourth of 30 mm), 0.3 s after its start.
  for (const [what, area] of [["calibration", [0, 12, 0, 30]], ["lead II", [17, 32, 95, 120]]]) {
    const pulse = await until(`the ${what} pulse is drawn`, () => pulseOn(screen, ...area));
    assert.ok(Math.abs(pulse.width - 5 * pulse.scale) <= 0.05 * 5 * pulse.scale, `${what}: ${pulse.width / pulse.scale} mm wide`);
    assert.ok(Math.abs(pulse.height - 10 * pulse.scale) <= 0.05 * 10 * pulse.scale, `${what}: ${pulse.height / pulse.scale} mm high`);
  }
  await screen.press("ecg-time");
  await screen.evaluate(() => document.querySelector("[data-testid=ecg-paper]").focus());
  await screen.driver.press("Enter");
  await until("the caliper reads a large square", async () => /^200 ms/.test(await screen.text("ecg-reading")));
  await is_accessible(township);
});

stage("6. in the visit two look together: one scrolls, the other follows and sees the finger", async (t) => {
  doctor = await seat("doctor1");
  await doctor.goes_to(`/visit/${visit}`);
  await township.goes_to(`/visit/${visit}`);
  for (const who of [doctor, township]) await who.screen.has("room", "data-phase", /^(live|lobby)$/, SOON);
  await township.screen.press(`exam[data-exam="${exams.ct.id}"] exam-open`, SOON);
  for (const who of [township, doctor]) await who.screen.has("viewer", "data-state", "ready", SOON);
  await presses(doctor, "ArrowDown");
  await township.screen.has("viewer", "data-index", "1", SOON);
  await presses(township, "PageDown");
  await doctor.screen.has("viewer", "data-index", "11", SOON);
  const began = Date.now(); /* the hand that has the lead: nobody to wait for */
  await presses(township, "ArrowUp");
  await doctor.screen.has("viewer", "data-index", "10", SOON);
  const took = Date.now() - began;
  t.diagnostic(`scrolled on one screen, there on the other: ${took} ms`);
  await presses(doctor, "2");
  await township.screen.has("viewer", "data-window", "-600/1500", SOON);

  await until("the doctor sees the township's finger in the middle", async () => {
    await drags(township, [0.5, 0.5], [0.5, 0.5]);
    const at = await doctor.screen.evaluate(() => ({ ...document.querySelector("[data-testid=remote-pointer]")?.dataset }));
    return Math.abs(Number(at.x) - 64) < 4 && Math.abs(Number(at.y) - 64) < 4;
  }, SOON);

  await doctor.screen.press("viewer-follow");
  await doctor.screen.has("viewer", "data-following", "false", SOON);
  await presses(township, "End");
  await township.screen.has("viewer", "data-index", String(SLICES - 1), SOON);
  await doctor.screen.has("viewer", "data-index", "10", SOON);
  await doctor.screen.press("viewer-follow");
  await doctor.screen.has("viewer", "data-index", String(SLICES - 1), SOON);
});

stage("7. from a row of the reading worklist to the first image", async (t) => {
  const reader = await seat("reader1");
  await reader.screen.sees(`worklist-row[data-exam="${exams.ct.id}"]`, SOON);
  const began = Date.now();
  await reader.screen.press(`worklist-row[data-exam="${exams.ct.id}"] read-claim`);
  await reader.screen.has("viewer", "data-state", "ready", SOON);
  t.diagnostic(`worklist row pressed, claimed, first image drawn: ${Date.now() - began} ms (engine loaded anew)`);
});

stage("8. who comes late, or comes back, begins where the others are; the call goes on", async () => {
  await township.goes_to(`/visit/${visit}`);
  await township.screen.has("viewer", "data-index", String(SLICES - 1), SOON);
  await presses(doctor, "Home");
  await township.screen.has("viewer", "data-index", "0", SOON);
  await township.screen.has("room", "data-connection", "connected", SOON);
  await is_accessible(doctor);
  for (const screen of screens) assert.deepEqual(screen.complaints(), [], `scripts of ${screen.name}`);
  assert.deepEqual(await product.alarms(), [], "no sanitizer report, no failed assert");
});
