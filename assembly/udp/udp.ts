// UDP (RFC 768, RFC 1122 §4.1): sockets with a ring each way. `udpSend` only queues; `udpOutput`, in `poll`, sends.
//
// In a ring a datagram is a 12-byte record {address, port | size << 16, 0} and its payload, padded to 4 bytes.

import { config } from "../config";
import { Err } from "../core/error";
import { take, layoutCommits } from "../core/layout";
import { count, Mib } from "../core/counters";
import { sumBytes, sumPseudo, foldSum } from "../core/checksum";
import { ringRead, ringWrite } from "../buffers/ring";
import { Ipv4, PROTO_UDP } from "../wire/ipv4";
import { Udp } from "../wire/udp";
import { ipBegin, ipEnd, ipWay, Way } from "../ip/output";
import { sourceFor } from "../ip/address";

const RECORD: u32 = 12;

@unmanaged export class UdpSocket {
  ip: u32;
  port: u16;
  inUse: bool;
  /** Whether an ICMP error came for what this socket sent; told once, by the next receive. */
  refused: bool;
  gen: u32;
  sendHead: u32;
  sendSize: u32;
  recvHead: u32;
  recvSize: u32;
  /** Whether an event is due: something arrived. */
  event: bool;
  pad: u8;
  pad2: u16;
}

let sockets: usize = 0;
let rings: usize = 0;
/** Scratch for one record. */
let record: usize = 0;

export function udpInit(): void {
  const s = take(config.udpMax, offsetof<UdpSocket>()), r = take(config.udpMax << 1, config.udpRing), c = take(1, RECORD);
  if (!layoutCommits()) return;
  sockets = s;
  rings = r;
  record = c;
}

export function udpAt(i: u32): UdpSocket {
  return changetype<UdpSocket>(sockets + i * offsetof<UdpSocket>());
}

function indexOf(s: UdpSocket): u32 {
  return <u32>(changetype<usize>(s) - sockets) / offsetof<UdpSocket>();
}

function sendRing(s: UdpSocket): usize {
  return rings + <usize>(indexOf(s) << 1) * config.udpRing;
}

function recvRing(s: UdpSocket): usize {
  return sendRing(s) + config.udpRing;
}

/** The socket on a local port, or null. */
export function udpFind(port: u32): UdpSocket | null {
  for (let i: u32 = 0; i < config.udpMax; i++) {
    const s = udpAt(i);
    if (s.inUse && <u32>s.port == port) return s;
  }
  return null;
}

/** A free socket, bound to `port`, or null. */
export function udpBind(port: u32): UdpSocket | null {
  for (let i: u32 = 0; i < config.udpMax; i++) {
    const s = udpAt(i);
    if (s.inUse) continue;
    s.inUse = true;
    s.refused = false;
    s.event = false;
    s.port = <u16>port;
    s.sendHead = s.sendSize = s.recvHead = s.recvSize = 0;
    return s;
  }
  return null;
}

/** Appends a record and payload to a ring. Returns false when there is no room. */
function push(ring: usize, head: u32, used: u32, ip: u32, port: u32, src: usize, size: u32): bool {
  const padded = RECORD + ((size + 3) & ~3);
  if (used + padded > config.udpRing) return false;
  store<u32>(record, ip);
  store<u32>(record, port | (size << 16), 4);
  store<u32>(record, 0, 8);
  let at = head + used;
  if (at >= config.udpRing) at -= config.udpRing;
  ringWrite(ring, config.udpRing, at, record, RECORD);
  ringWrite(ring, config.udpRing, at + RECORD, src, size);
  return true;
}

/** Queues a datagram. AGAIN: the ring is full. SIZE: it would not fit into a frame, or never into the ring. */
export function udpSend(s: UdpSocket, ip: u32, port: u32, src: usize, size: u32): Err {
  if (size + Ipv4.SIZE + Udp.SIZE > config.mtu || size + RECORD > config.udpRing) return Err.SIZE;
  if (!push(sendRing(s), s.sendHead, s.sendSize, ip, port, src, size)) return Err.AGAIN;
  s.sendSize += RECORD + ((size + 3) & ~3);
  return Err.OK;
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
  if (s.recvSize == 0) return Err.AGAIN;
  const ring = recvRing(s);
  ringRead(ring, config.udpRing, s.recvHead, record, RECORD);
  const have = load<u32>(record, 4) >> 16;
  ringRead(ring, config.udpRing, s.recvHead + RECORD, dst, min(size, have));
  if (from != 0) {
    store<u32>(from, load<u32>(record));
    store<u32>(from, load<u32>(record, 4) & 0xffff, 4);
  }
  const padded = RECORD + ((have + 3) & ~3);
  s.recvHead += padded;
  if (s.recvHead >= config.udpRing) s.recvHead -= config.udpRing;
  s.recvSize -= padded;
  return <i32>have;
}

/** What a received datagram means for the stack. */
export const enum UdpResult { DONE, DELIVERED, NO_PORT }

/** Takes in the datagram of `size` bytes that `ip` brought. NO_PORT: nobody listens there. */
export function udpInput(ip: Ipv4, udp: Udp, size: u32): UdpResult {
  if (!udp.isValid(size) || udp.dstPort == 0) {
    count(Mib.udpInErrors);
    return UdpResult.DONE;
  }
  const length = <u32>udp.size;
  if (udp.checksum != 0 && foldSum(sumBytes(changetype<usize>(udp), length, sumPseudo(ip.src, ip.dst, PROTO_UDP, length))) != 0) {
    count(Mib.udpInErrors);
    return UdpResult.DONE;
  }
  const s = udpFind(udp.dstPort);
  if (s == null) {
    count(Mib.udpNoPorts);
    return UdpResult.NO_PORT;
  }
  const payload = length - Udp.SIZE;
  if (!push(recvRing(s), s.recvHead, s.recvSize, ip.src, udp.srcPort, changetype<usize>(udp) + Udp.SIZE, payload)) {
    count(Mib.udpRcvbufErrors);
    return UdpResult.DONE;
  }
  s.recvSize += RECORD + ((payload + 3) & ~3);
  s.event = true;
  count(Mib.udpInDatagrams);
  return UdpResult.DELIVERED;
}

/** Somebody says that a datagram from `port` did not arrive (RFC 1122 §4.1.3.3). */
export function udpIcmpError(port: u32): void {
  const s = udpFind(port);
  if (s == null) return;
  s.refused = true;
  s.event = true;
}

/** Sends what is queued. Returns whether a socket had to stop for want of a slot. */
export function udpOutput(): bool {
  for (let i: u32 = 0; i < config.udpMax; i++) {
    const s = udpAt(i);
    while (s.inUse && s.sendSize != 0) {
      ringRead(sendRing(s), config.udpRing, s.sendHead, record, RECORD);
      const dst = load<u32>(record), ports = load<u32>(record, 4), size = ports >> 16;
      if (ipWay(dst) == Way.NO_SLOT) return true;
      const ip = ipBegin(sourceFor(dst), dst, PROTO_UDP, 0, config.ttl);
      if (ip != null) {
        const udp = changetype<Udp>(changetype<usize>(ip) + Ipv4.SIZE);
        udp.srcPort = s.port;
        udp.dstPort = ports;
        udp.size = Udp.SIZE + size;
        udp.checksum = 0;
        ringRead(sendRing(s), config.udpRing, s.sendHead + RECORD, changetype<usize>(udp) + Udp.SIZE, size);
        const sum = foldSum(sumBytes(changetype<usize>(udp), Udp.SIZE + size, sumPseudo(ip.src, dst, PROTO_UDP, Udp.SIZE + size)));
        // A checksum of 0 is sent as all ones (RFC 768).
        udp.checksum = sum == 0 ? 0xffff : sum;
        count(Mib.udpOutDatagrams);
        ipEnd(Udp.SIZE + size);
      }
      const padded = RECORD + ((size + 3) & ~3);
      s.sendHead += padded;
      if (s.sendHead >= config.udpRing) s.sendHead -= config.udpRing;
      s.sendSize -= padded;
    }
  }
  return false;
}
