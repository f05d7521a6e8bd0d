// The DHCPv6 client (RFC 8415): as routers say, an address (M), or what else there is to know (O). One state machine
// with one timer. What it sends goes to all servers of the link, out of the link-local address.

import { config } from "../config";
import { clock, isDue, Micros, NEVER } from "../core/clock";
import { Event } from "../core/events";
import { random32, randomBelow } from "../core/random";
import { heapArm, heapDisarm } from "../buffers/heap";
import { Dhcp6, Dhcp6Option, Dhcp6Type, DHCP6_CLIENT, DHCP6_SERVER, Option6, Status } from "../wire/dhcp6";
import { Ipv4 } from "../wire/ipv4";
import { Udp } from "../wire/udp";
import { Address, At, nameFor, nameHigh, nameLow, namePut, OWN_MAX } from "../address/names";
import { Asks, interface6, isLinkLocal, Origin, Own, ownAt, ownFind } from "../ip/interface6";
import { addressEnd, leaseTake } from "./configure";
import { resolverIs, until } from "./routers";
import { udpSumOk } from "../udp/udp";
import { datagramBegin, datagramEnd } from "../clients/datagram";
import { Client6, client6, lease6, serverId, State6 } from "./dhcp6-state";
import { CLIENT_BYTES, clientPut, iaid, options6Read, said, SERVER_BYTES } from "./dhcp6-options";
import { dhcp6Owner, tellStack } from "../clients/owners";

/** RFC 8415 §7.6, ms: the random delay before the first message, and first and largest time-outs. */
const DELAY_MS: u32 = 1000;
const FIRST_MS: u32 = 1000;
const RENEW_MS: u32 = 10_000;
const RENEW_MOST_MS: u32 = 600_000;
const REQUEST_MOST_MS: u32 = 30_000;
const SOLICIT_MOST_MS: u32 = 3_600_000;
/** So often a Request, a Decline and a Release are sent. */
const REQUESTS_MAX: u8 = 10;
const FAREWELLS_MAX: u8 = 4;
/** RFC 8415 §21.23, s: when it is asked again, if the server does not say; the least that is believed. */
const REFRESH_S: u32 = 86_400;
const REFRESH_LEAST_S: u32 = 600;
/** What is told of servers is believed so much longer, s. */
const GRACE_S: u32 = 3600;
/** A lease is renewed after so long at the earliest, s: whatever a server says, it is not asked all the time. */
const RENEW_LEAST_S: u32 = 10;
/** Failures in a row make the next attempt wait twice as long each, so often. */
const DOUBLINGS: u32 = 6;

/** IPv6 begins: what routers say is heeded. */
export function dhcp6Begin(): void {
  interface6.asks = 0;
  client6.unwanted = false;
  client6.high = client6.low = 0;
  client6.failures = client6.serverSize = 0;
  client6.solicitMaxMs = client6.informMaxMs = SOLICIT_MOST_MS;
  client6.endsAt = NEVER;
  rest(State6.WAITING);
}

/** IPv6 has ended: its addresses are gone, and nothing can be sent. */
export function dhcp6Gone(): void {
  client6.endsAt = NEVER;
  rest(State6.OFF);
}

/** The address is given back (RFC 8415 §18.2.7): it is used no more from now on. Routers are heeded no more. */
export function dhcp6End(): void {
  client6.unwanted = false;
  if (lease6.state == State6.RELEASING) return;
  const held = holds();
  lose();
  if (held) exchangeBegin(State6.RELEASING, 0);
  else dhcp6Gone();
}

/**
 * The host took an address away. If a server gave it, it hears of that (RFC 8415 §18.2.7), and none is asked for until
 * the link changes; renewed, it would come back.
 */
export function dhcp6Unwanted(name: Address): void {
  if (!holds() || nameHigh(name) != client6.high || nameLow(name) != client6.low) return;
  client6.unwanted = true;
  client6.endsAt = NEVER;
  exchangeBegin(State6.RELEASING, 0);
}

/** The link may lead elsewhere: whoever has the lease says whether it is good there. */
export function dhcp6LinkChanged(): void {
  interface6.asks = 0;
  // Deviates from RFC 8415 §18.2.12: Rebind in the place of Confirm.
  if (holds()) exchangeBegin(State6.REBINDING, DELAY_MS);
  else if (lease6.state != State6.OFF && (lease6.state != State6.RELEASING || client6.unwanted)) {
    client6.unwanted = false;
    lose();
    rest(State6.WAITING);
  }
}

/** Whether a server gave an address that is in use. */
function holds(): bool {
  return lease6.state >= <u32>State6.BOUND && lease6.state <= <u32>State6.REBINDING;
}

/** A state in which nothing is sent. */
function rest(state: State6): void {
  lease6.state = state;
  client6.sending = false;
  arm(NEVER);
}

function arm(due: Micros): void {
  client6.due = due;
  const first = min(due, client6.endsAt);
  heapDisarm(dhcp6Owner());
  if (first != NEVER) heapArm(dhcp6Owner(), first);
}

/** An exchange begins, by chance within `delayMs`. */
function exchangeBegin(state: State6, delayMs: u32): void {
  lease6.state = state;
  client6.xid = random32() & 0xffffff;
  client6.tries = 0;
  client6.rtMs = 0;
  client6.sending = false;
  if (state == State6.SOLICITING) client6.serverSize = client6.preference = 0;
  arm(clock.us + (delayMs == 0 ? 0 : <u64>randomBelow(delayMs * 1000)));
}

/** The search begins anew, without the address, the later the more often it failed. */
function searchAgain(): void {
  const wait = DELAY_MS << min(client6.failures++, DOUBLINGS);
  lose();
  exchangeBegin(State6.SOLICITING, DELAY_MS);
  if (client6.failures > 1) arm(clock.us + <u64>wait * 1000);
}

/** The address is not ours any more, if it was. */
function lose(): void {
  client6.endsAt = NEVER;
  if (client6.high == 0) return;
  const a = ownFind(leased());
  if (a != null && a.origin == <u8>Origin.DHCP) addressEnd(a);
}

function leased(): Address {
  return nameFor(changetype<usize>(client6) + offsetof<Client6>("high"), At.OTHER);
}

// Time.

/** RFC 8415 §15: the next time-out, ± 10 %. */
function nextMs(): u32 {
  const state = lease6.state, slow = state == State6.RENEWING || state == State6.REBINDING;
  const first = slow ? RENEW_MS : FIRST_MS, most = slow ? RENEW_MOST_MS
    : state == State6.SOLICITING ? client6.solicitMaxMs : state == State6.INFORMING ? client6.informMaxMs
    : REQUEST_MOST_MS;
  const base = client6.rtMs == 0 ? first : client6.rtMs >= most >> 1 ? most : client6.rtMs << 1;
  // The first time-out of a Solicit is longer than 1 s (§18.2.1): others may answer within it.
  const spread = base / 10, early = client6.rtMs == 0 && state == State6.SOLICITING ? 0 : spread;
  return base - early + randomBelow(early + spread) + 1;
}

/** Its entry in the heap came up. */
export function dhcp6Timer(): void {
  if (isDue(client6.endsAt)) {
    searchAgain();
    return;
  }
  if (!isDue(client6.due)) {
    arm(client6.due);
    return;
  }
  // A message that cannot be sent yet does not keep the lease from its end.
  arm(NEVER);
  switch (lease6.state) {
    case State6.BOUND:
      // RFC 8415 §14.1: one that ends sooner, or that cannot be used, is no success: the next one is asked for later.
      client6.failures = 0;
      exchangeBegin(State6.RENEWING, 0);
      return;
    case State6.INFORMED:
      exchangeBegin(State6.INFORMING, DELAY_MS);
      return;
    case State6.SOLICITING:
      if (client6.serverSize != 0) exchangeBegin(State6.REQUESTING, 0);
      else client6.sending = true;
      return;
    case State6.REQUESTING:
      if (client6.tries >= REQUESTS_MAX) searchAgain();
      else client6.sending = true;
      return;
    case State6.RENEWING:
      if (isDue(client6.rebindAt)) exchangeBegin(State6.REBINDING, 0);
      else client6.sending = true;
      return;
    case State6.DECLINING:
    case State6.RELEASING:
      if (client6.tries >= FAREWELLS_MAX) farewell();
      else client6.sending = true;
      return;
    default:
      client6.sending = true;
  }
}

/** The server knows, or does not answer. */
function farewell(): void {
  if (lease6.state == State6.RELEASING) rest(client6.unwanted ? State6.WAITING : State6.OFF);
  else searchAgain();
}

// Sending.

/** Looks at what routers say, and sends what is due. Returns whether it has to wait for a slot. */
export function dhcp6Output(): bool {
  if (lease6.state == State6.OFF) return false;
  if ((interface6.asks & Asks.DECLINE) != 0) {
    interface6.asks &= ~<u8>Asks.DECLINE;
    // RFC 8415 §18.2.8: somebody else has the address.
    if (holds()) {
      lease6.declined++;
      client6.endsAt = NEVER;
      exchangeBegin(State6.DECLINING, 0);
    }
  }
  const waits = lease6.state == State6.WAITING, informs = lease6.state >= <u32>State6.INFORMING;
  const managed = (interface6.asks & Asks.MANAGED) != 0;
  if (managed && !client6.unwanted && (waits || informs)) exchangeBegin(State6.SOLICITING, DELAY_MS);
  // What M says of addresses includes what O says (RFC 4861 §4.2).
  else if (waits && interface6.asks != 0) exchangeBegin(State6.INFORMING, DELAY_MS);
  // What has just begun may be due already.
  if (!client6.sending && client6.due != NEVER && isDue(client6.due)) dhcp6Timer();
  if (!client6.sending) return false;
  const from = linkLocal();
  // It is looked for whether somebody has that, or everybody had: then it waits.
  if (from == 0) return false;
  if (!send(from)) return true;
  client6.sending = false;
  client6.rtMs = nextMs();
  const next = clock.us + <u64>client6.rtMs * 1000;
  arm(lease6.state == State6.RENEWING ? min(next, client6.rebindAt) : next);
  return false;
}

/** Our link-local address; 0: there is none. */
function linkLocal(): Address {
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    const a = ownAt(i);
    if (a.state == <u8>Own.VALID && a.origin == <u8>Origin.LINK_LOCAL) return a.name;
  }
  return 0;
}

function typeNow(): Dhcp6Type {
  switch (lease6.state) {
    case State6.SOLICITING: return Dhcp6Type.SOLICIT;
    case State6.REQUESTING: return Dhcp6Type.REQUEST;
    case State6.RENEWING: return Dhcp6Type.RENEW;
    case State6.REBINDING: return Dhcp6Type.REBIND;
    case State6.DECLINING: return Dhcp6Type.DECLINE;
    case State6.RELEASING: return Dhcp6Type.RELEASE;
    default: return Dhcp6Type.INFORM;
  }
}

/** Begins an option. Returns where its data go. */
function optionPut(at: usize, code: Dhcp6Option, size: u32): usize {
  changetype<Option6>(at).begin(code, size);
  return at + Option6.SIZE;
}

/** Sends the message of the state. Returns false: there is no slot. */
function send(from: Address): bool {
  // ff02::1:2, all servers and relays of the link.
  const all = namePut(0x02ff, 0x0200_0100_0000_0000, At.OTHER);
  const start = datagramBegin(from, all, DHCP6_CLIENT, DHCP6_SERVER, config.ttl);
  if (start == 0) return false;
  const type = typeNow();
  if (client6.tries == 0) client6.startedAt = clock.us;
  changetype<Dhcp6>(start).begin(type, client6.xid);
  let at = optionPut(start + Dhcp6.SIZE, Dhcp6Option.CLIENT, CLIENT_BYTES);
  clientPut(at);
  at = optionPut(at + CLIENT_BYTES, Dhcp6Option.ELAPSED, 2);
  store<u16>(at, bswap<u16>(<u16>min<u64>((clock.us - client6.startedAt) / 10_000, 0xffff)));
  at += 2;
  if (type != Dhcp6Type.SOLICIT && type != Dhcp6Type.REBIND && type != Dhcp6Type.INFORM) at = putServer(at);
  if (type != Dhcp6Type.INFORM) at = putIa(at, type);
  if (type != Dhcp6Type.DECLINE && type != Dhcp6Type.RELEASE) at = putWanted(at, type);
  datagramEnd(<u32>(at - start));
  lease6.sent++;
  if (client6.tries < 255) client6.tries++;
  return true;
}

function putServer(at: usize): usize {
  const size = client6.serverSize;
  assert(size <= SERVER_BYTES);
  at = optionPut(at, Dhcp6Option.SERVER, size);
  memory.copy(at, serverId, size);
  return at + size;
}

/** Our IA_NA, with the address that it is about, if there is one. */
function putIa(at: usize, type: Dhcp6Type): usize {
  const hasNone = type == Dhcp6Type.SOLICIT || client6.high == 0;
  at = optionPut(at, Dhcp6Option.IA_NA, hasNone ? 12 : 40);
  store<u32>(at, bswap<u32>(iaid()));
  store<u64>(at, 0, 4);
  at += 12;
  if (hasNone) return at;
  at = optionPut(at, Dhcp6Option.ADDRESS, 24);
  store<u64>(at, client6.high);
  store<u64>(at, client6.low, 8);
  store<u64>(at, 0, 16);
  return at + 24;
}

/** What we want to know (RFC 8415 §21.7): DNS servers, and the largest time-outs. */
function putWanted(at: usize, type: Dhcp6Type): usize {
  const informs = type == Dhcp6Type.INFORM;
  at = optionPut(at, Dhcp6Option.REQUEST, informs ? 6 : 4);
  store<u16>(at, bswap<u16>(<u16>Dhcp6Option.DNS));
  store<u16>(at, bswap<u16>(<u16>(informs ? Dhcp6Option.INFORM_MAX : Dhcp6Option.SOLICIT_MAX)), 2);
  if (!informs) return at + 4;
  store<u16>(at, bswap<u16>(<u16>Dhcp6Option.REFRESH), 4);
  return at + 6;
}

// What comes.

/** A datagram for the port of clients. Returns whether it was the client's. */
export function dhcp6Input(ip: Ipv4, udp: Udp, size: u32): bool {
  if (lease6.state == State6.OFF) return false;
  const at = changetype<usize>(udp) + Udp.SIZE, m = changetype<Dhcp6>(at);
  if (!udp.isValid(size) || udp.size < Udp.SIZE + Dhcp6.SIZE || !udpSumOk(ip, udp) || udp.srcPort != DHCP6_SERVER ||
      !isLinkLocal(ip.dst) || client6.tries == 0 || m.xid != client6.xid ||
      !options6Read(at, udp.size - Udp.SIZE) || !said.isOurs || said.server == 0 || !dhcp6Take(m.type)) {
    lease6.dropped++;
  } else {
    lease6.taken++;
  }
  return true;
}

/** Takes the answer in whose options were read. Returns false if it is none to what was asked. */
function dhcp6Take(type: u32): bool {
  const state = <State6>lease6.state;
  if (type == Dhcp6Type.ADVERTISE) return state == State6.SOLICITING && offerTake();
  if (type != Dhcp6Type.REPLY) return false;
  switch (state) {
    case State6.INFORMING:
      informed();
      return true;
    case State6.REQUESTING:
    case State6.RENEWING:
      return isChosen() && replyTake();
    case State6.REBINDING:
      return replyTake();
    case State6.DECLINING:
    case State6.RELEASING:
      if (!isChosen()) return false;
      farewell();
      return true;
    default:
      return false;
  }
}

function isChosen(): bool {
  return said.serverSize == client6.serverSize && memory.compare(said.server, serverId, said.serverSize) == 0;
}

function choose(): void {
  assert(said.serverSize <= SERVER_BYTES);
  memory.copy(serverId, said.server, said.serverSize);
  client6.serverSize = said.serverSize;
}

/** RFC 8415 §18.2.9: the largest time-outs are heeded of whatever server, between a minute and a day. */
function maxima(): void {
  if (said.solicitMaxS >= 60 && said.solicitMaxS <= 86_400) client6.solicitMaxMs = said.solicitMaxS * 1000;
  if (said.informMaxS >= 60 && said.informMaxS <= 86_400) client6.informMaxMs = said.informMaxS * 1000;
}

/** An Advertise: the best one is taken when the first time-out is over, or one that wants to be at once. */
function offerTake(): bool {
  maxima();
  if (said.status != Status.OK || said.address == 0 || said.validS == 0) {
    lease6.refused++;
    return true;
  }
  if (client6.serverSize != 0 && said.preference <= client6.preference) return true;
  choose();
  client6.preference = said.preference;
  client6.high = load<u64>(said.address);
  client6.low = load<u64>(said.address, 8);
  if (said.preference == 255 || client6.tries > 1) exchangeBegin(State6.REQUESTING, 0);
  return true;
}

/** A Reply about our address. */
function replyTake(): bool {
  maxima();
  switch (said.status) {
    case Status.OK:
      break;
    case Status.NO_BINDING:
      lease6.refused++;
      // RFC 8415 §18.2.10.1: the server does not know of it, and may give it all the same.
      if (lease6.state == State6.REQUESTING) searchAgain();
      else {
        choose();
        exchangeBegin(State6.REQUESTING, 0);
      }
      return true;
    case Status.NO_ADDRESSES:
    case Status.NOT_ON_LINK:
      lease6.refused++;
      searchAgain();
      return true;
    default:
      // It may do better when it is asked again.
      lease6.refused++;
      return true;
  }
  if (!said.hasIa || said.address == 0) return false;
  if (said.validS != 0) {
    bind();
    return true;
  }
  lease6.refused++;
  searchAgain();
  return true;
}

/** The server gives the address, or goes on doing so. */
function bind(): void {
  const high = load<u64>(said.address), low = load<u64>(said.address, 8);
  if (high != client6.high || low != client6.low) lose();
  client6.high = high;
  client6.low = low;
  choose();
  client6.endsAt = until(said.validS);
  const preferredS = said.preferredS == 0 ? said.validS : said.preferredS;
  const t1 = said.t1S != 0 ? said.t1S : preferredS == u32.MAX_VALUE ? preferredS : preferredS >> 1;
  const t2 = said.t2S != 0 ? said.t2S : preferredS == u32.MAX_VALUE ? preferredS : preferredS - preferredS / 5;
  client6.renewAt = until(max(t1, RENEW_LEAST_S));
  client6.rebindAt = until(max(max(t1, t2), RENEW_LEAST_S));
  servers(said.validS);
  lease6.state = State6.BOUND;
  client6.sending = false;
  // While it is looked for whether somebody has it, it is not renewed.
  if (!leaseTake(leased(), until(said.preferredS), client6.endsAt)) {
    searchAgain();
    return;
  }
  arm(client6.renewAt);
}

/** A Reply that tells what else there is to know. A server that cannot may do better when it is asked again. */
function informed(): void {
  maxima();
  if (said.status != Status.OK) {
    lease6.refused++;
    return;
  }
  const told = said.refreshS == 0 ? REFRESH_S : max(said.refreshS, REFRESH_LEAST_S);
  servers(told);
  // Whoever waits for a server to ask looks whether there is one.
  tellStack(Event.ADDRESS);
  rest(State6.INFORMED);
  arm(until(told));
}

/** The DNS servers that were told are known for so long, and a while. */
function servers(s: u32): void {
  const end = until(s >= u32.MAX_VALUE - GRACE_S ? u32.MAX_VALUE : s + GRACE_S);
  for (let at: u32 = 0; at < said.dnsSize; at += 16) resolverIs(said.dns + at, end);
}
