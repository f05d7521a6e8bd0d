/** DHCPv6: an address, or what else there is to know, as routers say; and servers that do not do well. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DHCP6, DHCP6_SIZE } from "../../host/module/layout.js";
import { EVENT } from "../../host/stack.js";
import { SMALL } from "../harness/bench.js";
import { be, MAC_PEER } from "../harness/codec.js";
import { advertisement, hex6, ip6, nd, routerAdvertisement, see6, solicitation, udp6 } from "../harness/codec6.js";
import { CLIENT_ID, ia, IAID, IDS, inner, message6, option6, SERVER_ID, status, TYPE6 } from "../harness/dhcp6.js";
import { entropyOf } from "../harness/entropy.js";
import { Polled } from "../harness/polled.js";

const ROUTER = ip6("fe80::1"), SERVER = ip6("fe80::2"), ALL = ip6("ff02::1:2"), MANAGED = 0x80, OTHER = 0x40;
const GIVEN = ip6("2001:db8:1::100"), SECOND = ip6("2001:db8:1::200"), RESOLVER = ip6("2001:db8:1::53");
const NOUGHT = [0, 0, 0, 0, 0];
const { SOLICIT, ADVERTISE, REQUEST, RENEW, REBIND, REPLY, RELEASE, DECLINE, INFORM } = TYPE6;

interface Message {
  type: number;
  xid: number;
  options: Map<number, number[]>;
  /** When it came, ms. */
  at: number;
}

class Net extends Polled {
  got: Message[] = [];

  constructor(seed = 1) {
    super(Polled.stack({ ip: "10.0.0.1/24", entropy: entropyOf(seed), connsMax: 4, policy: { announce: false } }));
    this.poll();
    this.stack.ip6Start(new Uint8Array(16).fill(7));
    this.poll();
    this.advance(2500);
    this.frame(solicitation(SERVER, this.local));
  }

  get local(): Uint8Array {
    return this.stack.ip6Addresses().find((a) => a.origin === "link-local")!.bytes;
  }

  /** The addresses of a server, with their states. */
  get given(): string[] {
    const all = this.stack.ip6Addresses().filter((a) => a.origin === "dhcp");
    return all.map((a) => `${hex6(a.bytes)} ${a.ready ? "valid" : "tentative"}`);
  }

  router(flags: number, lifetime = 1800): void {
    this.frame(routerAdvertisement(ROUTER, nd.source(MAC_PEER), { flags, lifetime }));
  }

  did(what: keyof typeof DHCP6): number {
    const x = this.stack.exports, at = x.configBlock();
    assert.equal(x.dhcp6_info(at), 0);
    return new DataView(this.stack.memory.buffer, at, DHCP6_SIZE).getUint32(DHCP6[what].at, true);
  }

  /** Messages of the client that came since the last look. */
  messages(): Message[] {
    for (const s of this.out.splice(0)) {
      const seen = see6(s.raw);
      if (seen?.next !== 17) continue;
      const p = new DataView(seen.payload.buffer, seen.payload.byteOffset), options = new Map<number, number[]>();
      assert.deepEqual([p.getUint16(0), p.getUint16(2), seen.sumOk], [546, 547, true]);
      assert.deepEqual([hex6(seen.src), hex6(seen.dst)], [hex6(this.local), hex6(ALL)]);
      for (let at = 12; at < seen.payload.length; at += 4 + p.getUint16(at + 2))
        options.set(p.getUint16(at), [...seen.payload.slice(at + 4, at + 4 + p.getUint16(at + 2))]);
      this.got.push({ type: p.getUint8(8), xid: p.getUint32(8) & 0xffffff, options, at: this.nowUs / 1000 });
    }
    return this.got.splice(0);
  }

  /** The next message, which comes within so long. */
  next(type: number, withinMs = 2100): Message {
    for (let ms = 0; ms <= withinMs; ms += 50, this.advance(50)) {
      const [m, ...more] = this.messages();
      if (m === undefined) continue;
      this.got.unshift(...more);
      assert.equal(m.type, type);
      return m;
    }
    return assert.fail(`a message of type ${type} was expected`);
  }

  answer(m: Message, type: number, options: number[], { xid = m.xid, sport = 547 } = {}): void {
    this.frame(udp6({ src: SERVER, dst: this.local }, sport, 546, message6(type, xid, options)));
  }

  /** An address, up to the Reply that gives it. */
  lease(address = GIVEN, reply = ia(inner(address))): Message {
    this.router(MANAGED);
    this.answer(this.next(SOLICIT), ADVERTISE, [...IDS, ...ia(inner(address))]);
    const m = this.next(REQUEST);
    this.answer(m, REPLY, [...IDS, ...reply, ...option6(23, [...RESOLVER])]);
    return m;
  }
}

if (!SMALL) {
  describe("RFC 8415 §18.2.6: Information-request", () => {
    it("8415-1 8415-5 8415-8: a router says O: identifier, time and what is wanted go to all servers", () => {
      const net = new Net();
      net.router(0);
      net.advance(5000);
      assert.deepEqual(net.messages(), [], "nobody says that there is a server");
      net.router(OTHER);
      const m = net.next(INFORM);
      net.events.clear();
      assert.deepEqual([...m.options.keys()], [1, 8, 6]);
      assert.deepEqual([m.options.get(1), m.options.get(8)], [CLIENT_ID, [0, 0]]);
      assert.deepEqual(m.options.get(6), [23, 83, 32].flatMap((n) => be(2, n)));
      net.answer(m, REPLY, [...IDS, ...option6(23, [...RESOLVER])]);
      assert.equal(net.did("taken"), 1);
      assert.ok((net.events.get(0)! & EVENT.ADDRESS) !== 0, "who waits for a server is told");
      const { server0 } = net.stack.resolver();
      assert.equal(hex6(net.stack.ip6Bytes(server0)!), hex6(RESOLVER));
    });

    it("8415-2: the first within a second, the next after 1 s, doubling up to an hour, each 10 % more or less", () => {
      const net = new Net(), times: number[] = [], from = net.nowUs / 1000;
      net.router(OTHER);
      for (let n = 0; n < 20; n++) times.push(net.next(INFORM, 4_000_000).at);
      assert.ok(times[0]! - from <= 1050);
      const gaps = times.slice(1).map((t, i) => t - times[i]!);
      gaps.forEach((gap, i) => {
        const last = i === 0 ? 1000 : Math.min(2 * gaps[i - 1]!, 3_600_000), about = Math.max(0.1 * last, 1) + 60;
        assert.ok(Math.abs(gap - last) <= 2 * about, `${i}: ${gap} of ${last}`);
      });
      assert.ok(gaps.at(-1)! <= 3_960_060 && gaps.at(-1)! >= 3_239_000);
    });

    it("8415-7: it is asked again after the time that the server says, 600 s at least, a day by default", () => {
      for (const [said, least] of [[undefined, 86_400], [7200, 7200], [1, 600]] as const) {
        const net = new Net();
        net.router(OTHER);
        net.answer(net.next(INFORM), REPLY, [...IDS, ...(said === undefined ? [] : option6(32, be(4, said)))]);
        net.advance(least * 1000 - 100);
        assert.deepEqual(net.messages(), []);
        net.next(INFORM);
      }
    });

    it("a server that cannot tell is counted, and asked again", () => {
      const net = new Net();
      net.router(OTHER);
      net.answer(net.next(INFORM), REPLY, [...IDS, ...status(1), ...option6(23, [...RESOLVER])]);
      assert.deepEqual([net.did("state"), net.did("refused"), net.stack.resolver().server0], [9, 1, 0]);
      net.answer(net.next(INFORM), REPLY, IDS);
      assert.equal(net.did("state"), 10);
    });
  });

  describe("RFC 8415 §18.2: an address", () => {
    it("8415-9: a router says M: Solicit, Advertise, Request, Reply; then it is looked for, and used", () => {
      const net = new Net();
      net.router(MANAGED | OTHER);
      const solicit = net.next(SOLICIT);
      assert.deepEqual([...solicit.options.keys()], [1, 8, 3, 6]);
      assert.deepEqual(solicit.options.get(3), [...IAID, 0, 0, 0, 0, 0, 0, 0, 0]);
      net.answer(solicit, ADVERTISE, [...IDS, ...ia(inner(GIVEN))]);
      const request = net.next(REQUEST);
      assert.ok(request.at - solicit.at >= 1000, "others may answer for a second");
      assert.deepEqual(request.options.get(2), SERVER_ID);
      assert.deepEqual(request.options.get(3)!.slice(16, 32), [...GIVEN]);
      net.answer(request, REPLY, [...IDS, ...ia(inner(GIVEN)), ...option6(23, [...RESOLVER])]);
      assert.deepEqual(net.given, [`${hex6(GIVEN)} tentative`]);
      net.advance(1300);
      assert.deepEqual(net.given, [`${hex6(GIVEN)} valid`]);
      assert.equal(net.stack.resolver().server0 !== 0, true);
      net.advance(900_000);
      assert.equal(net.messages().length, 0);
    });

    it("8415-10: the server with the highest preference; one with 255 at once", () => {
      const net = new Net(), other = [...option6(1, CLIENT_ID), ...option6(2, [0, 9, 9])];
      net.router(MANAGED);
      const solicit = net.next(SOLICIT);
      net.answer(solicit, ADVERTISE, [...IDS, ...ia(inner(GIVEN))]);
      net.answer(solicit, ADVERTISE, [...other, ...ia(inner(SECOND)), ...option6(7, [9])]);
      assert.deepEqual(net.next(REQUEST).options.get(2), [0, 9, 9]);
      const at = new Net();
      at.router(MANAGED);
      at.answer(at.next(SOLICIT), ADVERTISE, [...other, ...ia(inner(SECOND)), ...option6(7, [255])]);
      assert.equal(at.messages()[0]?.type, REQUEST);
    });

    it("8415-11: T1: Renew, of its server; T2: Rebind, of all; then the lease ends, and the search begins", () => {
      const net = new Net();
      net.lease();
      net.advance(998_000);
      assert.deepEqual(net.messages(), []);
      const renew = net.next(RENEW, 4000);
      assert.deepEqual([renew.options.get(2), renew.options.get(3)!.slice(16, 32)], [SERVER_ID, [...GIVEN]]);
      net.answer(renew, REPLY, [...IDS, ...ia(inner(GIVEN))]);
      net.advance(990_000);
      assert.deepEqual([net.messages(), net.given], [[], [`${hex6(GIVEN)} valid`]], "it was made longer");
      net.advance(1_015_000);
      const seen = net.messages().map((m) => m.type);
      assert.deepEqual([seen[0], seen.at(-1)], [RENEW, REBIND]);
      assert.ok(seen.length < 12);
      net.advance(2_005_000);
      assert.deepEqual(net.given, []);
      assert.equal(net.messages().at(-1)!.type, SOLICIT);
    });

    it("8415-17: a lease without end is never renewed; without T1 and T2 it is after half of its time", () => {
      const net = new Net(), half = new Net();
      net.lease(GIVEN, ia(inner(GIVEN, 0xffffffff, 0xffffffff), 0, 0));
      for (let day = 0; day < 60; day++) net.advance(86_400_000);
      assert.deepEqual([net.messages(), net.given], [[], [`${hex6(GIVEN)} valid`]]);
      half.lease(GIVEN, ia(inner(GIVEN, 3000, 4000), 0, 0));
      half.advance(1_498_000);
      assert.deepEqual(half.messages(), []);
      half.next(RENEW, 4000);
    });

    it("8415-18: any server may answer a Rebind: with another address, which takes the place of the first; "
        + "0 s are the end", () => {
      for (const seconds of [4000, 0]) {
        const net = new Net(), other = [...option6(1, CLIENT_ID), ...option6(2, [0, 9, 9])];
        net.lease();
        for (let s = 0; s < 2000; s += 5) net.advance(5000);
        const rebind = net.messages().findLast((m) => m.type === REBIND) ?? net.next(REBIND, 20_000);
        net.answer(rebind, REPLY, [...other, ...ia(inner(seconds === 0 ? GIVEN : SECOND, seconds, seconds))]);
        net.advance(1500);
        assert.deepEqual(net.given, seconds === 0 ? [] : [`${hex6(SECOND)} valid`]);
        if (seconds === 0) net.next(SOLICIT);
      }
    });

    it("8415-12: somebody has the address: Decline, and another one is looked for", () => {
      const net = new Net();
      net.lease();
      net.advance(150);
      net.frame(advertisement(GIVEN, ip6("ff02::1"), GIVEN, 1));
      assert.deepEqual(net.given, []);
      const decline = net.next(DECLINE);
      assert.deepEqual([decline.options.get(2), decline.options.get(3)!.slice(16, 32)], [SERVER_ID, [...GIVEN]]);
      assert.equal(net.did("declined"), 1);
      net.answer(decline, REPLY, [...IDS, ...status(0)]);
      net.next(SOLICIT);
    });

    it("8415-13: it is given back: the address is gone, Release four times at most, and then there is peace", () => {
      const net = new Net();
      net.lease();
      net.advance(2000);
      net.messages();
      assert.equal(net.stack.exports.dhcp6_stop(), 0);
      assert.deepEqual(net.given, []);
      net.poll();
      net.advance(60_000);
      assert.deepEqual(net.messages().map((m) => m.type), [RELEASE, RELEASE, RELEASE, RELEASE]);
      net.router(MANAGED);
      net.advance(60_000);
      assert.deepEqual(net.messages(), []);
    });

    it("8415-13: it is given back twice: the server hears of it all the same", () => {
      const net = new Net();
      net.lease();
      net.advance(2000);
      net.messages();
      for (let n = 0; n < 2; n++) assert.equal(net.stack.exports.dhcp6_stop(), 0);
      net.poll();
      net.answer(net.next(RELEASE), REPLY, [...IDS, ...status(0)]);
      assert.equal(net.did("state"), 0);
    });

    /** A stack with an address of a server, which the host takes away. */
    function removed(): Net {
      const net = new Net();
      net.lease();
      net.advance(2000);
      net.messages();
      net.stack.ip6Remove(GIVEN);
      assert.deepEqual(net.given, []);
      net.poll();
      return net;
    }

    it("8415-13: the host takes it away: Release, and it does not come back; DNS servers are asked for", () => {
      const net = removed(), m = net.next(RELEASE);
      assert.deepEqual([m.options.get(2), m.options.get(3)!.slice(16, 32)], [SERVER_ID, [...GIVEN]]);
      net.answer(m, REPLY, [...IDS, ...status(0)]);
      const inform = net.next(INFORM);
      net.answer(inform, REPLY, [...IDS, ...ia(inner(GIVEN)), ...option6(23, [...RESOLVER])]);
      for (let n = 0; n < 20; n++) {
        net.router(MANAGED | OTHER);
        net.advance(300_000);
      }
      assert.deepEqual([net.messages(), net.given], [[], []]);
      assert.equal(net.did("state"), 10);
      net.advance(86_400_000);
      net.next(INFORM);
    });

    it("8415-13: the host takes it away, and nobody answers: it does not come back; on another link it may", () => {
      const net = removed();
      for (let n = 0; n < 4; n++) net.next(RELEASE, 20_000);
      net.next(INFORM, 20_000);
      assert.deepEqual(net.given, []);
      net.stack.linkChanged();
      net.lease();
      net.advance(2000);
      assert.equal(net.given.length, 1);
    });

    it("8415-13: the link changes while it is given back: there it may be asked for", () => {
      const net = removed();
      net.next(RELEASE);
      net.stack.linkChanged();
      net.poll();
      net.lease();
      net.advance(2000);
      assert.equal(net.given.length, 1);
    });

    it("8415-13: it is taken away, and then none is wanted at all: there is peace", () => {
      const net = removed();
      net.next(RELEASE);
      assert.equal(net.stack.exports.dhcp6_stop(), 0);
      net.advance(60_000);
      assert.deepEqual(new Set(net.messages().map((m) => m.type)), new Set([RELEASE]));
      net.router(MANAGED);
      net.advance(60_000);
      assert.deepEqual(net.messages(), []);
    });

    it("the host takes another address away: the server's stays", () => {
      const net = new Net();
      net.lease();
      net.advance(2000);
      net.stack.ip6Add(SECOND);
      net.stack.ip6Remove(SECOND);
      net.poll();
      net.advance(2000);
      assert.equal(net.given.length, 1);
    });

    it("8415-18: one address ends while another one is given: that is the one", () => {
      const net = new Net();
      net.lease();
      net.answer(net.next(RENEW, 1_010_000), REPLY, [...IDS, ...ia([...inner(GIVEN, 0, 0), ...inner(SECOND)])]);
      net.advance(1500);
      assert.deepEqual(net.given, [`${hex6(SECOND)} valid`]);
      net.answer(net.next(RENEW, 1_010_000), REPLY, [...IDS, ...ia([...inner(SECOND), ...inner(GIVEN, 0, 0)])]);
      assert.deepEqual(net.given, [`${hex6(SECOND)} valid`], "the other order, too");
    });

    it("a lease ends in time also where there is no link-local address to renew it from", () => {
      const net = new Net(), { local } = net;
      net.lease();
      net.advance(2000);
      net.stack.ip6Remove(local);
      net.advance(3_990_000);
      assert.deepEqual([net.did("state"), net.given.length], [5, 1]);
      net.advance(20_000);
      assert.deepEqual([net.did("state"), net.given], [2, []]);
    });

    it("8415-14: NoAddrsAvail, NotOnLink: later again, ever more seldom; NoBinding while renewing: Request", () => {
      for (const code of [2, 4]) {
        const net = new Net();
        net.router(MANAGED);
        let attempts = 0;
        for (let ms = 0; ms < 600_000; ms += 100, net.advance(100))
          for (const m of net.messages()) {
            if (m.type === SOLICIT) attempts++;
            if (m.type === SOLICIT) net.answer(m, ADVERTISE, [...IDS, ...ia(inner(GIVEN))]);
            else net.answer(m, REPLY, [...IDS, ...ia(status(code))]);
          }
        assert.ok(attempts > 5 && attempts < 20, `${attempts}`);
        assert.equal(net.did("refused"), attempts);
      }
      const net = new Net();
      net.lease();
      net.answer(net.next(RENEW, 1_010_000), REPLY, [...IDS, ...ia(status(3))]);
      net.next(REQUEST);
      assert.deepEqual(net.given, [`${hex6(GIVEN)} valid`]);
    });

    it("a server that knows of no binding, and gives none: the address goes with the search, or dhcp6_stop", () => {
      const forgotten = (): Net => {
        const net = new Net();
        net.lease(GIVEN, ia(inner(GIVEN, 0xffffffff, 0xffffffff)));
        net.answer(net.next(RENEW, 1_010_000), REPLY, [...IDS, ...ia(status(3))]);
        net.next(REQUEST);
        return net;
      };
      const searching = forgotten(), stopped = forgotten(), moved = forgotten();
      for (let n = 1; n < 10; n++) searching.next(REQUEST, 40_000);
      searching.next(SOLICIT, 40_000);
      assert.deepEqual(searching.given, []);
      assert.equal(stopped.stack.exports.dhcp6_stop(), 0);
      assert.deepEqual(stopped.given, []);
      moved.stack.linkChanged();
      assert.deepEqual(moved.given, []);
    });

    it("what a router said before IPv6 ended begins nothing when IPv6 begins again", () => {
      const net = new Net();
      net.router(MANAGED);
      net.next(SOLICIT);
      net.stack.exports.ip6_stop();
      net.poll();
      net.stack.ip6Start(new Uint8Array(16).fill(7));
      for (let ms = 0; ms < 10_000; ms += 100) net.advance(100);
      assert.deepEqual(net.messages(), []);
      net.router(MANAGED);
      net.next(SOLICIT);
    });

    it("8415-15: SOL_MAX_RT is heeded, between a minute and a day", () => {
      for (const [said, most] of [[60, 66_100], [59, 3_960_100]] as const) {
        const net = new Net(), times: number[] = [];
        net.router(MANAGED);
        net.answer(net.next(SOLICIT), ADVERTISE, [...IDS, ...ia(status(2)), ...option6(82, be(4, said))]);
        for (let n = 0; n < 15; n++) times.push(net.next(SOLICIT, 4_000_000).at);
        const gap = times.at(-1)! - times.at(-2)!;
        assert.ok(gap <= most && gap >= 0.8 * most, `${said}: ${gap}`);
      }
    });

    it("after the link changed it asks whether the address is good there", () => {
      const net = new Net();
      net.lease();
      net.advance(2000);
      net.messages();
      net.stack.linkChanged();
      net.poll();
      const m = net.next(REBIND);
      assert.equal(m.options.has(2), false, "of any server");
      net.answer(m, REPLY, [...IDS, ...ia(status(4))]);
      assert.deepEqual(net.given, []);
    });
  });

  describe("RFC 8415 §16: what is none", () => {
    const good = ia(inner(GIVEN)), FALSE: Record<string, (net: Net, m: Message) => void> = {
      "another number": (net, m) => net.answer(m, REPLY, [...IDS, ...good], { xid: m.xid ^ 1 }),
      "no server": (net, m) => net.answer(m, REPLY, [...option6(1, CLIENT_ID), ...good]),
      "another server": (net, m) => net.answer(m, REPLY, [...option6(1, CLIENT_ID), ...option6(2, [1, 2, 3]), ...good]),
      "another client": (net, m) => net.answer(m, REPLY, [...option6(1, [...CLIENT_ID.slice(0, 9), 99]),
        ...option6(2, SERVER_ID), ...good]),
      "no client": (net, m) => net.answer(m, REPLY, [...option6(2, SERVER_ID), ...good]),
      "another port": (net, m) => net.answer(m, REPLY, [...IDS, ...good], { sport: 546 }),
      "another type": (net, m) => net.answer(m, ADVERTISE, [...IDS, ...good]),
      "a Reply without an address": (net, m) => net.answer(m, REPLY, IDS),
      "another association": (net, m) => net.answer(m, REPLY, [...IDS, ...ia(inner(GIVEN), 1, 2, [0, 0, 0, 1])]),
      "times that contradict": (net, m) => net.answer(m, REPLY, [...IDS, ...ia(inner(GIVEN), 9, 8)]),
      "lifetimes that contradict": (net, m) => net.answer(m, REPLY, [...IDS, ...ia(inner(GIVEN, 9, 8))]),
      "a group": (net, m) => net.answer(m, REPLY, [...IDS, ...ia(inner(ip6("ff02::1")))]),
      "::1": (net, m) => net.answer(m, REPLY, [...IDS, ...ia(inner(ip6("::1")))]),
      "a link-local address": (net, m) => net.answer(m, REPLY, [...IDS, ...ia(inner(ip6("fe80::9")))]),
      "an option beyond the end": (net, m) => net.answer(m, REPLY, [...IDS, ...good, ...option6(99, [1], 2)]),
      "half an option": (net, m) => net.answer(m, REPLY, [...IDS, ...good, 0, 23]),
      "an inner option beyond its end": (net, m) =>
        net.answer(m, REPLY, [...IDS, ...ia([...inner(GIVEN), ...option6(99, [1], 9)]), ...option6(99, NOUGHT)]),
      "an option beyond the end of an address": (net, m) =>
        net.answer(m, REPLY, [...IDS, ...ia(inner(GIVEN, 3000, 4000, [0, 13, 0, 9]))]),
      "a short address": (net, m) => net.answer(m, REPLY, [...IDS, ...ia(option6(5, [...GIVEN]))]),
      "an identifier that is too long": (net, m) =>
        net.answer(m, REPLY, [...option6(1, CLIENT_ID), ...option6(2, new Array<number>(131).fill(1)), ...good]),
      "DNS servers of an odd length": (net, m) => net.answer(m, REPLY, [...IDS, ...good, ...option6(23, [1, 2, 3])]),
      "nothing": (net, m) => net.answer(m, REPLY, []),
    };
    for (const [what, say] of Object.entries(FALSE)) {
      it(`8415-3 8415-4 8415-6: ${what} is dropped and counted; the right one is taken after it`, () => {
        const net = new Net();
        net.router(MANAGED);
        net.answer(net.next(SOLICIT), ADVERTISE, [...IDS, ...good]);
        const m = net.next(REQUEST);
        say(net, m);
        assert.deepEqual([net.given, net.did("dropped"), net.did("state")], [[], 1, 3]);
        net.answer(m, REPLY, [...IDS, ...option6(999, [1, 2, 3]), ...good]);
        assert.deepEqual(net.given, [`${hex6(GIVEN)} tentative`], "an option that nobody knows does no harm");
      });
    }

    it("8415-16: a Reconfigure, and answers to nothing, in each state: counted, and nothing is sent", () => {
      const states: Record<number, (net: Net) => void> = {
        1: () => {},
        2: (net) => (net.router(MANAGED), void net.next(SOLICIT)),
        4: (net) => (net.lease(), net.advance(2000)),
        10: (net) => (net.router(OTHER), net.answer(net.next(INFORM), REPLY, IDS)),
      };
      for (const [state, reach] of Object.entries(states)) {
        const net = new Net();
        reach(net);
        net.messages();
        const before = [net.did("state"), net.given, net.did("taken")], dropped = net.did("dropped");
        assert.equal(before[0], Number(state));
        const of = { type: REPLY, xid: 0, options: new Map<number, number[]>(), at: 0 };
        net.answer(of, TYPE6.RECONFIGURE, [...IDS, ...option6(19, [RENEW])]);
        net.answer(of, REPLY, [...IDS, ...ia(inner(SECOND))]);
        net.answer(of, ADVERTISE, [...IDS, ...ia(inner(SECOND))]);
        assert.deepEqual([net.did("state"), net.given, net.did("taken")], before);
        assert.deepEqual([net.did("dropped") - dropped, net.messages()], [3, []]);
      }
    });

    it("each option that is known, with nothing in it: none is taken that needs something", () => {
      const needs = new Set([1, 2, 3, 7, 13, 32, 82, 83]);
      for (const code of [1, 2, 3, 5, 7, 8, 13, 23, 32, 82, 83]) {
        const net = new Net();
        net.router(MANAGED);
        net.answer(net.next(SOLICIT), ADVERTISE, [...IDS, ...option6(code, []), ...ia(inner(GIVEN))]);
        assert.deepEqual([net.did("taken"), net.did("dropped")], needs.has(code) ? [0, 1] : [1, 0], `${code}`);
      }
    });

    it("a thousand Advertises: one of the best is asked, once; servers that disagree change nothing after that", () => {
      const net = new Net(), server = (n: number): number[] =>
        [...option6(1, CLIENT_ID), ...option6(2, [0, 9, ...be(2, n)])];
      net.router(MANAGED);
      const solicit = net.next(SOLICIT);
      for (let n = 0; n < 1000; n++)
        net.answer(solicit, ADVERTISE, [...server(n), ...ia(inner(GIVEN)), ...option6(7, [n % 200])]);
      assert.deepEqual(net.messages(), [], "nothing is hastened");
      const request = net.next(REQUEST);
      assert.deepEqual(request.options.get(2), [0, 9, 0, 199]);
      net.answer(request, REPLY, [...server(198), ...ia(inner(SECOND))]);
      net.answer(request, REPLY, [...server(199), ...ia(inner(GIVEN))]);
      net.answer(request, REPLY, [...server(199), ...ia(inner(SECOND))]);
      assert.deepEqual([net.given, net.messages()], [[`${hex6(GIVEN)} tentative`], []]);
    });

    const TROUBLE: Record<string, { lifetimeS?: number; places?: number; isTaken?: boolean }> = {
      "a lease of a moment": { lifetimeS: 1 },
      "an address that somebody has": { isTaken: true },
      "an address for which there is no place": { places: 0 },
    };
    for (const [what, { lifetimeS = 3000, places = 1, isTaken = false }] of Object.entries(TROUBLE)) {
      it(`RFC 8415 §14.1: a server that gives ${what}, at once, again and again, is asked ever more seldom`, () => {
        const net = new Net(), sent: number[] = [];
        for (let n = 1; places === 0 && n <= 6; n++) net.stack.ip6Add(Uint8Array.from([...GIVEN.slice(0, 15), n]), 64);
        net.advance(3000);
        net.messages();
        net.router(MANAGED);
        const all = [...IDS, ...option6(7, [255]), ...ia(inner(GIVEN, lifetimeS, lifetimeS))];
        for (let ms = 0; ms < 300_000; ms += 20, net.advance(20))
          for (const m of net.messages()) {
            sent.push(m.at);
            net.answer(m, m.type === SOLICIT ? ADVERTISE : REPLY, all);
            if (isTaken && net.given.length !== 0) net.frame(advertisement(GIVEN, ip6("ff02::1"), GIVEN, 1));
          }
        assert.ok(sent.length >= 14 && sent.length <= 40, `${sent.length}`);
        for (const [i, at] of sent.entries())
          assert.ok((sent[i + 20] ?? Infinity) - at > 20_000, "20 in 20 s at most, as the RFC has it for a default");
      });
    }
  });
}
