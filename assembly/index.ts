// The module's exports: a C-like interface over handles, pointers and lengths. What they mean stands at each; `Err`
// names the errors. A pointer and length must lie in memory, outside the arena and the module's own data, and not be 0,
// else ARGUMENT. A handle that is none, so also any before `init`: HANDLE.

import { BLOCK, Config, configTune } from "./config";
import { Err } from "./core/error";
import { countersAt, Mib } from "./core/counters";
import { eventTake, NO_EVENT } from "./core/events";
import { borrow, isUp, controlAt, stackInit, stackLinkChanged, stackPoll, stackSize } from "./stack";
import { STACK_PLACES, stackPlace } from "./clients/owners";
import { rangesFree } from "./buffers/ranges";
import * as api from "./api/tcp";
import { ListenerInfo, Pool, TcpInfo, info, listenerInfo } from "./api/info";
import { handleOf, listenerOf, tcbOf } from "./api/handle";
import {
  Read, userAbort, userClose, userConsume, userReceivable, userReceive, userReceiveAt, userReceiveSpan, userSend,
  userSendAt, userSendCommit, userAskRoom, userSendSpan, userShutdown,
} from "./tcp/user";
import { urgentLeft, urgentMark } from "./tcp/urgent";
import { halfOpenFree } from "./tcp/block/half-open-record";
import { timeWaitsFree } from "./tcp/block/time-wait-record";

export { udp_open, udp_send, udp_recv, udp_close } from "./api/udp";

/**
 * Address of a block of 304 bytes: the configuration is written there, and `init`
 * called; later it is free for the host's use.
 */
export function configBlock(): usize {
  return BLOCK;
}

/** Bytes of arena that the configuration at `block` takes; ARGUMENT, CONFIG or NO_MEMORY. */
export function layoutSize(block: usize): i64 {
  return stackSize(changetype<Config>(block));
}

/**
 * Lays the stack out as the configuration at `block` says, and wipes its entropy.
 * OK, ARGUMENT, CONFIG, ENTROPY or NO_MEMORY.
 */
export function init(block: usize): Err {
  return stackInit(changetype<Config>(block));
}

/**
 * Moves frames and time: takes in all frames from the host, fires timers, sends. Returns the microseconds until it must
 * be called again at the latest; 0: at once, there is more; −1: nothing is due. NOT_INIT.
 */
export function poll(nowUs: u64): i32 {
  return isUp() ? stackPoll(nowUs) : Err.NOT_INIT;
}

/**
 * The link was away, and may lead to another network now: neighbours are asked for again, and the
 * own address is announced. OK or NOT_INIT.
 */
export function link_changed(): Err {
  if (!isUp()) return Err.NOT_INIT;
  stackLinkChanged();
  return Err.OK;
}

/**
 * Address of the control block: the ring from the host, then the ring to it, each as a
 * SlotRing (buffers/slots.ts). 0 before `init`.
 */
export function controlBlock(): usize {
  return controlAt();
}

/** Address of the u32 counters, in the order of `Mib`. */
export function counters(): usize {
  return countersAt();
}

/** How many counters there are. */
export function countersCount(): u32 {
  return <u32>Mib.COUNT;
}

/** How full a table is, in entries; `which`: one of `Pool`. ARGUMENT or NOT_INIT. */
export function pool(which: u32): i32 {
  if (!isUp()) return Err.NOT_INIT;
  switch (which) {
    case Pool.CONNECTIONS: return <i32>api.connsInUse();
    case Pool.HALF_OPEN_FREE: return <i32>halfOpenFree();
    case Pool.TIME_WAIT_FREE: return <i32>timeWaitsFree();
    case Pool.RANGES_FREE: return <i32>rangesFree();
    default: return Err.ARGUMENT;
  }
}

/**
 * Changes one number of the running configuration, by its place among the u32 of `Config`: from `policy` to
 * `firstByteMs`. What is under way keeps the deadline that it has. OK, ARGUMENT or NOT_INIT.
 */
export function tune(word: u32, value: u32): Err {
  return isUp() ? configTune(word, value) : Err.NOT_INIT;
}

/** The next socket that has something to tell: its handle in the upper half, bits of `Event` in the lower; 0: none. */
export function event_next(): u64 {
  if (!isUp()) return 0;
  const e = eventTake();
  if (e == NO_EVENT) return 0;
  // Handle 0 is the stack itself.
  if (STACK_PLACES != 0 && <u32>(e >> 32) == stackPlace()) return e & 0xffffffff;
  return (<u64><u32>handleOf(<u32>(e >> 32)) << 32) | (e & 0xffffffff);
}

/**
 * Listens on `ip` and `port`; 0: on every own address. In builds with everything also 255.255.255.255: on every IPv4
 * one; and the name of :: (`ip6_name`): on every IPv6 one. Returns a handle, IN_USE, FULL or ARGUMENT.
 */
export function tcp_listen(ip: u32, port: u32, backlog: u32): i32 {
  return isUp() ? api.listen(ip, port, backlog) : Err.NOT_INIT;
}

/**
 * A connection that `listener` has, and that nobody took yet: a handle, the oldest first. AGAIN: none waits (ACCEPT
 * follows). HANDLE.
 */
export function tcp_accept(listener: i32): i32 {
  const l = listenerOf(listener);
  return l == null ? Err.HANDLE : api.accept(l);
}

/**
 * Active OPEN to `rip` and `rport`, from `lip` and `lport`; 0: the address that fits, a port that is free. Returns a
 * handle at once, and CONNECTED or CLOSED follows. ARGUMENT, FULL, IN_USE, UNREACHABLE or NOT_INIT.
 */
export function tcp_connect(lip: u32, lport: u32, rip: u32, rport: u32): i32 {
  return isUp() ? api.connect(lip, lport, rip, rport) : Err.NOT_INIT;
}

/** Queues up to `size` bytes. Returns how many; AGAIN when the ring is full (WRITABLE follows). */
export function tcp_send(handle: i32, src: usize, size: u32): i32 {
  const t = tcbOf(handle);
  if (t == null) return Err.HANDLE;
  return borrow(src, size) ? userSend(t, src, size) : Err.ARGUMENT;
}

/** Bytes that could be queued now. 0: the ring is full, and WRITABLE follows. */
export function tcp_send_room(handle: i32): i32 {
  const t = tcbOf(handle);
  return t == null ? Err.HANDLE : userAskRoom(t);
}

/** Where the next bytes can be written in place; `tcp_send_span` of them. 0: no such connection. */
export function tcp_send_at(handle: i32): usize {
  const t = tcbOf(handle);
  return t == null ? 0 : userSendAt(t);
}

/** Bytes that can be written at `tcp_send_at`: up to the end of the free room, or of the ring. */
export function tcp_send_span(handle: i32): i32 {
  const t = tcbOf(handle);
  return t == null ? Err.HANDLE : userSendSpan(t);
}

/** Queues the `size` bytes that were written in place. */
export function tcp_send_commit(handle: i32, size: u32): i32 {
  const t = tcbOf(handle);
  return t == null ? Err.HANDLE : userSendCommit(t, size);
}

/** Takes up to `size` bytes. Returns how many; 0: the peer has closed; AGAIN: nothing yet. */
export function tcp_recv(handle: i32, dst: usize, size: u32): i32 {
  return receive(handle, dst, size, Read.TAKE);
}

/** The same, but the bytes stay. */
export function tcp_peek(handle: i32, dst: usize, size: u32): i32 {
  return receive(handle, dst, size, Read.PEEK);
}

function receive(handle: i32, dst: usize, size: u32, how: Read): i32 {
  const t = tcbOf(handle);
  if (t == null) return Err.HANDLE;
  return borrow(dst, size) ? userReceive(t, dst, size, how) : Err.ARGUMENT;
}

/** Bytes that can be taken now; 0 and errors as `tcp_recv`. */
export function tcp_recv_size(handle: i32): i32 {
  const t = tcbOf(handle);
  return t == null ? Err.HANDLE : userReceivable(t);
}

/** Where the next bytes lie in place; `tcp_recv_span` of them. 0: no such connection. */
export function tcp_recv_at(handle: i32): usize {
  const t = tcbOf(handle);
  return t == null ? 0 : userReceiveAt(t);
}

/** Bytes that can be read at `tcp_recv_at`: up to the last one received, or to the end of the ring. */
export function tcp_recv_span(handle: i32): i32 {
  const t = tcbOf(handle);
  return t == null ? Err.HANDLE : userReceiveSpan(t);
}

/** Gives back `size` bytes that were read in place. */
export function tcp_recv_consume(handle: i32, size: u32): i32 {
  const t = tcbOf(handle);
  return t == null ? Err.HANDLE : userConsume(t, size);
}

/** Everything queued so far is urgent. */
export function tcp_urgent(handle: i32): Err {
  const t = tcbOf(handle);
  return t == null ? Err.HANDLE : urgentMark(t);
}

/** Bytes up to the end of the urgent data that is to be received; 0: there is none. */
export function tcp_urgent_left(handle: i32): i32 {
  const t = tcbOf(handle);
  return t == null ? Err.HANDLE : <i32>urgentLeft(t);
}

/** Closes the sending side (FIN follows the last byte). */
export function tcp_shutdown(handle: i32): Err {
  const t = tcbOf(handle);
  return t == null ? Err.HANDLE : userShutdown(t);
}

/** Gives the handle of a connection or a listener up. A connection ends in order by itself. */
export function tcp_close(handle: i32): Err {
  const l = listenerOf(handle);
  if (l != null) {
    api.unlisten(l);
    return Err.OK;
  }
  const t = tcbOf(handle);
  if (t == null) return Err.HANDLE;
  userClose(t);
  return Err.OK;
}

/** Gives the handle up and resets the connection. */
export function tcp_abort(handle: i32): Err {
  const t = tcbOf(handle);
  if (t == null) return Err.HANDLE;
  userAbort(t);
  return Err.OK;
}

/** Sets one of `TcpOption`, of a connection or, if it has that one, of a listener. */
export function tcp_set(handle: i32, option: u32, value: u32): Err {
  const l = listenerOf(handle);
  if (l != null) return api.setListenerOption(l, option, value);
  const t = tcbOf(handle);
  return t == null ? Err.HANDLE : api.setOption(t, option, value);
}

/** Writes what is to be known of the connection to `dst`: a `TcpInfo` (api/info.ts). */
export function tcp_info(handle: i32, dst: usize): Err {
  const t = tcbOf(handle);
  if (t == null) return Err.HANDLE;
  if (!borrow(dst, offsetof<TcpInfo>())) return Err.ARGUMENT;
  info(t, dst);
  return Err.OK;
}

/** Writes what is to be known of the listener to `dst`: a `ListenerInfo` (api/info.ts). */
export function listener_info(handle: i32, dst: usize): Err {
  const l = listenerOf(handle);
  if (l == null) return Err.HANDLE;
  if (!borrow(dst, offsetof<ListenerInfo>())) return Err.ARGUMENT;
  listenerInfo(l, dst);
  return Err.OK;
}

/** The state (RFC 9293 §3.3.2, numbered 0 CLOSED … 10 TIME-WAIT) of a four-tuple. */
export function flow_state(lip: u32, lport: u32, rip: u32, rport: u32): i32 {
  return isUp() ? <i32>api.flowState(lip, lport, rip, rport) : Err.NOT_INIT;
}
