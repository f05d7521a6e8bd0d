// Reassembly (RFC 791 §3.2, RFC 1122 §3.3.2) in fixed slots.
//
// Units of 8 bytes are marked as they arrive; a datagram is whole when each unit up to its end is marked, the last of
// which may be shorter. A fragment that brings a unit for the second time makes the whole datagram suspect, as RFC 5722
// decided for IPv6: it is given up, unless the fragment is a plain duplicate, with the same bytes. So is one whose
// fragments do not agree on where it ends. When all slots are taken, the oldest datagram is given up.

import { REASSEMBLY_MAX, config } from "../config";
import { IPV6, OWNERSHIP } from "../features";
import { take, layoutCommits } from "../core/layout";
import { allow, forbid, spaced } from "../core/own";
import { isDue, afterMs, Micros, NEVER } from "../core/clock";
import { count, Mib } from "../core/counters";
import { Ipv4, IP_MF, IP_OFFSET_MASK } from "../wire/ipv4";
import { Address, isName, nameDrop, nameKeep } from "../address/names";

/** RFC 1122 §3.3.2: 60 to 120 seconds. */
const TIMEOUT_MS: u32 = 60_000;

@unmanaged export class Datagram {
  /** Given up at this time; 0: the slot is free. */
  due: Micros;
  /** Kept. */
  src: Address;
  dst: Address;
  /** Of IPv4, 16 bits. */
  id: u32;
  protocol: u8;
  /** Whether the first fragment is there: its header and first bytes are quoted in a time-exceeded message. */
  hasFirst: bool;
  pad: u16;
  /** Bytes of payload in all, once the last fragment came; else 0. */
  total: u32;
  /** Units that are marked. */
  units: u32;
  /** Where the fragment ends that goes farthest of those that others follow. */
  beyond: u32;
  pad2: u32;
}

@unmanaged class ReassemblyState {
  busy: u32;
  pad: u32;
}

let slots: usize = 0;
let stride: u32 = 0;
export let state: ReassemblyState = changetype<ReassemblyState>(0);

/** In a slot: the Datagram, one bit a unit, then 20 bytes of header and the payload behind it. */
function bitsSize(): u32 {
  return ((config.reassemblyBytes >> 6) + 8) & ~7;
}

export function reassemblyInit(): void {
  state = changetype<ReassemblyState>(take(1, offsetof<ReassemblyState>()));
  stride = <u32>offsetof<Datagram>() + bitsSize() + Ipv4.SIZE + 4 + config.reassemblyBytes;
  if (OWNERSHIP) stride = spaced(stride);
  slots = take(config.reassemblyMax, stride);
  if (OWNERSHIP && layoutCommits()) for (let i: u32 = 0; i < config.reassemblyMax; i++) hide(slotAt(i));
}

/** A free slot shows when it is due. */
function hide(d: Datagram): void {
  forbid(changetype<usize>(d), stride);
  allow(changetype<usize>(d), 8);
}

export function slotAt(i: u32): Datagram {
  return changetype<Datagram>(slots + i * stride);
}

/** The header in front of a datagram's payload. */
export function datagramHeader(d: Datagram): Ipv4 {
  return changetype<Ipv4>(changetype<usize>(d) + offsetof<Datagram>() + bitsSize() + 4);
}

export function datagramFree(d: Datagram): void {
  d.due = 0;
  state.busy--;
  namesRelease(d);
  if (OWNERSHIP) hide(d);
}

function namesRelease(d: Datagram): void {
  nameDrop(d.src);
  nameDrop(d.dst);
}

/**
 * What tells the datagrams between two hosts apart: IPv6 has 32 bits for it, the upper ones
 * of which stand where IPv4 has a checksum.
 */
function idOf(ip: Ipv4): u32 {
  return IPV6 && isName(ip.src) ? ip.id | (<u32>load<u16>(changetype<usize>(ip), 10) << 16) : ip.id;
}

/** The slot for the datagram that `ip` is a fragment of; taken from the oldest one if need be. */
function slotTake(ip: Ipv4): Datagram {
  let best = slotAt(0);
  for (let i: u32 = 0; i < config.reassemblyMax; i++) {
    const d = slotAt(i);
    if (d.due != 0 && d.id == idOf(ip) && d.src == ip.src && d.dst == ip.dst &&
        (<u32>d.protocol == ip.protocol || isName(ip.src))) return d;
    if (d.due < best.due) best = d;
  }
  if (best.due != 0) {
    count(Mib.ipReasmFails);
    namesRelease(best);
  } else {
    state.busy++;
  }
  if (OWNERSHIP) {
    // The payload is nobody's before it arrives.
    hide(best);
    allow(changetype<usize>(best), <u32>offsetof<Datagram>() + bitsSize() + Ipv4.SIZE + 4);
  }
  memory.fill(changetype<usize>(best), 0, offsetof<Datagram>() + bitsSize());
  best.due = afterMs(TIMEOUT_MS);
  best.src = nameKeep(ip.src);
  best.dst = nameKeep(ip.dst);
  best.id = idOf(ip);
  best.protocol = <u8>ip.protocol;
  return best;
}

/**
 * Takes in a fragment whose header was validated. Returns the datagram once it is whole: its header and payload lie
 * together at `datagramHeader`, to be used before the next call; the caller frees it. Else null.
 */
export function reassemble(ip: Ipv4): Datagram | null {
  count(Mib.ipReasmReqds);
  const offset = (ip.fragment & IP_OFFSET_MASK) << 3;
  const size = ip.totalSize - ip.headerSize;
  const more = (ip.fragment & IP_MF) != 0;
  if (config.reassemblyMax == 0 || size == 0 || offset + size > min(config.reassemblyBytes, REASSEMBLY_MAX) ||
      (more && (size & 7) != 0)) {
    count(Mib.ipReasmFails);
    return null;
  }
  const d = slotTake(ip);
  if (!admitFragment(d, ip, offset, size, more)) {
    count(Mib.ipReasmFails);
    datagramFree(d);
    return null;
  }
  if (!isWhole(d)) return null;
  const header = datagramHeader(d);
  header.totalSize = Ipv4.SIZE + d.total;
  header.fragment = 0;
  header.src = d.src;
  header.dst = d.dst;
  header.fillChecksum();
  count(Mib.ipReasmOKs);
  return d;
}

/** Bytes of payload from its beginning on that are there. */
export function datagramBegun(d: Datagram): u32 {
  let units: u32 = 0;
  while (units << 3 < config.reassemblyBytes && isMarked(d, units)) units++;
  return d.total != 0 ? min(units << 3, d.total) : units << 3;
}

/** Where the marks of units lie. */
function marksAt(d: Datagram): usize {
  return changetype<usize>(d) + offsetof<Datagram>();
}

/** Whether the end is known, and every unit before it is marked. */
function isWhole(d: Datagram): bool {
  const units = (d.total + 7) >> 3;
  if (units == 0 || d.units != units) return false;
  for (let u: u32 = 0; u < units; u++) assert(isMarked(d, u));
  return true;
}

function isMarked(d: Datagram, unit: u32): bool {
  return ((<u32>load<u8>(marksAt(d) + (unit >> 3)) >> (unit & 7)) & 1) != 0;
}

/** Notes where the datagram ends, or that it goes on. Returns false when fragments do not agree on that. */
function noteEnd(d: Datagram, end: u32, more: bool): bool {
  if (more) {
    d.beyond = max(d.beyond, end);
  } else {
    if (d.total != 0 && d.total != end) return false;
    d.total = end;
  }
  return d.total == 0 || d.beyond < d.total;
}

/** Puts the fragment, which lies within the slot, in its place. Returns false when it contradicts what is there. */
function admitFragment(d: Datagram, ip: Ipv4, offset: u32, size: u32, more: bool): bool {
  const end = offset + size;
  if (!noteEnd(d, end, more)) return false;
  const payload = changetype<usize>(datagramHeader(d)) + Ipv4.SIZE;
  const from = changetype<usize>(ip) + ip.headerSize;
  const first = offset >> 3, last = (end + 7) >> 3;
  let known: u32 = 0;
  for (let u = first; u < last; u++) known += <u32>isMarked(d, u);
  if (known != 0) {
    count(Mib.ipReasmOverlaps);
    return known == last - first && memory.compare(payload + offset, from, size) == 0;
  }
  for (let u = first; u < last; u++) {
    const at = marksAt(d) + (u >> 3);
    store<u8>(at, <u32>load<u8>(at) | (<u32>1 << (u & 7)));
  }
  if (OWNERSHIP) {
    allow(payload + offset, min(size, offset < config.reassemblyBytes ? config.reassemblyBytes - offset : 0));
  }
  memory.copy(payload + offset, from, size);
  d.units += last - first;
  if (offset == 0) {
    // The options of the first fragment are not kept: nothing here acts on them.
    d.hasFirst = true;
    memory.copy(changetype<usize>(datagramHeader(d)), changetype<usize>(ip), Ipv4.SIZE);
    datagramHeader(d).headerSize = Ipv4.SIZE;
  }
  return true;
}

/** When the next datagram is given up, or NEVER. */
export function reassemblyNext(): Micros {
  if (state.busy == 0) return NEVER;
  let next = NEVER;
  for (let i: u32 = 0; i < config.reassemblyMax; i++) {
    const due = slotAt(i).due;
    if (due != 0 && due < next) next = due;
  }
  return next;
}

/** A datagram whose time is up; the caller reports and frees it. Null: none. */
export function reassemblyExpired(): Datagram | null {
  if (state.busy == 0) return null;
  for (let i: u32 = 0; i < config.reassemblyMax; i++) {
    const d = slotAt(i);
    if (d.due != 0 && isDue(d.due)) {
      count(Mib.ipReasmTimeout);
      count(Mib.ipReasmFails);
      return d;
    }
  }
  return null;
}
