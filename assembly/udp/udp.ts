// UDP (RFC 768, RFC 1122 §4.1): sockets with a ring each way. `udpSend` only queues; `udpOutput`, in `poll`, sends.
//
// In a ring a datagram is a 12-byte record {address, port | size << 16, 0} and its payload, padded to 4 bytes.

import { config } from "../config";
import { Err } from "../core/error";
import { DHCP, OWNERSHIP } from "../features";
import { fence, take, layoutCommits } from "../core/layout";
import { allow, forbid, spaced, RED_ZONE } from "../core/own";
import { count, Mib } from "../core/counters";
import { sumBytes, sumPseudo, foldSum } from "../core/checksum";
import { ringRead, ringWrite } from "../buffers/ring";
import { Ipv4, PROTO_UDP } from "../wire/ipv4";
import { Udp } from "../wire/udp";
import { ipBegin, ipEnd, ipHasSlot } from "../ip/output";
import { isReachable, sourceFor } from "../ip/address";

const RECORD: u32 = 12;

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
  /** The datagram that was sent last: where it went and both ports, as they stand side by side in its headers. */
  sent: u64;
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
  record = take(1, RECORD);
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
  s.sent = 0;
  s.port = <u16>port;
}

/** Bytes that a datagram takes in a ring. */
function padded(size: u32): u32 {
  return RECORD + ((size + 3) & ~3);
}

/** Appends a record and payload. Returns false when there is no room. */
function push(q: Queue, ip: u32, port: u32, src: usize, size: u32): bool {
  if (size > config.udpRing || q.size + padded(size) > config.udpRing) return false;
  store<u32>(record, ip);
  store<u32>(record, port | (size << 16), 4);
  store<u32>(record, 0, 8);
  ringWrite(q.ring, config.udpRing, q.head, q.size, record, RECORD);
  ringWrite(q.ring, config.udpRing, q.head, q.size + RECORD, src, size);
  q.size += padded(size);
  return true;
}

/** Reads the first record into `record`, and up to `max` bytes of its payload to `dst`. Returns the payload's size. */
function front(q: Queue, dst: usize, max: u32): u32 {
  ringRead(q.ring, config.udpRing, q.head, 0, record, RECORD);
  const size = load<u32>(record, 4) >> 16;
  ringRead(q.ring, config.udpRing, q.head, RECORD, dst, min(max, size));
  return size;
}

/** Drops the first record, with `size` bytes of payload. */
function pop(q: Queue, size: u32): void {
  q.head += padded(size);
  if (q.head >= config.udpRing) q.head -= config.udpRing;
  q.size -= padded(size);
}

/** Queues a datagram. AGAIN: the ring is full. SIZE: it would not fit into a frame, or never into the ring. */
export function udpSend(s: UdpSocket, ip: u32, port: u32, src: usize, size: u32): Err {
  if (size > config.mtu - Ipv4.SIZE - Udp.SIZE || size + RECORD > config.udpRing) return Err.SIZE;
  return push(toSend(s), ip, port, src, size) ? Err.OK : Err.AGAIN;
}

/**
 * Takes the next datagram: copies up to `size` bytes of it to `dst`, writes {u32 address, u32 port} of the sender to `from` (0: not
 * wanted). Returns the datagram's full length (the rest is lost), AGAIN, or REFUSED after an ICMP error.
 */
export function udpReceive(s: UdpSocket, dst: usize, size: u32, from: usize): i32 {
  if (s.refused) {
    s.refused = false;
    return Err.REFUSED;
  }
  const q = received(s);
  if (q.size == 0) return Err.AGAIN;
  const have = front(q, dst, size);
  if (from != 0) {
    store<u32>(from, load<u32>(record));
    store<u32>(from, load<u32>(record, 4) & 0xffff, 4);
  }
  pop(q, have);
  return <i32>have;
}

/** What a received datagram means for the stack. */
export const enum UdpResult { DONE, DELIVERED, NO_PORT }

/** Whether the checksum of a datagram whose length is valid is right; none at all is. */
export function udpSumOk(ip: Ipv4, udp: Udp): bool {
  const length = <u32>udp.size;
  return udp.checksum == 0 || foldSum(sumBytes(changetype<usize>(udp), length, sumPseudo(ip.src, ip.dst, PROTO_UDP, length))) == 0;
}

/** Computes the checksum of a datagram that is complete; 0 is sent as all ones (RFC 768). */
export function udpFillChecksum(ip: Ipv4, udp: Udp): void {
  const length = <u32>udp.size;
  udp.checksum = 0;
  const sum = foldSum(sumBytes(changetype<usize>(udp), length, sumPseudo(ip.src, ip.dst, PROTO_UDP, length)));
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
  if (i == NO_SOCKET) {
    count(Mib.udpNoPorts);
    return UdpResult.NO_PORT;
  }
  const s = udpAt(i);
  if (!push(received(s), ip.src, udp.srcPort, changetype<usize>(udp) + Udp.SIZE, length - Udp.SIZE)) {
    count(Mib.udpRcvbufErrors);
    return UdpResult.DONE;
  }
  s.event = true;
  count(Mib.udpInDatagrams);
  return UdpResult.DELIVERED;
}

/** Where a datagram goes and its ports: the last word of an IP header without options, and the first of the UDP header behind it. */
function ends(udp: Udp): u64 {
  return load<u64>(changetype<usize>(udp) - 4);
}

/**
 * Somebody says that this datagram did not arrive (RFC 1122 §4.1.3.3). It counts if the last one was sent there: else whoever guesses a port
 * could end what goes on with others (RFC 5927 §4).
 */
export function udpIcmpError(udp: Udp): void {
  const i = udpFind(udp.srcPort);
  if (i == NO_SOCKET) return;
  const s = udpAt(i);
  if (s.port == 0 || ends(udp) != s.sent) return;
  s.refused = s.event = true;
}

/** Sends what is queued. Returns whether a socket had to stop for want of a slot. */
export function udpOutput(): bool {
  for (let i: u32 = 0; i < config.udpMax; i++) {
    const s = udpAt(i), q = toSend(s);
    while (s.port != 0 && q.size != 0) {
      const size = front(q, 0, 0);
      assert(size <= config.mtu - Ipv4.SIZE - Udp.SIZE);
      const dst = load<u32>(record), port = load<u32>(record, 4);
      if (!ipHasSlot(dst)) return true;
      if (DHCP && !isReachable(dst)) {
        // The way has gone with our address.
        count(Mib.ipOutNoRoutes);
        pop(q, size);
        continue;
      }
      const ip = ipBegin(sourceFor(dst), dst, PROTO_UDP, 0, config.ttl);
      if (ip != null) {
        const udp = changetype<Udp>(changetype<usize>(ip) + Ipv4.SIZE);
        udp.srcPort = s.port;
        udp.dstPort = port;
        udp.size = Udp.SIZE + size;
        front(q, changetype<usize>(udp) + Udp.SIZE, size);
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
