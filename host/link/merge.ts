/** Makes one module of an application and the stack, over the application's memory. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { importMemory, ownMemory } from "./memory.js";
import { formatSignature, ModuleError, readSections } from "./sections.js";
import { linkedStack } from "./stack.js";

/** What a host of the merged module calls, beside the application's own exports. */
const HOST_CALLS = ["configBlock", "layoutSize", "poll", "controlBlock", "counters"];
/** The stack's data lie below; compilers put nothing there, unless they are told to put their stack first. */
const STACK_DATA_END = 1024;
const FEATURES = [
  "--enable-bulk-memory", "--enable-bulk-memory-opt", "--enable-sign-ext", "--enable-mutable-globals",
  "--enable-nontrapping-float-to-int", "--enable-simd", "--enable-reference-types", "--enable-multivalue",
];

function binaryen(tool: string): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("binaryen/package.json")), "bin", tool);
  } catch {
    throw new RangeError("linking needs the package binaryen, which is large: npm install binaryen@132");
  }
}

/**
 * What is wrong with the application, a line each; none: it can be linked. `elsewhere`: whether
 * another build of the stack has a call. `isOne`: application and stack are to be one module.
 */
export function problems(
  app: Uint8Array, stack: Uint8Array, elsewhere: (name: string) => boolean = () => false, isOne = true,
): string[] {
  const a = readSections(app);
  const exports = new Map(readSections(stack).exports.map((e) => [e.name, e]));
  const out: string[] = [];
  const wanted = a.imports.filter((i) => i.module === "stint");
  if (wanted.length === 0) out.push('it imports nothing from "stint"; see include/stint.h');
  for (const i of wanted) {
    const have = exports.get(i.name);
    const nowhere = (): string => elsewhere(i.name) ? "only --fast has" : "does not exist";
    if (!have) out.push(`it wants stint's "${i.name}", which ${nowhere()}`);
    else if (i.kind !== have.kind || formatSignature(i.signature) !== formatSignature(have.signature)) {
      out.push(
        `it wants stint's "${i.name}" as ${formatSignature(i.signature)}; it is ${formatSignature(have.signature)}`,
      );
    }
  }
  if (a.memoryPages === null) out.push("it has no memory of its own, in which the stack could live");
  else if (a.memoryPages === 0) out.push("its memory has no page, and the stack's data need one");
  else if (a.isOddMemory) out.push("its memory is shared, or has addresses of 64 bits; the stack's is not like that");
  else if (!a.exports.some((e) => e.name === "memory" && e.kind === "memory"))
    out.push('it does not export its memory as "memory"');
  for (const { name, from } of a.exports) {
    if (isOne && HOST_CALLS.includes(name) && !(from?.module === "stint" && from.name === name))
      out.push(`it exports "${name}", by which its host calls the stack; give it another name`);
  }
  if (a.data.some((at) => at >= 0 && at < STACK_DATA_END))
    out.push(
      `its data begin below ${STACK_DATA_END}, where the stack's are; `
        + `compile it with -Wl,--global-base=${STACK_DATA_END}`,
    );
  const first = Math.min(...a.data.filter((at) => at >= 0), Infinity);
  if (a.stackPointer !== null && a.stackPointer > 0 && a.stackPointer <= first && first !== Infinity)
    out.push("its stack comes first in memory, where the stack's data are; compile it without -Wl,--stack-first");
  return out;
}

export interface Merged { bytes: number; app: number; stack: number; imports: string[] }

/** Reads and checks the application; throws a RangeError with what is wrong. */
function checked(app: string, stack: Uint8Array, { isOne }: { isOne: boolean }): Uint8Array {
  try {
    const bytes = readFileSync(app);
    const fullest = (): string[] =>
      readSections(linkedStack("whole")).exports.filter((e) => e.kind === "function").map((e) => e.name);
    const wrong = problems(bytes, stack, (name) => fullest().includes(name), isOne);
    if (wrong.length > 0) throw new RangeError(wrong.map((w) => `${app}: ${w}`).join("\n"));
    return bytes;
  } catch (e) {
    if (e instanceof ModuleError) throw new RangeError(`${app}: ${e.message}`);
    throw e;
  }
}

/**
 * Prepares `app` for `wasmtime run --preload stint=DIR/stint.wasm DIR/app.wasm`: the memory is the stack's module's, as
 * large as the application wants it. Throws a RangeError with what is wrong.
 */
export function linkDynamic(app: string, dir: string, { fast = false }: { fast?: boolean | undefined } = {}): string[] {
  const stack = linkedStack(fast ? "whole" : "small"), bytes = checked(app, stack, { isOne: false });
  mkdirSync(dir, { recursive: true });
  const files = [join(dir, "stint.wasm"), join(dir, "app.wasm")];
  writeFileSync(files[0]!, ownMemory(stack, readSections(bytes).memoryPages!));
  writeFileSync(files[1]!, importMemory(bytes, "stint"));
  return files;
}

interface MergeOptions {
  /** Whether wasm-opt makes the result smaller. By default it does. */
  optimize?: boolean | undefined;
  /** With everything that the stack has, for speed. */
  fast?: boolean | undefined;
}

/** Links `app` into `out`. Throws a RangeError with what is wrong. */
export function mergeModules(app: string, out: string, { optimize = true, fast = false }: MergeOptions = {}): Merged {
  binaryen("wasm-merge");
  const dir = mkdtempSync(join(tmpdir(), "stint-link-"));
  const stack = join(dir, "stack.wasm"), merged = join(dir, "merged.wasm"), cut = join(dir, "cut.wasm");
  const graph = join(dir, "graph.json");
  const run = (tool: string, ...args: string[]): void => {
    try {
      execFileSync(process.execPath, [binaryen(tool), ...args], {
        stdio: ["ignore", "pipe", "pipe"], encoding: "utf8",
      });
    } catch (e) {
      const { stderr, message } = e as { stderr?: string; message: string };
      throw new RangeError(`${tool}: ${(stderr || message).trim().split("\n")[0]}`);
    }
  };
  try {
    const stackBytes = linkedStack(fast ? "whole" : "small"), bytes = checked(app, stackBytes, { isOne: true });
    writeFileSync(stack, stackBytes);
    // The stack imports env.memory: the application is "env" to it.
    run("wasm-merge", ...FEATURES, "--rename-export-conflicts", app, "env", stack, "stint", "-o", merged);
    const own = readSections(bytes).exports.map((e) => e.name), keep = [...own, ...HOST_CALLS];
    writeFileSync(
      graph,
      JSON.stringify([{ name: "outside", root: true, reaches: keep }, ...keep.map((name) => ({ name, export: name }))]),
    );
    run("wasm-metadce", ...FEATURES, merged, "--graph-file", graph, "-o", cut);
    if (optimize)
      run(
        "wasm-opt", ...FEATURES, ...(fast ? ["-O3"] : ["-Oz", "--converge"]), "--strip-producers", "--strip-debug",
        "--strip-target-features", cut, "-o", out,
      );
    else copyFileSync(cut, out);
    const done = readFileSync(out);
    return {
      bytes: done.length,
      app: bytes.length,
      stack: stackBytes.length,
      imports: readSections(done).imports.map((i) => `${i.module}.${i.name}`),
    };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
