/** Examples for Node alone run, and print what they say. The others are run by tests that have what they need. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ran } from "../harness/programs.js";

const PRINTS: Record<string, string> = {
  "node-echo/echo.mjs": "to and fro\n",
  "node-http/http.mjs": "200 close\nyou asked for /page\n",
};

/** Who runs the others. */
const RUN_BY: Record<string, string> = {
  "assemblyscript/echo.ts": "tests/host/link.test.ts",
  "assemblyscript/linked.ts": "tests/host/link.test.ts",
  "board/quote.c": "tests/interop/link.test.ts",
  "browser/index.html": "tests/browser/tabs.test.ts",
  "c-bsd/httpd.c": "tests/interop/link.test.ts",
  "c-posix/echo.c": "tests/interop/link.test.ts",
  "component/echo.c": "tests/interop/component.test.ts",
  "component/python/app.py": "tests/interop/component.test.ts",
  "https-get/https-get.c": "tests/interop/tls.test.ts",
  ...Object.fromEntries(["build.mjs", "clock.c", "console.c", "link.c", "main.c", "mqtt.c"].map((file) =>
    [`mqtt-tls/${file}`, "tests/interop/mqtt-tls.test.ts"])),
};

describe("examples/", () => {
  for (const [file, expected] of Object.entries(PRINTS)) {
    it(file, () => {
      const r = ran(process.execPath, [join("examples", file)]);
      assert.deepEqual([r.status, r.stdout], [0, expected], r.stderr);
    });
  }

  it("has no program that nothing runs", () => {
    const programs = readdirSync("examples", { recursive: true, encoding: "utf8" })
      .filter((f) => f.includes("/") && /\.(mjs|ts|c|py|html)$/.test(f));
    assert.deepEqual(programs.sort(), [...Object.keys(PRINTS), ...Object.keys(RUN_BY)].sort());
    for (const [file, test] of Object.entries(RUN_BY)) {
      const folder = join("examples", file, "..");
      assert.ok(readFileSync(test, "utf8").includes(folder), `${test} runs nothing of ${folder}`);
    }
  });
});
