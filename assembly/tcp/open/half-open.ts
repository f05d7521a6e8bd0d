// What a half-open record does: it owns its four-tuple, its timer sends the SYN-ACK
// again, and it answers at a bounded rate.

import { config } from "../../config";
import { COOKIES, ECN, FAST_OPEN } from "../../features";
import { poolGive } from "../../buffers/pool";
import { afterMs, clock } from "../../core/clock";
import { count, Mib } from "../../core/counters";
import { heapArm, heapDisarm } from "../../buffers/heap";
import { PROTO_TCP } from "../../wire/ipv4";
import { SYN, ACK, ECE } from "../../wire/tcp";
import { ipBegin } from "../../ip/output";
import { demuxInsert, demuxRemove, halfOpenBase } from "../block/demux";
import { HalfOpen, cookieRecord, halfOpenIndex, pool, halfOpenRetries, Syn } from "../block/half-open-record";
import { cookieTimestamp, isGroup, timestampOffset } from "./syn-cookie";
import { COOKIE_SIZE, cookieFor } from "./fast-open";
import { synOptions, synSegment } from "./syn";
import { putFastOpen } from "../segment/options";
import { listenerAt } from "./listener";

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

/** How long after its first SYN-ACK a record's next time-out comes: synAckMs × (1, 3, 7, 15 …), up to the deadline. */
function elapsedMs(retries: u32): u64 {
  return <u64>config.synAckMs * ((<u64>1 << (retries + 1)) - 1);
}

/**
 * The record's timer fired. Sends the SYN-ACK again, with exponential backoff; returns false when the record has had
 * its retries, or its deadline has come: the caller removes it.
 */
export function halfOpenRetry(h: HalfOpen): bool {
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

/**
 * Takes one of the record's answers; returns false when none is left. Two records, each made by a forged
 * SYN, must not go on answering each other.
 */
export function halfOpenAnswerTake(h: HalfOpen): bool {
  if (h.answered >= ANSWERS) {
    count(Mib.TCPACKSkippedChallenge);
    return false;
  }
  h.answered++;
  return true;
}

/**
 * Sends the record's SYN-ACK, `<SEQ=ISS><ACK=IRS+1><CTL=SYN,ACK>`, with the options that its bits name
 * (RFC 9293 §3.10.7.2).
 */
export function halfOpenAnswer(h: HalfOpen): void {
  const bits = <u32>h.bits;
  const l = listenerAt(h.listener), ip = ipBegin(h.lip, h.rip, PROTO_TCP, l.tosTtl);
  if (ip == null) return;
  let tsVal: u32 = 0;
  if ((bits & Syn.TIMESTAMPS) != 0) {
    tsVal = clock.ms + timestampOffset(h.lip, h.rip);
    if (COOKIES && (isGroup() || h == cookieRecord)) tsVal = cookieTimestamp(tsVal, bits);
  }
  let at = synOptions(ip, bits, tsVal, h.tsRecent);
  if (FAST_OPEN && (bits & Syn.FAST_OPEN) != 0) at = putFastOpen(at, cookieFor(h.lip, h.rip), COOKIE_SIZE);
  const flags = ECN && (bits & Syn.ECN) != 0 ? SYN | ACK | ECE : SYN | ACK;
  synSegment(ip, h.ports, h.iss, h.irs + 1, flags, at);
}
