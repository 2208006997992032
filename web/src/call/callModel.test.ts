import { expect, test } from "vitest";
import type { Told } from "@/wire/socket";
import type { Seat, Visit } from "@/wire/types";
import { absentRoles, chairsCleared, connects, EMPTY, heard, phaseOf, tilesOf, type CallModel } from "./callModel";

const seat = (id: string, role: Seat["role"], more: Partial<Seat> = {}): Seat =>
  ({ id, role, name: role, present: true, admitted: true, me: false, muted: { audio: false, video: false }, ...more });
const visit = (more: Partial<Visit> = {}): Visit => ({
  id: "7", order_id: "1", room_id: "word", state: "live", channel: "assisted", kind: "first_visit", recording: false,
  seats: [seat("1", "patient", { me: true }), seat("2", "township_doctor"), seat("3", "doctor")],
  patient: { name: "p", age_band: "40-49", sex: "female" }, clinic: null, ...more,
});
const RIGHTS = { publish: true, subscribe: true };
const NONE = { publish: false, subscribe: false };
const after = (...messages: Told[]): CallModel => messages.reduce((model, message) => heard(model, "7", message), EMPTY);
const joined = (more: Partial<Visit> = {}, rights = RIGHTS): Told => ({ t: "joined", id: "a", visit: visit(more), seat_id: "1", rights });

test("before the seat is given one is joining", () => expect(phaseOf(EMPTY)).toBe("joining"));
test("a seat without rights is the lobby", () => expect(phaseOf(after(joined({ state: "waiting" }, NONE)))).toBe("lobby"));

test("being admitted opens the room, being sent back closes it", () => {
  const admitted = after(joined({ state: "waiting" }, NONE), { t: "visit", visit: visit() }, { t: "rights", visit_id: "7", ...RIGHTS });
  expect(phaseOf(admitted)).toBe("live");
  expect(phaseOf(heard(admitted, "7", { t: "rights", visit_id: "7", ...NONE }))).toBe("lobby");
});

test("staff prepare in the lobby with sound and picture, the patient outside has none", () => {
  const staff = after(joined({ state: "waiting" }, RIGHTS));
  expect([phaseOf(staff), connects(staff)]).toEqual(["lobby", true]);
  expect(connects(after(joined({ state: "waiting" }, NONE)))).toBe(false);
});

test("who waits outside is told apart from who has not come", () => {
  const seats = [seat("1", "patient", { admitted: false }), seat("2", "township_doctor"), seat("3", "doctor", { me: true })];
  const tiles = tilesOf(after(joined({ seats, state: "waiting" })));
  expect(tiles.map((tile) => [tile.role, tile.outside])).toEqual([["township_doctor", false], ["patient", true], ["doctor", false]]);
});

test("when the doctor ends the visit the room is over, whatever the rights", () =>
  expect(phaseOf(after(joined(), { t: "visit", visit: visit({ state: "documenting" }) }))).toBe("over"));

test("another window takes the seat and the rights with it", () => {
  const model = after(joined(), { t: "moved", visit_id: "7" });
  expect([phaseOf(model), model.rights]).toEqual(["moved", NONE]);
});

test("joining again after having been moved takes the seat back", () =>
  expect(phaseOf(after(joined(), { t: "moved", visit_id: "7" }, joined()))).toBe("live"));

test("messages of another visit change nothing", () => {
  const model = after(joined());
  expect(heard(model, "7", { t: "rights", visit_id: "8", ...NONE })).toBe(model);
  expect(heard(model, "7", { t: "visit", visit: visit({ id: "8", state: "closed" }) })).toBe(model);
});

test("a chair seats a track on a tile and empties again", () => {
  const seated = after(joined(), { t: "chair", visit_id: "7", mid: "5", kind: "video", seat_id: "3" });
  expect(tilesOf(seated)[0]).toMatchObject({ role: "doctor", video: "5", audio: null });
  expect(tilesOf(heard(seated, "7", { t: "chair", visit_id: "7", mid: "5", kind: "video", seat_id: null }))[0]?.video).toBeNull();
});

test("a new connection has empty chairs", () =>
  expect(chairsCleared(after(joined(), { t: "chair", visit_id: "7", mid: "5", kind: "video", seat_id: "3" })).chairs).toEqual({}));

test("a patient sees the doctor first, then the township, oneself last", () =>
  expect(tilesOf(after(joined())).map((tile) => tile.role)).toEqual(["doctor", "township_doctor", "patient"]));

test("a doctor sees the patient first", () => {
  const seats = [seat("1", "patient"), seat("2", "township_doctor"), seat("3", "doctor", { me: true })];
  expect(tilesOf(after(joined({ seats })))[0]?.role).toBe("patient");
});

test("who is not there yet does not take the big place", () => {
  const seats = [seat("1", "patient", { me: true }), seat("2", "township_doctor"), seat("3", "doctor", { present: false })];
  expect(tilesOf(after(joined({ seats })))[0]?.role).toBe("township_doctor");
  expect(absentRoles(visit({ seats }))).toEqual(["doctor"]);
});

test("the speaker is marked until silence", () => {
  const speaking = after(joined(), { t: "speaker", visit_id: "7", seat_id: "3" });
  expect(tilesOf(speaking).find((tile) => tile.speaking)?.role).toBe("doctor");
  expect(tilesOf(heard(speaking, "7", { t: "speaker", visit_id: "7", seat_id: null })).some((tile) => tile.speaking)).toBe(false);
});

test("being silenced by the doctor is told apart from muting oneself", () => {
  const bySelf = after(joined(), { t: "muted", visit_id: "7", seat_id: "1", kind: "audio", on: true, by: "1" });
  expect(bySelf.silencedBy).toBeNull();
  expect(tilesOf(bySelf).at(-1)?.muted.audio).toBe(true);
  expect(after(joined(), { t: "muted", visit_id: "7", seat_id: "1", kind: "audio", on: true, by: "3" }).silencedBy).toBe("3");
});

test("an interrupted recording is not shown as running", () =>
  expect(after(joined({ recording: true }), { t: "recording", visit_id: "7", state: "interrupted" }).recording).toBe("interrupted"));
