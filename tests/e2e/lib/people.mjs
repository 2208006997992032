// People and what they do at their screens. One class per role; every method is one sentence of the story.
import { until } from "./until.mjs";

/** Somebody with an account, at a screen. */
export class Person {
  constructor(product, screen, login, url = product.url) {
    this.product = product;
    this.screen = screen;
    this.login = login;
    this.url = url;
  }

  async logs_in() {
    await this.screen.goto(`${this.url}/`);
    await this.screen.types("login-name", this.login);
    await this.screen.types("login-password", this.product.password(this.login));
    await this.screen.press("login-submit");
    await this.screen.sees("account-name");
    return this;
  }

  goes_to(path) {
    return this.screen.goto(`${this.url}${path}`);
  }

  /** Presses, and agrees if asked whether it is meant. */
  async presses_and_confirms(words) {
    await this.screen.press(words);
    if (await this.screen.shows("confirm-ok")) await this.screen.press("confirm-ok");
  }

  async enters_the_room() {
    await this.screen.press("enter-room");
    await this.screen.sees("call");
  }

  async leaves_the_room() {
    await this.presses_and_confirms("leave");
    await this.screen.sees_no("call");
  }

  /** @param phase joining, lobby, live, over, moved or refused */
  is_in(phase, options) {
    return this.screen.has("call", "data-phase", phase, options);
  }

  sees_seated(role, present = "true", options) {
    return this.screen.has(`tile[data-role="${role}"]`, "data-present", present, options);
  }

  /** The chair this screen sits on. */
  own_seat() {
    return this.screen.attribute('tile[data-me="true"]', "data-seat");
  }
}

export class Office extends Person {
  /** Makes today's session and publishes it. @param session {doctor: staff id, from, to: "HH:MM"} */
  async publishes_a_session({ doctor, from, to, minutes = 15, capacity = 1 }) {
    await this.screen.press("roster-new");
    await this.screen.chooses("roster-doctor", doctor);
    await this.screen.types("roster-from", from);
    await this.screen.types("roster-to", to);
    await this.screen.types("roster-minutes", String(minutes));
    await this.screen.types("roster-capacity", String(capacity));
    await this.screen.press("roster-create");
    await this.screen.sees('roster[data-state="draft"]');
    await this.presses_and_confirms('roster[data-state="draft"] roster-publish');
    await this.screen.sees('roster[data-state="published"]');
  }
}

export class Doctor extends Person {
  goes_on_duty() {
    return this.#duty("true");
  }

  goes_off_duty() {
    return this.#duty("false");
  }

  async #duty(wanted) {
    if (!(await this.screen.shows("duty"))) await this.goes_to("/");
    await this.screen.sees("duty");
    if ((await this.screen.attribute("duty", "aria-checked")) !== wanted) await this.screen.press("duty");
    await this.screen.has("duty", "aria-checked", wanted);
  }

  offers() {
    return this.screen.attributes("offer", "data-id");
  }

  /** The one offer that was not there before. */
  sees_an_offer(known = []) {
    return until(`${this.screen.name} sees a new offer`, async () => (await this.offers()).find((order) => !known.includes(order)));
  }

  async claims(order) {
    await this.screen.press(`offer[data-id="${order}"] claim`);
    await this.screen.sees("claim-result");
    return this.screen.attribute("claim-result", "data-result");
  }

  async opens(order) {
    await this.goes_to(`/visits/${order}`);
    await this.screen.sees("call");
  }

  async admits() {
    await this.screen.press("admit");
    await this.is_in("live");
  }

  async sends_back() {
    await this.presses_and_confirms("send-back");
    await this.is_in("lobby");
  }

  ends_the_visit() {
    return this.presses_and_confirms("end");
  }

  async writes_and_signs({ code, diagnosis, text, advice }) {
    await this.screen.types("note-code", code);
    await this.screen.types("note-diagnosis", diagnosis);
    await this.screen.types("note-text", text);
    await this.screen.types("note-advice", advice);
    await this.screen.press("note-save");
    await this.screen.has("note-state", "data-state", "saved");
    await this.presses_and_confirms("note-sign");
    await this.screen.has("note-state", "data-state", "signed");
  }
}

export class Patient extends Person {
  /** From the clinic with the next real time to a place in it. @returns the order */
  async books_a_follow_up({ complaint, prior }) {
    await this.screen.press("clinic");
    await this.screen.press("slot");
    await this.screen.types("complaint", complaint);
    if (await this.screen.shows("step-next")) await this.screen.press("step-next");
    await this.screen.types("prior-text", prior.text);
    await this.screen.types("prior-organisation", prior.organisation);
    await this.screen.types("prior-date", prior.date);
    await this.screen.types("prior-evidence", prior.evidence);
    if (await this.screen.shows("step-next")) await this.screen.press("step-next");
    await this.screen.press("book-confirm");
    await this.screen.sees("consent");
    return this.own_order();
  }

  async own_order() {
    return (await this.screen.evaluate(() => location.pathname)).match(/\d{3,}/)?.[0];
  }

  /** One after the other, each with its own press. @returns the kinds in the order they were asked */
  async gives_consents() {
    const kinds = [];
    for (let kind; (kind = await this.#asked(kinds)); ) {
      await this.screen.press(`consent[data-kind="${kind}"] consent-agree`);
      kinds.push(kind);
    }
    return kinds;
  }

  /** The kind that is asked for now, or null when nothing more is. */
  async #asked(given) {
    const answer = await until(`${this.screen.name} is asked for the next consent, or has given all`, async () => {
      if (await this.screen.shows("order")) return { kind: null };
      const kind = await this.screen.attribute("consent", "data-kind");
      return kind && !given.includes(kind) && { kind };
    });
    return answer.kind;
  }

  async enters_the_waiting_room() {
    await this.screen.press("check-in");
    await this.screen.sees("waiting-position");
  }
}

export class TownshipDoctor extends Person {
  async raises_a_first_visit({ person, complaint, specialty, urgency = "normal" }) {
    await this.screen.types("person-query", person);
    await this.screen.press("person");
    await this.screen.types("assisted-complaint", complaint);
    await this.screen.chooses("specialty", specialty);
    await this.screen.press(`urgency[data-value="${urgency}"]`);
    await this.screen.press("assisted-submit");
  }
}
