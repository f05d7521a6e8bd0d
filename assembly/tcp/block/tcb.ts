// The transmission control block (RFC 9293 §3.3.1) and its pool. 256 bytes at most, rings not counted.

import { config } from "../../config";
import { BOUNDED, DNS_TCP, OWNERSHIP } from "../../features";
import { take, layoutCommits } from "../../core/layout";
import { allow, forbid, spaced, RED_SHIFT } from "../../core/own";
import { Pool, poolBase, poolGive, poolInit, poolShow, poolTake } from "../../buffers/pool";
import { Seq } from "../../core/seq";
import { Micros } from "../../core/clock";
import { eventRaise, generationNext } from "../../core/events";
import { wake } from "../../core/turns";
import { Flow } from "./flow";

/** Bits of `Tcb.flags`; those that the code asks for most are small numbers, which take fewer bytes there. */
export const enum Has {
  /** Fast recovery (RFC 6582, RFC 6675). */
  RECOVERY = 1,
  /** Recovery after a time-out (RFC 5681 §3.1). */
  LOSS = 2,
  /** An ACK is to be sent now. */
  ACK_NOW = 4,
  /** No handle refers to it any more. */
  ORPHAN = 8,
  /** Settled by the SYNs: these three are as in `Syn`. */
  TIMESTAMPS = 0x10,
  SACK = 0x20,
  WINDOW_SCALE = 0x40,
  /** There is urgent data to send, up to `sndUp`. */
  URGENT_OUT = 0x80,
  /** A fast retransmit's first segment goes out whatever the window of congestion says. */
  RETRANSMIT_ONE = 0x100,
  /** The peer's FIN was reached in sequence. */
  FIN_RECEIVED = 0x200,
  /** There is urgent data to receive, up to `rcvUp`. */
  URGENT_IN = 0x400,
  /** A SYN (with ACK in SYN-RECEIVED) is to be sent. */
  SYN_DUE = 0x800,
  /** The application closed its side: FIN follows the last byte. */
  FIN_QUEUED = 0x1000,
  /** A window probe is to be sent, whatever its size. */
  PROBE_DUE = 0x2000,
  /** An ACK may wait for `delackAt`. */
  ACK_LATER = 0x4000,
  KEEP_ALIVE = 0x8000,
  /** A FIN arrived beyond a gap: at `finSeq`. */
  FIN_EARLY = 0x10000,
  FIN_SENT = 0x20000,
  /** On the list of those that wait for a neighbour. */
  BLOCKED = 0x40000,
  /** On the list of connections with something to send. */
  WORK = 0x80000,
  /** The four-tuple belongs to a TIME-WAIT record, or to nobody; this block only serves its handle. */
  DETACHED = 0x100000,
  /** The segment with `rttSeq` is being timed. */
  TIMING = 0x200000,
  /** The SYN or SYN-ACK was sent more than once. */
  SYN_RESENT = 0x400000,
  /** In a listener's accept queue. */
  UNACCEPTED = 0x800000,
  /** The send ring was full: tell when there is room. */
  WANTS_ROOM = 0x1000000,
  /** A keep-alive probe is to be sent. */
  KEEP_DUE = 0x2000000,
  /** It must send a first byte before `idleAt`. */
  FIRST_BYTE = 0x4000000,
  /** The application has a handle, or had one. */
  HELD = 0x8000000,
  /** Aborted: a RST is to be sent, and then the connection is over. */
  RESET_DUE = 0x10000000,
  NO_DELAY = 0x20000000,
  /** The application does not want to hear of soft errors (RFC 9293 §3.9.1.8). */
  NO_SOFT_ERRORS = 0x40000000,
  /** A D-SACK is to be reported (RFC 2883 §4). */
  DSACK = 0x80000000,
}

/** Fast recovery, or recovery after a time-out: loss/ alone begins and ends them, and names them one by one. */
export const RECOVERING: u32 = Has.RECOVERY | Has.LOSS;

/** What `Tcb.congestion` may be. */
export const enum Congestion {
  /** As `Policy.BBR` has it. */
  CONFIGURED,
  /** CUBIC or NewReno, as `Policy.CUBIC` has it. */
  LOSS,
  BBR,
  COUNT,
}

/** Bits of `Tcb.fastOpen`. */
export const enum FastOpen {
  /** The application wants it, for a connection that it opens; the SYN was not answered yet. */
  WANTED = 1,
  /** FastOpened (RFC 7413 §4.2): a connection that a SYN with a cookie made. */
  OPENED = 2,
  /** The SYN-ACK of such a connection has a new cookie. */
  RENEW = 4,
  /** Text in the SYN was taken. */
  TAKEN = 8,
}

@unmanaged export class Tcb extends Flow {
  // What most segments touch lies in the first 128 bytes: an access there takes one byte less of code. What
  // `tcp_info` tells lies together where it can: each run of it is a line of a table (api/info.ts).

  /** Bits of `Has`. */
  flags: u32;
  state: u8;
  /** An Err: why the connection ended; the last soft error. */
  error: i8;
  softError: i8;
  timerKind: u8;
  /** Time-outs in a row. */
  retries: u8;
  dupAcks: u8;
  sndScale: u8;
  rcvScale: u8;
  /** Largest payload, without options that every segment carries. */
  mss: u16;
  pathMtu: u16;

  sndWnd: u32;
  maxSndWnd: u32;
  iss: Seq;
  sndUna: Seq;
  sndNxt: Seq;
  /** SND.UP; in an accept queue, where nobody sends yet, its place is `acceptPrev`'s. */
  sndUp: Seq;
  sndWl1: Seq;
  sndWl2: Seq;
  /** How many bytes the send ring holds from SND.UNA on. */
  sndSize: u32;
  irs: Seq;
  rcvNxt: Seq;
  /** The right edge of the window, as advertised: RCV.NXT + RCV.WND. It never moves left. */
  rcvAdv: Seq;
  rcvUp: Seq;
  lastAckSent: Seq;
  tsRecent: u32;
  /** How many bytes in the receive ring are in order, and not the application's yet. */
  rcvSize: u32;

  /** Where in the send ring the byte SND.UNA lies. */
  sndHead: u32;
  /** Where in the receive ring the next byte for the application lies. */
  rcvHead: u32;
  /** RFC 6582 `recover`, RFC 6675 RecoveryPoint. */
  recover: Seq;
  /** Everything before it that was not selectively acknowledged counts as lost while recovering. */
  sndLost: Seq;
  /** The next byte to be retransmitted. */
  rtxNxt: Seq;
  /** Lists of ranges: selectively acknowledged by the peer; received out of order. */
  sacked: u16;
  outOfOrder: u16;

  cwnd: u32;
  ssthresh: u32;
  /** The time-out, µs (RFC 6298). */
  rto: u32;
  /** Smoothed RTT × 8 and its variation × 4, µs (RFC 6298); srtt 0: no sample yet. */
  srtt: u32;
  rttvar: u32;
  /** When tsRecent was set, ms (RFC 7323 §5.5). */
  tsRecentAt: u32;
  /** Added to our clock: our timestamps tell nobody how long we have been up. */
  tsOffset: u32;
  finSeq: Seq;
  rttSeq: Seq;
  /** Bytes acknowledged towards the next increase in congestion avoidance (RFC 3465). */
  cwndAcked: u32;
  dsackStart: Seq;
  dsackEnd: Seq;
  workPrev: u32;
  workNext: u32;
  /** Next in the accept queue, by number + 1. */
  acceptNext: u32;
  /** Bytes of text that our SYN carried (RFC 7413 §4.2.2), while it is not acknowledged. */
  synText: u16;
  /** Number of the listener that made it. */
  listener: u16;

  userTimeoutMs: u32;
  /** Deadline of the retransmission or persist timer (`timerKind`); NEVER: not armed. */
  timerAt: Micros;
  /** Deadline of the delayed ACK; NEVER: none. */
  delackAt: Micros;
  /** Deadline of keep-alive, of a first byte, or of an orphan; NEVER: none. */
  idleAt: Micros;
  /** When the last segment of this connection arrived. */
  heardAt: Micros;
  /** Since when something has been waiting for an acknowledgment without progress: R1 and R2 count from here. */
  stalledAt: Micros;
  peerMss: u16;
  keepIdleS: u16;
  keepIntervalS: u16;
  keepProbes: u8;
  keepSent: u8;
  ttl: u8;
  tos: u8;
  /** One of `Congestion`: the application's choice. */
  congestion: u8;
  /** Bits of `Ecn`. */
  ecn: u8;
  /** Bits of `FastOpen`. */
  fastOpen: u8;
  /** Segments with text received since the last ACK was sent. */
  unacked: u8;
  challenges: u8;

  /** Its block in the pool of senders, by number + 1; 0: none. */
  sender: u16;
  /** When challenge ACKs were last counted from 0, in 1/4 s. */
  challengeSince: u16;
  /** SND.NXT when ECN last made us slow down: an echo is news again once that is acknowledged. */
  cwrSeq: Seq;
  /** When the timed segment was sent. */
  rttAt: Micros;

  /** The connection before this one in the accept queue, by number + 1. */
  @inline get acceptPrev(): u32 { return this.sndUp; }
  @inline set acceptPrev(v: u32) { this.sndUp = v; }

  /** `tos` and `ttl` in one, as IP takes them (ip/output.ts). */
  @inline get tosTtl(): u32 { return <u32>load<u16>(changetype<usize>(this), offsetof<Tcb>("ttl")); }
}

/** 2^8 bytes: a TCB. */
const SHIFT: u32 = 8 + RED_SHIFT;

/**
 * A doubly linked list over `workPrev` and `workNext`, by number + 1: at `work` the work list, behind it
 * that of those that wait for a neighbour.
 */
@unmanaged export class List {
  first: u32;
  last: u32;
}

export let pool: Pool = changetype<Pool>(0);
/** Its first record. */
let tcbs: usize = 0;
let rings: usize = 0;
export let work: List = changetype<List>(0);

export function tcbsInit(): void {
  if (offsetof<Tcb>() > 1 << SHIFT) ERROR("a TCB is at most 256 bytes");
  work = changetype<List>(take(2, offsetof<List>()));
  pool = poolInit(config.connsMax, SHIFT);
  tcbs = poolBase(pool);
  rings = take(config.connsMax, OWNERSHIP ? ringsSpaced() : config.sendRing + config.recvRing);
  if (OWNERSHIP && layoutCommits()) {
    // Its flags and its state.
    poolShow(pool, config.connsMax, 8, 16);
    forbid(rings, config.connsMax * ringsSpaced());
  }
}

export function tcbAt(i: u32): Tcb {
  return changetype<Tcb>(tcbs + (<usize>i << SHIFT));
}

export function tcbIndex(t: Tcb): u32 {
  return <u32>((changetype<usize>(t) - tcbs) >> SHIFT);
}

export function tcbsFree(): u32 {
  return pool.freeCount;
}

export function sendRing(t: Tcb): usize {
  return rings + <usize>tcbIndex(t) * (OWNERSHIP ? ringsSpaced() : config.sendRing + config.recvRing);
}

/** Bytes from one connection's rings to the next one's, with red zones. */
function ringsSpaced(): u32 {
  return spaced(config.sendRing) + spaced(config.recvRing);
}

export function recvRing(t: Tcb): usize {
  return sendRing(t) + (OWNERSHIP ? spaced(config.sendRing) : config.sendRing);
}

/** A fresh block, all zero, of a new generation; null: none is free. */
export function tcbAllocate(): Tcb | null {
  const at = poolTake(pool);
  if (at == 0) return null;
  memory.fill(at, 0, offsetof<Tcb>());
  const t = changetype<Tcb>(at);
  if (OWNERSHIP) {
    allow(sendRing(t), config.sendRing);
    allow(recvRing(t), config.recvRing);
  }
  generationNext(tcbIndex(t));
  return t;
}

/** Gives the block back. Whoever calls has taken it off every list. */
export function tcbRelease(t: Tcb): void {
  // CLOSED. `setState` is above this file, and the diagram has no say in a block that is nobody's.
  t.state = 0;
  t.flags = 0;
  poolGive(pool, changetype<usize>(t));
  if (OWNERSHIP) forbid(sendRing(t), ringsSpaced());
}

export function tcbHas(t: Tcb, bits: u32): bool {
  return (t.flags & bits) != 0;
}

/** Whether the connection recovers from a time-out. */
export function inLoss(t: Tcb): bool {
  return tcbHas(t, Has.LOSS);
}

export function tcbSet(t: Tcb, bits: u32): void {
  t.flags |= bits;
}

export function tcbClear(t: Tcb, bits: u32): void {
  t.flags &= ~bits;
}

// The work list: connections that may have something to send. `poll` goes through it once, first in, first out.

/** Puts the connection at the end of the work list, if it is not on it. */
export function workAdd(t: Tcb): void {
  if (!tcbHas(t, Has.WORK)) append(t, Has.WORK);
}

/** Lets the connection wait until some neighbour answers, or its timer fires. */
export function workBlock(t: Tcb): void {
  append(t, Has.BLOCKED);
}

/** To the end of one list, off the other. */
function append(t: Tcb, list: Has): void {
  workRemove(t);
  tcbSet(t, list);
  const l = listOf(t), i = tcbIndex(t) + 1;
  t.workPrev = l.last;
  t.workNext = 0;
  if (l.last == 0) l.first = i;
  else tcbAt(l.last - 1).workNext = i;
  l.last = i;
}

/** The list that the connection is on. */
function listOf(t: Tcb): List {
  return tcbHas(t, Has.BLOCKED) ? blocked() : work;
}

export function blocked(): List {
  return changetype<List>(changetype<usize>(work) + offsetof<List>());
}

/** Takes the connection off the list that it is on. */
export function workRemove(t: Tcb): void {
  if (!tcbHas(t, Has.WORK | Has.BLOCKED)) return;
  const l = listOf(t);
  if (t.workPrev != 0) tcbAt(t.workPrev - 1).workNext = t.workNext;
  else l.first = t.workNext;
  if (t.workNext != 0) tcbAt(t.workNext - 1).workPrev = t.workPrev;
  else l.last = t.workPrev;
  t.workPrev = t.workNext = 0;
  tcbClear(t, Has.WORK | Has.BLOCKED);
}

/** The first connection on the work list, taken off it; null: the list is empty. */
export function workTake(): Tcb | null {
  const t = tcbNumbered(work.first);
  if (t != null) workRemove(t);
  return t;
}

export function workPending(): bool {
  return work.first != 0;
}

/** The last connection on the work list + 1: where a pass over it ends. */
export function workEnd(): u32 {
  return work.last;
}

/** A neighbour answered: all that waited try again. */
export function workUnblock(): void {
  for (let n: u32 = 0; blocked().first != 0; n++) {
    assert(!BOUNDED || n < config.connsMax);
    workAdd(tcbAt(blocked().first - 1));
  }
}

/** The first connection that waits for a neighbour, and the one after `t`. */
export function blockedFirst(): Tcb | null {
  return tcbNumbered(blocked().first);
}

export function blockedNext(t: Tcb): Tcb | null {
  return tcbNumbered(t.workNext);
}

/** The connection whose number + 1 is `n`; null for 0. */
function tcbNumbered(n: u32): Tcb | null {
  return n == 0 ? null : tcbAt(n - 1);
}

/** Tells whoever has the connection and is still interested: the application, or a client, which then has its turn. */
export function tell(t: Tcb, bits: u32): void {
  if (tcbHas(t, Has.ORPHAN | Has.UNACCEPTED)) return;
  if (DNS_TCP && !tcbHas(t, Has.HELD)) wake();
  else eventRaise(tcbIndex(t), bits);
}
