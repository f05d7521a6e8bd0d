// The interface of clients: what the network tells of itself. Builds that leave them out
// (assembly/features.ts) do not export this.

import { config, isAddress } from "../config";
import { LINK_LOCAL } from "../features";
import { Err } from "../core/error";
import { wake } from "../core/turns";
import { addressChange } from "../clients/address";
import { dhcpBegin, dhcpEnd, dhcpLetGo } from "../clients/dhcp";
import { DHCP_MTU } from "../clients/dhcp-message";
import { domainName, hostNameKeep, Lease, lease, NAME_MAX } from "../clients/dhcp-state";
import { linkLocalHeld, linkLocalLetGo } from "../clients/link-local";
import { borrow, isUp } from "../stack";

/**
 * Gives the interface a fixed address; 0, with `prefix` and `gateway` 0, takes it away. Connections of the address
 * before end with NO_ADDRESS; listeners stay. DHCP ends, and what `link_local_start` began. OK, ARGUMENT or NOT_INIT.
 */
export function set_address(ip: u32, prefix: u32, gateway: u32): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!isAddress(ip, prefix, gateway)) return Err.ARGUMENT;
  wake();
  dhcpLetGo();
  if (LINK_LOCAL) linkLocalLetGo();
  addressChange(ip, prefix, gateway);
  return Err.OK;
}

/**
 * Asks the network for an address (RFC 2131): `Event.ADDRESS` of handle 0 tells when it has one, another
 * one, or none. The address that the interface has is taken away. `wanted`: one that it had before, which
 * is asked for first; 0: none. `name`: the host's name for the server, up to 63 bytes. OK, ARGUMENT,
 * NOT_INIT; SIZE: the link's MTU is below 576.
 */
export function dhcp_start(wanted: u32, name: usize, size: u32): Err {
  if (!isUp()) return Err.NOT_INIT;
  if ((wanted != 0 && !isAddress(wanted, 32, 0)) || size > NAME_MAX || !borrow(name, size)) return Err.ARGUMENT;
  if (config.mtu < DHCP_MTU) return Err.SIZE;
  wake();
  hostNameKeep(name, size);
  dhcpBegin(wanted);
  return Err.OK;
}

/**
 * Ends it. The server whose lease it is is told (RFC 2131 §4.4.6) with one of the next polls; then, or after a second
 * without a way to it, the interface has no address, and `Event.ADDRESS` of handle 0 tells. OK or NOT_INIT.
 */
export function dhcp_stop(): Err {
  if (!isUp()) return Err.NOT_INIT;
  wake();
  dhcpEnd();
  return Err.OK;
}

/**
 * Writes what is known of the interface's address, and of the lease if there is one, to `dst`: a `Lease`
 * (clients/dhcp-state.ts). OK, ARGUMENT or NOT_INIT.
 */
export function dhcp_info(dst: usize): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!borrow(dst, offsetof<Lease>())) return Err.ARGUMENT;
  lease.ip = config.ip;
  lease.prefix = config.prefix;
  lease.gateway = config.gateway;
  if (LINK_LOCAL) lease.linkLocal = linkLocalHeld() ? 1 : 0;
  memory.copy(dst, changetype<usize>(lease), offsetof<Lease>());
  return Err.OK;
}

/**
 * Writes up to `size` bytes of the domain's name that the server told to `dst`.
 * Returns how long it is, ARGUMENT or NOT_INIT.
 */
export function dhcp_domain(dst: usize, size: u32): i32 {
  if (!isUp()) return Err.NOT_INIT;
  if (!borrow(dst, size)) return Err.ARGUMENT;
  memory.copy(dst, domainName(), min(size, lease.domainSize));
  return <i32>lease.domainSize;
}
