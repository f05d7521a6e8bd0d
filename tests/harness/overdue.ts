/** Test files that hang: which of their tests did, and the end of all that they started. */
import { readdirSync, readFileSync } from "node:fs";
import { ran } from "./programs.js";

/** Who started whom, of all processes. Empty where there is no /proc. */
function parents(): Map<number, number> {
  const of = new Map<number, number>();
  try {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        of.set(Number(pid), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
      } catch { /* it has ended */ }
    }
  } catch { /* another system */ }
  return of;
}

/** All that `pid` started, and what these did. */
function descendants(pid: number, of = parents()): number[] {
  return [...of].filter(([, parent]) => parent === pid).flatMap(([child]) => [child, ...descendants(child, of)]);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch { /* it has ended */ }
}

/** Processes of ours that run the file. */
function runners(file: string): number[] {
  return [...parents()].filter(([, parent]) => parent === process.pid).map(([pid]) => pid).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").some((arg) => arg.endsWith(file));
    } catch {
      return false;
    }
  });
}

/** Kills what runs a test file, all that it started, and what runs in the namespaces of its labs. */
export function killFile(file: string): void {
  for (const pid of runners(file)) {
    // It is not to start more in the meantime.
    signal(pid, "SIGSTOP");
    for (const child of descendants(pid)) signal(child, "SIGKILL");
    signal(pid, "SIGKILL");
    const labs = ran("ip", ["netns", "list"]).stdout.split("\n").map((line) => line.split(" ")[0]!);
    for (const lab of labs.filter((name) => name.startsWith(`stint-${pid}-`))) {
      const inside = ran("ip", ["netns", "pids", lab]).stdout.split("\n").filter(Boolean);
      for (const one of inside) signal(Number(one), "SIGKILL");
      ran("ip", ["netns", "del", lab]);
    }
  }
}

/** Which tests have begun and not ended, of one file. */
export class Open {
  #tests: { name: string; nesting: number }[] = [];

  began(name: string, nesting: number): void {
    this.#tests.push({ name, nesting });
  }

  ended(name: string, nesting: number): void {
    const i = this.#tests.findIndex((t) => t.name === name && t.nesting === nesting);
    if (i >= 0) this.#tests.splice(i, 1);
  }

  /** Without the groups that the tests are in. */
  names(): string[] {
    const all = this.#tests;
    const isGroup = (i: number): boolean => all.slice(i + 1).some((t) => t.nesting > all[i]!.nesting);
    return all.filter((_, i) => !isGroup(i)).map((t) => t.name);
  }
}
