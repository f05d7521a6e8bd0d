/** DNS: questions, answers, the cache, and what a hostile server, or somebody who plays one, may say. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SMALL } from "../harness/bench.js";
import { arp, be, icmp, ip4, MAC_PEER, MAC_STACK, udp, type Seen } from "../harness/codec.js";
import {
  A, CNAME, labels, QNAME, readQuery, record, response, soa, type Query, type Response,
} from "../harness/dns.js";
import { entropyOf } from "../harness/entropy.js";
import { Polled } from "../harness/polled.js";

const STACK = ip4("10.0.0.1"), SERVER = ip4("10.0.0.2"), SECOND = ip4("10.0.0.3"), HOST = ip4("93.184.216.34");

type Asked = Query & { port: number; server: number; frame: Seen };

class Net extends Polled {
  constructor(servers = [SERVER], seed = 1) {
    super(
      Polled.stack({
        ip: "10.0.0.1/24", entropy: entropyOf(seed), connsMax: 4, halfOpenMax: 4, timeWaitMax: 4,
        policy: { announce: false },
      }),
    );
    this.stack.dnsServers(servers);
    this.poll();
    for (const ip of [SERVER, SECOND])
      this.frame(arp(1, { mac: MAC_PEER, ip }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
    this.out = [];
  }

  /** What a look-up gives: addresses, nothing yet, or the name of an error. */
  lookup(name: string): number[] | undefined | string {
    try {
      return this.stack.lookup(name);
    } catch (e) {
      return (e as { code: string }).code;
    } finally {
      this.poll();
    }
  }

  asked(): Asked {
    const i = this.out.findIndex((s) => s.kind === "udp" && s.dport === 53);
    assert.ok(i >= 0, "a question was expected");
    const [frame] = this.out.splice(0, i + 1).slice(-1);
    assert.ok(frame!.sumOk);
    return { ...readQuery(frame!.data), port: frame!.sport, server: frame!.ip.dst, frame: frame! };
  }

  questions(): number {
    return this.out.filter((s) => s.kind === "udp" && s.dport === 53).length;
  }

  answer(q: Asked, r: Response, from = q.server, sport = 53, dport = q.port): void {
    this.frame(udp({ src: from, dst: STACK }, sport, dport, response(q, r)));
  }

  /** Asks, and gives this answer. */
  ask(name: string, r: Response): number[] | undefined | string {
    assert.equal(this.lookup(name), undefined);
    this.answer(this.asked(), r);
    return this.lookup(name);
  }
}

const address = (ttl = 60, ip = HOST, owner = QNAME): number[] => record(owner, A, ttl, be(4, ip));

if (!SMALL) {
  describe("RFC 1035 §4: a question and its answer", () => {
    it("1035-3 1035-5: one question for an address, recursion desired, nothing else; "
        + "the answer is told and given", () => {
      const net = new Net();
      assert.equal(net.lookup("Example.TEST."), undefined);
      const q = net.asked();
      assert.deepEqual(
        [q.flags, q.counts, q.name.toLowerCase(), q.type, q.cls, q.server],
        [0x0100, [1, 0, 0, 0], "example.test", 1, 1, SERVER],
      );
      net.answer(q, { answers: [address(), address(60, HOST + 1)] });
      assert.equal(net.told, 1);
      assert.deepEqual(net.lookup("example.test"), [HOST, HOST + 1]);
      assert.equal(net.questions(), 0);
    });

    it("1035-2: names compare without regard to case", () => {
      const net = new Net();
      assert.deepEqual(net.ask("a.test", { answers: [address(60, HOST, labels("A.tEsT"))] }), [HOST]);
      assert.deepEqual(net.lookup("A.TEST"), [HOST]);
    });

    it("1035-1: labels of 63 bytes and names of 255 at most, of letters, digits, hyphens and underscores", () => {
      const net = new Net(), long = "a".repeat(63);
      for (const name of [
        "", ".", "a..b", ".a", "a b", "ä.test", "a\0b", `${"a".repeat(64)}.test`,
        `${long}.${long}.${long}.${"b".repeat(62)}`,
      ])
        assert.equal(net.lookup(name), "ARGUMENT", JSON.stringify(name));
      assert.equal(net.lookup(`${long}.${long}.${long}.${"b".repeat(61)}`), undefined);
      assert.equal(net.asked().name.length, 253);
      assert.deepEqual(net.ask("_a-1.test", { answers: [address()] }), [HOST]);
    });

    it("follows aliases in any order, and ignores what is about others", () => {
      const net = new Net(), b = labels("b.test"), c = labels("c.test");
      assert.deepEqual(
        net.ask("a.test", {
          answers: [
            address(60, HOST, c), record(b, CNAME, 60, c), address(60, HOST + 9, labels("x.test")),
            record(QNAME, CNAME, 60, b),
          ],
        }),
        [HOST],
      );
    });

    it("1035-9: remembers for the shortest time to live on the way; 0 not at all, "
        + "and above 2^31 − 1 not at all either", () => {
      const net = new Net(), b = labels("b.test");
      net.ask("a.test", { answers: [record(QNAME, CNAME, 20, b), address(60, HOST, b)] });
      net.advance(19_000);
      assert.deepEqual(net.lookup("a.test"), [HOST]);
      net.advance(1100);
      assert.equal(net.lookup("a.test"), undefined);
      for (const [name, ttl] of [["zero.test", 0], ["huge.test", 0x80000000]] as const) {
        const fresh = new Net();
        assert.deepEqual(fresh.ask(name, { answers: [address(ttl)] }), [HOST]);
        assert.equal(fresh.lookup(name), undefined);
      }
    });

    it("1035-7: each of two servers is asked three times, with more patience each time; "
        + "then there is one clear error, for a while", () => {
      const net = new Net([SERVER, SECOND]), start = net.nowUs, seen: [number, number][] = [];
      assert.equal(net.lookup("a.test"), undefined);
      for (let ms = 0; ms < 20_000; ms += 100) {
        for (; net.questions() > 0;) seen.push([net.asked().server, Math.round((net.nowUs - start) / 1e6)]);
        net.advance(100);
      }
      assert.deepEqual(seen, [[SERVER, 0], [SECOND, 1], [SERVER, 2], [SECOND, 4], [SERVER, 6], [SECOND, 10]]);
      assert.equal(net.told, 1);
      assert.equal(net.lookup("a.test"), undefined, "5 s are over");
      const other = new Net();
      other.lookup("a.test");
      other.advance(7500);
      assert.equal(other.lookup("a.test"), "NO_ANSWER");
    });

    it("SERVFAIL, REFUSED and an ICMP error: the next server is asked at once", () => {
      for (const [bad, error] of [[{ flags: 0x8182 }, "NO_ANSWER"], [{ flags: 0x8185 }, "NO_ANSWER"]] as const) {
        const net = new Net([SERVER, SECOND]);
        net.lookup("a.test");
        net.answer(net.asked(), bad);
        const q = net.asked();
        assert.equal(q.server, SECOND);
        net.answer(q, { answers: [address()] });
        assert.deepEqual(net.lookup("a.test"), [HOST]);
        net.lookup("b.test");
        for (let i = 0; i < 6; i++) net.answer(net.asked(), bad);
        assert.equal(net.lookup("b.test"), error);
      }
      const net = new Net([SERVER, SECOND]);
      net.lookup("a.test");
      const q = net.asked();
      net.frame(icmp({ src: SERVER, dst: STACK }, 3, 3, 0, q.frame.raw.slice(14, 42)));
      assert.equal(net.asked().server, SECOND);
    });

    it("misuse, and no server at all, have names; a full table, too", () => {
      const net = new Net([]);
      assert.equal(net.lookup("a.test"), "UNREACHABLE");
      assert.throws(() => net.stack.dnsServers([0, SERVER]), { code: "ARGUMENT" });
      assert.throws(() => net.stack.dnsServers([ip4("224.0.0.251")]), { code: "ARGUMENT" });
      net.stack.dnsServers([SERVER]);
      for (let i = 0; i < 16; i++) assert.equal(net.lookup(`n${i}.test`), undefined);
      assert.equal(net.lookup("n16.test"), "FULL");
      assert.equal(net.lookup("n3.test"), undefined);
      for (let i = 0; i < 16; i++) net.answer(net.asked(), { answers: [address(60 + i)] });
      // The one that may be believed for the shortest time makes room.
      assert.equal(net.lookup("n16.test"), undefined);
      assert.deepEqual(net.lookup("n5.test"), [HOST]);
      assert.equal(net.stack.resolver().asking, 1);
    });

    it("questions to a server whose MAC address is not known yet wait for it, all of them, "
        + "and are lost if there is none", () => {
      for (const answers of [true, false]) {
        const net = new Net(), server = ip4("10.0.0.9");
        net.stack.dnsServers([server]);
        for (let i = 0; i < 16; i++) net.lookup(`n${i}.test`);
        assert.equal(net.questions(), 0);
        if (answers) {
          net.frame(arp(2, { mac: MAC_PEER, ip: server }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
          assert.equal(net.questions(), 16);
          net.advance(900);
          assert.equal(net.questions(), 16);
        } else {
          net.advance(7100);
          assert.equal(net.lookup("n3.test"), "NO_ANSWER");
          assert.equal(net.questions(), 0);
        }
      }
    });

    it("an answer that nobody has taken yet makes room last, and is asked for once", () => {
      const net = new Net();
      for (let i = 0; i < 15; i++) net.ask(`n${i}.test`, { answers: [address(3600)] });
      assert.equal(net.lookup("zero.test"), undefined);
      net.answer(net.asked(), { answers: [address(0)] });
      for (let i = 15; i < 30; i++) net.ask(`n${i}.test`, { answers: [address(3600)] });
      assert.deepEqual(net.lookup("zero.test"), [HOST]);
      assert.equal(net.lookup("zero.test"), undefined);
    });

    it("another address forgets what the network before it knew, and asks anew", () => {
      const net = new Net();
      net.ask("a.test", { answers: [address()] });
      net.lookup("b.test");
      net.asked();
      net.stack.setAddress(STACK + 4, 24);
      net.poll();
      net.frame(arp(1, { mac: MAC_PEER, ip: SERVER }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK + 4 }));
      assert.equal(net.lookup("a.test"), undefined);
      net.advance(1);
      assert.equal(net.asked().frame.ip.src, STACK + 4);
    });
  });

  describe("RFC 1035 §7.2: a question has an end", () => {
    it("in a network that changes again and again, too", () => {
      const net = new Net();
      assert.equal(net.lookup("a.test"), undefined);
      let said: unknown;
      for (let i = 0; i < 100 && said === undefined; i++) {
        net.advance(500);
        net.stack.setAddress(STACK, 24, SERVER + (i & 1));
        said = net.lookup("a.test");
      }
      assert.equal(said, "NO_ANSWER");
    });
  });

  describe("RFC 2308: what there is not", () => {
    it("2308-1 2308-2 2308-3: NXDOMAIN and an answer without address are remembered for the lesser of the SOA "
        + "record's time to live and minimum", () => {
      for (const [flags, error] of [[0x8183, "NOT_FOUND"], [0x8180, "NO_IPV4"]] as const) {
        const net = new Net();
        assert.equal(net.ask("a.test", { flags, authorities: [soa(100, 30)] }), error);
        net.advance(29_000);
        assert.equal(net.lookup("a.test"), error);
        assert.equal(net.questions(), 0);
        net.advance(1100);
        assert.equal(net.lookup("a.test"), undefined);
      }
    });

    it("a name that has addresses of another kind only has no IPv4 address", () => {
      const six = record(QNAME, 28, 60, [0x20, 1, 0xd, 0xb8, ...Array.from({ length: 12 }, () => 0)]);
      assert.equal(new Net().ask("a.test", { answers: [six] }), "NO_IPV4");
      assert.equal(
        new Net().ask("a.test", { answers: [record(QNAME, CNAME, 60, labels("b.test"))], authorities: [soa(60, 60)] }),
        "NO_IPV4",
      );
    });

    it("2308-3: without a SOA record it is told once, and not remembered", () => {
      const net = new Net();
      assert.equal(net.ask("a.test", { flags: 0x8183 }), "NOT_FOUND");
      assert.equal(net.lookup("a.test"), undefined);
    });

    it("2308-1: an alias before NXDOMAIN is followed first", () => {
      assert.equal(
        new Net().ask("a.test", {
          flags: 0x8183, answers: [record(QNAME, CNAME, 60, labels("b.test"))], authorities: [soa(100, 30)],
        }),
        "NOT_FOUND",
      );
      assert.deepEqual(
        new Net().ask("a.test", {
          flags: 0x8183, answers: [record(QNAME, CNAME, 60, labels("b.test")), address(60, HOST, labels("b.test"))],
        }),
        [HOST],
      );
    });

    it("2308-4: that no server does well is forgotten after 5 s", () => {
      const net = new Net();
      net.lookup("a.test");
      for (let i = 0; i < 3; i++) net.answer(net.asked(), { flags: 0x8182 });
      assert.equal(net.lookup("a.test"), "NO_ANSWER");
      net.advance(5100);
      assert.equal(net.lookup("a.test"), undefined);
    });
  });

  describe("RFC 5452: answers that nobody asked for", () => {
    it("5452-1 5452-3: number, port and the size of letters are other ones each time", () => {
      const ids = new Set<number>(), ports = new Set<number>(), cases = new Set<string>(), net = new Net();
      for (let i = 0; i < 60; i++) {
        net.lookup("abcdefghijklmnop.test");
        const q = net.asked();
        ids.add(q.id);
        ports.add(q.port);
        cases.add(q.name);
        assert.ok(q.port >= 1024);
        net.answer(q, { answers: [address(0)] });
        assert.deepEqual(net.lookup("abcdefghijklmnop.test"), [HOST]);
      }
      assert.ok(ids.size > 57 && ports.size > 57 && cases.size > 57);
      assert.ok(Math.max(...ports) - Math.min(...ports) > 50_000 && Math.max(...ids) - Math.min(...ids) > 50_000);
    });

    it("5452-3: one question for a name is out at a time, however often it is looked up", () => {
      const net = new Net();
      for (let i = 0; i < 10; i++) net.lookup("a.test");
      assert.equal(net.questions(), 1);
    });

    it("1035-8 5452-2: another number, name, letter, type, class, opcode, or no response: dropped, counted, "
        + "and the right one is still taken", () => {
      const wrong: Record<string, (q: Asked) => Response> = {
        number: (q) => ({ id: q.id ^ 1 }),
        "no response": () => ({ flags: 0x0100 }),
        opcode: () => ({ flags: 0x8980 }),
        "two questions": () => ({ counts: [2, 1, 0, 0] }),
        "no question": () => ({ counts: [0, 1, 0, 0], question: [] }),
        name: (q) => ({ question: q.question.map((b, i) => (i === 1 ? b ^ 1 : b)) }),
        letter: (q) => ({ question: q.question.map((b, i) => (i === 1 ? b ^ 32 : b)) }),
        type: (q) => ({ question: [...q.question.slice(0, -4), 0, 28, 0, 1] }),
        class: (q) => ({ question: [...q.question.slice(0, -4), 0, 1, 0, 3] }),
      };
      for (const [what, make] of Object.entries(wrong)) {
        const net = new Net();
        net.lookup("abc.test");
        const q = net.asked();
        net.answer(q, { answers: [address(60, HOST + 5)], ...make(q) });
        assert.equal(net.lookup("abc.test"), undefined, what);
        assert.equal(net.stack.resolver().dropped, 1, what);
        net.answer(q, { answers: [address()] });
        assert.deepEqual(net.lookup("abc.test"), [HOST], what);
      }
    });

    it("5452-2: from another host or port it is answered like a datagram to nobody, and changes nothing; "
        + "so nobody can find the port", () => {
      const net = new Net();
      net.lookup("a.test");
      const q = net.asked();
      for (const [from, sport, dport] of [
        [SECOND, 53, q.port], [SERVER, 54, q.port], [SECOND, 53, q.port ^ 1],
      ] as const) {
        net.answer(q, { answers: [address(60, HOST + 5)] }, from, sport, dport);
        assert.deepEqual(net.out.splice(0).map((s) => [s.kind, s.type, s.code]), [["icmp", 3, 3]]);
      }
      assert.equal(net.lookup("a.test"), undefined);
      assert.deepEqual([net.stack.resolver().taken, net.stack.resolver().dropped], [0, 0]);
    });

    it("5452-4: after 16 that do not fit the question is asked anew, from another port", () => {
      const net = new Net();
      net.lookup("a.test");
      const q = net.asked();
      for (let i = 1; i <= 16; i++) net.answer(q, { id: (q.id + i) & 0xffff });
      const again = net.asked();
      assert.notEqual(again.port, q.port);
      net.answer(q, { answers: [address(60, HOST + 5)] });
      assert.equal(net.lookup("a.test"), undefined);
    });

    it("5452-5: records about other names are neither taken nor remembered", () => {
      const net = new Net();
      assert.equal(
        net.ask("a.test", { answers: [address(60, HOST, labels("bank.test"))], authorities: [soa(60, 60)] }), "NO_IPV4",
      );
      assert.equal(net.lookup("bank.test"), undefined);
    });
  });

  describe("answers that cannot be", () => {
    it("1035-4 1035-7: loops of pointers, pointers forward, names without end, aliases without end, "
        + "lengths beyond the message: dropped, counted, and the next server is asked", () => {
      const many = (n: number): number[][] =>
        Array.from({ length: n }, (_, i) => record(labels(`n${i}.test`), CNAME, 60, labels(`n${i + 1}.test`)));
      // Behind a question for a.test the first record begins at 24.
      const bad: Record<string, Response> = {
        "a pointer to itself": { answers: [address(60, HOST, [0xc0, 24])] },
        "two pointers in a circle": { answers: [address(60, HOST, [1, 97, 0xc0, 24])] },
        "a pointer forward": { answers: [address(60, HOST, [0xc0, 200])] },
        "half a pointer": { answers: [[0xc0]] },
        "a label of 64": { answers: [address(60, HOST, [64, ...Array.from({ length: 64 }, () => 97), 0])] },
        "a name that does not end": { answers: [[3, 97, 97]] },
        "a name of 256 bytes": {
          answers: [
            record(QNAME, CNAME, 60, [
              ...Array.from({ length: 4 }, () => [63, ...Array.from({ length: 63 }, () => 97)]).flat(), 0,
            ]),
          ],
        },
        "an alias in a circle": { answers: [record(QNAME, CNAME, 60, QNAME)] },
        "two aliases in a circle": {
          answers: [record(QNAME, CNAME, 60, labels("b.test")), record(labels("b.test"), CNAME, 60, labels("a.test"))],
        },
        "more aliases than are followed": { answers: [record(QNAME, CNAME, 60, labels("n0.test")), ...many(9)] },
        "fewer records than it says": { counts: [1, 3, 0, 0], answers: [record(labels("b.test"), A, 60, be(4, 1))] },
        "65,535 records": { counts: [1, 65535, 0, 0], answers: [address()] },
        "a length beyond the message": { answers: [record(QNAME, A, 60, be(4, HOST), 1, 200)] },
        "an address of 3 bytes": { answers: [record(QNAME, A, 60, [1, 2, 3])] },
        "an alias that points nowhere": { answers: [record(QNAME, CNAME, 60, [0xff, 0xff])] },
        "an empty alias": { answers: [record(QNAME, CNAME, 60, [])] },
      };
      for (const [what, r] of Object.entries(bad)) {
        const net = new Net([SERVER, SECOND]);
        net.lookup("a.test");
        net.answer(net.asked(), r);
        // What is not about the name may be ignored, as long as nothing is taken from it.
        if (net.questions() === 0) assert.notDeepEqual(net.lookup("a.test"), [HOST], what);
        else assert.deepEqual([net.asked().server, net.stack.resolver().dropped], [SECOND, 1], what);
      }
    });

    it("1035-4: a name behind more pointers than it can have labels is none: no answer makes much work", () => {
      // Behind the question for a.test a record begins at 24, and its data, pointers that lead to each other, at 36.
      const chain = (pointers: number): number[] =>
        Array.from({ length: pointers }, (_, i) => [0xc0 | ((36 + 2 * i) >> 8), (36 + 2 * i) & 255]).flat();
      for (const [pointers, found] of [[120, HOST], [127, undefined], [600, undefined]] as const) {
        const net = new Net(), data = [...QNAME, ...chain(pointers)], last = 34 + data.length;
        net.lookup("a.test");
        net.answer(net.asked(), {
          answers: [record(QNAME, 16, 60, data), address(60, HOST, [0xc0 | (last >> 8), last & 255])],
        });
        const got = net.lookup("a.test");
        assert.deepEqual(Array.isArray(got) ? got[0] : undefined, found, `${pointers} pointers`);
      }
    });

    it("every cut of an answer is dropped or harmless", () => {
      const b = labels("b.test");
      for (let size = 0; size < 120; size++) {
        const net = new Net([SERVER, SECOND]);
        net.lookup("a.test");
        const q = net.asked();
        const whole = response(q, {
          answers: [record(QNAME, CNAME, 60, b), address(60, HOST, b)], authorities: [soa(60, 60)],
        });
        if (size >= whole.length) break;
        net.frame(udp({ src: SERVER, dst: STACK }, 53, q.port, whole.slice(0, size)));
        const got = net.lookup("a.test");
        assert.ok(got === undefined || (Array.isArray(got) && got[0] === HOST), `${size}: ${String(got)}`);
      }
    });

    it("addresses that are nobody's are left out", () => {
      assert.deepEqual(
        new Net().ask("a.test", {
          answers: [address(60, 0), address(60, 0xffffffff), address(60, ip4("224.0.0.1")), address()],
        }),
        [HOST],
      );
    });

    it("random changes of a good answer never trap", () => {
      const net = new Net([SERVER, SECOND], 7);
      let x = 12345;
      const random = (n: number): number => ((x = (Math.imul(x, 1103515245) + 12345) >>> 0) >>> 8) % n;
      for (let i = 0; i < 3000; i++) {
        net.lookup(`n${i % 20}.test`);
        while (net.questions() > 0) {
          const q = net.asked(), b = labels("b.test");
          const whole = response(q, {
            answers: [
              record(QNAME, CNAME, random(60), b),
              address(random(3), HOST, [1, 98, 0xc0, 12 + q.name.indexOf(".") + 1]),
            ],
            authorities: [soa(3, 3)],
          });
          for (let n = random(4); n > 0; n--)
            whole[q.question.length + 12 + random(whole.length - q.question.length - 12)] = random(256);
          net.frame(udp(
            { src: q.server, dst: STACK }, 53, q.port,
            whole.slice(0, random(8) === 0 ? random(whole.length) : whole.length),
          ));
        }
        net.advance(random(900));
        net.frame(arp(1, { mac: MAC_PEER, ip: i & 1 ? SERVER : SECOND }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
      }
      assert.ok(
        net.stack.resolver().taken > 500 && net.stack.resolver().dropped > 100, JSON.stringify(net.stack.resolver()),
      );
    });
  });
}
