// Our address is gone: so is everything that had it. Nothing is sent, since nothing may leave from it any more.

import { config } from "../config";
import { Err } from "../core/error";
import { Has, tcbAt, tcbHas } from "./tcb";
import { State } from "./state";
import { endConnection } from "./end";
import { halfOpenAt, halfOpenInUse } from "./half-open";
import { recordGone } from "./listen";

/** Ends the connections that have `ip`, with NO_ADDRESS. Listeners stay; so do records in TIME-WAIT, which send nothing by themselves. */
export function tcpAddressGone(ip: u32): void {
  for (let i: u32 = 0; i < config.connsMax; i++) {
    const t = tcbAt(i);
    if (t.state != <u8>State.CLOSED && !tcbHas(t, Has.DETACHED) && t.lip == ip) endConnection(t, Err.NO_ADDRESS);
  }
  for (let i: u32 = 0; i < config.halfOpenMax; i++) {
    const h = halfOpenAt(i);
    if (halfOpenInUse(h) && h.lip == ip) recordGone(h);
  }
}
