// What a DHCPv6 server says (RFC 8415 §21): a message whose options have lengths that end where it does, or none of
// it.

import { take } from "../core/layout";
import { Dhcp6, Dhcp6Option, Option6, Status } from "../wire/dhcp6";
import { ownMac } from "../ip/output";

/** Bytes of a server's identifier: 128, and its type (RFC 8415 §11.1). @full the message is dropped */
export const SERVER_BYTES: u32 = 130;
/** Bytes of our own: type, hardware, MAC address (RFC 8415 §11.4). */
export const CLIENT_BYTES: u32 = 10;

@unmanaged class Said {
  /** The server's identifier; 0: none. */
  server: usize;
  serverSize: u32;
  /** Whether our identifier comes back. */
  isOurs: bool;
  /** Whether there is an IA_NA of ours. */
  hasIa: bool;
  preference: u8;
  pad: u8;
  /** Of the message, or of its IA_NA: what is not OK. */
  status: u32;
  t1S: u32;
  t2S: u32;
  /** The first address that can be one, of 16 bytes; 0: none. And its lifetimes. One of no time is the last choice. */
  address: usize;
  preferredS: u32;
  validS: u32;
  /** DNS servers, 16 bytes each. */
  dns: usize;
  dnsSize: u32;
  /** Seconds; 0: nothing is said. */
  refreshS: u32;
  solicitMaxS: u32;
  informMaxS: u32;
}

export let said: Said = changetype<Said>(0);

export function options6Init(): void {
  said = changetype<Said>(take(1, offsetof<Said>()));
}

function u32at(from: usize): u32 {
  return bswap<u32>(load<u32>(from));
}

/** Writes our identifier to the 10 bytes at `to`. */
export function clientPut(to: usize): void {
  const mac = ownMac();
  store<u32>(to, 0x01000300);
  store<u16>(to, bswap<u16>(<u16>(mac >> 32)), 4);
  store<u32>(to, bswap<u32>(<u32>mac), 6);
}

/** The number of our one IA_NA (RFC 8415 §12). */
export function iaid(): u32 {
  return <u32>ownMac();
}

function isClient(at: usize, size: u32): bool {
  const mac = ownMac();
  return size == CLIENT_BYTES && load<u32>(at) == 0x01000300 && load<u16>(at, 4) == bswap<u16>(<u16>(mac >> 32)) &&
    load<u32>(at, 6) == bswap<u32>(<u32>mac);
}

/** Whether the options from `at` end at `end`. Each takes four bytes at least. */
function areWhole(at: usize, end: usize): bool {
  while (at < end) {
    if (at + Option6.SIZE > end) return false;
    at += Option6.SIZE + changetype<Option6>(at).size;
  }
  return at == end;
}

/** Reads a message of `size` bytes. Returns false if it is not well-formed. */
export function options6Read(start: usize, size: u32): bool {
  memory.fill(changetype<usize>(said), 0, offsetof<Said>());
  const end = start + size;
  let at = start + Dhcp6.SIZE;
  if (!areWhole(at, end)) return false;
  while (at < end) {
    const o = changetype<Option6>(at), data = at + Option6.SIZE;
    if (!optionRead(o.code, data, o.size)) return false;
    at = data + o.size;
  }
  return true;
}

/** Takes one option in. Returns false if it cannot be one. What is not known is left out. */
function optionRead(code: u32, data: usize, size: u32): bool {
  switch (code) {
    case Dhcp6Option.CLIENT:
      said.isOurs = isClient(data, size);
      return said.isOurs;
    case Dhcp6Option.SERVER:
      if (size < 3 || size > SERVER_BYTES || said.server != 0) return false;
      said.server = data;
      said.serverSize = size;
      return true;
    case Dhcp6Option.IA_NA:
      return size >= 12 && areWhole(data + 12, data + size) && iaRead(data, data + size);
    case Dhcp6Option.PREFERENCE:
      if (size == 1) said.preference = load<u8>(data);
      return size == 1;
    case Dhcp6Option.STATUS:
      return statusRead(data, size);
    case Dhcp6Option.DNS:
      if ((size & 15) != 0) return false;
      said.dns = data;
      said.dnsSize = size;
      return true;
    case Dhcp6Option.REFRESH:
      if (size == 4) said.refreshS = u32at(data);
      return size == 4;
    case Dhcp6Option.SOLICIT_MAX:
      if (size == 4) said.solicitMaxS = u32at(data);
      return size == 4;
    case Dhcp6Option.INFORM_MAX:
      if (size == 4) said.informMaxS = u32at(data);
      return size == 4;
    default:
      return true;
  }
}

function statusRead(data: usize, size: u32): bool {
  if (size < 2) return false;
  const status = <u32>bswap<u16>(load<u16>(data));
  if (status != Status.OK) said.status = status;
  return true;
}

/** RFC 8415 §21.4: the IA_NA that is ours. One whose times contradict each other is left out. */
function iaRead(data: usize, end: usize): bool {
  const t1 = u32at(data + 4), t2 = u32at(data + 8);
  if (u32at(data) != iaid() || (t2 != 0 && t1 > t2)) return true;
  said.hasIa = true;
  said.t1S = t1;
  said.t2S = t2;
  for (let at = data + 12; at < end;) {
    const o = changetype<Option6>(at), inner = at + Option6.SIZE;
    if (o.code == Dhcp6Option.STATUS && !statusRead(inner, o.size)) return false;
    if (o.code == Dhcp6Option.ADDRESS && !addressRead(inner, o.size)) return false;
    at = inner + o.size;
  }
  return true;
}

/** RFC 8415 §21.6. */
function addressRead(data: usize, size: u32): bool {
  if (size < 24 || !areWhole(data + 24, data + size)) return false;
  const preferred = u32at(data + 16), valid = u32at(data + 20);
  if (preferred > valid || !isSomebodys(data)) return true;
  // A server that renumbers ends one, and gives another one (RFC 8415 §18.2.10.1).
  if (said.address != 0 && (said.validS != 0 || valid == 0)) return true;
  said.address = data;
  said.preferredS = preferred;
  said.validS = valid;
  return true;
}

/** Whether a server may give such an address: neither ::, ::1 nor an IPv4 one, a link-local one or a group. */
function isSomebodys(at: usize): bool {
  const high = load<u64>(at);
  return high != 0 && (high & 0xff) != 0xff && (high & 0xc0ff) != 0x80fe;
}
