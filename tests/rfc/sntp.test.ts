/** SNTP: questions to time servers, what of their answers is believed, and how often they are asked. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { EVENT, type TimeInfo } from "../../host/stack.js";
import { SMALL } from "../harness/bench.js";
import { Random } from "../../host/random.js";
import { arp, icmp, ip4, MAC_PEER, MAC_STACK, udp, type Seen } from "../harness/codec.js";
import { advertisement, hex6, icmp6, ip6, nd, routerAdvertisement, see6, udp6 } from "../harness/codec6.js";
import { address, END, TYPE } from "../harness/dhcp.js";
import { Net as Leased } from "../harness/dhcp-net.js";
import { entropyOf } from "../harness/entropy.js";
import { ntpAnswer, type NtpAnswer } from "../harness/ntp.js";
import { Polled } from "../harness/polled.js";

const STACK = ip4("10.0.0.1"), SERVER = ip4("10.0.0.2"), SECOND = ip4("10.0.0.3"), THIRD = ip4("10.0.0.4");
/** 2026-11-27, and 2040-01-01 in era 1, µs since 1970. */
const NOW = 1_795_737_600_000_000, LATER = 2_208_988_800_000_000;

interface Question { server: number; port: number; bytes: number[]; frame: Seen; atS: number }

class Net extends Polled {
  constructor(servers: number[] = [SERVER], seed = 1) {
    super(Polled.stack({
      ip: "10.0.0.1/24", entropy: entropyOf(seed), connsMax: 4, halfOpenMax: 4, timeWaitMax: 4,
      policy: { announce: false },
    }));
    this.poll();
    for (const ip of [SERVER, SECOND, THIRD])
      this.frame(arp(1, { mac: MAC_PEER, ip }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
    this.out = [];
    this.stack.sntpStart(servers);
    this.poll();
  }

  last: Question | undefined;
  /** When the last question left. */
  askedUs = 0;

  protected override take(seen: Seen): Uint8Array | undefined {
    super.take(seen);
    if (seen.kind === "udp" && seen.dport === 123) this.askedUs = this.nowUs;
    if (seen.kind !== "arp" || seen.op !== 1) return undefined;
    return arp(2, { mac: MAC_PEER, ip: seen.ip.dst }, { mac: MAC_STACK, ip: STACK }, MAC_STACK);
  }

  get time(): TimeInfo {
    return this.stack.time();
  }

  /** UTC by the stack, µs since 1970. */
  get utc(): number {
    return Number(this.stack.exports.sntp_utc());
  }

  questions(): Question[] {
    const found = this.out.filter((s) => s.kind === "udp" && s.dport === 123);
    this.out = [];
    return found.map((frame) => ({
      server: frame.ip.dst, port: frame.sport, bytes: [...frame.data], frame, atS: this.nowUs / 1e6,
    }));
  }

  /** Lets time pass until there is a question. */
  question(seconds = 3000): Question {
    for (let ms = 0; ms <= seconds * 1000; ms += 100) {
      const [q, ...more] = this.questions();
      if (q) {
        assert.equal(more.length, 0);
        assert.ok(q.frame.sumOk);
        return q;
      }
      this.advance(100);
    }
    assert.fail(`no question within ${seconds} s`);
  }

  answer(q: Question, a: Partial<NtpAnswer> = {}, from = q.server, sport = 123, dport = q.port): void {
    const message = ntpAnswer({ originate: q.bytes.slice(40, 48), received: NOW, sent: NOW, ...a });
    this.frame(udp({ src: from, dst: STACK }, sport, dport, message));
  }

  /** Which servers are asked within so many seconds, and when, with nobody who answers. */
  silence(seconds: number): { server: number; atS: number }[] {
    const all: Question[] = [];
    for (let s = 0; s < seconds; s++) {
      this.advance(1000);
      all.push(...this.questions());
    }
    return all;
  }
}

const zeros = (n: number): number[] => Array.from({ length: n }, () => 0);
const gaps = (times: readonly number[]): number[] => times.slice(1).map((t, i) => t - times[i]!);

interface Question6 { server: string; to: Uint8Array; port: number; from: Uint8Array; originate: number[] }

const ROUTER = ip6("fe80::1"), NEAR = ip6("2001:db8:1::123"), FAR = ip6("2001:db8:9::123");

/** A stack whose router tells a prefix; `ip`: its IPv4 address, if it has one. */
class Net6 extends Polled {
  constructor(ip = "") {
    super(Polled.stack({
      ...(ip === "" ? {} : { ip }), mac: "02:00:0a:00:00:01", entropy: entropyOf(3),
      connsMax: 4, halfOpenMax: 4, timeWaitMax: 4, policy: { announce: false },
    }));
    this.poll();
    this.stack.ip6Start(new Uint8Array(16).fill(7));
    this.poll();
    this.router();
  }

  /** The router tells a prefix. */
  router(): void {
    this.frame(routerAdvertisement(ROUTER, [...nd.source(MAC_PEER), ...nd.prefix(ip6("2001:db8:1::"))]));
  }

  /** Questions of the next so many seconds over IPv6, `most` of them; whoever is looked for as a neighbour is there. */
  questions(seconds: number, most = Infinity): Question6[] {
    const all: Question6[] = [];
    for (let ms = 0; ms < seconds * 1000 && all.length < most; ms += 100) {
      this.advance(100);
      for (const seen of this.out.splice(0)) {
        const s = see6(seen.raw);
        if (s?.next === 58 && s.payload[0] === 135 && s.src.some((byte) => byte !== 0)) {
          const target = s.payload.slice(8, 24);
          this.frame(advertisement(target, s.src, target));
        } else if (s?.next === 17 && s.payload[3] === 123) {
          assert.ok(s.sumOk);
          const port = (s.payload[0]! << 8) | s.payload[1]!, originate = [...s.payload.slice(48, 56)];
          all.push({ server: hex6(s.dst), to: s.dst, port, from: s.src, originate });
        }
      }
    }
    return all;
  }

  answer({ to, port, from, originate }: Question6, src = to): void {
    const message = ntpAnswer({ originate, received: NOW, sent: NOW });
    this.frame(udp6({ src, dst: from }, 123, port, message));
  }
}

if (!SMALL) {
  describe("SNTP over IPv6", () => {
    it("4330-1 4330-2: a server behind the router is asked from an address of its prefix; it alone answers", () => {
      const net = new Net6();
      net.stack.sntpStart([FAR]);
      const [q] = net.questions(6, 1);
      assert.deepEqual([q?.server, [...q!.from.slice(0, 8)]], [hex6(FAR), [...NEAR.slice(0, 8)]]);
      net.answer(q!, NEAR);
      assert.equal(net.stack.time().taken, 0, "of another one");
      net.answer(q!);
      const { taken, stratum, server } = net.stack.time();
      assert.deepEqual([taken, stratum, hex6(net.stack.ip6Bytes(server)!)], [1, 2, hex6(FAR)]);
    });

    it("both families are asked in turn; one without an address of ours is left out", () => {
      const net = new Net6();
      net.stack.sntpStart([SERVER, NEAR, FAR]);
      const asked = new Set(net.questions(60).map((q) => q.server));
      assert.deepEqual(asked, new Set([hex6(NEAR), hex6(FAR)]));
      assert.ok(net.stack.time().sent >= 2);
    });

    it("without IPv6 none is asked, until it begins", () => {
      const net = new Net6("10.0.0.1/24");
      net.stack.sntpStart([NEAR]);
      net.stack.ip6Stop();
      assert.deepEqual(net.questions(60), []);
      net.stack.ip6Start(new Uint8Array(16).fill(7));
      net.poll();
      net.router();
      assert.equal(net.questions(10)[0]?.server, hex6(NEAR));
    });

    it("a server whose host says that nobody listens there is left for the next one at once", () => {
      const net = new Net6();
      net.stack.sntpStart([NEAR, FAR]);
      const [q] = net.questions(4, 1);
      const quoted = [...udp6({ src: q!.from, dst: NEAR }, q!.port, 123, new Uint8Array(48)).slice(14)];
      net.frame(icmp6({ src: NEAR, dst: q!.from }, 1, 4, 0, quoted));
      assert.equal(net.questions(1)[0]?.server, hex6(FAR));
    });

    it("4330-6: rounds in which nothing could be sent make none rarer", () => {
      const net = new Net6();
      net.stack.sntpStart([NEAR]);
      // Nobody says where the server is.
      net.advance(600_000);
      assert.deepEqual([net.stack.time().sent, net.stack.time().intervalS], [0, 16]);
      assert.equal(net.questions(30, 1).length, 1);
      net.questions(60);
      assert.ok(net.stack.time().intervalS > 16, "and those that were sent do");
    });

    it("an address of another length is one clear error, and nobody is asked, nor those of the lease", () => {
      const net = new Net6();
      for (const server of [new Uint8Array(4), new Uint8Array(15), new Uint8Array(17), new Uint8Array(0)]) {
        for (const before of [[], [NEAR]]) {
          net.stack.sntpStart([FAR]);
          const error = { code: "ARGUMENT", message: /^[^\n]*an IPv6 address has 16 bytes[^\n]*$/ };
          assert.throws(() => net.stack.sntpStart([...before, server]), error);
          assert.equal(net.stack.exports.sntp_server_add(net.stack.ip6Name(NEAR)), ERR.STATE, "it is off");
        }
      }
    });

    it("other servers, again and again: their names are kept and left; none but hosts, three at most", () => {
      const net = new Net6(), { exports } = net.stack, named = (ip: Uint8Array): number => net.stack.ip6Name(ip);
      assert.equal(exports.sntp_server_add(named(NEAR)), ERR.STATE);
      for (let n = 0; n < 200; n++) {
        const server = ip6(`2001:db8:1::${(n + 1).toString(16)}`);
        net.stack.sntpStart([server, ip6(`2001:db8:2::${(n + 1).toString(16)}`), SERVER]);
        net.poll();
      }
      assert.equal(exports.sntp_server_add(named(NEAR)), ERR.FULL);
      for (const ip of ["ff02::101", "::", "::1"])
        assert.throws(() => net.stack.sntpStart([ip6(ip)]), { code: "ARGUMENT" });
      assert.equal(exports.sntp_server_add(0xf8000100 | 0), ERR.ARGUMENT);
      net.stack.sntpStart([NEAR]);
      assert.equal(net.questions(6)[0]?.server, hex6(NEAR));
      net.stack.sntpStart([FAR]);
      assert.equal(net.stack.time().server, 0, "the name of the one before may become another one's");
    });
  });

  describe("RFC 4330 §5: a question and its answer", () => {
    it("4330-1: version 4, mode 3, a time of sending that nobody can guess, 0 elsewhere, from its own port", () => {
      const [a, b] = [1, 2].map((seed) => new Net([SERVER], seed).question(2));
      assert.deepEqual(a!.bytes.slice(0, 40), [0x23, ...zeros(39)]);
      assert.equal(a!.bytes.length, 48);
      assert.notDeepEqual(a!.bytes.slice(40), b!.bytes.slice(40));
      assert.ok(a!.port !== 123 && a!.port !== b!.port);
    });

    it("5905-1: the time is that of sending and half of the way there and back", () => {
      const net = new Net(), q = net.question();
      assert.equal(net.utc, 0);
      net.advance(30);
      const delay = net.nowUs - net.askedUs - 10_250;
      assert.ok(delay >= 19_750);
      net.answer(q, { received: NOW, sent: NOW + 10_250 });
      assert.equal(net.events.get(0)! & EVENT.TIME, EVENT.TIME);
      assert.deepEqual([net.time.stratum, net.time.delay, net.time.taken, net.time.server], [2, delay, 1, SERVER]);
      const utc = NOW + 10_250 + Math.floor(delay / 2);
      assert.equal(net.utc, utc);
      net.advance(1500);
      assert.equal(net.utc, utc + 1_500_000);
    });

    it("4330-7: seconds without the top bit count from 2036 on", () => {
      const net = new Net();
      net.answer(net.question(), { received: LATER + 1e6, sent: LATER + 1e6 });
      assert.ok(Math.abs(net.utc - LATER - 1e6) < 200_000, String(net.utc));
    });

    it("4330-2 5905-2: of who was asked, in mode 4, with the question's time, once; the rest is dropped", () => {
      const net = new Net(), q = net.question();
      const other = [...q.bytes.slice(40, 47), q.bytes[47]! ^ 1];
      for (const a of [
        { originate: other }, { originate: zeros(8) }, { mode: 3 }, { mode: 5 }, { version: 2 }, { version: 5 },
      ]) net.answer(q, a);
      assert.deepEqual([net.time.taken, net.time.dropped, net.utc], [0, 6, 0]);
      // What is not of the server that was asked is not even looked at.
      net.answer(q, {}, SECOND);
      net.answer(q, {}, q.server, 124);
      net.answer(q, {}, q.server, 123, q.port ^ 1);
      net.frame(udp({ src: q.server, dst: STACK }, 123, q.port, ntpAnswer({
        originate: q.bytes.slice(40), received: NOW, sent: NOW,
      }).subarray(0, 47)));
      assert.deepEqual([net.time.taken, net.time.dropped, net.utc], [0, 7, 0]);
      net.answer(q);
      assert.deepEqual([net.time.taken, net.time.dropped], [1, 7]);
      net.answer(q, { sent: NOW + 5e6, received: NOW + 5e6 });
      assert.equal(net.time.taken, 1);
      assert.ok(net.utc < NOW + 1e6);
    });

    it("4330-3 5905-2: one that has no time, is too far off, or counts backwards is not believed", () => {
      for (const a of [
        { leap: 3 }, { stratum: 16 }, { sent: null }, { received: null }, { rootDelay: 0x10000 },
        { rootDelay: 0x80000000 }, { rootDispersion: 0x10000 }, { received: NOW + 2, sent: NOW },
        { received: 0, sent: NOW }, { received: 0, sent: 0 }, { received: -1e6, sent: -1e6 },
        { received: -1e6, sent: NOW },
      ]) {
        const net = new Net([SERVER, SECOND]), q = net.question();
        net.answer(q, a);
        assert.deepEqual([net.time.taken, net.time.dropped, net.utc], [0, 1, 0], JSON.stringify(a));
        // Another one is asked at once.
        assert.equal(net.questions()[0]?.server, SECOND, JSON.stringify(a));
      }
    });
  });

  describe("RFC 4330 §10: how often servers are asked", () => {
    it("5905-3 4330-5 4330-6: without answers each in turn, rounds ever farther apart, up to 17 minutes", () => {
      const net = new Net([SERVER, SECOND, THIRD]), all = net.silence(15_000);
      assert.deepEqual(all.slice(0, 6).map((q) => q.server), [SERVER, SECOND, THIRD, SERVER, SECOND, THIRD]);
      const of = gaps(all.filter((q) => q.server === SERVER).map((q) => q.atS));
      assert.ok(of.length > 8 && of[0]! >= 15, of.join());
      // Each is twice the last one, but for a part of it that is drawn.
      of.forEach((gap, i) => {
        const least = Math.min(32 * 2 ** i, 1024);
        assert.ok(gap >= least && gap <= least * 1.125 + 14, `${i}: ${gap}`);
      });
    });

    it("with answers it is asked again after a minute, then more seldom", () => {
      const net = new Net(), times: number[] = [];
      for (let i = 0; i < 8; i++) {
        const q = net.question();
        times.push(q.atS);
        net.answer(q);
      }
      const [first, ...rest] = gaps(times);
      assert.ok(first! >= 64 && first! <= 73, String(first));
      rest.forEach((gap, i) => assert.ok(gap >= Math.min(128 << i, 1024) && gap <= 1153, `${i}: ${gap}`));
    });

    it("4330-4: a server that says DENY or RSTR is never asked again; when all have, nobody is", () => {
      for (const reference of ["DENY", "RSTR"]) {
        const net = new Net([SERVER, SECOND]);
        net.answer(net.question(), { stratum: 0, reference });
        const second = net.question(0);
        assert.equal(second.server, SECOND);
        net.answer(second);
        assert.ok(net.silence(4000).every((q) => q.server === SECOND));
        net.answer(net.question(), { stratum: 0, reference });
        assert.deepEqual([net.silence(4000).length, net.time.kisses], [0, 2]);
        assert.ok(net.utc > NOW, "the time stays known");
      }
    });

    it("4330-4 4330-6: one that says RATE is asked half as often, beyond 17 minutes too; others are no answer", () => {
      const net = new Net(), times: number[] = [];
      for (let i = 0; i < 9; i++) {
        const q = net.question(20_000);
        times.push(q.atS);
        net.answer(q, { stratum: 0, reference: i === 8 ? "XYZ " : "RATE" });
      }
      const all = gaps(times);
      all.slice(1).forEach((gap, i) => assert.ok(gap > all[i]! * 1.5, all.join()));
      assert.ok(all.at(-1)! > 1200, all.join());
      net.answer(net.question(100_000));
      assert.ok(net.question(200_000).atS > 0 && net.time.intervalS > 1024, "no answer makes it more often again");
    });

    it("a server whose host says that nobody listens there is left for the next one at once", () => {
      const net = new Net([SERVER, SECOND]), q = net.question();
      net.frame(icmp({ src: SERVER, dst: STACK }, 3, 3, 0, q.frame.raw.subarray(14, 14 + 28)));
      assert.equal(net.questions()[0]?.server, SECOND);
    });
  });

  it("20,000 messages that lie set no time, and do no harm", () => {
    const net = new Net([SERVER, SECOND]), random = new Random(7);
    for (let i = 0; i < 20_000; i++) {
      const [q] = net.questions();
      if (q) net.last = q;
      const { server, port, bytes } = net.last ?? net.question();
      // All is as in an answer but for some bytes, and never the question's time whole.
      const message = ntpAnswer({ originate: bytes.slice(40, 48), received: NOW, sent: NOW });
      message[24 + random.below(8)]! ^= 1 + random.below(255);
      for (let n = random.below(4); n > 0; n--) message[random.below(24)] = random.below(256);
      const from = random.chance(0.9) ? server : random.u32(), sport = random.chance(0.9) ? 123 : random.below(65536);
      const dport = random.chance(0.9) ? port : random.below(65536);
      const cut = message.subarray(0, random.below(60)), withSum = random.chance(0.9);
      net.frame(udp({ src: from, dst: STACK }, sport, dport, cut, { withSum }));
      if (i % 100 === 0) net.advance(5000);
    }
    assert.deepEqual([net.time.taken, net.time.stratum, net.utc, net.time.kisses], [0, 0, 0, 0]);
    net.out = [];
    net.answer(net.question());
    assert.equal(net.time.taken, 1);
  });

  describe("time servers", () => {
    it("are those of the lease by default, from when there is one", () => {
      const net = new Leased();
      net.stack.sntpStart();
      net.advance(5000);
      net.out = [];
      const options = [
        ...address(51, 3600), ...address(1, ip4("255.255.255.0")), ...address(42, ip4("10.0.0.9"), SERVER), END,
      ];
      net.stack.dhcpStart(0, "lamp");
      net.poll();
      net.reply(TYPE.ACK, net.requesting(), { options });
      net.advance(10_000);
      assert.equal(net.lease.state, "BOUND");
      const asked = net.out.filter((s) => s.kind === "arp" && s.op === 1).map((s) => s.ip.dst);
      assert.ok(asked.includes(ip4("10.0.0.9")), "the way to the first one is looked for");
    });

    it("4330-4: of a lease are asked no more when all have denied, until another lease names others", () => {
      const time = (...ips: number[]): number[] =>
        [...address(51, 3600), ...address(1, ip4("255.255.255.0")), ...address(42, ...ips), END];
      const net = new Leased().bound(time(SERVER)), asked = (s: Seen): boolean => s.kind === "udp" && s.dport === 123;
      net.stack.sntpStart();
      net.advance(5000);
      const [q, ...more] = net.out.filter(asked);
      assert.deepEqual([q?.ip.dst, more.length], [SERVER, 0]);
      const message = ntpAnswer({
        originate: [...q!.data.slice(40, 48)], received: NOW, sent: NOW, stratum: 0, reference: "DENY",
      });
      net.frame(udp({ src: SERVER, dst: q!.ip.src }, 123, q!.sport, message));
      const again = (servers: number[]): void => {
        net.out = [];
        net.stack.linkChanged();
        net.poll();
        net.reply(TYPE.ACK, net.message(TYPE.REQUEST), { options: time(...servers) });
        net.advance(100_000);
        assert.equal(net.lease.state, "BOUND");
      };
      again([SERVER]);
      assert.deepEqual([net.out.filter(asked).length, net.stack.time().kisses], [0, 1]);
      for (const server of [ip4("10.0.0.9"), SERVER]) {
        again([server]);
        assert.equal(net.stack.time().server, server);
      }
    });

    it("can be other ones from now on, and nobody: what is known stays", () => {
      const net = new Net();
      net.answer(net.question());
      net.stack.sntpStart([SECOND]);
      assert.equal(net.question(2).server, SECOND);
      net.stack.sntpStop();
      assert.deepEqual(net.silence(4000), []);
      assert.ok(net.utc > NOW);
    });

    it("are addresses of hosts, three at most, without gaps", () => {
      const net = new Net(), { exports } = net.stack;
      const ARGUMENT = -2;
      assert.equal(exports.sntp_start(0, SERVER, 0), ARGUMENT);
      assert.equal(exports.sntp_start(SERVER, 0, SECOND), ARGUMENT);
      for (const ip of [0xffffffff, ip4("224.0.1.1"), ip4("0.0.0.1"), 0xf8000001])
        assert.equal(exports.sntp_start(ip, 0, 0), ARGUMENT, ip.toString(16));
      assert.throws(() => net.stack.sntpStart([1, 2, 3, 4]), { code: "ARGUMENT" });
    });
  });
}
