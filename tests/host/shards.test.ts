/** Shards: who gets which frame, and the ring between threads. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { Random } from "../../host/random.js";
import { FrameRing } from "../../host/shards/ring.js";
import { ALL, NONE, Steer } from "../../host/shards/steer.js";
import { arp, ethernet, icmp, ipv4, tcp, udp } from "../harness/codec.js";

const US = 0x0a000002, MAC = [2, 0, 0, 0, 0, 2], PEER = { mac: [2, 0, 0, 0, 0, 1], ip: 0x0a000001 };

describe("shards", () => {
  it("each flow has one, whatever its segments and the errors about them; the shares are even", () => {
    const steer = new Steer(4, 12345), random = new Random(1), counts = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) {
      const src = random.u32(), sport = random.below(65536), dport = random.below(65536), to = { src, dst: US };
      const where = steer.frame(tcp(to, { flags: "S", seq: 1, sport, dport }));
      assert.equal(where, steer.flow(src, sport, US, dport));
      const plain = tcp(to, { flags: "A", seq: 2, sport, dport });
      assert.equal(steer.frame(Uint8Array.from([...plain.slice(0, 12), 0x81, 0, 0xe0, 0, ...plain.slice(12)])), where, "a priority tag");
      assert.equal(steer.frame(tcp({ ...to, tos: 8, ipOpts: [1, 1, 1, 1] }, { flags: "PA", seq: random.u32(), ack: 7, sport, dport, opts: [1, 1, 1, 1], data: random.bytes(random.below(100)) })), where);
      // What we sent, quoted by a router.
      const ours = tcp({ src: US, dst: src }, { flags: "A", seq: 5, sport: dport, dport: sport }).subarray(14, 14 + 28);
      assert.equal(steer.frame(icmp({ src: random.u32(), dst: US }, 3, 4, 1280, ours)), where);
      counts[where]!++;
    }
    for (const n of counts) assert.ok(n > 850 && n < 1150, `${counts.join(" ")}`);
    assert.notDeepEqual(Array.from({ length: 64 }, (_, i) => new Steer(2, 1).flow(i, 1, US, 80)), Array.from({ length: 64 }, (_, i) => new Steer(2, 2).flow(i, 1, US, 80)), "the key counts");
  });

  it("what neighbours say is for all, what has no flow for the first, a part of a segment for nobody", () => {
    const steer = new Steer(3, 1);
    assert.equal(steer.frame(arp(1, PEER, { mac: [0, 0, 0, 0, 0, 0], ip: US })), 0);
    assert.equal(steer.frame(arp(2, PEER, { mac: MAC, ip: US })), ALL);
    assert.equal(steer.frame(arp(1, PEER, { mac: [0, 0, 0, 0, 0, 0], ip: PEER.ip })), ALL, "an announcement");
    assert.equal(steer.frame(icmp({ src: 1, dst: US }, 8, 0, 0x10001, new Uint8Array(8))), 0);
    assert.equal(steer.frame(udp({ src: 0x0a000001, dst: US }, 5, 53, new Uint8Array(8))), 0);
    assert.equal(steer.frame(ipv4({ src: 0x0a000001, dst: US, proto: 17, frag: 0x2000 }, new Uint8Array(16))), 0);
    assert.equal(steer.frame(ipv4({ src: 0x0a000001, dst: US, proto: 6, frag: 0x2000 }, new Uint8Array(16))), NONE);
    // Whatever it is, it goes somewhere.
    const random = new Random(3);
    for (let i = 0; i < 20_000; i++) {
      const where = steer.frame(ethernet([0x0800, 0x0806, 7][i % 3]!, random.bytes(random.below(70)), MAC));
      assert.ok(where >= NONE && where < 3);
    }
  });

  it("a ring carries frames between threads in order, and refuses what it has no room for", async () => {
    const ring = FrameRing.allocate(4, 100);
    for (let i = 0; i < 4; i++) assert.ok(ring.put(Uint8Array.of(i)));
    assert.equal(ring.put(Uint8Array.of(4)), false);
    const seen: number[] = [];
    assert.equal(ring.take((f) => seen.push(f[0]!) > 0, 3), 3);
    assert.equal(ring.put(new Uint8Array(101)), false);
    assert.ok(ring.put(new Uint8Array(100).fill(9)));
    assert.equal(ring.take((f) => f.length === 1 && seen.push(f[0]!) > 0), 1, "the last one was not taken");
    assert.equal(ring.isEmpty, false);
    assert.deepEqual(seen, [0, 1, 2, 3]);
    // Another thread adds up what it gets, in order, and tells.
    const { code } = transformSync(readFileSync("host/shards/ring.ts", "utf8"), { loader: "ts", format: "esm" }), module = `data:text/javascript;base64,${Buffer.from(code).toString("base64")}`;
    const across = FrameRing.allocate(16, 64), n = 20_000, source = `
      const { workerData, parentPort } = require("node:worker_threads");
      (async () => {
        const { FrameRing } = await import(workerData.module), ring = new FrameRing(workerData.memory, 64);
        let next = 0;
        while (next < workerData.n) {
          ring.take((f) => { if (f[0] + 256 * f[1] !== next) throw new Error("at " + next); next++; return true; });
          ring.wait(1000);
        }
        parentPort.postMessage(next);
      })();`;
    const worker = new Worker(source, { eval: true, workerData: { memory: across.memory, n, module } });
    let failed: Error | undefined;
    const done = new Promise((resolve) => worker.on("message", resolve).on("error", (e) => resolve(failed = e)));
    for (let i = 0; i < n && !failed;) {
      if (across.put(Uint8Array.of(i & 255, i >> 8))) {
        i++;
        across.wake();
      } else {
        await new Promise((r) => setImmediate(r));
      }
    }
    assert.equal(await done, n);
  });
});
