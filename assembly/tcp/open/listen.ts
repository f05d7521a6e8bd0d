// Listeners (RFC 9293 §3.10.7.2): SYNs, the half-open table, SYN cookies, and the accept queue.

import { config, Cookies, Policy } from "../../config";
import { BOUNDED, COOKIES, FAST_OPEN, OWNERSHIP, POLICIES } from "../../features";
import { fence, take } from "../../core/layout";
import { RED_ZONE } from "../../core/own";
import { clock, isDue, Micros } from "../../core/clock";
import { count, Mib } from "../../core/counters";
import { Event, eventRaise } from "../../core/events";
import { heapArm, heapDisarm } from "../../buffers/heap";
import { ACK, FIN, RST, SYN } from "../../wire/tcp";
import { isUnicast, isOwn } from "../../ip/address";
import { Tcb, Has, tcbAt, tcbIndex, tcbSet, tcbClear } from "../block/tcb";
import { seg, segHas, segIs, Option } from "../segment/segment";
import { resetSegment } from "../segment/bare";
import { tcbOpen, tcbFromRecord, tcbFromHandshake } from "./connect";
import { halfOpenAnswer, halfOpenEnter, halfOpenRemove, synAck } from "./half-open";
import { cookieCheck, cookieMake, cookieOptions, cookieTimestamp, isGroup } from "./syn-cookie";
import { wrongCookieWithinRate, synWithinRate } from "./syn-rate";
import { isnFor } from "./isn";
import { NOBODY, listenerBase } from "../block/demux";
import { Syn, HalfOpen, halfOpenTake, halfOpenVictim, ANY, halfOpenAt, halfOpenInUse } from "../block/half-open-record";
import { flowSet } from "../block/flow";
import { fastOpenBegin, fastOpenCheck } from "./fast-open";
import { synMss, synBits } from "./syn";
import { timeWaitReuse } from "../close/time-wait";

@unmanaged export class Listener {
  /** 0: every own address. */
  ip: u32;
  /** 0: nobody listens here. */
  port: u16;
  /** Whether SYNs had to be answered with cookies, or dropped, within the last second (`DEFENCE_US`). */
  defending: bool;
  /** FastOpenEnabled (RFC 7413 §4.2): the application says so. */
  fastOpen: bool;
  /** Of SYN-ACKs, and of connections from the beginning (RFC 9293 MUST-48, MUST-49). */
  tos: u8;
  ttl: u8;
  pad: u16;
  /** Longest accept queue, and most half-open records. */
  backlog: u32;
  halfOpen: u32;
  /** The accept queue: connections, by number + 1, linked by `acceptNext`. */
  acceptFirst: u32;
  acceptLast: u32;
  acceptCount: u32;
  /** The token bucket for SYNs. */
  rate: u32;
  /** When a SYN was last answered with a cookie, or dropped. */
  defendedAt: Micros;
  /** Cookies were sent until then; for two minutes more an ACK may return one. */
  cookiesUntil: u64;
}

/** Bytes from one listener to the next. */
const SPACED: u32 = OWNERSHIP ? (offsetof<Listener>() + RED_ZONE) & ~7 : offsetof<Listener>();

let listeners: usize = 0;

export function listenersInit(): void {
  listeners = take(config.listenersMax, SPACED);
  if (OWNERSHIP) fence(listeners, config.listenersMax, SPACED, offsetof<Listener>());
}

export function listenerAt(i: u32): Listener {
  return changetype<Listener>(listeners + i * SPACED);
}

export function listenerIndex(l: Listener): u32 {
  return <u32>(changetype<usize>(l) - listeners) / SPACED;
}

/** The listener for segments to `lip`:`port`, one on the address itself before one on every address; null: none. */
export function listenerFor(lip: u32, port: u32): Listener | null {
  let found: Listener | null = null;
  for (let i: u32 = 0; i < config.listenersMax; i++) {
    const l = listenerAt(i);
    if (<u32>l.port != port) continue;
    if (l.ip == lip) return l;
    if (l.ip == 0) found = l;
  }
  return found;
}

/**
 * Processes the segment at hand, which found no connection, in LISTEN (RFC 9293 §3.10.7.2). `old`: the record in TIME-WAIT that has its
 * four-tuple, and that ends when a new connection begins; NOBODY: there is none.
 */
export function listenInput(l: Listener, old: u32): Tcb | null {
  // First, check for a RST.
  if (segIs(RST)) return null;
  // Second, check for an ACK: it can only be a cookie that comes back.
  if (segIs(ACK)) {
    if (COOKIES && !segIs(SYN) && mayBeCookie(l)) {
      // One that is right gets through whatever else comes from its prefix: the check costs one hash, as finding a connection does.
      const mss = cookieCheck();
      if (mss != 0) return fromCookie(l, mss);
      if (!wrongCookieWithinRate(seg.rip)) {
        count(Mib.TCPACKSkippedCookie);
        return null;
      }
      count(Mib.SyncookiesFailed);
    }
    resetSegment();
    return null;
  }
  // Third, check for a SYN.
  if (!segIs(SYN)) return null;
  // RFC 9293 §3.9.2.3 (MUST-57, MUST-63).
  if (!isOwn(seg.lip) || (!isOwn(seg.rip) && !isUnicast(seg.rip)) || seg.ports >> 16 == 0) {
    count(Mib.tcpInErrs);
    return null;
  }
  if (segIs(FIN) && !(POLICIES && (config.policy & Policy.SYN_FIN) != 0)) {
    count(Mib.TCPSynFinDropped);
    return null;
  }
  synArrives(l, old);
  return null;
}

/** A SYN takes a half-open record, or is answered with a cookie, or dropped. Its text is not kept: the peer sends it again. */
function synArrives(l: Listener, old: u32): void {
  const mss = synMss();
  let bits = synBits();
  const within = !COOKIES || synWithinRate(seg.rip, changetype<usize>(l) + offsetof<Listener>("rate"));
  if (!within && (config.cookies == Cookies.NEVER || (config.policy & Policy.SYN_SILENCE) != 0)) {
    synDropped(l, Mib.TCPSynRateDrop);
    return;
  }
  if (FAST_OPEN && l.fastOpen && within && segHas(Option.FAST_OPEN) && config.fastOpenMax != 0) {
    if (openFast(l, bits, mss, old)) return;
    bits |= Syn.FAST_OPEN;
  }
  let h: HalfOpen | null = null;
  if (within && config.cookies != Cookies.ALWAYS && l.halfOpen < l.backlog) h = halfOpenTake();
  if (COOKIES && h == null && config.cookies != Cookies.NEVER) {
    if (old != NOBODY) timeWaitReuse(old, 0);
    answerWithCookie(l, bits, mss);
    return;
  }
  if (h == null && !(POLICIES && (config.policy & Policy.KEEP_HALF_OPEN) != 0)) h = evict(l);
  if (h == null) {
    synDropped(l, Mib.TCPReqQFullDrop);
    return;
  }
  flowSet(h, seg.rip, seg.lip, seg.ports);
  h.irs = seg.seq;
  h.iss = isGroup() ? cookieMake(mss) : isnFor(seg.rip, seg.lip, seg.ports);
  if (old != NOBODY) {
    const beyond = timeWaitReuse(old, h.iss);
    if (!isGroup()) h.iss = beyond;
  }
  h.tsRecent = seg.tsVal;
  h.mss = <u16>mss;
  h.bits = <u16>(bits | Syn.IN_USE);
  h.sentAt = <u16>clock.ms;
  h.listener = <u8>listenerIndex(l);
  h.answered = 0;
  l.halfOpen++;
  halfOpenEnter(h);
  halfOpenAnswer(h);
}

/**
 * The SYN at hand returns a cookie of ours (RFC 7413 §4.2.2): it makes a connection in SYN-RECEIVED, which is accepted, read and written
 * at once. Returns false when it has to open as usual: no good cookie, too many such connections, no room.
 */
function openFast(l: Listener, bits: u32, mss: u32, old: u32): bool {
  const renew = fastOpenCheck();
  if (renew < 0) return false;
  const t = admit(l, seg.rip, seg.lip, seg.ports);
  if (t == null) return false;
  const iss = isnFor(seg.rip, seg.lip, seg.ports);
  tcbFromHandshake(t, seg.seq, old != NOBODY ? timeWaitReuse(old, iss) : iss, bits, mss, seg.tsVal);
  fastOpenBegin(t, renew != 0);
  acceptable(t);
  return true;
}

/** The listener's share of the table is full, or the table is, and cookies are off: an old record makes room, of its own or of anybody's. */
function evict(l: Listener): HalfOpen | null {
  const victim = halfOpenVictim(l.halfOpen >= l.backlog ? listenerIndex(l) : ANY);
  if (victim == null) return null;
  count(Mib.TCPHalfOpenEvicted);
  recordGone(victim);
  return halfOpenTake();
}

function synDropped(l: Listener, why: Mib): void {
  if (COOKIES) defend(l);
  count(why);
  count(Mib.ListenDrops);
}

function answerWithCookie(l: Listener, bits: u32, mss: u32): void {
  // Where every SYN is answered so, that is no sign of anything.
  if (config.cookies != Cookies.ALWAYS) defend(l);
  l.cookiesUntil = clock.us + 120_000_000;
  count(Mib.SyncookiesSent);
  count(Mib.TCPReqQFullDoCookies);
  // Without timestamps there is no room for the other options.
  const timestamps = (bits & Syn.TIMESTAMPS) != 0;
  const kept = timestamps ? bits & ~Syn.FAST_OPEN : 0;
  synAck(seg.rip, seg.lip, seg.ports, cookieMake(mss), seg.seq, kept, timestamps ? cookieTimestamp(seg.rip, seg.lip, bits) : 0, seg.tsVal, l.tos, l.ttl);
}

/** A listener is back to normal when for so long no SYN was dropped or answered with a cookie, µs. */
const DEFENCE_US: u64 = 1_000_000;

/** The listener had to defend itself just now. */
function defend(l: Listener): void {
  l.defendedAt = clock.us;
  if (!l.defending) setDefending(l, true);
}

function setDefending(l: Listener, on: bool): void {
  const index = listenerIndex(l);
  l.defending = on;
  if (on) heapArm(listenerBase() + index, l.defendedAt + DEFENCE_US);
  eventRaise(config.connsMax + index, Event.DEFENCE);
}

/** The timer of a listener that defends itself. */
export function listenerTimer(index: u32): void {
  const l = listenerAt(index), owner = listenerBase() + index;
  heapDisarm(owner);
  if (l.port == 0 || !l.defending) return;
  if (isDue(l.defendedAt + DEFENCE_US)) setDefending(l, false);
  else heapArm(owner, l.defendedAt + DEFENCE_US);
}

/** Whether cookies of this listener may be about. */
function mayBeCookie(l: Listener): bool {
  return clock.us < l.cookiesUntil || isGroup();
}

/** The connection that a cookie completes; null: there is no room for it. */
function fromCookie(l: Listener, mss: u32): Tcb | null {
  const t = admit(l, seg.rip, seg.lip, seg.ports);
  if (t == null) {
    if (POLICIES && (config.policy & Policy.RST_ON_OVERFLOW) != 0) resetSegment();
    return null;
  }
  count(Mib.SyncookiesRecv);
  const bits = (config.policy & Policy.TIMESTAMPS) != 0 ? cookieOptions() : 0;
  tcbFromHandshake(t, seg.seq - 1, seg.ack - 1, bits, mss, segHas(Option.TIMESTAMPS) ? seg.tsVal : 0);
  return t;
}

/** A TCB for a completed handshake, if the accept queue and the pool have room; it waits in the queue once it is ESTABLISHED. */
function admit(l: Listener, rip: u32, lip: u32, ports: u32): Tcb | null {
  const t = l.acceptCount < l.backlog ? tcbOpen(rip, lip, ports) : null;
  if (t == null) {
    count(Mib.ListenOverflows);
    count(Mib.ListenDrops);
    return null;
  }
  t.listener = <u16>listenerIndex(l);
  t.tos = l.tos;
  t.ttl = l.ttl;
  tcbSet(t, Has.UNACCEPTED);
  t.acceptNext = 0;
  if (l.acceptLast == 0) l.acceptFirst = tcbIndex(t) + 1;
  else tcbAt(l.acceptLast - 1).acceptNext = tcbIndex(t) + 1;
  l.acceptLast = tcbIndex(t) + 1;
  l.acceptCount++;
  return t;
}

/**
 * The handshake of a half-open record is complete: it becomes a TCB, in SYN-RECEIVED, which goes on with the segment at hand. Null: the
 * accept queue is full, or no TCB is free. Then the record stays, and the ACK is dropped, so that it may come again; or, by policy, the
 * peer gets a RST.
 */
export function promote(h: HalfOpen): Tcb | null {
  const l = listenerAt(h.listener), t = admit(l, h.rip, h.lip, h.ports);
  if (t == null) {
    if (POLICIES && (config.policy & Policy.RST_ON_OVERFLOW) != 0) {
      recordGone(h);
      resetSegment();
    }
    return null;
  }
  tcbFromRecord(t, h);
  recordGone(h);
  return t;
}

/** The record leaves the table, and its listener's count. */
export function recordGone(h: HalfOpen): void {
  listenerAt(h.listener).halfOpen--;
  halfOpenRemove(h);
}

/** The connection is ESTABLISHED and can be accepted. */
export function acceptable(t: Tcb): void {
  eventRaise(config.connsMax + <u32>t.listener, Event.ACCEPT);
}

/** Takes the first ESTABLISHED connection out of the accept queue; null: there is none. */
export function acceptTake(l: Listener): Tcb | null {
  if (l.acceptFirst == 0) return null;
  const t = tcbAt(l.acceptFirst - 1);
  listenerForget(t);
  return t;
}

/** Takes a connection out of its listener's accept queue. */
export function listenerForget(t: Tcb): void {
  const l = listenerAt(t.listener), me = tcbIndex(t) + 1;
  let prev: u32 = 0, n: u32 = 0;
  for (let i = l.acceptFirst; i != 0; i = tcbAt(i - 1).acceptNext) {
    assert(!BOUNDED || n++ < config.connsMax);
    if (i == me) {
      if (prev == 0) l.acceptFirst = t.acceptNext;
      else tcbAt(prev - 1).acceptNext = t.acceptNext;
      if (l.acceptLast == me) l.acceptLast = prev;
      l.acceptCount--;
      break;
    }
    prev = i;
  }
  t.acceptNext = 0;
  tcbClear(t, Has.UNACCEPTED);
}

/** Forgets the half-open connections of a listener that goes away. */
export function listenerPurge(l: Listener): void {
  for (let i: u32 = 0; i < config.halfOpenMax && l.halfOpen > 0; i++) {
    const h = halfOpenAt(i);
    if (halfOpenInUse(h) && <u32>h.listener == listenerIndex(l)) recordGone(h);
  }
}
