/** Congestion control: CUBIC, HyStart++, pacing, and a window that was not used. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { opt } from "../harness/codec.js";
import { Bench, MSS, SMALL, type BenchOptions } from "../harness/bench.js";
import { MODERN, RTT, acks, nxt, open, sent, una } from "../harness/sender.js";

if (!SMALL) describe("RFC 9438: CUBIC", () => {
  /** Loses one segment at a window of about `segments`; returns ssthresh as a share of what was in flight. */
  const lose = (policy: BenchOptions["policy"]): number => {
    const b = open({}, policy);
    b.write(12 * MSS);
    const flight = (b.info.sndNxt - b.info.sndUna) >>> 0;
    b.advance(RTT);
    acks(b, 1, [2, 6]);
    return b.info.ssthresh / flight;
  };

  it("a loss leaves 0.7 of what is in flight; NewReno leaves half", () => {
    assert.ok(Math.abs(lose({}) - 0.7) < 0.01);
    assert.ok(Math.abs(lose({ cubic: false }) - 0.5) < 0.01);
  });

  it("grows back towards where the loss was, quickly at first, slowly near it, and then beyond it", () => {
    const b = open({ sendRing: 1024 * MSS, rangesMax: 512 }, {});
    let next = 1;
    const round = (): void => {
      b.write(200 * MSS);
      b.advance(RTT);
      const una = ((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS;
      for (; next + 2 <= una; next += 2) acks(b, next + 2);
      b.clear();
    };
    for (let i = 0; i < 2; i++) round();
    const wMax = b.info.cwnd;
    const lost = next;
    acks(b, lost, [lost + 1, lost + 6]);
    b.advance(RTT);
    next = nxt(b);
    acks(b, next);
    const grew: number[] = [];
    for (let i = 0; i < 60; i++) {
      const before = b.info.cwnd;
      round();
      grew.push(b.info.cwnd - before);
    }
    assert.ok(b.info.cwnd > wMax || b.info.cwnd > 0.9 * 65535, `${b.info.cwnd}, W_max ${wMax}`);
    assert.ok(grew.every((g) => g >= 0));
  });
});

if (!SMALL) describe("RFC 9406: HyStart++", () => {
  it("round-trip times that grow end slow start before anything is lost", () => {
    const b = open({ sendRing: 1024 * MSS }, { hystart: true });
    let next = 1, late = 0;
    for (let i = 0; i < 12 && b.info.ssthresh === 0x3fffffff; i++) {
      b.write(200 * MSS);
      b.advance(RTT + late);
      const una = nxt(b);
      for (; next < una; next++) acks(b, next + 1);
      b.clear();
      late += 20;
    }
    assert.ok(b.info.ssthresh < 0x3fffffff, "slow start is over");
    assert.equal(b.count("tcpRetransSegs"), 0);
  });

  /** More than any window here takes. */
  const PLENTY = new Uint8Array(200 * MSS);

  /**
   * One round: all that is in flight is acknowledged, one by one, `ms` after it was sent. Returns by how much each ACK
   * let the window grow, in segments.
   */
  const round = (b: Bench, ms: number): number[] => {
    const grown: number[] = [], top = nxt(b);
    b.advance(ms);
    for (let n = una(b); n < top; n++) {
      const { cwnd } = b.info;
      acks(b, n + 1);
      grown.push((b.info.cwnd - cwnd) / MSS);
      b.write(PLENTY);
    }
    b.clear();
    return grown;
  };

  it("§4.2 and §4.3: eight samples that are an eighth longer make it conservative: "
      + "a quarter of the growth, for five rounds", () => {
    for (const [ms, conservative] of [[112, false], [113, true]] as const) {
      const b = open({ sendRing: 1024 * MSS }, { hystart: true });
      b.write(PLENTY);
      b.clear();
      assert.ok(round(b, RTT).every((g) => g === 1));
      const grown = round(b, ms), quiet = grown.findIndex((g) => g < 1);
      if (!conservative) {
        assert.equal(quiet, -1, `${grown}`);
        continue;
      }
      assert.equal(quiet, 7, `${grown}`);
      assert.ok(grown.slice(quiet).every((g) => g === 0.25), `${grown}`);
      let rounds = 1;
      for (; b.info.ssthresh === 0x3fffffff && rounds < 20; rounds++) round(b, ms);
      assert.equal(rounds, 5, "rounds in which it grows by a quarter");
    }
  });

  it("§4.2: it was only jitter when a round is quicker again", () => {
    const b = open({ sendRing: 1024 * MSS }, { hystart: true });
    b.write(PLENTY);
    b.clear();
    round(b, RTT);
    round(b, 130);
    const grown = round(b, RTT);
    assert.equal(grown[0], 0.25);
    assert.equal(grown.at(-1), 1);
    assert.equal(b.info.ssthresh, 0x3fffffff);
  });

  it("§4.3: the threshold is 4 ms at least and 16 at most", () => {
    for (const [rtt, below, above] of [[10, 13, 15], [200, 215, 217]] as const) {
      for (const ms of [below, above]) {
        const b = new Bench({ sendRing: 1024 * MSS, policy: { ...MODERN, hystart: true } }).accepted(
          { opts: [...opt.mss(1460), ...opt.sackOk()], win: 65535 }, {}, rtt,
        );
        b.write(MSS);
        b.advance(rtt);
        acks(b, 1).clear();
        b.write(PLENTY);
        b.clear();
        round(b, rtt);
        assert.equal(round(b, ms).some((g) => g < 1), ms === above, `${rtt} ms, then ${ms}`);
      }
    }
  });
});

if (!SMALL) describe("pacing", () => {
  it("spreads a flight over the round trip", () => {
    const b = open({}, { pacing: true });
    b.write(10 * MSS);
    const first = sent(b).length;
    assert.ok(first < 6, `${first} at once`);
    b.advance(RTT / 4);
    const quarter = sent(b).length;
    assert.ok(quarter > 2 && first + quarter < 10, `${quarter} in a quarter of the round trip`);
    b.advance(RTT / 2);
    assert.equal(first + quarter + sent(b).length, 10);
  });
});

if (!SMALL) describe("RFC 7661, RFC 2861: a window that was not used", () => {
  it("does not grow while something else holds the sender back", () => {
    const b = open();
    const before = b.info.cwnd;
    for (let i = 0, n = 1; i < 20; i++) {
      b.write(MSS);
      b.advance(RTT);
      acks(b, ++n);
    }
    assert.equal(b.info.cwnd, before);
  });

  it("is halved for each time-out that goes by without a word", () => {
    const b = open({ sendRing: 1024 * MSS });
    let next = 1;
    for (let i = 0; i < 2; i++) {
      b.write(100 * MSS);
      b.advance(RTT);
      const una = nxt(b);
      for (; next < una; next++) acks(b, next + 1);
    }
    b.advance(RTT);
    acks(b, nxt(b));
    while (b.info.sndSize > 0) {
      b.advance(RTT);
      acks(b, nxt(b));
    }
    const before = b.info.cwnd;
    b.advance(1500);
    b.write(MSS);
    assert.ok(b.info.cwnd < before && b.info.cwnd >= before / 2 - MSS, `${before}, then ${b.info.cwnd}`);
  });

  it("RFC 5681 §4.1: and when the peer speaks first after the silence", () => {
    const grown = (policy: BenchOptions["policy"]): Bench => {
      const b = open({ sendRing: 1024 * MSS }, policy);
      for (let i = 0; i < 4; i++) {
        b.write(100 * MSS);
        b.advance(RTT);
        acks(b, nxt(b));
      }
      while (b.info.sndSize > 0) {
        b.advance(RTT);
        acks(b, nxt(b));
      }
      return b;
    };
    for (const policy of [{}, { rack: false }]) {
      const b = grown(policy), before = b.info.cwnd;
      b.advance(3400);
      b.send({ flags: "PA", seq: 1, ack: 1 + nxt(b) * MSS, win: 65535, data: new Uint8Array(10) });
      b.clear();
      b.write(100 * MSS);
      assert.ok(before > 20 * MSS && b.info.cwnd <= 10 * MSS, `${before}, then ${b.info.cwnd}`);
    }
  });

  it("RFC 7661 §4.2: slow start goes on through a round in which half of the window was in flight", () => {
    const b = open();
    b.write(6 * MSS);
    b.advance(RTT);
    // The first ACK: 6 of 10 in flight. The others come when less is left, and count as well, up to twice of what was.
    for (let n = 2; n <= 7; n++) acks(b, n);
    assert.equal(b.info.cwnd, 12 * MSS);
    b.write(5 * MSS);
    b.advance(RTT);
    for (let n = 8; n <= 12; n++) acks(b, n);
    assert.equal(b.info.cwnd, 12 * MSS, "less than half of it");
  });

  it("RFC 2861 §3.1: what it was is remembered by ssthresh, three quarters of it; not in the first slow start", () => {
    const b = open({ sendRing: 1024 * MSS }), top = (): number => nxt(b);
    const rounds = (n: number): void => {
      for (let i = 0; i < n; i++) {
        b.write(100 * MSS);
        b.advance(RTT);
        acks(b, top());
      }
      while (b.info.sndSize > 0) {
        b.advance(RTT);
        acks(b, top());
      }
    };
    rounds(2);
    const first = b.info.ssthresh;
    b.advance(1500);
    b.write(MSS);
    assert.equal(b.info.ssthresh, first, "as high as ever");
    rounds(1);
    // A loss; then a window that grows beyond what it left.
    const n = top();
    b.write(10 * MSS);
    b.advance(RTT);
    acks(b, n, [n + 1, n + 9]);
    b.advance(RTT);
    acks(b, n + 10);
    rounds(12);
    const { cwnd, ssthresh } = b.info;
    assert.ok(cwnd * 0.75 > ssthresh, `it grew: ${cwnd}, ${ssthresh}`);
    b.advance(1500);
    b.write(MSS);
    assert.equal(b.info.ssthresh, cwnd - (cwnd >> 2));
  });
});
