/** What executes the module on a board: a folder of boards/runtimes (boards/runtime/module.h). */
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { ToolError } from "../translate/error.mjs";
import { wasmToC } from "../translate/index.mjs";
import type { Added, Target } from "./target.js";
import { wasm3 } from "./wasm3.js";

/** Makes in `dir` what a runtime needs of the module at `wasm`. */
type Prepare = (wasm: string, dir: string, target: Target) => Added;

const home = (name: string): string => join(resolve("boards"), "runtimes", name);

/** A board with less RAM has the tables of a module in flash, and what makes them on the machine that builds. */
const RAM_FOR_TABLES = 128 * 1024;

/** The interpreter. Its validator, compiled for this machine, makes the module's tables, or says why it is refused. */
function inplace(wasm: string, dir: string, { ram }: Target): Added {
  const at = home("inplace"), tables = join(dir, "inplace-tables");
  const validator = ["module.c", "validate.c"].map((f) => join(at, f));
  try {
    execFileSync("gcc", ["-std=c11", "-O1", `-I${at}`, `-I${join(at, "on-host")}`, ...validator,
      join(at, "on-host", "tables.c"), "-o", tables], { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
    execFileSync(tables, [wasm, join(dir, "inplace_numbers.h"), join(dir, "inplace_tables.h")],
      { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  } catch (e) {
    const { code, stderr } = e as { code?: string; stderr?: string };
    if (code === "ENOENT") throw new ToolError("gcc is missing; apt-get install gcc libc6-dev");
    throw new ToolError(`inplace: ${stderr!.trim()}`);
  }
  const onBoard = ram >= RAM_FOR_TABLES, parts = ["instance.c", "execute.c"].map((f) => join(at, f));
  return {
    sources: onBoard ? [...parts, ...validator] : parts, include: [at, join(at, "on-board")],
    defines: onBoard ? ["INPLACE_ON_BOARD"] : [],
  };
}

const RUNTIMES: Record<string, Prepare> = {
  aot: (wasm, dir) => {
    wasmToC(wasm, join(dir, "module.c"));
    return { sources: [], include: [home("aot")], defines: [] };
  },
  inplace,
  wasm3,
};

export const DEFAULT_RUNTIME = "aot";

export function runtimeNames(): string[] {
  return Object.keys(RUNTIMES);
}

/** Prepares the runtime `name`. Throws a ToolError: there is none, or the module does not suit it. */
export function prepareRuntime(name: string, wasm: string, dir: string, target: Target): Added {
  const prepare = RUNTIMES[name];
  if (prepare === undefined) {
    throw new ToolError(`there is no runtime "${name}"; there are ${runtimeNames().join(", ")}`);
  }
  return prepare(wasm, dir, target);
}
