// The transmission control block (RFC 9293 §3.3.1) and its pool. 256 bytes at most, rings not counted.

import { config } from "../config";
import { take, layoutCommits } from "../core/layout";
import { Seq } from "../core/seq";
import { Micros } from "../core/clock";
import { eventRaise } from "../core/events";

/** What owns a four-tuple: a connection, a half-open record or a TIME-WAIT record begins with this. */
@unmanaged export class Flow {
  rip: u32;
  lip: u32;
  /** Remote port << 16 | local port. */
  ports: u32;
}

/** Bits of `Tcb.flags`. */
export const enum Has {
  /** On the list of connections with something to send. */
  WORK = 1,
  /** On the list of those that wait for a neighbour. */
  BLOCKED = 2,
  /** An ACK is to be sent now. */
  ACK_NOW = 4,
  /** An ACK may wait for `delackAt`. */
  ACK_LATER = 8,
  /** A SYN (with ACK in SYN-RECEIVED) is to be sent. */
  SYN_DUE = 0x10,
  /** The application closed its side: FIN follows the last byte. */
  FIN_QUEUED = 0x20,
  FIN_SENT = 0x40,
  /** The peer's FIN was reached in sequence. */
  FIN_RECEIVED = 0x80,
  /** No handle refers to it any more. */
  ORPHAN = 0x100,
  NO_DELAY = 0x200,
  KEEP_ALIVE = 0x400,
  TIMESTAMPS = 0x800,
  SACK = 0x1000,
  /** Fast recovery (RFC 6582, RFC 6675). */
  RECOVERY = 0x2000,
  /** Recovery after a time-out (RFC 5681 §3.1). */
  LOSS = 0x4000,
  /** The segment with `rttSeq` is being timed. */
  TIMING = 0x8000,
  /** It must send a first byte before `idleAt`. */
  FIRST_BYTE = 0x10000,
  /** The SYN or SYN-ACK was sent more than once. */
  SYN_RESENT = 0x20000,
  /** There is urgent data to send, up to `sndUp`. */
  URGENT_OUT = 0x40000,
  /** There is urgent data to receive, up to `rcvUp`. */
  URGENT_IN = 0x80000,
  /** The four-tuple belongs to a TIME-WAIT record, or to nobody; this block only serves its handle. */
  DETACHED = 0x100000,
  /** A window probe is to be sent, whatever its size. */
  PROBE_DUE = 0x200000,
  /** A keep-alive probe is to be sent. */
  KEEP_DUE = 0x400000,
  /** The send ring was full: tell when there is room. */
  WANTS_ROOM = 0x800000,
  /** In a listener's accept queue. */
  UNACCEPTED = 0x1000000,
  /** A D-SACK is to be reported (RFC 2883 §4). */
  DSACK = 0x2000000,
  /** The application does not want to hear of soft errors (RFC 9293 §3.9.1.8). */
  NO_SOFT_ERRORS = 0x4000000,
  /** The application has a handle, or had one. */
  HELD = 0x8000000,
  /** A fast retransmit's first segment goes out whatever the window of congestion says. */
  RETRANSMIT_ONE = 0x10000000,
  /** A FIN arrived beyond a gap: at `finSeq`. */
  FIN_EARLY = 0x20000000,
  /** Aborted: a RST is to be sent, and then the connection is over. */
  RESET_DUE = 0x40000000,
}

@unmanaged export class Tcb extends Flow {
  // What most segments touch lies in the first 128 bytes: an access there takes one byte less of code.

  /** Bits of `Has`. */
  flags: u32;
  state: u8;
  timerKind: u8;
  /** Time-outs in a row. */
  retries: u8;
  dupAcks: u8;
  sndScale: u8;
  rcvScale: u8;
  /** An Err: why the connection ended; the last soft error. */
  error: i8;
  softError: i8;
  /** Largest payload, without options that every segment carries. */
  mss: u16;
  pathMtu: u16;

  sndUna: Seq;
  sndNxt: Seq;
  sndWnd: u32;
  maxSndWnd: u32;
  iss: Seq;
  sndUp: Seq;
  rcvNxt: Seq;
  /** The right edge of the window, as advertised: RCV.NXT + RCV.WND. It never moves left. */
  rcvAdv: Seq;
  rcvUp: Seq;
  irs: Seq;

  /** Where in the send ring the byte SND.UNA lies, and how many bytes the ring holds from there. */
  sndHead: u32;
  sndSize: u32;
  /** Where in the receive ring the next byte for the application lies, and how many are in order. */
  rcvHead: u32;
  rcvSize: u32;

  /** The time-out, µs (RFC 6298). */
  rto: u32;
  cwnd: u32;
  ssthresh: u32;
  /** RFC 6582 `recover`, RFC 6675 RecoveryPoint. */
  recover: Seq;
  /** Everything before it that was not selectively acknowledged counts as lost while recovering. */
  sndLost: Seq;
  /** The next byte to be retransmitted. */
  rtxNxt: Seq;
  tsRecent: u32;
  /** Lists of ranges: selectively acknowledged by the peer; received out of order. */
  sacked: u16;
  outOfOrder: u16;
  lastAckSent: Seq;

  sndWl1: Seq;
  sndWl2: Seq;
  finSeq: Seq;
  /** When tsRecent was set, ms (RFC 7323 §5.5). */
  tsRecentAt: u32;
  /** Added to our clock: our timestamps tell nobody how long we have been up. */
  tsOffset: u32;
  /** Smoothed RTT × 8 and its variation × 4, µs (RFC 6298); srtt 0: no sample yet. */
  srtt: u32;
  rttvar: u32;
  rttSeq: Seq;
  /** Bytes acknowledged towards the next increase in congestion avoidance (RFC 3465). */
  cwndAcked: u32;
  dsackStart: Seq;
  dsackEnd: Seq;
  workPrev: u32;
  workNext: u32;
  /** Next in the accept queue, by number + 1. */
  acceptNext: u32;
  gen: u32;
  userTimeoutMs: u32;

  /** Deadline of the retransmission or persist timer (`timerKind`); NEVER: not armed. */
  timerAt: Micros;
  /** Deadline of the delayed ACK; NEVER: none. */
  delackAt: Micros;
  /** Deadline of keep-alive or of an orphan's FIN-WAIT-2; NEVER: none. */
  idleAt: Micros;
  /** When the last segment of this connection arrived. */
  heardAt: Micros;
  /** Since when something has been waiting for an acknowledgment without progress: R1 and R2 count from here. */
  stalledAt: Micros;
  /** When the timed segment was sent. */
  rttAt: Micros;

  /** Number of the listener that made it. */
  listener: u16;
  peerMss: u16;
  keepIdleS: u16;
  keepIntervalS: u16;
  /** When challenge ACKs were last counted from 0, in 1/4 s. */
  challengeSince: u16;
  challenges: u8;
  keepProbes: u8;
  keepSent: u8;
  tos: u8;
  ttl: u8;
  /** Segments with text received since the last ACK was sent. */
  unacked: u8;
  /** SND.NXT when ECN last made us slow down: an echo is news again once that is acknowledged. */
  cwrSeq: Seq;
  /** Bits of `Ecn`. */
  ecn: u8;
  pad: u8;
  /** Its block in the pool of senders, by number + 1; 0: none. */
  sender: u16;
}

/** Connections are 256 bytes apart. */
const STRIDE_BITS: u32 = 8;

/** Heads of the doubly linked lists over `workPrev` and `workNext`, by number + 1. */
@unmanaged class TcbPool {
  free: u32;
  freeCount: u32;
  workFirst: u32;
  workLast: u32;
  blockedFirst: u32;
  blockedLast: u32;
}

let tcbs: usize = 0;
let rings: usize = 0;
let pool: TcbPool = changetype<TcbPool>(0);

export function tcbsInit(): void {
  if (offsetof<Tcb>() > 256) ERROR("a TCB is at most 256 bytes");
  const p = take(1, offsetof<TcbPool>()), t = take(config.connsMax, 1 << STRIDE_BITS);
  const r = take(config.connsMax, config.sendRing + config.recvRing);
  if (!layoutCommits()) return;
  pool = changetype<TcbPool>(p);
  tcbs = t;
  rings = r;
  // Generations start at 1, so that 0 is never a handle.
  for (let i = config.connsMax; i > 0; i--) {
    tcbAt(i - 1).gen = 1;
    tcbAt(i - 1).workNext = pool.free;
    pool.free = i;
  }
  pool.freeCount = config.connsMax;
}

export function tcbAt(i: u32): Tcb {
  return changetype<Tcb>(tcbs + (<usize>i << STRIDE_BITS));
}

export function tcbIndex(t: Tcb): u32 {
  return <u32>((changetype<usize>(t) - tcbs) >> STRIDE_BITS);
}

export function tcbsFree(): u32 {
  return pool.freeCount;
}

export function sendRing(t: Tcb): usize {
  return rings + <usize>tcbIndex(t) * (config.sendRing + config.recvRing);
}

export function recvRing(t: Tcb): usize {
  return sendRing(t) + config.sendRing;
}

/** A fresh block, all zero but for its generation; null: none is free. */
export function tcbAllocate(): Tcb | null {
  if (pool.free == 0) return null;
  const t = tcbAt(pool.free - 1);
  pool.free = t.workNext;
  pool.freeCount--;
  const gen = t.gen;
  memory.fill(changetype<usize>(t), 0, offsetof<Tcb>());
  t.gen = gen;
  return t;
}

/** Gives the block back. Whoever calls has taken it off every list. */
export function tcbRelease(t: Tcb): void {
  t.workNext = pool.free;
  t.state = 0;
  t.flags = 0;
  pool.free = tcbIndex(t) + 1;
  pool.freeCount++;
}

export function tcbHas(t: Tcb, bits: u32): bool {
  return (t.flags & bits) != 0;
}

// The work list: connections that may have something to send. `poll` goes through it once, first in, first out.

/** Puts the connection at the end of the work list, if it is on no list. */
export function workAdd(t: Tcb): void {
  if (tcbHas(t, Has.WORK)) return;
  if (tcbHas(t, Has.BLOCKED)) workRemove(t);
  t.flags |= Has.WORK;
  const i = tcbIndex(t) + 1;
  t.workPrev = pool.workLast;
  t.workNext = 0;
  if (pool.workLast == 0) pool.workFirst = i;
  else tcbAt(pool.workLast - 1).workNext = i;
  pool.workLast = i;
}

/** Takes the connection off the list that it is on. */
export function workRemove(t: Tcb): void {
  if (!tcbHas(t, Has.WORK | Has.BLOCKED)) return;
  const blocked = tcbHas(t, Has.BLOCKED);
  if (t.workPrev != 0) tcbAt(t.workPrev - 1).workNext = t.workNext;
  else if (blocked) pool.blockedFirst = t.workNext;
  else pool.workFirst = t.workNext;
  if (t.workNext != 0) tcbAt(t.workNext - 1).workPrev = t.workPrev;
  else if (blocked) pool.blockedLast = t.workPrev;
  else pool.workLast = t.workPrev;
  t.workPrev = t.workNext = 0;
  t.flags &= ~(Has.WORK | Has.BLOCKED);
}

/** The first connection on the work list, taken off it; null: the list is empty. */
export function workTake(): Tcb | null {
  if (pool.workFirst == 0) return null;
  const t = tcbAt(pool.workFirst - 1);
  workRemove(t);
  return t;
}

export function workPending(): bool {
  return pool.workFirst != 0;
}

/** The last connection on the work list + 1: where a pass over it ends. */
export function workEnd(): u32 {
  return pool.workLast;
}

/** Lets the connection wait until some neighbour answers, or its timer fires. */
export function workBlock(t: Tcb): void {
  workRemove(t);
  t.flags |= Has.BLOCKED;
  const i = tcbIndex(t) + 1;
  t.workPrev = pool.blockedLast;
  if (pool.blockedLast == 0) pool.blockedFirst = i;
  else tcbAt(pool.blockedLast - 1).workNext = i;
  pool.blockedLast = i;
}

/** A neighbour answered: all that waited try again. */
export function workUnblock(): void {
  while (pool.blockedFirst != 0) workAdd(tcbAt(pool.blockedFirst - 1));
}

/** The first connection that waits for a neighbour, and the one after `t`. */
export function blockedFirst(): Tcb | null {
  return pool.blockedFirst == 0 ? null : tcbAt(pool.blockedFirst - 1);
}

export function blockedNext(t: Tcb): Tcb | null {
  return t.workNext == 0 ? null : tcbAt(t.workNext - 1);
}

/** Tells the application, if it has the connection and is still interested. */
export function tell(t: Tcb, bits: u32): void {
  if (!tcbHas(t, Has.ORPHAN | Has.UNACCEPTED)) eventRaise(tcbIndex(t), bits);
}
