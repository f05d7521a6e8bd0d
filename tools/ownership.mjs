// `npm run ownership [-- --wasm | --fuzz]`: two builds that know whose memory is what (assembly/core/own.ts).
//
// build/stint.owned.wasm has a check before every load and store. It exports what build/stint.simd.wasm does, so that
// STINT_MODULE=stint.owned runs any suite on it. build/ownership/fuzz is a program for libFuzzer, with
// AddressSanitizer.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import binaryen from "binaryen";
import { compile, FAST } from "./wasm.mjs";
import { wasmToC } from "./translate/index.mjs";

/** Expressions without children; the value of a constant is a number. */
const LEAVES = new Set([
  binaryen.NopId, binaryen.UnreachableId, binaryen.ConstId, binaryen.LocalGetId, binaryen.GlobalGetId,
  binaryen.MemorySizeId,
]);
/** Fields of an expression that are expressions. */
const CHILDREN = [
  "children", "condition", "ifTrue", "ifFalse", "body", "value", "left", "right", "ptr", "operands", "dest", "source",
  "vec", "a", "b", "c", "delta",
];
/** The checker's own functions. */
const OWN = "assembly/core/own/";
/** These, and the explorer's, which compares and copies the whole memory, are not checked. */
const isExempt = (name) => name.startsWith(OWN) || name.startsWith("tests/explore/");

// Names stay, so that a trap tells where it was.
binaryen.setDebugInfo(true);

/** Writes the checked form of the module at `from` to `to`. Returns how many accesses are checked. */
function checked(from, to) {
  const m = binaryen.readBinary(readFileSync(from)), { i32 } = binaryen;
  m.setFeatures(binaryen.Features.All);
  let accesses = 0;
  const check = (api, e, name, bytes, offset) => {
    accesses++;
    api.setPtr(e, m.call(`${OWN}${name}`, [api.getPtr(e), m.i32.const(offset), m.i32.const(bytes)], i32));
  };
  /** Returns what stands in the expression's place. */
  const visit = (e) => {
    if (!e || LEAVES.has(binaryen.getExpressionId(e))) return;
    const info = binaryen.getExpressionInfo(e);
    const bulk = info.id === binaryen.MemoryCopyId || info.id === binaryen.MemoryFillId;
    for (const key of bulk ? [...CHILDREN, "size"] : CHILDREN) {
      const value = info[key];
      for (const child of Array.isArray(value) ? value : [value]) if (typeof child === "number") visit(child);
    }
    switch (info.id) {
      case binaryen.LoadId: check(binaryen.Load, e, "ownLoad", info.bytes, info.offset); break;
      case binaryen.StoreId: check(binaryen.Store, e, "ownStore", info.bytes, info.offset); break;
      case binaryen.SIMDLoadId: check(binaryen.SIMDLoad, e, "ownLoad", 8, info.offset); break;
      case binaryen.AtomicRMWId: case binaryen.AtomicCmpxchgId: case binaryen.SIMDLoadStoreLaneId:
        throw new Error("an access that is not checked");
      default:
    }
  };
  for (let i = 0; i < m.getNumFunctions(); i++) {
    const f = binaryen.getFunctionInfo(m.getFunctionByIndex(i));
    if (f.body && !isExempt(f.name)) visit(f.body);
  }
  // Copies and fills are whole instructions, so the text is where they are replaced.
  let own = false;
  const text = m.emitText().split("\n").map((line) => {
    const name = /^ \(func \$(\S+)/.exec(line);
    if (name) own = isExempt(name[1]);
    if (own) return line;
    return line.replace(
      /\(memory\.(copy|fill)(?= *$)/,
      (_, what) => (accesses++, `(call $${OWN}${what === "copy" ? "ownCopy" : "ownFill"}`),
    );
  }).join("\n");
  m.dispose();
  const out = binaryen.parseText(text);
  out.setFeatures(binaryen.Features.All);
  if (!out.validate()) throw new Error("the checked module is not valid");
  writeFileSync(to, out.emitBinary());
  out.dispose();
  return accesses;
}

/**
 * Makes build/stint.owned.wasm, or another file of another entry, without what `like`, a target of asconfig.json,
 * leaves out.
 */
export function owned(to = "build/stint.owned.wasm", entry = "tests/ownership/assembly/index.ts", like = undefined) {
  mkdirSync("build/ownership", { recursive: true });
  const plain = `${to}.plain`, raw = `${to}.checked`;
  const uses = like === undefined ? [] : JSON.parse(readFileSync("asconfig.json", "utf8")).targets[like].use;
  const without = uses.filter((use) => use.startsWith("STINT_NO_")).flatMap((use) => ["--use", use]);
  execFileSync("node_modules/.bin/asc", [entry, "--target", "ownership", ...without, "--outFile", plain], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const accesses = checked(plain, raw);
  execFileSync("node_modules/.bin/wasm-opt", ["-O2", "-g", "--all-features", raw, "-o", to], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  for (const file of [plain, raw]) rmSync(file);
  return accesses;
}

/** The same in the shapes of the small builds: what they do in the place of what they leave out is code of its own. */
export const ownedSmall = () => owned("build/stint.owned.small.wasm", "tests/ownership/assembly/small.ts", "stint");
export const ownedDual = () => owned("build/stint.owned.dual.wasm", "tests/ownership/assembly/dual.ts", "stint6");

/**
 * The numbers of a configuration, from `mtu` on: the least value of each, and how many bits it may have
 * (assembly/config.ts).
 */
function bounds() {
  const config = readFileSync("assembly/config.ts", "utf8");
  const numbers = /BOUNDS: usize = memory\.data<u8>\(\[([\s\S]*?)\]\)/.exec(config)[1].match(/\d+/g);
  const before = /class Config \{([\s\S]*?) mtu: u32;/.exec(config)[1].match(/^ +\w+: u32;/gm).length;
  const rows = Array.from({ length: numbers.length / 2 }, (_, i) => `{${numbers[2 * i]}, ${numbers[2 * i + 1]}}`);
  return `static const struct { uint32_t least, bits; } bounds[] = {${rows.join(", ")}};\n#define BOUNDS_COUNT `
    + `${rows.length}u\n#define BOUNDS_FIRST ${before}u\n`;
}

const CLANG = [
  "-O2", "-g", "-fsanitize=fuzzer,address", "-std=gnu11", "-fno-strict-aliasing", "-Wall", "-Wextra",
];

/** Makes build/ownership/fuzz: the stack as C, with AddressSanitizer and libFuzzer (tests/ownership/target.c). */
function fuzzer(dir = "build/ownership") {
  mkdirSync(dir, { recursive: true });
  const flags = FAST.filter((flag) => !flag.includes("simd"));
  compile("assembly/whole.ts", "ownership-native", `${dir}/native.wasm`, flags, { names: true });
  wasmToC(`${dir}/native.wasm`, `${dir}/module.c`, "module_");
  writeFileSync(`${dir}/bounds.h`, bounds());
  const args = [
    ...CLANG, `-I${dir}`, "-Iboards/runtimes/aot", "-Iinclude", "tests/ownership/target.c", "-o", `${dir}/fuzz`,
  ];
  execFileSync("clang", args, { stdio: ["ignore", "inherit", "inherit"] });
  return `${dir}/fuzz`;
}

if (process.argv[1]?.endsWith("ownership.mjs")) {
  const what = process.argv[2];
  if (what !== "--fuzz") console.log(`build/stint.owned.wasm: ${owned()} accesses are checked`);
  if (what !== "--wasm") console.log(fuzzer());
}
