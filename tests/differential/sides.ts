/**
 * The two that are compared, each behind the same small interface: the module in virtual time, and the Linux kernel
 * behind a TAP device.
 */
import { createServer, type Server } from "node:net";
import { loadModule } from "../../host/module.js";
import { StackModule } from "../../host/stack.js";
import type { Link } from "../../host/links/link.js";
import { openTap } from "../../host/links/tap.js";
import { arp, ip4, MAC_PEER, MAC_STACK, see, type Seen } from "../harness/codec.js";
import { hex6 } from "../harness/codec6.js";
import { entropyOf } from "../harness/entropy.js";
import { mapped, prefix6, StackModule6, to4, to6 } from "../harness/family6.js";

export const HOST = ip4("10.9.0.1"), PEER = ip4("10.9.0.77");
/** What listens: an application that reads and never closes, and one that closes at once. Nobody listens on CLOSED. */
export const PORT = { reads: 7001, closes: 7002, closed: 7003 } as const;
export type Application = keyof typeof PORT;

/** The kernel's address; over IPv6 with its prefix, as `ip address` takes it. */
const HOST_TEXT = "10.9.0.1", HOST6_TEXT = hex6(mapped(HOST));
export const HOST6_CIDR = `${HOST6_TEXT}/${prefix6(24)}`;

/** How long the module's delayed ACK, and then the kernel's, may take, ms. */
const DELAYED_MS = 60;

export interface Side {
  /** Our frame, addressed to this side's MAC address. */
  readonly mac: number[];
  /**
   * Hands it a segment; what comes back for `port` within the time of a delayed ACK. `least`: how many are waited for,
   * where time is real.
   */
  exchange(frame: Uint8Array, port: number, least: number): Promise<Seen[]>;
}

export class Module implements Side {
  readonly mac = MAC_STACK;
  readonly stack: StackModule;
  #nowUs = 1_000_000;
  #listeners = new Map<number, Application>();
  #open = new Map<number, Application>();

  constructor(family: 4 | 6) {
    this.stack = new (family === 6 ? StackModule6 : StackModule)(loadModule(), {
      ip: "10.9.0.1/24", connsMax: 4, sendRing: 65536, recvRing: 65536, entropy: entropyOf(1), mac: "02:00:0a:00:00:01",
      delayedAckMs: 40, policy: { announce: false },
    });
    for (const application of ["reads", "closes"] as const)
      this.#listeners.set(this.stack.listen(PORT[application]), application);
    this.stack.poll(this.#nowUs);
    this.stack.pushFrame(arp(1, { mac: MAC_PEER, ip: PEER }, { mac: [0, 0, 0, 0, 0, 0], ip: HOST }));
    this.#run(1);
  }

  /** Lets `ms` pass, the application doing its part. */
  #run(ms: number): Seen[] {
    const out: Seen[] = [];
    for (const until = this.#nowUs + ms * 1000; ;) {
      const wait = this.stack.poll(this.#nowUs);
      this.stack.drainFrames((f) => void out.push(see(f.slice())));
      this.stack.drainEvents(() => {});
      let worked = false;
      for (const [listener, application] of this.#listeners)
        for (let h = this.stack.accept(listener); h > 0; h = this.stack.accept(listener)) {
          this.#open.set(h, application);
          worked = true;
          if (application === "closes") this.stack.shutdown(h);
        }
      for (const h of this.#open.keys())
        while (this.stack.receivable(h) > 0) worked = this.stack.receive(h) !== null || worked;
      if (worked || wait === 0) continue;
      if (wait < 0 || this.#nowUs + wait > until) {
        this.#nowUs = until;
        if (this.stack.poll(this.#nowUs) !== 0) return out;
        continue;
      }
      this.#nowUs += wait;
    }
  }

  state(port: number, dport: number): string {
    return this.stack.flowState(HOST, dport, PEER, port);
  }

  exchange(frame: Uint8Array, port: number): Promise<Seen[]> {
    this.stack.pushFrame(frame);
    return Promise.resolve(this.#run(DELAYED_MS).filter((s) => s.kind === "tcp" && s.dport === port));
  }
}

export class Kernel implements Side {
  readonly mac: number[];
  #link: Link;
  #servers: Server[] = [];
  #seen = new Map<number, Seen[]>();
  #answered = false;

  private constructor(link: Link, mac: number[], readonly family: 4 | 6) {
    this.#link = link;
    this.mac = mac;
    link.onFrame = (frame) => {
      const bytes = family === 6 ? to4(Uint8Array.from(frame)) : Uint8Array.from(frame);
      if (bytes === null) return;
      const seen = see(bytes);
      if (seen.kind === "arp" && seen.op === 1 && seen.ip.dst === PEER)
        this.#send(arp(2, { mac: MAC_PEER, ip: PEER }, { mac: this.mac, ip: HOST }, this.mac));
      if (seen.kind === "arp" && seen.op === 2) this.#answered = true;
      if (seen.kind !== "tcp") return;
      const all = this.#seen.get(seen.dport);
      if (all) all.push(seen);
    };
  }

  /** What is said in IPv4's frames; over IPv6, in its own. */
  #send(frame: Uint8Array): void {
    this.#link.send(this.family === 6 ? to6(frame) : frame);
  }

  static async open(device: string, mac: number[], family: 4 | 6): Promise<Kernel> {
    const kernel = new Kernel(await openTap(device), mac, family);
    // The device takes a moment; and the kernel learns who asks.
    const deadline = Date.now() + 5000;
    while (!kernel.#answered && Date.now() < deadline) {
      kernel.#send(arp(1, { mac: MAC_PEER, ip: PEER }, { mac: [0, 0, 0, 0, 0, 0], ip: HOST }));
      await new Promise((done) => setTimeout(done, 20));
    }
    if (!kernel.#answered) throw new Error(`the kernel does not answer on ${device}`);
    for (const application of ["reads", "closes"] as const) {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on("error", () => {}).resume();
        if (application === "closes") socket.end();
      });
      await new Promise<void>((done) => server.listen(PORT[application], family === 6 ? HOST6_TEXT : HOST_TEXT, done));
      kernel.#servers.push(server);
    }
    return kernel;
  }

  async exchange(frame: Uint8Array, port: number, least: number): Promise<Seen[]> {
    const all: Seen[] = [];
    this.#seen.set(port, all);
    this.#send(frame);
    for (let ms = 0; ms < (all.length < least ? DELAYED_MS : 4); ms++) await new Promise((done) => setTimeout(done, 1));
    this.#seen.set(port, []);
    return all;
  }

  close(): void {
    this.#link.close();
    for (const server of this.#servers) server.close();
    process.exitCode ??= 0;
  }
}
