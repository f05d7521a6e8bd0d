// Names of C for what a module has: assembly/tcp/input/synSent becomes tcp_input_synSent.
import { ToolError } from "./error.mjs";

/** What wasm.h defines without a prefix of its own. */
const TAKEN = [
  "memory_copy", "memory_fill", "memory_grow", "memory_pages", "load_data", "check_range", "trap_bounds", "wasm_trap",
  "wasm_memory", "module_fill", "table_at",
];

/** A path may make what C, a header of C or wasm.h has, or a program around the module. */
const ODD = /^\d|^[^_]*$|^(i32|i64|data_segment|module|stint)_|_t$|^[A-Z\d_]+$/;

/** A name of C out of any text. */
export const plain = (text) => text.replace(/[^A-Za-z0-9_]+/g, "_").replace(/^_+|_+$/g, "");

/** Gives names, each once. */
export class Names {
  #taken = new Set(TAKEN);
  #imports = new Map();

  /** The name itself, or with the first number that is free. */
  unique(name) {
    let out = name;
    for (let n = 2; this.#taken.has(out); n++) out = `${name}_${n}`;
    this.#taken.add(out);
    return out;
  }

  /** A function: by its path, where it has one. Others could be called as functions of the C library are. */
  func(name) {
    const path = /^(?:assembly\/|~)?(.+\/.+)$/.exec(name);
    return this.unique(path && !ODD.test(plain(path[1])) ? plain(path[1]) : `fn_${plain(name)}`);
  }

  /** What the program around the module has. Throws a ToolError: another import has the same name in C. */
  imported(module, base) {
    const name = `${plain(module)}_${plain(base)}`, key = JSON.stringify([module, base]);
    if ((this.#imports.get(name) ?? key) !== key)
      throw new ToolError(`${module}.${base} is ${name} in C, as another import is`);
    this.#imports.set(name, key);
    this.#taken.add(name);
    return name;
  }

  global(name) {
    return this.unique(`g_${plain(name.replace(/^assembly\//, ""))}`);
  }
}
