// HyStart++ (RFC 9406): the first slow start ends when round-trip times begin to grow, before the queue overflows.

import { Policy, config } from "../../config";
import { HYSTART } from "../../features";
import { seqLe } from "../../core/seq";
import { Tcb } from "../block/tcb";
import { Sender, Sends, senderOf, sends } from "../block/sender";

// The constants of RFC 9406 §4.3; times in µs.
const MIN_RTT_THRESH: u32 = 4000;
const MAX_RTT_THRESH: u32 = 16000;
const MIN_RTT_DIVISOR_SHIFT: u32 = 3;
const N_RTT_SAMPLE: u8 = 8;
const CSS_GROWTH_DIVISOR: u32 = 4;
const CSS_ROUNDS: u8 = 5;
const L: u32 = 8;

/** A round-trip time of this round, µs. */
export function hystartSample(s: Sender, rtt: u32): void {
  if (!HYSTART) return;
  if (s.rttSamples < 255) s.rttSamples++;
  if (s.roundRtt == 0 || rtt < s.roundRtt) s.roundRtt = rtt;
}

/**
 * `acked` bytes were acknowledged in slow start (§4.2). Returns by how much the window grows; it may end slow start.
 */
export function hystartAcked(t: Tcb, acked: u32): u32 {
  const s = senderOf(t);
  const enough = s.rttSamples >= N_RTT_SAMPLE;
  if (sends(s, Sends.CSS)) {
    // It was only jitter: the baseline is undercut.
    if (enough && s.roundRtt < s.cssRtt) s.bits &= ~<u16>Sends.CSS;
  } else if (enough && s.lastRoundRtt != 0) {
    const thresh = max(MIN_RTT_THRESH, min(s.lastRoundRtt >> MIN_RTT_DIVISOR_SHIFT, MAX_RTT_THRESH));
    if (s.roundRtt >= s.lastRoundRtt + thresh) {
      s.bits |= <u16>Sends.CSS;
      s.cssRtt = s.roundRtt;
      s.cssRounds = 0;
    }
  }
  if (seqLe(s.windowEnd, t.sndUna)) roundEnds(t, s);
  const paced = (config.policy & Policy.PACING) != 0;
  const n = paced ? acked : min(acked, L * <u32>t.mss);
  return sends(s, Sends.CSS) ? n / CSS_GROWTH_DIVISOR : n;
}

function roundEnds(t: Tcb, s: Sender): void {
  s.windowEnd = t.sndNxt;
  s.lastRoundRtt = s.roundRtt;
  s.roundRtt = 0;
  s.rttSamples = 0;
  if (sends(s, Sends.CSS) && ++s.cssRounds >= CSS_ROUNDS) {
    s.bits &= ~<u16>Sends.CSS;
    t.ssthresh = t.cwnd;
  }
}
