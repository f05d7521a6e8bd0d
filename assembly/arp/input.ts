// Receiving ARP (RFC 826, "Packet Reception"), with the conflict rules of RFC 5227.

import { config, isLinkLocal4, isNeighbour } from "../config";
import { DHCP, LINK_LOCAL } from "../features";
import { clock, Micros } from "../core/clock";
import { take } from "../core/layout";
import { count, Mib } from "../core/counters";
import { Arp, ARP_REQUEST, ARP_REPLY } from "../wire/arp";
import { isName } from "../address/names";
import { neighbourHeard, neighbourLearn } from "./neighbours";

/** What the stack is to do after an ARP packet. */
export const enum ArpResult {
  NOTHING,
  REPLY,
  LEARNED,
  /** Somebody uses our address: it is to be defended. */
  CONFLICT,
  /** The same, and it was defended a moment ago. */
  CONTESTED,
}

/**
 * We defend our address at most once in so long (RFC 5227 §2.4 (b)): no ARP storm between two that claim one address.
 */
const DEFEND_US: u64 = 10_000_000;

@unmanaged class ArpState {
  defended: Micros;
}

let state: ArpState = changetype<ArpState>(0);

export function arpInputInit(): void {
  state = changetype<ArpState>(take(1, offsetof<ArpState>()));
}

/** Takes in the ARP packet of `size` bytes. */
export function arpInput(arp: Arp, size: u32, ownMac: u64): ArpResult {
  if (!arp.isValid(size) || (arp.senderMac & 0x010000000000) != 0 || arp.senderMac == 0 || isName(arp.senderIp)) {
    count(Mib.arpInErrors);
    return ArpResult.NOTHING;
  }
  if (DHCP && config.ip == 0) {
    // Without an address we neither answer nor ask.
    count(Mib.arpInIgnored);
    return ArpResult.NOTHING;
  }
  const sender = arp.senderIp;
  if (sender == config.ip) {
    if (arp.senderMac == ownMac) return ArpResult.NOTHING;
    // Somebody else uses our address (RFC 5227 §2.4).
    count(Mib.arpConflicts);
    if (state.defended != 0 && clock.us - state.defended < DEFEND_US) {
      return LINK_LOCAL ? ArpResult.CONTESTED : ArpResult.NOTHING;
    }
    state.defended = max<u64>(clock.us, 1);
    return ArpResult.CONFLICT;
  }
  // Who is not on the link is answered, but no packet ever goes to it: it takes no place among neighbours.
  const usable = isUsable(sender);
  if (arp.op == ARP_REQUEST) {
    count(Mib.arpInRequests);
    // A probe (RFC 5227 §2.1.1) has the sender address 0: it is answered, and nothing is learned from it.
    if (arp.targetIp != config.ip) {
      // A gratuitous one (RFC 5227 §3): when it names another address than we know, the neighbour is asked.
      count(Mib.arpInIgnored);
      if (usable) neighbourHeard(sender, arp.senderMac);
      return ArpResult.NOTHING;
    }
    if (usable) neighbourLearn(sender, arp.senderMac, ARP_REQUEST);
    return ArpResult.REPLY;
  }
  if (arp.op != ARP_REPLY) {
    count(Mib.arpInErrors);
    return ArpResult.NOTHING;
  }
  count(Mib.arpInReplies);
  if (usable && neighbourLearn(sender, arp.senderMac, ARP_REPLY)) return ArpResult.LEARNED;
  return ArpResult.NOTHING;
}

/** Whether packets may go to `ip` itself: of those to or from 169.254/16, all do (RFC 3927 §2.6.2). */
function isUsable(ip: u32): bool {
  if (LINK_LOCAL && ip != 0 && (isLinkLocal4(ip) || isLinkLocal4(config.ip))) return true;
  return isNeighbour(ip);
}
