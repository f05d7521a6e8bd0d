/** Some of Node's own tests, unchanged, over the stack; all of them: `npm run nodetests`. They are fetched first. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { findProgram } from "../../host/programs.js";
import { nodeSuite } from "../node-suite/run.js";
import { SAMPLE } from "../node-suite/table.js";

const LACKS = findProgram("curl") ? undefined : "needs curl; apt-get install curl";

it("a sample of Node's own tests of net, dgram and dns passes", async (t) => {
  if (LACKS) return t.skip(LACKS);
  const outcomes = await nodeSuite((name) => SAMPLE.has(name), () => {});
  const failed = outcomes.filter(({ passed, skipped }) => !passed || skipped !== undefined);
  assert.deepEqual(failed.map(({ name, output }) => `${name}\n${output}`), []);
  assert.equal(outcomes.length, SAMPLE.size, "each of the sample is there, and applies");
});
