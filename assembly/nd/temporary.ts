// Temporary addresses (RFC 8981): how long each may be used at most, whatever a router says, and when a prefix is to
// have the next one. Who makes and ends them is nd/configure.ts.

import { clock, Micros } from "../core/clock";
import { take } from "../core/layout";
import { random32, randomBelow } from "../core/random";
import { nameHigh, OWN_PLACES, TEMPORARY_MAX } from "../address/names";
import { Origin, Own, OwnAddress, ownAt, ownIndex } from "../ip/interface6";

/** RFC 8981 §3.8, s: TEMP_VALID_LIFETIME, TEMP_PREFERRED_LIFETIME, and MAX_DESYNC_FACTOR, 0.4 of the latter. */
const VALID_S: u32 = 172_800;
const PREFERRED_S: u32 = 86_400;
const DESYNC_S: u32 = 34_560;
/** REGEN_ADVANCE (RFC 8981 §3.8): duplicate address detection of three addresses, and two seconds, µs. */
const ADVANCE: u64 = 5_000_000;
/**
 * Deviates from RFC 8981 §3.4 (7): when three in a row were others', the prefix has another one after an hour, µs, not
 * only on another link. Whoever answers three probes could end temporary addresses for good.
 */
const HOLD: u64 = 3_600_000_000;

/** Bytes of `holds`. */
const HOLDS_SIZE: u32 = OWN_PLACES << 3;

@unmanaged class Limits {
  /** Until when its address may be preferred, and valid, at most. */
  preferred: Micros;
  valid: Micros;
}

@unmanaged class Temporaries {
  /** Whether the host wants them. */
  wanted: bool;
  /** Whether the link may be another one than before, until a router tells a prefix. */
  doubts: bool;
  pad2: u16;
  pad4: u32;
}

let state: Temporaries = changetype<Temporaries>(0);
let limits: usize = 0;
/** For each address that is none of them: until when its prefix has no other one, since three were others'. */
let holds: usize = 0;

export function temporaryInit(): void {
  state = changetype<Temporaries>(take(1, offsetof<Temporaries>()));
  limits = take(TEMPORARY_MAX, offsetof<Limits>());
  holds = take(OWN_PLACES, sizeof<Micros>());
}

export function temporaryWanted(): bool {
  return state.wanted;
}

export function temporaryTurnOn(): void {
  state.wanted = true;
}

export function temporaryTurnOff(): void {
  state.wanted = false;
}

/** The place of the `i`-th one among our addresses; it may be free. */
export function temporaryAt(i: u32): OwnAddress {
  assert(i < TEMPORARY_MAX);
  return ownAt(OWN_PLACES + i);
}

function limitsOf(a: OwnAddress): Limits {
  const i = ownIndex(a) - OWN_PLACES;
  assert(i < TEMPORARY_MAX);
  return changetype<Limits>(limits + <usize>i * offsetof<Limits>());
}

/** A second half that follows from nothing (RFC 8981 §3.3.1), and is none of those reserved (RFC 5453). */
export function temporaryIdentifier(): u64 {
  // The first byte is the lowest one: 2 is neither ::, nor fdff:ffff:ffff:ff80 and above, nor 0200:5eff:fe….
  return (<u64>random32() << 32 | <u64>random32()) & ~0xff | <u64>((random32() & 0x7c) + 4);
}

/** RFC 8981 §3.4 (4): lifetimes as long as the prefix's, within their limits. Returns false: too short to be of use. */
export function temporaryBegin(a: OwnAddress, preferred: Micros, valid: Micros): void {
  const own = limitsOf(a);
  own.preferred = clock.us + <u64>(PREFERRED_S - randomBelow(DESYNC_S)) * 1_000_000;
  own.valid = clock.us + <u64>VALID_S * 1_000_000;
  temporaryRenew(a, preferred, valid);
}

/** RFC 8981 §3.4 (2): what a router says of the prefix is heeded, as far as the limits of the address go. */
export function temporaryRenew(a: OwnAddress, preferred: Micros, valid: Micros): void {
  const own = limitsOf(a);
  a.preferredUntil = min(preferred, own.preferred);
  a.validUntil = min(valid, own.valid);
}

/** When the next one is to be made (RFC 8981 §3.5). */
function nextAt(a: OwnAddress): Micros {
  return a.preferredUntil < ADVANCE ? 0 : a.preferredUntil - ADVANCE;
}

/** Of the temporary addresses of the prefix `high`, the one that is preferred for the longest; null: there is none. */
function lastOf(high: u64): OwnAddress | null {
  let last: OwnAddress | null = null;
  for (let i: u32 = 0; i < TEMPORARY_MAX; i++) {
    const a = temporaryAt(i);
    if (a.state == <u8>Own.FREE || nameHigh(a.name) != high) continue;
    if (last == null || a.preferredUntil > last.preferredUntil) last = a;
  }
  return last;
}

/** When the prefix `high` is to have another one: at once, if there is none that is preferred for long enough. */
export function temporaryDue(high: u64): Micros {
  const last = lastOf(high);
  return last == null ? 0 : nextAt(last);
}

/** RFC 8981 §3.4 (5): whether one that is preferred until then is worth being made. */
export function isWorthMaking(preferred: Micros): bool {
  return preferred > clock.us + ADVANCE;
}

/** Three in a row were others': the prefix of `whole`, which stays, has no other one for a while. */
export function temporaryHold(whole: OwnAddress): void {
  store<Micros>(holds + (<usize>ownIndex(whole) << 3), clock.us + HOLD);
}

export function temporaryRelease(whole: OwnAddress): void {
  store<Micros>(holds + (<usize>ownIndex(whole) << 3), 0);
}

export function temporaryHeldUntil(whole: OwnAddress): Micros {
  return load<Micros>(holds + (<usize>ownIndex(whole) << 3));
}

/** The address that is made from the prefix, and stays; null: there is none. */
export function lasting(high: u64): OwnAddress | null {
  for (let i: u32 = 0; i < OWN_PLACES; i++) {
    const a = ownAt(i);
    if (a.state != <u8>Own.FREE && a.origin == <u8>Origin.PREFIX && nameHigh(a.name) == high) return a;
  }
  return null;
}

/**
 * If there is no free place, the one that goes; null: there is one. None goes that is its prefix's last, as long as
 * that has an address that stays: prefixes are fewer than places, and more of them, which anybody can tell, end
 * nothing.
 */
export function temporaryLeast(): OwnAddress | null {
  let least: OwnAddress | null = null;
  for (let i: u32 = 0; i < TEMPORARY_MAX; i++) {
    const a = temporaryAt(i);
    if (a.state == <u8>Own.FREE) return null;
    const high = nameHigh(a.name);
    if (a == lastOf(high) && lasting(high) != null) continue;
    if (least == null || a.preferredUntil < least.preferredUntil) least = a;
  }
  return least;
}

// RFC 8981 §3.5: on another link there are others, and on the same one, after it was away for a moment, the same.

/** The link may be another one: what the next router tells will show it. What others had here they may not have now. */
export function temporaryDoubt(): void {
  state.doubts = state.wanted;
  memory.fill(holds, 0, HOLDS_SIZE);
}

/** It is known which one it is. */
export function temporaryDoubtEnd(): void {
  state.doubts = false;
}

export function hasDoubt(): bool {
  return state.doubts;
}
