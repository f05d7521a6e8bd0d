// Sending: a frame is built in a free slot, to the host or back to ourselves (127/8 and the own address).
//
//   const ip = ipBegin(src, dst, protocol, …)   null: no slot, no route, or the neighbour is refused
//   … fill the payload behind it …
//   ipEnd(payloadSize)
//
// TCP, which asks for the way first (ip/way.ts), writes its segment and has it sent by `ipSend`.
//
// Every datagram has DF set and identification 0: it is atomic (RFC 6864 §4.1), never fragmented on the way. One that
// is waiting for its neighbour is kept, the latest one for each neighbour (RFC 1122 §2.3.2.2), as long as there are
// slots for so many; TCP does not wait there but makes its segment again.
//
// An IPv6 datagram is written behind a header like IPv4's, with the names of its addresses, which stands in the last 20
// bytes of where its own header goes; `ipEnd` writes that one. A segment that takes over the headers of the one before
// has it at once.

import { IPV6, LINK_LOCAL, SPEED, WAITING } from "../features";
import { config, FRAME_OFFSET, ETHERNET_SIZE, isLinkLocal4 } from "../config";
import { take, layoutCommits } from "../core/layout";
import { foldSum, sumBytes } from "../core/checksum";
import { count, countBy, Mib } from "../core/counters";
import { SlotRing, slotsFull, slotNext, slotProduce, slotStride } from "../buffers/slots";
import { Ethernet, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_ARP, MAC_BROADCAST } from "../wire/ethernet";
import { Arp, ARP_REQUEST } from "../wire/arp";
import { Ipv6 } from "../wire/ipv6";
import { Ipv4, PROTO_TCP } from "../wire/ipv4";
import {
  Address, digest32, isName, nameBytes, nameSettled, sumBetween,
} from "../address/names";
import { Asker, neighbourMac, MAC_UNKNOWN } from "../arp/neighbours";
import { HEADER_MORE, Ipv4Address, nextHop } from "./address";
import { ipForget, Route, route, routeInit, tx, Way, ipFindWay } from "./way";

/** The datagram at hand, and its way. */
@unmanaged class IpOutput extends Route {
  /** The number of the slot in which it waits for its neighbour. */
  slot: u32;
  /** Where the records of the waiting slots lie, and the slots. */
  records: usize;
  waiting: usize;
  /**
   * Of the datagram that was begun last: from where, to where, and what IPv6's
   * header is longer than IPv4's, if it is IPv6.
   */
  src: Address;
  dst: Address;
  more: u32;
}

/**
 * A packet that waits: `digest32` of its next hop, whose place among the neighbours may go to another, and its name
 * with it; and its frame's size (0: none waits).
 */
@unmanaged class Waiting {
  hop: u32;
  size: u32;
}

/** Packets that wait for a neighbour to answer, one each. @full another one of them is dropped (ipOutDiscards) */
const WAITING_MAX: u32 = 16;

/**
 * The Ethernet and IP headers of a segment, which the next one on the same way takes over (`route`), but for its
 * size; and what follows from that, IPv4's checksum. Builds for speed have it.
 */
@unmanaged class Head {
  /** The headers, without size and checksum: 34 bytes, or 54 of IPv6. */
  bytes: u64;
  bytes8: u64;
  bytes16: u64;
  bytes24: u64;
  bytes32: u64;
  bytes40: u64;
  bytes48: u32;
  bytes52: u16;
  pad: u16;
  /** What they were written for: the source, TOS and TTL. `route.to` is the destination. */
  src: u32;
  tosTtl: u32;
  /** The sum of the IPv4 header as it stands here. */
  sum: u32;
  /** Whether the datagram that was begun last has it. */
  used: bool;
}

let out: IpOutput = changetype<IpOutput>(0);
let head: Head = changetype<Head>(0);

/** One for four frames to the host. */
function waitingCount(): u32 {
  return WAITING ? max(1, min(config.txSlots >> 2, WAITING_MAX)) : 1;
}

function waitingAt(i: u32): Waiting {
  return changetype<Waiting>(out.records + i * offsetof<Waiting>());
}

function waitingFrame(i: u32): usize {
  return out.waiting + i * slotStride(config.mtu);
}

/**
 * The slot of the packet that waits for `hop` (its digest), else a free one, else
 * one that is taken from another, by turns.
 */
function waitingSlot(hop: u32): u32 {
  if (!WAITING) return 0;
  let free = waitingCount();
  for (let i: u32 = 0; i < waitingCount(); i++) {
    const w = waitingAt(i);
    if (w.size == 0) free = i;
    else if (w.hop == hop) return i;
  }
  return free < waitingCount() ? free : (out.slot + 1) % waitingCount();
}

/** The packet in the slot, if there is one, is not sent. */
function waitingDrop(i: u32): void {
  if (waitingAt(i).size != 0) count(Mib.ipOutDiscards);
  waitingAt(i).size = 0;
}

/** Lays out the waiting slots. */
export function ipOutputInit(): void {
  out = changetype<IpOutput>(take(1, offsetof<IpOutput>()));
  routeInit(out);
  if (SPEED) head = changetype<Head>(take(1, offsetof<Head>()));
  const records = take(waitingCount(), offsetof<Waiting>()), waiting = take(waitingCount(), slotStride(config.mtu));
  if (!layoutCommits()) return;
  out.records = records;
  out.waiting = waiting + FRAME_OFFSET;
}

/**
 * Begins a datagram. Returns its header, with a payload of up to `mtuTo(dst)` − 20 bytes to fill behind it, or null.
 */
export function ipBegin(src: Address, dst: Address, protocol: u32, tosTtl: u32): Ipv4 | null {
  const way = ipFindWay(dst, Asker.ANYBODY);
  if (way == Way.UNRESOLVED) {
    // To ask it, the neighbour was given a name that stays.
    const hop = nextHop(dst), key = digest32(IPV6 ? nameSettled(hop) : hop);
    out.slot = waitingSlot(key);
    waitingDrop(out.slot);
    waitingAt(out.slot).hop = key;
    route.ring = 0;
    route.frame = waitingFrame(out.slot);
  } else if (way != Way.OPEN) {
    count(way == Way.NO_ROUTE ? Mib.ipOutNoRoutes : Mib.ipOutDiscards);
    return null;
  }
  return headers(src, dst, protocol, tosTtl);
}

/**
 * Sends a datagram to where `ipWay` said OPEN, whose payload of `size` bytes lies at `ipPlace(dst)`: `ipBegin` and
 * `ipEnd` in one.
 */
export function ipSend(src: Address, dst: Address, protocol: u32, tosTtl: u32, size: u32): void {
  headers(src, dst, protocol, tosTtl);
  ipEnd(size);
}

/** Writes the headers of the datagram in `out.frame`. `tosTtl`: TOS and TTL. */
function headers(src: Address, dst: Address, protocol: u32, tosTtl: u32): Ipv4 {
  out.more = IPV6 && isName(dst) ? HEADER_MORE : 0;
  if (IPV6 || SPEED) {
    out.src = src;
    out.dst = dst;
  }
  if (SPEED) {
    head.used = protocol == PROTO_TCP && dst == route.to && !route.isNew && head.src == src && head.tosTtl == tosTtl;
    if (head.used) return headAgain();
  }
  address(out.frame, route.mac, IPV6 && out.more != 0 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
  const ip = ipLast();
  ip.headerSize = Ipv4.SIZE;
  ip.tos = tosTtl >> 8;
  ip.beAtomic();
  ip.ttl = tosTtl;
  ip.protocol = protocol;
  ip.src = src;
  ip.dst = dst;
  if (SPEED && protocol == PROTO_TCP && dst == route.to) headKeep(ip, tosTtl);
  return ip;
}

/** What was just written is for others on the same way, too. */
function headKeep(ip: Ipv4, tosTtl: u32): void {
  const frame = out.frame, six = IPV6 && out.more != 0;
  if (six) {
    header6(ip, 0);
    head.bytes40 = load<u64>(frame, 40);
    head.bytes48 = load<u32>(frame, 48);
    head.bytes52 = load<u16>(frame, 52);
  } else {
    ip.totalSize = 0;
    ip.checksum = 0;
    head.sum = <u32>~foldSum(sumBytes(changetype<usize>(ip), Ipv4.SIZE, 0));
  }
  head.bytes = load<u64>(frame);
  head.bytes8 = load<u64>(frame, 8);
  head.bytes16 = load<u64>(frame, 16);
  head.bytes24 = load<u64>(frame, 24);
  head.bytes32 = six ? load<u64>(frame, 32) : <u64>load<u16>(frame, 32);
  head.src = out.src;
  head.tosTtl = tosTtl;
  head.used = true;
  route.isNew = false;
}

/** The headers of the one before. */
function headAgain(): Ipv4 {
  const frame = out.frame;
  store<u64>(frame, head.bytes);
  store<u64>(frame, head.bytes8, 8);
  store<u64>(frame, head.bytes16, 16);
  store<u64>(frame, head.bytes24, 24);
  if (IPV6 && out.more != 0) {
    store<u64>(frame, head.bytes32, 32);
    store<u64>(frame, head.bytes40, 40);
    store<u32>(frame, head.bytes48, 48);
    store<u16>(frame, head.bytes52, 52);
  } else {
    store<u16>(frame, <u16>head.bytes32, 32);
  }
  return ipLast();
}

/** Writes a frame's Ethernet header. */
function address(frame: usize, dst: u64, type: u32): void {
  const eth = changetype<Ethernet>(frame);
  eth.dst = dst;
  eth.src = ownMac();
  eth.type = type;
}

/** Ends the datagram that `ipBegin` began, with `size` bytes of payload. */
export function ipEnd(size: u32): void {
  if (IPV6 && out.more != 0) {
    assert(size <= config.mtu - Ipv6.SIZE);
    if (SPEED && head.used) changetype<Ipv6>(out.frame + ETHERNET_SIZE).payloadSize = size;
    else header6(ipLast(), size);
  } else {
    assert(size <= config.mtu - Ipv4.SIZE);
    const ip = ipLast();
    ip.totalSize = Ipv4.SIZE + size;
    // The sum goes on from what does not change (RFC 1071 §2).
    if (SPEED && head.used) ip.checksum = foldSum(<u64>head.sum + <u64>bswap<u16>(<u16>(Ipv4.SIZE + size)));
    else ip.fillChecksum();
  }
  count(Mib.ipOutRequests);
  const frameSize = ipHeadSize() + size;
  if (route.ring == 0) {
    waitingAt(out.slot).size = frameSize;
  } else {
    produce(changetype<SlotRing>(route.ring), frameSize);
  }
}

/** Writes the IPv6 header in the place of the one like IPv4's. */
function header6(ip: Ipv4, size: u32): void {
  const tos = ip.tos, ttl = ip.ttl, protocol = ip.protocol, own = changetype<Ipv6>(changetype<usize>(ip) - HEADER_MORE);
  own.trafficClass = tos;
  own.payloadSize = size;
  own.next = protocol;
  own.hopLimit = ttl;
  memory.copy(own.srcAt, nameBytes(out.src), 16);
  memory.copy(own.dstAt, nameBytes(out.dst), 16);
}

/** Bytes of a frame before the payload of the datagram that was begun last. */
export function ipHeadSize(): u32 {
  return ETHERNET_SIZE + Ipv4.SIZE + (IPV6 ? out.more : 0);
}

/** The payload of the datagram that was begun last, while it is written and until the next one is. */
export function ipPayload(): usize {
  return out.frame + ipHeadSize();
}

/** Bytes of its payload, once it is ended. */
export function ipPayloadSize(): u32 {
  if (IPV6 && out.more != 0) return changetype<Ipv6>(out.frame + ETHERNET_SIZE).payloadSize;
  return ipLast().totalSize - Ipv4.SIZE;
}

/** The pseudo-header of the segment that was begun last, or of one that goes the same way, with `size` bytes. */
export function ipSum(size: u32): u64 {
  return sumBetween(out.src, out.dst, PROTO_TCP, size);
}

/** To where the datagram that was begun last goes. A header that was taken over may not say it. */
export function ipDst(ip: Ipv4): Address {
  return SPEED ? out.dst : ip.dst;
}

/** Hands the next frame of a ring over. */
function produce(ring: SlotRing, size: u32): void {
  if (ring == tx) {
    count(Mib.ifOutFrames);
    countBy(Mib.ifOutOctets, size);
  }
  slotProduce(ring, size);
}

/** Where the datagram that was ended last went; null: it waits for its neighbour. */
export function ipRing(): SlotRing | null {
  return route.ring == 0 ? null : changetype<SlotRing>(route.ring);
}

/** The header of the datagram that was begun last, until it is ended. */
export function ipLast(): Ipv4 {
  return changetype<Ipv4>(out.frame + ETHERNET_SIZE + (IPV6 ? out.more : 0));
}

/** `n` datagrams with `size` bytes of payload went the same way, the last of them in `frame`. */
export function ipRepeated(n: u32, size: u32, frame: usize): void {
  out.frame = frame;
  countBy(Mib.ipOutRequests, n);
  if (route.ring != changetype<usize>(tx)) return;
  countBy(Mib.ifOutFrames, n);
  countBy(Mib.ifOutOctets, n * (ipHeadSize() + size));
}

/** The neighbour `hop` became known: sends the packet that was waiting for it. */
export function ipResolved(hop: Address): void {
  const key = digest32(hop), i = waitingSlot(key), w = waitingAt(i);
  if (w.size == 0 || w.hop != key) return;
  const mac = neighbourMac(hop, Asker.ANYBODY), size = w.size;
  if (mac >= MAC_UNKNOWN) return;
  if (slotsFull(tx)) {
    waitingDrop(i);
    return;
  }
  w.size = 0;
  const frame = slotNext(tx);
  memory.copy(frame, waitingFrame(i), size);
  changetype<Ethernet>(frame).dst = mac;
  produce(tx, size);
}

/** The neighbour `hop` does not answer: the packet that was waiting for it is not sent. */
export function ipFailed(hop: Address): void {
  const key = digest32(hop), i = waitingSlot(key);
  if (waitingAt(i).hop == key) waitingDrop(i);
}

/** Our address has changed: nothing that was to leave from the old one does. */
export function ipAddressGone(): void {
  ipForget();
  for (let i: u32 = 0; i < waitingCount(); i++) waitingDrop(i);
}

export function ownMac(): u64 {
  return (<u64>config.macHigh << 16) | <u64>config.macLow;
}

/** Sends one ARP packet. Returns false when there is no slot. targetMac 0: to everybody. */
export function arpSend(op: u32, targetIp: Ipv4Address, targetMac: u64): bool {
  if (slotsFull(tx)) {
    count(Mib.ifOutDiscards);
    return false;
  }
  const frame = slotNext(tx);
  address(frame, targetMac == 0 ? MAC_BROADCAST : targetMac, ETHERTYPE_ARP);
  // RFC 3927 §2.5: from such an address to everybody, so that conflicts are seen.
  if (LINK_LOCAL && isLinkLocal4(config.ip)) changetype<Ethernet>(frame).dst = MAC_BROADCAST;
  const arp = changetype<Arp>(frame + ETHERNET_SIZE);
  arp.begin();
  arp.op = op;
  arp.senderMac = ownMac();
  arp.senderIp = config.ip;
  arp.targetMac = targetMac;
  arp.targetIp = targetIp;
  count(op == ARP_REQUEST ? Mib.arpOutRequests : Mib.arpOutReplies);
  produce(tx, ETHERNET_SIZE + Arp.SIZE);
  return true;
}
