// ICMP (RFC 792, RFC 1122 §3.2.2): echo, and the errors that we send. Errors that we receive
// go to their protocol, by way of stack.ts.

import { config, Policy } from "../config";
import { POLICIES, REASSEMBLY } from "../features";
import { count, Mib } from "../core/counters";
import { random32 } from "../core/random";
import { sumBytes, foldSum } from "../core/checksum";
import { Ipv4, PROTO_ICMP, IP_MF, IP_OFFSET_MASK } from "../wire/ipv4";
import {
  Icmp, ICMP_ECHO, ICMP_ECHO_REPLY, ICMP_UNREACHABLE, ICMP_TIME_EXCEEDED, ICMP_PARAMETER_PROBLEM, ICMP_SOURCE_QUENCH,
} from "../wire/icmp";
import { ipBegin, ipEnd, ipRing } from "../ip/output";
import { ipFree } from "../ip/way";
import { isBroadcast, isUnicast, isLoopback } from "../ip/address";
import { icmpErrorTake } from "./errors";

/** What a received ICMP message means for the stack. */
export const enum IcmpResult { DONE, ERROR }

/** Takes in a message of `size` bytes that `ip` brought. ERROR: it quotes a datagram of ours, from 8 bytes on. */
export function icmpInput(ip: Ipv4, icmp: Icmp, size: u32): IcmpResult {
  count(Mib.icmpInMsgs);
  if (!Icmp.isValid(size) || foldSum(sumBytes(changetype<usize>(icmp), size, 0)) != 0) {
    count(Mib.icmpInErrors);
    return IcmpResult.DONE;
  }
  switch (icmp.type) {
    case ICMP_ECHO:
      count(Mib.icmpInEchos);
      echo(ip, icmp, size);
      return IcmpResult.DONE;
    case ICMP_ECHO_REPLY:
      count(Mib.icmpInEchoReps);
      return IcmpResult.DONE;
    case ICMP_UNREACHABLE:
      count(Mib.icmpInDestUnreachs);
      return IcmpResult.ERROR;
    case ICMP_TIME_EXCEEDED:
      count(Mib.icmpInTimeExcds);
      return IcmpResult.ERROR;
    case ICMP_PARAMETER_PROBLEM:
      return IcmpResult.ERROR;
    case ICMP_SOURCE_QUENCH: // RFC 6633 §3: silently dropped, as RFC 9293 §3.9.2.2 wants it.
    default:
      // RFC 1122 §3.2.2: unknown types are silently dropped.
      // Deviates from RFC 1122 §3.2.2.2: redirects are, too. Nothing in one says that it comes from the own link.
      count(Mib.icmpInIgnored);
      return IcmpResult.DONE;
  }
}

/**
 * RFC 1122 §3.2.2.6: the data comes back whole, from the address that was asked. What
 * came in fragments goes back in fragments.
 */
function echo(ip: Ipv4, icmp: Icmp, size: u32): void {
  const broadcast = isBroadcast(ip.dst);
  if (broadcast && !(POLICIES && (config.policy & Policy.BROADCAST_ECHO) != 0)) {
    count(Mib.icmpInIgnored);
    return;
  }
  const most = config.mtu - Ipv4.SIZE, whole = !REASSEMBLY || size <= most, step = whole ? size : most & ~7;
  // All fragments, or none.
  if (!whole && size > ipFree() * step) {
    count(Mib.ipOutDiscards);
    return;
  }
  // The request becomes the reply where it lies.
  icmp.type = ICMP_ECHO_REPLY;
  icmp.checksum = 0;
  icmp.checksum = foldSum(sumBytes(changetype<usize>(icmp), size, 0));
  const id = whole ? 0 : random32();
  for (let at: u32 = 0; at < size; at += step) {
    const reply = ipBegin(broadcast ? config.ip : ip.dst, ip.src, PROTO_ICMP, (ip.tos << 8) | config.ttl),
      n = min(size - at, step);
    // What waits for its neighbour would be the last fragment alone.
    if (reply == null || (!whole && ipRing() == null)) return;
    if (!whole) {
      // Not atomic, so its identification tells it from others (RFC 6864 §4.2).
      reply.id = id;
      reply.fragment = (at >> 3) | (at + n < size ? IP_MF : 0);
    }
    memory.copy(changetype<usize>(reply) + Ipv4.SIZE, changetype<usize>(icmp) + at, n);
    ipEnd(n);
  }
  count(Mib.icmpOutMsgs);
  count(Mib.icmpOutEchoReps);
}

/**
 * Sends an error about the datagram at `about`: its header and first 8 bytes, unchanged (RFC 1122 §3.2.2).
 * Not about an ICMP error, a broadcast, a later fragment or a source that is no single host, and not more
 * often than the configuration's `icmpRate`.
 */
export function icmpError(type: u32, code: u32, about: Ipv4): void {
  if (!isUnicast(about.src) || isBroadcast(about.dst) || (about.fragment & IP_OFFSET_MASK) != 0) return;
  if (about.protocol == PROTO_ICMP) {
    const quoted = load<u8>(changetype<usize>(about) + about.headerSize);
    if (quoted != ICMP_ECHO && quoted != ICMP_ECHO_REPLY) return;
  }
  if (!icmpErrorTake()) {
    count(Mib.icmpOutRateLimited);
    return;
  }
  const src = isLoopback(about.dst) ? about.dst : config.ip;
  const ip = ipBegin(src, about.src, PROTO_ICMP, config.ttl);
  if (ip == null) return;
  const at = changetype<usize>(ip) + Ipv4.SIZE;
  const quote = min<u32>(about.headerSize + 8, about.totalSize);
  const out = changetype<Icmp>(at);
  out.type = type;
  out.code = code;
  out.checksum = 0;
  out.rest = 0;
  memory.copy(at + Icmp.SIZE, changetype<usize>(about), quote);
  out.checksum = foldSum(sumBytes(at, Icmp.SIZE + quote, 0));
  count(Mib.icmpOutMsgs);
  count(type == ICMP_UNREACHABLE ? Mib.icmpOutDestUnreachs : Mib.icmpOutTimeExcds);
  ipEnd(Icmp.SIZE + quote);
}
