// WHIP and WHEP with clients nobody here wrote. Each publishes into a room and plays what the others publish there.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Api } from "./lib/api.mjs";
import { KINDS, Machine } from "./lib/machine.mjs";
import { Product } from "./lib/product.mjs";
import { endStarted } from "./lib/run.mjs";
import { offers } from "./lib/sdp.mjs";

let product, token;

before(async () => {
  product = await Product.start();
  token = await product.token("doctor1", "--room", "*", "--publish", "--subscribe");
});

after(() => {
  endStarted();
  return product?.end();
});

const whip = (room, peer) => `${product.url}/whip/${room}?peer=${peer}`;
const whep = (room, from) => `${product.url}/whep/${room}${from ? `?from=${from}` : ""}`;

for (const publisher of Object.keys(KINDS))
  for (const player of Object.keys(KINDS))
    test(`${publisher} publishes by WHIP, ${player} plays it by WHEP`, async () => {
      const room = `machines-${publisher}-${player}`;
      const source = new Machine(publisher, "publish", whip(room, "camera"), token);
      await source.is("connected");
      const sink = new Machine(player, "play", whep(room, "camera"), token);
      const facts = await sink.receives();
      if (player === "aiortc") assert.ok(facts.loudest > 500, `the tone is heard (${facts.loudest} of 32767)`);
      assert.equal(await sink.end(), 0);
      assert.equal(await source.end(), 0);
    });

test("a player that came first gets the pictures when the publisher comes", async () => {
  const sink = new Machine("aiortc", "play", whep("machines-early"), token);
  await sink.is("connected");
  const source = new Machine("aiortc", "publish", whip("machines-early", "late"), token);
  await sink.receives();
  await Promise.all([sink.end(), source.end()]);
});

test("a session speaks as the standard says: 201, Location, ETag, PATCH, DELETE, and 404 afterwards", async () => {
  const api = new Api(product.url, { token });
  const made = await api.send("POST", "/whip/machines-plain?peer=plain", offers.good(), { headers: { "Content-Type": "application/sdp" } });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.headers.get("content-type"), "application/sdp");
  assert.ok(made.headers.get("etag"));
  assert.match(made.text, /a=ice-lite/);
  const place = made.headers.get("location");
  const fragment = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=end-of-candidates\r\n";
  const patch = (etag) => api.send("PATCH", place, fragment,
    { headers: { "Content-Type": "application/trickle-ice-sdpfrag", ...(etag ? { "If-Match": etag } : {}) } });
  assert.equal((await patch(made.headers.get("etag"))).status, 204);
  assert.ok([412, 428].includes((await patch('"another"')).status));
  assert.equal((await api.send("DELETE", place)).status, 200);
  assert.equal((await api.send("DELETE", place)).status, 404);
});

test("without a token 401, with a token for another room 403, with one that may only listen 403", async () => {
  const post = (secret) => new Api(product.url, { token: secret }).send("POST", "/whip/machines-plain", offers.good(), {
    headers: { "Content-Type": "application/sdp" },
  });
  assert.equal((await post(null)).status, 401);
  assert.equal((await post(await product.token("doctor1", "--room", "elsewhere", "--publish"))).status, 403);
  assert.equal((await post(await product.token("doctor1", "--room", "*", "--subscribe"))).status, 403);
});
