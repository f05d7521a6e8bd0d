// Opening: a TCB for a four-tuple (RFC 9293 §3.10.1), or for what a handshake left.

import { config, Policy } from "../../config";
import { clock } from "../../core/clock";
import { mtuTo } from "../../ip/address";
import { count, Mib } from "../../core/counters";
import { Tcb, Has, tcbAllocate, tcbIndex, workAdd, tcbSet } from "../block/tcb";
import { State, setState } from "../block/state";
import { MSS_DEFAULT } from "../segment/options";
import { demuxInsert } from "../block/demux";
import { Seq } from "../../core/seq";
import { isnFor } from "./isn";
import { timestampOffset } from "./syn-cookie";
import { offered, settle, synWindow } from "./syn";
import { timersInit } from "../block/timers";
import { flowSet } from "../block/flow";
import { mssCompute } from "../block/mss";
import { HalfOpen, halfOpenRetries, Syn } from "../block/half-open-record";
import { rttInit, rttStart } from "../loss/rtt";
import { congestionInit } from "../congestion/window";

/**
 * A TCB for a four-tuple, in CLOSED, with what does not depend on the peer; it owns the four-tuple. Null: none is free.
 */
export function tcbOpen(lip: u32, rip: u32, ports: u32): Tcb | null {
  const t = tcbAllocate();
  if (t == null) return null;
  flowSet(t, lip, rip, ports);
  t.pathMtu = <u16>mtuTo(rip);
  t.peerMss = <u16>MSS_DEFAULT;
  t.tsOffset = timestampOffset(lip, rip);
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

/** Our initial sequence number, and what begins with it (RFC 9293 §3.3.1), but for SND.UP (`acceptPrev`). */
function setIss(t: Tcb, iss: Seq): void {
  t.iss = t.sndUna = t.recover = iss;
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

/** Active OPEN (RFC 9293 §3.10.1): SYN-SENT, a SYN is due. */
export function connectStart(t: Tcb): void {
  setIss(t, isnFor(t.lip, t.rip, t.ports));
  t.sndUp = t.iss;
  // Every SYN of this connection offers the same, whatever becomes of the policy meanwhile.
  tcbSet(t, Has.SYN_DUE | offered());
  setState(t, State.SYN_SENT);
  congestionInit(t);
  count(Mib.tcpActiveOpens);
  workAdd(t);
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
