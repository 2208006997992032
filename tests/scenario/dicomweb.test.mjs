// DICOMweb of the running product: an upload is there at once for who may see it, leaves as it came, and is nothing to everybody else.
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Product } from "../e2e/lib/product.mjs";
import { until } from "../e2e/lib/until.mjs";
import { Orthanc } from "./lib/orthanc.mjs";
import { BOUNDARY, DEFLATED, EXPLICIT, STOW, bomb, capture, manifest, parts, sha256, shared, takeApart } from "./lib/dicom.mjs";

const FRAMES = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
const PLAIN = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1';
const FOREIGN = "22";

let product;
const tokens = {};

before(async () => {
  product = await Product.start();
  await product.sql(`
    INSERT INTO records.staff (region_id, id, tenant_id, name, title, licence_no, licence_from, licence_until, specialties)
    VALUES (150000, 9290, ${FOREIGN}, 'Stranger', 'x', NULL, NULL, NULL, '{}');
    INSERT INTO records.accounts (region_id, id, tenant_id, login, password_hash, name, staff_id)
    VALUES (150000, 9390, ${FOREIGN}, 'foreign_operator', '!', 'Stranger', 9290);
    INSERT INTO records.account_roles (region_id, account_id, tenant_id, role) VALUES (150000, 9390, ${FOREIGN}, 'operator');`);
  for (const login of ["operator1", "township_doctor1", "patient2", "doctor1", "foreign_operator"]) tokens[login] = await product.token(login);
});
after(() => product?.end());

/** By hand, because a test wants to send what fetch would not. @returns {status, headers, body} */
function ask(path, { method = "GET", as = "operator1", headers = {}, body, cut } = {}) {
  return new Promise((resolve, reject) => {
    const bearer = as ? { Authorization: `Bearer ${tokens[as] ?? as}` } : {};
    const length = body ? { "Content-Length": body.length } : {};
    const asked = request(product.url + path, { method, headers: { ...bearer, ...length, ...headers } }, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("error", reject);
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces) }));
    });
    asked.on("error", reject);
    if (cut === undefined) asked.end(body);
    else asked.write(body.subarray(0, cut), () => asked.destroy());
  });
}

const json = (answer) => JSON.parse(answer.body.toString());
const value = (row, tag) => row[tag]?.Value?.[0];
const get = (path, accept, options = {}) => ask(path, { ...options, headers: { ...(accept ? { Accept: accept } : {}), ...options.headers } });
const store = (body, { path = "/dicomweb/studies", type = STOW, ...options } = {}) =>
  ask(path, { method: "POST", body, headers: { "Content-Type": type }, ...options });

async function find(query, options) {
  const answer = await get(`/dicomweb/${query}`, "application/dicom+json", options);
  assert.equal(answer.status, 200, `${query}: ${answer.status} ${answer.body}`);
  return json(answer);
}

function refused(answer, status, code, what = "") {
  assert.equal(answer.status, status, `${what} ${answer.body}`);
  assert.match(answer.headers["content-type"], /^application\/problem\+json/, what);
  assert.equal(json(answer).code, code, what);
}

const at = (o, more = "") => `/dicomweb/studies/${o.study}/series/${o.series}/instances/${o.sop}${more}`;

/* ---- one study, from upload to frames ---- */

const first = capture({ number: 1 });
const second = capture({ ...first, sop: undefined, number: 2 });

test("an upload is answered part by part, and is there at once for who sent it, matched or not", async () => {
  const answer = await store(parts([first.file, second.file]));
  assert.equal(answer.status, 200, answer.body.toString());
  const kept = json(answer)["00081199"].Value;
  assert.deepEqual(kept.map((item) => value(item, "00081155")).sort(), [first.sop, second.sop].sort());

  const [study] = await find(`studies?StudyInstanceUID=${first.study}`);
  assert.equal(value(study, "00201208"), 2);
  assert.equal(value(study, "00100020"), "T1");
  const [series] = await find(`studies/${first.study}/series`);
  assert.equal(value(series, "00201209"), 2);
  assert.equal((await find(`studies/${first.study}/instances`)).length, 2);

  const back = takeApart(...(await (async () => {
    const whole = await get(`/dicomweb/studies/${first.study}`, 'multipart/related; type="application/dicom"');
    assert.equal(whole.status, 200, whole.body.toString());
    return [whole.headers["content-type"], whole.body];
  })()));
  assert.equal(back.length, 2);
  for (const [n, object] of [first, second].entries()) {
    assert.ok(back[n].body.includes(object.dataSet), `the data set of instance ${n + 1} is bit for bit what was sent`);
    assert.match(back[n].type, new RegExp(`transfer-syntax=${EXPLICIT.replaceAll(".", "\\.")}$`));
  }
});

test("the same upload again changes nothing", async () => {
  assert.equal((await store(parts([first.file]))).status, 200);
  assert.equal((await find(`studies/${first.study}/instances`)).length, 2);
});

test("a Chinese name is found by its beginning, by its letters and by both", async () => {
  for (const name of ["王*", "王^小东", "wang*", "Wang^XiaoDong=王*"])
    assert.ok((await find(`studies?PatientName=${encodeURIComponent(name)}`)).some((s) => value(s, "0020000D") === first.study), name);
  assert.equal((await find(`studies?PatientName=${encodeURIComponent("张*")}`)).length, 0);
  const [study] = await find(`studies?StudyInstanceUID=${first.study}`);
  assert.deepEqual(value(study, "00100010"), { Alphabetic: "Wang^XiaoDong", Ideographic: "王^小东" });
});

test("one object alone comes from nginx, with ranges", async () => {
  const whole = await get(at(first), "application/dicom");
  assert.equal(whole.status, 200);
  assert.match(whole.headers["content-type"], new RegExp(`^application/dicom; transfer-syntax=${EXPLICIT}`));
  const part = await get(at(first), "application/dicom", { headers: { Range: "bytes=128-131" } });
  assert.equal(part.status, 206);
  assert.equal(part.body.toString(), "DICM");
});

test("metadata are the attributes without the bulk, packed when the caller can unpack", async () => {
  const plain = await get(`/dicomweb/studies/${first.study}/series/${first.series}/metadata`);
  const packed = await get(`/dicomweb/studies/${first.study}/series/${first.series}/metadata`, null, { headers: { "Accept-Encoding": "gzip" } });
  assert.equal(packed.headers["content-encoding"], "gzip");
  assert.deepEqual(JSON.parse(gunzipSync(packed.body)), json(plain));
  const rows = json(plain);
  assert.equal(rows.length, 2);
  assert.deepEqual(value(rows[0], "00100010"), { Alphabetic: "Wang^XiaoDong", Ideographic: "王^小东" });
  assert.equal(value(rows[0], "00083002"), EXPLICIT);
  assert.equal(value(rows[0], "00280010"), 16);
  assert.ok(!("Value" in (rows[0]["7FE00010"] ?? {})), "no pixel data");
  const again = await get(`/dicomweb/studies/${first.study}/series/${first.series}/metadata`, null, { headers: { "If-None-Match": plain.headers.etag } });
  assert.equal(again.status, 304);
});

test("frames are the stored bytes, one or several, alone or in parts", async () => {
  const many = await get(at(first, "/frames/2,1"), FRAMES);
  assert.equal(many.status, 200, many.body.toString());
  const found = takeApart(many.headers["content-type"], many.body);
  assert.deepEqual(found.map((p) => p.type), Array(2).fill(`application/octet-stream; transfer-syntax=${EXPLICIT}`));
  assert.ok(found[0].body.equals(first.pixels.subarray(first.frame)) && found[1].body.equals(first.pixels.subarray(0, first.frame)));
  const alone = await get(at(first, "/frames/1"), "application/octet-stream");
  assert.ok(alone.body.equals(first.pixels.subarray(0, first.frame)));
});

test("pictures for people are JPEG or PNG, and small ones small", async () => {
  const jpeg = await get(at(first, "/rendered"), "image/jpeg");
  assert.equal(jpeg.status, 200, jpeg.body.toString());
  assert.deepEqual([...jpeg.body.subarray(0, 2)], [0xff, 0xd8]);
  const png = await get(at(first, "/frames/2/rendered?window=128,256&viewport=8,8"), "image/png");
  assert.equal(png.status, 200, png.body.toString());
  assert.equal(png.body.subarray(1, 4).toString(), "PNG");
  assert.equal(png.body.readUInt32BE(16), 8, "eight pixels wide, as the viewport says");
  const small = await get(`/dicomweb/studies/${first.study}/series/${first.series}/thumbnail`, "image/*");
  assert.equal(small.headers["content-type"], "image/jpeg");
});

/* ---- who may see ---- */

const VIEWS = ["", "/metadata", "/frames/1", "/rendered", "/thumbnail", "/waveform"];

test("to another house, to the patient nobody matched, and to a doctor without a claim, it is not there", async () => {
  for (const as of ["foreign_operator", "patient2", "doctor1"]) {
    assert.deepEqual(await find(`studies?StudyInstanceUID=${first.study}`, { as }), [], as);
    assert.deepEqual(await find(`studies/${first.study}/instances`, { as }), [], as);
    for (const view of VIEWS) refused(await get(at(first, view), null, { as }), 404, "not_found", `${as} ${view}`);
    refused(await get(`/dicomweb/studies/${first.study}/metadata`, null, { as }), 404, "not_found", as);
  }
});

test("nobody gets anything, and what a client says of itself does not count", async () => {
  const forged = `region=150000;tenant=21;account=315;person=0;staff=205;roles=8;session=1`;
  for (const path of ["/dicomweb/studies", at(first), at(first, "/frames/1"), "/dicomweb/none"]) {
    refused(await ask(path, { as: null }), 401, "not_logged_in", path);
    refused(await ask(path, { as: null, headers: { "X-Yz-Identity": forged } }), 401, "not_logged_in", path);
    refused(await ask(path, { as: "not.a.token" }), 401, "not_logged_in", path);
  }
  const foreign = await find(`studies?StudyInstanceUID=${first.study}`, { as: "foreign_operator", headers: { "X-Yz-Identity": forged } });
  assert.deepEqual(foreign, []);
  for (const path of ["/internal/whoami", "/internal/imaging/150000/"]) {
    const answer = await ask(path, {});
    assert.ok(answer.status === 404, `${path}: ${answer.status}`);
  }
  refused(await store(parts([first.file]), { as: null }), 401, "not_logged_in");
  refused(await store(parts([first.file]), { as: "patient2" }), 403, "role_missing");
  const elsewhere = await ask("/dicomweb/studies", { method: "POST", headers: { "Content-Type": STOW, "X-Body-File": "/etc/passwd" } });
  refused(elsewhere, 400, "body_missing");
});

test("who looked is in the audit trail once, before the first byte", async () => {
  await get(at(second, "/frames/1"), FRAMES, { as: "township_doctor1" });
  await get(at(second, "/metadata"), null, { as: "township_doctor1" });
  const rows = await product.sql(`SELECT a.action, a.subject_kind, a.actor_name FROM records.audit a JOIN records.accounts c
      ON c.region_id = a.region_id AND c.id = a.account_id JOIN records.studies s ON s.id = a.subject_id
      WHERE c.login = 'township_doctor1' AND action = 'study.view' AND s.study_uid = '${second.study}'`);
  assert.equal(rows.length, 1, JSON.stringify(rows));
  assert.equal(rows[0][1], "study");
  assert.ok(rows[0][2].length > 0, "with the name of who looked");
});

/* ---- bad input ---- */

async function spooled() {
  return (await readdir(join(product.data, "nginx/tmp/body"))).length;
}

test("an upload that is none is refused with its reason", async () => {
  const cases = [
    ["text", parts([Buffer.from("hello")]), 409, /not_dicom/],
    ["a PNG called .dcm", parts([Buffer.from("89504e470d0a1a0a0000000d49484452", "hex")]), 409, /not_dicom/],
    ["half a data set", parts([first.file.subarray(0, first.file.length - 300)]), 409, /truncated|pixel_data_short|corrupt/],
    ["a deflate bomb", parts([bomb()]), 409, /too_large|deflate_bomb/],
  ];
  for (const [what, body, status, why] of cases) {
    const answer = await store(body);
    assert.equal(answer.status, status, `${what}: ${answer.status} ${answer.body}`);
    assert.match(answer.headers.warning, why, what);
    const said = json(answer);
    assert.ok(said["0008119A"] || said["00081198"], `${what}: ${answer.body}`);
  }
  refused(await store(Buffer.from("hello")), 400, "multipart_malformed");
  refused(await store(Buffer.from(`--${BOUNDARY}\r\n\r\nxx`)), 400, "multipart_truncated");
  refused(await store(first.file, { type: "application/dicom" }), 415, "content_type");
  const cut = capture({});
  await assert.rejects(store(parts([cut.file]), { cut: 700 }));
  assert.deepEqual(await find(`studies?StudyInstanceUID=${cut.study}`), [], "nothing of an upload that was cut off");
  await until("the spool is empty again", async () => (await spooled()) === 0);
  assert.equal((await find(`studies/${first.study}/instances`)).length, 2, "and the server goes on");
});

test("an upload larger than any other request may be is one, too", async () => {
  const study = capture({ rows: 1024, columns: 1024, frames: 2 });
  const answer = await store(parts([study.file, capture({ ...study, sop: undefined, number: 2, rows: 1024, columns: 1024 }).file]));
  assert.equal(answer.status, 200, answer.body.toString());
  const frame = await get(at(study, "/frames/2"), "application/octet-stream");
  assert.ok(frame.body.equals(study.pixels.subarray(study.frame)));
});

test("one bad part does not spoil its neighbours", async () => {
  const good = capture({});
  const answer = await store(parts([good.file, Buffer.from("no object")]));
  assert.equal(answer.status, 202, answer.body.toString());
  assert.match(answer.headers.warning, /part 2: not_dicom/);
  assert.equal((await find(`studies/${good.study}/instances`)).length, 1);
});

test("an upload for one study takes no other's", async () => {
  const other = capture({});
  const answer = await store(parts([other.file]), { path: `/dicomweb/studies/${first.study}` });
  assert.equal(answer.status, 409, answer.body.toString());
  assert.match(answer.headers.warning, /study_differs/);
  assert.deepEqual(await find(`studies?StudyInstanceUID=${other.study}`), []);
});

test("the same instance with other bytes is refused, and the first one stays", async () => {
  const forged = capture({ study: first.study, series: first.series, sop: first.sop, number: 9 });
  const answer = await store(parts([forged.file]));
  assert.equal(answer.status, 409, answer.body.toString());
  assert.match(answer.headers.warning, /same_uid_other_bytes/);
  const frame = await get(at(first, "/frames/1"), "application/octet-stream");
  assert.ok(frame.body.equals(first.pixels.subarray(0, first.frame)));
});

test("questions that make no sense get a reason, and large answers come in pages", async () => {
  refused(await get("/dicomweb/studies?PatientNam=x"), 400, "query_key_unknown");
  refused(await get("/dicomweb/studies?StudyDate=yesterday"), 400, "query_value");
  refused(await get("/dicomweb/studies", "application/dicom+xml"), 406, "not_acceptable");
  refused(await get(at(first, "/frames/3"), FRAMES), 404, "frame_missing");
  refused(await get(at(first, "/frames/0"), FRAMES), 400, "frame_list");
  refused(await get(at(first, "/frames/1"), 'multipart/related; type="image/jphc"'), 406, "not_acceptable");
  refused(await get(at(first, "/waveform")), 404, "waveform_missing");
  const page = await get(`/dicomweb/studies/${first.study}/instances?limit=1`, "application/dicom+json");
  assert.equal(json(page).length, 1);
  assert.match(page.headers.warning, /^299 /);
  assert.equal((await find(`studies/${first.study}/instances?limit=1&offset=1`)).length, 1);
});

/* ---- real files ---- */

test("a deflated object is stored as it came and decoded to its values", async () => {
  const packed = capture({ syntax: DEFLATED });
  const sent = await store(parts([packed.file]));
  assert.equal(sent.status, 200, sent.body.toString());
  const frame = await get(at(packed, "/frames/2"), PLAIN);
  assert.equal(frame.status, 200, frame.body.toString());
  const [part] = takeApart(frame.headers["content-type"], frame.body);
  assert.ok(part.body.equals(packed.pixels.subarray(packed.frame)));
});

/* Each with a hash nobody disputes, by transfer syntax, the smaller first. Siblings of one picture share their instance UID: where
 * one is here already, the next of that syntax is taken. */
function specimens() {
  const bySyntax = new Map();
  for (const file of manifest
    .filter((f) => f.pixel_sha256 && !f.pixel_lossy && !f.broken && !f.pixel_sha256_alternatives && f.ts && f.size < 1_000_000)
    .sort((a, b) => a.size - b.size))
    bySyntax.set(file.ts, [...(bySyntax.get(file.ts) ?? []), file]);
  return [...bySyntax.values()];
}

async function storeOneOf(files) {
  for (const file of files) {
    const sent = await store(parts([shared(file.file)]));
    if (sent.status === 409 && /same_uid_other_bytes/.test(sent.headers.warning)) continue;
    assert.equal(sent.status, 200, `${file.file}: ${sent.body} ${sent.headers.warning}`);
    return { file, path: new URL(value(json(sent)["00081199"].Value[0], "00081190")).pathname };
  }
  return null;
}

test("files of others, one per transfer syntax, come back as frames with the hash of the manifest", { skip: !manifest.length }, async (t) => {
  const seen = [];
  for (const files of specimens()) {
    const stored = await storeOneOf(files);
    if (!stored) continue;
    const { file, path } = stored;
    const frames = Array.from({ length: Number(file.NumberOfFrames ?? 1) }, (_, n) => n + 1).slice(0, 200);
    const answer = await get(`${path}/frames/${frames.join(",")}`, PLAIN);
    assert.equal(answer.status, 200, `${file.file}: ${answer.body.subarray(0, 400)}`);
    const values = takeApart(answer.headers["content-type"], answer.body).map((p) => p.body);
    assert.equal(sha256(Buffer.concat(values)), file.pixel_sha256, file.file);
    const kept = await get(`${path}/frames/1`, FRAMES);
    const [part] = takeApart(kept.headers["content-type"], kept.body);
    if (!["1.2.840.10008.1.2", DEFLATED].includes(file.ts)) assert.match(part.type, new RegExp(`transfer-syntax=${file.ts}$`), file.file);
    seen.push(file.ts);
  }
  assert.ok(seen.length >= 8, seen.join(", "));
  t.diagnostic(`${seen.length} transfer syntaxes: ${seen.join(", ")}`);
});

/* ---- a client nobody here wrote ---- */

const ORTHANC = { skip: Orthanc.isThere() ? false : "orthanc or its DICOMweb plugin is not installed" };

test("Orthanc's DICOMweb client sends, finds and fetches", ORTHANC, async () => {
  const object = capture({});
  const orthanc = await Orthanc.start({ url: `${product.url}/dicomweb/`, token: tokens.operator1 });
  try {
    const { ParentStudy: study } = await orthanc.post("/instances", object.file);
    await orthanc.post("/dicom-web/servers/yunzhen/stow", { Resources: [study], Synchronous: true });
    assert.equal((await find(`studies/${object.study}/instances`)).length, 1);

    const found = await orthanc.post("/dicom-web/servers/yunzhen/qido", { Uri: "/studies", Arguments: { StudyInstanceUID: object.study } });
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.equal(found[0]["0020000D"]?.Value, object.study, JSON.stringify(found));

    await orthanc.drop(`/studies/${study}`);
    await orthanc.post("/dicom-web/servers/yunzhen/retrieve", { Resources: [{ Study: object.study }], Synchronous: true });
    const [instance] = await orthanc.get("/instances?expand");
    assert.equal(instance.MainDicomTags.SOPInstanceUID, object.sop);
    const pixels = await orthanc.bytes(`/instances/${instance.ID}/frames/0/raw`);
    assert.ok(pixels.equals(object.pixels.subarray(0, object.frame)));
  } finally {
    await orthanc.end();
  }
});

test("Orthanc as a modality sends by C-STORE what QIDO then finds", ORTHANC, async () => {
  const object = capture({});
  const orthanc = await Orthanc.start({ modalities: { YUNZHEN: ["YUNZHEN", "127.0.0.1", product.dicom] }, config: { DicomAet: "CT1" } });
  try {
    const { ID } = await orthanc.post("/instances", object.file);
    const sent = await orthanc.post("/modalities/YUNZHEN/store", { Resources: [ID], Synchronous: true });
    assert.equal(sent.FailedInstancesCount, 0, JSON.stringify(sent));
    const [found] = await until("QIDO finds it", async () => {
      const rows = await find(`studies/${object.study}/instances`);
      return rows.length === 1 && rows;
    }, { within: 60_000 });
    assert.equal(value(found, "00080018"), object.sop);
    const frame = await get(at(object, "/frames/1"), "application/octet-stream");
    assert.ok(frame.body.equals(object.pixels.subarray(0, object.frame)));
  } finally {
    await orthanc.end();
  }
});

test("nothing alarming stands in the logs", async () => {
  assert.deepEqual(await product.alarms(), []);
});
