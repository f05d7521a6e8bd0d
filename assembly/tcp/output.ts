// Sending (RFC 9293 §3.7 and §3.8): an ordered list of what may go out next, one segment at a time, until nothing may.

import { config, Policy } from "../config";
import { FAST_OPEN, POLICIES, SPEED } from "../features";
import { clock } from "../core/clock";
import { count, Mib } from "../core/counters";
import { Err } from "../core/error";
import { Seq, seqLt, seqMax } from "../core/seq";
import { updateSum } from "../core/checksum";
import { ringRead, ringReadSum } from "../buffers/ring";
import { sumBetween } from "../address/names";
import { Ipv4, PROTO_TCP } from "../wire/ipv4";
import { TcpHeader, ACK, FIN, PSH, RST, SYN, URG } from "../wire/tcp";
import { ipBegin, ipEnd, ipPayload, ipPayloadSize, ipSend } from "../ip/output";
import { ipPlace, ipWay, Way } from "../ip/way";
import { ecnFlags, ecnOffer, ecnTosTtl } from "./congestion/ecn";
import { Tcb, Has, RECOVERING, tcbHas, sendRing, workBlock, tcbSet, tcbClear } from "./block/tcb";
import { State, isSynchronized, isOpenedFast } from "./block/state";
import { Timer } from "./block/timers";
import { putTimestamps } from "./segment/options";
import { fastOpenPut, fastOpenText } from "./open/fast-open";
import { settled, synWindow, synSegment, synOptions } from "./open/syn";
import {
  lostEnd, findLost, lostSent, recoveryBegins, recoveryHeldBack, recoveryPathProbe, recoveryPipe, recoverySent,
  recoveryWindow,
} from "./loss/recovery";
import { persistArm } from "./close/persist";
import { retransmitArm } from "./loss/retransmit";
import { congestionIdle } from "./congestion/congestion";
import { rttStart, rttStop } from "./loss/rtt";
import { endConnection } from "./close/end";
import { fillChecksum, fillChecksumWithText } from "./segment/checksum";
import { unsent, finDue, usableWindow } from "./block/send-buffer";
import { MSS_MIN } from "./block/mss";
import { timestampNow } from "./block/timestamps";
import { advertise } from "./block/receive-window";
import { pathProbeSent } from "./loss/path-probe";
import { probeDrop, probePending, probeResent, probeSent, probeStart } from "./loss/probe";
import { sackBlocks, putSack } from "./loss/sack-report";
import { paceAllows, paceArm, paceOn } from "./congestion/pacing";
import { repeatLast } from "./repeat";
import { urgentPointer } from "./urgent";

/** Segments that one connection sends before the next one has its turn. */
const BURST: u32 = 32;

/** How a connection's turn ended. */
export const enum Turn {
  /** Nothing more may go out now. */
  DONE,
  /** It has had its share; there is more. */
  MORE,
  /** No free slot. */
  NO_SLOT,
}

/** Which windows bound what is sent: the peer's alone for a loss probe. */
const enum Within { BOTH_WINDOWS, PEERS_WINDOW }

/** What text a segment has: none, what went out before, or what goes out for the first time. */
const enum Text { NONE, AGAIN, NEW }

/** Sends what may be sent now. */
export function tcpOutput(t: Tcb): Turn {
  if (tcbHas(t, Has.RESET_DUE)) return sendAbort(t);
  let left = BURST, turn = Turn.MORE, last: usize = 0, size: u32 = 0;
  while (left > 0) {
    if (!hasSomething(t)) {
      turn = Turn.DONE;
      break;
    }
    const way = ipWay(t.rip);
    if (way == Way.NO_SLOT) {
      turn = Turn.NO_SLOT;
      break;
    }
    if (way != Way.OPEN) {
      waitForWay(t, way);
      return Turn.DONE;
    }
    const sent = sendNext(t, left);
    if (sent == 0) {
      turn = Turn.DONE;
      break;
    }
    left -= sent;
    if (POLICIES && (config.policy & Policy.PUSH_BURSTS) != 0) {
      last = ipPayload();
      size = ipPayloadSize();
    }
  }
  if (turn == Turn.DONE) armIfWaiting(t);
  if (POLICIES && left < BURST - 1 && last != 0) pushLast(changetype<TcpHeader>(last), size);
  return turn;
}

/**
 * Marks the last segment of a burst, `size` bytes that are still in their slot, with PSH, if it has text
 * (RFC 9293 §3.9.1.2, SHLD-27).
 */
function pushLast(tcp: TcpHeader, size: u32): void {
  if (size == tcp.headerSize || (tcp.flags & PSH) != 0) return;
  const was = load<u16>(changetype<usize>(tcp), 12);
  tcp.flags |= PSH;
  tcp.checksum = updateSum(tcp.checksum, was, load<u16>(changetype<usize>(tcp), 12));
}

/**
 * Whether there is anything that could be sent, windows aside; cheap, and asked first
 * so that no neighbour is looked up in vain.
 */
function hasSomething(t: Tcb): bool {
  if (tcbHas(t, Has.SYN_DUE | Has.ACK_NOW | Has.PROBE_DUE | Has.KEEP_DUE)) return true;
  return maySendText(t) && t.state != <u8>State.TIME_WAIT &&
    (unsent(t) != 0 || finDue(t) || tcbHas(t, RECOVERING) || probePending(t));
}

/** ESTABLISHED and later; or SYN-RECEIVED of a connection that opened fast (RFC 7413 §4.2.2). */
function maySendText(t: Tcb): bool {
  return isSynchronized(t) || (FAST_OPEN && isOpenedFast(t));
}

/**
 * The packet cannot leave: the timer runs as if it had been sent and lost, so that R2
 * counts; a neighbour's answer retries at once.
 */
function waitForWay(t: Tcb, way: Way): void {
  if (t.timerKind == <u8>Timer.NONE) retransmitArm(t);
  if (way == Way.NO_ROUTE) t.softError = <i8>Err.UNREACHABLE;
  else workBlock(t);
}

/** Sends the segment that comes first, and those that follow it in one go, `most` in all. Returns how many. */
function sendNext(t: Tcb, most: u32): u32 {
  if (tcbHas(t, Has.SYN_DUE)) {
    sendSyn(t);
    return 1;
  }
  if (t.state == <u8>State.SYN_SENT) return 0;
  if (maySendText(t)) {
    if (sendLost(t)) return 1;
    const sent = sendNew(t, Within.BOTH_WINDOWS, most);
    if (sent != 0) return sent;
    if (sendLossProbe(t)) return 1;
    if (tcbHas(t, Has.PROBE_DUE)) {
      sendProbe(t);
      return 1;
    }
    if (tcbHas(t, Has.KEEP_DUE)) {
      // A keep-alive probe: a sequence number that was acknowledged, no data (SHLD-12).
      tcbClear(t, Has.KEEP_DUE);
      emit(t, t.sndNxt - 1, 0, ACK, Text.NONE);
      return 1;
    }
  }
  if (!tcbHas(t, Has.ACK_NOW)) return 0;
  emit(t, acceptableSeq(t), 0, ACK, Text.NONE);
  count(Mib.TCPPureAcks);
  return 1;
}

/** Payload that fits beside the SACK blocks that this segment carries. */
function roomForData(t: Tcb): u32 {
  const blocks = sackBlocks(t);
  if (blocks == 0) return t.mss;
  const size: u32 = 4 + (blocks << 3);
  return <u32>t.mss > size + MSS_MIN ? <u32>t.mss - size : min<u32>(t.mss, MSS_MIN);
}

/** Sends again what counts as lost, within the congestion window and the peer's (SHLD-16). */
function sendLost(t: Tcb): bool {
  if (!findLost(t)) return false;
  const start = t.rtxNxt;
  let end = lostEnd(t, roomForData(t));
  const edge = t.sndUna + t.sndWnd;
  if (seqLt(edge, end)) end = edge;
  if (!seqLt(start, end)) return false;
  const inPipe = recoveryPipe(t);
  if (!tcbHas(t, Has.RETRANSMIT_ONE)) {
    if (inPipe != 0 && inPipe + (end - start) > t.cwnd) return false;
    if (!paceAllows(t)) {
      paceArm(t);
      return false;
    }
  }
  tcbClear(t, Has.RETRANSMIT_ONE);
  t.rtxNxt = end;
  rttStop(t);
  count(Mib.tcpRetransSegs);
  emitRange(t, start, end, Text.AGAIN);
  lostSent(t, start, end);
  retransmitArm(t);
  return true;
}

/** A loss probe (RFC 8985 §7.3): something new, window of congestion or not, or what was sent last once more. */
function sendLossProbe(t: Tcb): bool {
  if (!probePending(t)) return false;
  if (sendNew(t, Within.PEERS_WINDOW, 1) != 0) {
    probeSent(t);
    return true;
  }
  // Not beyond a window that has shrunk (SHLD-16).
  if (seqLt(t.sndUna + t.sndWnd, t.sndNxt)) {
    probeDrop(t);
    return false;
  }
  const start = probeStart(t, roomForData(t));
  rttStop(t);
  count(Mib.tcpRetransSegs);
  emitRange(t, start, t.sndNxt, Text.AGAIN);
  probeResent(t, start);
  return true;
}

/** Sends start…end, which the ring holds, and the FIN if the range reaches it. */
function emitRange(t: Tcb, start: Seq, end: Seq, kind: Text): void {
  const dataEnd = t.sndUna + t.sndSize;
  const fin = seqLt(dataEnd, end);
  const size = fin ? dataEnd - start : end - start;
  let flags = ACK;
  if (fin) flags |= FIN;
  if (size != 0 && start + size == dataEnd) flags |= PSH;
  emit(t, start, size, flags, size != 0 ? kind : Text.NONE);
}

/**
 * Sends new data, FIN behind the last of it, if the windows, Nagle and silly window avoidance let it
 * (RFC 9293 §3.8.6.2.1, §3.7.4). Returns how many segments, `most` at most.
 */
function sendNew(t: Tcb, within: Within, most: u32): u32 {
  const have = unsent(t), fin = finDue(t);
  if (have == 0 && !fin) return 0;
  const isBound = within == Within.BOTH_WINDOWS;
  const usable = usableWindow(t), flight = t.sndNxt - t.sndUna,
    larger = isBound ? recoveryPathProbe(t, min(have, usable)) : 0, mss = max(roomForData(t), larger);
  const size = min(min(have, mss), usable), withFin = fin && size == have && size < usable;
  if (!withFin && (size == 0 || !maySend(t, size, have, mss, flight))) return 0;
  if (flight == 0) {
    recoveryBegins(t);
    idleRestart(t);
  }
  if (isBound && holdBack(t, size)) return 0;
  sendFirst(t, size, withFin);
  if (larger != 0 && size == larger) pathProbeSent(t);
  retransmitArm(t);
  return SPEED && isBound && size == <u32>t.mss && size < have ? 1 + sendLike(t, size, most - 1) : 1;
}

/**
 * Returns whether the window of congestion or the pace holds `size` new bytes back, and notes the one, or waits for the
 * other.
 */
function holdBack(t: Tcb, size: u32): bool {
  const inPipe = recoveryPipe(t);
  // One segment may be in the network, however small the window is.
  if (inPipe != 0 && inPipe + size > recoveryWindow(t)) {
    recoveryHeldBack(t);
    return true;
  }
  if (paceAllows(t)) return false;
  paceArm(t);
  return true;
}

/** Sends `size` bytes from SND.NXT on for the first time, and our FIN behind them. */
function sendFirst(t: Tcb, size: u32, fin: bool): void {
  const start = t.sndNxt;
  if (start == t.sndUna) t.stalledAt = clock.us;
  t.sndNxt += size + (fin ? 1 : 0);
  if (fin) tcbSet(t, Has.FIN_SENT);
  tcbClear(t, Has.PROBE_DUE);
  emitRange(t, start, t.sndNxt, Text.NEW);
  recoverySent(t, start, size);
}

/**
 * A full segment was sent, and there is more: as many like it as may go out, `most` at most, but for the last of
 * the ring, which has PSH. Returns how many.
 */
function sendLike(t: Tcb, size: u32, most: u32): u32 {
  if (tcbHas(t, RECOVERING | Has.URGENT_OUT) || t.ecn != 0 || paceOn(t)) return 0;
  const inPipe = recoveryPipe(t);
  if (inPipe >= t.cwnd) return 0;
  const allowed = min(min(unsent(t) - 1, usableWindow(t)), t.cwnd - inPipe) / size;
  const n = repeatLast(t, t.sndNxt, size, min(allowed, most));
  if (n == 0) return 0;
  const start = t.sndNxt;
  t.sndNxt += n * size;
  recoverySent(t, start, n * size);
  retransmitArm(t);
  return n;
}

/**
 * Whether `size` of `have` bytes may go out now (RFC 9293 §3.8.6.2.1): (1) a full segment; (2) all there is, and Nagle
 * does not hold it; (3) a good part of the largest window seen. (4), the override timer, is the persist timer.
 */
function maySend(t: Tcb, size: u32, have: u32, mss: u32, flight: u32): bool {
  if (size >= mss) return true;
  if (size < have) return size >= t.maxSndWnd >> 1;
  return flight == 0 || tcbHas(t, Has.NO_DELAY) || urgentPointer(t, t.sndNxt) != 0 || isSecondHalf(t, flight);
}

/**
 * Deviates from RFC 9293 §3.7.4: where the send ring holds two segments, what follows the first goes out beside it,
 * short or not. The peer would wait for it before it acknowledges the first.
 */
function isSecondHalf(t: Tcb, flight: u32): bool {
  return flight == <u32>t.mss && flight == config.sendRing >> 1;
}

/**
 * RFC 5681 §4.1: when nothing was sent for more than one RTO, the congestion window is no longer known to be good. What
 * the peer sent in the meantime says nothing about it.
 */
function idleRestart(t: Tcb): void {
  const idle = clock.us - t.stalledAt;
  if (idle > <u64>t.rto) congestionIdle(t, idle);
}

/** A window probe (RFC 9293 §3.8.6.1): one octet beyond the window, or what silly window avoidance held back. */
function sendProbe(t: Tcb): void {
  tcbClear(t, Has.PROBE_DUE);
  if (t.sndNxt != t.sndUna) {
    // Something is in flight: its first octet.
    rttStop(t);
    emitRange(t, t.sndUna, t.sndUna + 1, Text.AGAIN);
    return;
  }
  const have = unsent(t);
  const size = min(have, max<u32>(1, min(usableWindow(t), <u32>t.mss)));
  if (have == 0 && !finDue(t)) {
    emit(t, t.sndNxt, 0, ACK, Text.NONE);
    return;
  }
  recoveryBegins(t);
  const start = t.sndNxt;
  t.sndNxt += size;
  if (have == 0) {
    t.sndNxt++;
    tcbSet(t, Has.FIN_SENT);
  }
  emitRange(t, start, t.sndNxt, Text.AGAIN);
}

/**
 * No timer runs, and something waits: for an acknowledgment, or for a window; then only the persist timer will move it.
 */
function armIfWaiting(t: Tcb): void {
  if (t.timerKind != <u8>Timer.NONE || !isSynchronized(t)) return;
  if (t.sndUna != t.sndNxt) retransmitArm(t);
  else if (unsent(t) != 0 || finDue(t)) persistArm(t);
}

/** Sends our SYN, or SYN-ACK in SYN-RECEIVED (RFC 9293 §3.5), with what we offer. */
function sendSyn(t: Tcb): void {
  tcbClear(t, Has.SYN_DUE | Has.ACK_NOW);
  const answer = t.state == <u8>State.SYN_RECEIVED;
  const ip = ipBegin(t.lip, t.rip, PROTO_TCP, t.tosTtl);
  if (ip == null) return;
  rttSyn(t);
  const flags = (answer ? SYN | ACK : SYN) | ecnOffer(t, answer);
  const bits = settled(t);
  if (FAST_OPEN && t.fastOpen != 0) {
    sendFastSyn(t, ip, flags, bits);
  } else {
    if (answer) t.rcvAdv = seqMax(t.rcvAdv, t.rcvNxt + synWindow());
    synSegment(
      ip, t.ports, t.iss, answer ? t.rcvNxt : 0, flags, synOptions(ip, bits, timestampNow(t), t.tsRecent)
    );
  }
  retransmitArm(t);
}

/**
 * Sends our SYN with a cookie, or a request for one, and text; or our SYN-ACK, which acknowledges text
 * and may have a new cookie (RFC 7413 §4.2).
 */
function sendFastSyn(t: Tcb, ip: Ipv4, flags: u32, bits: u32): void {
  const tcp = changetype<TcpHeader>(changetype<usize>(ip) + Ipv4.SIZE);
  const at = fastOpenPut(t, synOptions(ip, bits, timestampNow(t), t.tsRecent));
  const header = <u32>(at - changetype<usize>(tcp)), size = fastOpenText(t, header);
  let text: u64 = 0;
  if (size != 0) {
    if (SPEED) text = ringReadSum(sendRing(t), config.sendRing, t.sndHead, 0, at, size);
    else ringRead(sendRing(t), config.sendRing, t.sndHead, 0, at, size);
  }
  const answer = (flags & ACK) != 0, wnd = answer ? min<u32>(config.recvRing - t.rcvSize, 65535) : synWindow();
  if (answer) {
    t.rcvAdv = seqMax(t.rcvAdv, t.rcvNxt + wnd);
    t.lastAckSent = t.rcvNxt;
  }
  tcp.seq = t.iss;
  tcp.ack = answer ? t.rcvNxt : 0;
  tcp.window = wnd;
  finish(t, tcp, header, header + size, flags, text);
  ipEnd(header + size);
}

/** A SYN that was sent once can be timed. */
function rttSyn(t: Tcb): void {
  if (tcbHas(t, Has.SYN_RESENT)) rttStop(t);
  else rttStart(t, t.iss);
}

/**
 * Sends one segment, once `ipWay` has said OPEN: `size` bytes of the ring from `seq` on. Whatever it is, it carries
 * our ACK.
 */
function emit(t: Tcb, seq: Seq, size: u32, flags: u32, kind: Text): void {
  const fresh = kind == Text.NEW, tosTtl = ecnTosTtl(t, fresh), tcp = changetype<TcpHeader>(ipPlace(t.rip));
  let at = changetype<usize>(tcp) + TcpHeader.SIZE;
  if (tcbHas(t, Has.TIMESTAMPS)) at = putTimestamps(at, timestampNow(t), t.tsRecent);
  if ((flags & RST) == 0) {
    const blocks = sackBlocks(t);
    if (blocks != 0) at = putSack(t, at, blocks);
  }
  const header = <u32>(at - changetype<usize>(tcp));
  let text: u64 = 0;
  if (size != 0) {
    const behind = seq - t.sndUna;
    // Nothing leaves that the application did not put into the ring.
    assert(behind <= t.sndSize && size <= t.sndSize - behind);
    if (SPEED) text = ringReadSum(sendRing(t), config.sendRing, t.sndHead, behind, at, size);
    else ringRead(sendRing(t), config.sendRing, t.sndHead, behind, at, size);
  }
  tcp.seq = seq;
  tcp.ack = t.rcvNxt;
  if ((flags & RST) != 0) {
    tcp.window = 0;
    count(Mib.tcpOutRsts);
  } else {
    tcp.window = advertise(t);
    flags |= ecnFlags(t, fresh);
  }
  t.lastAckSent = t.rcvNxt;
  if (tcbHas(t, Has.ACK_LATER) && !tcbHas(t, Has.ACK_NOW)) count(Mib.DelayedACKs);
  tcbClear(t, Has.ACK_NOW | Has.ACK_LATER);
  t.unacked = 0;
  finish(t, tcp, header, header + size, flags, text);
  ipSend(t.lip, t.rip, PROTO_TCP, tosTtl, header + size);
}

/** Fills in what all segments have. `text`: the sum of its payload, in a build that has it. */
function finish(t: Tcb, tcp: TcpHeader, header: u32, size: u32, flags: u32, text: u64): void {
  tcp.srcPort = t.ports;
  tcp.dstPort = t.ports >> 16;
  tcp.headerSize = header;
  const up = urgentPointer(t, tcp.seq);
  tcp.urgent = up;
  if (up != 0) flags |= URG;
  tcp.flags = flags;
  const pseudo = sumBetween(t.lip, t.rip, PROTO_TCP, size);
  if (SPEED) fillChecksumWithText(tcp, header, pseudo + text);
  else fillChecksum(tcp, size, pseudo);
  count(Mib.tcpOutSegs);
}

/**
 * SND.NXT; or the edge of the peer's window, if what lies beyond it was sent already, as a window probe or before the
 * window shrank: the peer takes nothing that begins beyond the edge, no ACK and no RST either (RFC 9293 §3.4, table 5).
 */
function acceptableSeq(t: Tcb): Seq {
  const edge = t.sndUna + t.sndWnd;
  return isSynchronized(t) && seqLt(edge, t.sndNxt) ? edge : t.sndNxt;
}

/** Sends the ACK that is owed, if it can leave. */
export function sendAck(t: Tcb): void {
  if (isSynchronized(t) && ipWay(t.rip) == Way.OPEN) emit(t, acceptableSeq(t), 0, ACK, Text.NONE);
}

/**
 * Sends `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>` for a connection that is aborted
 * (RFC 9293 §3.10.5). Lost if there is no slot.
 */
export function sendReset(t: Tcb): void {
  if (ipWay(t.rip) != Way.OPEN) return;
  emit(t, acceptableSeq(t), 0, RST | ACK, Text.NONE);
}

/** ABORT: the RST, if it can leave, is the connection's last word. */
function sendAbort(t: Tcb): Turn {
  if (ipWay(t.rip) == Way.NO_SLOT) return Turn.NO_SLOT;
  sendReset(t);
  endConnection(t, Err.ABORTED);
  return Turn.DONE;
}
