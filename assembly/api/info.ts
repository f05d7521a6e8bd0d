// STATUS (RFC 9293 §3.10.6): what `tcp_info` writes, a layout of its own with a version. Its middle has the TCB's
// fields at the TCB's places (tools/border refuses to go on when that is no longer so: then the version changes, too);
// what is nobody's business is `reserved`.

import { rangesBytes } from "../buffers/ranges";
import { State } from "../tcp/block/state";
import { NOBODY, demuxFind, isConn, isHalfOpen } from "../tcp/block/demux";
import { recoveryPipe, recoverySacked } from "../tcp/loss/recovery";
import { Tcb } from "../tcp/block/tcb";
import { userUrgentLeft } from "../tcp/user";
import { Listener } from "../tcp/open/listener";

/** Changes with the layout. */
const INFO_VERSION: u32 = 1;

@unmanaged export class TcpInfo {
  /** INFO_VERSION. */
  version: u32;
  /** The state now, one of `State`. */
  state: u32;
  /** Remote and local address, host order. */
  rip: u32;
  lip: u32;
  /** Remote port << 16 | local port. */
  ports: u32;
  /** Bits of `Has`. */
  flags: u32;
  reserved0: u8;
  /** One of `Timer`: what `timerAt` is for. */
  timerKind: u8;
  /** Time-outs in a row. */
  retries: u8;
  dupAcks: u8;
  sndScale: u8;
  rcvScale: u8;
  /** Errors, of `Err`: why the connection ended; the last soft error. 0: none. */
  error: i8;
  softError: i8;
  /** Largest payload of a segment; largest packet of the path. Bytes. */
  mss: u16;
  pathMtu: u16;
  sndUna: u32;
  sndNxt: u32;
  sndWnd: u32;
  maxSndWnd: u32;
  iss: u32;
  sndUp: u32;
  rcvNxt: u32;
  /** RCV.NXT + RCV.WND, as advertised. */
  rcvAdv: u32;
  rcvUp: u32;
  irs: u32;
  reserved1: u32;
  /** Bytes in the send ring; bytes that the application has not taken. */
  sndSize: u32;
  reserved2: u32;
  rcvSize: u32;
  /** The time-out, µs (RFC 6298). */
  rto: u32;
  cwnd: u32;
  ssthresh: u32;
  /** RFC 6582 `recover`, RFC 6675 RecoveryPoint. */
  recover: u32;
  sndLost: u32;
  rtxNxt: u32;
  tsRecent: u32;
  reserved3: u16;
  reserved4: u16;
  lastAckSent: u32;
  sndWl1: u32;
  sndWl2: u32;
  finSeq: u32;
  tsRecentAt: u32;
  tsOffset: u32;
  /** Smoothed round-trip time × 8 and its variation × 4, µs; srtt 0: no sample yet. */
  srtt: u32;
  rttvar: u32;
  reserved5: u32;
  reserved6: u32;
  reserved7: u32;
  reserved8: u32;
  reserved9: u32;
  reserved10: u32;
  reserved11: u32;
  reserved12: u32;
  userTimeoutMs: u32;
  /** When the timer fires whose kind is `timerKind`, µs; all ones: it is not armed. */
  timerAt: u64;
  /** When an ACK is due that waits, µs; all ones: none. */
  delackAt: u64;
  /**
   * When keep-alive, the wait for a first byte, or the time of a connection that its application
   * has closed is over, µs; all ones: never.
   */
  idleAt: u64;
  /** When the last segment of this connection arrived, µs. */
  heardAt: u64;
  /** Since when something has been waiting for an acknowledgment without progress, µs. */
  stalledAt: u64;
  reserved13: u64;
  reserved14: u16;
  /** The MSS that the peer named. */
  peerMss: u16;
  keepIdleS: u16;
  keepIntervalS: u16;
  reserved15: u16;
  challenges: u8;
  keepProbes: u8;
  keepSent: u8;
  tos: u8;
  ttl: u8;
  /** Segments with text since the last ACK was sent. */
  unacked: u8;
  reserved16: u32;
  /** Bits of `Ecn` and of `FastOpen`. */
  ecn: u8;
  fastOpen: u8;
  reserved17: u16;
  /** Bytes that are in the network, as far as is known. */
  pipe: u32;
  /** Bytes that the peer selectively acknowledged; bytes that arrived out of order. */
  sackedBytes: u32;
  outOfOrderBytes: u32;
  /** Bytes up to the end of the urgent data that is to be received. */
  urgentLeft: u32;
}

/** What `listener_info` writes. */
@unmanaged export class ListenerInfo {
  /** Half-open records; connections to accept. */
  halfOpen: u32;
  toAccept: u32;
  backlog: u32;
  /** 1 while it defends itself with SYN cookies. */
  defending: u32;
}

/** Writes what is to be known of a connection. */
export function info(t: Tcb, to: usize): void {
  const i = changetype<TcpInfo>(to);
  i.version = INFO_VERSION;
  i.state = stateNow(t);
  // One copy costs 250 bytes of code less than field after field.
  memory.copy(to + offsetof<TcpInfo>("rip"), changetype<usize>(t), offsetof<Tcb>());
  i.pipe = recoveryPipe(t);
  i.sackedBytes = recoverySacked(t);
  i.outOfOrderBytes = rangesBytes(t.outOfOrder);
  i.urgentLeft = userUrgentLeft(t);
}

/** The state, also of a block whose four-tuple is in TIME-WAIT: once that is over, it is CLOSED. */
function stateNow(t: Tcb): State {
  if (t.state != <u8>State.TIME_WAIT) return <State>t.state;
  const owner = demuxFind(t.lip, t.rip, t.ports);
  return owner != NOBODY && !isConn(owner) && !isHalfOpen(owner) ? State.TIME_WAIT : State.CLOSED;
}

/** Writes what is to be known of a listener. */
export function listenerInfo(l: Listener, to: usize): void {
  const i = changetype<ListenerInfo>(to);
  i.halfOpen = l.halfOpen;
  i.toAccept = l.acceptCount;
  i.backlog = l.backlog;
  i.defending = <u32>l.defending;
}
