// The product without a browser: REST with a session cookie, and the live socket.
import WebSocket from "ws";
import { until } from "./until.mjs";

export class Refused extends Error {
  constructor(method, path, status, problem) {
    super(`${method} ${path}: ${status} ${problem?.code ?? ""} ${problem?.detail ?? ""}`);
    this.status = status;
    this.code = problem?.code;
    this.problem = problem;
  }
}

export class Api {
  /** @param url "http://127.0.0.1:8080" */
  constructor(url, { token = null } = {}) {
    this.url = url;
    this.token = token;
    this.cookie = null;
  }

  static async login(product, login) {
    const api = new Api(product.url);
    await api.post("/api/v1/session", { login, password: product.password(login) });
    return api;
  }

  headers(more = {}) {
    return {
      Origin: this.url,
      ...(this.cookie ? { Cookie: this.cookie } : {}),
      ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}),
      ...more,
    };
  }

  /** The bare answer: {status, headers, text, json}; never throws for a status. */
  async send(method, path, body, { headers = {}, key } = {}) {
    const isText = typeof body === "string";
    const answer = await fetch(this.url + path, {
      method,
      redirect: "manual",
      headers: this.headers({
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(key ? { "Idempotency-Key": key } : {}),
        ...headers,
      }),
      body: body === undefined ? undefined : isText ? body : JSON.stringify(body),
    });
    const cookie = answer.headers.get("set-cookie");
    if (cookie?.startsWith("yz_session=")) this.cookie = cookie.split(";")[0];
    const text = await answer.text();
    let json = null;
    try {
      json = JSON.parse(text);
    } catch {
      /* not every answer is JSON */
    }
    return { status: answer.status, headers: answer.headers, text, json };
  }

  async #expect(method, path, body, options) {
    const answer = await this.send(method, path, body, options);
    if (answer.status >= 400) throw new Refused(method, path, answer.status, answer.json);
    return answer.json;
  }

  get(path, options) {
    return this.#expect("GET", path, undefined, options);
  }
  post(path, body, options) {
    return this.#expect("POST", path, body, options);
  }
  put(path, body, options) {
    return this.#expect("PUT", path, body, options);
  }

  /** @returns {Promise<Live>} after `welcome` */
  async live() {
    const live = new Live(this.url.replace(/^http/, "ws"), this.headers());
    await live.open();
    return live;
  }
}

export class Live {
  #socket;
  #next = 1;

  constructor(url, headers) {
    this.frames = [];
    this.closed = null;
    this.#socket = new WebSocket(`${url}/ws`, { headers, perMessageDeflate: false });
    this.#socket.on("message", (data) => this.frames.push(JSON.parse(String(data))));
    this.#socket.on("close", (code) => (this.closed ??= code));
    this.#socket.on("error", (error) => (this.closed ??= error.message));
  }

  async open() {
    await until("the socket opens or is refused", () => this.closed || this.#socket.readyState === WebSocket.OPEN);
    if (this.closed) throw new Error(`the socket was refused: ${this.closed}`);
    this.tell({ t: "hello" });
    return this.hears((m) => m.t === "welcome", "welcome");
  }

  tell(message) {
    this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  hears(matches, what, { within = 10_000 } = {}) {
    return until(`the socket says ${what}`, () => this.frames.find(matches), { within });
  }

  /** A request with an id, and its answer. */
  ask(message) {
    const id = `t${this.#next++}`;
    this.tell({ id, ...message });
    return this.hears((m) => m.id === id, `an answer to ${message.t}`);
  }

  close() {
    this.#socket.close();
  }
}
