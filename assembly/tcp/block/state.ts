// The states of RFC 9293 §3.3.2. This is the only file that assigns one; a block that is given back is CLOSED (tcb.ts).

import { Tcb, FastOpen } from "./tcb";

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

/** Which states may follow each (RFC 9293 §3.3.2, figure 5), a bit a state, CLOSED the last; CLOSED may follow all. */
const FOLLOWERS: usize = memory.data<u16>([
  0b00000001101, // CLOSED: SYN-SENT, SYN-RECEIVED
  0b00000000001, // LISTEN
  0b00000011001, // SYN-SENT: SYN-RECEIVED, ESTABLISHED
  0b00000110001, // SYN-RECEIVED: ESTABLISHED, FIN-WAIT-1
  0b00010100001, // ESTABLISHED: FIN-WAIT-1, CLOSE-WAIT
  0b10101000001, // FIN-WAIT-1: FIN-WAIT-2, CLOSING, TIME-WAIT
  0b10000000001, // FIN-WAIT-2: TIME-WAIT
  0b01000000001, // CLOSE-WAIT: LAST-ACK
  0b10000000001, // CLOSING: TIME-WAIT
  0b00000000001, // LAST-ACK
  0b00000000001, // TIME-WAIT
]);

/** Whether the state diagram has a way from one state to the other. */
function canFollow(from: u32, to: State): bool {
  return (<u32>load<u16>(FOLLOWERS + (<usize>from << 1)) >> to & 1) != 0;
}

export function setState(t: Tcb, to: State): void {
  assert(canFollow(t.state, to));
  t.state = <u8>to;
}

/** ESTABLISHED and everything after it (RFC 9293 §3.5.3). */
export function isSynchronized(t: Tcb): bool {
  return t.state >= <u8>State.ESTABLISHED;
}

/** Whether the application may still queue data. */
export function canSend(t: Tcb): bool {
  return (t.state >= <u8>State.SYN_SENT && t.state <= <u8>State.ESTABLISHED) || t.state == <u8>State.CLOSE_WAIT;
}

/** Whether data may still come from the peer. */
export function canReceive(t: Tcb): bool {
  return t.state >= <u8>State.SYN_SENT && t.state <= <u8>State.FIN_WAIT_2;
}

/** Whether the connection opened fast, as a server, and its handshake is not complete. */
export function isOpenedFast(t: Tcb): bool {
  return t.state == <u8>State.SYN_RECEIVED && (<u32>t.fastOpen & FastOpen.OPENED) != 0;
}
