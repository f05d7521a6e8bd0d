// Urgent data (RFC 9293 §3.8.5): a mark in the stream, for each direction. The data stay in line.

import { Err } from "../core/error";
import { Event } from "../core/events";
import { Seq, seqLe, seqLt } from "../core/seq";
import { URG } from "../wire/tcp";
import { Has, Tcb, tcbClear, tcbHas, tcbSet, tell, workAdd } from "./block/tcb";
import { canSend, isSynchronized } from "./block/state";
import { seg, segIs } from "./segment/segment";

// What we send

/** The user's call: everything that is queued by now is urgent. */
export function urgentMark(t: Tcb): Err {
  if (!canSend(t) || tcbHas(t, Has.FIN_QUEUED)) return Err.STATE;
  t.sndUp = (isSynchronized(t) ? t.sndUna : t.iss + 1) + t.sndSize;
  tcbSet(t, Has.URGENT_OUT);
  workAdd(t);
  return Err.OK;
}

/**
 * SEG.UP of a segment that begins at `seq`; 0: it is not urgent. It names the octet after the urgent data (MUST-62),
 * however far that is (MUST-31).
 */
export function urgentPointer(t: Tcb, seq: Seq): u32 {
  return tcbHas(t, Has.URGENT_OUT) && seqLt(seq, t.sndUp) ? min<u32>(t.sndUp - seq, u16.MAX_VALUE) : 0;
}

/** The peer has acknowledged up to SND.UNA: past the urgent data, none is left to send. */
// @ts-ignore: decorator
@inline export function urgentAcked(t: Tcb): void {
  if (tcbHas(t, Has.URGENT_OUT) && seqLe(t.sndUp, t.sndUna)) tcbClear(t, Has.URGENT_OUT);
}

// What we receive

/** Sixth of §3.10.7.4: RCV.UP = max (RCV.UP, SEG.UP), and the application is told (MUST-32). */
export function urgentArrives(t: Tcb): void {
  if (!segIs(URG) || seg.up == 0 || tcbHas(t, Has.FIN_RECEIVED)) return;
  const up = seg.seq + seg.up;
  if (seqLe(up, tcbHas(t, Has.URGENT_IN) ? t.rcvUp : t.rcvNxt)) return;
  tcbSet(t, Has.URGENT_IN);
  t.rcvUp = up;
  tell(t, Event.URGENT);
}

/** Bytes up to the end of the urgent data, received or not (MUST-33); 0: there is none. */
export function urgentLeft(t: Tcb): u32 {
  if (!tcbHas(t, Has.URGENT_IN)) return 0;
  // RCV.NXT − rcvSize is the next byte for the application; a FIN takes no byte.
  const next = t.rcvNxt - t.rcvSize - (tcbHas(t, Has.FIN_RECEIVED) ? 1 : 0);
  return seqLt(next, t.rcvUp) ? t.rcvUp - next : 0;
}

/** The application has read: past the urgent data, none is left to read. */
// @ts-ignore: decorator
@inline export function urgentRead(t: Tcb): void {
  if (tcbHas(t, Has.URGENT_IN) && urgentLeft(t) == 0) tcbClear(t, Has.URGENT_IN);
}
