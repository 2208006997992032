/** The one alert sound of the product. Never two at once, and none while somebody is in a live visit, unless a life may hang on it. */
let context: AudioContext | null = null;
let lastAt = -Infinity;
let quiet = 0;
const APART_MS = 8_000;

/** Whether it may sound now: the rule apart from the loudspeaker. */
export const mayChime = (now: number, last: number, inVisit: boolean): boolean => !inVisit && now - last >= APART_MS;

/** Keep quiet until the returned function is called. */
export function hush(): () => void {
  quiet++;
  let held = true;
  return () => {
    if (held) quiet--;
    held = false;
  };
}

export function chime(emergency = false, now: number = performance.now()): void {
  if (!mayChime(now, lastAt, quiet > 0 && !emergency)) return;
  const Context = window.AudioContext as typeof AudioContext | undefined;
  if (!Context) return;
  lastAt = now;
  context ??= new Context();
  void context.resume();
  [660, 880].forEach((hertz, turn) => note(context as AudioContext, hertz, turn * 0.22));
}

function note(on: AudioContext, hertz: number, after: number): void {
  const tone = on.createOscillator();
  const gain = on.createGain();
  const from = on.currentTime + after;
  tone.frequency.value = hertz;
  gain.gain.setValueAtTime(0, from);
  gain.gain.linearRampToValueAtTime(0.18, from + 0.03);
  gain.gain.exponentialRampToValueAtTime(0.001, from + 0.4);
  tone.connect(gain).connect(on.destination);
  tone.start(from);
  tone.stop(from + 0.45);
}
