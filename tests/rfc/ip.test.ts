/** ARP (RFC 826, 5227), IPv4 (RFC 791, 1122 §3), ICMP (RFC 792, 1122 §3.2.2, 5927, 1191), UDP (RFC 768), and TCP's use of them (RFC 9293 §3.9.2). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, MSS, PEER, PEER_PORT, SMALL, STACK, pattern } from "../harness/bench.js";
import { arp, be, BROADCAST, ethernet, icmp, ip4, ipv4, MAC_PEER, MAC_STACK, opt, segment, tcp, udp, type Seen } from "../harness/codec.js";

const ZERO = [0, 0, 0, 0, 0, 0], OTHER = [2, 0, 10, 0, 0, 9];
const REMOTE = ip4("192.0.2.7");

/** An ICMP error about the stack's own segment. */
function about(b: Bench, s: Seen, type: number, code: number, rest = 0, edit: (quoted: Uint8Array) => void = () => {}): void {
  const quoted = s.raw.slice(14, 14 + 28);
  edit(quoted);
  b.frame(icmp({ src: ip4("10.0.0.254"), dst: STACK }, type, code, rest, quoted));
}

describe("RFC 826: ARP", () => {
  it("who is not on the link is answered, and takes no place among the neighbours", () => {
    const far = ip4("10.9.0.0"), router = ip4("192.0.2.1"), b = new Bench({ neighboursMax: 4, gateway: "192.0.2.1" });
    b.stack.udpOpen(53);
    /** Whether what is sent to `to` leaves without a question first. */
    const isKnown = (to: number): boolean => {
      b.clear();
      b.stack.udpSend(b.stack.udpOpen(0), to, 999, pattern(1));
      b.poll();
      return b.out.some((s) => s.kind === "udp");
    };
    for (let i = 0; i < 4; i++) b.frame(arp(1, { mac: OTHER, ip: ip4("10.0.0.9") + i }, { mac: ZERO, ip: STACK }));
    b.clear();
    for (let i = 1; i < 20; i++) {
      b.advance(61_000);
      b.frame(arp(1, { mac: OTHER, ip: far + i }, { mac: ZERO, ip: STACK }));
      assert.equal(b.out.filter((s) => s.kind === "arp" && s.ip.dst === far + i).length, 1, "an answer");
    }
    for (let i = 0; i < 4; i++) assert.ok(isKnown(ip4("10.0.0.9") + i), `neighbour ${i}`);
    b.frame(arp(1, { mac: OTHER, ip: router }, { mac: ZERO, ip: STACK }));
    assert.ok(isKnown(far), "a gateway may be elsewhere");
  });

  it("826-1 answers for its own address only, and learns from who asks it", () => {
    const b = new Bench();
    b.frame(arp(1, { mac: OTHER, ip: ip4("10.0.0.9") }, { mac: ZERO, ip: ip4("10.0.0.77") }));
    assert.equal(b.out.length, 0);
    b.frame(arp(1, { mac: OTHER, ip: ip4("10.0.0.9") }, { mac: ZERO, ip: STACK }));
    const reply = b.out.pop()!;
    assert.deepEqual([reply.op, reply.ip.src, reply.ip.dst, reply.dstMac], [2, STACK, ip4("10.0.0.9"), OTHER]);
    b.stack.connect(ip4("10.0.0.9"), 80);
    b.poll();
    assert.equal(b.next().dstMac.join(), OTHER.join());
  });

  it("1122-ARP-2 1122-ARP-3 asks once a second, three times; a segment goes out as soon as the answer comes", () => {
    const b = new Bench();
    const far = ip4("10.0.0.50");
    const handle = b.stack.connect(far, 80);
    b.poll();
    let requests = 0;
    for (let i = 0; i < 29; i++) {
      requests += b.out.splice(0).filter((s) => s.kind === "arp").length;
      b.advance(100);
    }
    assert.equal(requests, 3);
    b.advance(200);
    assert.ok(b.had("SOFT_ERROR", handle), "the application is told that the neighbour does not answer");
    b.clear();
    b.frame(arp(2, { mac: OTHER, ip: far }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
    assert.equal(b.next().dstMac.join(), OTHER.join());
  });

  it("1122-ARP-3 keeps one datagram that waits", () => {
    const b = new Bench();
    const s = b.stack.udpOpen(5000);
    b.stack.udpSend(s, ip4("10.0.0.50"), 53, pattern(3));
    b.stack.udpSend(s, ip4("10.0.0.50"), 53, pattern(5));
    b.poll();
    b.clear();
    b.frame(arp(2, { mac: OTHER, ip: ip4("10.0.0.50") }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
    assert.deepEqual(b.out.map((x) => [x.kind, x.data.length]), [["udp", 5]]);
  });

  it("1122-ARP-1 renews an entry after a minute, and forgets a neighbour that is silent", () => {
    const b = new Bench().accepted();
    b.answersArp = false;
    b.advance(61_000);
    b.write(10);
    assert.equal(b.out.filter((s) => s.kind === "arp").length, 1);
    assert.equal(b.out.filter((s) => s.kind === "tcp").length, 1, "the old entry serves meanwhile");
    b.advance(4000);
    assert.ok(b.count("arpFailures") > 0);
  });

  it("believes no unsolicited reply, and asks when a known neighbour moves", () => {
    const b = new Bench().accepted();
    b.answersArp = false;
    b.frame(arp(2, { mac: OTHER, ip: ip4("10.0.0.60") }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
    b.frame(arp(2, { mac: OTHER, ip: PEER }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
    b.frame(arp(1, { mac: OTHER, ip: PEER }, { mac: ZERO, ip: PEER }));
    assert.equal(b.out.splice(0).filter((s) => s.kind === "arp").length, 1);
    b.write(10);
    assert.equal(b.next().dstMac.join(), MAC_PEER.join());
  });

  it("5227-1 notices a conflict, defends itself once, answers a probe", () => {
    const b = new Bench();
    for (let i = 0; i < 5; i++) b.frame(arp(1, { mac: OTHER, ip: STACK }, { mac: ZERO, ip: STACK }));
    assert.equal(b.count("arpConflicts"), 5);
    assert.deepEqual(b.out.splice(0).map((s) => [s.op, s.ip.src, s.ip.dst]), [[1, STACK, STACK]]);
    b.frame(arp(1, { mac: OTHER, ip: 0 }, { mac: ZERO, ip: STACK }));
    assert.equal(b.out.pop()!.op, 2);
  });

  it("announces itself at the start", () => {
    const b = new Bench({ policy: { announce: true } });
    assert.equal(b.count("arpOutRequests"), 1);
  });

  it("drops what is malformed", () => {
    const b = new Bench();
    const good = arp(1, { mac: OTHER, ip: ip4("10.0.0.9") }, { mac: ZERO, ip: STACK });
    for (const [at, v] of [[14, 9], [16, 9], [18, 5], [19, 16], [21, 9]] as const) {
      const bad = good.slice();
      bad[at] = v;
      b.frame(bad);
    }
    for (let n = 14; n < 42; n++) b.frame(good.slice(0, n));
    assert.equal(b.out.length, 0);
  });
});

describe("RFC 791, RFC 1122 §3.2.1: IPv4", () => {
  const syn = (edit: (f: Uint8Array) => void = () => {}, extra = {}): Uint8Array => {
    const f = tcp({ src: PEER, dst: STACK, ...extra }, { flags: "S", seq: 1, sport: 1, dport: 9 });
    edit(f);
    return f;
  };
  const dropped = (...frames: Uint8Array[]): void => {
    const b = new Bench();
    for (const f of frames) b.frame(f);
    assert.deepEqual(b.out, []);
  };

  it("1122-IP-1 1122-IP-2 drops another version, and a bad header checksum", () => {
    dropped(syn((f) => (f[14] = 0x65)), syn((f) => (f[22]! ^= 1)));
  });

  it("1122-IP-3 1122-IP-8 drops what is not for it, and what comes from no host", () => {
    dropped(syn(undefined, { dst: ip4("10.0.0.9") }), syn(undefined, { src: 0 }), syn(undefined, { src: 0x7f000001 }),
      syn(undefined, { dst: 0x7f000001 }), syn(undefined, { src: 0xe0000005 }), syn(undefined, { src: STACK }), syn(undefined, { dstMac: BROADCAST }),
      syn(undefined, { dstMac: OTHER }));
  });

  it("drops lengths that disagree", () => {
    dropped(syn((f) => (f[14] = 0x44)), syn((f) => (f[14] = 0x4f)), syn((f) => f.set(be(2, 19), 16)), syn((f) => f.set(be(2, 4000), 16)), syn().slice(0, 33));
  });

  it("MUST-50 1122-IP-5 1122-IP-4 processes a segment with options that it does not know, and with TTL 1", () => {
    const b = new Bench();
    b.frame(syn(undefined, { ipOpts: [7, 7, 4, 0, 0, 0, 0, 1], ttl: 1 }));
    b.expectReset();
    b.frame(syn(undefined, { ipOpts: [7, 0, 0, 0] }));
    b.frame(syn(undefined, { ipOpts: [7, 40, 0, 0] }));
    b.silent();
  });

  it("6864-1 sends atomic datagrams: DF, no fragments", () => {
    const b = new Bench().accepted();
    b.write(20000);
    for (const s of b.all) assert.equal(s.ip.frag, 0x4000);
  });

  describe("reassembly", () => {
    const whole = segment({ src: PEER, dst: STACK }, { flags: "S", seq: 1, sport: 7, dport: 9, opts: Array(40).fill(1) });
    const piece = (from: number, to: number, id = 5): Uint8Array =>
      ipv4({ src: PEER, dst: STACK, proto: 6, id, frag: (to < whole.length ? 0x2000 : 0) | (from >> 3) }, whole.slice(from, to));

    if (!SMALL) it("1122-IP-6 791-1 puts fragments together in any order, with duplicates", () => {
      for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 0, 2, 1]]) {
        const b = new Bench();
        for (const i of order) b.frame([piece(0, 24), piece(24, 48), piece(48, 60)][i]!);
        b.expectReset();
        b.silent();
      }
    });

    if (!SMALL) it("791-1 gives a datagram up whose fragments overlap", () => {
      const b = new Bench();
      b.frame(piece(0, 32));
      b.frame(piece(24, 60));
      b.frame(piece(32, 60));
      b.silent();
      assert.equal(b.count("ipReasmOverlaps"), 1);
    });

    if (!SMALL) it("1122-IP-6 gives up after a minute, and says so if the first fragment came", () => {
      const b = new Bench();
      b.frame(piece(0, 24));
      b.advance(59_000);
      b.clear();
      b.advance(2000);
      const s = b.out.find((x) => x.kind === "icmp")!;
      assert.deepEqual([s.type, s.code], [11, 1]);
      assert.equal(b.count("ipReasmTimeout"), 1);
    });

    it("bears a flood of first fragments, lengths beyond 65535, and tiny ones", () => {
      const b = new Bench().accepted();
      for (let id = 0; id < 300; id++) b.frame(piece(0, 24, 1000 + id));
      b.frame(ipv4({ src: PEER, dst: STACK, proto: 6, frag: 0x1fff }, new Uint8Array(100)));
      b.frame(ipv4({ src: PEER, dst: STACK, proto: 6, frag: 0x2000 }, new Uint8Array(7)));
      b.frame(ipv4({ src: PEER, dst: STACK, proto: 6, frag: 0x2000 }, new Uint8Array(0)));
      b.send({ flags: "A", seq: 1, ack: 1, data: pattern(5) });
      assert.deepEqual(b.read(), pattern(5), "a connection is not disturbed");
    });
  });
});

describe("RFC 9293 §3.9.2, §3.9.1.9: what TCP asks of IP", () => {
  it("MUST-48 MUST-49 SHLD-21 SHLD-22 DSCP and TTL can be set, also while the connection is open", () => {
    const b = new Bench({ ttl: 33 }).accepted();
    b.write(1);
    assert.deepEqual([b.all.at(-1)!.ip.ttl, b.all.at(-1)!.ip.tos], [33, 0]);
    b.stack.setOption(b.handle, "ttl", 7);
    b.stack.setOption(b.handle, "tos", 0xb8);
    b.send({ flags: "A", seq: 1, ack: 2 });
    b.write(1);
    assert.deepEqual([b.all.at(-1)!.ip.ttl, b.all.at(-1)!.ip.tos], [7, 0xb8]);
  });

  it("RFC 9293 MUST-48 MUST-49: a listener's DSCP and TTL are its SYN-ACKs', and those of what follows, up to TIME-WAIT", () => {
    const b = new Bench({ cookies: SMALL ? 0 : 1 });
    b.listener = b.stack.listen(8080, 8);
    b.stack.setOption(b.listener, "tos", 0xb8);
    b.stack.setOption(b.listener, "ttl", 9);
    for (const [option, value] of [["ttl", 0], ["ttl", 256], ["tos", 256], ["noDelay", 1]] as const) {
      assert.equal(b.code(() => b.stack.setOption(b.listener, option, value)), "ARGUMENT");
    }
    b.accepted();
    b.stack.close(b.handle);
    b.poll();
    b.send({ flags: "FA", seq: 1, ack: 2 });
    b.send({ flags: "FA", seq: 1, ack: 2 });
    assert.equal(b.state, "TIME-WAIT");
    // A half-open connection: its SYN-ACK, the same again by its timer, and a challenge.
    b.sport++;
    b.send({ flags: "S", seq: 0 });
    b.advance(1000);
    b.send({ flags: "A", seq: 100_000, ack: 1 });
    const marks = b.all.map((s) => `${s.flags} ${s.ip.tos} ${s.ip.ttl}`);
    assert.equal(marks.length, 7, marks.join());
    assert.ok(marks.every((m) => m.endsWith(" 184 9")), marks.join());
    if (SMALL) return;
    const c = new Bench({ cookies: 2 });
    const l = c.stack.listen(8080, 8);
    c.stack.setOption(l, "tos", 0x20);
    c.send({ flags: "S", seq: 0 });
    assert.equal(c.expect("SA").ip.tos, 0x20, "a cookie, too");
  });

  it("a segment with a source route is not taken (deviation: MUST-51 MUST-52 MUST-53)", () => {
    const b = new Bench();
    b.stack.listen(8080);
    b.send({ flags: "S", seq: 0 }, { ipOpts: [131, 7, 4, 1, 2, 3, 4, 0] });
    b.silent();
  });

  it("uses the gateway for what is not on the link, and says when there is none", () => {
    const b = new Bench({ gateway: "10.0.0.2" });
    b.stack.connect(REMOTE, 80);
    b.poll();
    const s = b.next();
    assert.deepEqual([s.dstMac.join(), s.ip.dst], [MAC_PEER.join(), REMOTE]);
    assert.equal(new Bench().code(() => new Bench().stack.connect(REMOTE, 80)), "UNREACHABLE");
  });

  if (!SMALL) it("talks to itself, by 127.0.0.1 and by its own address", () => {
    for (const ip of [0x7f000001, STACK]) {
      const b = new Bench();
      const listener = b.stack.listen(7);
      const out = b.stack.connect(ip, 7);
      b.poll();
      const inside = b.stack.accept(listener);
      assert.ok(inside > 0);
      b.stack.send(out, pattern(30000));
      b.poll();
      b.advance(1000);
      assert.deepEqual(b.stack.receive(inside), pattern(30000));
      assert.deepEqual(b.out, [], "nothing of it on the wire");
    }
  });
});

describe("RFC 9293 §3.9.2.2, RFC 5927: ICMP errors", () => {
  const sent = (): [Bench, Seen] => {
    const b = new Bench().accepted();
    b.write(100);
    return [b, b.next()];
  };

  it("MUST-54 SHLD-25 5927-1 belong to a connection by their quoted header, and count only for what is in flight", () => {
    const [b, s] = sent();
    about(b, s, 3, 1);
    assert.ok(b.had("SOFT_ERROR"));
    assert.equal(b.info.softError, -10);
    const [c, r] = sent();
    for (const seq of [c.stackIsn - 5, c.stackIsn + 101, c.stackIsn + 70000]) about(c, r, 3, 1, 0, (q) => q.set(be(4, seq >>> 0), 24));
    about(c, r, 3, 1, 0, (q) => q.set(be(2, 1), 22));
    assert.equal(c.info.softError, 0);
    assert.equal(c.count("OutOfWindowIcmps"), 4);
  });

  it("MUST-56 soft errors end no connection, not even one that is opening", () => {
    for (const [type, code] of [[3, 0], [3, 1], [3, 5], [11, 0], [11, 1], [12, 0]] as const) {
      const [b, s] = sent();
      about(b, s, type, code);
      assert.equal(b.state, "ESTABLISHED");
      const c = new Bench();
      c.dport = 50000;
      c.handle = c.stack.connect(PEER, PEER_PORT, 50000);
      c.poll();
      about(c, c.next(), type, code);
      assert.equal(c.state, "SYN-SENT");
    }
  });

  it("MUST-47 SHLD-20 a soft error is what a time-out reports; events for them can be turned off", () => {
    const [b, s] = sent();
    b.stack.setOption(b.handle, "softErrors", 0);
    about(b, s, 3, 1);
    assert.ok(!b.had("SOFT_ERROR"));
    b.advance(400_000);
    assert.equal(b.info.error, -10);
  });

  it("SHLD-26 hard errors refuse a connection that is opening, and are soft later", () => {
    const c = new Bench();
    c.dport = 50000;
    c.handle = c.stack.connect(PEER, PEER_PORT, 50000);
    c.poll();
    about(c, c.next(), 3, 3);
    assert.equal(c.info.error, -7);
    const [b, s] = sent();
    about(b, s, 3, 2);
    assert.equal(b.state, "ESTABLISHED");
  });

  it("MUST-55 a source quench changes nothing", () => {
    const [b, s] = sent();
    const before = b.info;
    about(b, s, 4, 0);
    assert.deepEqual(b.info, before);
  });

  it("1191-1 fragmentation needed lowers the path MTU, not below its floor, and resends at once; cwnd stays", () => {
    const b = new Bench().accepted();
    b.write(14600);
    const first = b.out[0]!;
    const cwnd = b.info.cwnd;
    b.clear();
    about(b, first, 3, 4, 1000);
    assert.equal(b.out[0]!.data.length, 960);
    assert.deepEqual([b.info.pathMtu, b.info.mss, b.info.cwnd], [1000, 960, cwnd]);
    about(b, first, 3, 4, 600);
    assert.equal(b.info.pathMtu, 1000, "the quoted packet is from before");
    const second = b.out.find((s) => s.data.length === 960)!;
    about(b, second, 3, 4, 1);
    assert.equal(b.info.pathMtu, 552);
    for (const mtu of [0, 68, 9000]) about(b, second, 3, 4, mtu);
    assert.equal(b.info.pathMtu, 552);
    const c = new Bench().accepted();
    c.write(3000);
    about(c, c.out[0]!, 3, 4, 0);
    assert.equal(c.info.pathMtu, 1492, "the next plateau for a router that names no MTU");
  });
});

describe("RFC 1122 §3.2.2: ICMP", () => {
  it("1122-ICMP-5 answers an echo with the same data", () => {
    const b = new Bench();
    for (const size of [0, 1, 56, 1471, 1472]) {
      b.frame(icmp({ src: PEER, dst: STACK }, 8, 0, 0x12345678, pattern(size)));
      const s = b.out.pop()!;
      assert.deepEqual([s.type, s.rest, s.sumOk, s.ip.src], [0, 0x12345678, true, STACK]);
      assert.deepEqual(s.data, pattern(size));
    }
    b.frame(icmp({ src: PEER, dst: 0x0a0000ff, dstMac: BROADCAST }, 8, 0, 1, pattern(4)));
    assert.deepEqual(b.out, []);
  });

  if (!SMALL) it("RFC 1122 §3.2.2.6: one that came in fragments goes back in fragments, up to the largest datagram", () => {
    const b = new Bench({ rxSlots: 64 });
    for (const size of [1473, 3000, 65_507]) {
      const data = pattern(size), whole = icmp({ src: PEER, dst: STACK }, 8, 0, 0x12345678, data).slice(34);
      for (let at = 0; at < whole.length; at += 1480) {
        const part = whole.slice(at, at + 1480);
        b.frame(ipv4({ src: PEER, dst: STACK, proto: 1, id: size, frag: (at / 8) | (at + part.length < whole.length ? 0x2000 : 0) }, part));
      }
      const parts = b.out.splice(0).filter((s) => s.ip.proto === 1), reply = new Uint8Array(whole.length);
      assert.equal(parts.length, Math.ceil(whole.length / 1480));
      assert.equal(new Set(parts.map((s) => s.ip.id)).size, 1);
      for (const s of parts) {
        assert.ok(s.raw.length <= 1514 && s.ip.sumOk && (s.ip.frag & 0x4000) === 0);
        reply.set(s.raw.slice(34), (s.ip.frag & 0x1fff) * 8);
      }
      assert.deepEqual(parts.map((s) => (s.ip.frag & 0x2000) !== 0), parts.map((_, i) => i < parts.length - 1));
      const want = icmp({ src: STACK, dst: PEER }, 0, 0, 0x12345678, data).slice(34);
      assert.deepEqual(reply, want);
    }
    assert.equal(b.count("icmpOutEchoReps"), 3);
  });

  if (!SMALL) it("RFC 1122 §3.2.2.6: a reply for which there are too few slots is not begun", () => {
    const b = new Bench({ rxSlots: 64, txSlots: 2 }), whole = icmp({ src: PEER, dst: STACK }, 8, 0, 1, pattern(4000)).slice(34);
    for (let at = 0; at < whole.length; at += 1480) {
      const part = whole.slice(at, at + 1480);
      b.frame(ipv4({ src: PEER, dst: STACK, proto: 1, id: 9, frag: (at / 8) | (at + part.length < whole.length ? 0x2000 : 0) }, part));
    }
    assert.deepEqual([b.out, b.count("ipOutDiscards"), b.count("icmpOutEchoReps")], [[], 1, 0]);
  });

  it("1122-ICMP-3 drops types that it does not know, and redirects (1122-ICMP-6)", () => {
    const b = new Bench();
    for (const type of [1, 5, 13, 15, 17, 40, 128, 255]) b.frame(icmp({ src: PEER, dst: STACK }, type, 0, 0, pattern(40)));
    assert.deepEqual(b.out, []);
  });

  it("1122-ICMP-4 1122-ICMP-2 says that a port or a protocol is unreachable, quoting what came", () => {
    const b = new Bench();
    const f = udp({ src: PEER, dst: STACK }, 1000, 2000, pattern(20));
    b.frame(f);
    const s = b.out.pop()!;
    assert.deepEqual([s.type, s.code, s.sumOk], [3, 3, true]);
    assert.deepEqual(s.data, f.slice(14, 14 + 28));
    b.frame(ipv4({ src: PEER, dst: STACK, proto: 99 }, pattern(20)));
    assert.deepEqual([b.out[0]!.type, b.out[0]!.code], [3, 2]);
  });

  it("1122-ICMP-1 sends no error about an error, a broadcast or a later fragment", () => {
    const b = new Bench();
    b.frame(udp({ src: PEER, dst: 0x0a0000ff, dstMac: BROADCAST }, 1, 2, pattern(4)));
    b.frame(ipv4({ src: PEER, dst: STACK, proto: 99, frag: 0x0001 }, pattern(16)));
    b.frame(icmp({ src: PEER, dst: STACK }, 3, 3, 0, pattern(5)));
    assert.deepEqual(b.out, []);
  });

  it("limits its errors", () => {
    const b = new Bench({ icmpRate: 10 });
    for (let i = 0; i < 200; i++) b.frame(udp({ src: PEER, dst: STACK }, 1000, 2000 + i, pattern(4)));
    assert.ok(b.out.length >= 6 && b.out.length <= 10, `${b.out.length} errors`);
    b.clear().advance(1100);
    b.frame(udp({ src: PEER, dst: STACK }, 1000, 2000, pattern(4)));
    assert.equal(b.out.length, 1);
  });
});

describe("RFC 768: UDP", () => {
  it("1122-UDP-1 checks and makes checksums, and takes a datagram without one", () => {
    const b = new Bench();
    const s = b.stack.udpOpen(53);
    b.frame(udp({ src: PEER, dst: STACK }, 999, 53, pattern(33)));
    assert.deepEqual(b.stack.udpReceive(s), { data: pattern(33), ip: PEER, port: 999 });
    b.frame(udp({ src: PEER, dst: STACK }, 999, 53, pattern(4), false));
    assert.equal(b.stack.udpReceive(s)!.data.length, 4);
    const bad = udp({ src: PEER, dst: STACK }, 999, 53, pattern(33));
    bad[50]! ^= 1;
    b.frame(bad);
    assert.equal(b.stack.udpReceive(s), null);
    b.stack.udpSend(s, PEER, 999, pattern(9));
    b.poll();
    const out = b.out.find((x) => x.kind === "udp")!;
    assert.deepEqual([out.sumOk, out.sport, out.dport, out.data], [true, 53, 999, pattern(9)]);
  });

  it("drops lengths that cannot be", () => {
    const b = new Bench();
    const s = b.stack.udpOpen(53);
    for (const length of [0, 7, 100, 65535]) {
      const f = udp({ src: PEER, dst: STACK }, 999, 53, pattern(20), false);
      f.set(be(2, length), 38);
      b.frame(f);
    }
    assert.equal(b.stack.udpReceive(s), null);
    assert.equal(b.count("udpInErrors"), 4);
  });

  it("RFC 5927 §4: an error that quotes what a socket did not send is not believed", () => {
    const b = new Bench(), s = b.stack.udpOpen(53);
    b.stack.udpSend(s, PEER, 999, pattern(9));
    b.poll();
    const quoted = b.out.find((x) => x.kind === "udp")!.raw.slice(14, 14 + 28);
    // To another host, from another port, to another one.
    for (const [at, byte] of [[19, 3], [21, 54], [22, 0], [23, 0]] as const) {
      const forged = quoted.slice();
      forged[at] = byte;
      b.frame(icmp({ src: PEER, dst: STACK }, 3, 3, 0, forged));
      assert.equal(b.stack.udpReceive(s), null, `byte ${at}`);
    }
    b.frame(icmp({ src: PEER, dst: STACK }, 3, 3, 0, quoted));
    assert.equal(b.code(() => b.stack.udpReceive(s)), "REFUSED");
    // One that is opened on the port again has sent nothing.
    b.stack.udpClose(s);
    const t = b.stack.udpOpen(53);
    b.frame(icmp({ src: PEER, dst: STACK }, 3, 3, 0, quoted));
    assert.equal(b.stack.udpReceive(t), null);
  });

  it("tells a socket of a port unreachable, and bounds its ring", () => {
    const b = new Bench({ udpRing: 1024 });
    const s = b.stack.udpOpen(53);
    b.stack.udpSend(s, PEER, 999, pattern(9));
    b.poll();
    about(b, b.out.find((x) => x.kind === "udp")!, 3, 3);
    assert.equal(b.code(() => b.stack.udpReceive(s)), "REFUSED");
    for (let i = 0; i < 50; i++) b.frame(udp({ src: PEER, dst: STACK }, 999, 53, pattern(100)));
    assert.ok(b.count("udpRcvbufErrors") > 0);
    let n = 0;
    while (b.stack.udpReceive(s)) n++;
    assert.equal(n, Math.floor(1024 / 112));
  });
});

describe("RFC 1122 §2.3.2.2: datagrams whose neighbour is not known yet", () => {
  const neighbour = (n: number): number => ip4(`10.0.0.${n}`), mac = (n: number): number[] => [2, 0, 10, 0, 0, n];
  const answer = (b: Bench, n: number): void => b.frame(arp(2, { mac: mac(n), ip: neighbour(n) }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));

  if (!SMALL) it("wait, the latest for each neighbour; what is displaced is counted as not sent", () => {
    const b = new Bench({ txSlots: 16 }), s = b.stack.udpOpen(53);
    for (const n of [20, 21, 22]) b.stack.udpSend(s, neighbour(n), 99, pattern(n));
    b.stack.udpSend(s, neighbour(21), 99, pattern(7));
    b.poll();
    assert.equal(b.count("ipOutDiscards"), 1);
    for (const [n, size] of [[22, 22], [20, 20], [21, 7]] as const) {
      b.clear();
      answer(b, n);
      const [out] = b.out.filter((x) => x.kind === "udp");
      assert.deepEqual([out!.ip.dst, out!.dstMac, out!.data, out!.sumOk], [neighbour(n), mac(n), pattern(size), true]);
    }
  });

  if (!SMALL) it("give way by turns when there are more neighbours than places, and are not sent when the neighbour stays silent", () => {
    const b = new Bench({ txSlots: 16 }), s = b.stack.udpOpen(53);
    for (let n = 20; n < 26; n++) b.stack.udpSend(s, neighbour(n), 99, pattern(n));
    b.poll();
    assert.equal(b.count("ipOutDiscards"), 2, "six for four places");
    answer(b, 25);
    assert.deepEqual(b.out.filter((x) => x.kind === "udp").map((x) => x.ip.dst), [neighbour(25)]);
    b.advance(4000);
    assert.equal(b.count("ipOutDiscards"), 5);
    b.clear();
    for (let n = 20; n < 25; n++) b.frame(arp(1, { mac: mac(n), ip: neighbour(n) }, { mac: ZERO, ip: STACK }));
    assert.deepEqual(b.out.filter((x) => x.kind === "udp"), [], "too late");
  });
});

describe("RFC 1122 §3.3.6: 255.255.255.255", () => {
  it("is on every link, with a gateway and without", () => {
    for (const gateway of [undefined, "10.0.0.2"]) {
      const b = new Bench(gateway === undefined ? {} : { gateway });
      const s = b.stack.udpOpen(68);
      b.stack.udpSend(s, 0xffffffff, 67, pattern(9));
      b.poll();
      const out = b.out.find((x) => x.kind === "udp")!;
      assert.deepEqual([out.dstMac, out.ip.dst >>> 0], [BROADCAST, 0xffffffff]);
    }
  });
});

describe("Ethernet", () => {
  it("IEEE 802.1Q §6.9: takes a frame whose tag has the VLAN 0 and tells only a priority, up to the MTU; drops other tags", () => {
    const tagged = (f: Uint8Array, tag: number): Uint8Array => Uint8Array.from([...f.slice(0, 12), 0x81, 0, ...be(2, tag), ...f.slice(12)]);
    const b = new Bench(), s = b.stack.udpOpen(53);
    for (const tag of [0, 0x7000, 0xf000]) {
      for (const size of [1, 1472]) {
        b.frame(tagged(udp({ src: PEER, dst: STACK }, 999, 53, pattern(size)), tag));
        assert.deepEqual(b.stack.udpReceive(s)?.data, pattern(size));
      }
    }
    b.frame(tagged(udp({ src: PEER, dst: STACK }, 999, 53, pattern(5)), 0x7001));
    assert.equal(b.stack.udpReceive(s), null);
    assert.equal(b.count("ifInUnknownProtos"), 1);
    // ARP, and TCP, as well.
    b.frame(tagged(arp(1, { mac: OTHER, ip: ip4("10.0.0.9") }, { mac: ZERO, ip: STACK }), 0xe000));
    assert.equal(b.out.at(-1)!.kind, "arp");
    b.clear().accepted();
    b.frame(tagged(b.make({ flags: "A", seq: 1, ack: 1, data: pattern(MSS) }), 0));
    assert.deepEqual(b.read(), pattern(MSS));
    // Too long, and cut short.
    const before = b.count("ifInErrors");
    b.frame(tagged(udp({ src: PEER, dst: STACK }, 999, 53, pattern(1473)), 0));
    b.frame(udp({ src: PEER, dst: STACK }, 999, 53, pattern(1473)));
    assert.equal(b.count("ifInErrors"), before + 2);
    for (let n = 12; n < 40; n++) b.frame(tagged(udp({ src: PEER, dst: STACK }, 999, 53, pattern(5)), 0).slice(0, n));
    assert.equal(b.stack.udpReceive(s), null);
  });

  it("bears frames of any length, and what the host claims", () => {
    const b = new Bench();
    for (const n of [0, 1, 13, 14, 33, 34]) b.frame(ethernet(0x0800, new Uint8Array(1500)).slice(0, n));
    b.frame(ethernet(0x0800, new Uint8Array(1501)));
    b.frame(ethernet(0x8100, new Uint8Array(4)));
    b.frame(ethernet(0x86dd, new Uint8Array(100)));
    assert.deepEqual(b.out, []);
    assert.ok(b.count("ifInErrors") >= 4);
    const view = new DataView(b.stack.exports.memory.buffer), control = b.stack.exports.controlBlock();
    view.setUint32(view.getUint32(control + 20, true) + 0, 65535, true);
    view.setUint32(control + 4, view.getUint32(control + 4, true) + 1000, true);
    b.poll();
    assert.deepEqual(b.out, []);
  });
});

describe("options in SYNs of the other kind", () => {
  it("takes an MSS of 0 as none, and never sends less than 48 bytes", () => {
    const b = new Bench().accepted({ opts: opt.mss(0) });
    assert.equal(b.info.peerMss, 536);
    const c = new Bench().accepted({ opts: opt.mss(1) });
    c.write(500);
    assert.equal(c.next().data.length, 48);
    const d = new Bench().accepted({ opts: opt.mss(65535) });
    d.write(5000);
    assert.equal(d.next().data.length, 1460);
  });
});
