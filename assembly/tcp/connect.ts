// Opening: what a SYN offers, and what both sides' SYNs settle (RFC 9293 §3.7.1, RFC 7323 §2 and §3, RFC 2018 §2).

import { config, Policy } from "../config";
import { clock } from "../core/clock";
import { count, Mib } from "../core/counters";
import { Tcb, Has, tcbHas, tcbAllocate, tcbIndex, workAdd } from "./tcb";
import { State, setState } from "./state";
import { seg, segHas } from "./segment";
import { Option, MSS_DEFAULT } from "./options";
import { demuxInsert } from "./demux";
import { isnFor } from "./isn";
import { timestampOffset } from "./syn-cookie";
import { timersInit } from "./timers";
import { rttInit } from "./rtt";
import { HalfOpen, Syn, halfOpenRetries } from "./half-open";
import { ecnOffered, ecnSettle } from "./ecn";
import { congestionInit } from "./congestion";

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
  t.rip = rip;
  t.lip = lip;
  t.ports = ports;
  t.pathMtu = <u16>config.mtu;
  t.peerMss = <u16>MSS_DEFAULT;
  t.tsOffset = timestampOffset(rip, lip);
  t.userTimeoutMs = config.userTimeoutMs;
  t.keepIdleS = <u16>min<u32>(config.keepIdleS, 65535);
  t.keepIntervalS = <u16>min<u32>(config.keepIntervalS, 65535);
  t.keepProbes = <u8>config.keepProbes;
  t.ttl = <u8>config.ttl;
  t.heardAt = t.stalledAt = clock.us;
  if ((config.policy & Policy.NO_DELAY) != 0) t.flags |= Has.NO_DELAY;
  timersInit(t);
  rttInit(t);
  mssCompute(t);
  demuxInsert(tcbIndex(t));
  return t;
}

/** Active OPEN (RFC 9293 §3.10.1): SYN-SENT, a SYN is due. */
export function connectStart(t: Tcb): void {
  t.iss = isnFor(t.rip, t.lip, t.ports);
  t.sndUna = t.iss;
  t.sndNxt = t.iss + 1;
  t.sndUp = t.iss;
  t.recover = t.iss;
  t.flags |= Has.SYN_DUE;
  setState(t, State.SYN_SENT);
  congestionInit(t);
  count(Mib.tcpActiveOpens);
  workAdd(t);
}

/** Whether our SYN offers an option (in SYN-SENT), or its SYN-ACK may (when the peer offered it). */
export function offers(policy: Policy): bool {
  return (config.policy & <u32>policy) != 0;
}

/** Which of the SYN's options count, as bits of `Syn`: those that we offer too. */
export function synBits(): u32 {
  let bits: u32 = 0;
  if (segHas(Option.WINDOW_SCALE) && offers(Policy.WINDOW_SCALE)) bits |= Syn.WINDOW_SCALE | <u32>seg.wscale;
  if (segHas(Option.SACK_PERMITTED) && offers(Policy.SACK)) bits |= Syn.SACK;
  if (segHas(Option.TIMESTAMPS) && offers(Policy.TIMESTAMPS)) bits |= Syn.TIMESTAMPS;
  if (ecnOffered()) bits |= Syn.ECN;
  return bits;
}

/** The MSS that the SYN at hand names; none or 0: the default (RFC 9293 §3.7.1, MUST-15). */
export function synMss(): u32 {
  return segHas(Option.MSS) && seg.mss != 0 ? seg.mss : MSS_DEFAULT;
}

/** Settles the options once the peer's SYN is known. `bits` of `Syn`. */
export function settle(t: Tcb, bits: u32, peerMss: u32): void {
  t.peerMss = <u16>peerMss;
  t.flags &= ~(Has.TIMESTAMPS | Has.SACK);
  t.sndScale = t.rcvScale = 0;
  if ((bits & Syn.WINDOW_SCALE) != 0) {
    t.sndScale = <u8>(bits & Syn.SCALE_MASK);
    t.rcvScale = offeredScale();
  }
  if ((bits & Syn.SACK) != 0) t.flags |= Has.SACK;
  if ((bits & Syn.TIMESTAMPS) != 0) t.flags |= Has.TIMESTAMPS;
  ecnSettle(t, (bits & Syn.ECN) != 0);
  mssCompute(t);
}

/**
 * Eff.snd.MSS = min (SendMSS + 20, MMS_S) − TCPhdrsize − IPoptionsize (RFC 9293 §3.7.1, MUST-16), less the timestamps that every segment
 * carries.
 */
export function mssCompute(t: Tcb): void {
  let mss = min(<u32>t.peerMss, <u32>t.pathMtu - 40);
  if (config.mss != 0) mss = min(mss, config.mss);
  if (tcbHas(t, Has.TIMESTAMPS)) mss = mss > TIMESTAMPS_SIZE ? mss - TIMESTAMPS_SIZE : 0;
  t.mss = <u16>max(mss, min(MSS_MIN, config.mtu - 40 - TIMESTAMPS_SIZE));
}

/** Fills a TCB from the handshake's record: SYN-RECEIVED, with the SYN-ACK sent. */
export function tcbFromHandshake(t: Tcb, irs: u32, iss: u32, bits: u32, peerMss: u32, tsRecent: u32): void {
  t.irs = irs;
  t.rcvNxt = irs + 1;
  t.rcvUp = irs;
  t.rcvAdv = t.rcvNxt + min<u32>(config.recvRing, 65535);
  t.lastAckSent = t.rcvNxt;
  t.iss = iss;
  t.sndUna = iss;
  t.sndNxt = iss + 1;
  t.sndUp = iss;
  t.recover = iss;
  settle(t, bits, peerMss);
  t.tsRecent = tsRecent;
  t.tsRecentAt = clock.ms;
  setState(t, State.SYN_RECEIVED);
}


export function tcbFromRecord(t: Tcb, h: HalfOpen): void {
  tcbFromHandshake(t, h.irs, h.iss, h.bits, h.mss, h.tsRecent);
  if (halfOpenRetries(h) != 0) t.flags |= Has.SYN_RESENT;
}
