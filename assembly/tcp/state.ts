// The states of RFC 9293 §3.3.2. This is the only file that assigns one.

import { Tcb } from "./tcb";

export const enum State {
  CLOSED = 0,
  LISTEN = 1,
  SYN_SENT = 2,
  SYN_RECEIVED = 3,
  ESTABLISHED = 4,
  FIN_WAIT_1 = 5,
  FIN_WAIT_2 = 6,
  CLOSE_WAIT = 7,
  CLOSING = 8,
  LAST_ACK = 9,
  TIME_WAIT = 10,
}

/** Whether the state diagram (RFC 9293 §3.3.2, figure 5) has a way from one state to the other. */
export function canFollow(from: State, to: State): bool {
  if (to == State.CLOSED) return true;
  switch (from) {
    case State.CLOSED: return to == State.SYN_SENT || to == State.SYN_RECEIVED;
    case State.SYN_SENT: return to == State.SYN_RECEIVED || to == State.ESTABLISHED;
    case State.SYN_RECEIVED: return to == State.ESTABLISHED || to == State.FIN_WAIT_1;
    case State.ESTABLISHED: return to == State.FIN_WAIT_1 || to == State.CLOSE_WAIT;
    case State.FIN_WAIT_1: return to == State.FIN_WAIT_2 || to == State.CLOSING || to == State.TIME_WAIT;
    case State.FIN_WAIT_2: return to == State.TIME_WAIT;
    case State.CLOSE_WAIT: return to == State.LAST_ACK;
    case State.CLOSING: return to == State.TIME_WAIT;
    default: return false;
  }
}

export function setState(t: Tcb, to: State): void {
  assert(canFollow(<State>t.state, to));
  t.state = <u8>to;
}

/** ESTABLISHED and everything after it (RFC 9293 §3.5.3). */
export function isSynchronized(t: Tcb): bool {
  return t.state >= <u8>State.ESTABLISHED;
}

/** Whether the application may still queue data. */
export function canSend(t: Tcb): bool {
  return t.state == <u8>State.ESTABLISHED || t.state == <u8>State.CLOSE_WAIT || t.state == <u8>State.SYN_SENT ||
    t.state == <u8>State.SYN_RECEIVED;
}

/** Whether data may still come from the peer. */
export function canReceive(t: Tcb): bool {
  return t.state >= <u8>State.SYN_SENT && t.state <= <u8>State.FIN_WAIT_2;
}
