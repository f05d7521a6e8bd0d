// How large a segment may be (RFC 9293 §3.7.1).

import { config } from "../../config";
import { Has, Tcb, tcbHas } from "./tcb";

/** Less than this is never sent, whatever the peer or an ICMP error says (CVE-2019-11479): bytes of payload. */
export const MSS_MIN: u32 = 48;

/** Timestamps in every segment take so much of it (RFC 7323 Appendix A). */
const TIMESTAMPS_SIZE: u32 = 12;

/**
 * Eff.snd.MSS = min (SendMSS + 20, MMS_S) − TCPhdrsize − IPoptionsize (RFC 9293 §3.7.1, MUST-16), less
 * the timestamps that every segment carries.
 */
export function mssCompute(t: Tcb): void {
  t.mss = <u16>mssFor(t, t.pathMtu);
}

/** The same, for a path that takes packets of `mtu` bytes. */
export function mssFor(t: Tcb, mtu: u32): u32 {
  let mss = min(<u32>t.peerMss, mtu - 40);
  if (config.mss != 0) mss = min(mss, config.mss);
  if (tcbHas(t, Has.TIMESTAMPS)) mss = mss > TIMESTAMPS_SIZE ? mss - TIMESTAMPS_SIZE : 0;
  // A send ring goes out in two segments at least: a peer may acknowledge only
  // every second one at once (RFC 9293 §3.8.6.3).
  return min(max(mss, min(MSS_MIN, config.mtu - 40 - TIMESTAMPS_SIZE)), config.sendRing >> 1);
}
