/** The translator of tools/translate: its C, compiled, does what V8 does and what the core test suite says. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import binaryen from "binaryen";
import { ToolError } from "../../tools/translate/error.mjs";
import { wasmToC } from "../../tools/translate/index.mjs";
import { coreCommands, coreFiles } from "../boards/core-suite/files.js";
import { askedOfDrawn, assertAsked, ofV8, type Call } from "../boards/inplace/of-v8.js";
import { succeeded } from "../harness/programs.js";
import { lacks } from "../interop/lab.js";

const HOME = "tests/boards/translate", MODULES = 100;
const FLAGS = ["-std=gnu11", "-fno-strict-aliasing", `-I${HOME}`, "-Iboards/runtimes/aot"];

const SANITIZED = ["-fsanitize=undefined", "-fno-sanitize-recover=all"];
/** Arguments of each case. */
const PAIRS = [[0, 0], [1, 0], [0, 1], [-1, 1], [3, 4], [-2147483648, -1], [65530, 6], [65531, 5], [33, 7], [-7, 2]];

/** The memory grows up to what the module says, or the test has. */
const GROW = `static u32 memory_grow(u32 pages) {
  u32 had = MEMORY_PAGES, most = MODULE_PAGES_MAX < TEST_PAGES_MAX ? MODULE_PAGES_MAX : TEST_PAGES_MAX;
  if (pages > most || had + pages > most) return UINT32_MAX;
  test_memory_size += pages << 16;
  return had;
}
`;

/** The module as a file of C with a table of what it exports. */
function wrapped(dir: string, n: number, wasm: string): string {
  const c = join(dir, `${n}.c`), inner = join(dir, `${n}.inc`);
  wasmToC(wasm, inner, "x_");
  const text = readFileSync(inner, "utf8"), thunks: string[] = [], rows: string[] = [];
  for (const [, result, name, list] of text.matchAll(/^static (\w+) x_(\w+)\(([^)]*)\) \{/gm)) {
    const types = list === "void" ? [] : list!.split(", ").map((p) => p.split(" ")[0]!);
    const call = `x_${name}(${types.map((type, i) => `(${type})a[${i}]`).join(", ")})`;
    const body = result === "void" ? `${call}; return 0` : `return ${call}`;
    thunks.push(`static u64 t_${name}(const u64 *a) { ${body}; }`);
    rows.push(`  {"${name}", t_${name}},`);
  }
  const hasMemory = text.includes("#define MODULE_PAGES ");
  writeFileSync(c, `#include "test.h"\n#include "${inner}"\n${hasMemory ? GROW : ""}${thunks.join("\n")}
static const struct test_export exports[] = {\n${rows.join("\n")}\n  {0, 0}\n};
const struct test_module module_${n} = {${hasMemory ? "MODULE_PAGES" : 0}, module_fill, exports};\n`);
  return c;
}

/** One program of all modules, which answers commands a line. */
function program(dir: string, files: string[], optimize: string[]): (commands: string[]) => string[] {
  const table = join(dir, "table.c"), out = join(dir, "program"), all = files.map((_, i) => `module_${i}`);
  writeFileSync(table, `#include "test.h"\n${all.map((m) => `extern const struct test_module ${m};`).join("\n")}
const struct test_module *const test_modules[] = {${all.map((m) => `&${m}`).join(", ")}};\n`);
  succeeded("gcc", [...FLAGS, "-w", ...optimize, join(HOME, "test.c"), table, ...files, "-o", out]);
  return (commands) => succeeded(out, [], { input: `${commands.join("\n")}\n` }).split("\n");
}

/** The module of cases.wat. */
function cases(): Uint8Array {
  const m = binaryen.parseText(readFileSync(join(HOME, "cases.wat"), "utf8"));
  m.setFeatures(binaryen.Features.All);
  const bytes = m.emitBinary();
  m.dispose();
  return bytes;
}

describe("the translator from Wasm to C", () => {
  let dir: string;
  before(() => { dir = mkdtempSync(join(tmpdir(), "stint-translate-")); });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it(`does what V8 does on ${MODULES} modules that are drawn`, (t) => {
    if (lacks(t, "gcc")) return;
    const files: string[] = [], asked = askedOfDrawn(MODULES, (bytes, seed) => {
      const wasm = join(dir, `${seed}.wasm`);
      writeFileSync(wasm, bytes);
      return String(files.push(wrapped(dir, seed - 1, wasm)) - 1);
    });
    assertAsked(asked, program(dir, files, ["-O1", ...SANITIZED])(asked.map((a) => a.command)));
  });

  it("does what V8 does where an order, a sign or a trap is easily lost (cases.wat)", (t) => {
    if (lacks(t, "gcc")) return;
    const wasm = join(dir, "cases.wasm"), bytes = cases();
    writeFileSync(wasm, bytes);
    const names = WebAssembly.Module.exports(new WebAssembly.Module(Uint8Array.from(bytes)))
      .filter((e) => e.kind === "function").map((e) => e.name);
    const calls = PAIRS.flatMap((args): Call[] => names.map((name) => ({ name, args })));
    const expected = ["loaded", ...ofV8(bytes, calls)], file = wrapped(dir, 0, wasm);
    const commands = ["load 0", ...calls.map(({ name, args }) =>
      `call ${name.replace(/\W+/g, "_")} ${args.map((a) => Number(a) >>> 0).join(" ")}`), "hash"];
    for (const flags of [["-O0", ...SANITIZED], ["-O3"]]) {
      const said = program(dir, [file], flags)(commands);
      const got = expected.map((_, i) => (said[i]!.startsWith("trap") ? "trap" : said[i]!));
      expected.forEach((line, i) => assert.equal(got[i], line, `${flags[0]!}: ${commands[i]!}`));
    }
  });

  it("gives GCC and Clang nothing to warn of", (t) => {
    if (lacks(t, "gcc", "clang")) return;
    const own = join(dir, "own.wasm"), program = join(dir, "warned.c"), made = join(dir, "warned.inc");
    writeFileSync(own, cases());
    for (const wasm of [own, "build/stint.mcu.wasm"]) {
      wasmToC(wasm, made);
      writeFileSync(program,
        `#define MEMORY_SIZE 65536u\n#include "${made}"\nvoid (*const fill)(void) = module_fill;\n`);
      for (const compiler of ["gcc", "clang"])
        succeeded(compiler, [...FLAGS, "-Wall", "-Wextra", "-Werror", "-O1", "-c", program, "-o", "/dev/null"]);
    }
  });

  it("refuses what it would translate wrongly, and names nothing as another thing is named", () => {
    const wasm = join(dir, "odd.wasm"), out = join(dir, "odd.c");
    const made = (text: string): string => {
      const m = binaryen.parseText(`(module ${text})`);
      m.setFeatures(binaryen.Features.MultiMemory | binaryen.Features.Memory64);
      binaryen.setDebugInfo(true);
      writeFileSync(wasm, m.emitBinary());
      binaryen.setDebugInfo(false);
      m.dispose();
      wasmToC(wasm, out);
      return readFileSync(out, "utf8");
    };
    for (const [text, why] of [
      ["(memory i64 1)", /64 bits/], ["(memory 1) (memory 1)", /several memories/],
      ["(table 1 funcref) (func $f) (elem $e func $f)", /not a number/],
      ['(func (import "a" "b-c")) (func (import "a" "b_c"))', /a\.b_c is a_b_c in C/],
    ] as const) assert.throws(() => made(text), (e) => e instanceof ToolError && why.test(e.message), text);
    const text = made(`(func (import "a" "b")) (func $a/b) (func $1/2) (func $size/t) (func $UINT32/MAX) (func $int/+)
      (func $i32/load) (func $stint/poll) (func (export "poll")) (func $tcp/input (export "*/"))`);
    const names = [...text.matchAll(/^static void (\w+)\(void\);$/gm)].map(([, name]) => name);
    assert.deepEqual(names, [
      "a_b_2", "fn_1_2", "fn_size_t", "fn_UINT32_MAX", "fn_int", "fn_i32_load", "fn_stint_poll", "stint_poll", "stint_",
    ]);
  });

  it("passes the integer files of WebAssembly's core test suite", (t) => {
    if (lacks(t, "gcc", "cargo", "wast2json")) return;
    const sent: string[] = [], checks: ((said: string) => void)[] = [], files: string[] = [];
    let refused = 0, passed = 0;
    coreFiles().forEach((file, n) => {
      let there = false;
      for (const c of coreCommands(file, join(dir, `core${n}.json`))) {
        const where = `${file.split("/").slice(-2).join("/")}:${c.line}`;
        if (c.filename !== undefined) there = false;
        if (c.type === "module") {
          try {
            files.push(wrapped(dir, files.length, join(dir, c.filename!)));
            there = true;
          } catch (e) {
            if (!(e instanceof ToolError)) throw e;
            assert.match(e.message, REFUSED, where);
            refused++;
            continue;
          }
          sent.push(`load ${files.length - 1}`);
          checks.push((said) => assert.equal(said, "loaded", where));
        } else if (there && c.action?.type === "invoke" && c.action.module === undefined
          && !/[^\w-]/.test(c.action.field)) {
          // C has no bound of its own for calls.
          if (c.type === "assert_exhaustion") continue;
          sent.push(`call ${c.action.field.replace(/-+/g, "_")} ${c.action.args.map((a) => a.value).join(" ")}`);
          checks.push((said) => {
            const want = c.expected?.[0];
            if (c.type === "assert_trap") assert.match(said, TRAPS[c.text!] ?? /^no such trap/, `${where}: ${c.text}`);
            else if (want !== undefined) assert.equal(said, `= ${want.value}`, where);
            passed++;
          });
        }
      }
    });
    const said = program(dir, files, ["-O0"])(sent);
    checks.forEach((check, i) => check(said[i]!));
    console.error(`core suite: ${passed} assertions hold in ${files.length} modules; ${refused} have more`);
    assert.ok(passed > 4000, `${passed} assertions`);
  });
});

/** What a module of the suite may be refused for. */
const REFUSED = /only integers|is imported|passive|is not a number|not valid|more than one table|beyond the table/;
/** The suite's words for a trap, and ours (boards/runtimes/aot/wasm.h). */
const TRAPS: Record<string, RegExp> = {
  "out of bounds memory access": /^trap 1$/, unreachable: /^trap 2$/, "integer divide by zero": /^trap 3$/,
  "integer overflow": /^trap 3$/, "undefined element": /^trap 4$/, "uninitialized element": /^trap 4$/,
  "indirect call type mismatch": /^trap 4$/,
};
