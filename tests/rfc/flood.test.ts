/**
 * SYN floods (RFC 4987): the half-open table, cookies, rate limits, time-outs and groups; and what attackers send
 * besides.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { POLICY } from "../../host/config.js";
import { Random } from "../../host/random.js";
import { FLAG } from "../../host/stack.js";
import { Bench, PEER, SMALL, STACK, STACK_PORT, pattern, type BenchOptions, it4 } from "../harness/bench.js";
import { icmp, ip4, ipv4, opt, segment, tcp, type Ip, type Seen, type Tcp } from "../harness/codec.js";
import { entropyOf } from "../harness/entropy.js";

/** Clients from beyond the link come through the peer, which is the gateway. */
/** Both of them were settled. */
const BOTH = FLAG.timestamps | FLAG.sack;
const server = (options: BenchOptions = {}): Bench => {
  const b = new Bench({ gateway: "10.0.0.2", connsMax: 4, halfOpenMax: 4, cookies: 0, synAckMs: 1000, ...options });
  b.listener = b.stack.listen(STACK_PORT, 16);
  return b;
};

/** A client's SYN; the answer, if there was one. */
function syn(b: Bench, src: number, sport = 1024, more: Partial<Tcp> = {}, ip: Partial<Ip> = {}): Seen | undefined {
  b.clear();
  b.send({ flags: "S", seq: 0, sport, opts: opt.mss(1460), ...more }, { src, ...ip });
  return b.out.find((s) => s.kind === "tcp");
}

/** The ACK that completes what `synAck` began; `twist` changes the acknowledgment number. */
function complete(b: Bench, synAck: Seen, twist = 0, more: Partial<Tcp> = {}): void {
  b.clear();
  b.frame(tcp(
    { src: synAck.ip.dst, dst: synAck.ip.src },
    {
      flags: "A", seq: synAck.ack, ack: ((synAck.seq ^ twist) + 1) >>> 0, sport: synAck.dport, dport: synAck.sport,
      ...more,
    },
  ));
}

const from = (i: number): number => ip4("198.18.0.1") + i * 256;
const full = (b: Bench): void => { for (let i = 0; i < 4; i++) assert.ok(syn(b, from(i))); };

describe("half-open table", () => {
  it("4987-1 keeps a SYN out of the TCBs, however many come", () => {
    const b = server();
    for (let i = 0; i < 1000; i++) syn(b, from(i));
    assert.deepEqual([b.stack.pools().connections, b.stack.pools().halfOpenFree], [0, 0]);
    assert.equal(b.count("TCPHalfOpenEvicted"), 996);
  });

  it("repeats the SYN-ACK after 1, 3 and 7 s, and gives up after its retries or at its deadline", () => {
    for (const [options, sent, ends] of [
      [{ synAckRetries: 2 }, 3, 7], [{ halfOpenMs: 4000 }, 3, 4], [{ synAckRetries: 0 }, 1, 1],
    ] as const) {
      const b = server(options);
      const start = b.nowUs;
      syn(b, from(1));
      let synAcks = 1;
      while (b.stack.pools().halfOpenFree < 4) {
        b.clear();
        b.advance(100);
        synAcks += b.out.filter((s) => s.kind === "tcp" && s.flags === "SA").length;
        assert.ok(b.nowUs - start < 100e6);
      }
      assert.deepEqual([synAcks, Math.floor((b.nowUs - start) / 1e6)], [sent, ends]);
      assert.equal(b.count("TCPHalfOpenExpired"), 1);
    }
  });

  if (!SMALL) it("drops new SYNs when it is full, if it is to keep what it has", () => {
    const b = server({ policy: { keepHalfOpen: true } });
    full(b);
    assert.equal(syn(b, from(9)), undefined);
    assert.deepEqual([b.count("TCPReqQFullDrop"), b.count("ListenDrops"), b.count("TCPHalfOpenEvicted")], [1, 1, 0]);
  });

  it("holds no more records of a listener than its backlog", () => {
    const b = server({ halfOpenMax: 64, policy: { keepHalfOpen: true } });
    for (let i = 0; i < 60; i++) syn(b, from(i));
    assert.deepEqual([b.stack.listenerInfo(b.listener).halfOpen, b.stack.pools().halfOpenFree], [16, 48]);
  });

  it("promotes a record by an ACK of its ISS alone", () => {
    const b = server();
    const answer = syn(b, from(1))!;
    for (const twist of [1, 0x80000000, 0xffff]) {
      complete(b, answer, twist);
      assert.equal(b.next("RST").flags, "R");
    }
    complete(b, answer, 0, { flags: "PAF", data: pattern(100) });
    b.handle = b.stack.accept(b.listener);
    assert.deepEqual(b.read(), pattern(100));
    assert.equal(b.info.stateName, "CLOSE-WAIT");
  });

  it("answers a SYN again with the same ISS, and one with another ISN on the same "
      + "four-tuple not with a new record", () => {
    const b = server();
    const first = syn(b, from(1))!;
    assert.equal(syn(b, from(1))!.seq, first.seq);
    syn(b, from(1), 1024, { seq: 100_000 });
    assert.equal(b.stack.pools().halfOpenFree, 3);
    assert.equal(b.out.find((s) => s.kind === "tcp")!.flags, "A");
  });

  it("removes a record by a port unreachable that quotes exactly its SYN-ACK (RFC 5927), and by no other", () => {
    const b = server();
    const answer = syn(b, from(1))!;
    const quote = (seq: number, code = 3): Uint8Array =>
      icmp(
        { src: PEER, dst: STACK },
        3,
        code,
        0,
        ipv4(
          { src: STACK, dst: from(1), proto: 6 },
          segment(
            { src: STACK, dst: from(1) }, { flags: "SA", sport: STACK_PORT, dport: 1024, seq, ack: answer.ack },
          ).subarray(0, 8),
        ).subarray(14),
      );
    for (const wrong of [1, 0x1000, 0x80000000]) b.frame(quote((answer.seq + wrong) >>> 0));
    assert.deepEqual([b.stack.pools().halfOpenFree, b.count("OutOfWindowIcmps")], [3, 3]);
    b.frame(quote(answer.seq, 1));
    assert.deepEqual([b.stack.pools().halfOpenFree, b.count("OutOfWindowIcmps")], [3, 3], "host unreachable is soft");
    b.frame(quote(answer.seq));
    assert.deepEqual([b.stack.pools().halfOpenFree, b.count("OutOfWindowIcmps")], [4, 3]);
  });

  it("removes a record by a RST at RCV.NXT alone", () => {
    const b = server();
    syn(b, from(1));
    b.send({ flags: "R", seq: 2, sport: 1024 }, { src: from(1) });
    assert.equal(b.stack.pools().halfOpenFree, 3);
    b.send({ flags: "R", seq: 1, sport: 1024 }, { src: from(1) });
    assert.equal(b.stack.pools().halfOpenFree, 4);
  });
});

if (!SMALL) describe("the rate of one listener", () => {
  it("touches no other listener: what waits there is accepted, in order", () => {
    const b = new Bench({ synRate: 5, synBurst: 4, cookies: 0, policy: { keepHalfOpen: true, synSilence: true } });
    const [first, second] = [b.stack.listen(8080, 8), b.stack.listen(8081, 8)];
    const open = (sport: number): void => {
      b.sport = sport;
      b.send({ flags: "S", seq: 0 });
      b.send({ flags: "A", seq: 1, ack: 1 });
    };
    open(41000);
    open(41001);
    b.dport = 8081;
    for (let i = 0; i < 50; i++) {
      b.sport = 42000 + i;
      b.send({ flags: "S", seq: 0 });
    }
    b.dport = 8080;
    b.advance(1000);
    open(41002);
    const ports = [0, 1, 2].map(() => b.stack.info(b.stack.accept(first)).rport);
    assert.deepEqual(ports, [41000, 41001, 41002]);
    assert.equal(b.stack.accept(first), 0);
    assert.deepEqual(b.stack.listenerInfo(second), { halfOpen: 4, toAccept: 0, backlog: 8, defending: false });
  });
});

if (!SMALL) describe("SYN cookies", () => {
  const options = (scale: number): number[] => [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0, 1, 3, 3, scale];
  const policy = { timestamps: true, sack: true, windowScaling: true };

  it("4987-2 are sent when the table is full, always or never", () => {
    for (const [cookies, sent] of [[0, 0], [1, 6], [2, 10]] as const) {
      const b = server({ cookies });
      for (let i = 0; i < 10; i++) syn(b, from(i));
      assert.equal(b.count("SyncookiesSent"), sent);
    }
  });

  it("lose no option of a client with timestamps", () => {
    for (const scale of [0, 7, 14]) {
      const b = server({ cookies: 2, policy });
      const answer = syn(b, from(1), 1024, { opts: options(scale) })!;
      const echo = answer.opts.get(8)!.slice(0, 4);
      complete(b, answer, 0, { opts: [1, 1, 8, 10, 0, 0, 1, 1, ...echo] });
      b.handle = b.stack.accept(b.listener);
      assert.deepEqual([b.info.sndScale, b.info.peerMss, b.info.flags & BOTH], [scale, 1460, BOTH]);
    }
  });

  it("carry eight values of the MSS", () => {
    const b = server({ cookies: 2 });
    const got = [50, 536, 600, 1000, 1300, 1380, 1420, 1450, 1460, 9000].map((mss, i) => {
      complete(b, syn(b, from(i), 1024, { opts: opt.mss(mss) })!);
      b.handle = b.stack.accept(b.listener);
      const { peerMss } = b.info;
      b.stack.abort(b.handle);
      return peerMss;
    });
    assert.deepEqual(got, [64, 536, 536, 960, 1220, 1360, 1400, 1440, 1460, 1460]);
  });

  it("with any bit flipped are answered with a RST, and make no connection", () => {
    const b = server({ cookies: 2 });
    const answer = syn(b, from(1))!;
    for (let bit = 0; bit < 32; bit++) {
      complete(b, answer, 2 ** bit);
      const rst = b.next(`a RST for bit ${bit}`);
      assert.deepEqual([rst.flags, rst.seq], ["R", ((answer.seq ^ 2 ** bit) + 1) >>> 0]);
      assert.equal(b.stack.pools().connections, 0);
    }
    assert.equal(b.count("SyncookiesFailed"), 32);
    complete(b, answer);
    assert.equal(b.stack.pools().connections, 1);
  });

  it("are worth nothing at another listener, from another client, with another secret, or with another IRS", () => {
    const b = server({ cookies: 2 });
    b.stack.listen(STACK_PORT + 1, 16);
    const answer = syn(b, from(1))!;
    syn(b, from(2), 1024, { dport: STACK_PORT + 1 });
    for (const more of [{ dport: STACK_PORT + 1 }, { sport: 1025 }, { seq: answer.ack + 1 }]) {
      complete(b, answer, 0, more);
      assert.equal(b.next("RST").flags, "R");
    }
    const other = server({ cookies: 2, entropy: entropyOf(9) });
    syn(other, from(1));
    complete(other, answer);
    assert.equal(other.next("RST").flags, "R");
    assert.deepEqual([b.stack.pools().connections, other.stack.pools().connections], [0, 0]);
  });

  it("live for at most two minutes, and at least one", () => {
    for (const [seconds, lives] of [[59, true], [121, false], [185, false], [3600, false]] as const) {
      const b = server({ cookies: 2 });
      const answer = syn(b, from(1))!;
      b.advance(seconds * 1000);
      // Others keep the listener answering with cookies.
      syn(b, from(2));
      complete(b, answer);
      assert.equal(b.stack.pools().connections, lives ? 1 : 0, `after ${seconds} s`);
    }
  });

  it("make their own four-tuple again when they are replayed, and nothing else", () => {
    const b = server({ cookies: 2 });
    const answer = syn(b, from(1))!;
    for (let i = 0; i < 5; i++) complete(b, answer);
    assert.equal(b.stack.pools().connections, 1);
    assert.equal(b.state, "LISTEN");
    assert.equal(b.stack.flowState(STACK, STACK_PORT, from(1), 1024), "ESTABLISHED");
  });

  it("are not looked for when none was sent, so that a stray ACK costs no hash", () => {
    const b = server({ cookies: 1 });
    b.send({ flags: "A", seq: 1, ack: 1 });
    assert.equal(b.next("RST").flags, "R");
    assert.equal(b.count("SyncookiesFailed"), 0);
  });
});

if (!SMALL) describe("rate limits", () => {
  it("let a listener take in its burst, then its rate; above it, silence", () => {
    const b = server({ halfOpenMax: 1000, synRate: 10, synBurst: 5, policy: { synSilence: true }, cookies: 1 });
    b.stack.close(b.listener);
    b.listener = b.stack.listen(STACK_PORT, 1000);
    const taken = (n: number): number =>
      Array.from({ length: n }, (_, i) => syn(b, from(i + b.count("tcpInSegs")))).filter(Boolean).length;
    assert.equal(taken(50), 5);
    b.advance(1000);
    assert.equal(taken(50), 5);
    let got = 0;
    for (let i = 0; i < 1000; i++) {
      b.advance(10);
      got += taken(1);
    }
    assert.ok(got >= 99 && got <= 105, `${got} in 10 s`);
    assert.ok(b.count("TCPSynRateDrop") > 900);
  });

  it("answer what is above the rate with cookies, unless told to keep silent", () => {
    const b = server({ synRate: 1, synBurst: 1, cookies: 1 });
    for (let i = 0; i < 10; i++) assert.ok(syn(b, from(i)));
    assert.deepEqual([b.count("SyncookiesSent"), b.stack.pools().halfOpenFree], [9, 3]);
  });

  it4("hold for a /24, and leave the others alone", () => {
    const b = server({
      halfOpenMax: 1000, prefixRate: 2, prefixBurst: 4, prefixBuckets: 4096,
      policy: { synSilence: true, keepHalfOpen: true },
    });
    b.stack.close(b.listener);
    b.listener = b.stack.listen(STACK_PORT, 1000);
    const botnet = ip4("203.0.113.0");
    let taken = 0;
    for (let i = 0; i < 200; i++) if (syn(b, botnet + (i & 255))) taken++;
    assert.equal(taken, 4);
    for (let i = 0; i < 20; i++) assert.ok(syn(b, from(i)), `client ${i}`);
  });

  it("cannot be aimed at: which prefixes share a bucket depends on the key", () => {
    const colliding = (entropy: number): number[] => {
      const b = server({
        halfOpenMax: 4096, prefixRate: 1, prefixBurst: 1, prefixBuckets: 64, policy: { synSilence: true },
        entropy: entropyOf(entropy),
      });
      b.stack.close(b.listener);
      b.listener = b.stack.listen(STACK_PORT, 4096);
      syn(b, ip4("203.0.113.1"));
      return Array.from({ length: 300 }, (_, i) => i).filter((i) => {
        // Whoever is silenced here shares the bucket that is spent.
        const answered = syn(b, from(i)) !== undefined;
        b.advance(1100);
        syn(b, ip4("203.0.113.1"), 2000 + i);
        return !answered;
      });
    };
    const a = colliding(1), c = colliding(2);
    assert.ok(a.length > 0 && c.length > 0 && a.length < 30 && c.length < 30);
    assert.notDeepEqual(a, c);
  });

  it("bound the wrong cookies that are answered, per prefix", () => {
    const b = server({ cookies: 2, cookieRate: 8, prefixBuckets: 4096 });
    const mine = syn(b, from(1))!;
    for (let i = 0; i < 100; i++) b.send({ flags: "A", seq: 1, ack: i, sport: 2000 + i }, { src: ip4("203.0.113.5") });
    assert.deepEqual([b.count("SyncookiesFailed"), b.count("TCPACKSkippedCookie")], [9, 91]);
    complete(b, mine);
    assert.equal(b.stack.pools().connections, 1);
  });

  it("of challenge ACKs tell nobody what happens on another connection (CVE-2016-5696)", () => {
    const b = server({ challengeMax: 10 }).accepted();
    const victim = b.handle;
    b.sport = 40001;
    b.accepted();
    // An attacker spoofs 1000 SYNs into the first connection …
    for (let i = 0; i < 1000; i++) b.send({ flags: "S", seq: 5000, sport: 40000 });
    // … and finds its own connection's share untouched.
    b.clear();
    for (let i = 0; i < 10; i++) b.send({ flags: "S", seq: 5000 });
    assert.equal(b.out.filter((s) => s.kind === "tcp" && s.dport === 40001).length, 10);
    assert.equal(b.stack.info(victim).stateName, "ESTABLISHED");
  });
});

describe("time-outs", () => {
  it("can be shortened while the stack runs", () => {
    const b = server();
    b.stack.tune({ synAckMs: 100, synAckRetries: 1, halfOpenMs: 300 });
    syn(b, from(1));
    b.advance(310);
    assert.equal(b.stack.pools().halfOpenFree, 4);
  });

  it("are checked like the configuration, and nothing that sizes a table can be set", () => {
    const b = server();
    for (const numbers of [
      { synAckMs: 0 }, { delayedAckMs: 500 }, { cookies: 3 }, { rtoMaxMs: 10 }, { connsMax: 100 }, { ip: 1 },
      { groupKey0: 1 }, { prefixBuckets: 4 }, { policy: POLICY.group },
    ]) {
      assert.equal(b.code(() => b.stack.tune(numbers)), "ARGUMENT", JSON.stringify(numbers));
    }
    assert.equal(
      b.code(() => b.stack.tune({ policy: POLICY.rstOnOverflow, cookies: 1, firstByteMs: 1000, synAckMs: 5 })), "OK",
    );
  });

  it("reset a connection that never sends a byte, and no other", () => {
    const b = server({ firstByteMs: 5000 }).accepted();
    b.advance(4990);
    assert.equal(b.info.stateName, "ESTABLISHED");
    b.advance(20);
    assert.equal(b.next("RST").flags, "RA");
    assert.deepEqual([b.info.stateName, b.count("TCPFirstByteTimeout")], ["CLOSED", 1]);
    b.sport = 40001;
    b.accepted();
    b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(1) });
    b.stack.setOption(b.handle, "keepAlive", true);
    b.clear().advance(60_000);
    assert.equal(b.info.stateName, "ESTABLISHED");
  });

  it("of the first byte leave keep-alive working, and connections that we opened alone", () => {
    const b = server({ firstByteMs: 5000, keepIdleS: 10 }).accepted();
    b.stack.setOption(b.handle, "keepAlive", true);
    b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(1) });
    b.advance(100);
    b.clear().advance(20_000);
    b.expect("A", { seq: 0, ack: 2 });
    const c = new Bench({ firstByteMs: 1000 }).connected();
    c.advance(30_000);
    assert.equal(c.info.stateName, "ESTABLISHED");
  });

  if (!SMALL) it("of the accept queue: the last ACK is dropped and may come again, or answered with a RST, "
      + "as the policy has it at the time", () => {
    const b = server();
    b.stack.close(b.listener);
    b.listener = b.stack.listen(STACK_PORT, 1);
    complete(b, syn(b, from(1))!);
    const second = syn(b, from(2));
    assert.ok(second);
    complete(b, second);
    b.silent();
    b.stack.tune({ policy: POLICY.rstOnOverflow });
    complete(b, second);
    assert.equal(b.next("RST").flags, "R");
    assert.equal(b.count("ListenOverflows"), 2);
  });
});

if (!SMALL) describe("defence", () => {
  it("begins with the first SYN that has no room and ends a second after the last, with an event each", () => {
    const b = server({ cookies: 1 });
    full(b);
    assert.equal(b.stack.listenerInfo(b.listener).defending, false);
    syn(b, from(8));
    assert.ok(b.had("DEFENCE", b.listener));
    assert.equal(b.stack.listenerInfo(b.listener).defending, true);
    b.events.clear();
    b.advance(900);
    syn(b, from(9));
    b.advance(900);
    assert.equal(b.stack.listenerInfo(b.listener).defending, true);
    b.advance(200);
    assert.equal(b.stack.listenerInfo(b.listener).defending, false);
    assert.ok(b.had("DEFENCE", b.listener));
  });
});

if (!SMALL) describe("a group of stacks behind one address", () => {
  it("keeps its secret in keys alone: nowhere in memory does it stand as it was given", () => {
    const b = server({ group: { key: Uint8Array.from({ length: 16 }, (_, i) => 0xa1 + 5 * i), clockOffsetUs: 0 } });
    const first = Buffer.from(b.stack.memory).indexOf(Buffer.from([0xa1, 0xa6, 0xab, 0xb0, 0xb5, 0xba, 0xbf, 0xc4]));
    const last = Buffer.from(b.stack.memory).lastIndexOf(Buffer.from([0xa1, 0xa6, 0xab, 0xb0, 0xb5, 0xba, 0xbf, 0xc4]));
    assert.ok(first > 0 && first === last, "once, as the master key");
  });

  const key = Uint8Array.from({ length: 16 }, (_, i) => 200 + i);
  const policy = { timestamps: true, sack: true, windowScaling: true };
  /** A member whose own clock began at another time than the others'. */
  const member = (entropy: number, startedUs: number, options: BenchOptions = {}): Bench => {
    const b = server({ entropy: entropyOf(entropy), group: { key, clockOffsetUs: startedUs }, policy, ...options });
    return b;
  };
  const OPTIONS = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0, 1, 3, 3, 9];

  it("completes on one what another began, whose record it has not", () => {
    const a = member(1, 5_000_000_000), b = member(2, 5_000_000_000);
    const answer = syn(a, from(1), 1024, { opts: OPTIONS })!;
    assert.equal(a.stack.pools().halfOpenFree, 3);
    const echo = answer.opts.get(8)!.slice(0, 4);
    complete(b, answer, 0, { flags: "PA", opts: [1, 1, 8, 10, 0, 0, 1, 1, ...echo], data: pattern(50) });
    b.handle = b.stack.accept(b.listener);
    assert.deepEqual(b.read(), pattern(50));
    assert.deepEqual([b.info.sndScale, b.info.peerMss, b.info.flags & BOTH], [9, 1460, BOTH]);
    b.advance(100);
    const ack = b.all.at(-1)!;
    const time = (s: Seen): number => new DataView(s.opts.get(8)!.buffer, s.opts.get(8)!.byteOffset).getUint32(0);
    assert.ok(((time(ack) - time(answer)) | 0) >= 0, "its timestamps go on from there");
  });

  it("needs the same key, and clocks of the same minute", () => {
    const a = member(1, 0);
    const answer = syn(a, from(1))!;
    for (const [other, works] of [
      [member(2, 0), true], [member(2, -50_000), true], [member(2, 300e6), false],
      [server({ group: { key: key.map((x) => x ^ 1), clockOffsetUs: 0 } }), false], [server({}), false],
    ] as const) {
      complete(other, answer);
      assert.equal(other.stack.pools().connections, works ? 1 : 0);
    }
  });

  it("resets a connection of a member that is gone, once data of it comes", () => {
    const a = member(1, 0), b = member(2, 0);
    const answer = syn(a, from(1))!;
    complete(a, answer);
    b.frame(tcp(
      { src: from(1), dst: STACK },
      {
        flags: "PA", seq: answer.ack + 5000, ack: answer.seq + 9000, sport: 1024, dport: STACK_PORT, data: pattern(5),
      },
    ));
    assert.equal(b.next("RST").flags, "R");
  });
});

describe("bad input under attack", () => {
  /** None of it may use memory, or get an answer other than `answers`. */
  function harmless(
    name: string, send: (b: Bench, i: number, r: Random) => void, answers: string[],
    register: (name: string, test: () => void) => void = it,
  ): void {
    register(name, () => {
      const b = server({ cookies: 1, halfOpenMax: 8 }), r = new Random(4987);
      const before = b.stack.memory.length;
      b.clear();
      for (let i = 0; i < 500; i++) send(b, i, r);
      const got = new Set(b.out.filter((s) => s.kind === "tcp").map((s) => s.flags));
      assert.deepEqual([...got].sort(), answers.sort());
      assert.deepEqual(
        [b.stack.pools().connections, b.stack.pools().halfOpenFree, b.stack.memory.length], [0, 8, before],
      );
      complete(b, syn(b, from(1))!);
      assert.equal(b.stack.pools().connections, 1, "a client is served");
    });
  }
  const random = (r: Random): Partial<Ip> => ({ src: ip4("198.18.0.0") + r.below(1 << 17) });

  harmless(
    "an ACK flood",
    (b, i, r) => b.send({ flags: "A", seq: r.u32(), ack: r.u32(), sport: 1 + r.below(65535) }, random(r)), ["R"],
  );
  harmless("a RST flood", (b, i, r) => b.send({ flags: "R", seq: r.u32(), sport: 1 + r.below(65535) }, random(r)), []);
  harmless(
    "a FIN flood",
    (b, i, r) =>
      b.send({ flags: i & 1 ? "F" : "FA", seq: r.u32(), ack: r.u32(), sport: 1 + r.below(65535) }, random(r)),
    ["R"],
  );
  harmless("SYN+FIN", (b, i, r) => b.send({ flags: "SF", seq: r.u32(), sport: 1 + r.below(65535) }, random(r)), []);
  harmless("SYN+RST", (b, i, r) => b.send({ flags: "SR", seq: r.u32(), sport: 1 + r.below(65535) }, random(r)), []);
  harmless(
    "SYN-ACKs that nobody asked for",
    (b, i, r) => b.send({ flags: "SA", seq: r.u32(), ack: r.u32(), sport: 1 + r.below(65535) }, random(r)), ["R"],
  );
  harmless("SYNs to a broadcast or multicast address", (b, i) => {
    b.send(
      { flags: "S", seq: 0 },
      { dst: ip4(["10.0.0.255", "255.255.255.255", "224.0.0.1"][i % 3]!), dstMac: [255, 255, 255, 255, 255, 255] },
    );
  }, []);
  harmless("SYNs from a broadcast, multicast, loopback or no address", (b, i) => {
    b.send(
      { flags: "S", seq: 0 },
      { src: ip4(["10.0.0.255", "255.255.255.255", "224.0.0.1", "127.0.0.1", "0.0.0.0"][i % 5]!) },
    );
  }, [], it4);
  harmless(
    "LAND: our own address as the source", (b) => b.send({ flags: "S", seq: 0, sport: STACK_PORT }, { src: STACK }), [],
  );
  harmless(
    "ports 0", (b, i, r) => b.send({ flags: "S", seq: 0, ...(i & 1 ? { sport: 0 } : { dport: 0 }) }, random(r)), [],
  );

  it("40 bytes of garbage options: answered as a plain SYN, or dropped, never more than that", () => {
    const b = server({ cookies: 1 }), r = new Random(40);
    for (let i = 0; i < 2000; i++) {
      const answer = syn(b, from(i), 1024, { opts: [...r.bytes(40)] });
      if (answer) assert.equal(answer.flags, "SA");
    }
    complete(b, syn(b, from(5000))!);
    assert.equal(b.stack.pools().connections, 1);
  });

  if (!SMALL) it("reflection is bounded: one SYN-ACK a SYN, and the retries of the records that are kept", () => {
    for (const cookies of [0, 1, 2]) {
      const b = server({ cookies, synAckRetries: 5, halfOpenMax: 4 });
      b.clear();
      const victim = from(77);
      for (let i = 0; i < 1000; i++) b.send({ flags: "S", seq: 0, sport: 1000 + i }, { src: victim });
      b.advance(200_000);
      const sent = b.out.filter((s) => s.kind === "tcp");
      assert.ok(sent.every((s) => s.flags === "SA" && s.data.length === 0));
      assert.ok(sent.length <= 1000 + 4 * 5, `${sent.length} SYN-ACKs`);
      assert.equal(b.stack.pools().halfOpenFree, 4);
    }
  });

  if (!SMALL) it("a flood of a hundred tables' worth leaves every client served, and the memory as it was", () => {
    const b = server({ cookies: 1, connsMax: 200, halfOpenMax: 16, timeWaitMax: 200 }), r = new Random(7);
    const before = b.stack.memory.length;
    for (let i = 0; i < 1600; i++) {
      syn(b, ip4("198.18.0.0") + r.below(1 << 17), 1 + r.below(65535));
      if (i % 16 !== 0) continue;
      const answer = syn(b, PEER, 3000 + i);
      assert.ok(answer);
      complete(b, answer);
      assert.ok(b.stack.accept(b.listener) > 0, `client ${i / 16}`);
    }
    assert.equal(b.stack.memory.length, before);
    assert.equal(b.stack.pools().connections, 100);
  });
});
