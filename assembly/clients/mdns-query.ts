// What others ask of us, know already (RFC 6762 §7.1) and want for themselves (§8.2): questions and records are read
// where they came, so many of a message at most, or none of it.

import { config } from "../config";
import { IPV6 } from "../features";
import { take } from "../core/layout";
import { CLASS_ANY, CLASS_IN, CLASS_TOP, Dns, TYPE_A, TYPE_AAAA, TYPE_ANY, TYPE_NSEC, TYPE_PTR } from "../wire/dns";
import { nameBytes, OWN_MAX } from "../address/names";
import { ownAt } from "../ip/interface6";
import { bitmapAt, CLASS_MDNS, recordRead, RECORDS_MAX, rr } from "./dns-answer";
import { nameIs, nameRead, nameSkip, NAME_BYTES } from "./dns-name";
import {
  bitmap, bitmapSize, isPublished, Kind, kindsNow, KINDS, mine, NAMING, ownName, reverseName, TTL_S,
} from "./mdns-records";

@unmanaged class Query {
  /** Kinds of our records that are asked for; of these, those that may come by unicast; those that are known. */
  asked: u32;
  unicast: u32;
  known: u32;
  /** Where the proposals of who probes begin, and how many records are there (§8.1). */
  proposals: usize;
  proposalsCount: u32;
  /** Whether somebody asks for our name, and whether he wants it. */
  named: bool;
  probes: bool;
  pad: u16;
}

/** A record that is compared with others (§8.2.1). */
@unmanaged class Datum {
  /** 0: before all others. */
  type: u32;
  size: u32;
  data: usize;
}

export let query: Query = changetype<Query>(0);
/** The owner of what is at hand; a name to compare it with. */
let owner: usize = 0;
let other: usize = 0;
let ours: Datum = changetype<Datum>(0);
let theirs: Datum = changetype<Datum>(0);
/** Our IPv4 address as it stands in a packet. */
let address: usize = 0;

export function queryInit(): void {
  query = changetype<Query>(take(1, offsetof<Query>()));
  owner = take(1, NAME_BYTES + 1);
  other = take(1, NAME_BYTES + 1);
  ours = changetype<Datum>(take(1, offsetof<Datum>()));
  theirs = changetype<Datum>(take(1, offsetof<Datum>()));
  address = take(1, 4);
}

function u16at(from: usize): u32 {
  return <u32>load<u8>(from) << 8 | <u32>load<u8>(from, 1);
}

/** Where the records behind the questions of a message begin; 0: there are too many questions, or one is none. */
export function questionsEnd(start: usize, end: usize): usize {
  const questions = changetype<Dns>(start).questions;
  if (questions > RECORDS_MAX) return 0;
  let at = start + Dns.SIZE;
  for (let i: u32 = 0; i < questions; i++) {
    at = nameSkip(at, end);
    if (at == 0 || at + 4 > end) return 0;
    at += 4;
  }
  return at;
}

/** Reads a query into `query`. Returns false if it is not well-formed, or longer than anybody's. */
export function queryRead(start: usize, end: usize): bool {
  memory.fill(changetype<usize>(query), 0, offsetof<Query>());
  const m = changetype<Dns>(start), records = questionsEnd(start, end);
  if (records == 0 || m.answers + m.authorities > RECORDS_MAX) return false;
  let at = start + Dns.SIZE;
  for (let i: u32 = 0; i < m.questions; i++) {
    const size = nameRead(start, at, end, owner), fixed = nameSkip(at, end);
    if (size == 0) return false;
    const kinds = kindsAsked(size, u16at(fixed), u16at(fixed + 2) & ~CLASS_TOP);
    query.asked |= kinds;
    if ((u16at(fixed + 2) & CLASS_TOP) != 0) query.unicast |= kinds;
    at = fixed + 4;
  }
  at = knownRead(start, at, end);
  if (at == 0) return false;
  query.proposals = at;
  query.proposalsCount = m.authorities;
  for (let i: u32 = 0; i < m.authorities; i++) {
    const here = at;
    at = recordRead(here, end, CLASS_MDNS);
    if (at == 0) return false;
    if (readOurs(start, here, end)) query.probes = query.named;
  }
  return true;
}

/** The kinds of our records that a question about `owner` wants. */
function kindsAsked(size: u32, type: u32, class_: u32): u32 {
  if (class_ != CLASS_IN && class_ != CLASS_ANY) return 0;
  const now = kindsNow();
  if (!nameIs(owner, size, ownName(), mine.nameSize)) {
    return type == TYPE_PTR || type == TYPE_ANY ? kindNamed(size) : 0;
  }
  query.named = true;
  const kinds: u32 = type == TYPE_A ? Kind.A : type == TYPE_AAAA ? Kind.AAAA : type == TYPE_ANY ? 3 : 0;
  // RFC 6762 §6.1: that there is no such record is an answer, too.
  return (kinds & now) == 0 ? <u32>Kind.NSEC : kinds & now;
}

/** The kind of the record that tells the name of the address for which `owner` stands; 0: it is none of ours. */
function kindNamed(size: u32): u32 {
  if (size < 7 || load<u32>(owner + size - 5) != 0x61707261) return 0;
  for (let left = kindsNow() & NAMING; left != 0; left &= left - 1) {
    const kind = left & -left;
    if (nameIs(owner, size, other, reverseName(kind, other))) return kind;
  }
  return 0;
}

/** Reads whom the record at `from` is about. Returns whether that is our name. */
function readOurs(start: usize, from: usize, end: usize): bool {
  return nameIs(owner, nameRead(start, from, end, owner), ownName(), mine.nameSize);
}

/** Reads which of our records who asks knows already. Returns where the next section begins; 0: it is malformed. */
function knownRead(start: usize, at: usize, end: usize): usize {
  let addresses: u32 = 0;
  for (let i: u32 = 0; i < changetype<Dns>(start).answers; i++) {
    const here = at;
    at = recordRead(here, end, CLASS_MDNS);
    if (at == 0) return 0;
    if (rr.ttl < TTL_S / 2) continue;
    if (rr.type == TYPE_PTR) {
      const kind = kindNamed(nameRead(start, here, end, owner));
      if (nameIs(owner, nameRead(start, rr.data, end, owner), ownName(), mine.nameSize)) query.known |= kind;
    } else if (readOurs(start, here, end)) {
      addresses |= knownOwn();
    }
  }
  // All addresses are told together, so all of them have to be known.
  if ((kindsNow() & NAMING & ~Kind.PTR & ~addresses) == 0) query.known |= Kind.AAAA;
  return at;
}

/** The record at hand, about our name, is known. Of an IPv6 address: returns the kind that tells its name. */
function knownOwn(): u32 {
  if (rr.type == TYPE_AAAA) return ownAddress6();
  if (rr.type == TYPE_A && isOwnAddress4()) query.known |= Kind.A;
  if (rr.type == TYPE_NSEC) {
    const size = bitmapAt();
    if (size == bitmapSize() && isBitmap(size)) query.known |= Kind.NSEC;
  }
  return 0;
}

function isBitmap(size: u32): bool {
  return size == 4 ? load<u32>(rr.data) == bitmap() : <u32>load<u8>(rr.data) == bitmap();
}

function isOwnAddress4(): bool {
  return rr.dataSize == 4 && load<u32>(rr.data) == bswap<u32>(config.ip) && config.ip != 0;
}

/** The kind that tells the name of the IPv6 address in the record at hand; 0: it is not ours. */
function ownAddress6(): u32 {
  if (!IPV6 || rr.dataSize != 16) return 0;
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    if (isPublished(i) && memory.compare(nameBytes(ownAt(i).name), rr.data, 16) == 0) return Kind.PTR6 << i;
  }
  return 0;
}

/** What somebody's answer means for our name. */
export const enum Claim {
  NONE,
  /** He has records of the name that are not ours. */
  OTHER,
  /** They say something else than ours of the same type. */
  CONTRARY,
}

/** Whether the records from `at` on say that somebody else has our name (§8.1, §9). */
export function claimIn(start: usize, at: usize, end: usize): Claim {
  const m = changetype<Dns>(start), records = min(m.answers + m.authorities + m.additionals, RECORDS_MAX);
  let claim = Claim.NONE;
  for (let i: u32 = 0; i < records; i++) {
    const here = at;
    at = recordRead(here, end, CLASS_MDNS);
    if (at == 0) break;
    // Who leaves wants nothing any more.
    if (rr.ttl == 0 || rr.type == 0 || !readOurs(start, here, end)) continue;
    const said = claimOf(kindsNow());
    if (said > claim) claim = said;
  }
  return claim;
}

/** The same of the record at hand, about our name. */
function claimOf(now: u32): Claim {
  if (rr.type == TYPE_A) return isOwnAddress4() ? Claim.NONE : (now & Kind.A) != 0 ? Claim.CONTRARY : Claim.OTHER;
  if (rr.type == TYPE_AAAA) {
    return ownAddress6() != 0 ? Claim.NONE : (now & Kind.AAAA) != 0 ? Claim.CONTRARY : Claim.OTHER;
  }
  if (rr.type != TYPE_NSEC) return Claim.OTHER;
  const size = bitmapAt();
  return size == bitmapSize() && isBitmap(size) ? Claim.NONE : Claim.OTHER;
}

// Who of two that probe at the same time may have the name (§8.2).

/** Compares a datum with the record of this type and data: below 0, 0, above 0. */
function compare(d: Datum, type: u32, data: usize, size: u32): i32 {
  if (d.type != type) return d.type < type ? -1 : 1;
  const by = memory.compare(d.data, data, min(d.size, size));
  return by != 0 ? by : d.size < size ? -1 : d.size > size ? 1 : 0;
}

function set(d: Datum, type: u32, data: usize, size: u32): void {
  d.type = type;
  d.data = data;
  d.size = size;
}

/** Goes to the next one of our addresses, in the order of §8.2.1. Returns false: that was the last. */
function oursNext(): bool {
  store<u32>(address, bswap<u32>(config.ip));
  if (config.ip != 0 && compare(ours, TYPE_A, address, 4) < 0) {
    set(ours, TYPE_A, address, 4);
    return true;
  }
  let best: usize = 0;
  if (IPV6) for (let i: u32 = 0; i < OWN_MAX; i++) {
    if (!isPublished(i)) continue;
    const data = nameBytes(ownAt(i).name);
    if (compare(ours, TYPE_AAAA, data, 16) < 0 && (best == 0 || memory.compare(data, best, 16) < 0)) best = data;
  }
  if (best != 0) set(ours, TYPE_AAAA, best, 16);
  return best != 0;
}

/** The same of the other one's proposals. */
function theirsNext(start: usize, end: usize): bool {
  let type: u32 = 0, data: usize = 0, size: u32 = 0, at = query.proposals;
  for (let i: u32 = 0; i < query.proposalsCount; i++) {
    const here = at;
    at = recordRead(here, end, CLASS_MDNS);
    if (rr.type == 0 || compare(theirs, rr.type, rr.data, rr.dataSize) >= 0 || !readOurs(start, here, end)) continue;
    if (type != 0) {
      if (rr.type > type) continue;
      const by = rr.type < type ? -1 : memory.compare(rr.data, data, min(rr.dataSize, size));
      if (by > 0 || (by == 0 && rr.dataSize >= size)) continue;
    }
    type = rr.type;
    data = rr.data;
    size = rr.dataSize;
  }
  if (type != 0) set(theirs, type, data, size);
  return type != 0;
}

/**
 * Compares the proposals of the query that was read with ours. Returns whether they come later: who sent it may have
 * the name.
 */
export function proposalsCompare(start: usize, end: usize): bool {
  set(ours, 0, 0, 0);
  set(theirs, 0, 0, 0);
  // As many as we have, and one more of theirs.
  for (let n: u32 = 0; n <= KINDS; n++) {
    const we = oursNext(), they = theirsNext(start, end);
    if (!we || !they) return they;
    const by = compare(ours, theirs.type, theirs.data, theirs.size);
    if (by != 0) return by < 0;
  }
  return false;
}
