/** Multicast DNS from those who mean harm: what is malformed is dropped and counted, what is too much has a bound. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SMALL } from "../harness/bench.js";
import { be, ip4, ipv4, udp } from "../harness/codec.js";
import { ip6 } from "../harness/codec6.js";
import { A, AAAA, labels, record } from "../harness/dns.js";
import {
  a, aaaa, ANY, FLUSH, GROUP, GROUP_MAC, IN, MdnsLink, message, NSEC, PEER, PORT, PTR, QU, STACK, TTL,
} from "../harness/mdns.js";

const LAMP = "lamp.local", OTHER = ip4("10.0.0.9");

/** A name as it stands, behind the header of a question. */
const asking = (name: number[], count = 1): Uint8Array =>
  Uint8Array.from([0, 0, 0, 0, ...be(2, count), 0, 0, 0, 0, 0, 0, ...name, ...be(2, A), ...be(2, IN)]);
const telling = (...records: number[][]): Uint8Array => message({ flags: 0x8400, answers: records });

/** Still there, with its name, and answering. */
function isWell(net: MdnsLink, name = LAMP): void {
  net.advance(5000);
  net.sent = [];
  net.ask(name, A);
  assert.deepEqual(net.tookAll().map((s) => s.answers.map((r) => r.data)), [[[10, 0, 0, 1]]]);
}

/** Numbers below n, the same ones each time. */
function drawn(seed: number): (n: number) => number {
  let x = seed >>> 0;
  return (n) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * n);
  };
}

const nsec = (data: number[]): number[] => record(labels("door.local"), NSEC, TTL, data, IN | FLUSH);

/** Messages that are well-formed, of every kind. */
const GOOD = [
  message({ questions: [{ name: LAMP, type: A }], answers: [a(LAMP, OTHER, TTL, IN), aaaa(LAMP, ip6("fe80::1"))] }),
  message({ questions: [{ name: LAMP, type: ANY, cls: IN | QU }], authorities: [a(LAMP, OTHER, TTL, IN)] }),
  message({
    flags: 0x8400, answers: [a("door.local", OTHER), record(labels("1.0.0.10.in-addr.arpa"), PTR, TTL, labels(LAMP))],
    additionals: [nsec([0xc0, 12, 0, 4, 0x40, 0, 0, 8])],
  }),
];

if (!SMALL) {
  describe("RFC 6762, malformed", () => {
    it("6762-17: names that loop, lead forward, have no end, or labels that cannot be", () => {
      const net = new MdnsLink().settle(), long = Array.from({ length: 5 }, () => [63, ...Array<number>(63).fill(97)]);
      for (const name of [
        [0xc0, 12], [0xc0, 13], [0xc0, 40], [0xff, 0xff], [1, 97, 0xc0, 12], [0xc0], [63, 97], [0x40, 97, 0], [0x80, 0],
        [...long.flat(), 0], [5, 108],
      ]) {
        const { dropped } = net.stack.localName();
        net.heard(asking(name));
        net.heard(Uint8Array.from([0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, ...name, ...be(2, A), ...be(2, IN)]));
        assert.ok(net.stack.localName().dropped > dropped, name.join(" "));
      }
      assert.deepEqual(net.sent, []);
      isWell(net);
    });

    it("less than a header, and counts of what is not there", () => {
      const net = new MdnsLink().settle();
      for (let n = 0; n < 12; n++) net.heard(new Uint8Array(n));
      assert.equal(net.stack.localName().dropped, 12);
      for (const counts of [[1, 0, 0, 0], [65535, 0, 0, 0], [0, 65535, 0, 0], [0, 0, 65535, 0], [0, 0, 0, 65535]])
        for (const flags of [0, 0x8400]) net.heard(message({ flags, counts }));
      isWell(net);
    });

    it("more questions or records than 64: the message counts as none", () => {
      const net = new MdnsLink().settle();
      const { dropped } = net.stack.localName();
      net.heard(message({ questions: Array.from({ length: 65 }, () => ({ name: "", type: A })) }));
      net.heard(message({
        questions: [{ name: LAMP, type: A }],
        answers: Array.from({ length: 65 }, () => record([0], A, 1, [1, 2, 3, 4])),
      }));
      assert.deepEqual([net.sent, net.stack.localName().dropped], [[], dropped + 2]);
      isWell(net);
    });

    it("addresses of other sizes, and bitmaps that are none, say nothing", () => {
      const net = new MdnsLink();
      assert.equal(net.stack.lookup("door.local"), undefined);
      assert.equal(net.stack.lookup6("door.local"), undefined);
      net.poll();
      for (const data of [
        [], [0], [0, 0], [0, 0, 0], [0, 0, 33, ...Array<number>(33).fill(0)], [0, 0, 8, 0x40], [0, 1, 1, 0], [0xc0],
        [63, 1],
      ])
        net.heard(telling(nsec(data)));
      for (const size of [0, 3, 5, 16]) net.tell(record(labels("door.local"), A, TTL, Array<number>(size).fill(9)));
      for (const size of [0, 4, 15, 17]) net.tell(record(labels("door.local"), AAAA, TTL, Array<number>(size).fill(9)));
      for (const ip of ["0.0.0.0", "224.0.0.251", "255.255.255.255"]) net.tell(a("door.local", ip4(ip)));
      net.tell(aaaa("door.local", ip6("ff02::1")));
      assert.deepEqual([net.stack.lookup("door.local"), net.stack.lookup6("door.local")], [undefined, undefined]);
      net.tell(a("door.local", OTHER));
      assert.deepEqual(net.stack.lookup("door.local"), [OTHER]);
    });

    it("every message cut at every byte, and with bytes changed: in every state nothing but what is said", () => {
      const draw = drawn(6762);
      for (const state of ["PROBING", "SETTLED", "WAITING"] as const) {
        const net = new MdnsLink().six();
        if (state === "SETTLED") net.settle();
        else net.start();
        net.stack.lookup("door.local");
        net.stack.lookup6("door.local");
        net.poll();
        if (state === "WAITING") net.stack.setAddress(0);
        for (const good of GOOD) {
          for (let n = 0; n < good.length; n++) net.heard(good.slice(0, n));
          for (let i = 0; i < 300; i++) {
            const bad = good.slice();
            for (let k = draw(3); k >= 0; k--) bad[draw(bad.length)] = draw(256);
            if (draw(2)) net.heard(bad, draw(2) ? PEER : OTHER, draw(8) ? PORT : 4000);
            else net.heard6(bad);
            if (draw(10) === 0) net.advance(100);
          }
        }
        net.stack.setAddress(STACK, 24);
        net.poll();
        net.advance(60_000);
        const { state: now, name } = net.stack.localName();
        assert.equal(now, "SETTLED", state);
        isWell(net, name);
      }
    });

    it("wrong sums of UDP, ports of 0, and lengths beyond the packet", () => {
      const net = new MdnsLink().settle();
      const ip = { src: PEER, dst: GROUP, dstMac: GROUP_MAC }, bad = udp(ip, PORT, PORT, GOOD[0]!);
      bad[40]! ^= 1;
      const { dropped } = net.stack.localName();
      net.frame(bad);
      net.frame(udp(ip, 0, PORT, GOOD[0]!));
      net.frame(ipv4({ ...ip, proto: 17 }, Uint8Array.from([...be(2, PORT), ...be(2, PORT), ...be(2, 400), 0, 0])));
      net.frame(ipv4({ ...ip, proto: 17 }, new Uint8Array(4)));
      assert.deepEqual([net.sent, net.stack.localName().dropped], [[], dropped + 4]);
      isWell(net);
    });

    it("fragments to the group, TCP and unknown protocols are dropped without a word", () => {
      const net = new MdnsLink().settle();
      net.out = [];
      for (const proto of [6, 17, 47]) {
        net.frame(ipv4({ src: PEER, dst: GROUP, dstMac: GROUP_MAC, proto, frag: 0x2000 }, new Uint8Array(64)));
        if (proto !== 17) net.frame(ipv4({ src: PEER, dst: GROUP, dstMac: GROUP_MAC, proto }, new Uint8Array(64)));
      }
      net.advance(70_000);
      assert.deepEqual(net.out.map((s) => s.kind), []);
      isWell(net);
    });
  });

  describe("RFC 6762, too much", () => {
    it("a flood of conflicts: few probes, no name but one that others leave", () => {
      const net = new MdnsLink().settle();
      for (let i = 0; i < 2000; i++) {
        net.tell(a(net.stack.localName().name, OTHER));
        net.advance(10);
      }
      const probes = net.tookAll().filter((s) => s.authorities.length > 0).length;
      assert.ok(probes > 0 && probes <= 60, `${probes} probes in 20 s`);
      net.advance(10_000);
      isWell(net, net.stack.localName().name);
    });

    it("6762-15: with all addresses that there can be, messages keep to the link's MTU", () => {
      const net = new MdnsLink({ mtu: 1280 }).six();
      for (let i = 1; i <= 5; i++) net.stack.ip6Add(ip6(`2001:db8:${i}::1`));
      net.poll();
      net.advance(3000);
      net.settle("a".repeat(63));
      net.out = [];
      net.heard6(message({ questions: [{ name: `${"a".repeat(63)}.local`, type: ANY }] }));
      const { sent } = net;
      assert.ok(net.own6.length >= 7);
      assert.deepEqual(sent.map((s) => s.answers.length), [net.own6.length + 1, net.own6.length + 1]);
    });

    it("proposals of 64 records for one name are compared within bounds", () => {
      const net = new MdnsLink();
      net.start();
      net.advance(300);
      const many = Array.from({ length: 64 }, (_, i) => record([0xc0, 12], A, TTL, [10, 0, 0, 1, i].slice(0, 4)));
      net.heard(message({ questions: [{ name: LAMP, type: ANY }], authorities: many }));
      net.advance(3000);
      isWell(net);
    });
  });
}
