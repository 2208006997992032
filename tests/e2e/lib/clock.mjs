// The clinic's own time: Asia/Shanghai has had no daylight saving since 1991.
const OFFSET_MS = 8 * 3600_000;

/** "2026-11-21" */
export function shanghaiDay(ms = Date.now()) {
  return new Date(ms + OFFSET_MS).toISOString().slice(0, 10);
}

/** "15:05" */
export function shanghaiTime(ms) {
  return new Date(ms + OFFSET_MS).toISOString().slice(11, 16);
}

/** The next full five minutes, in milliseconds since 1970. */
export function nextFiveMinutes(ms = Date.now()) {
  const step = 300_000;
  return Math.ceil((ms + 1) / step) * step;
}
