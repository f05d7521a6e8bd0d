// When an ACK is due (RFC 9293 §3.8.6.3, RFC 5681 §4.2).

import { Policy, config } from "../../config";
import { QUICK_ACKS } from "../../features";
import { afterMs } from "../../core/clock";
import { Has, Tcb, tcbHas, tcbSet, workAdd } from "./tcb";
import { armDelack } from "./timers";

/** An ACK is owed at once. */
export function ackNow(t: Tcb): void {
  tcbSet(t, Has.ACK_NOW);
  workAdd(t);
}

/**
 * So many full segments at the beginning of a connection are acknowledged one by one: four round
 * trips of slow start from a window of one.
 */
const QUICK_SEGMENTS: u32 = 16;

/**
 * An ACK is owed for `size` bytes: at once for every second segment, full
 * (SHLD-19) or not, else after the delay (MUST-40).
 */
export function ackSoon(t: Tcb, size: u32): void {
  if (++t.unacked >= 2 || config.delayedAckMs == 0 || isQuick(t, size)) {
    ackNow(t);
    return;
  }
  if (tcbHas(t, Has.ACK_LATER)) return;
  tcbSet(t, Has.ACK_LATER);
  armDelack(t, afterMs(config.delayedAckMs));
}

/**
 * The peer is in slow start, as far as we can know it, and has more to send: its
 * window grows with every ACK (RFC 5681 §3.1).
 */
function isQuick(t: Tcb, size: u32): bool {
  return QUICK_ACKS && size >= <u32>t.mss && (config.policy & Policy.QUICK_ACKS) != 0 &&
    t.rcvNxt - t.irs <= QUICK_SEGMENTS * <u32>t.mss;
}
