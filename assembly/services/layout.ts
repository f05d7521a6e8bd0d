// The services' memory: a record for all of them and a block a connection, in the part of the arena that
// the configuration reserves with `appBytes`.

import { config } from "../config";
import { BOARD, HTTP } from "../features";
import { applicationAt, isUp } from "../stack";

/** Bytes of the path of a file, and of the first line of a request. @full it is answered with 414 */
export const PATH_MAX: u32 = BOARD ? 64 : 512;
/** Bytes of an answer's head, and of a field of a request that matters. @full it is answered with 431 */
export const ANSWER_MAX: u32 = BOARD ? 128 : 256;
/** Bytes of fields of one request. @full it is answered with 431 */
export const FIELDS_MAX: u32 = 16384;
/** Bytes of content of one request, which are read and thrown away. @full it is answered with 413 */
export const CONTENT_MAX: u64 = 1 << 20;
/** For so long a connection may say nothing, and take nothing, s, unless the host says otherwise (`servicesIdle`). */
export const IDLE_S: u32 = 60;
/** For so long a connection that we closed may take to end without taking any of what is left, µs. */
export const LINGER_US: u64 = 30_000_000;
/** What was heard of within this time, µs, does not give way to others when the table is full. */
export const GIVE_WAY_US: u64 = 1_000_000;

/** What a connection is served with. */
export const enum Service {
  NONE, ECHO, DISCARD, CHARGEN, HTTP,
  /** Our FIN is queued; what still comes is thrown away. */
  CLOSING,
}

/** Where an HTTP connection is. */
export const enum Http {
  /** Reading a request's first line. */
  LINE,
  /** Reading the fields behind it. */
  FIELDS,
  /** Throwing its content away. */
  CONTENT,
  /** The host is to tell how long the file is. */
  STAT,
  /** Sending the answer's head. */
  ANSWER,
  /** Sending the file. */
  BODY,
}

/** What the host is asked for. */
export const enum Want { NONE, LENGTH, PIECE }

/** The record that the host answers. */
@unmanaged export class Request {
  /** One of `Want`. */
  want: u32;
  /** Number of the connection's block. */
  block: u32;
  /** The path from "/" on, percent-encoding undone: address and bytes. */
  path: u32;
  pathSize: u32;
  /** PIECE: where the bytes go. */
  data: u32;
  /** PIECE: how many at most; LENGTH: 0 if no piece will be wanted. */
  size: u32;
  /** PIECE: from where on in the file. */
  offset: u64;
  /** The host's own word on the connection's file: what it wrote with LENGTH stands here with PIECE. */
  tag: u64;
}

/** What all connections share, all zero at first. */
@unmanaged export class Shared {
  /** The listeners' handles, by service; 0: not offered. */
  listener0: i32;
  listener1: i32;
  listener2: i32;
  listener3: i32;
  listener4: i32;
  /** Seconds that a connection may be idle, and 1; 0: `IDLE_S`. */
  idle: u32;
  /** Refused for want of room so far (`ListenOverflows`). */
  refused: u32;
  /** Connections that want something of the host, first in, first out, by number + 1; 0: none. */
  wantFirst: u32;
  wantLast: u32;
  /**
   * Connections in the order in which they last got on: those that are served,
   * then those that are closing; by number + 1.
   */
  servedFirst: u32;
  servedLast: u32;
  closingFirst: u32;
  closingLast: u32;
  /**
   * Not 0: `servicesStop` was called. Of the connections that ended since, those
   * that were reset with something left to tell.
   */
  stopping: u32;
  cut: u32;
  /** When the host is to come back at the latest, ms; 0: it may stay away. */
  due: u32;
}

const SHARED: u32 = offsetof<Shared>();

@unmanaged export class Served {
  /** Next of those that want something of the host; and whether it is one of them. Outlives the connection. */
  wantNext: u32;
  wanting: u32;
  handle: i32;
  /** One of `Service`; of `Http`. */
  service: u8;
  http: u8;
  /** After this answer the connection is closed. */
  last: bool;
  /** HEAD: no body. */
  headOnly: bool;
  /** Neighbours in the list of those that are served, or of those that are closing. */
  prev: u32;
  next: u32;
  /** SND.UNA when it last got on. */
  una: u32;
  /** Chargen: the next byte of the pattern. */
  column: u32;
  /** When it last got on, µs. */
  since: u64;
  // From here on HTTP's alone.
  /** Status of the answer. */
  status: u32;
  /** Bytes of the line that is being read, or of the path. */
  used: u32;
  /** Bytes of the answer's head, or of the field that is being read; and how many were sent. */
  answer: u32;
  sent: u32;
  /** Bytes of fields read so far: a bound for what a request may send. */
  fields: u32;
  /** Bits of `Said`. */
  said: u32;
  /** Length of the request's content; then of the file, and how much of it was sent. */
  size: u64;
  offset: u64;
  /** The host's own: which version of the file it is. */
  tag: u64;
}

const HEAD: u32 = HTTP ? offsetof<Served>() : offsetof<Served>("status");
const BLOCK: u32 = HTTP ? HEAD + PATH_MAX + ANSWER_MAX : HEAD;

/** Where a block keeps the line that is being read, then the path. */
export function textOf(s: Served): usize {
  return changetype<usize>(s) + HEAD;
}

/** Where a block builds the answer's head. */
export function answerOf(s: Served): usize {
  return textOf(s) + PATH_MAX;
}

/** Bytes that `connections` need. */
export function servicesBytes(connections: u32): u32 {
  return SHARED + connections * BLOCK;
}

export function shared(): Shared {
  return changetype<Shared>(applicationAt());
}

/** Where the handle of a service's listener is kept. */
export function listenerSlot(service: u32): usize {
  return applicationAt() + (<usize>service << 2);
}

export function servedAt(i: u32): Served {
  return changetype<Served>(applicationAt() + SHARED + i * BLOCK);
}

export function servedIndex(s: Served): u32 {
  return <u32>(changetype<usize>(s) - applicationAt() - SHARED) / BLOCK;
}

/** Blocks that fit. */
export function servedMax(): u32 {
  return !isUp() || config.appBytes <= SHARED ? 0 : min((config.appBytes - SHARED) / BLOCK, config.connsMax);
}

/** A block for a connection that begins. */
export function servedClear(s: Served): void {
  memory.fill(changetype<usize>(s) + offsetof<Served>("handle"), 0, HEAD - offsetof<Served>("handle"));
}
