// The end of a connection: every way out of the state diagram leads through here.

import { FAST_OPEN, IPV6 } from "../../features";
import { count, Mib } from "../../core/counters";
import { Err } from "../../core/error";
import { NEVER } from "../../core/clock";
import { Event, eventForget } from "../../core/events";
import { nameDrop, nameKeep } from "../../address/names";
import { rangesClear } from "../../buffers/ranges";
import { Tcb, Has, tcbHas, tcbIndex, tcbRelease, workRemove, tell, tcbSet } from "../block/tcb";
import { State, setState } from "../block/state";
import { disarmAll } from "../block/timers";
import { demuxRemove } from "../block/demux";
import { recoveryEnds } from "../loss/recovery";
import { fastOpenEnds } from "../open/fast-open";
import { listenerForget } from "../open/accept";

/**
 * Deletes the TCB's share in the protocol: it leaves all tables and lists. If a handle refers to it, the block stays,
 * in CLOSED, to tell `error` and to hand out what was received; else it is free again.
 */
export function endConnection(t: Tcb, error: Err): void {
  if (FAST_OPEN) fastOpenEnds(t, error);
  detach(t);
  setState(t, State.CLOSED);
  t.error = <i8>error;
  dispose(t);
}

/** Nobody answers. A soft error that was noted says more than "timed out" (MUST-47). */
export function giveUp(t: Tcb, counter: Mib): void {
  count(counter);
  endConnection(t, t.softError != 0 ? <Err>t.softError : Err.TIMED_OUT);
}

/** Takes the connection out of everything but its handle. */
export function detach(t: Tcb): void {
  disarmAll(t);
  workRemove(t);
  t.outOfOrder = rangesClear(t.outOfOrder);
  recoveryEnds(t);
  if (!tcbHas(t, Has.DETACHED)) {
    // Its handle is told who the peer was for as long as there is one.
    if (IPV6) nameKeep(t.rip);
    demuxRemove(tcbIndex(t));
  }
  tcbSet(t, Has.DETACHED);
}

/** Frees the block of a connection that nobody holds; else tells who holds it. */
export function dispose(t: Tcb): void {
  if (tcbHas(t, Has.UNACCEPTED) && t.state == <u8>State.CLOSED) {
    listenerForget(t);
    tcbSet(t, Has.ORPHAN);
  }
  if (tcbHas(t, Has.ORPHAN)) release(t);
  else tell(t, Event.CLOSED);
}

/** The block is free again; handles to it are stale. */
export function release(t: Tcb): void {
  assert((t.flags & (Has.DETACHED | Has.WORK | Has.BLOCKED)) == Has.DETACHED && t.delackAt == NEVER);
  eventForget(tcbIndex(t));
  if (IPV6) nameDrop(t.rip);
  tcbRelease(t);
}
