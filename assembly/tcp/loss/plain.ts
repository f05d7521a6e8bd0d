// Loss recovery of a connection without a Sender: fast retransmit and fast recovery, RFC 6675 with selective
// acknowledgments, RFC 6582 (NewReno) without; limited transmit (RFC 3042).

import { count, Mib } from "../../core/counters";
import { seqLt, seqLe, seqMax, seqMin } from "../../core/seq";
import { rangeAt } from "../../buffers/ranges";
import { Tcb, Has, tcbHas, workAdd, tcbSet, tcbClear } from "../block/tcb";
import { rangesBytes } from "../../buffers/ranges";
import {
  congestionLoss, congestionInflate, congestionPartial, congestionRecovered, congestionAcked,
} from "../congestion/congestion";
import { Timer } from "../block/timers";
import { timestampNow } from "../block/timestamps";
import { seg, segHas, segLen, Option } from "../segment/segment";
import { rttTakeAck, rttSample, rttStop } from "./rtt";
import { sackPipe, sackLostEdge, sackSkip, DUP_THRESH } from "./plain-scoreboard";

/** Bytes in the network. */
export function plainPipe(t: Tcb): u32 {
  const flight = t.sndNxt - t.sndUna;
  if (!tcbHas(t, Has.LOSS | Has.RECOVERY)) return t.sacked == 0 ? flight : flight - rangesBytes(t.sacked);
  if (tcbHas(t, Has.SACK)) return sackPipe(t);
  // Without SACK: fast recovery counts with an inflated cwnd; after a time-out, only what was sent since.
  if (tcbHas(t, Has.RECOVERY)) return flight;
  return seqMax(t.rtxNxt, t.sndUna) - t.sndUna + (t.sndNxt - t.sndLost);
}

/**
 * How much may be sent beyond cwnd: two segments on the first two duplicate
 * ACKs (RFC 3042 §2). SACK has it in its pipe.
 */
export function limitedTransmit(t: Tcb): u32 {
  if (t.dupAcks == 0 || tcbHas(t, Has.LOSS | Has.RECOVERY | Has.SACK)) return 0;
  return min<u32>(t.dupAcks, 2) * <u32>t.mss;
}

/** Takes the round-trip time that the ACK at hand tells, if it tells one. */
export function plainTimes(t: Tcb): void {
  if (rttTakeAck(t, seg.ack) || tcbHas(t, Has.TIMING) || !segHas(Option.TIMESTAMPS) || seg.tsEcr == 0) return;
  // Without a timed segment, because something was sent twice, a timestamp's echo tells (RFC 7323 §4.1), to 1 ms.
  const rtt = timestampNow(t) - seg.tsEcr;
  if (rtt < 600_000) rttSample(t, min<u32>(rtt, 100_000) * 1000);
}

/** The ACK at hand acknowledged nothing new. `newSack`: SACK told something; `wnd`: the peer's window before it. */
export function plainRepeats(t: Tcb, newSack: bool, wnd: u32): void {
  // A duplicate ACK (RFC 5681 §2): data outstanding, no data, same ACK, same window;
  // with SACK, one that tells something new.
  if (t.sndUna == t.sndNxt || seg.ack != t.sndUna || t.timerKind == <u8>Timer.PERSIST) return;
  if (tcbHas(t, Has.SACK) ? newSack : segLen() == 0 && wnd == t.sndWnd) duplicateAck(t);
}

/** Something beyond a gap arrived. */
function duplicateAck(t: Tcb): void {
  if (tcbHas(t, Has.LOSS)) {
    workAdd(t);
    return;
  }
  if (t.dupAcks < 255) t.dupAcks++;
  workAdd(t);
  if (tcbHas(t, Has.RECOVERY)) {
    if (tcbHas(t, Has.SACK)) t.sndLost = seqMax(t.sndLost, sackLostEdge(t));
    else congestionInflate(t, 1);
    return;
  }
  const sack = tcbHas(t, Has.SACK);
  if (t.dupAcks < <u8>DUP_THRESH && !(sack && seqLt(t.sndUna, sackLostEdge(t)))) return;
  // Not for a loss of the window that was already dealt with (RFC 6582 §3.2 step 2, RFC 6675 §5).
  if (seqLe(t.sndUna, t.recover) && t.recover != t.iss) return;
  count(Mib.TCPFastRetrans);
  count(sack ? Mib.TCPSackRecovery : Mib.TCPRenoRecovery);
  tcbSet(t, Has.RECOVERY | Has.RETRANSMIT_ONE);
  t.recover = t.sndNxt;
  t.rtxNxt = t.sndUna;
  congestionLoss(t, t.sndNxt - t.sndUna);
  if (!sack) congestionInflate(t, DUP_THRESH);
  firstHole(t);
  if (sack) t.sndLost = seqMax(t.sndLost, sackLostEdge(t));
  rttStop(t);
}

/** The segment at SND.UNA, if nothing else, counts as lost. */
function firstHole(t: Tcb): void {
  const limit = t.sacked == 0 ? t.sndNxt : rangeAt(t.sacked).start;
  t.sndLost = seqMin(t.sndUna + t.mss, limit);
}

/** Moves `t.rtxNxt` to what is to be sent again next. Returns whether there is anything. */
export function plainFindLost(t: Tcb): bool {
  t.rtxNxt = sackSkip(t, t.rtxNxt);
  return seqLt(t.rtxNxt, t.sndLost);
}

/** `acked` new bytes were acknowledged; SND.UNA has moved. */
export function plainAdvances(t: Tcb, acked: u32): void {
  if (seqLt(t.rtxNxt, t.sndUna)) t.rtxNxt = t.sndUna;
  if (seqLt(t.sndLost, t.sndUna)) t.sndLost = t.sndUna;
  if (!tcbHas(t, Has.LOSS | Has.RECOVERY)) {
    t.dupAcks = 0;
    congestionAcked(t, acked);
    return;
  }
  if (seqLe(t.recover, t.sndUna)) {
    if (tcbHas(t, Has.RECOVERY)) congestionRecovered(t, t.sndNxt - t.sndUna);
    else congestionAcked(t, acked);
    tcbClear(t, Has.LOSS | Has.RECOVERY | Has.RETRANSMIT_ONE);
    t.dupAcks = 0;
    t.sndLost = t.rtxNxt = t.sndUna;
    return;
  }
  // A partial acknowledgment.
  if (tcbHas(t, Has.LOSS)) {
    congestionAcked(t, acked);
    return;
  }
  if (tcbHas(t, Has.SACK)) {
    t.sndLost = seqMax(t.sndLost, sackLostEdge(t));
    // What follows SND.UNA was not retransmitted yet: it is the next hole.
    if (t.sndLost == t.sndUna) firstHole(t);
  } else {
    congestionPartial(t, acked);
    t.rtxNxt = t.sndUna;
    firstHole(t);
    tcbSet(t, Has.RETRANSMIT_ONE);
  }
}
