/** RFC 9293 §3.7.4, §3.8, §3.9.1.2, §3.10.2, §3.10.3: sending and receiving. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EVENT, FLAG } from "../../host/stack.js";
import { DELAYS, smallRing, SMALL_RINGS, SMALL_RING_LEAST } from "../netsim/path.js";
import { Bench, SMALL, MSS, PEER, STACK, pattern } from "../harness/bench.js";
import { arp, MAC_PEER, MAC_STACK, opt } from "../harness/codec.js";

describe("RFC 9293 §3.7.4: Nagle", () => {
  it("SHLD-7 MUST-17 holds a small segment while data is outstanding, unless turned off", () => {
    const b = new Bench().accepted();
    b.write(10);
    b.expect("PA", { len: 10 });
    b.write(10);
    b.silent();
    b.send({ flags: "A", seq: 1, ack: 11 });
    b.expect("PA", { seq: 11, len: 10 });
    b.stack.setOption(b.handle, "noDelay", 1);
    b.write(10);
    b.write(10);
    b.expect("PA", { seq: 21, len: 10 });
    b.expect("PA", { seq: 31, len: 10 });
  });
});

describe("RFC 9293 §3.8.1, RFC 6298: retransmission", () => {
  it("MUST-18 6298-2 6298-3 measures the round trip and computes the RTO from it", () => {
    const b = new Bench({ rtoMinMs: 1 }).accepted({}, {}, 100);
    const sample = (ms: number): void => {
      b.write(10);
      b.nowUs += ms * 1000;
      b.send({ flags: "A", seq: 1, ack: (b.info.sndNxt - b.stackIsn) >>> 0 });
    };
    // The handshake is the first sample.
    assert.deepEqual([b.info.srttUs, b.info.rttvarUs, b.info.rtoUs], [100_000, 50_000, 300_000]);
    sample(200);
    // RTTVAR = 3/4 × 50 + 1/4 × |100 − 200| = 62.5; SRTT = 7/8 × 100 + 1/8 × 200 = 112.5; RTO = 112.5 + 4 × 62.5.
    assert.deepEqual([b.info.srttUs, b.info.rttvarUs, b.info.rtoUs], [112_500, 62_500, 362_500]);
  });

  it("RFC 6298 §3: a handshake is timed, but not by a SYN-ACK that was sent twice", () => {
    const opening = (between: (b: Bench) => void): Bench => {
      const b = new Bench({ rtoMinMs: 1 });
      const listener = b.stack.listen(8080);
      b.send({ flags: "S", seq: 0 });
      between(b);
      b.send({ flags: "A", seq: 1, ack: 1 });
      b.handle = b.stack.accept(listener);
      return b;
    };
    const timed = opening((b) => b.advance(70));
    assert.deepEqual([timed.info.srttUs, timed.info.rtoUs], [70_000, 210_000]);
    assert.equal(opening((b) => b.advance(1100)).info.srttUs, 0, "by its timer");
    const again = opening((b) => {
      b.advance(70);
      b.send({ flags: "S", seq: 0 });
    });
    assert.equal(again.info.srttUs, 0, "since the SYN came again");
  });

  it("MUST-19 6298-4 6298-7 6298-8 retransmits the earliest segment, doubling the RTO each time", () => {
    const b = new Bench({ pathMtuMin: 1500 }).accepted();
    b.write(3000);
    b.clear();
    const times: number[] = [], start = b.nowUs;
    for (let i = 0; i < 160; i++) {
      b.advance(100);
      for (const s of b.out.splice(0)) {
        assert.equal((s.seq - b.stackIsn) >>> 0, 1);
        times.push((b.nowUs - start) / 1e6);
      }
    }
    assert.deepEqual(times, [1, 3, 7, 15]);
    assert.equal(b.info.cwnd, MSS);
  });

  it("6298-5 caps the RTO at 60 s", () => {
    const b = new Bench().accepted();
    b.write(10);
    b.advance(200_000);
    assert.equal(b.info.rtoUs, 60_000_000);
  });

  it("6298-6 takes no sample from what was sent twice (Karn)", () => {
    const b = new Bench().accepted();
    b.write(10);
    b.advance(1500);
    b.send({ flags: "A", seq: 1, ack: 11 });
    assert.equal(b.info.srttUs, 0);
  });

  it("MUST-20 SHLD-9 SHLD-10 SHLD-11 tells the application at R1 and closes at R2", () => {
    const b = new Bench().accepted();
    b.write(10);
    b.advance(3500);
    assert.ok(!b.had("STALLED"));
    b.advance(4000);
    assert.ok(b.had("STALLED"));
    b.advance(100_000);
    assert.equal(b.state, "ESTABLISHED");
    b.advance(400_000);
    assert.ok(b.had("CLOSED"));
    assert.equal(b.info.error, -9);
  });

  it("MUST-21 RFC 9293 §3.10.8: R2 can be set for a connection", () => {
    const b = new Bench().accepted();
    b.stack.setOption(b.handle, "userTimeoutMs", 5000);
    b.write(10);
    b.advance(4900);
    assert.ok(!b.had("CLOSED"));
    b.advance(4000);
    assert.ok(b.had("CLOSED"));
  });
});

describe("RFC 9293 §3.8.2, RFC 5681: congestion control", () => {
  const ackOf = (b: Bench): number => (b.info.sndNxt - b.stackIsn) >>> 0;

  it("5681-1 begins with 10 segments (RFC 6928)", () => {
    const b = new Bench().accepted();
    b.write(60000);
    assert.equal(b.out.length, 10);
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

describe("RFC 9293 §3.8.4: keep-alive", () => {
  it("answers every probe of the peer's, one a second, and of other old empty segments no more than challenges are allowed", () => {
    for (const [before, ms, least, most] of [[1, 1000, 30, 30], [1, 0, 10, 20], [2, 0, 1, 10]] as const) {
      const b = new Bench().accepted();
      for (let i = 0; i < 30; i++) {
        b.send({ flags: "A", seq: 1 - before, ack: 1 });
        b.advance(ms);
      }
      const answers = b.out.filter((s) => s.flags === "A").length;
      assert.ok(answers >= least && answers <= most, `${answers} ACKs for SEQ = RCV.NXT - ${before}`);
    }
  });

  it("does nothing for a connection that has left for TIME-WAIT", () => {
    const b = new Bench({ neighbourMs: 1000, timeWaitMs: 600_000 }).accepted();
    b.stack.shutdown(b.handle);
    b.poll();
    b.send({ flags: "FA", seq: 1, ack: 2 });
    assert.equal(b.state, "TIME-WAIT");
    b.stack.setOption(b.handle, "keepIdleS", 1);
    b.stack.setOption(b.handle, "keepAlive", true);
    b.answersArp = false;
    b.advance(300_000);
    assert.equal(b.count("TCPKeepAlive"), 0);
    b.stack.abort(b.handle);
    b.poll();
    b.frame(arp(2, { mac: MAC_PEER, ip: PEER }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
    assert.equal(b.stack.pools().connections, 0);
  });

  it("MUST-25 is off by default", () => {
    const b = new Bench().accepted();
    b.advance(24 * 3600_000);
    b.silent();
    assert.equal(b.state, "ESTABLISHED");
  });

  it("MUST-24 MUST-26 MUST-28 SHLD-12 MAY-5 probes after two hours of silence, without data", () => {
    const b = new Bench().accepted();
    b.stack.setOption(b.handle, "keepAlive", 1);
    b.advance(7_199_000);
    b.silent();
    b.advance(1000);
    b.expect("A", { seq: 0, len: 0 });
    b.send({ flags: "A", seq: 1, ack: 1 });
    b.advance(7_199_000);
    b.silent();
  });

  it("MUST-27 MUST-29 its interval can be set, and no single unanswered probe ends a connection", () => {
    const b = new Bench().accepted();
    b.stack.setOption(b.handle, "keepAlive", 1);
    b.stack.setOption(b.handle, "keepIdleS", 10);
    b.stack.setOption(b.handle, "keepIntervalS", 2);
    assert.equal(b.code(() => b.stack.setOption(b.handle, "keepProbes", 1)), "ARGUMENT");
    b.stack.setOption(b.handle, "keepProbes", 2);
    b.advance(10_000);
    b.expect("A", { seq: 0 });
    b.advance(2000);
    b.expect("A", { seq: 0 });
    assert.equal(b.state, "ESTABLISHED");
    b.advance(2000);
    assert.equal(b.info.error, -9);
  });

  it("MUST-26 waits while data is outstanding", () => {
    const b = new Bench().accepted();
    b.stack.setOption(b.handle, "keepAlive", 1);
    b.stack.setOption(b.handle, "keepIdleS", 1);
    b.write(10);
    b.advance(20_000);
    assert.equal(b.count("TCPKeepAlive"), 0);
  });
});

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

describe("RFC 9293 §3.8.6: windows", () => {
  it("RFC 9293 §3.8.6.2.2: without window scaling, too, a window is told again, however large the ring", () => {
    for (const recvRing of [65536, 131072, 262144, 1 << 20]) {
      const b = new Bench({ recvRing, rxSlots: 64 }).accepted();
      // The application takes nothing, until 100 bytes of the window are left.
      let next = 1;
      for (let left = Infinity; left > 100; left = (b.info.rcvAdv - b.info.rcvNxt) >>> 0) {
        const size = Math.min(MSS, ((b.info.rcvAdv - b.info.rcvNxt) >>> 0) - 100);
        b.send({ flags: "A", seq: next, ack: 1, data: new Uint8Array(size) });
        next += size;
      }
      b.advance(1000);
      b.clear();
      b.read();
      assert.ok(b.expect("A", { ack: next }).win > 60_000, `${recvRing}`);
    }
  });

  it("MUST-34 SHLD-15 SHLD-16 lives with a window that shrinks", () => {
    const b = new Bench().accepted();
    b.write(20000);
    b.clear();
    b.send({ flags: "A", seq: 1, ack: 1, win: 2000 });
    b.send({ flags: "A", seq: 1, ack: 1 + MSS, win: 2000 });
    b.silent();
    b.advance(1000);
    const s = b.next();
    assert.ok(((s.seq - b.stackIsn) >>> 0) + s.data.length <= 1 + MSS + 2000);
  });

  it("MUST-35 SHLD-17 probes a window that shrank to zero over data in flight, and does not give up", () => {
    const b = new Bench().accepted();
    b.write(5000);
    b.clear();
    b.send({ flags: "A", seq: 1, ack: 1, win: 0 });
    for (let i = 0; i < 20; i++) {
      b.advance(60_000);
      for (const s of b.out.splice(0)) {
        assert.ok(s.data.length <= 1);
        b.send({ flags: "A", seq: 1, ack: 1, win: 0 });
        b.clear();
      }
    }
    assert.equal(b.state, "ESTABLISHED");
    b.send({ flags: "A", seq: 1, ack: 1, win: 60000 });
    b.advance(100);
    assert.equal(b.out.reduce((n, s) => n + s.data.length, 0), 3 * MSS, "everything that was in flight goes out again");
    assert.equal(b.info.timerKind, 1, "the retransmission timer runs again");
  });

  it("MUST-36 MUST-37 SHLD-29 SHLD-30 probes a zero window after one RTO, with backoff, for as long as it is answered", () => {
    const b = new Bench().accepted({ win: 0 }, { win: 0 });
    b.write(1000);
    const gaps: number[] = [];
    let last = b.nowUs;
    while (b.nowUs < last + 3600e6 && gaps.length < 30) {
      b.advance(100);
      for (const s of b.out.splice(0)) {
        assert.equal(s.data.length, 1);
        gaps.push(Math.round((b.nowUs - last) / 1e6));
        last = b.nowUs;
        b.send({ flags: "A", seq: 1, ack: 1, win: 0 });
        b.clear();
      }
    }
    assert.deepEqual(gaps.slice(0, 8), [1, 2, 4, 8, 16, 32, 60, 60]);
    assert.equal(b.state, "ESTABLISHED", "far beyond R2");
    b.send({ flags: "A", seq: 1, ack: 1, win: 5000 });
    b.expect("PA", { seq: 1, len: 1000 });
  });

  it("a probe that was accepted is not sent again", () => {
    const b = new Bench().accepted({ win: 0 }, { win: 0 });
    b.write(100);
    b.advance(1000);
    b.expect("A", { seq: 1, len: 1 });
    b.send({ flags: "A", seq: 1, ack: 2, win: 5000 });
    b.expect("PA", { seq: 2, len: 99 });
  });

  it("when a probe was accepted and nothing is left to send, the persist timer ends, and the connection stays", () => {
    const b = new Bench().accepted({}, { win: 0 });
    b.write(1);
    b.advance(1500);
    b.expect("PA", { seq: 1, len: 1 });
    b.send({ flags: "A", seq: 1, ack: 2, win: 0 });
    b.clear();
    b.advance(400_000);
    b.silent("nothing, since there is nothing to send,");
    assert.equal(b.state, "ESTABLISHED");
    // What comes later is probed for, and sent, as ever.
    b.write(100);
    b.silent();
    b.advance(1500);
    b.expect("A", { seq: 2, len: 1 });
    b.send({ flags: "A", seq: 1, ack: 3, win: 5000 });
    b.expect("PA", { seq: 3, len: 99 });
  });

  it("so it does when the last octets were in flight as the window closed", () => {
    const b = new Bench().accepted({}, { win: 1000 });
    b.write(100);
    b.expect("PA", { seq: 1, len: 100 });
    // All of it arrived; the peer says so of the first half only, and closes its window.
    b.send({ flags: "A", seq: 1, ack: 51, win: 0 });
    b.advance(5000);
    b.send({ flags: "A", seq: 1, ack: 101, win: 0 });
    b.clear();
    b.advance(400_000);
    b.silent("nothing, since there is nothing to send,");
    assert.equal(b.state, "ESTABLISHED");
  });

  it("a FIN that waits behind a closed window is probed for when all text has arrived, too", () => {
    const b = new Bench().accepted({}, { win: 0 });
    b.write(1);
    b.stack.shutdown(b.handle);
    b.advance(1500);
    b.expect("PA", { seq: 1, len: 1 });
    b.send({ flags: "A", seq: 1, ack: 2, win: 0 });
    b.advance(1500);
    b.expect("FA", { seq: 2, len: 0 });
    for (let i = 0; i < 20; i++) {
      b.send({ flags: "A", seq: 1, ack: 2, win: 0 });
      b.clear();
      b.advance(60_000);
      b.expect("FA", { seq: 2, len: 0 });
    }
    b.send({ flags: "A", seq: 1, ack: 3, win: 0 });
    assert.equal(b.state, "FIN-WAIT-2");
  });

  it("MUST-38 sends no small segments into a window that opens by little", () => {
    const b = new Bench().accepted({ win: 1500 }, { win: 1500 });
    b.write(20000);
    b.expect("A", { len: MSS });
    b.silent();
    b.send({ flags: "A", seq: 1, ack: 1 + MSS, win: 200 });
    b.send({ flags: "A", seq: 1, ack: 1 + MSS, win: 500 });
    b.silent();
    b.send({ flags: "A", seq: 1, ack: 1 + MSS, win: 1460 });
    b.expect("A", { len: MSS });
  });

  it("RFC 9293 §3.8.6.2.1: into a window that stays small it sends after one RTO each time, without backoff, since each is acknowledged", () => {
    const b = new Bench().accepted({ win: 4000 }, { win: 4000 });
    b.write(MSS);
    b.expect("PA", { len: MSS });
    // The peer takes what it got, and has a tenth of the room from now on.
    let next = 1 + MSS;
    b.send({ flags: "A", seq: 1, ack: next, win: 400 });
    b.write(4000);
    b.silent();
    for (let i = 0; i < 6; i++) {
      b.advance(1100);
      b.expect("A", { seq: next, len: 400 });
      next += 400;
      b.send({ flags: "A", seq: 1, ack: next, win: 400 });
      b.silent();
    }
  });

  for (const policy of [{ sack: true, rack: !SMALL }, { sack: false, rack: false }]) {
    it(`the window closes during recovery, and opens with all but one octet acknowledged (${JSON.stringify(policy)})`, () => {
      const b = new Bench({ sendersMax: 1, policy }).accepted({ opts: [...opt.mss(1460), ...opt.sackOk()] });
      b.write(6 * MSS);
      b.clear();
      // Three duplicates, or what they tell by SACK: the first segment is lost.
      for (let i = 2; i < 5; i++) {
        b.send({ flags: "A", seq: 1, ack: 1, opts: policy.sack ? opt.sack([b.stackIsn + 1 + MSS, b.stackIsn + 1 + i * MSS]) : [] });
      }
      b.advance(100);
      assert.equal(b.info.flags & FLAG.recovery, FLAG.recovery, "fast recovery");
      b.send({ flags: "A", seq: 1, ack: 1, win: 0 });
      b.advance(3000);
      const last = 6 * MSS;
      b.write(3000);
      b.clear();
      for (let i = 0; i < 5; i++) b.send({ flags: "A", seq: 1, ack: last });
      assert.ok(b.expect("A", { seq: last }).data.length > 1, "the octet goes out with what follows it");
      assert.equal(b.info.flags & FLAG.recovery, 0, "with nothing in flight nothing was lost");
    });
  }

  it("RFC 7323 §2.4: a window that was told as 0, since it is below a unit of its field, is told again when the ring is empty", () => {
    const b = new Bench({ recvRing: 8192, windowScale: 13, policy: { windowScaling: true } });
    b.accepted({ opts: [...opt.mss(1460), ...opt.ws(0)] });
    b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(1) });
    b.advance(500);
    assert.equal(b.expect("A", { ack: 2 }).win, 0);
    b.read();
    b.advance(0);
    assert.equal(b.expect("A", { ack: 2 }).win, 1);
  });

  it("MUST-39 SHLD-14 opens its window in steps of a segment or half the ring, and never moves the edge left", () => {
    const b = new Bench({ recvRing: 8000 }).accepted({ win: 65535 });
    let seq = 1, edge = 0;
    const note = (): void => {
      for (const s of b.all.splice(0)) {
        const right = ((s.ack - b.peerIsn) >>> 0) + s.win;
        assert.ok(right >= edge, `the edge moved from ${edge} to ${right}`);
        assert.ok(right === edge || right - edge >= MSS || edge === 0, `the edge moved by ${right - edge}`);
        edge = right;
      }
    };
    for (let i = 0; i < 200; i++) {
      const room = edge === 0 ? 1000 : edge - seq;
      const n = Math.min(room, 1 + (i * 37) % 900);
      if (n > 0) {
        b.send({ flags: "PA", seq, ack: 1, data: pattern(n, seq) });
        seq += n;
      }
      note();
      b.read(i % 3 === 0 ? 2000 : 50);
      note();
      b.advance(50);
      note();
    }
    assert.ok(edge > 16000);
  });

  it("MUST-66 takes ACK, RST and URG while its own window is zero", () => {
    const b = new Bench({ recvRing: 2000 }).accepted();
    b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(1000) });
    b.send({ flags: "PA", seq: 1001, ack: 1, data: pattern(1000, 1000) });
    assert.equal(b.info.rcvWnd, 0);
    b.write(100);
    b.clear();
    b.send({ flags: "A", seq: 2001, ack: 101 });
    assert.equal(b.info.sndUna, b.info.sndNxt, "the ACK counts");
    b.send({ flags: "A", seq: 2001, ack: 101, data: pattern(1) });
    b.expect("A", { ack: 2001, win: 0 });
    b.send({ flags: "UA", seq: 2001, ack: 101, up: 10 });
    assert.ok(b.had("URGENT"));
    b.send({ flags: "R", seq: 2001 });
    assert.equal(b.info.error, -8);
    assert.ok(b.had("CLOSED"));
  });
});

describe("RFC 9293 §3.8.6.3: acknowledgments", () => {
  it("MUST-40 SHLD-18 SHLD-19 5681-9 delays an ACK by less than 0.5 s, and sends one for every second full segment", () => {
    const b = new Bench().accepted();
    b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(100) });
    b.silent();
    b.advance(499);
    b.expect("A", { ack: 101 });
    b.send({ flags: "A", seq: 101, ack: 1, data: pattern(MSS) });
    b.silent();
    b.send({ flags: "A", seq: 101 + MSS, ack: 1, data: pattern(MSS) });
    b.expect("A", { ack: 101 + 2 * MSS });
  });

  if (!SMALL) it("acknowledges full segments one by one at the beginning, when the policy says so, and lone small ones never at once", () => {
    const b = new Bench({ policy: { quickAcks: true } }).accepted();
    b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(100) });
    b.silent();
    b.advance(499);
    b.expect("A", { ack: 101 });
    for (let i = 0; i < 15; i++) {
      b.send({ flags: "A", seq: 101 + i * MSS, ack: 1, data: pattern(MSS) });
      b.expect("A", { ack: 101 + (i + 1) * MSS });
      b.read();
      b.clear();
    }
    b.send({ flags: "A", seq: 101 + 15 * MSS, ack: 1, data: pattern(MSS) });
    b.silent("the beginning is over");
    b.send({ flags: "A", seq: 101 + 16 * MSS, ack: 1, data: pattern(MSS) });
    b.expect("A", { ack: 101 + 17 * MSS });
  });

  it("MUST-58 MUST-59 acknowledges a batch of segments once", () => {
    const b = new Bench().accepted();
    b.batch(...Array.from({ length: 8 }, (_, i) => b.make({ flags: "A", seq: 1 + i * 1000, ack: 1, data: pattern(1000, i * 1000) })));
    b.expect("A", { ack: 8001 });
    b.silent();
  });

  it("5681-8 SHLD-31 MAY-13 acknowledges at once what is out of order, and what fills a gap", () => {
    const b = new Bench().accepted();
    b.send({ flags: "A", seq: 1001, ack: 1, data: pattern(1000, 1000) });
    b.expect("A", { ack: 1 });
    b.send({ flags: "A", seq: 3001, ack: 1, data: pattern(500, 3000) });
    b.expect("A", { ack: 1 });
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(1000) });
    b.expect("A", { ack: 2001 });
    b.send({ flags: "A", seq: 2001, ack: 1, data: pattern(1000, 2000) });
    b.expect("A", { ack: 3501 });
    assert.deepEqual(b.read(), pattern(3500));
  });
});

describe("RFC 9293 §3.9.1.2: PSH", () => {
  it("MUST-60 MUST-61 SHLD-27 SHLD-28 sends what it has, in full segments, PSH on the last one", () => {
    const b = new Bench().accepted();
    b.write(4000);
    b.expect("A", { len: MSS });
    b.expect("A", { len: MSS });
    b.silent("Nagle holds the rest while data is outstanding");
    b.send({ flags: "A", seq: 1, ack: 1 + 2 * MSS });
    b.expect("PA", { len: 4000 - 2 * MSS });
  });
});

describe("the segment text (RFC 9293 §3.10.7.4, seventh)", () => {
  it("takes overlapping and repeated text once", () => {
    const b = new Bench().accepted();
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(100) });
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(100) });
    b.send({ flags: "A", seq: 51, ack: 1, data: pattern(100, 50) });
    b.send({ flags: "A", seq: 301, ack: 1, data: pattern(100, 300) });
    b.send({ flags: "A", seq: 121, ack: 1, data: pattern(250, 120) });
    assert.deepEqual(b.read(), pattern(400));
  });

  it("cuts off what lies beyond the window", () => {
    const b = new Bench({ recvRing: 1000 }).accepted();
    b.send({ flags: "FA", seq: 1, ack: 1, data: pattern(1400) });
    assert.deepEqual(b.read(), pattern(1000));
    assert.equal(b.state, "ESTABLISHED");
  });

  it("keeps a FIN that comes before its text", () => {
    const b = new Bench().accepted();
    b.send({ flags: "FA", seq: 101, ack: 1, data: pattern(50, 100) });
    assert.equal(b.state, "ESTABLISHED");
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(100) });
    assert.equal(b.state, "CLOSE-WAIT");
    assert.deepEqual(b.read(), pattern(150));
    assert.equal(b.read()!.length, 0);
  });
});

describe("room in the send ring (RFC 9293 §3.9.1.2)", () => {
  it("is told to whoever filled it, when there is some again, and to nobody else", () => {
    const b = new Bench({ sendRing: 1024, policy: { noDelay: true } }).accepted(), told = (): boolean => ((b.events.get(b.handle) ?? 0) & EVENT.WRITABLE) !== 0;
    b.write(100);
    b.send({ flags: "A", seq: 1, ack: 101 });
    assert.ok(!told(), "nobody waits");
    // Up to the ring's end, and to its last byte.
    assert.equal(b.write(924), 924);
    assert.equal(b.write(100), 100);
    assert.ok(!told(), "it is full");
    b.send({ flags: "A", seq: 1, ack: 1125 });
    assert.ok(told(), "there is room");
  });
});

describe("turns", () => {
  it("a connection sends 32 segments, then the next one has its turn", () => {
    const b = new Bench({ initialWindow: 100, sendRing: 65536, txSlots: 256, policy: { noDelay: true } });
    const handles: number[] = [];
    for (const sport of [40000, 40001]) {
      b.sport = sport;
      b.accepted({ opts: [2, 4, 1, 0], win: 65535 }, { win: 65535 });
      handles.push(b.handle);
    }
    for (const h of handles) b.stack.send(h, pattern(100 * 256));
    b.poll();
    const runs: number[] = [];
    let last = 0;
    for (const s of b.out.filter((x) => x.kind === "tcp")) {
      if (s.dport === last) runs[runs.length - 1]!++;
      else runs.push(1);
      last = s.dport;
    }
    assert.equal(runs.reduce((a, n) => a + n, 0), 200);
    assert.ok(runs.every((n) => n <= 32) && runs.length >= 7, `${runs}`);
  });
});

describe("RFC 9293 §3.8.6.3, §3.7.4: small send rings", () => {
  it("no peer's delayed ACK stops a sender, whatever its ring", () => {
    const slow = SMALL_RINGS.flatMap((ring) => DELAYS.map((delay) => ({ ring, delay, share: smallRing(ring, delay, 20) }))).filter((x) => x.share < SMALL_RING_LEAST);
    assert.deepEqual(slow, []);
  });

  it("what follows the first half of a ring goes out beside it, but not more", () => {
    const b = new Bench({ sendRing: MSS }).accepted();
    b.write(1000);
    assert.deepEqual(b.out.map((s) => s.data.length), [MSS / 2, 1000 - MSS / 2]);
    b.write(10);
    assert.equal(b.out.length, 2, "Nagle holds it");
    b.send({ flags: "A", seq: 1, ack: 1001 });
    assert.equal(b.out.at(-1)!.data.length, 10);
  });
});

describe("RFC 4821, RFC 8899: a path that swallows large packets in silence", () => {
  /** Takes what fits on the path, acknowledges it, and says what it saw; loses the rest. */
  const path = (b: Bench, mtu: number, ms: number): number[] => {
    const seen: number[] = [];
    let got = 1;
    for (let t = 0; t < ms; t += 50) {
      b.advance(50);
      for (const s of b.out.splice(0).filter((x) => x.kind === "tcp" && x.data.length > 0)) {
        seen.push(s.ip.total);
        const seq = (s.seq - b.stackIsn) >>> 0;
        if (s.ip.total > mtu) continue;
        if (seq <= got) got = Math.max(got, seq + s.data.length);
        b.stack.pushFrame(b.make({ flags: "A", seq: 1, ack: got, win: 65535 }));
      }
      b.stack.send(b.handle, new Uint8Array(65536));
    }
    return seen;
  };

  if (!SMALL) it("smaller segments come through after three time-outs", () => {
    for (const mtu of [1499, 1400, 1200, 600]) {
      const b = new Bench({ rtoMinMs: 300, sendRing: 65536, rxSlots: 64 }).accepted({ win: 65535 }, {}, 50);
      path(b, mtu, mtu < 1200 ? 60_000 : 10_000);
      assert.ok(b.info.pathMtu <= mtu, `${b.info.pathMtu} of ${mtu}`);
      assert.equal(b.info.pathMtu, mtu >= 1200 ? 1200 : 552);
      const before = b.info.sndUna;
      path(b, mtu, 1000);
      assert.ok(((b.info.sndUna - before) >>> 0) > 10_000, "it flows");
    }
  });

  it("small segments that are lost tell nothing of it", () => {
    const b = new Bench({ rtoMinMs: 300 }).accepted({}, {}, 50);
    b.write(500);
    b.advance(20_000);
    assert.ok(b.count("TCPTimeouts") > 3);
    assert.equal(b.info.pathMtu, 1500);
  });
});
