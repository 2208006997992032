// One person's screen: what they can see, press and type. Everything is found by its data-testid word (listed in web/README.md).
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { until } from "./until.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** "claim" → [data-testid="claim"]; "order[data-state=live] join" → a join inside such an order. */
export function css(words) {
  return words
    .split(/\s+/)
    .map((word) => word.replace(/^[a-z][a-z-]*/, (name) => `[data-testid="${name}"]`))
    .join(" ");
}

export class Screen {
  /** @param name who sits there, for the words of a failure */
  constructor(name, driver) {
    this.name = name;
    this.driver = driver;
  }

  goto(url) {
    return this.driver.goto(url);
  }
  evaluate(fn, arg) {
    return this.driver.evaluate(fn, arg);
  }
  url() {
    return this.driver.url();
  }
  close() {
    return this.driver.close();
  }

  /** Is it there and visible? */
  shows(words) {
    return this.driver.evaluate((selector) => {
      const found = [...document.querySelectorAll(selector)];
      return found.some((e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== "hidden");
    }, css(words));
  }

  sees(words, { within = 10_000 } = {}) {
    return until(`${this.name} sees ${words}`, () => this.shows(words), { within });
  }

  sees_no(words, { within = 10_000 } = {}) {
    return until(`${this.name} no longer sees ${words}`, async () => !(await this.shows(words)), { within });
  }

  count(words) {
    return this.driver.evaluate((selector) => document.querySelectorAll(selector).length, css(words));
  }

  async press(words, options) {
    await this.sees(words, options);
    await this.driver.click(css(words));
  }

  async types(words, text) {
    await this.sees(words);
    await this.driver.fill(css(words), text);
  }

  async chooses(words, value) {
    await this.sees(words);
    await this.driver.choose(css(words), value);
  }

  text(words) {
    return this.driver.evaluate((selector) => document.querySelector(selector)?.innerText ?? null, css(words));
  }

  /** An attribute, or null. */
  attribute(words, name) {
    return this.driver.evaluate(
      ([selector, attribute]) => document.querySelector(selector)?.getAttribute(attribute) ?? null,
      [css(words), name],
    );
  }

  attributes(words, name) {
    return this.driver.evaluate(
      ([selector, attribute]) => [...document.querySelectorAll(selector)].map((e) => e.getAttribute(attribute)),
      [css(words), name],
    );
  }

  has(words, name, value, { within = 10_000 } = {}) {
    const wanted = value instanceof RegExp ? (got) => value.test(got ?? "") : (got) => got === value;
    let got;
    return until(
      `${this.name} has ${words} with ${name}=${value}`,
      async () => wanted((got = await this.attribute(words, name))),
      { within },
    ).catch((error) => {
      error.message += ` (${name} is ${JSON.stringify(got)})`;
      throw error;
    });
  }

  /** Everything the server has told this browser so far: API bodies and socket frames. */
  received() {
    return this.driver.received.join("\n");
  }

  /** Scripts that threw, in the words of the browser. */
  complaints() {
    return this.driver.complaints;
  }

  screenshot(path) {
    return this.driver.screenshot(path);
  }

  /** Accessibility findings of the page as it stands: [] is what we want. */
  async axe() {
    /* As text it runs outside the page's content security policy, which rightly forbids eval(). */
    if (!(await this.driver.evaluate(() => Boolean(window.axe)))) await this.driver.evaluate(await axeSource());
    return this.driver.evaluate(async () => {
      const result = await window.axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
        resultTypes: ["violations"],
      });
      return result.violations.map((v) => `${v.id}: ${v.help} (${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")})`);
    });
  }
}

let source;
async function axeSource() {
  source ??= `${await readFile(AXE, "utf8")};0`; /* ends in a plain value: the browser's answer must travel */
  return source;
}
