// The interface's address changes, and everything that hangs on it with it.

import { config, Policy } from "../config";
import { DNS } from "../features";
import { take } from "../core/layout";
import { Event } from "../core/events";
import { neighboursForget } from "../arp/neighbours";
import { ARP_REQUEST } from "../wire/arp";
import { addressSet } from "../ip/address";
import { arpSend, ipAddressGone } from "../ip/output";
import { ipForget } from "../ip/way";
import { tcpAddressGone } from "../tcp/address-gone";
import { workUnblock } from "../tcp/block/tcb";
import { dnsForget } from "./dns";
import { tellStack } from "./owners";

@unmanaged class Announcement {
  /** Whether the address is to be announced (RFC 5227 §2.3) when frames are sent next. */
  due: bool;
}

let announcement: Announcement = changetype<Announcement>(0);

export function addressInit(): void {
  announcement = changetype<Announcement>(take(1, offsetof<Announcement>()));
}

/**
 * Gives the interface another address, or with 0 none. Connections of the one before end (NO_ADDRESS), and nothing that
 * waits to leave from it does. With the same address and another subnet or gateway they go on.
 */
export function addressChange(ip: u32, prefix: u32, gateway: u32): void {
  const had = config.ip;
  if (ip == had && prefix == config.prefix && gateway == config.gateway) return;
  if (ip != had) {
    if (had != 0) tcpAddressGone(had);
    neighboursForget();
    ipAddressGone();
    announcement.due = ip != 0 && (config.policy & Policy.ANNOUNCE) != 0;
  }
  addressSet(ip, prefix, gateway);
  ipForget();
  if (DNS) dnsForget();
  // Who waits for the gateway of before looks for the one of now.
  workUnblock();
  tellStack(Event.ADDRESS);
}

/** The address is to be announced, whatever the policy says. */
export function addressAnnounce(): void {
  announcement.due = true;
}

/** Announces the address. Returns whether that has to wait for a slot. */
export function addressOutput(): bool {
  if (announcement.due && arpSend(ARP_REQUEST, config.ip, 0)) announcement.due = false;
  return announcement.due;
}
