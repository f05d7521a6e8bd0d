// What a DHCP server says: its options (RFC 2132), read where they lie. Each length is held against what is left before
// anything is read; a message with an option that cannot be is dropped as a whole.

import { isHost } from "../config";
import { take } from "../core/layout";
import { Dhcp, DhcpOption, DhcpType } from "../wire/dhcp";
import { ownMac } from "../ip/output";

/** The options of the message at hand; 0: it does not have that one. */
@unmanaged class Options {
  type: u32;
  server: u32;
  mask: u32;
  router: u32;
  dns0: u32;
  dns1: u32;
  dns2: u32;
  ntp0: u32;
  ntp1: u32;
  broadcast: u32;
  mtu: u32;
  leaseS: u32;
  t1S: u32;
  t2S: u32;
  overload: u32;
  /** The domain's name lies in the message. */
  domain: usize;
  domainSize: u32;
  /**
   * Whether there are classless routes; then routers do not count (RFC 3442),
   * but the one of a default route among these.
   */
  classless: u32;
  defaultRouter: u32;
}

export let options: Options = changetype<Options>(0);

export function optionsInit(): void {
  options = changetype<Options>(take(1, offsetof<Options>()));
}

/**
 * Reads all options of a message of `size` bytes that is valid. Returns false if they
 * are not well-formed, or it tells no type.
 */
export function optionsRead(at: usize, size: u32): bool {
  memory.fill(changetype<usize>(options), 0, offsetof<Options>());
  if (!readArea(at + Dhcp.SIZE, at + size)) return false;
  // RFC 2131 §4.1: file comes before sname.
  const overload = options.overload;
  if ((overload & 1) != 0 && !readArea(at + Dhcp.FILE, at + Dhcp.COOKIE)) return false;
  if ((overload & 2) != 0 && !readArea(at + Dhcp.SNAME, at + Dhcp.FILE)) return false;
  return options.type != 0;
}

/** Options from `at` to END, which must lie before `end`. */
function readArea(at: usize, end: usize): bool {
  while (at < end) {
    const kind = <u32>load<u8>(at++);
    if (kind == DhcpOption.PAD) continue;
    if (kind == DhcpOption.END) return true;
    if (at == end) return false;
    const size = <u32>load<u8>(at++);
    if (size > <u32>(end - at) || !readOption(kind, at, size)) return false;
    at += size;
  }
  return false;
}

function u32at(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

/** Takes one option in, if it is known. Returns false if it cannot have this length or value. */
function readOption(kind: u32, at: usize, size: u32): bool {
  switch (kind) {
    case DhcpOption.MASK:
      if (size != 4) return false;
      options.mask = u32at(at);
      // Ones, then zeros.
      return (~options.mask & (~options.mask + 1)) == 0;
    case DhcpOption.TYPE:
      if (size != 1) return false;
      options.type = <u32>load<u8>(at);
      return options.type <= <u32>DhcpType.RELEASE;
    case DhcpOption.OVERLOAD:
      if (size != 1) return false;
      options.overload = <u32>load<u8>(at);
      return options.overload - 1 < 3;
    case DhcpOption.MTU:
      if (size != 2) return false;
      options.mtu = <u32>load<u8>(at) << 8 | <u32>load<u8>(at, 1);
      // RFC 2132 §5.1.
      return options.mtu >= 68;
    case DhcpOption.ROUTER: return readAddresses(offsetof<Options>("router"), 1, at, size);
    case DhcpOption.DNS: return readAddresses(offsetof<Options>("dns0"), 3, at, size);
    case DhcpOption.NTP: return readAddresses(offsetof<Options>("ntp0"), 2, at, size);
    case DhcpOption.BROADCAST: return readNumber(offsetof<Options>("broadcast"), at, size);
    case DhcpOption.LEASE: return readNumber(offsetof<Options>("leaseS"), at, size);
    case DhcpOption.T1: return readNumber(offsetof<Options>("t1S"), at, size);
    case DhcpOption.T2: return readNumber(offsetof<Options>("t2S"), at, size);
    case DhcpOption.SERVER: return readNumber(offsetof<Options>("server"), at, size);
    case DhcpOption.DOMAIN: return readDomain(at, size);
    case DhcpOption.CLIENT: return isOurs(at, size);
    case DhcpOption.CLASSLESS: return readRoutes(at, size);
    default: return true;
  }
}

function readNumber(field: usize, at: usize, size: u32): bool {
  if (size != 4) return false;
  store<u32>(changetype<usize>(options) + field, u32at(at));
  return true;
}

/** The first `most` addresses of a list that can be a host's. */
function readAddresses(field: usize, most: u32, at: usize, size: u32): bool {
  if (size == 0 || (size & 3) != 0) return false;
  let to = changetype<usize>(options) + field;
  const end = to + (most << 2);
  for (let i: u32 = 0; i < size && to < end; i += 4) {
    const ip = u32at(at + i);
    if (!isHost(ip, 32)) continue;
    store<u32>(to, ip);
    to += 4;
  }
  return true;
}

/**
 * A domain's name: letters, digits, hyphens and dots. Another one is ignored, since it
 * is shown to people and put into queries.
 */
function readDomain(at: usize, size: u32): bool {
  if (size == 0) return false;
  let length = size;
  // Some servers end it as C does.
  if (load<u8>(at + length - 1) == 0) length--;
  for (let i: u32 = 0; i < length; i++) {
    const c = <u32>load<u8>(at + i);
    if ((c | 32) - 97 >= 26 && c - 48 >= 10 && c != 45 && c != 46) return true;
  }
  options.domain = at;
  options.domainSize = length;
  return true;
}

/** RFC 6842 §3: a client identifier in an answer is that of the client that it is for. */
function isOurs(at: usize, size: u32): bool {
  return size == CLIENT_SIZE && load<u8>(at) == 255 && u32at(at + 1) == IAID && u32at(at + 5) == DUID &&
    ((<u64>u32at(at + 9) << 16) | (u32at(at + 11) & 0xffff)) == ownMac();
}

/**
 * Our identifier (RFC 4361 §6.1): 255, an IAID, and a DUID made of the MAC
 * address (RFC 8415 §11.4): type 3, hardware 1.
 */
export const CLIENT_SIZE: u32 = 15;
export const IAID: u32 = 1;
export const DUID: u32 = 0x00030001;

/**
 * RFC 3442: prefix length, as many bytes of the destination as count, router. Of the routes the default one is taken.
 */
function readRoutes(at: usize, size: u32): bool {
  const end = at + size;
  options.classless = 1;
  while (at < end) {
    const prefix = <u32>load<u8>(at), bytes: u32 = (prefix + 7) >> 3;
    if (prefix > 32 || bytes + 5 > <u32>(end - at)) return false;
    const router = u32at(at + 1 + bytes);
    if (prefix == 0 && isHost(router, 32)) options.defaultRouter = router;
    at += 5 + bytes;
  }
  return size != 0;
}
