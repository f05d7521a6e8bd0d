/** RFC 7413: TCP Fast Open. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, SMALL, PEER, PEER_PORT, STACK, STACK_PORT, pattern, type BenchOptions } from "../harness/bench.js";
import { icmp, ip4, opt, type Seen } from "../harness/codec.js";
import { entropyOf } from "../harness/entropy.js";

const FAST_OPEN = 34;
const CLOSED_PORT = 3;

/** A stack that listens and takes Fast Open. */
function server(options: BenchOptions = {}): Bench {
  const b = new Bench(options);
  b.listener = b.stack.listen(STACK_PORT, 8);
  b.stack.setOption(b.listener, "fastOpen", true);
  return b;
}

/** The peer asks for a cookie; the connection goes on to its end. */
function cookieOf(b: Bench): Uint8Array {
  b.send({ flags: "S", seq: 0, opts: [...opt.mss(1460), ...opt.fastOpen()] });
  const cookie = b.expect("SA", { seq: 0, ack: 1 }).opts.get(FAST_OPEN);
  assert.ok(cookie, "the SYN-ACK has a cookie");
  b.send({ flags: "R", seq: 1 });
  assert.equal(b.state, "LISTEN");
  b.clear();
  return cookie;
}

/** The peer's SYN with text and the cookie. */
function fastSyn(b: Bench, cookie: Uint8Array | number[], data = pattern(100)): void {
  b.send({ flags: "S", seq: 0, opts: [...opt.mss(1460), ...opt.fastOpen(cookie)], data });
}

/** A stack that opens to the peer, with text in its hands. */
function client(b: Bench, size: number): Bench {
  b.dport = 50000 + b.all.length;
  b.handle = b.stack.connect(PEER, PEER_PORT, b.dport);
  b.stack.setOption(b.handle, "fastOpen", true);
  if (size > 0) b.stack.send(b.handle, pattern(size));
  b.poll();
  return b;
}

/** A client that has got this cookie. */
function withCookie(cookie: number[], options: BenchOptions = {}, mss = 1460): Bench {
  const b = client(new Bench(options), 0);
  assert.deepEqual([...b.expect("S", { seq: 0, len: 0 }).opts.get(FAST_OPEN)!], [], "a request");
  b.send({ flags: "SA", seq: 0, ack: 1, opts: [...opt.mss(mss), ...opt.fastOpen(cookie)] });
  b.expect("A", { seq: 1, ack: 1 });
  b.stack.abort(b.handle);
  b.poll();
  return b.clear();
}

const COOKIE = [1, 2, 3, 4, 5, 6, 7, 8];

if (!SMALL) describe("RFC 7413 §4.1.1: the option", () => {
  it("7413-1 is off by default, on both sides", () => {
    const b = new Bench();
    b.listener = b.stack.listen(STACK_PORT, 8);
    b.send({ flags: "S", seq: 0, opts: [...opt.mss(1460), ...opt.fastOpen()] });
    assert.ok(!b.expect("SA", { ack: 1 }).opts.has(FAST_OPEN));
    const c = new Bench();
    c.connecting();
    assert.ok(!c.all.some((s) => s.opts.has(FAST_OPEN)));
  });

  it("7413-2 is ignored with a length that cannot be, and without SYN", () => {
    for (const size of [3, 4, 5, 7, 19, 20, 36]) {
      const b = server();
      b.send({ flags: "S", seq: 0, opts: [34, size, ...new Array<number>(Math.min(36, size) - 2).fill(9)] });
      assert.ok(!b.expect("SA", { ack: 1 }).opts.has(FAST_OPEN), `length ${size}`);
    }
    const b = server();
    const cookie = cookieOf(b);
    b.accepted();
    b.send({ flags: "PA", seq: 1, ack: 1, opts: opt.fastOpen(cookie), data: pattern(10) });
    assert.deepEqual(b.read(), pattern(10));
  });
});

if (!SMALL) describe("RFC 7413 §4.1.2 and §4.2.2: the server", () => {
  it("7413-3 gives the same cookie to one address, another one to another, and another one with another secret", () => {
    const of = (seed: number, src: number): string => {
      const b = server({ entropy: entropyOf(seed), gateway: "10.0.0.2" });
      b.send({ flags: "S", seq: 0, opts: opt.fastOpen() }, { src });
      return Buffer.from(b.next().opts.get(FAST_OPEN)!).toString("hex");
    };
    assert.equal(of(1, PEER), of(1, PEER));
    const all = [of(1, PEER), of(2, PEER), ...Array.from({ length: 20 }, (_, i) => of(1, ip4(`192.0.2.${i + 1}`)))];
    assert.equal(new Set(all).size, all.length);
  });

  it("7413-4 takes the text of a SYN with its cookie, tells the application, "
      + "and lets it answer before the handshake is complete", () => {
    const b = server(), cookie = cookieOf(b);
    fastSyn(b, cookie);
    const synAck = b.expect("SA", { seq: 0, ack: 101, len: 0 });
    assert.equal(synAck.win, 65535 - 99, "the window's edge is where it would be without text");
    assert.equal(b.state, "SYN-RECEIVED");
    assert.ok(b.had("ACCEPT", b.listener));
    b.handle = b.stack.accept(b.listener);
    assert.deepEqual(b.read(), pattern(100));
    b.write(2920);
    b.expect("A", { seq: 1, ack: 101, len: 1460 });
    b.expect("PA", { seq: 1461, len: 1460 });
    b.send({ flags: "A", seq: 101, ack: 2921 });
    assert.equal(b.state, "ESTABLISHED");
    assert.equal(b.info.sndUna, b.info.sndNxt);
    assert.equal(b.count("TCPFastOpenPassive"), 1);
    assert.equal(b.count("tcpPassiveOpens"), 1);
    b.send({ flags: "PA", seq: 101, ack: 2921, data: pattern(50, 100) });
    assert.deepEqual(b.read(), pattern(50, 100));
  });

  it("7413-5 sends no more than the initial window, and no FIN, before the handshake is complete", () => {
    const b = server(), cookie = cookieOf(b);
    fastSyn(b, cookie);
    b.handle = b.stack.accept(b.listener);
    b.clear();
    b.stack.send(b.handle, pattern(40_000));
    b.stack.shutdown(b.handle);
    b.poll();
    const sent = b.out.filter((s) => s.kind === "tcp");
    assert.equal(sent.reduce((n, s) => n + s.data.length, 0), 10 * 1460);
    assert.ok(!sent.some((s) => s.flags.includes("F")));
    for (
      let ack = 14601;
      b.state === "SYN-RECEIVED" || b.info.sndUna !== b.info.sndNxt;
      ack = (b.info.sndNxt - b.stackIsn) >>> 0
    )
      b.send({ flags: "A", seq: 101, ack });
    assert.equal(b.state, "FIN-WAIT-2");
    const last = b.all.at(-1)!;
    assert.equal((last.seq - b.stackIsn) >>> 0, 40_001 - last.data.length);
    assert.ok(last.flags.includes("F"));
  });

  it("7413-6 acknowledges only the SYN without a good cookie, and gives a good one", () => {
    const b = server(), cookie = cookieOf(b);
    for (const bad of [
      COOKIE, [...cookie.slice(0, 4)], [...cookie, ...cookie], [...cookie.slice(0, 7), cookie[7]! ^ 1],
    ]) {
      fastSyn(b, bad);
      assert.deepEqual([...b.expect("SA", { seq: 0, ack: 1 }).opts.get(FAST_OPEN)!], [...cookie]);
      assert.equal(b.stack.accept(b.listener), 0, "nothing to accept");
      b.send({ flags: "R", seq: 1 });
    }
    assert.equal(b.count("TCPFastOpenPassiveFail"), 4);
    assert.equal(b.stack.pools().connections, 0);
  });

  it("7413-7 sends the SYN-ACK again without cookie and text, and gives up like a half-open record", () => {
    const b = server({ halfOpenMs: 20_000 }), cookie = cookieOf(b);
    fastSyn(b, cookie);
    b.handle = b.stack.accept(b.listener);
    b.write(500);
    b.clear();
    b.advance(1100);
    const again = b.expect("SA", { seq: 0, ack: 101, len: 0 });
    assert.ok(!again.opts.has(FAST_OPEN));
    b.advance(60_000);
    assert.equal(b.state, "LISTEN");
    assert.equal(b.code(() => b.stack.send(b.handle, pattern(1))), "TIMED_OUT");
    b.stack.close(b.handle);
    assert.equal(b.stack.pools().connections, 0);
  });

  it("7413-8 sends text again that was lost beside the handshake's last ACK", () => {
    const b = server(), cookie = cookieOf(b);
    fastSyn(b, cookie);
    b.handle = b.stack.accept(b.listener);
    b.write(500);
    b.clear();
    b.send({ flags: "A", seq: 101, ack: 1 });
    assert.equal(b.state, "ESTABLISHED");
    b.advance(3000);
    b.expect("PA", { seq: 1, ack: 101, len: 500 });
  });

  it("7413-9 answers a SYN that comes again with the same SYN-ACK, and takes its text once", () => {
    const b = server(), cookie = cookieOf(b);
    fastSyn(b, cookie);
    b.expect("SA", { seq: 0, ack: 101 });
    fastSyn(b, cookie);
    b.expect("SA", { seq: 0, ack: 101 });
    // Without text, as the RFC wants it after a time-out.
    b.send({ flags: "S", seq: 0, opts: opt.mss(1460) });
    b.expect("SA", { seq: 0, ack: 101 });
    b.handle = b.stack.accept(b.listener);
    assert.deepEqual(b.read(), pattern(100));
    assert.equal(b.stack.accept(b.listener), 0);
  });

  it("7413-10 opens as usual above the limit of pending requests, and opens fast again below it", () => {
    const b = server({ fastOpenMax: 2 }), cookie = cookieOf(b);
    let isn = 0;
    for (let i = 0; i < 3; i++) {
      b.sport = 41000 + i;
      fastSyn(b, cookie);
      b.expect("SA", { ack: i < 2 ? 101 : 1 });
      if (i === 1) isn = b.stackIsn;
    }
    b.stackIsn = isn;
    assert.equal(b.count("TCPFastOpenListenOverflow"), 1);
    b.sport = 41001;
    b.send({ flags: "A", seq: 101, ack: 1 });
    b.sport = 41003;
    fastSyn(b, cookie);
    b.expect("SA", { ack: 101 });
  });

  it("7413-11 counts a pending connection that was reset for a minute more (§5.1)", () => {
    const b = server({ fastOpenMax: 1 }), cookie = cookieOf(b);
    fastSyn(b, cookie);
    b.expect("SA", { ack: 101 });
    b.send({ flags: "R", seq: 101 });
    assert.equal(b.state, "LISTEN");
    b.sport++;
    fastSyn(b, cookie);
    b.expect("SA", { ack: 1 });
    b.advance(61_000);
    b.sport++;
    b.clear();
    fastSyn(b, cookie);
    b.expect("SA", { ack: 101 });
  });

  it("tells who has accepted it of a reset", () => {
    const b = server(), cookie = cookieOf(b);
    fastSyn(b, cookie);
    b.handle = b.stack.accept(b.listener);
    b.send({ flags: "R", seq: 101 });
    assert.ok(b.had("CLOSED"));
    assert.equal(b.code(() => b.stack.send(b.handle, pattern(1))), "RESET");
    // What had come can still be read.
    assert.deepEqual(b.read(), pattern(100));
    b.stack.close(b.handle);
    assert.equal(b.stack.pools().connections, 0);
  });

  it("7413-13 takes an old cookie for an hour more, and sends a new one beside it", () => {
    const b = server(), cookie = cookieOf(b);
    b.advance(3_600_000);
    fastSyn(b, cookie);
    const fresh = b.expect("SA", { ack: 101 }).opts.get(FAST_OPEN)!;
    assert.notDeepEqual([...fresh], [...cookie]);
    b.send({ flags: "R", seq: 101 });
    b.advance(3_600_000);
    b.sport++;
    b.clear();
    fastSyn(b, cookie);
    b.expect("SA", { ack: 1 });
    b.sport++;
    fastSyn(b, fresh);
    b.expect("SA", { ack: 101 });
  });

  it("leaves a FIN behind the text for later, and takes no more text than the window holds", () => {
    const b = server({ recvRing: 64 }), cookie = cookieOf(b);
    b.send({ flags: "SF", seq: 0, opts: opt.fastOpen(cookie), data: pattern(100) });
    b.silent("a SYN with FIN is dropped, by policy");
    fastSyn(b, cookie);
    b.expect("SA", { ack: 65, win: 0 });
    const c = server({ policy: { synFin: true } }), of = cookieOf(c);
    c.send({ flags: "SF", seq: 0, opts: opt.fastOpen(of), data: pattern(100) });
    c.expect("SA", { ack: 101 });
  });

  it("is bounded: valid cookies from one address take the pool's share and no more, and nothing is left behind", () => {
    const b = server({ connsMax: 32, halfOpenMax: 64, fastOpenMax: 4, halfOpenMs: 5000, synAckRetries: 2 });
    const cookie = cookieOf(b);
    for (let i = 0; i < 500; i++) {
      b.sport = 1024 + i;
      fastSyn(b, cookie);
      if (i % 3 === 0) b.send({ flags: "R", seq: 101 });
    }
    assert.ok(b.stack.pools().connections <= 4);
    b.advance(200_000);
    assert.equal(b.stack.pools().connections, 0);
    assert.equal(b.stack.pools().halfOpenFree, 64);
  });

  it("challenges a SYN-ACK where the SYN was, and takes its text no second time", () => {
    const b = server(), cookie = cookieOf(b);
    fastSyn(b, cookie);
    b.handle = b.stack.accept(b.listener);
    assert.deepEqual(b.read(), pattern(100));
    b.clear();
    b.send({ flags: "SA", seq: 0, ack: 1, data: pattern(10) });
    b.expect("A", { seq: 1, ack: 101 });
    assert.equal(b.state, "SYN-RECEIVED");
    assert.equal(b.info.rcvSize, 0);
  });

  it("resets a listener's pending connections when it goes away", () => {
    const b = server(), cookie = cookieOf(b);
    fastSyn(b, cookie);
    b.clear();
    b.stack.close(b.listener);
    b.poll();
    b.expect("RA", { seq: 1, ack: 101 });
    assert.equal(b.stack.pools().connections, 0);
  });

  it("has the options of the SYN beside the cookie", () => {
    const b = server({ policy: { timestamps: true, sack: true, windowScaling: true } });
    b.send({
      flags: "S", seq: 0,
      opts: [...opt.mss(1460), ...opt.sackOk(), ...opt.ts(1000, 0), ...opt.ws(7), ...opt.fastOpen()],
    });
    const s = b.expect("SA", { ack: 1 });
    assert.deepEqual([...s.opts.keys()].sort((x, y) => x - y), [2, 3, 4, 8, FAST_OPEN]);
    const cookie = s.opts.get(FAST_OPEN)!;
    b.send({ flags: "R", seq: 1 });
    b.send({
      flags: "S", seq: 0,
      opts: [...opt.mss(1460), ...opt.sackOk(), ...opt.ts(1001, 0), ...opt.ws(7), ...opt.fastOpen(cookie)],
      data: pattern(10),
    });
    const fast = b.expect("SA", { ack: 11 });
    assert.deepEqual([...fast.opts.keys()].sort((x, y) => x - y), [2, 3, 4, 8]);
    assert.equal(new DataView(fast.opts.get(8)!.buffer).getUint32(4), 1001, "the SYN's timestamp comes back");
    b.handle = b.stack.accept(b.listener);
    b.write(10);
    b.expect("PA", { seq: 1, ack: 11, len: 10 });
    b.send({ flags: "A", seq: 11, ack: 11, opts: [1, 1, ...opt.ts(1002, 0)] });
    assert.equal(b.info.sndScale, 7);
  });
});

if (!SMALL) describe("RFC 7413 §4.1.3 and §4.2.2: the client", () => {
  it("7413-18 asks for a cookie first, without text, and then sends text with it in the SYN", () => {
    const b = withCookie(COOKIE);
    client(b, 300);
    const syn = b.expect("S", { seq: 0, len: 300 });
    assert.deepEqual([...syn.opts.get(FAST_OPEN)!], COOKIE);
    assert.deepEqual([...syn.data], [...pattern(300)]);
    b.send({ flags: "SA", seq: 0, ack: 301, opts: opt.mss(1460) });
    b.expect("A", { seq: 301, ack: 1, len: 0 });
    assert.equal(b.count("TCPFastOpenActive"), 1);
    assert.equal(b.info.sndSize, 0);
    b.write(pattern(10, 300));
    assert.deepEqual([...b.expect("PA", { seq: 301, len: 10 }).data], [...pattern(10, 300)]);
    b.send({ flags: "PA", seq: 1, ack: 311, data: pattern(5) });
    assert.deepEqual(b.read(), pattern(5));
  });

  it("7413-19 keeps the text to the server's MSS, less the options, and sends the rest after the handshake", () => {
    for (const [mss, first] of [[1460, 1460], [536, 536], [9000, 1460]] as const) {
      const b = withCookie(COOKIE, {}, mss);
      client(b, 2000);
      const syn = b.next();
      assert.equal(syn.data.length + syn.optBytes.length, first);
      b.send({ flags: "SA", seq: 0, ack: 1 + syn.data.length, opts: opt.mss(mss) });
      assert.equal((b.next().seq - b.stackIsn) >>> 0, 1 + syn.data.length);
    }
  });

  it("7413-20 sends text again, all of it or a part, that the SYN-ACK does not acknowledge, "
      + "with the handshake's last ACK", () => {
    for (const taken of [0, 1, 100, 299]) {
      const b = withCookie(COOKIE);
      client(b, 300);
      b.expect("S", { len: 300 });
      b.send({ flags: "SA", seq: 0, ack: 1 + taken, opts: [...opt.mss(1460), ...opt.fastOpen([9, 9, 9, 9])] });
      const again = b.expect("PA", { seq: 1 + taken, ack: 1, len: 300 - taken });
      assert.deepEqual([...again.data], [...pattern(300).slice(taken)]);
      b.send({ flags: "A", seq: 1, ack: 301 });
      assert.equal(b.info.sndSize, 0);
    }
  });

  it("resets on an ACK of what was never sent", () => {
    const b = withCookie(COOKIE);
    client(b, 300);
    b.clear();
    b.send({ flags: "SA", seq: 0, ack: 302 });
    b.expectReset({ seq: b.stackIsn + 302 });
    assert.equal(b.state, "SYN-SENT");
    b.send({ flags: "SA", seq: 0, ack: 0 });
    b.expectReset({ seq: b.stackIsn });
  });

  it("7413-22 sends the SYN again without cookie and text; what then comes for the first one counts", () => {
    const b = withCookie(COOKIE);
    client(b, 300);
    b.clear();
    b.advance(1100);
    const again = b.expect("S", { seq: 0, len: 0 });
    assert.ok(!again.opts.has(FAST_OPEN));
    b.send({ flags: "SA", seq: 0, ack: 301, opts: opt.mss(1460) });
    b.expect("A", { seq: 301, ack: 1 });
  });

  it("7413-23 spares a server for a while that did not take the text, gave no cookie, "
      + "or did not answer (§4.1.3.1)", () => {
    const plain = (b: Bench): boolean => {
      b.stack.abort(b.handle);
      b.poll();
      b.clear();
      client(b, 10);
      const syn = b.next();
      return syn.data.length === 0 && !syn.opts.has(FAST_OPEN);
    };
    const answers: Record<string, (b: Bench) => void> = {
      "no cookie, no text": (b) => b.send({ flags: "SA", seq: 0, ack: 1 }),
      "the same cookie, no text": (b) => b.send({ flags: "SA", seq: 0, ack: 1, opts: opt.fastOpen(COOKIE) }),
      "the plain SYN is answered": (b) => (b.advance(1100), b.send({ flags: "SA", seq: 0, ack: 1 })),
      "no answer at all": (b) => b.advance(400_000),
      "an ICMP error": (b) =>
        b.frame(icmp({ src: PEER, dst: STACK }, 3, CLOSED_PORT, 0, b.all.at(-1)!.raw.slice(14, 14 + 28))),
    };
    for (const [what, answer] of Object.entries(answers)) {
      const b = withCookie(COOKIE);
      client(b, 300);
      answer(b);
      assert.ok(plain(b), what);
      b.advance(601_000);
      assert.ok(!plain(b), `${what}, ten minutes later`);
    }
    for (const fine of [{ ack: 301, opts: opt.mss(1460) }, { ack: 1, opts: opt.fastOpen([4, 3, 2, 1]) }]) {
      const b = withCookie(COOKIE);
      client(b, 300);
      b.send({ flags: "SA", seq: 0, ...fine });
      assert.ok(!plain(b));
    }
  });

  it("7413-24 keeps a cookie a server and port, and forgets the one that was used least recently", () => {
    const b = new Bench({ fastOpenCookies: 2 });
    const open = (port: number): Seen => {
      b.dport = 50000 + b.all.length;
      b.sport = port;
      b.handle = b.stack.connect(PEER, port, b.dport);
      b.stack.setOption(b.handle, "fastOpen", true);
      b.stack.send(b.handle, pattern(5));
      b.poll();
      const syn = b.next();
      b.send({ flags: "SA", seq: 0, ack: 1 + syn.data.length, opts: opt.fastOpen([port & 255, 1, 2, 3]) });
      b.stack.abort(b.handle);
      b.poll();
      b.clear();
      b.advance(5000);
      return syn;
    };
    open(1);
    open(2);
    assert.equal(open(1).data.length, 5);
    open(3);
    assert.equal(open(1).data.length, 5, "used lately");
    assert.equal(open(2).data.length, 0, "forgotten");
  });

  it("opens without a table, as usual", () => {
    const b = client(new Bench({ fastOpenCookies: 0 }), 10);
    assert.ok(!b.expect("S", { len: 0 }).opts.has(FAST_OPEN));
    b.send({ flags: "SA", seq: 0, ack: 1 });
    b.expect("PA", { seq: 1, len: 10 });
  });

  it("7413-26 takes cookies of 4 to 14 bytes beside all other options, and none that would not fit", () => {
    for (const size of [4, 6, 8, 12, 14, 16]) {
      const cookie = Array.from({ length: size }, (_, i) => i + 1);
      const policy = { timestamps: true, sack: true, windowScaling: true };
      const b = withCookie(cookie, { policy });
      client(b, 5);
      const syn = b.next();
      assert.deepEqual([...(syn.opts.get(FAST_OPEN) ?? [])], size <= 14 ? cookie : [], `${size} bytes`);
      assert.equal(syn.data.length, size <= 14 ? 5 : 0);
    }
  });

  it("opens simultaneously, and counts the text that the peer took from our SYN", () => {
    const b = withCookie(COOKIE);
    client(b, 300);
    b.clear();
    b.send({ flags: "S", seq: 0, opts: opt.mss(1460) });
    const synAck = b.expect("SA", { seq: 0, ack: 1, len: 0 });
    assert.ok(!synAck.opts.has(FAST_OPEN));
    b.send({ flags: "SA", seq: 0, ack: 301 });
    b.expect("A", { seq: 301, ack: 1 });
    assert.equal(b.state, "ESTABLISHED");
    assert.equal(b.info.sndSize, 0);
  });

  it("sends the FIN of a CLOSE that came before, behind the text", () => {
    const b = withCookie(COOKIE);
    b.dport = 50100;
    b.handle = b.stack.connect(PEER, PEER_PORT, b.dport);
    b.stack.setOption(b.handle, "fastOpen", true);
    b.stack.send(b.handle, pattern(20));
    b.stack.shutdown(b.handle);
    b.poll();
    b.expect("S", { len: 20 });
    b.send({ flags: "SA", seq: 0, ack: 21 });
    b.expect("FA", { seq: 21, ack: 1 });
  });

  it("cannot be asked for once the SYN is sent, first or again", () => {
    const b = new Bench();
    b.connecting();
    assert.equal(b.code(() => b.stack.setOption(b.handle, "fastOpen", true)), "STATE");
    b.advance(1100);
    assert.equal(b.code(() => b.stack.setOption(b.handle, "fastOpen", true)), "STATE");
    b.send({ flags: "SA", seq: 0, ack: 1 });
    assert.equal(b.count("TCPFastOpenActiveFail"), 0, "a server that was never asked has not failed");
    assert.equal(b.code(() => b.stack.setOption(b.handle, "fastOpen", true)), "STATE");
  });

  it("wraps around the whole send ring", () => {
    const b = withCookie(COOKIE, { sendRing: 64 });
    client(b, 64);
    b.expect("S", { len: 64 });
    b.send({ flags: "SA", seq: 0, ack: 65, opts: opt.mss(1460) });
    b.clear();
    b.write(pattern(40, 64));
    // In two segments, so that a delayed ACK does not stop it.
    assert.deepEqual([...b.expect("A", { seq: 65 }).data, ...b.expect("PA", { seq: 97 }).data], [...pattern(40, 64)]);
  });
});

if (!SMALL) describe("RFC 7413: two stacks", () => {
  it("exchange a request and its answer in one round trip", () => {
    const s = server(), c = new Bench({ ip: "10.0.0.3/24", mac: "02:00:0a:00:00:03" });
    s.answersArp = c.answersArp = false;
    // Everything between the two, until both are silent; returns how often something crossed.
    const cross = (answer?: () => void): number => {
      let times = 0;
      for (; times < 50; times++) {
        const there = c.out.splice(0), back = s.out.splice(0);
        if (there.length + back.length === 0) break;
        for (const f of there) s.frame(f.raw);
        for (const f of back) c.frame(f.raw);
        answer?.();
      }
      return times;
    };
    // The neighbours find each other.
    c.stack.connect(STACK, 1, 0);
    c.poll();
    cross();
    const turn = (): number => {
      c.handle = c.stack.connect(STACK, STACK_PORT, 0);
      c.stack.setOption(c.handle, "fastOpen", true);
      c.stack.send(c.handle, pattern(200));
      c.poll();
      let served = 0, answeredAt = -1, times = 0;
      cross(() => {
        times++;
        const handle = s.stack.accept(s.listener);
        if (handle > 0) served = handle;
        if (served > 0 && s.stack.receivable(served) === 200) {
          assert.deepEqual(s.stack.receive(served), pattern(200));
          s.stack.send(served, pattern(100));
          s.poll();
        }
        if (answeredAt < 0 && c.stack.receivable(c.handle) === 100) answeredAt = times;
      });
      assert.deepEqual(c.read(), pattern(100));
      c.stack.close(c.handle);
      s.stack.close(served);
      c.poll();
      s.poll();
      cross();
      return answeredAt;
    };
    const first = turn(), second = turn();
    assert.deepEqual(
      [first, second], [4, 2],
      "crossings until the answer is there: SYN, SYN-ACK, request, answer; then SYN and answer",
    );
  });
});
