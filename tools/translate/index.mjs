// A module as C for boards and native programs. One instance, whose globals and memory are static: an access costs one
// compare against a number that the compiler knows (boards/runtimes/aot/wasm.h).
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { translated } from "./module.mjs";

/** A condition of the module may be a constant that its compiler did not see, or choose between two numbers. */
export const QUIET = `#pragma GCC diagnostic ignored "-Wint-in-bool-context"
#ifdef __clang__
#pragma clang diagnostic ignored "-Wtautological-bitwise-compare"
#endif
`;

/**
 * Writes the module at `wasm` as one C file to `out`, to be included behind what wasm.h asks for. Exports are functions
 * PREFIX + name. Throws a ToolError: what of the module has no translation.
 */
export function wasmToC(wasm, out, prefix = "stint_") {
  mkdirSync(dirname(out), { recursive: true });
  const head = `/* Made by tools/translate from a WebAssembly module. */\n#include "wasm.h"\n\n${QUIET}`;
  writeFileSync(out, `${head}\n${translated(readFileSync(wasm), prefix)}\n`);
}

if (process.argv[1]?.endsWith("translate/index.mjs")) wasmToC(process.argv[2], process.argv[3]);
