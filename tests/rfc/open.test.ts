/** RFC 9293 §3.4.1, §3.5, §3.7.1, §3.9.1.1, §3.10.1, §3.10.7.1 – §3.10.7.3: opening. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { FLAG } from "../../host/stack.js";
import { Bench, SMALL, PEER, PEER_PORT, STACK, pattern, it4 } from "../harness/bench.js";
import { be, opt } from "../harness/codec.js";
import { entropyOf } from "../harness/entropy.js";

function isnOf(options: { nowUs?: number; entropy?: number; sport?: number } = {}): number {
  const b = new Bench({ entropy: entropyOf(options.entropy ?? 7) });
  b.nowUs = options.nowUs ?? b.nowUs;
  b.stack.listen(8080);
  b.sport = options.sport ?? PEER_PORT;
  b.send({ flags: "S", seq: 0 });
  return b.next().seq;
}

describe("RFC 9293 §3.4.1: initial sequence numbers", () => {
  it("MUST-8 SHLD-1 6528-2 grow by one every 4 µs for one four-tuple", () => {
    const first = isnOf({ nowUs: 5_000_000 });
    assert.equal((isnOf({ nowUs: 9_000_000 }) - first) >>> 0, 1_000_000);
  });

  it("MUST-9 6528-1 differ by four-tuple and by secret, in every bit", () => {
    const isns = Array.from({ length: 64 }, (_, i) => isnOf({ sport: 2000 + i }));
    isns.push(...Array.from({ length: 64 }, (_, i) => isnOf({ entropy: i + 1 })));
    assert.equal(new Set(isns).size, isns.length);
    for (let bit = 0; bit < 32; bit++) {
      const ones = isns.filter((n) => (n >>> bit) & 1).length;
      assert.ok(ones > 32 && ones < 96, `bit ${bit} was set ${ones} times of 128`);
    }
  });
});

describe("RFC 6056 §3.3.2: ephemeral ports", () => {
  it("are from 49152 on, each free towards this peer, none that is listened on, and in no order", () => {
    const b = new Bench({
      connsMax: 2000, sendRing: 64, recvRing: 64, listenersMax: 255, txSlots: 4096, policy: { blackhole: true },
    });
    const taken = new Set(Array.from({ length: 250 }, (_, i) => 49152 + i * 65));
    for (const port of taken) b.stack.listen(port);
    const ports = Array.from({ length: 2000 }, () => b.stack.info(b.stack.connect(PEER, 80)).lport);
    assert.equal(new Set(ports).size, ports.length);
    assert.ok(ports.every((p) => p >= 49152 && p <= 65535 && !taken.has(p)));
    const ups = ports.slice(1).filter((p, i) => p > ports[i]!).length;
    assert.ok(ups > 900 && ups < 1100, `${ups} of 1,999 are above the one before`);
    for (const quarter of [0, 1, 2, 3]) assert.ok(ports.filter((p) => (p - 49152) >> 12 === quarter).length > 350);
  });
});

describe("RFC 9293 §3.5: three-way handshake", () => {
  it("opens passively, and takes data with the third segment", () => {
    const b = new Bench();
    b.listener = b.stack.listen(8080);
    assert.equal(b.state, "LISTEN");
    b.send({ flags: "S", seq: 0, opts: opt.mss(1460) });
    assert.equal(b.state, "SYN-RECEIVED");
    b.expect("SA", { seq: 0, ack: 1 });
    b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(10) });
    assert.equal(b.state, "ESTABLISHED");
    b.handle = b.stack.accept(b.listener);
    assert.deepEqual(b.read(), pattern(10));
  });

  it("opens actively, and sends data with the third segment", () => {
    const b = new Bench();
    b.connecting();
    b.write(20);
    b.silent("no data before the handshake is complete");
    b.send({ flags: "SA", seq: 0, ack: 1 });
    b.expect("PA", { seq: 1, ack: 1, len: 20 });
    assert.ok(b.had("CONNECTED"));
  });

  it("MUST-10 opens simultaneously", () => {
    const b = new Bench().connecting();
    b.send({ flags: "S", seq: 0, opts: opt.mss(1460) });
    assert.equal(b.state, "SYN-RECEIVED");
    b.expect("SA", { seq: 0, ack: 1 });
    b.send({ flags: "SA", seq: 0, ack: 1, opts: opt.mss(1460) });
    assert.equal(b.state, "ESTABLISHED");
    b.expect("A", { seq: 1, ack: 1 });
    b.write(5);
    b.expect("PA", { len: 5 });
  });

  it("MUST-11 goes back to LISTEN on a RST when opened passively, tells the user when actively", () => {
    const b = new Bench();
    b.listener = b.stack.listen(8080);
    b.send({ flags: "S", seq: 0 });
    b.expect("SA");
    b.send({ flags: "R", seq: 1 });
    assert.equal(b.state, "LISTEN");
    assert.equal(b.stack.accept(b.listener), 0);
    const c = new Bench().connecting();
    c.send({ flags: "S", seq: 0 });
    // It may be from whoever forged that SYN: it has to come for our next SYN-ACK, too.
    c.send({ flags: "R", seq: 1 });
    assert.equal(c.state, "SYN-RECEIVED");
    c.advance(1000);
    c.send({ flags: "R", seq: 1 });
    assert.ok(c.had("CLOSED"));
    assert.equal(c.info.error, ERR.REFUSED);
  });

  it("MUST-41 MUST-42 listens on a port that has connections, and disturbs none", () => {
    const b = new Bench().connecting();
    const out = b.handle;
    const listener = b.stack.listen(50000);
    assert.equal(b.state, "SYN-SENT");
    b.send({ flags: "SA", seq: 0, ack: 1 });
    assert.equal(b.state, "ESTABLISHED");
    b.sport++;
    b.send({ flags: "S", seq: 0 });
    assert.equal(b.state, "SYN-RECEIVED");
    assert.equal(b.code(() => b.stack.listen(50000)), "IN_USE");
    b.stack.close(listener);
    assert.equal(b.stack.info(out).stateName, "ESTABLISHED");
  });

  it("MUST-43 MUST-44 MUST-45 binds a local address, else takes its own, and keeps it", () => {
    const b = new Bench();
    assert.equal(b.code(() => b.stack.connect(PEER, 1, 0, PEER)), "ARGUMENT");
    b.handle = b.stack.connect(PEER, PEER_PORT, 50000, STACK);
    b.dport = 50000;
    b.poll();
    assert.equal(b.next().ip.src, STACK);
    b.advance(1100);
    assert.equal(b.next().ip.src, STACK);
    assert.equal(b.code(() => b.stack.listen(80, 1, PEER)), "ARGUMENT");
    assert.ok(b.stack.listen(80, 1, STACK) > 0);
  });

  it4("MUST-46 refuses to connect to broadcast and multicast addresses", () => {
    const b = new Bench();
    for (const ip of [0xffffffff, 0x0a0000ff, 0xe0000001, 0xf0000000, 0])
      assert.equal(b.code(() => b.stack.connect(ip, 80)), "ARGUMENT");
    b.poll();
    b.silent();
  });
});

describe("RFC 9293 §3.7.1: maximum segment size", () => {
  it4("MUST-14 MUST-67 SHLD-5 MAY-3 sends MSS = MTU − 40 on both kinds of SYN", () => {
    for (const [mtu, mss] of [[1500, 1460], [576, 536], [9000, 8960]] as const) {
      const b = new Bench({ mtu, pathMtuMin: 552 });
      b.stack.listen(8080);
      b.send({ flags: "S", seq: 0 });
      assert.deepEqual([...b.next().opts.get(2)!], be(2, mss));
      b.stack.connect(PEER, PEER_PORT, 50000);
      b.poll();
      assert.deepEqual([...b.next().opts.get(2)!], be(2, mss));
    }
  });

  it("MUST-15 sends segments of 536 to a peer that names no MSS", () => {
    const b = new Bench().accepted({ opts: [] });
    b.write(5360);
    const sizes = b.out.map((s) => s.data.length);
    assert.deepEqual(sizes, Array(10).fill(536));
  });

  it("MUST-16 6691-1 subtracts the options that it sends, not from the MSS option but from the data", () => {
    const b = new Bench({ policy: { timestamps: true } });
    b.accepted({ opts: [...opt.mss(1000), ...opt.ts(1, 0)] }, { opts: opt.ts(1, 0) });
    b.write(3000);
    assert.equal(b.next().data.length, 988);
    assert.deepEqual([...b.all[0]!.opts.get(2)!], be(2, 1460));
  });
});

describe("RFC 9293 §3.10.7.1: CLOSED", () => {
  it("answers with <SEQ=SEG.ACK><CTL=RST>, or <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>, and never a RST", () => {
    const b = new Bench();
    b.send({ flags: "A", seq: 5, ack: 99, data: pattern(3) });
    b.expectReset({ seq: 99 });
    b.send({ flags: "S", seq: 5, data: pattern(3) });
    b.expectReset({ seq: 0, ack: b.peerIsn + 5 + 4 });
    b.send({ flags: "F", seq: 5 });
    b.expectReset({ seq: 0, ack: b.peerIsn + 6 });
    b.send({ flags: "R", seq: 5 });
    b.send({ flags: "RA", seq: 5, ack: 7 });
    b.silent();
  });
});

describe("RFC 9293 §3.10.7.2: LISTEN", () => {
  it("ignores a RST, answers an ACK with a RST, ignores what has neither SYN nor ACK", () => {
    const b = new Bench();
    b.stack.listen(8080);
    b.send({ flags: "R", seq: 1 });
    b.send({ flags: "F", seq: 1 });
    b.send({ flags: "", seq: 1, data: pattern(4) });
    b.silent();
    b.send({ flags: "A", seq: 1, ack: 77 });
    b.expectReset({ seq: 77 });
    b.send({ flags: "SA", seq: 1, ack: 78 });
    b.expectReset({ seq: 78 });
    assert.equal(b.state, "LISTEN");
  });

  if (!SMALL) it("drops a SYN that carries FIN, unless the policy wants it", () => {
    const b = new Bench();
    b.stack.listen(8080);
    b.send({ flags: "SF", seq: 0 });
    b.silent();
    const c = new Bench({ policy: { synFin: true } });
    c.stack.listen(8080);
    c.send({ flags: "SF", seq: 0, data: pattern(3) });
    c.expect("SA", { ack: 1 });
  });
});

describe("RFC 9293 §3.10.7.3: SYN-SENT", () => {
  it("answers an ACK of something it did not send with a RST, and goes on", () => {
    const b = new Bench().connecting();
    for (const ack of [0, 2, 100]) {
      b.send({ flags: "SA", seq: 0, ack });
      b.expectReset({ seq: b.stackIsn + ack });
      b.send({ flags: "RA", seq: 0, ack });
      b.silent();
    }
    assert.equal(b.state, "SYN-SENT");
  });

  it("is refused by a RST that acknowledges its SYN, and by no other", () => {
    const b = new Bench().connecting();
    b.send({ flags: "R", seq: 0 });
    assert.equal(b.state, "SYN-SENT");
    b.send({ flags: "RA", seq: 0, ack: 1 });
    assert.equal(b.info.error, ERR.REFUSED);
    assert.ok(b.had("CLOSED"));
    assert.equal(b.code(() => b.stack.receive(b.handle)), "REFUSED");
  });

  it("processes text and FIN that come with the SYN-ACK", () => {
    const b = new Bench().connecting();
    b.send({ flags: "SFA", seq: 0, ack: 1, data: pattern(5) });
    assert.equal(b.state, "CLOSE-WAIT");
    b.expect("A", { ack: 7 });
    assert.deepEqual(b.read(), pattern(5));
    assert.equal(b.read()!.length, 0);
  });
});

describe("RFC 9293 §3.8.3: retransmission of a SYN", () => {
  it("MUST-22 MUST-23 6298-1 sends it again with backoff, and gives up no earlier than after 3 minutes", () => {
    const b = new Bench().connecting();
    const times: number[] = [];
    const start = b.nowUs;
    for (let s = 0; s < 400 && !b.had("CLOSED"); s++) {
      b.advance(1000);
      while (b.out.length > 0) {
        b.expect("S", { seq: 0 });
        times.push(Math.round((b.nowUs - start) / 1e6));
      }
    }
    assert.deepEqual(times, [1, 3, 7, 15, 31, 63, 123]);
    assert.ok(b.nowUs - start >= 180e6, "not before 180 s");
    assert.equal(b.info.error, ERR.TIMED_OUT);
  });

  it("5681-2 6298-9 begins with one segment, and an RTO of 3 s, after a SYN was lost", () => {
    const b = new Bench().connecting();
    b.advance(1000);
    b.expect("S");
    b.send({ flags: "SA", seq: 0, ack: 1, opts: opt.mss(1000) });
    b.clear();
    b.write(5000);
    assert.equal(b.out.length, 1);
    assert.equal(b.info.rtoUs, 3_000_000);
  });
});

describe("half-open connections (RFC 4987 §3)", () => {
  it("repeats the SYN-ACK for a repeated SYN, and by itself with backoff until its deadline", () => {
    const b = new Bench();
    b.stack.listen(8080);
    b.send({ flags: "S", seq: 0 });
    b.expect("SA");
    b.send({ flags: "S", seq: 0 });
    b.expect("SA");
    const times: number[] = [], start = b.nowUs;
    for (let s = 0; s < 100; s++) {
      b.advance(1000);
      while (b.out.length > 0) {
        b.expect("SA", { seq: 0, ack: 1 });
        times.push(Math.round((b.nowUs - start) / 1e6));
      }
    }
    assert.deepEqual(times, [1, 3, 7, 15, 31]);
    assert.equal(b.state, "LISTEN");
  });

  it("answers an ACK that does not acknowledge its ISS with a RST, and keeps the record", () => {
    const b = new Bench();
    b.stack.listen(8080);
    b.send({ flags: "S", seq: 0 });
    b.expect("SA");
    for (const ack of [0, 2, 5000]) {
      b.send({ flags: "A", seq: 1, ack });
      b.expectReset({ seq: b.stackIsn + ack });
    }
    assert.equal(b.state, "SYN-RECEIVED");
    b.send({ flags: "A", seq: 1, ack: 1 });
    assert.equal(b.state, "ESTABLISHED");
  });

  it("spends no TCB before the handshake is complete", () => {
    const b = new Bench();
    b.stack.listen(8080);
    for (let i = 0; i < 8; i++) {
      b.sport = 3000 + i;
      b.send({ flags: "S", seq: 0 });
    }
    assert.deepEqual([b.stack.pools().connections, b.stack.pools().halfOpenFree], [0, 0]);
  });

  if (!SMALL) it("4987-1 4987-2 answers with cookies when the table is full, "
      + "and completes from one with its options", () => {
    const b = new Bench({ policy: { timestamps: true, sack: true, windowScaling: true } });
    b.listener = b.stack.listen(8080, 4);
    for (let i = 0; i < 20; i++) {
      b.sport = 3000 + i;
      b.send({ flags: "S", seq: 0 });
      b.expect("SA");
    }
    assert.ok(b.stack.listenerInfo(b.listener).defending);
    b.sport = 4000;
    b.send({
      flags: "S", seq: 0, opts: [...opt.mss(1400), ...opt.sackOk(), ...opt.ts(100, 0), ...opt.nop(), ...opt.ws(7)],
    });
    const cookie = b.next();
    const val = new DataView(cookie.opts.get(8)!.buffer).getUint32(0);
    b.send({ flags: "A", seq: 1, ack: 3, opts: opt.ts(101, val) });
    b.expectReset();
    b.send({ flags: "A", seq: 1, ack: 1, opts: opt.ts(101, val) });
    b.handle = b.stack.accept(b.listener);
    assert.ok(b.handle > 0);
    assert.deepEqual([b.info.peerMss, b.info.sndScale, (b.info.flags & FLAG.sack) !== 0], [1400, 7, true]);
    assert.equal(b.count("SyncookiesRecv"), 1);
    assert.equal(b.count("SyncookiesFailed"), 1);
  });
});
