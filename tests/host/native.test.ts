/** The native library: calls with pointers, and what a hostile address finds. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { symbolName } from "../../tools/border/c.mjs";
import { border } from "../../tools/border/read.mjs";
import { lacks } from "../interop/lab.js";
import { library } from "../harness/kept.js";
import { succeeded } from "../harness/programs.js";

describe("the native library", () => {
  it("has every call of stint.h, with native pointers; without a warning", (t) => {
    if (lacks(t, "gcc")) return;
    const dir = mkdtempSync(join(tmpdir(), "stint-native-"));
    try {
      const stack = library("-O3"), program = join(dir, "loop");
      succeeded("gcc", [
        "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-fno-sanitize-recover",
        `-I${dirname(stack)}`, "tests/host/native/loop.c", stack, "-o", program,
      ]);
      assert.equal(succeeded(program), "ok\n");
      const defined = new Set(succeeded("nm", ["-g", "--defined-only", stack]).match(/(?<= T )\w+/g));
      assert.deepEqual(border().functions.map((f) => symbolName(f.name)).filter((name) => !defined.has(name)), []);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
