// Programs the tests start: each is ended by its pid, and none outlives the test.
import { execFile, spawn } from "node:child_process";
import { createServer } from "node:net";
import { createSocket } from "node:dgram";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** Run to the end. @returns {Promise<string>} stdout; a failure carries stderr */
export async function run(program, args, { env, cwd, within = 60_000, input } = {}) {
  const child = exec(program, args, { env: env ?? process.env, cwd, timeout: within, maxBuffer: 64 << 20 });
  if (input !== undefined) child.child.stdin.end(input);
  try {
    return (await child).stdout;
  } catch (error) {
    error.message = `${program} ${args.join(" ")}: ${error.code ?? error.signal}\n${error.stdout ?? ""}${error.stderr ?? ""}`;
    throw error;
  }
}

const started = new Set();

/** For `after`: a test that broke off leaves nothing running, and node comes to its end. */
export function endStarted() {
  for (const child of started) child.kill("SIGKILL");
}
process.on("exit", endStarted);

/** Start and keep; the process ends with the test run at the latest. */
export function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], ...options });
  started.add(child);
  child.on("exit", () => started.delete(child));
  return child;
}

function bindTcp(port) {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve({ port: server.address().port, close: () => new Promise((r) => server.close(r)) }));
  });
}

function bindUdp(port) {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4").once("error", reject);
    socket.bind(port, "127.0.0.1", () => resolve({ port, close: () => new Promise((r) => socket.close(r)) }));
  });
}

/** The first of `count` neighbouring ports that nobody uses, neither by TCP nor by UDP. */
export async function freePorts(count = 1) {
  for (let tries = 0; tries < 50; tries++) {
    const held = [];
    try {
      const first = 21000 + Math.floor(Math.random() * 9000); /* below the range the kernel picks client ports from */
      for (let port = first; port < first + count; port++) held.push(await bindTcp(port), await bindUdp(port));
      return first;
    } catch {
      /* somebody has one of them: try elsewhere */
    } finally {
      await Promise.all(held.map((h) => h.close()));
    }
  }
  throw new Error(`no ${count} free neighbouring ports found`);
}
