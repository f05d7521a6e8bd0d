/** Ethernet, IPv4 (RFC 791, RFC 1122 §3), and TCP's use of it (RFC 9293 §3.9.2). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SLOT_RING } from "../../host/module/layout.js";
import { Bench, MSS, PEER, SMALL, STACK, pattern } from "../harness/bench.js";
import { arp, be, BROADCAST, ethernet, ip4, ipv4, MAC_PEER, opt, segment, tcp, udp } from "../harness/codec.js";

const ZERO = [0, 0, 0, 0, 0, 0], OTHER = [2, 0, 10, 0, 0, 9];

const REMOTE = ip4("192.0.2.7");

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
    dropped(
      syn(undefined, { dst: ip4("10.0.0.9") }), syn(undefined, { src: 0 }), syn(undefined, { src: 0x7f000001 }),
      syn(undefined, { dst: 0x7f000001 }), syn(undefined, { src: 0xe0000005 }), syn(undefined, { src: STACK }),
      syn(undefined, { dstMac: BROADCAST }), syn(undefined, { dstMac: OTHER }),
    );
  });

  it("drops lengths that disagree", () => {
    dropped(
      syn((f) => (f[14] = 0x44)), syn((f) => (f[14] = 0x4f)), syn((f) => f.set(be(2, 19), 16)),
      syn((f) => f.set(be(2, 4000), 16)), syn().slice(0, 33),
    );
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
    const whole = segment(
      { src: PEER, dst: STACK }, { flags: "S", seq: 1, sport: 7, dport: 9, opts: Array(40).fill(1) },
    );
    const piece = (from: number, to: number, id = 5): Uint8Array =>
      ipv4(
        { src: PEER, dst: STACK, proto: 6, id, frag: (to < whole.length ? 0x2000 : 0) | (from >> 3) },
        whole.slice(from, to),
      );

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

  it("RFC 9293 MUST-48 MUST-49: a listener's DSCP and TTL are its SYN-ACKs', "
      + "and those of what follows, up to TIME-WAIT", () => {
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
  it("IEEE 802.1Q §6.9: takes a frame whose tag has the VLAN 0 and tells only a priority, "
      + "up to the MTU; drops other tags", () => {
    const tagged = (f: Uint8Array, tag: number): Uint8Array =>
      Uint8Array.from([...f.slice(0, 12), 0x81, 0, ...be(2, tag), ...f.slice(12)]);
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
    const at = (field: keyof typeof SLOT_RING): number => control + SLOT_RING[field];
    view.setUint32(view.getUint32(at("lengths"), true), 65535, true);
    view.setUint32(at("tail"), view.getUint32(at("tail"), true) + 1000, true);
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
