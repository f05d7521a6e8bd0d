/** What others can do to a stack from afar: blind segments, floods, and answers that answer each other. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { Wire } from "../../host/links/loopback.js";
import { loadModule } from "../../host/module.js";
import { StackModule } from "../../host/stack.js";
import { instrumented } from "../fuzz/instrument.js";
import { Bench, PEER, SMALL, STACK, STACK_PORT, it4, pattern, type BenchOptions } from "../harness/bench.js";
import { MAC_PEER, MAC_STACK, arp, icmp, ip4, opt, see, tcp, udp, type Seen, type Tcp } from "../harness/codec.js";
import { entropyOf } from "../harness/entropy.js";

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
  b.frame(tcp(
    { src: synAck.ip.dst, dst: STACK },
    { flags: "A", seq: synAck.ack, ack: (synAck.seq + 1) >>> 0, sport: synAck.dport, dport: synAck.sport },
  ));
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
    if (!SMALL) it(`of two listeners on one port, on every address and on the own one (${first} first), `
        + "are counted each on its own", () => {
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
      for (let i = 0; i < 10; i++)
        b.send({ flags: "A", seq: 1, ack: ms * 10 + i, sport: 2000 + i }, { src: victims + 250 });
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

  for (const cookies of [1, 2]) {
    it(`are served, all of them, while 300 SYNs and 10,000 ACKs a second are forged from their prefix `
        + `(cookies ${cookies})`, () => {
      const b = server({ cookies, connsMax: 64, halfOpenMax: 256 }), victims = ip4("203.0.113.0"), rttMs = 20;
      b.listener = b.stack.listen(STACK_PORT, 64);
      const due = new Map<number, Seen>();
      let served = 0, client = 0;
      for (let ms = 0; ms < 2000; ms++) {
        // Nobody is at the addresses that are forged.
        for (let i = 0; i < 10; i++)
          b.send({ flags: "A", seq: 1, ack: ms * 10 + i, sport: 2000 + i }, { src: victims + 100 + (i + ms) % 150 });
        if (ms % 10 < 3) syn(b, victims + 100 + ms % 150, 3000 + ms);
        // The defence has begun: a client in 50 ms, 20 ms away.
        if (ms >= 1000 && ms % 50 === 0) due.set(ms + rttMs, syn(b, victims + client++)!);
        const synAck = due.get(ms);
        if (synAck !== undefined) {
          complete(b, synAck);
          served++;
        }
        b.advance(1);
      }
      assert.deepEqual([b.stack.pools().connections, served], [client, client]);
      assert.ok(b.count("TCPACKSkippedCookie") > 8000, "more came than are answered");
    });
  }

  it("of 10,000 clients at one address make 10,000 connections", () => {
    const b = server({
      cookies: 1, connsMax: 10_000, halfOpenMax: 64, sendRing: 64, recvRing: 64, rangesMax: 16, sendersMax: 0,
      cookieRate: 1000,
    });
    b.listener = b.stack.listen(STACK_PORT, 10_000);
    const synAcks = Array.from({ length: 10_000 }, (_, i) => syn(b, from(1), 1024 + i)!);
    for (const s of synAcks) complete(b, s);
    assert.equal(b.stack.pools().connections, 10_000);
  });
});

/** Two stacks on a wire of 200 µs; their connection, if they are to have one, between port 8080 of both. */
class Pair {
  readonly wire = new Wire(1, 1_000_000);
  readonly stacks: StackModule[];
  frames = 0;

  constructor(readonly options: BenchOptions = {}) {
    const policy = { announce: false, quickAcks: false, ...options.policy };
    this.stacks = [STACK, PEER].map(
      (ip, i) =>
        new StackModule(loadModule(), {
          connsMax: 8, halfOpenMax: 8, timeWaitMax: 8, entropy: entropyOf(i + 1),
          mac: i === 0 ? "02:00:0a:00:00:01" : "02:00:0a:00:00:02", ...options, ip: `10.0.0.${i + 1}/24`, policy,
        }),
    );
    for (const s of this.stacks) this.wire.attach(s, { delayUs: 200 });
    this.wire.onSend = () => { this.frames++; };
  }

  run(seconds: number, most = Infinity): number {
    const before = this.frames;
    this.wire.run(() => this.frames - before > most, this.wire.nowUs + seconds * 1e6);
    return this.frames - before;
  }

  /** A segment to stack `to`, in the name of the other one. */
  inject(to: number, t: Tcp, opts: number[] = []): void {
    const ends = [STACK, PEER], macs = [MAC_STACK, MAC_PEER];
    const frame = tcp({ src: ends[1 - to]!, dst: ends[to]! }, { sport: STACK_PORT, dport: STACK_PORT, ...t, opts });
    frame.set([...macs[to]!, ...macs[1 - to]!]);
    this.wire.inject(1 - to, frame);
  }

  listening(): this {
    for (const s of this.stacks) s.listen(STACK_PORT, 8);
    // They know each other's address.
    this.inject(0, { flags: "R", seq: 1 });
    this.run(3);
    return this;
  }

  handles: number[] = [];

  connected(): this {
    const [a, b] = this.stacks as [StackModule, StackModule];
    const listener = b.listen(STACK_PORT, 8);
    const mine = a.connect(PEER, STACK_PORT, STACK_PORT);
    this.run(3);
    this.handles = [mine, b.accept(listener)];
    b.close(listener);
    return this;
  }

  /** Both ends close at once: two records of TIME-WAIT. */
  closed(): this {
    const ends = this.numbers();
    this.stacks.forEach((s, i) => s.close(this.handles[i]!));
    this.run(1);
    this.last = ends.map((n) => ({ nxt: n.nxt + 1, rcv: n.rcv + 1 }));
    return this;
  }

  last: { nxt: number; rcv: number }[] = [];

  /** SND.NXT and RCV.NXT of both. */
  numbers(): { nxt: number; rcv: number }[] {
    if (this.last.length > 0) return this.last;
    return this.stacks.map((s, i) => s.info(this.handles[i]!)).map((x) => ({ nxt: x.sndNxt, rcv: x.rcvNxt }));
  }
}

/** So many frames in a minute are bounded: a few a second and an end. */
const FEW = 600;

describe("two stacks never answer each other's answers at more than a bounded rate", () => {
  for (const timestamps of [false, true]) for (const cookies of SMALL ? [0] : [0, 1, 2]) {
    it(`two SYNs, forged each in the name of the other (timestamps ${timestamps}, cookies ${cookies})`, () => {
      const pair = new Pair({ cookies, policy: { timestamps } }).listening();
      for (const i of [0, 1]) pair.inject(i, { flags: "S", seq: 1000 * i }, timestamps ? opt.ts(1, 0) : []);
      assert.ok(pair.run(60, FEW) < FEW, "frames");
    });
  }

  it("one octet to each end of a connection", () => {
    const pair = new Pair({ policy: { timestamps: false } }).connected();
    const ends = pair.numbers();
    for (const i of [0, 1]) pair.inject(i, { flags: "PA", seq: ends[i]!.rcv, ack: ends[i]!.nxt, data: pattern(1) });
    assert.ok(pair.run(60, FEW) < FEW, "frames");
  });

  const forms = ["S", "SA", "A", "R", "RA", "FA", "PA", ""];
  for (const [name, start] of [
    ["an open connection", (o: BenchOptions) => new Pair(o).connected()],
    ["records of TIME-WAIT", (o: BenchOptions) => new Pair(o).connected().closed()],
    ["half-open records", (o: BenchOptions) => {
      const pair = new Pair(o).listening();
      for (const i of [0, 1]) pair.inject(i, { flags: "S", seq: 1000 + i });
      pair.run(0.0003);
      pair.last = [0, 1].map((i) => ({ nxt: 0, rcv: 1001 + i }));
      return pair;
    }],
    [
      "listeners",
      (o: BenchOptions) => {
        const pair = new Pair(o).listening();
        pair.last = [{ nxt: 5, rcv: 9 }, { nxt: 9, rcv: 5 }];
        return pair;
      },
    ],
    [
      "nobody",
      (o: BenchOptions) => {
        const pair = new Pair(o);
        pair.last = [{ nxt: 5, rcv: 9 }, { nxt: 9, rcv: 5 }];
        return pair;
      },
    ],
  ] as const) it(`${name}: one segment of each form to each end`, () => {
    let most = 0;
    for (const flags of forms) for (const off of [-1, 0, 1, 1e9]) for (const ackOff of [0, 1, 1e9]) {
      const pair = start({ cookies: 0, policy: { timestamps: false } });
      const ends = pair.numbers(), data = flags === "PA" ? pattern(1) : undefined;
      for (const i of [0, 1])
        pair.inject(i, {
          flags, seq: (ends[i]!.rcv + off) >>> 0, ack: flags.includes("A") ? (ends[i]!.nxt + ackOff) >>> 0 : 0,
          ...(data && { data }),
        });
      const frames = pair.run(60, FEW);
      assert.ok(frames < FEW, `${flags || "no flag"}, SEQ ${off}, ACK ${ackOff}`);
      most = Math.max(most, frames);
    }
    assert.ok(most > 0, "something was answered");
  });

  it("what a blind attacker spends of the challenges does not silence the answers to a peer's keep-alive", () => {
    const b = new Bench().accepted();
    for (let s = 0; s < 20; s++) {
      for (let i = 0; i < 50; i++) b.send({ flags: "A", seq: 200_000, ack: 1 });
      b.clear();
      b.send({ flags: "A", seq: 0, ack: 1 });
      b.expect("A", { seq: 1, ack: 1 });
      b.advance(1000);
    }
  });

  it("what came twice is still reported, every time (RFC 2883)", () => {
    const b = new Bench({ challengeMax: 1 }).accepted();
    b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(10) });
    b.clear();
    for (let i = 0; i < 30; i++) b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(10) });
    assert.equal(b.out.length, 30);
  });
});

describe("neighbours", () => {
  const hello = (b: Bench, ip: number): void =>
    b.frame(arp(1, { mac: MAC_PEER, ip }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));

  it("in use, and the gateway, keep their place in a flood of SYNs from 5,000 forged addresses on the link a second; "
      + "the questions have a rate", () => {
    const b = new Bench({
      ip: "10.0.0.1/16", gateway: "10.0.0.2", neighboursMax: 16, halfOpenMax: 64, connsMax: 600, sendRing: 512,
      recvRing: 512, cookies: SMALL ? 0 : 1,
    });
    b.listener = b.stack.listen(STACK_PORT, 600);
    const friend = ip4("10.0.0.3");
    // Over IPv6 a neighbour that only asked is soon asked itself (RFC 4861 §7.3.3).
    b.others = [friend];
    hello(b, friend);
    complete(b, syn(b, friend)!);
    b.handle = b.stack.accept(b.listener);
    const { sndNxt, rcvNxt } = b.info;
    const asked = b.count("arpOutRequests");
    let served = 0, echoed = 0, seq = rcvNxt;
    for (let ms = 0; ms < 5000; ms++) {
      for (let i = 0; i < 5; i++) b.send({ flags: "S", seq: 0, sport: 5000 }, { src: ip4("10.0.16.0") + ms * 5 + i });
      if (ms % 10 === 0) {
        // A client from beyond the gateway.
        const answer = syn(b, from(ms));
        if (answer) {
          complete(b, answer);
          served++;
        }
      }
      if (ms % 50 === 0) {
        b.clear();
        b.frame(tcp(
          { src: friend, dst: STACK },
          { flags: "PA", seq, ack: sndNxt, sport: 1024, dport: STACK_PORT, data: pattern(2) },
        ));
        seq = (seq + 2) >>> 0;
        b.advance(1);
        if (b.stack.receivable(b.handle) > 0) b.read();
        b.advance(500);
        if (b.out.some((s) => s.kind === "tcp" && s.ip.dst === friend && s.ack === seq)) echoed++;
      } else {
        b.advance(1);
      }
    }
    const seconds = (b.nowUs - 1_000_000) / 1e6;
    assert.deepEqual([served, echoed], [500, 100]);
    assert.ok(
      b.count("arpOutRequests") - asked < 60 * seconds + 60,
      `${b.count("arpOutRequests") - asked} questions in ${seconds} s`,
    );
  });

  it("that nobody answered for give way to each other, so that a new one is found in the flood", () => {
    const b = new Bench({ ip: "10.0.0.1/16", neighboursMax: 16 });
    b.stack.listen(STACK_PORT, 8);
    let found = 0;
    for (let n = 0; n < 50; n++) {
      for (let i = 0; i < 100; i++)
        b.send({ flags: "S", seq: 0, sport: 5000 }, { src: ip4("10.0.16.0") + n * 100 + i });
      b.handle = b.stack.connect(ip4("10.0.4.0") + n, 80);
      b.clear();
      b.poll();
      const question = b.out.find((s) => s.kind === "arp" && s.ip.dst === ip4("10.0.4.0") + n);
      assert.ok(question, `question ${n}`);
      b.frame(arp(2, { mac: MAC_PEER, ip: ip4("10.0.4.0") + n }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
      if (b.out.some((s) => s.kind === "tcp" && s.flags === "S")) found++;
      b.stack.abort(b.handle);
      b.advance(200);
    }
    assert.equal(found, 50);
  });

  it("share sets by a hash that depends on the key", () => {
    // 32 neighbours in a table of 32: which of them have a place differs.
    const kept = (entropy: number): number[] => {
      const b = new Bench({ ip: "10.0.0.1/16", neighboursMax: 32, entropy: entropyOf(entropy) });
      const ips = Array.from({ length: 32 }, (_, i) => ip4("10.0.5.0") + i);
      for (const ip of ips) hello(b, ip);
      return ips.filter((ip) => {
        b.clear();
        b.frame(tcp({ src: ip, dst: STACK }, { flags: "A", seq: 1, ack: 1, sport: 1, dport: 9 }));
        return b.out.some((s) => s.kind === "tcp");
      });
    };
    const [a, c] = [kept(1), kept(2)];
    assert.ok(a.length > 16 && a.length < 32 && c.length > 16 && c.length < 32, `${a.length}, ${c.length}`);
    assert.notDeepEqual(a, c);
  });
});

describe("no connection takes what all share", () => {
  it("64 connections with 66 packets beyond a gap each leave the others room for theirs", () => {
    const b = new Bench({ connsMax: 80, sendRing: 1024, recvRing: 1024, policy: { sack: true } });
    const hogs = 64, max = 4096;
    const open = (sport: number): void => {
      b.clear().sport = sport;
      b.accepted({ opts: [...opt.mss(1460), ...opt.sackOk()] });
    };
    for (let c = 0; c < hogs; c++) {
      open(41000 + c);
      for (let i = 0; i < 66; i++) b.send({ flags: "A", seq: 3 + 2 * i, ack: 1, data: pattern(1) });
    }
    assert.ok(b.stack.pools().rangesFree > max / 12, `${b.stack.pools().rangesFree} are free`);
    for (let c = 0; c < 8; c++) {
      open(42000 + c);
      const before = b.stack.pools().rangesFree;
      for (let i = 0; i < 40; i++) b.send({ flags: "A", seq: 3 + 2 * i, ack: 1, data: pattern(1) });
      const got = before - b.stack.pools().rangesFree;
      assert.ok(got >= 12, `connection ${c} has ${got}`);
    }
  });

  it("one connection alone may have 64 of many, and about half of a few", () => {
    for (const [rangesMax, most] of [[4096, 64], [16, 9], [1, 1]] as const) {
      const b = new Bench({ rangesMax, policy: { sack: true } }).accepted({
        opts: [...opt.mss(1460), ...opt.sackOk()],
      });
      for (let i = 0; i < 100; i++) b.send({ flags: "A", seq: 3 + 2 * i, ack: 1, data: pattern(1) });
      assert.equal(rangesMax - b.stack.pools().rangesFree, most);
    }
  });
});

describe("the work of one poll", () => {
  it("is bounded when many timers are due: it says that there is more, and takes frames in before it goes on", () => {
    const many = 1000;
    const b = new Bench({ gateway: "10.0.0.2", halfOpenMax: many, txSlots: 1024, rxSlots: 64, cookies: 0 });
    b.listener = b.stack.listen(STACK_PORT, many);
    for (let i = 0; i < many; i++) assert.ok(syn(b, from(0), 1024 + i));
    b.nowUs += 1_000_000;
    let sent = 0, polls = 0, wait = 0, echo = 0;
    for (; wait === 0 && polls < 100; polls++) {
      // A ping comes with each.
      b.stack.pushFrame(icmp({ src: PEER, dst: STACK }, 8, 0, 0x10001, pattern(8)));
      wait = b.stack.poll(b.nowUs);
      let now = 0;
      b.stack.drainFrames((f) => {
        const s = see(f.slice());
        if (s.kind === "tcp") now++;
        else if (s.kind === "icmp") echo++;
      });
      assert.ok(now <= 256, `${now} at once`);
      assert.equal(echo, polls + 1, "the ping is answered by the poll that takes it in");
      sent += now;
    }
    assert.equal(sent, many);
    assert.ok(polls >= many / 256 && wait > 0);
  });

  it("is bounded when many connections want to send", () => {
    const many = 3000;
    const b = new Bench({
      connsMax: many, timeWaitMax: 8, sendRing: 64, recvRing: 64, rangesMax: 16, sendersMax: 0, txSlots: 4096,
    });
    // Nobody answers for the neighbour: all wait for it, and try again when somebody does.
    const ip = ip4("10.0.0.9");
    for (let i = 0; i < many; i++) b.stack.connect(ip, 80, 1024 + i);
    b.poll();
    b.clear();
    b.stack.pushFrame(arp(2, { mac: MAC_PEER, ip }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
    let sent = 0, polls = 0, wait = 0;
    for (; wait === 0 && polls < 100; polls++) {
      wait = b.stack.poll(b.nowUs);
      const before = sent;
      b.stack.drainFrames(() => { sent++; });
      assert.ok(sent - before <= 1024, `${sent - before} at once`);
    }
    assert.equal(sent, many);
  });
});

if (!SMALL) {
  describe("a UDP port with a peer", () => {
    const others = { src: ip4("10.0.0.7"), dst: STACK };

    it4("is found by no scan: to all but the peer it is a port that nobody has (RFC 5452 §9.2)", () => {
      const b = new Bench({ icmpRate: 1000 }), socket = b.stack.udpOpen(5300), told: string[] = [];
      b.others = [others.src];
      b.frame(arp(1, { mac: MAC_PEER, ip: others.src }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
      b.stack.udpConnect(socket, PEER, 53);
      const said = (ip: { src: number; dst: number }, sport: number, dport: number): string => {
        b.clear();
        b.frame(udp(ip, sport, dport, pattern(9)));
        return b.out.map((s) => `${s.kind} ${s.type} ${s.code}`).join();
      };
      for (const dport of [5299, 5300]) told.push(said(others, 53, dport), said(others, 9, dport));
      // Nor to the peer's own host on another port.
      told.push(said({ src: PEER, dst: STACK }, 54, 5300));
      assert.deepEqual(told, Array(5).fill("icmp 3 3"));
      assert.equal(b.stack.udpReceive(socket), null);
      assert.equal(said({ src: PEER, dst: STACK }, 53, 5300), "");
      assert.deepEqual(b.stack.udpReceive(socket), { data: pattern(9), ip: PEER, port: 53 });
      // Without a peer, and with another socket on the port, it is everybody's.
      b.stack.udpConnect(socket, 0, 0);
      said(others, 1, 5300);
      assert.equal(b.stack.udpReceive(socket)!.ip, others.src);
      b.stack.udpConnect(socket, PEER, 53);
      b.stack.udpClose(socket);
      const next = b.stack.udpOpen(5300);
      said(others, 1, 5300);
      assert.equal(b.stack.udpReceive(next)!.ip, others.src);
    });

    it4("is not filled by others, and hears that its peer is not there", () => {
      const b = new Bench({ udpRing: 64 }), socket = b.stack.udpOpen(5300);
      b.stack.udpConnect(socket, PEER, 53);
      for (let i = 0; i < 20; i++) b.frame(udp({ src: PEER, dst: STACK }, 54, 5300, pattern(30)));
      b.frame(udp({ src: PEER, dst: STACK }, 53, 5300, pattern(30)));
      assert.equal(b.stack.udpReceive(socket)?.data.length, 30);
      b.stack.udpSend(socket, PEER, 53, pattern(9));
      b.clear().poll();
      const quoted = b.out.find((s) => s.kind === "udp")!.raw.slice(14, 42);
      b.frame(icmp({ src: PEER, dst: STACK }, 3, 3, 0, quoted));
      assert.equal(b.code(() => b.stack.udpReceive(socket)), "REFUSED");
    });

    it4("has a peer that can be, or the call says so", () => {
      const b = new Bench(), socket = b.stack.udpOpen(5300), x = b.stack.exports;
      for (const [ip, port] of [[PEER, 0], [PEER, 65536], [0xf0000001, 53]] as const)
        assert.equal(x.udp_connect(socket, ip, port), ERR.ARGUMENT, `${ip}:${port}`);
      assert.equal(x.udp_connect(socket + 1, PEER, 53), ERR.HANDLE);
      b.stack.udpClose(socket);
      assert.equal(x.udp_connect(socket, PEER, 53), ERR.HANDLE);
    });
  });

  describe("the work of one poll, in turns of loops", () => {
    let made: WebAssembly.Module | undefined;
    const counting = (): WebAssembly.Module => (made ??= instrumented("stint.simd", { withNotes: false }).module);

    it4("is in proportion to the neighbours that are asked, however many there are", () => {
      const many = 3000;
      const stack = new StackModule(counting(), {
        ip: "10.0.0.1/16", entropy: entropyOf(1), neighboursMax: 4096, txSlots: 4096, policy: { announce: false },
      });
      const fuel = (stack.exports as unknown as { fuel: WebAssembly.Global }).fuel;
      const poll = (): number => {
        fuel.value = 0x7fffffff;
        stack.poll(1_000_000);
        return 0x7fffffff - (fuel.value as number);
      };
      for (let i = 0; i < many; i++) {
        stack.pushFrame(arp(1, { mac: MAC_PEER, ip: ip4("10.0.8.0") + i }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
        poll();
        stack.drainFrames(() => {});
      }
      stack.linkChanged();
      const turns = poll(), asked = stack.drainFrames(() => {});
      assert.ok(asked > 2000, `${asked} are asked`);
      assert.ok(turns < 100_000, `${turns} turns for ${asked} questions`);
    });

    it4("that ends a connection is the same wherever it stands in a full accept queue", () => {
      /** Turns for the RST of the one that came last, of `many` that nobody accepted. */
      const turns = (many: number): number => {
        const stack = new StackModule(counting(), {
          ip: "10.0.0.1/24", entropy: entropyOf(1), connsMax: 1024, sendRing: 64, recvRing: 64,
          policy: { announce: false },
        });
        const fuel = (stack.exports as unknown as { fuel: WebAssembly.Global }).fuel;
        stack.listen(STACK_PORT, 1024);
        /** Returns the acknowledgment number of the last answer's next, and what it took. */
        const say = (t: Partial<Tcp> & { flags: string; seq: number; sport: number }): [number, number] => {
          let seq = 0;
          stack.pushFrame(tcp({ src: PEER, dst: STACK }, { dport: STACK_PORT, ...t }));
          fuel.value = 0x7fffffff;
          stack.poll(1_000_000);
          const spent = 0x7fffffff - (fuel.value as number);
          stack.drainFrames((f) => { seq = see(f).seq; });
          return [(seq + 1) >>> 0, spent];
        };
        stack.pushFrame(arp(1, { mac: MAC_PEER, ip: PEER }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
        for (let sport = 1; sport <= many; sport++) {
          const [ack] = say({ flags: "S", seq: 1000, sport });
          say({ flags: "A", seq: 1001, ack, sport });
        }
        assert.equal(stack.counters()["ListenOverflows"], 0);
        return say({ flags: "R", seq: 1001, sport: many })[1];
      };
      const few = turns(4), full = turns(1000);
      assert.ok(full <= few + 40, `${full} turns, and ${few} of four`);
    });
  });
}

describe("RFC 9293 §3.8.4, §3.8.6.1: who is heard", () => {
  const blind: [string, Tcp][] = [
    ["an ACK outside of the window", { flags: "A", seq: 1_000_000, ack: 1 }],
    ["an ACK in the window", { flags: "A", seq: 1000, ack: 1 }],
    ["text from before", { flags: "PA", seq: -500, ack: 1, data: pattern(100) }],
    ["text in the window, and an ACK of the future", { flags: "PA", seq: 1000, ack: 70_000, data: pattern(100) }],
    ["a SYN", { flags: "S", seq: 1000 }],
    ["a RST", { flags: "R", seq: 1000 }],
    ["nothing at all", { flags: "", seq: 1000 }],
  ];

  for (const [name, segment] of blind) {
    it(`a dead connection times out whatever others send: ${name}`, () => {
      const b = new Bench().accepted();
      b.stack.setOption(b.handle, "keepIdleS", 10);
      b.stack.setOption(b.handle, "keepIntervalS", 2);
      b.stack.setOption(b.handle, "keepProbes", 2);
      b.stack.setOption(b.handle, "keepAlive", 1);
      for (let s = 0; s < 20 && !b.had("CLOSED"); s++) {
        b.advance(1000);
        if (!b.had("CLOSED")) b.send(segment);
      }
      assert.ok(b.had("CLOSED"), "the connection has ended");
    });

    it(`nor does a closed window that nobody watches hold it: ${name}`, () => {
      const b = new Bench().accepted({ win: 0 }, { win: 0 });
      b.stack.setOption(b.handle, "userTimeoutMs", 10_000);
      b.write(100);
      for (let s = 0; s < 20 && !b.had("CLOSED"); s++) {
        b.advance(1000);
        if (!b.had("CLOSED")) b.send(segment);
      }
      assert.ok(b.had("CLOSED"), "the connection has ended");
    });
  }

  it("a peer whose window is closed as well is heard, though its own probe's octet lies before its answers", () => {
    const b = new Bench().accepted({ win: 0 }, { win: 0 });
    b.stack.setOption(b.handle, "userTimeoutMs", 10_000);
    b.write(100);
    for (let s = 0; s < 30; s++) {
      b.advance(1000);
      b.send({ flags: "A", seq: 2, ack: 1, win: 0 });
    }
    assert.ok(!b.had("CLOSED"));
  });
});

describe("RFC 1122 §3.2.1.3: a connection to ourselves", () => {
  if (!SMALL) it("takes nothing from the wire, not even the segment that it expects next", () => {
    const b = new Bench();
    const listener = b.stack.listen(STACK_PORT, 8), client = b.stack.connect(STACK, STACK_PORT, 50_000);
    b.poll();
    const server = b.stack.accept(listener), { sndNxt, rcvNxt } = b.stack.info(client);
    const errors = b.count("ipInAddrErrors");
    b.frame(tcp(
      { src: STACK, dst: STACK },
      { flags: "PA", sport: 50_000, dport: STACK_PORT, seq: sndNxt, ack: rcvNxt, data: pattern(10) },
    ));
    assert.equal(b.stack.info(server).rcvNxt, sndNxt, "nothing was taken");
    assert.equal(b.count("ipInAddrErrors"), errors + 1);
  });
});

describe("RFC 9293 §3.5: a SYN that is forged meets ours", () => {
  for (const early of [false, true]) {
    it("and the peer's own SYN-ACK, which knows our number, still opens the "
        + `connection${early ? ": what the forged one brought is gone" : ""}`, () => {
      const b = new Bench({ policy: { sack: true, timestamps: true } }).connecting();
      b.send({ flags: "S", seq: 70_000, data: pattern(early ? 100 : 0, 50), opts: [...opt.mss(536), ...opt.ts(5, 0)] });
      b.expect("SA", { seq: 0, ack: 70_001 });
      b.send({ flags: "SA", seq: 0, ack: 1, opts: opt.mss(1460) });
      b.expect("A", { seq: 1, ack: 1 });
      assert.equal(b.state, "ESTABLISHED");
      assert.ok(b.had("CONNECTED"));
      b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(200) });
      assert.deepEqual(b.read(), pattern(200));
      b.advance(10_000);
      b.clear();
      b.write(1000);
      b.expect("PA", { seq: 1, ack: 201, len: 1000 });
    });
  }

  it("and a RST with the number of the forged SYN does not end it", () => {
    const b = new Bench().connecting();
    b.send({ flags: "S", seq: 70_000 });
    b.send({ flags: "R", seq: 70_001 });
    b.clear();
    b.send({ flags: "SA", seq: 0, ack: 1, opts: opt.mss(1460) });
    b.expect("A", { seq: 1, ack: 1 });
    assert.equal(b.state, "ESTABLISHED");
  });

  it("but one that does not know it changes nothing", () => {
    const b = new Bench().connecting();
    b.send({ flags: "S", seq: 0, opts: opt.mss(1460) });
    b.expect("SA", { seq: 0, ack: 1 });
    b.send({ flags: "SA", seq: 70_000, ack: 2, opts: opt.mss(1460) });
    b.clear();
    b.send({ flags: "A", seq: 1, ack: 1 });
    assert.equal(b.state, "ESTABLISHED");
    assert.equal(b.info.rcvNxt, (b.peerIsn + 1) >>> 0);
  });
});
