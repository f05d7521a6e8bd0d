// A module as C for boards and native programs: wasm2c's output with a runtime of ours (boards/runtimes/aot/wasm.h) in
// place of its prologue.
//
// Debian's wasm2c checks bounds with 64-bit sums and carries an instance through every call. Here there is one
// instance, so its globals and its memory are static, and an access costs one compare against a number that the
// compiler knows.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const VERSION = "1.0.32";
/**
 * SHA-256 of what lies between the first line and the first one of the module's own: another text may mean another
 * thing.
 */
const PROLOGUE = "0ad5e17c94c4f7a0fd4492b0d7fdb021a84497df9c46cbbadf8f18b80e90781c";
const FIRST_LINE = "static bool s_module_initialized = false;";

export class ToolError extends Error {}

function replaced(text, pattern, by, what) {
  const out = text.replace(pattern, by);
  if (out === text) throw new ToolError(`wasm2c's output has changed: no ${what}`);
  return out;
}

/**
 * Writes the module at `wasm` as one C file to `out`, to be included behind what wasm.h asks for. Exports are functions
 * PREFIX + name.
 */
export function wasmToC(wasm, out, prefix = "stint_") {
  let version;
  try {
    version = execFileSync("wasm2c", ["--version"], { encoding: "utf8" }).trim();
  } catch {
    throw new ToolError("wasm2c is missing; apt-get install wabt");
  }
  if (version !== VERSION) throw new ToolError(`this needs wasm2c ${VERSION} (Debian's wabt), there is ${version}`);
  mkdirSync(dirname(out), { recursive: true });
  const dir = mkdtempSync(join(tmpdir(), "stint-wasm2c-"));
  execFileSync("wasm2c", [wasm, "-n", "stint", "-o", join(dir, "stint.c")]);
  let text = readFileSync(join(dir, "stint.c"), "utf8");
  rmSync(dir, { recursive: true });
  const at = text.indexOf(FIRST_LINE), from = text.indexOf("#define TRAP");
  const hash = createHash("sha256").update(text.slice(from, at)).digest("hex");
  if (at < 0 || hash !== PROLOGUE)
    throw new ToolError(`wasm2c's prologue has changed (${hash}); compare it with boards/runtimes/aot/wasm.h`);
  text = text.slice(at + FIRST_LINE.length);

  // One memory: loads and stores take the address and the constant offset apart; the rest of the memory's calls lose
  // their first argument.
  text = replaced(
    text, /\b([if]\d\d_\w+)\(&instance->w2c_memory, \(u64\)\((\w+)\)(?: \+ (\d+u))?/g,
    (_, op, base, offset) => `${op}(${base}, ${offset ?? "0u"}`, "load",
  );
  text = replaced(text, /memory_copy\(&instance->w2c_memory, &instance->w2c_memory, /g, "memory_copy(", "memory.copy");
  text = replaced(text, /memory_fill\(&instance->w2c_memory, /g, "memory_fill(", "memory.fill");
  text = replaced(text, /instance->w2c_memory\.pages/g, "MEMORY_PAGES", "memory.size");
  // What the native build imports (assembly/core/checksum.ts) are functions of host/native/stint.c.
  text = text
    .replace(/\(\*Z_nativeZ_(\w+)\)\(instance->Z_native_instance, /g, "native_$1(")
    .replace(/static void init_instance_import\([\s\S]*?\n}\n/, "");
  // A module that was linked does not grow.
  text = text.replace(/wasm_rt_grow_memory\(&instance->w2c_memory, (\w+)\)/g, "memory_grow($1)");
  text = replaced(text, /LOAD_DATA\(instance->w2c_memory, (\d+u), (\w+), (\d+)\);/g, "load_data($1, $2, $3);", "data");
  text = replaced(text, /^ *wasm_rt_allocate_memory\(.*\n/m, "", "memory");
  // One instance: globals become variables of the file.
  const globals = [...new Set(text.match(/instance->w2c_\w+/g) ?? [])]
    .map((g) => g.slice(10))
    .filter((g) => g !== "w2c_memory");
  const wide = new Set([...text.matchAll(/instance->(w2c_\w+) = \d+ull;/g)].map((m) => m[1]));
  text = text.replace(/instance->/g, "");
  text = text
    .replace(/\(Z_stint_instance_t ?\*(?: ?instance)?\)/g, "(void)")
    .replace(/\(Z_stint_instance_t\* ?(?:instance)?, /g, "(");
  text = text.replace(/\(instance\)/g, "()").replace(/\(instance, /g, "(");
  // No table, no instance to free.
  text = replaced(text, /static u32 func_types\[\d+\];\n[\s\S]*?\n}\n/, "", "function types");
  text = replaced(
    text, /\/\* export: 'memory' \*\/[\s\S]*$/,
    "static void module_fill(void) {\n  init_globals();\n  init_memories();\n}\n", "end",
  );
  text = replaced(text, /static void init_data_instances\(void\) \{\n\}\n/, "", "data instances");
  text = replaced(text, /^(\w+) Z_stintZ_(\w+)\(/gm, `static inline $1 ${prefix}$2(`, "exports");
  const left = /instance|Z_stint|wasm_rt|func_types/.exec(text);
  if (left)
    throw new ToolError(
      "wasm2c's output has changed: "
        + `"${text.slice(left.index - 40, left.index + 40).replace(/\s+/g, " ")}" was not expected`,
    );
  const declared = globals.map((g) => `static ${wide.has(g) ? "u64" : "u32"} ${g};\n`).join("");
  writeFileSync(out, `/* Made from ${wasm} by tools/wasm2c.mjs. */\n#include "wasm.h"\n\n${declared}${text}`);
}

if (process.argv[1]?.endsWith("wasm2c.mjs")) wasmToC(process.argv[2], process.argv[3]);
