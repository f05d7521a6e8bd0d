/**
 * Firmware that is laid out when it is built, as Wizer does it: the module's `init` runs here, and what it left in
 * memory and globals is what the firmware begins with. Globals that nothing writes afterwards become constants, and
 * whatever laid the stack out goes. Keys are drawn on the device.
 */
import binaryen from "binaryen";
import { CONFIG_SIZE, ENTROPY_AT, ENTROPY_SIZE, ERR } from "../../host/module/layout.js";
import { withSegments } from "../segments.mjs";
import { ToolError } from "../translate/error.mjs";

/** What a firmware's module does when it is built. */
interface Exports {
  memory: WebAssembly.Memory;
  configBlock(): number;
  init(block: number): number;
  seed(block: number): number;
  fixed(n: number): bigint;
  serviceStart(service: number, port: number, backlog: number): number;
}

/** What a stack is laid out with. */
export interface Laid {
  /** The configuration's words, without entropy. */
  numbers: number[];
  services: { service: number; port: number; backlog: number }[];
  /** Bytes of memory that the firmware has. */
  memory: number;
}

/** Calls that have done their work when the firmware is built. */
export const LAYING = ["layoutSize", "init", "serviceStart", "fixed"];

/** Zeros between two runs that cost less than another run. */
const GAP = 12;

const drawn = (byte: (i: number) => number): Uint8Array => Uint8Array.from({ length: ENTROPY_SIZE }, (_, i) => byte(i));
/**
 * Entropy that is none: it is in no firmware. The first two differ in every byte; the last two `init` may refuse, and
 * `seed` has to refuse as well.
 */
const ENTROPIES = [
  drawn((i) => (i * i * 37 + i * 11 + 5) & 255), drawn((i) => (i * i * 37 + i * 11 + 5) & 255 ^ 255),
  drawn((i) => (i * i * i * 89 + i * i * 3 + i * 157 + 201) & 255), drawn(() => 0), drawn(() => 255),
];

/** A global's name in the module that is run. */
const GLOBAL = "global ";

/** What is kept of a module that is written anew: the names of its functions. */
interface Kept { names: boolean }

/** The module in `bytes`, its text changed. */
function rewritten(bytes: Uint8Array, { names }: Kept, change: (text: string) => string): Uint8Array {
  binaryen.setDebugInfo(names);
  const read = binaryen.readBinary(bytes), text = read.emitText();
  read.dispose();
  const m = binaryen.parseText(change(text));
  try {
    return m.emitBinary();
  } finally {
    m.dispose();
  }
}

/** The module in `bytes`, with as many pages from the start as `memory` bytes take. */
function grown(bytes: Uint8Array, memory: number, how: Kept): Uint8Array {
  const pages = Math.ceil(memory / 65536);
  return rewritten(bytes, how, (text) =>
    text.replace(/\(memory (\$\S+) (\d+)/, (_, name, had) => `(memory ${name} ${Math.max(pages, Number(had))}`));
}

/** The module in `bytes` with all globals exported. */
function opened(bytes: Uint8Array): { open: Uint8Array; globals: string[] } {
  const m = binaryen.readBinary(bytes), globals: string[] = [];
  try {
    for (let i = 0; i < m.getNumGlobals(); i++) {
      const { name } = binaryen.getGlobalInfo(m.getGlobalByIndex(i));
      globals.push(name);
      m.addGlobalExport(name, GLOBAL + name);
    }
    return { open: m.emitBinary(), globals };
  } finally {
    m.dispose();
  }
}

/** A stack that runs here, in a memory of its own. */
class Run {
  readonly x: Exports;
  readonly #values: Record<string, WebAssembly.Global>;

  constructor(module: WebAssembly.Module) {
    const { exports } = new WebAssembly.Instance(module);
    this.x = exports as unknown as Exports;
    this.#values = exports as unknown as Record<string, WebAssembly.Global>;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.x.memory.buffer);
  }

  value(name: string): number | bigint {
    return this.#values[GLOBAL + name]!.value as number | bigint;
  }

  /** What the firmware's start does. Returns whether the entropy is taken. */
  start(seed: Uint8Array, { numbers, services }: Laid): boolean {
    const block = this.x.configBlock(), view = new DataView(this.x.memory.buffer, block);
    numbers.forEach((n, i) => view.setUint32(i * 4, n, true));
    this.bytes().set(seed, block + ENTROPY_AT);
    const result = this.x.init(block);
    if (result === ERR.ENTROPY) return false;
    if (result !== 0) throw new ToolError("the stack refuses this configuration");
    for (const { service, port, backlog } of services)
      if (this.x.serviceStart(service, port, backlog) < 0) throw new ToolError(`port ${port} cannot be listened on`);
    // A device fills the block anew.
    this.bytes().fill(0, block, block + CONFIG_SIZE);
    return true;
  }

  /** Begins with `image`, and draws keys. Returns whether the entropy is taken. */
  seed(image: Uint8Array, seed: Uint8Array): boolean {
    this.bytes().set(image);
    const block = this.x.configBlock();
    this.bytes().set(seed, block + ENTROPY_AT);
    return this.x.seed(block) === 0;
  }
}

/** Runs of bytes that are not zero. */
function runsOf(bytes: Uint8Array): { at: number; bytes: Uint8Array }[] {
  const out: { at: number; end: number }[] = [];
  bytes.forEach((b, i) => {
    if (b === 0) return;
    const last = out.at(-1);
    if (last !== undefined && i - last.end <= GAP) last.end = i + 1;
    else out.push({ at: i, end: i + 1 });
  });
  return out.map(({ at, end }) => ({ at, bytes: bytes.slice(at, end) }));
}

/** Memory that nothing writes once the stack is laid out, from `at` to `end`. */
interface Fixed { at: number; end: number }

/** What a stack begins with. */
export interface Image {
  module: Uint8Array;
  memory: Uint8Array;
  fixed: Fixed[];
}

/** What the module says of itself. */
function fixedOf(x: Exports): Fixed[] {
  const out: Fixed[] = [];
  for (let n = 0, piece; (piece = BigInt.asUintN(64, x.fixed(n))) !== 0n; n++) {
    const at = Number(piece >> 32n);
    out.push({ at, end: at + Number(piece & 0xffffffffn) });
  }
  return out;
}

/** A load from a constant address, as Binaryen prints it. */
const LOAD =
  /\(i(32|64)\.load(8|16|32)?(?:_([su]))?(?: offset=(\d+))?(?: align=\d+)?\s+\(i32\.const (\d+)\)\s*\)/g;
/** A store to one. */
const STORE = /\([if](32|64)\.store(8|16|32)?(?: offset=(\d+))?(?: align=\d+)?\s+\(i32\.const (-?\d+)\)\s/g;
/** Many of them, from one on. */
const BULK = /\(memory\.(?:fill|copy|init)\b[^()]*\(i32\.const (-?\d+)\)\s/g;

/** The last operand of the expression that begins at `from` in `text`, if it is a number. */
function lastNumber(text: string, from: number): number | undefined {
  let depth = 0, at = from;
  do {
    if (text[at] === "(") depth++;
    else if (text[at] === ")") depth--;
    at++;
  } while (depth > 0 && at < text.length);
  const last = /\(i32\.const (-?\d+)\)\s*\)$/.exec(text.slice(from, at));
  return last === null ? undefined : Number(last[1]) >>> 0;
}

/**
 * Throws a ToolError: the module whose text that is stores into fixed memory at an address that is a constant. Those
 * that are computed the differential test sees (tests/host/laid.test.ts).
 */
function checkStores(text: string, fixed: Fixed[]): void {
  const check = (what: string, at: number, size: number): void => {
    if (fixed.some((f) => at < f.end && at + size > f.at))
      throw new ToolError(`it writes what is fixed: ${what.replace(/\s+/g, " ").trim()}`);
  };
  for (const [what, bits, part, offset, at] of text.matchAll(STORE))
    check(what, Number(offset ?? 0) + (Number(at) >>> 0), Number(part ?? bits) / 8);
  // As many bytes as nobody knows reach everything behind.
  for (const m of text.matchAll(BULK)) check(m[0], Number(m[1]) >>> 0, lastNumber(text, m.index) ?? Infinity);
}

/**
 * The module in `bytes`, in which what it loads of fixed memory is a constant. Throws a ToolError: it stores there, or
 * whoever calls it may.
 */
export function foldFixed(bytes: Uint8Array, { memory, fixed }: Image, how: Kept): Uint8Array {
  const view = new DataView(memory.buffer, memory.byteOffset);
  const isFixed = (at: number, size: number): boolean => fixed.some((f) => at >= f.at && at + size <= f.end);
  // `tune` writes numbers of the configuration, whose old values would stay where they were folded.
  if (WebAssembly.Module.exports(new WebAssembly.Module(Uint8Array.from(bytes))).some((e) => e.name === "tune"))
    throw new ToolError("it calls tune, which changes what is fixed when firmware is built; build with --layout boot");
  return rewritten(bytes, how, (text) => {
    checkStores(text, fixed);
    return text.replace(LOAD, (all, bits, part, sign, offset, at) => {
      const from = Number(offset ?? 0) + Number(at), size = Number(part ?? bits) / 8;
      if (!isFixed(from, size)) return all;
      let n = 0n;
      for (let i = size - 1; i >= 0; i--) n = n << 8n | BigInt(view.getUint8(from + i));
      if (sign === "s") n = BigInt.asIntN(size * 8, n);
      return `(i${bits}.const ${BigInt.asIntN(Number(bits), n)})`;
    });
  });
}

/** The module, laid out. What it exports stays. Throws a ToolError: entropy decides more than keys. */
export function imageOf(module: Uint8Array, laid: Laid, { names }: Kept): Image {
  const bytes = grown(module, laid.memory, { names }), { open, globals } = opened(bytes);
  const compiled = new WebAssembly.Module(Uint8Array.from(open));
  const runs = ENTROPIES.map((entropy) => {
    const run = new Run(compiled);
    return { run, entropy, isTaken: run.start(entropy, laid) };
  });
  if (!runs[0]!.isTaken) throw new ToolError("the stack refuses its entropy");
  const taken = runs.filter((r) => r.isTaken), one = runs[0]!.run, all = taken.map(({ run }) => run.bytes());
  // What differs are keys. They are drawn on the device, so the image has none.
  const image = one.bytes().map((b, i) => (all.every((bytes) => bytes[i] === b) ? b : 0));
  if (image.subarray(laid.memory).some((b) => b !== 0)) throw new ToolError("the image goes beyond the memory");
  if (globals.some((g) => taken.some(({ run }) => run.value(g) !== one.value(g))))
    throw new ToolError("a global depends on entropy");
  for (const { run, entropy, isTaken } of runs) {
    const again = new Run(compiled);
    if (!again.start(ENTROPIES[0]!, laid) || again.seed(image, entropy) !== isTaken)
      throw new ToolError("init and seed take different entropy");
    if (!isTaken) continue;
    if (Buffer.compare(again.bytes(), run.bytes()) !== 0) throw new ToolError("entropy decides more than keys");
    if (globals.some((g) => again.value(g) !== run.value(g))) throw new ToolError("seed changes a global");
  }
  const fixed = fixedOf(one.x), m = binaryen.readBinary(bytes);
  binaryen.setDebugInfo(names);
  try {
    for (const name of globals) {
      const { type, mutable } = binaryen.getGlobalInfo(m.getGlobal(name)), n = one.value(name);
      m.removeGlobal(name);
      m.addGlobal(name, type, mutable, typeof n === "bigint" ? m.i64.const(n) : m.i32.const(n));
    }
    return { module: withSegments(m.emitBinary(), () => runsOf(image)), memory: image, fixed };
  } finally {
    m.dispose();
  }
}
