// The ACK field of a segment in a synchronized state (RFC 9293 §3.10.7.4, fifth): what it acknowledges, and the window it brings.

import { isInsecure, Policy } from "../config";
import { clock } from "../core/clock";
import { seqLt, seqLe } from "../core/seq";
import { rangesCut } from "../buffers/ranges";
import { Tcb, Has, tcbHas, workAdd, tcbClear } from "./block/tcb";
import { seg, segHas, segLen, Option } from "./segment/segment";
import { Timer, armOrphan } from "./block/timers";
import { ecnEchoed } from "./congestion/ecn";
import { sackReceive } from "./loss/sack";
import { duplicateAck, newAck } from "./loss/recovery";
import { retransmitAcked } from "./loss/retransmit";
import { persistEnd } from "./close/persist";
import { rttAcked, rttSample } from "./loss/rtt";
import { hasSender, senderOf } from "./block/sender";
import { ringAcked, roomAgain } from "./block/send-buffer";
import { timestampNow } from "./block/timestamps";
import { rackAck, rackAfter, rackTimes } from "./loss/rack-recovery";
import { sentAcked } from "./loss/delivered";

/** RFC 5961 §5.2: (SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT. */
export function ackAcceptable(t: Tcb): bool {
  return !seqLt(t.sndNxt, seg.ack) && (isInsecure(Policy.OLD_ACKS) || !seqLt(seg.ack, t.sndUna - t.maxSndWnd));
}

/** Processes the ACK field, which is acceptable. */
export function acknowledge(t: Tcb): void {
  const had = hasSender(t) ? senderOf(t).delivered : 0;
  if (hasSender(t)) senderOf(t).sample = 0;
  const news = sackReceive(t), flight = t.sndNxt - t.sndUna;
  if (seqLt(t.sndUna, seg.ack)) {
    advance(t, flight, had, news);
    ecnEchoed(t, flight);
    windowArrives(t);
    // What lay beyond a hole may have told of another one.
    if (!hasSender(t) && news && tcbHas(t, Has.RECOVERY)) workAdd(t);
    return;
  }
  const wnd = t.sndWnd;
  if (seg.ack == t.sndUna) windowArrives(t);
  if (hasSender(t)) {
    if (flight != 0 && t.timerKind != <u8>Timer.PERSIST) {
      rackTimes(t);
      rackAck(t, 0, flight, senderOf(t).delivered - had, news);
    } else if (flight == 0) {
      rackAfter(t);
    }
    return;
  }
  // A duplicate ACK (RFC 5681 §2): data outstanding, no data, same ACK, same window; with SACK, one that tells something new.
  if (t.sndUna != t.sndNxt && seg.ack == t.sndUna && t.timerKind != <u8>Timer.PERSIST) {
    if (tcbHas(t, Has.SACK) ? news : segLen() == 0 && wnd == t.sndWnd) duplicateAck(t);
  }
}

/** SEG.ACK is new: SND.UNA moves up to it. For a Sender: `flight` and what was delivered before, and whether SACK told something. */
function advance(t: Tcb, flight: u32, had: u32, news: bool): void {
  const acked = seg.ack - t.sndUna;
  // A FIN takes a sequence number, but no place in the ring.
  ringAcked(t, min(acked, t.sndSize));
  t.sndUna = seg.ack;
  t.sacked = rangesCut(t.sacked, t.sndUna);
  if (tcbHas(t, Has.URGENT_OUT) && seqLe(t.sndUp, t.sndUna)) tcbClear(t, Has.URGENT_OUT);
  // The sample comes before the timer, which is set to the time-out that follows from it (RFC 6298 §5.3).
  if (hasSender(t)) {
    sentAcked(t, acked);
    rackTimes(t);
  } else if (!rttAcked(t, seg.ack) && !tcbHas(t, Has.TIMING) && segHas(Option.TIMESTAMPS) && seg.tsEcr != 0) {
    // Without a timed segment, because something was sent twice, a timestamp's echo tells (RFC 7323 §4.1), to 1 ms.
    const rtt = timestampNow(t) - seg.tsEcr;
    if (rtt < 600_000) rttSample(t, min<u32>(rtt, 100_000) * 1000);
  }
  t.stalledAt = clock.us;
  if (tcbHas(t, Has.ORPHAN)) armOrphan(t);
  // A window that was open, if too small: what silly window avoidance held back was sent, and arrived.
  if (t.timerKind != <u8>Timer.PERSIST || t.sndWnd != 0) retransmitAcked(t);
  if (hasSender(t)) rackAck(t, acked, flight, senderOf(t).delivered - had, news);
  else newAck(t, acked);
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
