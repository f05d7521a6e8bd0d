// Fast retransmit and fast recovery: RFC 6675 with selective acknowledgments, RFC 6582 (NewReno) without; limited transmit (RFC 3042).

import { count, Mib } from "../../core/counters";
import { seqLt, seqLe, seqMax, seqMin } from "../../core/seq";
import { rangeAt } from "../../buffers/ranges";
import { Tcb, Has, tcbHas, workAdd, tcbSet, tcbClear } from "../block/tcb";
import { rangesBytes } from "../../buffers/ranges";
import { congestionLoss, congestionInflate, congestionPartial, congestionRecovered, congestionAcked } from "../congestion/congestion";
import { rttStop } from "./rtt";
import { sackPipe, sackLostEdge, DUP_THRESH } from "./scoreboard";
import { hasSender, sentPipe } from "../block/sender";

/** Bytes in the network, for comparison with cwnd. */
export function pipe(t: Tcb): u32 {
  if (hasSender(t)) return sentPipe(t);
  const flight = t.sndNxt - t.sndUna;
  if (!tcbHas(t, Has.LOSS | Has.RECOVERY)) return t.sacked == 0 ? flight : flight - rangesBytes(t.sacked);
  if (tcbHas(t, Has.SACK)) return sackPipe(t);
  // Without SACK: fast recovery counts with an inflated cwnd; after a time-out, only what was sent since.
  if (tcbHas(t, Has.RECOVERY)) return flight;
  return seqMax(t.rtxNxt, t.sndUna) - t.sndUna + (t.sndNxt - t.sndLost);
}

/** How much may be sent beyond cwnd: two segments on the first two duplicate ACKs (RFC 3042 §2). SACK has it in its pipe. */
export function limitedTransmit(t: Tcb): u32 {
  if (t.dupAcks == 0 || tcbHas(t, Has.LOSS | Has.RECOVERY | Has.SACK)) return 0;
  return min<u32>(t.dupAcks, 2) * <u32>t.mss;
}

/** An ACK told that something beyond a gap arrived: a duplicate one (RFC 5681 §2), or one with new SACK information (RFC 6675 §2). */
export function duplicateAck(t: Tcb): void {
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

/** `acked` new bytes were acknowledged; SND.UNA has moved. */
export function newAck(t: Tcb, acked: u32): void {
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
