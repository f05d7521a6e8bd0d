// How long the retransmission time-out is (RFC 6298 §2 to §4, §5.5), in µs. `srtt` is kept × 8 and `rttvar` × 4, so
// that the gains are shifts.

import { config } from "../../config";
import { clock } from "../../core/clock";
import { Seq, seqLt } from "../../core/seq";
import { Tcb, Has, tcbHas, tcbSet, tcbClear } from "../block/tcb";

/** Granularity of our clock, µs: G of RFC 6298 §2. Polls come about once a millisecond. */
const GRANULARITY: u32 = 1000;
/** RFC 6298 §5.7: after a SYN was lost, ms. */
const AFTER_SYN_LOSS_MS: u32 = 3000;
/** A sample above it would overflow srtt × 8: 134 s. */
const SAMPLE_MAX: u32 = 1 << 27;

/** RFC 6298 §2.1. */
export function rttInit(t: Tcb): void {
  t.srtt = 0;
  t.rto = config.rtoInitialMs * 1000;
}

/** Times the segment that begins at `seq`, unless one is being timed. */
export function rttStart(t: Tcb, seq: Seq): void {
  if (tcbHas(t, Has.TIMING)) return;
  tcbSet(t, Has.TIMING);
  t.rttSeq = seq;
  t.rttAt = clock.us;
}

/** Something was retransmitted: what is being timed is ambiguous now (Karn's algorithm, RFC 6298 §3). */
export function rttStop(t: Tcb): void {
  tcbClear(t, Has.TIMING);
}

/** `ack` acknowledges something new. Takes a sample if it covers the timed segment; returns whether it did. */
export function rttTakeAck(t: Tcb, ack: Seq): bool {
  if (!tcbHas(t, Has.TIMING) || !seqLt(t.rttSeq, ack)) return false;
  tcbClear(t, Has.TIMING);
  rttSample(t, <u32>min<u64>(clock.us - t.rttAt, SAMPLE_MAX));
  return true;
}

/** RFC 6298 §2.2 and §2.3. `r`: one round-trip time, µs. */
export function rttSample(t: Tcb, r: u32): void {
  if (r > SAMPLE_MAX) r = SAMPLE_MAX;
  if (t.srtt == 0) {
    t.srtt = max<u32>(r << 3, 1);
    t.rttvar = r << 1;
  } else {
    const srtt = t.srtt >> 3;
    const delta = r > srtt ? r - srtt : srtt - r;
    // RTTVAR <- (1 - 1/4) * RTTVAR + 1/4 * |SRTT - R'|, then SRTT <- (1 - 1/8) * SRTT + 1/8 * R'.
    t.rttvar += delta - (t.rttvar >> 2);
    t.srtt += r - srtt;
  }
  rtoCompute(t);
}

/** RFC 6298 §2.2, §2.4 and §2.5: RTO <- SRTT + max (G, 4 * RTTVAR), within its bounds. */
function rtoCompute(t: Tcb): void {
  const srtt = t.srtt >> 3;
  t.rto = min(max(srtt + max(GRANULARITY, t.rttvar), config.rtoMinMs * 1000), config.rtoMaxMs * 1000);
}

/** RFC 6298 §5.5. */
export function rtoBackOff(t: Tcb): void {
  t.rto = min(t.rto << 1, config.rtoMaxMs * 1000);
}

/** RFC 6298 §5.7: the SYN was lost and there is no sample: start over, more carefully. */
export function rtoAfterSynLoss(t: Tcb): void {
  if (t.srtt == 0) t.rto = max(config.rtoInitialMs, min(AFTER_SYN_LOSS_MS, config.rtoMaxMs)) * 1000;
}
