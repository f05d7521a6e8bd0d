// The user's calls (RFC 9293 §3.10.1 to §3.10.6) on a TCB. They change state and never transmit; `poll` does.

import { config } from "../config";
import { count, Mib } from "../core/counters";
import { Err } from "../core/error";
import { eventForget } from "../core/events";
import { ringRead, ringWrite } from "../buffers/ring";
import { Tcb, Has, tcbHas, tcbIndex, recvRing, sendRing, workAdd, tcbSet } from "./block/tcb";
import { State, canReceive, canSend, setState } from "./block/state";
import { armFinWait2, armOrphan } from "./block/timers";
import { windowUpdate } from "./block/receive-window";
import { endConnection, release } from "./close/end";
import { urgentRead } from "./urgent";

// §3.10.2 SEND

/**
 * Bytes that can be queued now, an Err if none ever can. Where it is 0, WRITABLE is ordered: it is raised once there is
 * room again.
 */
export function userAskRoom(t: Tcb): i32 {
  if (t.error != 0) return <i32>t.error;
  if (tcbHas(t, Has.FIN_QUEUED)) return Err.CLOSED;
  if (!canSend(t)) return Err.STATE;
  const room = config.sendRing - t.sndSize;
  if (room == 0) tcbSet(t, Has.WANTS_ROOM);
  return <i32>room;
}

/** Queues up to `size` bytes from `src`. Returns how many, or AGAIN: the ring is full; WRITABLE follows. */
export function userSend(t: Tcb, src: usize, size: u32): i32 {
  const room = userAskRoom(t);
  if (room < 0) return room;
  const n = min(size, <u32>room);
  if (n < size) tcbSet(t, Has.WANTS_ROOM);
  if (n == 0) return size == 0 ? 0 : Err.AGAIN;
  ringWrite(sendRing(t), config.sendRing, t.sndHead, t.sndSize, src, n);
  return addQueued(t, n);
}

/** Where the next bytes to send can be written in place. */
export function userSendAt(t: Tcb): usize {
  let at = t.sndHead + t.sndSize;
  if (at >= config.sendRing) at -= config.sendRing;
  return sendRing(t) + at;
}

/** How many of them, without a break: ≤ userAskRoom. */
export function userSendSpan(t: Tcb): i32 {
  const room = userAskRoom(t);
  if (room <= 0) return room;
  return <i32>min(<u32>room, config.sendRing - <u32>(userSendAt(t) - sendRing(t)));
}

/** Queues `size` bytes that were written at `userSendAt`. */
export function userSendCommit(t: Tcb, size: u32): i32 {
  const span = userSendSpan(t);
  if (span < 0) return span;
  if (size > <u32>span) return Err.ARGUMENT;
  if (size == <u32>span) tcbSet(t, Has.WANTS_ROOM);
  return addQueued(t, size);
}

/** The ring has `size` bytes more. */
function addQueued(t: Tcb, size: u32): i32 {
  t.sndSize += size;
  workAdd(t);
  return <i32>size;
}

// §3.10.3 RECEIVE

/**
 * Bytes that can be taken now; 0: the peer has closed and all was taken; AGAIN:
 * nothing yet; else why there will be nothing.
 */
export function userReceivable(t: Tcb): i32 {
  if (t.rcvSize != 0) return <i32>t.rcvSize;
  if (tcbHas(t, Has.FIN_RECEIVED)) return 0;
  if (t.error != 0) return <i32>t.error;
  return canReceive(t) ? Err.AGAIN : Err.STATE;
}

/** Whether what was read is taken, or stays. */
export const enum Read { TAKE, PEEK }

/** Reads up to `size` bytes to `dst`. Returns how many; 0 and errors as `userReceivable`. */
export function userReceive(t: Tcb, dst: usize, size: u32, how: Read): i32 {
  const have = userReceivable(t);
  if (have <= 0) return have;
  const n = min(size, <u32>have);
  ringRead(recvRing(t), config.recvRing, t.rcvHead, 0, dst, n);
  if (how == Read.TAKE) consume(t, n);
  return <i32>n;
}

/** Where the next bytes lie in place. */
export function userReceiveAt(t: Tcb): usize {
  return recvRing(t) + t.rcvHead;
}

/** How many of them, without a break; 0 and errors as `userReceivable`. */
export function userReceiveSpan(t: Tcb): i32 {
  const have = userReceivable(t);
  return have <= 0 ? have : <i32>min(<u32>have, config.recvRing - t.rcvHead);
}

/** Gives `size` bytes back that were read at `userReceiveAt`. */
export function userConsume(t: Tcb, size: u32): i32 {
  const have = userReceivable(t);
  if (have < 0) return have;
  if (size > <u32>have) return Err.ARGUMENT;
  consume(t, size);
  return <i32>size;
}

function consume(t: Tcb, size: u32): void {
  t.rcvSize -= size;
  t.rcvHead += size;
  if (t.rcvHead >= config.recvRing) t.rcvHead -= config.recvRing;
  urgentRead(t);
  if (!tcbHas(t, Has.DETACHED)) windowUpdate(t);
}

// §3.10.4 CLOSE

/** Closes the sending side: FIN follows the last byte. What comes from the peer can still be received. */
export function userShutdown(t: Tcb): Err {
  if (tcbHas(t, Has.FIN_QUEUED)) return Err.OK;
  switch (t.state) {
    case State.SYN_SENT:
    case State.SYN_RECEIVED:
      // Deviates from RFC 9293 §3.10.4: in SYN-RECEIVED too, the FIN waits for ESTABLISHED.
      break;
    case State.ESTABLISHED:
      setState(t, State.FIN_WAIT_1);
      break;
    case State.CLOSE_WAIT:
      setState(t, State.LAST_ACK);
      break;
    default:
      return t.error != 0 ? <Err>t.error : Err.STATE;
  }
  tcbSet(t, Has.FIN_QUEUED);
  workAdd(t);
  return Err.OK;
}

/**
 * CLOSE, both ways: the handle is given up, the connection ends in order by itself. If data was received that nobody
 * took, the peer is told with a RST (RFC 9293 §3.6.1, SHLD-3).
 */
export function userClose(t: Tcb): void {
  tcbSet(t, Has.ORPHAN);
  eventForget(tcbIndex(t));
  if (tcbHas(t, Has.DETACHED)) {
    release(t);
    return;
  }
  if (t.state == <u8>State.SYN_SENT) {
    endConnection(t, Err.ABORTED);
    return;
  }
  if (t.rcvSize != 0) {
    count(Mib.TCPAbortOnClose);
    abort(t);
    return;
  }
  userShutdown(t);
  if (t.state == <u8>State.FIN_WAIT_2) armFinWait2(t);
  else armOrphan(t);
}

// §3.10.5 ABORT

/** The connection ends at once; the peer gets a RST if it knows of it. */
export function userAbort(t: Tcb): void {
  tcbSet(t, Has.ORPHAN);
  eventForget(tcbIndex(t));
  if (tcbHas(t, Has.DETACHED)) release(t);
  else abort(t);
}

function abort(t: Tcb): void {
  // "Any RECEIVEs and SENDs are flushed"; in CLOSING, LAST-ACK and TIME-WAIT the connection is over anyway.
  // Deviates from RFC 9293 §3.10.5: not while bytes are unacknowledged there. Their loss is told, as in §3.6.1.
  if (t.state >= <u8>State.SYN_RECEIVED && (t.state <= <u8>State.CLOSE_WAIT || t.sndSize != 0)) {
    tcbSet(t, Has.RESET_DUE);
    workAdd(t);
  } else {
    endConnection(t, Err.ABORTED);
  }
}
