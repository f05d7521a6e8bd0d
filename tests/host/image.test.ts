/** Firmware that is laid out when it is built (tools/board/image.ts), with modules as small as can be. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import binaryen from "binaryen";
import { CONFIG_SIZE, ENTROPY_AT } from "../../host/module/layout.js";
import { foldFixed, imageOf, type Image, type Laid } from "../../tools/board/image.js";
import { MAKERS } from "../../tools/board/module.js";
import { ToolError } from "../../tools/translate/error.mjs";

const BLOCK = 64, ARENA = 1024, KEY = ARENA + 8;
const BARE = { names: false };
const LAID: Laid = { numbers: [7], services: [{ service: 1, port: 7, backlog: 3 }], memory: 2048 };

/**
 * A stack of a number, a key and a listener. `more` is what else `init` does, `seeds` what else `seed` does, `reads`
 * what a call returns.
 */
function image({ more = "", seeds = "", reads = "(i32.load (i32.const 1024))" } = {}): Image {
  const m = binaryen.parseText(`(module
    (memory (export "memory") 1)
    (data (i32.const 16) "\\01")
    (global $at (mut i32) (i32.const 0))
    (global $drawn (mut i64) (i64.const 0))
    (func (export "configBlock") (result i32) (i32.const ${BLOCK}))
    (func $keys (param i32) (i64.store (i32.const ${KEY}) (i64.load offset=${ENTROPY_AT} (local.get 0))))
    (func (export "init") (param i32) (result i32)
      (global.set $at (i32.const ${ARENA}))
      (i32.store (global.get $at) (i32.load (local.get 0)))
      (call $keys (local.get 0)) ${more}
      (memory.fill (i32.add (local.get 0) (i32.const ${ENTROPY_AT})) (i32.const 0) (i32.const 32))
      (i32.const 0))
    (func (export "seed") (param i32) (result i32)
      ${seeds}
      (call $keys (local.get 0))
      (memory.fill (i32.add (local.get 0) (i32.const ${ENTROPY_AT})) (i32.const 0) (i32.const 32))
      (i32.const 0))
    (func (export "serviceStart") (param i32 i32 i32) (result i32)
      (i32.store offset=16 (global.get $at) (local.get 1))
      (i32.const 0))
    (func (export "fixed") (param i32) (result i64)
      (select (i64.const ${(BigInt(ARENA) << 32n) + 4n}) (i64.const 0) (i32.eqz (local.get 0))))
    (func (export "reads") (result i32) ${reads})
    (func (export "where") (result i32) (global.get $at)))`);
  m.setFeatures(binaryen.Features.All);
  const bytes = m.emitBinary();
  m.dispose();
  return imageOf(bytes, LAID, BARE);
}

const refused = (why: RegExp) => (e: unknown): boolean => e instanceof ToolError && why.test(e.message);

describe("firmware that is laid out when it is built", () => {
  it("begins with what init and its services left in memory and globals, and with no key", () => {
    const { module, memory } = image(), words = new Uint32Array(memory.buffer, memory.byteOffset);
    assert.deepEqual([...words.subarray(ARENA / 4, ARENA / 4 + 5)], [7, 0, 0, 0, 7]);
    assert.ok(memory.subarray(BLOCK, BLOCK + CONFIG_SIZE).every((b) => b === 0));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(module)));
    const x = exports as unknown as { memory: WebAssembly.Memory; where(): number };
    assert.equal(x.where(), ARENA);
    assert.deepEqual(new Uint8Array(x.memory.buffer), memory);
  });

  it("is refused where entropy decides what seed does not draw again: memory, or a global", () => {
    const drawn = `(i64.load offset=${ENTROPY_AT} (local.get 0))`;
    assert.throws(() => image({ more: `(i64.store (i32.const 1200) ${drawn})` }), refused(/more than keys/));
    assert.throws(() => image({ more: `(global.set $drawn ${drawn})` }), refused(/global/));
  });

  it("is refused where it goes beyond the memory that the board has", () => {
    assert.throws(() => image({ more: "(i32.store8 (i32.const 2048) (i32.const 1))" }), refused(/beyond the memory/));
  });

  it("has constants for what it loads of fixed memory, and of nothing else", () => {
    const reads = (text: string): string => {
      const made = image({ reads: text }), m = binaryen.readBinary(foldFixed(made.module, made, BARE));
      const info = m.emitText();
      m.dispose();
      return info;
    };
    assert.doesNotMatch(reads("(i32.load offset=24 (i32.const 1000))"), /i32\.load\b.*\n +\(i32\.const 1000\)/);
    const sum = reads("(i32.add (i32.load (i32.const 1024)) (i32.const 90))");
    assert.match(sum, /\(i32\.const 7\)\n +\(i32\.const 90\)/);
    assert.match(reads("(i32.load (i32.const 1026))"), /i32\.load.*\n +\(i32\.const 1026\)/);
    assert.match(reads("(i32.load (i32.const 1040))"), /i32\.load.*\n +\(i32\.const 1040\)/);
    assert.match(reads("(i32.load8_s (i32.const 1024))"), /\(i32\.const 7\)/);
  });

  it("is refused where it writes at a constant address what it says is fixed", () => {
    const made = image({ reads: "(i32.store (i32.const 1024) (i32.const 1)) (i32.const 1)" });
    assert.throws(() => foldFixed(made.module, made, BARE), refused(/writes what is fixed/));
  });

  it("is refused where a store only reaches into it, or fills or copies many bytes there, however many", () => {
    for (const [what, is] of [
      ["(i64.store (i32.const 1020) (i64.const 1))", true],
      ["(i32.store offset=21 (i32.const 1000) (i32.const 1))", true],
      ["(i32.store16 (i32.const 1023) (i32.const 1))", true], ["(i32.store8 (i32.const 1027) (i32.const 1))", true],
      ["(i64.store (i32.const 1016) (i64.const 1))", false], ["(i32.store (i32.const 1028) (i32.const 1))", false],
      ["(memory.fill (i32.const 1000) (i32.const 0) (i32.const 25))", true],
      ["(memory.fill (i32.const 1000) (i32.const 0) (i32.const 24))", false],
      ["(memory.fill (i32.const 1000) (i32.load (i32.const 0)) (i32.load (i32.const 4)))", true],
      ["(memory.copy (i32.const 1026) (i32.const 0) (i32.const 1))", true],
      ["(memory.copy (i32.const 0) (i32.const 1024) (i32.const 4))", false],
      ["(memory.copy (i32.const 900) (i32.const 0) (i32.load (i32.const 16)))", true],
      ["(memory.copy (i32.const 1028) (i32.const 0) (i32.load (i32.const 16)))", false],
    ] as const) {
      const made = image({ reads: `${what} (i32.const 1)` });
      const folded = (): unknown => foldFixed(made.module, made, BARE);
      if (is) assert.throws(folded, refused(/writes what is fixed/), what);
      else assert.doesNotThrow(folded, what);
    }
  });

  it("is refused where it is tuned: what is folded would stay what it was", () => {
    const made = image(), m = binaryen.readBinary(made.module);
    m.addFunctionExport(binaryen.getFunctionInfo(m.getFunctionByIndex(0)).name, "tune");
    const bytes = m.emitBinary();
    m.dispose();
    assert.throws(() => foldFixed(bytes, made, BARE), refused(/^it calls tune, .*--layout boot$/));
  });

  it("is proven with several entropies: a byte that two of them happen to share is none of the image", () => {
    // 1 with each entropy but those of zeros and ones.
    const first = `(i32.load8_u offset=${ENTROPY_AT} (local.get 0))`;
    const more = `(i32.store8 (i32.const 1300) (i32.le_u (i32.sub ${first} (i32.const 1)) (i32.const 253)))`;
    assert.throws(() => image({ more }), refused(/more than keys/));
  });

  it("is refused where seed takes other entropy than init, or changes a global", () => {
    const dull = `(if (i64.eqz (i64.load offset=${ENTROPY_AT} (local.get 0))) (then (return (i32.const -13))))`;
    assert.throws(() => image({ more: dull }), refused(/different entropy/));
    assert.doesNotThrow(() => image({ more: dull, seeds: dull }));
    assert.throws(() => image({ seeds: "(global.set $at (i32.const 3))" }), refused(/seed changes a global/));
  });

  it("is made anew when any file changes that makes modules, or the compiler's version", () => {
    const found = new Set(["package-lock.json"]);
    const follow = (file: string): void => {
      if (found.has(file)) return;
      found.add(file);
      for (const [, from] of readFileSync(file, "utf8").matchAll(/^import (?!type)[^;]*"(\.[^"]+)";/gm))
        follow(join(file, "..", from!).replace(/\.js$/, ".ts"));
    };
    follow("tools/board/module.ts");
    assert.deepEqual([...MAKERS].sort(), [...found].sort());
  });
});
