/** RFC 9293 §3.7.4, §3.8.6.3, §3.9.1.2, §3.10.2, §3.10.3: sending and receiving. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EVENT } from "../../host/stack.js";
import { DELAYS, smallRing, SMALL_RINGS, SMALL_RING_LEAST, SMALL_WINDOW_LEAST } from "../netsim/path.js";
import { Bench, SMALL, MSS, pattern } from "../harness/bench.js";

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

describe("RFC 9293 §3.8.6.3: acknowledgments", () => {
  it("MUST-40 SHLD-18 SHLD-19 5681-9 delays an ACK by less than 0.5 s, "
      + "and sends one for every second full segment", () => {
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

  if (!SMALL) it("acknowledges full segments one by one at the beginning, when the policy says so, "
      + "and lone small ones never at once", () => {
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
    b.batch(
      ...Array.from({ length: 8 }, (_, i) =>
        b.make({ flags: "A", seq: 1 + i * 1000, ack: 1, data: pattern(1000, i * 1000) }),
      ),
    );
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
    const b = new Bench({ sendRing: 1024, policy: { noDelay: true } }).accepted();
    const told = (): boolean => ((b.events.get(b.handle) ?? 0) & EVENT.WRITABLE) !== 0;
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
    const slow = SMALL_RINGS.flatMap((ring) =>
      DELAYS.map((delay) => ({ ring, delay, share: smallRing("sender", ring, delay, 20) })),
    ).filter((x) => x.share < SMALL_RING_LEAST);
    assert.deepEqual(slow, []);
  });

  it("nor whatever the peer's window", () => {
    const slow = SMALL_RINGS.flatMap((ring) =>
      DELAYS.map((delay) => ({ ring, delay, share: smallRing("peer", ring, delay, 20) })),
    ).filter((x) => x.share < SMALL_WINDOW_LEAST);
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
