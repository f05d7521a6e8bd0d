// Going back on a recovery that was for nothing: what was sent again had only been late. It is found out by the
// timestamp that comes back (Eifel, RFC 3522), by reports that all of it came twice (RFC 3708), or, after a time-out
// without timestamps, by F-RTO (RFC 5682); the answer is RFC 4015's.

import { Policy, config } from "../../config";
import { UNDO } from "../../features";
import { seqLt } from "../../core/seq";
import { count, Mib } from "../../core/counters";
import { Tcb, Has, tcbHas, tcbClear } from "../block/tcb";
import { Sender, Sends, senderOf, sends } from "../block/sender";
import { congestionFrto, congestionFrtoLost, congestionKeep, congestionUndo } from "../congestion/congestion";
import { timestampNow } from "../block/timestamps";
import { unsent } from "../block/send-buffer";
import { sentFound, sentLoseAll } from "./sent";
import { seg, segHas, Option } from "../segment/segment";

/** A recovery begins: `cwnd` and `ssthresh` are about to shrink. */
export function undoBegin(t: Tcb): void {
  if (!UNDO || (config.policy & Policy.UNDO) == 0) return;
  const s = senderOf(t);
  s.bits = <u16>((<u32>s.bits & ~(Sends.UNDO_TS | Sends.FRTO | Sends.FRTO_WAIT)) | Sends.CAN_UNDO);
  congestionKeep(t, s);
  s.undoBytes = 0;
  s.undoUna = t.sndUna;
}

/**
 * The retransmission timer fired for the first time: F-RTO (RFC 5682 §3.1 step 1). With timestamps Eifel knows earlier.
 */
export function frtoBegin(t: Tcb): void {
  if (UNDO && sends(senderOf(t), Sends.CAN_UNDO) && !tcbHas(t, Has.TIMESTAMPS)) senderOf(t).bits |= <u16>Sends.FRTO;
}

/** `size` bytes were sent again. */
export function undoResent(t: Tcb, size: u32): void {
  if (!UNDO) return;
  const s = senderOf(t);
  if (!sends(s, Sends.CAN_UNDO)) return;
  if (s.undoBytes == 0 && tcbHas(t, Has.TIMESTAMPS)) {
    s.undoTs = timestampNow(t);
    s.bits |= <u16>Sends.UNDO_TS;
  }
  s.undoBytes += size;
}

/** `size` bytes came twice, says the peer. */
export function undoDsack(s: Sender, size: u32): void {
  if (!UNDO || !sends(s, Sends.CAN_UNDO) || s.undoBytes == 0) return;
  s.undoBytes -= min(s.undoBytes, size);
  if (s.undoBytes == 0) s.bits |= <u16>Sends.UNDO_NOW;
}

/** What lay in flight at the time-out, and was not sent again, has arrived. */
export function frtoNote(s: Sender): void {
  if (UNDO && sends(s, Sends.FRTO_WAIT)) s.bits |= <u16>Sends.UNDO_NOW;
}

/** Looks at an ACK, of `acked` new bytes. Returns whether the recovery was for nothing, and is over. */
export function undoDetects(t: Tcb, acked: u32): bool {
  if (!UNDO) return false;
  const s = senderOf(t);
  if (!sends(s, Sends.CAN_UNDO)) return false;
  if (acked != 0 && sends(s, Sends.UNDO_TS)) {
    // RFC 3522 §3.2: only the first acceptable ACK tells.
    s.bits &= ~<u16>Sends.UNDO_TS;
    if (segHas(Option.TIMESTAMPS) && seg.tsEcr != 0 && seqLt(seg.tsEcr, s.undoTs)) s.bits |= <u16>Sends.UNDO_NOW;
  }
  const now = sends(s, Sends.UNDO_NOW);
  frtoStep(t, s, acked);
  if (!now) return false;
  undo(t, s);
  return true;
}

/**
 * RFC 5682 §3.1 steps 2 and 3: after the first ACK something new is sent in the place of what
 * may not be lost, and the second one tells.
 */
function frtoStep(t: Tcb, s: Sender, acked: u32): void {
  const first = sends(s, Sends.FRTO);
  if (sends(s, Sends.FRTO_WAIT)) {
    // A duplicate ACK that tells of nothing: the peer may keep nothing that is beyond a gap, the new data neither.
    if (acked == 0 && s.sacked == 0) {
      sentLoseAll(t);
      t.recover = t.sndNxt;
    }
    congestionFrtoLost(t);
  }
  s.bits &= ~<u16>(Sends.FRTO | Sends.FRTO_WAIT);
  if (!first || acked == 0 || !tcbHas(t, Has.LOSS) || !seqLt(t.sndUna, t.recover) || unsent(t) == 0) return;
  s.bits |= <u16>Sends.FRTO_WAIT;
  congestionFrto(t);
}

/** Whether nothing may be sent again for now: F-RTO waits for the second ACK. */
export function frtoWaits(t: Tcb): bool {
  return UNDO && sends(senderOf(t), Sends.FRTO_WAIT);
}

/** What counted as lost is found again, and congestion control goes back. */
function undo(t: Tcb, s: Sender): void {
  s.bits &= ~<u16>(Sends.CAN_UNDO | Sends.UNDO_NOW);
  count(tcbHas(t, Has.LOSS) ? Mib.TCPSpuriousRTOs : Mib.TCPFullUndo);
  congestionUndo(t, s);
  sentFound(t);
  tcbClear(t, Has.RECOVERY | Has.LOSS | Has.RETRANSMIT_ONE);
}
