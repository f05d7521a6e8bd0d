/** Shards: who gets which frame, and the ring between threads. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { Ending } from "../../host/ending.js";
import { ERR, Shards, Stack, StackModule, STATES, loadModule, type Connection } from "../../host/index.js";
import { Random } from "../../host/random.js";
import { ApplicationStack } from "../../host/shards/application.js";
import { FrameRing } from "../../host/shards/ring.js";
import { ALL, NONE, Steer } from "../../host/shards/steer.js";
import { pattern } from "../harness/bench.js";
import { Cable } from "../harness/cable.js";
import { until } from "../harness/programs.js";
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
      assert.equal(
        steer.frame(Uint8Array.from([...plain.slice(0, 12), 0x81, 0, 0xe0, 0, ...plain.slice(12)])), where,
        "a priority tag",
      );
      assert.equal(
        steer.frame(tcp(
          { ...to, tos: 8, ipOpts: [1, 1, 1, 1] },
          {
            flags: "PA", seq: random.u32(), ack: 7, sport, dport, opts: [1, 1, 1, 1],
            data: random.bytes(random.below(100)),
          },
        )),
        where,
      );
      // What we sent, quoted by a router.
      const ours = tcp({ src: US, dst: src }, { flags: "A", seq: 5, sport: dport, dport: sport }).subarray(14, 14 + 28);
      assert.equal(steer.frame(icmp({ src: random.u32(), dst: US }, 3, 4, 1280, ours)), where);
      counts[where]!++;
    }
    for (const n of counts) assert.ok(n > 850 && n < 1150, `${counts.join(" ")}`);
    assert.notDeepEqual(
      Array.from({ length: 64 }, (_, i) => new Steer(2, 1).flow(i, 1, US, 80)),
      Array.from({ length: 64 }, (_, i) => new Steer(2, 2).flow(i, 1, US, 80)), "the key counts",
    );
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
    const { code } = transformSync(readFileSync("host/shards/ring.ts", "utf8"), { loader: "ts", format: "esm" });
    const module = `data:text/javascript;base64,${Buffer.from(code).toString("base64")}`;
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

/** An application's stack and a client's, between them a cable, and a clock of their own. */
class Pair {
  ms = 1000;
  readonly app = new ApplicationStack({ ip: "10.0.0.2/24", sendRing: 65536, recvRing: 4096 });
  readonly client = new StackModule(loadModule(), { ip: "10.0.0.1/24", sendRing: 65536, recvRing: 4096 });
  ending: Ending | undefined;
  /** What the application is told. */
  told: [handle: number, bits: number][] = [];
  readonly listener = this.app.listen(7);

  /** Time goes by, ms; `each` happens in every one. */
  pass(ms: number, each = (): void => {}): void {
    for (const until = this.ms + ms; this.ms < until; this.ms++) {
      for (let moved = 1; moved > 0;) {
        this.app.poll(this.ms * 1000);
        this.client.poll(this.ms * 1000);
        moved = this.app.drainFrames((f) => void this.client.pushFrame(f))
          + this.client.drainFrames((f) => void this.app.pushFrame(f));
      }
      this.app.drainEvents((handle, bits) => this.told.push([handle, bits]));
      each();
    }
  }

  /** A client's connection, and what the application has of it. */
  connect(): [theirs: number, ours: number] {
    const theirs = this.client.connect(0x0a000002, 7);
    this.pass(20);
    const ours = this.app.accept(this.listener);
    assert.ok(ours > 0, "it is accepted");
    return [theirs, ours];
  }

  end(lingerMs: number): Ending {
    return (this.ending = new Ending(this.app, lingerMs, () => this.ms));
  }

  /** Lets time go by until all is over. Returns after how many ms, and how many connections were cut off. */
  ended(each?: () => void): [ms: number, cut: number] {
    const began = this.ms;
    while (!this.ending!.isOver()) {
      this.pass(10, each);
      assert.ok(this.ms < began + 100_000, "it never ends");
    }
    const ms = this.ms - began, cut = this.app.cut();
    this.pass(50, each);
    return [ms, cut];
  }

  state(theirs: number): string {
    return STATES[this.client.info(theirs).state]!;
  }

  /** Why the client's connection is over. */
  error(theirs: number): number {
    return this.client.info(theirs).error;
  }

  /** Reads; returns how many bytes, and whether the end was there. */
  read(theirs: number, most: number): [n: number, end: boolean] {
    const have = this.client.receivable(theirs);
    if (have <= 0) return [0, have === 0];
    return [this.client.receive(theirs, most)!.length, false];
  }
}

/** An application that says in which thread it is, and then sends as long as somebody takes it. */
const FLOODS = `data:text/javascript,${encodeURIComponent(`
  import { threadId } from "node:worker_threads";
  export function serve(stack) {
    const listener = stack.listen(80, 64), open = new Set();
    return () => {
      stack.drainEvents((handle) => {
        for (let c; handle === listener && (c = stack.accept(listener)) > 0;) open.add(c);
      });
      for (const c of open) {
        const room = stack.sendRoom(c);
        if (room < 0) {
          open.delete(c);
          try { stack.close(c); } catch { /* it was reset */ }
        }
        if (room > 0) stack.send(c, new Uint8Array(room).fill(threadId));
      }
      return false;
    };
  }`)}`;

describe("the end of an application in a shard", () => {
  it("that does not know of it: peers that have everything are reset after 3 s, others after their time", () => {
    const p = new Pair(), [idle, ourIdle] = p.connect(), [deaf, ourDeaf] = p.connect();
    p.app.send(ourIdle, pattern(1000));
    p.app.send(ourDeaf, pattern(20_000));
    p.pass(500);
    p.end(2000);
    const [ms, cut] = p.ended();
    assert.ok(ms >= 2000 && ms < 2100, `${ms} ms`);
    assert.deepEqual([cut, p.error(idle), p.error(deaf)], [1, ERR.RESET, ERR.RESET]);
    const q = new Pair(), [last] = q.connect();
    q.end(60_000);
    const [others, none] = q.ended();
    assert.ok(others >= 3000 && others < 3100, `${others} ms`);
    assert.deepEqual([none, q.error(last)], [0, ERR.RESET]);
  });

  it("that hears the signal, and closes: peers get everything, however slowly they read, and our FIN", () => {
    const p = new Pair(), [theirs, ours] = p.connect();
    p.app.signal.addEventListener("abort", () => p.app.close(ours));
    p.app.send(ours, pattern(30_000));
    p.end(60_000);
    let got = 0, isEnd = false;
    const [ms, cut] = p.ended(() => {
      if (p.ms % 10 !== 0) return;
      const [n, end] = p.read(theirs, 100);
      got += n;
      if (end && !isEnd) p.client.close(theirs);
      isEnd ||= end;
    });
    assert.deepEqual([cut, got, isEnd], [0, 30_000, true]);
    assert.ok(ms >= 2500 && ms < 8000, `${ms} ms`);
  });

  it("what the application has closed before it is waited for, too, and reset and counted when nobody takes it", () => {
    const p = new Pair(), [slow, ourSlow] = p.connect(), [deaf, ourDeaf] = p.connect();
    for (const handle of [ourSlow, ourDeaf]) {
      p.app.send(handle, pattern(20_000));
      p.app.close(handle);
    }
    assert.throws(() => p.app.close(ourDeaf), { code: "HANDLE" }, "it is the application's no more");
    assert.throws(() => p.app.abort(ourDeaf), { code: "HANDLE" });
    p.told = [];
    p.pass(500);
    assert.equal(p.app.left(), 2);
    p.end(10_000);
    let got = 0;
    const [ms, cut] = p.ended(() => {
      if (p.ms % 10 === 0) got += p.read(slow, 100)[0];
    });
    assert.ok(ms >= 10_000 && ms < 10_100, `${ms} ms`);
    assert.deepEqual([cut, got, p.error(deaf)], [1, 20_000, ERR.RESET]);
    assert.deepEqual(p.told.filter(([handle]) => handle === ourSlow || handle === ourDeaf), [], "nor its events");
  });

  it("is at once when nobody is connected, or when it is asked twice; new connections are refused", () => {
    const p = new Pair(), [theirs, ours] = p.connect();
    p.client.abort(theirs);
    p.pass(20);
    p.app.close(ours);
    p.end(60_000);
    assert.equal(p.ending!.isOver(), true);
    const late = p.client.connect(0x0a000002, 7);
    p.pass(20);
    assert.equal(p.error(late), ERR.REFUSED);
    assert.throws(() => p.app.listen(8), { code: "STATE" });
    const q = new Pair(), [stuck, ourStuck] = q.connect();
    q.app.send(ourStuck, pattern(20_000));
    q.pass(20);
    q.end(60_000).hurry();
    assert.deepEqual(q.ended(), [0, 1]);
    assert.equal(q.error(stuck), ERR.RESET);
  });

  it("costs nothing while it runs: what was closed and has all is let go, and a loss is nobody's", () => {
    const p = new Pair();
    for (let i = 0; i < 100; i++) {
      const [theirs, ours] = p.connect();
      p.app.send(ours, pattern(100));
      p.app.close(ours);
      p.client.close(theirs);
      p.pass(60);
    }
    const [theirs, ours] = p.connect();
    p.app.send(ours, pattern(10_000));
    p.app.close(ours);
    p.client.abort(theirs);
    p.pass(60);
    assert.deepEqual([p.app.left(), p.app.pools().connections], [0, 0]);
    p.end(1000);
    assert.deepEqual(p.ended(), [0, 0]);
  });

  it("in threads: each of their peers gets a RST", async () => {
    const cable = new Cable(), serve = new URL("../bench/hash-server.mjs", import.meta.url).href;
    const stack = await Stack.open({ link: cable.ends[0], ip: "10.0.0.1/24" });
    const shards = new Shards(2, cable.ends[1], { ip: "10.0.0.2/24" }, {}, undefined, serve);
    await shards.ready;
    const clients = await Promise.all(Array.from({ length: 8 }, () => stack.connect({ host: "10.0.0.2", port: 80 })));
    const ends = clients.map(async (c) => {
      c.write(pattern(16));
      await once(c, "data");
      return once(c, "error", { signal: AbortSignal.timeout(10_000) }).catch((e: Error) => [e]);
    });
    await Promise.all(clients.map((c) => once(c, "data")));
    shards.stop();
    shards.stop();
    await shards.done;
    const how = (await Promise.all(ends)).map(([e]) => (e as { code: string }).code);
    assert.deepEqual(how, clients.map(() => "RESET"));
    await stack.close(0);
  });

  it("in threads: neighbours are answered until all have ended, whichever has a connection left", async () => {
    const cable = new Cable(), stack = await Stack.open({ link: cable.ends[0], ip: "10.0.0.1/24", recvRing: 4096 });
    const shards = new Shards(2, cable.ends[1], { ip: "10.0.0.2/24" }, {}, undefined, FLOODS);
    try {
      await shards.ready;
      // One connection stays, with the shard that is not asked for addresses: it says the larger number.
      const kept = new Map<number, Connection>();
      while (kept.size < 2) {
        const c = await stack.connect({ host: "10.0.0.2", port: 80 }), [first] = await once(c, "data") as [Buffer];
        c.pause().on("error", () => {});
        const thread = first[0]!;
        if (kept.has(thread)) c.resetAndDestroy();
        else kept.set(thread, c);
      }
      kept.get(Math.min(...kept.keys()))!.resetAndDestroy();
      shards.stop();
      await until("the listeners are closed", async () =>
        stack.connect({ host: "10.0.0.2", port: 80 }).then((c) => void c.destroy(), (e: { code: string }) => e.code)
          .then((code) => code === "REFUSED"));
      for (let i = 0; i < 20; i++) {
        // An ARP reply (0x0806, 2) to 10.0.0.99.
        const isAnswer = (f: Uint8Array): boolean => f[13] === 6 && f[21] === 2 && f[41] === 99;
        cable.frames = [];
        cable.ends[0].send(arp(1, { mac: PEER.mac, ip: 0x0a000063 }, { mac: [0, 0, 0, 0, 0, 0], ip: US }));
        await until("a neighbour is answered", () => cable.frames.some(isAnswer));
      }
      shards.stop();
      await shards.done;
      assert.equal(shards.cut, 1);
    } finally {
      await shards.terminate();
      await stack.close(0);
    }
  });
});
