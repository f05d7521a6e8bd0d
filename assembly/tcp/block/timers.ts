// The timers of a connection: retransmission or persist (`timerAt`), delayed ACK (`delackAt`),
// and the wait of a connection that is idle (`idleAt`): keep-alive, the first byte after `accept`, an orphan's time-out
// or its FIN-WAIT-2. One entry of the heap stands for all of them; when it comes up too early, it is put back (due.ts).

import { config } from "../../config";
import { afterMs, clock, NEVER, Micros } from "../../core/clock";
import { heapArm, heapDisarm } from "../../buffers/heap";
import { Tcb, Has, tcbIndex, tcbSet } from "./tcb";

/** What `timerAt` is for: retransmission, persist, RACK's reordering, a loss probe. */
export const enum Timer { NONE, RETRANSMIT, PERSIST, REORDER, PROBE }

export function timersInit(t: Tcb): void {
  t.timerAt = t.delackAt = t.idleAt = NEVER;
  t.timerKind = <u8>Timer.NONE;
}

/** An accepted connection has to send something, sooner or later. */
export function armFirstByte(t: Tcb): void {
  if (config.firstByteMs == 0) return;
  tcbSet(t, Has.FIRST_BYTE);
  armIdle(t, afterMs(config.firstByteMs));
}

/** Starts the retransmission or the persist timer afresh: it fires after `us`. */
export function armTimer(t: Tcb, kind: Timer, us: u32): void {
  t.timerKind = <u8>kind;
  t.timerAt = clock.us + <u64>us;
  heapArm(tcbIndex(t), t.timerAt);
}

export function disarmTimer(t: Tcb): void {
  t.timerKind = <u8>Timer.NONE;
  t.timerAt = NEVER;
}

export function armDelack(t: Tcb, at: Micros): void {
  t.delackAt = at;
  heapArm(tcbIndex(t), at);
}

export function armIdle(t: Tcb, at: Micros): void {
  t.idleAt = at;
  heapArm(tcbIndex(t), at);
}

export function disarmAll(t: Tcb): void {
  timersInit(t);
  heapDisarm(tcbIndex(t));
}

/**
 * An orphan has to get on: R2 counts from its close, or from the last acknowledgment of something new, whatever
 * the peer does with its window meanwhile.
 */
export function armOrphan(t: Tcb): void {
  armIdle(t, afterMs(t.userTimeoutMs));
}

/** An orphan in FIN-WAIT-2 waits for a limited time, or for ever. */
export function armFinWait2(t: Tcb): void {
  t.idleAt = NEVER;
  if (config.finWait2Ms != 0) armIdle(t, afterMs(config.finWait2Ms));
}
