// The interface of the SNTP client: what time it is.

import { Err } from "../core/error";
import { wake } from "../core/turns";
import { sntpBegin, sntpEnd, sntpIsOn, sntpNow, Time, time, timeServerAdd } from "../clients/sntp";
import { borrow, isUp } from "../stack";
import { areServers, isServerOfEither } from "./servers";

/**
 * Asks these servers for the time (RFC 4330), in this order, IPv4 addresses (`sntp_server_add` takes those of IPv6);
 * 0: no more. All 0: those of which the DHCP server told. `Event.TIME` of handle 0 tells each time that one has
 * answered. It goes on until `sntp_stop`. OK, ARGUMENT or NOT_INIT.
 */
export function sntp_start(first: u32, second: u32, third: u32): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!areServers(first, second, third)) return Err.ARGUMENT;
  wake();
  sntpBegin(first, second, third);
  return Err.OK;
}

/**
 * One more server to ask, behind those of `sntp_start`: an IPv4 address, or the name of an IPv6 one (`ip6_name`). Those
 * of the lease are asked no more. OK, ARGUMENT, NOT_INIT; FULL: there are three; STATE: `sntp_start` comes first.
 */
export function sntp_server_add(server: u32): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!isServerOfEither(server)) return Err.ARGUMENT;
  if (!sntpIsOn()) return Err.STATE;
  wake();
  return timeServerAdd(server) ? Err.OK : Err.FULL;
}

/** Asks no more; the time stays known. OK or NOT_INIT. */
export function sntp_stop(): Err {
  if (!isUp()) return Err.NOT_INIT;
  wake();
  sntpEnd();
  return Err.OK;
}

/** UTC at the last `poll`, in µs since 1970-01-01, without leap seconds; 0: it is not known. */
export function sntp_utc(): i64 {
  return isUp() ? <i64>sntpNow() : 0;
}

/** Writes what is known of the time to `dst`: a `Time` (clients/sntp.ts). OK, ARGUMENT or NOT_INIT. */
export function sntp_info(dst: usize): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!borrow(dst, offsetof<Time>())) return Err.ARGUMENT;
  memory.copy(dst, changetype<usize>(time), offsetof<Time>());
  return Err.OK;
}
