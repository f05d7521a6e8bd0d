/** RFC 9293 §3.8.1, RFC 6298: retransmission; RFC 4821, RFC 8899: a path that swallows large packets. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { Bench, SMALL, MSS } from "../harness/bench.js";

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
    assert.equal(b.info.error, ERR.TIMED_OUT);
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

  it("segments that would come through with smaller ones, too, tell nothing of it", () => {
    // Packets of 1,200 bytes pass nearly everywhere; with a byte more such are tried.
    for (const size of SMALL ? [500, 1160] : [500, 1160, 1161]) {
      const b = new Bench({ rtoMinMs: 300 }).accepted({}, {}, 50);
      b.write(size);
      b.advance(20_000);
      assert.ok(b.count("TCPTimeouts") > 3);
      assert.equal(b.info.pathMtu < 1500, size > 1160, `${size}`);
    }
  });
});
