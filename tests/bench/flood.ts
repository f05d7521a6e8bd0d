/** `npm run bench -- flood`: what a spoofed SYN costs, and what becomes of honest clients at a hundred times the table's size. */
import { parseIp } from "../../host/address.js";
import { flood } from "../../host/lab/flood.js";
import { arpAnswer, SynFrame } from "../../host/lab/frames.js";
import { loadModule } from "../../host/module.js";
import { Random } from "../../host/random.js";
import { StackModule } from "../../host/stack.js";
import { tcp } from "../harness/codec.js";
import { interleaved, type Row } from "./measure.js";

const IP = "10.0.0.2", MAC = [2, 0, 0, 0, 0, 2], PORT = 80, SLOTS = 256;

/** A server that answers every SYN with a cookie, and `connections` that are ESTABLISHED beside it. */
class Target {
  readonly stack: StackModule;
  #random = new Random(1);
  #syn: SynFrame;
  #nowUs = 1_000_000;
  #listener: number;

  constructor(readonly connections: number) {
    this.stack = new StackModule(loadModule("stint.simd"), {
      ip: `${IP}/24`, gateway: "10.0.0.1", mac: "02:00:00:00:00:02", cookies: 2, cookieRate: 0, connsMax: Math.max(4, connections), sendRing: 64,
      recvRing: 64, halfOpenMax: 256, timeWaitMax: 4, rxSlots: SLOTS, txSlots: SLOTS, rangesMax: 16, reassemblyMax: 0, udpMax: 0,
      entropy: this.#random.bytes(32),
    });
    this.#listener = this.stack.listen(PORT, Math.max(256, connections));
    this.#syn = new SynFrame(Uint8Array.from(MAC), parseIp(IP), PORT);
    for (let i = 0; i < connections; i += SLOTS) this.#establish(i, Math.min(SLOTS, connections - i));
    if (this.stack.pools().connections !== connections) throw new Error("the connections are not established");
    for (let i = 0; i < connections; i++) this.stack.accept(this.#listener);
  }

  /** Opens connections `from` … `from + n`. */
  #establish(from: number, n: number): void {
    for (let i = 0; i < n; i++) this.stack.pushFrame(this.#syn.from(0x64000000 + ((from + i) >>> 10), 1024 + ((from + i) & 1023), 1));
    const acks: Uint8Array[] = [];
    const take = (frame: Uint8Array): void => {
      const arp = arpAnswer(frame);
      if (arp) return void this.stack.pushFrame(arp);
      if (frame[47] !== 0x12) return;
      const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
      acks.push(tcp({ src: view.getUint32(30), dst: parseIp(IP), dstMac: MAC }, { flags: "A", sport: view.getUint16(36), dport: PORT, seq: 2, ack: (view.getUint32(38) + 1) >>> 0 }));
    };
    do this.stack.drainFrames(take); while (this.stack.poll(this.#nowUs) === 0);
    this.stack.drainFrames(take);
    // The first SYN-ACKs wait for the gateway's address: those that did not come are asked for again.
    if (acks.length < n) return this.#establish(from, n);
    for (const ack of acks) this.stack.pushFrame(ack);
    do this.stack.drainFrames(() => {}); while (this.stack.poll(this.#nowUs) === 0);
    this.stack.drainFrames(() => {});
  }

  /** ns for one SYN and its SYN-ACK, inside the module, over `batches` batches of 256. */
  synNs(batches: number): number {
    const { stack } = this;
    let ns = 0;
    for (let b = 0; b < batches; b++) {
      for (let i = 0; i < SLOTS; i++) stack.pushFrame(this.#syn.from((0xc6120000 + this.#random.below(1 << 17)) >>> 0, 1024 + this.#random.below(60000), this.#random.u32()));
      this.#nowUs += 100;
      const began = process.hrtime.bigint();
      stack.poll(this.#nowUs);
      ns += Number(process.hrtime.bigint() - began);
      let sent = 0;
      stack.drainFrames(() => sent++);
      if (sent !== SLOTS) throw new Error(`${sent} answers to ${SLOTS} SYNs`);
    }
    return ns / batches / SLOTS;
  }
}

export function benchFlood(quick: boolean): Row[] {
  const [few, many] = [1, 100_000];
  const targets = { [few]: new Target(few), [many]: new Target(many) };
  const batches = quick ? 40 : 200;
  const cost = interleaved({ few: () => targets[few]!.synNs(batches), many: () => targets[many]!.synNs(batches) }, quick ? 5 : 15);
  const rows: Row[] = [
    { work: "syn", subject: "stint-v8-simd", params: { connections: few }, ...cost.few, unit: "ns", ratios: {} },
    { work: "syn", subject: "stint-v8-simd", params: { connections: many }, ...cost.many, unit: "ns", ratios: { "1 connection": cost.many.median / cost.few.median } },
  ];
  // 100 tables of 256 in 10 s.
  const options = { rate: 2560, seconds: 10, clients: 50, networks: 0, seed: 1 };
  const calm = flood("cookies", { ...options, rate: 0 }), attacked = flood("cookies", options);
  const share = (n: number): number => n / attacked.honest_attempted;
  rows.push(
    { work: "flood", subject: "honest clients served", params: options, median: share(attacked.honest_connected), unit: "share", spread: 0, ratios: {} },
    { work: "flood", subject: "connect time, 99 %", params: options, median: attacked.connect_ms_p99, unit: "ms", spread: 0,
      ratios: { "without an attack": attacked.connect_ms_p99 / calm.connect_ms_p99 } },
    { work: "flood", subject: "memory growth", params: options, median: attacked.memory_bytes_peak - attacked.memory_bytes_before, unit: "bytes", spread: 0, ratios: {} },
  );
  return rows;
}
