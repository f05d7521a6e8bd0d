/**
 * The services (assembly/services) and any number of peers, in virtual time. A peer acknowledges what comes, and keeps
 * it.
 */
import { loadModule } from "../../host/module.js";
import { rest } from "../../host/rest.js";
import { ServiceStack, type ServiceName } from "../../host/services.js";
import type { StackOptions } from "../../host/config.js";
import { arp, ip4, MAC_PEER, MAC_STACK, see, tcp, type Seen, type Tcp } from "./codec.js";
import { entropyOf } from "./entropy.js";

const STACK = ip4("10.0.0.1"), PEER = ip4("10.0.0.2");
const PORTS: Record<ServiceName, number> = { echo: 7, discard: 9, chargen: 19, http: 80 };

export interface ServiceBenchOptions extends Partial<StackOptions> {
  root?: string;
  idleS?: number;
  module?: WebAssembly.Module;
}

export class ServiceBench {
  readonly stack: ServiceStack;
  readonly peers = new Map<number, Peer>();
  nowUs = 1_000_000;
  #wait = -1;
  #port = 40000;

  constructor({ root, idleS, module, ...options }: ServiceBenchOptions = {}) {
    this.stack = new ServiceStack({
      ip: "10.0.0.1/24", entropy: entropyOf(1), connsMax: 8, sendRing: 4096, recvRing: 4096, ...options,
      policy: { announce: false, timestamps: false, sack: false, windowScaling: false, rack: false, ...options.policy },
    }, PORTS, root, idleS, module ?? loadModule("stint-app"));
    this.poll();
    this.frame(arp(1, { mac: MAC_PEER, ip: PEER }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
  }

  poll(): void {
    this.#wait = rest(() => this.stack.poll(this.nowUs), () => {
      const answers: Uint8Array[] = [];
      this.stack.drainFrames((f) => {
        const seen = see(f.slice()), peer = this.peers.get(seen.dport);
        if (seen.kind === "tcp" && peer) answers.push(...peer.take(seen));
        if (seen.kind === "arp" && seen.op === 1)
          answers.push(arp(2, { mac: MAC_PEER, ip: PEER }, { mac: MAC_STACK, ip: STACK }, MAC_STACK));
      });
      const again = this.stack.run();
      for (const a of answers) this.stack.pushFrame(a);
      return again || answers.length > 0;
    }, 10_000);
  }

  frame(bytes: Uint8Array): void {
    this.stack.pushFrame(bytes);
    this.poll();
  }

  /** Lets time pass, stopping wherever the stack wants to be polled. */
  advance(ms: number): void {
    const until = this.nowUs + ms * 1000;
    while (this.#wait >= 0 && this.nowUs + this.#wait <= until) {
      this.nowUs += Math.max(this.#wait, 1);
      this.poll();
    }
    this.nowUs = until;
    this.poll();
  }

  /** A peer's SYN goes out; it is connected when the stack has room for it. */
  open(service: ServiceName, window = 65535): Peer {
    const peer = new Peer(this, this.#port++, PORTS[service]);
    peer.window = window;
    this.peers.set(peer.port, peer);
    peer.send({ flags: "S", seq: 0, opts: [2, 4, 5, 180] });
    return peer;
  }

  get inUse(): number {
    return this.stack.pools().connections;
  }
}

export class Peer {
  /** What came, in order. */
  got = Buffer.alloc(0);
  /** The stack closed its side, or reset the connection. */
  ended = false;
  reset = false;
  /** It no longer answers: its cable is pulled. */
  gone = false;
  /** It takes what comes, and its acknowledgments are lost. */
  unheard = false;
  /** It takes nothing any more: a window of 0. */
  window = 65535;
  #seq = 0;
  #isn = 0;
  #next = 0;
  #acked = 0;
  #limited = false;

  constructor(readonly bench: ServiceBench, readonly port: number, readonly service: number) {}

  send(t: Tcp): void {
    this.bench.frame(this.#make(t));
  }

  #make(t: Tcp): Uint8Array {
    return tcp({ src: PEER, dst: STACK }, { sport: this.port, dport: this.service, win: this.window, ...t });
  }

  /** Sends bytes, in segments of up to `size`. */
  write(data: string | Uint8Array, size = 1460): this {
    const bytes = Buffer.from(data as string);
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size), seq = this.#seq;
      this.#seq = (seq + piece.length) >>> 0;
      this.send({ flags: "PA", seq, ack: this.#next, data: piece });
    }
    return this;
  }

  /** The last segment once more, as a peer does that heard nothing: text from `data` on. */
  again(data: string): void {
    this.send({ flags: "PA", seq: (this.#seq - data.length) >>> 0, ack: this.#next, data: Buffer.from(data) });
  }

  fin(): this {
    const seq = this.#seq++;
    this.send({ flags: "FA", seq, ack: this.#next });
    return this;
  }

  /** Takes `bytes` more, and then nothing. */
  allow(bytes: number): void {
    this.window = bytes;
    this.#limited = true;
    this.send({ flags: "A", seq: this.#seq, ack: this.#next });
  }

  rst(): void {
    this.send({ flags: "R", seq: this.#acked });
  }

  /** Status codes of the answers so far. */
  get statuses(): number[] {
    return [...this.got.toString("latin1").matchAll(/HTTP\/1\.1 (\d{3})/g)].map((m) => Number(m[1]));
  }

  /** A segment to this peer. Returns what it answers. */
  take(s: Seen): Uint8Array[] {
    if (this.gone) return [];
    if (s.flags.includes("R")) {
      this.reset = true;
      return [];
    }
    this.#acked = s.ack;
    if (s.flags.includes("S")) {
      [this.#isn, this.#seq] = [s.seq, 1];
      this.#next = (this.#isn + 1) >>> 0;
      return [this.#make({ flags: "A", seq: this.#seq, ack: this.#next })];
    }
    if (s.seq === this.#next && this.window > 0) {
      this.got = Buffer.concat([this.got, s.data]);
      this.#next = (this.#next + s.data.length) >>> 0;
      if (this.#limited) this.window = Math.max(0, this.window - s.data.length);
      if (s.flags.includes("F")) {
        this.ended = true;
        this.#next = (this.#next + 1) >>> 0;
      }
    }
    return !this.unheard && (s.data.length > 0 || s.flags.includes("F") || this.#isKeepAlive(s))
      ? [this.#make({ flags: "A", seq: this.#seq, ack: this.#next })]
      : [];
  }

  /** Below what was acknowledged, without text (RFC 9293 §3.8.4). */
  #isKeepAlive(s: Seen): boolean {
    return s.data.length <= 1 && ((s.seq - this.#next) | 0) < 0;
  }
}
