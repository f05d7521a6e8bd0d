/** The interpreter of boards/runtimes/inplace with sanitizers: against V8, the core test suite, and mutants. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { lacks } from "../interop/lab.js";
import { succeeded } from "../harness/programs.js";
import { coreCommands, coreFiles, type Command } from "../boards/core-suite/files.js";
import { askedOfDrawn, assertAsked } from "../boards/inplace/of-v8.js";
import { randomModule } from "../boards/inplace/random.js";

const HOME = "boards/runtimes/inplace", TESTS = "tests/boards/inplace";
const PARTS = ["module.c", "validate.c", "instance.c", "execute.c"].map((f) => join(HOME, f));
const SOURCES = [...PARTS, join(TESTS, "test.c")];
const WARNINGS = ["-Wall", "-Wextra", "-Werror"];
const FLAGS = ["-std=c11", "-O1", "-g", ...WARNINGS, "-fno-sanitize-recover=all", `-I${TESTS}`, `-I${HOME}`];
const tool = (program: string, args: string[], input?: string): string =>
  succeeded(program, args, input === undefined ? {} : { input });

let dir: string, interpreter: string;
const run = (commands: string[]): string[] => tool(interpreter, [], `${commands.join("\n")}\n`).split("\n");

describe("the interpreter in place", () => {
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "stint-inplace-"));
    interpreter = join(dir, "inplace");
    if (lacks({ skip: () => {} } as never, "clang")) return;
    tool("clang", [...FLAGS, "-fsanitize=address,undefined", ...SOURCES, "-o", interpreter]);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it("does what V8 does on 300 modules that are drawn", (t) => {
    if (lacks(t, "clang")) return;
    const asked = askedOfDrawn(300, (bytes, seed) => {
      const file = join(dir, `${seed}.wasm`);
      writeFileSync(file, bytes);
      return file;
    });
    assertAsked(asked, run(asked.map((a) => a.command)));
  });

  it("passes the integer files of WebAssembly's core test suite", (t) => {
    if (lacks(t, "clang", "cargo", "wast2json")) return;
    const counts = { passed: 0, refused: 0, modules: 0 };
    for (const file of coreFiles()) coreFile(file, counts);
    const { passed, modules, refused } = counts;
    console.error(`core suite: ${passed} assertions hold in ${modules} modules; ${refused} have more`);
    assert.ok(counts.passed > 6000, `${counts.passed} assertions`);
  });

  it("refuses or runs what is left of modules when bytes of them change, without a fault", (t) => {
    if (lacks(t, "clang")) return;
    const fuzz = join(dir, "fuzz"), corpus = join(dir, "corpus");
    tool("clang", [...FLAGS, "-DINPLACE_FUZZ", "-fsanitize=address,undefined,fuzzer", ...SOURCES, "-o", fuzz]);
    mkdirSync(corpus);
    for (let seed = 1; seed <= 40; seed++) writeFileSync(join(corpus, `${seed}`), randomModule(seed).bytes);
    tool(fuzz, [corpus, "-max_total_time=10", "-seed=1", "-max_len=4096", "-timeout=20", `-artifact_prefix=${dir}/`]);
  });
});

/** What a module of the suite may be refused for. */
const REFUSED = /has (floats|imports|passive|blocks with several|functions with several|more memory)/;

/** One file of the suite: every assertion on a module that is not refused for what it has beside integers. */
function coreFile(file: string, counts: { passed: number; refused: number; modules: number }): void {
  const sent: string[] = [], checks: ((said: string) => void)[] = [];
  let there = true;
  const where = (c: Command): string => `${file.split("/").slice(-2).join("/")}:${c.line}`;
  for (const c of coreCommands(file, join(dir, "core.json"))) {
    if (c.module_type === "text") continue;
    if (c.filename !== undefined) {
      sent.push(`load ${join(dir, c.filename)}`);
      checks.push((said) => {
        if (c.type === "module") {
          there = said === "loaded";
          if (there) counts.modules++;
          else if (REFUSED.test(said)) counts.refused++;
          else assert.fail(`${where(c)}: ${said}`);
        } else if (/^assert_(invalid|malformed)$/.test(c.type)) {
          assert.match(said, /^refused/, `${where(c)}: ${c.text}`);
          counts.passed++;
        } else there = false;
      });
      continue;
    }
    if (c.action?.type === "invoke" && c.action.module === undefined && !/[^\w-]/.test(c.action.field)) {
      sent.push(`call ${c.action.field} ${c.action.args.map((a) => a.value).join(" ")}`);
      checks.push((said) => {
        if (!there) return;
        if (c.type === "assert_trap" || c.type === "assert_exhaustion") assert.match(said, /^trap/, where(c));
        else {
          const want = c.expected?.[0], bits = want?.type === "i32" ? 32 : 64;
          assert.match(said, /^= /, where(c));
          const got = BigInt.asUintN(bits, BigInt(said.slice(2)));
          if (want !== undefined) assert.equal(got, BigInt(want.value!), where(c));
        }
        counts.passed++;
      });
    }
  }
  const said = run(sent);
  checks.forEach((check, i) => check(said[i]!));
}
