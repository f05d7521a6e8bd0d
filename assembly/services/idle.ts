// Who is idle, and for how long: connections in the order in which they last got on, so that finding those that are
// over time, or the one that gives way when there is no room, takes no search. A connection gets on when something
// comes or goes; an HTTP connection whose request is not complete does not, however many bytes trickle in.

import { BOARD } from "../features";
import { clock, Micros, NEVER } from "../core/clock";
import { indexOfHandle } from "../api/handle";
import { Has, Tcb, tcbAt, tcbHas } from "../tcp/block/tcb";
import { State } from "../tcp/block/state";
import {
  GIVE_WAY_US, IDLE_S, LINGER_US, Served, servedAt, servedIndex, servedMax, Service, Shared, shared,
} from "./layout";

const SECOND: u64 = 1_000_000;
/** By how much the host may be late before it counts as one that stood still, ms. */
const LATE_MS: i32 = 1000;
/** Connections that are looked at, at most, for one that gives way. */
const LOOK_MAX: u32 = 64;

/** Seconds that a connection may be idle; 0: for ever. */
export function idleSeconds(): u32 {
  if (BOARD) return IDLE_S;
  const set = shared().idle;
  return set == 0 ? IDLE_S : set - 1;
}

/** The connection's TCB: its block holds the handle, so it is there until that is given up. */
function tcbOf(s: Served): Tcb {
  return tcbAt(indexOfHandle(s.handle));
}

/** The words of the list that the connection is on: its first, then its last. */
function listOf(s: Served): usize {
  const at = changetype<usize>(shared());
  return at + (s.service == <u8>Service.CLOSING ? offsetof<Shared>("closingFirst") : offsetof<Shared>("servedFirst"));
}

/** Takes it off its list. */
export function unlist(s: Served): void {
  const list = listOf(s);
  if (s.prev != 0) servedAt(s.prev - 1).next = s.next;
  else store<u32>(list, s.next);
  if (s.next != 0) servedAt(s.next - 1).prev = s.prev;
  else store<u32>(list, s.prev, 4);
}

/** Puts it at the end of its list, as one that has just got on. */
export function enlist(s: Served): void {
  const list = listOf(s), last = load<u32>(list, 4), me = servedIndex(s) + 1;
  s.prev = last;
  s.next = 0;
  if (last == 0) store<u32>(list, me);
  else servedAt(last - 1).next = me;
  store<u32>(list, me, 4);
  s.since = clock.us;
  s.una = tcbOf(s).sndUna;
}

/** It has got on. */
export function touch(s: Served): void {
  if (s.next != 0) {
    unlist(s);
    enlist(s);
    return;
  }
  // It is the last already.
  s.since = clock.us;
  s.una = tcbOf(s).sndUna;
}

/** When the first of a list is over time; NEVER: nobody is. */
function dueAt(first: u32, limit: u64): Micros {
  return first == 0 || limit == 0 ? NEVER : servedAt(first - 1).since + limit;
}

/**
 * A process that was stopped comes back: nobody was idle in the meantime, since nobody could be heard. To be called
 * before anybody's time is looked at.
 */
export function stoodStill(): void {
  if (BOARD || servedMax() == 0 || shared().due == 0) return;
  const late = <i32>(<u32>(clock.us / 1000) - shared().due);
  if (late < LATE_MS) return;
  for (let i: u32 = 0; i < servedMax(); i++) servedAt(i).since += <u64>late * 1000;
  shared().due = 0;
}

/** The host is to come back after `wait` µs; −1: it may stay away. */
export function promise(wait: i32): i32 {
  if (!BOARD) shared().due = wait < 0 ? 0 : max<u32>(<u32>((clock.us + <u64>wait) / 1000), 1);
  return wait;
}

/** When a connection will be over time. */
export function idleNext(): Micros {
  return min(dueAt(shared().servedFirst, <u64>idleSeconds() * SECOND), dueAt(shared().closingFirst, LINGER_US));
}

/**
 * The first connection that is over time; null: something was acknowledged since it last got on, so it has got on.
 * Only while there is one (`idleNext`).
 */
export function idleTake(): Served | null {
  const first = clock.us >= dueAt(shared().closingFirst, LINGER_US) ? shared().closingFirst : shared().servedFirst;
  const s = servedAt(first - 1), t = tcbOf(s);
  if (t.sndSize == 0 || t.sndUna == s.una) return s;
  touch(s);
  return null;
}

/**
 * When a connection was last heard of, as far as that counts: where something was acknowledged that had not been
 * when it last got on, whatever comes; nothing that a peer says who takes nothing.
 */
function heardAt(s: Served): Micros {
  const t = tcbOf(s);
  return t.sndUna != s.una ? max(s.since, t.heardAt) : s.since;
}

/**
 * The idle connection that makes room for another: first of those that are closing, then of
 * those that are served; null: none is idle.
 */
export function idleVictim(): Served | null {
  for (let list: u32 = 0; list < 2; list++) {
    let at = list == 0 ? shared().closingFirst : shared().servedFirst;
    for (let n = LOOK_MAX; n > 0 && at != 0; n--) {
      const s = servedAt(at - 1);
      if (clock.us - heardAt(s) >= GIVE_WAY_US) return s;
      at = s.next;
      // It has got on, by acknowledgments: those behind it come before it from
      // now on, however many there are of its kind.
      if (tcbOf(s).sndUna != s.una) touch(s);
    }
  }
  return null;
}

/** Whether there is no connection any more, but for what it may have received. */
export function isOver(s: Served): bool {
  return tcbHas(tcbOf(s), Has.DETACHED);
}

/** Whether its end is not with the peer yet: there are bytes, or our FIN, that were not acknowledged. */
export function isTelling(s: Served): bool {
  return !isOver(s) && tcbOf(s).state != <u8>State.FIN_WAIT_2;
}

/** Whether something that was sent is not acknowledged, or not sent yet. */
export function hasUnsent(s: Served): bool {
  return tcbOf(s).sndSize != 0;
}
