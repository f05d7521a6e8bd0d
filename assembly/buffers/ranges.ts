// Ranges of sequence space, from one pool that all connections share: what was received out of order, and what the peer
// has selectively acknowledged. A list is sorted by sequence number, its ranges neither overlap nor touch, and it is
// named by the u16 in which its owner keeps the first range's number (0: empty).

import { BOUNDED, OWNERSHIP } from "../features";
import { take, layoutCommits } from "../core/layout";
import { allow, forbid, RED_SHIFT } from "../core/own";
import { Seq, seqLt, seqLe, seqMax, seqMin } from "../core/seq";

@unmanaged export class Range {
  /** First sequence number. */
  start: Seq;
  /** The one after the last. */
  end: Seq;
  /** Grows with each change: the most recently changed range is reported first (RFC 2018 §4). */
  stamp: u32;
  /** Number of the next range in the list, or of the next free one; 0 ends it. */
  next: u16;
  /** The owner's. */
  bits: u16;
}

@unmanaged class RangePool {
  free: u16;
  /** Whether the last `rangesAdd` found room. */
  added: bool;
  pad: u8;
  freeCount: u32;
  stamp: u32;
  /** See `rangesFresh`. */
  reserve: u32;
}

/** 2^4 bytes: a range. */
const SHIFT: u32 = 4 + RED_SHIFT;

let ranges: usize = 0;
export let pool: RangePool = changetype<RangePool>(0);

/** Bytes: 16 a range. Ranges are numbered from 1. */
export function rangesInit(rangesMax: u32): void {
  pool = changetype<RangePool>(take(1, offsetof<RangePool>()));
  ranges = take(rangesMax + 1, 1 << SHIFT);
  if (!layoutCommits()) return;
  pool.reserve = min<u32>((rangesMax >> 8) + 1, 16);
  if (OWNERSHIP) forbid(ranges, offsetof<Range>());
  for (let i = rangesMax; i > 0; i--) rangesRelease(<u16>i);
}

export function rangesFree(): u32 {
  return pool.freeCount;
}

export function rangeAt(index: u16): Range {
  return changetype<Range>(ranges + (<usize>index << SHIFT));
}

/** The number of the range behind `index`, the n-th of its list, from 0: no list is longer than LIST_MAX. */
export function rangeNext(index: u16, n: u32): u16 {
  assert(!BOUNDED || n < LIST_MAX);
  return rangeAt(index).next;
}

/** Gives back one range, which is on no list any more. */
export function rangesRelease(index: u16): void {
  rangeAt(index).next = pool.free;
  pool.free = index;
  pool.freeCount++;
  if (OWNERSHIP) forbid(changetype<usize>(rangeAt(index)), 1 << SHIFT);
}

/** Ranges of one list, which bounds the work that a connection can cause. @full as rangesMax */
export const LIST_MAX: u32 = 64;

/**
 * A range for a list that has `count`; 0: the pool is empty, or the list has its share. For each range that a list has,
 * `reserve` of them must be free (a dynamic threshold, as Choudhury and Hahne have it for queues): the more lists want,
 * the less each gets, and something is left for the next one, whatever those before it do.
 */
export function rangesFresh(count: u32): u16 {
  const fresh = pool.free;
  if (fresh == 0 || count >= LIST_MAX || count * pool.reserve > pool.freeCount) return 0;
  if (OWNERSHIP) allow(changetype<usize>(rangeAt(fresh)), offsetof<Range>());
  pool.free = rangeAt(fresh).next;
  pool.freeCount--;
  return fresh;
}

/** Empties the list. */
export function rangesClear(head: u16): u16 {
  for (let n: u32 = 0; head != 0; n++) {
    const next = rangeNext(head, n);
    rangesRelease(head);
    head = next;
  }
  return 0;
}

/**
 * Adds start…end and merges what it touches. Returns the list's new head. When nothing can be merged and the pool is
 * empty or the list has its share, the list stays as it was: `rangesAdded` tells.
 */
export function rangesAdd(head: u16, start: Seq, end: Seq): u16 {
  pool.added = true;
  let prev: u16 = 0;
  let at = head, n: u32 = 0;
  for (; at != 0 && seqLt(rangeAt(at).end, start); n++) {
    prev = at;
    at = rangeNext(at, n);
  }
  if (at != 0 && seqLe(rangeAt(at).start, end)) {
    const r = rangeAt(at);
    r.start = seqMin(r.start, start);
    r.end = seqMax(r.end, end);
    r.stamp = ++pool.stamp;
    for (; r.next != 0 && seqLe(rangeAt(r.next).start, r.end); n++) {
      const next = r.next;
      r.end = seqMax(r.end, rangeAt(next).end);
      r.next = rangeNext(next, n);
      rangesRelease(next);
    }
    return head;
  }
  const fresh = rangesFresh(length(head));
  if (fresh == 0) {
    pool.added = false;
    return head;
  }
  const r = rangeAt(fresh);
  r.start = start;
  r.end = end;
  r.stamp = ++pool.stamp;
  r.next = at;
  if (prev == 0) return fresh;
  rangeAt(prev).next = fresh;
  return head;
}

function length(head: u16): u32 {
  let n: u32 = 0;
  for (let at = head; at != 0; n++) at = rangeNext(at, n);
  return n;
}

/** Whether the last `rangesAdd` found room. */
export function rangesAdded(): bool {
  return pool.added;
}

/** Takes away everything before `edge`. Returns the new head. */
export function rangesCut(head: u16, edge: Seq): u16 {
  for (let n: u32 = 0; head != 0; n++) {
    const r = rangeAt(head);
    if (seqLt(edge, r.end)) {
      if (seqLt(r.start, edge)) r.start = edge;
      break;
    }
    const next = rangeNext(head, n);
    rangesRelease(head);
    head = next;
  }
  return head;
}

/** Whether start…end lies within one range of the list. */
export function rangesHold(head: u16, start: Seq, end: Seq): bool {
  for (let at = head, n: u32 = 0; at != 0; at = rangeNext(at, n++)) {
    const r = rangeAt(at);
    if (seqLe(r.start, start) && seqLe(end, r.end)) return true;
  }
  return false;
}

/** How many bytes the list covers. */
export function rangesBytes(head: u16): u32 {
  let bytes: u32 = 0;
  for (let at = head, n: u32 = 0; at != 0; at = rangeNext(at, n++)) bytes += rangeAt(at).end - rangeAt(at).start;
  return bytes;
}
