/** What runs the tests, and what starts their programs. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
