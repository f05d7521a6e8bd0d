// The window of congestion at the beginning of a connection.

import { config } from "../../config";
import { Has, Tcb, tcbHas } from "../block/tcb";

/** "Arbitrarily high" (RFC 5681 §3.1): the first slow start. */
export const SSTHRESH_INITIAL: u32 = u32.MAX_VALUE >> 2;

/** Initial window (RFC 6928 §2), or one segment when the SYN was lost (RFC 5681 §3.1). */
export function congestionInit(t: Tcb): void {
  const mss = <u32>t.mss;
  if (tcbHas(t, Has.SYN_RESENT)) t.cwnd = mss;
  else if (config.initialWindow == 10) t.cwnd = min(10 * mss, max<u32>(2 * mss, 14600));
  else t.cwnd = config.initialWindow * mss;
  t.ssthresh = SSTHRESH_INITIAL;
  t.cwndAcked = 0;
}
