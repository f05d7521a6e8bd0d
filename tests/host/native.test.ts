/** The native library: calls with pointers, and what a hostile address finds. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { symbolName } from "../../tools/border/c.mjs";
import { border } from "../../tools/border/read.mjs";
import { native } from "../../tools/native.mjs";
import { lacks } from "../interop/lab.js";
import { succeeded } from "../harness/programs.js";

describe("the native library", () => {
  it("has every call of stint.h, with native pointers; without a warning", (t) => {
    if (lacks(t, "gcc")) return;
    const dir = mkdtempSync(join(tmpdir(), "stint-native-"));
    try {
      const library = native(join(dir, "lib")), program = join(dir, "loop");
      succeeded("gcc", [
        "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-fno-sanitize-recover",
        `-I${join(dir, "lib")}`, "tests/host/native/loop.c", library, "-o", program,
      ]);
      assert.equal(succeeded(program), "ok\n");
      const defined = new Set(succeeded("nm", ["-g", "--defined-only", library]).match(/(?<= T )\w+/g));
      assert.deepEqual(border().functions.map((f) => symbolName(f.name)).filter((name) => !defined.has(name)), []);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
