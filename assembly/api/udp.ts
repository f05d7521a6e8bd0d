// The UDP interface (RFC 768, RFC 1122 §4.1.4).

import { config } from "../config";
import { IPV6, MDNS, UDP } from "../features";
import { Err } from "../core/error";
import { eventForget, generationNext } from "../core/events";
import { random32 } from "../core/random";
import { isSound } from "../address/names";
import { isMulticast, isReachable } from "../ip/address";
import { isMdnsGroup } from "../ip/groups";
import { MDNS_PORT } from "../wire/dns";
import { borrow, isUp } from "../stack";
import { DatagramFrom, NO_SOCKET, udpAt, udpBind, udpFind, udpMeet, udpReceive, udpSend, udpUnbind } from "../udp/udp";
import { NO_UDP, handleOfUdp, udpOf } from "./handle";

/**
 * Opens a socket on `port` (0: an ephemeral one). Returns a handle, ARGUMENT,
 * IN_USE or FULL; a build without UDP has none.
 */
export function udp_open(port: u32): i32 {
  if (!isUp()) return Err.NOT_INIT;
  if (port > 65535) return Err.ARGUMENT;
  if (!UDP) return Err.FULL;
  let local = port;
  // RFC 6056 §3.3.1: random, until one is free. There are fewer sockets than tries, so one is.
  for (let i: u32 = 0; port == 0 && i <= config.udpMax; i++) {
    local = 49152 + (random32() & 16383);
    if (udpFind(local) == NO_SOCKET) break;
  }
  if (udpFind(local) != NO_SOCKET) return Err.IN_USE;
  const i = udpFind(0);
  if (i == NO_SOCKET) return Err.FULL;
  udpBind(i, local);
  generationNext(config.connsMax + config.listenersMax + i);
  return handleOfUdp(i);
}

/** Whether a datagram is one of mDNS to all on the link: a socket on its port may send that. */
function isToLink(i: u32, ip: u32, port: u32): bool {
  return MDNS && <u32>udpAt(i).port == MDNS_PORT && port == MDNS_PORT && isMdnsGroup(ip);
}

/**
 * Queues a datagram for `ip`:`port`. To groups nothing is sent; but in builds with mDNS a socket on port 5353 is in its
 * groups, 224.0.0.251 and ff02::fb, and may send to that port there. OK; AGAIN: the ring is full; SIZE, UNREACHABLE or
 * ARGUMENT.
 */
export function udp_send(handle: i32, ip: u32, port: u32, src: usize, size: u32): i32 {
  const i = udpOf(handle);
  if (i == NO_UDP) return Err.HANDLE;
  if (port == 0 || port > 65535 || ip == 0 || (IPV6 && !isSound(ip)) || !borrow(src, size)) return Err.ARGUMENT;
  if (isMulticast(ip) && !isToLink(i, ip, port)) return Err.ARGUMENT;
  if (!isReachable(ip)) return Err.UNREACHABLE;
  return udpSend(udpAt(i), ip, port, src, size);
}

/**
 * Takes the next datagram: up to `size` bytes to `dst`, a `DatagramFrom` to `from` (0:
 * nobody asks). Its length, AGAIN or REFUSED.
 */
export function udp_recv(handle: i32, dst: usize, size: u32, from: usize): i32 {
  const i = udpOf(handle);
  if (i == NO_UDP) return Err.HANDLE;
  if (!borrow(dst, size) || (from != 0 && !borrow(from, offsetof<DatagramFrom>()))) return Err.ARGUMENT;
  return udpReceive(udpAt(i), dst, size, from);
}

/**
 * Time to live of what the socket sends, 1 to 255; 0: the configuration's (RFC 1122 §4.1.4).
 * Only builds with everything have this call.
 */
export function udp_ttl(handle: i32, ttl: u32): Err {
  const i = udpOf(handle);
  if (i == NO_UDP) return Err.HANDLE;
  if (ttl > 255) return Err.ARGUMENT;
  udpAt(i).ttl = <u8>ttl;
  return Err.OK;
}

/**
 * The socket takes datagrams of `ip`:`port` alone from now on; to others its port is one that nobody has.
 * `ip` 0: it takes everybody's again. What came before stays. OK or ARGUMENT.
 * Only builds with everything have this call.
 */
export function udp_connect(handle: i32, ip: u32, port: u32): Err {
  const i = udpOf(handle);
  if (i == NO_UDP) return Err.HANDLE;
  if (ip != 0 && (port == 0 || port > 65535 || (IPV6 && !isSound(ip)))) return Err.ARGUMENT;
  udpMeet(udpAt(i), ip, port);
  return Err.OK;
}

/** Closes the socket; what waits in it is dropped. HANDLE. */
export function udp_close(handle: i32): Err {
  const i = udpOf(handle);
  if (i == NO_UDP) return Err.HANDLE;
  udpUnbind(i);
  eventForget(config.connsMax + config.listenersMax + i);
  return Err.OK;
}
