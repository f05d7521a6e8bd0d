// The services, compiled together with the stack: echo (RFC 862), discard (RFC 863), chargen (RFC 864) and files over
// HTTP. They use the same calls as any application, and copy from ring to ring.
//
// Files are the host's. It asks for the record of what is wanted (`serviceRequest`): how long is the file at a path, or
// a piece of it, straight into the send ring; and answers (`serviceAnswer`).
//
// No call here looks at connections that nothing happened to: work is proportional to events.

import {
  event_next, tcp_abort, tcp_accept, tcp_close, tcp_listen, tcp_recv_at, tcp_recv_consume, tcp_recv_size, tcp_recv_span,
  tcp_send_at, tcp_send_commit, tcp_send_span, tcp_set, tcp_shutdown,
} from "../index";
import { BOARD, FAST_OPEN, HTTP, MEASURING } from "../features";
import { clock, NEVER } from "../core/clock";
import { countersAt, Mib } from "../core/counters";
import { Event } from "../core/events";
import { Err } from "../core/error";
import { TcpOption, connsInUse } from "../api/tcp";
import { indexOfHandle } from "../api/handle";
import { STACK_PLACES } from "../clients/owners";
import { config } from "../config";
import {
  Http, Request, Served, Service, Want, listenerSlot, servedAt, servedClear, servedIndex, servedMax, shared, textOf,
} from "./layout";
import {
  enlist, hasUnsent, idleNext, idleSeconds, idleTake, idleVictim, isOver, isTelling, promise, stoodStill,
  touch, unlist,
} from "./idle";
import { httpAnswer, httpArrives, httpIsBetween, httpNext, httpSend, httpTimedOut } from "./http";

export * from "../index";
export { servicesBytes } from "./layout";

/** Connections that are over time, and are looked at between two polls. */
const OVER_TIME_MAX: u32 = 256;

const request: Request = changetype<Request>(memory.data(offsetof<Request>(), 8));

/** Starts a service on a port. Returns OK, or the Err of `tcp_listen`. */
export function serviceStart(service: u32, port: u32, backlog: u32): i32 {
  if (service == 0 || service > <u32>Service.HTTP || servedMax() == 0) return Err.ARGUMENT;
  const handle = tcp_listen(0, port, backlog);
  if (handle < 0) return handle;
  // Whether SYNs may carry requests is the configuration's to say (`fastOpenMax`): all
  // that they can ask for may be done twice.
  if (FAST_OPEN) tcp_set(handle, TcpOption.FAST_OPEN, 1);
  store<i32>(listenerSlot(service), handle);
  return Err.OK;
}

/** A connection that says nothing and takes nothing for so many seconds is ended; 0: none is. */
export function servicesIdle(seconds: u32): void {
  if (servedMax() != 0) shared().idle = min(seconds, u16.MAX_VALUE) + 1;
}

/**
 * Stops listening, and closes every connection in order: HTTP's after the answer that has begun,
 * echo's when what has come is sent back. The host polls until `servicesLeft` is 0, or for as long as
 * it likes to, and then calls `servicesCut`.
 */
export function servicesStop(): void {
  if (servedMax() == 0) return;
  for (let service: u32 = 1; service <= <u32>Service.HTTP; service++) {
    const handle = load<i32>(listenerSlot(service));
    if (handle != 0) tcp_close(handle);
    store<i32>(listenerSlot(service), 0);
  }
  shared().stopping = 1;
  for (let i: u32 = 0; i < servedMax(); i++) {
    const s = servedAt(i);
    if (s.handle == 0 || s.service == <u8>Service.CLOSING) continue;
    if (isOver(s)) {
      forget(s);
    } else if (s.service == <u8>Service.ECHO) {
      echo(s);
    } else if (HTTP && s.service == <u8>Service.HTTP && s.http > <u8>Http.CONTENT) {
      s.last = true;
    } else {
      close(s);
    }
  }
}

/** Connections with something left to tell: bytes, or a FIN, that the peer has not acknowledged. */
export function servicesLeft(): u32 {
  let left: u32 = 0;
  for (let i: u32 = 0; i < servedMax(); i++) if (servedAt(i).handle != 0 && isTelling(servedAt(i))) left++;
  return left;
}

/**
 * Resets what is left, at the next `poll`. Returns how many connections were reset with
 * something left to tell, since `servicesStop`.
 */
export function servicesCut(): u32 {
  if (servedMax() == 0) return 0;
  for (let i: u32 = 0; i < servedMax(); i++) if (servedAt(i).handle != 0) abort(servedAt(i));
  return shared().cut;
}

/**
 * Does what the events ask for. To be called after each `poll`; returns whether
 * another poll may have something to send.
 */
export function servicesRun(): bool {
  let did = false;
  stoodStill();
  for (let e = event_next(); e != 0; e = event_next()) {
    const handle = <i32>(e >> 32), bits = <u32>e;
    if ((bits & Event.ACCEPT) != 0) acceptAll(handle);
    // What the stack tells of itself (handle 0) is the host's to look up.
    else if (STACK_PLACES == 0 || handle != 0) serve(handle, bits);
    did = true;
  }
  if (servedMax() == 0) return did;
  if (giveWay()) did = true;
  // Those that are left come with the next poll, which is due at once: frames have their turn in between.
  for (let n = OVER_TIME_MAX; n > 0 && idleNext() <= clock.us; n--) {
    const s = idleTake();
    if (s != null) overTime(s);
    did = true;
  }
  return did;
}

/** What is left of the `wait` that `poll` returned, µs, −1 for ever: until a connection has been idle for too long. */
export function servicesWait(wait: i32): i32 {
  if (servedMax() == 0) return wait;
  stoodStill();
  const next = idleNext();
  if (next == NEVER) return promise(wait);
  const left = next <= clock.us ? 0 : <i32>min<u64>(next - clock.us, i32.MAX_VALUE);
  return promise(wait < 0 ? left : min(wait, left));
}

/** Address of what is wanted next, or 0. Until it is answered, it stays the next. */
export function serviceRequest(): usize {
  if (!HTTP || servedMax() == 0) return 0;
  while (shared().wantFirst != 0) {
    const i = shared().wantFirst - 1, s = servedAt(i);
    if (s.handle != 0 && s.service == <u8>Service.HTTP && fillRequest(s)) {
      request.block = i;
      request.path = <u32>textOf(s);
      request.pathSize = s.used;
      request.tag = s.tag;
      return changetype<usize>(request);
    }
    wantTake();
  }
  return 0;
}

/** Fills in what a connection wants of the host. Returns whether it wants anything. */
function fillRequest(s: Served): bool {
  if (s.http == <u8>Http.STAT) {
    request.want = Want.LENGTH;
    request.size = s.headOnly ? 0 : 1;
    return true;
  }
  const room = s.http == <u8>Http.BODY ? tcp_send_span(s.handle) : 0;
  if (room <= 0) return false;
  request.want = Want.PIECE;
  request.data = <u32>tcp_send_at(s.handle);
  request.size = <u32>min<u64>(room, s.size - s.offset);
  request.offset = s.offset;
  return true;
}

/**
 * The host's answer. LENGTH: the file's; −1: there is none; −2: it cannot be told now. PIECE: how many bytes, at
 * least 1; else the file is not what it was.
 */
export function serviceAnswer(result: i64): void {
  if (!HTTP || servedMax() == 0 || shared().wantFirst != request.block + 1) return;
  const s = wantTake();
  if (s.handle == 0) return;
  if (request.want == <u32>Want.LENGTH) {
    s.tag = request.tag;
    httpAnswer(s, result >= 0 ? 200 : result == -2 ? 503 : 404, result < 0 ? 0 : <u64>result);
  } else if (result <= 0 || result > <i64>request.size || tcp_send_commit(s.handle, <u32>result) < 0) {
    // The file is shorter than was said, or another, or the connection is gone: nothing but an abort can tell the peer.
    abort(s);
    return;
  } else {
    s.offset += result;
    touch(s);
    if (s.offset == s.size) httpNext(s);
  }
  http(s);
}

/** The connection wants something of the host, once. */
function want(s: Served): void {
  if (s.wanting != 0) return;
  s.wanting = 1;
  s.wantNext = 0;
  const last = shared().wantLast, me = servedIndex(s) + 1;
  if (last == 0) shared().wantFirst = me;
  else servedAt(last - 1).wantNext = me;
  shared().wantLast = me;
}

/** Takes the first one off the queue. */
function wantTake(): Served {
  const s = servedAt(shared().wantFirst - 1);
  shared().wantFirst = s.wantNext;
  if (s.wantNext == 0) shared().wantLast = 0;
  s.wanting = 0;
  return s;
}

/** The handle of the connection in the i-th block, 0: none. */
export function serviceConnection(i: u32): i32 {
  return i < servedMax() ? servedAt(i).handle : 0;
}

/** The block of a connection. */
function blockOf(handle: i32): Served | null {
  const index = indexOfHandle(handle);
  return index < servedMax() ? servedAt(index) : null;
}

function acceptAll(listener: i32): void {
  let service: u32 = 0;
  for (let s: u32 = 1; s <= <u32>Service.HTTP && servedMax() != 0; s++) {
    if (load<i32>(listenerSlot(s)) == listener) service = s;
  }
  for (let handle = tcp_accept(listener); handle > 0; handle = tcp_accept(listener)) {
    const s = blockOf(handle);
    if (s == null) {
      tcp_abort(handle);
      continue;
    }
    servedClear(s);
    s.handle = handle;
    s.service = <u8>service;
    // On a board the limit for idle connections has to do: it cannot be switched off there.
    if (!BOARD) keepAlive(handle);
    // An answer is written at once: its end has nothing to wait for (RFC 9293 §3.7.4).
    if (HTTP && service == <u32>Service.HTTP) tcp_set(handle, TcpOption.NO_DELAY, 1);
    enlist(s);
    serve(handle, 0);
  }
}

/**
 * Asks whether a silent peer is still there, so that one that vanished is noticed
 * even where nobody is ended for being idle.
 */
function keepAlive(handle: i32): void {
  const idle = idleSeconds();
  tcp_set(handle, TcpOption.KEEP_IDLE, idle == 0 ? 60 : max<u32>(idle >> 1, 1));
  tcp_set(handle, TcpOption.KEEP_INTERVAL, 5);
  tcp_set(handle, TcpOption.KEEP_PROBES, 4);
  tcp_set(handle, TcpOption.KEEP_ALIVE, 1);
}

/** Moves what can be moved. */
function serve(handle: i32, bits: u32): void {
  const s = blockOf(handle);
  if (s == null || s.handle != handle) return;
  // A request that is not complete has until its end to come: bytes one by one win no
  // time. Nor does what comes after our close.
  const fixed = s.service == <u8>Service.CLOSING ||
    (HTTP && s.service == <u8>Service.HTTP && s.http <= <u8>Http.CONTENT);
  if ((bits & (Event.READABLE | Event.WRITABLE)) != 0 && !fixed) touch(s);
  if (isOver(s)) {
    forget(s);
    return;
  }
  switch (s.service) {
    case Service.ECHO: echo(s); break;
    case Service.DISCARD: if (MEASURING) discard(s); break;
    case Service.CHARGEN: if (MEASURING) chargen(s); break;
    case Service.CLOSING: drain(s); break;
    default: if (HTTP) http(s);
  }
}

/** The block is free. Returns the handle. */
function drop(s: Served): i32 {
  const handle = s.handle;
  unlist(s);
  s.handle = 0;
  return handle;
}

/** Gives the handle up. A connection that is not over ends in order by itself. */
function forget(s: Served): void {
  tcp_close(drop(s));
}

function abort(s: Served): void {
  if (shared().stopping != 0 && isTelling(s)) shared().cut++;
  tcp_abort(drop(s));
}

/**
 * Closes our side, and waits until the connection is over (RFC 9112 §9.6): a handle that is given up with bytes unread
 * resets the connection, and the peer may lose our last answer.
 */
function close(s: Served): void {
  unlist(s);
  s.service = <u8>Service.CLOSING;
  enlist(s);
  tcp_shutdown(s.handle);
  drain(s);
}

/** Closes when everything was read, and the peer has closed or we are to end. Returns whether it did. */
function closeWhenRead(s: Served): bool {
  const have = tcp_recv_size(s.handle);
  if (have > 0 || (have < 0 && shared().stopping == 0)) return false;
  close(s);
  return true;
}

/**
 * Whoever completed a handshake and found no room: the connection that has been idle for
 * longest gives way. Returns whether one did.
 */
function giveWay(): bool {
  const refused = load<u32>(countersAt() + (<usize>Mib.ListenOverflows << 2));
  if (shared().refused == refused) return false;
  shared().refused = refused;
  if (connsInUse() < config.connsMax) return false;
  const s = idleVictim();
  if (s == null) return false;
  abort(s);
  return true;
}

/** A connection has been idle for too long. */
function overTime(s: Served): void {
  if (s.service == <u8>Service.CLOSING || hasUnsent(s)) {
    // The peer takes nothing: it would take no FIN either.
    abort(s);
  } else if (HTTP && s.service == <u8>Service.HTTP && !httpIsBetween(s)) {
    touch(s);
    if (s.http > <u8>Http.CONTENT) return;
    httpTimedOut(s);
    http(s);
  } else {
    close(s);
  }
}

function echo(s: Served): void {
  for (;;) {
    const have = tcp_recv_span(s.handle);
    if (have <= 0) break;
    const room = tcp_send_span(s.handle);
    if (room <= 0) break;
    const n = min(have, room);
    memory.copy(tcp_send_at(s.handle), tcp_recv_at(s.handle), n);
    tcp_send_commit(s.handle, n);
    tcp_recv_consume(s.handle, n);
  }
  closeWhenRead(s);
}

function drain(s: Served): void {
  for (let n = tcp_recv_span(s.handle); n > 0; n = tcp_recv_span(s.handle)) tcp_recv_consume(s.handle, n);
}

function discard(s: Served): void {
  drain(s);
  closeWhenRead(s);
}

/** RFC 864: lines of 72 printing characters, each line starting one further. */
function chargen(s: Served): void {
  drain(s);
  if (closeWhenRead(s)) return;
  for (let room = tcp_send_span(s.handle); room > 0; room = tcp_send_span(s.handle)) {
    const at = tcp_send_at(s.handle);
    for (let i = 0; i < room; i++) {
      // 74 bytes a line; after 95 lines the pattern repeats.
      const line = s.column / 74, column = s.column % 74;
      store<u8>(at + i, column == 72 ? 13 : column == 73 ? 10 : <u8>(32 + (line + column) % 95));
      s.column = s.column + 1 == 74 * 95 ? 0 : s.column + 1;
    }
    tcp_send_commit(s.handle, room);
  }
}

function http(s: Served): void {
  for (;;) {
    if (s.http <= <u8>Http.CONTENT) {
      if (s.last && s.http == <u8>Http.LINE) {
        close(s);
        return;
      }
      if (!httpArrives(s)) {
        closeWhenRead(s);
        return;
      }
      touch(s);
    } else if (s.http == <u8>Http.ANSWER) {
      if (!httpSend(s)) return;
    } else {
      // The host's turn.
      want(s);
      return;
    }
  }
}
