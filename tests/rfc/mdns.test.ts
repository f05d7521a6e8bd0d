/** Multicast DNS (RFC 6762): the host's own name in .local, look-ups of such names, and the group's reports. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { SMALL } from "../harness/bench.js";
import { be, ip4, udp } from "../harness/codec.js";
import { hex6, ip6, udp6 } from "../harness/codec6.js";
import { A, AAAA, labels, record } from "../harness/dns.js";
import {
  a, aaaa, ANY, FLUSH, GROUP, GROUP_MAC, IN, MdnsLink, message, NSEC, PEER, PORT, PTR, QU, STACK, TTL, TXT, type Rr,
  type Sent,
} from "../harness/mdns.js";

const LAMP = "lamp.local", OTHER = ip4("10.0.0.9"), BELOW = ip4("9.255.255.255"), ABOVE = ip4("10.0.0.200");
const NAME = 4096;

const brief = ({ name, type, cls, ttl, data }: Rr): unknown[] => [name, type, cls, ttl, ...data];
const types = (records: Rr[]): number[] => records.map((r) => r.type);
const own = (ttl = TTL, cls = IN | FLUSH): unknown[] => [LAMP, A, cls, ttl, 10, 0, 0, 1];
/** NSEC of a name with IPv4 addresses alone. */
const ONLY4 = [...labels(LAMP), 0, 1, 0x40];
const gaps = (sent: Sent[]): number[] => sent.slice(1).map((s, i) => Math.round(s.ms - sent[i]!.ms));

/** A probe of somebody who wants a name, with what he proposes. */
const probe = (name: string, ...authorities: number[][]): Uint8Array =>
  message({ questions: [{ name, type: ANY, cls: IN | QU }], authorities });

if (!SMALL) {
  describe("RFC 6762 §8.1: probing", () => {
    it("6762-7: three questions for all there is of the name, 250 ms apart, with what is proposed", () => {
      const waits = new Set<number>();
      for (let seed = 1; seed <= 8; seed++) {
        const net = new MdnsLink({}, seed);
        net.start("Lamp");
        net.advance(900);
        const probes = net.tookAll().filter((s) => s.questions.length > 0);
        assert.equal(probes.length, 3);
        assert.ok(probes[0]!.ms >= 0 && probes[0]!.ms <= 250, `${probes[0]!.ms} ms`);
        waits.add(Math.round(probes[0]!.ms));
        assert.deepEqual(gaps(probes), [250, 250]);
        for (const p of probes) {
          assert.deepEqual([p.id, p.flags, p.questions], [0, 0, [{ name: LAMP, type: ANY, cls: IN | QU }]]);
          assert.deepEqual([p.answers, p.additionals, p.authorities.map(brief)], [[], [], [own(TTL, IN)]]);
          assert.deepEqual([p.src, p.sport, p.dport, p.dstMac, p.ttl], [STACK, PORT, PORT, GROUP_MAC, 255]);
        }
      }
      assert.ok(waits.size > 4, "the first one comes at a random time");
    });

    it("no question is answered, and no event told, before the name is the host's", () => {
      const net = new MdnsLink();
      net.start();
      net.advance(300);
      net.sent = [];
      net.ask(LAMP, A);
      assert.deepEqual([net.sent, net.told, net.stack.localName().state], [[], 0, "PROBING"]);
      net.advance(1000);
      assert.deepEqual([net.events.get(0), net.stack.localName().state], [NAME, "SETTLED"]);
      assert.equal(net.stack.localName().name, LAMP);
    });

    it("6762-8: any record of the name in an answer: another name is tried, lamp-2, lamp-3", () => {
      for (const taken of [a(LAMP, OTHER), aaaa(LAMP, ip6("fe80::9")), record(labels("LAMP.local"), TXT, 120, [0])]) {
        const net = new MdnsLink();
        net.start();
        net.advance(300);
        net.tell(taken);
        net.sent = [];
        net.advance(300);
        assert.equal(net.took()[0]!.questions[0]!.name, "lamp-2.local");
        net.tell(a("lamp-2.local", OTHER));
        net.advance(3000);
        assert.deepEqual([net.stack.localName().name, net.stack.localName().conflicts], ["lamp-3.local", 2]);
        net.sent = [];
        net.ask(LAMP, A);
        net.ask("lamp-3.local", A);
        assert.deepEqual(net.took().map((s) => s.answers.map((r) => r.name)), [["lamp-3.local"]]);
      }
    });

    it("an answer before the first probe, about another name, with the own address, or that takes back: no conflict",
      () => {
        const net = new MdnsLink();
        net.start();
        net.tell(a(LAMP, OTHER));
        net.advance(300);
        net.tell(a("lamp2.local", OTHER), a(LAMP, STACK), a(LAMP, OTHER, 0), a(LAMP, OTHER, 120, 3));
        net.advance(1000);
        assert.deepEqual([net.stack.localName().name, net.stack.localName().conflicts], [LAMP, 0]);
      });

    it("6762-8: after fifteen conflicts in ten seconds, each attempt waits for five", () => {
      const net = new MdnsLink(), at: number[] = [];
      net.start();
      for (let i = 0; i < 400 && at.length < 20; i++) {
        net.advance(50);
        const [probe] = net.tookAll();
        if (probe === undefined) continue;
        at.push(probe.ms);
        net.tell(a(probe.questions[0]!.name, OTHER));
      }
      const early = at.filter((ms) => ms <= at[0]! + 10_000).length, apart = at.slice(1).map((ms, i) => ms - at[i]!);
      assert.ok(early >= 15 && early <= 18, `${early}`);
      assert.ok(apart.slice(15).every((ms) => ms >= 5000), apart.join(" "));
      assert.equal(new Set(at).size, at.length);
      net.advance(10_000);
      assert.deepEqual(net.stack.localName().state, "SETTLED");
    });

    it("a label of 63 bytes leaves room for the number", () => {
      const net = new MdnsLink(), long = "a".repeat(63);
      net.start(long);
      net.advance(300);
      net.tell(a(`${long}.local`, OTHER));
      net.advance(3000);
      assert.equal(net.stack.localName().name, `${"a".repeat(57)}-2.local`);
    });
  });

  describe("RFC 6762 §8.2: two that probe at the same time", () => {
    const meets = (...theirs: number[][]): { waited: boolean; name: string } => {
      const net = new MdnsLink();
      net.start();
      net.advance(300);
      net.sent = [];
      const { ms } = net;
      net.heard(probe(LAMP, ...theirs));
      net.advance(900);
      const waited = net.tookAll().length === 0;
      net.advance(2000);
      const again = net.tookAll().filter((s) => s.questions.length > 0);
      if (waited) assert.ok(again.length === 3 && again[0]!.ms >= ms + 1000 && again[0]!.ms <= ms + 1250);
      return { waited, name: net.stack.localName().name };
    };

    it("6762-9: who has the later data goes on, the other waits for a second and asks again", () => {
      assert.deepEqual(meets(a(LAMP, BELOW, TTL, IN)), { waited: false, name: LAMP });
      assert.deepEqual(meets(a(LAMP, ABOVE, TTL, IN)), { waited: true, name: LAMP });
      // Bytes are compared without a sign, and types before data.
      assert.equal(meets(a(LAMP, ip4("200.0.0.1"), TTL, IN)).waited, true);
      assert.equal(meets(record(labels(LAMP), TXT, 120, [0])).waited, true);
      assert.equal(meets(aaaa(LAMP, ip6("::1"), TTL, IN)).waited, true);
    });

    it("6762-9: of several records, in whatever order, the first that differs counts; who has more wins", () => {
      assert.equal(meets(a(LAMP, STACK, TTL, IN)).waited, false);
      assert.equal(meets(record(labels(LAMP), TXT, 120, [0]), a(LAMP, STACK, TTL, IN)).waited, true);
      assert.equal(meets(record(labels(LAMP), TXT, 120, [0]), a(LAMP, BELOW, TTL, IN)).waited, false);
      assert.equal(meets(a("other.local", ABOVE, TTL, IN)).waited, false);
      assert.equal(meets().waited, false);
    });

    it("who won answers when it is asked again: the other takes another name", () => {
      const net = new MdnsLink();
      net.start();
      net.advance(300);
      net.heard(probe(LAMP, a(LAMP, ABOVE, TTL, IN)));
      net.advance(1300);
      net.tell(a(LAMP, ABOVE));
      net.advance(2000);
      assert.equal(net.stack.localName().name, "lamp-2.local");
    });
  });

  describe("RFC 6762 §8.3, §8.4, §10: making known, and taking back", () => {
    it("6762-10 6762-13 6762-17: twice, a second apart, all records, each as all there is", () => {
      const net = new MdnsLink();
      net.start();
      net.advance(5000);
      const told = net.tookAll().filter((s) => s.questions.length === 0);
      assert.deepEqual([told.length, gaps(told)], [2, [1000]]);
      for (const s of told) {
        assert.deepEqual([s.id, s.flags, s.authorities, s.ttl], [0, 0x8400, [], 255]);
        assert.deepEqual(s.answers.map(brief), [
          own(), [LAMP, NSEC, IN | FLUSH, TTL, ...ONLY4],
          ["1.0.0.10.in-addr.arpa", PTR, IN | FLUSH, TTL, ...labels(LAMP)],
        ]);
      }
    });

    it("6762-12: a name that is given up is taken back by a time to live of 0, once", () => {
      const net = new MdnsLink().settle();
      net.stack.mdnsStop();
      net.poll();
      net.advance(10_000);
      const bye = net.tookAll();
      assert.deepEqual(bye.map((s) => [s.flags, types(s.answers), s.answers.map((r) => r.ttl)]), [
        [0x8400, [A, PTR], [0, 0]],
      ]);
      assert.equal(net.stack.localName().state, "OFF");
      net.ask(LAMP, A);
      net.advance(2000);
      assert.deepEqual(net.sent, []);
    });

    it("a name that was not settled yet is not taken back", () => {
      const net = new MdnsLink();
      net.start();
      net.advance(400);
      net.sent = [];
      net.stack.mdnsStop();
      net.poll();
      net.advance(3000);
      assert.deepEqual(net.sent, []);
    });

    it("another address is made known; without one nothing is sent, and with one again it is probed anew", () => {
      const net = new MdnsLink().settle();
      net.stack.setAddress(OTHER, 24);
      net.poll();
      net.advance(3000);
      const told = net.tookAll();
      assert.deepEqual(told.map((s) => [s.src, s.questions.length, ...s.answers.map((r) => r.data.slice(0, 4))[0]!]), [
        [OTHER, 0, 10, 0, 0, 9], [OTHER, 0, 10, 0, 0, 9],
      ]);
      net.stack.setAddress(0);
      net.poll();
      net.advance(3000);
      assert.deepEqual([net.sent, net.stack.localName().state], [[], "WAITING"]);
      net.stack.setAddress(STACK, 24);
      net.poll();
      net.advance(3000);
      assert.equal(net.tookAll().filter((s) => s.authorities.length > 0).length, 3);
      assert.equal(net.stack.localName().state, "SETTLED");
    });

    it("a link that may lead elsewhere: the name is probed anew", () => {
      const net = new MdnsLink().settle();
      net.stack.linkChanged();
      net.poll();
      net.advance(3000);
      assert.deepEqual(net.tookAll().map((s) => s.questions.length), [1, 1, 1, 0, 0]);
    });
  });

  describe("RFC 6762 §9: conflicts", () => {
    it("6762-11: another address of the name: it is probed again; nobody answers, and it stays", () => {
      const net = new MdnsLink().settle();
      net.tell(a(LAMP, OTHER));
      net.advance(3000);
      assert.deepEqual(net.tookAll().map((s) => s.questions.length), [1, 1, 1, 0, 0]);
      assert.deepEqual([net.stack.localName().name, net.stack.localName().conflicts], [LAMP, 1]);
    });

    it("6762-11: whoever answers the probe keeps the name; the event tells of the new one", () => {
      const net = new MdnsLink().settle();
      net.told = 0;
      net.tell(a(LAMP, OTHER));
      net.advance(300);
      net.tell(a(LAMP, OTHER));
      net.advance(3000);
      assert.deepEqual([net.stack.localName().name, net.told], ["lamp-2.local", 1]);
    });

    it("the same data, another type, and what is not from port 5353 are no conflict", () => {
      const net = new MdnsLink().settle();
      net.tell(a(LAMP, STACK), aaaa(LAMP, ip6("fe80::9")), record(labels(LAMP), TXT, 120, [0]));
      net.heard(message({ flags: 0x8400, answers: [a(LAMP, OTHER)] }), PEER, 5000);
      net.advance(3000);
      assert.deepEqual([net.stack.localName().state, net.stack.localName().conflicts, net.sent], ["SETTLED", 0, []]);
    });

    it("a probe for the name is answered at once, to who asks and to all", () => {
      const net = new MdnsLink().settle();
      net.meet();
      net.advance(40_000);
      net.heard(probe(LAMP, a(LAMP, ABOVE, TTL, IN)));
      assert.deepEqual(net.took().map((s) => s.dst).sort(), [PEER, GROUP].sort());
      // RFC 6762 §6: to all again after 250 ms.
      net.advance(100);
      net.heard(probe(LAMP, a(LAMP, ABOVE, TTL, IN)));
      assert.deepEqual(net.took().map((s) => s.dst), [PEER]);
      assert.equal(net.stack.localName().name, LAMP);
    });
  });

  describe("RFC 6762 §6: answers", () => {
    it("6762-3: addresses of the name, and the name of the address, whatever the case; of nothing else", () => {
      const net = new MdnsLink().settle();
      for (const [name, type, found] of [
        [LAMP, A, [A]], ["LAMP.Local", A, [A]], [LAMP, ANY, [A]], ["1.0.0.10.in-addr.arpa", PTR, [PTR]],
        ["1.0.0.10.in-addr.arpa", ANY, [PTR]],
      ] as const) {
        net.advance(2000);
        net.ask(name, type);
        const all = net.tookAll();
        assert.deepEqual(all.map((s) => types(s.answers)), [found], name);
        assert.deepEqual(all[0]!.answers[0]!.cls, IN | FLUSH);
      }
      net.advance(2000);
      for (const name of ["lamp", "lamp.locals", "x.lamp.local", "lamp2.local", "local", "2.0.0.10.in-addr.arpa", ""])
        for (const type of [A, AAAA, ANY, PTR]) net.ask(name, type);
      net.ask(LAMP, A, { cls: 3 });
      net.advance(2000);
      assert.deepEqual(net.sent, []);
    });

    it("§6.1, §6.2: of a type that the name has not, that it has not; with an address, that there is no other", () => {
      const net = new MdnsLink().settle();
      for (const type of [AAAA, TXT]) {
        net.ask(LAMP, type);
        const [s] = net.tookAll();
        assert.deepEqual(s!.answers.map(brief), [[LAMP, NSEC, IN | FLUSH, TTL, ...ONLY4]]);
        net.advance(2000);
      }
      net.ask(LAMP, A);
      assert.deepEqual(net.tookAll().map((s) => [types(s.answers), types(s.additionals)]), [[[A], [NSEC]]]);
    });

    it("6762-4: at once, but to all once a second at most; who asked meanwhile is answered then", () => {
      const net = new MdnsLink().settle();
      const { ms } = net;
      for (let i = 0; i < 40; i++) {
        net.ask(LAMP, A);
        net.advance(50);
      }
      net.advance(5000);
      assert.deepEqual(net.tookAll().map((s) => Math.round(s.ms - ms)), [0, 1000, 2000]);
    });

    it("several questions of one message are answered by one", () => {
      const net = new MdnsLink().settle();
      const questions = [
        { name: LAMP, type: A }, { name: "x.local", type: A }, { name: "1.0.0.10.in-addr.arpa", type: PTR },
      ];
      net.heard(message({ questions }));
      assert.deepEqual(net.tookAll().map((s) => types(s.answers)), [[A, PTR]]);
    });

    it("6762-6: who knows an answer for half of its time or more is not told", () => {
      const net = new MdnsLink().settle();
      net.ask(LAMP, A, { known: [a(LAMP, STACK, 60, IN)] });
      net.ask("1.0.0.10.in-addr.arpa", PTR, {
        known: [record(labels("1.0.0.10.in-addr.arpa"), PTR, 100, labels("LAMP.local"))],
      });
      net.ask(LAMP, AAAA, { known: [record(labels(LAMP), NSEC, 120, ONLY4)] });
      net.advance(3000);
      assert.deepEqual(net.sent, []);
      for (const known of [a(LAMP, STACK, 59, IN), a(LAMP, OTHER, 120, IN), a("x.local", STACK, 120, IN)]) {
        net.ask(LAMP, A, { known: [known] });
        assert.equal(net.tookAll().length, 1);
        net.advance(3000);
      }
    });

    it("§7.2: who says that more is to come is waited for, 400 to 500 ms, and what he knows is not told", () => {
      const net = new MdnsLink().settle();
      let { ms } = net;
      net.ask(LAMP, A, { flags: 0x0200 });
      net.advance(350);
      assert.deepEqual(net.sent, []);
      net.advance(200);
      const [late] = net.tookAll();
      assert.ok(late!.ms - ms >= 400 && late!.ms - ms <= 500);
      net.advance(3000);
      net.ask(LAMP, A, { flags: 0x0200 });
      net.heard(message({ answers: [a(LAMP, STACK, 100, IN)] }));
      net.advance(3000);
      assert.deepEqual(net.sent, []);
      ({ ms } = net);
      net.ask(LAMP, A, { flags: 0x0200 });
      net.heard(message({ answers: [a(LAMP, STACK, 100, IN)] }), OTHER);
      net.advance(3000);
      assert.equal(net.tookAll().length, 1, "somebody else knows it");
    });

    it("6762-2: who welcomes a unicast answer gets one, unless all have not heard of the record for 30 s", () => {
      const net = new MdnsLink().settle();
      net.meet();
      net.advance(10_000);
      net.ask(LAMP, A, { cls: IN | QU, id: 7 });
      const [alone] = net.took();
      assert.deepEqual([alone!.dst, alone!.dport, alone!.id, alone!.ttl], [PEER, PORT, 7, 255]);
      assert.deepEqual(alone!.answers.map(brief), [own()]);
      net.advance(30_000);
      net.ask(LAMP, A, { cls: IN | QU });
      assert.deepEqual(net.took().map((s) => s.dst), [GROUP]);
    });

    it("§5.5: what is asked of us alone is answered so, if it comes from the link", () => {
      const net = new MdnsLink({ gateway: "10.0.0.2" }).settle();
      net.meet();
      const question = message({ questions: [{ name: LAMP, type: A }] });
      net.frame(udp({ src: PEER, dst: STACK }, PORT, PORT, question));
      assert.deepEqual(net.took().map((s) => s.dst), [PEER]);
      const { dropped } = net.stack.localName();
      net.frame(udp({ src: ip4("10.0.1.2"), dst: STACK }, PORT, PORT, question));
      net.frame(udp({ src: ip4("10.0.1.2"), dst: STACK }, 4000, PORT, question));
      net.advance(3000);
      assert.deepEqual([net.sent, net.stack.localName().dropped], [[], dropped + 2]);
    });

    it("6762-5 6762-13: a resolver of DNS gets its number and question back, 10 s to live, and no highest bit", () => {
      const net = new MdnsLink().settle();
      net.meet();
      net.ask(LAMP, A, { sport: 4000, id: 0x1234 });
      const [s] = net.took();
      assert.deepEqual([s!.dst, s!.dport, s!.id, s!.flags], [PEER, 4000, 0x1234, 0x8400]);
      assert.deepEqual(s!.questions, [{ name: LAMP, type: A, cls: IN }]);
      assert.deepEqual([s!.answers.map(brief), s!.additionals], [[own(10, IN)], []]);
      net.ask(LAMP, AAAA, { sport: 4000 });
      assert.deepEqual(net.took().map((m) => m.answers), [[]], "there is none");
      net.ask(LAMP, A, { sport: 4000, from: ip4("10.0.1.2") });
      net.ask("x.local", A, { sport: 4000 });
      net.advance(3000);
      assert.deepEqual(net.sent, [], "neither who is far away, nor about others");
    });

    it("a flood of questions has a bound: answers to one alone, 50 at once and 100 a second", () => {
      const net = new MdnsLink().settle();
      net.meet();
      for (let i = 0; i < 300; i++) net.ask(LAMP, A, { sport: 4000 });
      assert.equal(net.took().length, 50);
      net.advance(100);
      for (let i = 0; i < 300; i++) net.ask(LAMP, A, { sport: 4000 });
      assert.ok(Math.abs(net.took().length - 10) <= 1);
    });
  });

  describe("RFC 6762 over IPv6", () => {
    it("6762-1: both families tell of all addresses, from link-local ones, at ff02::fb with a hop limit of 255", () => {
      const net = new MdnsLink().six();
      net.start();
      net.advance(3000);
      const all = net.sent.splice(0), four = all.filter((s) => s.dst === GROUP),
        six = all.filter((s) => s.dst !== GROUP);
      assert.equal(four.length, six.length);
      const [linkLocal, global] = net.own6 as [Uint8Array, Uint8Array];
      for (const s of six) {
        assert.deepEqual([hex6(s.dst as Uint8Array), s.dstMac], ["ff02:0:0:0:0:0:0:fb", [0x33, 0x33, 0, 0, 0, 0xfb]]);
        assert.deepEqual([s.src, s.ttl], [linkLocal, 255]);
      }
      for (const s of [four, six]) {
        assert.deepEqual(s[0]!.authorities.map((r) => r.data), [[10, 0, 0, 1], [...linkLocal], [...global]]);
        assert.deepEqual(types(s[3]!.answers), [A, AAAA, AAAA, PTR, PTR, PTR]);
      }
      const nibbles = [...linkLocal].reverse().flatMap((b) => [b & 15, b >> 4]).map((n) => n.toString(16)).join(".");
      assert.ok(six[3]!.answers.some((r) => r.name === `${nibbles}.ip6.arpa`));
    });

    it("RFC 8981 §4: no message leaves from a temporary address, also where there is no link-local one", () => {
      const net = new MdnsLink(), isTemporary = (bytes: Uint8Array): boolean =>
        net.stack.ip6Addresses().some((x) => x.origin === "temporary" && hex6(x.bytes) === hex6(bytes));
      net.stack.ip6TemporaryStart();
      net.six();
      net.settle();
      const gone = (...origins: string[]): void => {
        for (const own of net.stack.ip6Addresses()) if (origins.includes(own.origin)) net.stack.ip6Remove(own.bytes);
        net.advance(3000);
        net.sent = [];
      };
      const ask = (cls: number): Uint8Array[] => {
        net.heard6(message({ questions: [{ name: "lamp.local", type: AAAA, cls }] }), ip6("2001:db8:1::2"));
        net.advance(2000);
        return net.sent.map((x) => x.src).filter((src): src is Uint8Array => typeof src !== "number");
      };
      gone("link-local");
      const from = ask(IN);
      assert.ok(from.length > 0 && !from.some(isTemporary));
      gone("prefix");
      assert.deepEqual(ask(IN | QU).map(hex6), [], "nor from ::");
    });

    it("RFC 8981 §4: temporary addresses have no name: nobody is told of them, nor answered from one", () => {
      const net = new MdnsLink().six();
      net.stack.ip6TemporaryStart();
      net.poll();
      net.advance(3000);
      const known = net.stack.ip6Addresses(), temporary = known.find((x) => x.origin === "temporary" && x.ready)!;
      assert.ok(temporary);
      const sent = (): number[][] => net.sent.splice(0).flatMap((s) =>
        [...s.answers, ...s.authorities, ...s.additionals].filter((r) => r.type === AAAA).map((r) => r.data));
      net.start();
      net.advance(5000);
      const [linkLocal, global] = net.own6 as [Uint8Array, Uint8Array];
      assert.deepEqual(new Set(sent().map(String)), new Set([linkLocal, global].map(String)));
      const asked = message({ questions: [{ name: LAMP, type: AAAA }] });
      net.frame(udp6({ src: Uint8Array.from([...global.slice(0, 8), 0, 0, 0, 0, 0, 0, 0, 9]), dst: ip6("ff02::fb") },
        4000, 5353, asked));
      const one = net.sent.filter((s) => s.dport === 4000);
      assert.deepEqual([one.length, one[0]!.src], [1, global]);
      assert.deepEqual(new Set(sent().map(String)), new Set([linkLocal, global].map(String)));
    });

    it("a question is answered with the addresses of its family, and those of the other beside", () => {
      const net = new MdnsLink().six().settle();
      net.heard6(message({ questions: [{ name: LAMP, type: AAAA }] }));
      for (const s of net.sent) assert.deepEqual([types(s.answers), types(s.additionals)], [[AAAA, AAAA], [A]]);
      assert.equal(net.sent.length, 2);
      net.sent = [];
      net.advance(2000);
      const known = net.own6.map((x) => aaaa(LAMP, x, 100, IN));
      net.heard6(message({ questions: [{ name: LAMP, type: AAAA }], answers: known }));
      net.advance(2000);
      assert.deepEqual(net.sent, []);
      net.heard6(message({ questions: [{ name: LAMP, type: AAAA }], answers: known.slice(1) }));
      assert.deepEqual(net.took(6).map((s) => types(s.answers)), [[AAAA, AAAA]], "all of them or none");
    });

    it("6762-9: the addresses of both families are compared in their order", () => {
      const net = new MdnsLink().six(), first = net.own6[0]!;
      net.start();
      net.advance(300);
      const more = aaaa(LAMP, ip6("ffff::1"), TTL, IN);
      net.heard6(probe(LAMP, aaaa(LAMP, first, TTL, IN), a(LAMP, BELOW, TTL, IN), more));
      assert.equal(net.stack.localName().conflicts, 0);
      net.heard6(probe(LAMP, more, aaaa(LAMP, first, TTL, IN), a(LAMP, STACK, TTL, IN)));
      assert.equal(net.stack.localName().conflicts, 1);
    });

    it("RFC 3810: the switch hears of ff02::fb, also when it is left, and when a router asks", () => {
      const net = new MdnsLink().six();
      const reports = (): number[][] =>
        net.out.splice(0).flatMap((s) => {
          if (s.raw[12] !== 0x86 || s.raw[20] !== 0 || s.raw[62] !== 143) return [];
          const all: number[][] = [];
          for (let at = 70; at < s.raw.length; at += 20)
            if (s.raw[at + 19] === 0xfb) all.push([s.raw[at]!, ...s.raw.slice(at + 4, at + 6)]);
          return all;
        });
      net.out = [];
      net.settle();
      assert.deepEqual(reports()[0], [4, 0xff, 2]);
      net.stack.mdnsStop();
      net.poll();
      net.advance(3000);
      assert.deepEqual(reports()[0], [3, 0xff, 2]);
    });
  });

  describe("RFC 3376, RFC 2236, RFC 1112: the group of IPv4", () => {
    const V3 = ip4("224.0.0.22"), record3 = (type: number): number[] => [type, 0, 0, 0, 224, 0, 0, 251];

    it("is told when it is joined and left, twice, behind a router alert, with a time to live of 1", () => {
      const net = new MdnsLink();
      assert.equal(net.igmp.length, 0);
      net.start();
      assert.equal(net.igmp.length, 1, "at once, before the first probe");
      net.advance(3000);
      assert.equal(net.igmp.length, 2);
      for (const { dst, data, frame } of net.igmp) {
        assert.deepEqual([dst, frame.ip.ttl, frame.ip.tos, frame.ip.sumOk], [V3, 1, 0xc0, true]);
        assert.deepEqual([...frame.raw.slice(34, 38)], [0x94, 4, 0, 0]);
        assert.deepEqual(frame.dstMac, [1, 0, 0x5e, 0, 0, 22]);
        assert.deepEqual([data[0], ...data.slice(4, 16)], [0x22, 0, 0, 0, 1, ...record3(4)]);
        assert.equal([...data].reduce((n, b, i) => n + (i & 1 ? b : b << 8), 0) % 0xffff, 0, "the checksum");
      }
      net.igmp = [];
      net.stack.mdnsStop();
      net.poll();
      net.advance(3000);
      assert.deepEqual(net.igmp.map(({ data }) => [...data.slice(8, 16)]), [record3(3), record3(3)]);
    });

    it("a router that asks gets a report within the time that it gives, of the version that it has", () => {
      for (const [question, type, dst, within] of [
        [[0x11, 20, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0], 0x22, V3, 2000],
        [[0x11, 20, 0, 0, 224, 0, 0, 251], 0x16, GROUP, 2000],
        [[0x11, 0, 0, 0, 0, 0, 0, 0], 0x12, GROUP, 10_000],
      ] as const) {
        const net = new MdnsLink().settle(), { ms } = net;
        net.igmpFrame([...question]);
        net.advance(20_000);
        assert.equal(net.igmp.length, 1);
        const [report] = net.igmp;
        assert.deepEqual([report!.data[0], report!.dst], [type, dst]);
        assert.ok(report!.ms - ms <= within);
        if (type === 0x22) assert.deepEqual([...report!.data.slice(8, 16)], record3(2));
        else assert.deepEqual([...report!.data.slice(4, 8)], [224, 0, 0, 251]);
      }
    });

    it("to an older router a leave goes, and another host's report is enough", () => {
      const net = new MdnsLink().settle();
      net.igmpFrame([0x11, 100, 0, 0, 0, 0, 0, 0]);
      net.igmpFrame([0x16, 0, 0, 0, 224, 0, 0, 251], GROUP, GROUP_MAC);
      net.advance(15_000);
      assert.equal(net.igmp.length, 0);
      net.stack.mdnsStop();
      net.poll();
      net.advance(3000);
      assert.deepEqual([net.igmp[0]!.data[0], net.igmp[0]!.dst], [0x17, ip4("224.0.0.2")]);
      net.advance(270_000);
      net.igmp = [];
      net.settle("lamp");
      net.stack.mdnsStop();
      net.poll();
      net.poll();
      assert.equal(net.igmp[0]!.data[0], 0x22, "260 s later the old router is gone");
    });

    it("questions about other groups, of wrong sizes and sums, are not answered", () => {
      const net = new MdnsLink().settle();
      net.igmpFrame([0x11, 20, 0, 0, 224, 0, 0, 9]);
      net.igmpFrame([0x11, 20, 0, 0, 0, 0, 0, 0, 2, 125]);
      net.igmpFrame([0x11, 20, 0, 0]);
      net.igmpFrame([0x11, 20, 0, 0, 0, 0, 0, 0], ip4("224.0.0.9"), [1, 0, 0x5e, 0, 0, 9]);
      net.advance(20_000);
      assert.equal(net.igmp.length, 0);
    });
  });

  describe("RFC 6762 §3: look-ups of names in .local", () => {
    const code = (ask: () => unknown): unknown => {
      try {
        return ask();
      } catch (e) {
        return (e as { code: string }).code;
      }
    };
    const lookup = (net: MdnsLink, name = "door.local"): unknown => {
      const found = code(() => net.stack.lookup(name));
      net.poll();
      return found;
    };

    it("6762-1: all on the link are asked, and never a server; the answer is told and remembered", () => {
      const net = new MdnsLink();
      net.stack.dnsServers([PEER]);
      assert.equal(lookup(net, "Door.local."), undefined);
      const [q] = net.tookAll();
      assert.deepEqual([q!.id, q!.flags, q!.sport, q!.dport, q!.ttl], [0, 0, PORT, PORT, 255]);
      assert.deepEqual(q!.questions, [{ name: "door.local", type: A, cls: IN | QU }]);
      assert.equal(net.out.some((s) => s.kind === "udp" && s.dport === 53), false);
      net.tell(a("Door.local", OTHER));
      assert.deepEqual([net.told, lookup(net), net.sent], [1, [OTHER], []]);
      net.advance(119_000);
      assert.deepEqual(lookup(net), [OTHER]);
      net.advance(2000);
      assert.equal(lookup(net), undefined);
    });

    it("§5.2, §5.4: again after a second, and after two more, for all to hear; then there is none", () => {
      const net = new MdnsLink();
      lookup(net);
      net.advance(3900);
      assert.equal(lookup(net), undefined);
      const asked = net.tookAll();
      assert.deepEqual(asked.map((s) => Math.round(s.ms)), [0, 1000, 3000]);
      assert.deepEqual(asked.map((s) => s.questions[0]!.cls), [IN | QU, IN, IN]);
      net.advance(200);
      assert.equal(lookup(net), "NOT_FOUND");
    });

    it("6762-14: an answer to us alone counts if it comes from the link", () => {
      const net = new MdnsLink({ gateway: "10.0.0.2" });
      const answer = message({ flags: 0x8400, answers: [a("door.local", OTHER)] });
      lookup(net);
      net.frame(udp({ src: ip4("10.0.1.2"), dst: STACK }, PORT, PORT, answer));
      net.frame(udp({ src: PEER, dst: STACK }, 4000, PORT, answer));
      net.frame(udp({ src: PEER, dst: STACK }, 53, PORT, answer));
      assert.equal(lookup(net), undefined);
      net.frame(udp({ src: PEER, dst: STACK }, PORT, PORT, answer));
      assert.deepEqual(lookup(net), [OTHER]);
    });

    it("6762-16: numbers do not count; other opcodes, errors and classes are ignored", () => {
      const net = new MdnsLink(), answers = [a("door.local", OTHER)];
      lookup(net);
      for (const flags of [0x8403, 0x8c00, 0x0400]) net.heard(message({ flags, answers }));
      net.tell(a("door.local", OTHER, TTL, 3));
      assert.equal(lookup(net), undefined);
      net.heard(message({ id: 99, flags: 0x8400, answers }));
      assert.deepEqual(lookup(net), [OTHER]);
    });

    it("§6.1: who says that there is no such address is believed", () => {
      const net = new MdnsLink();
      assert.equal(code(() => net.stack.lookup6("door.local")), undefined);
      net.poll();
      const only4 = record(labels("door.local"), NSEC, 120, [...labels("door.local"), 0, 1, 0x40], IN | FLUSH);
      net.heard(message({ flags: 0x8400, answers: [a("door.local", OTHER)], additionals: [only4] }));
      assert.equal(code(() => net.stack.lookup6("door.local")), "NO_IPV6");
    });

    it("§10.1, §10.2: what is made known later takes the place of what was known; what is taken back is forgotten",
      () => {
        const net = new MdnsLink().settle();
        lookup(net);
        net.tell(a("door.local", OTHER));
        net.tell(a("door.local", ABOVE));
        assert.deepEqual(lookup(net), [ABOVE]);
        net.tell(a("door.local", ABOVE, 0));
        assert.deepEqual(lookup(net), [ABOVE], "another one may say that it is right");
        net.advance(1100);
        assert.equal(lookup(net), undefined);
      });

    it("over IPv6, too; without any address there is no way; the group is left afterwards", () => {
      const net = new MdnsLink().six();
      assert.equal(code(() => net.stack.lookup6("door.local")), undefined);
      net.poll();
      assert.deepEqual(net.took(6).map((s) => s.questions[0]!.type), [AAAA]);
      net.heard6(message({ flags: 0x8400, answers: [aaaa("door.local", ip6("fe80::9"))] }));
      assert.deepEqual((code(() => net.stack.lookup6("door.local")) as Uint8Array[]).map(hex6), ["fe80:0:0:0:0:0:0:9"]);
      net.advance(3000);
      assert.deepEqual(net.igmp.map(({ data }) => data[8]).slice(-1), [3]);
      const bare = new MdnsLink();
      bare.stack.setAddress(0);
      bare.poll();
      assert.equal(lookup(bare), "UNREACHABLE");
    });
  });

  describe("mdns_start and its like", () => {
    it("labels of 1 to 63 letters, digits and hyphens; one at a time; not below an MTU of 576", () => {
      const net = new MdnsLink();
      const code = (name: string): string => {
        try {
          net.stack.mdnsStart(name);
          return "OK";
        } catch (e) {
          return (e as { code: string }).code;
        }
      };
      for (const bad of ["", "-a", "a-", "a.b", "a_b", "ä", "a b", "a\0", "a".repeat(64), "lamp.local"])
        assert.equal(code(bad), "ARGUMENT", JSON.stringify(bad));
      assert.equal(net.stack.localName().name, "");
      assert.deepEqual([code("A-1"), code("b")], ["OK", "STATE"]);
      assert.deepEqual([net.stack.localName().name, net.stack.localName().state], ["a-1.local", "WAITING"]);
      const { exports } = net.stack;
      assert.deepEqual(
        [exports.mdns_start(0, 1), exports.mdns_info(0), exports.mdns_name(0, 1)], [-2, -2, -2],
      );
    });

    it("without it nobody is answered, and no group joined", () => {
      const net = new MdnsLink();
      net.ask(LAMP, A);
      net.igmpFrame([0x11, 20, 0, 0, 0, 0, 0, 0]);
      net.advance(20_000);
      assert.deepEqual([net.sent, net.igmp, net.out], [[], [], []]);
    });

    it("what is not of mDNS does not come by its group: neither UDP to other ports, nor TCP, nor echo requests", () => {
      const net = new MdnsLink().settle();
      const handle = net.stack.udpOpen(7);
      net.out = [];
      net.frame(udp({ src: PEER, dst: GROUP, dstMac: GROUP_MAC }, 9, 7, Uint8Array.from(be(4, 1))));
      assert.equal(net.stack.exports.udp_recv(handle, net.stack.exports.configBlock(), 4, 0), ERR.AGAIN);
      net.advance(1000);
      assert.deepEqual(net.out.filter((s) => s.kind !== "arp"), []);
    });
  });

  describe("a socket on the port of mDNS", () => {
    const at = (net: MdnsLink): number => net.stack.exports.configBlock();
    const take = (net: MdnsLink, handle: number): number => net.stack.exports.udp_recv(handle, at(net), 200, 0);
    const put = (net: MdnsLink, bytes: Uint8Array, to: number): void =>
      new Uint8Array(net.stack.memory.buffer).set(bytes, to);
    const question = message({ questions: [{ name: "_http._tcp.local", type: PTR }] });

    it("is in the groups while it is open, hears what all do, and sends there alone, with its time to live", () => {
      const net = new MdnsLink().six(), { exports } = net.stack, handle = net.stack.udpOpen(PORT);
      net.heard(question);
      net.advance(2000);
      assert.equal(net.igmp[0]?.data[8], 4, "the group is joined");
      net.heard(question);
      assert.equal(take(net, handle), question.length);
      net.heard6(question);
      assert.equal(take(net, handle), question.length);
      assert.equal(take(net, handle), ERR.AGAIN);
      net.stack.udpTtl(handle, 255);
      put(net, question, at(net));
      const send = (to: number, port = PORT, from = handle): number =>
        exports.udp_send(from, to, port, at(net), question.length);
      const six = (text: string): number => {
        put(net, ip6(text), at(net) + 256);
        return exports.ip6_name(at(net) + 256);
      };
      net.sent = [];
      assert.deepEqual([send(GROUP), send(six("ff02::fb"))], [0, 0]);
      net.poll();
      const [four, over6] = [...net.sent];
      assert.deepEqual([four!.dst, four!.dstMac, four!.src], [GROUP, GROUP_MAC, STACK]);
      assert.deepEqual([four!.sport, four!.ttl], [PORT, 255]);
      assert.deepEqual([hex6(over6!.dst as Uint8Array), over6!.ttl], [hex6(ip6("ff02::fb")), 255]);
      assert.equal(hex6(over6!.src as Uint8Array), hex6(net.own6[0]!), "from the link-local address");
      const other = net.stack.udpOpen(9), wrong = [send(ip4("224.0.0.252")), send(GROUP, 9), send(GROUP, PORT, other),
        send(six("ff02::1")), send(six("ff02::fb"), 9), send(ip4("224.0.0.1"))];
      assert.deepEqual(wrong, wrong.map(() => ERR.ARGUMENT));
      net.igmp = [];
      net.stack.udpClose(handle);
      net.advance(2000);
      assert.equal(net.igmp[0]?.data[8], 3, "the group is left");
      net.heard(question);
      assert.deepEqual(net.out.filter((s) => s.kind === "icmp"), [], "nobody is told that nobody is there");
    });

    it("hears what is about the own name as well, which is answered as before; a name that goes leaves it", () => {
      const net = new MdnsLink().settle(), handle = net.stack.udpOpen(PORT);
      net.poll();
      net.ask(LAMP, A);
      assert.deepEqual(net.took().map((s) => s.answers.map((r) => r.name)), [[LAMP]]);
      assert.ok(take(net, handle) > 0);
      net.heard(Uint8Array.from([1, 2, 3]));
      assert.equal(take(net, handle), ERR.AGAIN, "what is no message is nobody's");
      net.stack.mdnsStop();
      net.advance(1000);
      net.heard(question);
      assert.equal(take(net, handle), question.length);
      // One with a peer of its own hears nothing of others, and they hear nothing of that.
      net.stack.udpConnect(handle, ip4("10.0.0.77"), PORT);
      net.heard(question);
      net.poll();
      assert.deepEqual([take(net, handle), net.out.filter((s) => s.kind === "icmp")], [ERR.AGAIN, []]);
    });
  });
}
