// IGMP (RFC 3376, RFC 2236, RFC 1112), the host's side: routers and switches are told that we are in the group of mDNS,
// and that we leave it. Groups of IPv6 are nd/'s.

import { config } from "../config";
import { afterMs, clock, isDue, Micros, NEVER } from "../core/clock";
import { count, Mib } from "../core/counters";
import { foldSum, sumBytes } from "../core/checksum";
import { layoutCommits, take } from "../core/layout";
import { randomBelow } from "../core/random";
import { Ipv4, PROTO_IGMP } from "../wire/ipv4";
import { groups, MDNS_GROUP } from "../ip/groups";
import { ipBegin, ipEnd } from "../ip/output";
import { ipHasSlot } from "../ip/way";

const QUERY: u32 = 0x11;
const REPORT_1: u32 = 0x12;
const REPORT_2: u32 = 0x16;
const LEAVE_2: u32 = 0x17;
const REPORT_3: u32 = 0x22;

/** Of a record of version 3 (RFC 3376 §4.2.12); all of them without sources. */
const IS_EXCLUDE: u32 = 2;
const TO_INCLUDE: u32 = 3;
const TO_EXCLUDE: u32 = 4;

/** All routers (RFC 2236 §9); those of version 3 (RFC 3376 §4.2.14). */
const ALL_ROUTERS: u32 = 0xe0000002;
const ALL_ROUTERS_3: u32 = 0xe0000016;

/** Robustness Variable (RFC 3376 §8.1): so often is told what has changed; within how long, ms (§8.11). */
const TIMES: u8 = 2;
const AGAIN_MS: u32 = 1000;
/** How long a router of an older version counts as being there, ms (§8.12). */
const OLDER_MS: u32 = 260_000;
/** Nobody waits longer for a report, ms: it is what version 1 has. */
const LATEST_MS: u32 = 10_000;
/** RFC 2113: routers look at it. */
const ROUTER_ALERT: u32 = 0x0494;
const OPTION_SIZE: u32 = 4;
/** Internetwork control (RFC 3376 §4). */
const TOS: u32 = 0xc0;

@unmanaged class Igmp {
  /** When the next report is due; NEVER: none is. */
  reportAt: Micros;
  /** Until when there is a router that knows version 1, 2 alone. */
  older1: Micros;
  older2: Micros;
  /** How often a change is to be told yet. */
  changes: u8;
  pad: u8;
  pad2: u16;
}

let igmp: Igmp = changetype<Igmp>(0);

export function igmpInit(): void {
  igmp = changetype<Igmp>(take(1, offsetof<Igmp>()));
  if (layoutCommits()) igmp.reportAt = NEVER;
}

/** We are in the group, or no longer; or an address is new, from which nobody has heard of us. */
export function igmpChange(): void {
  igmp.changes = TIMES;
  igmp.reportAt = clock.us;
}

/** When there is something to tell next. */
export function igmpNext(): Micros {
  return igmp.reportAt;
}

/** Sends what is due. Returns whether it has to wait for a slot. */
export function igmpOutput(): bool {
  if (!isDue(igmp.reportAt)) return false;
  // Without an address nobody could tell whom he hears.
  if (config.ip != 0 && !report()) return true;
  if (igmp.changes != 0) igmp.changes--;
  igmp.reportAt = igmp.changes == 0 ? NEVER : clock.us + <u64>randomBelow(AGAIN_MS * 1000);
  return false;
}

/** Reports, as the oldest router that is there understands it. Returns false: there is no slot. */
function report(): bool {
  if (!isDue(igmp.older1)) return !groups.joined || sendShort(REPORT_1, MDNS_GROUP);
  if (!isDue(igmp.older2)) {
    return groups.joined ? sendShort(REPORT_2, MDNS_GROUP) : sendShort(LEAVE_2, ALL_ROUTERS);
  }
  const at = messageBegin(ALL_ROUTERS_3);
  if (at == 0) return false;
  store<u32>(at, REPORT_3);
  store<u32>(at, 0x0100_0000, 4);
  store<u32>(at, igmp.changes == 0 ? IS_EXCLUDE : groups.joined ? TO_EXCLUDE : TO_INCLUDE, 8);
  store<u32>(at, bswap<u32>(MDNS_GROUP), 12);
  messageEnd(at, 16);
  return true;
}

/** A message of versions 1 and 2: all of it is a type and the group. */
function sendShort(type: u32, dst: u32): bool {
  const at = messageBegin(dst);
  if (at == 0) return false;
  store<u32>(at, type);
  store<u32>(at, bswap<u32>(MDNS_GROUP), 4);
  messageEnd(at, 8);
  return true;
}

/** Begins a message, behind a router alert. Returns where it goes; 0: there is no slot. */
function messageBegin(dst: u32): usize {
  if (!ipHasSlot(dst)) return 0;
  const ip = ipBegin(config.ip, dst, PROTO_IGMP, (TOS << 8) | 1);
  if (ip == null) return 0;
  ip.headerSize = Ipv4.SIZE + OPTION_SIZE;
  const option = changetype<usize>(ip) + Ipv4.SIZE;
  store<u32>(option, ROUTER_ALERT);
  return option + OPTION_SIZE;
}

/** Its sum, and off it goes. */
function messageEnd(at: usize, size: u32): void {
  store<u16>(at, foldSum(sumBytes(at, size, 0)), 2);
  ipEnd(OPTION_SIZE + size);
}

/** A message of `size` bytes to a group that we are in. */
export function igmpInput(ip: Ipv4, at: usize, size: u32): void {
  if (size < 8 || foldSum(sumBytes(at, size, 0)) != 0) {
    count(Mib.ipInDiscards);
    return;
  }
  const type = <u32>load<u8>(at), group = bswap<u32>(load<u32>(at, 4));
  if (type == REPORT_1 || type == REPORT_2) {
    // RFC 2236 §3: who hears another one's report need not send his own; in version 3 everybody does.
    if (group == MDNS_GROUP && igmp.changes == 0 && !(isDue(igmp.older1) && isDue(igmp.older2))) igmp.reportAt = NEVER;
    return;
  }
  // RFC 3376 §7.1: 8 bytes are of version 1 or 2, 12 or more of version 3.
  if (type != QUERY || (group != 0 && group != MDNS_GROUP) || (size > 8 && size < 12)) return;
  const code = <u32>load<u8>(at, 1);
  let ms = code * 100;
  if (size >= 12) {
    if (code >= 128) ms = (((code & 15) | 16) << (((code >> 4) & 7) + 3)) * 100;
  } else if (code == 0) {
    igmp.older1 = afterMs(OLDER_MS);
    ms = LATEST_MS;
  } else {
    igmp.older2 = afterMs(OLDER_MS);
  }
  igmp.reportAt = min(igmp.reportAt, clock.us + <u64>randomBelow(min(ms, LATEST_MS) * 1000 + 1));
}
