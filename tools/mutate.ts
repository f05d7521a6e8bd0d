/**
 * `npm run mutate [-- --count N] [--seed S] [--jobs J] [--least PERCENT]`: mutation testing of assembly/tcp. Changes
 * one operator or constant, rebuilds, and runs the quick suites up to the first test that fails; a mutant that they do
 * not notice is listed. Works in copies of the tree, never in the tree itself. Fewer than `--least` percent killed:
 * exit status 1.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { Random } from "../host/random.js";
import { Progress } from "./progress.js";

interface Mutant {
  file: string;
  line: number;
  column: number;
  from: string;
  to: string;
}

/** What is changed into what. Comparisons of sequence numbers are functions here. */
const CHANGES: [RegExp, (text: string) => string | undefined][] = [
  [/ (<=|>=|<|>) /g, (t) => ({ "<": " <= ", "<=": " < ", ">": " >= ", ">=": " > " })[t.trim()]],
  [/ (==|!=) /g, (t) => (t.includes("==") ? " != " : " == ")],
  [/ (&&|\|\|) /g, (t) => (t.includes("&&") ? " || " : " && ")],
  [/ (\+|-) /g, (t) => (t.includes("+") ? " - " : " + ")],
  [/\bseqL[te](?=\()/g, (t) => (t === "seqLt" ? "seqLe" : "seqLt")],
  [/\b(min|max)(?=[(<])/g, (t) => (t === "min" ? "max" : "min")],
  [/\b(true|false)\b/g, (t) => (t === "true" ? "false" : "true")],
  [/(?<=if \()!/g, () => ""],
  [/(?<![\w.])\d+(?![\w.])/g, (t) => String(Number(t) + 1)],
];

/**
 * Places that say nothing that runs: imports, types, declarations of enums and fields, what globals are before `init`
 * sets them.
 */
const SKIPPED = new RegExp([
  /^\s*(export )?let \w+: [\w |]+ = (0|null|changetype<\w+>\(0\));/, /^\s*(\/\/|\/?\*|import |export \{|\} from)/,
  /^\s*\w+: \w+;/, /^\s*[A-Z_0-9]+ = /,
].map((r) => r.source).join("|"));

function mutants(): Mutant[] {
  const all: Mutant[] = [];
  for (const name of readdirSync("assembly/tcp", { recursive: true, encoding: "utf8" })
    .filter((f) => f.endsWith(".ts"))
    .sort()) {
      const file = `assembly/tcp/${name}`;
      readFileSync(file, "utf8").split("\n").forEach((text, i) => {
        const code = text.replace(/\/\/.*$/, "");
        if (SKIPPED.test(code)) return;
        for (const [pattern, change] of CHANGES) for (const m of code.matchAll(pattern)) {
          const to = change(m[0]);
          if (to !== undefined) all.push({ file, line: i + 1, column: m.index, from: m[0], to });
        }
      });
    }
  return all;
}

/** Runs a command to its end, or to the first line of a test that failed. Returns whether all went well. */
function run(command: string, args: string[], cwd: string, seconds: number): Promise<boolean> {
  return new Promise((done) => {
    const child = spawn(command, args, {
      cwd, stdio: ["ignore", "pipe", "ignore"], timeout: seconds * 1000, killSignal: "SIGKILL",
      env: { ...process.env, CI: "" },
    });
    let text = "";
    child.stdout.on("data", (d: Buffer) => {
      text = text.slice(-20) + d.toString();
      if (/^ *not ok /m.test(text)) child.kill("SIGKILL");
    });
    const ended = (code?: number | null): void => done(code === 0);
    child.once("exit", ended).once("error", () => ended());
  });
}

type Fate = "killed" | "survived" | "invalid";

/**
 * The quick suites as one program each, so that neither the compiler of the tests nor the start of a process for each
 * file has to be waited for.
 */
async function programs(dir: string): Promise<void> {
  const rfc = readdirSync("tests/rfc").filter((f) => f.endsWith(".test.ts")).map((f) => `import "./tests/rfc/${f}";`);
  const common = { bundle: true, platform: "node", format: "esm", packages: "external", logLevel: "warning" } as const;
  await build({
    ...common,
    stdin: { contents: [...rfc, 'import "./tests/packetdrill/scripts.test.ts";'].join("\n"), resolveDir: resolve(".") },
    outfile: join(dir, "mutate/quick.mjs"),
  });
  await build({
    ...common,
    entryPoints: { explore: "tests/explore/explore.test.ts", sim: "tests/sim/run.ts", netsim: "tests/netsim/run.ts" },
    outdir: join(dir, "mutate"), outExtension: { ".js": ".mjs" },
  });
  cpSync("tests/netsim/baseline.json", join(dir, "mutate/baseline.json"));
}

/** A copy of the tree in which mutants live and die. */
class Copy {
  readonly dir = mkdtempSync(join(tmpdir(), "stint-mutant-"));

  async prepare(): Promise<this> {
    for (const part of ["assembly", "tests", "build", "package.json", "asconfig.json"])
      cpSync(part, join(this.dir, part), { recursive: true });
    symlinkSync(resolve("node_modules"), join(this.dir, "node_modules"));
    await programs(this.dir);
    return this;
  }

  async try(m: Mutant): Promise<Fate> {
    const path = join(this.dir, m.file), original = readFileSync(path, "utf8"), lines = original.split("\n");
    const text = lines[m.line - 1]!;
    lines[m.line - 1] = text.slice(0, m.column) + m.to + text.slice(m.column + m.from.length);
    writeFileSync(path, lines.join("\n"));
    try {
      // Without optimizing: it takes longer than the tests.
      if (
        !(await run(
          "node_modules/.bin/asc",
          ["assembly/whole.ts", "--target", "stint.simd", "-O0", "--outFile", "build/stint.simd.wasm"], this.dir, 60,
        ))
      )
        return "invalid";
      for (const [program, ...args] of [["quick"], ["sim", "--seeds", "60"], ["explore"], ["netsim", "--quick"]]) {
        if (!(await run(process.execPath, [`mutate/${program}.mjs`, ...args], this.dir, 120))) return "killed";
      }
      return "survived";
    } finally {
      writeFileSync(path, original);
    }
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const value = (name: string, fallback: number): number => {
    const i = process.argv.indexOf(name), n = i < 0 ? fallback : Number(process.argv[i + 1]);
    if (Number.isInteger(n) && n >= 0) return n;
    console.error(`mutate: ${name} takes a whole number`);
    process.exit(2);
  };
  const count = value("--count", 50);
  const random = new Random(value("--seed", 1));
  const jobs = Math.max(1, value("--jobs", 2));
  const least = value("--least", 0);
  const all = mutants(), chosen: Mutant[] = [];
  while (chosen.length < count && all.length > 0) chosen.push(...all.splice(random.below(all.length), 1));
  console.log(`${chosen.length} of ${all.length + chosen.length} mutants of assembly/tcp`);
  const bar = new Progress("mutants", chosen.length);
  const fates: Record<Fate, number> = { killed: 0, survived: 0, invalid: 0 };
  await Promise.all(Array.from({ length: jobs }, async () => {
    const copy = await new Copy().prepare();
    for (let m = chosen.pop(); m !== undefined; m = chosen.pop()) {
      const fate = await copy.try(m);
      fates[fate]++;
      bar.at(fates.killed + fates.survived + fates.invalid);
      if (fate === "survived")
        bar.say(`survived  ${m.file}:${m.line}:${m.column + 1}  "${m.from.trim()}" became "${m.to.trim()}"`);
    }
    copy.remove();
  }));
  bar.stop();
  const judged = fates.killed + fates.survived;
  console.log(
    `${fates.killed} of ${judged} killed (${((100 * fates.killed) / Math.max(1, judged)).toFixed(0)} %), `
      + `${fates.survived} survived, ${fates.invalid} did not compile`,
  );
  if (100 * fates.killed < least * judged) {
    console.log(`fewer than ${least} %`);
    process.exitCode = 1;
  }
}

if (process.argv[1]?.endsWith("mutate.ts")) await main();
