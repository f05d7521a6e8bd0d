// What the application has to know: bits per socket, and a queue of the sockets that have any. A socket is named by its
// index, the same one that its handle holds.

import { BOUNDED } from "../features";
import { take } from "./layout";

export const enum Event {
  /** The connection is ESTABLISHED (active open). */
  CONNECTED = 1,
  /** A listener has a connection to accept. */
  ACCEPT = 2,
  /** There is something to receive. */
  READABLE = 4,
  /** There is room to send again. */
  WRITABLE = 8,
  /** The peer has sent its FIN: what is in the ring is the last. */
  END = 16,
  /** The connection is over; the error tells how. */
  CLOSED = 32,
  /** The urgent pointer moved (RFC 9293 §3.8.5). */
  URGENT = 64,
  /** R1 passed: retransmissions are not answered (RFC 9293 §3.8.3). */
  STALLED = 128,
  /** A soft error was noted (RFC 9293 §3.9.1.8). */
  SOFT_ERROR = 256,
  /** A listener began or ended to defend itself with SYN cookies. */
  DEFENCE = 512,
  /** Of handle 0, the stack itself: its address, or what it knows of the network, has changed. */
  ADDRESS = 1024,
  /** Of handle 0: a name that was asked for is known, or given up. */
  NAMES = 2048,
  /** Of handle 0: the own name in .local is settled (`mdns_name`): the one that was given, or another one. */
  NAME = 4096,
  /** Of handle 0: a time server has answered (`sntp_utc`). */
  TIME = 8192,
}

export const QUEUED: u32 = 0x80000000;

@unmanaged class EventQueue {
  /** Index + 1 of the first and the last socket in the queue; 0: none. */
  first: u32;
  last: u32;
}

export let queue: EventQueue = changetype<EventQueue>(0);
/** By index: u32 bits, u32 next, and u32 generation (api/handle.ts). */
let entries: usize = 0;
/** How many there are. */
export let places: u32 = 0;
const ENTRY: u32 = 12;

export function entryAt(index: u32): usize {
  return entries + index * ENTRY;
}

/** How often the socket's place has been used. */
export function generation(index: u32): u32 {
  return load<u32>(entryAt(index), 8);
}

/** The place is used anew: handles of whoever had it are stale. */
export function generationNext(index: u32): void {
  store<u32>(entryAt(index), generation(index) + 1, 8);
}

/** Bytes: 12 a socket. */
export function eventsInit(sockets: u32): void {
  places = sockets;
  queue = changetype<EventQueue>(take(1, offsetof<EventQueue>()));
  entries = take(sockets, ENTRY);
}

export function eventRaise(index: u32, bits: u32): void {
  const at = entryAt(index);
  const had = load<u32>(at);
  store<u32>(at, had | bits | QUEUED);
  if ((had & QUEUED) != 0) return;
  store<u32>(at, 0, 4);
  if (queue.last == 0) queue.first = index + 1;
  else store<u32>(entryAt(queue.last - 1), index + 1, 4);
  queue.last = index + 1;
}

/** The socket is gone: what it had to tell is void. */
export function eventForget(index: u32): void {
  const at = entryAt(index);
  store<u32>(at, load<u32>(at) & QUEUED);
}

/** What `eventTake` returns when there is nothing. */
export const NO_EVENT: u64 = 0;

/**
 * The next socket that has something to tell: its index in the upper half, its bits
 * in the lower; NO_EVENT if there is none.
 */
export function eventTake(): u64 {
  for (let n: u32 = 0; queue.first != 0; n++) {
    assert(!BOUNDED || n < places);
    const index = queue.first - 1, at = entryAt(index);
    const bits = load<u32>(at) & ~QUEUED;
    queue.first = load<u32>(at, 4);
    if (queue.first == 0) queue.last = 0;
    store<u32>(at, 0);
    if (bits != 0) return (<u64>index << 32) | <u64>bits;
  }
  return NO_EVENT;
}
