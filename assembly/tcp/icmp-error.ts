// ICMP errors about our segments (RFC 9293 §3.9.2.2, RFC 5927): believed only
// when they quote a segment that is in flight.

import { config } from "../config";
import { BOUNDED, FAST_OPEN } from "../features";
import { count, Mib } from "../core/counters";
import { Err } from "../core/error";
import { Event } from "../core/events";
import { seqLe, seqLt } from "../core/seq";
import { Ipv4 } from "../wire/ipv4";
import { nextHop } from "../ip/address";
import {
  ICMP_UNREACHABLE, UNREACHABLE_FRAGMENTATION, UNREACHABLE_PORT, UNREACHABLE_PROTOCOL,
} from "../wire/icmp";
import { TcpHeader } from "../wire/tcp";
import { Tcb, Has, blockedFirst, blockedNext, tcbAt, tcbHas, workAdd, workUnblock, tell, tcbSet } from "./block/tcb";
import { isSynchronized } from "./block/state";
import { NOBODY, demuxFind, halfOpenBase, isConn, isHalfOpen } from "./block/demux";
import { halfOpenAt } from "./block/half-open-record";
import { pathMtuLower } from "./loss/path-mtu";
import { loseAll } from "./loss/recovery";
import { fastOpenFails } from "./open/fast-open";
import { recordGone } from "./open/accept";
import { endConnection } from "./close/end";

/** Communication administratively prohibited (RFC 1812 §5.2.7.1): network, host, filtered. */
const PROHIBITED_NETWORK: u32 = 9;
const PROHIBITED_HOST: u32 = 10;
const PROHIBITED: u32 = 13;

/** The MTUs that links have (RFC 1191 §7.1), for routers that name none. */
const PLATEAUS: usize = memory.data<u16>([8166, 4352, 2002, 1492, 1006, 508, 296, 68]);
const PLATEAU_COUNT: u32 = 8;

/**
 * An error of `type` and `code` quotes `ip`, which we sent, and the first 8 bytes of its payload at `tcp`. `mtu`: the
 * next hop's, for "fragmentation needed"; 0: not told.
 */
export function tcpIcmpError(type: u32, code: u32, mtu: u32, ip: Ipv4, tcp: TcpHeader): void {
  const ports = (tcp.dstPort << 16) | tcp.srcPort;
  const owner = demuxFind(ip.src, ip.dst, ports);
  if (isHalfOpen(owner)) {
    // Soft for a SYN-ACK: it is sent again anyway. Only "port unreachable" for exactly our SYN ends the record.
    const h = halfOpenAt(owner - halfOpenBase());
    if (tcp.seq != h.iss) count(Mib.OutOfWindowIcmps);
    else if (isRefusal(type, code)) recordGone(h);
    return;
  }
  if (owner == NOBODY || !isConn(owner)) {
    count(Mib.OutOfWindowIcmps);
    return;
  }
  const t = tcbAt(owner);
  const seq = tcp.seq;
  // RFC 5927 §4.1: SND.UNA =< SEG.SEQ < SND.NXT.
  if (!seqLe(t.sndUna, seq) || !seqLt(seq, t.sndNxt)) {
    count(Mib.OutOfWindowIcmps);
    return;
  }
  if (FAST_OPEN) fastOpenFails(t);
  if (type == ICMP_UNREACHABLE && code == UNREACHABLE_FRAGMENTATION) {
    pathMtuArrives(t, mtu, ip.totalSize);
    return;
  }
  // Hard errors abort a connection that is not yet open; later they are soft (RFC 5927 §5.2, RFC 5461).
  if (isRefusal(type, code)) {
    if (!isSynchronized(t)) {
      count(Mib.tcpAttemptFails);
      endConnection(t, Err.REFUSED);
      return;
    }
    softErrorNote(t, Err.REFUSED);
    return;
  }
  softErrorNote(t, Err.UNREACHABLE);
}

function isRefusal(type: u32, code: u32): bool {
  return type == ICMP_UNREACHABLE && (code == UNREACHABLE_PROTOCOL || code == UNREACHABLE_PORT ||
    code == PROHIBITED_NETWORK || code == PROHIBITED_HOST || code == PROHIBITED);
}

/** Noted, told, and reported if the connection times out (MUST-47, MUST-56, SHLD-25). */
function softErrorNote(t: Tcb, error: Err): void {
  t.softError = <i8>error;
  if (!tcbHas(t, Has.NO_SOFT_ERRORS)) tell(t, Event.SOFT_ERROR);
}

/**
 * RFC 1191 §3: the path takes less than we thought. Only less than the packet that did not fit, and never less than
 * `pathMtuMin`. What was too large goes out again at once, in smaller segments; congestion it was not.
 */
function pathMtuArrives(t: Tcb, mtu: u32, size: u32): void {
  if (!isSynchronized(t)) return;
  if (mtu == 0) {
    for (let i: u32 = 0; i < PLATEAU_COUNT && mtu == 0; i++) {
      const plateau = <u32>load<u16>(PLATEAUS + (i << 1));
      if (plateau < size) mtu = plateau;
    }
  }
  mtu = max(mtu, config.pathMtuMin);
  if (mtu >= <u32>t.pathMtu || mtu >= size || size > <u32>t.pathMtu) return;
  pathMtuLower(t, mtu);
  loseAll(t);
  tcbSet(t, Has.RETRANSMIT_ONE);
  workAdd(t);
}

/** The neighbour `hop` does not answer: a soft error for all whose segments were to go there. They try again. */
export function tcpNeighbourFailed(hop: u32): void {
  let t = blockedFirst();
  for (let n: u32 = 0; t != null; n++) {
    assert(!BOUNDED || n < config.connsMax);
    if (nextHop(t.rip) == hop) softErrorNote(t, Err.UNREACHABLE);
    t = blockedNext(t);
  }
  workUnblock();
}
