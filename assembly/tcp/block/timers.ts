// The timers of a connection (RFC 9293 §3.10.8: user time-out, retransmission time-out; TIME-WAIT's is time-wait.ts): retransmission or persist (`timerAt`), delayed ACK (`delackAt`), keep-alive or an orphan's FIN-WAIT-2
// (`idleAt`). One entry in the heap stands for the earliest of them; when it comes up too early, it is put back.

import { config } from "../../config";
import { RACK, TLP } from "../../features";
import { afterMs, clock, isDue, NEVER, Micros } from "../../core/clock";
import { count, Mib } from "../../core/counters";
import { heapArm, heapDisarm } from "../../buffers/heap";
import { Tcb, Has, tcbHas, tcbIndex, tcbSet, tcbClear } from "./tcb";
import { State } from "./state";
import { persistDue } from "../close/persist";
import { keepAliveDue, keepAliveStart } from "../close/keep-alive";
import { retransmitDue } from "../loss/retransmit";
import { ackNow } from "../receive";
import { endConnection } from "../close/end";
import { sendReset } from "../output";
import { reorderDue } from "../loss/rack-recovery";
import { probeDue } from "../loss/probe";
import { paceDue } from "../congestion/pacing";
import { Err } from "../../core/error";

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

/** The connection's heap entry came up: does what is due, and asks for the next deadline. */
export function tcbTimer(t: Tcb): void {
  heapDisarm(tcbIndex(t));
  if (isDue(t.delackAt)) {
    t.delackAt = NEVER;
    if (tcbHas(t, Has.ACK_LATER)) ackNow(t);
  }
  if (isDue(t.timerAt)) {
    if (t.timerKind == <u8>Timer.PERSIST) persistDue(t);
    else if (RACK && t.timerKind == <u8>Timer.REORDER) reorderDue(t);
    else if (TLP && t.timerKind == <u8>Timer.PROBE) probeTimer(t);
    else retransmitDue(t);
  }
  // Where that was the connection's end, the block may be free again.
  if (t.state == <u8>State.CLOSED) return;
  paceDue(t);
  if (isDue(t.idleAt)) idleDue(t);
  if (t.state == <u8>State.CLOSED) return;
  const next = min(min(t.timerAt, t.delackAt), t.idleAt);
  if (next != NEVER) heapArm(tcbIndex(t), next);
}

/** A loss probe is due; the retransmission timer runs from here on. */
function probeTimer(t: Tcb): void {
  armTimer(t, Timer.RETRANSMIT, t.rto);
  probeDue(t);
}

function idleDue(t: Tcb): void {
  t.idleAt = NEVER;
  const first = tcbHas(t, Has.FIRST_BYTE);
  tcbClear(t, Has.FIRST_BYTE);
  if (first && t.rcvNxt == t.irs + 1) {
    // The handshake is complete, and the peer keeps silent: a connection that costs it nothing.
    count(Mib.TCPFirstByteTimeout);
    sendReset(t);
    endConnection(t, Err.TIMED_OUT);
  } else if (tcbHas(t, Has.ORPHAN)) {
    // Nobody is left to read what the peer sends, and it does not close its side (FIN-WAIT-2), or acknowledges nothing.
    count(Mib.TCPAbortOnTimeout);
    endConnection(t, Err.TIMED_OUT);
  } else if (tcbHas(t, Has.KEEP_ALIVE)) {
    if (first) keepAliveStart(t);
    else keepAliveDue(t);
  }
}

/**
 * An orphan has to get on: R2 counts from its close, or from the last acknowledgment of something new, whatever the peer does with its
 * window meanwhile.
 */
export function armOrphan(t: Tcb): void {
  armIdle(t, afterMs(t.userTimeoutMs));
}

/** An orphan in FIN-WAIT-2 waits for a limited time, or for ever. */
export function armFinWait2(t: Tcb): void {
  t.idleAt = NEVER;
  if (config.finWait2Ms != 0) armIdle(t, afterMs(config.finWait2Ms));
}
