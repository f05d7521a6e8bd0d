/**
 * Many connections to one stack at once, their other ends made of numbers: handshakes, segments and ACKs frame by
 * frame.
 */
import { parseIp } from "../../host/address.js";
import type { StackOptions } from "../../host/config.js";
import { arpAnswer, SynFrame } from "../../host/lab/frames.js";
import { loadModule } from "../../host/module.js";
import { rest } from "../../host/rest.js";
import { StackModule } from "../../host/stack.js";
import { tcp } from "../harness/codec.js";
import { entropyOf } from "../harness/entropy.js";

const IP = "10.0.0.2", MAC = [2, 0, 0, 0, 0, 2], PORT = 80;
export const SLOTS = 256;
/** Peers' addresses begin here; 1,024 ports each. */
const FIRST = 0x64000000, PORTS = 1024, FIRST_PORT = 1024;

export class Crowd {
  readonly stack: StackModule;
  readonly syn: SynFrame;
  nowUs = 1_000_000;
  readonly handles: Int32Array;
  /** By connection: the stack's ISN, and how many bytes went each way. */
  readonly #iss: Uint32Array;
  readonly #sent: Uint32Array;
  readonly #listener: number;

  constructor(readonly connections: number, options: Partial<StackOptions> = {}) {
    this.stack = new StackModule(loadModule("stint.simd"), {
      ip: `${IP}/24`, gateway: "10.0.0.1", mac: "02:00:00:00:00:02", cookies: 2, cookieRate: 0,
      connsMax: Math.max(4, connections), sendRing: 64, recvRing: 64, halfOpenMax: 256, timeWaitMax: 4, rxSlots: SLOTS,
      txSlots: SLOTS, rangesMax: 16, sendersMax: 0, reassemblyMax: 0, udpMax: 0, delayedAckMs: 0, entropy: entropyOf(7),
      ...options,
    });
    this.handles = new Int32Array(connections);
    this.#iss = new Uint32Array(connections);
    this.#sent = new Uint32Array(connections);
    this.#listener = this.stack.listen(PORT, SLOTS);
    this.syn = new SynFrame(Uint8Array.from(MAC), parseIp(IP), PORT);
    for (let i = 0; i < connections; i += SLOTS) this.#establish(i, Math.min(SLOTS, connections - i));
    if (this.stack.pools().connections !== connections)
      throw new Error(`${this.stack.pools().connections} of ${connections} connections are established`);
  }

  #address(i: number): { src: number; sport: number } {
    return { src: (FIRST + Math.floor(i / PORTS)) >>> 0, sport: FIRST_PORT + (i % PORTS) };
  }

  /** Whose segment a frame from the stack is. */
  #owner(view: DataView): number {
    return (view.getUint32(30) - FIRST) * PORTS + view.getUint16(36) - FIRST_PORT;
  }

  /** A segment of connection `i`, with `data` at byte `at` of its stream. */
  frame(i: number, data: Uint8Array, ack: number): Uint8Array {
    return tcp(
      { ...this.#to(i) },
      {
        flags: "A", sport: this.#address(i).sport, dport: PORT, seq: (2 + this.#sent[i]!) >>> 0,
        ack: (this.#iss[i]! + 1 + ack) >>> 0, win: 60000, data,
      },
    );
  }

  #to(i: number): { src: number; dst: number; dstMac: number[] } {
    return { src: this.#address(i).src, dst: parseIp(IP), dstMac: MAC };
  }

  poll(take: (frame: Uint8Array) => void = () => {}): void {
    this.stack.drainFrames(take);
    rest(() => this.stack.poll(this.nowUs), () => void this.stack.drainFrames(take));
  }

  #establish(from: number, n: number): void {
    const answered = new Set<number>();
    const take = (frame: Uint8Array): void => {
      const arp = arpAnswer(frame);
      if (arp) return void this.stack.pushFrame(arp);
      if (frame[47] !== 0x12) return;
      const view = new DataView(frame.buffer, frame.byteOffset, frame.length), i = this.#owner(view);
      this.#iss[i] = view.getUint32(38);
      answered.add(i);
    };
    for (let round = 0; answered.size < n; round++) {
      if (round === 10) throw new Error("no answer to a SYN");
      // The first SYN-ACKs wait for the gateway's address: those that did not come are asked for again.
      for (let i = from; i < from + n; i++) {
        if (answered.has(i)) continue;
        const { src, sport } = this.#address(i);
        this.stack.pushFrame(this.syn.from(src, sport, 1));
      }
      this.poll(take);
    }
    for (let i = from; i < from + n; i++) this.stack.pushFrame(this.frame(i, new Uint8Array(), 0));
    this.poll();
    // They are accepted in the order in which they came.
    for (let i = from; i < from + n; i++) this.handles[i] = this.stack.accept(this.#listener);
    this.stack.drainEvents(() => {});
  }

  /**
   * Each of `who` sends `data`, the server sends it back, and it is acknowledged. Returns how many got their own bytes.
   */
  echo(who: readonly number[], data: (i: number) => Uint8Array): number {
    let right = 0;
    for (let at = 0; at < who.length; at += SLOTS / 2) {
      const batch = who.slice(at, at + SLOTS / 2), wants = new Map(batch.map((i) => [i, data(i)]));
      for (const i of batch) this.stack.pushFrame(this.frame(i, wants.get(i)!, this.#sent[i]!));
      this.poll();
      this.stack.drainEvents((handle) => {
        const got = this.stack.receivable(handle) > 0 ? this.stack.receive(handle)! : null;
        if (got) this.stack.send(handle, got);
      });
      const back = new Map<number, string>();
      this.poll((frame) => {
        const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
        const header = 34 + (frame[46]! >> 4) * 4;
        const size = view.getUint16(16) + 14;
        if (size > header) back.set(this.#owner(view), Buffer.from(frame.subarray(header, size)).toString("hex"));
      });
      for (const i of batch) {
        const sent = wants.get(i)!;
        if (back.get(i) === Buffer.from(sent).toString("hex")) right++;
        this.#sent[i]! += sent.length;
        this.stack.pushFrame(this.frame(i, new Uint8Array(), this.#sent[i]!));
      }
      this.poll();
    }
    return right;
  }

  /**
   * ns inside the module for a segment of 8 bytes and its ACK. `batches`: each of connections that are all different,
   * so that each has an ACK.
   */
  packetNs(batches: readonly (readonly number[])[]): number {
    let ns = 0, n = 0;
    const data = new Uint8Array(8);
    for (const batch of batches) {
      for (const i of batch) {
        this.stack.pushFrame(this.frame(i, data, 0));
        this.#sent[i]! += 8;
      }
      this.nowUs += 100;
      const began = process.hrtime.bigint();
      this.stack.poll(this.nowUs);
      ns += Number(process.hrtime.bigint() - began);
      n += batch.length;
      this.stack.drainFrames(() => {});
      // Its application reads, so that the windows stay open.
      this.stack.drainEvents((handle) => void this.stack.receive(handle));
      this.poll();
    }
    return ns / n;
  }
}
