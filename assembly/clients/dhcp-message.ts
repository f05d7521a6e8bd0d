// What a DHCP client says (RFC 2131 §4.4.1, table 5).

import { config } from "../config";
import { Dhcp, DHCP_CLIENT, DHCP_SERVER, DhcpOption, DhcpType } from "../wire/dhcp";
import { IP_BROADCAST } from "../ip/address";
import { ownMac } from "../ip/output";
import { datagramBegin, datagramEnd, HEADERS } from "./datagram";
import { CLIENT_SIZE, DUID, IAID } from "./dhcp-options";
import { hostName, lease, State } from "./dhcp-state";

/** Old servers and relays want as much (RFC 1542 §2.1). */
const LEAST: u32 = 300;
/** RFC 2131 §2: a client takes 576 bytes at least. A link of less is none for DHCP. */
export const DHCP_MTU: u32 = 576;

/**
 * What the client wants to know: mask, classless routes, which come before routers (RFC 3442), routers, DNS, domain,
 * MTU, broadcast, NTP; the first in the lowest byte. A number, since a table would be in builds without DHCP, too.
 */
const WANTED: u64 = <u64>(
  <u32>DhcpOption.MASK | <u32>DhcpOption.CLASSLESS << 8 | <u32>DhcpOption.ROUTER << 16 | <u32>DhcpOption.DNS << 24
) | <u64>(
  <u32>DhcpOption.DOMAIN | <u32>DhcpOption.MTU << 8 | <u32>DhcpOption.BROADCAST << 16 | <u32>DhcpOption.NTP << 24
) << 32;
const WANTED_SIZE: u32 = 8;

/** Sends the message that is due. Returns false when there is no slot. */
export function dhcpSend(type: DhcpType): bool {
  const state = <State>lease.state, ends = type == DhcpType.DECLINE || type == DhcpType.RELEASE;
  const unicast = state == State.RENEWING || type == DhcpType.RELEASE, renews = unicast || state == State.REBINDING;
  const src = renews ? config.ip : 0, dst = unicast ? lease.server : IP_BROADCAST,
    at = datagramBegin(src, dst, DHCP_CLIENT, DHCP_SERVER, config.ttl);
  if (at == 0) return false;
  const m = changetype<Dhcp>(at);
  m.begin();
  m.xid = lease.xid;
  m.secs = ends ? 0 : lease.secs;
  m.ciaddr = renews ? config.ip : 0;
  m.chaddr = ownMac();
  let to = putByte(at + Dhcp.SIZE, DhcpOption.TYPE, type);
  to = putClient(to);
  // RFC 2131 §4.3.2: who renews, or gives back, says neither which address nor, who renews, to which
  // server; who comes back, not to which server.
  const asks = lease.wanted != 0 && !renews;
  if (asks) to = putNumber(to, DhcpOption.REQUESTED, lease.wanted);
  if (state == State.REQUESTING || ends) to = putNumber(to, DhcpOption.SERVER, lease.server);
  if (!ends) {
    to = putName(to);
    store<u32>(to, <u32>DhcpOption.MAX_SIZE | 2 << 8 | bswap<u32>(min<u32>(config.mtu, 1500)));
    to += 4;
    store<u8>(to, <u8>DhcpOption.PARAMETERS);
    store<u8>(to, <u8>WANTED_SIZE, 1);
    store<u64>(to + 2, WANTED);
    to += 2 + WANTED_SIZE;
  }
  store<u8>(to++, <u8>DhcpOption.END);
  const size = max(<u32>(to - at), LEAST);
  while (to < at + LEAST) store<u8>(to++, 0);
  assert(size + HEADERS <= DHCP_MTU);
  datagramEnd(size);
  return true;
}

function putByte(to: usize, option: DhcpOption, value: u32): usize {
  store<u8>(to, <u8>option);
  store<u8>(to, 1, 1);
  store<u8>(to, <u8>value, 2);
  return to + 3;
}

function putNumber(to: usize, option: DhcpOption, value: u32): usize {
  store<u8>(to, <u8>option);
  store<u8>(to, 4, 1);
  store<u32>(to, bswap<u32>(value), 2);
  return to + 6;
}

/** RFC 4361 §6.1: the same in all messages. */
function putClient(to: usize): usize {
  store<u8>(to, <u8>DhcpOption.CLIENT);
  store<u8>(to, <u8>CLIENT_SIZE, 1);
  store<u8>(to, 255, 2);
  store<u32>(to, bswap<u32>(IAID), 3);
  store<u32>(to, bswap<u32>(DUID), 7);
  store<u32>(to, bswap<u32>(<u32>(ownMac() >> 16)), 11);
  store<u16>(to, bswap<u16>(<u16>ownMac()), 15);
  return to + 2 + CLIENT_SIZE;
}

/** The host's name, if it has one. */
function putName(to: usize): usize {
  const size = lease.nameSize;
  assert(size <= 63);
  if (size == 0) return to;
  store<u8>(to, <u8>DhcpOption.HOST_NAME);
  store<u8>(to, <u8>size, 1);
  memory.copy(to + 2, hostName(), size);
  return to + 2 + size;
}
