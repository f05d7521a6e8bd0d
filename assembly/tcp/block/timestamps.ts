// Timestamps (RFC 7323): the clock (§4.1), milliseconds with an offset of each pair of hosts, so that it tells nobody
// how long we have been up; and what PAWS compares (§5.3).

import { clock } from "../../core/clock";
import { seqLt } from "../../core/seq";
import { Tcb } from "./tcb";

/** RFC 7323 §5.5: a timestamp that was not renewed for 24 days says nothing any more, ms. */
const TS_RECENT_MS: u32 = 24 * 24 * 3600 * 1000;

/** TSval of a segment of this connection that is sent now. */
export function timestampNow(t: Tcb): u32 {
  return clock.ms + t.tsOffset;
}

/** PAWS (RFC 7323 §5.3 R1): whether a TSval is older than TS.Recent, which is still valid. */
export function isStampOld(tsVal: u32, tsRecent: u32): bool {
  return seqLt(tsVal, tsRecent);
}

/** The same of a connection, whose TS.Recent may be too old to say anything. */
export function isOldFor(t: Tcb, tsVal: u32): bool {
  return isStampOld(tsVal, t.tsRecent) && clock.ms - t.tsRecentAt <= TS_RECENT_MS;
}
