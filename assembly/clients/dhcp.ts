// The DHCP client (RFC 2131 §4.4): one state machine with one timer. What it sends goes out
// with everything else, at the end of a poll.

import { config, isHost } from "../config";
import { LINK_LOCAL } from "../features";
import { afterMs, clock, isDue, Micros, NEVER } from "../core/clock";
import { Event } from "../core/events";
import { randomBelow, random32 } from "../core/random";
import { wake } from "../core/turns";
import { heapArm, heapDisarm } from "../buffers/heap";
import { Arp, ARP_REQUEST } from "../wire/arp";
import { BOOT_REPLY, Dhcp, DHCP_SERVER, DhcpType } from "../wire/dhcp";
import { Ipv4 } from "../wire/ipv4";
import { Udp } from "../wire/udp";
import { arpSend, ownMac } from "../ip/output";
import { ipWay, Way } from "../ip/way";
import { udpSumOk } from "../udp/udp";
import { addressChange } from "./address";
import { dhcpSend } from "./dhcp-message";
import { options, optionsRead } from "./dhcp-options";
import { domainKeep, lease, State } from "./dhcp-state";
import { linkLocalHeld, linkLocalNeeded, linkLocalRest } from "./link-local";
import { dhcpOwner, tellStack } from "./owners";

/** RFC 2131 §4.1: the first retransmission after 4 s, then 8, 16, up to 64, each ± 1 s. */
const FIRST_MS: u32 = 4000;
const DOUBLINGS: u32 = 4;
/** So many requests without an answer, and the search begins anew; of a lease that it had, fewer. */
const REQUESTS_MAX: u32 = 4;
const REBOOTS_MAX: u32 = 2;
/** RFC 2131 §4.4.5: who renews waits for 60 s at least. */
const RENEW_MS: u32 = 60_000;
/** RFC 2131 §3.1: after a DECLINE, 10 s. */
const DECLINED_MS: u32 = 10_000;
/** How long a way to the server is looked for, when its lease is given back. */
const RELEASE_MS: u32 = 1000;
/**
 * Probes for a new address, for one that it had before, and the time between them. Deviates from RFC 5227 §2.1.1: seven
 * seconds are longer than most devices are willing to wait.
 */
const PROBES: u8 = 3;
const PROBES_AGAIN: u8 = 1;
const PROBE_MS: u32 = 100;

/** The interface's address, if a server gave it; else 0. */
function leased(): u32 {
  return LINK_LOCAL && linkLocalHeld() ? 0 : config.ip;
}

/**
 * Begins to look for an address; `wanted`: one that it had before, which is asked for first; 0:
 * none. The interface has none until then.
 */
export function dhcpBegin(wanted: u32): void {
  if (LINK_LOCAL) linkLocalRest();
  addressChange(0, 0, 0);
  lease.failures = 0;
  restart(wanted);
}

/**
 * Stops. With the next poll, which knows what time it is, the server is told; then, or if there is
 * nothing to tell, the interface has no address.
 */
export function dhcpEnd(): void {
  if (lease.state == State.OFF || lease.state == State.RELEASING) return;
  if (leased() == 0) {
    dhcpLetGo();
    if (LINK_LOCAL) linkLocalNeeded();
    return;
  }
  forgetButServer();
  enter(State.RELEASING, clock.us);
}

/** The server knows, or cannot be reached. */
function released(): void {
  dhcpLetGo();
  addressChange(0, 0, 0);
  if (LINK_LOCAL) linkLocalNeeded();
}

/** Another address is given to the interface by hand: the client lets go. */
export function dhcpLetGo(): void {
  if (lease.state == State.OFF) return;
  forget();
  enter(State.OFF, NEVER);
}

/**
 * The link may lead to another network: it asks whether its address is good there (RFC 2131 §3.7), and
 * uses it meanwhile, until the lease ends.
 */
export function dhcpLinkChanged(): void {
  if (lease.state == State.OFF || lease.state == State.RELEASING) return;
  // One that it has not got yet, and asks for again.
  restart(lease.state == State.REBOOTING ? lease.wanted : leased());
}

/** With the next poll, which knows what time it is, it asks for `wanted`, or, if that is 0, for any address. */
function restart(wanted: u32): void {
  init(clock.us);
  lease.wanted = wanted;
}

function forget(): void {
  lease.server = lease.dns0 = lease.dns1 = lease.dns2 = lease.ntp0 = lease.ntp1 = lease.broadcast = lease.mtu = 0;
  lease.leaseS = lease.domainSize = 0;
  lease.renewAt = lease.rebindAt = lease.endsAt = NEVER;
}

/** Who is to be told something is still known. */
function forgetButServer(): void {
  const server = lease.server;
  forget();
  lease.server = server;
}

function enter(state: State, due: Micros): void {
  lease.state = state;
  lease.sending = <u8>DhcpType.NONE;
  arm(due);
}

/** Something is to be done at `due`; and whatever that is, the lease ends when it ends. */
function arm(due: Micros): void {
  lease.due = due;
  const first = min(due, lease.endsAt);
  if (first != NEVER) heapArm(dhcpOwner(), first);
  else heapDisarm(dhcpOwner());
}

/** Looks for a server from `at` on. Without an address, what a server said of one is forgotten. */
function init(at: Micros): void {
  if (leased() == 0) forget();
  lease.wanted = 0;
  enter(State.INIT, at);
}

/** The attempt failed: the next one follows, the later the more of them have. */
function again(): void {
  init(lease.failures == 0 ? clock.us : backoff(lease.failures - 1));
  if (lease.failures <= <u8>DOUBLINGS) lease.failures++;
}

/** The address is not ours any more. */
function lose(): void {
  forget();
  if (leased() != 0) addressChange(0, 0, 0);
}

/** Begins an exchange: a number of its own, and the first of its messages. */
function begin(state: State, type: DhcpType): void {
  if (state == State.RENEWING) lease.startedAt = clock.us;
  lease.xid = random32();
  lease.tries = 0;
  lease.sentAt = clock.us;
  noteSeconds();
  enter(state, NEVER);
  lease.sending = <u8>type;
  arm(retryAt());
}

/** When the message is sent again if nobody answers. */
function retryAt(): Micros {
  switch (lease.state) {
    case State.RENEWING: return halfTo(lease.rebindAt);
    case State.REBINDING: return halfTo(lease.endsAt);
    case State.RELEASING: return afterMs(RELEASE_MS);
    default: return backoff(lease.tries);
  }
}

function backoff(tries: u32): Micros {
  return afterMs((FIRST_MS << min(tries, DOUBLINGS)) - 1000 + randomBelow(2001));
}

/** Half of the time that is left to `end`, 60 s at least, and not beyond it. */
function halfTo(end: Micros): Micros {
  if (isDue(end)) return clock.us;
  return min(end, clock.us + max((end - clock.us) >> 1, <u64>RENEW_MS * 1000));
}

/** Its entry in the heap came up. */
export function dhcpTimer(): void {
  heapDisarm(dhcpOwner());
  if (isDue(lease.endsAt)) {
    // RFC 2131 §4.4.5: the lease is over, wherever the client is: nothing but an ACK makes it longer.
    lose();
    init(clock.us);
    return;
  }
  if (!isDue(lease.due)) {
    arm(lease.due);
    return;
  }
  switch (lease.state) {
    case State.INIT:
      if (lease.failures == 0) lease.startedAt = clock.us;
      if (lease.wanted != 0) begin(State.REBOOTING, DhcpType.REQUEST);
      else begin(State.SELECTING, DhcpType.DISCOVER);
      return;
    case State.PROBING:
      if (lease.probes == 0) bind();
      else probe();
      return;
    case State.BOUND:
      begin(State.RENEWING, DhcpType.REQUEST);
      return;
    case State.RENEWING:
      if (isDue(lease.rebindAt)) begin(State.REBINDING, DhcpType.REQUEST);
      else resend(DhcpType.REQUEST);
      return;
    case State.REBINDING:
      resend(DhcpType.REQUEST);
      return;
    case State.SELECTING:
      resend(DhcpType.DISCOVER);
      return;
    case State.REQUESTING:
      if (lease.tries + 1 >= <u8>REQUESTS_MAX) again();
      else resend(DhcpType.REQUEST);
      return;
    case State.REBOOTING:
      if (lease.tries + 1 < <u8>REBOOTS_MAX) resend(DhcpType.REQUEST);
      // RFC 2131 §3.2: nobody is there to say otherwise, so a lease that runs goes on.
      else if (leased() != 0) enter(State.BOUND, max(lease.renewAt, clock.us + 1));
      else {
        lose();
        init(clock.us);
      }
      return;
    case State.RELEASING:
      if (lease.sending == <u8>DhcpType.NONE) begin(State.RELEASING, DhcpType.RELEASE);
      else released();
      return;
    default:
  }
}

/** A REQUEST has the seconds of the DISCOVER whose offer it takes (RFC 2131 §4.4.1). */
function noteSeconds(): void {
  lease.secs = <u32>min<u64>((clock.us - lease.startedAt) / 1_000_000, 0xffff);
}

function resend(type: DhcpType): void {
  // Nobody has answered in time.
  if (LINK_LOCAL) linkLocalNeeded();
  if (lease.state != State.REQUESTING) noteSeconds();
  if (lease.tries < 255) lease.tries++;
  lease.sending = <u8>type;
  arm(retryAt());
}

/** Sends what is due. Returns whether it has to wait for a slot. */
export function dhcpOutput(): bool {
  const type = <DhcpType>lease.sending;
  if (type == DhcpType.NONE) return false;
  if (type == DhcpType.RELEASE) {
    // It is not said again, and the address goes with it: it does not wait for a neighbour.
    const way = ipWay(lease.server);
    if (way != Way.OPEN) {
      wake();
      return way == Way.NO_SLOT;
    }
  }
  if (!dhcpSend(type)) {
    // Whoever refused it, a neighbour perhaps, does not say when he will not.
    wake();
    return lease.state != State.RENEWING;
  }
  lease.sending = <u8>DhcpType.NONE;
  lease.sent++;
  if (type == DhcpType.DECLINE) init(afterMs(DECLINED_MS));
  else if (type == DhcpType.RELEASE) released();
  return false;
}

/** A datagram for the port of clients. Returns whether it was the client's. */
export function dhcpInput(ip: Ipv4, udp: Udp, size: u32): bool {
  if (lease.state == State.OFF) return false;
  const at = changetype<usize>(udp) + Udp.SIZE, m = changetype<Dhcp>(at);
  if (!udp.isValid(size) || !udpSumOk(ip, udp) || udp.srcPort != DHCP_SERVER || !readAnswer(m, udp.size - Udp.SIZE) ||
      !takeAnswer(m.yiaddr)) {
    lease.dropped++;
  } else {
    lease.taken++;
  }
  return true;
}

/**
 * Reads the options of a message of `size` bytes. Returns whether it is one for us, in this exchange, from a server
 * that says who it is.
 */
function readAnswer(m: Dhcp, size: u32): bool {
  return m.isValid(size) && m.op == BOOT_REPLY && m.xid == lease.xid && m.chaddr == ownMac() &&
    optionsRead(changetype<usize>(m), size) && isHost(options.server, 32);
}

/** Takes the answer in whose options were read. Returns false if it is none to what was asked. */
function takeAnswer(ip: u32): bool {
  const state = <State>lease.state;
  // A lease without a length is none (RFC 2131 §4.3.1), and nobody's address is none.
  const gives = options.leaseS != 0 && isHost(ip, prefixFor(ip));
  switch (options.type) {
    case DhcpType.OFFER:
      if (state != State.SELECTING || !gives) return false;
      lease.server = options.server;
      lease.wanted = ip;
      // RFC 2131 §4.4.1: the number is that of the DISCOVER.
      lease.tries = 0;
      lease.sentAt = clock.us;
      enter(State.REQUESTING, NEVER);
      lease.sending = <u8>DhcpType.REQUEST;
      arm(retryAt());
      return true;
    case DhcpType.ACK:
      if (!gives || !isExpected(state) || isOver()) return false;
      if (state == State.RENEWING || state == State.REBINDING ? ip != config.ip : ip != lease.wanted) return false;
      agree(ip);
      return true;
    case DhcpType.NAK:
      if (!isExpected(state)) return false;
      lease.refused++;
      lose();
      again();
      return true;
    default:
      return false;
  }
}

/**
 * Whether the lease that is agreed to was over before the answer came, since its time counts from the
 * request (RFC 2131 §4.4.1); or the one before.
 */
function isOver(): bool {
  return isDue(lease.endsAt) ||
    options.leaseS != u32.MAX_VALUE && isDue(lease.sentAt + <u64>options.leaseS * 1_000_000);
}

/** Whether a server may end the exchange: the one that was asked, where it was one. */
function isExpected(state: State): bool {
  return state == State.REBOOTING || state == State.REBINDING ||
    ((state == State.REQUESTING || state == State.RENEWING) && options.server == lease.server);
}

/** Length of the prefix that the mask says, or the address's class. */
function prefixFor(ip: u32): u32 {
  if (options.mask != 0) return 32 - ctz(options.mask) & 63;
  return ip >> 31 == 0 ? 8 : ip >> 30 == 2 ? 16 : 24;
}

/** The server agrees: what it says is noted, and the address is used once it is sure that nobody else does. */
function agree(ip: u32): void {
  lease.server = options.server;
  lease.dns0 = options.dns0;
  lease.dns1 = options.dns1;
  lease.dns2 = options.dns2;
  lease.ntp0 = options.ntp0;
  lease.ntp1 = options.ntp1;
  lease.broadcast = options.broadcast;
  lease.mtu = options.mtu;
  domainKeep(options.domain, options.domainSize);
  lease.wanted = ip;
  lease.newPrefix = prefixFor(ip);
  const router = options.classless != 0 ? options.defaultRouter : options.router;
  lease.newGateway = router == ip ? 0 : router;
  setTimes();
  if (ip == config.ip) {
    bind();
    return;
  }
  if (LINK_LOCAL) linkLocalRest();
  if (config.ip != 0) addressChange(0, 0, 0);
  lease.probes = lease.state == State.REBOOTING ? PROBES_AGAIN : PROBES;
  enter(State.PROBING, NEVER);
  probe();
}

/**
 * RFC 2131 §4.4.5: all times count from the request; T1 is half of the lease, T2 seven
 * eighths, if the server says nothing that can be.
 */
function setTimes(): void {
  const s = options.leaseS, t1 = options.t1S, t2 = options.t2S;
  lease.leaseS = s;
  lease.renewAt = lease.rebindAt = lease.endsAt = NEVER;
  if (s == u32.MAX_VALUE) return;
  const us = <u64>s * 1_000_000, told = t1 != 0 && t1 < t2 && t2 < s;
  lease.endsAt = lease.sentAt + us;
  lease.rebindAt = lease.sentAt + (told ? <u64>t2 * 1_000_000 : us - (us >> 3));
  lease.renewAt = lease.sentAt + (told ? <u64>t1 * 1_000_000 : us >> 1);
}

/** Asks whether somebody has the address (RFC 5227 §2.1.1). While the ring is full, later. */
function probe(): void {
  if (arpSend(ARP_REQUEST, lease.wanted, 0)) lease.probes--;
  arm(afterMs(PROBE_MS));
}

/** The address is ours. */
function bind(): void {
  lease.failures = 0;
  enter(State.BOUND, lease.renewAt);
  if (config.ip != lease.wanted || config.prefix != lease.newPrefix || config.gateway != lease.newGateway) {
    addressChange(lease.wanted, lease.newPrefix, lease.newGateway);
  } else {
    tellStack(Event.ADDRESS);
  }
}

/**
 * An ARP packet of `size` bytes while an address is probed: does somebody have it, or want it, too (RFC 5227 §2.1.1)?
 * Then the server is told, and another address is looked for.
 */
export function dhcpHears(arp: Arp, size: u32): void {
  if (lease.state != State.PROBING || !arp.isValid(size) || arp.senderMac == ownMac()) return;
  const probes = arp.senderIp == 0 && arp.op == ARP_REQUEST && arp.targetIp == lease.wanted;
  if (arp.senderIp != lease.wanted && !probes) return;
  lease.declined++;
  forgetButServer();
  enter(State.INIT, NEVER);
  lease.sending = <u8>DhcpType.DECLINE;
}
