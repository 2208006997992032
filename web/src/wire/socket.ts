import { backoffMs } from "./backoff";
import type { ClientMessage, ServerMessage, ServerWelcome } from "./generated/socket";
import { randomWord } from "./keys";
import { Problem } from "./problem";

/** idle: not wanted. connecting: first try. open: welcomed. lost: was open or wanted, trying again. refused: will not try. */
export type SocketState = "idle" | "connecting" | "open" | "lost" | "refused";

type Plain<T> = T extends { id: string } ? Omit<T, "id"> : T;
type Asked = Plain<Extract<ClientMessage, { id: string }>>;
export type Told = Extract<ServerMessage, { t: string }>;

export interface SocketDeps {
  url: () => string;
  make: (url: string) => WebSocket;
  locale: () => "zh-CN" | "en";
  random?: () => number;
}

const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 4_000;
const WELCOME_WITHIN_MS = 6_000;
const ANSWER_WITHIN_MS = 10_000;
/** After these the server does not want this client back. */
const FINAL = new Set(["logged_out", "token_expired"]);

interface Pending { done: (message: Told) => void; fail: (problem: Problem) => void; timer: ReturnType<typeof setTimeout> }

/** The live socket: one connection that comes back by itself and brings its seats along (`resume`).
 *
 * Requests are answered or rejected with a Problem; none hangs. What was pending when the line broke is rejected with
 * `outcome_unknown`, and whoever asked decides whether to ask again. */
export class LiveSocket {
  state: SocketState = "idle";
  /** Counts welcomes: a screen refetches when it changes, as events of the gap are lost. */
  welcomes = 0;
  private ws: WebSocket | null = null;
  private resume: string | undefined;
  private turn = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private beat: ReturnType<typeof setInterval> | undefined;
  private deadline: ReturnType<typeof setTimeout> | undefined;
  private readonly pending = new Map<string, Pending>();
  private readonly listeners = new Set<(message: Told) => void>();
  private readonly watchers = new Set<(state: SocketState) => void>();

  constructor(private readonly deps: SocketDeps) {}

  open(): void {
    if (this.state !== "idle" && this.state !== "refused") return;
    this.set("connecting");
    this.connect();
  }

  /** Close for good: logout, or the page goes. */
  close(): void {
    this.resume = undefined;
    this.drop("idle");
  }

  /** The network is back, or the page is visible again: do not sit out the rest of a wait. */
  nudge(): void {
    if (this.state === "lost" && this.retry) {
      clearTimeout(this.retry);
      this.turn = 0;
      this.connect();
    } else if (this.state === "open") {
      this.ping();
    }
  }

  onMessage(listener: (message: Told) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onState(watcher: (state: SocketState) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** Send without waiting for an answer. False when there is no line. */
  tell(message: ClientMessage): boolean {
    if (this.state !== "open" && message.t !== "hello") return false;
    if (this.ws?.readyState !== 1) return false;
    this.ws.send(JSON.stringify(message));
    return true;
  }

  ask(message: Asked): Promise<Told> {
    const id = randomWord(8);
    return new Promise((done, fail) => {
      const timer = setTimeout(() => this.fail(id, new Problem("outcome_unknown")), ANSWER_WITHIN_MS);
      this.pending.set(id, { done, fail, timer });
      if (!this.tell({ ...message, id } as ClientMessage)) this.fail(id, new Problem("offline"));
    });
  }

  private connect(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    const ws = this.deps.make(this.deps.url());
    this.ws = ws;
    this.deadline = setTimeout(() => this.lost(ws), WELCOME_WITHIN_MS);
    ws.onopen = () => this.tell({ t: "hello", locale: this.deps.locale(), ...(this.resume ? { resume: this.resume } : {}) });
    ws.onmessage = (event: MessageEvent<string>) => this.receive(ws, event.data);
    ws.onclose = () => this.lost(ws);
    ws.onerror = () => undefined; // onclose follows
  }

  private receive(ws: WebSocket, text: string): void {
    if (ws !== this.ws) return;
    const message = JSON.parse(text) as Told;
    if (message.t === "welcome") this.welcomed(message);
    if (message.t === "pong") this.keepAlive();
    if (message.t === "bye" && FINAL.has(message.reason)) this.drop("refused");
    const id = "id" in message ? message.id : undefined;
    const waiting = id === undefined ? undefined : this.pending.get(id);
    if (id !== undefined && waiting) {
      if (message.t === "error") return this.fail(id, new Problem(message.code, 400, "", { reason: message.reason ?? "" }));
      clearTimeout(waiting.timer);
      this.pending.delete(id);
      waiting.done(message);
      return;
    }
    for (const listener of [...this.listeners]) listener(message);
  }

  private welcomed(message: ServerWelcome): void {
    clearTimeout(this.deadline);
    this.resume = message.resume;
    this.turn = 0;
    this.welcomes++;
    this.beat = setInterval(() => this.ping(), PING_EVERY_MS);
    this.set("open");
  }

  /** A dead line does not close by itself: a train in a tunnel sends no FIN. */
  private ping(): void {
    const ws = this.ws;
    if (!ws || !this.tell({ t: "ping" })) return;
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => this.lost(ws), PONG_WITHIN_MS);
  }

  private keepAlive(): void { clearTimeout(this.deadline); }

  private lost(ws: WebSocket): void {
    if (ws !== this.ws) return;
    this.drop("lost");
    this.retry = setTimeout(() => this.connect(), backoffMs(this.turn++, this.deps.random));
  }

  private drop(next: SocketState): void {
    clearTimeout(this.retry);
    clearTimeout(this.deadline);
    clearInterval(this.beat);
    this.retry = undefined;
    const ws = this.ws;
    this.ws = null;
    if (ws) {
      ws.onopen = ws.onmessage = ws.onclose = ws.onerror = null;
      ws.close();
    }
    for (const id of [...this.pending.keys()]) this.fail(id, new Problem("outcome_unknown"));
    this.set(next);
  }

  private fail(id: string, problem: Problem): void {
    const waiting = this.pending.get(id);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.pending.delete(id);
    waiting.fail(problem);
  }

  private set(state: SocketState): void {
    if (state === this.state) return;
    this.state = state;
    for (const watcher of [...this.watchers]) watcher(state);
  }
}
