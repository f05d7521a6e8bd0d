// The TCP interface (RFC 9293 §3.9.1): every call checks its handle, its pointers and its values; none transmits.

import { config } from "../config";
import { BBR, BOUNDED, FAMILIES, FAST_OPEN, IPV6, LOOPBACK } from "../features";
import { Err } from "../core/error";
import { eventForget, generationNext } from "../core/events";
import { isName, isSound, nameDrop, nameKeep, nameSettled, noName } from "../address/names";
import { isMulticast, isBroadcast, isLoopback, isOwn, isReachable, sourceFor } from "../ip/address";
import { isUnspecified } from "../ip/interface6";
import { Congestion, Tcb, Has, tcbAt, tcbHas, tcbsFree, tcbClear, tcbSet } from "../tcp/block/tcb";
import { State } from "../tcp/block/state";
import { NOBODY, demuxFind, isConn, isHalfOpen } from "../tcp/block/demux";
import { connectStart, tcbOpen } from "../tcp/open/connect";
import { ephemeralPort } from "../tcp/open/ephemeral";
import { keepAliveSet, keepAliveStart } from "../tcp/close/keep-alive";
import { fastOpenWant } from "../tcp/open/fast-open";
import { EVERY_IPV4, listenerFor, Listener, listenerIndex } from "../tcp/open/listener";
import { listenerPurge, acceptTake } from "../tcp/open/accept";
import { userAbort } from "../tcp/user";
import { handleOfListener, handleOfTcb } from "./handle";

/**
 * Passive OPEN: listens on `ip` (0, EVERY_IPV4 or the unspecified address of IPv6: every own address, or those of one
 * family) and `port`. Returns a handle, IN_USE, FULL or ARGUMENT.
 */
export function listen(ip: u32, port: u32, backlog: u32): i32 {
  const isFamily = FAMILIES && (ip == EVERY_IPV4 || (isName(ip) && isUnspecified(ip)));
  if ((IPV6 && !isSound(ip)) || port == 0 || port > 65535 || backlog == 0 || (ip != 0 && !isFamily && !isOwn(ip))) {
    return Err.ARGUMENT;
  }
  if (isFamily && ip != EVERY_IPV4) ip = noName();
  const same = listenerFor(ip, port);
  if (same != null && same.ip == ip) return Err.IN_USE;
  // One that nobody uses has the address 0 and the port 0.
  const l = listenerFor(0, 0);
  if (l == null) return Err.FULL;
  memory.fill(changetype<usize>(l), 0, offsetof<Listener>());
  generationNext(config.connsMax + listenerIndex(l));
  l.ip = isFamily ? ip : nameKeep(ip);
  l.port = <u16>port;
  l.backlog = backlog;
  l.ttl = <u8>config.ttl;
  return handleOfListener(l);
}

/** Stops listening. Connections that nobody accepted are aborted; accepted ones go on. */
export function unlisten(l: Listener): void {
  listenerPurge(l);
  let n: u32 = 0;
  for (let t = acceptTake(l); t != null; t = acceptTake(l)) {
    assert(!BOUNDED || n++ < config.connsMax);
    userAbort(t);
  }
  if (!FAMILIES || l.ip != noName()) nameDrop(l.ip);
  eventForget(config.connsMax + listenerIndex(l));
  l.ip = l.port = 0;
}

/**
 * Sets TOS or TTL, of SYN-ACKs and of the connections that follow, or FAST_OPEN; a listener has
 * no other options. Returns OK or ARGUMENT.
 */
export function setListenerOption(l: Listener, option: u32, value: u32): Err {
  if (FAST_OPEN && option == <u32>TcpOption.FAST_OPEN) {
    l.fastOpen = value != 0;
    return Err.OK;
  }
  const ttl = option == <u32>TcpOption.TTL;
  if ((!ttl && option != <u32>TcpOption.TOS) || value > 255 || (ttl && value == 0)) return Err.ARGUMENT;
  if (ttl) l.ttl = <u8>value;
  else l.tos = <u8>value;
  return Err.OK;
}

/** The next ESTABLISHED connection: its handle, or AGAIN. */
export function accept(l: Listener): i32 {
  const t = acceptTake(l);
  if (t == null) return Err.AGAIN;
  tcbSet(t, Has.HELD);
  return handleOfTcb(t);
}

/**
 * Active OPEN from `lip` (0: chosen, RFC 9293 MUST-44) and `lport` (0: an ephemeral port). Returns a handle at once;
 * CONNECTED or CLOSED follows. ARGUMENT (also for broadcast and multicast, MUST-46), UNREACHABLE, IN_USE or FULL.
 */
export function connect(lip: u32, lport: u32, rip: u32, rport: u32): i32 {
  if (IPV6 && (!isSound(lip) || !isSound(rip))) return Err.ARGUMENT;
  // Flows are found by names that are kept: what was at hand may have got one since it was named.
  if (IPV6) rip = nameSettled(rip);
  if (rport == 0 || rport > 65535 || lport > 65535 || (lip != 0 && !isSource(lip, rip))) return Err.ARGUMENT;
  if (rip >> 24 == 0 || isMulticast(rip) || isBroadcast(rip) || (rip >> 28 == 15 && !isName(rip))) return Err.ARGUMENT;
  if (!isReachable(rip)) return Err.UNREACHABLE;
  const local = lip != 0 ? lip : sourceFor(rip);
  let port = <u16>lport;
  if (port == 0) port = ephemeralPort(local, rip, <u16>rport);
  const ports = (rport << 16) | <u32>port;
  if (port == 0 || demuxFind(local, rip, ports) != NOBODY) return Err.IN_USE;
  const t = tcbOpen(local, rip, ports);
  if (t == null) return Err.FULL;
  tcbSet(t, Has.HELD);
  connectStart(t);
  return handleOfTcb(t);
}

/**
 * Whether a connection may go from `lip` to `rip`: both are of one family; from 127/8 only to ourselves, since that
 * never stands on the wire (RFC 1122 §3.2.1.3 (g)).
 */
function isSource(lip: u32, rip: u32): bool {
  if (isName(lip) != isName(rip)) return false;
  return lip == config.ip || (IPV6 && isName(lip) && isOwn(lip) && !isLoopback(lip)) ||
    (LOOPBACK && isLoopback(lip) && isOwn(rip));
}

/** What `setOption` sets. */
export const enum TcpOption {
  /** 1: Nagle's algorithm is off (MUST-17). */
  NO_DELAY,
  /** 1: on (MUST-24). */
  KEEP_ALIVE,
  /** Idle time before the first probe, s (MUST-27). @as keepIdleS */
  KEEP_IDLE,
  /** Time between probes, s. @as keepIntervalS */
  KEEP_INTERVAL,
  /** Unanswered probes before the connection is given up, 2 at least. */
  KEEP_PROBES,
  /** R2, ms (MUST-21). @as userTimeoutMs */
  USER_TIMEOUT,
  /** DSCP and ECN bits, as the TOS octet (MUST-48). */
  TOS,
  /** Time to live (MUST-49). */
  TTL,
  /** 0: no events for soft errors (SHLD-20). */
  SOFT_ERRORS,
  /**
   * 1: TCP Fast Open (RFC 7413). A connection that `tcp_connect` has just made sends what is queued
   * before the next `poll` in its SYN, once its server has given it a cookie: the server may see that
   * text twice. A listener takes such connections.
   */
  FAST_OPEN,
  /** Congestion control: 0 as the configuration has it, 1 CUBIC or NewReno, 2 BBR, in a build that has it. */
  CONGESTION,
  COUNT,
}

/**
 * The options from KEEP_IDLE to TTL: where the TCB has each, in how many bytes, and its least value. One unanswered
 * probe must not end a connection (MUST-29).
 */
const FIELDS: usize = memory.data<u8>([
  <u8>offsetof<Tcb>("keepIdleS"), 2, 1, <u8>offsetof<Tcb>("keepIntervalS"), 2, 1, <u8>offsetof<Tcb>("keepProbes"), 1, 2,
  <u8>offsetof<Tcb>("userTimeoutMs"), 4, 1, <u8>offsetof<Tcb>("tos"), 1, 0, <u8>offsetof<Tcb>("ttl"), 1, 1,
]);

/** Returns OK, ARGUMENT, or STATE for FAST_OPEN once the SYN is sent. */
export function setOption(t: Tcb, option: u32, value: u32): Err {
  if (BBR && option == <u32>TcpOption.CONGESTION) {
    if (value >= <u32>Congestion.COUNT) return Err.ARGUMENT;
    t.congestion = <u8>value;
    return Err.OK;
  }
  switch (option) {
    case TcpOption.NO_DELAY:
      setFlag(t, Has.NO_DELAY, value != 0);
      return Err.OK;
    case TcpOption.SOFT_ERRORS:
      setFlag(t, Has.NO_SOFT_ERRORS, value == 0);
      return Err.OK;
    case TcpOption.FAST_OPEN:
      return FAST_OPEN ? fastOpenWant(t, value != 0) : Err.ARGUMENT;
    case TcpOption.KEEP_ALIVE:
      keepAliveSet(t, value != 0);
      return Err.OK;
    default:
  }
  if (option > <u32>TcpOption.TTL) return Err.ARGUMENT;
  const field = FIELDS + (option - TcpOption.KEEP_IDLE) * 3;
  const at = changetype<usize>(t) + <usize>load<u8>(field), size = <u32>load<u8>(field, 1);
  if (value < <u32>load<u8>(field, 2) || (size < 4 && value >> (size << 3) != 0)) return Err.ARGUMENT;
  if (size == 1) store<u8>(at, <u8>value);
  else if (size == 2) store<u16>(at, <u16>value);
  else store<u32>(at, value);
  if (option <= <u32>TcpOption.KEEP_INTERVAL && tcbHas(t, Has.KEEP_ALIVE)) keepAliveStart(t);
  return Err.OK;
}

function setFlag(t: Tcb, flag: Has, on: bool): void {
  if (on) tcbSet(t, flag);
  else tcbClear(t, flag);
}

/**
 * The state of a four-tuple: a connection's, SYN_RECEIVED for a half-open record, LISTEN if
 * a SYN would find a listener, else CLOSED.
 */
export function flowState(lip: u32, lport: u32, rip: u32, rport: u32): State {
  if (IPV6 && (!isSound(lip) || !isSound(rip))) return State.CLOSED;
  if (IPV6) {
    lip = nameSettled(lip);
    rip = nameSettled(rip);
  }
  const owner = demuxFind(lip, rip, (rport << 16) | lport);
  if (owner == NOBODY) return lport == 0 || listenerFor(lip, lport) == null ? State.CLOSED : State.LISTEN;
  if (isConn(owner)) return <State>tcbAt(owner).state;
  return isHalfOpen(owner) ? State.SYN_RECEIVED : State.TIME_WAIT;
}

/** Connections in use. */
export function connsInUse(): u32 {
  return config.connsMax - tcbsFree();
}
