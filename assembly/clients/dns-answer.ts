// What a DNS server answers (RFC 1035 §4.1): only the records on the way from the
// question, over its aliases, to addresses count.

import { isHost } from "../config";
import { IPV6, MDNS } from "../features";
import { take } from "../core/layout";
import { CLASS_IN, Dns, TYPE_AAAA, TYPE_CNAME, TYPE_NSEC, TYPE_SOA } from "../wire/dns";
import { nameIs, nameRead, nameSkip, NAME_BYTES } from "./dns-name";

/** Aliases of a name that are followed. @full what is behind them is not read */
const ALIASES_MAX: u32 = 8;
/** Records of an answer that are looked at. @full the others are not read */
export const RECORDS_MAX: u32 = 64;
/** Addresses of a name that are kept. @full the others are not read */
export const ADDRESSES: u32 = 4;
/** The bytes that they take. */
export const ADDRESSES_ROOM: u32 = ADDRESSES * (IPV6 ? 16 : 4);
/** Times to live are cut at a day; of what there is not, at three hours (RFC 2308 §5). */
const TTL_MAX: u32 = 86_400;
const ABSENT_MAX: u32 = 10_800;

@unmanaged class Answer {
  /** How many addresses there are, and how long they, or their absence, may be believed, s. */
  count: u32;
  ttl: u32;
  /** TYPE_A or TYPE_AAAA: which addresses are looked for. */
  type: u32;
  /** Whether the records are well-formed. */
  good: bool;
  /** Whether an address was taken back (RFC 6762 §10.1). */
  leaves: bool;
  pad1: u16;
}

/** Where the reader is: the record at hand. */
@unmanaged class Rr {
  type: u32;
  ttl: u32;
  data: usize;
  dataSize: u32;
  /** Of the name that is looked for. */
  wantedSize: u32;
  /** What of a class tells it: in multicast DNS the highest bit tells something else. */
  classMask: u32;
}

export let answer: Answer = changetype<Answer>(0);
/** The name whose addresses are looked for, and the owner of the record at hand. */
let wanted: usize = 0;
let owner: usize = 0;
export let rr: Rr = changetype<Rr>(0);

export function answerInit(): void {
  answer = changetype<Answer>(take(1, offsetof<Answer>() + ADDRESSES_ROOM));
  rr = changetype<Rr>(take(1, offsetof<Rr>()));
  wanted = take(1, NAME_BYTES + 1);
  owner = take(1, NAME_BYTES + 1);
}

function u16at(from: usize): u32 {
  return <u32>load<u8>(from) << 8 | <u32>load<u8>(from, 1);
}

function u32at(from: usize): u32 {
  return bswap<u32>(load<u32>(from));
}

/** What of a class counts: in DNS, in multicast DNS (RFC 6762 §10.2). */
export const CLASS_DNS: u32 = 0xffff;
export const CLASS_MDNS: u32 = 0x7fff;

/**
 * Reads the record at `from`. Returns where the next one begins; 0: it is not well-formed.
 * A record of another class has the type 0.
 */
export function recordRead(from: usize, end: usize, classMask: u32): usize {
  const fixed = nameSkip(from, end);
  if (fixed == 0 || fixed + 10 > end) return 0;
  rr.type = (u16at(fixed + 2) & classMask) == CLASS_IN ? u16at(fixed) : 0;
  rr.ttl = u32at(fixed + 4);
  // RFC 2181 §8: with the highest bit set, it is 0.
  if (rr.ttl >> 31 != 0) rr.ttl = 0;
  rr.dataSize = u16at(fixed + 8);
  rr.data = fixed + 10;
  return rr.dataSize <= <u32>(end - rr.data) ? rr.data + rr.dataSize : 0;
}

/** Reads whom the record at `from` is about. Returns whether it is the name that is looked for. */
function readWanted(start: usize, from: usize, end: usize): bool {
  const size = nameRead(start, from, end, owner);
  return size != 0 && nameIs(owner, size, wanted, rr.wantedSize);
}

/** Where the addresses of the answer lie: IPv4 addresses in host order, IPv6 addresses as they stand in a packet. */
export function answerAddresses(): usize {
  return changetype<usize>(answer) + offsetof<Answer>();
}

/** Bytes of an address of a type. */
export function addressSize(type: u32): u32 {
  return IPV6 && type == TYPE_AAAA ? 16 : 4;
}

/**
 * Reads the message from `start` to `end`, whose first record begins at `from`, as an answer about the addresses of a
 * type of the name of `size` bytes at `name`. `classMask`: CLASS_DNS or CLASS_MDNS.
 */
export function answerRead(
  start: usize, from: usize, end: usize, name: usize, size: u32, type: u32, classMask: u32,
): void {
  const m = changetype<Dns>(start);
  memory.fill(changetype<usize>(answer), 0, offsetof<Answer>());
  answer.ttl = TTL_MAX;
  answer.type = type;
  nameRead(name, name, name + size, wanted);
  rr.wantedSize = size;
  rr.classMask = classMask;
  const records = m.answers;
  if (records > RECORDS_MAX) return;
  for (let aliases: u32 = 0; ; aliases++) {
    let alias: usize = 0, aliasTtl: u32 = 0, next = from;
    for (let i: u32 = 0; i < records; i++) {
      const here = next;
      next = recordRead(here, end, rr.classMask);
      if (next == 0) return;
      if ((rr.type != type && rr.type != TYPE_CNAME) || !readWanted(start, here, end)) continue;
      // RFC 6762 §10.1: whoever leaves says so by a time to live of 0.
      if (MDNS && rr.classMask == CLASS_MDNS && rr.ttl == 0) {
        answer.leaves = true;
        continue;
      }
      if (rr.type == type) {
        if (!addressRead()) return;
      } else if (alias == 0) {
        alias = rr.data;
        aliasTtl = rr.ttl;
      }
    }
    if (answer.count != 0 || alias == 0) break;
    // An alias of an alias of itself has no end.
    if (aliases == ALIASES_MAX) return;
    rr.wantedSize = nameRead(start, alias, end, wanted);
    if (rr.wantedSize == 0) return;
    answer.ttl = min(answer.ttl, aliasTtl);
  }
  answer.good = true;
  if (answer.count != 0) return;
  if (MDNS && classMask == CLASS_MDNS) answer.ttl = deniedFor(start, from, end);
  else answer.ttl = absentFor(from, end, records, m.authorities);
}

/** Keeps the address of the record at hand. What can be nobody's is left out. Returns false if it is none. */
function addressRead(): bool {
  const size = addressSize(answer.type);
  if (rr.dataSize != size) return false;
  if (answer.count == ADDRESSES || !isSomebodys()) return true;
  const to = answerAddresses() + answer.count++ * size;
  if (IPV6 && size == 16) memory.copy(to, rr.data, 16);
  else store<u32>(to, u32at(rr.data));
  answer.ttl = min(answer.ttl, rr.ttl);
  return true;
}

/** Whether the address of the record at hand is one that a host can have. */
function isSomebodys(): bool {
  if (IPV6 && answer.type == TYPE_AAAA) {
    const high = load<u64>(rr.data), low = load<u64>(rr.data, 8);
    // Neither ::, nor a group, nor an IPv4 address in another dress (RFC 4291 §2.5.5.2).
    return (high | low) != 0 && (high & 0xff) != 0xff && !(high == 0 && (low & 0xffffffff) == 0xffff0000);
  }
  const ip = u32at(rr.data);
  return isHost(ip, 32) || ip >> 24 == 127;
}

/**
 * RFC 2308 §5: how long it may be believed that there is nothing, s: the SOA record says it; without one, not at all.
 */
function absentFor(from: usize, end: usize, answers: u32, authorities: u32): u32 {
  let next = from;
  for (let i: u32 = 0; i < min(answers + authorities, RECORDS_MAX); i++) {
    next = recordRead(next, end, rr.classMask);
    if (next == 0) return 0;
    // Two names of a byte each at least, and five numbers, of which the last is the one.
    if (i >= answers && rr.type == TYPE_SOA && rr.dataSize >= 22) {
      return min(min(rr.ttl, u32at(rr.data + rr.dataSize - 4)), ABSENT_MAX);
    }
  }
  return 0;
}

/**
 * RFC 6762 §6.1: how long it may be believed that the name that is looked for has no address of this type, s: an NSEC
 * record says so. 0: nobody does.
 */
function deniedFor(start: usize, from: usize, end: usize): u32 {
  const m = changetype<Dns>(start), records = min(m.answers + m.authorities + m.additionals, RECORDS_MAX);
  let next = from;
  for (let i: u32 = 0; i < records; i++) {
    const here = next;
    next = recordRead(here, end, rr.classMask);
    if (next == 0) return 0;
    if (rr.type != TYPE_NSEC || !readWanted(start, here, end)) continue;
    const size = bitmapAt();
    if (size == 0) continue;
    const byte = answer.type >> 3, has = byte < size && (load<u8>(rr.data + byte) >> (7 - (answer.type & 7)) & 1) != 0;
    if (!has) return min(rr.ttl, ABSENT_MAX);
  }
  return 0;
}

/**
 * Of the NSEC record at hand: leads to its bitmap of the first 256 types, and returns how many bytes it has; 0: it has
 * none, or is not well-formed (RFC 6762 §6.1).
 */
export function bitmapAt(): u32 {
  const last = rr.data + rr.dataSize, map = nameSkip(rr.data, last);
  if (map == 0 || map + 3 > last || load<u8>(map) != 0) return 0;
  const size = <u32>load<u8>(map, 1);
  if (size == 0 || size > 32 || map + 2 + size > last) return 0;
  rr.data = map + 2;
  return size;
}
