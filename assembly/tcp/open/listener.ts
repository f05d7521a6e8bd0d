// Listeners: their table, and how one defends itself for as long as SYNs are dropped or answered with cookies.

import { config } from "../../config";
import { FAMILIES, OWNERSHIP } from "../../features";
import { isName, noName } from "../../address/names";
import { Micros, clock, isDue } from "../../core/clock";
import { RED_ZONE } from "../../core/own";
import { fence, take } from "../../core/layout";
import { Event, eventRaise } from "../../core/events";
import { heapArm, heapDisarm } from "../../buffers/heap";
import { listenerBase } from "../block/demux";

/** In the place of an address: every own IPv4 address. */
export const EVERY_IPV4: u32 = 0xffffffff;

@unmanaged export class Listener {
  /** Kept; 0: every own address. EVERY_IPV4, or the unspecified address: every one of the family. */
  ip: u32;
  /** 0: nobody listens here. */
  port: u16;
  /** Whether SYNs had to be answered with cookies, or dropped, within the last second (`DEFENCE_US`). */
  defending: bool;
  /** FastOpenEnabled (RFC 7413 §4.2): the application says so. */
  fastOpen: bool;
  /** Of SYN-ACKs, and of connections from the beginning (RFC 9293 MUST-48, MUST-49). */
  ttl: u8;
  tos: u8;
  pad: u16;
  /** Longest accept queue, and most half-open records. */
  backlog: u32;
  halfOpen: u32;
  /** The accept queue: connections, by number + 1, linked by `acceptNext`. */
  acceptFirst: u32;
  acceptLast: u32;
  acceptCount: u32;
  /** The token bucket for SYNs. */
  rate: u32;
  /** When a SYN was last answered with a cookie, or dropped. */
  defendedAt: Micros;
  /** Cookies were sent until then; for two minutes more an ACK may return one. */
  cookiesUntil: u64;

  /** `tos` and `ttl` in one, as IP takes them (ip/output.ts). */
  @inline get tosTtl(): u32 { return <u32>load<u16>(changetype<usize>(this), offsetof<Listener>("ttl")); }
}

/** Bytes from one listener to the next. */
const SPACED: u32 = OWNERSHIP ? (offsetof<Listener>() + RED_ZONE) & ~7 : offsetof<Listener>();

let listeners: usize = 0;

export function listenersInit(): void {
  listeners = take(config.listenersMax, SPACED);
  if (OWNERSHIP) fence(listeners, config.listenersMax, SPACED, offsetof<Listener>());
}

export function listenerAt(i: u32): Listener {
  return changetype<Listener>(listeners + i * SPACED);
}

export function listenerIndex(l: Listener): u32 {
  return <u32>(changetype<usize>(l) - listeners) / SPACED;
}

/**
 * The listener for segments to `lip`:`port`, one on the address itself before one on every address of its family, and
 * that before one on every address; null: none.
 */
export function listenerFor(lip: u32, port: u32): Listener | null {
  const family = FAMILIES ? isName(lip) ? noName() : EVERY_IPV4 : lip;
  let found: Listener | null = null;
  for (let i: u32 = 0; i < config.listenersMax; i++) {
    const l = listenerAt(i);
    if (<u32>l.port != port) continue;
    if (l.ip == lip) return l;
    if (FAMILIES ? l.ip == family || (l.ip == 0 && found == null) : l.ip == 0) found = l;
  }
  return found;
}

/** A listener is back to normal when for so long no SYN was dropped or answered with a cookie, µs. */
const DEFENCE_US: u64 = 1_000_000;

/** The listener had to defend itself just now. */
export function defend(l: Listener): void {
  l.defendedAt = clock.us;
  if (l.defending) return;
  l.defending = true;
  heapArm(listenerBase() + listenerIndex(l), l.defendedAt + DEFENCE_US);
  tellDefence(l);
}

/** The application hears that the listener began, or ceased, to defend itself. */
function tellDefence(l: Listener): void {
  eventRaise(config.connsMax + listenerIndex(l), Event.DEFENCE);
}

/** The timer of a listener that defends itself. */
export function listenerTimer(index: u32): void {
  const l = listenerAt(index), owner = listenerBase() + index;
  heapDisarm(owner);
  if (l.port == 0 || !l.defending) return;
  if (!isDue(l.defendedAt + DEFENCE_US)) {
    heapArm(owner, l.defendedAt + DEFENCE_US);
    return;
  }
  l.defending = false;
  tellDefence(l);
}
