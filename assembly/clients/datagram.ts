// UDP for clients: their datagrams are read where they came, and written where
// they leave; there is no socket and no queue.

import { config } from "../config";
import { count, Mib } from "../core/counters";
import { randomBelow } from "../core/random";
import { Ipv4, PROTO_UDP } from "../wire/ipv4";
import { Udp } from "../wire/udp";
import { ipBegin, ipEnd, ipLast } from "../ip/output";
import { ipHasSlot } from "../ip/way";
import { NO_SOCKET, udpFillChecksum, udpFind } from "../udp/udp";

/** Bytes of IP and UDP header. */
export const HEADERS: u32 = Ipv4.SIZE + Udp.SIZE;

/** Begins a datagram. Returns where its payload goes, up to mtu − 28 bytes; 0: it cannot be sent now. */
export function datagramBegin(src: u32, dst: u32, srcPort: u32, dstPort: u32, ttl: u32): usize {
  if (!ipHasSlot(dst)) return 0;
  const ip = ipBegin(src, dst, PROTO_UDP, ttl);
  if (ip == null) return 0;
  const udp = changetype<Udp>(changetype<usize>(ip) + Ipv4.SIZE);
  udp.srcPort = srcPort;
  udp.dstPort = dstPort;
  return changetype<usize>(udp) + Udp.SIZE;
}

/** Ends it, with `size` bytes of payload. */
export function datagramEnd(size: u32): void {
  assert(size <= config.mtu - HEADERS);
  const ip = ipLast(), udp = changetype<Udp>(changetype<usize>(ip) + Ipv4.SIZE);
  udp.size = Udp.SIZE + size;
  udpFillChecksum(ip, udp);
  count(Mib.udpOutDatagrams);
  ipEnd(Udp.SIZE + size);
}

/** RFC 5452 §4.5: a port that nobody can guess, and nobody has. */
export function freePort(): u16 {
  for (let i: u32 = 0; i <= config.udpMax; i++) {
    const port = 1024 + randomBelow(64512);
    if (udpFind(port) == NO_SOCKET) return <u16>port;
  }
  return 0;
}
