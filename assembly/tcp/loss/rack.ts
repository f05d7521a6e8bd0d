// RACK (RFC 8985 §6): a segment is lost when one that was sent later has arrived, and a
// little time, for reordering, has passed.

import { seqLt, seqLe, Seq } from "../../core/seq";
import { Range, rangeAt, rangeNext } from "../../buffers/ranges";
import { Tcb, Has, tcbHas } from "../block/tcb";
import { Sender, Sends, senderOf, sends } from "../block/sender";
import { timestampNow } from "../block/timestamps";
import { Sent, sentHas, sentLose, sentNow } from "./sent";
import { seg, segHas, Option } from "../segment/segment";
import { hystartSample } from "../congestion/hystart";
import { frtoNote, undoDsack } from "./undo";
import { DUP_THRESH } from "./plain-scoreboard";

/** A reordering window that a D-SACK has widened lasts for so many recoveries (RFC 8985 §6.2 step 4). */
const PERSIST: u8 = 16;
/** The least round-trip time is forgotten after, µs: paths change (RFC 8985 §6.2 step 1). */
const MIN_RTT_US: u32 = 30_000_000;

/** Whether what was sent at t1 up to seq1 was sent after what was sent at t2 up to seq2. */
function sentAfter(t1: u32, seq1: Seq, t2: u32, seq2: Seq): bool {
  return seqLt(t2, t1) || (t1 == t2 && seqLt(seq2, seq1));
}

/** Steps 1 to 3, for what lies in `r` up to `end` and has just been acknowledged, in whatever way. */
export function rackDelivered(t: Tcb, s: Sender, r: Range, end: Seq): void {
  const now = sentNow(), rtt = max<u32>(now - r.stamp, 1);
  const again = sentHas(r, Sent.AGAIN);
  if (seqLt(s.fack, end)) s.fack = end;
  else if (seqLt(end, s.fack) && !again) s.bits |= <u16>Sends.REORDERING;
  if (again) {
    // It may be the first transmission that is acknowledged.
    if (rtt < s.minRtt || echoIsOlder(t, rtt)) return;
  } else {
    hystartSample(s, rtt);
    if (seqLe(end, t.recover)) frtoNote(s);
  }
  // What was sent before a time-out tells how long that took (RFC 6298 §3); without
  // timestamps, what was sent twice tells nothing.
  if (seqLt(s.timeoutAt, r.stamp) && (!again || tcbHas(t, Has.TIMESTAMPS)) && (s.sample == 0 || rtt < s.sample)) {
    s.sample = rtt;
  }
  s.rtt = rtt;
  if (s.minRtt == 0 || rtt <= s.minRtt || now - s.minRttAt > MIN_RTT_US) {
    s.minRtt = rtt;
    s.minRttAt = now;
  }
  if (sentAfter(r.stamp, end, s.xmitAt, s.endSeq)) {
    s.xmitAt = r.stamp;
    s.endSeq = end;
  }
}

/** Whether the timestamp that comes back left before what was sent `rtt` µs ago. */
function echoIsOlder(t: Tcb, rtt: u32): bool {
  if (!segHas(Option.TIMESTAMPS) || seg.tsEcr == 0) return false;
  return timestampNow(t) - seg.tsEcr > (rtt + 999) / 1000;
}

/** Step 4: how long to wait for what may only be late, µs. */
function reorderWindow(t: Tcb, s: Sender): u32 {
  if (!sends(s, Sends.REORDERING)) {
    if (tcbHas(t, Has.RECOVERY | Has.LOSS)) return 0;
    if (s.sacked >= DUP_THRESH * <u32>t.mss) return 0;
  }
  return min<u32>(<u32>s.reoMult * (s.minRtt >> 2), t.srtt == 0 ? s.rtt : t.srtt >> 3);
}

/** The peer got start…end twice. What lies further back than it can have kept in mind is no news. */
export function rackTwice(t: Tcb, start: Seq, end: Seq): void {
  if (t.sndUna - start > t.maxSndWnd && seqLt(start, t.sndUna)) return;
  const s = senderOf(t);
  s.bits |= <u16>Sends.DSACK_NOW;
  undoDsack(s, end - start);
}

/** Step 4: a D-SACK says that something was sent again too early. */
export function rackDsack(t: Tcb): void {
  const s = senderOf(t);
  if (sends(s, Sends.DSACK_ROUND) && seqLe(s.dsackRound, t.sndUna)) s.bits &= ~<u16>Sends.DSACK_ROUND;
  if (!sends(s, Sends.DSACK_NOW) || sends(s, Sends.DSACK_ROUND)) return;
  s.bits |= <u16>Sends.DSACK_ROUND;
  s.dsackRound = t.sndNxt;
  if (s.reoMult < 255) s.reoMult++;
  s.reoPersist = PERSIST;
}

/** Step 4: a recovery is over. */
export function rackRecovered(t: Tcb): void {
  const s = senderOf(t);
  if (s.reoPersist > 0) s.reoPersist--;
  if (s.reoPersist == 0) s.reoMult = 1;
}

/** Step 5: finds what is lost. Returns after how long more of it will be, µs; 0: nothing waits. */
export function rackDetect(t: Tcb): u32 {
  const s = senderOf(t);
  if (s.rtt == 0 || (s.sacked == 0 && !tcbHas(t, Has.RECOVERY | Has.LOSS))) return 0;
  const window = s.rtt + reorderWindow(t, s), now = sentNow();
  let timeout: u32 = 0;
  for (let i = s.first, n: u32 = 0; i != 0; i = rangeNext(i, n++)) {
    const r = rangeAt(i);
    if (sentHas(r, Sent.SACKED | Sent.LOST) || !sentAfter(s.xmitAt, s.endSeq, r.stamp, r.end)) continue;
    const remaining = <i32>(r.stamp + window - now);
    if (remaining <= 0) sentLose(s, r);
    else timeout = max(timeout, <u32>remaining);
  }
  return timeout;
}

/** RFC 8985 §6.3: the retransmission timer fired. What is first counts as lost, and what was sent long enough ago. */
export function rackTimeout(t: Tcb): void {
  const s = senderOf(t);
  const window = s.rtt + reorderWindow(t, s), now = sentNow();
  for (let i = s.first, n: u32 = 0; i != 0; i = rangeNext(i, n++)) {
    const r = rangeAt(i);
    if (i == s.first || <i32>(r.stamp + window - now) <= 0) sentLose(s, r);
  }
}
