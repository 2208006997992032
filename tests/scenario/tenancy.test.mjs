// Somebody else's ids: every endpoint and every socket message, by everybody who has no business with them.
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Api } from "../e2e/lib/api.mjs";
import { act, appointment, consentToAll, freeSlot, onDuty, publishSession, raiseFirstVisit, waitingFollowUp } from "../e2e/lib/clinic.mjs";
import { Product } from "../e2e/lib/product.mjs";
import { offers } from "../e2e/lib/sdp.mjs";
import { until } from "../e2e/lib/until.mjs";
import { messages, operations } from "./lib/openapi.mjs";

const REGION = "150000";
const FOREIGN = { township: "22", hospital: "33" };
const EVERY_ROOM = ["--room", "*", "--publish", "--subscribe"]; /* the strongest token there is */
const HIDDEN = [403, 404];
const RACES = new Set(["orderClaim"]); /* every doctor may try; who is late is told 409 */
const OWN = /^(session|loginCreate|dutySet|configGet)/; /* about the caller, whatever is sent */

let product, list, key;
const victims = []; /* what everybody else would like to have */
const secrets = []; /* words no stranger may read */
const callers = new Map();

/* ---- people ---- */

/** Staff of another house, one per role: rows only, since tokens need no password. */
async function foreignStaff() {
  const roles = [
    ["township_doctor", FOREIGN.township], ["operator", FOREIGN.township],
    ...["doctor", "reader", "office", "coordinator", "finance", "supervisor", "auditor", "admin"].map((role) => [role, FOREIGN.hospital]),
  ];
  for (const [n, [role, tenant]] of roles.entries()) {
    const staff = 9200 + n, account = 9300 + n;
    await product.sql(`
      INSERT INTO records.staff (region_id, id, tenant_id, name, title, licence_no, licence_from, licence_until, specialties)
      VALUES (${REGION}, ${staff}, ${tenant}, 'Stranger', 'x', 'S-${staff}', '2015-01-01', '2099-12-31', '{general,cardiology}');
      INSERT INTO records.accounts (region_id, id, tenant_id, login, password_hash, name, staff_id)
      VALUES (${REGION}, ${account}, ${tenant}, 'foreign_${role}', '!', 'Stranger', ${staff});
      INSERT INTO records.account_roles (region_id, account_id, tenant_id, role) VALUES (${REGION}, ${account}, ${tenant}, '${role}');`);
    await enters(`foreign_${role}`);
  }
}

async function enters(login) {
  callers.set(login, new Api(product.url, { token: await product.token(login, ...EVERY_ROOM) }));
}

/* ---- the world ---- */

async function booked(roster) {
  const { patient, order } = await waitingFollowUp(product, roster, "patient1");
  const seats = (await patient.get(`/api/v1/visits/${order.visit_id}`)).seats;
  return { what: "a booked visit", owner: patient, order, seat: seats.find((s) => s.role === "doctor") };
}

/** doctor1 and doctor2 see the same offer; doctor1 has it. */
async function claimed() {
  const first = await onDuty(product, "doctor1"), second = await onDuty(product, "doctor2");
  const { township, order } = await raiseFirstVisit(product);
  const offer = (api) => until("the offer is in the pool", async () => (await api.get("/api/v1/pool")).find((o) => o.order_id === order.id));
  const [mine, theirs] = [await offer(first), await offer(second)];
  assert.notEqual(mine.nonce, theirs.nonce, "a nonce is one doctor's");
  const won = await first.post(`/api/v1/orders/${order.id}/claim`, { version: mine.version, nonce: mine.nonce });
  assert.equal(won.result, "won");
  await consentToAll(township, order.visit_id);
  return { what: "a claimed visit", owner: first, order: won.order, lostNonce: theirs.nonce };
}

async function machineIn(room) {
  const token = await product.token("doctor1", "--room", room, "--publish");
  const answer = await new Api(product.url, { token }).send("POST", `/whip/${room}?peer=owner`, offers.good(), {
    headers: { "Content-Type": "application/sdp" },
  });
  assert.equal(answer.status, 201, answer.text);
  return answer.headers.get("location").split("/").at(-1);
}

/** An exam of that visit: ordered by its doctor, or, as far as images go, read and alarmed about by reader1. */
async function examIn(order, { read = false } = {}) {
  const doctor = await Api.login(product, "doctor1");
  const asked = { visit_id: order.visit_id, modality: "ECG", procedure: "12导联心电图", question: "胸闷", urgency: "urgent" };
  const { id } = await doctor.post("/api/v1/exams", asked);
  const nothing = "384226543616999997";
  if (!read) return { exam_id: id, alert_id: nothing, study_id: nothing };
  await product.sql(`
    INSERT INTO records.studies (region_id, id, tenant_id, study_uid, exam_id, visit_id, person_id, state, matched, matched_at,
      matched_by, n_series, n_instances, first_at, last_at, complete_at)
    SELECT region_id, id + 1, tenant_id, '1.2.' || id, id, visit_id, person_id, 'complete', true, now(), 0, 1, 1, now(), now(), now()
      FROM records.exams WHERE region_id = ${REGION} AND id = ${id}`);
  const reader = await Api.login(product, "reader1");
  const waiting = await until("the exam waits to be read", async () => (await reader.get("/api/v1/reading")).find((e) => e.id === id));
  for (const hidden of [asked.visit_id, order.id]) assert.ok(!JSON.stringify(waiting).includes(hidden), "before the claim nobody is named");
  const { version } = await reader.post(`/api/v1/exams/${id}/claim`, { version: waiting.version });
  await reader.post(`/api/v1/exams/${id}/critical`, { version, finding: "急性心肌梗死" });
  const [alert] = await (await Api.login(product, "township_doctor1")).get("/api/v1/alerts");
  return { exam_id: id, alert_id: alert.id, study_id: waiting.study.id ?? String(BigInt(id) + 1n) };
}

function tomorrow(hour) {
  const at = new Date(Date.now() + 86_400_000);
  at.setUTCHours(hour, 0, 0, 0);
  return at.toISOString().replace(/\.\d+Z$/, "Z");
}

/** Everything a stranger could have picked up about it. */
async function known({ owner, order, seat, lostNonce }, roster, slot) {
  const exam = await examIn(order, { read: lostNonce !== undefined });
  const text = (await owner.get("/api/v1/consents/texts")).find((t) => t.kind === "recording");
  const now = await owner.get(`/api/v1/orders/${order.id}`);
  const visit = await owner.get(`/api/v1/visits/${order.visit_id}`);
  const session_id = ["claimed", "live", "waiting"].includes(now.state) ? await machineIn(visit.room_id) : "384226543616999999";
  return {
    order_id: order.id, visit_id: order.visit_id, room: visit.room_id, session_id, track: "t1",
    person_id: now.patient.person_id, roster_id: roster.id, clinic_id: roster.clinic_id, staff_id: roster.doctor.staff_id,
    seat_id: (seat ?? visit.seats[0]).id, slot_id: slot.id, ...exam,
    version: now.version, note_version: 1, nonce: lostNonce ?? "n".repeat(32), subject: `visit:${order.visit_id}`,
    kind: text.kind, text_hash: text.hash, granted: true, specialty: "cardiology", query: visit.patient.name.slice(0, 2),
    prior_diagnosis: appointment(slot).prior_diagnosis, reason: "x", kinds: ["follow_up"], slot_minutes: 10, capacity_per_slot: 1,
    starts_at: tomorrow(9), ends_at: tomorrow(10),
    name: visit.patient.name,
  };
}

before(async () => {
  product = await Product.start();
  key = await readFile(join(product.data, "keys/token.key"));
  list = await operations();
  const roster = await publishSession(product);
  await onDuty(product, "doctor1"); /* a session that runs is booked only while its doctor is there */
  const bystander = await Api.login(product, "patient4");
  const slot = await freeSlot(bystander, roster);
  for (const world of [await booked(roster), await claimed()]) victims.push({ what: world.what, ids: await known(world, roster, slot) });
  for (const { ids } of victims) secrets.push(ids.order_id, ids.visit_id, ids.room, ids.name, ids.exam_id);
  await foreignStaff();
  await enters("patient4");
  await enters("doctor3");
});

after(() => product?.end());

/* ---- asking ---- */

async function ask(api, operation, ids) {
  const { path, body, type } = operation.request(ids);
  const text = type === "application/sdp" ? offers.good() : type?.endsWith("sdpfrag") ? "a=ice-ufrag:abcd\r\n" : body;
  for (;;) {
    const answer = await api.send(operation.method, path, text, {
      headers: { ...(type ? { "Content-Type": type } : {}), ...(operation.method === "PATCH" ? { "If-Match": "*" } : {}) },
    });
    if (answer.status !== 429) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200)); /* nginx counts by address: that is not what is asked here */
  }
}

/** Which of the victim's ids this request carries; clinics and their times are on the region's notice board. */
function aims(operation) {
  const names = operation.names.filter((name) => name !== "clinic_id");
  return names.length > 0 || ["orderCreate", "appointmentCreate", "rosterCreate", "examCreate"].includes(operation.id);
}

function silent(answer, why) {
  for (const secret of secrets) assert.ok(!answer.text.includes(secret), `${why}: the answer contains ${secret}: ${answer.text.slice(0, 300)}`);
}

async function isRefusedEverywhere(login) {
  const api = callers.get(login);
  let asked = 0;
  for (const operation of list.filter((o) => !o.open && !OWN.test(o.id))) {
    for (const { what, ids } of victims) {
      const why = `${login} asks ${operation.method} ${operation.path} of ${what}`;
      /* A patient who sends no person books for himself; the point here is another's person_id, which `ids` carries. */
      const answer = await ask(api, operation, ids);
      asked++;
      assert.ok(answer.status < 500, `${why}: ${answer.status} ${answer.text}`);
      silent(answer, why);
      if (aims(operation))
        assert.ok(HIDDEN.includes(answer.status) || (RACES.has(operation.id) && answer.status === 409), `${why}: ${answer.status} ${answer.text}`);
    }
  }
  return asked;
}

test("in a foreign house, whatever the role: every endpoint hides what is not theirs", async (t) => {
  for (const login of [...callers.keys()].filter((name) => name.startsWith("foreign_")).concat("doctor3"))
    t.diagnostic(`${login}: ${await isRefusedEverywhere(login)} requests`);
});

test("another patient gets nothing, not even by booking in somebody else's name", async () => {
  await isRefusedEverywhere("patient4");
});

test("who takes no part is a stranger in the same house, too", async () => {
  await enters("finance1");
  await isRefusedEverywhere("finance1");
});

test("the office sees that a visit is, not whose", async () => {
  await enters("office1");
  for (const { ids } of victims) {
    const order = await callers.get("office1").send("GET", `/api/v1/orders/${ids.order_id}`);
    assert.equal(order.status, 200, order.text);
    for (const secret of [ids.name, ids.visit_id, ids.room]) assert.ok(!order.text.includes(secret), order.text);
    for (const rest of ["", "/consents", "/recording", "/recording/tracks/t1"])
      assert.equal((await callers.get("office1").send("GET", `/api/v1/visits/${ids.visit_id}${rest}`)).status, 404);
  }
});

test("the doctor who lost the claim is a stranger again", async () => {
  await enters("doctor2");
  const api = callers.get("doctor2");
  const { ids } = victims[1];
  const late = await api.send("POST", `/api/v1/orders/${ids.order_id}/claim`, { version: ids.version - 1, nonce: ids.nonce });
  assert.equal(late.status, 409, late.text);
  assert.equal(late.json.code, "claim_lost");
  await isRefusedEverywhere("doctor2");
});

test("offers carry no identity", async () => {
  const { order, person } = await raiseFirstVisit(product, { patient: "patient3" });
  const offer = await until("doctor2 is offered it", async () => {
    const pool = await callers.get("doctor2").send("GET", "/api/v1/pool");
    return pool.json.some((o) => o.order_id === order.id) && pool;
  });
  for (const secret of [person.name, person.id, person.person_id, order.visit_id, order.room_id].map((word) => JSON.stringify(word)))
    assert.ok(!offer.text.includes(secret), offer.text);
  await act(await Api.login(product, "township_doctor1"), order.id, "cancel", { reason: "x" });
});

/* ---- who is nobody ---- */

function sign(claims, secret = key) {
  const head = `yz1.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
  return `${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`;
}

const claims = (more = {}) => {
  const now = Math.floor(Date.now() / 1000);
  return { kind: "operator", sub: "311", region: REGION, tenant: "31", roles: ["doctor"], iat: now, nbf: now, exp: now + 600,
    jti: "abcdefghijklmnopqrst", room: "*", publish: true, subscribe: true, ...more };
};

test("a token made here like the real one is let in, so that the refusals below mean something", async () => {
  assert.equal((await new Api(product.url, { token: sign(claims()) }).send("GET", "/api/v1/session")).status, 200);
});

test("nobody, and whoever holds a forged, old, foreign or malformed token, gets 401 everywhere", async () => {
  const old = { iat: 1_700_000_000, nbf: 1_700_000_000, exp: 1_700_000_600 };
  const later = Math.floor(Date.now() / 1000) + 3600;
  const bad = {
    nothing: null,
    "another key": sign(claims(), randomBytes(32)),
    "an old one": sign(claims(old)),
    "one for later": sign(claims({ iat: later, nbf: later, exp: later + 60 })),
    "one for a year": sign(claims({ exp: later + 365 * 86_400 })),
    "another kind": sign(claims({ kind: "session" })),
    "no kind": sign({ ...claims(), kind: undefined }),
    "another region": sign(claims({ region: "110000" })),
    "a house the account is not of": sign(claims({ tenant: "33" })),
    "nobody's account": sign(claims({ sub: "999999" })),
    "other claims under a real signature": (() => {
      const [head, , mac] = sign(claims()).split(".");
      return `${head}.${Buffer.from(JSON.stringify(claims({ sub: "322" }))).toString("base64url")}.${mac}`;
    })(),
  };
  for (const [what, token] of Object.entries(bad)) {
    const api = new Api(product.url, { token });
    for (const operation of list.filter((o) => !o.open)) {
      const answer = await ask(api, operation, victims[1].ids);
      assert.equal(answer.status, 401, `${what}: ${operation.method} ${operation.path}: ${answer.status} ${answer.text}`);
    }
    await assert.rejects(api.live(), `${what}: the live socket`);
  }
});

test("a token is no session cookie and a cookie is no token", async () => {
  const token = sign(claims());
  await new Api(product.url, { token }).get("/api/v1/session"); /* known to the server now */
  const cookie = new Api(product.url);
  cookie.cookie = `yz_session=${token}`;
  assert.equal((await cookie.send("GET", "/api/v1/session")).status, 401);

  const login = await Api.login(product, "doctor1");
  const bearer = new Api(product.url, { token: login.cookie.split("=")[1] });
  assert.equal((await bearer.send("GET", "/api/v1/session")).status, 401);
});

test("a join token opens its room and nothing else of the API", async () => {
  const api = new Api(product.url, { token: sign(claims({ kind: "join", room: victims[1].ids.room })) });
  for (const operation of list.filter((o) => !o.open && !o.path.startsWith("/wh"))) {
    const answer = await ask(api, operation, victims[1].ids);
    assert.equal(answer.status, 403, `${operation.method} ${operation.path}: ${answer.status} ${answer.text}`);
  }
});

test("a token claims no role the account lacks, and gives none it was not made for", async () => {
  const more = new Api(product.url, { token: sign(claims({ roles: ["doctor", "auditor", "admin", "office"] })) });
  for (const path of ["/api/v1/audit", "/api/v1/people?query=x"]) assert.equal((await more.send("GET", path)).status, 403);
  const less = new Api(product.url, { token: sign(claims({ roles: [] })) });
  for (const path of ["/api/v1/orders?scope=mine", "/api/v1/pool", `/api/v1/orders/${victims[1].ids.order_id}`])
    assert.equal((await less.send("GET", path)).status, 403);
});

/* ---- the live socket ---- */

async function isRefusedOnTheSocket(login, live) {
  for (const { t, message, answered } of await messages()) {
    if (["hello", "ping"].includes(t)) continue;
    for (const { what, ids } of victims) {
      const { id: _, ...asked } = message({ ...ids, kind: "audio", sdp: offers.good() });
      const before = live.frames.length;
      if (!answered) live.tell(asked);
      const answer = answered ? await live.ask(asked) : await live.hears((m) => live.frames.indexOf(m) >= before && m.t === "error", `what becomes of ${t}`);
      assert.equal(answer.t, "error", `${login}: ${t} of ${what}: ${JSON.stringify(answer)}`);
      assert.match(answer.code, /^(not_found|not_in_room)$/, `${login}: ${t} of ${what}`);
    }
  }
}

test("every message of the live socket is refused to strangers, who hear nothing of what happens either", async (t) => {
  const lives = new Map();
  for (const [login, api] of callers) if (!["office1"].includes(login)) lives.set(login, await api.live());
  for (const [login, live] of lives) await isRefusedOnTheSocket(login, live);

  const doctor = await Api.login(product, "doctor1");
  const own = await doctor.live();
  const joined = await own.ask({ t: "join", visit_id: victims[0].ids.visit_id });
  assert.equal(joined.t, "joined", JSON.stringify(joined));
  await act(doctor, victims[0].ids.order_id, "admit");
  await act(doctor, victims[0].ids.order_id, "send-back");
  await own.hears((m) => m.t === "event" && m.topic === "order" && m.data.order_id === victims[0].ids.order_id, "that its order moved");
  for (const [login, live] of lives) {
    await live.ask({ t: "ping" }); /* what was sent before has arrived */
    const heard = JSON.stringify(live.frames.filter((m) => m.t !== "error"));
    for (const { ids } of victims)
      for (const secret of [ids.visit_id, ids.room, ids.name, ...(login === "doctor2" ? [] : [ids.order_id])])
        assert.ok(!heard.includes(secret), `${login} heard ${secret}: ${heard.slice(0, 400)}`);
    live.close();
  }
  own.close();
  t.diagnostic(`${lives.size} listened`);
});

test("nobody sits down in a room's word before its visit opens it", async () => {
  const { township, order } = await raiseFirstVisit(product, { patient: "patient3" });
  const { room_id: room } = await township.get(`/api/v1/visits/${order.visit_id}`);
  const early = await callers.get("foreign_doctor").send("POST", `/whip/${room}?peer=ear`, offers.good(), { headers: { "Content-Type": "application/sdp" } });
  assert.ok(early.status < 500, early.text);
  await township.post(`/api/v1/orders/${order.id}/cancel`, { version: order.version, reason: "x" });
});

test("a session that was closed, and an account that was locked, are out at once", async () => {
  const doctor = await Api.login(product, "doctor1");
  const live = await doctor.live();
  const other = new Api(product.url);
  other.cookie = doctor.cookie;
  assert.equal((await doctor.send("DELETE", "/api/v1/session")).status, 204);
  assert.equal((await other.send("GET", "/api/v1/session")).status, 401);
  await until("the window is told", () => live.closed || live.frames.some((m) => m.t === "bye"));

  const locked = callers.get("foreign_reader");
  await product.sql("UPDATE records.accounts SET state = 'locked' WHERE login = 'foreign_reader'");
  await until("the token of a locked account is refused", async () => (await locked.send("GET", "/api/v1/session")).status === 401, { within: 8000 });
});

test("after all this every process is the one that started, the trail is whole, and no alarm was raised", async () => {
  for (const process of (await product.status()).processes) assert.equal(process.restarts ?? 0, 0, process.name);
  assert.deepEqual(await product.alarms(), []);
  const { ok, text } = await product.verifyAudit();
  assert.ok(ok, text);
});
