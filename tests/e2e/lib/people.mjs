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
    await this.screen.press("confirm");
  }

  async enters_the_room() {
    await this.screen.press("join");
    await this.screen.sees("room");
  }

  async leaves_the_room() {
    await this.screen.press("leave");
    await this.screen.sees_no("room");
  }

  /** @param phase joining, lobby, live, over, moved or refused */
  is_in(phase, options) {
    return this.screen.has("room", "data-phase", phase, options);
  }

  visit_is(state, options) {
    return this.screen.has("room", "data-visit-state", state, options);
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
  /** Today's session lies ready as a draft; the office looks at it and lets it out. */
  async publishes_todays_session() {
    await this.screen.sees('roster-row[data-state="draft"]');
    const id = await this.screen.attribute('roster-row[data-state="draft"]', "data-id");
    await this.screen.press(`roster-row[data-id="${id}"] roster-publish`);
    await this.screen.has(`roster-row[data-id="${id}"]`, "data-state", /^(published|open|running)$/);
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
    await this.screen.has("duty", "aria-busy", "false");
    if ((await this.screen.attribute("duty", "aria-checked")) !== wanted) await this.screen.press("duty");
    await this.screen.has("duty", "aria-checked", wanted);
  }

  offers() {
    return this.screen.attributes('pool-offer[data-state="open"]', "data-order");
  }

  /** The one offer that was not there before. */
  sees_an_offer(known = []) {
    return until(`${this.screen.name} sees a new offer`, async () => (await this.offers()).find((order) => !known.includes(order)));
  }

  /** @returns won, lost or refused; who wins is taken to the room. An offer may look gone until the answer is there. */
  async claims(order) {
    return claims(this.screen, { row: `pool-offer[data-order="${order}"]`, button: "claim", won: "room" });
  }

  async opens(order) {
    if (!(await this.screen.shows(`today[data-order="${order}"]`))) await this.goes_to("/");
    await this.screen.press(`today[data-order="${order}"]`);
    await this.screen.sees("room");
  }

  async admits() {
    await this.screen.press("admit");
    await this.visit_is("live");
  }

  async sends_back() {
    await this.screen.press("send-back");
    await this.visit_is("waiting");
  }

  async ends_the_visit() {
    await this.presses_and_confirms("end-visit");
    await this.is_in("over");
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
  async books_a_follow_up({ clinic, complaint, prior }) {
    await this.screen.press(`clinic-card[data-id="${clinic}"]`);
    await this.screen.press('slot:not([data-free="0"]):not([disabled])');
    await this.screen.types("complaint", complaint);
    await this.screen.types("prior-diagnosis", prior.text);
    await this.screen.types("prior-organisation", prior.organisation);
    await this.screen.types("prior-date", prior.date);
    await this.screen.types("prior-evidence", prior.evidence);
    await this.screen.press("book");
    await this.screen.sees("order");
    return this.screen.attribute("order", "data-order");
  }

  /** One after the other, each with its own press. @returns the kinds in the order they were asked */
  async gives_consents() {
    const kinds = [];
    for (let kind; (kind = await this.#asked(kinds)); ) {
      await this.screen.press(`consent[data-kind="${kind}"] consent-grant`);
      kinds.push(kind);
    }
    return kinds;
  }

  /** The kind that is asked for now, or null when nothing more is. */
  async #asked(given) {
    const answer = await until(`${this.screen.name} is asked for the next consent, or has given all`, async () => {
      if (await this.screen.shows('order:not([data-stage="consents"])')) return { kind: null };
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
  /** @returns the order */
  async raises_a_first_visit({ person, complaint, specialty, urgency = "normal" }) {
    await this.goes_to("/township");
    await this.screen.press("assist-new");
    await this.screen.types("person-search", person);
    await this.screen.press("person-option");
    await this.screen.types("complaint", complaint);
    await this.screen.chooses("specialty", specialty);
    await this.screen.chooses("urgency", urgency);
    await this.screen.press("raise-order");
    await this.screen.sees("order");
    return this.screen.attribute("order", "data-order");
  }
}

/** What passes through several daemons, on two busy cores. */
const SOON = { within: 30_000 };

/** Who orders exams and looks at images in a visit: doctor and township doctor alike. */
const ORDERS = {
  /** @returns {id, accession} of the new exam */
  async orders_an_exam({ modality, procedure, question, urgency = "normal" }) {
    const known = await this.screen.attributes("exams exam", "data-exam");
    await this.screen.press("exam-new");
    await this.screen.chooses("exam-modality", modality);
    await this.screen.chooses("exam-urgency", urgency);
    await this.screen.types("exam-procedure", procedure);
    await this.screen.types("exam-question", question);
    await this.screen.press("exam-order");
    const id = await until(`${this.screen.name}'s new exam is listed`, async () =>
      (await this.screen.attributes("exams exam", "data-exam")).find((one) => !known.includes(one)), SOON);
    return { id, accession: (await this.screen.text(`exam[data-exam="${id}"] exam-accession`)).trim() };
  },

  sees_the_exam(id, state, options) {
    return this.screen.has(`exam[data-exam="${id}"]`, "data-state", state, options ?? SOON);
  },

  /** @param count images, all of them stored */
  async sees_all_images(id, count, options) {
    await this.screen.has(`exam[data-exam="${id}"] exam-upload`, "data-state", "complete", options);
    await this.screen.has(`exam[data-exam="${id}"] exam-upload`, "data-count", String(count), options);
  },

  async opens_images(id) {
    await this.screen.press(`exam[data-exam="${id}"] exam-open`);
    await this.screen.sees("images", SOON);
  },

  /** So many pictures further, with the keyboard. */
  async turns_the_stack(pictures) {
    await this.screen.evaluate(() => document.querySelector("[data-testid=viewer-glass]").focus());
    for (let n = 0; n < pictures; n++) await this.screen.driver.press("ArrowDown");
  },

  /** Rests the hand on the picture, at a share of its width and height. */
  async points_at(x, y) {
    const { page } = this.screen.driver;
    const box = await this.screen.evaluate(() => {
      const { left, top, width, height } = document.querySelector("[data-testid=viewer-glass]").getBoundingClientRect();
      return { left, top, width, height };
    });
    for (const far of [0.5, 0.9, 1]) await page.mouse.move(box.left + box.width * x * far, box.top + box.height * y * far);
  },

  async closes_images() {
    await this.screen.press("images-close");
    await this.screen.sees_no("images", SOON);
  },

  /** Reads the critical value back; the bar goes. */
  async acknowledges(note) {
    await this.screen.press("alert-acknowledge");
    await this.screen.types("alert-note", note);
    await this.screen.press("confirm");
    await this.screen.sees_no("alert-bar", SOON);
  },
};
Object.assign(Doctor.prototype, ORDERS);
Object.assign(TownshipDoctor.prototype, ORDERS);

/** Sits at the township's desk; decides what becomes of images that fitted no order. */
export class Operator extends Person {
  unmatched() {
    return this.screen.attributes("unmatched study", "data-study");
  }

  /** A study in the match list that was not there before. */
  sees_a_stray(known = [], options) {
    return until(`${this.screen.name} sees a study that fits nothing`, async () =>
      (await this.unmatched()).find((one) => !known.includes(one)), options);
  }

  async #decides(study, words, reason) {
    await this.screen.press(`study[data-study="${study}"] ${words}`);
    await this.screen.types("confirm-reason", reason);
    await this.screen.press("confirm");
    await this.screen.sees_no(`study[data-study="${study}"]`, SOON);
  }

  async matches(study, exam, reason) {
    await this.screen.chooses(`study[data-study="${study}"] study-candidate`, exam);
    await this.#decides(study, "study-match", reason);
  }

  returns(study, reason) {
    return this.#decides(study, "study-return", reason);
  }
}

export class Reader extends Person {
  waiting() {
    return this.screen.attributes('worklist-row[data-state="open"]', "data-exam");
  }

  sees_waiting(exam, options) {
    return this.screen.sees(`worklist-row[data-exam="${exam}"][data-state="open"]`, options);
  }

  /** @returns won, lost, gone or refused; who wins is taken to the reading page */
  async claims(exam) {
    return claims(this.screen, { row: `worklist-row[data-exam="${exam}"]`, button: "read-claim", won: `read[data-exam="${exam}"]` });
  }

  async writes({ template, findings, impression }) {
    if (template) await this.screen.chooses("template", template);
    if (findings) await this.screen.types("findings", findings);
    if (impression) await this.screen.types("impression", impression);
    await this.screen.has("draft-state", "data-state", "saved", SOON);
  }

  async #proves_it_is_him() {
    await this.screen.sees("confirm", SOON);
    if (await this.screen.shows("step-up")) await this.screen.types("step-up", this.product.password(this.login));
    await this.screen.press("confirm");
  }

  async signs() {
    await this.screen.press("sign");
    await this.#proves_it_is_him();
    await this.screen.sees("report", SOON);
  }

  async amends({ impression, reason }) {
    await this.screen.press("amend");
    await this.screen.types("amend-form impression", impression);
    await this.screen.types("amend-reason", reason);
    await this.screen.press("amend-sign");
    await this.#proves_it_is_him();
    await this.screen.has("report", "data-version", "2", SOON);
  }

  async calls_a_critical_value(finding) {
    await this.screen.press("critical");
    await this.screen.types("step-words", finding);
    await this.screen.press("confirm");
    await this.screen.has("read", "data-critical", "true", SOON);
  }

  async rejects(code, reason) {
    await this.screen.press("reject");
    await this.screen.chooses("reject-code", code);
    await this.screen.types("step-words", reason);
    await this.screen.press("confirm");
    await this.screen.sees("worklist", SOON);
  }
}

/** Press and hear who has it: "won", "lost" … Somebody else may be so quick that the button leaves under the finger; that is a loss, too. */
async function claims(screen, { row, button, won }) {
  let pressed = false;
  return until(`${screen.name} is told who has it`, async () => {
    if (await screen.shows(won)) return "won";
    const result = (await screen.shows(`${row} claim-result`)) ? await screen.attribute(`${row} claim-result`, "data-result") : null;
    if (result === "gone" && !pressed) return "lost";
    if (!pressed && (await screen.shows(`${row} ${button}`))) {
      await screen.press(`${row} ${button}`);
      pressed = true;
    }
    return result === "gone" ? null : result;
  }, { within: 60_000 });
}
