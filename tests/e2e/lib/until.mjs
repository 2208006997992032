// Waiting is for an event, with a deadline; never a bare sleep.

const PACE_MS = 60;

/** The deadline passed: says what was awaited and what was seen last. */
export class TooLate extends Error {
  constructor(what, ms, seen) {
    super(`not within ${ms} ms: ${what}${seen === undefined ? "" : ` (last seen: ${describe(seen)})`}`);
    this.name = "TooLate";
  }
}

function describe(value) {
  if (value instanceof Error) return value.message.split("\n")[0];
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text && text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

const pace = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Ask again until the answer is truthy; errors count as "not yet".
 * @template T
 * @param {string} what  completes the sentence "not within 5000 ms: …"
 * @param {() => T | Promise<T>} ask
 * @returns {Promise<T>} the first truthy answer
 */
export async function until(what, ask, { within = 10_000, every = PACE_MS } = {}) {
  const end = Date.now() + within;
  let seen;
  for (;;) {
    try {
      seen = await ask();
      if (seen) return seen;
    } catch (error) {
      seen = error;
    }
    if (Date.now() >= end) throw new TooLate(what, within, seen);
    await pace(Math.min(every, Math.max(1, end - Date.now())));
  }
}

/** The answer stays true for the whole span: for what must not happen. */
export async function stays(what, ask, { during }) {
  const end = Date.now() + during;
  while (Date.now() < end) {
    if (!(await ask())) throw new Error(`did not stay: ${what}`);
    await pace(PACE_MS);
  }
}

/** A promise with a deadline. */
export function within(what, ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new TooLate(what, ms)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
