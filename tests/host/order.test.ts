/** In which order a name's addresses are tried (RFC 6724 §6): its examples (§10.2), the rules, a stack's answers. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Stack } from "../../host/net.js";
import { inOrder, type Source } from "../../host/net/order.js";
import { Cable, pair } from "../harness/cable.js";
import { be, ip4 } from "../harness/codec.js";
import { ip6 } from "../harness/codec6.js";
import { A, AAAA, QNAME, readQuery, record, response } from "../harness/dns.js";
import { until } from "../harness/programs.js";

/** Destinations in the order that is wanted, each "from" its source; "no way" has none, "old" ones are deprecated. */
interface Case { rule: string; wanted: string[] }

const CASES: Case[] = [
  // §10.2, but for home addresses.
  { rule: "10.2, prefer matching scope",
    wanted: ["2001:db8:1::1 from 2001:db8:1::2", "198.51.100.121 from 169.254.13.78"] },
  { rule: "10.2, prefer matching scope", wanted: ["198.51.100.121 from 198.51.100.117", "2001:db8:1::1 from fe80::1"] },
  { rule: "10.2, prefer higher precedence",
    wanted: ["2001:db8:1::1 from 2001:db8:1::2", "10.1.2.3 from 10.1.2.4"] },
  { rule: "10.2, prefer smaller scope", wanted: ["fe80::1 from fe80::2", "2001:db8:1::1 from 2001:db8:1::2"] },
  { rule: "10.2, avoid deprecated addresses",
    wanted: ["2001:db8:1::1 from 2001:db8:1::2", "fe80::1 from fe80::2 old"] },
  { rule: "10.2, longest matching prefix",
    wanted: ["2001:db8:1::1 from 2001:db8:1::2", "2001:db8:3ffe::1 from 2001:db8:3f44::2"] },
  { rule: "10.2, prefer matching label",
    wanted: ["2002:c633:6401::1 from 2002:c633:6401::2", "2001:db8:1::1 from 2002:c633:6401::2"] },
  { rule: "10.2, prefer higher precedence",
    wanted: ["2001:db8:1::1 from 2001:db8:1::2", "2002:c633:6401::1 from 2002:c633:6401::2"] },
  // §6: which rule is asked first.
  { rule: "rule 1 before 2: one that can be reached", wanted: ["10.1.2.3 from 169.254.1.1", "2001:db8::1 no way"] },
  { rule: "rule 2 before 3: scope, before what is deprecated",
    wanted: ["2001:db8::1 from 2001:db8::2 old", "10.1.2.3 from 169.254.1.1"] },
  { rule: "rule 3 before 5: deprecated, before the label",
    wanted: ["2001:db8::1 from fd00::2", "10.1.2.3 from 10.1.2.4 old"] },
  { rule: "rule 5 before 6: the label, before the precedence",
    wanted: ["10.1.2.3 from 10.1.2.4", "2001:db8::1 from fd00::2"] },
  { rule: "rule 6 before 8: the precedence, before the scope",
    wanted: ["2001:db8::1 from 2001:db8::2", "169.254.9.9 from 169.254.1.1"] },
  { rule: "rule 6 of two without a way", wanted: ["2001:db8::1 no way", "10.1.2.3 no way"] },
  { rule: "rule 6: IPv4 before unique local addresses", wanted: ["10.1.2.3 from 10.1.2.4", "fd00::1 from fd00::2"] },
  { rule: "rule 6: IPv4 before Teredo", wanted: ["10.1.2.3 from 10.1.2.4", "2001::1 from 2001::2"] },
  { rule: "rule 6: this host before others", wanted: ["::1 from ::1", "fe80::1 from fe80::2"] },
  { rule: "rule 8 before 9: the scope, before the prefix",
    wanted: ["169.254.9.9 from 169.254.1.1", "10.1.2.3 from 10.1.2.4"] },
  { rule: "rule 9: what is on the link", wanted: ["10.1.2.3 from 10.1.2.4", "10.1.3.3 from 10.1.2.4"] },
];

/** Cases in which nothing is better: the order of the answer stays (rule 10). */
const ALIKE: Case[] = [
  { rule: "bits of an IPv4 address beyond the link say nothing",
    wanted: ["203.0.113.1 from 10.1.2.4", "10.200.0.1 from 10.1.2.4"] },
  { rule: "no more than the bits of the network count",
    wanted: ["2001:db8::9:1 from 2001:db8::2", "2001:db8::1 from 2001:db8::2"] },
  { rule: "nothing is known of either", wanted: ["2001:db8:9::1 no way", "2001:db8::1 no way"] },
];

const read = (text: string): [to: string, source: Source | undefined] => {
  const [to = "", from = "", address = "", old] = text.split(" "), prefix = address.includes(":") ? 64 : 24;
  return [to, from === "no" ? undefined : { address, prefix, deprecated: old === "old" }];
};

function sorted(cases: string[]): string[] {
  const sources = new Map(cases.map(read));
  return inOrder([...sources.keys()], (to) => sources.get(to));
}

describe("RFC 6724 §6: the order of destinations", () => {
  for (const { rule, wanted } of CASES)
    it(`6724-9: ${rule}`, () => {
      const order = wanted.map((text) => read(text)[0]);
      assert.deepEqual(sorted(wanted), order);
      assert.deepEqual(sorted(wanted.toReversed()), order);
    });

  for (const { rule, wanted } of ALIKE)
    it(`6724-9: rule 10: ${rule}`, () => {
      const order = wanted.map((text) => read(text)[0]);
      assert.deepEqual(sorted(wanted), order);
      assert.deepEqual(sorted(wanted.toReversed()), order.toReversed());
    });

  it("6724-10: the default policy table: destinations of each prefix, from the highest precedence on", () => {
    const all = ["::1", "2600::1", "192.0.2.1", "2002::1", "2001:0:1::1", "fc00::1", "fdff::1"];
    // These have the lowest one, and stay in their order.
    const last = ["3ffe::1", "::203:405"];
    const own = (to: string): Source => ({ address: to, prefix: to.includes(":") ? 64 : 24, deprecated: false });
    assert.deepEqual(inOrder([...last, ...all.toReversed()], own).slice(0, all.length - 2), all.slice(0, -2));
    assert.deepEqual(inOrder([...last, ...all.toReversed()], own).slice(-4).sort(), [...last, ...all.slice(-2)].sort());
    assert.deepEqual(inOrder(["::ffff:10.0.0.1", "fd00::1"], own), ["::ffff:10.0.0.1", "fd00::1"], "it is of IPv4");
  });
});

/** Stacks on one link, the second of which knows these addresses of every name. */
async function answering(four: string[], six: string[]): Promise<[Stack, Stack]> {
  const { a, b } = await pair({ connsMax: 4, ipv6: {} });
  await until("addresses are ready", () => [a, b].every((s) => s.addresses().every((x) => x.ready)));
  const dns = b.udp({ port: 53 });
  dns.on("message", (data: Uint8Array, from: { address: string; port: number }) => {
    const query = readQuery(data);
    const fours = four.map((text) => record(QNAME, A, 60, be(4, ip4(text))));
    const sixes = six.map((text) => record(QNAME, AAAA, 60, [...ip6(text)]));
    dns.send(response(query, { answers: query.type === AAAA ? sixes : fours }), from.port, from.address);
  });
  a.setServers(["10.0.0.2"]);
  return [a, b];
}

describe("RFC 6724 §6: what a stack says of a name", () => {
  it("6724-9: what has no way comes last, unique local addresses after IPv4, also where connect begins", async () => {
    // Own addresses are 10.0.0.1/24, fd00::1/64 and a link-local one; there is no router.
    const [a, b] = await answering(["192.0.2.1", "10.0.0.2"], ["2600::1", "fd00::2"]);
    try {
      assert.deepEqual(await a.lookup("a.test"), ["10.0.0.2", "fd00::2", "2600::1", "192.0.2.1"]);
      assert.deepEqual(await a.lookup("a.test", { family: 6 }), ["fd00::2", "2600::1"]);
      const server = b.listen({ port: 7 });
      const connection = await a.connect({ host: "a.test", port: 7 });
      assert.equal(connection.remoteAddress, "10.0.0.2");
      assert.equal((await server.accept())?.remoteAddress, "10.0.0.1");
      connection.destroy();
    } finally {
      await Promise.all([a.close(0), b.close(0)]);
    }
  });

  it("6724-9: a stack without IPv6 says what it is asked for of both", async () => {
    const [near, far] = new Cable().ends;
    const a = await Stack.open({ link: near, ip: "10.0.0.1/24", connsMax: 4 });
    const b = await Stack.open({ link: far, ip: "10.0.0.2/24", connsMax: 4 });
    const dns = b.udp({ port: 53 });
    dns.on("message", (data: Uint8Array, from: { address: string; port: number }) => {
      const answers = ["fd00::2", "2600::1"].map((text) => record(QNAME, AAAA, 60, [...ip6(text)]));
      dns.send(response(readQuery(data), { answers }), from.port, from.address);
    });
    try {
      a.setServers(["10.0.0.2"]);
      assert.deepEqual(await a.lookup("a.test", { family: 6 }), ["2600::1", "fd00::2"]);
    } finally {
      await Promise.all([a.close(0), b.close(0)]);
    }
  });
});
