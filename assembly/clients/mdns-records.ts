// Our own records (RFC 6762 §2, §6.1, §6.2): the name's addresses, that there are no others, and the addresses' names;
// how they are written.

import { config } from "../config";
import { IPV6, TEMPORARY } from "../features";
import { take } from "../core/layout";
import { CLASS_IN, TYPE_A, TYPE_AAAA, TYPE_NSEC, TYPE_PTR } from "../wire/dns";
import { nameBytes, nameHigh, nameLow, OWN_MAX } from "../address/names";
import { Origin, Own, ownAt } from "../ip/interface6";
import { nameFromText, NAME_BYTES } from "./dns-name";

/** Kinds of our records, as bits: addresses, what there is not, the name of each address: IPv4's, then IPv6's. */
export const enum Kind { A = 1, AAAA = 2, NSEC = 4, PTR = 8, PTR6 = 16 }

/** How many kinds there are, and those that tell the name of an address. */
export const KINDS: u32 = 4 + OWN_MAX;
export const NAMING: u32 = ((1 << KINDS) - 1) & ~7;

/** RFC 6762 §10: records with a host's name, s; of those that an old resolver hears (§6.7), less. */
export const TTL_S: u32 = 120;
export const LEGACY_TTL_S: u32 = 10;

/** Bytes of a host's name, without .local. */
const LABEL_MAX: u32 = 63;
/** Bytes of the longest number behind a name, with its hyphen. */
const NUMBER_MAX: u32 = 6;
const NUMBERS: u32 = 99_999;

@unmanaged class Mine {
  /** Bytes of the label that was given, and of the name. */
  labelSize: u32;
  nameSize: u32;
  /** What stands behind the label, since others have the name without it; below 2: nothing. */
  number: u32;
}

/** A message that is being written: where it begins, where the next record goes, where it must end. */
@unmanaged class Writer {
  start: usize;
  at: usize;
  end: usize;
  /** Where our name stands in it; 0: nowhere yet. */
  nameAt: usize;
  ttl: u32;
  class: u32;
}

export let mine: Mine = changetype<Mine>(0);
let writer: Writer = changetype<Writer>(0);
/** The label that was given; the name as it is in messages; a name to compare with. */
let label: usize = 0;
let name: usize = 0;
let scratch: usize = 0;

export function recordsInit(): void {
  mine = changetype<Mine>(take(1, offsetof<Mine>()));
  writer = changetype<Writer>(take(1, offsetof<Writer>()));
  label = take(1, LABEL_MAX + 1);
  name = take(1, NAME_BYTES + 1);
  scratch = take(1, NAME_BYTES + 1);
}

/** The own name, of `mine.nameSize` bytes. */
export function ownName(): usize {
  return name;
}

/** Whether the text can be a host's name: letters, digits, and hyphens between them (RFC 1123 §2.1). */
export function isLabel(text: usize, size: u32): bool {
  if (size == 0 || size > LABEL_MAX || load<u8>(text) == 45 || load<u8>(text + size - 1) == 45) return false;
  for (let i: u32 = 0; i < size; i++) {
    const c = <u32>load<u8>(text + i);
    if ((c | 32) - 97 >= 26 && c - 48 >= 10 && c != 45) return false;
  }
  return true;
}

/** The name is to be this label in .local. */
export function labelKeep(text: usize, size: u32): void {
  assert(size <= LABEL_MAX);
  memory.copy(label, text, size);
  mine.labelSize = size;
  mine.number = 1;
  compose();
}

/** Somebody has the name: another one is tried, with the next number behind the label (RFC 6762 §9). */
export function nameNext(): void {
  mine.number = mine.number == NUMBERS ? 2 : mine.number + 1;
  compose();
}

/** Makes the name of label and number; what would be too long is cut. */
function compose(): void {
  const text = scratch;
  let size = mine.labelSize;
  assert(size <= LABEL_MAX);
  if (mine.number > 1) {
    size = min(size, LABEL_MAX - NUMBER_MAX);
    let divisor: u32 = 1;
    while (mine.number / divisor >= 10) divisor *= 10;
    memory.copy(text, label, size);
    store<u8>(text + size++, 45);
    for (; divisor != 0; divisor /= 10) store<u8>(text + size++, <u8>(48 + mine.number / divisor % 10));
  } else {
    memory.copy(text, label, size);
  }
  // ".local"
  store<u32>(text + size, 0x636f6c2e);
  store<u16>(text + size, 0x6c61, 4);
  mine.nameSize = nameFromText(text, size + 6, name);
  assert(mine.nameSize != 0);
}

/** Writes up to `size` bytes of the name as text to `dst`. Returns how long it is. */
export function ownNameText(dst: usize, size: u32): u32 {
  const length: u32 = mine.nameSize < 2 ? 0 : mine.nameSize - 2;
  let next = <u32>load<u8>(name);
  for (let i: u32 = 0; i < length; i++) {
    let c = <u32>load<u8>(name + 1 + i);
    if (i == next) {
      next += c + 1;
      c = 46;
    }
    if (i < size) store<u8>(dst + i, <u8>c);
  }
  return length;
}

// Which there are.

/** Whether an address of ours belongs to the name. A temporary one would tell who it is (RFC 8981 §4). */
export function isPublished(i: u32): bool {
  const a = ownAt(i);
  if (TEMPORARY && a.origin == <u8>Origin.TEMPORARY) return false;
  return a.state == <u8>Own.VALID && a.origin != <u8>Origin.LOOPBACK;
}

/** The kinds of records that there are now. */
export function kindsNow(): u32 {
  let kinds: u32 = 0;
  if (config.ip != 0) kinds |= Kind.A | Kind.PTR;
  if (IPV6) for (let i: u32 = 0; i < OWN_MAX; i++) if (isPublished(i)) kinds |= Kind.AAAA | (Kind.PTR6 << i);
  if (kinds != 0 && (kinds & (Kind.A | Kind.AAAA)) != (Kind.A | Kind.AAAA)) kinds |= Kind.NSEC;
  return kinds;
}

/** What stands for the addresses that there are: another number when they change. */
export function addressesMark(): u64 {
  let mark = <u64>config.ip;
  if (IPV6) for (let i: u32 = 0; i < OWN_MAX; i++) {
    if (!isPublished(i)) continue;
    const own = ownAt(i).name;
    mark = (rotl<u64>(mark, 9) ^ nameHigh(own)) * 0x9e3779b97f4a7c15 + nameLow(own);
  }
  return mark;
}

/** The bytes of NSEC's bitmap (RFC 4034 §4.1.2), in memory order: which addresses there are; and how many. */
export function bitmap(): u32 {
  const kinds = kindsNow();
  return ((kinds & Kind.A) != 0 ? 0x40 : 0) | ((kinds & Kind.AAAA) != 0 ? 0x0800_0000 : 0);
}

export function bitmapSize(): u32 {
  return (kindsNow() & Kind.AAAA) != 0 ? 4 : 1;
}

/** Writes the name that stands for the address of a kind (RFC 1035 §3.5, RFC 3596 §2.5) to 255 bytes. Its size. */
export function reverseName(kind: u32, to: usize): u32 {
  let at = to;
  if (kind == Kind.PTR) {
    for (let shift: u32 = 0; shift < 32; shift += 8) at = putNumber(at, (config.ip >> shift) & 255);
    // "in-addr"
    store<u8>(at, 7);
    store<u64>(at, 0x72646461_2d6e69, 1);
    at += 8;
  } else {
    const bytes = nameBytes(ownAt(ctz(kind) - ctz(<u32>Kind.PTR6)).name);
    for (let i: u32 = 32; i > 0; i--) {
      const byte = <u32>load<u8>(bytes + ((i - 1) >> 1)), nibble = (i & 1) == 0 ? byte & 15 : byte >> 4;
      store<u16>(at, <u16>(1 | (nibble + (nibble < 10 ? 48 : 87)) << 8));
      at += 2;
    }
    // "ip6"
    store<u32>(at, 0x36706903);
    at += 4;
  }
  // "arpa"
  store<u8>(at, 4);
  store<u32>(at, 0x61707261, 1);
  store<u8>(at, 0, 5);
  return <u32>(at - to) + 6;
}

/** Writes a label of up to three digits. */
function putNumber(at: usize, n: u32): usize {
  const digits: u32 = n < 10 ? 1 : n < 100 ? 2 : 3;
  store<u8>(at, <u8>digits);
  for (let i = digits; i > 0; i--) {
    store<u8>(at + i, <u8>(48 + n % 10));
    n /= 10;
  }
  return at + digits + 1;
}

// How they are written.

/** Records will be written from `at` to `end` at most, into the message at `start`. `top`: CLASS_TOP or 0. */
export function writeBegin(start: usize, at: usize, end: usize, ttl: u32, top: u32): void {
  writer.start = start;
  writer.at = at;
  writer.end = end;
  writer.nameAt = 0;
  writer.ttl = ttl;
  writer.class = CLASS_IN | top;
}

/** Where the next record goes. */
export function writeEnd(): usize {
  return writer.at;
}

/** Writes the own name, or where it stands already. Returns false: there is no room. */
function writeName(): bool {
  if (writer.nameAt != 0) {
    if (writer.at + 2 > writer.end) return false;
    store<u16>(writer.at, bswap<u16>(<u16>(0xc000 | <u32>(writer.nameAt - writer.start))));
    writer.at += 2;
    return true;
  }
  if (writer.at + mine.nameSize > writer.end) return false;
  memory.copy(writer.at, name, mine.nameSize);
  writer.nameAt = writer.at;
  writer.at += mine.nameSize;
  return true;
}

/** Writes a record's head behind its owner, for `size` bytes of data. Returns where these go; 0: there is no room. */
function writeHead(type: u32, size: u32): usize {
  const at = writer.at;
  if (at + 10 + size > writer.end) return 0;
  store<u32>(at, bswap<u32>(type << 16 | writer.class));
  store<u32>(at, bswap<u32>(writer.ttl), 4);
  store<u16>(at, bswap<u16>(<u16>size), 8);
  writer.at = at + 10 + size;
  return at + 10;
}

/** Writes all records of these kinds, as far as there is room. Returns how many they are. */
export function writeKinds(kinds: u32): u32 {
  let n: u32 = 0;
  for (let left = kinds & kindsNow(); left != 0; left &= left - 1) {
    const kind = left & -left, before = writer.at, named = writer.nameAt, wrote = writeKind(kind);
    if (wrote == 0) {
      // A set of records is there as a whole, or not at all (RFC 6762 §10.2).
      writer.at = before;
      writer.nameAt = named;
    }
    n += wrote;
  }
  return n;
}

function writeKind(kind: u32): u32 {
  if (kind == Kind.AAAA) return IPV6 ? writeAddresses6() : 0;
  if ((kind & NAMING) != 0) return writePointer(kind) ? 1 : 0;
  if (!writeName()) return 0;
  if (kind == Kind.A) {
    const at = writeHead(TYPE_A, 4);
    if (at != 0) store<u32>(at, bswap<u32>(config.ip));
    return at == 0 ? 0 : 1;
  }
  const size = bitmapSize(), at = writeHead(TYPE_NSEC, 4 + size);
  if (at == 0) return 0;
  // RFC 6762 §6.1: the next name is the own one.
  store<u16>(at, bswap<u16>(<u16>(0xc000 | <u32>(writer.nameAt - writer.start))));
  store<u8>(at, 0, 2);
  store<u8>(at, <u8>size, 3);
  if (size == 4) store<u32>(at, bitmap(), 4);
  else store<u8>(at, <u8>bitmap(), 4);
  return 1;
}

function writeAddresses6(): u32 {
  let n: u32 = 0;
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    if (!isPublished(i)) continue;
    if (!writeName()) return 0;
    const at = writeHead(TYPE_AAAA, 16);
    if (at == 0) return 0;
    memory.copy(at, nameBytes(ownAt(i).name), 16);
    n++;
  }
  return n;
}

function writePointer(kind: u32): bool {
  const size = reverseName(kind, scratch);
  if (writer.at + size > writer.end) return false;
  memory.copy(writer.at, scratch, size);
  writer.at += size;
  const at = writeHead(TYPE_PTR, writer.nameAt != 0 ? 2 : mine.nameSize);
  if (at == 0) return false;
  writer.at = at;
  return writeName();
}
