/** Peers that lie to the sender: bounded work and memory, and no window that they could blow up. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { opt } from "../harness/codec.js";
import { Bench, MSS, SMALL } from "../harness/bench.js";
import { MODERN, RTT, acks, flight, nxt, open, sent } from "../harness/sender.js";

if (!SMALL) describe("peers that lie to the sender", () => {
  it("hundreds of one-byte holes: bounded work, bounded memory", () => {
    const b = open({ rangesMax: 512 });
    b.write(10 * MSS);
    for (let i = 0; i < 1000; i++) {
      const at = (b.stackIsn + 1 + MSS + 1 + 2 * i) >>> 0;
      b.send({ flags: "A", seq: 1, ack: 1 + MSS, win: 65535, opts: opt.sack([at, (at + 1) >>> 0]) });
    }
    assert.ok(512 - b.stack.pools().rangesFree <= 64, `${512 - b.stack.pools().rangesFree} ranges`);
    b.advance(60_000);
    assert.ok(b.count("tcpRetransSegs") < 2000);
    acks(b, 11);
    b.advance(100);
    assert.equal(b.stack.pools().rangesFree, 512);
  });

  it("a flood of D-SACKs: the reordering window stays below the round-trip time, "
      + "the window of congestion is not blown up", () => {
    const b = open();
    for (let i = 0; i < 500; i++) acks(b, 1, [0, 1]);
    const before = b.info.cwnd;
    flight(b, 10);
    for (let i = 0; i < 500; i++) acks(b, 1, [0, 1], [2, 5]);
    b.advance(RTT + 10);
    assert.ok(sent(b).includes(1), "found to be lost within a round trip");
    assert.ok(b.info.cwnd <= before);
  });

  it("ACK division: many ACKs for one segment grow the window by no more than one would", () => {
    const one = open(), many = open();
    for (const b of [one, many]) b.write(12 * MSS);
    one.advance(RTT);
    many.advance(RTT);
    acks(one, 2);
    for (let i = 1; i <= MSS; i += 10) many.send({ flags: "A", seq: 1, ack: 1 + MSS + i, win: 65535 });
    acks(many, 2);
    assert.ok(many.info.cwnd <= one.info.cwnd, `${many.info.cwnd}, ${one.info.cwnd}`);
  });

  it("optimistic ACKs: what was never sent cannot be acknowledged", () => {
    const b = open();
    b.write(2 * MSS);
    const { cwnd } = b.info;
    for (let n = 4; n < 400; n++) acks(b, n);
    assert.equal(b.info.cwnd, cwnd);
    assert.equal((b.info.sndNxt - b.info.sndUna) >>> 0, 2 * MSS);
  });

  it("a tiny MSS with SACK (CVE-2019-11477, -11478, -11479): segments of 48 bytes at least, "
      + "and ranges within their bound", () => {
    const b = new Bench({ policy: MODERN, rangesMax: 128 }).accepted({
      opts: [...opt.mss(1), ...opt.sackOk()], win: 65535,
    });
    b.write(40_000);
    assert.ok(b.out.every((s) => s.data.length === 0 || s.data.length >= 48));
    for (let i = 1; i < 400; i += 2) {
      const at = (b.stackIsn + 1 + i * 8) >>> 0;
      b.send({ flags: "A", seq: 1, ack: 1, win: 65535, opts: opt.sack([at, (at + 8) >>> 0]) });
    }
    assert.ok(128 - b.stack.pools().rangesFree <= 64);
    b.advance(10_000);
    assert.ok(b.out.filter((s) => s.data.length > 0).every((s) => s.data.length >= 8));
  });

  it("a receiver that reneges: what it had selectively acknowledged is sent again", () => {
    const b = open({ rtoMinMs: 300 });
    flight(b, 6);
    acks(b, 1, [2, 7]);
    assert.deepEqual(sent(b), [1]);
    // The hole is filled, and nothing of what lay above it was kept.
    acks(b, 2);
    b.advance(3000);
    assert.equal(sent(b)[0], 2);
    for (let n = 3; n <= 7; n++) {
      acks(b, n);
      b.advance(400);
    }
    assert.equal(b.info.sndSize, 0);
  });

  it("a window that shrinks, and one that stays closed for ever", () => {
    const b = open({ userTimeoutMs: 10_000 });
    b.write(10 * MSS);
    b.send({ flags: "A", seq: 1, ack: 1 + MSS, win: 2 * MSS });
    b.clear();
    b.advance(400);
    assert.ok(sent(b).every((n) => n < 4), "nothing beyond the new edge");
    b.send({ flags: "A", seq: 1, ack: 1 + MSS, win: 0 });
    for (let i = 0; i < 100; i++) {
      b.advance(5000);
      b.send({ flags: "A", seq: 1, ack: 1 + MSS, win: 0 });
    }
    assert.equal(b.state, "ESTABLISHED");
    acks(b, 1);
    b.advance(5000);
    for (let i = 0; i < 20 && b.info.sndSize > 0; i++) {
      acks(b, nxt(b));
      b.advance(RTT);
    }
    assert.equal(b.info.sndSize, 0);
  });

  it("reordering beyond RACK's window is taken for loss, and nothing worse", () => {
    const b = open();
    let next = 1;
    for (let i = 0; i < 20; i++) {
      b.write(8 * MSS);
      b.advance(RTT);
      acks(b, next, [next + 1, next + 2]);
      b.advance(2 * RTT);
      next = nxt(b);
      acks(b, next);
    }
    for (let i = 0; i < 50 && b.info.sndSize > 0; i++) {
      b.advance(RTT);
      acks(b, nxt(b));
    }
    assert.equal(b.info.sndSize, 0);
    assert.ok(b.count("tcpRetransSegs") <= 20 * 6);
  });

  it("an octet that was in flight when the window closed is not counted twice when it opens again", () => {
    const b = open();
    b.write(1);
    b.send({ flags: "A", seq: 1, ack: 1 + MSS, win: 0 });
    b.advance(5000);
    b.send({ flags: "A", seq: 1, ack: 1 + MSS, win: 65535 });
    b.write(10 * MSS);
    b.clear();
    // Nothing is acknowledged: some time-outs, a segment each.
    b.advance(10_000);
    assert.ok(b.out.length < 10, `${b.out.length} segments`);
    for (let i = 0; i < 40 && b.info.sndSize > 0; i++) {
      b.send({ flags: "A", seq: 1, ack: (b.info.sndNxt - b.stackIsn) >>> 0, win: 65535 });
      b.advance(RTT);
    }
    assert.equal(b.info.sndSize, 0);
  });

  it("timestamps that jump move the round-trip time by no more than what the segments tell", () => {
    const b = open({}, { timestamps: true });
    const { rto } = b.info;
    b.write(4 * MSS);
    b.advance(RTT);
    b.send({ flags: "A", seq: 1, ack: 1 + 5 * MSS, win: 65535, opts: opt.ts(0x7000_0000, 1) });
    assert.ok(b.info.rto <= Math.max(rto, 1_000_000), `${b.info.rto}`);
  });
});
