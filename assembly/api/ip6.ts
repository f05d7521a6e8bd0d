// The interface of IPv6. Builds that leave it out (assembly/features.ts) do not export this.
//
// Elsewhere in the interface an address is 32 bits: an IPv4 address, or the name of an IPv6 one out of 240/4,
// which `ip6_name` gives and `ip6_bytes` reads.

import { config } from "../config";
import { DHCP6 } from "../features";
import { Err } from "../core/error";
import { clock } from "../core/clock";
import { wake } from "../core/turns";
import { IPV6_MTU_MIN } from "../wire/ipv6";
import { Address, At, isNamed, nameBytes, nameFor, nameHigh, nameLow, OWN_MAX, ROUTERS_MAX } from "../address/names";
import {
  interface6, isLoopback6, isMulticast6, isUnspecified, Own, ownAt, ownFind, Origin, routerAt, Says,
} from "../ip/interface6";
import { addressAdd, addressEnd, configureBegin, configureEnd } from "../nd/configure";
import { dhcp6Begin, dhcp6Gone, dhcp6Unwanted } from "../nd/dhcp6";
import { prefixNote, routerNote } from "../nd/routers";
import { borrow, isUp } from "../stack";

/** Bytes of an IPv6 address. */
const SIZE: u32 = 16;

/**
 * IPv6 begins (RFC 4862): the interface has a link-local address after a second, others when a router says from
 * which prefix; `Event.ADDRESS` of handle 0 tells. `secret`: 16 bytes that the host keeps, so that the interface
 * has the same addresses after each start (RFC 7217); 0: it has others. OK, ARGUMENT or NOT_INIT; SIZE: the
 * link's MTU is below 1280; STATE: it has begun.
 */
export function ip6_start(secret: usize): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (secret != 0 && !borrow(secret, SIZE)) return Err.ARGUMENT;
  if (config.mtu < IPV6_MTU_MIN) return Err.SIZE;
  if (interface6.up) return Err.STATE;
  wake();
  configureBegin(secret);
  if (DHCP6) dhcp6Begin();
  return Err.OK;
}

/** Ends it: connections over IPv6 end with NO_ADDRESS. OK or NOT_INIT. */
export function ip6_stop(): Err {
  if (!isUp()) return Err.NOT_INIT;
  wake();
  configureEnd();
  if (DHCP6) dhcp6Gone();
  return Err.OK;
}

/**
 * Gives the interface one more address, the 16 bytes at `address`, and tells that its first `prefix` bits are those of
 * the link; the 16 bytes at `router`, if it is not 0, are the address of a router. It can be used once duplicate
 * address detection has passed (`ip6_info`). OK, ARGUMENT, IN_USE or NOT_INIT; FULL: there is no place for the address,
 * its prefix or the router; STATE: `ip6_start` comes first.
 */
export function ip6_add(address: usize, prefix: u32, router: usize): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!borrow(address, SIZE) || prefix > 128 || (router != 0 && !borrow(router, SIZE))) return Err.ARGUMENT;
  if (!interface6.up) return Err.STATE;
  const name = nameFor(address, At.CALLER);
  if (!isHost6(name)) return Err.ARGUMENT;
  const high = nameHigh(name), low = nameLow(name);
  if (router != 0 && !isHost6(nameFor(router, At.SENDER))) return Err.ARGUMENT;
  wake();
  const err = addressAdd(name, prefix);
  if (err != Err.OK) return err;
  if ((router == 0 || routerNote(nameFor(router, At.SENDER), 1, u64.MAX_VALUE)) &&
      (prefix == 0 || prefixNote(high, low, prefix, u64.MAX_VALUE, Says.HOST))) return Err.OK;
  ip6_remove(address);
  return Err.FULL;
}

/**
 * Takes an address away. Its connections end with NO_ADDRESS. One that a DHCPv6 server gave is given back, and none is
 * asked for until the link changes. OK, NOT_INIT, or ARGUMENT: the interface does not have it.
 */
export function ip6_remove(address: usize): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!borrow(address, SIZE)) return Err.ARGUMENT;
  const name = nameFor(address, At.CALLER), a = ownFind(name);
  if (a == null || a.origin == <u8>Origin.LOOPBACK) return Err.ARGUMENT;
  wake();
  if (DHCP6) dhcp6Unwanted(name);
  addressEnd(a);
  return Err.OK;
}

function isHost6(name: Address): bool {
  return !isMulticast6(name) && !isUnspecified(name) && !isLoopback6(name);
}

/** What `ip6_info` writes of an address of ours. */
@unmanaged class Ip6Info {
  /** The address, as it stands in a packet. */
  byte0: u32;
  byte4: u32;
  byte8: u32;
  byte12: u32;
  /** Its name, as other calls take it. */
  name: u32;
  /** 1: it is looked for by duplicate address detection; 2: it can be used. */
  state: u32;
  /** 0: ::1; 1: link-local; 2: made from a router's prefix; 3: fixed; 4: of a DHCPv6 server; 5: temporary. */
  origin: u32;
  /** Bits of its prefix. */
  prefix: u32;
  /** Seconds for which it is preferred, and valid; 2^32 − 1: for ever. */
  preferredS: u32;
  validS: u32;
}

/**
 * Writes the `index`-th address of the interface to `dst`, an `Ip6Info`. OK or NOT_INIT; ARGUMENT: there are no more.
 */
export function ip6_info(index: u32, dst: usize): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!borrow(dst, offsetof<Ip6Info>())) return Err.ARGUMENT;
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    const a = ownAt(i);
    if (a.state == <u8>Own.FREE || index-- != 0) continue;
    const to = changetype<Ip6Info>(dst);
    memory.copy(dst, nameBytes(a.name), SIZE);
    to.name = a.name;
    to.state = a.state;
    to.origin = a.origin;
    to.prefix = a.prefix;
    to.preferredS = secondsTo(a.preferredUntil);
    to.validS = secondsTo(a.validUntil);
    return Err.OK;
  }
  return Err.ARGUMENT;
}

/** Writes the `index`-th router's 16 bytes to `dst`. OK or NOT_INIT; ARGUMENT: there are no more. */
export function ip6_router(index: u32, dst: usize): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!borrow(dst, SIZE)) return Err.ARGUMENT;
  for (let i: u32 = 0; i < ROUTERS_MAX; i++) {
    const r = routerAt(i);
    if (r.name == 0 || index-- != 0) continue;
    memory.copy(dst, nameBytes(r.name), SIZE);
    return Err.OK;
  }
  return Err.ARGUMENT;
}

function secondsTo(until: u64): u32 {
  if (until == u64.MAX_VALUE) return u32.MAX_VALUE;
  return until <= clock.us ? 0 : <u32>min<u64>((until - clock.us) / 1_000_000, u32.MAX_VALUE - 1);
}

/** The name of the 16 bytes at `address`, to be used in the very next call. 0: ARGUMENT or NOT_INIT. */
export function ip6_name(address: usize): u32 {
  return isUp() && borrow(address, SIZE) ? nameFor(address, At.CALLER) : 0;
}

/**
 * Writes the 16 bytes of an address that the module has just named to `dst`. OK,
 * NOT_INIT, or ARGUMENT: it is no name now.
 */
export function ip6_bytes(name: u32, dst: usize): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!isNamed(name) || !borrow(dst, SIZE)) return Err.ARGUMENT;
  memory.copy(dst, nameBytes(name), SIZE);
  return Err.OK;
}
