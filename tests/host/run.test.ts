/** What runs the tests, and what starts their programs. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { environment, ran, said, started, succeeded, until } from "../harness/programs.js";

/** The file writes the process ID of the program that it waits for. */
const HANGS = `
  import { spawn } from "node:child_process";
  import { writeFileSync } from "node:fs";
  import { it, describe } from "node:test";
  it("passes", () => {});
  describe("a group", () => {
    it("waits for ever", async () => {
      const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 600_000)"], { detached: true });
      writeFileSync(process.env.WHO, String(child.pid));
      await new Promise((done) => child.once("close", done));
    });
  });`;

/** Arguments of Node. */
const SLEEPS = ["-e", "setTimeout(() => {}, 600_000)"];

describe("a test that hangs", () => {
  it("fails by its name, and what it started ends with it; what passed has passed", async (t) => {
    if (!existsSync("/proc/self/stat")) return t.skip("needs /proc");
    const dir = mkdtempSync(join(tmpdir(), "stint-run-")), who = join(dir, "who"), file = join(dir, "hangs.test.mjs");
    try {
      writeFileSync(file, HANGS);
      let r = { status: null as number | null, stdout: "", stderr: "" };
      // A busy machine may not even have begun the test.
      for (const limit of ["3", "15", "90"]) {
        const args = ["--import", "tsx", "tests/run.ts", "--limit", limit, file];
        r = ran(process.execPath, args, { env: environment({ WHO: who }) });
        if (existsSync(who)) break;
      }
      assert.equal(r.status, 1, r.stderr);
      assert.match(r.stdout, /^FAILED {2}.*hangs\.test\.mjs: waits for ever\n +it did not end: after \d+ s/m);
      assert.match(r.stdout, /^1 passed, 1 failed$/m);
      const pid = readFileSync(who, "utf8");
      const stat = `/proc/${pid}/stat`;
      await until("the program has ended", () => !existsSync(stat) || / Z /.test(readFileSync(stat, "utf8")));
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

/** What a file of tests says that fail when they run for the first time, for the second, or both. */
const FAILS = `
  import { existsSync, writeFileSync } from "node:fs";
  import { it, describe } from "node:test";
  function fails(name, times) {
    it(name, () => {
      const mark = process.env.DIR + "/" + encodeURIComponent(name);
      const before = [1, 2].filter((n) => existsSync(mark + n)).length;
      if (before === times) return;
      writeFileSync(mark + (before + 1), "");
      throw new Error("failure " + (before + 1) + " of " + name);
    });
  }
  it("passes", () => {});`;

interface Said { status: number | null; out: string; results: { name: string; result: string; again?: boolean }[] }

/** Runs these tests as if they were some of a suite. */
function asSuite(suite: string, tests: string): Said {
  const dir = mkdtempSync(join(tmpdir(), "stint-run-")), results = join(dir, "results.json");
  try {
    mkdirSync(join(dir, "tests", suite), { recursive: true });
    const file = join(dir, "tests", suite, "fails.test.mjs");
    writeFileSync(file, FAILS + tests);
    const args = ["--import", "tsx", "tests/run.ts", "--results", results, file];
    const { status, stdout } = ran(process.execPath, args, { env: environment({ DIR: dir }) });
    return { status, out: stdout, results: JSON.parse(readFileSync(results, "utf8")) as Said["results"] };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

describe("a test that fails, and passes when it runs once more alone", () => {
  it("is flaky in real time, which is said with its first error, and is no failure", () => {
    const { status, out, results } = asSuite("interop", `describe("a group", () => fails("once [a], (b)? /c", 1));`);
    assert.equal(status, 0, out);
    assert.match(out, /^FLAKY {3}interop\/fails\.test\.mjs: once \[a\], \(b\)\? \/c\n +Error: failure 1 of once/m);
    assert.match(out, /^2 passed, 0 failed, 1 flaky$/m);
    assert.deepEqual(results.map((r) => [r.result, r.again]), [["passed", undefined], ["passed", true]]);
  });

  it("has failed if it fails both times; both errors are said", () => {
    const { status, out, results } = asSuite("browser", `fails("twice", 2);`);
    assert.equal(status, 1, out);
    assert.match(out, /^FAILED {2}browser\/fails\.test\.mjs: twice\n +Error: failure 1 of twice\n/m);
    assert.match(out, /^ +and once more, alone:\n +Error: failure 2 of twice$/m);
    assert.match(out, /^1 passed, 1 failed$/m);
    assert.deepEqual(results.map((r) => r.result), ["passed", "failed"]);
  });

  it("has failed in virtual time, where it does not run again", () => {
    const { status, out } = asSuite("host", `fails("once", 1);`);
    assert.equal(status, 1, out);
    assert.match(out, /^FAILED {2}host\/fails\.test\.mjs: once$/m);
    assert.match(out, /^1 passed, 1 failed$/m);
  });

  it("is one too many if two others were", () => {
    const { status, out } = asSuite("interop", `for (const name of ["a", "b", "c"]) fails(name, 1);`);
    assert.match(out, /^4 passed, 0 failed, 3 flaky$/m);
    assert.equal(status, 1, out);
    assert.equal(asSuite("interop", `for (const name of ["a", "b"]) fails(name, 1);`).status, 0);
  });
});

describe("programs of tests", () => {
  it("do not hear what the caller's environment says to them", () => {
    const names = ["STINT_IP", "NODE_OPTIONS", "WASMTIME_LOG", "LC_ALL", "LANG", "http_proxy", "ALL_PROXY"];
    const before = { ...process.env };
    try {
      for (const name of names) process.env[name] = "--no-such-thing";
      const told = succeeded("env").split("\n").map((line) => line.split("=")[0]!);
      assert.deepEqual(told.filter((name) => names.includes(name)), []);
      assert.ok(told.includes("PATH"));
      assert.equal(environment({ STINT_IP: "10.0.0.2/24" })["STINT_IP"], "10.0.0.2/24");
    } finally {
      for (const name of names) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });

  it("are killed when their time is over, and it is said", () => {
    const r = ran(process.execPath, SLEEPS, { timeout: 100 });
    assert.deepEqual([r.status, r.signal], [null, "SIGKILL"]);
    assert.match(r.stderr, /node.*: .*ETIMEDOUT/);
    assert.throws(() => succeeded(process.execPath, SLEEPS, { timeout: 100 }), /SIGKILL/);
  });

  it("that end, or say nothing, before they say what is waited for fail", async () => {
    assert.match(await said(started("sh", ["-c", "echo ready >&2"]), "ready"), /ready/);
    const ends = started("sh", ["-c", "echo no; exit 3"]);
    await assert.rejects(said(ends, "ready"), /it ended with 3 before it said ready: no/);
    const silent = started(process.execPath, SLEEPS);
    await assert.rejects(said(silent, "ready", 100), /100 ms went by/);
    silent.kill("SIGKILL");
  });
});
