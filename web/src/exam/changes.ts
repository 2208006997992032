/** What changed between two versions of a text, clause by clause: short enough to compute while typing, long enough to be read. */
export interface Piece { text: string; kind: "same" | "gone" | "new" }

const MAX_CLAUSES = 1_500;

/** Clauses end at a stop, a comma, a semicolon or a line, in Chinese and in English; what ends them stays with them. */
export const clausesOf = (text: string): string[] => text.match(/[^\u3002\uff1b\uff0c\uff01\uff1f\n.;,!?]*(?:[\u3002\uff1b\uff0c\uff01\uff1f\n.;,!?]|$)/g)?.filter((one) => one !== "") ?? [];

/** Length of the longest common beginning of the rests of a and b, for every pair of starts. */
function commonLengths(a: readonly string[], b: readonly string[]): Uint16Array[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      table[i]![j] = a[i] === b[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!);
  return table;
}

export function changes(before: string, after: string): Piece[] {
  const [a, b] = [clausesOf(before), clausesOf(after)];
  if (a.length > MAX_CLAUSES || b.length > MAX_CLAUSES) {
    return before === after ? [{ text: after, kind: "same" }] : [{ text: before, kind: "gone" }, { text: after, kind: "new" }];
  }
  const table = commonLengths(a, b);
  const out: Piece[] = [];
  const put = (kind: Piece["kind"], text: string): void => {
    const last = out.at(-1);
    if (last?.kind === kind) last.text += text;
    else out.push({ kind, text });
  };
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) { put("same", a[i]!); i++; j++; }
    else if (table[i + 1]![j]! >= table[i]![j + 1]!) put("gone", a[i++]!);
    else put("new", b[j++]!);
  }
  while (i < a.length) put("gone", a[i++]!);
  while (j < b.length) put("new", b[j++]!);
  return out;
}
