// The ACK field of a segment in a synchronized state (RFC 9293 §3.10.7.4, fifth): what
// it acknowledges, and the window it brings.

import { isInsecure, Policy } from "../config";
import { clock } from "../core/clock";
import { seqLt } from "../core/seq";
import { rangesCut } from "../buffers/ranges";
import { Tcb, Has, tcbHas, workAdd } from "./block/tcb";
import { seg } from "./segment/segment";
import { Timer, armOrphan } from "./block/timers";
import { ecnEchoed } from "./congestion/ecn";
import { sackReceive } from "./loss/sack";
import { recoveryAckBegins, recoveryAdvances, recoveryRepeats, recoveryTimes } from "./loss/recovery";
import { retransmitAcked } from "./loss/retransmit";
import { persistEnd } from "./close/persist";
import { ringAcked, roomAgain } from "./block/send-buffer";
import { urgentAcked } from "./urgent";

/** RFC 5961 §5.2: (SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT. */
export function ackAcceptable(t: Tcb): bool {
  return !seqLt(t.sndNxt, seg.ack) && (isInsecure(Policy.OLD_ACKS) || !seqLt(seg.ack, t.sndUna - t.maxSndWnd));
}

/** Processes the ACK field, which is acceptable. */
export function acknowledge(t: Tcb): void {
  const delivered = recoveryAckBegins(t), newSack = sackReceive(t), flight = t.sndNxt - t.sndUna;
  if (seqLt(t.sndUna, seg.ack)) {
    advance(t, flight, delivered, newSack);
    ecnEchoed(t, flight);
    windowArrives(t);
    return;
  }
  const wnd = t.sndWnd;
  if (seg.ack == t.sndUna) windowArrives(t);
  recoveryRepeats(t, flight, delivered, newSack, wnd);
}

/**
 * SEG.ACK is new: SND.UNA moves up to it. `flight`, `delivered` (before this ACK), and
 * whether SACK told something are for recovery.
 */
function advance(t: Tcb, flight: u32, delivered: u32, newSack: bool): void {
  const acked = seg.ack - t.sndUna;
  // A FIN takes a sequence number, but no place in the ring.
  ringAcked(t, min(acked, t.sndSize));
  t.sndUna = seg.ack;
  t.sacked = rangesCut(t.sacked, t.sndUna);
  urgentAcked(t);
  // The sample comes before the timer, which is set to the time-out that follows from it (RFC 6298 §5.3).
  recoveryTimes(t, acked);
  t.stalledAt = clock.us;
  if (tcbHas(t, Has.ORPHAN)) armOrphan(t);
  // Probes of a closed window go on as long as there is text for it. A window that was open, if too
  // small, has taken what silly window avoidance held back; and where all text has arrived an idle
  // connection is left, which no silence ends.
  if (t.timerKind != <u8>Timer.PERSIST || t.sndWnd != 0 || t.sndSize == 0) retransmitAcked(t);
  recoveryAdvances(t, acked, flight, delivered, newSack);
  roomAgain(t);
  workAdd(t);
}

/** The window of a segment that is not older than the one that told the last (SND.WL1, SND.WL2). */
function windowArrives(t: Tcb): void {
  if (!seqLt(t.sndWl1, seg.seq) && (t.sndWl1 != seg.seq || seqLt(seg.ack, t.sndWl2))) return;
  const wnd = seg.wnd << t.sndScale, was = t.sndWnd;
  t.sndWnd = wnd;
  t.sndWl1 = seg.seq;
  t.sndWl2 = seg.ack;
  if (wnd > t.maxSndWnd) t.maxSndWnd = wnd;
  if (wnd > was) workAdd(t);
  if (t.timerKind == <u8>Timer.PERSIST && wnd != 0 && (was == 0 || t.sndUna != t.sndNxt)) persistEnd(t);
}
