/** An IPv4 address that the host gives itself (RFC 3927): probed, announced, defended, and left for a lease. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { SMALL } from "../harness/bench.js";
import { arp, ip4, MAC_PEER, MAC_STACK, type Seen } from "../harness/codec.js";
import { isDhcp, TYPE } from "../harness/dhcp.js";
import { minute, Net, OFFERED, probesOf, SERVER } from "../harness/dhcp-net.js";
import { MODULE } from "../harness/module.js";

const ZERO = [0, 0, 0, 0, 0, 0], OTHER = [2, 9, 9, 9, 9, 9], EVERYBODY = [255, 255, 255, 255, 255, 255];
const NET = ip4("169.254.0.0"), isLinkLocal = (ip: number): boolean => ip >>> 16 === NET >>> 16;

/** A host that asks for a lease, and gives itself an address if nobody answers. */
class Alone extends Net {
  constructor({ dhcp = true, wanted = 0, mac }: { dhcp?: boolean; wanted?: number; mac?: string | undefined } = {}) {
    super(mac === undefined ? {} : { mac }, { start: false });
    this.stack.linkLocalStart(wanted);
    if (dhcp) this.stack.dhcpStart(0, "lamp");
    this.poll();
  }

  get ip(): number {
    return this.stack.ownAddress();
  }

  /** Lets time pass until the stack has an address, and forgets what it has sent. */
  held(): this {
    for (let s = 0; s < 20 && this.ip === 0; s++) this.advance(1000);
    assert.ok(isLinkLocal(this.ip));
    this.advance(5000);
    this.out = [];
    return this;
  }

  /** Lets time pass until a probe comes. Returns it. */
  probe(): Seen {
    for (let n = 0; n < 2000; n++) {
      const found = probesOf(this.out)[0];
      this.out = [];
      if (found !== undefined) return found;
      this.advance(100);
    }
    throw new Error("no probe came");
  }

  /** Somebody else says that the address is his. */
  conflict(ip: number): void {
    this.frame(arp(2, { mac: OTHER, ip }, { mac: MAC_STACK, ip }, MAC_STACK));
  }

  /** What the stack says of itself in ARP, to everybody: the addresses. */
  announced(): number[] {
    return this.out.splice(0).filter((s) => s.kind === "arp" && s.op === 1 && s.ip.src !== 0 && s.ip.src === s.ip.dst)
      .map((s) => s.ip.src);
  }
}

if (!SMALL && !["stint6", "stint.owned.dual"].includes(MODULE)) {
  describe("RFC 3927: a link-local address of IPv4", () => {
    it("3927-1 3927-2 without an answer it is probed three times, then ours and announced twice; DHCP goes on", () => {
      const n = new Alone(), probes: number[] = [], said: number[] = [], asked: number[] = [], start = n.nowUs;
      let since = 0;
      for (let ms = 0; ms < 60_000; ms += 10) {
        n.advance(10);
        for (const s of n.out.splice(0)) {
          const at = (n.nowUs - start) / 1e6;
          if (isDhcp(s)) asked.push(at);
          else if (s.kind === "arp" && s.ip.src === 0) probes.push(at);
          else if (s.kind === "arp" && s.ip.src === s.ip.dst) said.push(at);
          if (s.kind === "arp") assert.deepEqual([s.op, isLinkLocal(s.ip.dst), s.dstMac], [1, true, EVERYBODY]);
        }
        if (n.ip !== 0) since ||= (n.nowUs - start) / 1e6;
      }
      const gaps = (at: number[]): number[] => at.slice(1).map((x, i) => x - at[i]!);
      assert.deepEqual([probes.length, said.length], [3, 2]);
      assert.ok(probes[0]! >= asked[1]! && probes[0]! <= asked[1]! + 1.1, "after a question without an answer");
      assert.ok(gaps(probes).every((s) => s >= 0.98 && s <= 2.02), `${gaps(probes)}`);
      assert.ok(since - probes[2]! >= 1.98, "two seconds after the last probe");
      assert.ok(gaps(said)[0]! >= 1.98 && said[0]! - since < 0.1, `${said}`);
      assert.ok(asked.length > 3 && asked.at(-1)! > since, "a server may come");
      assert.deepEqual([n.lease.linkLocal, n.lease.prefix, n.lease.gateway], [true, 16, 0]);
      assert.ok(n.told > 0);
    });

    it("3927-3 the address follows from the MAC address, and lies in 169.254.1.0 to 169.254.254.255", () => {
      const of = (mac?: string): number => new Alone({ mac }).probe().ip.dst;
      assert.equal(of(), of());
      const all = Array.from({ length: 40 }, (_, i) => of(`02:00:00:00:07:${(i + 16).toString(16)}`));
      assert.ok(new Set(all).size > 38);
      for (const ip of all) assert.ok(isLinkLocal(ip) && ((ip >> 8) & 255) % 255 !== 0, ip.toString(16));
    });

    it("3927-4 who has it, or wants it, too, has it: another one is tried", () => {
      for (const [what, taken] of [
        ["a reply", (ip: number) => arp(2, { mac: OTHER, ip }, { mac: MAC_STACK, ip: 0 }, MAC_STACK)],
        ["a request of whoever has it", (ip: number) => arp(1, { mac: OTHER, ip }, { mac: ZERO, ip: SERVER })],
        ["a probe", (ip: number) => arp(1, { mac: OTHER, ip: 0 }, { mac: ZERO, ip })],
      ] as [string, (ip: number) => Uint8Array][]) {
        const n = new Alone(), first = n.probe().ip.dst;
        n.frame(taken(first));
        const second = n.probe().ip.dst;
        assert.notEqual(second, first, what);
        assert.equal(n.held().ip, second, what);
        assert.equal(n.stack.counters().arpConflicts, 1, what);
      }
      const n = new Alone(), first = n.probe();
      n.frame(arp(1, { mac: MAC_STACK, ip: 0 }, { mac: ZERO, ip: first.ip.dst }));
      n.frame(arp(1, { mac: OTHER, ip: 0 }, { mac: ZERO, ip: first.ip.dst + 1 }));
      n.frame(arp(2, { mac: OTHER, ip: 0 }, { mac: ZERO, ip: first.ip.dst }));
      assert.equal(n.held().ip, first.ip.dst, "our own probe that comes back, and those for others, are none");
    });

    it("3927-5 after ten conflicts one address a minute is tried", () => {
      const n = new Alone({ dhcp: false }), tried = new Set<number>();
      for (let i = 0; i < 10; i++) {
        const ip = n.probe().ip.dst;
        tried.add(ip);
        n.conflict(ip);
      }
      assert.equal(tried.size, 10);
      for (let i = 0; i < 3; i++) {
        const before = n.nowUs, ip = n.probe().ip.dst, s = (n.nowUs - before) / 1e6;
        assert.ok(s > 59 && s < 61, `${s}`);
        n.conflict(ip);
      }
    });

    it("3927-6 5227-1 it is defended once in ten seconds; who insists has it, and connections end", () => {
      const n = new Alone().held(), ip = n.ip, handle = n.stack.connect(ip4("169.254.7.7"), 80);
      n.poll();
      n.out = [];
      n.conflict(ip);
      assert.deepEqual([n.announced(), n.ip], [[ip], ip]);
      n.advance(11_000);
      n.out = [];
      n.conflict(ip);
      assert.deepEqual([n.announced(), n.ip], [[ip], ip], "once more, later");
      n.advance(3000);
      n.out = [];
      n.conflict(ip);
      assert.deepEqual([n.announced(), n.ip], [[], 0]);
      assert.equal(n.stack.info(handle).error, ERR.NO_ADDRESS);
      const next = n.held().ip;
      assert.notEqual(next, ip);
    });

    it("3927-7 a lease takes its place at once, and it comes back when the lease has ended", () => {
      const n = new Alone().held(), ip = n.ip, handle = n.stack.connect(ip4("169.254.7.7"), 80);
      n.poll();
      n.out = [];
      for (let s = 0; s < 70 && !n.out.some(isDhcp); s++) n.advance(1000);
      // To the address that is offered: a server need not broadcast.
      n.reply(TYPE.OFFER, n.message(TYPE.DISCOVER), {}, OFFERED);
      assert.equal(n.ip, ip, "an offer is none yet");
      n.reply(TYPE.ACK, n.message(TYPE.REQUEST), { options: minute() }, OFFERED);
      assert.equal(n.stack.info(handle).error, ERR.NO_ADDRESS);
      n.advance(400);
      assert.deepEqual([n.ip, n.lease.state, n.lease.linkLocal], [OFFERED, "BOUND", false]);
      n.out = [];
      n.advance(50_000);
      assert.equal(probesOf(n.out).length, 0, "while there is a lease none is looked for");
      n.advance(10_000);
      n.out = [];
      assert.deepEqual([n.held().ip, n.lease.linkLocal], [ip, true]);
    });

    it("3927-7 a refusal, or a search that begins anew, leaves it", () => {
      const n = new Alone().held(), ip = n.ip;
      for (let s = 0; s < 70 && !n.out.some(isDhcp); s++) n.advance(1000);
      n.reply(TYPE.OFFER, n.message(TYPE.DISCOVER));
      n.reply(TYPE.NAK, n.message(TYPE.REQUEST));
      assert.deepEqual([n.ip, n.lease.refused], [ip, 1]);
      n.advance(300_000);
      assert.equal(n.ip, ip);
      n.stack.dhcpStop();
      n.advance(2000);
      assert.equal(n.ip, ip, "it is no lease");
    });

    it("3927-8 what is to or from it goes to no router, and its ARP goes to everybody", () => {
      const far = ip4("198.51.100.7"), near = ip4("169.254.9.9"), n = new Alone().held();
      n.frame(arp(1, { mac: OTHER, ip: near }, { mac: ZERO, ip: n.ip }));
      const reply = n.out.splice(0).find((s) => s.kind === "arp")!;
      assert.deepEqual([reply.op, reply.ip.dst, reply.dstMac], [2, near, EVERYBODY]);
      const s = n.stack.udpOpen(5000);
      n.stack.udpSend(s, far, 53, Uint8Array.of(1));
      n.poll();
      assert.deepEqual(n.out.splice(0).map((x) => [x.kind, x.ip.dst]), [["arp", far]]);
      n.frame(arp(2, { mac: OTHER, ip: far }, { mac: MAC_STACK, ip: n.ip }, MAC_STACK));
      assert.deepEqual(n.out.splice(0).map((x) => [x.kind, x.dstMac]), [["udp", OTHER]]);
      const m = new Alone().bound();
      assert.equal(m.lease.gateway, SERVER);
      m.stack.udpSend(m.stack.udpOpen(5000), near, 53, Uint8Array.of(1));
      m.poll();
      assert.deepEqual(m.out.splice(0).map((x) => [x.kind, x.ip.dst]), [["arp", near]]);
      m.frame(arp(2, { mac: OTHER, ip: near }, { mac: MAC_STACK, ip: m.ip }, MAC_STACK));
      assert.deepEqual(m.out.map((x) => [x.kind, x.dstMac, x.ip.src]), [["udp", OTHER, OFFERED]]);
    });

    it("without DHCP it begins at once, with the address of before; it ends when it is told to", () => {
      const wanted = ip4("169.254.33.44"), n = new Alone({ dhcp: false, wanted });
      assert.equal(n.probe().ip.dst, wanted);
      assert.ok(n.nowUs <= 2_100_000);
      assert.equal(n.held().ip, wanted);
      n.stack.linkLocalStop();
      n.advance(20_000);
      assert.deepEqual([n.ip, probesOf(n.out).length], [0, 0]);
      for (const ip of ["10.0.0.1", "169.254.0.255", "169.254.255.0", "169.255.0.0"])
        assert.throws(() => n.stack.linkLocalStart(ip4(ip)), { code: "ARGUMENT" }, ip);
      n.stack.linkLocalStart();
      n.stack.setAddress(ip4("10.0.0.5"), 24, 0);
      n.advance(20_000);
      n.stack.setAddress(0);
      n.advance(20_000);
      assert.deepEqual([n.ip, probesOf(n.out).length], [0, 0], "an address by hand ends it");
    });

    it("3927-9 on another link somebody may have it: it is looked for anew, after DHCP", () => {
      for (const dhcp of [true, false]) {
        const n = new Alone({ dhcp }).held(), ip = n.ip;
        n.stack.linkChanged();
        n.poll();
        assert.equal(n.ip, 0);
        assert.equal(n.probe().ip.dst, ip);
        n.conflict(ip);
        assert.notEqual(n.held().ip, ip);
      }
    });

    it("where nobody asked for one there is none", () => {
      const n = new Net();
      n.advance(120_000);
      assert.deepEqual([n.stack.ownAddress(), probesOf(n.out).length], [0, 0]);
      n.frame(arp(1, { mac: MAC_PEER, ip: SERVER }, { mac: ZERO, ip: ip4("169.254.7.7") }));
      assert.equal(n.stack.lease().linkLocal, false);
    });
  });
}
