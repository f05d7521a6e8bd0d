/**
 * Node's own tests of `net`, `dgram` and `dns` over the stack, unchanged: each is a process of its own with
 * `--import stint/register`, whose stack, 10.0.0.2, is on a cable to a router, 10.0.0.1, that has no services.
 *
 *   npm run nodetests [-- TEXT …] [--quick] [--verbose]     those with TEXT in their names; a sample of each kind
 *
 * Which do not apply, and why, is told by tests/node-suite/table.ts. It fails where one does not pass that should.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Stack, streamLink } from "../../host/index.js";
import { environment, started } from "../harness/programs.js";
import { nodeTests } from "./source.js";
import { APART, DIFFERS, SAMPLE } from "./table.js";

const LIMIT_MS = 30_000,
  BESIDE = 2;

export interface Outcome {
  name: string;
  passed: boolean;
  /** It found that it does not apply here, and said why. */
  skipped: string | undefined;
  output: string;
}

/** A router for whoever connects to a socket of Unix's. */
async function routers(path: string): Promise<() => Promise<void>> {
  const stacks = new Set<Stack>(),
    open = new Set<net.Socket>();
  const hub = net.createServer((socket) => {
    open.add(socket.on("error", () => {}));
    const link = streamLink(socket, socket, () => socket.destroy());
    void Stack.open({ link, ip: "10.0.0.1/24", connsMax: 4 }).then((stack) => {
      stacks.add(stack);
      stack.once("close", () => stacks.delete(stack));
    });
  });
  await new Promise<void>((listening) => hub.listen(path, listening));
  return async () => {
    hub.close();
    for (const socket of open) socket.destroy();
    await Promise.all([...stacks].map((stack) => stack.close(0)));
  };
}

function runOne(tests: string, name: string, link: string): Promise<Outcome> {
  const file = join(tests, "parallel", name),
    flags = /^\/\/ Flags: (.*)$/m.exec(readFileSync(file, "utf8"))?.[1]?.split(" ") ?? [];
  const hooks = ["--import", resolve("build/register.js"), "--require", join(tests, "..", "surroundings.cjs")];
  const child = started(process.execPath, [...hooks, ...flags, file], {
    env: environment({ STINT_LINK: `stream:${link}`, STINT_IP: "10.0.0.2/24", STINT_DNS: "10.0.0.1" }),
    detached: true,
  });
  let output = "";
  for (const from of [child.stdout, child.stderr]) from.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const timer = setTimeout(() => {
    output += `it was killed after ${LIMIT_MS / 1000} s\n`;
    // With what it started itself.
    process.kill(-child.pid!, "SIGKILL");
  }, LIMIT_MS);
  return new Promise((done) =>
    child.on("close", (status) => {
      clearTimeout(timer);
      done({ name, passed: status === 0, skipped: /^1\.\.0 # Skipped: (.*)$/m.exec(output)?.[1], output });
    }),
  );
}

/** Runs those that apply and that `wants` names. */
export async function nodeSuite(wants: (name: string) => boolean, told: (o: Outcome) => void): Promise<Outcome[]> {
  const tests = await nodeTests(),
    names = readdirSync(join(tests, "parallel")).filter((name) => APART[name] === undefined && wants(name)),
    scratch = mkdtempSync(join(tmpdir(), "stint-node-suite-")),
    end = await routers(join(scratch, "link")),
    outcomes: Outcome[] = [];
  const queue = names[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: BESIDE }, async () => {
      for (const name of queue) {
        const outcome = await runOne(tests, name, join(scratch, "link"));
        outcomes.push(outcome);
        told(outcome);
      }
    }),
  );
  await end();
  rmSync(scratch, { recursive: true });
  return outcomes;
}

async function main(): Promise<void> {
  const words = process.argv.slice(2).filter((arg) => !arg.startsWith("--")),
    verbose = process.argv.includes("--verbose"),
    quick = process.argv.includes("--quick");
  const wants = (name: string): boolean =>
    (!quick || SAMPLE.has(name)) && (words.length === 0 || words.some((word) => name.includes(word)));
  const outcomes = await nodeSuite(wants, ({ name, passed, skipped, output }) => {
    const differs = DIFFERS[name];
    if (!passed && differs !== undefined) console.log(`differs  ${name}: ${differs}`);
    else if (!passed) console.log(`FAILED   ${name}${verbose ? `\n${output}` : ""}`);
    else if (skipped !== undefined) console.log(`skipped  ${name}: ${skipped}`);
  });
  for (const kind of ["net", "dgram", "dns"]) {
    const of = outcomes.filter(({ name, skipped }) => name.startsWith(`test-${kind}`) && skipped === undefined),
      passed = of.filter((o) => o.passed).length;
    if (of.length > 0) console.log(`${kind}: ${passed} of ${of.length} passed`);
  }
  const well = outcomes.every(({ name, passed }) => passed || DIFFERS[name] !== undefined);
  process.exitCode = well && outcomes.length > 0 ? 0 : 1;
}

if (process.argv[1] === resolve("tests/node-suite/run.ts")) await main();
