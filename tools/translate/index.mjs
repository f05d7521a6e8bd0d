// A module as C for boards and native programs. One instance, whose globals and memory are static: an access costs one
// compare against a number that the compiler knows (boards/runtimes/aot/wasm.h).
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { translated } from "./module.mjs";

/** A module has functions, variables and labels that a program does not need. Nothing else is silenced. */
export const QUIET = ["function", "variable", "but-set-variable", "label", "parameter", "but-set-parameter"]
  .map((what) => `#pragma GCC diagnostic ignored "-Wunused-${what}"\n`).join("");

/**
 * Writes the module at `wasm` as one C file to `out`, to be included behind what wasm.h asks for. Exports are functions
 * PREFIX + name. Throws a ToolError: what of the module has no translation.
 */
export function wasmToC(wasm, out, prefix = "stint_") {
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `/* Made by tools/translate from a WebAssembly module. */
#include "wasm.h"

#pragma GCC diagnostic push
${QUIET}
${translated(readFileSync(wasm), prefix)}

#pragma GCC diagnostic pop
`);
}

if (process.argv[1]?.endsWith("translate/index.mjs")) wasmToC(process.argv[2], process.argv[3]);
