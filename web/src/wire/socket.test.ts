import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LiveSocket } from "./socket";

/** A line whose other end the test holds. */
class FakeLine {
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  send(text: string) { this.sent.push(JSON.parse(text) as Record<string, unknown>); }
  close() { this.readyState = 3; }
  opens() { this.readyState = 1; this.onopen?.(); }
  says(message: object) { this.onmessage?.({ data: JSON.stringify(message) }); }
  breaks() { this.readyState = 3; this.onclose?.(); }
}

let lines: FakeLine[];
let socket: LiveSocket;
const line = () => lines[lines.length - 1]!;
const welcome = (resume = "r1") => ({ t: "welcome", account: {}, socket: "s", resume, resumed: false, server_time: "" });
const welcomed = (resume?: string) => { line().opens(); line().says(welcome(resume)); };

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  socket = new LiveSocket({
    url: () => "ws://x/ws", locale: () => "zh-CN", random: () => 1,
    make: () => { const one = new FakeLine(); lines.push(one); return one as unknown as WebSocket; },
  });
  socket.open();
});
afterEach(() => { socket.close(); vi.useRealTimers(); });

test("it says hello first and is open only when welcomed", () => {
  line().opens();
  expect(line().sent[0]).toMatchObject({ t: "hello", locale: "zh-CN" });
  expect(socket.state).toBe("connecting");
  line().says(welcome());
  expect(socket.state).toBe("open");
});

test("after a drop it comes back and resumes its seats", () => {
  welcomed("r7");
  line().breaks();
  expect(socket.state).toBe("lost");
  vi.advanceTimersByTime(300);
  expect(lines).toHaveLength(2);
  line().opens();
  expect(line().sent[0]).toMatchObject({ t: "hello", resume: "r7" });
});

test("waits grow while nobody answers, and stop growing at eight seconds", () => {
  const waits: number[] = [];
  for (let turn = 0; turn < 8; turn++) {
    const before = lines.length;
    line().breaks();
    let ms = 0;
    while (lines.length === before) { vi.advanceTimersByTime(100); ms += 100; }
    waits.push(ms);
  }
  expect(waits).toEqual([300, 600, 1200, 2400, 4800, 8000, 8000, 8000]);
});

test("a line that answers no ping is given up", () => {
  welcomed();
  vi.advanceTimersByTime(10_000);
  expect(line().sent.at(-1)).toEqual({ t: "ping" });
  vi.advanceTimersByTime(4_000);
  expect(socket.state).toBe("lost");
});

test("a line that answers pings stays", () => {
  welcomed();
  vi.advanceTimersByTime(10_000);
  line().says({ t: "pong", server_time: "" });
  vi.advanceTimersByTime(9_000);
  expect(socket.state).toBe("open");
});

test("a request gets the answer that carries its id", async () => {
  welcomed();
  const answer = socket.ask({ t: "join", visit_id: "5" });
  line().says({ t: "joined", id: line().sent.at(-1)!["id"], seat_id: "9" });
  await expect(answer).resolves.toMatchObject({ t: "joined", seat_id: "9" });
});

test("an error with the id becomes a Problem with the server's code", async () => {
  welcomed();
  const answer = socket.ask({ t: "join", visit_id: "5" });
  line().says({ t: "error", id: line().sent.at(-1)!["id"], code: "not_found", detail: "", hint: "" });
  await expect(answer).rejects.toMatchObject({ code: "not_found" });
});

test("what was asked when the line broke has an unknown outcome, not a failure", async () => {
  welcomed();
  const answer = socket.ask({ t: "leave", visit_id: "5" });
  const seen = expect(answer).rejects.toMatchObject({ code: "outcome_unknown" });
  line().breaks();
  await seen;
});

test("asking without a line is refused at once", async () => {
  await expect(socket.ask({ t: "leave", visit_id: "5" })).rejects.toMatchObject({ code: "offline" });
});

test("after a final bye it does not knock again", () => {
  welcomed();
  line().says({ t: "bye", reason: "logged_out" });
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(1);
  expect(socket.state).toBe("refused");
});

test("a nudge does not sit out the wait", () => {
  for (let turn = 0; turn < 5; turn++) { line().breaks(); vi.advanceTimersByTime(8_000); }
  line().breaks();
  const before = lines.length;
  socket.nudge();
  expect(lines).toHaveLength(before + 1);
});
