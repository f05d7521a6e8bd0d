/** Modern loss recovery: RACK-TLP, PRR, undo. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FLAG, TIMER } from "../../host/stack.js";
import { opt } from "../harness/codec.js";
import { Bench, MSS, SMALL } from "../harness/bench.js";
import { MODERN, RTT, acks, flight, nxt, open, sent, una } from "../harness/sender.js";

if (!SMALL) describe("RFC 8985: RACK", () => {
  it("8985-1 a segment is lost when one that was sent later has arrived, "
      + "and a quarter of the round trip has passed", () => {
    const b = open();
    b.write(10 * MSS);
    assert.equal(sent(b).length, 10);
    b.advance(RTT);
    acks(b, 1, [2, 3]);
    assert.deepEqual(sent(b), [], "it may only be late");
    b.advance(24);
    assert.deepEqual(sent(b), []);
    b.advance(2);
    assert.deepEqual(sent(b), [1]);
    assert.equal(b.info.flags & FLAG.recovery, FLAG.recovery, "fast recovery");
  });

  it("8985-1 three segments that arrived above it leave no room for doubt", () => {
    const b = open();
    flight(b, 10);
    acks(b, 1, [2, 5]);
    assert.deepEqual(sent(b), [1]);
  });

  it("8985-1 a retransmission that is lost is sent again, without a time-out", () => {
    const b = open({}, { prr: false });
    flight(b, 20);
    acks(b, 1, [2, 8]);
    assert.deepEqual(sent(b), [1, 11, 12, 13]);
    b.advance(RTT);
    // What was sent after the retransmission has arrived; the retransmission has not.
    acks(b, 1, [2, 14]);
    assert.equal(sent(b)[0], 1);
    assert.equal(b.count("TCPTimeouts"), 0);
  });

  it("8985-2 the reordering timer sees to what no other ACK would show", () => {
    const b = open();
    flight(b, 2);
    acks(b, 1, [2, 3]);
    assert.equal(b.info.timerKind, TIMER.REORDER);
    b.advance(26);
    assert.deepEqual(sent(b), [1]);
  });

  it("8985-2 the reordering timer ends with the block that it asks, "
      + "when no range is left to note what is sent again", () => {
    const b = open({ rangesMax: 4 });
    for (const [segments, ms] of [[2, 30], [1, 10], [1, RTT]] as const) {
      b.write(segments * MSS);
      b.advance(ms);
    }
    b.clear();
    // The first two are lost, the third may only be late, and the first of the two takes a range of its own.
    acks(b, 1, [4, 5]);
    assert.equal(sent(b)[0], 1);
    assert.equal(b.info.timerKind, TIMER.RETRANSMIT, "the retransmission timer");
    b.advance(RTT);
    acks(b, 5);
    assert.equal(una(b), 5);
    assert.equal(b.stack.pools().rangesFree, 4);
  });

  it("reordering that was seen is waited for, however many segments have arrived above", () => {
    const b = open();
    flight(b, 10);
    acks(b, 1, [2, 3]);
    acks(b, 3);
    sent(b);
    acks(b, 3, [4, 9]);
    assert.equal(b.count("TCPFastRetrans"), 0);
    acks(b, 9);
    assert.equal(b.count("TCPFastRetrans"), 0, "it was late only");
  });

  it("8985-1 two segments that arrived above it may be early, three may not", () => {
    for (const n of [2, 3]) {
      const b = open();
      flight(b, 10);
      acks(b, 1, [2, 2 + n]);
      assert.deepEqual(sent(b), n === 3 ? [1] : []);
    }
  });

  /** Segments one by one, so that the round-trip time is what it was. */
  const calm = (b: Bench): void => {
    for (let i = 0; i < 16; i++) {
      b.write(MSS);
      b.advance(RTT);
      acks(b, una(b) + 1);
    }
    b.clear();
  };

  /** A segment is sent again although it had arrived, as `times` D-SACKs say within one round. */
  const spurious = (b: Bench, times = 1): void => {
    const n = una(b);
    flight(b, 10);
    acks(b, n, [n + 1, n + 9]);
    // What is waited for is not taken for lost before its time.
    for (let ms = 0; ms <= RTT && !sent(b).includes(n); ms++) b.advance(1);
    for (let i = 0; i < times; i++) acks(b, n + 9, [n, n + 1]);
    acks(b, n + 10);
    calm(b);
  };

  /**
   * After how many ms, beyond the round trip, a segment that is missing is sent again; one is known to have arrived
   * above it.
   */
  const patience = (b: Bench): number => {
    const n = una(b);
    flight(b, 3);
    acks(b, n, [n + 1, n + 2]);
    let ms = 0;
    for (; !sent(b).includes(n) && ms < 1000; ms++) b.advance(1);
    acks(b, n + 3);
    calm(b);
    return ms;
  };

  /** A window that stays as it is, so that the figures are those of RACK alone. */
  const STEADY = { undo: false, prr: false, noisyLink: true } as const;

  it("8985-1 each round with a D-SACK adds a quarter of the round trip, up to a whole one", () => {
    const b = open({}, STEADY), waits = [patience(b)];
    for (let i = 0; i < 5; i++) {
      spurious(b);
      waits.push(patience(b));
    }
    assert.deepEqual(waits.slice(0, 4), [25, 50, 75, 100]);
    assert.ok(waits.slice(4).every((w) => w <= RTT + 1), `${waits}: SRTT at most`);
  });

  it("RFC 2883 §4.2: a first block within the second, up to its edges, is a D-SACK, too", () => {
    for (const [first, last] of [[2, 3], [1, 2], [8, 9]] as const) {
      const b = open({}, STEADY), n = una(b);
      flight(b, 10);
      acks(b, n, [n + 1, n + 9]);
      acks(b, n, [n + first, n + last], [n + 1, n + 9]);
      acks(b, n + 10);
      calm(b);
      assert.equal(patience(b), 50, `${first} to ${last}`);
    }
  });

  it("8985-1 several D-SACKs in one round count once", () => {
    const b = open({}, STEADY);
    spurious(b, 5);
    assert.equal(patience(b), 50);
  });

  it("8985-1 sixteen recoveries without a D-SACK make it as quick as before", () => {
    const b = open({}, STEADY);
    spurious(b);
    const waits = Array.from({ length: 18 }, () => patience(b));
    assert.deepEqual(waits, [...new Array<number>(15).fill(50), ...new Array<number>(3).fill(25)]);
  });

  it("a D-SACK makes it more patient", () => {
    const b = open({}, { undo: false });
    flight(b, 10);
    acks(b, 1, [2, 5]);
    assert.deepEqual(sent(b), [1]);
    // Both arrived: it had been late.
    acks(b, 11, [1, 2]);
    flight(b, 10);
    acks(b, 11, [12, 13]);
    b.advance(26);
    assert.ok(!sent(b).includes(11), "twice a quarter of the round trip by now");
    b.advance(30);
    assert.ok(sent(b).includes(11));
  });

  it("without a free block, and without ranges, a connection recovers as RFC 6675 has it", () => {
    for (const options of [{ sendersMax: 0 }, { rangesMax: 0 }]) {
      const b = open(options);
      b.write(6 * MSS);
      b.clear();
      b.advance(3000);
      // With a block, but no range for what was sent, a loss probe comes before the time-out.
      assert.ok(sent(b).includes(1), JSON.stringify(options));
      for (let n = 2; n <= 7; n++) {
        acks(b, n);
        b.advance(10);
      }
      assert.equal(b.info.sndSize, 0);
    }
  });

  /** Two connections and one block: the first is idle, the second has ten segments in flight. */
  const oneBlock = (): { b: Bench; first: number } => {
    const b = open({ sendersMax: 1 }), first = b.handle;
    b.sport++;
    b.accepted({ opts: [...opt.mss(1460), ...opt.sackOk()], win: 65535 });
    flight(b, 10);
    return { b, first };
  };

  it("a block changes hands when its connection is idle, and comes back when it has something to send", () => {
    const { b, first } = oneBlock();
    acks(b, 0, [1, 4]);
    assert.ok(sent(b).includes(0), "RACK, three segments of 1460 above");
    assert.equal(b.stack.send(first, new Uint8Array(MSS)), MSS);
    b.poll();
    assert.ok(b.out.some((s) => s.kind === "tcp" && s.data.length === MSS), "the other one sends without a block");
  });

  it("a block stays with its connection while a part of a flight is acknowledged", () => {
    const { b, first } = oneBlock();
    acks(b, 4);
    // The other one begins to send in the middle of it, and gets nothing that is in use.
    assert.equal(b.stack.send(first, new Uint8Array(MSS)), MSS);
    b.poll();
    b.clear();
    acks(b, 4, [5, 6]);
    b.advance(RTT / 4 + 2);
    assert.ok(sent(b).includes(4), "RACK, a single segment above, a quarter of a round trip ago");
  });
});

if (!SMALL) describe("RFC 8985: tail loss probes", () => {
  it("8985-3 8985-4 two round trips after the last segment, that segment is sent again, once", () => {
    const b = open();
    b.write(4 * MSS);
    b.clear();
    b.advance(2 * RTT - 5);
    assert.deepEqual(sent(b), []);
    b.advance(10);
    assert.deepEqual(sent(b), [4]);
    assert.equal(b.count("TCPLossProbes"), 1);
    b.advance(500);
    assert.deepEqual(sent(b), [], "one probe a tail; then only the time-out");
  });

  it("8985-3 a single segment may be waiting for a delayed ACK", () => {
    const b = open();
    b.write(MSS);
    b.clear();
    b.advance(2 * RTT + 190);
    assert.deepEqual(sent(b), []);
    b.advance(20);
    assert.deepEqual(sent(b), [1]);
  });

  it("RFC 6298 §5.3, RFC 8985 §7.2: the ACK that brings the first sample sets the timer that follows from it", () => {
    // The SYN-ACK was sent twice, so the handshake told nothing.
    const b = new Bench({ rtoMinMs: 300, policy: MODERN });
    const syn = { flags: "S", seq: 0, opts: [...opt.mss(1460), ...opt.sackOk()], win: 65535 };
    b.listener = b.stack.listen(8080);
    b.send(syn);
    b.accepted(syn);
    b.write(3 * MSS);
    b.advance(RTT);
    acks(b, 1).clear();
    b.advance(2 * RTT + 5);
    assert.deepEqual(sent(b), [2], "a probe after two round trips, not after the initial second");
  });

  it("RFC 8985 §7.2: while no round trip is known, the probe comes after a second", () => {
    const b = new Bench({ rtoInitialMs: 1000, policy: MODERN });
    const syn = { flags: "S", seq: 0, opts: [...opt.mss(1460), ...opt.sackOk()], win: 65535 };
    b.listener = b.stack.listen(8080);
    b.send(syn);
    b.advance(1100);
    b.accepted(syn);
    assert.equal(b.info.rtoUs, 3_000_000);
    b.write(MSS);
    b.clear();
    b.advance(1005);
    assert.deepEqual(sent(b), [0]);
  });

  it("RFC 8985 §7.2: each new segment of a flight from idle sets the probe anew, two round trips on", () => {
    const b = open({ rtoMinMs: 300 });
    b.write(5 * MSS);
    b.clear();
    b.advance(2 * RTT - 5);
    assert.deepEqual(sent(b), []);
    b.advance(10);
    assert.deepEqual(sent(b), [5]);
    assert.equal(b.count("TCPLossProbes"), 1);
  });

  it("RFC 8985 §7.2: but never beyond the time-out of the first", () => {
    const b = open({ rtoMinMs: 300 }, { noDelay: true });
    b.write(MSS);
    for (let ms = 0; ms < 290; ms += 10, b.advance(10)) b.write(10);
    b.clear();
    b.advance(15);
    assert.equal(b.count("TCPLossProbes"), 1);
  });

  it("RFC 8985 §7.2 and §7.3: where a time-out comes first, a probe is sent in its place, "
      + "and the time-out is armed anew", () => {
    const b = open({ rtoMinMs: 300 });
    b.write(MSS);
    b.clear();
    b.advance(305);
    assert.deepEqual(sent(b), [1]);
    assert.deepEqual([b.count("TCPLossProbes"), b.count("TCPTimeouts")], [1, 0]);
    b.advance(300);
    assert.deepEqual(sent(b), [1]);
    assert.deepEqual([b.count("TCPLossProbes"), b.count("TCPTimeouts")], [1, 1]);
    assert.equal(b.info.rtoUs, 600_000);
  });

  it("8985-4 the probe is something new, if there is something and the peer has room", () => {
    const b = open();
    b.write(40 * MSS);
    assert.deepEqual(sent(b).length, 10, "the window of congestion");
    b.advance(2 * RTT + 5);
    assert.deepEqual(sent(b), [11]);
  });

  it("8985-4 the probe's ACK shows what was lost", () => {
    const b = open();
    b.write(4 * MSS);
    b.advance(2 * RTT + 5);
    b.clear();
    b.advance(RTT);
    acks(b, 1, [4, 5]);
    b.advance(30);
    assert.deepEqual(sent(b), [1]);
    acks(b, 2, [4, 5]);
    assert.deepEqual(sent(b), [2, 3]);
    assert.equal(b.count("TCPTimeouts"), 0);
  });

  it("a probe leaves room for the SACK blocks that it carries", () => {
    const b = open();
    b.write(4 * MSS);
    b.send({ flags: "A", seq: 100, ack: 1 + MSS, win: 65535, data: new Uint8Array(10) });
    b.clear();
    b.advance(2 * RTT + 5);
    const probe = b.out.find((s) => s.kind === "tcp" && s.data.length > 0)!;
    assert.equal(probe.data.length, MSS - 12);
    assert.ok(probe.raw.length <= 14 + 1500);
  });

  it("8985-5 a loss that the probe repaired counts as one", () => {
    const b = open();
    b.write(4 * MSS);
    b.advance(2 * RTT + 5);
    const before = b.info.cwnd;
    b.advance(RTT);
    acks(b, 5);
    b.write(MSS);
    b.advance(RTT);
    acks(b, 6);
    assert.equal(b.count("TCPLossProbeRecovery"), 1);
    assert.ok(b.info.cwnd < before, `${b.info.cwnd} of ${before}`);
  });

  it("8985-5 a probe that was not needed does not", () => {
    const b = open();
    b.write(4 * MSS);
    b.advance(2 * RTT + 5);
    const before = b.info.cwnd;
    acks(b, 5, [4, 5]);
    b.write(MSS);
    b.advance(RTT);
    acks(b, 6);
    assert.equal(b.count("TCPLossProbeRecovery"), 0);
    assert.ok(b.info.cwnd >= before);
  });
});

if (!SMALL) describe("RFC 6937: proportional rate reduction", () => {
  it("sends in proportion to what arrives, and ends at ssthresh", () => {
    const b = open();
    b.write(40 * MSS);
    assert.equal(sent(b).length, 10);
    b.advance(RTT);
    let total = 0, most = 0;
    acks(b, 1, [2, 5]);
    for (let n = 6; n <= 11; n++) {
      const burst = sent(b).length;
      most = Math.max(most, burst);
      total += burst;
      acks(b, 1, [2, n]);
    }
    total += sent(b).length;
    const ssthresh = b.info.ssthresh / MSS;
    assert.ok(Math.abs(ssthresh - 7) < 0.1, `β = 0.7 of 10: ${ssthresh}`);
    assert.ok(total >= 7 && total <= 8, `${total} segments for the 9 that arrived`);
    assert.ok(most <= 2, `${most} at once`);
    acks(b, 40);
    assert.ok(b.info.cwnd >= b.info.ssthresh);
  });
});

if (!SMALL) describe("RFC 6937 §3.1 and §3.2: how much may be sent, to the byte", () => {
  /**
   * Ten in flight, the first of them lost, `sacked` above it arrived: in fast recovery. Returns cwnd in segments, less
   * the pipe.
   */
  const room = (b: Bench): number => (b.info.cwnd - b.info.pipe) / MSS;

  it("while more is in flight than ssthresh: ssthresh / RecoverFS of what arrived, "
      + "rounded up, less what was sent", () => {
    const b = open();
    flight(b, 10);
    acks(b, 1, [2, 5]);
    assert.deepEqual(sent(b), [1]);
    // 10 in flight, 3 arrived, 1 lost and sent again; ssthresh 7. The first retransmission is not held back.
    assert.equal(b.info.ssthresh, 7 * MSS);
    assert.equal(b.info.pipe, 7 * MSS);
    acks(b, 1, [2, 6]);
    // Now at ssthresh: what arrived, less what was sent, within ssthresh - pipe.
    assert.equal(b.info.pipe, 6 * MSS);
    assert.equal(room(b), 1);
  });

  it("in proportion, with many in flight", () => {
    const b = open({}, { cubic: false });
    // Slow start up to 20 segments; the peer's window has room for 44.
    let n = 1;
    while (b.info.cwnd < 20 * MSS) {
      b.write(200 * MSS);
      b.advance(RTT);
      n = nxt(b);
      acks(b, n);
    }
    const flight = nxt(b) - n;
    b.clear();
    b.advance(RTT);
    acks(b, n, [n + 1, n + 4]);
    assert.deepEqual(sent(b), [n]);
    let out = 1;
    const half = Math.floor(b.info.ssthresh / MSS);
    assert.equal(half, flight >> 1);
    for (let k = 5; k < flight && b.info.pipe > b.info.ssthresh; k++) {
      acks(b, n, [n + 1, n + k]);
      out += sent(b).length;
      // NewReno: one for two.
      assert.ok(Math.abs(out - (k - 1) / 2) <= 1, `${out} segments for ${k - 1}`);
    }
  });

  it("a partial acknowledgment lets one segment more out than arrived", () => {
    const b = open();
    flight(b, 30);
    // 1, 2 and 3 are lost; 4 to 10 arrived.
    acks(b, 1, [4, 11]);
    const first = sent(b);
    assert.equal(first[0], 1);
    b.advance(RTT);
    const pipe = b.info.pipe;
    acks(b, 2, [4, 11]);
    // One arrived, and SND.UNA moved: two may go.
    assert.equal(b.info.cwnd, Math.min(b.info.ssthresh, pipe - MSS + 2 * MSS));
  });
});

if (!SMALL) describe("going back on what was for nothing", () => {
  it("RFC 3522, RFC 4015: a timestamp from before the time-out says that nothing was lost", () => {
    const b = new Bench({ rtoMinMs: 300, policy: { ...MODERN, timestamps: true, tlp: false } });
    const tsVal = (): number => {
      const bytes = b.all.at(-1)!.opts.get(8)!;
      return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    };
    const ack = (n: number, ecr: number): void =>
      b.send({ flags: "A", seq: 1, ack: 1 + n, win: 65535, opts: opt.ts(2, ecr) });
    b.accepted({ opts: [...opt.mss(1460), ...opt.sackOk(), ...opt.ts(1, 0)], win: 65535 }, { opts: opt.ts(1, 0) });
    b.write(1448);
    b.advance(RTT);
    ack(1448, tsVal());
    b.write(10 * 1448);
    const before = b.info.cwnd, original = tsVal();
    b.advance(500);
    assert.equal(b.count("TCPTimeouts"), 1);
    assert.equal(b.info.cwnd, 1448);
    ack(3 * 1448, original);
    assert.equal(b.count("TCPSpuriousRTOs"), 1);
    assert.ok(b.info.cwnd >= before);
    assert.equal(b.info.flags & (FLAG.recovery | FLAG.loss), 0, "no recovery any more");
  });

  it("RFC 3708: a D-SACK for all that was sent again restores the window", () => {
    const b = open();
    b.write(10 * MSS);
    b.clear();
    const before = b.info.cwnd;
    b.advance(RTT);
    acks(b, 1, [2, 5]);
    assert.deepEqual(sent(b), [1]);
    assert.ok(b.info.cwnd < before);
    acks(b, 11, [1, 2]);
    assert.equal(b.count("TCPFullUndo"), 1);
    assert.ok(b.info.cwnd >= before, `${b.info.cwnd} of ${before}`);
    assert.equal(b.info.ssthresh, 0x3fffffff);
  });

  it("RFC 3708: also when it comes after all was acknowledged, and nothing is in flight", () => {
    const b = open();
    b.write(10 * MSS);
    const before = b.info.cwnd;
    b.advance(RTT);
    acks(b, 1, [2, 5]);
    acks(b, 11);
    assert.ok(b.info.cwnd < before && b.info.sndUna === b.info.sndNxt);
    acks(b, 11, [1, 2]);
    assert.equal(b.count("TCPFullUndo"), 1);
    assert.ok(b.info.cwnd >= before, `${b.info.cwnd} of ${before}`);
    assert.equal(b.info.ssthresh, 0x3fffffff);
  });

  it("RFC 3708: a D-SACK for one of two that were sent again restores nothing; one for both does", () => {
    for (const both of [false, true]) {
      const b = open();
      flight(b, 10);
      acks(b, 1, [3, 10]);
      acks(b, 1, [3, 11]);
      assert.deepEqual(sent(b).slice(0, 2), [1, 2]);
      acks(b, 2, [1, 2], [3, 11]);
      assert.equal(b.count("TCPFullUndo"), 0);
      if (both) acks(b, 11, [2, 3]);
      else acks(b, 11);
      assert.equal(b.count("TCPFullUndo"), both ? 1 : 0);
    }
  });

  it("RFC 5682: after a time-out, what was not sent again arrives: the ACKs had only been slow", () => {
    const b = open({ rtoMinMs: 300 }, { tlp: false });
    b.write(40 * MSS);
    b.clear();
    const before = b.info.cwnd;
    b.advance(400);
    assert.deepEqual(sent(b), [1]);
    acks(b, 2);
    const fresh = sent(b);
    assert.ok(fresh.length > 0 && fresh.every((n) => n > 10), `something new: ${fresh.join()}`);
    acks(b, 4);
    assert.equal(b.count("TCPSpuriousRTOs"), 1);
    assert.ok(b.info.ssthresh >= before);
    assert.ok(sent(b).every((n) => n > 10), "nothing is sent again");
  });

  it("RFC 5682: after a time-out that was right, the rest is sent again", () => {
    const b = open({ rtoMinMs: 300 }, { tlp: false });
    b.write(40 * MSS);
    b.clear();
    b.advance(400);
    sent(b);
    acks(b, 2);
    const fresh = sent(b).length;
    acks(b, 2, [11, 11 + fresh]);
    assert.ok(sent(b).includes(2));
    assert.equal(b.count("TCPSpuriousRTOs"), 0);
  });

  it("RFC 5682: a peer that keeps nothing beyond a gap gets the new data again too, without another time-out", () => {
    const b = open({ rtoMinMs: 300 }, { tlp: false });
    b.write(14 * MSS);
    b.clear();
    b.advance(400);
    let next = 1;
    for (let arrived = sent(b); arrived.length > 0; arrived = sent(b)) {
      for (const n of arrived) acks(b, n === next ? ++next : next);
    }
    assert.equal(next, 15);
    assert.equal(b.count("TCPTimeouts"), 1);
  });
});

if (!SMALL) describe("RFC 4821 §7.3, RFC 1191 §6.3: a path that takes more again", () => {
  /**
   * A path that takes `mtu` bytes, for `rounds` round trips; what fits is acknowledged, with SACK. Returns the sizes
   * that were seen.
   */
  const run = (b: Bench, mtu: number, rounds: number): number[] => {
    const seen: number[] = [], early = new Map<number, number>();
    for (let i = 0; i < rounds || b.info.sndSize > 0; i++) {
      if (i < rounds) b.write(8 * MSS);
      b.advance(RTT);
      assert.ok(i < 10 * rounds, "all arrives in the end");
      for (const s of b.out.splice(0).filter((x) => x.kind === "tcp" && x.data.length > 0)) {
        seen.push(s.ip.total);
        if (s.ip.total > mtu) continue;
        const seq = (s.seq - b.stackIsn) >>> 0, end = seq + s.data.length;
        let una = (b.info.sndUna - b.stackIsn) >>> 0;
        early.set(seq, end);
        for (let next = early.get(una); next !== undefined; next = early.get(una)) una = next;
        b.send({
          flags: "A", seq: 1, ack: una, win: 65535,
          opts: seq > una ? opt.sack([(b.stackIsn + seq) >>> 0, (b.stackIsn + end) >>> 0]) : [],
        });
      }
    }
    return seen;
  };

  it("is found by one larger segment, ten minutes later; one that is lost changes nothing", () => {
    const b = open({ rtoMinMs: 300 });
    run(b, 1300, 60);
    assert.equal(b.info.pathMtu, 1200);
    b.advance(500_000);
    assert.ok(run(b, 1300, 20).every((n) => n <= 1200), "not before");
    b.advance(100_000);
    const timeouts = b.count("TCPTimeouts"), seen = run(b, 1300, 20);
    assert.equal(b.info.pathMtu, 1280);
    assert.equal(seen.filter((n) => n > 1280).join(), "1400", "the next size, once; it was lost");
    assert.equal(b.count("TCPTimeouts"), timeouts);
    b.advance(600_000);
    run(b, 1500, 30);
    assert.equal(b.info.pathMtu, 1500);
  });
});
