// The services, compiled together with the stack: echo (RFC 862), discard (RFC 863), chargen (RFC 864) and files over HTTP. They use
// the same calls as any application, and copy from ring to ring.
//
// Files are the host's. It asks for the record of what is wanted (`serviceRequest`): how long is the file at a path, or a piece of it,
// straight into the send ring; and answers (`serviceAnswer`).

import {
  event_next, tcp_abort, tcp_accept, tcp_close, tcp_listen, tcp_recv_at, tcp_recv_consume, tcp_recv_size, tcp_recv_span, tcp_send_at,
  tcp_send_commit, tcp_send_room, tcp_send_span, tcp_set,
} from "../index";
import { FAST_OPEN, HTTP, MEASURING } from "../features";
import { Event } from "../core/events";
import { Err } from "../core/error";
import { TcpOption } from "../api/tcp";
import { indexOfHandle } from "../api/handle";
import { Http, Served, Service, servedAt, servedMax, textOf } from "./layout";
import { httpAnswer, httpArrives, httpNext, httpSend } from "./http";

export * from "../index";
export { servicesBytes } from "./layout";

/** What the host is asked for. */
const enum Want { NONE, LENGTH, PIECE }

/** The record that the host answers: 40 bytes. */
@unmanaged class Request {
  /** One of `Want`. */
  want: u32;
  /** Number of the connection's block. */
  block: u32;
  /** The path from "/" on, percent-encoding undone: address and bytes. */
  path: u32;
  pathSize: u32;
  /** PIECE: where the bytes go, and how many at most. */
  data: u32;
  size: u32;
  /** PIECE: from where on in the file. */
  offset: u64;
}

const request: Request = changetype<Request>(memory.data(40, 8));
/** The listeners' handles, by service; 0: not offered. Then, where the search for the next request goes on. */
const LISTENERS: usize = memory.data(24, 8);
const HAND: usize = LISTENERS + 20;

/** Starts a service on a port. Returns OK, or the Err of `tcp_listen`. */
export function serviceStart(service: u32, port: u32, backlog: u32): i32 {
  if (service == 0 || service > <u32>Service.HTTP) return Err.ARGUMENT;
  const handle = tcp_listen(0, port, backlog);
  if (handle < 0) return handle;
  // Whether SYNs may carry requests is the configuration's to say (`fastOpenMax`): all that they can ask for may be done twice.
  if (FAST_OPEN) tcp_set(handle, TcpOption.FAST_OPEN, 1);
  store<i32>(LISTENERS + (service << 2), handle);
  return Err.OK;
}

/** Stops listening, and closes every connection in order. */
export function servicesStop(): void {
  for (let s: u32 = 1; s <= <u32>Service.HTTP; s++) {
    const handle = load<i32>(LISTENERS + (s << 2));
    if (handle != 0) tcp_close(handle);
    store<i32>(LISTENERS + (s << 2), 0);
  }
  for (let i: u32 = 0; i < servedMax(); i++) {
    if (servedAt(i).handle != 0) finish(servedAt(i));
  }
}

/** Does what the events ask for. To be called after each `poll`; returns whether another poll may have something to send. */
export function servicesRun(): bool {
  let did = false;
  for (let e = event_next(); e != 0; e = event_next()) {
    const handle = <i32>(e >> 32), bits = <u32>e;
    if ((bits & Event.ACCEPT) != 0) acceptAll(handle);
    else serve(handle);
    did = true;
  }
  return did;
}

/** Address of what is wanted next, or 0. */
export function serviceRequest(): usize {
  if (!HTTP) return 0;
  for (let n = servedMax(); n > 0; n--) {
    const i = load<u32>(HAND), s = servedAt(i);
    store<u32>(HAND, i + 1 == servedMax() ? 0 : i + 1);
    if (s.handle == 0 || s.service != <u8>Service.HTTP) continue;
    request.block = i;
    request.path = <u32>textOf(s);
    request.pathSize = s.used;
    if (s.http == <u8>Http.STAT) {
      request.want = Want.LENGTH;
      return changetype<usize>(request);
    }
    if (s.http != <u8>Http.BODY) continue;
    const room = tcp_send_span(s.handle);
    if (room <= 0) continue;
    request.want = Want.PIECE;
    request.data = <u32>tcp_send_at(s.handle);
    request.size = <u32>min<u64>(room, s.size - s.offset);
    request.offset = s.offset;
    return changetype<usize>(request);
  }
  return 0;
}

/** The host's answer: LENGTH: the file's, negative if there is none; PIECE: how many bytes, at least 1. */
export function serviceAnswer(result: i64): void {
  if (!HTTP) return;
  const s = servedAt(request.block);
  if (s.handle == 0) return;
  if (request.want == <u32>Want.LENGTH) {
    httpAnswer(s, result < 0 ? 404 : 200, result < 0 ? 0 : <u64>result);
  } else if (result <= 0 || result > <i64>request.size || tcp_send_commit(s.handle, <u32>result) < 0) {
    // The file became shorter than was said, or the connection is gone: nothing but an abort can tell the peer.
    const handle = s.handle;
    s.handle = 0;
    tcp_abort(handle);
    return;
  } else {
    s.offset += result;
    if (s.offset == s.size) httpNext(s);
  }
  http(s);
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
  for (let s: u32 = 1; s <= <u32>Service.HTTP; s++) {
    if (load<i32>(LISTENERS + (s << 2)) == listener) service = s;
  }
  for (let handle = tcp_accept(listener); handle > 0; handle = tcp_accept(listener)) {
    const s = blockOf(handle);
    if (s == null) {
      tcp_abort(handle);
      continue;
    }
    memory.fill(changetype<usize>(s), 0, offsetof<Served>());
    s.handle = handle;
    s.service = <u8>service;
    serve(handle);
  }
}

/** Moves what can be moved. */
function serve(handle: i32): void {
  const s = blockOf(handle);
  if (s == null || s.handle != handle) return;
  switch (s.service) {
    case Service.ECHO: echo(s); break;
    case Service.DISCARD: if (MEASURING) discard(s); break;
    case Service.CHARGEN: if (MEASURING) chargen(s); break;
    default: if (HTTP) http(s);
  }
}

/** Gives the connection up; it ends in order by itself. */
function finish(s: Served): void {
  const handle = s.handle;
  s.handle = 0;
  tcp_close(handle);
}

/** Whether the peer has closed and everything was read, or the connection is over: then it is given up. */
function ended(s: Served): bool {
  const have = tcp_recv_size(s.handle);
  if (have > 0 || have == Err.AGAIN) return false;
  finish(s);
  return true;
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
  ended(s);
}

function drain(s: Served): void {
  for (let n = tcp_recv_span(s.handle); n > 0; n = tcp_recv_span(s.handle)) tcp_recv_consume(s.handle, n);
}

function discard(s: Served): void {
  drain(s);
  ended(s);
}

/** RFC 864: lines of 72 printing characters, each line starting one further. */
function chargen(s: Served): void {
  drain(s);
  if (ended(s)) return;
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
    if (s.http <= <u8>Http.FIELDS) {
      if (s.last && s.http == <u8>Http.LINE && s.status != 0) {
        // What still comes in is not wanted, and must not make the close a reset.
        drain(s);
        finish(s);
        return;
      }
      if (!httpArrives(s)) {
        ended(s);
        return;
      }
    } else if (s.http == <u8>Http.ANSWER) {
      if (!httpSend(s)) {
        if (tcp_send_room(s.handle) < 0) finish(s);
        return;
      }
    } else {
      // The host's turn; unless the connection is over.
      if (tcp_send_room(s.handle) < 0) finish(s);
      return;
    }
  }
}
