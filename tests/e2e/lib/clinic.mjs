// The same clinic day without screens, for tests whose subject is something else: sessions, bookings and visits by the API.
import { Api } from "./api.mjs";
import { nextFiveMinutes } from "./clock.mjs";

const PRIOR = { code: "I10", text: "原发性高血压", organisation: "示例县医院", date: "2026-08-01", evidence: "出院小结" };

/** Today's session of a doctor at the first clinic of the doctor's hospital, published. @returns the roster */
export async function publishSession(product, { doctor = "doctor1", hours = 2, slotMinutes = 15, capacity = 20 } = {}) {
  const office = await Api.login(product, "office1");
  const { account } = await (await Api.login(product, doctor)).get("/api/v1/session");
  const clinics = await office.get("/api/v1/clinics");
  const clinic = clinics.find((c) => c.tenant.id === account.tenant.id) ?? clinics[0];
  const from = nextFiveMinutes();
  const roster = await office.post("/api/v1/rosters", {
    clinic_id: clinic.id,
    staff_id: account.staff_id,
    starts_at: new Date(from).toISOString(),
    ends_at: new Date(from + hours * 3600_000).toISOString(),
    slot_minutes: slotMinutes,
    capacity_per_slot: capacity,
    kinds: ["follow_up", "first_visit"],
  });
  await office.post(`/api/v1/rosters/${roster.id}/publish`, { version: roster.version });
  return { ...roster, clinic_id: clinic.id };
}

export async function onDuty(product, login, on = true) {
  const doctor = await Api.login(product, login);
  await doctor.put("/api/v1/duty", { on });
  return doctor;
}

/** The first slot with a free place. */
export async function freeSlot(api, roster) {
  const day = new Date(Date.parse(roster.starts_at) + 8 * 3600_000).toISOString().slice(0, 10);
  const slots = await api.get(`/api/v1/clinics/${roster.clinic_id}/slots?day=${day}`);
  const slot = slots.find((s) => s.free > 0 && Date.parse(s.starts_at) >= Date.parse(roster.starts_at));
  if (!slot) throw new Error(`no free slot on ${day}`);
  return slot;
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
