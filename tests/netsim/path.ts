/**
 * One path, in virtual time: what goodput a transfer has over it. The sender writes as fast as it may, the receiver
 * reads at once.
 */
import { parseIp } from "../../host/address.js";
import type { StackOptions } from "../../host/config.js";
import { Wire, type InFlight } from "../../host/links/loopback.js";
import { PERFECT } from "../../host/links/path.js";
import { loadModule } from "../../host/module.js";
import { Random } from "../../host/random.js";
import { EVENT, StackModule } from "../../host/stack.js";

export const TROUBLES = [
  "random", "bursts", "reordering", "duplication", "queue of 1 BDP", "queue of 0.1 BDP", "competing flow",
] as const;
export type Trouble = (typeof TROUBLES)[number];

export interface Path {
  /** What happens beside the random loss. */
  trouble: Trouble;
  /** Share of frames that is lost, both ways, 0 … 1. */
  loss: number;
  rttMs: number;
  /** Bytes of ring on both sides. */
  ring: number;
  seed?: number;
  /** Only the data is lost, not the acknowledgments. */
  oneWay?: boolean;
  /** Bits a second that the bottleneck of the last three troubles carries. */
  rate?: number;
  sender?: Partial<StackOptions>;
  receiver?: Partial<StackOptions>;
  /** A second transfer at the same time, by `sender` of its own or the same. */
  flows?: number;
  /** The congestion control of each flow, where it is not the sender's. */
  congestion?: number[];
  /** How many bottleneck BDPs the queue holds, in the place of what `trouble` says. */
  queueBdp?: number;
  /** Virtual seconds, and bytes, at most. */
  seconds?: number;
  bytes?: number;
}

export interface Outcome {
  /** Payload bytes a second that the receiver's application got, by flow. */
  goodput: number[];
  /** What the path allows: the ring once a round trip, or the bottleneck, less what is lost. */
  allows: number;
  /** Segments that the sender sent again, as a share of those with data. */
  resent: number;
  counters: Record<string, number>;
  /** The smoothed round-trip time at the end, µs, by flow. */
  srttUs: number[];
}

const MSS = 1460, FRAME = 1514, PORT = 7000;
/** Reordered frames are late by so much at most, as a share of the round-trip time. */
const REORDER_SHARE = 0.3, REORDER_LATE = 0.25;
/** Lost frames come in runs of so many on average. */
const BURST = 4;

/** What the path does to the frames of the sender. */
function directionOf({ trouble, loss, rttMs, queueBdp }: Path, rate: number, queued: boolean): typeof PERFECT {
  const bdp = (rate / 8) * (rttMs / 1000), share = queueBdp ?? (trouble === "queue of 0.1 BDP" ? 0.1 : 1);
  return {
    ...PERFECT, delayUs: (rttMs * 1000) / 2, rate, queue: queued ? Math.max(4, Math.round((share * bdp) / FRAME)) : 1e9,
    loss: trouble === "bursts" ? 0 : loss, duplicate: trouble === "duplication" ? 0.1 : 0,
    reorder: trouble === "reordering" ? REORDER_SHARE : 0, reorderUs: Math.max(2, rttMs * 1000 * REORDER_LATE),
  };
}

/** Bytes of text a second that pass. */
function bottleneck(rate: number): number {
  return rate === 0 ? Infinity : (rate / 8) * (MSS / FRAME);
}

/** The connections of the flows, each with its congestion control. */
function opened(sender: StackModule, flows: number, congestion: number[] | undefined): number[] {
  const handles = Array.from({ length: flows }, () => sender.connect(parseIp("10.0.0.2"), PORT));
  congestion?.forEach((c, i) => sender.setOption(handles[i]!, "congestion", c));
  return handles;
}

export function transfer(path: Path): Outcome {
  const { trouble, loss, rttMs, ring } = path, seconds = path.seconds ?? 60, random = new Random(path.seed ?? 1);
  const queued = trouble === "competing flow" || trouble.startsWith("queue"), rate = queued ? path.rate ?? 10e6 : 0;
  const flows = path.flows ?? (trouble === "competing flow" ? 2 : 1);
  const wire = new Wire(random.u32(), 1_000_000), module = loadModule();
  const make = (n: number, more: Partial<StackOptions> = {}): StackModule =>
    new StackModule(module, {
      ip: `10.0.0.${n}/24`, entropy: random.bytes(32), connsMax: 4, halfOpenMax: 4, timeWaitMax: 4, sendRing: ring,
      recvRing: ring, rxSlots: 256, txSlots: 256, ...more, policy: { announce: false, ...more.policy },
    });
  const sender = make(1, path.sender), receiver = make(2, path.receiver);
  const out = directionOf(path, rate, queued);
  wire.attach(sender, out);
  wire.attach(receiver, { ...out, rate: 0, queue: 1e9, loss: path.oneWay ? 0 : out.loss });
  if (trouble === "bursts" && loss > 0) wire.decide = bursts(loss, random);

  const got = new Map<number, number>(), writers: number[] = [];
  let total = 0, listener = 0;
  const chunk = new Uint8Array(65536), most = path.bytes ?? Infinity;
  const write = (): boolean => {
    let did = false;
    for (const h of writers) {
      for (let room = sender.sendRoom(h); room > 0; room = sender.sendRoom(h)) {
        if (sender.send(h, chunk.subarray(0, Math.min(room, chunk.length))) <= 0) break;
        did = true;
      }
    }
    return did;
  };
  const read = (h: number): boolean => {
    const before = got.get(h) ?? 0;
    got.set(h, before);
    for (let n = receiver.receivable(h); n > 0; n = receiver.receivable(h))
      got.set(h, got.get(h)! + receiver.receive(h, n)!.length);
    total += got.get(h)! - before;
    return got.get(h)! > before;
  };
  wire.onPolled = (port) => {
    let did = false;
    if (port === 0) {
      sender.drainEvents((_, bits) => { if (bits & (EVENT.CONNECTED | EVENT.WRITABLE)) did = true; });
      return did && write();
    }
    receiver.drainEvents((h, bits) => {
      if (bits & EVENT.ACCEPT) {
        // What came with the handshake is told before the connection has an owner.
        for (let c = receiver.accept(listener); c !== 0; c = receiver.accept(listener)) did = read(c) || did;
      } else if ((bits & EVENT.READABLE) && got.has(h)) {
        did = read(h) || did;
      }
    });
    return did;
  };
  listener = receiver.listen(PORT, 4);
  writers.push(...opened(sender, flows, path.congestion));
  write();
  const up = (): boolean => writers.every((h) => sender.info(h).stateName === "ESTABLISHED");
  wire.run(up, wire.nowUs + 200e6);
  // What the first of two flows got before the second was there does not count: it may be all that it has to get.
  const start = wire.nowUs, before = new Map(got);
  total = 0;
  wire.run(() => total >= most, start + seconds * 1e6);
  const took = (wire.nowUs - start) / 1e6, counters = sender.counters();
  return {
    goodput: [...got].map(([h, n]) => (n - (before.get(h) ?? 0)) / took),
    allows: Math.min((flows * ring) / (rttMs / 1000), bottleneck(rate)) * (1 - loss),
    resent: counters.tcpRetransSegs / Math.max(1, counters.tcpOutSegs), counters,
    srttUs: writers.map((h) => sender.info(h).srtt / 8),
  };
}

/**
 * Send rings of boards, or their windows, and for how long common peers delay an ACK, ms: the goodput is a share of the
 * ring once a round trip.
 */
export const SMALL_RINGS = [512, 536, 1024, 1460, 1500, 2048, 2920, 3000, 4096, 6000, 8192], DELAYS = [40, 200];
/**
 * The least share: no delayed ACK stops the sender. A ring that is no multiple of the MSS sends its last part with the
 * next round.
 */
export const SMALL_RING_LEAST = 0.8;
/** The same of a peer's window. What is left of it behind full segments waits (RFC 9293 §3.8.6.2.1). */
export const SMALL_WINDOW_LEAST = 0.7;

/** `whose`: the sender has a small ring, or the peer a small window. */
export function smallRing(whose: "sender" | "peer", ring: number, delayMs: number, rttMs: number): number {
  const receiver = { delayedAckMs: delayMs, policy: { quickAcks: false } };
  const o = transfer({
    trouble: "random", loss: 0, rttMs, ring: 65536, seconds: 20, bytes: 200 * ring,
    ...(whose === "sender"
      ? { sender: { sendRing: ring }, receiver }
      : { receiver: { ...receiver, recvRing: (ring + 3) & ~3 } }),
  });
  return o.goodput[0]! / (ring / (rttMs / 1000));
}

/** Gilbert's model: runs of lost frames, so long that `loss` of all are lost. */
function bursts(loss: number, random: Random): (flight: InFlight) => "drop" | "deliver" {
  const bad = [false, false], leave = 1 / BURST, enter = (leave * loss) / (1 - loss);
  return ({ from }) => {
    bad[from] = bad[from] ? !random.chance(leave) : random.chance(enter);
    return bad[from] ? "drop" : "deliver";
  };
}

/** Jain's index of fairness: 1 if all have the same. */
export function jain(shares: number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0), squares = shares.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 0 : (sum * sum) / (shares.length * squares);
}
