/** One shard: a thread with a stack of its own and its services, between two rings. */
import { parentPort, workerData } from "node:worker_threads";
import type { StackOptions } from "../config.js";
import { monotonicUs } from "../loop.js";
import { ServiceStack, type ServiceName } from "../services.js";
import { FrameRing } from "./ring.js";

export interface ShardData {
  options: StackOptions;
  ports: Partial<Record<ServiceName, number>>;
  root: string | undefined;
  stride: number;
  incoming: SharedArrayBuffer;
  outgoing: SharedArrayBuffer;
  /** Not 0: end. */
  stop: SharedArrayBuffer;
}

/** How long connections have to end, ms; and how long to sleep at most. */
const CLOSING_MS = 3000, SLEEP_MS = 1000, BATCH = 256;

const data = workerData as ShardData, port = parentPort!;
const incoming = new FrameRing(data.incoming, data.stride), outgoing = new FrameRing(data.outgoing, data.stride), stop = new Int32Array(data.stop);
const stack = new ServiceStack(data.options, data.ports, data.root);
port.postMessage("ready");

let until = Infinity;
while (performance.now() < until) {
  if (until === Infinity && Atomics.load(stop, 0) !== 0) {
    stack.stop();
    until = performance.now() + CLOSING_MS;
  }
  if (until !== Infinity && stack.pools().connections === 0) break;
  const took = incoming.take((frame) => stack.pushFrame(frame), BATCH), wait = stack.poll(monotonicUs());
  let sent = 0;
  stack.drainFrames((frame) => {
    // Full: dropped, as a link does.
    if (outgoing.put(frame)) sent++;
  });
  if (sent > 0 && outgoing.ring()) port.postMessage("frames");
  const again = stack.run();
  if (took > 0 || again || wait === 0) continue;
  incoming.wait(Math.min(wait < 0 ? SLEEP_MS : Math.max(1, wait / 1000), until === Infinity ? SLEEP_MS : 10));
}
port.postMessage({ counters: stack.counters() });
