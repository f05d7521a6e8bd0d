// The time of day from the network: a client of SNTP (RFC 4330, and what RFC 5905 §14 asks of one). It asks one server
// at a time, keeps what the last good answer told, and sets no clock: it tells what the clock of `poll` is in UTC.

import { config } from "../config";
import { IPV6 } from "../features";
import { afterMs, clock, isDue, Micros, NEVER } from "../core/clock";
import { Event } from "../core/events";
import { take } from "../core/layout";
import { random32, randomBelow } from "../core/random";
import { wake } from "../core/turns";
import { heapArm, heapDisarm } from "../buffers/heap";
import { Ipv4 } from "../wire/ipv4";
import { KISS_DENY, KISS_RATE, KISS_RSTR, LEAP_UNKNOWN, Ntp, NTP_PORT } from "../wire/ntp";
import { Udp } from "../wire/udp";
import { Address, isName, nameDrop, nameKeep, TIME_SERVERS_MAX } from "../address/names";
import { sourceFor } from "../ip/address";
import { ipWay, Way } from "../ip/way";
import { udpSumOk } from "../udp/udp";
import { datagramBegin, datagramEnd, freePort } from "./datagram";
import { lease } from "./dhcp-state";
import { sntpOwner, tellStack } from "./owners";

/**
 * Deviates from RFC 4330 §10: the first question follows within 2 s, not after a random 1 to 5 minutes. Who asks for
 * the time wants to know it.
 */
const FIRST_MS: u32 = 2000;
/** A server has so long to answer. */
const PATIENCE_MS: u32 = 4000;
/** Without an address, or a server to ask, it is looked again after so long. */
const LOOK_MS: u32 = 1000;
/** Between two rounds of questions: at first, after the first answer, and at most, unless a server wants more. */
const LEAST_S: u32 = 16;
const KNOWN_S: u32 = 64;
const MOST_S: u32 = 1024;
/** A server that says RATE is asked half as often, but not more seldom than this. */
const RATE_MOST_S: u32 = 1 << 17;
/** RFC 4330 §5: a server that is farther from its reference is of no use, in units of 2^-16 s. */
const ROOT_MAX: u32 = 1 << 16;

const enum Asks { OFF, WAITING, ASKING }

/** What `sntp_info` writes. */
@unmanaged export class Time {
  /** Who told the time, or is asked for it, an IPv4 address or the name of an IPv6 one; 0: nobody was asked yet. */
  server: u32;
  /** 1 to 15: how far from a reference clock the server was that told the time. 0: the time is not known. */
  stratum: u32;
  /** 1 or 2: the last minute of the day has 61 or 59 seconds. */
  leap: u32;
  /** Questions sent. */
  sent: u32;
  /** Answers taken. */
  taken: u32;
  /** Datagrams from the server that was asked that were no answers, or of no use. */
  dropped: u32;
  /** Servers that asked to be left alone, or to be asked less often (RFC 4330 §8). */
  kisses: u32;
  /** Seconds between questions. */
  intervalS: u32;
  /** UTC when the clock of `poll` was `at`, in µs since 1970. */
  utc: u64;
  /** When it was told. */
  at: u64;
  /** The round trip to the server, µs: the time is wrong by half of it at most, if the server is right. */
  delay: u64;
}

@unmanaged class Client extends Time {
  /** When there is something to do. */
  due: Micros;
  /** When the question left. */
  askedAt: Micros;
  /** What the question had for its time of sending: bits that nobody can guess. */
  high: u32;
  low: u32;
  /** Servers given by hand, whose names are kept (`timeServerAt`); 0: no more, or those of the lease. */
  first: Address;
  second: Address;
  third: Address;
  /** Those of the lease when it was last looked at. */
  lease0: u32;
  lease1: u32;
  /** Which of the servers is asked, modulo their number; how many were asked in this round. */
  which: u32;
  tried: u32;
  /** Bits: servers that said DENY or RSTR. */
  denied: u32;
  /** Our port, while an answer is waited for. */
  port: u16;
  /** One of `Asks`. */
  asks: u8;
  /** Whether a question is to be sent. */
  sending: bool;
  /** How many questions had been sent when the round began. */
  sentBefore: u32;
}

export let time: Time = changetype<Time>(0);
let client: Client = changetype<Client>(0);

export function sntpInit(): void {
  client = changetype<Client>(take(1, offsetof<Client>()));
  time = client;
}

/** The server that was given as the `i`-th; 0: none was. */
export function timeServerAt(i: u32): Address {
  return load<u32>(changetype<usize>(client) + (<usize>i << 2), offsetof<Client>("first"));
}

function giveAt(i: u32, server: Address): void {
  assert(i < TIME_SERVERS_MAX);
  const had = timeServerAt(i), kept = IPV6 ? nameKeep(server) : server;
  store<u32>(changetype<usize>(client) + (<usize>i << 2), kept, offsetof<Client>("first"));
  if (!IPV6) return;
  // Its name may become another address's.
  if (isName(had) && client.server == had) client.server = 0;
  nameDrop(had);
}

/** Begins to ask these servers, in this order; all 0: those of the lease. What is known stays. */
export function sntpBegin(first: u32, second: u32, third: u32): void {
  giveAt(0, first);
  giveAt(1, second);
  giveAt(2, third);
  begin();
}

/** One more server to ask, of either family: it begins with the first one. Returns false if there are three. */
export function timeServerAdd(server: Address): bool {
  for (let i: u32 = 0; i < TIME_SERVERS_MAX; i++) {
    if (timeServerAt(i) != 0) continue;
    giveAt(i, server);
    begin();
    return true;
  }
  return false;
}

/** Whether it asks anybody, or waits for somebody to ask. */
export function sntpIsOn(): bool {
  return client.asks != <u8>Asks.OFF;
}

function begin(): void {
  client.which = client.tried = client.denied = 0;
  client.sentBefore = client.sent;
  client.intervalS = LEAST_S;
  waitMs(randomBelow(FIRST_MS));
}

export function sntpEnd(): void {
  client.asks = <u8>Asks.OFF;
  client.port = 0;
  client.sending = false;
  heapDisarm(sntpOwner());
}

/** UTC now, µs since 1970; 0: it is not known. */
export function sntpNow(): u64 {
  return time.stratum == 0 ? 0 : time.utc + (clock.us - time.at);
}

function serverCount(): u32 {
  if (client.first == 0) return lease.ntp0 == 0 ? 0 : lease.ntp1 == 0 ? 1 : 2;
  return client.second == 0 ? 1 : client.third == 0 ? 2 : 3;
}

function serverAt(i: u32): Address {
  if (client.first == 0) return i == 0 ? lease.ntp0 : lease.ntp1;
  return timeServerAt(i);
}

/** Whether there is an address of ours to ask one of the servers from. */
function canAsk(): bool {
  for (let i: u32 = 0, n = serverCount(); i < n; i++) if (sourceFor(serverAt(i)) != 0) return true;
  return false;
}

/** Nothing is asked for so long. */
function waitMs(ms: u32): void {
  client.asks = <u8>Asks.WAITING;
  client.port = 0;
  client.sending = false;
  client.due = afterMs(ms);
  heapArm(sntpOwner(), client.due);
}

/** The next round. Clients that began together ask at different times. */
function waitRound(): void {
  client.tried = 0;
  client.sentBefore = client.sent;
  waitMs(client.intervalS * 1000 + randomBelow(client.intervalS * 125));
}

/** RFC 4330 §10: less and less often, with answers or without; never more often again. */
function askLess(most: u32): void {
  if (client.intervalS < most) client.intervalS <<= 1;
}

/** Its entry in the heap came up. */
export function sntpTimer(): void {
  heapDisarm(sntpOwner());
  if (!isDue(client.due)) heapArm(sntpOwner(), client.due);
  else if (client.asks == <u8>Asks.ASKING) failed();
  else ask();
}

/** Asks the next server that may be asked, if there is one in this round. */
function ask(): void {
  const n = serverCount(), all = (<u32>1 << n) - 1;
  if (!canAsk()) {
    client.tried = 0;
    waitMs(LOOK_MS);
    return;
  }
  noteLease();
  if ((client.denied & all) == all) {
    // Nobody may be asked any more (RFC 4330 §8), but whom another lease names.
    if (client.first != 0) sntpEnd();
    else waitMs(LOOK_MS);
    return;
  }
  for (; client.tried < n; client.tried++, client.which++) {
    const server = serverAt(client.which % n);
    if ((client.denied >> client.which % n & 1) != 0 || sourceFor(server) == 0) continue;
    client.server = server;
    client.asks = <u8>Asks.ASKING;
    client.port = 0;
    client.sending = true;
    client.due = NEVER;
    return;
  }
  // A round in which nothing could be sent was of no load to anybody.
  if (client.sent != client.sentBefore) askLess(MOST_S);
  waitRound();
}

/** Other servers than those before have denied nothing. */
function noteLease(): void {
  if (client.first != 0 || (client.lease0 == lease.ntp0 && client.lease1 == lease.ntp1)) return;
  client.lease0 = lease.ntp0;
  client.lease1 = lease.ntp1;
  client.denied = 0;
}

/** No answer, or one of no use: the next server is asked, or, when all were, the next round begins later. */
function failed(): void {
  client.which++;
  client.tried++;
  ask();
}

/** Sends the question that is due. Returns whether it has to wait for a slot. */
export function sntpOutput(): bool {
  if (!client.sending) return false;
  const way = ipWay(client.server);
  if (way == Way.NO_SLOT) return true;
  // Where there is no way, the time that it takes to find out runs all the same.
  if (way == Way.OPEN) send();
  else wake();
  if (way != Way.OPEN && client.due != NEVER) return false;
  client.sending = way == Way.UNRESOLVED;
  client.due = afterMs(PATIENCE_MS);
  heapArm(sntpOwner(), client.due);
  return false;
}

function send(): void {
  client.port = freePort();
  client.high = random32();
  client.low = random32();
  const at = datagramBegin(sourceFor(client.server), client.server, client.port, NTP_PORT, config.ttl);
  if (at == 0) return;
  changetype<Ntp>(at).ask(client.high, client.low);
  datagramEnd(Ntp.SIZE);
  client.askedAt = clock.us;
  client.sent++;
}

/** A datagram. Returns whether it came from the server that was asked, and to the port that asked. */
export function sntpInput(ip: Ipv4, udp: Udp, size: u32): bool {
  if (client.port == 0 || udp.srcPort != NTP_PORT || udp.dstPort != <u32>client.port || ip.src != client.server) {
    return false;
  }
  const m = changetype<Ntp>(changetype<usize>(udp) + Udp.SIZE);
  if (!udp.isValid(size) || !udpSumOk(ip, udp) || !m.isAnswer(udp.size - Udp.SIZE) ||
      !m.answers(client.high, client.low)) {
    // Of somebody else, perhaps: the answer may still come.
    client.dropped++;
  } else if (m.stratum == 0) {
    kissed(m.reference);
  } else if (!takes(m)) {
    client.dropped++;
    failed();
  }
  return true;
}

/** RFC 4330 §8: the server wants to be left alone, or to be asked less often. Other words are no answer. */
function kissed(word: u32): void {
  client.kisses++;
  const n = serverCount();
  if (n != 0 && (word == KISS_DENY || word == KISS_RSTR)) client.denied |= <u32>1 << client.which % n;
  if (word != KISS_RATE) {
    failed();
    return;
  }
  client.which++;
  askLess(RATE_MOST_S);
  waitRound();
}

/** Takes the time from an answer. Returns false if it is of no use (RFC 4330 §5). */
function takes(m: Ntp): bool {
  if (m.leap == LEAP_UNKNOWN || m.stratum > 15 || !m.hasSent || !m.hasReceived || m.rootDelay >= ROOT_MAX ||
      m.rootDispersion >= ROOT_MAX) return false;
  // Before 1970 a server has no time, but that of its start.
  if (<i64>m.received <= 0 || <i64>m.sent <= 0) return false;
  const held = m.sent - m.received, whole = clock.us - client.askedAt;
  if (<i64>held < 0) return false;
  // A server's clock may go faster than ours.
  const delay = held < whole ? whole - held : 0;
  client.utc = m.sent + (delay >> 1);
  client.at = clock.us;
  client.delay = delay;
  client.stratum = m.stratum;
  client.leap = m.leap;
  client.taken++;
  askLess(MOST_S);
  if (client.intervalS < KNOWN_S) client.intervalS = KNOWN_S;
  waitRound();
  tellStack(Event.TIME);
  return true;
}

/** An ICMP error says that what went from `port` to `server` did not arrive. */
export function sntpRefused(server: Address, port: u32): void {
  if (client.port != 0 && <u32>client.port == port && client.server == server) failed();
}
