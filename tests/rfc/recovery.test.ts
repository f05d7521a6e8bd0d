/** Modern loss recovery and congestion control: RACK-TLP, PRR, undo, CUBIC, HyStart++, pacing; and what cannot harm them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FLAG } from "../../host/stack.js";
import { opt } from "../harness/codec.js";
import { Bench, MSS, SMALL, type BenchOptions } from "../harness/bench.js";

const MODERN = { sack: true, rack: true, tlp: true, prr: true, undo: true, cubic: true, hystart: false } as const;
const RTT = 100;

/** A connection whose round trip of 100 ms is known, with nothing in flight and an initial window of ten segments. */
function open(options: BenchOptions = {}, policy: BenchOptions["policy"] = {}): Bench {
  const b = new Bench({ sendRing: 256 * MSS, ...options, policy: { ...MODERN, ...policy } }).accepted({ opts: [...opt.mss(1460), ...opt.sackOk(), ...(policy.timestamps ? opt.ts(1, 0) : [])], win: 65535 }, policy.timestamps ? { opts: opt.ts(1, 0) } : {});
  b.write(MSS);
  b.advance(RTT);
  return acks(b, 1).clear();
}

/** Acknowledges up to segment `n`, counted from 0, with SACK blocks in segments. */
function acks(b: Bench, n: number, ...list: [number, number][]): Bench {
  b.send({ flags: "A", seq: 1, ack: 1 + n * MSS, win: 65535, opts: list.length === 0 ? [] : opt.sack(...list.map(([x, y]) => [x, y].map((k) => (b.stackIsn + 1 + k * MSS) >>> 0) as [number, number])) });
  return b;
}

/** The segments that came, counted from 0. */
function sent(b: Bench): number[] {
  const list = b.out.filter((s) => s.kind === "tcp" && s.data.length > 0).map((s) => ((s.seq - b.stackIsn - 1) >>> 0) / MSS);
  b.clear();
  return list;
}

if (!SMALL) {
  describe("RFC 8985: RACK", () => {
    it("8985-1 a segment is lost when one that was sent later has arrived, and a quarter of the round trip has passed", () => {
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
      b.write(10 * MSS);
      b.clear();
      b.advance(RTT);
      acks(b, 1, [2, 5]);
      assert.deepEqual(sent(b), [1]);
    });

    it("8985-1 a retransmission that is lost is sent again, without a time-out", () => {
      const b = open({}, { prr: false });
      b.write(20 * MSS);
      b.clear();
      b.advance(RTT);
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
      b.write(2 * MSS);
      b.clear();
      b.advance(RTT);
      acks(b, 1, [2, 3]);
      assert.equal(b.info.timerKind, 3);
      b.advance(26);
      assert.deepEqual(sent(b), [1]);
    });

    it("reordering that was seen is waited for, however many segments have arrived above", () => {
      const b = open();
      b.write(10 * MSS);
      b.clear();
      b.advance(RTT);
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
        b.write(10 * MSS);
        b.clear();
        b.advance(RTT);
        acks(b, 1, [2, 2 + n]);
        assert.deepEqual(sent(b), n === 3 ? [1] : []);
      }
    });

    /** SND.UNA in segments, counted from 0. */
    const una = (b: Bench): number => ((b.info.sndUna - b.stackIsn - 1) >>> 0) / MSS;

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
      b.write(10 * MSS);
      b.clear();
      b.advance(RTT);
      acks(b, n, [n + 1, n + 9]);
      // What is waited for is not taken for lost before its time.
      for (let ms = 0; ms <= RTT && !sent(b).includes(n); ms++) b.advance(1);
      for (let i = 0; i < times; i++) acks(b, n + 9, [n, n + 1]);
      acks(b, n + 10);
      calm(b);
    };

    /** After how many ms, beyond the round trip, a segment that is missing is sent again; one is known to have arrived above it. */
    const patience = (b: Bench): number => {
      const n = una(b);
      b.write(3 * MSS);
      b.clear();
      b.advance(RTT);
      acks(b, n, [n + 1, n + 2]);
      let ms = 0;
      while (!sent(b).includes(n) && ms < 1000) b.advance(1), ms++;
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
      b.write(10 * MSS);
      b.clear();
      b.advance(RTT);
      acks(b, 1, [2, 5]);
      assert.deepEqual(sent(b), [1]);
      // Both arrived: it had been late.
      acks(b, 11, [1, 2]);
      b.write(10 * MSS);
      b.clear();
      b.advance(RTT);
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
        assert.equal(sent(b)[0], 1, JSON.stringify(options));
        for (let n = 2; n <= 7; n++) {
          acks(b, n);
          b.advance(10);
        }
        assert.equal(b.info.sndSize, 0);
      }
    });

    it("a block changes hands when its connection is idle, and comes back when it has something to send", () => {
      const b = open({ sendersMax: 1 });
      const first = b.handle;
      b.sport++;
      b.accepted({ opts: [...opt.mss(1460), ...opt.sackOk()], win: 65535 });
      b.write(10 * MSS);
      b.clear();
      b.advance(RTT);
      acks(b, 0, [1, 4]);
      assert.ok(sent(b).includes(0), "RACK, three segments of 1460 above");
      assert.equal(b.stack.send(first, new Uint8Array(MSS)), MSS);
      b.poll();
      assert.ok(b.out.some((s) => s.kind === "tcp" && s.data.length === MSS), "the other one sends without a block");
    });
  });

  describe("RFC 8985: tail loss probes", () => {
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

  describe("RFC 6937: proportional rate reduction", () => {
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

  describe("RFC 6937 §3.1 and §3.2: how much may be sent, to the byte", () => {
    /** Ten in flight, the first of them lost, `sacked` above it arrived: in fast recovery. Returns cwnd in segments, less the pipe. */
    const room = (b: Bench): number => (b.info.cwnd - b.info.pipe) / MSS;

    it("while more is in flight than ssthresh: ssthresh / RecoverFS of what arrived, rounded up, less what was sent", () => {
      const b = open();
      b.write(10 * MSS);
      b.clear();
      b.advance(RTT);
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
        n = Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS);
        acks(b, n);
      }
      const flight = Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS) - n;
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
      b.write(30 * MSS);
      b.clear();
      b.advance(RTT);
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

  describe("going back on what was for nothing", () => {
    it("RFC 3522, RFC 4015: a timestamp from before the time-out says that nothing was lost", () => {
      const b = new Bench({ rtoMinMs: 300, policy: { ...MODERN, timestamps: true, tlp: false } });
      const tsVal = (): number => {
        const bytes = b.all.at(-1)!.opts.get(8)!;
        return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
      };
      const ack = (n: number, ecr: number): void => b.send({ flags: "A", seq: 1, ack: 1 + n, win: 65535, opts: opt.ts(2, ecr) });
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

    it("RFC 3708: a D-SACK for one of two that were sent again restores nothing; one for both does", () => {
      for (const both of [false, true]) {
        const b = open();
        b.write(10 * MSS);
        b.clear();
        b.advance(RTT);
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
  });

  describe("RFC 9438: CUBIC", () => {
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
      next = Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS);
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

  describe("RFC 9406: HyStart++", () => {
    it("round-trip times that grow end slow start before anything is lost", () => {
      const b = open({ sendRing: 1024 * MSS }, { hystart: true });
      let next = 1, late = 0;
      for (let i = 0; i < 12 && b.info.ssthresh === 0x3fffffff; i++) {
        b.write(200 * MSS);
        b.advance(RTT + late);
        const una = Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS);
        for (; next < una; next++) acks(b, next + 1);
        b.clear();
        late += 20;
      }
      assert.ok(b.info.ssthresh < 0x3fffffff, "slow start is over");
      assert.equal(b.count("tcpRetransSegs"), 0);
    });

    /** More than any window here takes. */
    const PLENTY = new Uint8Array(200 * MSS);

    /** One round: all that is in flight is acknowledged, one by one, `ms` after it was sent. Returns by how much each ACK let the window grow, in segments. */
    const round = (b: Bench, ms: number): number[] => {
      const grown: number[] = [], top = Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS);
      b.advance(ms);
      for (let n = Math.floor(((b.info.sndUna - b.stackIsn - 1) >>> 0) / MSS); n < top; n++) {
        const { cwnd } = b.info;
        acks(b, n + 1);
        grown.push((b.info.cwnd - cwnd) / MSS);
        b.write(PLENTY);
      }
      b.clear();
      return grown;
    };

    it("§4.2 and §4.3: eight samples that are an eighth longer make it conservative: a quarter of the growth, for five rounds", () => {
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
          const b = new Bench({ sendRing: 1024 * MSS, policy: { ...MODERN, hystart: true } }).accepted({ opts: [...opt.mss(1460), ...opt.sackOk()], win: 65535 });
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

  describe("pacing", () => {
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

  describe("RFC 7661, RFC 2861: a window that was not used", () => {
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
        const una = Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS);
        for (; next < una; next++) acks(b, next + 1);
      }
      b.advance(RTT);
      acks(b, Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS));
      while (b.info.sndSize > 0) {
        b.advance(RTT);
        acks(b, Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS));
      }
      const before = b.info.cwnd;
      b.advance(1500);
      b.write(MSS);
      assert.ok(b.info.cwnd < before && b.info.cwnd >= before / 2 - MSS, `${before}, then ${b.info.cwnd}`);
    });

    it("RFC 2861 §3.1: what it was is remembered by ssthresh, three quarters of it; not in the first slow start", () => {
      const b = open({ sendRing: 1024 * MSS }), top = (): number => Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS);
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

  describe("peers that lie to the sender", () => {
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

    it("a flood of D-SACKs: the reordering window stays below the round-trip time, the window of congestion is not blown up", () => {
      const b = open();
      for (let i = 0; i < 500; i++) acks(b, 1, [0, 1]);
      const before = b.info.cwnd;
      b.write(10 * MSS);
      b.clear();
      b.advance(RTT);
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

    it("a tiny MSS with SACK (CVE-2019-11477, -11478, -11479): segments of 48 bytes at least, and ranges within their bound", () => {
      const b = new Bench({ policy: MODERN, rangesMax: 128 }).accepted({ opts: [...opt.mss(1), ...opt.sackOk()], win: 65535 });
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
      b.write(6 * MSS);
      b.clear();
      b.advance(RTT);
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
        acks(b, Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS));
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
        next = Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS);
        acks(b, next);
      }
      for (let i = 0; i < 50 && b.info.sndSize > 0; i++) {
        b.advance(RTT);
        acks(b, Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS));
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
}
