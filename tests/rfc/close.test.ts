/** RFC 9293 §3.6, §3.10.4 – §3.10.6, §3.10.7.4, §3.10.8: closing, resets, TIME-WAIT. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { Bench, PEER, STACK, pattern, SMALL } from "../harness/bench.js";
import { opt } from "../harness/codec.js";

/** The stack has closed first; both FINs are acknowledged. */
function timeWait(options = {}, synOpts: number[] = [], ts?: (n: number) => number[]): Bench {
  const b = new Bench(options).accepted(
    { opts: synOpts.length > 0 ? synOpts : opt.mss(1460) }, ts ? { opts: ts(1) } : {},
  );
  b.stack.close(b.handle);
  b.poll();
  b.expect("FA", { seq: 1, ack: 1 });
  b.send({ flags: "A", seq: 1, ack: 2, ...(ts ? { opts: ts(2) } : {}) });
  assert.equal(b.state, "FIN-WAIT-2");
  b.send({ flags: "FA", seq: 1, ack: 2, ...(ts ? { opts: ts(3) } : {}) });
  b.expect("A", { seq: 2, ack: 2 });
  assert.equal(b.state, "TIME-WAIT");
  return b;
}

describe("RFC 9293 §3.6: closing", () => {
  it("MUST-12 tells a normal close from a reset", () => {
    const b = new Bench().accepted();
    b.send({ flags: "FA", seq: 1, ack: 1 });
    assert.ok(b.had("END"));
    assert.equal(b.read()!.length, 0);
    const c = new Bench().accepted();
    c.send({ flags: "R", seq: 1 });
    assert.ok(c.had("CLOSED"));
    assert.equal(c.code(() => c.stack.receive(c.handle)), "RESET");
  });

  it("MAY-1 closes its sending side and goes on receiving", () => {
    const b = new Bench().accepted();
    b.stack.shutdown(b.handle);
    b.poll();
    b.expect("FA", { seq: 1 });
    assert.equal(b.code(() => b.stack.send(b.handle, pattern(1))), "CLOSED");
    b.send({ flags: "A", seq: 1, ack: 2 });
    b.send({ flags: "A", seq: 1, ack: 2, data: pattern(100) });
    assert.deepEqual(b.read(), pattern(100));
    assert.equal(b.state, "FIN-WAIT-2");
  });

  it("sends what is queued before its FIN, after the handle is gone", () => {
    const b = new Bench().accepted();
    b.stack.send(b.handle, pattern(5000));
    b.stack.close(b.handle);
    assert.equal(b.code(() => b.stack.send(b.handle, pattern(1))), "HANDLE");
    b.poll();
    const sizes = b.out.map((s) => [s.flags, s.data.length]);
    assert.deepEqual(sizes, [["A", 1460], ["A", 1460], ["A", 1460], ["FPA", 620]]);
    assert.equal(b.state, "FIN-WAIT-1");
  });

  it("closes passively: CLOSE-WAIT, LAST-ACK, CLOSED", () => {
    const b = new Bench().accepted();
    b.send({ flags: "FA", seq: 1, ack: 1 });
    b.expect("A", { ack: 2 });
    assert.equal(b.state, "CLOSE-WAIT");
    b.stack.close(b.handle);
    b.poll();
    b.expect("FA", { seq: 1, ack: 2 });
    assert.equal(b.state, "LAST-ACK");
    b.send({ flags: "A", seq: 2, ack: 2 });
    assert.equal(b.state, "LISTEN");
    assert.equal(b.stack.pools().connections, 0);
  });

  it("closes simultaneously: CLOSING, TIME-WAIT", () => {
    const b = new Bench().accepted();
    b.stack.close(b.handle);
    b.poll();
    b.expect("FA", { seq: 1 });
    b.send({ flags: "FA", seq: 1, ack: 1 });
    assert.equal(b.state, "CLOSING");
    b.expect("A", { seq: 2, ack: 2 });
    b.send({ flags: "A", seq: 2, ack: 2 });
    assert.equal(b.state, "TIME-WAIT");
  });

  it("goes from FIN-WAIT-1 to TIME-WAIT when FIN and ACK come together", () => {
    const b = new Bench().accepted();
    b.stack.close(b.handle);
    b.poll();
    b.clear();
    b.send({ flags: "FA", seq: 1, ack: 2 });
    assert.equal(b.state, "TIME-WAIT");
    b.expect("A", { seq: 2, ack: 2 });
  });

  it("SHLD-3 resets when data is unread at close, or comes after it", () => {
    const b = new Bench().accepted();
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(10) });
    b.stack.close(b.handle);
    b.poll();
    b.expectReset({ seq: b.stackIsn + 1 });
    const c = new Bench().accepted();
    c.stack.close(c.handle);
    c.poll();
    c.expect("FA");
    c.send({ flags: "A", seq: 1, ack: 2, data: pattern(10) });
    c.expectReset();
    assert.equal(c.stack.pools().connections, 0);
  });

  it("retransmits its FIN", () => {
    const b = new Bench().accepted();
    b.stack.close(b.handle);
    b.poll();
    b.expect("FA", { seq: 1 });
    b.advance(1000);
    b.expect("FA", { seq: 1 });
  });

  it("gives up an orphan in FIN-WAIT-2 after a time", () => {
    const b = new Bench({ finWait2Ms: 5000 }).accepted();
    b.stack.close(b.handle);
    b.poll();
    b.send({ flags: "A", seq: 1, ack: 2 });
    b.advance(4900);
    assert.equal(b.state, "FIN-WAIT-2");
    b.advance(200);
    assert.equal(b.stack.pools().connections, 0);
  });

  for (const period of [6, 14, 36]) it("RFC 9293 §3.8.3: an orphan is given up after R2, "
      + `though its peer opens and closes its window every ${period} s`, () => {
    const b = new Bench().accepted({}, { win: 1000 });
    b.stack.setOption(b.handle, "userTimeoutMs", 20_000);
    b.write(2000);
    b.stack.close(b.handle);
    b.poll();
    const second = (s: number, ack: number): void => {
      b.advance(1000);
      b.send({ flags: "A", seq: 1, ack, win: s % period < period / 2 ? 0 : 1000 });
      b.clear();
    };
    // As long as something new is acknowledged, it goes on.
    for (let s = 0; s < 60; s++) {
      second(s, 1 + Math.floor(s / 10));
      assert.equal(b.stack.pools().connections, 1, `after ${s} s`);
    }
    for (let s = 0; s < 25; s++) second(s, 6);
    assert.equal(b.stack.pools().connections, 0);
  });

  it("RFC 9293 §3.8.3: the time of an orphan counts from its close, not from before", () => {
    const b = new Bench().accepted();
    b.stack.setOption(b.handle, "userTimeoutMs", 20_000);
    b.advance(3_600_000);
    b.stack.close(b.handle);
    b.poll();
    b.expect("FA", { seq: 1 });
    b.advance(15_000);
    assert.equal(b.state, "FIN-WAIT-1");
    b.advance(10_000);
    assert.equal(b.stack.pools().connections, 0);
  });

  it("RFC 9293 §3.10.5: ABORT sends a RST and frees everything", () => {
    const b = new Bench().accepted();
    b.write(3000);
    b.clear();
    b.stack.abort(b.handle);
    b.poll();
    b.expectReset({ seq: b.stackIsn + 1 + 2920 });
    assert.equal(b.stack.pools().connections, 0);
  });

  it("RFC 9293 §3.4: a RST, and ACKs, stay at the edge of a window that is closed over what was sent, "
      + "where the peer takes them", () => {
    const b = new Bench().accepted();
    b.send({ flags: "A", seq: 1, ack: 1, win: 0 });
    b.write(3000);
    b.clear();
    // A window probe is one octet beyond the edge.
    while (b.out.length === 0) b.advance(1000);
    assert.equal(b.out.shift()!.data.length, 1);
    b.send({ flags: "PA", seq: 1, ack: 1, win: 0, data: Uint8Array.of(1, 2, 3) });
    b.advance(500);
    b.expect("A", { seq: 1, ack: 4 });
    b.clear();
    b.stack.abort(b.handle);
    b.poll();
    b.expectReset({ seq: b.stackIsn + 1 });
  });

  it("RFC 9293 §3.10.5: ABORT in LAST-ACK sends a RST while bytes are unacknowledged, "
      + "so that their loss is known; else none", () => {
    for (const size of [100, 0]) {
      const b = new Bench().accepted();
      b.send({ flags: "FA", seq: 1, ack: 1 });
      b.write(size);
      b.stack.shutdown(b.handle);
      b.poll();
      assert.equal(b.state, "LAST-ACK");
      b.clear();
      b.stack.abort(b.handle);
      b.poll();
      if (size > 0) b.expectReset({ seq: b.stackIsn + 1 + size + 1 });
      assert.deepEqual([b.out.length, b.stack.pools().connections], [0, 0]);
    }
  });

  it("RFC 9293 §3.10.6: STATUS tells the connection's variables", () => {
    const b = new Bench().accepted();
    assert.deepEqual([b.info.stateName, b.info.iss, b.info.irs], ["ESTABLISHED", b.stackIsn, b.peerIsn]);
  });
});

describe("RFC 9293 §3.6.1: TIME-WAIT", () => {
  it("MUST-13 lasts 2 MSL, acknowledges a late FIN and starts over with it, then forgets", () => {
    const b = timeWait({ timeWaitMs: 60_000 });
    b.advance(50_000);
    b.send({ flags: "FA", seq: 1, ack: 2 });
    b.expect("A", { seq: 2, ack: 2 });
    b.advance(59_000);
    assert.equal(b.state, "TIME-WAIT");
    b.advance(1100);
    assert.equal(b.state, "LISTEN");
    b.send({ flags: "FA", seq: 1, ack: 2 });
    b.expectReset();
  });

  it("holds no TCB, and makes room by ending the oldest", () => {
    const b = timeWait({ timeWaitMax: 3 });
    assert.deepEqual([b.stack.pools().connections, b.stack.pools().timeWaitFree], [0, 2]);
    const first = b.sport;
    b.clear();
    for (let i = 1; i <= 3; i++) {
      b.sport = first + i;
      b.accepted();
      b.stack.close(b.handle);
      b.poll();
      b.send({ flags: "FA", seq: 1, ack: 2 });
      assert.equal(b.state, "TIME-WAIT");
      b.clear();
    }
    const states = [0, 1, 2, 3].map((i) => b.stack.flowState(STACK, b.dport, PEER, first + i));
    assert.deepEqual(states, ["LISTEN", "TIME-WAIT", "TIME-WAIT", "TIME-WAIT"]);
    assert.equal(b.count("TWKilled"), 1);
  });

  it("MAY-2 SHLD-4 6191-1 takes a new SYN beyond the old connection, its ISS beyond the old one's", () => {
    const b = timeWait();
    const oldNxt = b.stackIsn + 2;
    b.send({ flags: "S", seq: 1 });
    b.expect("A", { seq: 2, ack: 2 });
    b.send({ flags: "S", seq: 5000 });
    const s = b.next();
    assert.equal(s.flags, "SA");
    assert.ok(((s.seq - oldNxt) >>> 0) < 0x80000000 && s.seq !== oldNxt);
    assert.equal(b.state, "SYN-RECEIVED");
  });

  it("RFC 9293 §3.10.7.4: the ISS after TIME-WAIT is beyond what was sent, wherever in the space that lies", () => {
    // Text that is sent faster than the clock of ISNs runs, 250 kB/s: what that says now lies among the old numbers.
    const size = 20_000;
    const opened = (b: Bench): void => {
      b.accepted({ win: 65535 }, { win: 65535 });
      assert.equal(b.write(size), size, "all of it goes into the ring");
      for (let acked = 2921; acked < size + 2921; acked += 2920) {
        b.send({ flags: "A", seq: 1, ack: Math.min(acked, size + 1), win: 65535 });
      }
      b.stack.close(b.handle);
      b.poll();
      b.send({ flags: "FA", seq: 1, ack: size + 2 });
      assert.equal(b.state, "TIME-WAIT");
      b.clear();
    };
    for (const from of [-size - 3, -size + 1000, -size / 2, -100, -1, 0, 2 ** 31 - size / 2, 12345]) {
      const b = new Bench({ initialWindow: 20, timeWaitMs: 1000 });
      opened(b);
      // The number of this four-tuple grows by one in 4 µs.
      b.advance(1100);
      const probe = new Bench({ initialWindow: 20, timeWaitMs: 1000 });
      probe.accepted();
      const ticks = (from - probe.stackIsn) >>> 0;
      b.nowUs = probe.nowUs + 4 * ticks;
      b.poll();
      opened(b);
      assert.ok(Math.abs((b.stackIsn - from) | 0) < 1000, `the old ISS is near ${from}`);
      const sndNxt = b.stackIsn + size + 2;
      b.send({ flags: "S", seq: 100_000 });
      const s = b.next();
      assert.equal(s.flags, "SA");
      assert.ok(((s.seq - sndNxt) | 0) >= 0, `ISS from ${from}: ${(s.seq - sndNxt) | 0}`);
    }
  });

  it("6191-1 with timestamps, newer ones decide", () => {
    const ts = (n: number): number[] => [...opt.ts(1000 + n, 0)];
    const b = timeWait({ policy: { timestamps: true } }, [...opt.mss(1460), ...opt.ts(1000, 0)], ts);
    b.send({ flags: "S", seq: 5000, opts: opt.ts(900, 0) });
    b.expect("A", { ack: 2 });
    b.send({ flags: "S", seq: 0, opts: opt.ts(2000, 0) });
    assert.equal(b.next().flags, "SA");
  });

  if (!SMALL) it("1337-1 ignores a RST, or takes it by policy", () => {
    const b = timeWait();
    b.send({ flags: "R", seq: 2 });
    assert.equal(b.state, "TIME-WAIT");
    const c = timeWait({ policy: { rstEndsTimeWait: true } });
    c.send({ flags: "R", seq: 100 });
    assert.equal(c.state, "TIME-WAIT");
    c.send({ flags: "R", seq: 2 });
    assert.equal(c.state, "LISTEN");
  });

  it("RFC 9293 §3.10.7.4, fifth: answers an empty ACK ahead of RCV.NXT, in the window too, "
      + "twice a second at most", () => {
    for (const seq of [3, 1000, 60_000, 70_000, -5]) {
      const b = timeWait();
      b.send({ flags: "A", seq, ack: 2 });
      b.expect("A", { seq: 2, ack: 2 });
      b.send({ flags: "A", seq, ack: 2 });
      b.silent("only one of two");
      b.advance(500);
      b.send({ flags: "A", seq, ack: 2 });
      b.expect("A", { seq: 2, ack: 2 });
    }
    const b = timeWait();
    b.send({ flags: "A", seq: 2, ack: 2 });
    b.silent("what is expected needs no answer");
  });

  it("RFC 6191 §2, RFC 5961 §4.2: a SYN that nobody takes is challenged, and TIME-WAIT goes on", () => {
    // Nobody listens: a client's side.
    const b = new Bench().connected();
    b.stack.close(b.handle);
    b.poll();
    b.expect("FA", { seq: 1, ack: 1 });
    b.send({ flags: "FA", seq: 1, ack: 2 });
    b.expect("A", { seq: 2, ack: 2 });
    b.send({ flags: "S", seq: 70_000 });
    b.expect("A", { seq: 2, ack: 2 });
    b.send({ flags: "FA", seq: 1, ack: 2 });
    b.expect("A", { seq: 2, ack: 2 });
    // The listener does not take this one: with FIN; there is no room.
    const c = timeWait();
    c.send({ flags: "SF", seq: 5000 });
    assert.equal(c.state, "TIME-WAIT");
    // In the small build an older record makes room, always.
    if (SMALL) return;
    const d = timeWait({ halfOpenMax: 1, cookies: 0, policy: { keepHalfOpen: true } });
    d.sport++;
    d.send({ flags: "S", seq: 0 });
    d.sport--;
    d.clear();
    d.send({ flags: "S", seq: 5000 });
    d.silent("the half-open table is full");
    assert.equal(d.state, "TIME-WAIT");
  });

  it("RFC 9293 §3.10.7.4: a RST that answers our challenge of a SYN ends it: the peer has started anew", () => {
    const b = timeWait();
    b.send({ flags: "S", seq: -100_000 });
    const challenge = b.expect("A", { seq: 2, ack: 2 });
    b.send({ flags: "R", seq: 3 });
    assert.equal(b.state, "TIME-WAIT", "only at RCV.NXT");
    b.send({ flags: "R", seq: (challenge.ack - b.peerIsn) | 0 });
    assert.equal(b.state, "LISTEN");
    b.send({ flags: "S", seq: -100_000 });
    assert.equal(b.next().flags, "SA");
  });
});

describe("RFC 5961: blind attacks", () => {
  it("5961-1 5961-2 5961-3 resets only on a RST at RCV.NXT, challenges one in the window, drops one outside", () => {
    const b = new Bench().accepted();
    b.send({ flags: "R", seq: 70000 });
    b.send({ flags: "R", seq: -1000 });
    b.silent();
    b.send({ flags: "R", seq: 2 });
    b.expect("A", { seq: 1, ack: 1 });
    assert.equal(b.state, "ESTABLISHED");
    b.send({ flags: "R", seq: 1 });
    assert.equal(b.info.error, ERR.RESET);
  });

  it("5961-4 challenges a SYN wherever it lies", () => {
    const b = new Bench().accepted();
    for (const seq of [0, 1, 2, 100000, -5000]) {
      b.send({ flags: "S", seq });
      b.expect("A", { seq: 1, ack: 1 });
    }
    assert.equal(b.state, "ESTABLISHED");
  });

  it("5961-5 MAY-12 drops data whose ACK lies outside of what can be", () => {
    const b = new Bench().accepted({ win: 1000 }, { win: 1000 });
    b.send({ flags: "A", seq: 1, ack: 2, data: pattern(5) });
    b.expect("A", { ack: 1 });
    b.send({ flags: "A", seq: 1, ack: -1000, data: pattern(5) });
    b.expect("A", { ack: 1 });
    assert.equal(b.stack.receivable(b.handle), ERR.AGAIN);
    b.send({ flags: "A", seq: 1, ack: -500, data: pattern(5) });
    assert.deepEqual(b.read(), pattern(5));
  });

  it("5961-6 limits challenges a connection, and not the answers to data and FIN", () => {
    const b = new Bench({ challengeMax: 3 }).accepted();
    for (let i = 0; i < 10; i++) b.send({ flags: "S", seq: 5 });
    assert.equal(b.out.length, 3);
    b.clear();
    for (let i = 0; i < 10; i++) b.send({ flags: "FA", seq: -100, ack: 1, data: pattern(10) });
    assert.equal(b.out.length, 10);
    b.clear().advance(5000);
    b.send({ flags: "S", seq: 5 });
    assert.equal(b.out.length, 1);
  });

  if (!SMALL) it("rstInWindow, synResets, oldAcks: RFC 793's rules in their place, each alone, "
      + "and nothing outside of the window", () => {
    const rst = new Bench({ policy: { rstInWindow: true } }).accepted();
    rst.send({ flags: "R", seq: 70000 });
    rst.send({ flags: "R", seq: -1000 });
    assert.equal(rst.state, "ESTABLISHED");
    rst.send({ flags: "S", seq: 5 });
    rst.expect("A", { seq: 1, ack: 1 });
    rst.send({ flags: "R", seq: 2 });
    assert.equal(rst.info.error, ERR.RESET);

    const syn = new Bench({ policy: { synResets: true } }).accepted();
    for (const seq of [100000, -5000]) {
      syn.send({ flags: "S", seq });
      syn.expect("A", { seq: 1, ack: 1 });
    }
    syn.send({ flags: "R", seq: 2 });
    syn.expect("A", { seq: 1, ack: 1 });
    syn.send({ flags: "S", seq: 2 });
    syn.expect("RA", { seq: 1, ack: 1 });
    assert.equal(syn.info.error, ERR.RESET);

    const ack = new Bench({ policy: { oldAcks: true } }).accepted({ win: 1000 }, { win: 1000 });
    ack.send({ flags: "A", seq: 1, ack: 2, data: pattern(5) });
    ack.expect("A", { ack: 1 });
    ack.send({ flags: "A", seq: 1, ack: -1_000_000, data: pattern(5) });
    assert.deepEqual(ack.read(), pattern(5));
  });

  if (!SMALL) it("rstInWindow: a half-open connection ends by a RST in the window", () => {
    const b = new Bench({ policy: { rstInWindow: true } });
    b.stack.listen(8080);
    b.send({ flags: "S", seq: 0, win: 1000 });
    b.next();
    b.send({ flags: "R", seq: 100 });
    b.silent();
    assert.equal(b.count("tcpAttemptFails"), 1);
  });

  it("two ends do not go on acknowledging each other's ACKs", () => {
    const b = new Bench({ challengeMax: 3 }).accepted();
    for (let i = 0; i < 100; i++) b.send({ flags: "A", seq: 200000, ack: 1 });
    assert.equal(b.out.length, 3);
  });
});

describe("RFC 9293 §3.10.7.4: other states", () => {
  it("drops a segment without ACK", () => {
    const b = new Bench().accepted();
    b.send({ flags: "", seq: 1, data: pattern(10) });
    b.send({ flags: "F", seq: 1 });
    b.silent();
    assert.equal(b.state, "ESTABLISHED");
  });

  it("answers what lies outside the window with an ACK", () => {
    const b = new Bench().accepted();
    b.send({ flags: "A", seq: 100000, ack: 1, data: pattern(10) });
    b.expect("A", { seq: 1, ack: 1 });
    b.send({ flags: "A", seq: -10, ack: 1, data: pattern(5) });
    b.expect("A", { seq: 1, ack: 1 });
  });

  it("ignores text after the peer's FIN", () => {
    const b = new Bench().accepted();
    b.send({ flags: "FA", seq: 1, ack: 1 });
    b.send({ flags: "A", seq: 2, ack: 1, data: pattern(10) });
    assert.equal(b.read()!.length, 0);
    assert.equal(b.state, "CLOSE-WAIT");
  });

  it("RFC 9293 §3.10.7.4, eighth: another FIN behind the peer's FIN is not kept, and nothing is said of it", () => {
    for (const [seq, size] of [[2, 10], [12, 0], [12, 10]] as const) {
      const b = new Bench({ policy: { sack: true } }).accepted({ opts: [...opt.mss(1460), ...opt.sackOk()] });
      b.send({ flags: "FA", seq: 1, ack: 1 });
      const free = b.clear().stack.pools().rangesFree;
      b.send({ flags: "FA", seq, ack: 1, data: pattern(size) });
      assert.equal(b.expect("A", { ack: 2 }).opts.has(5), false, "no block of SACK");
      assert.deepEqual([b.info.outOfOrderBytes, b.stack.pools().rangesFree, b.state], [0, free, "CLOSE-WAIT"]);
    }
  });
});

describe("RFC 4022: tcpEstabResets", () => {
  it("counts what is reset in ESTABLISHED and CLOSE-WAIT, and nowhere else", () => {
    const b = new Bench().accepted();
    b.send({ flags: "R", seq: 1 });
    assert.equal(b.count("tcpEstabResets"), 1);
    const c = new Bench().accepted();
    c.send({ flags: "FA", seq: 1, ack: 1 });
    c.send({ flags: "R", seq: 2 });
    assert.equal(c.count("tcpEstabResets"), 1);
    const d = new Bench().accepted();
    d.stack.shutdown(d.handle);
    d.poll();
    d.send({ flags: "A", seq: 1, ack: 2 });
    d.send({ flags: "R", seq: 1 });
    assert.deepEqual([d.state, d.count("tcpEstabResets")], ["LISTEN", 0]);
  });
});

describe("RFC 9293 §3.10.7.1: what a RST says", () => {
  it("that answers an ACK: its number, and none acknowledged", () => {
    const b = new Bench();
    b.send({ flags: "A", seq: 5, ack: 77 });
    b.expectReset({ seq: b.stackIsn + 77, ack: 0 });
  });
});
