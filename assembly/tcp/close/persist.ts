// The persist timer (RFC 9293 §3.8.6.1): probes a window that is closed, or too small for a segment that silly window
// avoidance would send (§3.8.6.2.1), so that a lost window update cannot stop the connection for ever.

import { config } from "../../config";
import { clock } from "../../core/clock";
import { count, Mib } from "../../core/counters";
import { Tcb, Has, workAdd, tcbSet, tcbClear } from "../block/tcb";
import { Timer, armTimer, disarmTimer } from "../block/timers";
import { giveUp } from "./end";
import { loseAll, recoveryUnsend } from "../loss/recovery";

/** Nothing is in flight, and what there is to send may not go: the first probe comes after one RTO (SHLD-29). */
export function persistArm(t: Tcb): void {
  if (t.timerKind != <u8>Timer.NONE) return;
  t.retries = 0;
  t.stalledAt = clock.us;
  armTimer(t, Timer.PERSIST, t.rto);
}

/** The window is zero while segments are in flight: probe in place of retransmitting (MUST-35, SHLD-17). */
export function persistDue(t: Tcb): void {
  // As long as the peer answers the probes, the connection stays open (MUST-37); an
  // orphan has a time of its own (`armOrphan`).
  if (clock.us - max(t.stalledAt, t.heardAt) >= <u64>t.userTimeoutMs * 1000) {
    giveUp(t, Mib.TCPAbortOnTimeout);
    return;
  }
  if (t.retries < 31) t.retries++;
  count(Mib.TCPZeroWindowProbes);
  tcbSet(t, Has.PROBE_DUE);
  workAdd(t);
  // The interval grows exponentially (SHLD-30).
  const interval = <u64>t.rto << min<u8>(t.retries, 16);
  armTimer(t, Timer.PERSIST, <u32>min<u64>(interval, <u64>config.rtoMaxMs * 1000));
}

/** The window is open again: what a probe carried goes out anew, with what follows it. */
export function persistEnd(t: Tcb): void {
  disarmTimer(t);
  tcbClear(t, Has.PROBE_DUE);
  t.retries = 0;
  const flight = t.sndNxt - t.sndUna;
  if (flight == 1) {
    // Only one octet is outstanding, the probe's or the last before the window closed: back to before it, in the
    // scoreboard too. With nothing in flight nothing is lost.
    recoveryUnsend(t);
  } else if (flight != 0) {
    loseAll(t);
  }
  workAdd(t);
}
