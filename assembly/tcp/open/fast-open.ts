// TCP Fast Open (RFC 7413): text in the SYN, for a peer that shows by a cookie that it has been at its address before.
// Both sides have to be asked for it: text in a SYN can arrive twice, at a server that has forgotten the first one.
//
// A server's cookie is 8 bytes of SipHash over both addresses and the hour, so it costs no memory; it is good for this
// hour and the next. While such a connection is in SYN-RECEIVED its SYN-ACK does not count as in flight (SND.UNA = ISS
// + 1), so that text may go out as in ESTABLISHED; the timer sends the SYN-ACK again and nothing else. A client keeps
// the cookies of a few servers. The text of its SYN does not count as in flight either (SND.NXT = ISS + 1): what the
// SYN-ACK does not acknowledge goes out as if it never had.

import { config } from "../../config";
import { clock, Micros } from "../../core/clock";
import { count, Mib } from "../../core/counters";
import { Err } from "../../core/error";
import { OWNERSHIP } from "../../features";
import { fence, take } from "../../core/layout";
import { RED_ZONE } from "../../core/own";
import { Ipv4 } from "../../wire/ipv4";
import { TcpHeader } from "../../wire/tcp";
import { digest32 } from "../../address/names";
import { mtuTo } from "../../ip/address";
import { Tcb, Has, tcbHas, FastOpen } from "../block/tcb";
import { State, isOpenedFast } from "../block/state";
import { ringAcked, roomAgain } from "../block/send-buffer";
import { seg, segHas, Option } from "../segment/segment";
import { MSS_DEFAULT, putFastOpen } from "../segment/options";
import { secretOf, sharedClock } from "./syn-cookie";

// The server.

/** Bytes of our cookies (RFC 7413 §4.1.1: 4 to 16). */
export const COOKIE_SIZE: u32 = 8;
/** After so long the key changes, µs. */
const KEY_US: u64 = 3_600_000_000;
/** "fo", above the number of the key. */
const WHAT: u64 = <u64>0x666f << 48;

/** How long a connection that was reset still counts (RFC 7413 §5.1), µs. */
const HELD_US: u64 = 60_000_000;

@unmanaged class Pending {
  /** Where a cookie lies before it is written. */
  cookie: u64;
  /** Until then `held` counts. */
  heldUntil: Micros;
  /** PendingFastOpenRequests (RFC 7413 §4.2), and those that were reset. */
  count: u32;
  held: u32;
}

export let pending: Pending = changetype<Pending>(0);

/** GetCookie (RFC 7413 §4.1.2): its address. */
export function cookieFor(lip: u32, rip: u32): usize {
  pending.cookie = cookieOf(lip, rip, 0);
  return changetype<usize>(pending) + offsetof<Pending>("cookie");
}

/** The cookie of this hour, or of one before. */
function cookieOf(lip: u32, rip: u32, age: u64): u64 {
  return secretOf(lip, rip, WHAT | (sharedClock() / KEY_US - age));
}

/**
 * IsCookieValid (RFC 7413 §4.1.2), for the SYN at hand, and whether there is room: 0:
 * yes, 1: yes, with an old cookie; −1: no.
 */
export function fastOpenCheck(): i32 {
  if (seg.cookieSize == 0) {
    count(Mib.TCPFastOpenCookieReqd);
    return -1;
  }
  if (seg.cookieSize != COOKIE_SIZE) return refuse(Mib.TCPFastOpenPassiveFail);
  if (clock.us >= pending.heldUntil) pending.held = 0;
  if (pending.count + pending.held >= config.fastOpenMax) return refuse(Mib.TCPFastOpenListenOverflow);
  const cookie = load<u64>(seg.cookieAt);
  if (cookie == cookieOf(seg.lip, seg.rip, 0)) return 0;
  return cookie == cookieOf(seg.lip, seg.rip, 1) ? 1 : refuse(Mib.TCPFastOpenPassiveFail);
}

function refuse(why: Mib): i32 {
  count(why);
  return -1;
}

/**
 * "Upon receiving an ACK acknowledging the SYN sequence, the server decrements
 * PendingFastOpenRequests" (RFC 7413 §4.2.2).
 */
export function fastOpenCompletes(): void {
  pending.count--;
}

/** The connection ends. */
export function fastOpenEnds(t: Tcb, error: Err): void {
  if (error == Err.TIMED_OUT) fastOpenFails(t);
  if (!isOpenedFast(t)) return;
  pending.count--;
  if (error != Err.RESET) return;
  pending.held++;
  pending.heldUntil = clock.us + HELD_US;
}

// The client.

/** What is known of a server (RFC 7413 §4.1.3 and §4.1.3.1). */
@unmanaged class Server {
  /** `digest32` of its address. */
  ip: u32;
  port: u16;
  /** The MSS of its last SYN-ACK. */
  mss: u16;
  cookie0: u64;
  cookie1: u64;
  /** When it was used last, and until when it is not asked again, s. */
  usedAt: u32;
  failedUntil: u32;
  /** Bytes of the cookie; 0: none. */
  size: u32;
  pad: u32;
}

/**
 * How long Fast Open is not tried with a server that did not answer to it
 * (RFC 7413 §4.1.3.1: "at least temporarily"), s.
 */
const FAILED_S: u32 = 600;

/** "The client MAY limit the cached MSS to 1460 bytes for IPv4" (RFC 7413 §4.1.3). */
const MSS_MAX: u32 = 1460;

/** Bytes that options may take in a TCP header; and that our others do in a SYN. */
const OPTIONS_MAX: u32 = 40;
const SYN_OPTIONS_SIZE: u32 = 24;

/** Bytes from one entry to the next. */
const SPACED: u32 = OWNERSHIP ? (offsetof<Server>() + RED_ZONE) & ~7 : offsetof<Server>();

let servers: usize = 0;

export function fastOpenInit(): void {
  pending = changetype<Pending>(take(1, offsetof<Pending>()));
  servers = take(config.fastOpenCookies, SPACED);
  if (OWNERSHIP) fence(servers, config.fastOpenCookies, SPACED, offsetof<Server>());
}

function nowS(): u32 {
  return <u32>(clock.us / 1_000_000);
}

function serverAt(i: u32): Server {
  return changetype<Server>(servers + i * SPACED);
}

/** What is known of the connection's server; null: nothing. */
function serverOf(t: Tcb): Server | null {
  for (let i: u32 = 0; i < config.fastOpenCookies; i++) {
    const s = serverAt(i);
    if (s.ip == digest32(t.rip) && <u32>s.port == t.ports >> 16) {
      s.usedAt = nowS();
      return s;
    }
  }
  return null;
}

/** The same; if nothing is known, what was used least recently makes room. Null: there is no table. */
function serverMake(t: Tcb): Server | null {
  const found = serverOf(t);
  if (found != null || config.fastOpenCookies == 0) return found;
  let oldest = serverAt(0);
  for (let i: u32 = 1; i < config.fastOpenCookies; i++) {
    const s = serverAt(i);
    if (s.ip == 0 || (oldest.ip != 0 && s.usedAt < oldest.usedAt)) oldest = s;
  }
  memory.fill(changetype<usize>(oldest), 0, offsetof<Server>());
  oldest.ip = digest32(t.rip);
  oldest.port = <u16>(t.ports >> 16);
  oldest.mss = <u16>MSS_DEFAULT;
  oldest.usedAt = nowS();
  return oldest;
}

/** Whether our SYN, which was not answered yet, may have the option. */
function isWanted(t: Tcb): bool {
  return t.state == <u8>State.SYN_SENT && (<u32>t.fastOpen & FastOpen.WANTED) != 0;
}

/** The application wants it, or not. Returns OK, or STATE: the SYN is on its way already. */
export function fastOpenWant(t: Tcb, on: bool): Err {
  if (t.state != <u8>State.SYN_SENT || (t.flags & (Has.SYN_DUE | Has.SYN_RESENT)) != Has.SYN_DUE) return Err.STATE;
  t.fastOpen = <u8>(on ? FastOpen.WANTED : 0);
  return Err.OK;
}

/** Writes the option of our SYN or SYN-ACK, if it has one. Sent again, it has none (RFC 7413 §4.2.1 and §4.2.2). */
export function fastOpenPut(t: Tcb, at: usize): usize {
  if (tcbHas(t, Has.SYN_RESENT)) return at;
  if ((<u32>t.fastOpen & FastOpen.RENEW) != 0) return putFastOpen(at, cookieFor(t.lip, t.rip), COOKIE_SIZE);
  if (!isWanted(t)) return at;
  const s = serverMake(t);
  if (s == null || s.failedUntil > nowS()) {
    t.fastOpen = 0;
    return at;
  }
  return putFastOpen(at, changetype<usize>(s) + offsetof<Server>("cookie0"), s.size);
}

/**
 * How many bytes of text our SYN carries behind a header of `header` bytes: "up to the cached
 * server MSS" (RFC 7413 §4.2.2). 0 in a SYN-ACK.
 */
export function fastOpenText(t: Tcb, header: u32): u32 {
  if (!isWanted(t) || tcbHas(t, Has.SYN_RESENT | Has.URGENT_OUT)) return 0;
  const s = serverOf(t);
  if (s == null || s.size == 0) return 0;
  const most = min<u32>(min<u32>(s.mss, MSS_MAX), mtuTo(t.rip) - Ipv4.SIZE - TcpHeader.SIZE) + TcpHeader.SIZE;
  t.synText = <u16>(most > header ? min(t.sndSize, most - header) : 0);
  return t.synText;
}

/** The SYN-ACK at hand answers our SYN: what it tells of the server (RFC 7413 §4.1.3 and §4.2.2). */
export function fastOpenAnswered(t: Tcb): void {
  if (!isWanted(t)) return;
  const s = serverMake(t), all = t.synText != 0 && seg.ack != t.iss + 1;
  if (s == null) return;
  s.mss = t.peerMss;
  if (!segHas(Option.FAST_OPEN) || seg.cookieSize == 0) {
    // It does not know Fast Open any more, or something on the path does not let it pass.
    if (!all) fastOpenFails(t);
    return;
  }
  const at = changetype<usize>(s) + offsetof<Server>("cookie0");
  // The cookie was good, and yet the text was not taken.
  const again = s.size == seg.cookieSize && memory.compare(at, seg.cookieAt, s.size) == 0;
  if (t.synText != 0 && !all && again) fastOpenFails(t);
  s.size = usableSize(seg.cookieSize);
  memory.copy(at, seg.cookieAt, s.size);
}

/** A cookie that does not fit beside MSS, window scale, SACK-permitted and timestamps is none. */
function usableSize(size: u32): u32 {
  return size + 2 <= OPTIONS_MAX - SYN_OPTIONS_SIZE ? size : 0;
}

/** A negative response (RFC 7413 §4.1.3.1) to a SYN that had the option: for a while the server is spared it. */
export function fastOpenFails(t: Tcb): void {
  if (!isWanted(t)) return;
  const s = serverMake(t);
  if (s == null) return;
  count(Mib.TCPFastOpenActiveFail);
  s.failedUntil = nowS() + FAILED_S;
}

/** SEG.ACK acknowledges our SYN, and as much of its text as it says. The rest goes out again, as if it never had. */
export function fastOpenAcked(t: Tcb): void {
  const bytes = seg.ack - t.iss - 1;
  t.fastOpen = 0;
  t.synText = 0;
  t.sndNxt = seg.ack;
  if (bytes == 0) return;
  count(Mib.TCPFastOpenActive);
  t.fastOpen = <u8>FastOpen.TAKEN;
  ringAcked(t, bytes);
  roomAgain(t);
}
