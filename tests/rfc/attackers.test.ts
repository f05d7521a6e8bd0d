/** What others can do to a stack from afar: blind segments, floods, and answers that answer each other. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, PEER, SMALL, STACK, STACK_PORT, pattern, type BenchOptions } from "../harness/bench.js";
import { ip4, opt, tcp, type Seen, type Tcp } from "../harness/codec.js";

const from = (i: number): number => ip4("198.18.0.1") + i * 256;

/** A server whose clients come from beyond the link, through the peer. */
const server = (options: BenchOptions = {}): Bench => new Bench({ gateway: "10.0.0.2", cookies: 0, ...options });

/** A client's SYN; the answer, if there was one. */
function syn(b: Bench, src: number, sport = 1024, more: Partial<Tcp> = {}): Seen | undefined {
  b.clear();
  b.send({ flags: "S", seq: 0, sport, opts: opt.mss(1460), ...more }, { src });
  return b.out.find((s) => s.kind === "tcp");
}

/** The ACK that completes what `synAck` began. */
function complete(b: Bench, synAck: Seen): void {
  b.frame(tcp({ src: synAck.ip.dst, dst: STACK }, { flags: "A", seq: synAck.ack, ack: (synAck.seq + 1) >>> 0, sport: synAck.dport, dport: synAck.sport }));
}

describe("RFC 5961 §5.2, RFC 7323 §5.3: TS.Recent", () => {
  const stamped = (): Bench => new Bench({ policy: { timestamps: true } })
    .accepted({ opts: [...opt.mss(1460), ...opt.ts(100, 0)] }, { opts: opt.ts(100, 0) });
  const blind: [string, Tcp][] = [
    ["an ACK of what was never sent", { flags: "A", seq: 1, ack: 5000 }],
    ["an ACK that is too old", { flags: "PA", seq: 1, ack: -200_000, data: pattern(1) }],
    ["a SYN", { flags: "S", seq: 1 }],
    ["a SYN with an ACK", { flags: "SA", seq: 1, ack: 1 }],
    ["no ACK", { flags: "", seq: 1, data: pattern(1) }],
    ["a FIN without an ACK", { flags: "F", seq: 1 }],
    ["text before the window", { flags: "PA", seq: 0, ack: 1, data: pattern(1) }],
  ];
  for (const [name, segment] of blind) {
    it(`is not moved by a blind segment with ${name}: what follows is taken`, () => {
      const b = stamped();
      b.send({ ...segment, opts: opt.ts(0x40000000, 0) });
      b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(10), opts: opt.ts(101, 0) });
      assert.deepEqual(b.read(), pattern(10));
      assert.equal(b.count("PAWSEstab"), 0);
    });
  }

  it("is not moved by a blind segment that meets a half-open record", () => {
    for (const segment of blind.map(([, s]) => s)) {
      const b = new Bench({ policy: { timestamps: true } });
      b.listener = b.stack.listen(STACK_PORT, 8);
      b.send({ flags: "S", seq: 0, opts: [...opt.mss(1460), ...opt.ts(100, 0)] });
      // A SYN in the window ends the record, as RFC 9293 §3.10.7.4 has it for a passive OPEN.
      if (segment.flags.includes("S")) continue;
      b.send({ ...segment, opts: opt.ts(0x40000000, 0) });
      b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(10), opts: opt.ts(101, 0) });
      b.handle = b.stack.accept(b.listener);
      assert.deepEqual(b.read(), pattern(10));
    }
  });

  it("has no effect on the text that a segment with a bad ACK brings, nor an answer beyond the challenges", () => {
    const b = new Bench({ challengeMax: 3 }).accepted();
    for (let i = 0; i < 20; i++) b.send({ flags: "PA", seq: 0, ack: 5000, data: pattern(2) });
    assert.equal(b.out.filter((s) => s.kind === "tcp").length, 3);
    assert.equal(b.info.rcvSize, 0);
  });
});

describe("half-open records", () => {
  for (const first of ["any", "own"]) {
    it(`of two listeners on one port, on every address and on the own one (${first} first), are counted each on its own`, () => {
      const b = server({ halfOpenMax: 64, policy: { keepHalfOpen: true } });
      const own = (): number => b.stack.listen(STACK_PORT, 4, STACK), any = (): number => b.stack.listen(STACK_PORT, 4);
      const one = first === "any" ? any() : own();
      // Their records: four, which is all that it may have.
      for (let i = 0; i < 6; i++) syn(b, from(i));
      assert.equal(b.stack.listenerInfo(one).halfOpen, 4);
      const two = first === "any" ? own() : any();
      // All of them end by a RST, whoever is asked for that port by now.
      for (let i = 0; i < 4; i++) b.send({ flags: "R", seq: 1, sport: 1024 }, { src: from(i) });
      assert.deepEqual([one, two].map((l) => b.stack.listenerInfo(l).halfOpen), [0, 0]);
      assert.equal(b.stack.pools().halfOpenFree, 64);
      for (const l of [one, two]) b.stack.close(l);
      b.listener = any();
      for (let i = 0; i < 4; i++) assert.ok(syn(b, from(i)), `client ${i}`);
    });

    it(`of a listener that is closed go with it, and those of the other one on its port stay (${first} first)`, () => {
      const b = server({ halfOpenMax: 64 });
      const one = first === "any" ? b.stack.listen(STACK_PORT, 8) : b.stack.listen(STACK_PORT, 8, STACK);
      const mine = [0, 1, 2].map((i) => syn(b, from(i))!);
      const two = first === "any" ? b.stack.listen(STACK_PORT, 8, STACK) : b.stack.listen(STACK_PORT, 8);
      const others = [3, 4].map((i) => syn(b, from(i))!);
      // The one on the address itself comes before the one on every address.
      const [late, early] = first === "any" ? [others, mine] : [[], [...mine, ...others]];
      b.stack.close(one);
      assert.equal(b.stack.listenerInfo(two).halfOpen, late.length);
      assert.equal(b.stack.pools().halfOpenFree, 64 - late.length);
      for (const s of early) {
        b.clear();
        complete(b, s);
        assert.equal(b.next("RST").flags, "R");
      }
      for (const s of late) complete(b, s);
      assert.equal(b.stack.listenerInfo(two).toAccept, late.length);
    });
  }

  it("make room for new SYNs of their own listener, when its backlog is full: every SYN is answered", () => {
    const b = server({ halfOpenMax: 4096 });
    b.listener = b.stack.listen(STACK_PORT, 256);
    const other = b.stack.listen(STACK_PORT + 1, 256);
    for (let i = 0; i < 100; i++) syn(b, from(i), 2000, { dport: STACK_PORT + 1 });
    let answered = 0;
    for (let i = 0; i < 1000; i++) if (syn(b, from(i))) answered++;
    assert.equal(answered, 1000);
    assert.deepEqual([b.listener, other].map((l) => b.stack.listenerInfo(l).halfOpen), [256, 100]);
    // What is given up is old: a client that answers at once is served.
    for (let i = 0; i < 20; i++) {
      const mine = syn(b, from(i), 3000 + i)!;
      for (let j = 0; j < 200; j++) syn(b, from(j), 4000 + i);
      complete(b, mine);
    }
    assert.equal(b.stack.listenerInfo(b.listener).toAccept, Math.min(20, 8));
  });
});

if (!SMALL) describe("cookies that are right", () => {
  it("get through a flood of ACKs from their own prefix", () => {
    const b = server({ cookies: 2, connsMax: 64, cookieRate: 1000, prefixBuckets: 4096 });
    b.listener = b.stack.listen(STACK_PORT, 64);
    const victims = ip4("203.0.113.0");
    let served = 0;
    for (let ms = 0, client = 0; ms < 1000; ms++) {
      for (let i = 0; i < 10; i++) b.send({ flags: "A", seq: 1, ack: ms * 10 + i, sport: 2000 + i }, { src: victims + 250 });
      if (ms % 20 === 0) {
        complete(b, syn(b, victims + client++)!);
        served++;
      }
      b.advance(1);
    }
    assert.equal(b.stack.pools().connections, served);
    assert.ok(b.count("TCPACKSkippedCookie") > 8000, "the wrong ones are not all answered");
    assert.ok(b.all.filter((s) => s.flags === "R").length <= 1200);
  });

  it("of 10,000 clients at one address make 10,000 connections", () => {
    const b = server({ cookies: 1, connsMax: 10_000, halfOpenMax: 64, sendRing: 64, recvRing: 64, rangesMax: 16, sendersMax: 0, cookieRate: 1000 });
    b.listener = b.stack.listen(STACK_PORT, 10_000);
    const synAcks = Array.from({ length: 10_000 }, (_, i) => syn(b, from(1), 1024 + i)!);
    for (const s of synAcks) complete(b, s);
    assert.equal(b.stack.pools().connections, 10_000);
  });
});
