// SEGMENT ARRIVES (RFC 9293 §3.10.7): the checks in the RFC's order, with the RFC's words.

import { isInsecure, Policy } from "../config";
import { FAST_OPEN, SPEED } from "../features";
import { clock } from "../core/clock";
import { count, Mib } from "../core/counters";
import { Err } from "../core/error";
import { Event } from "../core/events";
import { foldSum, sumBytes } from "../core/checksum";
import { sumBetween } from "../address/names";
import { seqLt, seqLe, seqInWindow, seqMax } from "../core/seq";
import { rangesClear } from "../buffers/ranges";
import { Ipv4, PROTO_TCP } from "../wire/ipv4";
import { ACK, FIN, RST, SYN, TcpHeader, URG } from "../wire/tcp";
import { isBroadcast } from "../ip/address";
import { Tcb, Has, tcbAt, tcbHas, workAdd, tell, tcbSet, tcbClear } from "./block/tcb";
import { State, setState, isOpenedFast } from "./block/state";
import { seg, segHas, segIs, segLen, segTrimBack, segTrimFront, Option } from "./segment/segment";
import { segmentRead } from "./segment/read";
import { resetSegment } from "./segment/empty";
import { NOBODY, demuxFind, halfOpenBase, isConn, isHalfOpen, timeWaitBase } from "./block/demux";
import { halfOpenAnswer, halfOpenAnswerTake } from "./open/half-open";
import { ackSegment, answerProbe, challenge } from "./close/challenge";
import { setIrs } from "./open/connect";
import { ackAcceptable, acknowledge } from "./acknowledge";
import { ecnAgreed, ecnArrives } from "./congestion/ecn";
import { drainEarly, earlyFinDue, receiveEarly, receiveEarlyFin, receiveText } from "./receive";
import { retransmitEstablished } from "./loss/retransmit";
import { rttTakeAck } from "./loss/rtt";
import { dsackNote } from "./loss/sack-report";
import { armFinWait2, armFirstByte } from "./block/timers";
import { halfOpenAt, HalfOpen, Syn } from "./block/half-open-record";
import { isOldFor, isStampOld, timestampNow } from "./block/timestamps";
import { ackNow } from "./block/acks";
import { rcvWnd } from "./block/receive-window";
import { keepAliveStart } from "./close/keep-alive";
import { endConnection } from "./close/end";
import { timeWaitInput, enterTimeWait } from "./close/time-wait";
import { sendReset } from "./output";
import { takeExpected } from "./predict";
import { fastOpenAcked, fastOpenAnswered, fastOpenCompletes } from "./open/fast-open";
import { offeredScale, settle, settled, synBits, synMss, synWindow } from "./open/syn";
import { Listener, listenerFor, listenerAt } from "./open/listener";
import { acceptable, recordGone, promote } from "./open/accept";
import { listenInput } from "./listen";
import { urgentArrives } from "./urgent";

/** Takes in the segment of `size` bytes that `ip` brought. */
export function tcpInput(ip: Ipv4, tcp: TcpHeader, size: u32): void {
  count(Mib.tcpInSegs);
  let owner = NOBODY;
  if (SPEED) {
    if (size >= TcpHeader.SIZE) owner = demuxFind(ip.dst, ip.src, (tcp.srcPort << 16) | tcp.dstPort);
    if (isConn(owner) && takeExpected(tcbAt(owner), ip, tcp, size)) return;
  }
  if (isBroadcast(ip.dst)) return;
  // MUST-3: a segment with a bad checksum has no effect.
  if (!tcp.isValid(size) || tcp.dstPort == 0 ||
      foldSum(sumBytes(changetype<usize>(tcp), size, sumBetween(ip.src, ip.dst, PROTO_TCP, size))) != 0) {
    count(Mib.tcpInErrs);
    return;
  }
  segmentRead(ip.src, ip.dst, ip.tos, tcp, size);
  if (!SPEED) owner = demuxFind(seg.lip, seg.rip, seg.ports);
  if (isConn(owner)) {
    connectionInput(tcbAt(owner));
  } else if (isHalfOpen(owner)) {
    halfOpenInput(halfOpenAt(owner - halfOpenBase()));
  } else if (owner != NOBODY) {
    if (timeWaitInput(owner - timeWaitBase(), listenerAtHand() != null)) closedOrListen(owner);
  } else {
    closedOrListen(NOBODY);
  }
}

function listenerAtHand(): Listener | null {
  return listenerFor(seg.lip, seg.ports & 0xffff);
}

/** §3.10.7.1 CLOSED STATE, §3.10.7.2 LISTEN STATE. `old`: see `listenInput`. */
function closedOrListen(old: u32): void {
  const l = listenerAtHand();
  if (l == null) {
    resetSegment();
    return;
  }
  const t = listenInput(l, old);
  if (t != null) connectionInput(t);
}

function connectionInput(t: Tcb): void {
  // Only whoever knows RCV.NXT is heard, be it with a probe's octet before it or behind: else
  // anybody could keep a dead connection alive.
  if (seg.seq + 1 - t.rcvNxt <= 2) {
    t.heardAt = clock.us;
    t.keepSent = 0;
  }
  const forged = isForgedMet(t);
  if (forged) forgetForged(t);
  if (forged || t.state == <u8>State.SYN_SENT) synSent(t);
  else otherStates(t);
}

/**
 * Whether the SYN that met ours was forged, by whoever guessed the ports: the segment at hand is another one, and
 * acknowledges our SYN, whose number only the peer knows.
 */
function isForgedMet(t: Tcb): bool {
  return t.state == <u8>State.SYN_RECEIVED && (seg.flags & (SYN | ACK | RST)) == (SYN | ACK) && seg.seq != t.irs &&
    seg.ack == t.iss + 1 && !(FAST_OPEN && isOpenedFast(t));
}

/** What the forged SYN brought is forgotten. */
function forgetForged(t: Tcb): void {
  t.outOfOrder = rangesClear(t.outOfOrder);
  tcbClear(t, Has.SYN_DUE | Has.DSACK);
}

// §3.10.7.3 SYN-SENT STATE

function synSent(t: Tcb): void {
  // First, check the ACK bit.
  const acked = segIs(ACK);
  if (acked && !acksSyn(t)) {
    resetSegment();
    return;
  }
  // Second, check the RST bit. One without an acceptable ACK is dropped.
  if (segIs(RST)) {
    if (!acked) return;
    count(Mib.tcpAttemptFails);
    endConnection(t, Err.REFUSED);
    return;
  }
  // Fourth, check the SYN bit. (Third, security: not supported.)
  if (!segIs(SYN)) return;
  // An echo of a timestamp that we did not send makes the segment unacceptable
  // (RFC 7323 §3.2: it can only be an old one).
  if (acked && segHas(Option.TIMESTAMPS) && seg.tsEcr != 0 && seqLt(timestampNow(t), seg.tsEcr)) {
    count(Mib.PAWSActive);
    resetSegment();
    return;
  }
  setIrs(t, seg.seq, seg.tsVal);
  settle(t, synBits(settled(t), ecnAgreed(t)), synMss());
  segTrimFront(1);
  // The segment was not held against a window, since there was none: now there is.
  trimToWindow(t);
  if (acked) {
    if (FAST_OPEN) fastOpenAnswered(t);
    synAcked(t);
    // The window of a SYN is never scaled (RFC 7323 §2.2).
    establish(t, seg.wnd);
    ackNow(t);
    urgentArrives(t);
    textArrives(t);
    return;
  }
  // Simultaneous open (§3.5): our SYN goes out again, as a SYN-ACK. What else
  // the segment carries waits for ESTABLISHED.
  setState(t, State.SYN_RECEIVED);
  tcbSet(t, Has.SYN_DUE);
  workAdd(t);
  if (seg.size != 0) receiveEarly(t);
}

/** SND.UNA =< SEG.ACK =< SND.NXT while our SYN is not acknowledged; text that it carried counts (RFC 7413 §4.2.2). */
function acksSyn(t: Tcb): bool {
  return FAST_OPEN ? seg.ack - t.iss - 1 <= t.sndNxt - t.iss - 1 + t.synText : seg.ack == t.sndNxt;
}

/** SEG.ACK acknowledges our SYN. */
function synAcked(t: Tcb): void {
  if (FAST_OPEN) fastOpenAcked(t);
  t.sndUna = seg.ack;
}

/** The connection is ESTABLISHED: our SYN is acknowledged, the peer's is known. `wnd`: its window, in bytes. */
function establish(t: Tcb, wnd: u32): void {
  const early = FAST_OPEN && isOpenedFast(t);
  setState(t, State.ESTABLISHED);
  rttTakeAck(t, seg.ack);
  t.sndWnd = wnd;
  t.maxSndWnd = wnd;
  t.sndWl1 = seg.seq;
  t.sndWl2 = seg.ack;
  retransmitEstablished(t);
  if (tcbHas(t, Has.KEEP_ALIVE)) keepAliveStart(t);
  if (tcbHas(t, Has.UNACCEPTED)) {
    count(Mib.tcpPassiveOpens);
    acceptable(t);
    armFirstByte(t);
  } else if (early) {
    count(Mib.tcpPassiveOpens);
  } else {
    tell(t, Event.CONNECTED);
  }
  // A CLOSE that came before (§3.10.4) is carried out now.
  if (tcbHas(t, Has.FIN_QUEUED)) setState(t, State.FIN_WAIT_1);
  workAdd(t);
}

// §3.10.7.4 OTHER STATES

function otherStates(t: Tcb): void {
  // First, check sequence number.
  if (tcbHas(t, Has.TIMESTAMPS) && !segIs(RST)) {
    if (!segHas(Option.TIMESTAMPS)) {
      // RFC 7323 §3.2. The connection goes on; a retransmission may have them again.
      count(Mib.TCPMissingTimestamps);
      return;
    }
    if (isOldFor(t, seg.tsVal)) {
      count(Mib.PAWSEstab);
      notAcceptable(t);
      return;
    }
  }
  if (!sequenceAcceptable(t)) {
    notAcceptable(t);
    return;
  }
  if (rcvWnd(t) == 0 && segLen() != 0) zeroWindowProbe(t);
  // Second, check the RST bit.
  if (segIs(RST)) {
    resetArrives(t);
    return;
  }
  // Fourth, check the SYN bit. (Third, security: not supported.)
  if (segIs(SYN)) {
    synArrives(t);
    return;
  }
  // Fifth, check the ACK field.
  if (!segIs(ACK)) return;
  if (t.state == <u8>State.SYN_RECEIVED) {
    // An ACK of our SYN makes the connection ESTABLISHED; any other one is answered with a RST.
    if (!acksSyn(t)) {
      resetSegment();
      return;
    }
    handshakeComplete(t);
  }
  if (!ackAcceptable(t)) {
    challenge(t);
    return;
  }
  timestampNote(t);
  trimToWindow(t);
  ecnArrives(t);
  acknowledge(t);
  ourFinAcknowledged(t);
  if (t.state == <u8>State.CLOSED || t.state == <u8>State.TIME_WAIT) return;
  // Sixth, check the URG bit.
  urgentArrives(t);
  // Seventh, process the segment text. Eighth, check the FIN bit.
  textArrives(t);
}

/**
 * RFC 7323 §4.3: TS.Recent follows the segment that an ACK covers next. Only one whose ACK field was found to be good
 * (RFC 5961 §5.2): else a blind segment in the window would make all that follow it look old.
 */
function timestampNote(t: Tcb): void {
  if (!segHas(Option.TIMESTAMPS) || !tcbHas(t, Has.TIMESTAMPS)) return;
  if (seqLe(seg.seq, t.lastAckSent) && !isOldFor(t, seg.tsVal)) {
    t.tsRecent = seg.tsVal;
    t.tsRecentAt = clock.ms;
  }
}

/** Table 6 of §3.10.7.4: some of the segment lies in the window, or it is empty and at its edge. */
function sequenceAcceptable(t: Tcb): bool {
  const len = segLen(), wnd = rcvWnd(t);
  if (len == 0) return wnd == 0 ? seg.seq == t.rcvNxt : seqInWindow(seg.seq, t.rcvNxt, wnd);
  // "Special allowance should be made to accept valid ACKs, URGs, and RSTs" while the window is zero (MUST-66).
  if (wnd == 0) return seg.seq == t.rcvNxt && segIs(RST | URG | ACK) && seg.size <= 1;
  return seqInWindow(seg.seq, t.rcvNxt, wnd) || seqInWindow(seg.seq + len - 1, t.rcvNxt, wnd);
}

/** A probe of our zero window: its ACK counts, its text does not, and it is answered (§3.8.6.1). */
function zeroWindowProbe(t: Tcb): void {
  segTrimBack(0);
  ackNow(t);
}

/**
 * "If an incoming segment is not acceptable, an acknowledgment should be sent in reply (unless the RST bit is set)".
 * One that occupies sequence space is always answered: a retransmission wants its ACK, and a D-SACK. An answer is
 * empty; so empty ones are answered at a bounded rate, and two ends cannot go on acknowledging each other.
 */
function notAcceptable(t: Tcb): void {
  if (segIs(RST)) return;
  if (segIs(SYN)) {
    synArrives(t);
    return;
  }
  if (segLen() == 0) {
    if (seg.seq + 1 == t.rcvNxt) answerProbe(t);
    else challenge(t);
    return;
  }
  if (seg.size != 0 && seqLe(seg.seq + seg.size, t.rcvNxt)) dsackNote(t, seg.seq, seg.seq + seg.size);
  ackNow(t);
}

/** RFC 5961 §3.2: only a RST at RCV.NXT resets; another one in the window is challenged. */
function resetArrives(t: Tcb): void {
  if (seg.seq != t.rcvNxt && !isInsecure(Policy.RST_IN_WINDOW)) {
    challenge(t);
    return;
  }
  if (t.state == <u8>State.SYN_RECEIVED) {
    // A passive OPEN is a half-open record here, which goes back to LISTEN and tells nobody. So this one was active:
    // "connection refused" (MUST-11); or it was opened fast, and whoever accepted it has to know.
    const fast = FAST_OPEN && isOpenedFast(t);
    // Whoever forged the SYN that met ours knows this number too (`isForgedMet`). A peer that
    // means it says it again, to our next SYN-ACK.
    if (!fast && !tcbHas(t, Has.SYN_RESENT)) return;
    count(Mib.tcpAttemptFails);
    endConnection(t, fast ? Err.RESET : Err.REFUSED);
    return;
  }
  if (t.state == <u8>State.ESTABLISHED || t.state == <u8>State.CLOSE_WAIT) count(Mib.tcpEstabResets);
  endConnection(t, Err.RESET);
}

/** RFC 5961 §4.2: a SYN in a synchronized state is challenged, wherever it lies. */
function synArrives(t: Tcb): void {
  if (t.state == <u8>State.SYN_RECEIVED && seg.seq == t.irs && !segIs(ACK)) {
    // The peer's SYN again: our SYN-ACK was lost.
    tcbSet(t, Has.SYN_DUE);
    workAdd(t);
    return;
  }
  if (t.state == <u8>State.SYN_RECEIVED && seg.seq == t.irs && acksSyn(t) && !(FAST_OPEN && isOpenedFast(t))) {
    // Simultaneous open: the peer's SYN-ACK acknowledges our SYN (§3.5, figure 7).
    segTrimFront(1);
    handshakeComplete(t);
    trimToWindow(t);
    ackNow(t);
    acknowledge(t);
    textArrives(t);
    return;
  }
  if (isInsecure(Policy.SYN_RESETS) && t.state != <u8>State.SYN_RECEIVED &&
      seqInWindow(seg.seq, t.rcvNxt, t.rcvAdv - t.rcvNxt)) {
    sendReset(t);
    endConnection(t, Err.RESET);
    return;
  }
  challenge(t);
}

/** SYN-RECEIVED: our SYN was acknowledged. */
function handshakeComplete(t: Tcb): void {
  if (FAST_OPEN && isOpenedFast(t)) fastOpenCompletes();
  else synAcked(t);
  tcbClear(t, Has.SYN_DUE);
  establish(t, seg.wnd << t.sndScale);
  drainEarly(t);
}

/** Cuts off what lies before RCV.NXT, and what lies beyond the window. */
function trimToWindow(t: Tcb): void {
  if (seqLt(seg.seq, t.rcvNxt)) {
    const old = t.rcvNxt - seg.seq;
    if (seg.size != 0) dsackNote(t, seg.seq, seg.seq + min(old, seg.size));
    segTrimFront(old);
    ackNow(t);
  }
  const room = t.rcvAdv - seg.seq;
  if (segLen() > room) {
    segTrimBack(room);
    ackNow(t);
  }
  // Nothing comes after a FIN.
  if (tcbHas(t, Has.FIN_EARLY) && seqLt(t.finSeq, seg.seq + seg.size)) {
    if (seg.size != 0) ackNow(t);
    segTrimBack(seqLt(seg.seq, t.finSeq) ? t.finSeq - seg.seq : 0);
  }
}

/** What an acknowledgment of our FIN does (fifth, FIN-WAIT-1, CLOSING, LAST-ACK). */
function ourFinAcknowledged(t: Tcb): void {
  if (!tcbHas(t, Has.FIN_SENT) || t.sndUna != t.sndNxt) return;
  if (t.state == <u8>State.FIN_WAIT_1) {
    setState(t, State.FIN_WAIT_2);
    if (tcbHas(t, Has.ORPHAN)) armFinWait2(t);
  } else if (t.state == <u8>State.CLOSING) {
    enterTimeWait(t);
  } else if (t.state == <u8>State.LAST_ACK) {
    endConnection(t, Err.OK);
  }
}

/** Seventh and eighth. */
function textArrives(t: Tcb): void {
  const fin = segIs(FIN), at = seg.seq + seg.size;
  // Nothing comes after a FIN, and no other FIN.
  if (tcbHas(t, Has.FIN_RECEIVED)) {
    if (fin) ackNow(t);
    return;
  }
  if (seg.size != 0) {
    // Nobody is left to read it: the data is lost, and the peer has to know (§3.6.1, SHLD-3).
    if (tcbHas(t, Has.ORPHAN)) {
      count(Mib.TCPAbortOnData);
      t.sndNxt = seqMax(t.sndNxt, t.sndUna);
      sendReset(t);
      endConnection(t, Err.RESET);
      return;
    }
    if (!receiveText(t)) return;
  }
  if (fin && seqLt(t.rcvNxt, at)) {
    receiveEarlyFin(t);
    ackNow(t);
    return;
  }
  if (earlyFinDue(t)) {
    finArrives(t);
  } else if (fin && t.rcvNxt == at) {
    t.rcvNxt++;
    t.rcvAdv = seqMax(t.rcvAdv, t.rcvNxt);
    finArrives(t);
  }
}

/** Eighth: RCV.NXT has just passed the FIN. */
function finArrives(t: Tcb): void {
  tcbSet(t, Has.FIN_RECEIVED);
  ackNow(t);
  tell(t, Event.END);
  switch (t.state) {
    case State.ESTABLISHED:
      setState(t, State.CLOSE_WAIT);
      break;
    case State.FIN_WAIT_1:
      // Our FIN was not acknowledged, else this were FIN-WAIT-2.
      setState(t, State.CLOSING);
      break;
    case State.FIN_WAIT_2:
      enterTimeWait(t);
      break;
    default:
      break;
  }
}

// SYN-RECEIVED, kept as a half-open record: the same steps.

/** `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`, for what is not acceptable; its window is scaled (RFC 7323 §2.2). */
function halfOpenAck(h: HalfOpen): void {
  if (!halfOpenAnswerTake(h)) return;
  const l = listenerAt(h.listener), bits = <u32>h.bits;
  const wnd = (bits & Syn.WINDOW_SCALE) != 0 ? synWindow() >> offeredScale() : synWindow();
  ackSegment(h.iss + 1, h.irs + 1, wnd, (bits & Syn.TIMESTAMPS) != 0, h.tsRecent, l.tosTtl);
}

function halfOpenInput(h: HalfOpen): void {
  const bits = <u32>h.bits;
  const rcvNxt = h.irs + 1, wnd = synWindow();
  // First, check sequence number; RFC 7323 §5.3 before it.
  if ((bits & Syn.TIMESTAMPS) != 0 && !segIs(RST | SYN)) {
    if (!segHas(Option.TIMESTAMPS)) {
      count(Mib.TCPMissingTimestamps);
      return;
    }
    if (isStampOld(seg.tsVal, h.tsRecent)) {
      count(Mib.PAWSEstab);
      halfOpenAck(h);
      return;
    }
  }
  if (segIs(SYN) && !segIs(RST | ACK) && seg.seq == h.irs) {
    // The SYN again: our SYN-ACK was lost.
    if ((bits & Syn.TIMESTAMPS) != 0 && segHas(Option.TIMESTAMPS) && !isStampOld(seg.tsVal, h.tsRecent)) {
      h.tsRecent = seg.tsVal;
    }
    if (!halfOpenAnswerTake(h)) return;
    h.bits |= <u16>Syn.AGAIN;
    halfOpenAnswer(h);
    return;
  }
  const len = segLen();
  if (!seqInWindow(seg.seq, rcvNxt, wnd) && (len == 0 || !seqInWindow(seg.seq + len - 1, rcvNxt, wnd))) {
    if (!segIs(RST)) halfOpenAck(h);
    return;
  }
  // Second, check the RST bit (RFC 5961 §3.2).
  if (segIs(RST)) {
    if (seg.seq == rcvNxt || isInsecure(Policy.RST_IN_WINDOW)) {
      count(Mib.tcpAttemptFails);
      recordGone(h);
    } else {
      halfOpenAck(h);
    }
    return;
  }
  // Fourth, check the SYN bit: from a passive OPEN, back to LISTEN.
  if (segIs(SYN)) {
    count(Mib.tcpAttemptFails);
    recordGone(h);
    return;
  }
  // Fifth, check the ACK field.
  if (!segIs(ACK)) return;
  if (seg.ack != h.iss + 1) {
    resetSegment();
    return;
  }
  const t = promote(h);
  if (t != null) connectionInput(t);
}
