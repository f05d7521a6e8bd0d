/** RFC 9293 §3.8.4: keep-alive. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { Bench, PEER, STACK } from "../harness/bench.js";
import { arp, MAC_PEER, MAC_STACK } from "../harness/codec.js";

describe("RFC 9293 §3.8.4: keep-alive", () => {
  it("answers every probe of the peer's, one a second, and of other old empty segments no more than "
      + "challenges are allowed", () => {
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
    assert.equal(b.info.error, ERR.TIMED_OUT);
    // The peer may be there after all: as other stacks do, its end is told.
    b.expect("RA", { seq: 1, ack: 1 });
    b.silent();
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
