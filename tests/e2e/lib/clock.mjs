// The clinic's own time: Asia/Shanghai has had no daylight saving since 1991.
const OFFSET_MS = 8 * 3600_000;

/** "2026-11-21" */
export function shanghaiDay(ms = Date.now()) {
  return new Date(ms + OFFSET_MS).toISOString().slice(0, 10);
}
