// The receive window (RFC 9293 §3.8.6): what is advertised, and when the peer is told.

import { Policy, config } from "../../config";
import { POLICIES } from "../../features";
import { seqMax } from "../../core/seq";
import { Has, Tcb, tcbHas } from "./tcb";
import { isSynchronized } from "./state";
import { ackNow } from "./acks";

/** RCV.WND as advertised last. */
export function rcvWnd(t: Tcb): u32 {
  return t.rcvAdv - t.rcvNxt;
}

/** The largest window that can be advertised: the ring, as far as the field goes. */
function windowMost(t: Tcb): u32 {
  return min<u32>(config.recvRing, <u32>65535 << t.rcvScale);
}

/**
 * The window to advertise now, in bytes: what the ring has room for, growing only by worthwhile steps
 * (RFC 9293 §3.8.6.2.2), never moving the right edge to the left (SHLD-14).
 */
function windowFor(t: Tcb): u32 {
  const free = config.recvRing - t.rcvSize, most = windowMost(t);
  const now = rcvWnd(t);
  let wnd = min<u32>(free, most);
  // An edge that moves by less than a segment, or half of the largest window, stays where it is.
  const step = min<u32>(most >> 1, t.mss);
  if (wnd < now + step && (!(POLICIES && (config.policy & Policy.EAGER_WINDOW) != 0) || wnd < max(step, now))) {
    wnd = now;
  }
  // The field counts in units of 2^scale: rounded up while there is room for it, so that the edge does not move left.
  const unit: u32 = 1 << t.rcvScale;
  const up = (wnd + unit - 1) & ~(unit - 1);
  return up <= free && up <= <u32>65535 << t.rcvScale ? up : wnd & ~(unit - 1);
}

/** The window field for a segment that is sent now; notes what it promises. */
export function advertise(t: Tcb): u32 {
  const wnd = windowFor(t);
  t.rcvAdv = seqMax(t.rcvAdv, t.rcvNxt + wnd);
  return wnd >> t.rcvScale;
}

/** The application took bytes: tells the peer when the window can grow by a worthwhile step. */
export function windowUpdate(t: Tcb): void {
  if (!isSynchronized(t) || tcbHas(t, Has.FIN_RECEIVED)) return;
  const grown = windowFor(t) - rcvWnd(t);
  if (<i32>grown <= 0) return;
  // Two segments and a quarter of the largest window, or half of a small one: an update is worth a packet of its own.
  // Below one unit of the field the peer was told 0, whatever the edge promises.
  const most = windowMost(t);
  if (rcvWnd(t) >> t.rcvScale == 0 || grown >= min(most >> 1, max(2 * <u32>t.mss, most >> 2))) {
    ackNow(t);
  }
}
