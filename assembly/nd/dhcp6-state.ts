// What the DHCPv6 client knows, as the host reads it, and how far it is.

import { layoutCommits, take } from "../core/layout";
import { Micros, NEVER } from "../core/clock";
import { SERVER_BYTES } from "./dhcp6-options";

/** How far it is (RFC 8415 §18.2). */
export const enum State6 {
  OFF,
  /** No router says that there is a server. */
  WAITING,
  SOLICITING,
  REQUESTING,
  BOUND,
  RENEWING,
  REBINDING,
  DECLINING,
  RELEASING,
  INFORMING,
  INFORMED,
}

/** What `dhcp6_info` writes. */
@unmanaged export class Lease6 {
  /**
   * 0 off, 1 waiting for a router, 2 Solicit, 3 Request, 4 bound, 5 Renew, 6 Rebind, 7 Decline, 8 Release,
   * 9 Information-request, 10 informed (RFC 8415 §18.2).
   */
  state: u32;
  /** Messages sent. */
  sent: u32;
  /** Messages taken. */
  taken: u32;
  /** Messages that were dropped: malformed, of no exchange of ours, or out of place. */
  dropped: u32;
  /** How often a server refused. */
  refused: u32;
  /** Addresses that somebody else had. */
  declined: u32;
}

@unmanaged export class Client6 {
  /** The address at hand, as it stands in a packet; 0: none. */
  high: u64;
  low: u64;
  /** When the state goes on; NEVER: not by itself. */
  due: Micros;
  /** When the exchange began. */
  startedAt: Micros;
  renewAt: Micros;
  rebindAt: Micros;
  endsAt: Micros;
  /** The last time-out, ms (RFC 8415 §15); where those of Solicit and Information-request end. */
  rtMs: u32;
  solicitMaxMs: u32;
  informMaxMs: u32;
  xid: u32;
  /** Attempts that failed in a row. */
  failures: u32;
  /** Bytes of the server's identifier; 0: none is chosen. */
  serverSize: u32;
  tries: u8;
  /** Whether the message is to be sent; of the server that is chosen. */
  sending: bool;
  preference: u8;
  /** The host does not want the address: it is given back, and none is asked for, but what else there is to know. */
  unwanted: bool;
}

export let lease6: Lease6 = changetype<Lease6>(0);
export let client6: Client6 = changetype<Client6>(0);
export let serverId: usize = 0;

export function dhcp6StateInit(): void {
  lease6 = changetype<Lease6>(take(1, offsetof<Lease6>()));
  client6 = changetype<Client6>(take(1, offsetof<Client6>()));
  serverId = take(1, (SERVER_BYTES + 7) & ~7);
  if (layoutCommits()) client6.due = client6.renewAt = client6.rebindAt = client6.endsAt = NEVER;
}
