/** The examples that need Node alone run, and print what they say. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ran } from "../harness/programs.js";

const PRINTS: Record<string, string> = {
  "node-echo/echo.mjs": "to and fro\n",
  "node-http/http.mjs": "200 close\nyou asked for /page\n",
};

describe("examples/", () => {
  for (const [file, expected] of Object.entries(PRINTS)) {
    it(file, () => {
      const r = ran(process.execPath, [join("examples", file)]);
      assert.deepEqual([r.status, r.stdout], [0, expected], r.stderr);
    });
  }

  it("has no program that nothing runs", () => {
    const folders = readdirSync("examples", { withFileTypes: true }).filter((e) => e.isDirectory()).map((e) => e.name);
    assert.deepEqual(folders.sort(), [...new Set(Object.keys(PRINTS).map((f) => f.split("/")[0]!))].sort());
    for (const file of Object.keys(PRINTS)) assert.ok(existsSync(join("examples", file)));
  });
});
