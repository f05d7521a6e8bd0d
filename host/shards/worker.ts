/** One shard: a thread with a stack of its own and its services, between two rings. */
import { parentPort, workerData } from "node:worker_threads";
import type { StackOptions } from "../config.js";
import { monotonicUs } from "../loop.js";
import { loadModule } from "../module.js";
import { ServiceStack, type ServiceName } from "../services.js";
import { StackModule } from "../stack.js";
import { FrameRing } from "./ring.js";

export interface ShardData {
  options: StackOptions;
  ports: Partial<Record<ServiceName, number>>;
  root: string | undefined;
  /** Seconds that a connection of a service may be idle; 0: for ever. */
  idleS: number | undefined;
  /** URL of a module with a `serve`, in the place of the services. */
  module: string | undefined;
  stride: number;
  incoming: SharedArrayBuffer;
  outgoing: SharedArrayBuffer;
  /** Not 0: end. */
  stop: SharedArrayBuffer;
  /** How often the link came back. */
  linkUps: SharedArrayBuffer;
}

/** How long connections have to end, ms; and how long to sleep at most. */
const CLOSING_MS = 3000, SLEEP_MS = 1000, BATCH = 256;

const data = workerData as ShardData, port = parentPort!;
const incoming = new FrameRing(data.incoming, data.stride), outgoing = new FrameRing(data.outgoing, data.stride), stop = new Int32Array(data.stop);
const linkUps = new Int32Array(data.linkUps);

/** What an application is, in each shard: it is given its stack, and returns what is called after each poll; true: poll again. */
export type Serve = (stack: StackModule) => () => boolean;

async function application(): Promise<{ stack: StackModule; run: () => boolean; end: () => void }> {
  if (data.module === undefined) {
    const services = new ServiceStack(data.options, data.ports, data.root, data.idleS);
    return { stack: services, run: () => services.run(), end: () => services.stop() };
  }
  const { serve } = await import(data.module) as { serve: Serve };
  const plain = new StackModule(loadModule(), data.options), turn = serve(plain);
  // Its connections are its own; those that are open when it is to end, are over.
  return { stack: plain, run: turn, end: () => (until = 0) };
}

let until = Infinity;
const { stack, run, end } = await application();
let told = false, heard = 0;
while (performance.now() < until) {
  if (until === Infinity && Atomics.load(stop, 0) !== 0) {
    until = performance.now() + CLOSING_MS;
    end();
  }
  if (until !== Infinity && stack.pools().connections === 0) break;
  const ups = Atomics.load(linkUps, 0);
  if (ups !== heard) stack.linkChanged();
  heard = ups;
  const took = incoming.take((frame) => stack.pushFrame(frame), BATCH), wait = stack.poll(monotonicUs());
  let sent = 0;
  stack.drainFrames((frame) => {
    // Full: dropped, as a link does.
    if (outgoing.put(frame)) sent++;
  });
  if (sent > 0 && outgoing.ring()) port.postMessage("frames");
  // The address is announced by now: who reads "ready" may connect at once, through something that has to have heard of us.
  if (!told) port.postMessage("ready");
  told = true;
  const again = run();
  if (took > 0 || again || wait === 0) continue;
  incoming.wait(Math.min(wait < 0 ? SLEEP_MS : Math.max(1, wait / 1000), until === Infinity ? SLEEP_MS : 10));
}
port.postMessage({ counters: stack.counters() });
