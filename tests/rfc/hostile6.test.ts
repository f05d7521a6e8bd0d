/** IPv6 on a link with a hostile neighbour: what he says does not last, nor reach further than the RFCs let it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIp } from "../../host/address.js";
import { ERR, STATES } from "../../host/module/layout.js";
import { SMALL } from "../harness/bench.js";
import { Bench6, FAR, PEER, PREFIX, ROUTER, SECRET } from "../harness/bench6.js";
import { be, MAC_PEER } from "../harness/codec.js";
import {
  advertisement, ALL_NODES, hex6, icmp6, ip6, ipv6, nd, routerAdvertisement, solicitation, solicited, sum6, udp6,
} from "../harness/codec6.js";

const OTHER = [2, 9, 9, 9, 9, 9], ALERT = [58, 0, 5, 2, 0, 0, 0, 0];
const peer = (n: number): Uint8Array => ip6(`2001:db8:1::${(n + 0x10).toString(16)}`);

/** A question about groups, as MLDv1 has it. */
function query1(ms: number): Uint8Array {
  const ip = { src: ROUTER, dst: ALL_NODES };
  const body = Uint8Array.from([130, 0, 0, 0, ...be(2, ms), 0, 0, ...new Uint8Array(16)]);
  body.set(be(2, sum6(ip, 58, body)), 2);
  return ipv6({ ...ip, next: 0, hops: 1, headers: ALERT }, body);
}

/** A segment without text. */
function segment(src: Uint8Array, dst: Uint8Array, ports: [number, number], ack: number, flags: number): Uint8Array {
  const bytes = Uint8Array.from([
    ...be(2, ports[0]), ...be(2, ports[1]), ...be(4, 1), ...be(4, ack), 0x50, flags, 0xff, 0xff, 0, 0, 0, 0,
  ]);
  bytes.set(be(2, sum6({ src, dst }, 6, bytes)), 16);
  return ipv6({ src, dst, next: 6 }, bytes);
}

/** A frame answered with one error, or nothing. */
function error(b: Bench6, frame: Uint8Array): unknown[] {
  b.out = [];
  b.frame(frame);
  const seen = b.seen();
  assert.ok(seen.length <= 1, "one answer at most");
  return seen.map((s) => [s.type, s.code, s.rest]).flat();
}

/** Ready, and PEER is a neighbour. */
function known(): Bench6 {
  const b = new Bench6().ready();
  b.frame(solicitation(PEER, b.global));
  b.out = [];
  return b;
}

if (!SMALL) {
  describe("hostile neighbours", () => {
    it("2710-4 with one slot to send, a question about groups is answered once, and not for ever", () => {
      const b = new Bench6({ txSlots: 1 }).ready();
      b.frame(query1(100));
      b.advance(2000);
      assert.deepEqual(
        b.seen().map((s) => [s.type, hex6(s.dst)]),
        [b.local, b.global].map((a) => [131, hex6(solicited(a))]),
      );
    });

    it("four routers do not take all places of a table of four", () => {
      const b = new Bench6({ neighboursMax: 4 }).ready();
      for (let i = 2; i < 9; i++) b.frame(routerAdvertisement(ip6(`fe80::${i}`), nd.source([2, 0, 0, 0, 0, i])));
      assert.equal(b.stack.ip6Routers().length, 4);
      b.out = [];
      b.stack.connect(parseIp("10.0.0.2"), 80);
      b.poll();
      assert.ok(b.out.some((s) => s.raw[12] === 8 && s.raw[13] === 6), "the neighbour is asked for");
    });

    it("4861-7.2.5 an advertisement makes no neighbour, asks for none, and is no answer to what was not asked", () => {
      const b = known();
      b.stack.connect(b.stack.ip6Name(FAR), 80);
      b.poll();
      b.out = [];
      b.frame(advertisement(FAR, b.global, FAR, 1, nd.target(OTHER)));
      assert.deepEqual(b.seen(), [], "FAR is no neighbour");
      // The entry is to be renewed once it is used again.
      b.advance(6000);
      b.out = [];
      b.frame(advertisement(PEER, b.global, PEER, 3, nd.target(OTHER)));
      const udp = b.stack.udpOpen(1000);
      b.stack.udpSend(udp, b.stack.ip6Name(PEER), 7, Uint8Array.of(1));
      b.poll();
      assert.deepEqual(b.seen().find((s) => s.next === 17)?.dstMac, MAC_PEER);
    });

    it("4861-7.2.5 one that does not override says nothing of whether its sender is a router", () => {
      const b = new Bench6().ready();
      b.frame(advertisement(ROUTER, b.local, ROUTER, 2, nd.target(OTHER)));
      assert.deepEqual(b.stack.ip6Routers(), [ROUTER]);
      b.frame(advertisement(ROUTER, b.local, ROUTER, 1));
      assert.deepEqual(b.stack.ip6Routers(), []);
    });

    it("4861-6.3.7 who says that he is no router does not end the search for one", () => {
      const b = new Bench6();
      b.stack.ip6Start(SECRET);
      b.frame(routerAdvertisement(ROUTER, nd.prefix(PREFIX), { lifetime: 0 }));
      b.advance(5000);
      assert.ok(b.seen().filter((s) => s.type === 133).length >= 2, "asked again");
      b.frame(routerAdvertisement(ROUTER, []));
      b.out = [];
      b.advance(60_000);
      assert.equal(b.seen().filter((s) => s.type === 133).length, 0);
    });

    it("advertisements leave places for what the host gives", () => {
      const b = new Bench6(), udp = b.stack.udpOpen(1000);
      const all = Array.from({ length: 8 }, (_, i) => ip6(`fd01:${i}::`));
      b.stack.ip6Start(SECRET);
      for (let i = 2; i < 9; i++)
        b.frame(routerAdvertisement(ip6(`fe80::${i}`), all.flatMap((p) => nd.prefix(p, { valid: 0xffffffff }))));
      b.stack.ip6Add(ip6("fd00::1"), 64, ROUTER);
      b.advance(2500);
      assert.ok(b.stack.ip6Addresses().some((a) => a.origin === "fixed" && a.ready));
      assert.deepEqual(b.stack.ip6Routers().at(-1), ROUTER);
      b.out = [];
      b.stack.udpSend(udp, b.stack.ip6Name(ip6("fd00::2")), 7, Uint8Array.of(1));
      b.poll();
      assert.deepEqual(b.seen().map((s) => [s.type, hex6(s.dst)]), [[135, hex6(solicited(ip6("fd00::2")))]]);
    });

    it("a router or a prefix more than there is room for is FULL, and the address is not there either", () => {
      const b = new Bench6();
      b.stack.ip6Start(SECRET);
      const own = (): string[] => b.stack.ip6Addresses().filter((a) => a.origin === "fixed").map((a) => hex6(a.bytes));
      // Routers and prefixes stay when addresses go.
      for (let i = 1; i <= 6; i++) {
        b.stack.ip6Add(ip6(`fd00::${i}`), 64, ip6(`fe80::${i}`));
        b.stack.ip6Remove(ip6(`fd00::${i}`));
      }
      assert.throws(() => b.stack.ip6Add(ip6("fd00::5"), 64, ip6("fe80::7")), { code: "FULL" });
      assert.deepEqual(own(), []);
      b.stack.ip6Add(ip6("fd00::5"), 64, ip6("fe80::6"));
      for (let i = 1; i <= 5; i++) {
        b.stack.ip6Add(ip6(`fd00:${i}::1`), 64);
        b.stack.ip6Remove(ip6(`fd00:${i}::1`));
      }
      assert.throws(() => b.stack.ip6Add(ip6("fd00:6::1"), 64), { code: "FULL" });
      assert.deepEqual(own(), [hex6(ip6("fd00::5"))]);
    });

    it("4861-6.3.4 a smaller hop limit than ours is not taken: with 1 nothing would leave the link", () => {
      const b = new Bench6({ ttl: 64 }).ready();
      b.frame(solicitation(PEER, b.global, nd.source(MAC_PEER)));
      const answered = (): number | undefined => {
        b.out = [];
        b.frame(icmp6({ src: PEER, dst: b.global }, 128, 0, 1, [1, 2]));
        return b.seen().at(-1)?.hops;
      };
      for (const [hops, then] of [[1, 64], [63, 64], [0, 64], [255, 255], [2, 255], [64, 64]] as const) {
        b.frame(routerAdvertisement(ROUTER, [], { hops }));
        assert.equal(answered(), then, `after ${hops}`);
      }
    });

    it("4861-6.3.4 nobody ends a router that the host has given", () => {
      const b = new Bench6();
      b.stack.ip6Start(SECRET);
      b.stack.ip6Add(ip6("fd00::1"), 64, ROUTER);
      b.poll();
      b.advance(2500);
      b.frame(solicitation(ROUTER, b.local));
      b.frame(advertisement(ROUTER, b.local, ROUTER, 1));
      b.frame(routerAdvertisement(ROUTER, [], { lifetime: 1 }));
      b.advance(3000);
      b.frame(routerAdvertisement(ROUTER, [], { lifetime: 0 }));
      assert.deepEqual(b.stack.ip6Routers(), [ROUTER]);
    });

    it("4861-6.3.4 a router does not end a prefix that the host has given", () => {
      const b = new Bench6().ready(), udp = b.stack.udpOpen(1000), near = ip6("fd00::2");
      b.stack.ip6Add(ip6("fd00::1"), 64);
      b.advance(1500);
      for (const valid of [5, 0])
        b.frame(routerAdvertisement(ROUTER, nd.prefix(ip6("fd00::"), { valid, preferred: 0 })));
      b.out = [];
      b.stack.udpSend(udp, b.stack.ip6Name(near), 7, Uint8Array.of(1));
      b.poll();
      assert.deepEqual(b.seen().map((s) => [s.type, hex6(s.dst)]), [[135, hex6(solicited(near))]]);
    });

    it("what a router said of the link is over when IPv6 begins anew", () => {
      const b = new Bench6().ready(), udp = b.stack.udpOpen(1000), large = new Uint8Array(1400);
      b.frame(routerAdvertisement(ROUTER, nd.mtu(1280)));
      assert.throws(() => b.stack.udpSend(udp, b.stack.ip6Name(PEER), 7, large), /too long/);
      b.stack.ip6Stop();
      b.ready();
      b.stack.udpSend(udp, b.stack.ip6Name(PEER), 7, large);
    });
  });

  describe("hostile neighbours, and what others want meanwhile", () => {
    it("4861-7.2.2 a neighbour to which there is no way does not hold up the questions for others", () => {
      const b = new Bench6({ neighboursMax: 4 });
      b.stack.ip6Start(SECRET);
      b.poll();
      b.advance(2500);
      // It makes itself known from an address that is not on the link, and then has another MAC address.
      b.frame(solicitation(FAR, b.local));
      b.out = [];
      b.frame(advertisement(FAR, b.local, FAR, 1, nd.target(OTHER)));
      assert.deepEqual(b.seen().map((s) => [s.type, hex6(s.dst)]), [[135, hex6(solicited(FAR))]]);
      b.stack.connect(parseIp("10.0.0.2"), 80);
      b.poll();
      assert.ok(b.out.some((s) => s.raw[12] === 8 && s.raw[13] === 6), "the neighbour is asked for");
    });

    it("a datagram for an address that becomes our own does not wait for a slot that there is not", () => {
      const b = new Bench6({ loopSlots: 0 }).ready(), udp = b.stack.udpOpen(1000), own = ip6("2001:db8:1::77");
      b.stack.ip6Add(own, 64);
      b.poll();
      b.advance(200);
      b.stack.udpSend(udp, b.stack.ip6Name(own), 7, Uint8Array.of(1));
      // The question has had its time by the next poll: the address is ours before the datagram goes.
      b.nowUs += 2_000_000;
      b.poll();
      assert.ok(b.stack.ip6Addresses().find((a) => hex6(a.bytes) === hex6(own))!.ready);
      b.stack.udpSend(udp, b.stack.ip6Name(PEER), 7, Uint8Array.of(1));
      b.poll();
      b.frame(advertisement(PEER, b.global, PEER));
      assert.equal(b.seen().filter((s) => s.next === 17).length, 1, "others' do");
    });

    it("a name at hand whose address got a record since is that of the record's flows", () => {
      const b = new Bench6().ready(), name = b.stack.ip6Name(PEER);
      b.stack.listen(80);
      b.frame(solicitation(PEER, b.global));
      b.frame(segment(PEER, b.global, [5000, 80], 0, 2));
      const lip = b.stack.ip6Addresses().find((a) => a.origin === "prefix")!.name;
      assert.equal(b.stack.exports.flow_state(lip, 80, name, 5000), STATES.indexOf("SYN-RECEIVED"));
      assert.equal(b.stack.exports.tcp_connect(lip, 80, name, 5000), ERR.IN_USE);
    });
  });

  describe("names that are another's", () => {
    it("what waits for a neighbour never goes to one that has got its name", () => {
      const b = new Bench6({ neighboursMax: 4 }).ready(), udp = b.stack.udpOpen(1000);
      b.stack.udpSend(udp, b.stack.ip6Name(peer(0)), 7, Uint8Array.of(1));
      b.poll();
      // Others that make themselves known take its place; its name is free with the next packet.
      for (let i = 1; i < 4; i++) b.frame(solicitation(peer(i), b.global, nd.source([2, 0, 0, 0, 0, i])));
      b.poll();
      b.out = [];
      for (let i = 6; i < 10; i++) {
        b.stack.connect(b.stack.ip6Name(peer(i)), 80);
        b.poll();
        b.frame(advertisement(peer(i), b.global, peer(i), 3, nd.target([2, 0, 0, 0, 0, i])));
      }
      const sent = b.seen();
      assert.ok(sent.some((s) => s.next === 6), "the connections go on");
      assert.deepEqual(sent.filter((s) => s.next === 17).map((s) => [hex6(s.dst), s.dstMac]), []);
    });

    it("4862-5.5.4 what waits does not leave from an address that is gone", () => {
      const b = new Bench6().ready(), udp = b.stack.udpOpen(1000);
      b.stack.udpSend(udp, b.stack.ip6Name(PEER), 7, Uint8Array.of(1));
      b.poll();
      b.stack.ip6Remove(b.global);
      b.poll();
      b.out = [];
      b.frame(advertisement(PEER, b.local, PEER));
      assert.deepEqual(b.seen(), []);
    });

    it("what was known of the addresses of the packet before ends when they are another's", () => {
      const b = known(), fixed = ip6("2001:db8:1::5");
      b.stack.ip6Add(fixed, 64);
      b.poll();
      b.advance(2500);
      b.stack.listen(80, 16, b.stack.ip6Name(fixed));
      const reset = (dst: Uint8Array): number => {
        b.out = [];
        b.frame(segment(PEER, dst, [1000, 81], 1, 0x10));
        return b.seen().filter((s) => s.next === 6 && hex6(s.dst) === hex6(PEER)).length;
      };
      assert.deepEqual([reset(fixed), reset(fixed)], [1, 1]);
      b.stack.ip6Remove(fixed);
      assert.equal(reset(fixed), 0, "an address that is not ours any more");
      assert.deepEqual([reset(b.global), reset(b.global)], [1, 1]);
      b.stack.ip6Add(PEER, 64);
      b.poll();
      assert.equal(reset(b.global), 1, "it is looked for still");
      b.advance(2500);
      assert.equal(reset(b.global), 0, "a peer's address that is ours by now");
    });

    it("a connection that has ended tells who its peer was, as long as there is its handle", () => {
      const b = new Bench6().ready(), handles: number[] = [];
      const open = (n: number): number => {
        const handle = b.stack.connect(b.stack.ip6Name(peer(n)), 80);
        b.poll();
        b.frame(advertisement(peer(n), b.global, peer(n)));
        const syn = b.seen().find((s) => s.next === 6)!, v = new DataView(syn.payload.buffer);
        b.frame(segment(peer(n), b.global, [80, v.getUint16(0)], v.getUint32(4) + 1, 0x14));
        return handle;
      };
      for (let i = 0; i < 4; i++) handles.push(open(i));
      // Their places among the neighbours go to others.
      for (let i = 10; i < 400; i++) b.frame(solicitation(peer(i), b.global));
      for (const [i, handle] of handles.entries()) {
        const { rip, stateName } = b.stack.info(handle);
        assert.equal(stateName, "CLOSED");
        assert.deepEqual(b.stack.ip6Bytes(rip), peer(i));
      }
      b.stack.ip6Remove(b.global);
      assert.deepEqual(b.stack.ip6Bytes(b.stack.info(handles[0]!).lip), ip6("::"), "an address that is gone");
      for (const handle of handles) b.stack.close(handle);
    });
  });

  describe("headers that are not where they may be", () => {
    /** An echo request behind a Fragment header and others. */
    const behind = (b: Bench6, next: number, more: 0 | 1, headers: number[] = []): Uint8Array => {
      const body = Uint8Array.from([128, 0, 0, 0, 0, 1, 0, 1]);
      body.set(be(2, sum6({ src: PEER, dst: b.global }, 58, body)), 2);
      return ipv6({ src: PEER, dst: b.global, next: 44, headers: [next, 0, 0, more, 0, 0, 0, 7, ...headers] }, body);
    };

    it("8200-4.1 hop-by-hop options behind a fragment's header are none; problems point to who named it", () => {
      const b = known();
      assert.deepEqual(error(b, behind(b, 0, 0, [58, 0, 1, 4, 0, 0, 0, 0])), [4, 1, 40]);
      assert.deepEqual(error(b, behind(b, 200, 0)), [4, 1, 40]);
      assert.deepEqual(error(b, behind(b, 200, 1)), [4, 1, 40]);
    });

    it("8200-4.2 what is to be dropped in silence is so in a first fragment, too", () => {
      const b = known();
      assert.deepEqual(error(b, behind(b, 60, 1, [58, 0, 0x5e, 4, 0, 0, 0, 0])), []);
      assert.deepEqual(error(b, behind(b, 59, 1)), []);
    });

    it("4443-2.4 (e) no error about an error, whatever stands before it", () => {
      const b = known(), about = udp6({ src: b.global, dst: PEER }, 1, 2, Uint8Array.of(1)).slice(14);
      const ip = { src: PEER, dst: b.global, next: 60, headers: [58, 0, 0x9e, 4, 0, 0, 0, 0] };
      const payload = (type: number): Uint8Array => icmp6({ src: PEER, dst: b.global }, type, 0, 0, about).slice(54);
      for (const type of [1, 3, 4, 100, 137]) assert.deepEqual(error(b, ipv6(ip, payload(type))), [], `type ${type}`);
      assert.deepEqual(error(b, ipv6(ip, payload(128))), [4, 2, 42]);
    });
  });
}
