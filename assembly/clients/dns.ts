// The stub resolver (RFC 1034 §5.3.1, RFC 1035, RFC 5452): addresses of names. An entry is a question while it is
// asked, and a part of the cache afterwards.

import { config } from "../config";
import { DNS_TCP, IPV6, MDNS } from "../features";
import { afterMs, isDue, Micros, NEVER } from "../core/clock";
import { Err } from "../core/error";
import { Event } from "../core/events";
import { take } from "../core/layout";
import { random32 } from "../core/random";
import { wake } from "../core/turns";
import { heapArm, heapDisarm } from "../buffers/heap";
import {
  CLASS_IN, CLASS_TOP, Dns, DNS_OPCODE, DNS_PORT, DNS_QR, DNS_RCODE, DNS_RD, DNS_TC, RCODE_NAME, TYPE_AAAA,
} from "../wire/dns";
import { Ipv4 } from "../wire/ipv4";
import { Udp } from "../wire/udp";
import { Address, nameDrop, nameKeep, RESOLVERS_MAX } from "../address/names";
import { interface6, resolverAt } from "../ip/interface6";
import { sourceFor } from "../ip/address";
import { ipWay, Way } from "../ip/way";
import { udpSumOk } from "../udp/udp";
import { datagramBegin, datagramEnd, freePort, HEADERS } from "./datagram";
import { lease } from "./dhcp-state";
import {
  answer, ADDRESSES, addressSize, ADDRESSES_ROOM, answerAddresses, answerRead, CLASS_DNS, CLASS_MDNS,
} from "./dns-answer";
import { isLocal, nameFromText, nameIs, NAME_BYTES } from "./dns-name";
import {
  Stream, streamAbort, streamAsk, streamDone, streamInit, streamMessage, streamRest, streamSize, streamTurn, streamUser,
} from "./dns-stream";
import { askAll, Asked, wayFind } from "./mdns-send";
import { dnsOwner, tellStack } from "./owners";

/** Names that are asked for or remembered. */
const ENTRIES: u32 = 16;
/** Each server is asked so often, and has so long the first time, twice as long the next. */
const ROUNDS: u32 = 3;
const PATIENCE_MS: u32 = 1000;
/** Answers that do not fit a question. @full it is asked anew, with other numbers (RFC 5452 §9.3) */
const WRONG_MAX: u8 = 16;
/** So often a question begins anew because the network is another; then the change counts as no answer. */
const ANEW_MAX: u8 = 8;
/** RFC 2308 §7: that no server answers is remembered for a while. */
const FAILED_MS: u32 = 5000;
/** A question over TCP is answered within so long, the wait for its turn included, ms. */
const STREAM_MS: u32 = 8000;
/** A name in .local is asked for so often; then the last question has so long, ms. */
const LOCAL_TRIES: u8 = 3;
const LOCAL_LAST_MS: u32 = 1000;
/** RFC 6762 §10.1: what somebody takes back is believed for so long, ms: another one may say that it is right. */
const LEAVING_MS: u32 = 1000;
/** What may not be remembered waits so long for who asked. */
const UNREAD_MS: u32 = 5000;

const enum Name { FREE, ASKING, KNOWN }

@unmanaged class Entry {
  /** One of `Name`. */
  state: u8;
  /** Questions that were sent for it; answers to the last one that did not fit. */
  tries: u8;
  wrong: u8;
  /** Whether a question is to be sent. */
  sending: bool;
  /** Whether nobody has taken the result yet. */
  unread: bool;
  /** KNOWN: how many addresses; 0: `error` says why there are none. ASKING: how often it began anew. */
  count: u8;
  /** What the last failure was. */
  error: i8;
  /** TYPE_A or TYPE_AAAA: which addresses are asked for. */
  type: u8;
  /** Of the question: its number, our port, the server. */
  id: u16;
  port: u16;
  server: Address;
  nameSize: u32;
  /** Whether its name is in .local: all are asked (RFC 6762 §3), and no server is. */
  local: bool;
  /** Whether it is asked for over TCP, or waits for that: its answer did not fit into a datagram. */
  stream: bool;
  pad2: u16;
  /** ASKING: when the next question follows. KNOWN: until when it is believed. */
  due: Micros;
}

/** Behind an entry: its name in small letters, and as it was sent; its addresses. */
const ROOM: u32 = NAME_BYTES + 1;
const STRIDE: u32 = offsetof<Entry>() + 2 * ROOM + ADDRESSES_ROOM;

/** What `dns_info` writes. */
@unmanaged export class Names {
  /** The servers that are asked, in this order; 0: no more. */
  server0: u32;
  /** The second one. */
  server1: u32;
  /** The third one. */
  server2: u32;
  /** Questions sent. */
  sent: u32;
  /** Answers taken. */
  taken: u32;
  /** Datagrams from servers that were no answers to them. */
  dropped: u32;
  /** Names that are being asked for. */
  asking: u32;
  /** Of the questions sent, those that went over TCP, since the answer did not fit into a datagram (RFC 7766). */
  streamed: u32;
  /** Questions that could not be asked over TCP: no connection was free, or there was no way. */
  noConnection: u32;
}

export let names: Names = changetype<Names>(0);
let entries: usize = 0;
/** Three servers given by hand, whose names are kept; 0: no more, or those of the network. */
export let given: usize = 0;
/** The name that is being looked up. */
let scratch: usize = 0;

export function dnsInit(): void {
  names = changetype<Names>(take(1, offsetof<Names>()));
  given = take(3, 4);
  scratch = take(1, ROOM);
  entries = take(ENTRIES, STRIDE);
  if (DNS_TCP) streamInit();
}

function entryAt(i: u32): Entry {
  return changetype<Entry>(entries + i * STRIDE);
}

function nameOf(e: Entry): usize {
  return changetype<usize>(e) + offsetof<Entry>();
}

/** The name as it was sent. */
function sentOf(e: Entry): usize {
  return nameOf(e) + ROOM;
}

function addressesOf(e: Entry): usize {
  return nameOf(e) + 2 * ROOM;
}

/**
 * Notes which servers there are: those that were given by hand, else those of the lease, and
 * behind them those of which routers told.
 */
export function noteServers(): void {
  const byHand = load<u32>(given) != 0;
  names.server0 = byHand ? load<u32>(given) : lease.dns0;
  names.server1 = byHand ? load<u32>(given, 4) : lease.dns1;
  names.server2 = byHand ? load<u32>(given, 8) : lease.dns2;
  if (!IPV6) return;
  for (let i: u32 = 0, n = serverCount(); i < RESOLVERS_MAX && n < 3 && !byHand; i++) {
    const name = resolverAt(i).name;
    if (name != 0) store<u32>(changetype<usize>(names) + (n++ << 2), name);
  }
  if (!interface6.resolversChanged) return;
  interface6.resolversChanged = false;
  if (byHand) return;
  // A name that is nobody's now may become somebody else's: what was asked is asked anew, as if it
  // had gone unanswered, so that it has an end.
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const e = entryAt(i);
    if (e.state == <u8>Name.ASKING && (e.port != 0 || (DNS_TCP && e.stream))) next(e, Err.NO_ANSWER);
  }
}

/** Servers to ask from now on, of either family; the names are kept. */
export function serversGive(a: Address, b: Address, c: Address): void {
  giveAt(0, a);
  giveAt(4, b);
  giveAt(8, c);
  dnsForget();
}

/** One more server to ask. Returns false if there are three. */
export function serverAdd(server: Address): bool {
  for (let at: usize = 0; at < 12; at += 4) {
    if (load<u32>(given + at) != 0) continue;
    giveAt(at, server);
    dnsForget();
    return true;
  }
  return false;
}

function giveAt(at: usize, server: Address): void {
  const had = load<u32>(given + at);
  store<u32>(given + at, IPV6 ? nameKeep(server) : server);
  if (IPV6) nameDrop(had);
}

/**
 * Forgets what is known: another network may know the names by other addresses. Questions are asked
 * anew, but not for as long as somebody changes the network.
 */
export function dnsForget(): void {
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const e = entryAt(i);
    if (e.state == <u8>Name.KNOWN) e.state = <u8>Name.FREE;
    if (e.state != <u8>Name.ASKING) continue;
    if (e.count++ < ANEW_MAX) begin(e);
    else next(e, Err.NO_ANSWER);
  }
}

/** How many servers there are. */
function serverCount(): u32 {
  return names.server0 == 0 ? 0 : names.server1 == 0 ? 1 : names.server2 == 0 ? 2 : 3;
}

/**
 * Looks a name up: writes up to `most` addresses of a type to `dst`, and returns how many there are.
 * AGAIN: it is being asked for, and Event.NAMES tells. NOT_FOUND, NO_IPV4, NO_IPV6, NO_ANSWER, SIZE,
 * UNREACHABLE (no server), FULL, ARGUMENT.
 */
export function dnsLookup(text: usize, size: u32, type: u32, dst: usize, most: u32): i32 {
  noteServers();
  const nameSize = nameFromText(text, size, scratch);
  if (nameSize == 0 || Dns.SIZE + nameSize + 4 + HEADERS > config.mtu) return Err.ARGUMENT;
  const known = find(scratch, nameSize, type);
  if (known != null) return result(known, dst, most);
  const local = MDNS && isLocal(scratch, nameSize);
  if (local ? !wayFind(0) && !wayFind(1) : serverCount() == 0) return Err.UNREACHABLE;
  const e = claim();
  if (e == null) return Err.FULL;
  e.nameSize = nameFromText(text, size, nameOf(e));
  e.type = <u8>type;
  e.local = local;
  e.state = <u8>Name.ASKING;
  e.count = 0;
  names.asking++;
  begin(e);
  return Err.AGAIN;
}

/**
 * A place for a name: a free one, else that of the one that is known and may be believed for the shortest time. What
 * nobody has taken yet comes last: whoever asked for it would have to ask again.
 */
function claim(): Entry | null {
  let best: Entry | null = null, least: u64 = NEVER;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const e = entryAt(i);
    if (e.state == <u8>Name.KNOWN && isDue(e.due)) e.state = <u8>Name.FREE;
    if (e.state == <u8>Name.FREE) return e;
    // No time of a poll is as late as half of all.
    const due = e.unread ? e.due | <u64>1 << 63 : e.due;
    if (e.state != <u8>Name.KNOWN || due >= least) continue;
    best = e;
    least = due;
  }
  return best;
}

function find(name: usize, size: u32, type: u32): Entry | null {
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const e = entryAt(i);
    if (e.state == <u8>Name.FREE || (e.state == <u8>Name.KNOWN && isDue(e.due))) continue;
    if (<u32>e.type == type && nameIs(nameOf(e), e.nameSize, name, size)) return e;
  }
  return null;
}

function result(e: Entry, dst: usize, most: u32): i32 {
  if (e.state == <u8>Name.ASKING) return Err.AGAIN;
  const n = <u32>e.count;
  assert(n <= ADDRESSES);
  memory.copy(dst, addressesOf(e), min(n, most) * addressSize(e.type));
  // What may not be remembered has been told.
  if (e.unread) e.state = <u8>Name.FREE;
  return n == 0 ? <i32>e.error : <i32>n;
}

/** The first question of all. */
function begin(e: Entry): void {
  e.tries = 0;
  // Who has a name in .local says so himself: where nobody does, there is none.
  e.error = <i8>(MDNS && e.local ? Err.NOT_FOUND : Err.NO_ANSWER);
  ask(e);
}

/**
 * A question is to be sent: from another port, with another number, and letters
 * of other sizes than before (RFC 5452 §4).
 */
function ask(e: Entry): void {
  if (DNS_TCP) leaveStream(e);
  e.sending = true;
  e.wrong = 0;
  e.port = 0;
  e.due = NEVER;
}

/** The question went unanswered, or its answer was of no use: the next server, or the next round. */
function next(e: Entry, error: Err): void {
  if (MDNS && e.local) {
    if (++e.tries < LOCAL_TRIES) ask(e);
    else finish(e, 0, afterMs(FAILED_MS), REMEMBERED);
    return;
  }
  e.error = <i8>error;
  if (<u32>++e.tries < ROUNDS * serverCount()) ask(e);
  else finish(e, 0, afterMs(FAILED_MS), REMEMBERED);
}

/** A result that stays until it is due, and is not `unread`. */
const REMEMBERED = false;

/** The question is answered, or given up. `unread`: the result is told once and not remembered. */
function finish(e: Entry, count: u32, until: Micros, unread: bool): void {
  if (DNS_TCP) leaveStream(e);
  e.state = <u8>Name.KNOWN;
  e.sending = false;
  e.port = 0;
  e.count = <u8>count;
  e.unread = unread;
  e.due = until;
  names.asking--;
  tellStack(Event.NAMES);
}

/** Its entry in the heap came up. */
export function dnsTimer(): void {
  heapDisarm(dnsOwner());
  let first: Micros = NEVER;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const e = entryAt(i);
    if (e.state != <u8>Name.ASKING) continue;
    if (isDue(e.due)) next(e, DNS_TCP && e.stream ? Err.SIZE : Err.NO_ANSWER);
    if (e.state == <u8>Name.ASKING) first = min(first, e.due);
  }
  if (first != NEVER) heapArm(dnsOwner(), first);
}

/** Sends the questions that are due. Returns whether one has to wait for a slot. */
export function dnsOutput(): bool {
  if (names.asking == 0) return false;
  noteServers();
  if (DNS_TCP) streams();
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const e = entryAt(i);
    if (e.state != <u8>Name.ASKING || !e.sending) continue;
    if (MDNS && e.local) {
      if (!sendLocal(e)) return true;
      continue;
    }
    const servers = serverCount();
    e.server = servers == 0 ? 0 : load<u32>(changetype<usize>(names), 0);
    if (servers > 1) e.server = load<u32>(changetype<usize>(names) + (<u32>e.tries % servers << 2));
    const way = e.server == 0 ? Way.NO_ROUTE : ipWay(e.server);
    if (way == Way.NO_SLOT) return true;
    // Where there is no way, the time that it takes to find out runs all the same: an
    // address may come, or the neighbour answer.
    if (way == Way.OPEN) send(e);
    else wake();
    if (way != Way.OPEN && e.due != NEVER) continue;
    e.sending = way == Way.UNRESOLVED;
    e.due = afterMs(PATIENCE_MS << (servers == 0 ? 0 : <u32>e.tries / servers));
    heapArm(dnsOwner(), e.due);
  }
  return false;
}

/**
 * Asks all for a name in .local. The first time the answer may come to us alone: a switch may not know yet that we are
 * in the group. Returns false: there is no slot.
 */
function sendLocal(e: Entry): bool {
  // Deviates from RFC 6762 §5.4: that is for who comes to the link.
  const asked = askAll(nameOf(e), e.nameSize, e.type, e.tries == 0 ? CLASS_TOP : 0);
  if (asked == Asked.NO_SLOT) return false;
  if (asked == Asked.YES) names.sent++;
  e.sending = false;
  // RFC 6762 §5.2: the second one follows after a second at least, the next after twice as long.
  e.due = afterMs(e.tries + 1 == LOCAL_TRIES ? LOCAL_LAST_MS : PATIENCE_MS << e.tries);
  heapArm(dnsOwner(), e.due);
  return true;
}

/** Whether a name in .local is being asked for. */
export function localAsking(): bool {
  for (let i: u32 = 0; i < ENTRIES && names.asking != 0; i++) {
    if (entryAt(i).state == <u8>Name.ASKING && entryAt(i).local) return true;
  }
  return false;
}

/** Somebody on the link answers, with the records from `from` to `end` of the message at `at`. */
export function localHears(at: usize, from: usize, end: usize): void {
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const e = entryAt(i);
    if (!e.local || e.state == <u8>Name.FREE) continue;
    answerRead(at, from, end, nameOf(e), e.nameSize, e.type, CLASS_MDNS);
    if (!answer.good) continue;
    if (answer.count == 0 && answer.ttl == 0) {
      if (answer.leaves && e.state == <u8>Name.KNOWN) e.due = min(e.due, afterMs(LEAVING_MS));
      continue;
    }
    if (e.state == <u8>Name.ASKING) names.taken++;
    memory.copy(addressesOf(e), answerAddresses(), ADDRESSES_ROOM);
    e.error = <i8>(IPV6 && <u32>e.type == TYPE_AAAA ? Err.NO_IPV6 : Err.NO_IPV4);
    if (e.state == <u8>Name.ASKING) finish(e, answer.count, afterMs(answer.ttl * 1000), REMEMBERED);
    else learn(e);
  }
}

/** What was known of a name is told anew. */
function learn(e: Entry): void {
  e.count = <u8>answer.count;
  e.due = afterMs(answer.ttl * 1000);
}

/** Writes and sends the question of an entry, for which there is a way. */
function send(e: Entry): void {
  e.port = freePort();
  const at = datagramBegin(sourceFor(e.server), e.server, e.port, DNS_PORT, config.ttl);
  if (at == 0) return;
  datagramEnd(writeQuestion(e, at));
  names.sent++;
}

/** Writes the question of an entry, with another number than before. Returns its size. */
function writeQuestion(e: Entry, at: usize): u32 {
  const m = changetype<Dns>(at);
  e.id = <u16>random32();
  m.id = e.id;
  m.flags = DNS_RD;
  m.questions = 1;
  m.clearRecords();
  mixCase(e);
  assert(e.nameSize <= NAME_BYTES);
  const to = at + Dns.SIZE;
  memory.copy(to, sentOf(e), e.nameSize);
  store<u32>(to + e.nameSize, bswap<u32>(<u32>e.type << 16 | CLASS_IN));
  return Dns.SIZE + e.nameSize + 4;
}

// What does not fit into a datagram (RFC 7766).

/** The server has more to say than fits: it is asked again over TCP. No datagram is an answer any more. */
function beginStream(e: Entry): void {
  e.stream = true;
  e.port = 0;
  e.due = afterMs(STREAM_MS);
  heapArm(dnsOwner(), e.due);
}

/** It is not asked over TCP any more. */
function leaveStream(e: Entry): void {
  e.stream = false;
  streamAbort(changetype<usize>(e));
}

/** Questions over TCP go on, one after the other, each as far as it comes. */
function streams(): void {
  for (let n: u32 = 0; n < ENTRIES; n++) {
    if (streamUser() == 0 && !nextStream()) break;
    const said = streamTurn(), e = changetype<Entry>(streamUser());
    if (said == Stream.WAITS) return;
    if (said == Stream.FAILED) {
      next(e, Err.SIZE);
      continue;
    }
    streamDone();
    if (arrives(e, streamMessage(), streamSize())) {
      names.taken++;
    } else {
      names.dropped++;
      next(e, Err.SIZE);
    }
  }
  streamRest();
}

/** The next one that waits for its turn is asked. Returns false: there is none. */
function nextStream(): bool {
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const e = entryAt(i);
    if (e.state != <u8>Name.ASKING || !e.stream) continue;
    if (streamAsk(changetype<usize>(e), e.server, writeQuestion(e, streamMessage()))) {
      names.sent++;
      names.streamed++;
      return true;
    }
    names.noConnection++;
    next(e, Err.SIZE);
  }
  return false;
}

/** Letters become large or small at random; who answers has to repeat them. */
function mixCase(e: Entry): void {
  let bits: u32 = 0;
  for (let i: u32 = 0; i < e.nameSize; i++) {
    const c = <u32>load<u8>(nameOf(e) + i);
    if ((i & 31) == 0) bits = random32();
    store<u8>(sentOf(e) + i, <u8>(c - 97 < 26 && (bits & 1) != 0 ? c ^ 32 : c));
    bits >>= 1;
  }
}

/**
 * A datagram. Returns whether it came from a server, and for a question, of
 * ours: nobody else hears whether there is one.
 */
export function dnsInput(ip: Ipv4, udp: Udp, size: u32): bool {
  if (names.asking == 0 || udp.srcPort != DNS_PORT) return false;
  if (IPV6 && interface6.resolversChanged) noteServers();
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const e = entryAt(i);
    if (e.state != <u8>Name.ASKING || e.port == 0 || <u32>e.port != udp.dstPort || e.server != ip.src) continue;
    if (udp.isValid(size) && udpSumOk(ip, udp) && arrives(e, changetype<usize>(udp) + Udp.SIZE, udp.size - Udp.SIZE)) {
      names.taken++;
    } else {
      names.dropped++;
      if (e.state == <u8>Name.ASKING && ++e.wrong >= WRONG_MAX) next(e, Err.NO_ANSWER);
    }
    return true;
  }
  return false;
}

/** Takes an answer of `size` bytes. Returns false if it is none to this question. */
function arrives(e: Entry, at: usize, size: u32): bool {
  const m = changetype<Dns>(at), question = at + Dns.SIZE, records = question + e.nameSize + 4;
  if (size < Dns.SIZE + e.nameSize + 4 || m.id != <u32>e.id || m.questions != 1 ||
      (m.flags & (DNS_QR | DNS_OPCODE)) != DNS_QR) return false;
  // RFC 5452 §9.1: the question comes back, to the letter.
  if (memory.compare(question, sentOf(e), e.nameSize) != 0 ||
      load<u32>(question + e.nameSize) != bswap<u32>(<u32>e.type << 16 | CLASS_IN)) return false;
  if ((m.flags & DNS_TC) != 0) {
    if (DNS_TCP && !e.stream) beginStream(e);
    else next(e, Err.SIZE);
    return true;
  }
  const rcode = m.flags & DNS_RCODE;
  if (rcode != 0 && rcode != RCODE_NAME) {
    next(e, Err.NO_ANSWER);
    return true;
  }
  answerRead(at, records, at + size, nameOf(e), e.nameSize, e.type, CLASS_DNS);
  if (!answer.good) {
    // From the server, and of no use: another one may do better.
    names.dropped++;
    next(e, Err.NO_ANSWER);
    return true;
  }
  memory.copy(addressesOf(e), answerAddresses(), ADDRESSES_ROOM);
  if (answer.count == 0) {
    e.error = <i8>(rcode != 0 ? Err.NOT_FOUND : IPV6 && <u32>e.type == TYPE_AAAA ? Err.NO_IPV6 : Err.NO_IPV4);
  }
  const unread = answer.ttl == 0;
  finish(e, answer.count, afterMs(unread ? UNREAD_MS : answer.ttl * 1000), unread);
  return true;
}

/** An ICMP error says that what went from `port` to `server` did not arrive: the next one is asked at once. */
export function dnsRefused(server: u32, port: u32): void {
  if (names.asking == 0 || port == 0) return;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const e = entryAt(i);
    if (e.state == <u8>Name.ASKING && <u32>e.port == port && e.server == server) next(e, Err.NO_ANSWER);
  }
}
