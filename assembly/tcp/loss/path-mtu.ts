// The path MTU of a connection: what ICMP says (RFC 1191), what is found out where ICMP does not come through
// (RFC 4821, RFC 8899), and, after a time, whether the path takes more again.

import { config } from "../../config";
import { RACK } from "../../features";
import { count, Mib } from "../../core/counters";
import { seqLe } from "../../core/seq";
import { mtuTo } from "../../ip/address";
import { Tcb, Has, tcbHas } from "../block/tcb";
import { hasSender, senderOf } from "../block/sender";
import { mssCompute, mssFor } from "../block/mss";
import { sentNow } from "./sent";
import { sackBlocks } from "./sack-report";

/** A size that nearly every path takes (BASE_PLPMTU, RFC 8899 §5.1.2). */
const BASE: u32 = 1200;
/** So many time-outs in a row, and even that is too much. */
const LAST: u8 = 6;
/** Sizes to look for, where the one before it was found good. */
const STEPS: usize = memory.data<u16>([1280, 1400, 1492, 1500, 2002, 4352, 8166, 17914, 32000, 65535]);
/** A larger size is tried after (RFC 1191 §6.3: 10 minutes), µs. */
const AGAIN_US: u32 = 600_000_000;
/** So many segments more wait, for the loss of a probe to show. */
const BEHIND: u32 = 3;

/** The path takes `mtu` bytes, less than we thought. */
export function pathMtuLower(t: Tcb, mtu: u32): void {
  t.pathMtu = <u16>mtu;
  mssCompute(t);
  if (hasSender(t)) tryLater(t);
  count(Mib.TCPPathMtu);
}

function tryLater(t: Tcb): void {
  const s = senderOf(t);
  s.pathProbeEnd = 0;
  s.pathProbeAt = sentNow() + AGAIN_US;
}

/**
 * What is in flight times out again and again: perhaps it is too large for the path, and no router says so,
 * or none is heard (RFC 8899 §4.3). Smaller segments are tried: first such as nearly every path takes, then
 * the least that an ICMP error could ask for.
 */
export function blackHoleSuspected(t: Tcb): void {
  const size = <u32>t.mss + 40,
    mtu = size > BASE ? max(BASE, config.pathMtuMin) : t.retries < LAST ? size : config.pathMtuMin;
  if (size > mtu && mtu < <u32>t.pathMtu && t.sndNxt - t.sndUna + 40 > mtu) pathMtuLower(t, mtu);
}

/**
 * The payload of a segment with which the path is to be probed now (RFC 4821 §7.3), of `have`
 * bytes that wait and may be sent; 0: none.
 */
export function pathProbeSize(t: Tcb, have: u32): u32 {
  if (!RACK || <u32>t.pathMtu >= mtuTo(t.rip) || !hasSender(t) || tcbHas(t, Has.RECOVERY | Has.LOSS) ||
      sackBlocks(t) != 0) return 0;
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
  tryLater(t);
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
