/** The same segments to the module and to the Linux kernel (tests/differential). */
import assert from "node:assert/strict";
import { it } from "node:test";
import { lacks } from "./lab.js";
import { ran } from "../harness/programs.js";

for (const [family, sequences] of [["4", 1500], ["6", 400]] as const) {
  it(`${sequences} random conversations over IPv${family}: the kernel replies so, or it is known why not`, (t) => {
    if (lacks(t, "root", "tap", "ip", "socat", "sysctl")) return;
    const options = ["--family", family, "--sequences", `${sequences}`, "--seed", "1"];
    const r = ran(process.execPath, ["--import", "tsx", "tests/differential/run.ts", ...options], { timeout: 300_000 });
    assert.equal(r.status, 0, r.stdout + r.stderr);
    assert.match(r.stdout, new RegExp(`^${sequences} sequences .* 0 not explained$`, "m"));
    // A comparison that explains everything would find nothing.
    assert.ok(Number(/(\d+) the same to the end/.exec(r.stdout)?.[1]) > 0.6 * sequences, r.stdout);
  });
}
