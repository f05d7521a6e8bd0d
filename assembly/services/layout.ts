// The services' memory: a block a connection, in the part of the arena that the configuration reserves with `appBytes`.

import { config } from "../config";
import { BOARD, HTTP } from "../features";
import { applicationAt } from "../stack";

/** Longest path of a file, and longest line and head of a request that are read, in bytes. */
export const PATH_MAX: u32 = BOARD ? 64 : 512;
const ANSWER_MAX: u32 = BOARD ? 128 : 256;

/** What a connection is served with. */
export const enum Service { NONE, ECHO, DISCARD, CHARGEN, HTTP }

/** Where an HTTP connection is. */
export const enum Http {
  /** Reading a request's first line. */
  LINE,
  /** Reading the fields behind it. */
  FIELDS,
  /** The host is to tell how long the file is. */
  STAT,
  /** Sending the answer's head. */
  ANSWER,
  /** Sending the file. */
  BODY,
}

@unmanaged export class Served {
  handle: i32;
  /** One of `Service`; of `Http`. */
  service: u8;
  http: u8;
  /** After this answer the connection is closed. */
  last: bool;
  /** HEAD: no body. */
  headOnly: bool;
  /** Status of the answer. */
  status: u32;
  /** Bytes of the line that is being read, or of the path. */
  used: u32;
  /** Bytes of the answer's head, and how many were sent. */
  answer: u32;
  sent: u32;
  /** Bytes of fields read so far: a bound for what a request may send. */
  fields: u32;
  /** Chargen: the next byte of the pattern. */
  column: u32;
  /** Length of the file, and how much of it was sent. */
  size: u64;
  offset: u64;
}

const HEAD: u32 = 48;
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
  if (offsetof<Served>() > HEAD) ERROR("a block's head is 48 bytes");
  return connections * BLOCK;
}

export function servedAt(i: u32): Served {
  return changetype<Served>(applicationAt() + i * BLOCK);
}

/** Blocks that fit. */
export function servedMax(): u32 {
  return min(config.appBytes / BLOCK, config.connsMax);
}
