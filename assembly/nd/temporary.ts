// Temporary addresses (RFC 8981): how long each may be used at most, whatever a router says, and which of them has been
// followed by the next one. Who makes and ends them is nd/configure.ts.

import { clock, Micros } from "../core/clock";
import { take } from "../core/layout";
import { random32, randomBelow } from "../core/random";
import { OWN_PLACES, TEMPORARY_MAX } from "../address/names";
import { Own, OwnAddress, ownAt } from "../ip/interface6";

/** RFC 8981 §3.8, s: TEMP_VALID_LIFETIME, TEMP_PREFERRED_LIFETIME, and MAX_DESYNC_FACTOR, 0.4 of the latter. */
const VALID_S: u32 = 172_800;
const PREFERRED_S: u32 = 86_400;
const DESYNC_S: u32 = 34_560;
/** REGEN_ADVANCE (RFC 8981 §3.8): duplicate address detection of three addresses, and two seconds, µs. */
const ADVANCE: u64 = 5_000_000;

@unmanaged class Limits {
  /** Until when its address may be preferred, and valid, at most. */
  preferred: Micros;
  valid: Micros;
  /** Whether the next one has been made. */
  followed: bool;
  pad: u8;
  pad2: u16;
  pad4: u32;
}

@unmanaged class Temporaries {
  /** Whether the host wants them. */
  wanted: bool;
  pad: u8;
  pad2: u16;
  pad4: u32;
}

let state: Temporaries = changetype<Temporaries>(0);
let limits: usize = 0;

export function temporaryInit(): void {
  state = changetype<Temporaries>(take(1, offsetof<Temporaries>()));
  limits = take(TEMPORARY_MAX, offsetof<Limits>());
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

function limitsAt(i: u32): Limits {
  return changetype<Limits>(limits + <usize>i * offsetof<Limits>());
}

function limitsOf(a: OwnAddress): Limits {
  let i: u32 = 0;
  while (i < TEMPORARY_MAX && temporaryAt(i) != a) i++;
  assert(i < TEMPORARY_MAX);
  return limitsAt(i);
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
  own.followed = false;
  temporaryRenew(a, preferred, valid);
}

/** RFC 8981 §3.4 (2): what a router says of the prefix is heeded, as far as the limits of the address go. */
export function temporaryRenew(a: OwnAddress, preferred: Micros, valid: Micros): void {
  const own = limitsOf(a);
  a.preferredUntil = min(preferred, own.preferred);
  a.validUntil = min(valid, own.valid);
}

/** When the next one is to be made (RFC 8981 §3.5). */
export function temporaryNextAt(a: OwnAddress): Micros {
  return a.preferredUntil < ADVANCE ? 0 : a.preferredUntil - ADVANCE;
}

/** RFC 8981 §3.4 (5): whether one that is preferred until then is worth being made. */
export function isWorthMaking(preferred: Micros): bool {
  return preferred > clock.us + ADVANCE;
}

export function isFollowed(a: OwnAddress): bool {
  return limitsOf(a).followed;
}

export function temporaryFollowed(a: OwnAddress): void {
  limitsOf(a).followed = true;
}

/** The one that has had its time of preference for the longest, if there is no free place; null: there is one. */
export function temporaryOldest(): OwnAddress | null {
  let oldest = temporaryAt(0);
  for (let i: u32 = 0; i < TEMPORARY_MAX; i++) {
    const a = temporaryAt(i);
    if (a.state == <u8>Own.FREE) return null;
    if (a.preferredUntil < oldest.preferredUntil) oldest = a;
  }
  return oldest;
}
