// The timestamp clock (RFC 7323 §4.1): milliseconds, with an offset of each pair of hosts, so that
// it tells nobody how long we have been up.

import { clock } from "../../core/clock";
import { Tcb } from "./tcb";

/** TSval of a segment of this connection that is sent now. */
export function timestampNow(t: Tcb): u32 {
  return clock.ms + t.tsOffset;
}
