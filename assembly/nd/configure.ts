// Addresses from the network (RFC 4862): the link-local one at once, others from the prefixes of routers; each is
// looked for by duplicate address detection before it is used. Who is asked for routers, and told of groups, and when.

import { AGAIN, DHCP6, LOOPBACK, MDNS, REDIRECTS, SOURCES, SPEED, TEMPORARY } from "../features";
import { afterMs, clock, isDue, Micros, NEVER } from "../core/clock";
import { count, Mib } from "../core/counters";
import { Err } from "../core/error";
import { Event } from "../core/events";
import { Key, hash2 } from "../core/hash";
import { layoutCommits, take } from "../core/layout";
import { randomKey } from "../core/random";
import { heapDisarm } from "../buffers/heap";
import {
  Address, At, nameFind, nameHigh, namePut, namesChange, OWN_MAX, OWN_PLACES, TEMPORARY_MAX,
} from "../address/names";
import { groups } from "../ip/groups";
import {
  Asks, FORMED_MAX, interface6, interfaceReset, isElsewhere, linkLocalHigh, LOOPBACK_LOW, Origin, Own, ownAdd,
  OwnAddress, ownAt, ownFind, ownRemove, toldElsewhere, toldOf, toldPut,
} from "../ip/interface6";
import { ipAddressGone, ownMac } from "../ip/output";
import { ipForget } from "../ip/way";
import { redirectsForget } from "../ip/redirects";
import { tcpAddressGone } from "../tcp/address-gone";
import { workUnblock } from "../tcp/block/tcb";
import { ndOwner, tellStack } from "../clients/owners";
import { ndArm, routersForget, routersTimer, until } from "./routers";
import {
  hasDoubt, isWorthMaking, lasting, temporaryAt, temporaryBegin, temporaryDoubt, temporaryDoubtEnd, temporaryDue,
  temporaryHeldUntil, temporaryHold, temporaryIdentifier, temporaryInit, temporaryLeast, temporaryRelease,
  temporaryRenew, temporaryTurnOff, temporaryTurnOn, temporaryWanted,
} from "./temporary";
import { probe, advertiseAddress, Groups, reportGroups, reportGroupsSingly, solicitRouters, soon } from "./send";

/** DupAddrDetectTransmits (RFC 4862 §5.1), and how long an answer may take (RetransTimer, RFC 4861 §10), ms. */
const PROBES: u8 = 1;
const PROBE_MS: u32 = 1000;
/** Before the first one, by chance, ms: RFC 4861 §10 has up to a second, and an address is wanted sooner. */
const DELAY_MS: u32 = 100;
/** IDGEN_RETRIES (RFC 7217 §5). */
const TRIES: u8 = 3;
/** When all of them were others', the link-local address is looked for again after so long, ms. */
const AGAIN_MS: u32 = 60_000;
/** RTR_SOLICITATION_INTERVAL (RFC 4861 §10), and where it ends that doubles (RFC 7559 §2), ms. */
const ROUTERS_MS: u32 = 4000;
const ROUTERS_MOST_MS: u32 = 3_600_000;
/** RFC 4862 §5.5.3 (e): nobody can end an address sooner, µs. */
const TWO_HOURS: u64 = 7_200_000_000;

/** It begins with the secret of interface identifiers (RFC 7217 §5). */
@unmanaged class Configuration extends Key {
  /** When routers are asked next; NEVER: one has answered. */
  solicitAt: Micros;
  /** When the groups are told that a router asked for; NEVER: none has. */
  reportAt: Micros;
  solicitMs: u32;
  /** Whether a solicitation is due; whether a router asked that knows MLDv1 alone. */
  soliciting: bool;
  singly: bool;
  pad: u16;
  /** When the link-local address, which others had, is looked for again; NEVER: it is there, or looked for. */
  againAt: Micros;
}

let state: Configuration = changetype<Configuration>(0);

export function configureInit(): void {
  state = changetype<Configuration>(take(1, offsetof<Configuration>()));
  if (TEMPORARY) temporaryInit();
  if (!layoutCommits()) return;
  state.solicitAt = state.reportAt = NEVER;
  if (AGAIN) state.againAt = NEVER;
}

/** IPv6 begins: `secret`, 16 bytes, makes the same interface identifiers after each start; 0: others. */
export function configureBegin(secret: usize): void {
  if (interface6.up) return;
  interfaceReset();
  if (secret != 0) memory.copy(changetype<usize>(state), secret, 16);
  else randomKey(state);
  interface6.up = true;
  if (LOOPBACK) {
    const own = ownAdd(namePut(0, LOOPBACK_LOW, At.OTHER), Origin.LOOPBACK);
    if (own != null) own.state = <u8>Own.VALID;
  }
  formAddress(linkLocalHigh(), Origin.LINK_LOCAL, 0, NEVER, NEVER);
  solicitAnew();
}

/** IPv6 ends: its connections do, with NO_ADDRESS. */
export function configureEnd(): void {
  for (let i: u32 = 0; i < OWN_MAX; i++) if (ownAt(i).state != <u8>Own.FREE) addressEnd(ownAt(i));
  routersForget();
  state.solicitAt = state.reportAt = NEVER;
  if (AGAIN) state.againAt = NEVER;
  state.soliciting = false;
  interface6.up = false;
  heapDisarm(ndOwner());
}

/** The link may lead elsewhere: who is a router there says so when he is asked. */
export function configureLinkChanged(): void {
  if (!interface6.up) return;
  for (let i: u32 = 0; i < OWN_MAX; i++) ownAt(i).report = true;
  if (MDNS) groups.report6 = groups.joined;
  if (REDIRECTS) {
    redirectsForget();
    ipForget();
  }
  if (AGAIN && state.againAt != NEVER) lookAgain();
  if (TEMPORARY) {
    temporaryDoubt();
    ndArm(clock.us);
  }
  solicitAnew();
}

/** Those who had the link-local address may have gone: all of its identifiers are tried again. */
function lookAgain(): void {
  state.againAt = NEVER;
  formAddress(linkLocalHigh(), Origin.LINK_LOCAL, 0, NEVER, NEVER);
}

function solicitAnew(): void {
  state.solicitMs = ROUTERS_MS;
  state.soliciting = true;
  if (SPEED) interface6.wanted = true;
  state.solicitAt = afterMs(ROUTERS_MS);
  ndArm(state.solicitAt);
}

// Addresses.

/**
 * The second half of an address of ours for the prefix, which nobody can link to those
 * for others (RFC 7217 §5), in memory order.
 */
function identifier(high: u64, tried: u32): u64 {
  return hash2(state, high, ownMac() | (<u64>tried << 48));
}

/** An address of ours under the prefix `high`, in TENTATIVE, if there is room for it. */
function formAddress(
  high: u64, origin: Origin, tried: u8, preferredUntil: Micros, validUntil: Micros,
): OwnAddress | null {
  if (TEMPORARY && origin == Origin.PREFIX) makeRoom();
  const a = ownAdd(namePut(high, identifier(high, tried), At.OTHER), origin);
  if (a == null) return null;
  if (TEMPORARY && origin == Origin.PREFIX) temporaryRelease(a);
  a.prefix = 64;
  a.tried = tried;
  a.preferredUntil = preferredUntil;
  a.validUntil = validUntil;
  detectDuplicate(a);
  return a;
}

/**
 * If all places of prefixes are taken, that of one that was told on another link goes: the one that is valid for the
 * shortest time.
 */
function makeRoom(): void {
  let least: OwnAddress | null = null;
  for (let i: u32 = OWN_PLACES - FORMED_MAX; i < OWN_PLACES; i++) {
    const a = ownAt(i);
    if (a.state == <u8>Own.FREE) return;
    if (isElsewhere(a) && (least == null || a.validUntil < least.validUntil)) least = a;
  }
  if (least != null) addressEnd(least);
}

/**
 * A temporary address under the prefix of `whole`, which stays (RFC 8981 §3.4), `tried` of which somebody else had.
 * Returns false: there is no place for it.
 */
function temporaryTake(whole: OwnAddress, tried: u8): bool {
  const least = temporaryLeast();
  if (least != null) addressEnd(least);
  const a = ownAdd(namePut(nameHigh(whole.name), temporaryIdentifier(), At.OTHER), Origin.TEMPORARY);
  if (a == null) return false;
  a.prefix = 64;
  a.tried = tried;
  if (SOURCES) toldPut(a, toldOf(whole));
  temporaryBegin(a, whole.preferredUntil, whole.validUntil);
  detectDuplicate(a);
  return true;
}

/**
 * The prefix of `whole` has a temporary address, and the next one before that is deprecated (RFC 8981 §3.5). Returns
 * when it is to be looked at again.
 */
function temporaryKeep(whole: OwnAddress): Micros {
  if (!temporaryWanted()) return NEVER;
  const high = nameHigh(whole.name), due = max(temporaryDue(high), temporaryHeldUntil(whole));
  if (!isDue(due)) return due;
  // A router that says that it is good for longer has it looked at again.
  if (!isWorthMaking(whole.preferredUntil) || !temporaryTake(whole, 0)) return NEVER;
  return temporaryDue(high);
}

/** A router has told how long the prefix is good: its temporary addresses follow, and it has one. */
function prefixTemporary(high: u64): void {
  const whole = lasting(high);
  if (whole == null) return;
  for (let i: u32 = 0; i < TEMPORARY_MAX; i++) {
    const a = temporaryAt(i);
    if (a.state == <u8>Own.FREE || nameHigh(a.name) != high) continue;
    temporaryRenew(a, whole.preferredUntil, whole.validUntil);
    ndArm(a.validUntil);
  }
  ndArm(temporaryKeep(whole));
}

/** Each prefix has its temporary address. Returns when they are to be looked at again. */
function temporariesTimer(): Micros {
  let next = NEVER;
  for (let i: u32 = 0; i < OWN_PLACES; i++) {
    const a = ownAt(i);
    if (a.state != <u8>Own.FREE && a.origin == <u8>Origin.PREFIX) next = min(next, temporaryKeep(a));
  }
  return next;
}

/** Somebody else has the temporary address that was looked for: another one is drawn, as often as it may be. */
function temporaryTaken(high: u64, tried: u8): void {
  const whole = lasting(high);
  if (whole != null) {
    if (tried >= TRIES) temporaryHold(whole);
    else if (temporaryWanted() && isWorthMaking(whole.preferredUntil)) temporaryTake(whole, tried);
    ndArm(temporaryHeldUntil(whole));
  }
  tellStack(Event.ADDRESS);
}

/** Whether the link was changed, and no router has told since which one it is. */
export function isLinkUnknown(): bool {
  return TEMPORARY && hasDoubt();
}

/** Whether we have an address under the prefix that was told on the link that we were on last. */
export function isFormed(high: u64): bool {
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    const a = ownAt(i);
    if (a.state == <u8>Own.FREE || nameHigh(a.name) != high || isElsewhere(a)) continue;
    if (a.origin == <u8>Origin.PREFIX || a.origin == <u8>Origin.TEMPORARY) return true;
  }
  return false;
}

/** A router tells a prefix that there was before the link changed: it is the same link. */
export function linkIsSame(): void {
  temporaryDoubtEnd();
}

/**
 * It is another link. Temporary addresses are not to be seen on both (RFC 8981 §3.5): there will be others, and what
 * was told on the other link is deprecated until it is told again.
 */
export function linkIsOther(): void {
  temporaryDoubtEnd();
  for (let i: u32 = 0; i < OWN_PLACES; i++) {
    const a = ownAt(i);
    if (a.state == <u8>Own.FREE || a.origin != <u8>Origin.PREFIX) continue;
    a.preferredUntil = min(a.preferredUntil, clock.us);
    toldElsewhere(a);
  }
  for (let i: u32 = 0; i < TEMPORARY_MAX; i++) if (temporaryAt(i).state != <u8>Own.FREE) addressEnd(temporaryAt(i));
}

/** Each prefix has a temporary address from now on (RFC 8981 §3.6). */
export function temporariesBegin(): void {
  temporaryTurnOn();
  ndArm(temporariesTimer());
}

/** There are none any more. */
export function temporariesEnd(): void {
  temporaryTurnOff();
  for (let i: u32 = 0; i < TEMPORARY_MAX; i++) if (temporaryAt(i).state != <u8>Own.FREE) addressEnd(temporaryAt(i));
}

/** Duplicate address detection begins. */
function detectDuplicate(a: OwnAddress): void {
  a.report = true;
  if (SPEED) interface6.wanted = true;
  a.probeAt = soon(DELAY_MS);
  ndArm(a.probeAt);
  ndArm(a.validUntil);
}

/** Adds a fixed address; OK, IN_USE or FULL. */
export function addressAdd(name: Address, prefix: u32): Err {
  if (ownFind(name) != null) return Err.IN_USE;
  const a = ownAdd(name, Origin.FIXED);
  if (a == null) return Err.FULL;
  a.prefix = <u8>prefix;
  detectDuplicate(a);
  return Err.OK;
}

/** A DHCPv6 server gives this address for so long (RFC 8415 §18.2.10.1). Returns false when it has no place. */
export function leaseTake(name: Address, preferredUntil: Micros, validUntil: Micros): bool {
  const had = ownFind(name), a = had != null ? had : ownAdd(name, Origin.DHCP);
  if (a == null) return false;
  // What the host or a router says of it goes before.
  if (a.origin != <u8>Origin.DHCP) return true;
  a.prefix = 128;
  a.preferredUntil = preferredUntil;
  a.validUntil = validUntil;
  if (had == null) detectDuplicate(a);
  else ndArm(validUntil);
  return true;
}

/** An address is ours no longer. Its connections end with NO_ADDRESS. */
export function addressEnd(a: OwnAddress): void {
  const was = a.state;
  // Its prefix is to have another one.
  if (TEMPORARY && a.origin == <u8>Origin.TEMPORARY) ndArm(clock.us);
  if (was == <u8>Own.VALID) {
    tcpAddressGone(a.name);
    ipAddressGone();
  }
  ownRemove(a);
  if (was == <u8>Own.VALID) tellStack(Event.ADDRESS);
}

/**
 * Somebody else has, or wants, the address that we are looking for (RFC 4862 §5.4.5):
 * another one is tried, if it was made by us.
 */
export function addressTaken(a: OwnAddress): void {
  count(Mib.arpConflicts);
  const origin = <Origin>a.origin, tried = a.tried + 1, high = nameHigh(a.name), preferred = a.preferredUntil,
    valid = a.validUntil, told = SOURCES ? toldOf(a) : 0;
  ownRemove(a);
  // The server is told, and gives another one.
  if (DHCP6 && origin == Origin.DHCP) {
    interface6.asks |= <u8>Asks.DECLINE;
    return;
  }
  if (TEMPORARY && origin == Origin.TEMPORARY) {
    temporaryTaken(high, tried);
    return;
  }
  if (origin != Origin.FIXED && tried < TRIES) {
    const next = formAddress(high, origin, tried, preferred, valid);
    if (SOURCES && next != null) toldPut(next, told);
    return;
  }
  // A router tells its prefix again; nobody tells us of the link's.
  if (AGAIN && origin == Origin.LINK_LOCAL) {
    state.againAt = afterMs(AGAIN_MS);
    ndArm(state.againAt);
  }
  tellStack(Event.ADDRESS);
}

/** A router's prefix from which hosts make addresses (RFC 4862 §5.5.3); lifetimes in s. */
export function prefixForms(high: u64, preferredS: u32, validS: u32): void {
  if (preferredS > validS || (high & 0xc0ff) == linkLocalHigh()) return;
  const preferred = until(preferredS), valid = until(validS);
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    const a = ownAt(i);
    if (a.state == <u8>Own.FREE || a.origin != <u8>Origin.PREFIX || nameHigh(a.name) != high) continue;
    a.preferredUntil = preferred;
    const left = a.validUntil - clock.us;
    // (e): more than two hours, or more than is left, is believed; else two hours are left, if there were as many.
    if (valid - clock.us > TWO_HOURS || valid > a.validUntil) a.validUntil = valid;
    else if (left > TWO_HOURS) a.validUntil = clock.us + TWO_HOURS;
    ndArm(a.validUntil);
    if (TEMPORARY) prefixTemporary(high);
    return;
  }
  if (validS != 0) formAddress(high, Origin.PREFIX, 0, preferred, valid);
  if (TEMPORARY) prefixTemporary(high);
}

// Who is asked.

/** A router has answered: none is asked any more. */
export function routerHeard(): void {
  state.solicitAt = NEVER;
  state.soliciting = false;
}

/** A router asks for groups, and waits so long for an answer, ms. */
export function groupsAsked(withinMs: u32, singly: bool): void {
  if (state.reportAt != NEVER) return;
  state.singly = singly;
  for (let i: u32 = 0; i < OWN_MAX; i++) ownAt(i).reportSingly = singly;
  if (MDNS) groups.reportSingly6 = singly;
  state.reportAt = soon(min<u32>(withinMs, 10_000));
  ndArm(state.reportAt);
}

// Time.

/** What is due happens; the timer is armed for what comes next. */
export function configureTimer(): void {
  heapDisarm(ndOwner());
  if (SPEED) interface6.wanted = true;
  let next = NEVER;
  for (let i: u32 = 0; i < OWN_MAX; i++) next = min(next, addressTimer(ownAt(i)));
  if (TEMPORARY) next = min(next, temporariesTimer());
  next = min(next, routersTimer());
  if (state.solicitAt != NEVER && isDue(state.solicitAt)) {
    state.soliciting = true;
    state.solicitMs = min(state.solicitMs << 1, ROUTERS_MOST_MS);
    state.solicitAt = afterMs(state.solicitMs);
  }
  if (AGAIN) {
    if (state.againAt != NEVER && isDue(state.againAt)) lookAgain();
    next = min(next, state.againAt);
  }
  ndArm(min(next, min(state.solicitAt, isDue(state.reportAt) ? NEVER : state.reportAt)));
}

/** Returns when the address wants to be looked at next. What waits to be sent has its time then. */
function addressTimer(a: OwnAddress): Micros {
  if (a.state == <u8>Own.FREE) return NEVER;
  if (isDue(a.validUntil)) {
    addressEnd(a);
    return NEVER;
  }
  if (a.state == <u8>Own.TENTATIVE) {
    if (!isDue(a.probeAt)) return min(a.probeAt, a.validUntil);
    // Not sent yet, or the answer has had its time.
    if (a.probes < PROBES) return a.validUntil;
    a.state = <u8>Own.VALID;
    a.announce = a.report = true;
    if (SPEED) namesChange();
    ipForget();
    workUnblock();
    tellStack(Event.ADDRESS);
  }
  return a.validUntil;
}

/**
 * Sends what is due. Returns whether something had to wait for want of a slot. What becomes due later has a timer,
 * and that says when there is something to send again.
 */
export function configureOutput(): bool {
  if (!interface6.up) return false;
  const full = sendWanted();
  if (SPEED) interface6.wanted = full;
  return full;
}

function sendWanted(): bool {
  if (MDNS && groups.report6 && !reportGroups(Groups.NEW)) return true;
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    if (ownAt(i).report && ownAt(i).state != <u8>Own.FREE && ownAt(i).origin != <u8>Origin.LOOPBACK) {
      if (!reportGroups(Groups.NEW)) return true;
      break;
    }
  }
  for (let i: u32 = 0; i < OWN_MAX; i++) if (!addressOutput6(ownAt(i))) return true;
  if (state.soliciting) {
    if (!solicitRouters()) return true;
    state.soliciting = false;
  }
  if (state.reportAt == NEVER || !isDue(state.reportAt)) return false;
  if (!(state.singly ? reportGroupsSingly() : reportGroups(Groups.ALL))) return true;
  state.reportAt = NEVER;
  return false;
}

function addressOutput6(a: OwnAddress): bool {
  if (a.state == <u8>Own.TENTATIVE && a.probes < PROBES && isDue(a.probeAt)) {
    if (!probe(a)) return false;
    a.probes++;
    a.probeAt = afterMs(PROBE_MS);
    ndArm(a.probeAt);
  }
  if (a.state == <u8>Own.VALID && a.announce && a.origin != <u8>Origin.LOOPBACK) {
    if (!advertiseAddress(a.name, 0)) return false;
    a.announce = false;
  }
  return true;
}

/** The name of 16 bytes on the wire, if it is an address of ours. */
export function ownFor(at: usize): OwnAddress | null {
  return ownFind(nameFind(at));
}
