/** What an attacker must not know: each table that the network fills, and each secret, has a key of its own. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadModule } from "../../host/module.js";
import { StackModule } from "../../host/stack.js";
import { SMALL } from "../harness/bench.js";
import { entropyOf } from "../harness/entropy.js";
import { MODULE } from "../harness/module.js";

/** What has one in each build: the generator itself is the first. */
const ALWAYS = ["random numbers", "initial sequence numbers", "rates of SYNs", "connections", "neighbours"];
const HAS_NAMES = WebAssembly.Module.exports(loadModule(MODULE)).some((e) => e.name === "ip6_start");
const KEYED = [...ALWAYS, ...(SMALL ? [] : ["SYN cookies"]), ...(HAS_NAMES ? ["names of IPv6 addresses"] : [])];
const KEY = 16;

/** The memory of a stack that has just begun. */
function begun(entropy: number): Uint8Array {
  return new StackModule(loadModule(MODULE), { ip: "10.0.0.1/24", entropy: entropyOf(entropy) }).memory.slice();
}

/** Where the keys lie: what differs between stacks that differ in their entropy alone, 16 bytes each. */
function keys(memories: readonly Uint8Array[]): number[] {
  const [first, ...others] = memories, at: number[] = [];
  const differs = (i: number): boolean => others.some((m) => m[i] !== first![i]);
  for (let i = 0; i < first!.length; i += 8)
    if ([0, 1, 2, 3, 4, 5, 6, 7].some((j) => differs(i + j))) {
      at.push(i);
      i += KEY - 8;
    }
  return at;
}

describe("keys", () => {
  const memories = [1, 2, 3].map(begun), at = keys(memories);
  const texts = (memory: Uint8Array): string[] =>
    at.map((start) => Buffer.from(memory.subarray(start, start + KEY)).toString("hex"));

  it(`there is one for each table that is hashed, and for each secret: ${KEYED.join(", ")}`, () => {
    assert.equal(at.length, KEYED.length, `keys at ${at.join(", ")}`);
  });

  it("no two are the same, in one stack or in two, and all 16 bytes of each come from the entropy", () => {
    const all = memories.flatMap(texts);
    assert.equal(new Set(all).size, all.length);
    for (const start of at)
      for (let i = start; i < start + KEY; i++)
        assert.ok(new Set(memories.map((m) => m[i])).size > 1, `byte ${i - start} of the key at ${start}`);
  });
});
