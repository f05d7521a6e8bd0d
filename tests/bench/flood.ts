/**
 * `npm run bench -- flood`: what a spoofed SYN costs, and what becomes of honest clients at a hundred times the table's
 * size.
 */
import { flood } from "../../host/lab/flood.js";
import { Random } from "../../host/random.js";
import { Crowd, SLOTS } from "./crowd.js";
import { interleaved, ratio, type Row } from "./measure.js";

/** A server that answers every SYN with a cookie, and `connections` that are ESTABLISHED beside it. */
class Target extends Crowd {
  #random = new Random(1);

  /** ns for one SYN and its SYN-ACK, inside the module, over `batches` batches of 256. */
  synNs(batches: number): number {
    const { stack } = this;
    let ns = 0;
    for (let b = 0; b < batches; b++) {
      for (let i = 0; i < SLOTS; i++)
        stack.pushFrame(this.syn.from(
          (0xc6120000 + this.#random.below(1 << 17)) >>> 0, 1024 + this.#random.below(60000), this.#random.u32(),
        ));
      this.nowUs += 100;
      const began = process.hrtime.bigint();
      stack.poll(this.nowUs);
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
  const cost = interleaved(
    { few: () => targets[few]!.synNs(batches), many: () => targets[many]!.synNs(batches) }, quick ? 5 : 15,
  );
  const rows: Row[] = [
    { work: "syn", subject: "stint-v8-simd", params: { connections: few }, ...cost.few, unit: "ns", ratios: {} },
    {
      work: "syn", subject: "stint-v8-simd", params: { connections: many }, ...cost.many, unit: "ns",
      ratios: { "1 connection": ratio(cost.many, cost.few) },
    },
  ];
  // 100 tables of 256 in 10 s.
  const options = { rate: 2560, seconds: 10, clients: 50, networks: 0, seed: 1 };
  const calm = flood("cookies", { ...options, rate: 0 }), attacked = flood("cookies", options);
  const share = (n: number): number => n / attacked.honest_attempted;
  rows.push(
    {
      work: "flood", subject: "honest clients served", params: options, median: share(attacked.honest_connected),
      unit: "share", spread: 0, ratios: {},
    },
    {
      work: "flood", subject: "connect time, 99 %", params: options, median: attacked.connect_ms_p99, unit: "ms",
      spread: 0, ratios: { "without an attack": attacked.connect_ms_p99 / calm.connect_ms_p99 },
    },
    {
      work: "flood", subject: "memory growth", params: options,
      median: attacked.memory_bytes_peak - attacked.memory_bytes_before, unit: "bytes", spread: 0, ratios: {},
    },
  );
  return rows;
}
