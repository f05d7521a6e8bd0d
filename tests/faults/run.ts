/**
 * `npm run faults [-- --count N] [--seed S] [--from K] [--jobs J] [--only TEXT] [--all]`: puts known kinds of mistakes
 * into the module, one at a time, in copies of the tree, and tells which checker noticed and how soon. The quick ones
 * come first, and a module is compiled when the first checker needs it; the first that notices is the last that is
 * asked. `--all` asks every one, `--from` leaves out the first K. A fault that nobody notices, or that is not found in
 * the source any more: exit status 1.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { Random } from "../../host/random.js";
import { FAULTS, type Fault } from "./faults.js";

/** How the modules are made in a copy. Hardly optimized: that would take longer than the checkers. */
const MODULES = {
  "stint.checks": [
    "node_modules/.bin/asc", "assembly/whole.ts", "--target", "stint.checks", "-O1", "--outFile",
    "build/stint.checks.wasm",
  ],
  "stint.simd": [
    "node_modules/.bin/asc", "assembly/whole.ts", "--target", "stint.simd", "-O1", "--outFile", "build/stint.simd.wasm",
  ],
  "stint.owned": [process.execPath, "tools/ownership.mjs", "--wasm"],
} as const;

interface Checker {
  name: string;
  module: keyof typeof MODULES;
  /** One of `programs`, and what it is asked. */
  program: string;
  args: string[];
}

/** The checkers in their order. Only the tests know what they look for. */
const CHECKERS: Checker[] = [
  {
    name: "fuzzer, counts checked", module: "stint.checks", program: "fuzz",
    args: ["--frames", "60000", "--seed", "7", "--workers", "1"],
  },
  { name: "tests by name", module: "stint.simd", program: "tests", args: [] },
  {
    name: "fuzzer, ownership", module: "stint.owned", program: "fuzz",
    args: ["--frames", "60000", "--seed", "8", "--workers", "1"],
  },
  { name: "tests by name, ownership", module: "stint.owned", program: "reach", args: [] },
  {
    name: "simulation, counts checked", module: "stint.checks", program: "sim", args: ["--seed", "1", "--seeds", "20"],
  },
  { name: "explorer", module: "stint.simd", program: "explore", args: [] },
];
/** What is lost or wrong in the module's own books is found first by who counts; what a peer can see, by the tests. */
const BY_COUNT: ReadonlySet<Fault["kind"]> = new Set(["leak", "count", "endless", "numbers"]);
const TESTS_FIRST = [CHECKERS[1]!, CHECKERS[0]!, ...CHECKERS.slice(2)];
/** A checker that takes longer has found a fault that never ends, if it ends without the fault. */
const SECONDS = 300;

/** What a checker said against a module. */
interface Complaint {
  words: string;
  /** It did not end within `SECONDS`, and said nothing. */
  timedOut: boolean;
}

/** Runs a command to its end, or to the first test that failed. Returns undefined if all went well. */
function run(
  command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {},
): Promise<Complaint | undefined> {
  return new Promise((done) => {
    const child = spawn(command, args, {
      cwd, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, CI: "", ...env },
    });
    let text = "", timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, SECONDS * 1000);
    const end = (complaint: Complaint | undefined): void => {
      clearTimeout(limit);
      done(complaint);
    };
    const more = (d: Buffer): void => {
      text = (text + d.toString()).slice(-20_000);
      if (/^ *not ok /m.test(text)) child.kill("SIGKILL");
    };
    child.stdout.on("data", more);
    child.stderr.on("data", more);
    child.once("close", (code) => {
      if (timedOut) end({ words: `it did not end within ${SECONDS} s`, timedOut });
      else end(code === 0 ? undefined : { words: said(text), timedOut });
    });
    child.once("error", (e) => end({ words: String(e), timedOut: false }));
  });
}

/** The line that tells most. */
function said(text: string): string {
  const lines = text.split("\n");
  const telling =
    lines.find((l) => /^ *not ok /.test(l))
    ?? lines.find((l) => /Error|Broken|Violation/.test(l))
    ?? lines.find((l) => l.trim() !== "")
    ?? "a failure without a word";
  return telling.trim().slice(0, 150);
}

/** Files of tests with many connections or many configurations. */
const LONG = ["attackers", "flood", "corruption", "liars", "config", "congestion"];

/** The checkers as one program each. */
async function programs(dir: string): Promise<void> {
  // What takes long comes last: the first that fails ends it.
  const files = readdirSync("tests/rfc").filter((f) => f.endsWith(".test.ts"));
  const isLong = (f: string): boolean => LONG.some((name) => f.startsWith(name));
  const of = (which: (f: string) => boolean): string[] =>
    files.filter(which).map((f) => `import "./tests/rfc/${f}";`);
  const quick = of((f) => !isLong(f)), long = of(isLong);
  const common = { bundle: true, platform: "node", format: "esm", packages: "external", logLevel: "warning" } as const;
  await build({
    ...common,
    stdin: {
      contents: [...quick, 'import "./tests/packetdrill/scripts.test.ts";', ...long].join("\n"),
      resolveDir: resolve("."),
    },
    outfile: join(dir, "faults/tests.mjs"),
  });
  const reach = [...quick, ...long].filter((line) => /bad-input|config|ip|reach/.test(line));
  await build({
    ...common, stdin: { contents: reach.join("\n"), resolveDir: resolve(".") }, outfile: join(dir, "faults/reach.mjs"),
  });
  const entryPoints = { explore: "tests/explore/explore.test.ts", sim: "tests/sim/run.ts", fuzz: "tests/fuzz/run.ts" };
  await build({ ...common, entryPoints, outdir: join(dir, "faults"), outExtension: { ".js": ".mjs" } });
}

interface Notice extends Complaint {
  checker: string;
  seconds: number;
}

/** A copy of the tree in which a fault is tried. */
class Copy {
  readonly dir = mkdtempSync(join(tmpdir(), "stint-fault-"));

  async prepare(): Promise<this> {
    for (const part of [
      "assembly", "tests", "tools", "boards/runtime", "boards/runtimes", "build", "package.json", "asconfig.json",
    ])
      // A fuzzer that runs beside this adds to its corpus, and takes from it.
      cpSync(part, join(this.dir, part), { recursive: true, filter: (f) => !f.startsWith("build/ownership/corpus/") });
    symlinkSync(resolve("node_modules"), join(this.dir, "node_modules"));
    await programs(this.dir);
    return this;
  }

  /** Modules that are made of the source as it is now. */
  #made = new Set<string>();

  async #compile(module: keyof typeof MODULES): Promise<void> {
    if (this.#made.has(module)) return;
    const [command, ...args] = MODULES[module], wrong = await run(command, args, this.dir);
    if (wrong !== undefined) throw new Error(`${module} does not compile: ${wrong.words}`);
    this.#made.add(module);
  }

  /** Which checkers notice; only the first of them unless `all`. */
  async ask(checkers: readonly Checker[], { all }: { all: boolean }): Promise<Notice[]> {
    const out: Notice[] = [];
    this.#made.clear();
    for (const { name, module, program, args } of checkers) {
      await this.#compile(module);
      const began = performance.now();
      const wrong = await run(process.execPath, [`faults/${program}.mjs`, ...args], this.dir, { STINT_MODULE: module });
      if (wrong !== undefined) out.push({ checker: name, seconds: (performance.now() - began) / 1000, ...wrong });
      if (out.length > 0 && !all) break;
    }
    return out;
  }

  async try(fault: Fault, all: boolean): Promise<Notice[]> {
    const path = where(fault, this.dir), original = readFileSync(path, "utf8");
    writeFileSync(path, original.replace(fault.find, () => fault.put));
    try {
      return await this.ask(BY_COUNT.has(fault.kind) ? CHECKERS : TESTS_FIRST, { all });
    } finally {
      writeFileSync(path, original);
    }
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The file in which the text of a fault occurs, once. */
function where(fault: Fault, dir = "."): string {
  const root = join(dir, "assembly");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((f) => f.endsWith(".ts"))
    .map((f) => join(root, f));
  const hits = files.flatMap((f) =>
    Array.from({ length: readFileSync(f, "utf8").split(fault.find).length - 1 }, () => f),
  );
  if (hits.length !== 1) throw new Error(`"${fault.name}": its text occurs ${hits.length} times in the source`);
  return hits[0]!;
}

function chosen(): Fault[] {
  const value = (name: string): string | undefined =>
    process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined;
  const only = value("--only");
  const count = Number(value("--count") ?? FAULTS.length);
  const random = new Random(Number(value("--seed") ?? 1));
  const left = FAULTS.filter((f) => only === undefined || f.name.includes(only)), out: Fault[] = [];
  while (left.length > 0) out.push(...left.splice(random.below(left.length), 1));
  const from = Number(value("--from") ?? 0);
  return out.slice(from, from + count);
}

async function main(): Promise<void> {
  const all = process.argv.includes("--all");
  const jobs = process.argv.includes("--jobs") ? Number(process.argv[process.argv.indexOf("--jobs") + 1]) : 2;
  const todo = chosen(), total = todo.length, by = new Map<string, number>();
  let unnoticed = 0, blind = 0, slow = 0;
  // Every text is looked for, also those of faults that are not tried this time.
  for (const fault of FAULTS) where(fault);
  const one = async (): Promise<void> => {
    const copy = await new Copy().prepare();
    try {
      for (let fault = todo.shift(); fault !== undefined; fault = todo.shift()) {
        let notices: Notice[];
        try {
          notices = await copy.try(fault, all);
        } catch (e) {
          console.log(`${fault.name}: ${String(e)}`);
          process.exitCode = 1;
          continue;
        }
        for (const n of notices) by.set(n.checker, (by.get(n.checker) ?? 0) + 1);
        if (notices.some((n) => !n.checker.startsWith("tests"))) blind++;
        if (notices.length === 0) unnoticed++;
        if (notices.length > 0 && notices.every((n) => n.timedOut)) slow++;
        const told = notices.map((n) => `${n.checker} in ${n.seconds.toFixed(1)} s (${n.words})`);
        console.log(
          `${notices.length === 0 ? "UNNOTICED  " : ""}${fault.kind}: ${fault.name}: ${told.join("; ") || "nobody"}`,
        );
      }
    } finally {
      copy.remove();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, one));
  console.log(
    `${total - unnoticed} of ${total} noticed, ${blind} by a checker that knows no fault, ${slow} by a time-out alone; `
      + `${[...by].map(([c, n]) => `${c} ${n}`).join(", ")}`,
  );
  if (unnoticed > 0) process.exitCode = 1;
  await sound(new Set(by.keys()));
}

/**
 * Without a fault nobody must complain: a checker that always fails notices everything, and nothing. Those are asked
 * that have noticed something.
 */
async function sound(names: Set<string>): Promise<void> {
  const copy = await new Copy().prepare();
  try {
    for (const wrong of await copy.ask(CHECKERS.filter((c) => names.has(c.name)), { all: true })) {
      console.log(`WITHOUT ANY FAULT, ${wrong.checker} says: ${wrong.words}`);
      process.exitCode = 1;
    }
  } finally {
    copy.remove();
  }
}

if (process.argv[1]?.endsWith("faults/run.ts")) await main();
