import { describe, expect, test } from "vitest";
import { Coview, HOLD_MS, SEND_EVERY_MS, type SharedView } from "./coview";

/** Two screens on one clock and a line that delivers after `delay`. */
function room(delay = 40) {
  let now = 1_000;
  let timers: { at: number; run: () => void }[] = [];
  const later = (run: () => void, ms: number) => {
    const timer = { at: now + ms, run };
    timers.push(timer);
    return timer;
  };
  const forget = (timer: unknown) => { timers = timers.filter((one) => one !== timer); };
  const pass = (ms: number) => {
    const end = now + ms;
    for (;;) {
      const next = timers.filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      now = Math.max(now, next.at);
      forget(next);
      next.run();
    }
    now = end;
  };
  const seats = new Map<string, { co: Coview; at: number; sent: number; lost: boolean }>();
  const join = (seat: string) => {
    const one = {
      at: 0, sent: 0, lost: false,
      co: new Coview(() => seat, {
        now: () => now, later, forget,
        send: (state) => {
          if (one.lost) return false;
          one.sent++;
          const copy = JSON.parse(JSON.stringify(state)) as unknown;
          for (const [name, other] of seats) if (name !== seat) later(() => { if (!other.lost) other.co.hear(copy); }, delay);
          return true;
        },
        show: (view) => { one.at = view.image?.frame ?? -1; },
      }),
    };
    seats.set(seat, one);
    return one;
  };
  const scroll = (seat: { co: Coview; at: number }, frame: number) => {
    seat.at = frame;
    seat.co.move(at(frame));
  };
  return { join, pass, scroll };
}
const at = (frame: number): SharedView => ({
  study_uid: "1.2", kind: "image",
  image: { series_uid: "1.3", sop: "1.4", frame, window: null, invert: false, zoom: 1, center: [0.5, 0.5] },
});

describe("co-viewing", () => {
  test("what one scrolls to is seen by the other", () => {
    const { join, pass, scroll } = room();
    const [doctor, township] = [join("7"), join("9")];
    scroll(doctor, 12);
    pass(60);
    expect(township.at).toBe(12);
    pass(HOLD_MS + 1);
    scroll(township, 30);
    pass(60);
    expect(doctor.at).toBe(30);
  });

  test("a fast wheel is told at a bearable rate, its last position always", () => {
    const { join, pass, scroll } = room();
    const [doctor, township] = [join("7"), join("9")];
    for (let i = 1; i <= 100; i++) { scroll(doctor, i); pass(10); }
    pass(200);
    expect(township.at).toBe(100);
    expect(doctor.sent).toBeLessThanOrEqual(1_000 / SEND_EVERY_MS + 2);
  });

  test("two who scroll at once do not fight, and end on the same picture", () => {
    const { join, pass, scroll } = room();
    const [doctor, township] = [join("7"), join("9")];
    for (let i = 1; i <= 60; i++) {
      scroll(doctor, i);
      pass(15);
      scroll(township, 1_000 + i);
      expect(township.at).toBe(1_000 + i);
      pass(15);
      expect(doctor.at).toBe(i);
    }
    pass(3 * HOLD_MS);
    expect(doctor.at).toBe(township.at);
  });

  test("whoever moved at the very same moment, all screens agree", () => {
    const { join, pass, scroll } = room();
    const [a, b, c] = [join("7"), join("9"), join("11")];
    scroll(a, 1);
    scroll(b, 2);
    scroll(c, 3);
    pass(4 * HOLD_MS);
    expect(new Set([a.at, b.at, c.at]).size).toBe(1);
  });

  test("in free mode nobody is pulled along, and coming back shows what the others see", () => {
    const { join, pass, scroll } = room();
    const [doctor, township] = [join("7"), join("9")];
    township.co.follow(false);
    scroll(township, 5);
    pass(100);
    expect(doctor.at).toBe(0);
    scroll(doctor, 20);
    pass(100);
    expect(township.at).toBe(5);
    township.co.follow(true);
    expect(township.at).toBe(20);
  });

  test("a late joiner begins where the others are", () => {
    const { join, pass, scroll } = room();
    const doctor = join("7");
    scroll(doctor, 44);
    pass(100);
    const late = join("9");
    late.co.hear(JSON.parse(JSON.stringify(doctor.co.current)));
    expect(late.at).toBe(44);
  });

  test("what was lost with the line is told again, and old news do not turn the picture back", () => {
    const { join, pass, scroll } = room();
    const [doctor, township] = [join("7"), join("9")];
    scroll(doctor, 3);
    pass(100);
    const old = JSON.parse(JSON.stringify(doctor.co.current)) as unknown;
    doctor.lost = true;
    scroll(doctor, 8);
    pass(100);
    expect(township.at).toBe(3);
    doctor.lost = false;
    doctor.co.rejoined();
    pass(100);
    expect(township.at).toBe(8);
    township.co.hear(old);
    pass(1_000);
    expect(township.at).toBe(8);
  });

  test("nonsense from the line is ignored", () => {
    const { join } = room();
    const doctor = join("7");
    for (const state of [null, 1, {}, { study_uid: 3 }, { study_uid: "1", kind: "film", n: 1, by: "9" }]) doctor.co.hear(state);
    expect(doctor.co.current).toBeNull();
  });
});
