/**
 * IPv6 (RFC 8200), ICMPv6 (RFC 4443), neighbour discovery (RFC 4861) and addresses from the network (RFC 4862, 7217,
 * 7527).
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { arp, be, icmp, ip4, MAC_PEER, MAC_STACK, udp as udp4 } from "../harness/codec.js";
import {
  advertisement,
  ALL_NODES,
  hex6,
  icmp6,
  ip6,
  ipv6,
  macOf,
  nd,
  NONE6,
  routerAdvertisement,
  see6,
  solicitation,
  solicited,
  sum6,
  udp6,
  type Seen6,
} from "../harness/codec6.js";
import { SMALL, itFast } from "../harness/bench.js";
import { ERR } from "../../host/errors.js";
import { EVENT, STATES } from "../../host/stack.js";
import { Bench6, FAR, PEER, PREFIX, ROUTER, SECRET } from "../harness/bench6.js";

if (!SMALL) {
  describe("RFC 4862: addresses", () => {
    it("4862-LL the link-local address is looked for by one question, and ours a second later", () => {
      const b = new Bench6();
      b.stack.ip6Start(SECRET);
      b.poll();
      b.advance(150);
      const seen = b.seen(),
        ns = seen.find((s) => s.type === 135)!,
        tentative = b.stack.ip6Addresses().find((a) => a.origin === "link-local")!;
      assert.ok(ns !== undefined && ns.sumOk, "a solicitation");
      assert.deepEqual(
        [ns.src, ns.dst, ns.hops, ns.dstMac],
        [NONE6, solicited(tentative.bytes), 255, macOf(solicited(tentative.bytes))],
      );
      assert.deepEqual(ns.data.slice(0, 16), tentative.bytes);
      assert.equal(tentative.ready, false);
      const report = seen.find((s) => s.type === 143)!;
      assert.deepEqual(
        [report.hops, hex6(report.dst), report.headers.length, report.sumOk],
        [1, hex6(ip6("ff02::16")), 8, true],
        "MLDv2 first",
      );
      b.advance(1200);
      assert.equal(b.stack.ip6Addresses().find((a) => a.origin === "link-local")!.ready, true);
      assert.ok(b.told > 0, "the application is told");
    });

    it("4862-DAD who has the address already, or wants it at the same time, has it; another one is tried", () => {
      for (const make of [
        (a: Uint8Array) => advertisement(a, ALL_NODES, a, 1),
        (a: Uint8Array) => solicitation(NONE6, a, []),
      ]) {
        const b = new Bench6();
        b.stack.ip6Start(SECRET);
        b.poll();
        b.advance(150);
        const first = b.local;
        b.frame(make(first));
        assert.notDeepEqual(b.local, first);
        b.advance(2000);
        assert.equal(b.stack.ip6Addresses().find((a) => a.origin === "link-local")!.ready, true);
      }
    });

    itFast("7217-6 when others have all three there is none; they are tried again, at once on another link", () => {
      for (const sooner of [false, true]) {
        const b = new Bench6(), tried = new Set<string>();
        const link = (): { bytes: Uint8Array; ready: boolean } | undefined =>
          b.stack.ip6Addresses().find((a) => a.origin === "link-local");
        const solicited6 = (): number => b.seen().filter((s) => s.type === 135).length;
        b.stack.ip6Start(SECRET);
        b.poll();
        for (let n = 0; n < 3; n++) {
          b.advance(150);
          tried.add(hex6(b.local));
          b.frame(solicitation(NONE6, b.local, []));
        }
        assert.deepEqual([tried.size, link()], [3, undefined]);
        b.out = [];
        b.advance(50_000);
        assert.deepEqual([solicited6(), link()], [0, undefined], "nobody is asked meanwhile");
        if (sooner) {
          b.stack.linkChanged();
          b.poll();
          b.advance(1500);
        } else {
          b.advance(11_500);
        }
        assert.equal(solicited6(), 1);
        assert.equal(link()!.ready, true);
        assert.ok(tried.has(hex6(b.local)));
        b.advance(120_000);
        assert.equal(solicited6(), 0, "and it stays");
        b.stack.ip6Stop();
        b.advance(120_000);
        assert.equal(link(), undefined);
      }
    });

    it("7527-1 our own question that comes back is no other's", () => {
      const b = new Bench6();
      b.stack.ip6Start(SECRET);
      b.poll();
      b.advance(150);
      const first = b.local,
        ns = b.out.find((s) => see6(s.raw)?.type === 135)!;
      b.frame(ns.raw);
      b.advance(2000);
      assert.deepEqual(b.local, first);
    });

    it("7217-1 the same secret makes the same addresses, another one others", () => {
      const [a, b, c] = [new Bench6().ready(), new Bench6().ready(), new Bench6()];
      assert.deepEqual([a.local, a.global], [b.local, b.global]);
      c.stack.ip6Start();
      assert.notDeepEqual(c.local, a.local);
      assert.notDeepEqual(a.global.slice(8), a.local.slice(8), "a prefix has identifiers of its own");
    });

    it("4862-5.5.3 a router's prefix makes an address; two hours are the least that anybody can leave of it", () => {
      const b = new Bench6().ready(),
        left = (): number => b.stack.ip6Addresses().find((a) => a.origin === "prefix")!.validS;
      assert.equal(hex6(b.global).startsWith("2001:db8:1:0:"), true);
      assert.deepEqual(b.stack.ip6Routers(), [ROUTER]);
      b.frame(routerAdvertisement(ROUTER, nd.prefix(PREFIX, { valid: 100_000, preferred: 100 })));
      assert.equal(left(), 100_000);
      b.frame(routerAdvertisement(ROUTER, nd.prefix(PREFIX, { valid: 5, preferred: 5 })));
      assert.equal(left(), 7200);
      b.frame(routerAdvertisement(ROUTER, nd.prefix(PREFIX, { valid: 5, preferred: 5 })));
      assert.ok(left() <= 7200 && left() > 7100, "and not less");
      b.advance(7_300_000);
      assert.equal(
        b.stack.ip6Addresses().some((a) => a.origin === "prefix"),
        false,
      );
    });
  });

  describe("listeners on all addresses of a family", () => {
    const LISTEN = STATES.indexOf("LISTEN"), CLOSED = STATES.indexOf("CLOSED"), EVERY_IPV4 = 0xffffffff, PORT = 80;

    /** Whether a SYN from a stranger would be heard at 10.0.0.1, and at our address of IPv6. */
    const heard = (b: Bench6): number[] => {
      const x = b.stack.exports;
      return [x.flow_state(0x0a000001, PORT, 0x0a000002, 9), x.flow_state(b.stack.ip6Name(b.global), PORT, 1, 9)];
    };

    itFast("of IPv4, of IPv6, of both; the narrower one is heard first", () => {
      const b = new Bench6().ready(), x = b.stack.exports;
      const six = (): number => b.stack.ip6Name(NONE6);
      for (const [ips, expected] of [
        [[0], [LISTEN, LISTEN]],
        [[EVERY_IPV4], [LISTEN, CLOSED]],
        [[six()], [CLOSED, LISTEN]],
      ] as const) {
        const l = x.tcp_listen(ips[0] === 0 || ips[0] === EVERY_IPV4 ? ips[0] : six(), PORT, 1);
        assert.ok(l > 0);
        assert.deepEqual(heard(b), expected);
        assert.equal(x.tcp_close(l), 0);
        assert.deepEqual(heard(b), [CLOSED, CLOSED]);
      }
      const every = x.tcp_listen(0, PORT, 1), four = x.tcp_listen(EVERY_IPV4, PORT, 1);
      const both = [four, x.tcp_listen(six(), PORT, 1), x.tcp_listen(b.stack.ip6Name(b.local), PORT, 1)];
      assert.ok(every > 0 && both.every((l) => l > 0));
      for (const ip of [0, EVERY_IPV4, six()]) assert.equal(x.tcp_listen(ip, PORT, 1), ERR.IN_USE);
      // ::1 comes to the one of IPv6, 127.0.0.1 to the one of IPv4, whichever was made first.
      const here = Uint8Array.from({ length: 16 }, (_, i) => i === 15 ? 1 : 0);
      x.tcp_connect(0, 0, b.stack.ip6Name(here), PORT);
      x.tcp_connect(0, 0, 0x7f000001, PORT);
      b.advance(10);
      assert.deepEqual([every, ...both].map((l) => x.tcp_accept(l) > 0), [false, true, true, false]);
      for (const l of [every, ...both]) assert.equal(x.tcp_close(l), 0);
      b.advance(10);
    });
  });

  describe("RFC 4861: neighbours", () => {
    it("answers for its addresses, and learns from who asks", () => {
      const b = new Bench6().ready();
      b.frame(solicitation(PEER, b.global));
      const [na] = b.seen();
      assert.deepEqual(
        [na!.type, na!.dst, na!.rest >>> 29, na!.dstMac, na!.hops, na!.sumOk],
        [136, PEER, 3, MAC_PEER, 255, true],
      );
      assert.deepEqual([...na!.data], [...b.global, ...nd.target(MAC_STACK)]);
    });

    it("asks for a neighbour, and sends what waits once it answers", () => {
      const b = new Bench6().ready(),
        udp = b.stack.udpOpen(1000);
      b.stack.udpSend(udp, b.stack.ip6Name(PEER), 7, Uint8Array.of(1, 2, 3));
      b.poll();
      const [ns] = b.seen();
      assert.deepEqual([ns!.type, ns!.dst, ns!.src], [135, solicited(PEER), b.global]);
      b.frame(advertisement(PEER, b.global, PEER));
      const [sent] = b.seen();
      assert.deepEqual(
        [sent!.next, sent!.src, sent!.dst, sent!.dstMac, sent!.sumOk, [...sent!.data]],
        [17, b.global, PEER, MAC_PEER, true, [1, 2, 3]],
      );
    });

    it("what is elsewhere goes by the router; without one it is UNREACHABLE", () => {
      const b = new Bench6().ready(),
        udp = b.stack.udpOpen(1000);
      b.stack.udpSend(udp, b.stack.ip6Name(FAR), 7, Uint8Array.of(1));
      b.poll();
      const [sent] = b.seen();
      assert.deepEqual([sent!.dst, sent!.dstMac], [FAR, MAC_PEER]);
      b.frame(routerAdvertisement(ROUTER, [], { lifetime: 0 }));
      assert.throws(
        () => b.stack.udpSend(udp, b.stack.ip6Name(FAR), 7, Uint8Array.of(1)),
        /UNREACHABLE|no route|reach/i,
      );
    });
  });

  describe("RFC 4861 §6.3.6: which router", () => {
    const A = ROUTER, B = ip6("fe80::b"), MAC_A = [2, 0, 0, 0, 0, 0xa], MAC_B = [2, 0, 0, 0, 0, 0xb];
    const medium = 0, low = 0x18, high = 0x08;

    /** A stack that two routers have told of themselves, A first. */
    class TwoRouters extends Bench6 {
      readonly #udp: number;
      constructor(readonly flags = medium) {
        super();
        this.ready();
        this.hear(A);
        this.hear(B);
        this.#udp = this.stack.udpOpen(1000);
      }

      hear(router: Uint8Array): void {
        const mac = router === A ? MAC_A : MAC_B, flags = router === A ? this.flags : medium;
        this.frame(routerAdvertisement(router, nd.source(mac), { flags }));
      }

      /**
       * A datagram goes to somebody far away each half second; `alive` answer when they are asked. Returns by whom the
       * datagrams went, each time that it changed, and who was asked.
       */
      ways(seconds: number, ...alive: Uint8Array[]): { by: string; asked: string } {
        const by: string[] = [], asked: string[] = [];
        const note = (list: string[], name: string): void => void (list.at(-1) === name || list.push(name));
        for (let i = 0; i < 2 * seconds; i++) {
          this.stack.udpSend(this.#udp, this.stack.ip6Name(FAR), 7, Uint8Array.of(1));
          this.advance(500);
          for (const s of this.seen()) {
            if (s.next === 17) note(by, s.dstMac[5] === 0xa ? "A" : "B");
            if (s.type !== 135) continue;
            const target = hex6(s.data.slice(0, 16)) === hex6(A) ? A : B;
            note(asked, target === A ? "A" : "B");
            const options = nd.target(target === A ? MAC_A : MAC_B);
            if (alive.includes(target)) this.frame(advertisement(target, s.src, target, 7, options));
          }
        }
        return { by: by.join(""), asked: asked.join("") };
      }
    }

    it("4861-13 one that does not answer is left for another, and taken again when it is heard", () => {
      const b = new TwoRouters();
      assert.equal(b.ways(20, A, B).by, "A", "the one that was heard first");
      assert.equal(b.ways(100, B).by, "AB", "within a minute and three questions it is left");
      assert.equal(b.ways(200, B).by, "B", "and does not come back by itself");
      b.hear(A);
      assert.equal(b.ways(30, A, B).by, "A");
      assert.deepEqual(b.stack.ip6Routers(), [A, B], "its lifetime goes on all the while");
    });

    it("4861-13 where none answers, all have their turn; the first that does is taken", () => {
      const b = new TwoRouters(), { asked } = b.ways(120);
      assert.match(asked, /^(AB){5,}A?$/);
      assert.match(b.ways(30, B).by, /B$/);
      assert.equal(b.ways(120, B).by, "B");
    });

    it("4191-2.2 the higher preference goes first, among those that answer", () => {
      assert.equal(new TwoRouters(low).ways(20, A, B).by, "B");
      const b = new TwoRouters(high);
      assert.equal(b.ways(100, B).by, "AB");
      b.hear(B);
      assert.equal(b.ways(20, B).by, "B", "B has been heard again, and A has not");
    });

    /** SYNs for half a minute; B answers when it is asked, A never. Returns the last one, and whether it is told. */
    function connecting(b: TwoRouters): { last: Seen6; told: boolean } {
      const handle = b.stack.connect(b.stack.ip6Name(FAR), 80);
      b.stack.setOption(handle, "softErrors", true);
      b.poll();
      let last = b.seen().find((s) => s.next === 6)!;
      assert.deepEqual(last.dstMac, MAC_A);
      for (let i = 0; i < 30; i++) {
        b.advance(1000);
        for (const s of b.seen()) {
          if (s.next === 6) last = s;
          if (s.type === 135 && hex6(s.data.slice(0, 16)) === hex6(B))
            b.frame(advertisement(B, s.src, B, 7, nd.target(MAC_B)));
        }
      }
      return { last, told: ((b.events.get(handle) ?? 0) & EVENT.SOFT_ERROR) !== 0 };
    }

    it("4861-13 a connection goes on by the other one, and is told of nothing", () => {
      const { last, told } = connecting(new TwoRouters());
      assert.deepEqual([last.dstMac, told], [MAC_B, false]);
      const alone = new TwoRouters();
      alone.frame(routerAdvertisement(B, [], { lifetime: 0 }));
      assert.equal(connecting(alone).told, true, "without another one it is");
    });
  });

  describe("RFC 4443: ICMPv6", () => {
    it("answers an echo request, and a large one in fragments", () => {
      const b = new Bench6().ready();
      b.frame(solicitation(PEER, b.global));
      b.out = [];
      b.frame(icmp6({ src: PEER, dst: b.global }, 128, 0, 0x12340001, [1, 2, 3]));
      const [reply] = b.seen();
      assert.deepEqual(
        [reply!.type, reply!.rest, [...reply!.data], reply!.src, reply!.sumOk],
        [129, 0x12340001, [1, 2, 3], b.global, true],
      );
    });

    it("a datagram to a closed port is answered with what it was", () => {
      const b = new Bench6().ready();
      b.frame(solicitation(PEER, b.global));
      b.out = [];
      const frame = udp6({ src: PEER, dst: b.global }, 1, 2, Uint8Array.of(9, 9));
      b.frame(frame);
      const [error] = b.seen();
      assert.deepEqual([error!.type, error!.code, error!.dst, error!.sumOk], [1, 4, PEER, true]);
      assert.deepEqual([...error!.data], [...frame.slice(14)]);
    });
  });

  describe("RFC 8200: headers behind the first", () => {
    const ECHO = [128, 0, 0, 0, 0, 1, 0, 1];
    /** An echo request behind `headers`, the first of which is of the kind `next`. */
    const behind = (b: Bench6, next: number, headers: number[], dst = b.global): Seen6[] => {
      b.frame(solicitation(PEER, b.global));
      b.out = [];
      const body = Uint8Array.from(ECHO);
      body.set(be(2, sum6({ src: PEER, dst }, 58, body)), 2);
      b.frame(ipv6({ src: PEER, dst, next, headers }, body));
      return b.seen();
    };
    const option = (type: number): number[] => [58, 0, type, 4, 0, 0, 0, 0];

    it("8200-4 those that are known are passed over, in any order and number up to eight", () => {
      const b = new Bench6().ready(),
        destination = [60, 0, 1, 4, 0, 0, 0, 0];
      assert.equal(behind(b, 0, [60, 0, 5, 2, 0, 0, 1, 0, ...option(1)])[0]?.type, 129, "hop-by-hop, destination");
      assert.equal(
        behind(b, 60, [...Array<number[]>(6).fill(destination).flat(), ...option(1)])[0]?.type,
        129,
        "seven",
      );
      assert.deepEqual(behind(b, 60, [...Array<number[]>(8).fill(destination).flat(), ...option(1)]), [], "nine");
    });

    it("8200-4.2 an unknown option says itself what is to be done", () => {
      const b = new Bench6().ready(),
        error = (s: Seen6[]): unknown[] => [s[0]?.type, s[0]?.code, s[0]?.rest];
      assert.equal(behind(b, 60, option(0x1e))[0]?.type, 129, "00: passed over");
      assert.deepEqual(behind(b, 60, option(0x5e)), [], "01: dropped");
      assert.deepEqual(error(behind(b, 60, option(0x9e))), [4, 2, 42], "10: the sender is told");
      assert.deepEqual(error(behind(b, 60, option(0xde))), [4, 2, 42], "11: so it is, unless it was to a group");
      assert.deepEqual(error(behind(b, 60, option(0x9e), ALL_NODES)), [4, 2, 42]);
      assert.deepEqual(behind(b, 60, option(0xde), ALL_NODES), []);
    });

    it("8200-4.1 a header of no known kind, and one that is not where it may be, is a parameter problem", () => {
      const b = new Bench6().ready(),
        error = (s: Seen6[]): unknown[] => [s[0]?.type, s[0]?.code, s[0]?.rest];
      assert.deepEqual(error(behind(b, 200, [58, 0, 0, 0, 0, 0, 0, 0])), [4, 1, 6]);
      assert.deepEqual(
        error(behind(b, 60, [0, 0, 1, 4, 0, 0, 0, 0, ...option(1)])),
        [4, 1, 40],
        "hop-by-hop, second",
      );
    });

    it("5095-1 a routing header with more to visit is a problem, one without is passed over", () => {
      const b = new Bench6().ready();
      assert.equal(behind(b, 43, [58, 0, 0, 0, 0, 0, 0, 0])[0]?.type, 129);
      const [error] = behind(b, 43, [58, 0, 0, 1, 0, 0, 0, 0]);
      assert.deepEqual([error?.type, error?.code, error?.rest], [4, 0, 42]);
    });

    it("lengths that leave the packet, options that leave their header: dropped and counted", () => {
      const b = new Bench6().ready(),
        wrong = b.stack.counters().ipInHdrErrors;
      for (const headers of [
        [58, 9, 1, 4, 0, 0, 0, 0],
        [58, 0, 1, 5, 0, 0, 0, 0],
        [58, 0, 1, 255, 0, 0, 0, 0],
      ]) {
        assert.deepEqual(behind(b, 60, headers), []);
      }
      assert.equal(b.stack.counters().ipInHdrErrors - wrong, 3);
    });
  });

  describe("RFC 8200 §4.5: fragments", () => {
    const datagram = (b: Bench6, size: number): Uint8Array => {
      const bytes = Uint8Array.from([
        ...be(2, 9),
        ...be(2, 53),
        ...be(2, 8 + size),
        0,
        0,
        ...Array.from({ length: size }, (_, i) => i & 255),
      ]);
      bytes.set(be(2, sum6({ src: PEER, dst: b.global }, 17, bytes)), 6);
      return bytes;
    };
    const fragment = (b: Bench6, whole: Uint8Array, from: number, to: number, id = 7, next = 17): Uint8Array => {
      const more = to < whole.length ? 1 : 0,
        headers = [next, 0, ...be(2, from | more), ...be(4, id)];
      return ipv6({ src: PEER, dst: b.global, next: 44, headers }, whole.slice(from, to));
    };
    const start = (): [Bench6, number] => {
      const b = new Bench6().ready(),
        udp = b.stack.udpOpen(53);
      b.frame(solicitation(PEER, b.global));
      b.out = [];
      return [b, udp];
    };

    it("are put together in any order, and told apart by all 32 bits of their number", () => {
      const [b, udp] = start(),
        whole = datagram(b, 3000),
        cuts = [
          [1600, 3008],
          [0, 800],
          [800, 1600],
        ] as const;
      for (const [from, to] of cuts) {
        b.frame(fragment(b, whole, from, to, 0x10007));
        if (from === 0) b.frame(fragment(b, whole, 800, 1600, 7));
      }
      assert.deepEqual(b.stack.udpReceive(udp)?.data, whole.slice(8));
      assert.equal(b.stack.udpReceive(udp), null);
    });

    it("6946-1 one that is alone is no fragment; 6980-1 but no neighbour is believed in one", () => {
      const [b, udp] = start(),
        whole = datagram(b, 100);
      b.frame(fragment(b, whole, 0, whole.length));
      assert.deepEqual(b.stack.udpReceive(udp)?.data, whole.slice(8));
      const ns = see6(solicitation(PEER, b.global))!;
      b.frame(ipv6({ ...ns, hops: 255, next: 44, headers: [58, 0, 0, 0, 0, 0, 0, 1] }, ns.payload));
      assert.deepEqual(b.seen(), []);
    });

    it("5722-1 what overlaps is given up", () => {
      const [b, udp] = start(),
        whole = datagram(b, 3000),
        other = whole.map((x) => x ^ 1);
      for (const f of [fragment(b, whole, 0, 800), fragment(b, other, 792, 1600), fragment(b, whole, 800, 3008)])
        b.frame(f);
      assert.equal(b.stack.udpReceive(udp), null);
      assert.ok(b.stack.counters().ipReasmOverlaps > 0, "counted");
    });

    it("7112-1 a first one without all headers, a part of no multiple of 8, and too much in all are problems", () => {
      const [b] = start(),
        whole = datagram(b, 3000),
        one = (frame: Uint8Array): unknown[] => {
          b.out = [];
          b.frame(frame);
          const [s] = b.seen();
          return [s?.type, s?.code, s?.rest];
        };
      const short = ipv6(
        { src: PEER, dst: b.global, next: 44, headers: [60, 0, 0, 1, 0, 0, 0, 9] },
        Uint8Array.from([17, 0, 1, 4, 0, 0, 0, 0]),
      );
      assert.deepEqual(one(short), [4, 3, 0]);
      assert.deepEqual(one(fragment(b, whole, 0, 801)), [4, 0, 4]);
      const far = ipv6(
        { src: PEER, dst: b.global, next: 44, headers: [17, 0, 0xff, 0xf8, 0, 0, 0, 9] },
        whole.slice(0, 16),
      );
      assert.deepEqual(one(far), [4, 0, 42]);
    });

    it("1122-3.2.2.6 an echo of 5,000 bytes comes back in fragments", () => {
      const [b] = start(),
        body = Uint8Array.from([128, 0, 0, 0, 0, 1, 0, 1, ...Array.from({ length: 5000 }, (_, i) => i & 255)]);
      body.set(be(2, sum6({ src: PEER, dst: b.global }, 58, body)), 2);
      for (let at = 0; at < body.length; at += 1232)
        b.frame(fragment(b, body, at, Math.min(at + 1232, body.length), 3, 58));
      const parts = b.seen(),
        back = new Uint8Array(body.length);
      for (const p of parts) back.set(p.payload, ((p.headers[2]! << 8) | p.headers[3]!) & 0xfff8);
      assert.deepEqual(back.slice(4), body.slice(4));
      assert.ok(
        parts.length === 4 && parts.every((p) => p.payload.length <= 1448),
        "as few as the link's MTU allows",
      );
    });
  });

  describe("what nobody on the link may say", () => {
    it("4861-11.2 nothing counts that a router may have forwarded, or is malformed", () => {
      const b = new Bench6().ready(),
        far = ip6("2001:db8:2::"),
        before = b.stack.ip6Addresses().length;
      const wrong = [
        routerAdvertisement(ROUTER, nd.prefix(far), {}, { hops: 254 }),
        routerAdvertisement(PEER, nd.prefix(far)),
        routerAdvertisement(ROUTER, [...nd.prefix(far), 3, 0, 0, 0, 0, 0, 0, 0]),
        routerAdvertisement(ROUTER, nd.prefix(far).slice(0, 24)),
        solicitation(PEER, b.global, nd.source(MAC_PEER), { hops: 64 }),
      ];
      for (const frame of wrong) b.frame(frame);
      assert.equal(b.stack.ip6Addresses().length, before);
      assert.deepEqual(b.seen(), []);
      assert.equal(b.stack.counters().icmpInErrors, wrong.length);
    });

    it("a hundred prefixes and a hundred routers take no more than their tables have", () => {
      const b = new Bench6().ready();
      for (let i = 0; i < 100; i++) {
        b.frame(routerAdvertisement(ip6(`fe80::${i + 2}`), nd.prefix(ip6(`2001:db8:${(i + 100).toString(16)}::`))));
      }
      // Builds that do not talk to themselves have no ::1.
      const own = b.stack.ip6Addresses().filter((a) => a.origin !== "loopback");
      assert.deepEqual([own.length, b.stack.ip6Routers().length], [5, 4]);
    });

    it("an unasked advertisement changes nothing; a redirect is ignored", () => {
      const b = new Bench6().ready(),
        udp = b.stack.udpOpen(1000),
        other = [2, 9, 9, 9, 9, 9];
      b.frame(solicitation(PEER, b.global));
      b.frame(advertisement(PEER, b.global, PEER, 1, nd.target(other)));
      b.frame(icmp6({ src: ROUTER, dst: b.global, hops: 255 }, 137, 0, 0, [...ip6("fe80::bad"), ...FAR]));
      b.out = [];
      b.stack.udpSend(udp, b.stack.ip6Name(PEER), 7, Uint8Array.of(1));
      b.poll();
      assert.deepEqual(b.seen().find((s) => s.next === 17)?.dstMac, MAC_PEER);
    });

    it("from ::1, from ourselves, from a group, to an address that is not ours: dropped", () => {
      const b = new Bench6().ready(),
        wrong = b.stack.counters().ipInAddrErrors;
      for (const src of [ip6("::1"), b.global, ip6("ff02::9")])
        b.frame(udp6({ src, dst: b.global }, 1, 2, Uint8Array.of(1)));
      b.frame(udp6({ src: PEER, dst: FAR }, 1, 2, Uint8Array.of(1)));
      assert.deepEqual([b.seen(), b.stack.counters().ipInAddrErrors - wrong], [[], 4]);
    });
  });

  it("3810-1 2710-1 a router's question about groups is answered in its version, within its time", () => {
    const b = new Bench6().ready(),
      alert = [58, 0, 5, 2, 0, 0, 0, 0];
    const query = (size: number): Uint8Array => {
      const body = Uint8Array.from([130, 0, 0, 0, ...be(2, 1000), 0, 0, ...new Uint8Array(size - 8)]),
        ip = { src: ROUTER, dst: ALL_NODES };
      body.set(be(2, sum6(ip, 58, body)), 2);
      return ipv6({ ...ip, next: 0, hops: 1, headers: alert }, body);
    };
    b.frame(query(28));
    b.advance(1000);
    const [two] = b.seen();
    assert.deepEqual([two?.type, two?.rest, two?.hops, two?.sumOk], [143, 2, 1, true]);
    b.frame(query(24));
    b.advance(1000);
    assert.deepEqual(
      b.seen().map((s) => [s.type, hex6(s.dst), s.sumOk]),
      [b.local, b.global].map((a) => [131, hex6(solicited(a)), true]),
    );
  });

  it("1122-3.2.1.3 nothing of IPv4 from or to 240/4 counts: it would name an IPv6 address", () => {
    const b = new Bench6().ready(), udp = b.stack.udpOpen(53), stack = ip4("10.0.0.1"), peer = ip4("10.0.0.2");
    for (const name of [0xf0000001, 0xf8000000, 0xf8000005, 0xf8000007, 0xf8000fff, 0xfffffffe]) {
      b.frame(udp4({ src: name, dst: stack }, 9, 53, Uint8Array.of(1)));
      b.frame(udp4({ src: peer, dst: name }, 9, 53, Uint8Array.of(1)));
      b.frame(arp(1, { mac: MAC_PEER, ip: name }, { mac: [0, 0, 0, 0, 0, 0], ip: stack }));
      const quoted = udp4({ src: stack, dst: name }, 53, 9, Uint8Array.of(1)).slice(14, 42);
      b.frame(icmp({ src: peer, dst: stack }, 3, 3, 0, quoted));
    }
    assert.equal(b.stack.udpReceive(udp), null);
    assert.deepEqual([b.stack.counters().ipInAddrErrors, b.stack.counters().arpInErrors], [12, 6]);
  });

  it("a number out of 240/4 that names no address is an ARGUMENT, in every call", () => {
    const b = new Bench6().ready(),
      udp = b.stack.udpOpen(9),
      x = b.stack.exports;
    for (const name of [0xf0000000, 0xf0000001, 0xf8000100, 0xf8010000, 0xf7ffffff, 0xfffffffe]) {
      assert.deepEqual(
        [
          x.tcp_listen(name, 80, 1),
          x.tcp_connect(0, 0, name, 80),
          x.tcp_connect(name, 0, 0x0a000002, 80),
          x.udp_send(udp, name, 7, 0, 0),
          x.ip6_bytes(name, 0),
        ].map((r) => r < 0),
        [true, true, true, true, true],
        name.toString(16),
      );
      x.flow_state(name, 1, name, 2);
    }
    b.poll();
  });
}
