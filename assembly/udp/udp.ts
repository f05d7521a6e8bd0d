// UDP (RFC 768, RFC 1122 §4.1): sockets with a ring each way. `udpSend` only queues; `udpOutput`, in `poll`, sends.
//
// In a ring a datagram is a 12-byte record {address, port | size << 16, 0}, the address itself if it is an IPv6
// one, and its payload, padded to 4 bytes.

import { config } from "../config";
import { Err } from "../core/error";
import { DHCP, IPV6, MDNS, OWNERSHIP, SOURCES } from "../features";
import { fence, take, layoutCommits } from "../core/layout";
import { allow, forbid, spaced, RED_ZONE } from "../core/own";
import { count, Mib } from "../core/counters";
import { wake } from "../core/turns";
import { sumBytes, foldSum } from "../core/checksum";
import { Address, At, digest32, isName, nameBytes, nameFor, sumBetween } from "../address/names";
import { ringRead, ringWrite } from "../buffers/ring";
import { MDNS_PORT } from "../wire/dns";
import { Ipv4, PROTO_UDP } from "../wire/ipv4";
import { Udp } from "../wire/udp";
import { ipBegin, ipEnd } from "../ip/output";
import { ipHasSlot } from "../ip/way";
import { isMulticast, isReachable, mtuTo, sourceFor } from "../ip/address";
import { groups } from "../ip/groups";
import { askedAt, askedForget, askedInit, askedNote } from "./asked";

const RECORD: u32 = 12;
/** Bytes of an IPv6 address. */
const ADDRESS6: u32 = 16;

/** One direction of a socket: a ring, where in it the first record lies, and how many bytes are in use. */
@unmanaged export class Queue {
  ring: usize;
  head: u32;
  size: u32;
}

@unmanaged class UdpSocket {
  /** 0: nobody has it. */
  port: u16;
  /** Whether an ICMP error came for what this socket sent; told once, by the next receive. */
  refused: bool;
  /** Whether an event is due: something arrived. */
  event: bool;
  /** Time to live of what it sends; 0: the configuration's. */
  ttl: u8;
  /** The datagram that was sent last: where it went and both ports, as they stand side by side in its headers. */
  sent: u64;
  /** Whose datagrams it takes (`endOf`); 0: everybody's. */
  peer: u64;
}

/** A socket is followed by its two queues, to send and to receive. */
const STRIDE: u32 = offsetof<UdpSocket>() + 2 * offsetof<Queue>();

/** Bytes from one socket to the next. */
const SPACED: u32 = OWNERSHIP ? (STRIDE + RED_ZONE) & ~7 : STRIDE;

let sockets: usize = 0;
let rings: usize = 0;
/** Scratch for one record. */
let record: usize = 0;

export function udpInit(): void {
  sockets = take(config.udpMax, SPACED);
  rings = take(config.udpMax << 1, OWNERSHIP ? spaced(config.udpRing) : config.udpRing);
  if (OWNERSHIP && layoutCommits()) {
    fence(sockets, config.udpMax, SPACED, STRIDE);
    forbid(rings, (config.udpMax << 1) * spaced(config.udpRing));
  }
  record = take(1, RECORD + (IPV6 ? ADDRESS6 : 0));
  if (SOURCES) askedInit();
}

export function udpAt(i: u32): UdpSocket {
  return changetype<UdpSocket>(sockets + i * SPACED);
}

export function toSend(s: UdpSocket): Queue {
  return changetype<Queue>(changetype<usize>(s) + offsetof<UdpSocket>());
}

export function received(s: UdpSocket): Queue {
  return changetype<Queue>(changetype<usize>(s) + (offsetof<UdpSocket>() + offsetof<Queue>()));
}

/** What `udpFind` returns when there is none. */
export const NO_SOCKET: u32 = u32.MAX_VALUE;

/** The number of the socket on a local port; on port 0, of one that is free. */
export function udpFind(port: u32): u32 {
  for (let i: u32 = 0; i < config.udpMax; i++) {
    if (<u32>udpAt(i).port == port) return i;
  }
  return NO_SOCKET;
}

/** Gives a free socket a port. */
export function udpBind(i: u32, port: u32): void {
  const s = udpAt(i), ring = rings + <usize>(i << 1) * (OWNERSHIP ? spaced(config.udpRing) : config.udpRing);
  memory.fill(changetype<usize>(toSend(s)), 0, 2 * offsetof<Queue>());
  toSend(s).ring = ring;
  received(s).ring = ring + (OWNERSHIP ? spaced(config.udpRing) : config.udpRing);
  if (OWNERSHIP) {
    allow(ring, config.udpRing);
    allow(received(s).ring, config.udpRing);
  }
  s.refused = s.event = false;
  if (DHCP) {
    s.ttl = 0;
    s.peer = 0;
  }
  s.sent = 0;
  s.port = <u16>port;
  if (SOURCES) askedForget(port);
  if (MDNS && port == MDNS_PORT) {
    groups.wanted = true;
    wake();
  }
}

/** Nobody has the socket any more. */
export function udpUnbind(i: u32): void {
  const s = udpAt(i);
  if (MDNS && <u32>s.port == MDNS_PORT) {
    groups.wanted = false;
    wake();
  }
  s.port = 0;
}

/** Bytes of a record of a datagram from or to `ip`. */
function recordSize(ip: Address): u32 {
  return RECORD + (IPV6 && isName(ip) ? ADDRESS6 : 0);
}

/** Bytes that a datagram takes in a ring. */
function padded(ip: Address, size: u32): u32 {
  return recordSize(ip) + ((size + 3) & ~3);
}

/** Appends a record and payload. Returns false when there is no room. */
function push(q: Queue, ip: Address, port: u32, src: usize, size: u32): bool {
  const head = recordSize(ip);
  if (size > config.udpRing || q.size + padded(ip, size) > config.udpRing) return false;
  store<u32>(record, ip);
  store<u32>(record, port | (size << 16), 4);
  store<u32>(record, 0, 8);
  if (IPV6 && isName(ip)) memory.copy(record + RECORD, nameBytes(ip), ADDRESS6);
  ringWrite(q.ring, config.udpRing, q.head, q.size, record, head);
  ringWrite(q.ring, config.udpRing, q.head, q.size + head, src, size);
  q.size += padded(ip, size);
  return true;
}

/**
 * Reads the first record into `record`, an IPv6 address into `place`, and up to `max` bytes of its
 * payload to `dst`. Returns the payload's size.
 */
function front(q: Queue, place: At, dst: usize, max: u32): u32 {
  ringRead(q.ring, config.udpRing, q.head, 0, record, RECORD);
  const size = load<u32>(record, 4) >> 16, head = recordSize(load<u32>(record));
  if (IPV6 && head != RECORD) {
    ringRead(q.ring, config.udpRing, q.head, RECORD, record + RECORD, ADDRESS6);
    store<u32>(record, nameFor(record + RECORD, place));
  }
  ringRead(q.ring, config.udpRing, q.head, head, dst, min(max, size));
  return size;
}

/** Drops the first record, which is the one in `record`, with `size` bytes of payload. */
function pop(q: Queue, size: u32): void {
  const all = padded(load<u32>(record), size);
  q.head += all;
  if (q.head >= config.udpRing) q.head -= config.udpRing;
  q.size -= all;
}

/** Queues a datagram. AGAIN: the ring is full. SIZE: it would not fit into a frame, or never into the ring. */
export function udpSend(s: UdpSocket, ip: Address, port: u32, src: usize, size: u32): Err {
  if (size > mtuTo(ip) - Ipv4.SIZE - Udp.SIZE || size + recordSize(ip) > config.udpRing) return Err.SIZE;
  wake();
  return push(toSend(s), ip, port, src, size) ? Err.OK : Err.AGAIN;
}

/** Whom a datagram is from. */
@unmanaged export class DatagramFrom {
  /** Host order. */
  ip: u32;
  port: u32;
}

/**
 * Takes the next datagram: copies up to `size` bytes of it to `dst`, a `DatagramFrom` to `from` (0: not wanted).
 * Returns the datagram's full length (the rest is lost), AGAIN, or REFUSED after an ICMP error.
 */
export function udpReceive(s: UdpSocket, dst: usize, size: u32, from: usize): i32 {
  if (s.refused) {
    s.refused = false;
    return Err.REFUSED;
  }
  const q = received(s);
  if (q.size == 0) return Err.AGAIN;
  const have = front(q, At.SENDER, dst, size);
  if (from != 0) {
    const f = changetype<DatagramFrom>(from);
    f.ip = load<u32>(record);
    f.port = load<u32>(record, 4) & 0xffff;
  }
  pop(q, have);
  return <i32>have;
}

/** An address and a port, as a socket keeps its peer: never 0. */
function endOf(ip: Address, port: u32): u64 {
  return <u64>digest32(ip) << 16 | <u64>port;
}

/** From now on the socket takes datagrams of `ip`:`port` alone; 0: everybody's. */
export function udpMeet(s: UdpSocket, ip: Address, port: u32): void {
  s.peer = ip == 0 ? 0 : endOf(ip, port);
}

/**
 * Whether a socket has this datagram's port, and it is none that another peer has to itself: others are told that
 * nobody is there, as on every port, or they would find by a scan where an answer is waited for (RFC 5452 §9.2).
 */
function isHeard(i: u32, ip: Ipv4, udp: Udp): bool {
  if (i == NO_SOCKET) return false;
  return !DHCP || udpAt(i).peer == 0 || udpAt(i).peer == endOf(ip.src, udp.srcPort);
}

/** What a received datagram means for the stack. */
export const enum UdpResult { DONE, DELIVERED, NO_PORT }

/** Whether the checksum of a datagram whose length is valid is right; over IPv4, none at all is (RFC 8200 §8.1). */
export function udpSumOk(ip: Ipv4, udp: Udp): bool {
  const length = <u32>udp.size;
  return (udp.checksum == 0 && !isName(ip.src)) ||
    foldSum(sumBytes(changetype<usize>(udp), length, sumBetween(ip.src, ip.dst, PROTO_UDP, length))) == 0;
}

/** Computes the checksum of a datagram that is complete; 0 is sent as all ones (RFC 768). */
export function udpFillChecksum(ip: Ipv4, udp: Udp): void {
  const length = <u32>udp.size;
  udp.checksum = 0;
  const sum = foldSum(sumBytes(changetype<usize>(udp), length, sumBetween(ip.src, ip.dst, PROTO_UDP, length)));
  udp.checksum = sum == 0 ? 0xffff : sum;
}

/** Takes in the datagram of `size` bytes that `ip` brought. NO_PORT: nobody listens there. */
export function udpInput(ip: Ipv4, udp: Udp, size: u32): UdpResult {
  if (!udp.isValid(size) || udp.dstPort == 0) {
    count(Mib.udpInErrors);
    return UdpResult.DONE;
  }
  const length = <u32>udp.size;
  if (!udpSumOk(ip, udp)) {
    count(Mib.udpInErrors);
    return UdpResult.DONE;
  }
  const i = udpFind(udp.dstPort);
  if (!isHeard(i, ip, udp)) {
    count(Mib.udpNoPorts);
    return UdpResult.NO_PORT;
  }
  const s = udpAt(i);
  if (!push(received(s), ip.src, udp.srcPort, changetype<usize>(udp) + Udp.SIZE, length - Udp.SIZE)) {
    count(Mib.udpRcvbufErrors);
    return UdpResult.DONE;
  }
  if (SOURCES && isName(ip.src) && !isMulticast(ip.dst)) askedNote(s.port, ip.src, udp.srcPort, ip.dst);
  s.event = true;
  count(Mib.udpInDatagrams);
  return UdpResult.DELIVERED;
}

/**
 * Where a datagram goes and its ports: the last word of an IP header without options,
 * and the first of the UDP header behind it.
 */
function ends(udp: Udp): u64 {
  const at = changetype<usize>(udp);
  return IPV6 ? <u64>digest32(bswap<u32>(load<u32>(at - 4))) << 32 | <u64>load<u32>(at) : load<u64>(at - 4);
}

/**
 * Somebody says that this datagram did not arrive (RFC 1122 §4.1.3.3). It counts if the last one was sent there: else
 * whoever guesses a port could end what goes on with others (RFC 5927 §4).
 */
export function udpIcmpError(udp: Udp): void {
  const i = udpFind(udp.srcPort);
  if (i == NO_SOCKET) return;
  const s = udpAt(i);
  if (s.port == 0 || ends(udp) != s.sent) return;
  s.refused = s.event = true;
}

/** The address of ours that a datagram for `dst`:`port` leaves from. */
function sourceOf(s: UdpSocket, dst: Address, port: u32): Address {
  const asked = SOURCES && isName(dst) ? askedAt(s.port, dst, port) : 0;
  return asked != 0 ? asked : sourceFor(dst);
}

/** Sends what is queued. Returns whether a socket had to stop for want of a slot. */
export function udpOutput(): bool {
  for (let i: u32 = 0; i < config.udpMax; i++) {
    const s = udpAt(i), q = toSend(s);
    while (s.port != 0 && q.size != 0) {
      const size = front(q, At.OTHER, 0, 0);
      const dst = load<u32>(record), port = load<u32>(record, 4);
      if ((DHCP || IPV6) && (!isReachable(dst) || size > mtuTo(dst) - Ipv4.SIZE - Udp.SIZE)) {
        // The way has gone with our address, or has become one to ourselves; or a router has told
        // a smaller MTU since. No slot comes free for that.
        count(Mib.ipOutNoRoutes);
        pop(q, size);
        continue;
      }
      if (!ipHasSlot(dst)) return true;
      const src = sourceOf(s, dst, port & 0xffff);
      const ip = ipBegin(src, dst, PROTO_UDP, DHCP && s.ttl != 0 ? s.ttl : config.ttl);
      if (ip != null) {
        const udp = changetype<Udp>(changetype<usize>(ip) + Ipv4.SIZE);
        udp.srcPort = s.port;
        udp.dstPort = port;
        udp.size = Udp.SIZE + size;
        front(q, At.OTHER, changetype<usize>(udp) + Udp.SIZE, size);
        udpFillChecksum(ip, udp);
        s.sent = ends(udp);
        count(Mib.udpOutDatagrams);
        ipEnd(Udp.SIZE + size);
      }
      pop(q, size);
    }
  }
  return false;
}
