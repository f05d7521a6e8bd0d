/** Redirects (RFC 4861 §8): who may say that there is a better way, what is done then, and when it ends. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SMALL } from "../harness/bench.js";
import { Bench6, FAR, PEER, ROUTER } from "../harness/bench6.js";
import { MAC_PEER } from "../harness/codec.js";
import {
  advertisement, ALL_NODES, icmp6, ip6, nd, redirect, routerAdvertisement, solicitation, udp6, type Ip6,
} from "../harness/codec6.js";
import { MODULE } from "../harness/module.js";

const BETTER = ip6("fe80::2"), MAC_BETTER = [2, 0, 0, 0, 0, 2], MAC_NEAR = [2, 0, 0, 0, 0, 7];
const far = (n: number): Uint8Array => ip6(`2001:db8:ffff::${(n + 0x10).toString(16)}`);

/** Ready, with a socket; its router has MAC_PEER. */
class Host extends Bench6 {
  readonly #socket: number;

  constructor() {
    super();
    this.ready();
    this.#socket = this.stack.udpOpen(5000);
  }

  /** The MAC addresses that a datagram goes to at once. */
  way(dst: Uint8Array): number[][] {
    this.out = [];
    this.stack.udpSend(this.#socket, this.stack.ip6Name(dst), 53, Uint8Array.of(1));
    this.poll();
    return this.seen().filter((s) => s.next === 17).map((s) => s.dstMac);
  }

  /** A redirect to another router, as the router sends it. */
  better(dst = FAR, target = BETTER, mac = MAC_BETTER): this {
    this.frame(redirect(ROUTER, this.global, dst, target, nd.target(mac)));
    return this;
  }

  get errors(): number {
    return this.stack.counters().icmpInErrors;
  }
}

// The small build with IPv6 leaves them out.
if (!SMALL && !["stint6", "stint.owned.dual"].includes(MODULE)) {
  describe("RFC 4861: redirects", () => {
    it("4861-34 what goes to one destination goes to the router that was named; what goes to others does not", () => {
      const b = new Host();
      assert.deepEqual(b.way(FAR), [MAC_PEER]);
      b.better();
      assert.deepEqual([b.way(FAR), b.way(far(1)), b.errors], [[MAC_BETTER], [MAC_PEER], 0]);
      b.better(FAR, ip6("fe80::3"), MAC_NEAR);
      assert.deepEqual([b.way(FAR), b.errors], [[MAC_BETTER], 1], "the first router is the first hop no more");
      b.frame(redirect(BETTER, b.global, FAR, ip6("fe80::3"), nd.target(MAC_NEAR)));
      assert.deepEqual(b.way(FAR), [MAC_NEAR], "the second one is");
    });

    it("4861-34 a target that is the destination itself is on the link", () => {
      const b = new Host().better(FAR, FAR, MAC_NEAR);
      assert.deepEqual(b.way(FAR), [MAC_NEAR]);
      b.frame(redirect(ROUTER, b.global, far(1), far(1), []));
      assert.deepEqual(b.way(far(1)), [], "without its MAC address it is asked");
      b.frame(advertisement(far(1), b.global, far(1), 3, nd.target(MAC_NEAR)));
      assert.deepEqual(b.seen().filter((s) => s.next === 17).map((s) => s.dstMac), [MAC_NEAR]);
    });

    it("a connection goes on by the way that was named", () => {
      const b = new Host(), x = b.stack.exports, h = x.tcp_connect(0, 0, b.stack.ip6Name(FAR), 80);
      b.poll();
      const syn = (): number[][] => b.seen().filter((s) => s.next === 6).map((s) => s.dstMac);
      assert.ok(h > 0);
      assert.deepEqual(syn(), [MAC_PEER]);
      b.better();
      b.advance(1100);
      assert.deepEqual(syn(), [MAC_BETTER], "the SYN comes again");
    });

    it("4861-33 one that fails a check changes nothing, and is counted", () => {
      const own = new Host().global, mac = nd.target(MAC_BETTER), stranger = ip6("fe80::66");
      const frame = (
        src: Uint8Array, ip: Partial<Ip6>, code = 0, dst = FAR, target = BETTER, options = mac,
      ): Uint8Array => redirect(src, own, dst, target, options, ip, code);
      const badSum = frame(ROUTER, {});
      badSum[60]! ^= 1;
      const cases: [string, Uint8Array][] = [
        ["not the first hop", frame(stranger, {})],
        ["a source that is not link-local", frame(PEER, {})],
        ["a hop limit that was lowered", frame(ROUTER, { hops: 254 })],
        ["a code", frame(ROUTER, {}, 1)],
        ["a checksum", badSum],
        ["too short", icmp6({ src: ROUTER, dst: own, hops: 255 }, 137, 0, 0, [...BETTER, ...FAR.slice(0, 15)])],
        ["a group as destination", frame(ROUTER, {}, 0, ip6("ff0e::1"))],
        ["a target that is neither link-local nor the destination", frame(ROUTER, {}, 0, FAR, far(1))],
        ["an option of length 0", frame(ROUTER, {}, 0, FAR, BETTER, [2, 0, ...MAC_BETTER])],
        ["an option beyond the end", frame(ROUTER, {}, 0, FAR, BETTER, [2, 9, ...MAC_BETTER])],
        ["a fragment", frame(ROUTER, { next: 44, headers: [58, 0, 0, 0, 0, 0, 0, 1] })],
        ["an own address as destination", frame(ROUTER, {}, 0, own)],
        ["an own address as target", frame(ROUTER, {}, 0, FAR, new Host().local)],
        ["a destination on the link", frame(ROUTER, {}, 0, PEER)],
      ];
      for (const [what, bytes] of cases) {
        const b = new Host();
        b.frame(solicitation(PEER, b.global, nd.source(MAC_NEAR)));
        b.frame(bytes);
        assert.deepEqual([b.way(FAR), b.way(PEER), b.errors], [[MAC_PEER], [MAC_NEAR], 1], what);
      }
    });

    it("4861-33 a neighbour cannot send what goes to himself elsewhere", () => {
      const b = new Host(), near = ip6("fe80::7");
      b.frame(solicitation(near, b.local, nd.source(MAC_NEAR)));
      b.frame(redirect(near, b.local, near, BETTER, nd.target(MAC_BETTER)));
      assert.deepEqual([b.way(near), b.errors], [[MAC_NEAR], 1]);
    });

    it("the table is bounded: of too many the oldest goes the usual way again", () => {
      const b = new Host();
      for (let n = 0; n < 9; n++) b.better(far(n));
      const ways = Array.from({ length: 9 }, (_, n) => b.way(far(n))[0]!);
      assert.deepEqual(ways, [MAC_PEER, ...Array<number[]>(8).fill(MAC_BETTER)]);
      for (let n = 0; n < 500; n++) b.better(far(n));
      assert.deepEqual([b.way(far(499)), b.way(far(0))], [[MAC_BETTER], [MAC_PEER]]);
    });

    it("4861-34 one that does not answer, or is no router any more, is left", () => {
      for (const [what, end] of [
        ["silent", (b: Host) => b.advance(70_000)],
        ["an advertisement without the router's bit", (b: Host) => {
          b.frame(advertisement(BETTER, ALL_NODES, BETTER, 1, nd.target(MAC_BETTER)));
        }],
        ["it was a default router, too", (b: Host) => {
          b.frame(routerAdvertisement(BETTER, []));
          b.frame(routerAdvertisement(BETTER, [], { lifetime: 0 }));
        }],
        ["another link", (b: Host) => {
          b.stack.linkChanged();
          b.poll();
        }],
      ] as [string, (b: Host) => void][]) {
        const b = new Host().better();
        assert.deepEqual(b.way(FAR), [MAC_BETTER]);
        end(b);
        for (let n = 0; n < 8; n++) {
          b.way(FAR);
          b.frame(solicitation(ROUTER, b.local, nd.source(MAC_PEER)));
          b.advance(1000);
        }
        assert.deepEqual(b.way(FAR), [MAC_PEER], what);
      }
    });

    it("4861-34 a destination on the link is no router, and need not say that it is", () => {
      const b = new Host().better(FAR, FAR, MAC_NEAR);
      b.frame(advertisement(FAR, ALL_NODES, FAR, 1, nd.target(MAC_NEAR)));
      assert.deepEqual(b.way(FAR), [MAC_NEAR]);
    });

    it("4861-35 the stack sends none, whatever comes to it", () => {
      const b = new Host();
      b.frame(udp6({ src: PEER, dst: FAR }, 9, 9, Uint8Array.of(1)));
      b.frame(udp6({ src: PEER, dst: b.global }, 9, 9, Uint8Array.of(1)));
      b.advance(10_000);
      assert.equal(b.seen().filter((s) => s.type === 137 && s.next === 58).length, 0);
    });
  });
}
