/** What a hand can do with the primary button or one finger. */
export type Tool = "window" | "zoom" | "pan" | "scroll" | "length";
export const TOOLS: readonly Tool[] = ["window", "scroll", "zoom", "pan", "length"];

/** `plate`: measured on the detector, larger than the body part. */
export interface Length { value: number; unit: "mm" | "cm" | "px"; plate: boolean }

/** What a key means. Numbers are steps through the stack, or the place in the list of presets. */
export type KeyAct =
  | { do: "step"; by: number } | { do: "edge"; to: "first" | "last" } | { do: "tool"; tool: Tool } | { do: "preset"; n: number }
  | { do: "zoom"; by: number } | { do: "series"; by: number } | { do: "invert" | "reset" | "help" | "clear" | "follow" };

const KEYS: Record<string, KeyAct> = {
  ArrowUp: { do: "step", by: -1 }, ArrowDown: { do: "step", by: 1 }, ArrowLeft: { do: "step", by: -1 }, ArrowRight: { do: "step", by: 1 },
  PageUp: { do: "step", by: -10 }, PageDown: { do: "step", by: 10 }, Home: { do: "edge", to: "first" }, End: { do: "edge", to: "last" },
  w: { do: "tool", tool: "window" }, s: { do: "tool", tool: "scroll" }, z: { do: "tool", tool: "zoom" }, p: { do: "tool", tool: "pan" },
  l: { do: "tool", tool: "length" }, i: { do: "invert" }, r: { do: "reset" }, "+": { do: "zoom", by: 1.25 }, "=": { do: "zoom", by: 1.25 },
  "-": { do: "zoom", by: 0.8 }, "[": { do: "series", by: -1 }, "]": { do: "series", by: 1 }, "?": { do: "help" }, f: { do: "follow" },
  Delete: { do: "clear" },
};

export interface Key { key: string; ctrlKey: boolean; metaKey: boolean; altKey: boolean }

/** Keys with Ctrl, Alt or Command belong to the browser. */
export function keyAct({ key, ctrlKey, metaKey, altKey }: Key): KeyAct | null {
  if (ctrlKey || metaKey || altKey) return null;
  if (/^[0-9]$/.test(key)) return { do: "preset", n: Number(key) };
  return KEYS[key] ?? KEYS[key.toLowerCase()] ?? null;
}

export const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** Where a step ends: at the edges, never around them, so that the last slice feels like the last. */
export const stepTo = (index: number, by: number, total: number): number => clamp(index + by, 0, Math.max(0, total - 1));

/** The rest of a stack in the order it will be wanted: nearest to here first, forward before backward. */
export function prefetchOrder(total: number, at: number): number[] {
  const order: number[] = [];
  for (let far = 0; order.length < total && far <= total; far++) {
    if (at + far < total) order.push(at + far);
    if (far > 0 && at - far >= 0) order.push(at - far);
  }
  return order;
}

/** A wheel as whole steps. Mice send lines or large pixels, touchpads many small ones: what is left over waits for the next. */
export class Wheel {
  private rest = 0;
  private at = 0;
  steps({ deltaY, deltaMode }: { deltaY: number; deltaMode: number }, now: number): number {
    if (now - this.at > 300) this.rest = 0;
    this.at = now;
    if (deltaMode !== 0 || Math.abs(deltaY) >= 80) return Math.sign(deltaY);
    this.rest += deltaY;
    const steps = Math.trunc(this.rest / 30);
    this.rest -= steps * 30;
    return steps;
  }
}
