/** Which address of ours a connection is opened from (RFC 6724 §5): its examples (§10.1), and the rules' order. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SMALL } from "../harness/bench.js";
import { MAC_PEER } from "../harness/codec.js";
import {
  advertisement, ALL_NODES, hex6, ip6, nd, routerAdvertisement, see6, solicitation, solicited,
} from "../harness/codec6.js";
import { Polled } from "../harness/polled.js";

const ROUTER = ip6("fe80::1"), SECOND = ip6("fe80::2");
/** Of a router advertisement: high, and low, preference (RFC 4191 §2.2). */
const HIGH = 0x08, LOW = 0x18;
const DAY = 86_400;

/** Addresses that a stack has beside its link-local one. */
interface Candidates {
  fixed?: string[];
  /** Prefixes that a router tells, of which there is a temporary address, too. */
  told?: string[];
  /** Prefixes that it tells as deprecated. */
  deprecated?: string[];
  /** Whether there are temporary addresses. */
  temporary?: boolean;
}

class Net extends Polled {
  constructor({ fixed = [], told = [], deprecated = [], temporary = true }: Candidates = {}) {
    super(Polled.stack({ ip: "10.0.0.1/24", connsMax: 4, policy: { announce: false } }));
    this.poll();
    if (temporary) this.stack.ip6TemporaryStart();
    this.stack.ip6Start(new Uint8Array(16).fill(7));
    for (const text of fixed) this.stack.ip6Add(ip6(text), 0);
    this.poll();
    this.router(ROUTER, told);
    const stale = { flags: 0x40, valid: DAY, preferred: 0 };
    for (const prefix of deprecated) this.tell(ROUTER, nd.prefix(ip6(prefix), stale));
    this.advance(3000);
  }

  tell(from: Uint8Array, options: number[], head: { flags?: number; lifetime?: number } = {}): void {
    this.frame(routerAdvertisement(from, [...nd.source(MAC_PEER), ...options], head));
  }

  /** A router tells prefixes from which addresses are made, and which are not on the link. */
  router(from: Uint8Array, prefixes: string[], head: { flags?: number; lifetime?: number } = {}): void {
    const good = { flags: 0x40, valid: DAY, preferred: DAY };
    this.tell(from, prefixes.flatMap((text) => nd.prefix(ip6(text), good)), head);
  }

  /** The source of a SYN to `text`: its origin and its first half, or itself if it is fixed. */
  source(text: string): string {
    const to = ip6(text), all = this.stack.ip6Addresses(), local = all.find((a) => a.origin === "link-local")!.bytes;
    // Whoever is on the link makes himself known.
    if (text.startsWith("fe80:")) this.frame(solicitation(to, local, nd.source(MAC_PEER), { dst: solicited(local) }));
    this.out = [];
    const { exports } = this.stack, said = this.stack.ip6Bytes(exports.ip_source(this.stack.ip6Name(to)) >>> 0);
    const handle = this.stack.connect(this.stack.ip6Name(to), 80);
    this.poll();
    const syn = this.out.map((s) => see6(s.raw)).find((s) => s?.next === 6 && hex6(s.dst) === hex6(to));
    this.stack.abort(handle);
    this.poll();
    assert.ok(syn, "there is a SYN");
    assert.equal(said && hex6(said), hex6(syn.src), "who asks before is told the same");
    const own = all.find((a) => hex6(a.bytes) === hex6(syn.src))!;
    if (own.origin === "fixed") return hex6(own.bytes);
    if (own.origin === "link-local") return own.origin;
    return `${own.origin} ${hex6(own.bytes).split(":").slice(0, 4).join(":")}`;
  }
}

const full = (text: string): string => hex6(ip6(text));

interface Case { rule: string; to: string; of: Candidates; source: string }

const CASES: Case[] = [
  // §10.1.
  { rule: "10.1, prefer appropriate scope", to: "2001:db8:1::1", of: { fixed: ["2001:db8:3::1"] },
    source: full("2001:db8:3::1") },
  { rule: "10.1, prefer appropriate scope", to: "fe80::77", of: { fixed: ["2001:db8:1::1"] }, source: "link-local" },
  { rule: "10.1, longest matching prefix", to: "2001:db8:1::1",
    of: { fixed: ["2001:db8:3::2", "2001:db8:1::2"] }, source: full("2001:db8:1::2") },
  { rule: "10.1, prefer matching label", to: "2002:c633:6401::1",
    of: { fixed: ["2001:db8:1::2"], told: ["2002:c633:6401::"] }, source: "temporary 2002:c633:6401:0" },
  { rule: "10.1, prefer temporary address", to: "2001:db8:1::d5e3:0:0:1", of: { told: ["2001:db8:1::"] },
    source: "temporary 2001:db8:1:0" },
  // §5: which rule is asked first.
  { rule: "rule 2 before 3: scope, before what is not deprecated", to: "2001:db8:9::9",
    of: { deprecated: ["2001:db8:1::"] }, source: "prefix 2001:db8:1:0" },
  { rule: "rule 3 before 6: not deprecated, before the label", to: "2001:db8:9::9",
    of: { fixed: ["fd00::7"], deprecated: ["2001:db8:1::"] }, source: full("fd00::7") },
  { rule: "rule 3 before 8: not deprecated, before the prefix", to: "2001:db8:1::9",
    of: { fixed: ["2001:db8:8000::7"], deprecated: ["2001:db8:1::"] }, source: full("2001:db8:8000::7") },
  { rule: "rule 6 before 7: the label, before what is temporary", to: "2001:db8:9::9",
    of: { fixed: ["2001:db8:8000::7"], told: ["fd00::"] }, source: full("2001:db8:8000::7") },
  { rule: "rule 6 before 7: the same of a unique local destination", to: "fd77::9",
    of: { fixed: ["fd00::7"], told: ["2001:db8:1::"] }, source: full("fd00::7") },
  { rule: "rule 6 before 7: the same of 6to4", to: "2001:db8:9::9",
    of: { fixed: ["2001:db8:8000::7"], told: ["2002:c633:6401::"] }, source: full("2001:db8:8000::7") },
  { rule: "rule 6 before 7: the same of Teredo", to: "2001:db8:9::9",
    of: { fixed: ["2001:db8:8000::7"], told: ["2001:0:1::"] }, source: full("2001:db8:8000::7") },
  { rule: "rule 6 before 8: the label, before the prefix", to: "2001:db8:9::9",
    of: { fixed: ["2001:0:1::7", "2600::7"] }, source: full("2600::7") },
  { rule: "rule 7 before 8: what is temporary, before the prefix", to: "2001:db8:9::9",
    of: { fixed: ["2001:db8:9::7"], told: ["2001:db8:1::"] }, source: "temporary 2001:db8:1:0" },
];

/** §2.1: an address under each prefix of the table, and one under another with the same label. */
const LABELS = [["::102:304", "::403:201"], ["2001:db8:1::7", "2600::9"], ["2002::7", "2002:8000::9"],
  ["2001:0:1::7", "2001:0:8000::9"], ["fc00::7", "fdff::9"], ["fec0::7", "fec0:8000::9"], ["3ffe::7", "3ffe:8000::9"]];

if (!SMALL) {
  describe("RFC 6724 §5: the source of a connection", () => {
    for (const { rule, to, of, source } of CASES)
      it(`6724-${rule}: to ${to}`, () => assert.equal(new Net(of).source(to), source));

    it("6724-6: of two that are alike but for the label, that of the destination's", () => {
      for (const [own, to] of LABELS.filter(([own]) => !own!.startsWith("fec0"))) {
        const others = LABELS.map(([other]) => other!).filter((other) => other !== own && !other.startsWith("fec0"));
        for (const other of others)
          assert.equal(new Net({ fixed: [other, own!] }).source(to!), full(own!), `${to} from ${own} or ${other}`);
      }
    });

    it("6724-1: there is no source for a group, for nobody, and where no router leads", () => {
      const net = new Net({ fixed: ["2001:db8:3::1"] }), { exports } = net.stack;
      const source = (text: string): number => exports.ip_source(net.stack.ip6Name(ip6(text)));
      assert.deepEqual(["ff02::1", "::"].map(source), [0, 0]);
      assert.notEqual(source("2001:db8:9::9"), 0);
      net.router(ROUTER, [], { lifetime: 0 });
      assert.equal(source("2001:db8:9::9"), 0);
      const four = [0, 0x0a000001, 0x0a000002, 0x0a0000ff, 0x08080808, 0xe0000001, 0xffffffff];
      assert.deepEqual(four.map((ip) => exports.ip_source(ip) >>> 0), [0, 0x0a000001, 0x0a000001, 0, 0, 0, 0]);
      assert.equal(exports.ip_source(0x7f000001), 0x7f000001);
    });

    it("6724-5: an address whose predecessor somebody else has was told by the same router", () => {
      const net = new Net({ temporary: false });
      net.router(ROUTER, ["2001:db8:1::"], { flags: HIGH });
      net.router(SECOND, ["2001:db8:2::"], { flags: LOW });
      const { bytes } = net.stack.ip6Addresses().find((a) => hex6(a.bytes).startsWith("2001:db8:1:"))!;
      net.advance(150);
      net.frame(advertisement(bytes, ALL_NODES, bytes, 1));
      net.advance(3000);
      assert.equal(net.source("2001:db8:3::9"), "prefix 2001:db8:1:0");
    });

    it("6724-5: the prefix of the router that packets go to, before others, whatever label and length", () => {
      const net = new Net();
      net.router(SECOND, ["2001:db8:9::"], { flags: LOW });
      net.router(ROUTER, ["2001:db8:1::"], { flags: HIGH });
      net.advance(3000);
      assert.equal(net.source("2001:db8:9::9"), "temporary 2001:db8:1:0");
      // It is a router no longer: packets go to the other one.
      net.router(ROUTER, [], { lifetime: 0 });
      assert.equal(net.source("2001:db8:9::9"), "temporary 2001:db8:9:0");
      assert.equal(net.source("2001:db8:1::9"), "temporary 2001:db8:1:0", "no router has told it: it is as good");
      // A third router, in the first one's place, has told nothing.
      net.router(ip6("fe80::3"), [], { flags: HIGH });
      assert.equal(net.source("2001:db8:9::9"), "temporary 2001:db8:9:0");
      assert.equal(net.source("2001:db8:1::9"), "temporary 2001:db8:1:0");
      net.router(ip6("fe80::3"), ["2001:db8:1::"], { flags: HIGH });
      assert.equal(net.source("2001:db8:9::9"), "temporary 2001:db8:1:0");
    });
  });
}
