// The one file that knows every protocol: it lays the stack out, carries frames from layer to layer, and decides
// the order in which a `poll` does its work.

import {
  BLOCK, BLOCK_SIZE, Config, ETHERNET_SIZE, Policy, config, configCheck, configCheckSizes, configUse, isDull,
} from "./config";
import { checkAll } from "./checks";
import { Err } from "./core/error";
import {
  CHECKS, COOKIES, DHCP, DHCP6, DNS, FAST_OPEN, IMAGE, LINKED, LINK_CHANGES, LINK_LOCAL, LOOPBACK, MDNS, OWNERSHIP,
  IPV6, REASSEMBLY, SNTP, SPEED, UDP,
} from "./features";
import { clock, clockAdvance, clockInit, isDue, Clock, Micros, NEVER } from "./core/clock";
import { count, countBy, countersInit, Mib } from "./core/counters";
import { eventsInit, eventRaise, Event } from "./core/events";
import { layoutBegin, layoutEnd, take } from "./core/layout";
import { linked } from "./core/linked";
import { giveBack, lend, ownBegin, ownSize } from "./core/own";
import { randomAgain, randomInit, randomNote, randomNoted, RANDOM_SIZE } from "./core/random";
import { isWoken, turnsBegin, turnsInit, wake } from "./core/turns";
import { heapInit, heapNext, heapOwner, heapCount } from "./buffers/heap";
import { rangesInit } from "./buffers/ranges";
import {
  SlotRing, slotBegin, slotConsume, slotFirst, slotFirstSize, slotsEnd, slotsInit, slotsUsed,
} from "./buffers/slots";
import { DHCP_CLIENT } from "./wire/dhcp";
import { DHCP6_CLIENT } from "./wire/dhcp6";
import { Arp, ARP_REPLY, ARP_REQUEST } from "./wire/arp";
import {
  ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_TAG, Ethernet, MAC_BROADCAST, MAC_GROUP6, TAG_SIZE,
} from "./wire/ethernet";
import { Ipv6, NEXT_ICMP6 } from "./wire/ipv6";
import { ICMP6_PARAMETER_PROBLEM, ICMP6_UNREACHABLE, UNREACHABLE6_PORT } from "./wire/icmp6";
import {
  EXCEEDED_REASSEMBLY, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE, Icmp, UNREACHABLE_PORT, UNREACHABLE_PROTOCOL,
} from "./wire/icmp";
import { IP_MF, IP_OFFSET_MASK, Ipv4, PROTO_ICMP, PROTO_IGMP, PROTO_TCP, PROTO_UDP } from "./wire/ipv4";
import { TcpHeader } from "./wire/tcp";
import { Udp } from "./wire/udp";
import { ArpResult, arpInput, arpInputInit } from "./arp/input";
import { isName, namesInit, namesSettle } from "./address/names";
import {
  neighboursDoubt, neighboursInit, neighboursNext, neighboursTick, neighbourAt, neighbourIsKnown, status as neighbours,
} from "./arp/neighbours";
import { hasAddress, isMulticast } from "./ip/address";
import { groupsInit, isGroupMac } from "./ip/groups";
import { Accepts, Came, ipAccepts, ipTakePlain } from "./ip/input";
import { arpSend, ipFailed, ipOutputInit, ipResolved, ownMac } from "./ip/output";
import {
  Datagram, datagramBegun, datagramFree, datagramHeader, reassemble, reassemblyExpired, reassemblyInit, reassemblyNext,
} from "./ip/reassembly";
import { ipForget, ipForgetOld, loopRing, wayInit } from "./ip/way";
import { interface6, interface6Init } from "./ip/interface6";
import {
  fragmentView, in6, input6Init, ip6Accepts, ip6Fragment, ip6TakePlain, ip6Walk, ip6TakeWhole, NEXT_AT, view, Walk,
} from "./ip/input6";
import { icmpErrorsInit } from "./icmp/errors";
import { IcmpResult, icmpError, icmpInput } from "./icmp/icmp";
import { icmp6Error, icmp6Expired, icmp6Init, icmp6Input, icmp6Quoted, Icmp6Result, quoted } from "./icmp/icmp6";
import { NO_SOCKET, UdpResult, udpAt, udpFind, udpIcmpError, udpInit, udpInput, udpOutput } from "./udp/udp";
import { tcbAt, tcbIndex, tcbsInit, workAdd, workEnd, workPending, workTake, workUnblock } from "./tcp/block/tcb";
import { demuxInit, isConn, isHalfOpen, halfOpenBase, listenerBase, timeWaitBase } from "./tcp/block/demux";
import { halfOpenRetry } from "./tcp/open/half-open";
import { isnInit } from "./tcp/open/isn";
import { tcpIcmpError, tcpNeighbourFailed } from "./tcp/icmp-error";
import { tcpInput } from "./tcp/input";
import { Turn, tcpOutput } from "./tcp/output";
import { sendersInit } from "./tcp/block/sender";
import { halfOpenInit, halfOpenAt } from "./tcp/block/half-open-record";
import { timeWaitInit } from "./tcp/block/time-wait-record";
import { synCookieInit } from "./tcp/open/syn-cookie";
import { fastOpenInit } from "./tcp/open/fast-open";
import { synRateInit } from "./tcp/open/syn-rate";
import { listenersInit, listenerTimer } from "./tcp/open/listener";
import { recordGone } from "./tcp/open/accept";
import { tcbTimer } from "./tcp/due";
import { timeWaitTimer } from "./tcp/close/time-wait";
import { addressInit, addressOutput } from "./clients/address";
import { dhcpHears, dhcpInput, dhcpLinkChanged, dhcpOutput, dhcpTimer } from "./clients/dhcp";
import { optionsInit } from "./clients/dhcp-options";
import { dhcpStateInit } from "./clients/dhcp-state";
import { dhcp6Input, dhcp6LinkChanged, dhcp6Output, dhcp6Timer } from "./nd/dhcp6";
import { options6Init } from "./nd/dhcp6-options";
import { dhcp6StateInit } from "./nd/dhcp6-state";
import { dnsInit, dnsInput, dnsOutput, dnsRefused, dnsTimer } from "./clients/dns";
import { answerInit } from "./clients/dns-answer";
import { igmpInit, igmpInput } from "./clients/igmp";
import { mdnsInit, mdnsInput, mdnsLinkChanged, mdnsOutput, mdnsTimer } from "./clients/mdns";
import { queryInit } from "./clients/mdns-query";
import { recordsInit } from "./clients/mdns-records";
import {
  linkLocalContested, linkLocalHears, linkLocalInit, linkLocalLinkChanged, linkLocalTimer,
} from "./clients/link-local";
import {
  CLIENTS, dhcp6Owner, dhcpOwner, dnsOwner, linkLocalOwner, mdnsOwner, ndOwner, sntpOwner, STACK_PLACES,
} from "./clients/owners";
import { sntpInit, sntpInput, sntpOutput, sntpRefused, sntpTimer } from "./clients/sntp";
import { configureInit, configureLinkChanged, configureOutput, configureTimer } from "./nd/configure";
import { ndInput } from "./nd/input";
import { routerSilent } from "./nd/routers";
import { solicit } from "./nd/send";

/** The control block: the ring of frames to the stack, and behind it the one of frames from it. */
const CONTROL_RX: u32 = 0;
const CONTROL_TX: u32 = offsetof<SlotRing>();
const CONTROL_SIZE: u32 = 2 * offsetof<SlotRing>();

@unmanaged class StackState {
  /** Whether the address was announced. */
  announced: bool;
  pad: u8;
  pad2: u16;
  arenaBase: u32;
  arenaEnd: u32;
  /** As configured: 0 is whatever the memory's size is at the time. */
  memoryBytes: u32;
  app: u32;
}

let control: usize = 0;
let state: StackState = changetype<StackState>(0);

/** Rounds of a loop between our own sockets in one `poll`. @full the next `poll` goes on, at once */
const ROUNDS_MAX: u32 = 64;

/** Timers that one `poll` fires. @full the next `poll` goes on, at once */
const TIMERS_MAX: u32 = 256;
/** Connections that have their turn in one `poll`. @full the next `poll` goes on, at once */
const TURNS_MAX: u32 = 1024;

/** Whether a plan only says where everything would lie, or is written, too. */
const enum Plan { MEASURE, COMMIT }

/** Lays everything out from `base` on, as `block` says. Returns the end of the arena. */
function plan(base: u64, block: usize, what: Plan): u64 {
  const commit = what == Plan.COMMIT;
  layoutBegin(base, commit);
  const c = take(1, offsetof<Config>()), ctl = take(1, CONTROL_SIZE);
  state = changetype<StackState>(take(1, offsetof<StackState>()));
  clockInit(take(1, offsetof<Clock>()));
  const r = take(1, RANDOM_SIZE);
  configUse(block);
  if (commit) {
    memory.copy(c, block, offsetof<Config>());
    configUse(c);
    control = ctl;
    randomInit(r, block + offsetof<Config>("entropy0"));
    if (IMAGE) randomNote();
  }
  countersInit();
  turnsInit();
  if (IPV6) namesInit();
  eventsInit(config.connsMax + config.listenersMax + config.udpMax + STACK_PLACES);
  heapInit(listenerBase() + config.listenersMax + CLIENTS);
  rangesInit(config.rangesMax);
  slotsInit(ctl + CONTROL_RX, config.rxSlots, config.mtu + TAG_SIZE);
  slotsInit(ctl + CONTROL_TX, config.txSlots, config.mtu);
  neighboursInit();
  arpInputInit();
  if (MDNS) groupsInit();
  if (IPV6) {
    interface6Init();
    input6Init();
    icmp6Init();
    configureInit();
  }
  wayInit(ctl + CONTROL_TX);
  ipOutputInit();
  if (REASSEMBLY) reassemblyInit();
  icmpErrorsInit();
  if (UDP) udpInit();
  demuxInit();
  isnInit();
  synCookieInit();
  if (FAST_OPEN) fastOpenInit();
  synRateInit();
  listenersInit();
  halfOpenInit();
  timeWaitInit();
  tcbsInit();
  sendersInit();
  planClients();
  if (OWNERSHIP) take(1, ownSize(((layoutEnd() + 7) & ~7) - base));
  const app = take(1, (config.appBytes + 7) & ~7);
  if (commit) {
    state.arenaBase = <u32>base;
    state.arenaEnd = <u32>app;
    state.app = <u32>app;
    if (IMAGE) randomNoted();
  }
  return layoutEnd();
}

/** What clients take. */
function planClients(): void {
  if (DHCP) {
    addressInit();
    optionsInit();
    dhcpStateInit();
  }
  if (DNS) {
    answerInit();
    dnsInit();
  }
  if (MDNS) {
    igmpInit();
    recordsInit();
    queryInit();
    mdnsInit();
  }
  if (SNTP) sntpInit();
  if (LINK_LOCAL) linkLocalInit();
  if (DHCP6) {
    options6Init();
    dhcp6StateInit();
  }
}

/**
 * Bytes of arena that the configuration takes, from an 8-byte aligned base;
 * ARGUMENT, CONFIG. More than 2^32: NO_MEMORY.
 */
export function stackSize(block: Config): i64 {
  if (!borrow(changetype<usize>(block), offsetof<Config>())) return Err.ARGUMENT;
  if (!configCheckSizes(block)) return Err.CONFIG;
  const inUse = changetype<usize>(config), base = isUp() ? state.arenaBase : 0;
  const end = plan(0, changetype<usize>(block), Plan.MEASURE);
  // That moved every address. The stack that runs finds its own again.
  if (isUp()) plan(base, inUse, Plan.MEASURE);
  return end > 0xffff0000 ? <i64>Err.NO_MEMORY : <i64>end;
}

/** Draws the keys of a stack that was laid out before, from the entropy in `block` alone, and wipes it: OK, ENTROPY. */
export function entropyTake(block: Config): Err {
  if (isDull(block)) return Err.ENTROPY;
  randomAgain(changetype<usize>(block) + offsetof<Config>("entropy0"));
  memory.fill(changetype<usize>(block) + offsetof<Config>("entropy0"), 0, 32);
  return Err.OK;
}

/** Lays the stack out and starts it, in CLOSED everywhere. Anything that was there before is gone. */
export function stackInit(block: Config): Err {
  const at = changetype<usize>(block), size = stackSize(block);
  if (size < 0) return <Err>size;
  const checked = configCheck(block);
  if (checked != Err.OK) return checked;
  // Memory behind this module's data is the application's, if it has one.
  const own = block.arenaBase == 0, base = own ? (<u64>__heap_base + 7) & ~7 : <u64>block.arenaBase,
    end = base + <u64>size;
  if (own && (SPEED ? linked != 0 : LINKED)) return Err.NO_MEMORY;
  if (!own && (<u64>block.arenaSize < <u64>size || (base & 7) != 0 || base < <u64>__heap_base)) return Err.NO_MEMORY;
  // What the stack is made from would be wiped.
  if (<u64>at < end && <u64>at + offsetof<Config>() > base) return Err.ARGUMENT;
  const limit = block.memoryBytes == 0 ? u32.MAX_VALUE : block.memoryBytes;
  if (end > <u64>limit) return Err.NO_MEMORY;
  const pages = <i32>((end + 0xffff) >> 16) - memory.size();
  if (own && pages > 0 && memory.grow(pages) < 0) return Err.NO_MEMORY;
  if (max(end, <u64>block.memoryBytes) > memoryEnd()) return Err.NO_MEMORY;
  memory.fill(<usize>base, 0, <usize>size);
  if (OWNERSHIP) {
    plan(base, at, Plan.MEASURE);
    ownBegin(<usize>base, <u32>size);
  }
  plan(base, at, Plan.COMMIT);
  state.memoryBytes = block.memoryBytes;
  // The entropy and a group's secret live on in keys only.
  memory.fill(at + offsetof<Config>("groupKey0"), 0, 16);
  memory.fill(at + offsetof<Config>("entropy0"), 0, 32);
  memory.fill(changetype<usize>(config) + offsetof<Config>("entropy0"), 0, 32);
  return Err.OK;
}

/**
 * Memory that nothing writes once the stack is laid out, unless `tune` does: the n-th piece's address in the upper
 * half, its bytes in the lower one; 0: there is none.
 */
export function stackFixed(n: u32): u64 {
  switch (n) {
    case 0: return piece(changetype<usize>(config), 0, offsetof<Config>("macHigh"));
    case 1: return piece(changetype<usize>(config), offsetof<Config>("mtu"), offsetof<Config>("groupKey0"));
    case 2: return piece(changetype<usize>(state), offsetof<StackState>("arenaBase"), offsetof<StackState>());
    case 3: return piece(control + CONTROL_RX, offsetof<SlotRing>("mask"), offsetof<SlotRing>());
    case 4: return piece(control + CONTROL_TX, offsetof<SlotRing>("mask"), offsetof<SlotRing>());
    default: return 0;
  }
}

/** What lies `from` to `to` bytes behind `at`. */
function piece(at: usize, from: usize, to: usize): u64 {
  return (<u64>(at + from) << 32) | <u64>(to - from);
}

/** Where the memory ends. */
function memoryEnd(): u64 {
  return <u64>memory.size() << 16;
}

export function isUp(): bool {
  return control != 0;
}

export function controlAt(): usize {
  return control;
}

/**
 * Borrows a caller's memory for a call. Returns whether it lies in memory, and in nothing of ours: the arena, or the
 * module's own data, but for the block. The build that marks owners (core/own.ts) notes what was lent.
 */
export function borrow(at: usize, size: u32): bool {
  const end = <u64>at + <u64>size;
  if (end > (isUp() && state.memoryBytes != 0 ? <u64>state.memoryBytes : memoryEnd())) return false;
  if (size == 0) return true;
  if (at < __heap_base
    ? at < BLOCK || end > <u64>BLOCK + BLOCK_SIZE
    : isUp() && end > <u64>state.arenaBase && <u64>at < <u64>state.arenaEnd) return false;
  if (OWNERSHIP) lend(at, size);
  return true;
}

/** The `appBytes` of the application that is compiled together with the stack. */
export function applicationAt(): usize {
  return state.app;
}

function rxRing(): SlotRing {
  return changetype<SlotRing>(control + CONTROL_RX);
}

function txRing(): SlotRing {
  return changetype<SlotRing>(control + CONTROL_TX);
}

/**
 * Does what there is to do at `nowUs`: takes in every frame that the host put into the ring, then fires the timers
 * that are due, then sends. So all segments of a batch are processed before they are acknowledged (RFC 9293 §3.10.7.4,
 * MUST-58 and MUST-59), but for several of one connection that are out of order (`receiveLater`).
 */
export function stackPoll(nowUs: Micros): i32 {
  if (OWNERSHIP) giveBack();
  clockAdvance(nowUs);
  if (IPV6) namesSettle();
  ipForgetOld();
  if (!state.announced) {
    state.announced = true;
    if ((config.policy & Policy.ANNOUNCE) != 0 && hasAddress()) arpSend(ARP_REQUEST, config.ip, 0);
  }
  const rx = rxRing();
  assert(rx.mask == config.rxSlots - 1 && txRing().mask == config.txSlots - 1);
  // A host that claims more frames than there are slots is not believed.
  for (let n = min(slotsUsed(rx), config.rxSlots); n > 0; n--) {
    if (OWNERSHIP) slotBegin(rx, config.mtu + TAG_SIZE);
    const frame = slotFirst(rx), size = slotFirstSize(rx);
    if (!SPEED || !plainInput(frame, size)) frameInput(frame, size, Link.WIRE);
    slotConsume(rx);
  }
  let more = false;
  for (let round: u32 = 0; round < ROUNDS_MAX; round++) {
    if (LOOPBACK) loopInput();
    if (round == 0) timersDue();
    more = output();
    if (!LOOPBACK || slotsUsed(loopRing()) == 0) break;
  }
  if (OWNERSHIP) slotsEnd(changetype<SlotRing>(control + CONTROL_TX));
  if (CHECKS) checkAll(rx, txRing(), loopRing());
  if (more || (LOOPBACK && slotsUsed(loopRing()) != 0) || slotsUsed(rx) != 0) return 0;
  const next = min(min(heapNext(), REASSEMBLY ? reassemblyNext() : NEVER), neighboursNext());
  if (next == NEVER) return -1;
  return next <= clock.us ? 0 : <i32>min<u64>(next - clock.us, i32.MAX_VALUE);
}

/** The link may lead elsewhere now: whoever is there is to know us, and we them. */
export function stackLinkChanged(): void {
  if (!LINK_CHANGES) return;
  state.announced = false;
  wake();
  neighboursDoubt();
  if (LINK_LOCAL) linkLocalLinkChanged();
  if (DHCP) dhcpLinkChanged();
  if (MDNS) mdnsLinkChanged();
  if (DHCP6) dhcp6LinkChanged();
  if (IPV6) configureLinkChanged();
}

/** Frames that we sent to ourselves. */
function loopInput(): void {
  const loop = loopRing();
  assert(slotsUsed(loop) <= config.loopSlots);
  for (let n = slotsUsed(loop); n > 0; n--) {
    if (OWNERSHIP) slotBegin(loop, config.mtu);
    frameInput(slotFirst(loop), slotFirstSize(loop), Link.LOOP);
    slotConsume(loop);
  }
}

/**
 * Most frames have a plain packet with a TCP segment, to us alone: `ip/` knows one by a few compares. Returns whether
 * this is one; else nothing has happened.
 */
function plainInput(frame: usize, size: u32): bool {
  const eth = changetype<Ethernet>(frame), left = size - ETHERNET_SIZE, packet = frame + ETHERNET_SIZE;
  if (size < ETHERNET_SIZE || left > config.mtu || eth.dst != ownMac()) return false;
  let ip = changetype<Ipv4>(packet);
  if (IPV6 && eth.type == ETHERTYPE_IPV6 && interface6.up) {
    if (!ip6TakePlain(changetype<Ipv6>(packet), left)) return false;
    ip = view();
  } else if (eth.type != ETHERTYPE_IPV4 || !ipTakePlain(ip, left)) {
    return false;
  }
  count(Mib.ifInFrames);
  countBy(Mib.ifInOctets, size);
  deliver(ip, Accepts.YES);
  return true;
}

/** Where a frame comes from. */
const enum Link { WIRE, LOOP }

/** Ethernet: to us or to everybody, and of a type that we know. */
function frameInput(frame: usize, size: u32, link: Link): void {
  const eth = changetype<Ethernet>(frame);
  let payload = frame + ETHERNET_SIZE, left = size - ETHERNET_SIZE, type = size < ETHERNET_SIZE ? 0 : eth.type;
  // A tag with the VLAN 0 tells a priority, and nothing else (IEEE 802.1Q §6.9).
  if (type == ETHERTYPE_TAG && size >= ETHERNET_SIZE + TAG_SIZE && eth.vlan == 0) {
    type = eth.taggedType;
    payload += TAG_SIZE;
    left -= TAG_SIZE;
  }
  if (size < ETHERNET_SIZE || left > config.mtu) {
    count(Mib.ifInErrors);
    return;
  }
  if (LOOPBACK && link == Link.LOOP) {
    if (IPV6 && type == ETHERTYPE_IPV6) ip6Input(changetype<Ipv6>(payload), left, Came.LOOPED);
    else ipInput(changetype<Ipv4>(payload), left, Came.LOOPED);
    return;
  }
  count(Mib.ifInFrames);
  countBy(Mib.ifInOctets, size);
  const dst = eth.dst, unicast = dst == ownMac();
  if (!unicast && dst != MAC_BROADCAST && !(MDNS && isGroupMac(dst)) &&
      !(IPV6 && type == ETHERTYPE_IPV6 && interface6.up && dst >> 32 == MAC_GROUP6 >> 32)) {
    count(Mib.ifInDiscards);
    return;
  }
  switch (type) {
    case ETHERTYPE_IPV4:
      ipInput(changetype<Ipv4>(payload), left, unicast ? Came.UNICAST : Came.BROADCAST);
      return;
    case ETHERTYPE_ARP:
      arpArrives(changetype<Arp>(payload), left);
      return;
    default:
      if (IPV6 && type == ETHERTYPE_IPV6 && interface6.up) {
        ip6Input(changetype<Ipv6>(payload), left, unicast ? Came.UNICAST : Came.BROADCAST);
      } else {
        count(Mib.ifInUnknownProtos);
      }
  }
}

function arpArrives(arp: Arp, size: u32): void {
  wake();
  ipForget();
  if (DHCP) dhcpHears(arp, size);
  if (LINK_LOCAL) linkLocalHears(arp, size);
  const result = arpInput(arp, size, ownMac());
  switch (result) {
    case ArpResult.REPLY:
      arpSend(ARP_REPLY, arp.senderIp, arp.senderMac);
      ipResolved(arp.senderIp);
      workUnblock();
      break;
    case ArpResult.LEARNED:
      ipResolved(arp.senderIp);
      workUnblock();
      break;
    case ArpResult.CONFLICT:
      // We defend our address with one announcement (RFC 5227 §2.4 (b)).
      arpSend(ARP_REQUEST, config.ip, 0);
      break;
    default:
      if (LINK_LOCAL && result == ArpResult.CONTESTED) linkLocalContested();
      break;
  }
}

function ipInput(ip: Ipv4, size: u32, came: Came): void {
  const accepts = ipAccepts(ip, size, came);
  if (accepts == Accepts.NO) return;
  if ((ip.fragment & (IP_MF | IP_OFFSET_MASK)) != 0) {
    if (!REASSEMBLY) {
      count(Mib.ipReasmFails);
      return;
    }
    const whole = reassemble(ip);
    if (whole == null) return;
    deliver(datagramHeader(whole), accepts);
    datagramFree(whole);
  } else {
    deliver(ip, accepts);
  }
}

function ip6Input(ip: Ipv6, size: u32, came: Came): void {
  if (!ip6Accepts(ip, size, came)) return;
  const payload = changetype<usize>(ip) + Ipv6.SIZE;
  let said = ip6Walk(ip.next, changetype<usize>(ip) + NEXT_AT, payload, payload + ip.payloadSize);
  if (said == Walk.FRAGMENT) said = ip6Fragment();
  if (said == Walk.FRAGMENT) {
    if (!REASSEMBLY) {
      count(Mib.ipReasmFails);
      return;
    }
    const whole = reassemble(fragmentView());
    if (whole == null) return;
    if (ip6TakeWhole(datagramHeader(whole)) == Walk.DELIVER) deliver6();
    datagramFree(whole);
  } else if (said == Walk.DELIVER) {
    deliver6();
  } else if (said == Walk.PROBLEM) {
    icmp6Error(ICMP6_PARAMETER_PROBLEM, in6.code, in6.pointer);
  }
}

/** The packet at hand goes to its protocol. */
function deliver6(): void {
  if (in6.protocol != NEXT_ICMP6) {
    deliver(view(), Accepts.YES);
    return;
  }
  wake();
  count(Mib.ipInDelivers);
  const result = icmp6Input();
  if (result == Icmp6Result.DISCOVERY) {
    ndInput();
  } else if (result == Icmp6Result.ERROR) {
    const ip = icmp6Quoted();
    if (ip != null) quotedArrives(quoted.type, quoted.code, quoted.mtu, ip);
  }
}

/** A whole datagram goes to its protocol. */
function deliver(ip: Ipv4, accepts: Accepts): void {
  const payload = changetype<usize>(ip) + ip.headerSize, size = ip.totalSize - ip.headerSize;
  if (SPEED && ip.protocol != PROTO_TCP) wake();
  switch (ip.protocol) {
    case PROTO_TCP:
      count(Mib.ipInDelivers);
      // A source route is not answered along the reverse path, so what comes with one is not for
      // a connection (docs/design/deviations.md).
      if (accepts == Accepts.SOURCE_ROUTED) count(Mib.ipInDiscards);
      else tcpInput(ip, changetype<TcpHeader>(payload), size);
      return;
    case PROTO_UDP: {
      if (!UDP) {
        unknownProtocol(ip);
        return;
      }
      count(Mib.ipInDelivers);
      const udp = changetype<Udp>(payload);
      if (DHCP && size >= Udp.SIZE && udp.dstPort == DHCP_CLIENT && !isName(ip.src) && dhcpInput(ip, udp, size)) return;
      if (DHCP6 && size >= Udp.SIZE && udp.dstPort == DHCP6_CLIENT && isName(ip.src) && dhcp6Input(ip, udp, size)) {
        return;
      }
      if (MDNS && mdnsInput(ip, udp, size)) return;
      if (SNTP && size >= Udp.SIZE && sntpInput(ip, udp, size)) return;
      if (DNS && size >= Udp.SIZE && dnsInput(ip, udp, size)) return;
      const result = udpInput(ip, udp, size);
      // RFC 1122 §3.2.2: of what is to a group nobody is told.
      if (result == UdpResult.NO_PORT && !(MDNS && isMulticast(ip.dst))) portUnreachable(ip);
      else if (result == UdpResult.DELIVERED) udpRaise(udp.dstPort);
      return;
    }
    case PROTO_ICMP: {
      count(Mib.ipInDelivers);
      const icmp = changetype<Icmp>(payload);
      if (icmpInput(ip, icmp, size) == IcmpResult.ERROR) errorArrives(icmp, size, ip.dst);
      return;
    }
    default:
      if (MDNS && ip.protocol == PROTO_IGMP && isMulticast(ip.dst)) {
        count(Mib.ipInDelivers);
        igmpInput(ip, payload, size);
      } else {
        unknownProtocol(ip);
      }
  }
}

function portUnreachable(ip: Ipv4): void {
  if (IPV6 && isName(ip.src)) icmp6Error(ICMP6_UNREACHABLE, UNREACHABLE6_PORT, 0);
  else icmpError(ICMP_UNREACHABLE, UNREACHABLE_PORT, ip);
}

function unknownProtocol(ip: Ipv4): void {
  count(Mib.ipInUnknownProtos);
  icmpError(ICMP_UNREACHABLE, UNREACHABLE_PROTOCOL, ip);
}

/** An ICMP error to `dst`: the datagram that it quotes, as far as it does, is one that we sent from there. */
function errorArrives(icmp: Icmp, size: u32, dst: u32): void {
  const quoted = changetype<Ipv4>(changetype<usize>(icmp) + Icmp.SIZE), left = size - Icmp.SIZE;
  if (left < Ipv4.SIZE + 8 || quoted.headerSize < Ipv4.SIZE || quoted.headerSize + 8 > left || quoted.src != dst ||
      (quoted.fragment & IP_OFFSET_MASK) != 0 || isName(quoted.dst)) {
    count(Mib.icmpInErrors);
    return;
  }
  quotedArrives(icmp.type, icmp.code, icmp.mtu, quoted);
}

/** An error is about the datagram at `ip`, which we sent. */
function quotedArrives(type: u32, code: u32, mtu: u32, ip: Ipv4): void {
  const payload = changetype<usize>(ip) + ip.headerSize;
  if (ip.protocol == PROTO_TCP) {
    tcpIcmpError(type, code, mtu, ip, changetype<TcpHeader>(payload));
  } else if (UDP && ip.protocol == PROTO_UDP) {
    if (DNS) dnsRefused(ip.dst, changetype<Udp>(payload).srcPort);
    if (SNTP) sntpRefused(ip.dst, changetype<Udp>(payload).srcPort);
    udpIcmpError(changetype<Udp>(payload));
    udpRaise(changetype<Udp>(payload).srcPort);
  }
}

function udpRaise(port: u32): void {
  const i = udpFind(port);
  if (i == NO_SOCKET || !udpAt(i).event) return;
  udpAt(i).event = false;
  eventRaise(config.connsMax + config.listenersMax + i, Event.READABLE);
}

/** Fires what is due, up to a bound. Whatever a timer arms lies in the future, so no owner comes up twice. */
function timersDue(): void {
  // Before the connections' own timers: those that wait for a neighbour are told first. One neighbour
  // a poll, since all of them are looked at.
  const hop = neighboursTick();
  if (hop != 0) {
    wake();
    ipForget();
    if (IPV6) routerSilent(hop);
    ipFailed(hop);
    tcpNeighbourFailed(hop);
  }
  for (let n = min(heapCount(), TIMERS_MAX); n > 0 && heapCount() > 0 && isDue(heapNext()); n--) {
    const owner = heapOwner();
    if (SPEED && !isConn(owner)) wake();
    if (isConn(owner)) {
      tcbTimer(tcbAt(owner));
    } else if (isHalfOpen(owner)) {
      const h = halfOpenAt(owner - halfOpenBase());
      if (!halfOpenRetry(h)) {
        count(Mib.TCPHalfOpenExpired);
        count(Mib.tcpAttemptFails);
        recordGone(h);
      }
    } else if (DHCP && owner == dhcpOwner()) {
      dhcpTimer();
    } else if (DNS && owner == dnsOwner()) {
      dnsTimer();
    } else if (MDNS && owner == mdnsOwner()) {
      mdnsTimer();
    } else if (SNTP && owner == sntpOwner()) {
      sntpTimer();
    } else if (LINK_LOCAL && owner == linkLocalOwner()) {
      linkLocalTimer();
    } else if (DHCP6 && owner == dhcp6Owner()) {
      dhcp6Timer();
    } else if (IPV6 && owner == ndOwner()) {
      configureTimer();
    } else if (COOKIES && owner >= listenerBase()) {
      listenerTimer(owner - listenerBase());
    } else {
      timeWaitTimer(owner - timeWaitBase());
    }
  }
  if (REASSEMBLY) for (let d = reassemblyExpired(); d != null; d = reassemblyExpired()) {
    if (d.hasFirst) expired(datagramHeader(d), d);
    datagramFree(d);
  }
}

/** The time for a datagram is up: whoever sent it is told, with its first fragment. */
function expired(ip: Ipv4, d: Datagram): void {
  if (IPV6 && isName(d.src)) {
    ip.src = d.src;
    ip.dst = d.dst;
    icmp6Expired(ip, datagramBegun(d));
  } else {
    icmpError(ICMP_TIME_EXCEEDED, EXCEEDED_REASSEMBLY, ip);
  }
}

/** Sends the requests that the neighbour table ordered, as far as there are slots. */
function requests(): void {
  if (!neighbours.wanted) return;
  for (let i: u32 = 0; i < config.neighboursMax; i++) {
    const e = neighbourAt(i);
    if (!e.wanted) continue;
    if (IPV6 && isName(e.ip) ? !solicit(e, neighbourIsKnown(e)) : !arpSend(ARP_REQUEST, e.ip, 0)) return;
    e.wanted = false;
  }
  neighbours.wanted = false;
}

/**
 * One turn for each connection on the work list, up to a bound. Returns whether there is more, or
 * something had to stop for want of a slot.
 */
function output(): bool {
  let full = false;
  for (let end = workEnd(), n = TURNS_MAX; end != 0 && !full && n > 0; n--) {
    const t = workTake();
    if (t == null) break;
    const last = tcbIndex(t) + 1 == end;
    const turn = tcpOutput(t);
    if (turn != Turn.DONE) workAdd(t);
    full = turn == Turn.NO_SLOT;
    if (last) break;
  }
  const woken = isWoken();
  if (CHECKS || woken) {
    const sent = txRing().tail;
    turnsBegin();
    const waits = othersOutput();
    // Whoever has something to send has said so.
    assert(!CHECKS || woken || (!waits && txRing().tail == sent));
    if (waits) {
      wake();
      full = true;
    }
  }
  requests();
  return full || workPending();
}

/** Sockets of UDP, clients and IPv6 send what they have. Returns whether something had to wait for want of a slot. */
function othersOutput(): bool {
  let full = UDP && udpOutput();
  if (DHCP) {
    if (addressOutput()) full = true;
    if (dhcpOutput()) full = true;
    if (DNS && dnsOutput()) full = true;
    if (MDNS && mdnsOutput()) full = true;
    if (SNTP && sntpOutput()) full = true;
    if (DHCP6 && dhcp6Output()) full = true;
  }
  if (IPV6 && (!SPEED || interface6.wanted) && configureOutput()) full = true;
  return full;
}
