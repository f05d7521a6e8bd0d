// SYN cookies (RFC 4987 §3.6): the state of a half-open connection in the ISS of
// the SYN-ACK, so that it costs no memory.
//
//    31                                  4  3        1   0
//   +-------------------------------------+-----------+-------+
//   | SipHash of four-tuple, IRS, low bits| MSS index | epoch |
//   +-------------------------------------+-----------+-------+
//
// The secret changes every minute; the epoch's lowest bit tells which of the last two made a cookie, so that checking
// costs one hash and a cookie lives for at most two minutes. What the ISS has no room for rides in the low six bits of
// our timestamp, if the peer uses timestamps: its window scale (15: none), SACK-permitted, and ECN.
//
// The secrets follow from a master key and the number of the minute. The members of a group have both
// in common, and with them the clock of the timestamps; there every SYN-ACK carries a cookie, so that
// any member can complete what another began.

import { Config, Policy, config } from "../../config";
import { COOKIES } from "../../features";
import { take, layoutCommits } from "../../core/layout";
import { Key, hash2, hashFlow2 } from "../../core/hash";
import { randomKey } from "../../core/random";
import { Micros, clock, quotient } from "../../core/clock";
import { Seq } from "../../core/seq";
import { pairOf } from "../../address/names";
import { seg, segHas, Option } from "../segment/segment";
import { Syn } from "../block/half-open-record";

const EPOCH_MS: u32 = 60_000;

/** For so long an ACK may return a cookie (RFC 4987 §3.6): two epochs, µs. */
export const COOKIE_LIFE_US: u64 = 2 * <u64>EPOCH_MS * 1000;

/** The MSS values that a cookie can carry. */
const MSS_TABLE: usize = memory.data<u16>([64, 536, 960, 1220, 1360, 1400, 1440, 1460]);
const MSS_COUNT: u32 = 8;

const SCALE_NONE: u32 = 15;
const SACK_BIT: u32 = 16;
const ECN_BIT: u32 = 32;
const OPTION_MASK: u32 = 63;

/**
 * Two secrets of 16 bytes, by the lowest bit of their epoch; the master key; then the u64 epoch of the newer secret.
 */
let secrets: usize = 0;
const MASTER: usize = 32;
const EPOCH: usize = 48;
const SECRETS_SIZE: u32 = 56;

export function synCookieInit(): void {
  secrets = take(1, SECRETS_SIZE);
  if (!layoutCommits()) return;
  const master = changetype<Key>(secrets + MASTER), key = changetype<usize>(config) + offsetof<Config>("groupKey0");
  memory.copy(changetype<usize>(master), key, 16);
  memory.fill(key, 0, 16);
  if (!isGroup()) randomKey(master);
  // No epoch yet: the first one makes both secrets.
  store<u64>(secrets, u64.MAX_VALUE - 1, EPOCH);
}

/** Whether this stack is a member of a group. */
export function isGroup(): bool {
  return COOKIES && (config.policy & Policy.GROUP) != 0;
}

/** The clock that the members of a group share; this stack's own, if it is in none. */
export function sharedClock(): Micros {
  return clock.us + (<u64>config.clockOffsetLow | (<u64>config.clockOffsetHigh << 32));
}

/** The current epoch; makes its secret, and the one before, if it has just begun. */
function epoch(): u64 {
  const now = quotient(quotient(sharedClock(), 1000), EPOCH_MS);
  if (now != load<u64>(secrets, EPOCH)) {
    store<u64>(secrets, now, EPOCH);
    secretMake(now);
    secretMake(now - 1);
  }
  return now;
}

function secretMake(epoch: u64): void {
  const master = changetype<Key>(secrets + MASTER), secret = changetype<Key>(secrets + ((<usize>epoch & 1) << 4));
  secret.k0 = hash2(master, epoch, 0);
  secret.k1 = hash2(master, epoch, 1);
}

/**
 * What to add to the clock's milliseconds for timestamps to one peer: random (RFC 7323 §5.4 and §7.1), yet the same for
 * all connections between two addresses, so that timestamps keep growing from one incarnation to the next
 * (RFC 6191 §2), and from one member of a group to the next.
 */
export function timestampOffset(lip: u32, rip: u32): u32 {
  const shared = <u32>quotient(sharedClock(), 1000) - clock.ms;
  return <u32>secretOf(lip, rip, 0x7473) + shared;
}

/** A secret number for a pair of addresses: the same for all members of a group. `what` tells one use from another. */
export function secretOf(lip: u32, rip: u32, what: u64): u64 {
  return hash2(changetype<Key>(secrets + MASTER), pairOf(lip, rip), what);
}

function mac(low: u32, irs: Seq): u32 {
  const key = changetype<Key>(secrets + (<usize>(low & 1) << 4));
  return <u32>hashFlow2(key, pairOf(seg.lip, seg.rip), seg.ports, irs, low) & ~15;
}

/** The cookie that answers the SYN at hand. */
export function cookieMake(peerMss: u32): Seq {
  let index = MSS_COUNT - 1;
  while (index > 0 && <u32>load<u16>(MSS_TABLE + (index << 1)) > peerMss) index--;
  const low = (<u32>epoch() & 1) | (index << 1);
  return mac(low, seg.seq) | low;
}

/**
 * The timestamp that goes with it: at most 64 ms behind `now`, that of the clock, with the SYN's
 * options (bits of `Syn`) in its low bits.
 */
export function cookieTimestamp(now: u32, bits: u32): u32 {
  const scale = (bits & Syn.WINDOW_SCALE) != 0 ? bits & Syn.SCALE_MASK : SCALE_NONE;
  const options = scale | ((bits & Syn.SACK) != 0 ? SACK_BIT : 0) | ((bits & Syn.ECN) != 0 ? ECN_BIT : 0);
  const val = (now & ~OPTION_MASK) | options;
  return <i32>(val - now) > 0 ? val - (OPTION_MASK + 1) : val;
}

/**
 * Checks the cookie that the ACK at hand returns. Returns the peer's MSS, or 0 if it is none of ours, or too old.
 */
export function cookieCheck(): u32 {
  epoch();
  const cookie = seg.ack - 1, low = cookie & 15;
  if (mac(low, seg.seq - 1) != (cookie & ~15)) return 0;
  return <u32>load<u16>(MSS_TABLE + ((low >> 1) << 1));
}

/** The options of the SYN, as bits of `Syn`, from the timestamp that the ACK at hand echoes. */
export function cookieOptions(): u32 {
  if (!segHas(Option.TIMESTAMPS)) return 0;
  const options = seg.tsEcr & OPTION_MASK, scale = options & SCALE_NONE;
  let bits: u32 = Syn.TIMESTAMPS;
  if (scale != SCALE_NONE) bits |= Syn.WINDOW_SCALE | scale;
  if ((options & SACK_BIT) != 0) bits |= Syn.SACK;
  if ((options & ECN_BIT) != 0) bits |= Syn.ECN;
  return bits;
}
