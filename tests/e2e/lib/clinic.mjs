// The same clinic day without screens, for tests whose subject is something else: sessions, bookings and visits by the API.
import { Api } from "./api.mjs";
import { shanghaiDay } from "./clock.mjs";
import { until } from "./until.mjs";

const DAY_MS = 86_400_000;
const PRIOR = { code: "I10", text: "原发性高血压", organisation: "示例县医院", date: "2026-08-01", evidence: "出院小结" };

/** Today's session of doctor1, which lies ready as a draft in the demo data, published; it has begun, so doctor1 goes on
 * duty, or nothing could be booked. @returns the roster */
export async function publishSession(product) {
  await onDuty(product, "doctor1");
  const office = await Api.login(product, "office1");
  const rosters = await office.get(`/api/v1/rosters?day=${shanghaiDay()}`);
  const draft = rosters.find((r) => r.state === "draft");
  if (!draft) throw new Error(`no draft session today: ${JSON.stringify(rosters)}`);
  return office.post(`/api/v1/rosters/${draft.id}/publish`, { version: draft.version });
}

export async function onDuty(product, login, on = true) {
  const doctor = await Api.login(product, login);
  await doctor.put("/api/v1/duty", { on });
  return doctor;
}

/** The first slot with a free place that has not begun: today, or tomorrow for a session over midnight. */
export function freeSlot(api, roster) {
  return until("a slot is free", async () => {
    for (const at of [Date.now(), Date.now() + DAY_MS]) {
      const slots = await api.get(`/api/v1/clinics/${roster.clinic_id}/slots?day=${shanghaiDay(at)}`);
      const slot = slots.find((s) => s.free > 0 && Date.parse(s.starts_at) > Date.now());
      if (slot) return slot;
    }
    return null;
  });
}

export function appointment(slot) {
  return { slot_id: slot.id, complaint: "复诊，血压复查", prior_diagnosis: PRIOR };
}

export async function consentToAll(api, visit) {
  for (const text of await api.get("/api/v1/consents/texts"))
    await api.post(`/api/v1/visits/${visit}/consents`, { kind: text.kind, version: text.version, text_hash: text.hash, granted: true });
}

/** Booked, consented and checked in: the order waits for its doctor. */
export async function waitingFollowUp(product, roster, login = "patient1") {
  const patient = await Api.login(product, login);
  const booked = await patient.post("/api/v1/appointments", appointment(await freeSlot(patient, roster)));
  await consentToAll(patient, booked.visit_id);
  const now = await patient.get(`/api/v1/orders/${booked.id}`);
  const order = await patient.post(`/api/v1/orders/${booked.id}/check-in`, { version: now.version });
  return { patient, order };
}

/** A township's first visit in the pool. */
export async function raiseFirstVisit(product, { login = "township_doctor1", patient = "patient2", specialty = "cardiology" } = {}) {
  const township = await Api.login(product, login);
  const { account } = await (await Api.login(product, patient)).get("/api/v1/session");
  const order = await township.post("/api/v1/orders", {
    person_id: account.person_id,
    complaint: "胸闷两天",
    specialty,
    urgency: "normal",
  });
  return { township, order, person: account };
}

/** An action of an order with the version it has now. */
export async function act(api, order, action, more = {}) {
  const { version } = await api.get(`/api/v1/orders/${order}`);
  return api.post(`/api/v1/orders/${order}/${action}`, { version, ...more });
}
