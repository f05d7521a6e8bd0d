/**
 * `npm run faults [-- --count N] [--seed S] [--jobs J] [--only TEXT] [--all]`: puts known kinds of mistakes into the module, one at a time, in copies of
 * the tree, and tells which checker noticed and how soon. The blind ones, which know of no fault in particular, come first: the fuzzer, the
 * simulation, the explorer. Then come the tests by name. `--all` asks every checker, also when one has noticed. A fault that nobody notices, or
 * that is not found in the source any more: exit status 1.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { Random } from "../../host/random.js";
import { FAULTS, type Fault } from "./faults.js";

/** The checkers in their order: programs of the copy, and what they are asked. The last one has a name for everything. */
const CHECKERS: { name: string; args: string[]; seconds: number }[] = [
  { name: "fuzz", args: ["--frames", "250000", "--seed", "7", "--workers", "1"], seconds: 240 },
  { name: "sim", args: ["--seed", "1", "--seeds", "60"], seconds: 240 },
  { name: "explore", args: [], seconds: 240 },
  { name: "tests", args: [], seconds: 240 },
];

/** Runs a command to its end, or to the first test that failed. Returns undefined if all went well, else what it said. */
function run(command: string, args: string[], cwd: string, seconds: number): Promise<string | undefined> {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"], timeout: seconds * 1000, killSignal: "SIGKILL", env: { ...process.env, CI: "" } });
    let text = "";
    const more = (d: Buffer): void => {
      text = (text + d.toString()).slice(-20_000);
      if (/^ *not ok /m.test(text)) child.kill("SIGKILL");
    };
    child.stdout.on("data", more);
    child.stderr.on("data", more);
    child.once("exit", (code) => done(code === 0 ? undefined : said(text)));
    child.once("error", (e) => done(String(e)));
  });
}

/** The line that tells most. */
function said(text: string): string {
  const lines = text.split("\n");
  const telling = lines.find((l) => /^ *not ok /.test(l)) ?? lines.find((l) => /Error|Broken|Violation/.test(l)) ?? lines.find((l) => l.trim() !== "") ?? "it did not end";
  return telling.trim().slice(0, 150);
}

/** The checkers as one program each. */
async function programs(dir: string): Promise<void> {
  const rfc = readdirSync("tests/rfc").filter((f) => f.endsWith(".test.ts")).map((f) => `import "./tests/rfc/${f}";`);
  const common = { bundle: true, platform: "node", format: "esm", packages: "external", logLevel: "warning" } as const;
  await build({ ...common, stdin: { contents: [...rfc, 'import "./tests/packetdrill/scripts.test.ts";'].join("\n"), resolveDir: resolve(".") }, outfile: join(dir, "faults/tests.mjs") });
  const entryPoints = { explore: "tests/explore/explore.test.ts", sim: "tests/sim/run.ts", fuzz: "tests/fuzz/run.ts" };
  await build({ ...common, entryPoints, outdir: join(dir, "faults"), outExtension: { ".js": ".mjs" } });
}

interface Notice {
  checker: string;
  seconds: number;
  what: string;
}

/** A copy of the tree in which a fault is tried. */
class Copy {
  readonly dir = mkdtempSync(join(tmpdir(), "stint-fault-"));

  async prepare(): Promise<this> {
    for (const part of ["assembly", "tests", "build", "package.json", "asconfig.json"]) cpSync(part, join(this.dir, part), { recursive: true });
    symlinkSync(resolve("node_modules"), join(this.dir, "node_modules"));
    await programs(this.dir);
    return this;
  }

  async compile(): Promise<void> {
    // Hardly optimized: it would take longer than the checkers.
    const wrong = await run("node_modules/.bin/asc", ["assembly/whole.ts", "--target", "stint.simd", "-O1", "--outFile", "build/stint.simd.wasm"], this.dir, 120);
    if (wrong !== undefined) throw new Error(`the module does not compile: ${wrong}`);
  }

  /** Which checkers notice; only the first of them unless `all`. */
  async ask(all: boolean): Promise<Notice[]> {
    const out: Notice[] = [];
    for (const { name, args, seconds } of CHECKERS) {
      const began = performance.now(), what = await run(process.execPath, [`faults/${name}.mjs`, ...args], this.dir, seconds);
      if (what !== undefined) out.push({ checker: name, seconds: (performance.now() - began) / 1000, what });
      if (out.length > 0 && !all) break;
    }
    return out;
  }

  async try(fault: Fault, all: boolean): Promise<Notice[]> {
    const path = where(fault, this.dir), original = readFileSync(path, "utf8");
    writeFileSync(path, original.replace(fault.find, () => fault.put));
    try {
      await this.compile();
      return await this.ask(all);
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
  const root = join(dir, "assembly"), files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ts")).map((f) => join(root, f));
  const hits = files.flatMap((f) => Array.from({ length: readFileSync(f, "utf8").split(fault.find).length - 1 }, () => f));
  if (hits.length !== 1) throw new Error(`"${fault.name}": its text occurs ${hits.length} times in the source`);
  return hits[0]!;
}

function chosen(): Fault[] {
  const value = (name: string): string | undefined => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
  const only = value("--only"), count = Number(value("--count") ?? FAULTS.length), random = new Random(Number(value("--seed") ?? 1));
  const left = FAULTS.filter((f) => only === undefined || f.name.includes(only)), out: Fault[] = [];
  while (out.length < count && left.length > 0) out.push(...left.splice(random.below(left.length), 1));
  return out;
}

async function main(): Promise<void> {
  const all = process.argv.includes("--all"), jobs = process.argv.includes("--jobs") ? Number(process.argv[process.argv.indexOf("--jobs") + 1]) : 2;
  const todo = chosen(), total = todo.length, by = new Map<string, number>();
  let unnoticed = 0, blind = 0;
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
        if (notices.some((n) => n.checker !== "tests")) blind++;
        if (notices.length === 0) unnoticed++;
        const told = notices.map((n) => `${n.checker} in ${n.seconds.toFixed(1)} s (${n.what})`);
        console.log(`${notices.length === 0 ? "UNNOTICED  " : ""}${fault.kind}: ${fault.name}: ${told.join("; ") || "nobody"}`);
      }
    } finally {
      copy.remove();
    }
  };
  await sound();
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, one));
  console.log(`${total - unnoticed} of ${total} noticed, ${blind} by a checker that knows no fault; ${[...by].map(([c, n]) => `${c} ${n}`).join(", ")}`);
  if (unnoticed > 0) process.exitCode = 1;
}

/** Without a fault nobody must complain: a checker that always fails notices everything, and nothing. */
async function sound(): Promise<void> {
  const copy = await new Copy().prepare();
  try {
    await copy.compile();
    const [wrong] = await copy.ask(false);
    if (wrong) throw new Error(`without any fault, ${wrong.checker} says: ${wrong.what}`);
  } finally {
    copy.remove();
  }
}

if (process.argv[1]?.endsWith("faults/run.ts")) await main();
