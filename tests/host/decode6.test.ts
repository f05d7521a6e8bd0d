/** IPv6 frames as people see them: TCP behind extension headers, and what the others are called. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fieldsOf } from "../../host/browser/fields.js";
import { decodeTcp, otherKind } from "../../host/decode.js";
import { analyze } from "../../host/lab/analyze.js";
import { ladderOf, ladderText } from "../../host/lab/ladder.js";
import { icmp6, ip6, ipv6, nd, routerAdvertisement, solicitation, advertisement, udp6 } from "../harness/codec6.js";
import { ip4, tcp, type Tcp } from "../harness/codec.js";

const ONE = ip6("fd00::1"), TWO = ip6("fd00::2"), ENDS = { src: ONE, dst: TWO };

/** A segment in IPv6, behind `headers`, of which the first is of the kind `next`. */
function segment(fields: Tcp, headers: number[] = [], next = 6, ends = ENDS): Uint8Array {
  const bytes = tcp({ src: ip4("10.0.0.1"), dst: ip4("10.0.0.2") }, fields).slice(34);
  return ipv6({ ...ends, next, headers, class: 3 }, bytes);
}

const SYN_ACK: Tcp = { flags: "SA", seq: 9, ack: 6, sport: 80, dport: 4000 };
const SYN: Tcp = { flags: "S", seq: 5, sport: 4000, dport: 80, data: Buffer.from("hello") };

describe("IPv6 in captures", () => {
  it("a segment is found behind extension headers", () => {
    const hop = [60, 0, 1, 4, 0, 0, 0, 0], options = [44, 1, ...Array<number>(14).fill(0)];
    const whole = [51, 0, 0, 0, 0, 0, 0, 1];
    const authentication = [6, 4, ...Array<number>(22).fill(0)];
    for (const [headers, next] of [
      [[], 6], [[6, 0, 1, 4, 0, 0, 0, 0], 0], [[...hop, ...options, ...whole, ...authentication], 0],
    ] as const) {
      const found = decodeTcp(segment(SYN, [...headers], next));
      assert.ok(found, `behind ${headers.length} bytes`);
      const { source, destination, srcPort, dstPort, seq, flags, tos, ecn, ttl, len } = found;
      assert.deepEqual([source, destination, srcPort, dstPort], ["fd00::1", "fd00::2", 4000, 80]);
      assert.deepEqual([seq, flags, tos, ecn, ttl, len], [5, ["SYN"], 3, 3, 64, 5]);
      assert.equal(Buffer.from(found.payload).toString(), "hello");
    }
  });

  it("nothing is found in later fragments, and in what is cut short or damaged", () => {
    const later = segment(SYN, [6, 0, 0, 8, 0, 0, 0, 1], 44), whole = segment(SYN);
    assert.deepEqual([decodeTcp(later), otherKind(later)], [null, "later fragments"]);
    assert.deepEqual([decodeTcp(whole.subarray(0, 60)), otherKind(whole.subarray(0, 60))], [null, "damaged TCP"]);
    assert.deepEqual([decodeTcp(whole.subarray(0, 50)), otherKind(whole.subarray(0, 50))], [null, "cut short"]);
    const endless = segment(SYN, [0, 255, 1, 4, 0, 0, 0, 0], 0);
    assert.equal(decodeTcp(endless), null);
    const broken = segment(SYN, [0, 0, 1, 4, 0, 0, 0, 0], 0).subarray(0, 60);
    assert.deepEqual([decodeTcp(broken), otherKind(broken)], [null, "damaged IP"]);
    for (let size = 0; size < later.length; size++)
      assert.equal(decodeTcp(later.subarray(0, size)), null, `${size} bytes`);
  });

  it("the others have names", () => {
    for (const [frame, name] of [
      [solicitation(ONE, TWO), "ICMPv6 neighbour solicitation"],
      [advertisement(TWO, ONE, TWO), "ICMPv6 neighbour advertisement"],
      [routerAdvertisement(ip6("fe80::1"), nd.mtu(1280)), "ICMPv6 router advertisement"],
      [icmp6(ENDS, 128, 0, 0), "ICMPv6 echo request"],
      [icmp6(ENDS, 2, 0, 1280), "ICMPv6 packet too big"], [icmp6(ENDS, 200, 0, 0), "ICMPv6"],
      [udp6(ENDS, 1, 2, new Uint8Array(3)), "UDP"],
      [ipv6({ ...ENDS, next: 132 }, new Uint8Array(4)), "IP protocol 132"],
    ] as const) assert.equal(otherKind(frame), name);
  });

  it("the ladder and the inspector have the addresses as texts", () => {
    const frames = [segment(SYN), segment(SYN_ACK, [], 6, { src: TWO, dst: ONE })];
    const [connection, ...more] = analyze(frames.map((bytes, i) => ({ timeUs: i, bytes })));
    assert.deepEqual(connection!.names, ["[fd00::1]:4000", "[fd00::2]:80"]);
    assert.deepEqual([connection!.segments.length, more.length], [2, 0]);
    assert.match(ladderText(ladderOf(connection!, "x")).flat().join("\n"), /\[fd00::1\]:4000 +\[fd00::2\]:80/);
    const fields = fieldsOf(frames[0]!, connection!.segments[0]!);
    const value = (name: string): string | undefined => fields.find((f) => f.name === name)?.value;
    assert.deepEqual([value("hop limit"), value("sequence number"), value("data")], ["64", "5 (0)", "5 bytes"]);
    const addresses = fields.filter((f) => f.layer === "IPv6" && f.bits === 128);
    assert.deepEqual(addresses.map((f) => f.value), ["fd00::1", "fd00::2"]);
    let at = 0;
    for (const f of fields) {
      assert.equal(f.at, at, `${f.layer} ${f.name} follows`);
      at += f.bits;
    }
    assert.equal(at, frames[0]!.length * 8, "every bit of the frame");
  });
});
