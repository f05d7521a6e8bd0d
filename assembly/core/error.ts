/**
 * What a call returns when it cannot do what was asked: small negative numbers, the same ones in
 * AssemblyScript, in TypeScript and in C (tools/border).
 */
export const enum Err {
  /** No error. */
  OK = 0,
  /** The handle is stale, invented, or of another kind. */
  HANDLE = -1,
  /** A pointer, a length or a value is out of range. */
  ARGUMENT = -2,
  /** The call makes no sense in this state (RFC 9293 §3.10: "connection does not exist", "connection closing"). */
  STATE = -3,
  /** The table that the call needs an entry of is full. */
  FULL = -4,
  /** Nothing to do now; an event tells when. */
  AGAIN = -5,
  /** The local address and port are taken. */
  IN_USE = -6,
  /** The peer answered a SYN with a RST, or an ICMP error said so ("connection refused"). */
  REFUSED = -7,
  /** The peer reset the connection ("connection reset"). */
  RESET = -8,
  /** R2, the user timeout or the keep-alive limit passed ("connection aborted due to user timeout"). */
  TIMED_OUT = -9,
  /** No route, no neighbour, or an ICMP error said so. */
  UNREACHABLE = -10,
  /** The sending side was closed by this application. */
  CLOSED = -11,
  /** A call before `init`. */
  NOT_INIT = -12,
  /** `init` got no entropy. */
  ENTROPY = -13,
  /** The arena is smaller than `layoutSize` says. */
  NO_MEMORY = -14,
  /** A value in the configuration is out of its range. */
  CONFIG = -15,
  /** The connection was aborted by this application. */
  ABORTED = -16,
  /** The datagram is longer than the buffer or than what a frame carries. */
  SIZE = -17,
  /** The own address that the connection had is gone. */
  NO_ADDRESS = -18,
  /** There is no such name. */
  NOT_FOUND = -19,
  /** No DNS server answers, or none of them does well. */
  NO_ANSWER = -20,
  /** The name has no IPv4 address; it may have others. */
  NO_IPV4 = -21,
  /** The name has no IPv6 address; it may have others. */
  NO_IPV6 = -22,
}
