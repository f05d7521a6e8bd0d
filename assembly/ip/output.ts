// Sending: a frame is built in a free slot, to the host or back to ourselves (127/8 and the own address).
//
//   const ip = ipBegin(dst, protocol, …)   null: no slot, no route, or the neighbour is not known yet
//   … fill the payload behind it …
//   ipEnd(payloadSize)
//
// Every datagram has DF set and identification 0: it is atomic (RFC 6864 §4.1), never fragmented on the way. One that
// is waiting for its neighbour is kept, the latest one for each neighbour (RFC 1122 §2.3.2.2), as long as there are
// slots for so many; TCP does not wait there but makes its segment again.
//
// An IPv6 datagram is written behind a header like IPv4's, with the names of its addresses, which stands in the last 20
// bytes of where its own header goes; `ipEnd` writes that one. A segment that takes over the headers of the one before
// has it at once.

import { IPV6, LINK_LOCAL, LOOPBACK, MDNS, SPEED, WAITING } from "../features";
import { config, FRAME_OFFSET, ETHERNET_SIZE, isLinkLocal4 } from "../config";
import { clock, isDue, Micros } from "../core/clock";
import { take, layoutCommits } from "../core/layout";
import { foldSum, sumBytes } from "../core/checksum";
import { count, countBy, Mib } from "../core/counters";
import { SlotRing, slotsFull, slotsUsed, slotNext, slotProduce, slotsInit, slotStride } from "../buffers/slots";
import { Ethernet, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_ARP, MAC_BROADCAST, MAC_GROUP6 } from "../wire/ethernet";
import { Arp, ARP_REQUEST } from "../wire/arp";
import { Ipv6 } from "../wire/ipv6";
import { Ipv4, IP_DF, PROTO_TCP } from "../wire/ipv4";
import {
  Address, digest32, isAtHand, isName, Knows, nameBytes, nameLow, namesTakeChange, nameSettled, sumBetween,
} from "../address/names";
import { Asker, neighbourFoundDue, neighbourMac, MAC_REFUSED, MAC_UNKNOWN } from "../arp/neighbours";
import { HEADER_MORE, Ipv4Address, isOwn, isBroadcast, isReachable, nextHop, NO_ROUTE } from "./address";
import { groupMac4, isGroup4 } from "./groups";
import { wayUntil6 } from "./interface6";

@unmanaged class IpOutput {
  /** The frame under construction: address, ring (0: a waiting slot), number of the waiting slot. */
  frame: usize;
  ring: usize;
  slot: u32;
  /** Where the records of the waiting slots lie, and the slots. */
  records: usize;
  waiting: usize;
  /**
   * The way that was found open last, kept until a neighbour may have changed (`ipForget`, `ipForgetOld`): its
   * destination (0: none), its ring, its MAC address.
   */
  openTo: u32;
  openRing: usize;
  openMac: u64;
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

/** So long a way is taken to be open without another look at the neighbour, µs: it counts as used meanwhile. */
const OPEN_US: u64 = 100_000;

/** Packets that wait for a neighbour to answer, one each. @full another one of them is dropped (ipOutDiscards) */
const WAITING_MAX: u32 = 16;

/**
 * The Ethernet and IP headers of a segment, which the next one on the same way takes over (`openTo`), but for its
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
  bytes48: u64;
  /** The sum of the pseudo-header, without the size. */
  pseudo: u64;
  /** What they were written for: the source, TOS and TTL. `openTo` is the destination. */
  src: u32;
  kind: u32;
  /** The sum of the IPv4 header as it stands here. */
  sum: u32;
  /** Until when `openTo` is kept. */
  openUntil: Micros;
  /** Whether there is one for `openTo`; and whether the datagram that was begun last has it. */
  valid: bool;
  used: bool;
}

let out: IpOutput = changetype<IpOutput>(0);
let head: Head = changetype<Head>(0);
let tx: SlotRing = changetype<SlotRing>(0);
let loop: SlotRing = changetype<SlotRing>(0);

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

/** Lays out the loop slots and the waiting slots; `txRing` is the ring to the host. */
export function ipOutputInit(txRing: usize): void {
  out = changetype<IpOutput>(take(1, offsetof<IpOutput>()));
  if (SPEED) head = changetype<Head>(take(1, offsetof<Head>()));
  loop = changetype<SlotRing>(take(1, offsetof<SlotRing>()));
  tx = changetype<SlotRing>(txRing);
  const records = take(waitingCount(), offsetof<Waiting>()), waiting = take(waitingCount(), slotStride(config.mtu));
  slotsInit(changetype<usize>(loop), LOOPBACK ? config.loopSlots : 0, config.mtu);
  if (!layoutCommits()) return;
  out.records = records;
  out.waiting = waiting + FRAME_OFFSET;
}

/** The ring of frames that the stack sent to itself. */
export function loopRing(): SlotRing {
  return loop;
}

/** What stands in the way of sending to an address. */
export const enum Way {
  OPEN,
  /** The neighbour is being asked for its MAC address. */
  UNRESOLVED,
  NO_ROUTE,
  /** No free slot. */
  NO_SLOT,
}

/** Whether a connection's packet to `dst` can be sent now; asks for the neighbour if need be. */
export function ipWay(dst: Address): Way {
  if (SPEED) {
    if (IPV6 && namesTakeChange(Knows.WAY)) ipForget();
    if (dst != out.openTo && !open(dst)) return isReachable(dst) ? Way.UNRESOLVED : Way.NO_ROUTE;
    return slotsFull(changetype<SlotRing>(out.openRing)) ? Way.NO_SLOT : Way.OPEN;
  }
  if (!isReachable(dst)) return Way.NO_ROUTE;
  if (LOOPBACK && isOwn(dst)) return slotsFull(loop) ? Way.NO_SLOT : Way.OPEN;
  if (!isBroadcast(dst) && neighbourMac(nextHop(dst), Asker.CONNECTION) >= MAC_UNKNOWN) return Way.UNRESOLVED;
  return slotsFull(tx) ? Way.NO_SLOT : Way.OPEN;
}

/** Whether there is a slot for a packet to `dst`. */
export function ipHasSlot(dst: Address): bool {
  return !slotsFull(LOOPBACK && isOwn(dst) ? loop : tx);
}

/** Whether there is a way to `dst`; if so it is kept. */
function open(dst: Address): bool {
  let mac: u64 = 0, ring = changetype<usize>(loop);
  if (!isReachable(dst)) return false;
  if (!isOwn(dst)) {
    mac = isBroadcast(dst) ? groupMac(dst) : neighbourMac(nextHop(dst), Asker.CONNECTION);
    if (mac >= MAC_UNKNOWN) return false;
    ring = changetype<usize>(tx);
  }
  // What is at hand is another address with the next packet.
  out.openTo = IPV6 && isAtHand(dst) ? 0 : dst;
  out.openRing = ring;
  out.openMac = mac;
  head.valid = false;
  head.openUntil = clock.us + OPEN_US;
  if (ring == changetype<usize>(tx) && !isBroadcast(dst)) head.openUntil = min(head.openUntil, neighbourFoundDue());
  if (IPV6 && isName(dst)) head.openUntil = min(head.openUntil, wayUntil6());
  return true;
}

/** What is known of neighbours may have changed, or is to be looked at again. */
export function ipForget(): void {
  if (SPEED) out.openTo = 0;
}

/** With each `poll`: the way that is kept is looked for again now and then. */
export function ipForgetOld(): void {
  if (SPEED && isDue(head.openUntil)) out.openTo = 0;
}

/** The MAC address of all who may be meant by an address of many (RFC 2464 §7). */
function groupMac(dst: Address): u64 {
  if (MDNS && isGroup4(dst)) return groupMac4(dst);
  return IPV6 && isName(dst) ? MAC_GROUP6 | <u64>bswap<u32>(<u32>(nameLow(dst) >> 32)) : MAC_BROADCAST;
}

/**
 * Begins a datagram. Returns its header, with a payload of up to `mtuTo(dst)` − 20 bytes to fill behind it, or null.
 */
export function ipBegin(src: Address, dst: Address, protocol: u32, tos: u32, ttl: u32): Ipv4 | null {
  out.ring = 0;
  let mac: u64 = 0;
  if (SPEED) {
    if (IPV6 && namesTakeChange(Knows.WAY)) ipForget();
    head.used = false;
  }
  if (SPEED && dst == out.openTo) {
    out.ring = out.openRing;
    mac = out.openMac;
  } else if (LOOPBACK && isOwn(dst)) {
    out.ring = changetype<usize>(loop);
  } else {
    const hop = nextHop(dst);
    if (hop == NO_ROUTE) {
      count(Mib.ipOutNoRoutes);
      return null;
    }
    const many = isBroadcast(dst) || (MDNS && isGroup4(dst));
    mac = many ? groupMac(dst) : neighbourMac(hop, Asker.ANYBODY);
    if (mac == MAC_REFUSED) {
      count(Mib.ipOutDiscards);
      return null;
    }
    if (mac != MAC_UNKNOWN) {
      out.ring = changetype<usize>(tx);
    } else {
      // To ask it, the neighbour was given a name that stays.
      const key = digest32(IPV6 ? nameSettled(hop) : hop);
      out.slot = waitingSlot(key);
      waitingDrop(out.slot);
      waitingAt(out.slot).hop = key;
    }
  }
  if (out.ring == 0) {
    out.frame = waitingFrame(out.slot);
  } else {
    const ring = changetype<SlotRing>(out.ring);
    if (slotsFull(ring)) {
      count(Mib.ipOutDiscards);
      return null;
    }
    out.frame = slotNext(ring);
  }
  out.more = IPV6 && isName(dst) ? HEADER_MORE : 0;
  if (IPV6 || SPEED) {
    out.src = src;
    out.dst = dst;
  }
  if (SPEED && hasHead(src, dst, protocol, (tos << 8) | ttl)) return headAgain();
  address(out.frame, mac, IPV6 && out.more != 0 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
  const ip = ipLast();
  ip.headerSize = Ipv4.SIZE;
  ip.tos = tos;
  ip.id = 0;
  ip.fragment = IP_DF;
  ip.ttl = ttl;
  ip.protocol = protocol;
  ip.src = src;
  ip.dst = dst;
  if (SPEED && protocol == PROTO_TCP && dst == out.openTo) headKeep(ip, (tos << 8) | ttl);
  return ip;
}

/** Whether the headers of the one before are those of a datagram, size and checksum aside. */
function hasHead(src: Address, dst: Address, protocol: u32, kind: u32): bool {
  return head.valid && protocol == PROTO_TCP && dst == out.openTo && head.src == src && head.kind == kind;
}

/** What was just written is for others on the same way, too. */
function headKeep(ip: Ipv4, kind: u32): void {
  const frame = out.frame, six = IPV6 && out.more != 0;
  if (six) {
    header6(ip, 0);
    head.bytes40 = load<u64>(frame, 40);
    head.bytes48 = load<u64>(frame, 48);
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
  head.kind = kind;
  head.pseudo = sumBetween(out.src, out.dst, PROTO_TCP, 0);
  head.valid = head.used = true;
}

/** The headers of the one before. */
function headAgain(): Ipv4 {
  const frame = out.frame;
  store<u64>(frame, head.bytes);
  store<u64>(frame, head.bytes8, 8);
  store<u64>(frame, head.bytes16, 16);
  store<u64>(frame, head.bytes24, 24);
  head.used = true;
  if (IPV6 && out.more != 0) {
    store<u64>(frame, head.bytes32, 32);
    store<u64>(frame, head.bytes40, 40);
    // The last two bytes are where the segment's own header goes.
    store<u64>(frame, head.bytes48, 48);
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
  if (out.ring == 0) {
    waitingAt(out.slot).size = frameSize;
  } else {
    produce(changetype<SlotRing>(out.ring), frameSize);
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
  return head.used ? head.pseudo + <u64>bswap<u16>(<u16>size) : sumBetween(out.src, out.dst, PROTO_TCP, size);
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
  return out.ring == 0 ? null : changetype<SlotRing>(out.ring);
}

/** The header of the datagram that was begun last, until it is ended. */
export function ipLast(): Ipv4 {
  return changetype<Ipv4>(out.frame + ETHERNET_SIZE + (IPV6 ? out.more : 0));
}

/** `n` datagrams with `size` bytes of payload went the same way, the last of them in `frame`. */
export function ipRepeated(n: u32, size: u32, frame: usize): void {
  out.frame = frame;
  countBy(Mib.ipOutRequests, n);
  if (out.ring != changetype<usize>(tx)) return;
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

/** Frames that the host takes before it is asked again. */
export function ipFree(): u32 {
  return tx.mask + 1 - slotsUsed(tx);
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
