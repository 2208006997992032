// Figures as one JSON object per line, for docs/performance.md and for machines.

/** The value below which a share of all samples lies (nearest rank). */
export function percentile(samples, share) {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export const round = (value, digits = 1) => Number(value.toFixed(digits));

export function say(figure) {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}
