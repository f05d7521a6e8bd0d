// The accept queue: from a handshake that is complete to `accept` (RFC 9293 §3.10.7.2), and
// what a listener forgets when it goes away.

import { Policy, config } from "../../config";
import { POLICIES } from "../../features";
import { Mib, count } from "../../core/counters";
import { Event, eventRaise } from "../../core/events";
import { resetSegment } from "../segment/empty";
import { Has, Tcb, tcbAt, tcbClear, tcbIndex, tcbSet } from "../block/tcb";
import { HalfOpen, halfOpenAt, halfOpenInUse } from "../block/half-open-record";
import { Listener, listenerAt, listenerIndex } from "./listener";
import { tcbFromRecord, tcbOpen } from "./connect";
import { halfOpenRemove } from "./half-open";

/**
 * A TCB for a completed handshake, if the accept queue and the pool have room; it
 * waits in the queue once it is ESTABLISHED.
 */
export function admit(l: Listener, lip: u32, rip: u32, ports: u32): Tcb | null {
  const t = l.acceptCount < l.backlog ? tcbOpen(lip, rip, ports) : null;
  if (t == null) {
    count(Mib.ListenOverflows);
    count(Mib.ListenDrops);
    return null;
  }
  t.listener = <u16>listenerIndex(l);
  t.ttl = l.ttl;
  t.tos = l.tos;
  tcbSet(t, Has.UNACCEPTED);
  const last = l.acceptLast, me = tcbIndex(t) + 1;
  t.acceptPrev = last;
  t.acceptNext = 0;
  if (last == 0) l.acceptFirst = me;
  else tcbAt(last - 1).acceptNext = me;
  l.acceptLast = me;
  l.acceptCount++;
  return t;
}

/**
 * The handshake of a half-open record is complete: it becomes a TCB, in SYN-RECEIVED, which goes on with the segment at
 * hand. Null: the accept queue is full, or no TCB is free. Then the record stays, and the ACK is dropped, so that it
 * may come again; or, by policy, the peer gets a RST.
 */
export function promote(h: HalfOpen): Tcb | null {
  const l = listenerAt(h.listener), t = admit(l, h.lip, h.rip, h.ports);
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

/** Takes a connection out of its listener's accept queue, wherever it stands there. */
export function listenerForget(t: Tcb): void {
  const l = listenerAt(t.listener), prev = t.acceptPrev, next = t.acceptNext;
  if (prev == 0) l.acceptFirst = next;
  else tcbAt(prev - 1).acceptNext = next;
  if (next == 0) l.acceptLast = prev;
  else tcbAt(next - 1).acceptPrev = prev;
  l.acceptCount--;
  // The place is SND.UP's from here on.
  t.sndUp = t.iss;
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
