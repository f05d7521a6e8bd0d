// BBRv3 (draft-ietf-ccwg-bbr): the window and the pace follow a model of the path, the rate at which it delivers and
// the least round-trip time, and not each loss. A round probes for more now and then; losses bound what a probe may do.
//
// Beside the draft: what it notes of every packet is noted four times a round trip (`Mark`); there is no estimate of
// aggregation (§5.5.9), for which the window's gain leaves room; one kind of round serves for all (§5.5.10.3).

import { config } from "../../config";
import { clock } from "../../core/clock";
import { seqLe, seqLt } from "../../core/seq";
import { RECOVERING, Tcb, inLoss, tcbHas } from "../block/tcb";
import { Bb, Bbr, Bbrs, MARKS, Mark, UNBOUND, markBack } from "../block/bbr";
import { Sender, Sends, bbrOf, senderOf, sends, sentPipe } from "../block/sender";
import { unsent } from "../block/send-buffer";

// Gains, percent (§2.4, §5.1.1), and shares.
const STARTUP_PACE: u32 = 277;
const DRAIN_PACE: u32 = 50;
const DOWN_PACE: u32 = 90;
const UP_PACE: u32 = 125;
const WINDOW: u32 = 200;
const UP_WINDOW: u32 = 225;
/** The pace stays a little below the model, for the sake of queues (§5.6.2). */
const MARGIN: u32 = 99;
const BETA: u32 = 70;
const LOSS_THRESH: u32 = 2;
const HEADROOM: u32 = 85;
const GROWTH: u32 = 125;

const FULL_ROUNDS: u8 = 3;
const FULL_LOSSES: u8 = 6;
/** Segments that a window has at least (§2.7). */
const LEAST: u32 = 4;
const SECOND: u32 = 1_000_000;
const MIN_RTT_US: u32 = 10 * SECOND;
const PROBE_RTT_EVERY_US: u32 = 5 * SECOND;
const PROBE_RTT_US: u32 = 200_000;
/** A probe for more comes as often as Reno would make one, but not after so many round trips (§5.3.3.5). */
const RENO_ROUNDS: u32 = 63;

/** `percent` of `bytes`. */
function share(bytes: u32, percent: u32): u32 {
  return bytes == UNBOUND ? UNBOUND : <u32>min<u64>((<u64>bytes * percent) / 100, 1 << 30);
}

function noted(b: Bbr, bits: u32): bool {
  return (<u32>b.bits & bits) != 0;
}

function bandwidth(b: Bbr): u32 {
  return min(max(b.maxBwBefore, b.maxBw), b.bwLo);
}

/** The volume that fills the path without a queue: BBRInflight (§5.6.4.2); without a sample, the initial window. */
function volume(t: Tcb, b: Bbr, bw: u32, percent: u32): u32 {
  if (b.minRtt == UNBOUND || bw == 0) return config.initialWindow * <u32>t.mss;
  const bdp = <u64>bw * b.minRtt / SECOND * percent / 100;
  return max(<u32>min<u64>(bdp, 1 << 30), LEAST * <u32>t.mss);
}

// Sending

/** Something is sent, and nothing was in flight. */
export function bbrBegins(t: Tcb): void {
  const b = bbrOf(senderOf(t));
  b.deliveredAt = <u32>clock.us;
  b.marks = 0;
  if (b.limitedTo != 0) b.bits |= <u8>Bb.IDLE;
}

/** Something was sent, or sent again. */
export function bbrSent(t: Tcb): void {
  const s = senderOf(t), b = bbrOf(s), now = <u32>clock.us;
  if (b.marks == 0 || now - markBack(b, 0).sentAt >= t.srtt >> 5) {
    b.markNext++;
    if (b.marks < <u8>MARKS) b.marks++;
    const m = markBack(b, 0);
    m.sentAt = now;
    m.delivered = s.delivered;
    m.deliveredAt = b.deliveredAt;
    m.firstSentAt = s.xmitAt;
    m.lost = b.lost;
    m.limited = b.limitedTo;
  }
  const pipe = sentPipe(t), m = markBack(b, 0);
  m.inflight = pipe;
  if (unsent(t) < <u32>t.mss && s.lost == 0 && pipe < t.cwnd) b.limitedTo = m.limited = max<u32>(s.delivered + pipe, 1);
}

/** For how long `size` bytes take the path, µs. */
export function bbrPace(t: Tcb, size: u32): u32 {
  const b = bbrOf(senderOf(t));
  // Before the first sample: the window in a round trip (§5.6.2).
  if (b.pacing == 0) b.pacing = share(rate(max(t.cwnd, t.mss), max<u32>(t.srtt >> 3, 1)), STARTUP_PACE);
  return <u32>min<u64>(<u64>size * SECOND / max<u32>(b.pacing, 1), SECOND);
}

function rate(bytes: u32, us: u32): u32 {
  return <u32>min<u64>(<u64>bytes * SECOND / us, UNBOUND - 1);
}

// Acknowledgments

/** An ACK was taken in: `delivered` bytes arrived (BBRUpdateOnACK, §5.2.3). */
export function bbrAcked(t: Tcb, delivered: u32): void {
  const s = senderOf(t), b = bbrOf(s), now = <u32>clock.us;
  const lost = b.lost - b.lostBefore;
  b.lostBefore = b.lost;
  if (lost != 0) noteLoss(b, lost);
  b.bits &= ~<u8>Bb.ROUND;
  if (delivered != 0) {
    b.deliveredAt = now;
    if (b.limitedTo != 0 && seqLt(b.limitedTo, s.delivered)) b.limitedTo = 0;
    const m = markOf(s, b);
    if (m != null) sampled(t, s, b, m, delivered);
  }
  setPace(b);
  setWindow(t, s, b, delivered, lost);
  if (delivered != 0) b.bits &= ~<u8>Bb.IDLE;
}

function noteLoss(b: Bbr, lost: u32): void {
  b.bits |= <u8>Bb.LOSS;
  b.roundLost += lost;
  if (b.lossEvents < 255) b.lossEvents++;
}

/** The mark of what was sent last, of all that has arrived. */
function markOf(s: Sender, b: Bbr): Mark | null {
  for (let n: u32 = 0; n < <u32>b.marks; n++) {
    const m = markBack(b, n);
    if (seqLe(m.sentAt, s.xmitAt)) return m;
  }
  return null;
}

/** Takes in a sample of the rate of delivery (§4.1.2.4). */
function sampled(t: Tcb, s: Sender, b: Bbr, m: Mark, delivered: u32): void {
  const arrived = s.delivered - m.delivered, took = max(<u32>clock.us - m.deliveredAt, s.xmitAt - m.firstSentAt);
  // Faster than a round trip is no rate of the path's.
  const bw: u32 = took == 0 || (b.minRtt != UNBOUND && took < b.minRtt) ? 0 : rate(arrived, took);
  if (seqLe(b.roundEnd, m.delivered)) {
    b.roundEnd = s.delivered;
    b.bits |= <u8>Bb.ROUND;
    if (b.roundsSinceProbe < 255) b.roundsSinceProbe++;
  }
  b.roundDelivered += delivered;
  b.bwLatest = max(b.bwLatest, bw);
  b.inflightLatest = max(b.inflightLatest, arrived);
  if (bw >= max(b.maxBwBefore, b.maxBw) || m.limited == 0) b.maxBw = max(b.maxBw, bw);
  if (noted(b, Bb.ROUND)) adaptLower(t, b);
  checkFull(b, m.limited != 0);
  checkStartup(t, b);
  walk(t, s, b, m, delivered);
  takeRtt(t, s, b);
  if (noted(b, Bb.ROUND)) {
    // The next round has its own.
    b.bwLatest = bw;
    b.inflightLatest = arrived;
    b.roundDelivered = b.roundLost = 0;
    b.lossEvents = 0;
    b.bits &= ~<u8>Bb.LOSS;
  }
}

/** A round with a loss, while we do not probe, lowers the bounds of the near future (§5.5.10.3). */
function adaptLower(t: Tcb, b: Bbr): void {
  const state = <u32>b.state;
  if (!noted(b, Bb.LOSS) || state == Bbrs.STARTUP || state == Bbrs.REFILL || state == Bbrs.UP) return;
  if (b.bwLo == UNBOUND) b.bwLo = max(b.maxBwBefore, b.maxBw);
  if (b.inflightLo == UNBOUND) b.inflightLo = max(t.cwnd, b.priorCwnd);
  b.bwLo = max(b.bwLatest, share(b.bwLo, BETA));
  b.inflightLo = max(b.inflightLatest, share(b.inflightLo, BETA));
}

/** The pipe is full when three rounds brought no growth by a quarter (§5.3.1.2). */
function checkFull(b: Bbr, limited: bool): void {
  if (!noted(b, Bb.ROUND) || limited || b.fullCount >= FULL_ROUNDS) return;
  const most = max(b.maxBwBefore, b.maxBw);
  if (<u64>most * 100 >= <u64>b.fullBw * GROWTH) {
    b.fullBw = most;
    b.fullCount = 0;
  } else {
    b.fullCount++;
  }
}

function fullReset(b: Bbr): void {
  b.fullBw = 0;
  b.fullCount = 0;
}

/** Startup ends when the pipe is full, or much was lost (§5.3.1.3); Drain, when its queue is gone. */
function checkStartup(t: Tcb, b: Bbr): void {
  if (b.state == <u8>Bbrs.STARTUP) {
    if (noted(b, Bb.ROUND) && b.lossEvents >= FULL_LOSSES && isLossHigh(b.roundLost, b.roundDelivered + b.roundLost)) {
      b.fullCount = FULL_ROUNDS;
      b.inflightHi = max(volume(t, b, bandwidth(b), 100), b.inflightLatest);
    }
    if (b.fullCount < FULL_ROUNDS) return;
    b.bits |= <u8>Bb.FULL;
    b.state = <u8>Bbrs.DRAIN;
  }
  if (b.state == <u8>Bbrs.DRAIN && sentPipe(t) <= volume(t, b, bandwidth(b), 100)) startDown(t, b);
}

function isLossHigh(lost: u32, sent: u32): bool {
  return <u64>lost * 100 > <u64>sent * LOSS_THRESH;
}

// PROBE_BW (§5.3.3)

function startDown(t: Tcb, b: Bbr): void {
  b.state = <u8>Bbrs.DOWN;
  b.downAt = <u32>clock.us;
  b.roundsSinceProbe = 0;
  b.bits |= <u8>Bb.STOPPING;
  // 2 to 3 s, so that flows do not probe in step.
  b.probeAfter = 2 * SECOND + ((t.tsOffset ^ b.downAt) * 2_654_435_761 >> 12);
}

function startRefill(b: Bbr): void {
  b.bwLo = b.inflightLo = UNBOUND;
  b.upRounds = 0;
  b.upAcked = 0;
  b.upCount = UNBOUND;
  b.state = <u8>Bbrs.REFILL;
}

function startUp(t: Tcb, b: Bbr): void {
  b.bits |= <u8>Bb.PROBE_SAMPLES;
  fullReset(b);
  b.fullBw = b.bwLatest;
  b.state = <u8>Bbrs.UP;
  raiseSlope(t, b);
}

/** The phases of PROBE_BW. */
function walk(t: Tcb, s: Sender, b: Bbr, m: Mark, delivered: u32): void {
  if (!noted(b, Bb.FULL) || b.state == <u8>Bbrs.PROBE_RTT) return;
  adaptUpper(t, s, b, m, delivered);
  const pipe = sentPipe(t), round = noted(b, Bb.ROUND);
  switch (<Bbrs>b.state) {
    case Bbrs.DOWN:
      if (probeIsDue(t, b)) startRefill(b);
      else if (pipe <= min(share(b.inflightHi, HEADROOM), volume(t, b, bandwidth(b), 100))) b.state = <u8>Bbrs.CRUISE;
      break;
    case Bbrs.CRUISE:
      if (probeIsDue(t, b)) startRefill(b);
      break;
    case Bbrs.REFILL:
      if (round) startUp(t, b);
      break;
    case Bbrs.UP:
      // As long as the bound grows, nothing says that the path is full.
      if (sends(s, Sends.CWND_LIMITED) && t.cwnd >= b.inflightHi) {
        fullReset(b);
        b.fullBw = b.bwLatest;
      } else if (b.fullCount >= FULL_ROUNDS) {
        startDown(t, b);
      }
      break;
    default:
  }
}

/** Time for a probe: some seconds have passed, or as many round trips as Reno needs to fill the same path. */
function probeIsDue(t: Tcb, b: Bbr): bool {
  const reno = min(volume(t, b, bandwidth(b), 100) / <u32>t.mss, RENO_ROUNDS);
  return <u32>clock.us - b.downAt > b.probeAfter || <u32>b.roundsSinceProbe >= reno;
}

/** Losses of a probe lower the long-term bound; its success raises it (§5.3.3.7). */
function adaptUpper(t: Tcb, s: Sender, b: Bbr, m: Mark, delivered: u32): void {
  if (noted(b, Bb.ROUND) && noted(b, Bb.STOPPING)) {
    b.bits &= ~<u8>(Bb.STOPPING | Bb.PROBE_SAMPLES);
    if (m.limited == 0) {
      b.maxBwBefore = b.maxBw;
      b.maxBw = 0;
    }
  }
  if (isLossHigh(b.lost - m.lost, m.inflight)) {
    if (noted(b, Bb.PROBE_SAMPLES)) tooHigh(t, b, m);
    return;
  }
  if (b.inflightHi == UNBOUND) return;
  if (m.inflight > b.inflightHi) b.inflightHi = m.inflight;
  if (b.state == <u8>Bbrs.UP) raise(t, s, b, delivered);
}

function tooHigh(t: Tcb, b: Bbr, m: Mark): void {
  b.bits &= ~<u8>Bb.PROBE_SAMPLES;
  if (m.limited == 0) {
    b.inflightHi = max(m.inflight, share(min(volume(t, b, bandwidth(b), 100), t.cwnd), BETA));
  }
  if (b.state == <u8>Bbrs.UP) startDown(t, b);
}

/** The bound grows by one segment, then two, then four a round, as long as it is what holds us back. */
function raise(t: Tcb, s: Sender, b: Bbr, delivered: u32): void {
  if (sends(s, Sends.CWND_LIMITED) && t.cwnd >= b.inflightHi) {
    b.upAcked += delivered;
    const n = b.upAcked / b.upCount;
    b.upAcked -= n * b.upCount;
    b.inflightHi += n * <u32>t.mss;
  }
  if (noted(b, Bb.ROUND)) raiseSlope(t, b);
}

function raiseSlope(t: Tcb, b: Bbr): void {
  b.upCount = max(t.cwnd >> b.upRounds, t.mss);
  if (b.upRounds < 30) b.upRounds++;
}

// The round-trip time (§5.3.4)

function takeRtt(t: Tcb, s: Sender, b: Bbr): void {
  const now = <u32>clock.us, expired = now - b.probeRttMinAt > PROBE_RTT_EVERY_US, rtt = s.sample;
  if (rtt != 0 && (rtt < b.probeRttMin || expired)) {
    b.probeRttMin = rtt;
    b.probeRttMinAt = now;
  }
  if (b.probeRttMin < b.minRtt || now - b.minRttAt > MIN_RTT_US) {
    b.minRtt = b.probeRttMin;
    b.minRttAt = b.probeRttMinAt;
  }
  if (expired && b.state != <u8>Bbrs.PROBE_RTT && !noted(b, Bb.IDLE)) {
    windowKeep(t, b);
    b.state = <u8>Bbrs.PROBE_RTT;
    b.probeRttDone = 0;
  }
  if (b.state == <u8>Bbrs.PROBE_RTT) probeRtt(t, s, b);
}

function probeRttWindow(t: Tcb, b: Bbr): u32 {
  return volume(t, b, bandwidth(b), 50);
}

/** The window is halved for 200 ms and a round: queues are empty then, and the least round-trip time shows. */
function probeRtt(t: Tcb, s: Sender, b: Bbr): void {
  const now = <u32>clock.us, pipe = sentPipe(t);
  b.limitedTo = max<u32>(s.delivered + pipe, 1);
  if (b.probeRttDone == 0) {
    if (pipe > probeRttWindow(t, b)) return;
    b.probeRttDone = max<u32>(now + PROBE_RTT_US, 1);
    b.bits &= ~<u8>Bb.RTT_ROUND;
    b.roundEnd = s.delivered;
    return;
  }
  if (noted(b, Bb.ROUND)) b.bits |= <u8>Bb.RTT_ROUND;
  if (!noted(b, Bb.RTT_ROUND) || seqLt(now, b.probeRttDone)) return;
  b.probeRttMinAt = now;
  bbrRestore(t);
  b.bwLo = b.inflightLo = UNBOUND;
  if (!noted(b, Bb.FULL)) {
    b.state = <u8>Bbrs.STARTUP;
    return;
  }
  startDown(t, b);
  b.state = <u8>Bbrs.CRUISE;
}

// The pace and the window (§5.6)

function setPace(b: Bbr): void {
  const bw = bandwidth(b);
  if (bw == 0) return;
  const state = <u32>b.state;
  const gain = state == Bbrs.STARTUP ? STARTUP_PACE : state == Bbrs.DRAIN ? DRAIN_PACE
    : state == Bbrs.DOWN ? DOWN_PACE : state == Bbrs.UP ? UP_PACE : 100;
  const pace = <u32>min<u64>(<u64>bw * gain / 100 * MARGIN / 100, UNBOUND - 1);
  if (noted(b, Bb.FULL) || pace > b.pacing) b.pacing = pace;
}

function setWindow(t: Tcb, s: Sender, b: Bbr, delivered: u32, lost: u32): void {
  const mss = <u32>t.mss, state = <u32>b.state;
  let most = volume(t, b, bandwidth(b), state == Bbrs.UP ? UP_WINDOW : WINDOW);
  // What leaves at once, three times over (§5.6.4.2).
  most = max(most, 3 * max<u32>(<u32>(<u64>b.pacing / 1000), mss)) + (state == Bbrs.UP ? 2 * mss : 0);
  if (lost != 0 && tcbHas(t, RECOVERING) && !inLoss(t)) t.cwnd = max(t.cwnd > lost ? t.cwnd - lost : 0, mss);
  const grown = t.cwnd + delivered;
  if (noted(b, Bb.FULL)) t.cwnd = min(grown, most);
  else if (t.cwnd < most || s.delivered < config.initialWindow * mss) t.cwnd = min<u32>(grown, 1 << 30);
  t.cwnd = max(t.cwnd, LEAST * mss);
  if (state == Bbrs.PROBE_RTT) t.cwnd = min(t.cwnd, probeRttWindow(t, b));
  // The model's bounds.
  let cap = UNBOUND;
  if (state == Bbrs.CRUISE || state == Bbrs.PROBE_RTT) cap = share(b.inflightHi, HEADROOM);
  else if (state >= <u32>Bbrs.DOWN) cap = b.inflightHi;
  t.cwnd = min(t.cwnd, max(min(cap, b.inflightLo), LEAST * mss));
}

// What loss recovery tells

function windowKeep(t: Tcb, b: Bbr): void {
  if (tcbHas(t, RECOVERING) || b.state == <u8>Bbrs.PROBE_RTT) b.priorCwnd = max(b.priorCwnd, t.cwnd);
  else b.priorCwnd = t.cwnd;
}

/** A recovery begins, or a mark came (RFC 3168): the round counts as one with a loss. */
export function bbrLoss(t: Tcb): void {
  const b = bbrOf(senderOf(t));
  windowKeep(t, b);
  b.bits |= <u8>Bb.LOSS;
}

/** The retransmission timer fired: one segment, until ACKs come. */
export function bbrTimeout(t: Tcb, first: bool): void {
  if (first) bbrLoss(t);
  t.cwnd = t.mss;
}

/** What shrank the window is over. */
export function bbrRestore(t: Tcb): void {
  t.cwnd = max(t.cwnd, bbrOf(senderOf(t)).priorCwnd);
}

/** The recovery was for nothing. */
export function bbrUndo(t: Tcb): void {
  const b = bbrOf(senderOf(t));
  b.bwLo = b.inflightLo = UNBOUND;
  bbrRestore(t);
}
