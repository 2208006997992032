/** How long to wait before try number `turn` (0, 1, …): doubling from 300 ms to 8 s, each spread over its upper half so
 * that a thousand browsers do not come back in the same tick. */
export function backoffMs(turn: number, random: () => number = Math.random): number {
  const top = Math.min(8_000, 300 * 2 ** Math.min(turn, 10));
  return Math.round(top * (0.5 + 0.5 * random()));
}
