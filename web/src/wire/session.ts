import { computed, reactive, readonly } from "vue";
import { DicomWeb } from "./dicomweb";
import { Http } from "./http";
import { randomWord } from "./keys";
import { Problem } from "./problem";
import { LiveSocket, type SocketState } from "./socket";
import type { Account, BrowserConfig, Role } from "./types";

/** Who is here, and the two ways to the server. One of each for the page; the cookie is HttpOnly, so nothing secret is
 * ever held in the page. */
interface State {
  account: Account | null;
  /** False until the first answer about the cookie: the router waits for it. */
  known: boolean;
  socket: SocketState;
  /** Counts socket welcomes and "everything is back" notices; a change means: refetch. */
  fresh: number;
  online: boolean;
  delayed: { what: string; since: string | null } | null;
  locale: "zh-CN" | "en";
}

const state = reactive<State>({
  account: null, known: false, socket: "idle", fresh: 0, online: true, delayed: null, locale: "zh-CN",
});

export const session = readonly(state);
export const roles = computed<readonly Role[]>(() => state.account?.roles ?? []);
export const hasRole = (...wanted: Role[]): boolean => wanted.some((one) => roles.value.includes(one));

let configOnce: Promise<BrowserConfig> | null = null;

const ended = new Set<() => void>();
/** Called when the server says the session is over, not when the user logs out. */
export const onSessionEnded = (listener: () => void): void => void ended.add(listener);

export const http = new Http({
  fetch: (...args) => fetch(...args),
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
  locale: () => state.locale,
  onUnauthenticated: () => sessionOver(),
});

export const dicomweb = new DicomWeb({
  fetch: (...args) => fetch(...args),
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
  onUnauthenticated: () => sessionOver(),
});

export const live = new LiveSocket({
  url: () => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
  make: (url) => new WebSocket(url),
  locale: () => state.locale,
});

function sessionOver(): void {
  if (!state.account) return;
  state.account = null;
  live.close();
  for (const listener of ended) listener();
}

function enter(account: Account): void {
  if (!state.account) configOnce = null; // what a stranger is told names no TURN servers
  state.account = account;
  state.locale = account.locale;
  live.open();
}

let failures = 0;
live.onState((now) => {
  state.socket = now;
  if (now === "open") { failures = 0; state.fresh++; }
  if (now === "refused") sessionOver();
  // A refused upgrade looks like a lost line to a browser: ask over HTTP whether we are still somebody.
  if (now === "lost" && ++failures % 3 === 0) void restore();
});
live.onMessage((message) => {
  if (message.t !== "delayed") return;
  if (message.what === null && state.delayed) state.fresh++;
  state.delayed = message.what === null ? null : { what: message.what, since: message.since ?? null };
});

/** Ask the cookie who we are. Keeps the present account when the answer cannot be had. */
export async function restore(): Promise<void> {
  try {
    enter((await http.call("sessionGet", {})).account);
  } catch (error) {
    if (error instanceof Problem && error.status === 401) sessionOver();
    else if (!state.known) throw error;
  } finally {
    state.known = true;
  }
}

export async function login(name: string, password: string): Promise<Account> {
  const { account } = await http.call("loginCreate", { body: { login: name, password } });
  enter(account);
  state.known = true;
  return account;
}

export async function logout(): Promise<void> {
  await http.call("sessionDelete", { key: randomWord() });
  live.close();
  state.account = null;
  state.delayed = null;
}

export async function chooseLocale(locale: "zh-CN" | "en"): Promise<void> {
  state.locale = locale;
  if (state.account) await http.call("sessionLocale", { body: { locale }, key: randomWord() });
}

/** What the server tells every browser once; asked again after a failure. */
export function browserConfig(): Promise<BrowserConfig> {
  configOnce ??= http.call("configGet", {}).catch((error: unknown) => {
    configOnce = null;
    throw error;
  });
  return configOnce;
}

/** Follow the machine's own word about its network; called once by main. */
export function watchNetwork(): void {
  const heard = () => {
    state.online = navigator.onLine;
    if (state.online) live.nudge();
  };
  heard();
  addEventListener("online", heard);
  addEventListener("offline", heard);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) live.nudge(); });
}
