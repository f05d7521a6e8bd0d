// What a DNS server answers (RFC 1035 §4.1): only the records on the way from the
// question, over its aliases, to addresses count.

import { isHost } from "../config";
import { IPV6 } from "../features";
import { take } from "../core/layout";
import { CLASS_IN, Dns, TYPE_A, TYPE_AAAA, TYPE_CNAME, TYPE_SOA } from "../wire/dns";
import { nameIs, nameRead, nameSkip, NAME_BYTES } from "./dns-name";

/** Aliases of a name that are followed. @full what is behind them is not read */
const ALIASES_MAX: u32 = 8;
/** Records of an answer that are looked at. @full the others are not read */
const RECORDS_MAX: u32 = 64;
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
  pad0: u8;
  pad1: u16;
}

/** Where the reader is: the record at hand. */
@unmanaged class At {
  type: u32;
  ttl: u32;
  data: usize;
  dataSize: u32;
  /** Of the name that is looked for. */
  wantedSize: u32;
}

export let answer: Answer = changetype<Answer>(0);
/** The name whose addresses are looked for, and the owner of the record at hand. */
let wanted: usize = 0;
let owner: usize = 0;
let at: At = changetype<At>(0);

export function answerInit(): void {
  answer = changetype<Answer>(take(1, offsetof<Answer>() + ADDRESSES_ROOM));
  at = changetype<At>(take(1, offsetof<At>()));
  wanted = take(1, NAME_BYTES + 1);
  owner = take(1, NAME_BYTES + 1);
}

function u16at(from: usize): u32 {
  return <u32>load<u8>(from) << 8 | <u32>load<u8>(from, 1);
}

function u32at(from: usize): u32 {
  return bswap<u32>(load<u32>(from));
}

/**
 * Reads the record at `from`. Returns where the next one begins; 0: it is not well-formed.
 * A record of another class has the type 0.
 */
function record(start: usize, from: usize, end: usize): usize {
  const fixed = nameSkip(from, end);
  if (fixed == 0 || fixed + 10 > end) return 0;
  at.type = u16at(fixed + 2) == CLASS_IN ? u16at(fixed) : 0;
  at.ttl = u32at(fixed + 4);
  // RFC 2181 §8: with the highest bit set, it is 0.
  if (at.ttl >> 31 != 0) at.ttl = 0;
  at.dataSize = u16at(fixed + 8);
  at.data = fixed + 10;
  return at.dataSize <= <u32>(end - at.data) ? at.data + at.dataSize : 0;
}

/** Whether the record that begins at `from` is about the name that is looked for. */
function isAboutWanted(start: usize, from: usize, end: usize): bool {
  const size = nameRead(start, from, end, owner);
  return size != 0 && nameIs(owner, size, wanted, at.wantedSize);
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
 * type of the name of `size` bytes at `name`.
 */
export function answerRead(start: usize, from: usize, end: usize, name: usize, size: u32, type: u32): void {
  const m = changetype<Dns>(start);
  memory.fill(changetype<usize>(answer), 0, offsetof<Answer>());
  answer.ttl = TTL_MAX;
  answer.type = type;
  nameRead(name, name, name + size, wanted);
  at.wantedSize = size;
  const records = m.answers;
  if (records > RECORDS_MAX) return;
  for (let aliases: u32 = 0; ; aliases++) {
    let alias: usize = 0, aliasTtl: u32 = 0, next = from;
    for (let i: u32 = 0; i < records; i++) {
      const here = next;
      next = record(start, here, end);
      if (next == 0) return;
      if ((at.type != type && at.type != TYPE_CNAME) || !isAboutWanted(start, here, end)) continue;
      if (at.type == type) {
        if (!addressRead()) return;
      } else if (alias == 0) {
        alias = at.data;
        aliasTtl = at.ttl;
      }
    }
    if (answer.count != 0 || alias == 0) break;
    // An alias of an alias of itself has no end.
    if (aliases == ALIASES_MAX) return;
    at.wantedSize = nameRead(start, alias, end, wanted);
    if (at.wantedSize == 0) return;
    answer.ttl = min(answer.ttl, aliasTtl);
  }
  answer.good = true;
  if (answer.count == 0) answer.ttl = absentFor(start, from, end, records, m.authorities);
}

/** Keeps the address of the record at hand. What can be nobody's is left out. Returns false if it is none. */
function addressRead(): bool {
  const size = addressSize(answer.type);
  if (at.dataSize != size) return false;
  if (answer.count == ADDRESSES || !isSomebodys()) return true;
  const to = answerAddresses() + answer.count++ * size;
  if (IPV6 && size == 16) memory.copy(to, at.data, 16);
  else store<u32>(to, u32at(at.data));
  answer.ttl = min(answer.ttl, at.ttl);
  return true;
}

/** Whether the address of the record at hand is one that a host can have. */
function isSomebodys(): bool {
  if (IPV6 && answer.type == TYPE_AAAA) {
    const high = load<u64>(at.data), low = load<u64>(at.data, 8);
    // Neither ::, nor a group, nor an IPv4 address in another dress (RFC 4291 §2.5.5.2).
    return (high | low) != 0 && (high & 0xff) != 0xff && !(high == 0 && (low & 0xffffffff) == 0xffff0000);
  }
  const ip = u32at(at.data);
  return isHost(ip, 32) || ip >> 24 == 127;
}

/**
 * RFC 2308 §5: how long it may be believed that there is nothing, s: the SOA record says it; without one, not at all.
 */
function absentFor(start: usize, from: usize, end: usize, answers: u32, authorities: u32): u32 {
  let next = from;
  for (let i: u32 = 0; i < min(answers + authorities, RECORDS_MAX); i++) {
    next = record(start, next, end);
    if (next == 0) return 0;
    // Two names of a byte each at least, and five numbers, of which the last is the one.
    if (i >= answers && at.type == TYPE_SOA && at.dataSize >= 22) {
      return min(min(at.ttl, u32at(at.data + at.dataSize - 4)), ABSENT_MAX);
    }
  }
  return 0;
}
