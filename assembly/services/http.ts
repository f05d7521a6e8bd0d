// Files over HTTP/1.1 (RFC 9110, RFC 9112): GET and HEAD, persistent connections, one answer at a time.
// docs/services.md has the table of limits and their answers.

import { tcp_recv_at, tcp_recv_consume, tcp_recv_span, tcp_send_at, tcp_send_commit, tcp_send_span } from "../index";
import { ANSWER_MAX, CONTENT_MAX, FIELDS_MAX, Http, PATH_MAX, Served, answerOf, textOf } from "./layout";
import { hexDigit, put, putNumber, sameText } from "./text";

/** What a request said so far: bits of `Served.said`. */
const enum Said {
  /** The last octet was a CR. */
  CR = 1,
  CONTENT_LENGTH = 2,
  TRANSFER_ENCODING = 4,
  HOST = 8,
  EXPECT = 16,
  /** It is of HTTP/1.0. */
  OLD = 32,
}

/** "GET " */
const GET: usize = memory.data<u8>([71, 69, 84, 32]);
/** "HEAD " */
const HEAD: usize = memory.data<u8>([72, 69, 65, 68, 32]);
/** " HTTP/1." */
const VERSION: usize = memory.data<u8>([32, 72, 84, 84, 80, 47, 49, 46]);
/** "http://" */
const SCHEME: usize = memory.data<u8>([104, 116, 116, 112, 58, 47, 47]);
/** "HTTP/1.1 " */
const STATUS: usize = memory.data<u8>([72, 84, 84, 80, 47, 49, 46, 49, 32]);
/** "\r\nAllow: GET, HEAD" */
const ALLOW: usize = memory.data<u8>([13, 10, 65, 108, 108, 111, 119, 58, 32, 71, 69, 84, 44, 32, 72, 69, 65, 68]);
/** "\r\nContent-Length: " */
const LENGTH: usize = memory.data<u8>([
  13, 10, 67, 111, 110, 116, 101, 110, 116, 45, 76, 101, 110, 103, 116, 104, 58, 32,
]);
/** "\r\nConnection: close" */
const CLOSES: usize = memory.data<u8>([
  13, 10, 67, 111, 110, 110, 101, 99, 116, 105, 111, 110, 58, 32, 99, 108, 111, 115, 101,
]);
/** "\r\n\r\n" */
const CRLF: usize = memory.data<u8>([13, 10, 13, 10]);
/** "content-length" */
const CONTENT_LENGTH: usize = memory.data<u8>([99, 111, 110, 116, 101, 110, 116, 45, 108, 101, 110, 103, 116, 104]);
/** "transfer-encoding" */
const TRANSFER_ENCODING: usize = memory.data<u8>([
  116, 114, 97, 110, 115, 102, 101, 114, 45, 101, 110, 99, 111, 100, 105, 110, 103,
]);
/** "connection" */
const CONNECTION: usize = memory.data<u8>([99, 111, 110, 110, 101, 99, 116, 105, 111, 110]);
/** "host" */
const HOST: usize = memory.data<u8>([104, 111, 115, 116]);
/** "expect" */
const EXPECT: usize = memory.data<u8>([101, 120, 112, 101, 99, 116]);
/** "close" */
const CLOSE: usize = memory.data<u8>([99, 108, 111, 115, 101]);
/** " OK" */
const OK: usize = memory.data<u8>([32, 79, 75]);
/** " Bad Request" */
const BAD_REQUEST: usize = memory.data<u8>([32, 66, 97, 100, 32, 82, 101, 113, 117, 101, 115, 116]);
/** " Not Found" */
const NOT_FOUND: usize = memory.data<u8>([32, 78, 111, 116, 32, 70, 111, 117, 110, 100]);
/** " Method Not Allowed" */
const NOT_ALLOWED: usize = memory.data<u8>([
  32, 77, 101, 116, 104, 111, 100, 32, 78, 111, 116, 32, 65, 108, 108, 111, 119, 101, 100,
]);
/** " Request Timeout" */
const TIMED_OUT: usize = memory.data<u8>([32, 82, 101, 113, 117, 101, 115, 116, 32, 84, 105, 109, 101, 111, 117, 116]);
/** " Too Large" */
const TOO_LARGE: usize = memory.data<u8>([32, 84, 111, 111, 32, 76, 97, 114, 103, 101]);
/** " Not Implemented" */
const NOT_DONE: usize = memory.data<u8>([32, 78, 111, 116, 32, 73, 109, 112, 108, 101, 109, 101, 110, 116, 101, 100]);
/** " Service Unavailable" */
const BUSY: usize = memory.data<u8>([
  32, 83, 101, 114, 118, 105, 99, 101, 32, 85, 110, 97, 118, 97, 105, 108, 97, 98, 108, 101,
]);

/**
 * Reads a request as far as it has come. Returns whether it is complete: then its file
 * is asked for, or the answer is an error.
 */
export function httpArrives(s: Served): bool {
  for (let have = tcp_recv_span(s.handle); have > 0; have = tcp_recv_span(s.handle)) {
    const from = tcp_recv_at(s.handle);
    let taken: u32 = 0;
    while (taken < <u32>have && s.http < <u8>Http.STAT) {
      if (s.http == <u8>Http.CONTENT) {
        // It is read and thrown away, so that it is not taken for the next request (RFC 9112 §9.3).
        const n = <u32>min<u64>(s.size, <u64>(<u32>have - taken));
        taken += n;
        s.size -= n;
        if (s.size == 0) s.http = <u8>Http.STAT;
      } else {
        octet(s, load<u8>(from + taken++));
      }
    }
    tcp_recv_consume(s.handle, taken);
    if (s.http >= <u8>Http.STAT) return true;
  }
  return false;
}

/** The next octet of a request's line or fields. */
function octet(s: Served, c: u8): void {
  if (s.http == <u8>Http.FIELDS && ++s.fields > FIELDS_MAX) {
    refuse(s, 431);
    return;
  }
  const afterCr = (s.said & Said.CR) != 0;
  s.said &= ~Said.CR;
  if (c == 10) {
    if (s.http == <u8>Http.LINE) lineEnds(s);
    else fieldEnds(s);
  } else if (afterCr || (c < 32 && c != 9 && c != 13)) {
    // A CR alone is not let through, nor taken for anything (RFC 9112 §2.2).
    refuse(s, 400);
  } else if (c == 13) {
    s.said |= Said.CR;
  } else if (s.http == <u8>Http.FIELDS) {
    // A field is read behind the path, in the answer's room.
    if (s.answer < ANSWER_MAX) store<u8>(answerOf(s) + s.answer, c);
    s.answer++;
  } else if (s.used == PATH_MAX) {
    refuse(s, 414);
  } else {
    store<u8>(textOf(s) + s.used, c);
    s.used++;
  }
}

/** The request line is complete. */
function lineEnds(s: Served): void {
  const text = textOf(s);
  // Empty lines before a request are skipped (RFC 9112 §2.2).
  if (s.used == 0) return;
  s.headOnly = s.used > 5 && memory.compare(text, HEAD, 5) == 0;
  const start: u32 = s.headOnly ? 5 : 4;
  const minor = <u32>load<u8>(text + s.used - 1) - 48;
  if (s.used < start + 10 || memory.compare(text + s.used - 9, VERSION, 8) != 0 || minor > 9) {
    refuse(s, 400);
    return;
  }
  if (!s.headOnly && memory.compare(text, GET, 4) != 0) {
    refuse(s, 405);
    return;
  }
  // HTTP/1.0 closes after its answer, and needs no Host.
  s.last = minor == 0;
  s.said = s.last ? Said.OLD : 0;
  if (!takePath(s, start, s.used - 9)) {
    refuse(s, 400);
    return;
  }
  s.http = <u8>Http.FIELDS;
  s.fields = s.answer = 0;
  s.size = 0;
}

/** Leaves only the path in the text, percent-encoding undone and the query cut off. */
function takePath(s: Served, from: u32, to: u32): bool {
  const text = textOf(s);
  let i = from, n: u32 = 0;
  if (to - from > 7 && sameText(text + from, SCHEME, 7)) {
    // The absolute form (RFC 9112 §3.2.2): whatever host it names, it was sent here.
    for (i += 7; i < to && load<u8>(text + i) != 47; i++);
  }
  if (i == to || load<u8>(text + i) != 47) return false;
  for (; i < to; i++) {
    let c = load<u8>(text + i);
    if (c == 63 || c == 35) break;
    if (c <= 32) return false;
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
  // Nor may there be a space behind a "?".
  for (; i < to; i++) if (load<u8>(text + i) <= 32) return false;
  s.used = n;
  return true;
}

/** A field, or the empty line behind the last one, is complete. */
function fieldEnds(s: Served): void {
  if (s.answer == 0) {
    headEnds(s);
    return;
  }
  const wrong = field(s, answerOf(s), min(s.answer, ANSWER_MAX));
  s.answer = 0;
  if (wrong != 0) refuse(s, wrong);
}

/** Takes in what a field says. Returns the status with which the request is refused for it, or 0. */
function field(s: Served, at: usize, size: u32): u32 {
  let n: u32 = 0;
  // No space before the colon (RFC 9112 §5.1), nor at the line's beginning (§5.2).
  for (; n < size && load<u8>(at + n) != 58; n++) if (load<u8>(at + n) <= 32) return 400;
  if (n == size) return s.answer > ANSWER_MAX ? 431 : 400;
  if (n == 0) return 400;
  let value = n + 1, end = size;
  while (value < end && isSpace(load<u8>(at + value))) value++;
  while (end > value && isSpace(load<u8>(at + end - 1))) end--;
  const isHost = is(at, n, HOST, 4), isLength = is(at, n, CONTENT_LENGTH, 14),
    isCoding = is(at, n, TRANSFER_ENCODING, 17);
  const isConnection = is(at, n, CONNECTION, 10), isExpect = is(at, n, EXPECT, 6);
  if (s.answer > ANSWER_MAX) return isHost || isLength || isConnection ? 431 : isCoding ? 501 : 0;
  if (isHost) {
    if ((s.said & Said.HOST) != 0) return 400;
    s.said |= Said.HOST;
  } else if (isLength) {
    const had = s.size, again = (s.said & Said.CONTENT_LENGTH) != 0;
    if (!takeLength(s, at + value, end - value) || (again && s.size != had)) return 400;
    s.said |= Said.CONTENT_LENGTH;
  } else if (isCoding) {
    s.said |= Said.TRANSFER_ENCODING;
  } else if (isExpect) {
    s.said |= Said.EXPECT;
  } else if (isConnection && lists(at + value, end - value, CLOSE, 5)) {
    s.last = true;
  }
  return 0;
}

function isSpace(c: u8): bool {
  return c == 32 || c == 9;
}

function is(at: usize, size: u32, name: usize, nameSize: u32): bool {
  return size == nameSize && sameText(at, name, nameSize);
}

/** The content's length: up to 18 digits, and nothing else. */
function takeLength(s: Served, at: usize, size: u32): bool {
  if (size == 0 || size > 18) return false;
  s.size = 0;
  for (let i: u32 = 0; i < size; i++) {
    const digit = <u32>load<u8>(at + i) - 48;
    if (digit > 9) return false;
    s.size = s.size * 10 + <u64>digit;
  }
  return true;
}

/** Whether a list with commas has the word. */
function lists(at: usize, size: u32, word: usize, wordSize: u32): bool {
  for (let i: u32 = 0; i < size;) {
    while (i < size && (isSpace(load<u8>(at + i)) || load<u8>(at + i) == 44)) i++;
    const start = i;
    while (i < size && !isSpace(load<u8>(at + i)) && load<u8>(at + i) != 44) i++;
    if (is(at + start, i - start, word, wordSize)) return true;
  }
  return false;
}

/** The fields are complete: what comes next, by RFC 9112 §6.3. */
function headEnds(s: Served): void {
  const coded = (s.said & Said.TRANSFER_ENCODING) != 0;
  if ((coded && (s.said & Said.CONTENT_LENGTH) != 0) || (s.said & (Said.HOST | Said.OLD)) == 0) {
    // Both: somebody before us may have read another length than we would (§6.1). No Host: §3.2.
    refuse(s, 400);
  } else if (coded) {
    refuse(s, 501);
  } else if (s.size > CONTENT_MAX) {
    refuse(s, 413);
  } else if (s.size != 0 && (s.said & Said.EXPECT) != 0) {
    // Its content is not sent before we say "100": it gets its answer at once, and the
    // connection ends with that (RFC 9110 §10.1.1).
    s.last = true;
    s.http = <u8>Http.STAT;
  } else {
    s.http = s.size != 0 ? <u8>Http.CONTENT : <u8>Http.STAT;
  }
}

/** An error is the answer; the connection ends with it. */
function refuse(s: Served, status: u32): void {
  s.last = true;
  s.headOnly = false;
  httpAnswer(s, status, 0);
}

/** Whether nothing of a request has come yet. */
export function httpIsBetween(s: Served): bool {
  return s.http == <u8>Http.LINE && s.used == 0;
}

/** A request was not complete in time. */
export function httpTimedOut(s: Served): void {
  refuse(s, 408);
}

function putReason(at: usize, status: u32): usize {
  switch (status) {
    case 200: return put(at, OK, 3);
    case 400: return put(at, BAD_REQUEST, 12);
    case 404: return put(at, NOT_FOUND, 10);
    case 405: return put(put(at, NOT_ALLOWED, 19), ALLOW, 18);
    case 408: return put(at, TIMED_OUT, 16);
    case 501: return put(at, NOT_DONE, 16);
    case 503: return put(at, BUSY, 20);
    default: return put(at, TOO_LARGE, 10);
  }
}

/** Builds the answer's head. */
export function httpAnswer(s: Served, status: u32, size: u64): void {
  const start = answerOf(s);
  let at = putReason(putNumber(put(start, STATUS, 9), status), status);
  at = putNumber(put(at, LENGTH, 18), size);
  if (s.last) at = put(at, CLOSES, 19);
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
  s.used = s.answer = 0;
  s.said = 0;
}
