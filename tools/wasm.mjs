// From AssemblyScript to a module: asc, then Binaryen's newest optimizer.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { joinSegments } from "./segments.mjs";

const FEATURES = [
  "--enable-bulk-memory", "--enable-bulk-memory-opt", "--enable-sign-ext", "--enable-mutable-globals",
  "--enable-nontrapping-float-to-int",
];
// Inlining what is called once, or is tiny, is what makes the module smallest: these limits were tried out. Functions
// that are called most come first: their numbers take one byte in each call. Constants below 1024 are added to an
// address by the load itself (`--low-memory-unused`), which traps where the sum would wrap: no address of ours is that
// high. `--monomorphize`: calls with constants get functions of their own where that is smaller. `--flatten
// --rereloop`: control flow is laid out anew.
export const SMALL = [
  "--monomorphize", "-Oz", "--flatten", "--rereloop", "-Oz", "-Oz", "--converge", "-iit", "-aimfs", "4", "-ocimfs",
  "4000", "--low-memory-unused", "--reorder-functions",
];
export const FAST = ["-O4", "--enable-simd"];
/**
 * Inlining beyond what Binaryen does by itself: engines do none, and a packet passes through some forty functions. 10
 * to 20 % faster, tried out with `npm run bench`.
 */
export const FASTEST = [...FAST, "-aimfs", "150", "-fimfs", "600", "--low-memory-unused"];

/**
 * Compiles one target of asconfig.json to `out`. `entry`: a file or several. `without`: features to leave out beside
 * those that the target does (assembly/features.ts); `names`: keep the names of functions; `plain`: every function
 * stays what it is; `config`: another asconfig.json. Throws an Error with what the compiler said.
 */
export function compile(entry, target, out, optimize, { without = [], names = false, plain = false, config } = {}) {
  run("asc", [
    ...[entry].flat(), ...(config ? ["--config", config] : []), "--target", target,
    ...without.flatMap((feature) => ["--use", `${feature}=NaN`]),
    "--outFile", out, ...(names ? ["--debug"] : []), ...(plain ? ["--optimizeLevel", "0", "--shrinkLevel", "0"] : []),
  ]);
  return optimized(out, out, optimize, names);
}

/** Optimizes a module into `out`. */
export function optimized(module, out, optimize, names = false) {
  run("wasm-opt", [...optimize, ...(names ? ["-g"] : []), ...FEATURES, module, "-o", out]);
  writeFileSync(out, joinSegments(readFileSync(out)));
  return out;
}

/**
 * A module for runtimes that know WebAssembly as it was first (2017): neither bulk memory nor sign extension. A few
 * functions in it do what was one instruction.
 */
export function lowered(module, out) {
  run("wasm-opt", [...FEATURES, "--signext-lowering", "--llvm-memory-copy-fill-lowering", module, "-o", out]);
  run("wasm-opt", ["-mvp", "-Oz", "--low-memory-unused", out, "-o", out]);
  return out;
}

function run(program, args) {
  try {
    execFileSync(`node_modules/.bin/${program}`, args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  } catch (e) {
    throw new Error(`${program} ${args.join(" ")}\n${e.stdout ?? ""}${e.stderr ?? e.message}`);
  }
}
