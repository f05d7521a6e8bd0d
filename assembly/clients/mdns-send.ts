// Messages to everybody who speaks multicast DNS on the link (RFC 6762 §3, §11): over each family of which we have an
// address, from port 5353, with the largest time to live.

import { config } from "../config";
import { IPV6 } from "../features";
import { CLASS_IN, CLASS_TOP, Dns, MDNS_PORT } from "../wire/dns";
import { Address, At, namePut } from "../address/names";
import { mtuTo } from "../ip/address";
import { MDNS_GROUP, MDNS_LOW } from "../ip/groups";
import { isReachable6, sourceNamed6 } from "../ip/interface6";
import { ipFree } from "../ip/way";
import { datagramBegin, datagramEnd, HEADERS } from "./datagram";
import { NAME_BYTES } from "./dns-name";

/** RFC 6762 §11: an old receiver drops what has less. */
export const TTL: u32 = 255;
/** Families, by number. */
export const FAMILIES: u32 = 2;

/** ff02::fb. */
function group6(): Address {
  return namePut(0x02ff, MDNS_LOW, At.OTHER);
}

/**
 * Finds the way of messages over a family: 0 IPv4, 1 IPv6. Returns whether there is an address for them to leave from.
 */
export function wayFind(family: u32): bool {
  return family == 0 ? config.ip != 0 : IPV6 && isReachable6(group6()) && sourceNamed6(group6()) != 0;
}

/** Whether there are slots for a message over each family, as far as there can be. */
export function hasRoom(): bool {
  return ipFree() >= min(FAMILIES, config.txSlots);
}

/** Begins a message to all over a family, for which there is a way. Returns where it goes; 0: there is no slot. */
export function groupBegin(family: u32): usize {
  if (family == 0) return datagramBegin(config.ip, MDNS_GROUP, MDNS_PORT, MDNS_PORT, TTL);
  const group = group6();
  return datagramBegin(sourceNamed6(group), group, MDNS_PORT, MDNS_PORT, TTL);
}

/** Bytes that a message to `dst` may have. */
export function roomTo(dst: Address): u32 {
  return mtuTo(dst) - HEADERS;
}

export function groupRoom(family: u32): u32 {
  return roomTo(family == 0 ? MDNS_GROUP : group6());
}

/** Writes the head of a message, without records. Returns where they go. */
export function writeHeader(at: usize, id: u32, flags: u32, questions: u32): usize {
  const m = changetype<Dns>(at);
  m.id = id;
  m.flags = flags;
  m.questions = questions;
  m.clearRecords();
  return at + Dns.SIZE;
}

/** Writes a question; `top`: CLASS_TOP or 0. Returns where the next one goes. */
export function writeQuestion(at: usize, name: usize, size: u32, type: u32, top: u32): usize {
  assert(size <= NAME_BYTES);
  memory.copy(at, name, size);
  store<u32>(at + size, bswap<u32>(type << 16 | CLASS_IN | top));
  return at + size + 4;
}

/** How asking all went. */
export const enum Asked { YES, NO_SLOT, NO_WAY }

/** Asks all for records of a type of a name. `unicast`: CLASS_TOP, if answers may come to us alone; or 0. */
export function askAll(name: usize, size: u32, type: u32, unicast: u32): Asked {
  if (!hasRoom()) return Asked.NO_SLOT;
  let asked = Asked.NO_WAY;
  for (let family: u32 = 0; family < FAMILIES; family++) {
    if (!wayFind(family) || groupRoom(family) < Dns.SIZE + size + 4) continue;
    const at = groupBegin(family);
    if (at == 0) continue;
    datagramEnd(<u32>(writeQuestion(writeHeader(at, 0, 0, 1), name, size, type, unicast & CLASS_TOP) - at));
    asked = Asked.YES;
  }
  return asked;
}
