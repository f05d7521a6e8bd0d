/** RFC 9293 §3.8.2: congestion control without SACK (RFC 5681, RFC 6582, RFC 3042). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, MSS } from "../harness/bench.js";
import { opt } from "../harness/codec.js";

describe("RFC 9293 §3.8.2, RFC 5681: congestion control", () => {
  const ackOf = (b: Bench): number => (b.info.sndNxt - b.stackIsn) >>> 0;

  it("5681-1 begins with 10 segments (RFC 6928)", () => {
    const b = new Bench().accepted();
    b.write(60000);
    assert.equal(b.out.length, 10);
  });

  it("RFC 6928 §2: ten segments, but 14,600 bytes or two segments where they are long", () => {
    for (const [mss, segments] of [[1460, 10], [2920, 5], [4000, 3], [8960, 2]] as const) {
      const b = new Bench({ mtu: 9000 }).accepted({ opts: opt.mss(mss) });
      b.write(60000);
      assert.equal(b.info.cwnd, Math.min(10 * mss, Math.max(2 * mss, 14600)), `MSS ${mss}`);
      assert.equal(b.out.filter((s) => s.kind === "tcp" && s.data.length === mss).length, segments, `MSS ${mss}`);
    }
  });

  it("5681-3 grows by a segment an ACK in slow start, by one a round trip beyond ssthresh", () => {
    const b = new Bench({ sendRing: 1 << 20 }).accepted();
    b.write(1 << 20);
    b.send({ flags: "A", seq: 1, ack: 1 + MSS });
    b.send({ flags: "A", seq: 1, ack: 1 + 3 * MSS });
    assert.equal(b.info.cwnd, 12 * MSS);
    // A time-out halves ssthresh and starts over.
    b.advance(1000);
    assert.deepEqual([b.info.cwnd, b.info.ssthresh], [MSS, (14600 + 2 * MSS) / 2]);
  });

  it("5681-4 takes half the flight as ssthresh once, however often the time-out repeats", () => {
    const b = new Bench({ pathMtuMin: 1500 }).accepted();
    b.write(14600);
    b.advance(1000);
    assert.deepEqual([b.info.ssthresh, b.info.cwnd], [7300, MSS]);
    b.advance(10_000);
    assert.deepEqual([b.info.ssthresh, b.info.cwnd], [7300, MSS]);
  });

  it("5681-5 5681-6 6582-1 6582-2 6582-3 fast retransmit and NewReno", () => {
    const b = new Bench().accepted();
    b.write(14600);
    b.clear();
    const dup = (): void => b.send({ flags: "A", seq: 1, ack: 1 });
    dup();
    dup();
    b.silent();
    // Another window is no duplicate ACK (RFC 5681 §2).
    b.send({ flags: "A", seq: 1, ack: 1, win: 65534 });
    b.silent();
    b.send({ flags: "A", seq: 1, ack: 1, win: 65534 });
    b.expect("A", { seq: 1, len: MSS });
    assert.deepEqual([b.info.ssthresh, b.info.cwnd], [7300, 7300 + 3 * MSS]);
    b.send({ flags: "A", seq: 1, ack: 1, win: 65534 });
    assert.equal(b.info.cwnd, 7300 + 4 * MSS);
    b.clear();
    // A partial ACK: the next hole at once, cwnd deflated.
    b.send({ flags: "A", seq: 1, ack: 1 + 2 * MSS, win: 65534 });
    b.expect("A", { seq: 1 + 2 * MSS, len: MSS });
    assert.equal(b.info.cwnd, 7300 + 4 * MSS - 2 * MSS + MSS);
    b.send({ flags: "A", seq: 1, ack: ackOf(b), win: 65534 });
    assert.equal(b.info.cwnd, Math.min(7300, MSS + MSS));
  });

  it("6582-4 does no fast retransmit for what was sent before a time-out", () => {
    const b = new Bench().accepted();
    b.write(14600);
    b.advance(1000);
    b.clear();
    b.send({ flags: "A", seq: 1, ack: 1 + MSS });
    b.clear();
    for (let i = 0; i < 5; i++) b.send({ flags: "A", seq: 1, ack: 1 + MSS });
    assert.equal(b.count("TCPFastRetrans"), 0);
  });

  it("RFC 3042: sends a new segment for each of the first two duplicate ACKs", () => {
    const b = new Bench().accepted();
    b.write(30000);
    b.clear();
    b.send({ flags: "A", seq: 1, ack: 1 });
    b.expect("A", { seq: 1 + 10 * MSS, len: MSS });
    b.send({ flags: "A", seq: 1, ack: 1 });
    b.expect("A", { seq: 1 + 11 * MSS, len: MSS });
    b.silent();
  });

  it("5681-7 restarts from the initial window after an idle time", () => {
    const b = new Bench({ sendRing: 1 << 18 }).accepted();
    for (let i = 0; i < 5; i++) {
      b.write(30000);
      while (b.info.sndSize > 0) b.send({ flags: "A", seq: 1, ack: ackOf(b) });
    }
    assert.ok(b.info.cwnd > 10 * MSS);
    b.advance(5000);
    b.write(10);
    assert.equal(b.info.cwnd, 10 * MSS);
  });
});
