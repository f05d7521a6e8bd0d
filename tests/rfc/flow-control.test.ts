/** RFC 9293 §3.8.6: the windows of both sides, silly window avoidance, probes of a window that is closed. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { FLAG, TIMER } from "../../host/stack.js";
import { Bench, SMALL, MSS, pattern } from "../harness/bench.js";
import { opt } from "../harness/codec.js";

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
    assert.equal(b.info.timerKind, TIMER.RETRANSMIT, "the retransmission timer runs again");
  });

  it("MUST-36 MUST-37 SHLD-29 SHLD-30 probes a zero window after one RTO, with backoff, "
      + "for as long as it is answered", () => {
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

  it("RFC 9293 §3.8.6.2.1: into a window that stays small it sends after one RTO each time, without backoff, "
      + "since each is acknowledged", () => {
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
    it("the window closes during recovery, and opens with all but one octet acknowledged "
        + `(${JSON.stringify(policy)})`, () => {
      const b = new Bench({ sendersMax: 1, policy }).accepted({ opts: [...opt.mss(1460), ...opt.sackOk()] });
      b.write(6 * MSS);
      b.clear();
      // Three duplicates, or what they tell by SACK: the first segment is lost.
      for (let i = 2; i < 5; i++) {
        b.send({
          flags: "A", seq: 1, ack: 1,
          opts: policy.sack ? opt.sack([b.stackIsn + 1 + MSS, b.stackIsn + 1 + i * MSS]) : [],
        });
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

  it("RFC 7323 §2.4: a window that was told as 0, since it is below a unit of its field, "
      + "is told again when the ring is empty", () => {
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
    assert.equal(b.info.error, ERR.RESET);
    assert.ok(b.had("CLOSED"));
  });
});
