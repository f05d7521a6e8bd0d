/** Names that are looked up, more of them than the module has places for, and the same one by many. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StintError } from "../../host/errors.js";
import type { Link } from "../../host/links/link.js";
import { Stack } from "../../host/net.js";
import { arp, be, ip4, MAC_PEER, see, udp } from "../harness/codec.js";
import { ip6 } from "../harness/codec6.js";
import { AAAA, QNAME, readQuery, record, response } from "../harness/dns.js";
import { until } from "../harness/programs.js";

const SERVER = ip4("10.0.0.2"), STACK = ip4("10.0.0.1"), HOST = "93.184.216.34", HOST6 = "2001:db8::34";

/** A link with a DNS server on it that answers every question after `ms`, or, with Infinity, none. */
class Network implements Link {
  onFrame: (frame: Uint8Array) => void = () => {};
  onClose: (error?: Error) => void = () => {};
  readonly asked: string[] = [];

  constructor(readonly ttl: number, readonly ms: number) {}

  send(frame: Uint8Array): void {
    const seen = see(frame.slice()), mac = [...frame.subarray(6, 12)];
    if (seen.kind === "arp" && seen.op === 1 && seen.ip.dst === SERVER) {
      const reply = arp(2, { mac: MAC_PEER, ip: SERVER }, { mac, ip: STACK }, mac);
      setImmediate(() => this.onFrame(reply));
    }
    if (seen.kind !== "udp" || seen.dport !== 53) return;
    const query = readQuery(seen.data);
    this.asked.push(query.name.toLowerCase());
    if (this.ms === Infinity) return;
    const data = query.type === AAAA ? [...ip6(HOST6)] : be(4, ip4(HOST));
    const message = response(query, { answers: [record(QNAME, query.type, this.ttl, data)] });
    const answer = udp({ src: SERVER, dst: STACK }, 53, seen.sport, message);
    answer.set(mac, 0);
    setTimeout(() => this.onFrame(answer), this.ms);
  }

  close(): void {}
}

async function open(ttl: number, ms = 2, { ipv6 = false } = {}): Promise<{ network: Network; stack: Stack }> {
  const options = { ip: "10.0.0.1/24", connsMax: 4, ipv6: ipv6 && { addresses: ["fd00::1/64"] } };
  const network = new Network(ttl, ms), stack = await Stack.open({ link: network, ...options });
  stack.setServers(["10.0.0.2"]);
  return { network, stack };
}

/** How many of these ended which way: with the address, or with which code. */
async function ends(lookups: Promise<string[]>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const end of await Promise.allSettled(lookups)) {
    const how = end.status === "fulfilled" ? end.value.join() : (end.reason as StintError).code;
    counts[how] = (counts[how] ?? 0) + 1;
  }
  return counts;
}

const names = (n: number): string[] => Array.from({ length: n }, (_, i) => `n${i}.test`);

describe("stack.lookup of many names at once", () => {
  for (const ttl of [60, 0]) {
    for (const n of [16, 17, 100, 1000]) {
      it(`${n} with a time to live of ${ttl} s: each is found, and asked for once`, async () => {
        const { network, stack } = await open(ttl);
        assert.deepEqual(await ends(names(n).map((name) => stack.lookup(name))), { [HOST]: n });
        await stack.close(0);
        assert.deepEqual(network.asked.sort(), names(n).sort());
      });
    }

    it(`100 of both families with a time to live of ${ttl} s: both are found, and asked for once each`, async () => {
      const { network, stack } = await open(ttl, 2, { ipv6: true }), all = names(100);
      assert.deepEqual(await ends(all.map((name) => stack.lookup(name))), { [`${HOST6},${HOST}`]: 100 });
      await stack.close(0);
      assert.deepEqual(network.asked.sort(), [...all, ...all].sort());
    });

    it(`the same one by twenty, in letters of any size, is asked for once; time to live ${ttl} s`, async () => {
      const { network, stack } = await open(ttl), spellings = ["a.test", "A.Test", "a.test."];
      const all = Array.from({ length: 20 }, (_, i) => stack.lookup(spellings[i % 3]!));
      assert.deepEqual(await ends(all), { [HOST]: 20 });
      await stack.close(0);
      assert.deepEqual(network.asked, ["a.test"]);
    });
  }

  it("one that is no name is refused, though in small letters it would be one that is asked for now", async () => {
    const { stack } = await open(60);
    const all = ["k.test", "\u212a.test"].map((name) => stack.lookup(name));
    assert.deepEqual(await ends(all), { [HOST]: 1, ARGUMENT: 1 });
    await stack.close(0);
  });

  it("beyond 16 that are asked for and 1024 that wait, FULL; close() tells all of them at once", async () => {
    const { stack } = await open(60, Infinity), start = performance.now();
    const all = ends(names(1050).map((name) => stack.lookup(name)));
    await Promise.all([stack.close(), all]);
    assert.deepEqual(await all, { ABORTED: 1040, FULL: 10 });
    assert.ok(performance.now() - start < 1000);
  });

  it("whoever gave up leaves its place in the queue", async () => {
    const { network, stack } = await open(60, Infinity), kept = ends(names(17).map((name) => stack.lookup(name)));
    const controller = new AbortController(), { signal } = controller;
    const gone = Array.from({ length: 1023 }, (_, i) => stack.connect({ host: `g${i}.test`, port: 80, signal }));
    assert.deepEqual(await ends([stack.lookup("late.test")]), { FULL: 1 });
    controller.abort();
    await Promise.all(gone.map((connect) => assert.rejects(connect, { code: "ABORT_ERR" })));
    await until("the first 16 are asked for", () => network.asked.length === 16);
    const late = stack.lookup("late.test"), why = assert.rejects(late, { code: "ABORTED" });
    await stack.close(0);
    await why;
    assert.deepEqual(await kept, { ABORTED: 17 });
    assert.equal(network.asked.length, 16);
  });

  it("the link closes: they end as connections do", async () => {
    const { network, stack } = await open(60, Infinity), all = ends(names(20).map((name) => stack.lookup(name)));
    network.onClose();
    assert.deepEqual(await all, { UNREACHABLE: 20 });
    assert.deepEqual(await ends([stack.lookup("a.test")]), { ABORTED: 1 });
  });
});
