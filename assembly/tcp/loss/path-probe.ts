// Whether the path takes larger packets than it is known to (RFC 4821): a connection with a Sender tries one now and
// then. What says that it takes less is path-mtu.ts's.

import { seqLe } from "../../core/seq";
import { mtuTo } from "../../ip/address";
import { Tcb, Has, tcbHas } from "../block/tcb";
import { senderOf } from "../block/sender";
import { mssCompute, mssFor } from "../block/mss";
import { sentNow } from "./sent";
import { sackBlocks } from "./sack-report";

/** Sizes to look for, where the one before it was found good. */
const STEPS: usize = memory.data<u16>([1280, 1400, 1492, 1500, 2002, 4352, 8166, 17914, 32000, 65535]);
/** A larger size is tried after (RFC 1191 §6.3: 10 minutes), µs. */
const AGAIN_US: u32 = 600_000_000;
/** So many segments more wait, for the loss of a probe to show. */
const BEHIND: u32 = 3;

/** No probe is in flight that counts, and none is sent for a while. */
export function pathProbeLater(t: Tcb): void {
  const s = senderOf(t);
  s.pathProbeEnd = 0;
  s.pathProbeAt = sentNow() + AGAIN_US;
}

/**
 * The payload of a segment with which the path is to be probed now (RFC 4821 §7.3), of `have`
 * bytes that wait and may be sent; 0: none.
 */
export function pathProbeSize(t: Tcb, have: u32): u32 {
  if (<u32>t.pathMtu >= mtuTo(t.rip) || tcbHas(t, Has.RECOVERY | Has.LOSS) || sackBlocks(t) != 0) return 0;
  const s = senderOf(t);
  if (s.pathProbeEnd != 0 || <i32>(sentNow() - s.pathProbeAt) < 0) return 0;
  const size = mssFor(t, pathStep(t));
  return size > <u32>t.mss && have >= size + BEHIND * <u32>t.mss ? size : 0;
}

/** The next size to look for. */
function pathStep(t: Tcb): u32 {
  let at = STEPS;
  while (<u32>load<u16>(at) <= <u32>t.pathMtu) at += 2;
  return min(<u32>load<u16>(at), mtuTo(t.rip));
}

/** A probe was sent, up to SND.NXT. */
export function pathProbeSent(t: Tcb): void {
  pathProbeLater(t);
  senderOf(t).pathProbeEnd = t.sndNxt;
}

/**
 * New data was acknowledged: a probe that was not lost tells that the path takes so much; then more is tried at once.
 */
export function pathProbeAcked(t: Tcb): void {
  const s = senderOf(t);
  if (s.pathProbeEnd == 0) return;
  if (tcbHas(t, Has.RECOVERY | Has.LOSS)) {
    s.pathProbeEnd = 0;
    return;
  }
  if (!seqLe(s.pathProbeEnd, t.sndUna)) return;
  s.pathProbeEnd = 0;
  s.pathProbeAt = sentNow();
  t.pathMtu = <u16>pathStep(t);
  mssCompute(t);
}
