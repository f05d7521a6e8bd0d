// The records of TIME-WAIT: 32 bytes for 2 MSL (RFC 9293 §3.3.2).

import { config } from "../../config";
import { OWNERSHIP } from "../../features";
import { Seq } from "../../core/seq";
import { RED_SHIFT } from "../../core/own";
import { layoutCommits, take } from "../../core/layout";
import { Pool, poolAt, poolIndex, poolInit, poolShow } from "../../buffers/pool";
import { Flow } from "./flow";

@unmanaged export class TimeWait extends Flow {
  sndNxt: Seq;
  rcvNxt: Seq;
  tsRecent: u32;
  /** The raw window that its ACKs carry. */
  wnd: u16;
  timestamps: bool;
  /** Whether a SYN was challenged: its sender may know nothing of the old connection, and says so with a RST. */
  challenged: bool;
  /** When a SYN or an empty segment was answered last, ms modulo 2^16. */
  answeredAt: u16;
  /** The connection's (RFC 9293 MUST-48, MUST-49). */
  tosTtl: u16;
}

/** 2^5 bytes: a record. */
const SHIFT: u32 = 5 + RED_SHIFT;

export let pool: Pool = changetype<Pool>(0);
/** One u32: where the search for the oldest record goes on: they are made, and so grow old, in turn. */
export let hand: usize = 0;

export function timeWaitInit(): void {
  if (offsetof<TimeWait>() > 1 << SHIFT) ERROR("a TIME-WAIT record is at most 32 bytes");
  hand = take(1, 4);
  pool = poolInit(config.timeWaitMax, SHIFT);
  // Its SND.NXT, which `timeWaitReuse` reads.
  if (OWNERSHIP && layoutCommits()) poolShow(pool, config.timeWaitMax, 8, 8);
}

export function timeWaitsFree(): u32 {
  return pool.freeCount;
}

export function timeWaitAt(i: u32): TimeWait {
  return changetype<TimeWait>(poolAt(pool, i));
}

export function timeWaitIndex(w: TimeWait): u32 {
  return poolIndex(pool, changetype<usize>(w));
}
