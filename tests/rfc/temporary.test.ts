/** Temporary addresses (RFC 8981): how they are made, how long they live, what follows them, and who uses them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { SMALL } from "../harness/bench.js";
import { MAC_PEER } from "../harness/codec.js";
import {
  advertisement, ALL_NODES, hex6, ip6, nd, routerAdvertisement, see6, solicitation, udp6,
} from "../harness/codec6.js";
import { entropyOf } from "../harness/entropy.js";
import { Polled } from "../harness/polled.js";

const ROUTER = ip6("fe80::1"), PREFIX = ip6("2001:db8:1::"), OTHER = ip6("2001:db8:2::"), FAR = ip6("2001:db8:9::9");
const MINUTE = 60, HOUR = 3600, DAY = 86_400;

class Net extends Polled {
  constructor({ wanted = true, seed = 1 } = {}) {
    super(Polled.stack({ ip: "10.0.0.1/24", entropy: entropyOf(seed), connsMax: 4, policy: { announce: false } }));
    this.poll();
    if (wanted) this.stack.ip6TemporaryStart();
    this.stack.ip6Start(new Uint8Array(16).fill(7));
    this.poll();
  }

  router(prefix = PREFIX, lifetimes: { valid?: number; preferred?: number } = {}): void {
    this.frame(routerAdvertisement(ROUTER, [...nd.source(MAC_PEER), ...nd.prefix(prefix, lifetimes)]));
  }

  /** The link was away, and this is what its router tells then. */
  another(prefix: Uint8Array, lifetimes: { valid?: number; preferred?: number } = {}): void {
    this.stack.linkChanged();
    this.poll();
    this.router(prefix, { valid: 30 * DAY, preferred: 30 * DAY, ...lifetimes });
    this.advance(3000);
  }

  /** A router that tells its prefix again and again for so long, which is good for a month. */
  pass(seconds: number, every = 10 * MINUTE): void {
    for (let s = 0; s < seconds; s += every) {
      this.router(PREFIX, { valid: 30 * DAY, preferred: 30 * DAY });
      this.advance(Math.min(every, seconds - s) * 1000);
      this.out = [];
    }
  }

  get all(): { text: string; ready: boolean; preferredS: number; validS: number }[] {
    const found = this.stack.ip6Addresses().filter((a) => a.origin === "temporary");
    return found.map(({ bytes, ready, preferredS, validS }) => ({ text: hex6(bytes), ready, preferredS, validS }));
  }

  /** The router tells no more, but what it told is good for ever. */
  forEver(): void {
    this.router(PREFIX, { valid: 0xffffffff, preferred: 0xffffffff });
  }

  /** Somebody else has the temporary address that is looked for. */
  conflict(): string {
    const own = this.stack.ip6Addresses().find((a) => a.origin === "temporary" && !a.ready)!.bytes;
    this.advance(150);
    this.frame(advertisement(own, ALL_NODES, own, 1));
    return hex6(own);
  }

  whole(): { bytes: Uint8Array; preferredS: number; validS: number } {
    return this.stack.ip6Addresses().find((a) => a.origin === "prefix")!;
  }

  get texts(): string[] {
    return this.all.map((a) => a.text);
  }

  /** The router is there, and tells no prefix. */
  near(): void {
    this.frame(routerAdvertisement(ROUTER, nd.source(MAC_PEER)));
    this.out = [];
  }

  /** The source of a SYN to a host behind the router. */
  source(): string {
    this.near();
    const handle = this.stack.connect(this.stack.ip6Name(FAR), 80);
    this.poll();
    const syn = this.out.map((s) => see6(s.raw)).find((s) => s?.next === 6 && hex6(s.dst) === hex6(FAR));
    this.stack.abort(handle);
    this.poll();
    return hex6(syn!.src);
  }
}

const month = { valid: 30 * DAY, preferred: 30 * DAY };

if (!SMALL) {
  describe("RFC 8981 §3.3, §3.4: a temporary address", () => {
    it("8981-1: random for each prefix and each start, and looked for before it is used", () => {
      const made = [1, 2].flatMap((seed) => {
        const net = new Net({ seed });
        for (const prefix of [PREFIX, OTHER]) net.router(prefix);
        assert.deepEqual(net.all.map((a) => a.ready), [false, false]);
        net.advance(2500);
        assert.deepEqual(net.all.map((a) => a.ready), [true, true]);
        return net.texts;
      });
      const ends = made.map((text) => text.split(":").slice(4).join(":"));
      assert.equal(new Set(ends).size, 4, ends.join(" "));
      assert.ok(!ends.some((end) => /ff:fe/.test(end)), "not of the MAC address");
    });

    it("8981-2: valid for two days, preferred for one less up to 0.4 by chance, and no longer than the prefix", () => {
      const preferred = [1, 2, 3, 4, 5, 6].map((seed) => {
        const net = new Net({ seed });
        net.router(PREFIX, month);
        const [a] = net.all;
        assert.ok(a!.validS >= 2 * DAY - 1 && a!.validS <= 2 * DAY);
        assert.ok(a!.preferredS <= DAY && a!.preferredS >= 0.6 * DAY - 1, String(a!.preferredS));
        return a!.preferredS;
      });
      assert.ok(new Set(preferred).size > 3, "not all at once");
      const net = new Net();
      net.router(PREFIX, { valid: 4 * HOUR, preferred: HOUR });
      assert.deepEqual(net.all.map((a) => [a.preferredS, a.validS]), [[HOUR, 4 * HOUR]]);
      net.router(PREFIX, month);
      assert.ok(net.all[0]!.preferredS > HOUR && net.all[0]!.validS > 4 * HOUR, "what a router says next is heeded");
    });

    it("8981-3: none where it would be preferred for 5 s or less", () => {
      for (const [preferred, count] of [[0, 0], [5, 0], [6, 1]] as const) {
        const net = new Net();
        net.router(PREFIX, { valid: HOUR, preferred });
        assert.equal(net.all.length, count, `${preferred} s`);
      }
    });

    it("8981-4: somebody has it: another one, three in all; then after an hour, or on another link", () => {
      for (const sooner of [false, true]) {
        const net = new Net(), seen = new Set<string>();
        net.forEver();
        for (let n = 0; n < 3; n++) seen.add(net.conflict());
        assert.deepEqual([seen.size, net.texts], [3, []]);
        net.forEver();
        net.advance(59 * MINUTE * 1000);
        assert.deepEqual(net.texts, [], "whatever the router says");
        if (sooner) net.stack.linkChanged();
        net.advance(sooner ? 1000 : 2 * MINUTE * 1000);
        assert.equal(net.texts.length, 1);
      }
    });

    it("8981-4: others have the next one: the first is there as long as it is valid, and another one is made", () => {
      const net = new Net();
      net.forEver();
      net.advance(3000);
      const [first] = net.all;
      net.advance((first!.preferredS - 6) * 1000);
      for (let n = 0; n < 100 && net.texts.length === 1; n++) net.advance(100);
      for (let n = 0; n < 3; n++) net.conflict();
      assert.deepEqual(net.texts, [first!.text]);
      net.advance(2 * HOUR * 1000);
      assert.equal(net.texts.length, 2);
      assert.notEqual(net.source(), first!.text);
    });

    it("8981-4: days pass at once, or the host takes it away: there is another one", () => {
      const net = new Net();
      net.forEver();
      net.advance(3000);
      const [first] = net.texts;
      net.nowUs += 3 * DAY * 1e6;
      net.poll();
      net.advance(3000);
      const [second, ...more] = net.texts;
      assert.notEqual(second, first);
      assert.deepEqual([more, net.source()], [[], second]);
      net.stack.ip6Remove(net.stack.ip6Addresses().find((a) => a.origin === "temporary")!.bytes);
      net.poll();
      net.advance(3000);
      const [third, ...others] = net.texts;
      assert.ok(third !== first && third !== second);
      assert.deepEqual([others, net.source()], [[], third]);
    });

    it("8981-4: the next one is there before the first is deprecated, and takes its place; then the first goes", () => {
      const net = new Net();
      net.router(PREFIX, month);
      net.advance(3000);
      const [first] = net.all, early = first!.preferredS - 6;
      net.pass(early);
      assert.deepEqual(net.texts, [first!.text]);
      net.pass(4);
      assert.equal(net.texts.length, 2);
      net.pass(20, 20);
      const next = net.texts.find((text) => text !== first!.text)!;
      assert.equal(net.source(), next, "of the one that is preferred");
      net.pass(2 * DAY - early - HOUR);
      assert.ok(net.texts.includes(first!.text), "valid for two days");
      net.pass(2 * HOUR);
      assert.ok(!net.texts.includes(first!.text));
      assert.ok(net.texts.length <= 4);
    });

    it("weeks: never more than six, one at least is preferred, and none comes twice", () => {
      const net = new Net(), seen = new Set<string>();
      for (let day = 0; day < 14; day++) {
        net.pass(DAY, HOUR);
        net.advance(3000);
        for (const text of net.texts) seen.add(text);
        assert.ok(net.texts.length <= 6 && net.all.some((a) => a.ready && a.preferredS > 0), `day ${day}`);
      }
      assert.ok(seen.size >= 14 && seen.size <= 25, String(seen.size));
    });

    it("a router that floods the link with prefixes makes six at most; those of the host keep their places", () => {
      const net = new Net();
      for (let n = 0; n < 100; n++)
        net.router(ip6(`2001:db8:${(n + 16).toString(16)}::`), { valid: HOUR, preferred: 6 + n });
      assert.ok(net.texts.length <= 6);
      for (let n = 0; n < 2; n++) net.stack.ip6Add(ip6(`fd00::${n + 1}`), 64);
    });

    it("prefixes without end, whose other addresses somebody has: none that a connection may have goes", () => {
      const net = new Net();
      net.router(PREFIX, { valid: 7 * DAY, preferred: HOUR });
      net.advance(3000);
      const [own] = net.texts;
      for (let n = 0; n < 20; n++) {
        net.router(ip6(`2001:db8:${(n + 16).toString(16)}::`), { valid: 7 * DAY, preferred: 7 * DAY });
        for (let tries = 0; tries < 3; tries++) {
          const forming = net.stack.ip6Addresses().find((a) => a.origin === "prefix" && !a.ready)!.bytes;
          net.frame(solicitation(ip6("::"), forming, []));
        }
        net.advance(2000);
        assert.ok(net.texts.length <= 6 && net.texts.includes(own!), `prefix ${n}`);
      }
    });

    it("4862-15: forged advertisements of routers deprecate it, no more, and leave it two hours", () => {
      const net = new Net();
      net.router(PREFIX, month);
      net.advance(3000);
      const [own] = net.all;
      for (let n = 0; n < 50; n++) {
        for (const forged of [{ valid: 0, preferred: 0 }, { valid: 6, preferred: 6 }, { valid: 7, preferred: 8 }])
          net.router(PREFIX, forged);
        net.advance(500);
      }
      assert.deepEqual(net.texts, [own!.text], "no other one was made, nor did it go");
      assert.ok(net.all[0]!.validS > 2 * HOUR - 60, String(net.all[0]!.validS));
      net.router(PREFIX, { valid: 0, preferred: 0 });
      assert.equal(net.source(), own!.text, "of two that are deprecated");
      net.router(PREFIX, month);
      assert.ok(own!.preferredS - net.all[0]!.preferredS < MINUTE, "what the router says next is heeded");
      assert.equal(net.source(), own!.text);
    });

    it("4862-8: forged advertisements and solicitations of neighbours do nothing to one that passed detection", () => {
      const net = new Net();
      net.router(PREFIX, month);
      net.advance(3000);
      const [own] = net.texts, { bytes } = net.stack.ip6Addresses().find((a) => a.origin === "temporary")!;
      for (const frame of [
        advertisement(bytes, ALL_NODES, bytes, 1), advertisement(ip6("fe80::bad"), ALL_NODES, bytes, 5),
        advertisement(ip6("fe80::bad"), bytes, bytes, 7), solicitation(ip6("::"), bytes, []),
      ]) net.frame(frame);
      net.advance(3000);
      assert.deepEqual([net.texts, net.source()], [[own], own]);
    });

    it("a prefix that is told as deprecated, and ends: its temporary address does so with it", () => {
      const net = new Net();
      net.router(PREFIX, { valid: 3 * HOUR, preferred: HOUR });
      net.advance(3000);
      net.router(PREFIX, { valid: 60, preferred: 0 });
      const [a] = net.all;
      assert.equal(a!.preferredS, 0);
      assert.ok(a!.validS <= 2 * HOUR && a!.validS > HOUR, "not sooner than in two hours");
      net.advance(2 * HOUR * 1000 + 1000);
      assert.deepEqual(net.texts, []);
    });
  });

  describe("RFC 8981 §3.5: a link that changes", () => {
    it("the same one, as its router tells: it stays", () => {
      const net = new Net();
      for (const prefix of [PREFIX, OTHER]) net.router(prefix, month);
      net.advance(3000);
      const all = net.texts;
      net.stack.linkChanged();
      net.poll();
      assert.deepEqual(net.texts, all);
      net.frame(routerAdvertisement(ip6("fe80::5"), []));
      net.router(OTHER, month);
      net.router(ip6("2001:db8:3::"), month);
      assert.deepEqual([net.texts.slice(0, 2), net.texts.length], [all, 3], "and is not doubted again");
    });

    it("another one: there are others at once, none that was seen on the first one", () => {
      const net = new Net();
      net.router(PREFIX, month);
      net.advance(3000);
      const [first] = net.texts, handle = net.stack.connect(net.stack.ip6Name(FAR), 80);
      net.stack.linkChanged();
      net.poll();
      net.router(OTHER, month);
      net.advance(3000);
      const [second, ...more] = net.texts;
      assert.deepEqual([more, net.source()], [[], second]);
      assert.ok(second!.startsWith("2001:db8:2:0:") && second!.slice(-19) !== first!.slice(-19));
      assert.equal(net.stack.info(handle).error, ERR.NO_ADDRESS);
      assert.equal(net.whole().preferredS, 0, "what the first one's router told is deprecated");
      // Back there.
      net.stack.linkChanged();
      net.poll();
      net.router(PREFIX, month);
      net.advance(3000);
      const back = net.texts.find((text) => text.startsWith("2001:db8:1:0:"));
      assert.ok(back !== undefined && back !== first);
    });
  });

  describe("RFC 8981 §3.6, RFC 6724 rule 7: who uses it", () => {
    it("8981-6: a connection is opened from it; one that comes to the other address is answered from that", () => {
      const net = new Net();
      net.router(PREFIX, month);
      net.advance(3000);
      assert.deepEqual([net.source()], net.texts);
    });

    it("1122-4.1.3.5: whoever asked a socket that was closed has not asked the next one on its port", () => {
      const net = new Net();
      net.router(PREFIX, month);
      net.advance(3000);
      const first = net.stack.udpOpen(7);
      net.near();
      net.frame(udp6({ src: FAR, dst: net.whole().bytes }, 1000, 7, new Uint8Array(4)));
      net.stack.udpClose(first);
      net.poll();
      net.out = [];
      net.stack.udpSend(net.stack.udpOpen(7), net.stack.ip6Name(FAR), 1000, new Uint8Array(4));
      net.poll();
      const froms = net.out.map((s) => see6(s.raw)!).filter((s) => s.next === 17).map((s) => hex6(s.src));
      assert.deepEqual(froms, net.texts);
    });

    it("1122-4.1.3.5: a datagram is answered from the address that it came to, for five minutes", () => {
      const net = new Net();
      net.router(PREFIX, month);
      net.advance(3000);
      const handle = net.stack.udpOpen(7), { bytes: whole } = net.whole(), [brief] = net.texts;
      const froms = (...ports: number[]): string[] => {
        net.near();
        for (const port of ports) net.stack.udpSend(handle, net.stack.ip6Name(FAR), port, new Uint8Array(4));
        net.poll();
        return net.out.map((s) => see6(s.raw)!).filter((s) => s.next === 17).map((s) => hex6(s.src));
      };
      const ask = (port: number, at: Uint8Array): void => {
        net.frame(udp6({ src: FAR, dst: at }, port, 7, new Uint8Array(4)));
        net.stack.udpReceive(handle);
      };
      assert.deepEqual(froms(1000), [brief], "a question of our own");
      for (let port = 1000; port < 1032; port++) ask(port, whole);
      assert.deepEqual(new Set(froms(...Array.from({ length: 32 }, (_, i) => 1000 + i))), new Set([hex6(whole)]));
      assert.deepEqual(froms(2000), [brief], "another one is asked from what serves best");
      ask(1031, ip6(brief!));
      assert.deepEqual(froms(1030, 1031), [hex6(whole), brief], "the last address counts");
      net.advance(4 * MINUTE * 1000);
      assert.deepEqual(froms(1030), [hex6(whole)]);
      net.advance(2 * MINUTE * 1000);
      assert.deepEqual(froms(1030), [brief], "that is no answer any more");
      ask(1030, whole);
      net.stack.ip6Remove(whole);
      net.poll();
      assert.deepEqual(froms(1030), [brief], "it is ours no longer");
    });

    it("8981-5: without it being asked for there is none; it can be asked for later, and given up", () => {
      const net = new Net({ wanted: false });
      net.router(PREFIX, month);
      net.advance(3000);
      const whole = net.stack.ip6Addresses().find((a) => a.origin === "prefix")!;
      assert.deepEqual([net.texts, net.source()], [[], hex6(whole.bytes)]);
      net.stack.ip6TemporaryStart();
      net.poll();
      net.advance(3000);
      assert.deepEqual([net.source()], net.texts);
      net.stack.ip6TemporaryStop();
      assert.deepEqual([net.texts, net.source()], [[], hex6(whole.bytes)]);
      net.router(PREFIX, month);
      assert.deepEqual(net.texts, []);
      assert.equal(net.stack.exports.ip6_temporary(2), ERR.ARGUMENT);
    });
  });

  describe("RFC 8981 §3.5: links that come and go", () => {
    const month = { valid: 30 * DAY, preferred: 30 * DAY };

    it("back on the first link, nothing of the second one is used, and none of its temporary addresses is left", () => {
      const net = new Net();
      net.router(PREFIX, month);
      net.advance(3000);
      net.another(OTHER);
      const [second] = net.texts.filter((t) => t.startsWith("2001:db8:2:"));
      assert.ok(second);
      net.another(PREFIX);
      assert.ok(!net.texts.includes(second));
      net.out = [];
      net.stack.connect(net.stack.ip6Name(ip6("2001:db8:3::9")), 80);
      net.poll();
      const syn = net.out.map((s) => see6(s.raw)).find((s) => s?.next === 6)!;
      assert.match(hex6(syn.src), /^2001:db8:1:/);
    });

    for (const [what, prefix, lifetimes] of [
      ["the link-local prefix", ip6("fe80::"), month],
      ["a prefix that is over, and was unknown", OTHER, { valid: 0, preferred: 0 }],
      ["one that is preferred for longer than valid", OTHER, { valid: 5, preferred: 9 }],
    ] as const)
      it(`an advertisement that forms nothing says nothing of the link: ${what} (RFC 4862 §5.5.3)`, () => {
        const net = new Net();
        net.router(PREFIX, month);
        net.advance(3000);
        const own = net.texts;
        net.stack.linkChanged();
        net.poll();
        net.router(prefix, lifetimes);
        net.router(PREFIX, month);
        net.advance(3000);
        assert.deepEqual(net.texts, own);
      });

    it("a link whose router has deprecated its only prefix is the same one when it comes back", () => {
      const net = new Net();
      net.router(PREFIX, month);
      net.advance(3000);
      const own = net.texts;
      net.router(PREFIX, { valid: 30 * DAY, preferred: 0 });
      net.another(PREFIX, { preferred: 0 });
      assert.deepEqual(net.texts, own);
    });

    it("each of many links gets an address: one of a link that was left goes for it", () => {
      const net = new Net();
      for (let n = 1; n < 8; n++) {
        net.another(ip6(`2001:db8:${n}::`));
        const at = (origin: string): boolean => net.stack.ip6Addresses().some((a) =>
          a.origin === origin && a.ready && hex6(a.bytes).startsWith(`2001:db8:${n}:`));
        assert.deepEqual([at("prefix"), at("temporary")], [true, true], `link ${n}`);
      }
    });

    it("a link is known by a temporary address, too, where somebody has the other one", () => {
      const net = new Net();
      net.router(PREFIX, month);
      for (let n = 0; n < 3; n++) {
        const { bytes } = net.whole();
        net.advance(150);
        net.frame(advertisement(bytes, ALL_NODES, bytes, 1));
      }
      net.advance(3000);
      const own = net.texts;
      assert.equal(own.length, 1);
      net.another(PREFIX);
      assert.deepEqual(net.texts, own);
    });

    it("RFC 8981 §3.4 (5): after a conflict none is made under a prefix that is deprecated by now", () => {
      const net = new Net();
      net.router(PREFIX, { valid: 7200, preferred: 3600 });
      net.router(PREFIX, { valid: 7200, preferred: 0 });
      net.conflict();
      assert.deepEqual(net.texts, []);
    });
  });
}
