/** Where a firmware's flash goes. */
import { readdirSync } from "node:fs";
import { run, type Board } from "./firmware.js";

/** Flash by source file, largest first. Code that the compiler inlined counts where it went. */
export function flashByFile(board: Board, elf: string): [string, number][] {
  // A function of assembly/tcp/close/time-wait.ts is tcp_close_time_wait_NAME in C. The longest match is the file's.
  const sources = readdirSync("assembly", { recursive: true, encoding: "utf8" })
    .filter((f) => f.endsWith(".ts"))
    .map((f) => ({ path: `assembly/${f}`, mangled: `${f.slice(0, -3).replace(/[/-]/g, "_")}_` }))
    .sort((a, b) => b.mangled.length - a.mangled.length);
  const bytes = new Map<string, number>();
  let known = 0;
  for (const line of run(board.compiler.replace(/gcc$/, "nm"), ["-S", elf]).split("\n")) {
    const [, size, type, name] = /^[0-9a-f]+ ([0-9a-f]+) ([tTrR]) (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const source = sources.find((s) => name.startsWith(s.mangled))?.path;
    const file = source !== undefined
      ? source
      : /^(stint_|data_segment)/.test(name)
        ? "the module's exports and data"
        : type!.toLowerCase() === "t"
          ? "C: driver, runtime, libc"
          : "C: constants, pages";
    bytes.set(file, (bytes.get(file) ?? 0) + parseInt(size!, 16));
    known += parseInt(size!, 16);
  }
  const list = [...bytes].sort((a, b) => b[1] - a[1]);
  return [...list, ["all of these", known]];
}
