// The half-open table: connections in SYN-RECEIVED that a SYN to a listener made. A record is 32 bytes; no TCB is spent
// before the handshake is complete (RFC 4987 §3.4, "SYN cache").

import { config } from "../../config";
import { COOKIES, OWNERSHIP } from "../../features";
import { Seq } from "../../core/seq";
import { RED_SHIFT } from "../../core/own";
import { layoutCommits, take } from "../../core/layout";
import { Pool, poolAt, poolIndex, poolInit, poolShow, poolTake } from "../../buffers/pool";
import { Flow } from "./flow";

/** Bits of `HalfOpen.bits`. */
export const enum Syn {
  /** The peer's window scale. */
  SCALE_MASK = 15,
  /** In the order of `Policy`, and so of `Option`: see `SYN_OPTIONS`. */
  TIMESTAMPS = 16,
  SACK = 32,
  WINDOW_SCALE = 64,
  IN_USE = 128,
  ECN = 4096,
  /** The SYN-ACK has a Fast Open cookie. */
  FAST_OPEN = 8192,
  /** The SYN-ACK was sent again because the SYN came again. */
  AGAIN = 16384,
  /** SYN-ACKs sent again, × 256. */
  RETRIES_SHIFT = 8,
  RETRIES_MASK = 15,
}

@unmanaged export class HalfOpen extends Flow {
  irs: Seq;
  iss: Seq;
  tsRecent: u32;
  /** The peer's MSS. */
  mss: u16;
  /** Bits of `Syn`. */
  bits: u16;
  /** When the SYN-ACK was sent first, ms modulo 2^16. */
  sentAt: u16;
  /** Number of the listener that made it. */
  listener: u8;
  /** Segments answered since its timer fired. */
  answered: u8;
}

/** 2^5 bytes: a record. */
const SHIFT: u32 = 5 + RED_SHIFT;

export let pool: Pool = changetype<Pool>(0);
/** One u32: where the search for a record to give up goes on. */
let hand: usize = 0;
/** None of the table's: what the SYN at hand is answered from, with a cookie, and then forgotten. */
export let cookieRecord: HalfOpen = changetype<HalfOpen>(0);

export function halfOpenInit(): void {
  if (offsetof<HalfOpen>() > 1 << SHIFT) ERROR("a half-open record is at most 32 bytes");
  hand = take(1, 4);
  if (COOKIES) cookieRecord = changetype<HalfOpen>(take(1, offsetof<HalfOpen>()));
  pool = poolInit(config.halfOpenMax, SHIFT);
  // Its bits.
  if (OWNERSHIP && layoutCommits()) poolShow(pool, config.halfOpenMax, 24, 8);
}

export function halfOpenAt(i: u32): HalfOpen {
  return changetype<HalfOpen>(poolAt(pool, i));
}

export function halfOpenIndex(h: HalfOpen): u32 {
  return poolIndex(pool, changetype<usize>(h));
}

export function halfOpenFree(): u32 {
  return pool.freeCount;
}

export function halfOpenInUse(h: HalfOpen): bool {
  return (h.bits & <u16>Syn.IN_USE) != 0;
}

/** A free record; null: the table is full. */
export function halfOpenTake(): HalfOpen | null {
  return changetype<HalfOpen | null>(poolTake(pool));
}

/**
 * Which record to give up for a new one: the next in turn that is in use, and is `listener`'s (ANY: whoever's); null:
 * there is none. What is new takes the place of what was given up, so each of them has its time.
 */
export function halfOpenVictim(listener: u32): HalfOpen | null {
  let at = load<u32>(hand);
  for (let n = config.halfOpenMax; n > 0; n--) {
    if (++at >= config.halfOpenMax) at = 0;
    const h = halfOpenAt(at);
    if (!halfOpenInUse(h) || (listener != ANY && <u32>h.listener != listener)) continue;
    store<u32>(hand, at);
    return h;
  }
  return null;
}

/** For `halfOpenVictim`. */
export const ANY: u32 = u32.MAX_VALUE;

export function halfOpenRetries(h: HalfOpen): u32 {
  return (<u32>h.bits >> Syn.RETRIES_SHIFT) & Syn.RETRIES_MASK;
}
