// The half-open table: connections in SYN-RECEIVED that a SYN to a listener made. A record is 32 bytes; no TCB is spent before the
// handshake is complete (RFC 4987 §3.4, "SYN cache").

import { config } from "../../config";
import { ECN, FAST_OPEN, OWNERSHIP } from "../../features";
import { layoutCommits } from "../../core/layout";
import { RED_SHIFT } from "../../core/own";
import { Pool, poolAt, poolGive, poolIndex, poolInit, poolShow, poolTake } from "../../buffers/pool";
import { afterMs, clock } from "../../core/clock";
import { count, Mib } from "../../core/counters";
import { take } from "../../core/layout";
import { Seq } from "../../core/seq";
import { heapArm, heapDisarm } from "../../buffers/heap";
import { PROTO_TCP } from "../../wire/ipv4";
import { SYN, ACK, ECE } from "../../wire/tcp";
import { ipBegin } from "../../ip/output";
import { Flow } from "../block/tcb";
import { demuxInsert, demuxRemove, halfOpenBase } from "../block/demux";
import { cookieTimestamp, isGroup, timestampOffset } from "./syn-cookie";
import { synSegment } from "../segment/bare";
import { listenerAt } from "./listen";

/** Bits of `HalfOpen.bits`. */
export const enum Syn {
  /** The peer's window scale. */
  SCALE_MASK = 15,
  /** In the order of `Policy`, and so of `Option`: see `SYN_OPTIONS`. */
  TIMESTAMPS = 16,
  SACK = 32,
  WINDOW_SCALE = 64,
  IN_USE = 128,
  ECN = 4096,
  /** The SYN-ACK has a Fast Open cookie. */
  FAST_OPEN = 8192,
  /** The SYN-ACK was sent again because the SYN came again. */
  AGAIN = 16384,
  /** SYN-ACKs sent again, × 256. */
  RETRIES_SHIFT = 8,
  RETRIES_MASK = 15,
}

@unmanaged export class HalfOpen extends Flow {
  irs: Seq;
  iss: Seq;
  tsRecent: u32;
  /** The peer's MSS. */
  mss: u16;
  /** Bits of `Syn`. */
  bits: u16;
  /** When the SYN-ACK was sent first, ms modulo 2^16. */
  sentAt: u16;
  /** Number of the listener that made it. */
  listener: u8;
  /** Segments answered since its timer fired. */
  answered: u8;
}

/** 2^5 bytes: a record. */
const SHIFT: u32 = 5 + RED_SHIFT;

export let pool: Pool = changetype<Pool>(0);
/** One u32: where the search for a record to give up goes on. */
let hand: usize = 0;

export function halfOpenInit(): void {
  if (offsetof<HalfOpen>() > 1 << SHIFT) ERROR("a half-open record is at most 32 bytes");
  hand = take(1, 4);
  pool = poolInit(config.halfOpenMax, SHIFT);
  // Its bits.
  if (OWNERSHIP && layoutCommits()) poolShow(pool, config.halfOpenMax, 24, 8);
}

export function halfOpenAt(i: u32): HalfOpen {
  return changetype<HalfOpen>(poolAt(pool, i));
}

export function halfOpenIndex(h: HalfOpen): u32 {
  return poolIndex(pool, changetype<usize>(h));
}

export function halfOpenFree(): u32 {
  return pool.freeCount;
}

export function halfOpenInUse(h: HalfOpen): bool {
  return (h.bits & <u16>Syn.IN_USE) != 0;
}

/** A free record; null: the table is full. */
export function halfOpenTake(): HalfOpen | null {
  return changetype<HalfOpen | null>(poolTake(pool));
}

/** The filled-in record begins to own its four-tuple and to be timed. */
export function halfOpenEnter(h: HalfOpen): void {
  const owner = halfOpenBase() + halfOpenIndex(h);
  demuxInsert(owner);
  heapArm(owner, afterMs(config.synAckMs));
}

/** The record leaves the table. */
export function halfOpenRemove(h: HalfOpen): void {
  const owner = halfOpenBase() + halfOpenIndex(h);
  heapDisarm(owner);
  demuxRemove(owner);
  h.bits = 0;
  poolGive(pool, changetype<usize>(h));
}

/**
 * Which record to give up for a new one: the next in turn that is in use, and is `listener`'s (ANY: whoever's); null: there is none. What
 * is new takes the place of what was given up, so each of them has its time.
 */
export function halfOpenVictim(listener: u32): HalfOpen | null {
  let at = load<u32>(hand);
  for (let n = config.halfOpenMax; n > 0; n--) {
    if (++at >= config.halfOpenMax) at = 0;
    const h = halfOpenAt(at);
    if (!halfOpenInUse(h) || (listener != ANY && <u32>h.listener != listener)) continue;
    store<u32>(hand, at);
    return h;
  }
  return null;
}

/** For `halfOpenVictim`. */
export const ANY: u32 = u32.MAX_VALUE;

export function halfOpenRetries(h: HalfOpen): u32 {
  return (<u32>h.bits >> Syn.RETRIES_SHIFT) & Syn.RETRIES_MASK;
}

/** How long after its first SYN-ACK a record's next time-out comes: synAckMs × (1, 3, 7, 15 …), up to the deadline. */
function elapsedMs(retries: u32): u64 {
  return <u64>config.synAckMs * ((<u64>1 << (retries + 1)) - 1);
}

/**
 * The record's timer fired. Sends the SYN-ACK again, with exponential backoff; returns false when the record has had its retries, or
 * its deadline has come: the caller removes it.
 */
export function halfOpenTimer(h: HalfOpen): bool {
  const owner = halfOpenBase() + halfOpenIndex(h);
  const retries = halfOpenRetries(h);
  heapDisarm(owner);
  if (retries >= config.synAckRetries || elapsedMs(retries) >= <u64>config.halfOpenMs) return false;
  h.bits += <u16>(<u32>1 << Syn.RETRIES_SHIFT);
  h.answered = 0;
  // RFC 7413 §4.2.1: something on the path may not like the option.
  if (FAST_OPEN) h.bits &= ~<u16>Syn.FAST_OPEN;
  const next = min(elapsedMs(retries + 1), <u64>config.halfOpenMs) - elapsedMs(retries);
  heapArm(owner, clock.us + next * 1000);
  count(Mib.TCPSynRetrans);
  halfOpenAnswer(h);
  return true;
}

/** So many segments does a record answer between two of its time-outs. */
const ANSWERS: u8 = 4;

/** Whether the record answers one more segment now: two of them, each made by a forged SYN, must not go on answering each other. */
export function halfOpenMayAnswer(h: HalfOpen): bool {
  if (h.answered >= ANSWERS) {
    count(Mib.TCPACKSkippedChallenge);
    return false;
  }
  h.answered++;
  return true;
}

/** Sends the record's SYN-ACK. */
export function halfOpenAnswer(h: HalfOpen): void {
  const bits = <u32>h.bits;
  const timestamps = (bits & Syn.TIMESTAMPS) != 0;
  const tsVal = !timestamps ? 0 : isGroup() ? cookieTimestamp(h.rip, h.lip, bits) : clock.ms + timestampOffset(h.rip, h.lip);
  const l = listenerAt(h.listener);
  synAck(h.rip, h.lip, h.ports, h.iss, h.irs, bits, tsVal, h.tsRecent, l.tos, l.ttl);
}

/** Sends `<SEQ=ISS><ACK=IRS+1><CTL=SYN,ACK>` with the options that `bits` (of `Syn`) names (RFC 9293 §3.10.7.2). */
export function synAck(rip: u32, lip: u32, ports: u32, iss: Seq, irs: Seq, bits: u32, tsVal: u32, tsEcr: u32, tos: u32, ttl: u32): void {
  const ip = ipBegin(lip, rip, PROTO_TCP, tos, ttl);
  if (ip == null) return;
  synSegment(ip, ports, iss, irs + 1, ECN && (bits & Syn.ECN) != 0 ? SYN | ACK | ECE : SYN | ACK, bits, tsVal, tsEcr);
}
