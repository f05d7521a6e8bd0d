/**
 * IPv6 under drawn frames, calls and sizes: nothing traps, what is sent has right sums, and each kind of frame bites.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Counter } from "../../host/counters.js";
import { SMALL } from "../harness/bench.js";
import { Drawn6 } from "../harness/drawn6.js";

const FRAMES = 1500, SEEDS = 12;
/** Moved by frames of each kind that the stack took in, or refused for a reason of its own. */
const MOVED: Counter[] = [
  "icmpInEchos", "icmpOutEchoReps", "icmpInDestUnreachs", "icmpOutDestUnreachs", "arpInRequests", "arpOutReplies",
  "arpInReplies", "arpConflicts", "arpFailures", "ipReasmOKs", "ipReasmFails", "ipInHdrErrors", "ipInAddrErrors",
  "ipInUnknownProtos", "udpInDatagrams", "udpInErrors", "udpOutDatagrams", "tcpPassiveOpens", "tcpActiveOpens",
  "tcpEstabResets", "tcpInErrs", "SyncookiesSent", "icmpOutRateLimited",
];

if (!SMALL) {
  describe("drawn IPv6", () => {
    it(`${SEEDS} runs of ${FRAMES} frames each end, and move every counter that they are for`, () => {
      const still = new Set<Counter>(MOVED);
      for (let seed = 1; seed <= SEEDS; seed++) {
        const run = new Drawn6(seed);
        try {
          run.run(FRAMES);
        } catch (e) {
          assert.fail(`seed ${seed}: ${(e as Error).stack}`);
        }
        const counters = run.stack.counters();
        for (const name of still) if (counters[name] > 0) still.delete(name);
      }
      assert.deepEqual([...still], []);
    });
  });
}
