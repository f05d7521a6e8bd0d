/** wasm3 under the firmware: its sources in the cache, compiled for a board, with the module as bytes. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { ToolError } from "../translate/error.mjs";
import type { Added, Target } from "./target.js";

const HOME = resolve("boards/runtimes/wasm3");
const FILES = ["bind", "code", "compile", "emit", "env", "exec", "function", "info", "module", "parse"];
/** What wasm3 makes of a module lies in RAM. It took 5.5 to 5.6 bytes for each of the module's. */
const heapFor = (moduleBytes: number): number => 6 * moduleBytes + 16_384;
/** A call of the module is one of C, and so is each of its blocks. */
const STACK = 16_384;
/** The operations of wasm3 end in calls of each other: without tail calls its C stack grows with each of them. */
const NOT_FOR_WASM3 = new Set(["-fno-optimize-sibling-calls"]);

/** Where tools/wasm3.sh puts wasm3, for tools/setup.sh as well. */
export function wasm3Sources(): string {
  const cache = process.env["STINT_CACHE"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "stint");
  return join(cache, "wasm3-0.5.0");
}

/** The sources; fetches them if they are not there. */
function sources(): string {
  const at = wasm3Sources();
  if (existsSync(at)) return at;
  try {
    execFileSync("bash", ["tools/wasm3.sh", at], { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  } catch (e) {
    throw new ToolError(`wasm3 cannot be fetched from PyPI:\n${(e as { stderr?: string }).stderr ?? String(e)}`.trim());
  }
  return at;
}

/** Compiles wasm3 for the target, and writes the module as bytes. Throws a ToolError: the module is not valid. */
export function wasm3(wasm: string, dir: string, { compiler, flags, memory }: Target): Added {
  const bytes = readFileSync(wasm);
  // wasm3 checks little of what it reads.
  if (!WebAssembly.validate(bytes)) throw new ToolError(`wasm3: ${wasm} is not a valid module`);
  if (flags.some((f) => f.startsWith("-mcpu=cortex-m0")))
    throw new ToolError("wasm3 needs tail calls, and compilers make none for a Cortex-M0");
  writeFileSync(join(dir, "wasm3_module.h"),
    `/* Made by tools/board/wasm3.ts. */\nstatic const uint8_t wasm3_bytes[] = {${[...bytes].join(", ")}};\n`);
  const ram = heapFor(bytes.length), at = sources();
  const own = [`-DWASM3_HEAP=${memory + ram}`, "-include", join(HOME, "wasm3_firmware.h")];
  const object = join(dir, "wasm3.o"), all = join(dir, "wasm3.c");
  writeFileSync(all, ['#include "heap.c"', ...FILES.map((f) => `#include "m3_${f}.c"`), ""].join("\n"));
  try {
    execFileSync(compiler, [
      "-std=gnu11", "-Os", "-w", "-ffunction-sections", "-fdata-sections", "-fno-strict-aliasing",
      ...flags.filter((f) => !NOT_FOR_WASM3.has(f)), "-foptimize-sibling-calls", ...own, `-I${at}`, `-I${HOME}`, "-c",
      all, "-o", object,
    ], { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  } catch (e) {
    const { code, stderr } = e as { code?: string; stderr?: string };
    throw new ToolError(code === "ENOENT" ? `${compiler} is missing` : `wasm3: ${stderr!.trim()}`);
  }
  return { sources: [object], include: [at, HOME], defines: [], flags: own, stack: STACK, ram, ownMemory: true };
}
