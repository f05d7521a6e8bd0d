/** IPv6 addresses of names (RFC 3596), and DNS servers that are reached over IPv6 or told by routers (RFC 8106). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { SMALL } from "../harness/bench.js";
import { arp, be, ip4, MAC_PEER, udp } from "../harness/codec.js";
import {
  advertisement, hex6, ip6, nd, routerAdvertisement, see6, solicitation, udp6, type Seen6,
} from "../harness/codec6.js";
import {
  A, AAAA, CNAME, labels, QNAME, readQuery, record, response, soa, type Query, type Response,
} from "../harness/dns.js";
import { entropyOf } from "../harness/entropy.js";
import { Polled } from "../harness/polled.js";

const STACK = ip4("10.0.0.1"), SERVER = ip4("10.0.0.2"), HOST4 = ip4("93.184.216.34");
const ROUTER = ip6("fe80::1"), PREFIX = ip6("2001:db8:1::"), HOST = ip6("2001:db8:9::80");
const NEAR = ip6("2001:db8:1::53"), SECOND = ip6("2001:db8:1::54"), THIRD = ip6("2001:db8:1::55");

type Asked6 = Query & { port: number; server: Uint8Array; from: Uint8Array; frame: Seen6 };
type Found = string[] | undefined | string;

class Net6 extends Polled {
  constructor(servers: (number | Uint8Array)[] = []) {
    super(
      Polled.stack({
        ip: "10.0.0.1/24", entropy: entropyOf(1), connsMax: 4, halfOpenMax: 4, timeWaitMax: 4,
        policy: { announce: false },
      }),
    );
    this.poll();
    this.stack.ip6Start(new Uint8Array(16).fill(7));
    this.poll();
    this.router(nd.prefix(PREFIX));
    this.advance(2500);
    this.frame(arp(1, { mac: MAC_PEER, ip: SERVER }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
    this.stack.dnsServers(servers);
    this.poll();
    this.out = [];
  }

  get global(): Uint8Array {
    return this.stack.ip6Addresses().find((a) => a.origin === "prefix")!.bytes;
  }

  /** The router says something, beside who it is. */
  router(...options: number[][]): void {
    this.frame(routerAdvertisement(ROUTER, [...nd.source(MAC_PEER), ...options.flat()]));
  }

  #code(ask: () => string[] | undefined): Found {
    try {
      return ask();
    } catch (e) {
      return (e as { code: string }).code;
    } finally {
      this.poll();
    }
  }

  lookup6(name = "a.test"): Found {
    return this.#code(() => this.stack.lookup6(name)?.map(hex6));
  }

  lookup4(name = "a.test"): Found {
    return this.#code(() => this.stack.lookup(name)?.map(String));
  }

  /** The servers that the resolver knows, as texts. */
  servers(): string[] {
    const { server0, server1, server2 } = this.stack.resolver();
    return [server0, server1, server2]
      .filter((s) => s !== 0)
      .map((s) => ((bytes) => (bytes ? hex6(bytes) : String(s)))(this.stack.ip6Bytes(s)));
  }

  /** The last question that went over IPv6; neighbours that are asked for answer. */
  asked6(): Asked6 {
    for (const s of this.out.splice(0)) {
      const seen = see6(s.raw);
      if (seen?.type === 135 && seen.next === 58) {
        const target = seen.data.slice(0, 16);
        this.frame(advertisement(target, seen.src, target, 3));
      } else if (seen?.next === 17) {
        const p = new DataView(seen.payload.buffer);
        assert.deepEqual([seen.sumOk, p.getUint16(2)], [true, 53]);
        return {
          ...readQuery(seen.payload.slice(8)), port: p.getUint16(0), server: seen.dst, from: seen.src, frame: seen,
        };
      }
    }
    if (this.out.length === 0) assert.fail("a question over IPv6 was expected");
    return this.asked6();
  }

  asked4(): Query & { port: number } {
    const i = this.out.findIndex((s) => s.kind === "udp" && s.dport === 53);
    assert.ok(i >= 0, "a question over IPv4 was expected");
    const [frame] = this.out.splice(0, i + 1).slice(-1);
    return { ...readQuery(frame!.data), port: frame!.sport };
  }

  answer4(q: Query & { port: number }, r: Response): void {
    this.frame(udp({ src: SERVER, dst: STACK }, 53, q.port, response(q, r)));
  }

  answer6(q: Asked6, r: Response, from = q.server): void {
    this.frame(udp6({ src: from, dst: q.from }, 53, q.port, response(q, r)));
  }
}

const aaaa = (address: Uint8Array, ttl = 60, owner = QNAME): number[] => record(owner, AAAA, ttl, [...address]);

/** What a stack finds when its IPv4 server answers this. */
function told(r: Response): Found {
  const net = new Net6([SERVER]);
  assert.equal(net.lookup6(), undefined);
  net.answer4(net.asked4(), r);
  return net.lookup6();
}

if (!SMALL) {
  describe("RFC 3596: IPv6 addresses of names", () => {
    it("3596-1 the question has type AAAA, and four addresses are kept, as they stand in the answer", () => {
      const net = new Net6([SERVER]), all = [1, 2, 3, 4, 5].map((n) => ip6(`2001:db8::${n}`));
      assert.equal(net.lookup6(), undefined);
      const q = net.asked4();
      assert.deepEqual([q.type, q.cls, q.name.toLowerCase()], [AAAA, 1, "a.test"]);
      net.answer4(q, { answers: all.map((a) => aaaa(a)) });
      assert.deepEqual(net.lookup6(), all.slice(0, 4).map(hex6));
      assert.equal(net.out.length, 0, "it is remembered");
    });

    it("3596-2 both families of a name are asked for beside each other, and remembered apart", () => {
      const net = new Net6([SERVER]);
      assert.deepEqual([net.lookup4(), net.lookup6()], [undefined, undefined]);
      const four = net.asked4(), six = net.asked4();
      assert.deepEqual([four.type, six.type], [A, AAAA]);
      net.answer4(six, { answers: [aaaa(HOST)] });
      assert.deepEqual([net.lookup4(), net.lookup6()], [undefined, [hex6(HOST)]]);
      net.answer4(four, { answers: [record(QNAME, A, 60, be(4, HOST4))] });
      assert.deepEqual([net.lookup4(), net.lookup6()], [[String(HOST4)], [hex6(HOST)]]);
    });

    it("3596-3 an alias is followed, and addresses of the other family, or of another name, are none", () => {
      const alias = record(QNAME, CNAME, 60, labels("b.test")), owner = labels("b.test");
      assert.deepEqual(told({ answers: [alias, aaaa(HOST, 60, owner)] }), [hex6(HOST)]);
      assert.equal(told({ answers: [record(QNAME, A, 60, be(4, HOST4))], authorities: [soa(60, 60)] }), "NO_IPV6");
      assert.equal(told({ answers: [aaaa(HOST, 60, owner)], authorities: [soa(60, 60)] }), "NO_IPV6");
      assert.equal(told({ flags: 0x8183, authorities: [soa(60, 60)] }), "NOT_FOUND");
    });

    it("3596-4 what is no host's address is left out, and one of another length spoils the answer", () => {
      const nobodys = ["::", "ff02::1", "::ffff:a00:9"].map((a) => aaaa(ip6(a)));
      assert.deepEqual(told({ answers: [...nobodys, aaaa(HOST)] }), [hex6(HOST)]);
      assert.equal(told({ answers: nobodys, authorities: [soa(60, 60)] }), "NO_IPV6");
      for (const size of [0, 4, 15, 17]) {
        const net = new Net6([SERVER]);
        net.lookup6();
        net.answer4(net.asked4(), { answers: [record(QNAME, AAAA, 60, new Array<number>(size).fill(0x20))] });
        assert.deepEqual([net.lookup6(), net.stack.resolver().taken], [undefined, 1], `${size} bytes: asked again`);
        net.answer4(net.asked4(), { answers: [aaaa(HOST)] });
        assert.deepEqual(net.lookup6(), [hex6(HOST)]);
      }
    });

    it("3596-5 an answer to the question of the other type is none", () => {
      const net = new Net6([SERVER]);
      net.lookup6();
      const q = net.asked4(), question = [...q.question.slice(0, -4), ...be(2, A), ...be(2, 1)];
      net.answer4(q, { question, answers: [aaaa(HOST)] });
      assert.deepEqual([net.lookup6(), net.stack.resolver().dropped], [undefined, 1]);
    });
  });

  describe("DNS servers over IPv6", () => {
    it("8106-1 a server of which a router tells is asked, from the address that serves, and its answer taken", () => {
      const net = new Net6();
      assert.equal(net.lookup6(), "UNREACHABLE");
      net.router(nd.rdnss(600, NEAR));
      assert.deepEqual(net.servers(), [hex6(NEAR)]);
      assert.equal(net.lookup6(), undefined);
      const q = net.asked6();
      assert.deepEqual([hex6(q.server), hex6(q.from), q.type], [hex6(NEAR), hex6(net.global), AAAA]);
      net.answer6(q, { answers: [aaaa(HOST)] }, SECOND);
      assert.equal(net.lookup6(), undefined, "nobody else may answer");
      net.answer6(q, { answers: [aaaa(HOST)] });
      assert.deepEqual(net.lookup6(), [hex6(HOST)]);
    });

    it("8106-2 three are kept, those that came first; 0 s takes one away, and time does", () => {
      const net = new Net6();
      net.router(nd.rdnss(600, NEAR, SECOND), nd.rdnss(30, THIRD, ip6("2001:db8:1::56")));
      assert.deepEqual(net.servers(), [NEAR, SECOND, THIRD].map(hex6));
      net.router(nd.rdnss(0, NEAR));
      assert.deepEqual(net.servers(), [SECOND, THIRD].map(hex6));
      net.advance(31_000);
      assert.deepEqual(net.servers(), [hex6(SECOND)]);
      net.router(nd.rdnss(0xffffffff, SECOND));
      net.advance(1_000_000);
      assert.deepEqual(net.servers(), [hex6(SECOND)], "for ever");
      net.stack.ip6Stop();
      net.poll();
      assert.deepEqual(net.servers(), []);
    });

    it("8106-3 groups, :: and ::1 are no servers; an option of any length does no harm", () => {
      const net = new Net6();
      net.router(nd.rdnss(600, ip6("ff02::fb"), ip6("::"), ip6("::1")));
      for (const length of [1, 2, 4, 6]) net.router([25, length, ...new Array<number>(8 * length - 2).fill(0xff)]);
      assert.deepEqual(net.servers(), []);
      net.router([25, 4, 0, 0, ...be(4, 600), ...NEAR, 0, 0, 0, 0, 0, 0, 0, 0]);
      assert.deepEqual(net.servers(), [hex6(NEAR)], "what follows a whole address is left alone");
    });

    it("8106-4 a server that goes away while it is asked is asked no more: the next one is", () => {
      const net = new Net6();
      net.router(nd.rdnss(600, NEAR));
      net.lookup6();
      const q = net.asked6();
      net.router(nd.rdnss(0, NEAR), nd.rdnss(600, SECOND));
      const again = net.asked6();
      assert.deepEqual([hex6(again.server), again.port !== q.port || again.id !== q.id], [hex6(SECOND), true]);
      net.answer6(q, { answers: [aaaa(ip6("2001:db8:66::66"))] });
      assert.equal(net.lookup6(), undefined, "the old question has no answer any more");
      net.answer6(again, { answers: [aaaa(HOST)] });
      assert.deepEqual(net.lookup6(), [hex6(HOST)]);
    });

    it("a question has an end, though a router adds and takes away servers all the time", () => {
      const net = new Net6([]);
      net.router(nd.rdnss(600, NEAR));
      net.lookup6();
      let found: Found;
      for (let i = 0; i < 40 && found === undefined; i++) {
        net.router(nd.rdnss(i % 2 === 0 ? 600 : 0, SECOND));
        net.advance(900);
        found = net.lookup6();
      }
      assert.equal(found, "NO_ANSWER");
    });

    it("an address of another length than 16 bytes is refused", () => {
      const net = new Net6();
      for (const length of [0, 4, 15, 17])
        assert.throws(() => net.stack.ip6Name(new Uint8Array(length)), { code: "ARGUMENT" }, `${length}`);
      assert.throws(() => net.stack.ip6Add(new Uint8Array(4)), { code: "ARGUMENT" });
    });

    it("servers by hand may be of either family, three of them, and come in the place of the network's", () => {
      const net = new Net6();
      net.router(nd.rdnss(600, THIRD));
      net.stack.dnsServers([NEAR, SERVER, SECOND]);
      assert.deepEqual(net.servers(), [hex6(NEAR), String(SERVER), hex6(SECOND)]);
      assert.equal(net.lookup6(), undefined);
      assert.equal(hex6(net.asked6().server), hex6(NEAR));
      net.stack.dnsServers([]);
      assert.deepEqual(net.servers(), [hex6(THIRD)]);
      for (const wrong of ["ff02::fb", "::", "::1"])
        assert.throws(() => net.stack.dnsServers([ip6(wrong)]), { code: "ARGUMENT" }, wrong);
      assert.throws(() => net.stack.dnsServers([NEAR, SECOND, THIRD, SERVER]), { code: "FULL" });
      assert.deepEqual(net.servers(), [hex6(THIRD)], "what fails changes nothing");
      net.stack.dnsServers([SECOND]);
      assert.throws(() => net.stack.dnsServers([NEAR, ip6("::")]), { code: "ARGUMENT" });
      assert.deepEqual(net.servers(), [hex6(SECOND)]);
      const named = net.stack.ip6Name(NEAR);
      assert.equal(net.stack.exports.dns_servers(named, 0, 0), ERR.ARGUMENT, "it takes IPv4 addresses");
      assert.equal(net.stack.exports.dns_server_add(0), ERR.ARGUMENT);
    });

    it("names of servers are given back: a thousand changes leave no record", () => {
      const net = new Net6(), some = (i: number): Uint8Array => ip6(`2001:db8:1::${(i % 9000).toString(16)}`);
      for (let i = 1; i <= 1000; i++) {
        net.router(nd.rdnss(600, some(i), some(i + 1), some(i + 2)));
        net.router(nd.rdnss(0, some(i), some(i + 1), some(i + 2)));
        net.stack.dnsServers([some(i), some(i + 3)]);
      }
      net.stack.dnsServers([]);
      net.router(nd.rdnss(600, NEAR));
      assert.deepEqual(net.servers(), [hex6(NEAR)]);
    });
  });
  describe("a UDP port with a peer of IPv6", () => {
    it("is one that nobody has to all but the peer, whose name is another's by then (RFC 5452 §9.2)", () => {
      const net = new Net6(), socket = net.stack.udpOpen(5300), own = net.global;
      for (const src of [NEAR, SECOND]) net.frame(solicitation(src, own));
      const name = net.stack.ip6Name(HOST);
      net.stack.udpConnect(socket, name, 53);
      assert.notEqual(hex6(net.stack.ip6Bytes(net.stack.ip6Name(THIRD))!), hex6(HOST));
      const said = (src: Uint8Array, sport: number, dport: number): number[] => {
        net.out = [];
        net.frame(udp6({ src, dst: own }, sport, dport, Uint8Array.of(1, 2)));
        return net.out.map((f) => see6(f.raw)).flatMap((f) => (f === null ? [] : [f.type, f.code]));
      };
      for (const [src, sport, dport] of [[NEAR, 53, 5300], [NEAR, 53, 5299], [SECOND, 9, 5300]] as const)
        assert.deepEqual(said(src, sport, dport), [1, 4], `${hex6(src)} from ${sport} to ${dport}`);
      assert.equal(net.stack.udpReceive(socket), null);
      said(HOST, 53, 5300);
      assert.deepEqual(net.stack.udpReceive(socket)!.data, Uint8Array.of(1, 2));
    });
  });
}
