/** `npm run bench -- shards`: SYNs that threads answer with cookies, by the number of threads; this one feeds them all and takes their answers. */
import { parseIp } from "../../host/address.js";
import { arpAnswer, SynFrame } from "../../host/lab/frames.js";
import type { Link } from "../../host/links/link.js";
import { Random } from "../../host/random.js";
import { Shards } from "../../host/shards/shards.js";
import { summary, type Row } from "./measure.js";

const IP = "10.0.0.2", MAC = Uint8Array.of(2, 0, 0, 0, 0, 2), FRAMES = 256;

/** Answers a second of `n` threads, over `seconds`. */
async function answered(n: number, seconds: number): Promise<number> {
  let answers = 0;
  const link: Link = {
    send(frame) {
      const arp = arpAnswer(frame);
      if (arp) link.onFrame(arp);
      else if (frame[47] === 0x12) answers++;
    },
    onFrame() {}, onClose() {}, close() {},
  };
  const shards = new Shards(n, link, {
    ip: `${IP}/24`, gateway: "10.0.0.1", mac: "02:00:00:00:00:02", cookies: 2, cookieRate: 0, connsMax: 8, rxSlots: 256, txSlots: 256, policy: { announce: false },
  }, { echo: 7 });
  await shards.ready;
  const syn = new SynFrame(MAC, parseIp(IP), 7), random = new Random(1);
  const frames = Array.from({ length: 4096 }, () => syn.from((0xc6120000 + random.below(1 << 17)) >>> 0, 1024 + random.below(60000), random.u32()).slice());
  const turn = (): Promise<void> => new Promise((r) => setImmediate(r));
  const feed = async (s: number): Promise<number> => {
    const before = answers, began = performance.now();
    for (let at = 0; performance.now() - began < s * 1000; at = (at + FRAMES) % frames.length) {
      for (let i = 0; i < FRAMES; i++) link.onFrame(frames[at + i]!);
      await turn();
    }
    return (answers - before) / ((performance.now() - began) / 1000);
  };
  await feed(seconds / 2);
  const rate = await feed(seconds);
  shards.stop();
  await shards.done;
  await shards.terminate();
  return rate;
}

export async function benchShards(quick: boolean): Promise<Row[]> {
  const counts = [1, 2], values = new Map(counts.map((n) => [n, [] as number[]]));
  for (let round = 0; round < (quick ? 3 : 7); round++) for (const n of counts) values.get(n)!.push(await answered(n, quick ? 0.6 : 1.5));
  const measured = new Map([...values].map(([n, v]) => [n, summary(v)])), one = measured.get(1)!;
  return counts.map((n) => ({ work: "shards", subject: "stint-v8-simd", params: { threads: n }, ...measured.get(n)!, unit: "SYNs/s", ratios: n === 1 ? {} : { "1 thread": measured.get(n)!.median / one.median } }));
}
