/** The same segments to the module and to the Linux kernel (tests/differential). */
import assert from "node:assert/strict";
import { it } from "node:test";
import { lacks } from "./lab.js";
import { ran } from "../harness/programs.js";

it("1,500 random conversations: the replies are the kernel's, or it is known why not", (t) => {
  if (lacks(t, "root", "tap", "ip", "socat", "sysctl")) return;
  const r = ran(
    process.execPath, ["--import", "tsx", "tests/differential/run.ts", "--sequences", "1500", "--seed", "1"],
    { timeout: 300_000 },
  );
  assert.equal(r.status, 0, r.stdout + r.stderr);
  assert.match(r.stdout, /^1500 sequences .* 0 not explained$/m);
  // A comparison that explains everything would find nothing.
  assert.ok(Number(/(\d+) the same to the end/.exec(r.stdout)?.[1]) > 900, r.stdout);
});
