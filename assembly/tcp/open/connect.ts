// Opening: what a SYN offers, and what both sides' SYNs settle (RFC 9293 §3.7.1, RFC 7323 §2 and §3, RFC 2018 §2).

import { config, Policy } from "../../config";
import { clock } from "../../core/clock";
import { count, Mib } from "../../core/counters";
import { flowSet, Tcb, Has, tcbHas, tcbAllocate, tcbIndex, workAdd, tcbSet } from "../block/tcb";
import { State, setState } from "../block/state";
import { seg, segHas } from "../segment/segment";
import { Option, MSS_DEFAULT } from "../segment/options";
import { demuxInsert } from "../block/demux";
import { Seq } from "../../core/seq";
import { isnFor } from "./isn";
import { timestampOffset } from "./syn-cookie";
import { timersInit } from "../block/timers";
import { rttInit, rttStart } from "../loss/rtt";
import { HalfOpen, Syn, halfOpenRetries } from "./half-open";
import { ecnOffered, ecnSettle } from "../congestion/ecn";
import { congestionInit } from "../congestion/congestion";

/** Less than this is never sent, whatever the peer or an ICMP error says (CVE-2019-11479): bytes of payload. */
export const MSS_MIN: u32 = 48;

/** Timestamps in every segment take so much of it (RFC 7323 Appendix A). */
const TIMESTAMPS_SIZE: u32 = 12;

/** The MSS option of our SYNs: MMS_R − 20, without regard to options (RFC 9293 §3.7.1, RFC 6691 §2). */
export function offeredMss(): u32 {
  return config.mss != 0 ? config.mss : config.mtu - 40;
}

/** The window scale of our SYNs: enough for the window to cover the ring. */
export function offeredScale(): u8 {
  if (config.windowScale != 255) return <u8>config.windowScale;
  let scale: u8 = 0;
  while (scale < 14 && (<u32>65535 << scale) < config.recvRing) scale++;
  return scale;
}

/** A TCB for a four-tuple, in CLOSED, with what does not depend on the peer; it owns the four-tuple. Null: none is free. */
export function tcbOpen(rip: u32, lip: u32, ports: u32): Tcb | null {
  const t = tcbAllocate();
  if (t == null) return null;
  flowSet(t, rip, lip, ports);
  t.pathMtu = <u16>config.mtu;
  t.peerMss = <u16>MSS_DEFAULT;
  t.tsOffset = timestampOffset(rip, lip);
  t.userTimeoutMs = config.userTimeoutMs;
  t.keepIdleS = <u16>config.keepIdleS;
  t.keepIntervalS = <u16>config.keepIntervalS;
  t.keepProbes = <u8>config.keepProbes;
  t.ttl = <u8>config.ttl;
  t.heardAt = t.stalledAt = clock.us;
  if ((config.policy & Policy.NO_DELAY) != 0) tcbSet(t, Has.NO_DELAY);
  timersInit(t);
  rttInit(t);
  mssCompute(t);
  demuxInsert(tcbIndex(t));
  return t;
}

/** Our initial sequence number, and what begins with it (RFC 9293 §3.3.1). */
function setIss(t: Tcb, iss: Seq): void {
  t.iss = t.sndUna = t.sndUp = t.recover = iss;
  t.sndNxt = iss + 1;
}

/** The peer's, from its SYN, whose timestamp is `tsRecent`. */
export function setIrs(t: Tcb, irs: Seq, tsRecent: u32): void {
  t.irs = t.rcvUp = irs;
  t.rcvNxt = t.lastAckSent = irs + 1;
  t.rcvAdv = irs + 1 + synWindow();
  t.tsRecent = tsRecent;
  t.tsRecentAt = clock.ms;
}

/** The window field of a SYN, which is never scaled (RFC 7323 §2.2). */
export function synWindow(): u32 {
  return min<u32>(config.recvRing, 65535);
}

/** Active OPEN (RFC 9293 §3.10.1): SYN-SENT, a SYN is due. */
export function connectStart(t: Tcb): void {
  setIss(t, isnFor(t.rip, t.lip, t.ports));
  tcbSet(t, Has.SYN_DUE);
  setState(t, State.SYN_SENT);
  congestionInit(t);
  count(Mib.tcpActiveOpens);
  workAdd(t);
}

/** The options of SYNs have the same order in `Policy`, in `Option`, and, so far to the left, in `Syn`. */
const SYN_SHIFT: u32 = 4;
const SYN_OPTIONS: u32 = Policy.TIMESTAMPS | Policy.SACK | Policy.WINDOW_SCALE;
if (<u32>Option.TIMESTAMPS != <u32>Policy.TIMESTAMPS || <u32>Option.SACK_PERMITTED != <u32>Policy.SACK || <u32>Option.WINDOW_SCALE != <u32>Policy.WINDOW_SCALE) ERROR("Option is not as Policy");
if (<u32>Syn.TIMESTAMPS != <u32>Policy.TIMESTAMPS << SYN_SHIFT || <u32>Syn.SACK != <u32>Policy.SACK << SYN_SHIFT || <u32>Syn.WINDOW_SCALE != <u32>Policy.WINDOW_SCALE << SYN_SHIFT) ERROR("Syn is not as Policy");

/** The options that our SYNs have, as bits of `Syn`. */
export function offered(): u32 {
  return (config.policy & SYN_OPTIONS) << SYN_SHIFT;
}

/** Which of the SYN's options count, as bits of `Syn`: those that we offer too. */
export function synBits(): u32 {
  let bits = offered() & (seg.options << SYN_SHIFT);
  if ((bits & Syn.WINDOW_SCALE) != 0) bits |= seg.wscale;
  if (ecnOffered()) bits |= Syn.ECN;
  return bits;
}

/** The MSS that the SYN at hand names; none or 0: the default (RFC 9293 §3.7.1, MUST-15). */
export function synMss(): u32 {
  return segHas(Option.MSS) && seg.mss != 0 ? seg.mss : MSS_DEFAULT;
}

/** The options that both SYNs had are bits of `Has`, too. */
const SETTLED: u32 = Has.TIMESTAMPS | Has.SACK | Has.WINDOW_SCALE;
if (SETTLED != SYN_OPTIONS << SYN_SHIFT) ERROR("Has is not as Syn");

/** The options of our SYN-ACK, as bits of `Syn`: what the SYN offered (RFC 7323 §2.2 and §3.2, RFC 2018 §2). */
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

/**
 * Eff.snd.MSS = min (SendMSS + 20, MMS_S) − TCPhdrsize − IPoptionsize (RFC 9293 §3.7.1, MUST-16), less the timestamps that every segment
 * carries.
 */
export function mssCompute(t: Tcb): void {
  t.mss = <u16>mssFor(t, t.pathMtu);
}

/** The same, for a path that takes packets of `mtu` bytes. */
export function mssFor(t: Tcb, mtu: u32): u32 {
  let mss = min(<u32>t.peerMss, mtu - 40);
  if (config.mss != 0) mss = min(mss, config.mss);
  if (tcbHas(t, Has.TIMESTAMPS)) mss = mss > TIMESTAMPS_SIZE ? mss - TIMESTAMPS_SIZE : 0;
  // A send ring goes out in two segments at least: a peer may acknowledge only every second one at once (RFC 9293 §3.8.6.3).
  return min(max(mss, min(MSS_MIN, config.mtu - 40 - TIMESTAMPS_SIZE)), config.sendRing >> 1);
}

/** Fills a TCB from the handshake's record: SYN-RECEIVED, with the SYN-ACK sent. */
export function tcbFromHandshake(t: Tcb, irs: u32, iss: u32, bits: u32, peerMss: u32, tsRecent: u32): void {
  setIrs(t, irs, tsRecent);
  setIss(t, iss);
  settle(t, bits, peerMss);
  setState(t, State.SYN_RECEIVED);
}

export function tcbFromRecord(t: Tcb, h: HalfOpen): void {
  tcbFromHandshake(t, h.irs, h.iss, h.bits, h.mss, h.tsRecent);
  if (halfOpenRetries(h) != 0) {
    tcbSet(t, Has.SYN_RESENT);
  } else if ((<u32>h.bits & Syn.AGAIN) == 0) {
    // The handshake is a round trip like any other (RFC 6298 §3), to 1 ms.
    rttStart(t, t.iss);
    t.rttAt -= <u64>(<u16>clock.ms - h.sentAt) * 1000;
  }
}
