// JSON lines from a measurement, as a table: one block a case, one line a figure. Nothing is rounded or left out here.
import { createInterface } from "node:readline";

const text = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value));

for await (const line of createInterface({ input: process.stdin })) {
  let figure;
  try {
    figure = JSON.parse(line);
  } catch {
    console.log(line);
    continue;
  }
  const { bench, case: name, ...rest } = figure;
  const width = Math.max(...Object.keys(rest).map((key) => key.length));
  console.log(`\n${[bench, name].filter(Boolean).join(": ")}`);
  for (const [key, value] of Object.entries(rest)) console.log(`    ${key.padEnd(width)}  ${text(value)}`);
}
