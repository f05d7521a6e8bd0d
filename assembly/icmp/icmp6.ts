// ICMPv6 (RFC 4443): echo, and the errors that we send. Errors that we receive go to their protocol, by way of
// stack.ts; neighbour discovery goes to nd/.

import { config, Policy } from "../config";
import { POLICIES, REASSEMBLY } from "../features";
import { take } from "../core/layout";
import { count, Mib } from "../core/counters";
import { random32 } from "../core/random";
import { foldSum, sumBytes } from "../core/checksum";
import { Ipv4, PROTO_TCP, PROTO_UDP } from "../wire/ipv4";
import {
  ICMP_PARAMETER_PROBLEM, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE, UNREACHABLE_FRAGMENTATION, UNREACHABLE_PORT,
  UNREACHABLE_PROTOCOL,
} from "../wire/icmp";
import {
  EXCEEDED6_REASSEMBLY, Icmp6, ICMP6_ECHO, ICMP6_ECHO_REPLY, ICMP6_PARAMETER_PROBLEM, ICMP6_TIME_EXCEEDED,
  ICMP6_TOO_BIG, ICMP6_UNREACHABLE, ND_REDIRECT, PROBLEM_HEADER, PROBLEM_OPTION, UNREACHABLE6_POLICY, UNREACHABLE6_PORT,
  UNREACHABLE6_PROHIBITED, UNREACHABLE6_ROUTE,
} from "../wire/icmp6";
import {
  Fragment, Ipv6, IPV6_MTU_MIN, NEXT_DESTINATION, NEXT_FRAGMENT, NEXT_HOP_BY_HOP, NEXT_ICMP6, NEXT_ROUTING,
} from "../wire/ipv6";
import { At, nameBytes, nameFor, sumBetween } from "../address/names";
import { HEADER_MORE } from "../ip/address";
import { HEADERS_MAX, in6, isAnswerable, viewEnd } from "../ip/input6";
import { interface6, isMulticast6, isOwn6, mtu6, sourceFor6 } from "../ip/interface6";
import { ipBegin, ipEnd, ipRing } from "../ip/output";
import { ipFree } from "../ip/way";
import { icmpErrorTake } from "./errors";

/**
 * What a received message means for the stack: nothing more; an error about a packet of ours;
 * one of neighbour discovery, or of groups.
 */
export const enum Icmp6Result { DONE, ERROR, DISCOVERY }

/** Of an error: what the packet was that it quotes, behind a header like IPv4's, and what it says in ICMP's words. */
@unmanaged class Quoted {
  type: u32;
  code: u32;
  /** For "fragmentation needed", as IPv4 would tell it: see `mtuTo`. */
  mtu: u32;
  pad: u32;
  /** An IPv4 header and 8 bytes of payload. */
  ip0: u64;
  ip1: u64;
  ip2: u64;
  ip3: u64;
}

export let quoted: Quoted = changetype<Quoted>(0);

export function icmp6Init(): void {
  quoted = changetype<Quoted>(take(1, offsetof<Quoted>()));
}

/** Takes in the message at hand. */
export function icmp6Input(): Icmp6Result {
  const icmp = changetype<Icmp6>(in6.payload), size = in6.size;
  count(Mib.icmpInMsgs);
  if (size < Icmp6.SIZE || foldSum(sumBytes(in6.payload, size, sumBetween(in6.src, in6.dst, NEXT_ICMP6, size))) != 0) {
    count(Mib.icmpInErrors);
    return Icmp6Result.DONE;
  }
  switch (icmp.type) {
    case ICMP6_ECHO:
      count(Mib.icmpInEchos);
      echo6(icmp, size);
      return Icmp6Result.DONE;
    case ICMP6_ECHO_REPLY:
      count(Mib.icmpInEchoReps);
      return Icmp6Result.DONE;
    case ICMP6_UNREACHABLE:
      count(Mib.icmpInDestUnreachs);
      return Icmp6Result.ERROR;
    case ICMP6_TIME_EXCEEDED:
      count(Mib.icmpInTimeExcds);
      return Icmp6Result.ERROR;
    case ICMP6_TOO_BIG:
    case ICMP6_PARAMETER_PROBLEM:
      return Icmp6Result.ERROR;
    default:
      // RFC 4443 §2.4 (b): what is unknown is dropped. The messages of neighbour
      // discovery and of groups lie between 130 and 143.
      if (icmp.type >= 130 && icmp.type <= 143) return Icmp6Result.DISCOVERY;
      count(Mib.icmpInIgnored);
      return Icmp6Result.DONE;
  }
}

/** RFC 4443 §4.2. What is longer than a packet goes back in fragments. */
function echo6(icmp: Icmp6, size: u32): void {
  const many = isMulticast6(in6.dst), src = many ? sourceFor6(in6.src) : in6.dst;
  if (!isAnswerable() || src == 0 || (many && !(POLICIES && (config.policy & Policy.BROADCAST_ECHO) != 0))) {
    count(Mib.icmpInIgnored);
    return;
  }
  const most = mtu6() - Ipv6.SIZE, whole = !REASSEMBLY || size <= most,
    step = whole ? size : (most - Fragment.SIZE) & ~7;
  if ((!REASSEMBLY && size > most) || (!whole && size > ipFree() * step)) {
    count(Mib.ipOutDiscards);
    return;
  }
  icmp.type = ICMP6_ECHO_REPLY;
  icmp.checksum = 0;
  icmp.checksum = foldSum(sumBytes(changetype<usize>(icmp), size, sumBetween(src, in6.src, NEXT_ICMP6, size)));
  const id = whole ? 0 : random32(), head = whole ? 0 : Fragment.SIZE;
  for (let at: u32 = 0; at < size; at += step) {
    const reply = ipBegin(src, in6.src, whole ? NEXT_ICMP6 : NEXT_FRAGMENT, interface6.hopLimit),
      n = min(size - at, step);
    // What waits for its neighbour would be the last fragment alone.
    if (reply == null || (!whole && ipRing() == null)) return;
    const payload = changetype<usize>(reply) + Ipv4.SIZE;
    if (!whole) {
      const f = changetype<Fragment>(payload);
      f.next = NEXT_ICMP6;
      f.offsetAndMore = at + n < size ? at | 1 : at;
      f.id = id;
    }
    assert(<u32>head + n <= most);
    memory.copy(payload + head, changetype<usize>(icmp) + at, n);
    ipEnd(head + n);
  }
  count(Mib.icmpOutMsgs);
  count(Mib.icmpOutEchoReps);
}

/** Computes the checksum of the message of `size` bytes behind `ip`, and hands it over. */
export function icmp6End(ip: Ipv4, size: u32): void {
  const at = changetype<usize>(ip) + Ipv4.SIZE, icmp = changetype<Icmp6>(at);
  icmp.checksum = 0;
  icmp.checksum = foldSum(sumBytes(at, size, sumBetween(ip.src, ip.dst, NEXT_ICMP6, size)));
  count(Mib.icmpOutMsgs);
  ipEnd(size);
}

/**
 * Whether the packet at hand may be answered with an error (RFC 4443 §2.4 (e)).
 * `toGroup`: one that even packets to a group get.
 */
function mayAnswer(toGroup: bool): bool {
  return isAnswerable() && (toGroup || !isMulticast6(in6.dst)) && !isError();
}

/**
 * Whether the packet at hand is an error itself, or a redirect, behind whatever headers: who finds fault
 * with one of these has not come to its end.
 */
function isError(): bool {
  const packet = in6.packet, ip = changetype<Ipv6>(packet);
  let next = in6.protocol, at = in6.payload, end = at + in6.size;
  if (packet != 0) {
    next = ip.next;
    at = packet + Ipv6.SIZE;
    end = at + ip.payloadSize;
  }
  for (let n: u32 = 0; n < 2 * HEADERS_MAX && at + 8 <= end; n++) {
    if (next == NEXT_ICMP6) return load<u8>(at) < 128 || load<u8>(at) == ND_REDIRECT;
    const isPart = next == NEXT_FRAGMENT;
    if ((isPart && changetype<Fragment>(at).offset != 0) ||
        (!isPart && next != NEXT_HOP_BY_HOP && next != NEXT_ROUTING && next != NEXT_DESTINATION)) return false;
    next = <u32>load<u8>(at);
    at += isPart ? <usize>Fragment.SIZE : (<usize>load<u8>(at, 1) + 1) << 3;
  }
  return false;
}

/** Sends an error about the packet at hand, with as much of it as fits in the least MTU (RFC 4443 §3). */
export function icmp6Error(type: u32, code: u32, rest: u32): void {
  viewEnd();
  if (!mayAnswer(type == ICMP6_PARAMETER_PROBLEM && code == PROBLEM_OPTION)) return;
  if (!icmpErrorTake()) {
    count(Mib.icmpOutRateLimited);
    return;
  }
  const src = isOwn6(in6.dst) ? in6.dst : sourceFor6(in6.src);
  if (src == 0) return;
  const ip = ipBegin(src, in6.src, NEXT_ICMP6, interface6.hopLimit);
  if (ip == null) return;
  const at = changetype<usize>(ip) + Ipv4.SIZE, icmp = changetype<Icmp6>(at),
    room = IPV6_MTU_MIN - Ipv6.SIZE - Icmp6.SIZE;
  icmp.type = type;
  icmp.code = code;
  icmp.rest = rest;
  icmp6End(ip, Icmp6.SIZE + quote(at + Icmp6.SIZE, room));
  count(type == ICMP6_UNREACHABLE ? Mib.icmpOutDestUnreachs : Mib.icmpOutTimeExcds);
}

/** Copies the packet at hand, up to `room` bytes of it. Returns how many. */
function quote(to: usize, room: u32): u32 {
  assert(room <= IPV6_MTU_MIN);
  if (in6.packet != 0) {
    const size = min(room, Ipv6.SIZE + changetype<Ipv6>(in6.packet).payloadSize);
    memory.copy(to, in6.packet, size);
    return size;
  }
  // It came in fragments: as it was before.
  const ip = changetype<Ipv6>(to), size = min(room - Ipv6.SIZE, in6.size);
  ip.trafficClass = 0;
  ip.payloadSize = in6.size;
  ip.next = in6.protocol;
  ip.hopLimit = interface6.hopLimit;
  memory.copy(ip.srcAt, nameBytes(in6.src), 16);
  memory.copy(ip.dstAt, nameBytes(in6.dst), 16);
  memory.copy(to + Ipv6.SIZE, in6.payload, size);
  return Ipv6.SIZE + size;
}

/** The time for a datagram is up whose first fragment, `size` bytes behind `ip`, had come (RFC 8200 §4.5). */
export function icmp6Expired(ip: Ipv4, size: u32): void {
  in6.packet = 0;
  in6.savedAt = 0;
  in6.src = ip.src;
  in6.dst = ip.dst;
  in6.protocol = ip.protocol;
  in6.payload = changetype<usize>(ip) + Ipv4.SIZE;
  in6.size = size;
  icmp6Error(ICMP6_TIME_EXCEEDED, EXCEEDED6_REASSEMBLY, 0);
}

/** The packet that the error at hand quotes; null: it is none of ours. `quoted` says what is wrong with it. */
export function icmp6Quoted(): Ipv4 | null {
  const icmp = changetype<Icmp6>(in6.payload), inner = changetype<Ipv6>(in6.payload + Icmp6.SIZE),
    left = in6.size - Icmp6.SIZE;
  const payload = changetype<usize>(inner) + Ipv6.SIZE;
  if (left < Ipv6.SIZE + 8 || load<u8>(changetype<usize>(inner)) >> 4 != 6 ||
      memory.compare(inner.srcAt, nameBytes(in6.dst), 16) != 0 ||
      (inner.next != PROTO_TCP && inner.next != PROTO_UDP) || !translate(icmp)) {
    count(Mib.icmpInErrors);
    return null;
  }
  const ip = changetype<Ipv4>(changetype<usize>(quoted) + offsetof<Quoted>("ip0"));
  ip.headerSize = Ipv4.SIZE;
  ip.tos = 0;
  ip.totalSize = min<u32>(inner.payloadSize + Ipv4.SIZE, 65_535);
  ip.fragment = 0;
  ip.protocol = inner.next;
  ip.src = in6.dst;
  ip.dst = nameFor(inner.dstAt, At.PEER);
  store<u64>(changetype<usize>(ip) + Ipv4.SIZE, load<u64>(payload));
  return ip;
}

/** What the error is in ICMP's words (RFC 4443 §3, RFC 5461); false: it is none that we know. */
function translate(icmp: Icmp6): bool {
  const code = icmp.code;
  quoted.type = ICMP_UNREACHABLE;
  quoted.code = 0;
  quoted.mtu = 0;
  switch (icmp.type) {
    case ICMP6_TOO_BIG:
      quoted.code = UNREACHABLE_FRAGMENTATION;
      // RFC 8201 §4: never below what every link takes.
      quoted.mtu = min<u32>(max(icmp.rest, IPV6_MTU_MIN), 65_535) - HEADER_MORE;
      return true;
    case ICMP6_UNREACHABLE:
      if (code == UNREACHABLE6_PORT) quoted.code = UNREACHABLE_PORT;
      else if (code == UNREACHABLE6_PROHIBITED || code == UNREACHABLE6_POLICY || code == UNREACHABLE6_ROUTE) {
        quoted.code = 13;
      }
      return code <= UNREACHABLE6_ROUTE;
    case ICMP6_TIME_EXCEEDED:
      quoted.type = ICMP_TIME_EXCEEDED;
      return true;
    default:
      if (code == PROBLEM_HEADER) quoted.code = UNREACHABLE_PROTOCOL;
      else quoted.type = ICMP_PARAMETER_PROBLEM;
      return true;
  }
}
