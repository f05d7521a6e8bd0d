// Files over HTTP/1.1 (RFC 9110, RFC 9112): GET and HEAD, persistent connections, one answer at a time.

import { tcp_recv_at, tcp_recv_consume, tcp_recv_span, tcp_send_at, tcp_send_commit, tcp_send_span } from "../index";
import { Http, PATH_MAX, Served, answerOf, textOf } from "./layout";
import { hexDigit, put, putNumber, sameText } from "./text";

/** Bytes of fields that one request may have. */
const FIELDS_MAX: u32 = 16384;

const GET: usize = memory.data<u8>([71, 69, 84, 32]);
const HEAD: usize = memory.data<u8>([72, 69, 65, 68, 32]);
/** " HTTP/1." */
const VERSION: usize = memory.data<u8>([32, 72, 84, 84, 80, 47, 49, 46]);
/** "Connection: close" */
const CLOSE: usize = memory.data<u8>([67, 111, 110, 110, 101, 99, 116, 105, 111, 110, 58, 32, 99, 108, 111, 115, 101]);
/** "HTTP/1.1 " */
const STATUS: usize = memory.data<u8>([72, 84, 84, 80, 47, 49, 46, 49, 32]);
/** "\r\nContent-Length: " */
const LENGTH: usize = memory.data<u8>([13, 10, 67, 111, 110, 116, 101, 110, 116, 45, 76, 101, 110, 103, 116, 104, 58, 32]);
const CRLF: usize = memory.data<u8>([13, 10, 13, 10]);
/** " OK", " Not Found", " Bad Request", " Method Not Allowed", " URI Too Long", " Request Header Fields Too Large" */
const OK: usize = memory.data<u8>([32, 79, 75]);
const NOT_FOUND: usize = memory.data<u8>([32, 78, 111, 116, 32, 70, 111, 117, 110, 100]);
const BAD_REQUEST: usize = memory.data<u8>([32, 66, 97, 100, 32, 82, 101, 113, 117, 101, 115, 116]);
const NOT_ALLOWED: usize = memory.data<u8>([32, 77, 101, 116, 104, 111, 100, 32, 78, 111, 116, 32, 65, 108, 108, 111, 119, 101, 100]);
const TOO_LONG: usize = memory.data<u8>([32, 84, 111, 111, 32, 76, 111, 110, 103]);

/** Reads a request as far as it has come. Returns whether it is complete: then its file is asked for, or the answer is an error. */
export function httpArrives(s: Served): bool {
  const text = textOf(s);
  for (let have = tcp_recv_span(s.handle); have > 0; have = tcp_recv_span(s.handle)) {
    const from = tcp_recv_at(s.handle);
    let taken: u32 = 0;
    let done = false;
    for (; taken < <u32>have && !done; taken++) {
      const c = load<u8>(from + taken);
      if (s.http == <u8>Http.FIELDS && ++s.fields > FIELDS_MAX) {
        refuse(s, 431);
        done = true;
      } else if (c == 10) {
        done = s.http == <u8>Http.LINE ? lineEnds(s) : fieldEnds(s);
      } else if (c != 13) {
        if (s.http == <u8>Http.LINE) {
          if (s.used == PATH_MAX) {
            refuse(s, 414);
            done = true;
          } else {
            store<u8>(text + s.used, c);
            s.used++;
          }
        } else {
          // Only as much of a field is kept as "Connection: close" has, behind the path, in the answer's room.
          if (s.answer < 17) store<u8>(answerOf(s) + s.answer, c);
          s.answer++;
        }
      }
    }
    tcp_recv_consume(s.handle, taken);
    if (done) return true;
  }
  return false;
}

/** The request line is complete. Returns whether the answer is known already. */
function lineEnds(s: Served): bool {
  const text = textOf(s);
  // Empty lines before a request are skipped (RFC 9112 §2.2).
  if (s.used == 0) return false;
  s.headOnly = s.used > 5 && memory.compare(text, HEAD, 5) == 0;
  const start: u32 = s.headOnly ? 5 : 4;
  if (s.used < start + 10 || memory.compare(text + s.used - 9, VERSION, 8) != 0) {
    refuse(s, 400);
    return true;
  }
  const known = s.headOnly || memory.compare(text, GET, 4) == 0;
  if (!known) {
    refuse(s, 405);
    return true;
  }
  // HTTP/1.0 closes after its answer.
  s.last = load<u8>(text + s.used - 1) == 48;
  if (!takePath(s, start, s.used - 9)) {
    refuse(s, 400);
    return true;
  }
  s.http = <u8>Http.FIELDS;
  s.fields = 0;
  s.answer = 0;
  return false;
}

/** Leaves only the path in the text, percent-encoding undone and the query cut off. */
function takePath(s: Served, from: u32, to: u32): bool {
  const text = textOf(s);
  if (load<u8>(text + from) != 47) return false;
  let n: u32 = 0;
  for (let i = from; i < to; i++) {
    let c = load<u8>(text + i);
    if (c == 63 || c == 35) break;
    if (c == 37) {
      if (i + 2 >= to) return false;
      const high = hexDigit(load<u8>(text + i + 1)), low = hexDigit(load<u8>(text + i + 2));
      if (high > 15 || low > 15) return false;
      c = (high << 4) | low;
      i += 2;
    }
    if (c == 0) return false;
    store<u8>(text + n, c);
    n++;
  }
  s.used = n;
  return true;
}

/** A field, or the empty line behind the last one, is complete. Returns whether the request is. */
function fieldEnds(s: Served): bool {
  if (s.answer != 0) {
    if (s.answer == 17 && sameText(answerOf(s), CLOSE, 17)) s.last = true;
    s.answer = 0;
    return false;
  }
  s.http = <u8>Http.STAT;
  return true;
}

/** An error is the answer; the connection ends with it. */
function refuse(s: Served, status: u32): void {
  s.last = true;
  s.headOnly = false;
  httpAnswer(s, status, 0);
}

/** Builds the answer's head. */
export function httpAnswer(s: Served, status: u32, size: u64): void {
  const start = answerOf(s);
  let at = put(start, STATUS, 9);
  at = putNumber(at, status);
  switch (status) {
    case 200: at = put(at, OK, 3); break;
    case 404: at = put(at, NOT_FOUND, 10); break;
    case 405: at = put(at, NOT_ALLOWED, 19); break;
    case 400: at = put(at, BAD_REQUEST, 12); break;
    default: at = put(at, TOO_LONG, 9);
  }
  at = put(at, LENGTH, 18);
  at = putNumber(at, size);
  if (s.last) {
    at = put(at, CRLF, 2);
    at = put(at, CLOSE, 17);
  }
  at = put(at, CRLF, 4);
  s.answer = <u32>(at - start);
  s.sent = 0;
  s.status = status;
  s.size = size;
  s.offset = 0;
  s.http = <u8>Http.ANSWER;
}

/** Sends the answer's head as far as it goes. Returns whether all of it is queued; BODY or the next request follows. */
export function httpSend(s: Served): bool {
  while (s.sent < s.answer) {
    const room = tcp_send_span(s.handle);
    if (room <= 0) return false;
    const n = min(<u32>room, s.answer - s.sent);
    memory.copy(tcp_send_at(s.handle), answerOf(s) + s.sent, n);
    tcp_send_commit(s.handle, n);
    s.sent += n;
  }
  if (s.headOnly || s.size == 0) httpNext(s);
  else s.http = <u8>Http.BODY;
  return true;
}

/** The answer is out: the next request. */
export function httpNext(s: Served): void {
  s.http = <u8>Http.LINE;
  s.used = 0;
  s.answer = 0;
}
