// Two real browsers, one way to drive them. Chromium goes through Playwright (CDP), Firefox through Puppeteer (WebDriver BiDi).
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";
import { Screen } from "./screen.mjs";

const PAGE_SIDE = new URL("./page-side.js", import.meta.url);
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 800 };

const FIREFOX_PREFS = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.peerconnection.ice.loopback": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "media.autoplay.default": 0,
  "media.autoplay.blocking_policy": 0,
  "media.volume_scale": "0.01",
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "app.update.auto": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
};

function found(names) {
  const path = names.find((name) => existsSync(name));
  if (!path) throw new Error(`none of ${names.join(", ")} is installed`);
  return path;
}

/** @param camera "fake" gives a moving picture and a beep, "refused" answers every request with no
 *  @param graphics "soft": WebGL drawn by the CPU inside the browser; "none": no WebGL at all, as on old machines */
export async function openChromium({ camera = "fake", graphics = "soft" } = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || found(["/usr/bin/chromium", "/usr/bin/chromium-browser"]),
    headless: true,
    args: [
      ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
      `--use-fake-ui-for-media-stream${camera === "refused" ? "=deny" : ""}`,
      "--use-fake-device-for-media-stream=fps=15",
      "--autoplay-policy=no-user-gesture-required",
      "--allow-loopback-in-peer-connection",
      "--disable-gpu",
      ...(graphics === "none" ? ["--disable-3d-apis"] : []),
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-backgrounding-occluded-windows",
      "--disable-renderer-backgrounding",
      "--disable-background-timer-throttling",
      "--disable-dev-shm-usage",
    ],
  });
  return new ChromiumBrowser(browser);
}

class ChromiumBrowser {
  constructor(browser) {
    this.browser = browser;
  }

  /** A fresh person at a fresh screen: own cookies, own storage. */
  async screen(name, { phone = false, locale = "zh-CN", relay = null } = {}) {
    const context = await this.browser.newContext({
      viewport: phone ? PHONE : DESK,
      hasTouch: phone,
      isMobile: phone,
      locale,
      ignoreHTTPSErrors: true,
    });
    if (relay) await context.addInitScript({ content: `window.__yzRelay = ${JSON.stringify(relay)};` });
    await context.addInitScript({ path: PAGE_SIDE.pathname });
    return new Screen(name, new PlaywrightDriver(await context.newPage(), context));
  }

  async close() {
    await this.browser.close();
  }
}

class PlaywrightDriver {
  constructor(page, context) {
    this.page = page;
    this.context = context;
    this.received = [];
    this.complaints = [];
    page.setDefaultTimeout(15_000);
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("response", (response) => this.#keepBody(response));
    page.on("websocket", (socket) => socket.on("framereceived", (frame) => this.received.push(String(frame.payload))));
  }

  /* Bodies of the API only: scripts and styles carry no person. */
  #keepBody(response) {
    if (!new URL(response.url()).pathname.startsWith("/api/v1/")) return;
    response.text().then((text) => this.received.push(text), () => {});
  }

  goto(url) {
    return this.page.goto(url, { waitUntil: "domcontentloaded" });
  }
  evaluate(fn, arg) {
    return this.page.evaluate(fn, arg);
  }
  click(selector) {
    return this.page.locator(selector).first().click();
  }
  fill(selector, text) {
    return this.page.locator(selector).first().fill(text);
  }
  choose(selector, value) {
    return this.page.locator(selector).first().selectOption(value);
  }
  async press(key) {
    await this.page.keyboard.press(key);
  }
  screenshot(path) {
    return this.page.screenshot({ path });
  }
  addScript(content) {
    return this.page.addScriptTag({ content });
  }
  url() {
    return this.page.url();
  }
  async close() {
    await this.context.close();
  }
}

export async function openFirefox() {
  const home = await mkdtemp(join(tmpdir(), "yz-firefox-"));
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.FIREFOX || found(["/usr/bin/firefox-esr", "/usr/bin/firefox"]),
    headless: true,
    env: { ...process.env, HOME: home, MOZ_REMOTE_SETTINGS_DEVTOOLS: "1" },
    extraPrefsFirefox: FIREFOX_PREFS,
  });
  return new FirefoxBrowser(browser, home);
}

class FirefoxBrowser {
  constructor(browser, home) {
    this.browser = browser;
    this.home = home;
  }

  async screen(name, { locale = "zh-CN" } = {}) {
    const context = await this.browser.createBrowserContext();
    const page = await context.newPage();
    await page.setViewport(DESK);
    await page.evaluateOnNewDocument(await readFile(PAGE_SIDE, "utf8"));
    const driver = new PuppeteerDriver(page, context);
    await driver.prepare(locale);
    return new Screen(name, driver);
  }

  async close() {
    await this.browser.close();
    await rm(this.home, { recursive: true, force: true });
  }
}

class PuppeteerDriver {
  constructor(page, context) {
    this.page = page;
    this.context = context;
    this.received = [];
    this.complaints = [];
    page.setDefaultTimeout(15_000);
    page.on("pageerror", (error) => this.complaints.push(String(error)));
  }

  /* BiDi has no locale per context here: the page is told through the two properties it reads. */
  async prepare(locale) {
    await this.page.evaluateOnNewDocument((wanted) => {
      Object.defineProperty(navigator, "language", { get: () => wanted });
      Object.defineProperty(navigator, "languages", { get: () => [wanted] });
    }, locale);
  }

  goto(url) {
    return this.page.goto(url, { waitUntil: "domcontentloaded" });
  }
  evaluate(fn, arg) {
    return this.page.evaluate(fn, arg);
  }
  click(selector) {
    return this.page.locator(selector).click();
  }
  fill(selector, text) {
    return this.page.locator(selector).fill(text);
  }
  choose(selector, value) {
    return this.page.select(selector, value);
  }
  async press(key) {
    await this.page.keyboard.press(key);
  }
  screenshot(path) {
    return this.page.screenshot({ path });
  }
  addScript(content) {
    return this.page.addScriptTag({ content });
  }
  url() {
    return this.page.url();
  }
  async close() {
    await this.context.close();
  }
}
