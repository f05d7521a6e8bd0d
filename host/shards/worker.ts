/** One shard: a thread with a stack of its own and its services, between two rings. */
import { parentPort, workerData } from "node:worker_threads";
import { monotonicUs } from "../clock.js";
import type { StackOptions } from "../config.js";
import { Ending, FLUSH_MS } from "../ending.js";
import { ServiceStack, type ServiceName } from "../services.js";
import type { StackModule } from "../stack.js";
import { ApplicationStack, type Serve } from "./application.js";
import { FrameRing } from "./ring.js";

export interface ShardData {
  options: StackOptions;
  ports: Partial<Record<ServiceName, number>>;
  root: string | undefined;
  /** Seconds that a connection of a service may be idle; 0: for ever. */
  idleS: number | undefined;
  /** Seconds that connections have at the end to take what is left for them. */
  lingerS: number;
  /** URL of a module with a `serve`, in the place of the services. */
  module: string | undefined;
  stride: number;
  incoming: SharedArrayBuffer;
  outgoing: SharedArrayBuffer;
  /** How many shards there are. */
  shards: number;
  /** 1: end; more: at once. Then how many shards have nothing to wait for. */
  stop: SharedArrayBuffer;
  /** How often the link came back. */
  linkUps: SharedArrayBuffer;
}

/** The last that a shard says. */
export interface ShardEnded {
  counters: Record<string, number>;
  cut: number;
}

/** How long to sleep at most, ms. */
const SLEEP_MS = 1000, BATCH = 256;

const data = workerData as ShardData, port = parentPort!;
const incoming = new FrameRing(data.incoming, data.stride);
const outgoing = new FrameRing(data.outgoing, data.stride);
const stop = new Int32Array(data.stop);
const linkUps = new Int32Array(data.linkUps);

/** The stack, what is called after each poll, and what ends its connections. */
interface Application { stack: StackModule; run: () => boolean; end: () => Ending }

async function application(): Promise<Application> {
  const lingerMs = data.lingerS * 1000;
  if (data.module === undefined) {
    const services = new ServiceStack(data.options, data.ports, data.root, data.idleS);
    return { stack: services, run: () => services.run(), end: () => new Ending(services, lingerMs) };
  }
  const { serve } = await import(data.module) as { serve: Serve };
  const own = new ApplicationStack(data.options);
  return { stack: own, run: serve(own, own.signal), end: () => new Ending(own, lingerMs) };
}

function drain(): void {
  let sent = 0;
  stack.drainFrames((frame) => {
    // Full: dropped, as a link does.
    if (outgoing.put(frame)) sent++;
  });
  if (sent > 0 && outgoing.ring()) port.postMessage("frames");
}

const { stack, run, end } = await application();
let told = false, heard = 0, ending: Ending | undefined, cut = 0, until = Infinity, isOver = false;
for (;;) {
  const asked = Atomics.load(stop, 0);
  if (asked !== 0) {
    ending ??= end();
    if (asked > 1) ending.hurry();
    if (until === Infinity && ending.isOver()) {
      cut = ending.stack.cut();
      // Peers that missed something ask again (RFC 5961 §3.2).
      until = performance.now() + (cut > 0 ? FLUSH_MS : 0);
    } else if (performance.now() >= until) {
      // Shard 0 answers neighbours for all of them, so they end together.
      if (!isOver) Atomics.add(stop, 1, 1);
      isOver = true;
      if (Atomics.load(stop, 1) === data.shards) break;
    }
  }
  const ups = Atomics.load(linkUps, 0);
  if (ups !== heard) stack.linkChanged();
  heard = ups;
  const took = incoming.take((frame) => stack.pushFrame(frame), BATCH), wait = stack.poll(monotonicUs());
  drain();
  // The address is announced by now: who reads "ready" may connect at once, through something that has to have heard of
  // us.
  if (!told) port.postMessage("ready");
  told = true;
  const again = run();
  if (took > 0 || again || wait === 0) continue;
  incoming.wait(Math.min(wait < 0 ? SLEEP_MS : Math.max(1, wait / 1000), ending ? 10 : SLEEP_MS));
}
port.postMessage({ counters: stack.counters(), cut } satisfies ShardEnded);
