/** RFC 9293 §3.8.5: urgent data. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, pattern } from "../harness/bench.js";
import { opt } from "../harness/codec.js";

describe("RFC 9293 §3.8.5: urgent data", () => {
  it("MUST-30 MUST-32 MUST-33 tells that it comes, and how much there is to read", () => {
    const b = new Bench().accepted();
    b.send({ flags: "UPA", seq: 1, ack: 1, up: 5, data: pattern(8) });
    assert.ok(b.had("URGENT"));
    assert.equal(b.info.urgentLeft, 5);
    b.read(3);
    assert.equal(b.info.urgentLeft, 2);
    b.events.clear();
    b.send({ flags: "UPA", seq: 9, ack: 1, up: 4, data: pattern(4, 8) });
    assert.ok(b.had("URGENT"), "the pointer moved on");
    assert.deepEqual(b.read(), pattern(9, 3), "in line");
    assert.equal(b.info.urgentLeft, 0);
  });

  it("MUST-31 MUST-62 sends urgent data of any length, the pointer naming the octet after it", () => {
    const b = new Bench({ sendRing: 1 << 18, initialWindow: 64, policy: { windowScaling: true } });
    b.accepted({ opts: [...opt.mss(1460), 1, ...opt.ws(8)] }, {});
    b.stack.send(b.handle, pattern(90_000));
    b.stack.urgent(b.handle);
    b.poll();
    const seen = b.out.filter((s) => s.data.length > 0);
    assert.ok(seen.length > 20);
    for (const s of seen) {
      const rel = (s.seq - b.stackIsn) >>> 0;
      assert.ok(s.flags.includes("U"));
      assert.equal(s.up, Math.min(90_001 - rel, 65535));
    }
  });

  it("MUST-30 what is urgent before the connection is ESTABLISHED is so afterwards, up to its last octet", () => {
    const b = new Bench().connecting();
    b.write(10);
    b.stack.urgent(b.handle);
    b.send({ flags: "SA", seq: 0, ack: 1, opts: [2, 4, 5, 180] });
    const s = b.all.find((x) => x.data.length > 0)!;
    assert.deepEqual([s.flags.includes("U"), s.up], [true, 10]);
  });

  it("ignores an urgent pointer of 0, and one in the past", () => {
    const b = new Bench().accepted();
    b.send({ flags: "UA", seq: 1, ack: 1, up: 0, data: pattern(4) });
    assert.equal(b.info.urgentLeft, 0);
    assert.deepEqual(b.read(), pattern(4));
  });
});
