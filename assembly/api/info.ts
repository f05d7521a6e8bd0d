// STATUS (RFC 9293 §3.10.6): what `tcp_info` writes, a layout of its own with a version. What the TCB has as it is told
// comes by a table, `COPIED`; the rest is worked out. The TCB may be laid out anew: then the table says where what is
// (tools/border refuses to go on when it is wrong), and callers notice nothing.

import { NEVER } from "../core/clock";
import { rangesBytes } from "../buffers/ranges";
import { State } from "../tcp/block/state";
import { NOBODY, demuxFind, isConn, isHalfOpen } from "../tcp/block/demux";
import { recoveryPipe, recoverySacked } from "../tcp/loss/recovery";
import { Has, Tcb, tcbHas } from "../tcp/block/tcb";
import { urgentLeft } from "../tcp/urgent";
import { Listener } from "../tcp/open/listener";

/** What `pool` counts. */
export const enum Pool {
  /** Connections in use. */
  CONNECTIONS,
  /** Records for handshakes that are free. */
  HALF_OPEN_FREE,
  /** Records for TIME-WAIT that are free. */
  TIME_WAIT_FREE,
  /** Ranges that are free. */
  RANGES_FREE,
}

/** Changes with the layout. */
const INFO_VERSION: u32 = 2;

@unmanaged export class TcpInfo {
  /** INFO_VERSION. */
  version: u32;

  // Which connection, and how it is

  /** Remote address, host order. */
  rip: u32;
  /** Local address, host order. */
  lip: u32;
  /** Remote port << 16 | local port. */
  ports: u32;
  /** Bits of `Has`. */
  flags: u32;
  /** The state now, one of `State`. */
  state: u8;
  /** Why the connection ended, of `Err`; 0: it did not, or in order. */
  error: i8;
  /** The last soft error, of `Err`; 0: none. */
  softError: i8;
  /** One of `Timer`: what `timerAt` is for. */
  timerKind: u8;
  /** Time-outs in a row. */
  retries: u8;
  /** Duplicate ACKs in a row (RFC 5681 §2). */
  dupAcks: u8;

  // Windows

  /** Shift of the windows that the peer names (RFC 7323 §2). */
  sndScale: u8;
  /** Shift of those that we name. */
  rcvScale: u8;
  /** Largest payload of a segment, bytes. */
  mss: u16;
  /** Largest packet of the path, bytes. */
  pathMtu: u16;
  /** SND.WND: the peer's window, bytes. */
  sndWnd: u32;
  /** The largest window that the peer has had, bytes. */
  maxSndWnd: u32;

  // The send sequence

  /** ISS: our initial sequence number. */
  iss: u32;
  /** SND.UNA: the first sequence number that is not acknowledged. */
  sndUna: u32;
  /** SND.NXT: the next one to send. */
  sndNxt: u32;
  /** SND.UP: the end of the urgent data that we send, as long as the flag URGENT_OUT is set. */
  sndUp: u32;
  /** SND.WL1: the sequence number of the last window update. */
  sndWl1: u32;
  /** SND.WL2: its acknowledgment number. */
  sndWl2: u32;
  /** Bytes in the send ring. */
  sndSize: u32;
  /** Bytes that are in the network, as far as is known; 0 once the connection has ended. */
  pipe: u32;
  /** Bytes that the peer selectively acknowledged. */
  sackedBytes: u32;

  // The receive sequence

  /** IRS: the peer's initial sequence number. */
  irs: u32;
  /** RCV.NXT: the next sequence number to receive. */
  rcvNxt: u32;
  /** RCV.NXT + RCV.WND, as advertised. */
  rcvAdv: u32;
  /** RCV.UP: the end of the urgent data that the peer sends, as long as the flag URGENT_IN is set. */
  rcvUp: u32;
  /** Last.ACK.sent (RFC 7323 §4.3). */
  lastAckSent: u32;
  /** TS.Recent (RFC 7323 §4.3). */
  tsRecent: u32;
  /** Bytes that the application has not taken. */
  rcvSize: u32;
  /** Bytes that arrived out of order. */
  outOfOrderBytes: u32;
  /** Bytes up to the end of the urgent data that is to be received. */
  urgentLeft: u32;

  // Congestion, and round trips

  /** The congestion window, bytes (RFC 5681 §2). */
  cwnd: u32;
  /** The slow start threshold, bytes. */
  ssthresh: u32;
  /** The time-out, µs (RFC 6298). */
  rto: u32;
  /** The smoothed round-trip time × 8, µs; 0: no sample yet. */
  srtt: u32;
  /** Its variation × 4, µs. */
  rttvar: u32;
  /** When TS.Recent was set, ms. */
  tsRecentAt: u32;
  /** What our timestamps are ahead of the clock (RFC 7323 §5.4). */
  tsOffset: u32;

  // Timers

  /** How long data may stay unacknowledged, ms. */
  userTimeoutMs: u32;
  /** When the timer fires whose kind is `timerKind`, µs; all ones: it is not armed. */
  timerAt: u64;
  /** When an ACK is due that waits, µs; all ones: none. */
  delackAt: u64;
  /**
   * When it is looked next whether a first byte has come (the flag FIRST_BYTE), or whether keep-alive has something
   * to send, µs; all ones: never.
   */
  idleAt: u64;
  /** When the last segment of this connection arrived, or, before the first one, when it was opened, µs. */
  heardAt: u64;
  /** Since when something waits for an acknowledgment without progress; if nothing does, when that ended; µs. */
  stalledAt: u64;

  // Options

  /** The MSS that the peer named. */
  peerMss: u16;
  /** Keep-alive: idle time before the first probe, s. */
  keepIdleS: u16;
  /** Keep-alive: time between probes, s. */
  keepIntervalS: u16;
  /** Keep-alive: unanswered probes before the connection is given up. */
  keepProbes: u8;
  /** Keep-alive: probes that were sent in a row. */
  keepSent: u8;
  /** Time to live of what is sent. */
  ttl: u8;
  /** Type of service of what is sent. */
  tos: u8;
  /** Congestion control, as CONGESTION was set. */
  congestion: u8;
  /** ECN (RFC 3168): 1 it is on, 2 a mark is echoed, 4 CWR is due, 8 our SYN asked for it. */
  ecn: u8;
  /** Bits of `FastOpen`. */
  fastOpen: u8;
  /** Segments with text since the last ACK was sent. */
  unacked: u8;
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

/** To a field of `TcpInfo`, from one of the TCB, so many bytes: fields of the same names in the same order. */
const COPIED: usize = memory.data<u8>([
  <u8>offsetof<TcpInfo>("rip"), <u8>offsetof<Tcb>("rip"), <u8>(offsetof<TcpInfo>("pipe") - offsetof<TcpInfo>("rip")),
  <u8>offsetof<TcpInfo>("irs"), <u8>offsetof<Tcb>("irs"),
  <u8>(offsetof<TcpInfo>("outOfOrderBytes") - offsetof<TcpInfo>("irs")),
  <u8>offsetof<TcpInfo>("cwnd"), <u8>offsetof<Tcb>("cwnd"),
  <u8>(offsetof<TcpInfo>("userTimeoutMs") - offsetof<TcpInfo>("cwnd")),
  <u8>offsetof<TcpInfo>("userTimeoutMs"), <u8>offsetof<Tcb>("userTimeoutMs"),
  <u8>(offsetof<TcpInfo>() - offsetof<TcpInfo>("userTimeoutMs")),
]);
const COPIED_END: usize = 12;

/** Writes what is to be known of a connection. */
export function info(t: Tcb, to: usize): void {
  for (let i: usize = 0; i < COPIED_END; i += 3) {
    memory.copy(to + load<u8>(i, COPIED), changetype<usize>(t) + load<u8>(i, COPIED + 1), load<u8>(i, COPIED + 2));
  }
  const i = changetype<TcpInfo>(to);
  i.version = INFO_VERSION;
  i.state = <u8>stateNow(t);
  // The timer is left alone when the ACK leaves with something else.
  if (!tcbHas(t, Has.ACK_LATER)) i.delackAt = NEVER;
  i.pipe = tcbHas(t, Has.DETACHED) ? 0 : recoveryPipe(t);
  i.sackedBytes = recoverySacked(t);
  i.outOfOrderBytes = rangesBytes(t.outOfOrder);
  i.urgentLeft = urgentLeft(t);
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
