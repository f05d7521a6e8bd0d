/** A stack in several threads: each has its share of the flows, one link feeds them all. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { StackOptions } from "../config.js";
import type { Link } from "../links/link.js";
import { buildDir } from "../module.js";
import type { ServiceName } from "../services.js";
import { FrameRing } from "./ring.js";
import { ALL, NONE, Steer } from "./steer.js";
import type { ShardData, ShardEnded } from "./worker.js";

const SLOTS = 1024;

interface Shard { worker: Worker; incoming: FrameRing; outgoing: FrameRing; done: Promise<Record<string, number>> }

/** A stack in several threads (docs/guide/shards.md). */
export class Shards {
  /** Resolves when all of them take frames. */
  readonly ready: Promise<void>;
  /** The sums of their counters, at the end. */
  readonly done: Promise<Record<string, number>>;
  readonly #shards: Shard[] = [];
  readonly #stop = new SharedArrayBuffer(8);
  /** How often the link came back. */
  readonly #linkUps = new SharedArrayBuffer(4);
  readonly #steer: Steer;
  /** Frames that a shard had no room for. */
  dropped = 0;
  /** Connections that lost something at the end. */
  cut = 0;

  /**
   * `n` threads, with the services at `ports`, or with the application that `module`, a URL, has as `serve`
   * (host/shards/application.ts).
   */
  constructor(
    n: number, link: Link, options: StackOptions, ports: Partial<Record<ServiceName, number>>, root?: string,
    module?: string, idleS?: number, lingerS = 60,
  ) {
    this.#steer = new Steer(n, randomBytes(4).readUInt32LE());
    // An Ethernet header, and a tag (IEEE 802.1Q).
    const stride = (options.mtu ?? 1500) + 18, ready: Promise<void>[] = [];
    for (let i = 0; i < n; i++) {
      const incoming = FrameRing.allocate(SLOTS, stride), outgoing = FrameRing.allocate(SLOTS, stride);
      const data: ShardData = {
        // One announcement is enough; each needs entropy of its own.
        options: i === 0 ? options : { ...options, policy: { ...options.policy, announce: false } },
        ports,
        root,
        module,
        idleS,
        lingerS,
        shards: n,
        stride,
        incoming: incoming.memory,
        outgoing: outgoing.memory,
        stop: this.#stop,
        linkUps: this.#linkUps,
      };
      const worker = new Worker(join(buildDir(), "stint-shard.js"), { workerData: data });
      let up: () => void,
        end: (counters: Record<string, number>) => void,
        failReady: (e: Error) => void,
        failDone: (e: Error) => void;
      ready.push(new Promise((resolve, reject) => ([up, failReady] = [resolve, reject])));
      const done = new Promise<Record<string, number>>((resolve, reject) => ([end, failDone] = [resolve, reject]));
      const drain = (): void => void outgoing.take((frame) => {
        link.send(frame);
        return true;
      });
      worker.on("message", (m: "ready" | "frames" | ShardEnded) => {
        if (m === "ready") return up();
        // Answered first: what is put from now on rings again.
        outgoing.answer();
        drain();
        if (m === "frames") return;
        this.cut += m.cut;
        end(m.counters);
      });
      worker.on("error", (e: Error) => {
        failReady(e);
        failDone(e);
      });
      this.#shards.push({ worker, incoming, outgoing, done });
    }
    this.ready = Promise.all(ready).then(() => {});
    this.done = Promise.all(this.#shards.map((s) => s.done)).then(sum);
    this.done.catch(() => {});
    link.onChange = (up) => {
      if (!up) return;
      Atomics.add(new Int32Array(this.#linkUps), 0, 1);
      for (const { incoming } of this.#shards) incoming.wake();
    };
    link.onFrame = (frame) => {
      const where = this.#steer.frame(frame);
      if (where === ALL) for (const shard of this.#shards) this.#put(shard, frame);
      else if (where !== NONE) this.#put(this.#shards[where]!, frame);
    };
  }

  #put(shard: Shard, frame: Uint8Array): void {
    if (shard.incoming.put(frame)) shard.incoming.wake();
    else this.dropped++;
  }

  /**
   * Ends every connection in order, then resolves `done`; an application's module does so by itself when its signal
   * says so, and what it leaves is reset. A second call does not wait for them.
   */
  stop(): void {
    Atomics.add(new Int32Array(this.#stop), 0, 1);
    for (const { incoming } of this.#shards) incoming.wake();
  }

  /** At once. */
  async terminate(): Promise<void> {
    await Promise.all(this.#shards.map((s) => s.worker.terminate()));
  }
}

function sum(all: Record<string, number>[]): Record<string, number> {
  const out: Record<string, number> = {};
  for (const counters of all)
    for (const [name, n] of Object.entries(counters)) out[name] = ((out[name] ?? 0) + n) >>> 0;
  return out;
}
