// Keep-alive (RFC 9293 §3.8.4): off unless the application turns it on; a probe only when nothing is outstanding and
// nothing was heard for the interval; several unanswered probes before the connection is given up.

import { clock } from "../../core/clock";
import { count, Mib } from "../../core/counters";
import { Tcb, Has, tcbHas, workAdd, tcbSet, tcbClear } from "../block/tcb";
import { armIdle } from "../block/timers";
import { isSynchronized } from "../block/state";

const SECOND: u64 = 1_000_000;

/** Starts to watch over the connection. */
export function keepAliveStart(t: Tcb): void {
  t.keepSent = 0;
  // The timer is taken until the first byte has come, or is overdue, and for an orphan's time; and there is nothing to
  // watch over once the connection has left.
  if (tcbHas(t, Has.FIRST_BYTE | Has.DETACHED | Has.ORPHAN)) return;
  armIdle(t, clock.us + <u64>t.keepIdleS * SECOND);
}

/** The idle timer fired: orders a probe. Returns true when so many had no answer that the peer is given up. */
export function keepAliveFires(t: Tcb): bool {
  const idle = <u64>t.keepIdleS * SECOND;
  if (!isSynchronized(t) || clock.us - t.heardAt < idle || t.sndUna != t.sndNxt) {
    t.keepSent = 0;
    armIdle(t, max(t.heardAt + idle, clock.us + SECOND));
    return false;
  }
  if (t.keepSent >= t.keepProbes) return true;
  t.keepSent++;
  tcbSet(t, Has.KEEP_DUE);
  count(Mib.TCPKeepAlive);
  workAdd(t);
  armIdle(t, clock.us + <u64>t.keepIntervalS * SECOND);
  return false;
}

/** Turns keep-alive on or off. */
export function keepAliveSet(t: Tcb, on: bool): void {
  if (on == tcbHas(t, Has.KEEP_ALIVE)) return;
  if (on) {
    tcbSet(t, Has.KEEP_ALIVE);
    keepAliveStart(t);
  } else {
    tcbClear(t, Has.KEEP_ALIVE);
  }
}
