// TIMEOUTS (RFC 9293 §3.10.8: user time-out, retransmission time-out; TIME-WAIT's is close/time-wait.ts): what is due
// does its work. The retransmission timer has two thresholds, R1 and R2 (RFC 9293 §3.8.3).

import { FAST_OPEN, BLACK_HOLES } from "../features";
import { NEVER, isDue, clock } from "../core/clock";
import { Mib, count } from "../core/counters";
import { Event } from "../core/events";
import { heapArm, heapDisarm } from "../buffers/heap";
import { Has, Tcb, tcbClear, tcbHas, tcbIndex, tcbSet, workAdd, tell } from "./block/tcb";
import { ackNow } from "./block/acks";
import { Timer, armTimer, disarmTimer } from "./block/timers";
import { State, isSynchronized, isOpenedFast } from "./block/state";
import { paceDue } from "./congestion/pacing";
import { recoveryTimeout, recoveryTakeTimer } from "./loss/recovery";
import { rtoBackOff, rttStop } from "./loss/rtt";
import { blackHoleSuspected } from "./loss/path-mtu";
import { persistDue, persistArm } from "./close/persist";
import { giveUp } from "./close/end";
import { keepAliveFires, keepAliveStart } from "./close/keep-alive";
import { sendReset } from "./output";
import { config } from "../config";
import { isOwn, nextHop } from "../ip/address";
import { neighbourDoubt } from "../arp/neighbours";

/** The connection's heap entry came up: does what is due, and asks for the next deadline. */
export function tcbTimer(t: Tcb): void {
  heapDisarm(tcbIndex(t));
  if (isDue(t.delackAt)) {
    t.delackAt = NEVER;
    if (tcbHas(t, Has.ACK_LATER)) ackNow(t);
  }
  if (isDue(t.timerAt)) {
    if (t.timerKind == <u8>Timer.PERSIST) persistDue(t);
    else if (!recoveryTakeTimer(t)) retransmitDue(t);
  }
  // Where that was the connection's end, the block may be free again.
  if (t.state == <u8>State.CLOSED) return;
  paceDue(t);
  if (isDue(t.idleAt)) idleDue(t);
  if (t.state == <u8>State.CLOSED) return;
  const next = min(min(t.timerAt, t.delackAt), t.idleAt);
  if (next != NEVER) heapArm(tcbIndex(t), next);
}

/**
 * R1: retransmissions after which the network is asked to look for another way, and the application is told (SHLD-10).
 */
const R1: u8 = 3;

/** The retransmission timer fired: the connection is given up, a window that closed is probed, or all is sent again. */
function retransmitDue(t: Tcb): void {
  disarmTimer(t);
  const syn = !isSynchronized(t);
  if (!syn && t.sndUna == t.sndNxt && !tcbHas(t, Has.BLOCKED)) return;
  if (isPastR2(t)) giveUp(t, syn ? Mib.tcpAttemptFails : Mib.TCPAbortOnTimeout);
  else if (!syn && t.sndWnd == 0) probeInstead(t);
  else tryAgain(t);
}

/** R2 (MUST-20, MUST-22): nothing was acknowledged for too long. A SYN has its own, of 3 minutes at least (MUST-23). */
function isPastR2(t: Tcb): bool {
  const limitMs = isSynchronized(t) ? t.userTimeoutMs
    : FAST_OPEN && isOpenedFast(t) ? config.halfOpenMs
    : config.synTimeoutMs;
  return clock.us - t.stalledAt >= <u64>limitMs * 1000;
}

/** The peer closed its window over what is in flight: it is probed, and the connection is not given up (SHLD-17). */
function probeInstead(t: Tcb): void {
  tcbSet(t, Has.PROBE_DUE);
  workAdd(t);
  persistArm(t);
}

/** Counts the retransmission, doubles the time to the next one, and orders what is to be sent again. */
function tryAgain(t: Tcb): void {
  if (t.retries < u8.MAX_VALUE) t.retries++;
  count(Mib.TCPTimeouts);
  if (t.retries == R1) {
    if (!isOwn(t.rip)) neighbourDoubt(nextHop(t.rip));
    tell(t, Event.STALLED);
  }
  rtoBackOff(t);
  rttStop(t);
  if (isSynchronized(t)) {
    if (BLACK_HOLES && t.retries >= R1) blackHoleSuspected(t);
    recoveryTimeout(t);
  } else {
    tcbSet(t, Has.SYN_DUE | Has.SYN_RESENT);
    count(Mib.TCPSynRetrans);
  }
  workAdd(t);
  // Restarted even if nothing can be sent now (RFC 6298 §5.6).
  armTimer(t, Timer.RETRANSMIT, t.rto);
}

function idleDue(t: Tcb): void {
  t.idleAt = NEVER;
  const first = tcbHas(t, Has.FIRST_BYTE);
  tcbClear(t, Has.FIRST_BYTE);
  let why = Mib.TCPAbortOnTimeout;
  if (first && t.rcvNxt == t.irs + 1) {
    // The handshake is complete, and the peer keeps silent: a connection that costs it nothing.
    why = Mib.TCPFirstByteTimeout;
  } else if (tcbHas(t, Has.ORPHAN)) {
    // Nobody is left to read what the peer sends, and it does not close its side (FIN-WAIT-2), or acknowledges nothing.
    giveUp(t, why);
    return;
  } else if (!tcbHas(t, Has.KEEP_ALIVE)) {
    return;
  } else if (first) {
    keepAliveStart(t);
    return;
  } else if (!keepAliveFires(t)) {
    return;
  }
  // Should the peer be there after all, it learns that the connection is over.
  sendReset(t);
  giveUp(t, why);
}
