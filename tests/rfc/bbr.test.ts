/** BBR (draft-ietf-ccwg-bbr): over whole paths, in virtual time, since it is a model of one. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, MSS, SMALL } from "../harness/bench.js";
import { RTT, acks, flight, open, sent, una } from "../harness/sender.js";
import { jain, transfer, type Path } from "../netsim/path.js";

const LOSS = 1, BBR = 2;
const BOTTLENECK = { trouble: "queue of 1 BDP", loss: 0, rttMs: 50, ring: 512 * 1024, seconds: 20 } as const;
const over = (path: Partial<Path>, congestion: number): ReturnType<typeof transfer> =>
  transfer({ ...BOTTLENECK, ...path, congestion: [congestion] });

if (!SMALL) describe("draft-ietf-ccwg-bbr", () => {
  it("is chosen by connection, or by policy for those that do not choose", () => {
    const b = new Bench().accepted();
    for (const n of [1, 2, 0]) {
      b.stack.setOption(b.handle, "congestion", n);
      assert.equal(b.info.congestion, n);
    }
    assert.equal(b.code(() => b.stack.setOption(b.handle, "congestion", 3)), "ARGUMENT");
    const path = { trouble: "random", rttMs: 100, ring: 32 * 1024, loss: 0.05, seconds: 10 } as const;
    const policy = transfer({ ...path, sender: { policy: { bbr: true } } });
    assert.deepEqual(policy.goodput, transfer({ ...path, congestion: [BBR] }).goodput);
    const refused = transfer({ ...path, congestion: [LOSS], sender: { policy: { bbr: true } } });
    assert.deepEqual(refused.goodput, transfer(path).goodput, "CUBIC, whatever the policy says");
  });

  it("fills a path, and not its queue", () => {
    const deep = { queueBdp: 8, ring: 2 << 20 }, bbr = over(deep, BBR), cubic = over(deep, LOSS);
    assert.ok(bbr.goodput[0]! > 0.9 * bbr.allows, `${bbr.goodput} of ${bbr.allows}`);
    assert.equal(bbr.counters.tcpRetransSegs, 0);
    assert.ok(bbr.srttUs[0]! < 1.5 * 50_000, `${bbr.srttUs} µs`);
    assert.ok(cubic.srttUs[0]! > 3 * 50_000, `${cubic.srttUs} µs: the other fills the queue`);
  });

  it("fills a path with a shallow queue, and loses little", () => {
    const o = over({ queueBdp: 0.1 }, BBR);
    assert.ok(o.goodput[0]! > 0.85 * o.allows, `${o.goodput} of ${o.allows}`);
    assert.ok(o.resent < 0.03, `${o.resent} sent again`);
  });

  it("losses by noise do not slow it down", () => {
    for (const [loss, times] of [[0.01, 1.2], [0.05, 1.3], [0.2, 1.7]] as const) {
      const path = { trouble: "random", rttMs: 100, ring: 32 * 1024, loss, seconds: 30 } as const;
      const sum = (congestion: number): number =>
        [1, 2, 3].reduce((all, seed) => all + transfer({ ...path, seed, congestion: [congestion] }).goodput[0]!, 0);
      const bbr = sum(BBR), cubic = sum(LOSS);
      assert.ok(bbr > times * cubic, `${loss}: ${bbr} against ${cubic}`);
    }
  });

  it("shares a bottleneck with CUBIC and with its like, in deep and shallow queues", () => {
    for (const queueBdp of [0.1, 1, 4]) {
      for (const congestion of [[LOSS, BBR], [BBR, LOSS], [BBR, BBR]]) {
        const { goodput } = transfer({ ...BOTTLENECK, queueBdp, flows: 2, seconds: 60, congestion });
        assert.ok(jain(goodput) > 0.8, `queue of ${queueBdp} BDP, ${congestion}: ${goodput}`);
      }
    }
  });

  const bbr = (): Bench => {
    const b = open({}, { bbr: true });
    for (let i = 0; i < 8; i++) {
      flight(b, 4);
      b.advance(RTT);
      acks(b, una(b) + 4);
    }
    return b;
  };

  it("paces: a flight from idle leaves over a part of the round trip, not in one burst", () => {
    const b = bbr();
    b.advance(30_000);
    b.clear();
    b.write(40 * MSS);
    const burst = sent(b).length;
    assert.ok(burst >= 1 && burst < 10, `${burst} segments at once`);
    let later = 0;
    for (let ms = 0; ms < RTT; ms++) {
      b.advance(1);
      later += sent(b).length;
    }
    assert.ok(later > burst, `${later} more within a round trip`);
  });

  it("a time-out leaves one segment, and the window of before comes back with the recovery", () => {
    const b = bbr(), before = b.info.cwnd;
    flight(b, 6);
    const n = una(b);
    for (let ms = 0; ms < 5000 && b.info.cwnd !== MSS; ms += 10) b.advance(10);
    assert.equal(b.info.cwnd, MSS);
    b.clear();
    acks(b, n + 6);
    assert.ok(b.info.cwnd >= before, `${b.info.cwnd}, it was ${before}`);
  });
});
