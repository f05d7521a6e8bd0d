// What a SYN offers, how it is written, and what both sides' SYNs settle
// (RFC 9293 §3.7.1, RFC 7323 §2 and §3, RFC 2018 §2).

import { Policy, config } from "../../config";
import { IPV6 } from "../../features";
import { Address } from "../../address/names";
import { mtuTo } from "../../ip/address";
import { ipDst } from "../../ip/output";
import { Ipv4 } from "../../wire/ipv4";
import { TcpHeader } from "../../wire/tcp";
import { Option, seg, segHas } from "../segment/segment";
import { MSS_DEFAULT, putMss, putSackPermitted, putTimestamps, putWindowScale } from "../segment/options";
import { emptySegment } from "../segment/empty";
import { Syn } from "../block/half-open-record";
import { Has, Tcb } from "../block/tcb";
import { mssCompute } from "../block/mss";
import { ecnSettle } from "../congestion/ecn";

/** The MSS option of our SYNs: MMS_R − 20, without regard to options (RFC 9293 §3.7.1, RFC 6691 §2). */
function offeredMss(rip: Address): u32 {
  const most = mtuTo(rip) - 40;
  return config.mss == 0 || (IPV6 && config.mss > most) ? most : config.mss;
}

/** The window scale of our SYNs: enough for the window to cover the ring. */
export function offeredScale(): u8 {
  if (config.windowScale != 255) return <u8>config.windowScale;
  let scale: u8 = 0;
  while (scale < 14 && (<u32>65535 << scale) < config.recvRing) scale++;
  return scale;
}

/** The window field of a SYN, which is never scaled (RFC 7323 §2.2). */
export function synWindow(): u32 {
  return min<u32>(config.recvRing, 65535);
}

/** The options of SYNs have the same order in `Policy`, in `Option`, and, so far to the left, in `Syn`. */
const SYN_SHIFT: u32 = 4;
const SYN_OPTIONS: u32 = Policy.TIMESTAMPS | Policy.SACK | Policy.WINDOW_SCALE;
if (<u32>Option.TIMESTAMPS != <u32>Policy.TIMESTAMPS || <u32>Option.SACK_PERMITTED != <u32>Policy.SACK ||
    <u32>Option.WINDOW_SCALE != <u32>Policy.WINDOW_SCALE) ERROR("Option is not as Policy");
if (<u32>Syn.TIMESTAMPS != <u32>Policy.TIMESTAMPS << SYN_SHIFT || <u32>Syn.SACK != <u32>Policy.SACK << SYN_SHIFT ||
    <u32>Syn.WINDOW_SCALE != <u32>Policy.WINDOW_SCALE << SYN_SHIFT) ERROR("Syn is not as Policy");

/** The options that our SYNs have from now on, as bits of `Syn`. */
export function offered(): u32 {
  return (config.policy & SYN_OPTIONS) << SYN_SHIFT;
}

/** Which of the SYN's options count, as bits of `Syn`: those among `ours`, what our SYN offers. `ecn`: both want it. */
export function synBits(ours: u32, ecn: bool): u32 {
  let bits = ours & (seg.options << SYN_SHIFT);
  if ((bits & Syn.WINDOW_SCALE) != 0) bits |= seg.wscale;
  if (ecn) bits |= Syn.ECN;
  return bits;
}

/** The MSS that the SYN at hand names; none or 0: the default (RFC 9293 §3.7.1, MUST-15). */
export function synMss(): u32 {
  return segHas(Option.MSS) && seg.mss != 0 ? seg.mss : MSS_DEFAULT;
}

/** The options that both SYNs had are bits of `Has`, too. */
const SETTLED: u32 = Has.TIMESTAMPS | Has.SACK | Has.WINDOW_SCALE;
if (SETTLED != SYN_OPTIONS << SYN_SHIFT) ERROR("Has is not as Syn");

/**
 * The options of our SYN, as bits of `Syn`: what we offer; in a SYN-ACK, what the peer's SYN offered, too
 * (RFC 7323 §2.2 and §3.2, RFC 2018 §2).
 */
export function settled(t: Tcb): u32 {
  return t.flags & SETTLED;
}

/** Settles the options once the peer's SYN is known. `bits` of `Syn`. */
export function settle(t: Tcb, bits: u32, peerMss: u32): void {
  t.peerMss = <u16>peerMss;
  t.flags = (t.flags & ~SETTLED) | (bits & SETTLED);
  t.sndScale = t.rcvScale = 0;
  if ((bits & Syn.WINDOW_SCALE) != 0) {
    t.sndScale = <u8>(bits & Syn.SCALE_MASK);
    t.rcvScale = offeredScale();
  }
  ecnSettle(t, (bits & Syn.ECN) != 0);
  mssCompute(t);
}

/** Sends a SYN, with `flags` that have one; its options end at `end`. */
export function synSegment(ip: Ipv4, ports: u32, seq: u32, ack: u32, flags: u32, end: usize): void {
  emptySegment(ip, ports, seq, ack, flags, synWindow(), <u32>(end - changetype<usize>(ip) - Ipv4.SIZE));
}

/** Writes the options of a SYN behind `ip` that `bits` (of `Syn`) names. Returns where the next one goes. */
export function synOptions(ip: Ipv4, bits: u32, tsVal: u32, tsEcr: u32): usize {
  let at = putMss(changetype<usize>(ip) + Ipv4.SIZE + TcpHeader.SIZE, offeredMss(ipDst(ip)));
  if ((bits & Syn.WINDOW_SCALE) != 0) at = putWindowScale(at, offeredScale());
  if ((bits & Syn.SACK) != 0) at = putSackPermitted(at);
  if ((bits & Syn.TIMESTAMPS) != 0) at = putTimestamps(at, tsVal, tsEcr);
  return at;
}
