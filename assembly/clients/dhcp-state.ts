// What the DHCP client knows: the lease, as the host reads it, and how far the client is.

import { take } from "../core/layout";
import { Micros } from "../core/clock";

/** How far it is (RFC 2131 §4.4, figure 5). */
export const enum State {
  OFF,
  /** It begins anew, at once or after a while. */
  INIT,
  SELECTING,
  REQUESTING,
  /** The server agreed; others are asked whether they use the address (RFC 5227 §2.1). */
  PROBING,
  BOUND,
  RENEWING,
  REBINDING,
  /** It asks for an address that it had. */
  REBOOTING,
  /** It gives its lease back. */
  RELEASING,
}

/** What `dhcp_info` writes. Addresses are 0 where the server told none. */
@unmanaged export class Lease {
  /**
   * 0 off, 1 INIT, 2 SELECTING, 3 REQUESTING, 4 probing, 5 BOUND, 6 RENEWING, 7 REBINDING,
   * 8 REBOOTING, 9 releasing (RFC 2131 §4.4).
   */
  state: u32;
  /** What the interface has, whoever gave it; 0: no address. */
  ip: u32;
  /** Length of the subnet's prefix. */
  prefix: u32;
  /** The default router; 0: none. */
  gateway: u32;
  /** Whose lease it is. */
  server: u32;
  /** DNS servers, in the order of the server's preference. */
  dns0: u32;
  /** The second one; 0: none. */
  dns1: u32;
  /** The third one; 0: none. */
  dns2: u32;
  /** Time servers. */
  ntp0: u32;
  /** The second one; 0: none. */
  ntp1: u32;
  /** The broadcast address that the server tells. */
  broadcast: u32;
  /** The link's MTU as the server tells it; the stack keeps its own. 0: it told none. */
  mtu: u32;
  /** Length of the lease, s; 0xffffffff: for ever. */
  leaseS: u32;
  /** Bytes of the domain's name (`dhcp_domain`). */
  domainSize: u32;
  /** Messages sent. */
  sent: u32;
  /** Answers taken. */
  taken: u32;
  /** Messages dropped for what was wrong with them. */
  dropped: u32;
  /** Requests that a server refused. */
  refused: u32;
  /** Addresses that others had. */
  declined: u32;
  /** 1: the address is one of 169.254/16 that the stack gave itself (`link_local_start`). */
  linkLocal: u32;
  /** When it is renewed, in the clock of `poll`; 2^64 − 1: never. */
  renewAt: u64;
  /** When any server is asked. */
  rebindAt: u64;
  /** When it ends. */
  endsAt: u64;
}

@unmanaged class Client extends Lease {
  /** When there is something to do. */
  due: Micros;
  /** When it began to look for an address; when the message of this exchange was first sent. */
  startedAt: Micros;
  sentAt: Micros;
  xid: u32;
  /** The address that was offered, or that it had. */
  wanted: u32;
  /** What the lease says for the interface. */
  newPrefix: u32;
  newGateway: u32;
  nameSize: u32;
  /** Seconds since it began to look, as its messages say. */
  secs: u32;
  /** Messages of this exchange without an answer; attempts that failed one after the other; probes to send. */
  tries: u8;
  failures: u8;
  probes: u8;
  /** One of `DhcpType`: to be sent as soon as there is a slot. */
  sending: u8;
}

const DOMAIN_MAX: u32 = 255;
export const NAME_MAX: u32 = 63;

export let lease: Client = changetype<Client>(0);
let domain: usize = 0;
let name: usize = 0;

export function dhcpStateInit(): void {
  lease = changetype<Client>(take(1, offsetof<Client>()));
  domain = take(1, (DOMAIN_MAX + 7) & ~7);
  name = take(1, (NAME_MAX + 7) & ~7);
}

/** The domain's name, `lease.domainSize` bytes. */
export function domainName(): usize {
  return domain;
}

/** Keeps the domain's name: up to 255 bytes (RFC 1035 §2.3.4). */
export function domainKeep(at: usize, size: u32): void {
  lease.domainSize = size <= DOMAIN_MAX ? size : 0;
  memory.copy(domain, at, lease.domainSize);
}

/** Our own name, `lease.nameSize` bytes. */
export function hostName(): usize {
  return name;
}

/** Keeps our own name, of 63 bytes at most. */
export function hostNameKeep(at: usize, size: u32): void {
  assert(size <= NAME_MAX);
  lease.nameSize = size;
  memory.copy(name, at, size);
}
