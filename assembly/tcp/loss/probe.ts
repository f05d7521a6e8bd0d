// The tail loss probe (RFC 8985 §7): when an ACK is overdue, one segment is sent that brings one about, so that what
// was lost at the end of a flight is found long before the retransmission timer would fire.

import { Policy, config } from "../../config";
import { TLP } from "../../features";
import { Seq, seqLe, seqLt } from "../../core/seq";
import { clock } from "../../core/clock";
import { count, Mib } from "../../core/counters";
import { Tcb, Has, tcbHas, workAdd } from "../block/tcb";
import { State } from "../block/state";
import { Timer, armTimer } from "../block/timers";
import { Sends, hasSender, senderOf, sends } from "../block/sender";
import { seg } from "../segment/segment";
import { sentNoteAgain, sentLastStart } from "./sent";

/** TLP.max_ack_delay: what a peer may wait before it acknowledges a single segment, µs. */
const MAX_ACK_DELAY_US: u32 = 200_000;
/** Least time before a probe, µs: polls come about once a millisecond. */
const MIN_US: u32 = 2000;
/** While no round trip was timed, µs. */
const UNKNOWN_US: u32 = 1_000_000;

/** Whether the time to the next time-out is a probe's (RFC 8985 §7.2). */
function mayProbe(t: Tcb): bool {
  if (!TLP || !hasSender(t) || (config.policy & Policy.TLP) == 0) return false;
  const s = senderOf(t);
  return !tcbHas(t, Has.RECOVERY | Has.LOSS) && s.sacked == 0 && t.retries == 0 && t.sndWnd != 0 &&
    t.sndUna != t.sndNxt && !sends(s, Sends.PROBING) && sends(s, Sends.PROBE_READY) && t.state >= <u8>State.ESTABLISHED;
}

/**
 * Arms the probe's timer in the place of the retransmission timer, if it may: TLP_calc_PTO of RFC 8985 §7.2. Where the
 * time-out would come first, the probe is sent at its time, and the time-out is armed anew. Returns whether it did.
 */
export function probeArm(t: Tcb): bool {
  if (!mayProbe(t)) return false;
  let pto = UNKNOWN_US;
  if (t.srtt != 0) {
    pto = t.srtt >> 2;
    if (t.sndNxt - t.sndUna <= <u32>t.mss) pto += MAX_ACK_DELAY_US;
  }
  const timeout = <i64>(t.stalledAt + t.rto - clock.us);
  armTimer(t, Timer.PROBE, <u32>max<i64>(min<i64>(pto, timeout), MIN_US));
  return true;
}

/** The probe's timer fired. The caller has armed the retransmission timer before (`recoveryTakeTimer`). */
export function probeDue(t: Tcb): void {
  if (!mayProbe(t)) return;
  senderOf(t).bits |= <u16>Sends.PROBE_DUE;
  workAdd(t);
}

/** Whether a probe is to be sent. */
export function probePending(t: Tcb): bool {
  return TLP && hasSender(t) && sends(senderOf(t), Sends.PROBE_DUE);
}

/** Where a probe begins that sends again what was sent last; of `size` bytes at most. */
export function probeStart(t: Tcb, size: u32): Seq {
  return sentLastStart(t, size);
}

/**
 * A round trip was timed: the next probe may be sent. It comes after 2 × SRTT (RFC 8985 §7.2), and the time-out leaves
 * it a round trip to be answered in.
 */
export function probeTimed(t: Tcb): void {
  if (!TLP) return;
  senderOf(t).bits |= <u16>Sends.PROBE_READY;
  if ((config.policy & Policy.TLP) != 0) t.rto = max(t.rto, min(3 * (t.srtt >> 3), config.rtoMaxMs * 1000));
}

/** A probe was sent, of something new. */
export function probeSent(t: Tcb): void {
  const s = senderOf(t);
  s.bits = <u16>((<u32>s.bits & ~(Sends.PROBE_DUE | Sends.PROBE_READY | Sends.PROBE_RESENT)) | Sends.PROBING);
  s.probeEnd = t.sndNxt;
  count(Mib.TCPLossProbes);
}

/** A probe was sent, of what lay in flight from `start` on. */
export function probeResent(t: Tcb, start: Seq): void {
  sentNoteAgain(t, start, t.sndNxt);
  probeSent(t);
  senderOf(t).bits |= <u16>Sends.PROBE_RESENT;
}

/** No probe is to be sent, after all. */
export function probeDrop(t: Tcb): void {
  senderOf(t).bits &= ~<u16>Sends.PROBE_DUE;
}

/** What is known of the probe is irrelevant now: another recovery began. */
export function probeForget(t: Tcb): void {
  senderOf(t).bits &= ~<u16>(Sends.PROBING | Sends.PROBE_DUE);
}

/**
 * RFC 8985 §7.4.2, for the ACK at hand. `newSack`: it has SACK information. Returns whether a loss was repaired by the
 * probe alone, which congestion control has to hear of.
 */
export function probeTakeAck(t: Tcb, advanced: bool, newSack: bool): bool {
  const s = senderOf(t);
  if (!sends(s, Sends.PROBING) || seqLt(seg.ack, s.probeEnd)) return false;
  const end: Seq = s.probeEnd;
  if (!sends(s, Sends.PROBE_RESENT) || sends(s, Sends.DSACK_NOW) || (seg.ack == end && !advanced && !newSack)) {
    s.bits &= ~<u16>Sends.PROBING;
    return false;
  }
  if (seqLe(seg.ack, end)) return false;
  s.bits &= ~<u16>Sends.PROBING;
  count(Mib.TCPLossProbeRecovery);
  return true;
}
