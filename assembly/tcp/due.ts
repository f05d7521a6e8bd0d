// TIMEOUTS (RFC 9293 §3.10.8: user time-out, retransmission time-out; TIME-WAIT's is close/time-wait.ts): what is due does its work.

import { RACK, TLP } from "../features";
import { NEVER, isDue } from "../core/clock";
import { Mib, count } from "../core/counters";
import { Err } from "../core/error";
import { heapArm, heapDisarm } from "../buffers/heap";
import { Has, Tcb, tcbClear, tcbHas, tcbIndex } from "./block/tcb";
import { ackNow } from "./block/acks";
import { Timer, armTimer } from "./block/timers";
import { State } from "./block/state";
import { paceDue } from "./congestion/pacing";
import { reorderDue } from "./loss/rack-recovery";
import { retransmitDue } from "./loss/retransmit";
import { probeDue } from "./loss/probe";
import { persistDue } from "./close/persist";
import { endConnection } from "./close/end";
import { keepAliveDue, keepAliveStart } from "./close/keep-alive";
import { sendReset } from "./output";

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
