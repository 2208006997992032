// CPU time of whole families of processes, from /proc: what runs, what has ended, and what waits to be collected.
import { readFileSync, readdirSync } from "node:fs";

const TICKS_PER_SECOND = 100; /* sysconf(_SC_CLK_TCK) on every Linux we build for */

/* proc(5): after the name in brackets come state, ppid, …; utime is the 14th field, then stime, cutime, cstime. */
function family() {
  const all = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    let line;
    try {
      line = readFileSync(`/proc/${pid}/stat`, "latin1");
    } catch {
      continue; /* ended meanwhile: its parent has it in cutime */
    }
    const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
    all.set(Number(pid), { parent: Number(fields[1]), ticks: fields.slice(11, 15).reduce((sum, text) => sum + Number(text), 0) });
  }
  return all;
}

/** Seconds (user and system) this process, its children and theirs have used so far, the ended ones too. */
export function cpuSeconds(pid) {
  const all = family();
  const sum = (one) => {
    let ticks = all.get(one)?.ticks ?? 0;
    for (const [child, { parent }] of all) if (parent === one) ticks += sum(child);
    return ticks;
  };
  return sum(pid) / TICKS_PER_SECOND;
}

/** What each named process used from now on. @returns a function: {name: seconds} */
export function stopwatch(pids) {
  const now = () => Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
  const before = now();
  return () => Object.fromEntries(Object.entries(now()).map(([name, seconds]) => [name, seconds - before[name]]));
}
