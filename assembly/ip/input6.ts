// Receiving IPv6 (RFC 8200): the checks of the header, and the walk along the headers behind it. What passes goes to
// its protocol, by way of stack.ts, behind a header like IPv4's with the names of its addresses (`view`).

import { LOOPBACK, SPEED, UDP } from "../features";
import { count, Mib } from "../core/counters";
import { take } from "../core/layout";
import { IP_MF, Ipv4, PROTO_TCP, PROTO_UDP } from "../wire/ipv4";
import { Icmp6, PROBLEM_CHAIN, PROBLEM_FIELD, PROBLEM_HEADER, PROBLEM_OPTION } from "../wire/icmp6";
import {
  Fragment, Ipv6, NEXT_DESTINATION, NEXT_FRAGMENT, NEXT_HOP_BY_HOP, NEXT_ICMP6, NEXT_NONE, NEXT_ROUTING,
} from "../wire/ipv6";
import { TcpHeader } from "../wire/tcp";
import { Udp } from "../wire/udp";
import {
  Address, At, Knows, nameFind, nameFor, nameHigh, nameLow, namesTakeChange, namesSettle,
} from "../address/names";
import { Came } from "./input";
import { isJoined, isLoopback6, isMulticast6, isUnspecified, Own, ownFind } from "./interface6";

/** What the walk along the headers says. */
export const enum Walk {
  DROP,
  /** Headers go beyond the end. */
  SHORT,
  /** The payload is for TCP, UDP or ICMPv6. */
  DELIVER,
  /** A Fragment header is at `payload`. */
  FRAGMENT,
  /** The sender is to hear of `code` and `pointer` (RFC 4443 §3.4). */
  PROBLEM,
}

/** The packet at hand. */
@unmanaged class Input6 {
  src: Address;
  dst: Address;
  /** Where it begins; 0: it was put together from fragments. */
  packet: usize;
  /** What follows the last header that was read. */
  protocol: u32;
  payload: usize;
  size: u32;
  /** Of a parameter problem. */
  code: u32;
  pointer: u32;
  fragmented: bool;
  pad0: u8;
  pad: u16;
  /** The bytes that the view took the place of, and where they were; 0: nowhere. */
  savedAt: usize;
  saved0: u64;
  saved1: u64;
  saved2: u32;
  pad2: u32;
}

/** Two addresses that are kept, a peer's and one of ours: packets between the same come in trains. */
@unmanaged class Pair {
  /** Their bytes, as they stand in a packet. */
  srcHigh: u64;
  srcLow: u64;
  dstHigh: u64;
  dstLow: u64;
  /** Their names; 0: there are none. */
  src: Address;
  dst: Address;
}

export let in6: Input6 = changetype<Input6>(0);
let pair: Pair = changetype<Pair>(0);

/** Headers of an IPv6 packet behind one another (RFC 8504 §5.3 allows a limit). @full the packet is dropped */
export const HEADERS_MAX: u32 = 8;
/** Where a packet's own header names the type of the next one. */
export const NEXT_AT: usize = 6;
/** Options of one IPv6 header. @full the packet is dropped (ipInHdrErrors) */
const OPTIONS_MAX: u32 = 16;

export function input6Init(): void {
  in6 = changetype<Input6>(take(1, offsetof<Input6>()));
  if (SPEED) pair = changetype<Pair>(take(1, offsetof<Pair>()));
}

/** Drops `pair` if a name has changed. Returns whether it has the packet's addresses. */
function pairMatch(ip: Ipv6): bool {
  if (namesTakeChange(Knows.PAIR)) pair.src = 0;
  const at = ip.srcAt;
  return pair.src != 0 && load<u64>(at) == pair.srcHigh && load<u64>(at, 8) == pair.srcLow &&
    load<u64>(at, 16) == pair.dstHigh && load<u64>(at, 24) == pair.dstLow;
}

/**
 * `ip6Accepts` and `ip6Walk` in a build for speed, of a packet in a frame to us alone, if it is a plain one: a TCP
 * segment right behind the header, from a peer that somebody keeps. Returns whether it is; else nothing has happened.
 */
export function ip6TakePlain(ip: Ipv6, size: u32): bool {
  namesSettle();
  if (!ip.isValid(size) || ip.next != PROTO_TCP || !pairFind(ip)) return false;
  count(Mib.ipInReceives);
  in6.src = pair.src;
  in6.dst = pair.dst;
  in6.packet = changetype<usize>(ip);
  in6.fragmented = false;
  in6.protocol = PROTO_TCP;
  in6.payload = in6.packet + Ipv6.SIZE;
  in6.size = ip.payloadSize;
  return true;
}

/**
 * Whether a packet in a frame to us alone is from a peer that somebody keeps, to an address of ours. Then `pair` has
 * both.
 */
function pairFind(ip: Ipv6): bool {
  if (pairMatch(ip)) return true;
  in6.src = nameFind(ip.srcAt);
  in6.dst = nameFind(ip.dstAt);
  if (in6.src == 0 || in6.dst == 0 || isMulticast6(in6.dst) || !isFromPeer(Came.UNICAST) || !isForUs(Came.UNICAST)) {
    return false;
  }
  pair.srcHigh = nameHigh(in6.src);
  pair.srcLow = nameLow(in6.src);
  pair.dstHigh = nameHigh(in6.dst);
  pair.dstLow = nameLow(in6.dst);
  pair.src = in6.src;
  pair.dst = in6.dst;
  return true;
}

/** Whether the packet at `ip`, in a frame with `size` bytes left, is well-formed and for us. */
export function ip6Accepts(ip: Ipv6, size: u32, came: Came): bool {
  count(Mib.ipInReceives);
  namesSettle();
  if (!ip.isValid(size)) {
    count(Mib.ipInHdrErrors);
    return false;
  }
  in6.packet = changetype<usize>(ip);
  in6.savedAt = 0;
  in6.fragmented = false;
  in6.protocol = NEXT_NONE;
  if (SPEED && came == Came.UNICAST && pairMatch(ip)) {
    in6.src = pair.src;
    in6.dst = pair.dst;
    return true;
  }
  in6.src = nameFor(ip.srcAt, At.PEER);
  in6.dst = nameFor(ip.dstAt, At.OTHER);
  if (isFromPeer(came) && isForUs(came)) return true;
  count(Mib.ipInAddrErrors);
  return false;
}

/** A packet on the wire is from no group, not from ::1, and not from ourselves. */
function isFromPeer(came: Came): bool {
  const own = ownFind(in6.src);
  if (LOOPBACK && came == Came.LOOPED) return own != null && own.state == <u8>Own.VALID;
  return !isMulticast6(in6.src) && !isLoopback6(in6.src) && (own == null || own.state != <u8>Own.VALID);
}

function isForUs(came: Came): bool {
  if (isMulticast6(in6.dst)) return isJoined(nameHigh(in6.dst), nameLow(in6.dst));
  const own = ownFind(in6.dst);
  if (own == null || came == Came.BROADCAST || (isLoopback6(in6.dst) && came != Came.LOOPED)) return false;
  return own.state == <u8>Own.VALID;
}

/** Walks from the header at `at` on, up to `end`. The field at `namedAt` has named its type, `next` (RFC 4443 §3.4). */
export function ip6Walk(next: u32, namedAt: usize, at: usize, end: usize): Walk {
  for (let n: u32 = 0; n < HEADERS_MAX; n++) {
    if (next == PROTO_TCP || (UDP && next == PROTO_UDP) || next == NEXT_ICMP6) {
      in6.protocol = next;
      in6.payload = at;
      in6.size = <u32>(end - at);
      return Walk.DELIVER;
    }
    if (next == NEXT_NONE) return Walk.DROP;
    if (next == NEXT_FRAGMENT && !in6.fragmented) {
      in6.payload = at;
      in6.size = <u32>(end - at);
      return at + Fragment.SIZE <= end ? Walk.FRAGMENT : refuseShort();
    }
    // RFC 8200 §4.1: hop-by-hop options stand right behind the packet's own header, and nowhere else.
    const isOptions = next == NEXT_DESTINATION || (next == NEXT_HOP_BY_HOP && namedAt == in6.packet + NEXT_AT);
    if (!isOptions && next != NEXT_ROUTING) {
      count(Mib.ipInUnknownProtos);
      return noteProblem(PROBLEM_HEADER, namedAt);
    }
    if (at + 8 > end) return refuseShort();
    const size = (<usize>load<u8>(at, 1) + 1) << 3;
    if (at + size > end) return refuseShort();
    const said = isOptions ? readOptions(at, size) : readRouting(at);
    if (said != Walk.DELIVER) return said;
    next = <u32>load<u8>(at);
    namedAt = at;
    at += size;
  }
  return refuseMalformed();
}

function refuseMalformed(): Walk {
  count(Mib.ipInHdrErrors);
  return Walk.DROP;
}

function refuseShort(): Walk {
  count(Mib.ipInHdrErrors);
  return Walk.SHORT;
}

function noteProblem(code: u32, at: usize): Walk {
  // What was put together has no places that its sender knows.
  if (in6.packet == 0) return Walk.DROP;
  in6.code = code;
  in6.pointer = <u32>(at - in6.packet);
  return Walk.PROBLEM;
}

/**
 * RFC 8200 §4.4: we know no type of it. One that has no more to visit is passed over; any other
 * is a problem, and type 0 too (RFC 5095).
 */
function readRouting(at: usize): Walk {
  if (load<u8>(at, 3) == 0) return Walk.DELIVER;
  count(Mib.ipInHdrErrors);
  return noteProblem(PROBLEM_FIELD, at + 2);
}

/**
 * The options of a Hop-by-Hop or Destination header (RFC 8200 §4.2): what the two highest bits of an unknown one say.
 */
function readOptions(header: usize, size: usize): Walk {
  const end = header + size;
  let n: u32 = 0;
  for (let at = header + 2; at < end;) {
    const type = load<u8>(at);
    if (type == 0) {
      at++;
      continue;
    }
    if (at + 2 > end || at + 2 + <usize>load<u8>(at, 1) > end || n++ == OPTIONS_MAX) return refuseMalformed();
    // PadN, and the router alert (RFC 2711), are known.
    if (type != 1 && type != 5 && type >> 6 != 0) {
      count(Mib.ipInHdrErrors);
      return type >> 6 == 2 || (type >> 6 == 3 && !isMulticast6(in6.dst)) ? noteProblem(PROBLEM_OPTION, at) : Walk.DROP;
    }
    at += 2 + <usize>load<u8>(at, 1);
  }
  return Walk.DELIVER;
}

/**
 * The Fragment header at `payload` (RFC 8200 §4.5). FRAGMENT: it is one of several that are to be put together. A
 * packet that is whole for all that (RFC 6946) is walked on; what else comes out is what `ip6Walk` says.
 */
export function ip6Fragment(): Walk {
  const f = changetype<Fragment>(in6.payload), body = in6.payload + Fragment.SIZE, size = in6.size - Fragment.SIZE,
    end = body + size;
  const offset = f.offset, more = f.more;
  in6.fragmented = true;
  if (offset == 0 && !more) {
    // An atomic fragment is no fragment, but for those to whom none may come (RFC 6980).
    return f.next == NEXT_FRAGMENT ? refuseMalformed() : ip6Walk(f.next, in6.payload, body, end);
  }
  if (more && (size & 7) != 0) return noteProblem(PROBLEM_FIELD, in6.packet + 4);
  if (offset + size > 65_535) return noteProblem(PROBLEM_FIELD, in6.payload + 2);
  if (offset == 0) {
    // RFC 7112 §5: the first fragment has all headers, the upper layer's too.
    const at = in6.payload, said = ip6Walk(f.next, at, body, end);
    if (said == Walk.DELIVER ? in6.size < leastOf(in6.protocol) : said == Walk.SHORT) {
      return noteProblem(PROBLEM_CHAIN, in6.packet);
    }
    if (said != Walk.DELIVER) return said;
    in6.payload = at;
  }
  in6.size = size;
  return Walk.FRAGMENT;
}

function leastOf(protocol: u32): u32 {
  return protocol == PROTO_TCP ? TcpHeader.SIZE : protocol == PROTO_UDP ? Udp.SIZE : Icmp6.SIZE;
}

/** The fragment at hand behind a header like IPv4's, as `reassemble` takes it. */
export function fragmentView(): Ipv4 {
  const f = changetype<Fragment>(in6.payload), offset = f.offset, more = f.more, next = f.next, id = f.id;
  const ip = viewAt(in6.payload + Fragment.SIZE, in6.size);
  ip.protocol = next;
  ip.fragment = (offset >> 3) | (more ? IP_MF : 0);
  ip.id = id & 0xffff;
  store<u16>(changetype<usize>(ip), <u16>(id >> 16), 10);
  return ip;
}

/** The packet at hand, whose headers were read, as its protocol takes it. */
export function view(): Ipv4 {
  const at = in6.payload - Ipv4.SIZE;
  in6.savedAt = at;
  in6.saved0 = load<u64>(at);
  in6.saved1 = load<u64>(at, 8);
  in6.saved2 = load<u32>(at, 16);
  const ip = viewAt(in6.payload, in6.size);
  ip.protocol = in6.protocol;
  return ip;
}

/** What the view took the place of is there again: the packet is as it came. */
export function viewEnd(): void {
  const at = in6.savedAt;
  if (at == 0) return;
  store<u64>(at, in6.saved0);
  store<u64>(at, in6.saved1, 8);
  store<u32>(at, in6.saved2, 16);
  in6.savedAt = 0;
}

function viewAt(payload: usize, size: u32): Ipv4 {
  const tos = in6.packet == 0 ? 0 : changetype<Ipv6>(in6.packet).trafficClass;
  const ip = changetype<Ipv4>(payload - Ipv4.SIZE);
  ip.headerSize = Ipv4.SIZE;
  ip.tos = tos;
  ip.totalSize = size + Ipv4.SIZE;
  ip.id = 0;
  ip.fragment = 0;
  ip.ttl = 0;
  ip.src = in6.src;
  ip.dst = in6.dst;
  return ip;
}

/** A datagram was put together: it is the packet at hand. Says what is in it. */
export function ip6TakeWhole(ip: Ipv4): Walk {
  in6.packet = 0;
  in6.src = ip.src;
  in6.dst = ip.dst;
  in6.savedAt = 0;
  const payload = changetype<usize>(ip) + Ipv4.SIZE;
  return ip6Walk(ip.protocol, 0, payload, payload + (ip.totalSize - Ipv4.SIZE));
}

/** Whether the packet at hand has a sender who can be answered. */
export function isAnswerable(): bool {
  return !isUnspecified(in6.src) && !isMulticast6(in6.src);
}
