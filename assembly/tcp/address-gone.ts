// Our address is gone: so is everything that had it. Nothing is sent, since nothing may leave from it any more.

import { config } from "../config";
import { IPV6, LOOPBACK } from "../features";
import { Err } from "../core/error";
import { Has, tcbAt, tcbHas } from "./block/tcb";
import { State } from "./block/state";
import { halfOpenAt, halfOpenInUse } from "./block/half-open-record";
import { endConnection } from "./close/end";
import { isName, noName } from "../address/names";
import { timeWaitsForget } from "./close/time-wait";
import { recordGone } from "./open/accept";

/**
 * Ends the connections that have `ip`, with NO_ADDRESS; on its other side, too, since one between 127/8 and ourselves
 * would go on on the wire (RFC 1122 §3.2.1.3 (g)). Listeners stay. So do records in TIME-WAIT of an IPv4 address, which
 * send nothing by themselves, and hear nothing of an address that is gone; those of an IPv6 address's name end.
 */
export function tcpAddressGone(ip: u32): void {
  for (let i: u32 = 0; i < config.connsMax; i++) {
    const t = tcbAt(i), over = tcbHas(t, Has.DETACHED), isHere = (over || t.state != <u8>State.CLOSED) && t.lip == ip;
    if (t.state != <u8>State.CLOSED && !over && (isHere || (LOOPBACK && t.rip == ip))) endConnection(t, Err.NO_ADDRESS);
    // A handle that is left does not tell a name that may be another's.
    if (IPV6 && isName(ip) && isHere && tcbHas(t, Has.DETACHED)) t.lip = noName();
  }
  for (let i: u32 = 0; i < config.halfOpenMax; i++) {
    const h = halfOpenAt(i);
    if (halfOpenInUse(h) && (h.lip == ip || (LOOPBACK && h.rip == ip))) recordGone(h);
  }
  // A record in TIME-WAIT would keep the name of an IPv6 address that is nobody's.
  if (IPV6 && isName(ip)) timeWaitsForget(ip);
}
