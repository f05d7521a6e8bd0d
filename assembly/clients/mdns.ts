// The responder of multicast DNS (RFC 6762): the host's own name in .local. It is looked for on the link before it is
// used (§8.1), made known (§8.3), defended (§9), and taken back (§10.1). One state machine with one timer; what it
// sends to all goes out at the end of a poll, what it sends to one at once.

import { IPV6, SPEED, TEMPORARY } from "../features";
import { afterMs, clock, isDue, Micros, NEVER } from "../core/clock";
import { Event } from "../core/events";
import { layoutCommits, take } from "../core/layout";
import { randomBelow } from "../core/random";
import { rateTake } from "../core/rate";
import { heapArm, heapDisarm } from "../buffers/heap";
import {
  CLASS_TOP, Dns, DNS_AA, DNS_OPCODE, DNS_QR, DNS_RCODE, DNS_TC, MDNS_PORT, TYPE_ANY,
} from "../wire/dns";
import { Ipv4 } from "../wire/ipv4";
import { Udp } from "../wire/udp";
import { Address, digest32, isName } from "../address/names";
import { nextHop, sourceFor } from "../ip/address";
import { groups, isMdnsGroup } from "../ip/groups";
import { interface6, sourceNamed6 } from "../ip/interface6";
import { udpSumOk } from "../udp/udp";
import { datagramBegin, datagramEnd } from "./datagram";
import { localAsking, localHears, names } from "./dns";
import { NAME_BYTES } from "./dns-name";
import { igmpChange, igmpNext, igmpOutput } from "./igmp";
import { Claim, claimIn, proposalsCompare, query, queryRead, questionsEnd } from "./mdns-query";
import {
  addressesMark, Kind, KINDS, kindsNow, labelKeep, LEGACY_TTL_S, mine, nameNext, ownName, TTL_S, writeBegin, writeEnd,
  writeKinds,
} from "./mdns-records";
import {
  FAMILIES, groupBegin, groupRoom, hasRoom, roomTo, TTL, wayFind, writeHeader, writeQuestion,
} from "./mdns-send";
import { mdnsOwner, tellStack } from "./owners";

/** RFC 6762 §8.1: so many probes, so far apart, ms. */
const PROBES: u32 = 3;
const PROBE_MS: u32 = 250;
/** So many conflicts within so long, and each further attempt waits, ms. */
const CONFLICTS: u32 = 15;
const CONFLICTS_MS: u32 = 10_000;
const PATIENCE_MS: u32 = 5000;
/** §8.2: who is beaten waits, ms. */
const BEATEN_MS: u32 = 1000;
/** §8.3: so often is a name made known, a second apart. */
const ANNOUNCEMENTS: u32 = 2;
/** §6: a record goes to all this long after the last time, ms; to defend it, sooner. */
const APART_MS: u32 = 1000;
const DEFENCE_MS: u32 = 250;
/** §7.2: when who asks says that more is to come. */
const MORE_MS: u32 = 400;
const MORE_RANDOM_MS: u32 = 100;
/** Answers to one asker alone: so many a second, and at once. */
const UNICAST_RATE: u32 = 100;
const UNICAST_BURST: u32 = 50;

export const enum LocalState {
  /** The host has no name. */
  OFF,
  /** There is no address to tell of. */
  WAITING,
  /** It is asked whether somebody has the name. */
  PROBING,
  /** The name is ours. */
  SETTLED,
  /** It will be taken back with the next poll. */
  LEAVING,
}

/** What `mdns_info` writes. */
@unmanaged export class LocalName {
  /** 0 off, 1 waiting for an address, 2 probing, 3 settled, 4 leaving. */
  state: u32;
  /** How often somebody had the name, or said so. */
  conflicts: u32;
  /** Questions about the own name that were heard. */
  asked: u32;
  /** Messages sent. */
  sent: u32;
  /** Messages that were dropped as malformed, or not of the link. */
  dropped: u32;
}

@unmanaged class Responder {
  /** When the state goes on; NEVER: not by itself. */
  due: Micros;
  /** When the name is made known next. */
  announceAt: Micros;
  /** `addressesMark` of what was made known. */
  mark: u64;
  /** How many conflicts there were: the next one's place in the ring. */
  conflictAt: u32;
  /** Whether attempts wait, since there were many conflicts. */
  slow: bool;
  /** Whether a probe is to be sent. */
  probing: bool;
  /** Probes that were sent. */
  probes: u8;
  /** Announcements that follow. */
  announcements: u8;
  /** Kinds that wait for more of what their asker knows, and `digest32` of who that is (§7.2). */
  more: u32;
  moreFrom: u32;
  /** A bucket of answers to one asker alone. */
  unicast: u32;
}

/** Of a kind of our records: when all heard it last (0: never), and when they are to hear it. */
@unmanaged class Sent {
  at: Micros;
  due: Micros;
}

export let local: LocalName = changetype<LocalName>(0);
let state: Responder = changetype<Responder>(0);
let sents: usize = 0;
/** When the last conflicts were, in a ring. */
let conflicts: usize = 0;

export function mdnsInit(): void {
  local = changetype<LocalName>(take(1, offsetof<LocalName>()));
  state = changetype<Responder>(take(1, offsetof<Responder>()));
  sents = take(KINDS, offsetof<Sent>());
  conflicts = take(CONFLICTS, 8);
  if (!layoutCommits()) return;
  state.due = state.announceAt = NEVER;
  for (let i: u32 = 0; i < KINDS; i++) sentOf(i).due = NEVER;
}

function sentOf(i: u32): Sent {
  return changetype<Sent>(sents + i * offsetof<Sent>());
}

// The name.

/** The host has this name from now on, if nobody else does. */
export function mdnsBegin(label: usize, size: u32): void {
  labelKeep(label, size);
  state.slow = false;
  wait();
}

/** With the next poll the name is taken back. */
export function mdnsEnd(): void {
  if (local.state == LocalState.OFF || local.state == LocalState.LEAVING) return;
  if (local.state != LocalState.SETTLED) rest(LocalState.OFF);
  else {
    rest(LocalState.LEAVING);
    arm();
  }
}

/** The link may lead elsewhere, to others with the same name (§8). */
export function mdnsLinkChanged(): void {
  if (local.state == LocalState.OFF || local.state == LocalState.LEAVING) return;
  groups.joined = false;
  wait();
}

/** A state in which nothing goes on by itself, and nothing is to be sent. */
function rest(to: LocalState): void {
  local.state = to;
  state.due = state.announceAt = NEVER;
  state.probing = false;
  state.announcements = 0;
  state.more = 0;
  for (let i: u32 = 0; i < KINDS; i++) sentOf(i).due = NEVER;
}

/** It begins anew, as soon as there is an address. */
function wait(): void {
  rest(LocalState.WAITING);
  state.mark = 0;
  arm();
}

/** The name is looked for, from `ms` on. */
function probe(ms: u32): void {
  rest(LocalState.PROBING);
  state.probes = 0;
  state.due = afterMs(ms) + <u64>randomBelow(PROBE_MS * 1000);
  arm();
}

function settle(): void {
  rest(LocalState.SETTLED);
  state.slow = false;
  state.mark = addressesMark();
  announce();
  tellStack(Event.NAME);
}

/** What we have is made known to all, now and a second later. */
function announce(): void {
  state.announcements = <u8>ANNOUNCEMENTS;
  state.announceAt = clock.us;
  arm();
}

/** A conflict: another attempt follows, and later the more there were. */
function conflict(): void {
  local.conflicts++;
  const at = conflicts + (<usize>(state.conflictAt++ % CONFLICTS) << 3), earlier = load<u64>(at);
  store<u64>(at, clock.us);
  if (earlier != 0 && clock.us - earlier <= <u64>CONFLICTS_MS * 1000) state.slow = true;
  probe(state.slow ? PATIENCE_MS : 0);
}

// Time.

/** The timer's entry comes up when there is something to do next. */
function arm(): void {
  let next = min(state.due, min(state.announceAt, igmpNext()));
  for (let i: u32 = 0; i < KINDS; i++) next = min(next, sentOf(i).due);
  if (next != NEVER) heapArm(mdnsOwner(), next);
  else heapDisarm(mdnsOwner());
}

/** Its entry in the heap came up. */
export function mdnsTimer(): void {
  heapDisarm(mdnsOwner());
  if (isDue(state.due)) {
    state.due = NEVER;
    if (local.state == LocalState.PROBING && state.probes == <u8>PROBES) settle();
    else if (local.state == LocalState.PROBING) state.probing = true;
  }
  if (isDue(state.announceAt)) {
    schedule(kindsNow(), APART_MS);
    state.announceAt = --state.announcements == 0 ? NEVER : afterMs(APART_MS);
  }
  arm();
}

/** All are to hear of these kinds, `ms` after the last time at the earliest. */
function schedule(kinds: u32, ms: u32): void {
  for (let left = kinds; left != 0; left &= left - 1) {
    const s = sentOf(ctz(left));
    s.due = min(s.due, s.at == 0 ? clock.us : max(clock.us, s.at + <u64>ms * 1000));
  }
  state.more &= ~kinds;
  arm();
}

/** Whether all heard of the kind with this number within `us`. */
function isRecent(i: u32, us: u64): bool {
  return sentOf(i).at != 0 && clock.us - sentOf(i).at < us;
}

// Sending.

/** Sends what is due. Returns whether it has to wait for a slot. */
export function mdnsOutput(): bool {
  const isSpoken = groups.joined || groups.wanted || names.asking != 0;
  if (local.state == LocalState.OFF && !isSpoken && igmpNext() == NEVER) return false;
  if (local.state != LocalState.OFF) lookAtAddresses();
  const joined = local.state >= <u32>LocalState.PROBING || groups.wanted || localAsking();
  if (joined != groups.joined) join(joined);
  if (igmpOutput()) return true;
  // A router may have asked.
  if (igmpNext() != NEVER) arm();
  if (local.state == LocalState.OFF) return false;
  if (local.state == LocalState.LEAVING) {
    if (!hasRoom()) return true;
    // What we had is there no longer (§10.1).
    sendAll(kindsNow() & ~Kind.NSEC, 0, 0);
    rest(LocalState.OFF);
    // The group is left with the next poll.
    return true;
  }
  if (state.probing) {
    if (!hasRoom()) return true;
    sendProbe();
  }
  return tellAnswers();
}

/** We are in the groups, or no longer. */
function join(joined: bool): void {
  groups.joined = joined;
  groups.report6 = true;
  if (SPEED && IPV6) interface6.wanted = true;
  igmpChange();
}

/** Our addresses may have changed: what others know of them is told anew (§8.4). */
function lookAtAddresses(): void {
  const mark = addressesMark();
  if (mark == state.mark) return;
  const had = state.mark;
  state.mark = mark;
  if (mark == 0) {
    if (local.state != LocalState.LEAVING) rest(LocalState.WAITING);
    return;
  }
  if (groups.joined) igmpChange();
  if (local.state == LocalState.WAITING) probe(0);
  else if (local.state == LocalState.SETTLED && had != 0) announce();
}

/** Asks whether somebody has the name, and says what we would do with it (§8.2). */
function sendProbe(): void {
  for (let family: u32 = 0; family < FAMILIES; family++) {
    const at = wayFind(family) ? groupBegin(family) : 0;
    if (at == 0) continue;
    const records = writeQuestion(writeHeader(at, 0, 0, 1), ownName(), mine.nameSize, TYPE_ANY, CLASS_TOP);
    writeBegin(at, records, at + groupRoom(family), TTL_S, 0);
    changetype<Dns>(at).authorities = writeKinds(Kind.A | Kind.AAAA);
    datagramEnd(<u32>(writeEnd() - at));
    local.sent++;
  }
  state.probing = false;
  state.probes++;
  state.due = afterMs(PROBE_MS);
  arm();
}

/** Tells all what is due of our records. Returns whether it has to wait for slots. */
function tellAnswers(): bool {
  const now = kindsNow();
  let kinds: u32 = 0;
  for (let i: u32 = 0; i < KINDS; i++) {
    if (!isDue(sentOf(i).due)) continue;
    if ((now >> i & 1) == 0) sentOf(i).due = NEVER;
    else kinds |= 1 << i;
  }
  if (kinds == 0) return false;
  if (!hasRoom()) return true;
  let more: u32 = alongWith(kinds);
  for (let left = more; left != 0; left &= left - 1) {
    if (isRecent(ctz(left), <u64>APART_MS * 1000)) more &= ~(left & -left);
  }
  sendAll(kinds, more, TTL_S);
  for (let left = kinds | more; left != 0; left &= left - 1) {
    const s = sentOf(ctz(left));
    s.at = clock.us;
    s.due = NEVER;
  }
  state.more &= ~kinds;
  arm();
  return false;
}

/** RFC 6762 §6.2: with addresses go those of the other family, or that there are none. */
function alongWith(kinds: u32): u32 {
  const along: u32 = Kind.A | Kind.AAAA | Kind.NSEC;
  return (kinds & along) == 0 ? 0 : along & ~kinds & kindsNow();
}

function sendAll(answers: u32, more: u32, ttl: u32): void {
  for (let family: u32 = 0; family < FAMILIES; family++) {
    const at = wayFind(family) ? groupBegin(family) : 0;
    if (at == 0) continue;
    datagramEnd(writeAnswers(at, writeHeader(at, 0, DNS_QR | DNS_AA, 0), groupRoom(family), answers, more, ttl));
    local.sent++;
  }
}

/** Writes answers behind the head of the message at `at`. Returns the message's size. */
function writeAnswers(at: usize, from: usize, room: u32, answers: u32, more: u32, ttl: u32): u32 {
  const m = changetype<Dns>(at);
  // RFC 6762 §6.7: an old resolver does not know that there is another meaning of the highest bit.
  writeBegin(at, from, at + room, ttl, ttl == LEGACY_TTL_S ? 0 : CLASS_TOP);
  m.answers = writeKinds(answers);
  m.additionals = writeKinds(more);
  return <u32>(writeEnd() - at);
}

/** Answers one asker: in multicast DNS, or, if his port is another one, as a server of DNS does (§6.7). */
function answerOne(ip: Ipv4, udp: Udp, from: usize, answers: u32): void {
  if (!rateTake(changetype<usize>(state) + offsetof<Responder>("unicast"), UNICAST_RATE, UNICAST_BURST)) return;
  const dst = ip.src, port = udp.srcPort, legacy = port != MDNS_PORT, id = changetype<Dns>(from).id;
  const src = TEMPORARY && isName(dst) ? sourceNamed6(dst) : sourceFor(dst);
  // Temporary ones alone are left.
  if (TEMPORARY && src == 0) return;
  const at = datagramBegin(src, dst, MDNS_PORT, port, TTL);
  if (at == 0) return;
  let to = writeHeader(at, id, DNS_QR | DNS_AA, legacy ? 1 : 0);
  if (legacy) {
    const question = from + Dns.SIZE, size = <u32>(questionsEnd(from, from + udp.size - Udp.SIZE) - question);
    assert(size <= NAME_BYTES + 6);
    memory.copy(to, question, size);
    to += size;
  }
  datagramEnd(writeAnswers(at, to, roomTo(dst), answers & (legacy ? ~Kind.NSEC : ~0),
    legacy ? 0 : alongWith(answers), legacy ? LEGACY_TTL_S : TTL_S));
  local.sent++;
}

// What comes.

/** Whether a host is on the link (§11). */
function isNear(ip: Address): bool {
  return nextHop(ip) == ip;
}

/**
 * A datagram of `size` bytes. Returns whether it was to the group, or to us on the port of mDNS while we speak it:
 * then nobody else hears of it, but for a socket on that port.
 */
export function mdnsInput(ip: Ipv4, udp: Udp, size: u32): bool {
  if (!groups.joined) return false;
  const toAll = isMdnsGroup(ip.dst);
  if (!toAll && (size < Udp.SIZE || udp.dstPort != MDNS_PORT)) return false;
  const at = changetype<usize>(udp) + Udp.SIZE;
  // §11: what is to the group is from the link, whatever its source.
  if (size < Udp.SIZE || !udp.isValid(size) || udp.size < Udp.SIZE + Dns.SIZE || udp.dstPort != MDNS_PORT ||
      udp.srcPort == 0 || !udpSumOk(ip, udp) || (!toAll && !isNear(ip.src))) {
    local.dropped++;
    return true;
  }
  const m = changetype<Dns>(at), end = at + udp.size - Udp.SIZE;
  // §18.3, §18.11: other kinds of messages, and errors, are ignored.
  if ((m.flags & (DNS_OPCODE | DNS_RCODE)) != 0) local.dropped++;
  else if ((m.flags & DNS_QR) == 0) asks(ip, udp, at, end, toAll);
  else if (udp.srcPort == MDNS_PORT) answers(at, end);
  else local.dropped++;
  // Services (RFC 6763) are the host's, at a socket on the port.
  return !groups.wanted;
}

/** Somebody answers, or makes something known. */
function answers(at: usize, end: usize): void {
  const records = questionsEnd(at, end);
  if (records == 0) {
    local.dropped++;
    return;
  }
  localHears(at, records, end);
  if (local.state == LocalState.PROBING) {
    // What came before the first probe may be about somebody who is gone (§8.1).
    if (state.probes == 0 || claimIn(at, records, end) == Claim.NONE) return;
    nameNext();
    conflict();
  } else if (local.state == LocalState.SETTLED && claimIn(at, records, end) == Claim.CONTRARY) {
    // §9: we look again whether we have it alone.
    conflict();
  }
}

/** Somebody asks. */
function asks(ip: Ipv4, udp: Udp, at: usize, end: usize, toAll: bool): void {
  if (local.state != LocalState.PROBING && local.state != LocalState.SETTLED) return;
  if (!queryRead(at, end)) {
    local.dropped++;
    return;
  }
  const m = changetype<Dns>(at), legacy = udp.srcPort != MDNS_PORT;
  if (query.named) local.asked++;
  if (local.state == LocalState.PROBING) {
    if (!query.probes || legacy || state.probes == 0 || !proposalsCompare(at, end)) return;
    local.conflicts++;
    probe(BEATEN_MS);
    return;
  }
  // §7.2: who asked before says what else he knows.
  if (m.questions == 0) {
    if (state.moreFrom == digest32(ip.src)) knownAlready(query.known & state.more);
    return;
  }
  const wanted = query.asked & ~query.known;
  if (legacy) {
    // §6.7: the question goes back with the answer. Who is far away is not answered (§5.5).
    if (m.questions == 1 && query.asked != 0 && isNear(ip.src)) answerOne(ip, udp, at, wanted);
    return;
  }
  if (wanted != 0) answer(ip, udp, at, wanted, toAll ? query.unicast : ~0);
}

/** Answers a question of multicast DNS about these kinds; those in `welcome` may come by unicast. */
function answer(ip: Ipv4, udp: Udp, at: usize, wanted: u32, welcome: u32): void {
  let alone: u32 = 0, all: u32 = 0;
  for (let left = wanted; left != 0; left &= left - 1) {
    const kind = left & -left;
    // §5.4: by unicast, unless all have not heard of it for a quarter of its time. A probe is answered in any case.
    const lately = isRecent(ctz(left), <u64>TTL_S * 1_000_000 / 4);
    if ((welcome & kind) != 0 && isNear(ip.src) && (lately || query.probes)) alone |= kind;
    if ((alone & kind) == 0 || !lately) all |= kind;
  }
  if (alone != 0) answerOne(ip, udp, at, alone);
  if (all == 0) return;
  if ((changetype<Dns>(at).flags & DNS_TC) != 0 && !query.probes && state.more == 0) hold(ip.src, all);
  else schedule(all, query.probes ? DEFENCE_MS : APART_MS);
}

/** An answer waits for what its asker knows besides. */
function hold(from: Address, kinds: u32): void {
  state.moreFrom = digest32(from);
  for (let left = kinds; left != 0; left &= left - 1) {
    const s = sentOf(ctz(left));
    if (s.due != NEVER) continue;
    state.more |= left & -left;
    const due = afterMs(MORE_MS) + <u64>randomBelow(MORE_RANDOM_MS * 1000);
    s.due = s.at == 0 ? due : max(due, s.at + <u64>APART_MS * 1000);
  }
  arm();
}

/** Who asked for these kinds knows them. */
function knownAlready(kinds: u32): void {
  for (let left = kinds; left != 0; left &= left - 1) sentOf(ctz(left)).due = NEVER;
  state.more &= ~kinds;
  arm();
}
