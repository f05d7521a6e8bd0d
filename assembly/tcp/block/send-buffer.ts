// The send buffer: what was not sent yet, and what the peer's window lets go (RFC 9293 §3.3.1, §3.8.6).

import { config } from "../../config";
import { FAST_OPEN } from "../../features";
import { Event } from "../../core/events";
import { Has, Tcb, tcbClear, tcbHas, tell } from "./tcb";
import { bbrOn } from "./sender";
import { isSynchronized } from "./state";

/** Bytes in the ring that were never sent. */
export function unsent(t: Tcb): u32 {
  return tcbHas(t, Has.FIN_SENT) ? 0 : t.sndUna + t.sndSize - t.sndNxt;
}

/** Whether a FIN waits behind the bytes in the ring. */
export function finDue(t: Tcb): bool {
  return (!FAST_OPEN || isSynchronized(t)) && (t.flags & (Has.FIN_QUEUED | Has.FIN_SENT)) == Has.FIN_QUEUED;
}

/**
 * The usable window (RFC 9293 §3.8.6): how far beyond SND.NXT the peer lets us
 * go. It may have shrunk below 0 (MUST-34).
 */
export function usableWindow(t: Tcb): u32 {
  const room = <i32>(t.sndUna + t.sndWnd - t.sndNxt);
  return room < 0 ? 0 : <u32>room;
}

/** The first `bytes` of the send ring have arrived. */
export function ringAcked(t: Tcb, bytes: u32): void {
  t.sndSize -= bytes;
  t.sndHead += bytes;
  if (t.sndHead >= config.sendRing) t.sndHead -= config.sendRing;
}

/** The peer acknowledged bytes: the application may write again. */
export function roomAgain(t: Tcb): void {
  if (!tcbHas(t, Has.WANTS_ROOM)) return;
  // Not for every segment: when a third of the ring is free. What is paced leaves no gap for the rest to wait in.
  const room = bbrOn(t) ? min<u32>(<u32>t.mss << 1, config.sendRing / 3) : config.sendRing / 3;
  if (t.sndSize > config.sendRing - room) return;
  tcbClear(t, Has.WANTS_ROOM);
  tell(t, Event.WRITABLE);
}
