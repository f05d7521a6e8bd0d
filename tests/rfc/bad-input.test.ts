/**
 * Input on which other stacks broke, one test each. In all of them: no trap, nothing but what the test names happens,
 * and a connection that was there goes on.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { OPTION } from "../../host/stack.js";
import { Bench, PEER, STACK, pattern } from "../harness/bench.js";
import { arp, be, ethernet, icmp, ipv4, MAC_PEER, MAC_STACK, opt, segment, tcp, udp } from "../harness/codec.js";

/** Runs the input against a stack with an open connection, which has to live on. */
function survives(input: (b: Bench) => void, options = {}): Bench {
  const b = new Bench(options).accepted();
  const before = b.info;
  input(b);
  b.clear();
  assert.equal(b.state, "ESTABLISHED");
  assert.deepEqual([b.info.sndUna, b.info.rcvNxt], [before.sndUna, before.rcvNxt]);
  b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(10) });
  assert.deepEqual(b.read(), pattern(10));
  return b;
}

/** The segment with its option bytes replaced by these. */
const withOptions = (b: Bench, opts: number[], flags = "A"): Uint8Array => b.make({ flags, seq: 1, ack: 1, opts });

describe("bad input", () => {
  it("1: TCP option length 0", () => void survives((b) => b.frame(withOptions(b, [253, 0, 1, 1]))));

  it("2: option length beyond the header; MSS kind as the last byte", () => {
    survives((b) => {
      for (const opts of [[253, 200, 1, 1], [1, 1, 1, 2], [2, 4, 5, 2], [8, 10, 1, 1]]) b.frame(withOptions(b, opts));
    });
    const c = new Bench().accepted({ opts: [1, 1, 1, 2] });
    assert.equal(c.info.peerMss, 536);
  });

  it("3: MSS 0, 1 and 65535", () => {
    for (const [mss, size] of [[0, 536], [1, 48], [65535, 1460]] as const) {
      const b = new Bench().accepted({ opts: opt.mss(mss) });
      b.write(5000);
      assert.equal(b.next().data.length, size);
    }
  });

  it("4: data offset below 5, or beyond the segment", () => {
    const b = survives((b) => {
      for (const offset of [0, 1, 4, 6, 15]) {
        const f = b.make({ flags: "A", seq: 1, ack: 1 });
        f[46] = offset << 4;
        b.frame(f);
      }
    });
    assert.equal(b.count("tcpInErrs"), 5);
  });

  it("5: urgent pointer beyond the segment, and 0", () => {
    const b = new Bench().accepted();
    b.send({ flags: "UA", seq: 1, ack: 1, up: 0 });
    b.send({ flags: "UA", seq: 1, ack: 1, up: 65535, data: pattern(3) });
    assert.deepEqual(b.read(), pattern(3));
    assert.equal(b.info.urgentLeft, 65535 - 3);
    b.send({ flags: "UFA", seq: 4, ack: 1, up: 65535 });
    assert.equal(b.read()!.length, 0);
  });

  it("6: SACK blocks that lie, and hundreds of holes with a tiny MSS", () => {
    const b = new Bench({ policy: { sack: true }, rangesMax: 64 }).accepted({ opts: [...opt.mss(1), ...opt.sackOk()] });
    b.write(5000);
    const at = (n: number): number => (b.stackIsn + 1 + n) >>> 0;
    for (const [x, y] of [[100, 50], [0, 0], [-50, -10], [400, 100000], [0x7fffffff, -0x7fffffff], [10, 10]])
      b.send({ flags: "A", seq: 1, ack: 1, opts: opt.sack([at(x!), at(y!)]) });
    for (let i = 0; i < 400; i++)
      b.send({ flags: "A", seq: 1, ack: 1, opts: opt.sack([at(2 * i + 1), at(2 * i + 2)]) });
    assert.ok(b.stack.pools().rangesFree >= 0);
    assert.equal(b.state, "ESTABLISHED");
    // One-byte segments, each beyond a gap: the receiver's side of the same.
    for (let i = 0; i < 400; i++) b.send({ flags: "A", seq: 3 + 2 * i, ack: 1, data: pattern(1) });
    assert.equal(b.state, "ESTABLISHED");
    b.clear();
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(900) });
    assert.equal(b.read()!.length >= 900, true);
    b.stack.abort(b.handle);
    b.poll();
    assert.equal(b.stack.pools().rangesFree, 64);
  });

  it("7: malformed options on a live connection reset nothing", () => {
    for (const opts of [[0, 0, 0, 0], [2, 0, 0, 0], [8, 0, 0, 0], [5, 3, 0, 0], [4, 255, 1, 1], [255, 255, 255, 255]])
      survives((b) => b.frame(withOptions(b, opts)));
  });

  it("8: blind RST and SYN in the window, data with an ACK far outside", () => {
    survives((b) => {
      for (const seq of [2, 100, 65000, -1, 70000]) b.send({ flags: "R", seq });
      for (const seq of [0, 1, 2, 65000, 70000]) b.send({ flags: "S", seq });
      for (const ack of [2, 100000, -70000, 0x7fffffff]) b.send({ flags: "PA", seq: 1, ack, data: pattern(4) });
    });
  });

  it("9: a handshake ACK or SYN-ACK with the wrong ack number opens nothing", () => {
    const b = new Bench();
    b.listener = b.stack.listen(8080);
    b.send({ flags: "S", seq: 0 });
    b.expect("SA");
    for (const ack of [0, 2, 3, -1, 0x80000000]) b.send({ flags: "A", seq: 1, ack });
    assert.equal(b.stack.accept(b.listener), 0);
    const c = new Bench().connecting();
    for (const ack of [0, 2, -1]) c.send({ flags: "SA", seq: 0, ack });
    assert.equal(c.state, "SYN-SENT");
  });

  it("10: a SYN from 0.0.0.0, multicast, broadcast, loopback, or the own address (LAND)", () => {
    const b = survives((b) => {
      for (const src of [0, 0xe0000001, 0xffffffff, 0x0a0000ff, 0x7f000001, STACK, 0xf0000000]) {
        for (const sport of [8080, 4000]) b.frame(tcp({ src, dst: STACK }, { flags: "S", seq: 9, sport, dport: 8080 }));
      }
    });
    assert.equal(b.stack.pools().halfOpenFree, 8);
  });

  it("11: ISN 0xffffffff, ack one too low in SYN-RECEIVED, bytes beyond the window, a window that shrinks", () => {
    const b = new Bench({ recvRing: 1000 });
    b.peerIsn = 0xffffffff;
    b.listener = b.stack.listen(8080);
    b.send({ flags: "S", seq: 0 });
    b.expect("SA");
    b.send({ flags: "A", seq: 1, ack: 0 });
    b.send({ flags: "A", seq: 1, ack: 1, win: 5000 });
    b.handle = b.stack.accept(b.listener);
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(1400), win: 10 });
    assert.deepEqual(b.read(), pattern(1000));
    b.write(2000);
    b.send({ flags: "A", seq: 1001, ack: 1, win: 0 });
    b.send({ flags: "A", seq: 1001, ack: 2, win: 0 });
    b.advance(10_000);
    assert.equal(b.state, "ESTABLISHED");
  });

  it("12: a SYN flood, and a SYN that is never acknowledged, pin no listener", () => {
    const b = new Bench({ halfOpenMax: 4 });
    b.listener = b.stack.listen(8080, 4);
    for (let i = 0; i < 2000; i++)
      b.frame(
        tcp({ src: (0x0a000003 + (i % 200)) >>> 0, dst: STACK }, { flags: "S", seq: i, sport: 1000 + i, dport: 8080 }),
      );
    b.clear();
    b.accepted();
    assert.equal(b.state, "ESTABLISHED");
    b.advance(100_000);
    assert.equal(b.stack.pools().halfOpenFree, 4);
  });

  it("13: ISNs sampled across connections tell nothing of the next", () => {
    const b = new Bench({ halfOpenMax: 64 });
    b.stack.listen(8080, 64);
    const isns: number[] = [];
    for (let i = 0; i < 60; i++) {
      b.sport = 2000 + i;
      b.send({ flags: "S", seq: 0 });
      isns.push(b.next().seq);
    }
    const steps = isns.slice(1).map((n, i) => (n - isns[i]!) >>> 0);
    assert.equal(new Set(steps).size, steps.length);
    assert.ok(steps.some((s) => s > 0x80000000) && steps.some((s) => s < 0x80000000));
  });

  it("14: stray ACKs are not answered for ever", () => {
    const b = new Bench({ challengeMax: 5 }).accepted();
    for (let i = 0; i < 200; i++) b.send({ flags: "A", seq: 300000, ack: 1 });
    for (let i = 0; i < 200; i++) b.send({ flags: "A", seq: 1, ack: 70000 });
    assert.equal(b.out.length, 5);
  });

  it("15: a SYN with ECE and CWR, and reserved bits", () => {
    const b = new Bench();
    b.stack.listen(8080);
    const f = b.make({ flags: "SEW", seq: 0 });
    b.frame(f);
    b.expect("SA");
    const c = new Bench();
    c.stack.listen(8080);
    const bytes = segment({ src: PEER, dst: STACK }, { flags: "S", seq: 5, sport: 1, dport: 8080 });
    bytes[12]! |= 0x0e;
    // The checksum goes down by what the bits add.
    const sum = ((bytes[16]! << 8) | bytes[17]!) - 0x0e00;
    bytes.set(be(2, sum < 0 ? sum + 0xffff : sum), 16);
    c.frame(ipv4({ src: PEER, dst: STACK, proto: 6 }, bytes));
    assert.equal(c.next().flags, "SA");
  });

  it("16: timestamps that vanish drop the segment, not the connection", () => {
    const b = new Bench({ policy: { timestamps: true } });
    b.accepted({ opts: [...opt.mss(1460), ...opt.ts(5, 0)] }, { opts: opt.ts(6, 0) });
    for (let i = 0; i < 10; i++) b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(10) });
    assert.equal(b.count("TCPMissingTimestamps"), 10);
    b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(10), opts: opt.ts(7, 0) });
    assert.deepEqual(b.read(), pattern(10));
  });

  it("17: IPv4 lengths that disagree", () => {
    const b = survives((b) => {
      const good = b.make({ flags: "A", seq: 1, ack: 1, data: pattern(20) });
      for (const [at, value] of [[14, 0x40], [14, 0x44], [14, 0x4f], [14, 0x65]] as const)
        b.frame(Object.assign(good.slice(), { [at]: value }));
      for (const total of [0, 19, 20, 39, 1500, 65535]) {
        const f = good.slice();
        f.set(be(2, total), 16);
        b.frame(f);
      }
    });
    assert.ok(b.count("ipInHdrErrors") >= 9);
  });

  it("18: IPv4 options of length 0 or too long, and source routes twice", () => {
    survives((b) => {
      for (const ipOpts of [
        [7, 0], [7, 1], [7, 41], [131, 3], [131, 7, 4, 1, 2, 3, 4, 131, 7, 4, 1, 2, 3, 4], [137, 40],
      ]) {
        b.frame(b.make({ flags: "R", seq: 1 }, { ipOpts }));
        b.frame(udp({ src: PEER, dst: STACK, ipOpts }, 5, 6, pattern(4)));
      }
    });
  });

  it("19: a fragment beyond 65535, and beyond its slot", () => {
    survives((b) => {
      b.frame(ipv4({ src: PEER, dst: STACK, frag: 0x1fff }, new Uint8Array(1400)));
      b.frame(ipv4({ src: PEER, dst: STACK, frag: 0x3fff }, new Uint8Array(1400)));
      b.frame(ipv4({ src: PEER, dst: STACK, frag: 0x2000 | 300 }, new Uint8Array(1400)));
    }, { reassemblyBytes: 2000 });
  });

  it("20: fragments that overlap, repeat, come last first, or never complete, kill no connection", () => {
    survives((b) => {
      const f = b.make({ flags: "R", seq: 70000 }).slice(34);
      for (let id = 0; id < 100; id++) b.frame(ipv4({ src: PEER, dst: STACK, id, frag: 0x2000 }, f.slice(0, 8)));
      b.frame(ipv4({ src: PEER, dst: STACK, id: 5, frag: 2 }, f.slice(16)));
      b.frame(ipv4({ src: PEER, dst: STACK, id: 5, frag: 0x2000 }, f.slice(0, 16)));
      b.frame(ipv4({ src: PEER, dst: STACK, id: 5, frag: 0x2001 }, new Uint8Array(16)));
    });
  });

  it("21: IP in IP, also fragmented", () => {
    survives((b) => {
      const inner = b.make({ flags: "R", seq: 1 }).slice(14);
      b.frame(ipv4({ src: PEER, dst: STACK, proto: 4 }, inner));
      b.frame(ipv4({ src: PEER, dst: STACK, proto: 4, frag: 0x2000, id: 9 }, inner.slice(0, 16)));
      b.frame(ipv4({ src: PEER, dst: STACK, proto: 4, frag: 2, id: 9 }, inner.slice(16)));
      b.frame(ipv4({ src: PEER, dst: STACK, proto: 41 }, inner));
    });
  });

  it("22 to 26: IPv6, ICMPv6, neighbour discovery, IGMP and MLD are not spoken: dropped and counted", () => {
    const b = survives((b) => {
      for (const size of [0, 39, 40, 1400]) b.frame(ethernet(0x86dd, new Uint8Array(size).fill(0x60)));
      for (const type of [128, 133, 135]) b.frame(icmp({ src: PEER, dst: STACK }, type, 0, 0, pattern(4)));
      b.frame(ipv4({ src: PEER, dst: STACK, proto: 2 }, Uint8Array.from([0x11, 0, 0xee, 0xff, 0, 0, 0, 0])));
      b.frame(ipv4({ src: PEER, dst: 0xe0000001, proto: 2, dstMac: [1, 0, 0x5e, 0, 0, 1] }, new Uint8Array(8)));
    });
    assert.equal(b.count("ifInUnknownProtos"), 4);
    assert.equal(b.count("icmpInIgnored"), 3);
  });

  it("27: fragmentation needed with an MTU of 0, 1 and 67, for a connection that we do not "
      + "have; address mask requests", () => {
    survives((b) => {
      const quoted = b.all[0]!.raw.slice(14, 14 + 28);
      for (const mtu of [0, 1, 67]) b.frame(icmp({ src: PEER, dst: STACK }, 3, 4, mtu, quoted));
      const other = quoted.slice();
      other.set(be(2, 1), 20);
      b.frame(icmp({ src: PEER, dst: STACK }, 3, 4, 68, other));
      for (const n of [0, 8, 20, 27]) b.frame(icmp({ src: PEER, dst: STACK }, 3, 3, 0, quoted.slice(0, n)));
      b.frame(icmp({ src: PEER, dst: STACK }, 17, 0, 0, new Uint8Array(4)));
    });
  });

  it("28: ARP that is malformed, truncated, unsolicited for a neighbour, or claims our address", () => {
    const b = survives((b) => {
      b.answersArp = false;
      const evil = [2, 0, 0, 0, 6, 6];
      const good = arp(2, { mac: evil, ip: PEER }, { mac: MAC_STACK, ip: STACK }, MAC_STACK);
      b.frame(good);
      for (const at of [14, 16, 18, 19, 20]) b.frame(Object.assign(good.slice(), { [at]: 99 }));
      for (let n = 14; n < good.length; n++) b.frame(good.slice(0, n));
      b.frame(arp(2, { mac: evil, ip: STACK }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
    });
    b.write(10);
    assert.equal(b.next().dstMac.join(), MAC_PEER.join());
  });

  it("29: UDP lengths below 8, beyond the packet, and 0", () => {
    const b = survives((b) => {
      b.stack.udpOpen(53);
      for (const length of [0, 1, 7, 29, 1000, 65535]) {
        const f = udp({ src: PEER, dst: STACK }, 9, 53, pattern(20), { withSum: false });
        f.set(be(2, length), 38);
        b.frame(f);
      }
      b.frame(ipv4({ src: PEER, dst: STACK, proto: 17 }, new Uint8Array(7)));
    });
    assert.equal(b.count("udpInErrors"), 7);
  });

  it("30 to 35: DHCP, DNS and mDNS are not spoken: nobody listens on their ports", () => {
    survives((b) => {
      for (const port of [53, 67, 68, 5353, 5355]) b.frame(udp({ src: PEER, dst: STACK }, port, port, pattern(300)));
      for (const port of [68, 5353])
        b.frame(udp({ src: PEER, dst: 0x0a0000ff, dstMac: [255, 255, 255, 255, 255, 255] }, 67, port, pattern(300)));
    });
  });

  it("36: frames of 0 bytes, below 14, with a VLAN tag, one longer than the MTU allows, "
      + "and 65535 claimed by the host", () => {
    const b = survives((b) => {
      for (const n of [0, 1, 13, 14]) b.frame(new Uint8Array(n));
      b.frame(ethernet(0x8100, new Uint8Array(2)));
      b.frame(ethernet(0x0800, new Uint8Array(1501)));
      b.stack.pushFrame(new Uint8Array(65535));
      b.poll();
    });
    assert.ok(b.count("ifInErrors") >= 5);
  });

  it("38: a handle of another kind, and one beside a table's first or last place, is an error in each call", () => {
    for (const [connsMax, listenersMax, udpMax] of [[1, 1, 1], [2, 3, 2], [5, 1, 4]] as const) {
      const b = new Bench({ connsMax, listenersMax, udpMax }), { stack } = b, x = stack.exports, to = x.configBlock();
      const open = (length: number, make: (i: number) => number): number[] => Array.from({ length }, (_, i) => make(i));
      const listeners = open(listenersMax, (i) => stack.listen(700 + i, 8));
      const sockets = open(udpMax, (i) => stack.udpOpen(600 + i));
      const conns = open(connsMax, (i) => stack.connect(PEER, 900 + i));
      const all = [...conns, ...listeners, ...sockets], bits = 32 - Math.clz32(all.length);
      // The table of half-open records lies behind that of listeners.
      for (let sport = 20_000; sport < 20_008; sport++) {
        b.frame(tcp({ src: PEER, dst: STACK }, { flags: "S", seq: 0, sport, dport: 700 }));
      }
      // One place further on, of the same generation, and what no socket ever had.
      const wrong = [...all.flatMap((h) => [h + 1, h - 1, h ^ (1 << bits)]), 0, -1, 0x7fffffff];
      const refuse = (mine: number[], calls: Record<string, (h: number) => number>): void => {
        for (const [name, call] of Object.entries(calls)) {
          for (const h of [...all, ...wrong]) if (!mine.includes(h)) assert.equal(call(h), -1, `${name} of ${h}`);
        }
      };
      refuse(conns, {
        tcp_send: (h) => x.tcp_send(h, to, 1), tcp_recv: (h) => x.tcp_recv(h, to, 1),
        tcp_peek: (h) => x.tcp_peek(h, to, 1), tcp_info: (h) => x.tcp_info(h, to),
        tcp_send_room: x.tcp_send_room, tcp_send_span: x.tcp_send_span, tcp_send_commit: (h) => x.tcp_send_commit(h, 0),
        tcp_recv_size: x.tcp_recv_size, tcp_recv_span: x.tcp_recv_span,
        tcp_recv_consume: (h) => x.tcp_recv_consume(h, 0), tcp_urgent: x.tcp_urgent, tcp_shutdown: x.tcp_shutdown,
        tcp_abort: x.tcp_abort,
      });
      refuse(listeners, { tcp_accept: x.tcp_accept, listener_info: (h) => x.listener_info(h, to) });
      refuse([...conns, ...listeners], { tcp_close: x.tcp_close, tcp_set: (h) => x.tcp_set(h, OPTION.noDelay, 1) });
      refuse(sockets, {
        udp_send: (h) => x.udp_send(h, PEER, 9, to, 1), udp_recv: (h) => x.udp_recv(h, to, 1, to + 8),
        udp_close: x.udp_close,
      });
    }
  });

  it("37: the host's calls are checked (tests/host/api.test.ts has the rest)", () => {
    const b = new Bench().accepted();
    const x = b.stack.exports;
    assert.equal(x.tcp_close(b.handle), 0);
    for (const call of [x.tcp_close, x.tcp_abort, x.tcp_shutdown, x.tcp_recv_size, x.tcp_send_room])
      assert.equal(call(b.handle), -1);
    assert.equal(x.tcp_send(b.handle, 0xfffffff0, 100), ERR.HANDLE);
  });
});
