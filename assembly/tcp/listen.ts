// SEGMENT ARRIVES in LISTEN (RFC 9293 §3.10.7.2): SYNs and cookies.

import { Cookies, Policy, config } from "../config";
import { COOKIES, FAST_OPEN, POLICIES } from "../features";
import { Mib, count } from "../core/counters";
import { clock } from "../core/clock";
import { ACK, FIN, RST, SYN } from "../wire/tcp";
import { isOwn, isUnicast } from "../ip/address";
import { Option, seg, segHas, segIs, segTrimBack, segTrimFront } from "./segment/segment";
import { resetSegment } from "./segment/empty";
import { FastOpen, Has, Tcb, tcbClear, tcbSet, workAdd } from "./block/tcb";
import { ANY, HalfOpen, Syn, cookieRecord, halfOpenTake, halfOpenVictim } from "./block/half-open-record";
import { NOBODY } from "./block/demux";
import { flowSet } from "./block/flow";
import { rcvWnd } from "./block/receive-window";
import { congestionInit } from "./congestion/window";
import { Listener, defend, listenerIndex } from "./open/listener";
import { COOKIE_LIFE_US, cookieCheck, cookieMake, cookieOptions, isGroup } from "./open/syn-cookie";
import { cookieRateTake, synRateTake } from "./open/syn-rate";
import { offered, synBits, synMss } from "./open/syn";
import { ecnAsked } from "./congestion/ecn";
import { isnFor } from "./open/isn";
import { halfOpenAnswer, halfOpenEnter } from "./open/half-open";
import { fastOpenCheck, pending } from "./open/fast-open";
import { acceptable, admit, recordGone } from "./open/accept";
import { tcbFromHandshake } from "./open/connect";
import { timeWaitReuse } from "./close/time-wait";
import { receiveText } from "./receive";

/**
 * Processes the segment at hand, which found no connection, in LISTEN (RFC 9293 §3.10.7.2). `old`: the record in
 * TIME-WAIT that has its four-tuple, and that ends when a new connection begins; NOBODY: there is none.
 */
export function listenInput(l: Listener, old: u32): Tcb | null {
  // First, check for a RST.
  if (segIs(RST)) return null;
  // Second, check for an ACK: it can only be a cookie that comes back.
  if (segIs(ACK)) {
    if (COOKIES && !segIs(SYN) && mayBeCookie(l)) {
      // One that is right gets through whatever else comes from its prefix: the check
      // costs one hash, as finding a connection does.
      const mss = cookieCheck();
      if (mss != 0) return fromCookie(l, mss);
      if (!cookieRateTake(seg.rip)) {
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
  listenSyn(l, old);
  return null;
}

/**
 * A SYN takes a half-open record, or is answered with a cookie, or dropped. Its
 * text is not kept: the peer sends it again.
 */
function listenSyn(l: Listener, old: u32): void {
  const mss = synMss();
  let bits = synBits(offered(), ecnAsked());
  const within = !COOKIES || synRateTake(seg.rip, changetype<usize>(l) + offsetof<Listener>("rate"));
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
  recordFill(h, l, bits);
  h.iss = isGroup() ? cookieMake(mss) : isnFor(seg.lip, seg.rip, seg.ports);
  if (old != NOBODY) {
    const beyond = timeWaitReuse(old, h.iss);
    if (!isGroup()) h.iss = beyond;
  }
  h.mss = <u16>mss;
  h.sentAt = <u16>clock.ms;
  h.answered = 0;
  l.halfOpen++;
  halfOpenEnter(h);
  halfOpenAnswer(h);
}

/** What the SYN-ACK to the SYN at hand is made from, but for its ISS. */
function recordFill(h: HalfOpen, l: Listener, bits: u32): void {
  flowSet(h, seg.lip, seg.rip, seg.ports);
  h.irs = seg.seq;
  h.tsRecent = seg.tsVal;
  h.bits = <u16>(bits | Syn.IN_USE);
  h.listener = <u8>listenerIndex(l);
}

/**
 * The SYN at hand returns a cookie of ours (RFC 7413 §4.2.2): it makes a connection in SYN-RECEIVED,
 * which is accepted, read and written at once. Returns false when it has to open as usual: no good
 * cookie, too many such connections, no room.
 */
function openFast(l: Listener, bits: u32, mss: u32, old: u32): bool {
  const renew = fastOpenCheck();
  if (renew < 0) return false;
  const t = admit(l, seg.lip, seg.rip, seg.ports);
  if (t == null) return false;
  const iss = isnFor(seg.lip, seg.rip, seg.ports);
  tcbFromHandshake(t, seg.seq, old != NOBODY ? timeWaitReuse(old, iss) : iss, bits, mss, seg.tsVal);
  fastOpenBegin(t, renew != 0);
  acceptable(t);
  return true;
}

/**
 * The SYN at hand made this connection, in SYN-RECEIVED: its text is taken in, a SYN-ACK is due.
 * A FIN behind the text has to come again.
 */
function fastOpenBegin(t: Tcb, renew: bool): void {
  count(Mib.TCPFastOpenPassive);
  pending.count++;
  t.fastOpen = <u8>(renew ? FastOpen.OPENED | FastOpen.RENEW : FastOpen.OPENED);
  t.sndUna = t.sndNxt;
  // The window of a SYN is never scaled (RFC 7323 §2.2).
  t.sndWnd = t.maxSndWnd = seg.wnd;
  t.sndWl1 = seg.seq;
  congestionInit(t);
  segTrimFront(1);
  segTrimBack(rcvWnd(t));
  if (seg.size != 0) {
    receiveText(t);
    t.fastOpen |= <u8>FastOpen.TAKEN;
  }
  tcbClear(t, Has.ACK_NOW | Has.ACK_LATER);
  t.unacked = 0;
  tcbSet(t, Has.SYN_DUE);
  workAdd(t);
}

/**
 * The listener's share of the table is full, or the table is, and cookies are off: an old
 * record makes room, of its own or of anybody's.
 */
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
  l.cookiesUntil = clock.us + COOKIE_LIFE_US;
  count(Mib.SyncookiesSent);
  count(Mib.TCPReqQFullDoCookies);
  // Without timestamps there is no room for the other options.
  recordFill(cookieRecord, l, (bits & Syn.TIMESTAMPS) != 0 ? bits & ~Syn.FAST_OPEN : 0);
  cookieRecord.iss = cookieMake(mss);
  halfOpenAnswer(cookieRecord);
}

/** Whether cookies of this listener may be about. */
function mayBeCookie(l: Listener): bool {
  return clock.us < l.cookiesUntil || isGroup();
}

/** The connection that a cookie completes; null: there is no room for it. */
function fromCookie(l: Listener, mss: u32): Tcb | null {
  const t = admit(l, seg.lip, seg.rip, seg.ports);
  if (t == null) {
    if (POLICIES && (config.policy & Policy.RST_ON_OVERFLOW) != 0) resetSegment();
    return null;
  }
  count(Mib.SyncookiesRecv);
  tcbFromHandshake(t, seg.seq - 1, seg.ack - 1, cookieOptions(), mss, segHas(Option.TIMESTAMPS) ? seg.tsVal : 0);
  return t;
}
