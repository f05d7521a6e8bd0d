// What modern loss recovery and congestion control know of a connection that has something in flight: a block beside
// the TCB, from a pool. A connection takes one with the first byte that it puts in flight and keeps it while nobody
// else needs it: when the pool is empty, the block that has been idle for longest changes hands. A connection that gets
// none recovers as RFC 6675 and RFC 6582 have it.

import { config, Policy } from "../../config";
import { BBR, OWNERSHIP, RACK } from "../../features";
import { clock } from "../../core/clock";
import { fence, take, layoutCommits } from "../../core/layout";
import { allow, forbid, RED_ZONE } from "../../core/own";
import { Seq } from "../../core/seq";
import { rangeAt, rangesClear, rangesFresh, rangesRelease } from "../../buffers/ranges";
import { BBR_SIZE, Bbr, bbrInit } from "./bbr";
import { Congestion, Tcb, Has, tcbAt, tcbHas, tcbIndex } from "./tcb";

/** Bits of `Sender.bits`. */
export const enum Sends {
  /** Reordering was seen on this connection (RFC 8985 §6.2 step 3). */
  REORDERING = 1,
  /** `dsackRound` counts. */
  DSACK_ROUND = 2,
  /** The ACK at hand reports a duplicate. */
  DSACK_NOW = 4,
  /** A loss probe is to be sent. */
  PROBE_DUE = 8,
  /** A loss probe is in flight, up to `probeEnd`; and it was something that had been sent before. */
  PROBING = 16,
  PROBE_RESENT = 32,
  /** A round-trip time was measured since the last probe. */
  PROBE_READY = 64,
  /** `undoCwnd` and `undoSsthresh` can be gone back to. */
  CAN_UNDO = 128,
  /** `undoTs` is the timestamp of the first retransmission. */
  UNDO_TS = 256,
  /** F-RTO: nothing but the first segment was sent again since the time-out (RFC 5682 §3.1). */
  FRTO = 512,
  /** CUBIC: `epochAt` counts. */
  EPOCH = 1024,
  /** The W_est of CUBIC grows like Reno's by now (RFC 9438 §4.3). */
  RENO = 2048,
  /** HyStart++: conservative slow start (RFC 9406 §4.2). */
  CSS = 4096,
  /** The congestion window held something back when last something was sent. */
  CWND_LIMITED = 8192,
  /** F-RTO: something new was sent, and the second ACK will tell (RFC 5682 §3.1 step 3). */
  FRTO_WAIT = 16384,
  /** The recovery was for nothing. */
  UNDO_NOW = 32768,
}

/** Times in it are µs modulo 2^32, compared within half of that. */
@unmanaged export class Sender {
  /** Whose it is: a connection's number + 1; 0: nobody's. */
  owner: u32;
  /** Neighbours among the free and the idle ones, by number + 1. */
  prev: u16;
  next: u16;
  /** What is in flight: a list of ranges with times and bits of `Sent`. */
  first: u16;
  last: u16;
  count: u16;
  bits: u16;
  /** Bytes of the list that were selectively acknowledged, and that count as lost. */
  sacked: u32;
  lost: u32;
  /** Bytes delivered, counted from the beginning. */
  delivered: u32;

  // RACK (RFC 8985 §5.3)
  xmitAt: u32;
  endSeq: Seq;
  rtt: u32;
  /** The round-trip time of what was sent last, of all that the ACK at hand acknowledged, µs; 0: it told none. */
  sample: u32;
  minRtt: u32;
  minRttAt: u32;
  fack: Seq;
  dsackRound: Seq;
  /** When the retransmission timer last fired. */
  timeoutAt: u32;
  reoMult: u8;
  reoPersist: u8;

  // HyStart++ (RFC 9406 §4.2)
  rttSamples: u8;
  cssRounds: u8;
  windowEnd: Seq;
  lastRoundRtt: u32;
  roundRtt: u32;
  cssRtt: u32;

  // TLP (RFC 8985 §7)
  probeEnd: Seq;

  // PRR (RFC 6937 §3)
  prrDelivered: u32;
  prrOut: u32;
  recoverFlight: u32;

  // Undo (RFC 3522, RFC 4015, RFC 3708)
  undoCwnd: u32;
  undoSsthresh: u32;
  undoBytes: u32;
  undoTs: u32;
  undoUna: Seq;

  // CUBIC (RFC 9438 §4.1)
  wMax: u32;
  k: u32;
  epochAt: u32;
  wEst: u32;
  cwndPrior: u32;

  /** Pacing: when the next segment may leave. */
  paceAt: u32;

  // Probes of the path MTU (RFC 4821)
  /** Up to where the probe in flight goes; 0: there is none. And when the next one may be sent. */
  pathProbeEnd: Seq;
  pathProbeAt: u32;

  // How much of the window of congestion is used (RFC 7661)
  /** The most that was in flight in this round, which ends when `usedEnd` is acknowledged. */
  usedMost: u32;
  usedEnd: Seq;
}

@unmanaged class SenderPool {
  /** Free blocks, and idle ones, least recently used first. */
  free: u16;
  idleFirst: u16;
  idleLast: u16;
  pad: u16;
}

/** Bytes of a block, with what BBR has behind it; and from one to the next. */
const SIZE: u32 = offsetof<Sender>() + (BBR ? BBR_SIZE : 0);
const SPACED: u32 = OWNERSHIP ? (SIZE + RED_ZONE) & ~7 : SIZE;

let senders: usize = 0;
export let pool: SenderPool = changetype<SenderPool>(0);

export function sendersInit(): void {
  if (!RACK) return;
  pool = changetype<SenderPool>(take(1, offsetof<SenderPool>()));
  senders = take(config.sendersMax, SPACED);
  if (!layoutCommits()) return;
  if (OWNERSHIP) fence(senders, config.sendersMax, SPACED, SIZE);
  for (let i = config.sendersMax; i > 0; i--) {
    senderAt(<u16>i).next = pool.free;
    pool.free = <u16>i;
    if (OWNERSHIP) forbid(changetype<usize>(senderAt(<u16>i)), SIZE);
  }
}

export function senderAt(i: u16): Sender {
  return changetype<Sender>(senders + (<usize>i - 1) * SPACED);
}

function senderIndex(s: Sender): u16 {
  return <u16>((changetype<usize>(s) - senders) / SPACED + 1);
}

/** Whether the connection has a block. */
export function hasSender(t: Tcb): bool {
  return RACK && t.sender != 0;
}

/** Whether BBR has the window and the pace (congestion/bbr.ts). */
export function bbrOn(t: Tcb): bool {
  if (!BBR || !hasSender(t)) return false;
  if (t.congestion == <u8>Congestion.CONFIGURED) return (config.policy & Policy.BBR) != 0;
  return t.congestion == <u8>Congestion.BBR;
}

/** What BBR knows of the path. */
export function bbrOf(s: Sender): Bbr {
  return changetype<Bbr>(changetype<usize>(s) + offsetof<Sender>());
}

/** The connection's block. */
export function senderOf(t: Tcb): Sender {
  return senderAt(t.sender);
}

export function sends(s: Sender, bits: u32): bool {
  return (<u32>s.bits & bits) != 0;
}

/** Nothing is in flight, and something will be: the connection gets a block, if it may have one. */
export function senderBegin(t: Tcb): void {
  if (!RACK || !tcbHas(t, Has.SACK)) return;
  if (t.sender != 0) {
    unlinkIdle(senderOf(t));
    restart(t);
    return;
  }
  if ((config.policy & Policy.RACK) == 0 || config.sendersMax == 0) return;
  let i = pool.free;
  if (i != 0) {
    if (OWNERSHIP) allow(changetype<usize>(senderAt(i)), SIZE);
    pool.free = senderAt(i).next;
  } else if (pool.idleFirst != 0) {
    i = pool.idleFirst;
    unlinkIdle(senderAt(i));
    rangesClear(senderAt(i).first);
    tcbAt(senderAt(i).owner - 1).sender = 0;
  } else {
    return;
  }
  memory.fill(changetype<usize>(senderAt(i)), 0, SIZE);
  const s = senderAt(i);
  if (BBR) bbrInit(bbrOf(s), <u32>clock.us);
  t.sender = i;
  s.owner = tcbIndex(t) + 1;
  s.windowEnd = t.sndUna;
  s.reoMult = 1;
  s.bits = <u16>Sends.PROBE_READY;
  restart(t);
}

/** What is sent from now on is younger than all that was delivered. */
function restart(t: Tcb): void {
  const s = senderOf(t);
  s.xmitAt = <u32>clock.us;
  s.endSeq = s.fack = t.sndUna;
  s.timeoutAt = s.xmitAt - 1;
  s.paceAt = s.xmitAt;
}

/** Nothing is in flight any more: the block may go to others. */
export function senderIdle(t: Tcb): void {
  if (!hasSender(t)) return;
  const s = senderOf(t);
  if (isIdle(s)) return;
  s.prev = pool.idleLast;
  s.next = 0;
  if (pool.idleLast != 0) senderAt(pool.idleLast).next = t.sender;
  else pool.idleFirst = t.sender;
  pool.idleLast = t.sender;
}

/** Whether others may take the block. */
export function isIdle(s: Sender): bool {
  return s.prev != 0 || pool.idleFirst == senderIndex(s);
}

function unlinkIdle(s: Sender): void {
  if (!isIdle(s)) return;
  if (s.prev != 0) senderAt(s.prev).next = s.next;
  else pool.idleFirst = s.next;
  if (s.next != 0) senderAt(s.next).prev = s.prev;
  else pool.idleLast = s.prev;
  s.prev = s.next = 0;
}

/** The connection is over. */
export function senderEnd(t: Tcb): void {
  if (!hasSender(t)) return;
  const s = senderOf(t);
  unlinkIdle(s);
  rangesClear(s.first);
  s.owner = 0;
  s.first = s.last = 0;
  s.next = pool.free;
  pool.free = t.sender;
  if (OWNERSHIP) forbid(changetype<usize>(s), SIZE);
  t.sender = 0;
}

/** A fresh range for the block's list; 0: it has its share, or the pool is empty. */
export function sentFresh(s: Sender): u16 {
  const i = rangesFresh(s.count);
  if (i != 0) s.count++;
  return i;
}

/** Takes the range behind `prev` (0: the first) out of the list. */
export function sentRemove(s: Sender, prev: u16): void {
  const i = prev == 0 ? s.first : rangeAt(prev).next, next = rangeAt(i).next;
  if (prev == 0) s.first = next;
  else rangeAt(prev).next = next;
  if (next == 0) s.last = prev;
  s.count--;
  rangesRelease(i);
}

/**
 * Bytes in the network: FlightSize, less what was selectively acknowledged, less what is lost and was not sent again.
 */
export function sentPipe(t: Tcb): u32 {
  const s = senderOf(t);
  return t.sndNxt - t.sndUna - s.sacked - s.lost;
}
