/** ARP (RFC 826, RFC 5227), and what waits for a neighbour (RFC 1122 §2.3.2). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, PEER, SMALL, STACK, pattern } from "../harness/bench.js";
import { arp, ip4, MAC_PEER, MAC_STACK } from "../harness/codec.js";

const ZERO = [0, 0, 0, 0, 0, 0], OTHER = [2, 0, 10, 0, 0, 9];

describe("RFC 826: ARP", () => {
  it("who is not on the link is answered, and takes no place among the neighbours", () => {
    const far = ip4("10.9.0.0"), router = ip4("192.0.2.1"), b = new Bench({ neighboursMax: 4, gateway: "192.0.2.1" });
    b.stack.udpOpen(53);
    /** Whether what is sent to `to` leaves without a question first. */
    const isKnown = (to: number): boolean => {
      b.clear();
      b.stack.udpSend(b.stack.udpOpen(0), to, 999, pattern(1));
      b.poll();
      return b.out.some((s) => s.kind === "udp");
    };
    for (let i = 0; i < 4; i++) b.frame(arp(1, { mac: OTHER, ip: ip4("10.0.0.9") + i }, { mac: ZERO, ip: STACK }));
    b.clear();
    for (let i = 1; i < 20; i++) {
      b.advance(61_000);
      b.frame(arp(1, { mac: OTHER, ip: far + i }, { mac: ZERO, ip: STACK }));
      assert.equal(b.out.filter((s) => s.kind === "arp" && s.ip.dst === far + i).length, 1, "an answer");
    }
    for (let i = 0; i < 4; i++) assert.ok(isKnown(ip4("10.0.0.9") + i), `neighbour ${i}`);
    b.frame(arp(1, { mac: OTHER, ip: router }, { mac: ZERO, ip: STACK }));
    assert.ok(isKnown(far), "a gateway may be elsewhere");
  });

  it("826-1 answers for its own address only, and learns from who asks it", () => {
    const b = new Bench();
    b.frame(arp(1, { mac: OTHER, ip: ip4("10.0.0.9") }, { mac: ZERO, ip: ip4("10.0.0.77") }));
    assert.equal(b.out.length, 0);
    b.frame(arp(1, { mac: OTHER, ip: ip4("10.0.0.9") }, { mac: ZERO, ip: STACK }));
    const reply = b.out.pop()!;
    assert.deepEqual([reply.op, reply.ip.src, reply.ip.dst, reply.dstMac], [2, STACK, ip4("10.0.0.9"), OTHER]);
    b.stack.connect(ip4("10.0.0.9"), 80);
    b.poll();
    assert.equal(b.next().dstMac.join(), OTHER.join());
  });

  it("1122-ARP-2 1122-ARP-3 asks once a second, three times; a segment goes out as soon as the answer comes", () => {
    const b = new Bench();
    const far = ip4("10.0.0.50");
    const handle = b.stack.connect(far, 80);
    b.poll();
    let requests = 0;
    for (let i = 0; i < 29; i++) {
      requests += b.out.splice(0).filter((s) => s.kind === "arp").length;
      b.advance(100);
    }
    assert.equal(requests, 3);
    b.advance(200);
    assert.ok(b.had("SOFT_ERROR", handle), "the application is told that the neighbour does not answer");
    b.clear();
    b.frame(arp(2, { mac: OTHER, ip: far }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
    assert.equal(b.next().dstMac.join(), OTHER.join());
  });

  it("1122-ARP-3 keeps one datagram that waits", () => {
    const b = new Bench();
    const s = b.stack.udpOpen(5000);
    b.stack.udpSend(s, ip4("10.0.0.50"), 53, pattern(3));
    b.stack.udpSend(s, ip4("10.0.0.50"), 53, pattern(5));
    b.poll();
    b.clear();
    b.frame(arp(2, { mac: OTHER, ip: ip4("10.0.0.50") }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
    assert.deepEqual(b.out.map((x) => [x.kind, x.data.length]), [["udp", 5]]);
  });

  it("1122-ARP-1 renews an entry after a minute, and forgets a neighbour that is silent", () => {
    const b = new Bench().accepted();
    b.answersArp = false;
    b.advance(61_000);
    b.write(10);
    assert.equal(b.out.filter((s) => s.kind === "arp").length, 1);
    assert.equal(b.out.filter((s) => s.kind === "tcp").length, 1, "the old entry serves meanwhile");
    b.advance(4000);
    assert.ok(b.count("arpFailures") > 0);
  });

  it("believes no unsolicited reply, and asks when a known neighbour moves", () => {
    const b = new Bench().accepted();
    b.answersArp = false;
    b.frame(arp(2, { mac: OTHER, ip: ip4("10.0.0.60") }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
    b.frame(arp(2, { mac: OTHER, ip: PEER }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
    b.frame(arp(1, { mac: OTHER, ip: PEER }, { mac: ZERO, ip: PEER }));
    assert.equal(b.out.splice(0).filter((s) => s.kind === "arp").length, 1);
    b.write(10);
    assert.equal(b.next().dstMac.join(), MAC_PEER.join());
  });

  it("5227-1 notices a conflict, defends itself once, answers a probe", () => {
    const b = new Bench();
    for (let i = 0; i < 5; i++) b.frame(arp(1, { mac: OTHER, ip: STACK }, { mac: ZERO, ip: STACK }));
    assert.equal(b.count("arpConflicts"), 5);
    assert.deepEqual(b.out.splice(0).map((s) => [s.op, s.ip.src, s.ip.dst]), [[1, STACK, STACK]]);
    b.frame(arp(1, { mac: OTHER, ip: 0 }, { mac: ZERO, ip: STACK }));
    assert.equal(b.out.pop()!.op, 2);
  });

  it("announces itself at the start", () => {
    const b = new Bench({ policy: { announce: true } });
    assert.equal(b.count("arpOutRequests"), 1);
  });

  it("drops what is malformed", () => {
    const b = new Bench();
    const good = arp(1, { mac: OTHER, ip: ip4("10.0.0.9") }, { mac: ZERO, ip: STACK });
    for (const [at, v] of [[14, 9], [16, 9], [18, 5], [19, 16], [21, 9]] as const) {
      const bad = good.slice();
      bad[at] = v;
      b.frame(bad);
    }
    for (let n = 14; n < 42; n++) b.frame(good.slice(0, n));
    assert.equal(b.out.length, 0);
  });
});

describe("RFC 1122 §2.3.2.2: datagrams whose neighbour is not known yet", () => {
  const neighbour = (n: number): number => ip4(`10.0.0.${n}`), mac = (n: number): number[] => [2, 0, 10, 0, 0, n];
  const answer = (b: Bench, n: number): void =>
    b.frame(arp(2, { mac: mac(n), ip: neighbour(n) }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));

  if (!SMALL) it("wait, the latest for each neighbour; what is displaced is counted as not sent", () => {
    const b = new Bench({ txSlots: 16 }), s = b.stack.udpOpen(53);
    for (const n of [20, 21, 22]) b.stack.udpSend(s, neighbour(n), 99, pattern(n));
    b.stack.udpSend(s, neighbour(21), 99, pattern(7));
    b.poll();
    assert.equal(b.count("ipOutDiscards"), 1);
    for (const [n, size] of [[22, 22], [20, 20], [21, 7]] as const) {
      b.clear();
      answer(b, n);
      const [out] = b.out.filter((x) => x.kind === "udp");
      assert.deepEqual([out!.ip.dst, out!.dstMac, out!.data, out!.sumOk], [neighbour(n), mac(n), pattern(size), true]);
    }
  });

  if (!SMALL) it("give way by turns when there are more neighbours than places, "
      + "and are not sent when the neighbour stays silent", () => {
    const b = new Bench({ txSlots: 16 }), s = b.stack.udpOpen(53);
    for (let n = 20; n < 26; n++) b.stack.udpSend(s, neighbour(n), 99, pattern(n));
    b.poll();
    assert.equal(b.count("ipOutDiscards"), 2, "six for four places");
    answer(b, 25);
    assert.deepEqual(b.out.filter((x) => x.kind === "udp").map((x) => x.ip.dst), [neighbour(25)]);
    b.advance(4000);
    assert.equal(b.count("ipOutDiscards"), 5);
    b.clear();
    for (let n = 20; n < 25; n++) b.frame(arp(1, { mac: mac(n), ip: neighbour(n) }, { mac: ZERO, ip: STACK }));
    assert.deepEqual(b.out.filter((x) => x.kind === "udp"), [], "too late");
  });
});
