/**
 * `npm run bench -- component`: what the component's adapter costs a call and a frame, beside the module itself, in V8
 * by way of jco.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { loadModule } from "../../host/module.js";
import { StackModule } from "../../host/stack.js";
import { component } from "../../tools/component.js";
import { entropyOf } from "../harness/entropy.js";
import { interleaved, ratio, type Row } from "./measure.js";

interface Net {
  stack: {
    start(c: object, entropy: bigint[]): void;
    poll(now: bigint): number | undefined;
    frameIn(frame: Uint8Array): boolean;
    frameOut(): Uint8Array | undefined;
  };
}

const DIR = "build/bench/component", BATCH = 32;

export async function benchComponent(quick: boolean): Promise<Row[]> {
  await component(DIR);
  const { instantiate } = (await import(pathToFileURL(resolve(DIR, "stint.js")).href)) as {
    instantiate(core: (path: string) => Promise<WebAssembly.Module>, imports: object): Promise<Net>;
  };
  const { stack: net } = await instantiate((path) => WebAssembly.compile(readFileSync(join(DIR, path))), {});
  net.start(
    { address: 0x0a000001, prefix: 24, gateway: 0, mac: 0x020000000001n, mtu: 1500, connections: 8, ring: 16384 },
    [...new BigUint64Array(entropyOf(1).buffer)],
  );
  const module = new StackModule(loadModule("stint.simd"), { ip: "10.0.0.1/24", rxSlots: 64, txSlots: 64 });
  // A frame to somebody else: all that is to be done is to look at its address.
  const frame = new Uint8Array(1514).fill(2), calls = quick ? 100_000 : 1_000_000;
  let now = 1000;
  const ns = (n: number, work: () => void): number => {
    const began = process.hrtime.bigint();
    for (let i = 0; i < n; i++) work();
    return Number(process.hrtime.bigint() - began) / n;
  };
  const rounds = quick ? 5 : 15, call = interleaved({
    component: () => ns(calls, () => net.poll(BigInt(now++))),
    module: () => ns(calls, () => module.poll(now++)),
  }, rounds), frames = interleaved({
    component: () => ns(calls / 100, () => {
      for (let i = 0; i < BATCH; i++) if (!net.frameIn(frame)) throw new Error("a frame was refused");
      net.poll(BigInt(now++));
    }) / BATCH,
    module: () => ns(calls / 100, () => {
      for (let i = 0; i < BATCH; i++) module.pushFrame(frame);
      module.poll(now++);
    }) / BATCH,
  }, rounds);
  const row = (what: string, m: typeof call): Row[] => [
    { work: "component", subject: "stint-v8-simd", params: { what }, ...m.module, unit: "ns", ratios: {} },
    {
      work: "component", subject: "stint-component-jco", params: { what }, ...m.component, unit: "ns",
      ratios: { "stint-v8-simd": ratio(m.component, m.module) },
    },
  ];
  return [
    ...row("a call: poll with nothing to do", call), ...row("a frame in, 1,514 bytes, and its share of a poll", frames),
  ];
}
