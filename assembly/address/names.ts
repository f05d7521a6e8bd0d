// Names of IPv6 addresses. Above the Internet layer an address is 32 bits: an IPv4 address is itself, an IPv6 address
// is a name out of 240/4, which no IPv4 packet may bring (RFC 1122 §3.2.1.3). So a TCB, a half-open record and a table
// of neighbours are as large as ever, and whoever compares addresses need not know of which kind they are.
//
// A name is the place of a record with the address. A record lives as long as somebody keeps it (`nameKeep`,
// `nameDrop`), and the table has one for everybody who may, so that it is never full. A packet from a stranger
// makes none: its source is the peer at hand, in a reserved place, until something is made that lives longer
// than the packet. A record that nobody keeps any more is found no more, but holds its address until the next
// packet (`namesSettle`): whatever a packet ends, its own addresses are there to be answered. What is to be
// unguessable, or to be limited, is computed from the address itself (`pairOf`, `prefixOf`), never from its
// name, which another address may have tomorrow.

import { config, Config, Policy } from "../config";
import { BOUNDED, COOKIES, IPV6, OWNERSHIP, REDIRECTS, SNTP, SPEED, TEMPORARY } from "../features";
import { sumPseudo } from "../core/checksum";
import { Key, hash2 } from "../core/hash";
import { layoutCommits, take } from "../core/layout";
import { RED_SHIFT } from "../core/own";
import { randomKey } from "../core/random";
import { Pool, poolAt, poolGive, poolIndex, poolInit, poolShow, poolTake } from "../buffers/pool";

/** An IPv4 address in host order, or the name of an IPv6 address. */
export type Address = u32;

/** IPv6 addresses of ours (ip/interface6.ts), half from routers. @full a router's is not taken, `ip6_add` is FULL */
export const OWN_PLACES: u32 = 8;
/** Temporary IPv6 addresses. @full the one that has been deprecated for the longest goes */
export const TEMPORARY_MAX: u32 = 6;
/** All of them. */
export const OWN_MAX: u32 = OWN_PLACES + (TEMPORARY ? TEMPORARY_MAX : 0);
/** IPv6 routers, 2 of them only of the host's. @full one more is not taken */
export const ROUTERS_MAX: u32 = 6;
/** DNS servers of which routers told; and those that were given by hand. @full one more is not taken */
export const RESOLVERS_MAX: u32 = 3;
/** Time servers that were given by hand. @full one more is not taken */
export const TIME_SERVERS_MAX: u32 = 3;
/** IPv6 destinations that a redirect sent another way. @full the oldest goes the usual way again */
export const REDIRECTS_MAX: u32 = 8;

/** Places for one address each, which lasts until the next one is put there. */
export const enum At {
  /** The source of the packet at hand, if nobody has a record of it. */
  PEER,
  /** What the application named in a call. */
  CALLER,
  /** The sender of the datagram that the application took. */
  SENDER,
  /** The destination of a packet that an ICMP error quotes, or of one that we send on our own account. */
  OTHER,
  /** ::, always. */
  NONE,
  COUNT,
}

/** Names begin here, away from the addresses of 240/4 that somebody may type. */
const FIRST: u32 = 0xf8000000;
/** "nm": what the group's secret is hashed with. */
const WHAT: u64 = 0x6e6d;

@unmanaged class Record {
  /** The 16 bytes as they stand in a packet. */
  high: u64;
  low: u64;
  /** SipHash of them. */
  digest: u64;
  /** Their sum, for pseudo-headers. */
  sum: u32;
  /**
   * How many keep it, and `ROUTER`; or `LEFT`, and the name of the record that was left before, less FIRST. 0: free.
   */
  kept: u32;
}

@unmanaged class NamesState extends Key {
  /** Name of the record that was found last, since packets come in trains. */
  last: u32;
  /** How many records there are. */
  most: u32;
  /** The record that was left last, as in `kept`; 0: none is. */
  left: u32;
  /** Of `Knows`: who has not been told yet that a name means another address than before. */
  changed: u8;
}

/** Who remembers something of names, and forgets it when they change (`namesTakeChange`). */
export const enum Knows {
  /** The way to an address (ip/output.ts). */
  WAY = 1,
  /** The two addresses of the packet before (ip/input6.ts). */
  PAIR = 2,
  ALL = 3,
}

/** In `kept`: it is a router of ours; nobody keeps it any more. */
const ROUTER: u32 = 1 << 31;
const LEFT: u32 = 1 << 30;
/** More records than one packet, or one call, can ask for: what it names stays readable. */
const SPARE: u32 = 8;

const SHIFT: u32 = 5 + RED_SHIFT;

let state: NamesState = changetype<NamesState>(0);
let reserved: usize = 0;
let pool: Pool = changetype<Pool>(0);
/** By digest: names of records, 0 where there is none. Open addressing, at most half full. */
let index: usize = 0;
let mask: u32 = 0;

/**
 * Everybody who may keep a name that nobody else does (`nameKeep`): of a datagram that is put together
 * the source, and the group that it is to.
 */
export function namesMost(): u32 {
  return config.connsMax + config.halfOpenMax + config.timeWaitMax + config.neighboursMax + 2 * config.reassemblyMax +
    config.listenersMax + OWN_MAX + ROUTERS_MAX + 2 * RESOLVERS_MAX + (SNTP ? TIME_SERVERS_MAX : 0) +
    (REDIRECTS ? 2 * REDIRECTS_MAX : 0) + SPARE;
}

export function namesInit(): void {
  if (offsetof<Record>() > 32) ERROR("a record is at most 32 bytes");
  state = changetype<NamesState>(take(1, offsetof<NamesState>()));
  reserved = take(At.COUNT, offsetof<Record>());
  pool = poolInit(namesMost(), SHIFT);
  const size = <u32>2 << (32 - clz(namesMost() - 1));
  index = take(size, 4);
  mask = size - 1;
  if (!layoutCommits()) return;
  state.most = namesMost();
  if (OWNERSHIP) poolShow(pool, namesMost(), 24, 8);
  namePut(0, 0, At.NONE);
  randomKey(state);
  if (!COOKIES || (config.policy & Policy.GROUP) == 0) return;
  // The members of a group make the same cookies for one address.
  const secret = changetype<Key>(changetype<usize>(config) + offsetof<Config>("groupKey0"));
  state.k0 = hash2(secret, WHAT, 0);
  state.k1 = hash2(secret, WHAT, 1);
}

/** Whether it is the name of an IPv6 address. 255.255.255.255 is none. */
export function isName(ip: Address): bool {
  return IPV6 && ip >> 28 == 15 && ip != 0xffffffff;
}

/** The unspecified address. */
export function noName(): Address {
  return FIRST + <u32>At.NONE;
}

/** Whether it is the name of a reserved place: another address with the next packet, or call. */
export function isAtHand(name: Address): bool {
  return isName(name) && isReserved(name);
}

function isReserved(name: Address): bool {
  return name - FIRST < <u32>At.COUNT;
}

function recordOf(name: Address): Record {
  const i = name - FIRST;
  // A number out of 240/4 that is no name is ::, whoever let it in.
  if (i - At.COUNT < state.most) return changetype<Record>(poolAt(pool, i - At.COUNT));
  return changetype<Record>(reserved + (i < <u32>At.COUNT ? i : <u32>At.NONE) * offsetof<Record>());
}

/** Where the 16 bytes of a name's address are. */
export function nameBytes(name: Address): usize {
  return changetype<usize>(recordOf(name));
}

/** Whether a caller's name is that of an address now. */
export function isNamed(name: Address): bool {
  return isName(name) && name - FIRST < <u32>At.COUNT + namesMost() &&
    (isReserved(name) ? recordOf(name).digest != 0 : isKept(recordOf(name)));
}

function isKept(r: Record): bool {
  return r.kept != 0 && (r.kept & LEFT) == 0;
}

/** Whether a caller's number is an IPv4 address, or names an IPv6 one now. */
export function isSound(ip: Address): bool {
  return !isName(ip) || isNamed(ip);
}

/** Both halves of an address, as u64 in memory order. */
export function nameHigh(name: Address): u64 {
  return recordOf(name).high;
}

export function nameLow(name: Address): u64 {
  return recordOf(name).low;
}

function digestOf(at: usize): u64 {
  return hash2(state, load<u64>(at), load<u64>(at, 8));
}

function placeAt(i: u32): usize {
  return index + (<usize>(i & mask) << 2);
}

/** The name of the address at `at`, whose digest is known; 0: it has no record. */
function lookup(at: usize, digest: u64): Address {
  const high = load<u64>(at), low = load<u64>(at, 8);
  for (let i = <u32>digest, name = load<u32>(placeAt(i)); name != 0; name = load<u32>(placeAt(++i))) {
    assert(!BOUNDED || i - <u32>digest < mask);
    const r = recordOf(name);
    if (r.high != high || r.low != low) continue;
    state.last = name;
    return name;
  }
  return 0;
}

/** The name of the 16 bytes at `at`; 0: nobody keeps one. */
export function nameFind(at: usize): Address {
  const last = state.last;
  if (last != 0) {
    const r = recordOf(last);
    if (r.high == load<u64>(at) && r.low == load<u64>(at, 8)) return last;
  }
  return lookup(at, digestOf(at));
}

/** The same; an address that nobody keeps is put into a reserved place, until the next one is. */
export function nameFor(at: usize, place: At): Address {
  const known = nameFind(at);
  return known != 0 ? known : namePut(load<u64>(at), load<u64>(at, 8), place);
}

/** Puts an address, by its halves in memory order, into a reserved place, whether it has a record or not. */
export function namePut(high: u64, low: u64, place: At): Address {
  const r = recordOf(FIRST + <u32>place);
  r.high = high;
  r.low = low;
  r.digest = digestOf(changetype<usize>(r));
  r.sum = sumOf(high, low);
  return FIRST + <u32>place;
}

function sumOf(high: u64, low: u64): u32 {
  const sum = (high & 0xffffffff) + (high >> 32) + (low & 0xffffffff) + (low >> 32),
    once = (sum & 0xffffffff) + (sum >> 32);
  return <u32>((once & 0xffffffff) + (once >> 32));
}

/**
 * The record's name of an address that was at hand when it got none, or was left:
 * what was made since may have given it one.
 */
export function nameSettled(name: Address): Address {
  if (!isName(name) || (!isReserved(name) && isKept(recordOf(name)))) return name;
  const known = lookup(nameBytes(name), recordOf(name).digest);
  return known != 0 ? known : name;
}

/**
 * Keeps an address for as long as the one who calls this does, until `nameDrop`. Returns its name
 * from now on; an IPv4 address is its own.
 */
export function nameKeep(name: Address): Address {
  if (!isName(name)) return name;
  let kept = nameSettled(name);
  if (isReserved(kept) || !isKept(recordOf(kept))) kept = intern(recordOf(kept));
  recordOf(kept).kept++;
  return kept;
}

/** Another packet, or poll, begins: records that were left are free. */
export function namesSettle(): void {
  for (let n: u32 = 0; state.left != 0; n++) {
    assert(!BOUNDED || n < state.most);
    const r = recordOf(FIRST + (state.left & ~LEFT));
    state.left = r.kept == LEFT ? 0 : r.kept;
    r.kept = 0;
    poolGive(pool, changetype<usize>(r));
  }
}

function intern(from: Record): Address {
  // Calls without a poll in between may have left many.
  if (pool.freeCount == 0) namesSettle();
  const at = poolTake(pool);
  assert(at != 0);
  const r = changetype<Record>(at), name = FIRST + At.COUNT + poolIndex(pool, at);
  memory.copy(at, changetype<usize>(from), offsetof<Record>());
  r.kept = 0;
  let i = <u32>r.digest;
  for (; load<u32>(placeAt(i)) != 0; i++) assert(!BOUNDED || i - <u32>r.digest < mask);
  store<u32>(placeAt(i), name);
  if (SPEED) namesChange();
  return name;
}

/** One who kept it does no longer. */
export function nameDrop(name: Address): void {
  if (!isName(name)) return;
  const r = recordOf(name);
  assert(!isReserved(name) && isKept(r));
  if (--r.kept == 0) forget(name, r);
}

/** For `nameMark`. */
export const enum Mark { NONE, ROUTER }

/** Marks a name that is kept as that of a router, or not. */
export function nameMark(name: Address, mark: Mark): void {
  const r = recordOf(name);
  r.kept = mark == Mark.ROUTER ? r.kept | ROUTER : r.kept & ~ROUTER;
}

/** Whether it is the name of a router of ours. */
export function isRouter(name: Address): bool {
  return isName(name) && (recordOf(name).kept & ROUTER) != 0;
}

/**
 * Takes the record, which is left now, out of the index: what lies behind it and could not be at its place
 * moves up (TAOCP vol. 3, §6.4, algorithm R).
 */
function forget(name: Address, r: Record): void {
  let hole = <u32>r.digest;
  for (; load<u32>(placeAt(hole)) != name; hole++) assert(!BOUNDED || hole - <u32>r.digest < mask);
  let i = hole + 1;
  for (let other = load<u32>(placeAt(i)); other != 0; other = load<u32>(placeAt(++i))) {
    // It stays if its home lies behind the hole, up to where it is.
    if (((i - <u32>recordOf(other).digest) & mask) < ((i - hole) & mask)) continue;
    store<u32>(placeAt(hole), other);
    hole = i;
  }
  store<u32>(placeAt(hole), 0);
  if (state.last == name) state.last = 0;
  if (SPEED) namesChange();
  r.kept = state.left == 0 ? LEFT : state.left;
  state.left = LEFT | (name - FIRST);
}

/** A name may mean another address than before, or nobody keeps it, or it is ours or is not any more. */
export function namesChange(): void {
  state.changed = <u8>Knows.ALL;
}

/** Takes note for `who` that a name has changed. Returns whether one has, since `who` asked last. */
export function namesTakeChange(who: Knows): bool {
  const changed = state.changed;
  if ((changed & <u8>who) == 0) return false;
  state.changed = changed & ~<u8>who;
  return true;
}

/** What is to be hashed of a pair of addresses. */
export function pairOf(lip: Address, rip: Address): u64 {
  if (isName(rip)) return recordOf(rip).digest ^ (isName(lip) ? rotl<u64>(recordOf(lip).digest, 32) : 0);
  return <u64>rip | (<u64>lip << 32);
}

/** What tells the network of an address from others: an IPv4 /24, an IPv6 /56; to be hashed. */
export function prefixOf(ip: Address): u64 {
  return isName(ip) ? nameHigh(ip) & 0x00ffffffffffffff | (<u64>6 << 56) : <u64>(ip >> 8);
}

/** 32 bits that stand for an address where it cannot be kept: an IPv4 address itself. */
export function digest32(ip: Address): u32 {
  return isName(ip) ? <u32>recordOf(ip).digest | FIRST : ip;
}

/** The pseudo-header of RFC 9293 §3.1, RFC 768 and RFC 8200 §8.1, as a sum to start from. */
export function sumBetween(src: Address, dst: Address, protocol: u32, size: u32): u64 {
  if (!isName(dst)) return sumPseudo(src, dst, protocol, size);
  return <u64>recordOf(src).sum + <u64>recordOf(dst).sum + sumPseudo(0, 0, protocol, size);
}

/** Records in use: for checks. */
export function namesInUse(): u32 {
  return namesMost() - pool.freeCount;
}

/** How often names are kept, all together: for checks. */
export function namesKept(): u32 {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < namesMost(); i++) {
    const r = changetype<Record>(poolAt(pool, i));
    if (isKept(r)) sum += r.kept & ~ROUTER;
  }
  return sum;
}
