// TIME-WAIT (RFC 9293 §3.3.2, §3.6.1): a small record keeps the four-tuple for 2 MSL, never a TCB. When the
// table is full, the oldest record ends early.

import { Policy, config } from "../../config";
import { POLICIES } from "../../features";
import { afterMs, clock, NEVER } from "../../core/clock";
import { Mib, count } from "../../core/counters";
import { Seq, seqLe, seqLt } from "../../core/seq";
import { heapArm, heapDeadline, heapDisarm } from "../../buffers/heap";
import { poolGive, poolTake } from "../../buffers/pool";
import { ACK, FIN, RST, SYN } from "../../wire/tcp";
import { Option, seg, segHas, segIs, segLen } from "../segment/segment";
import { resetSegment } from "../segment/empty";
import { Has, Tcb, tcbHas } from "../block/tcb";
import { isStampOld } from "../block/timestamps";
import { advertise } from "../block/receive-window";
import { State, setState } from "../block/state";
import { Address, nameDrop, nameKeep } from "../../address/names";
import { flowSet } from "../block/flow";
import { demuxInsert, demuxRemove, timeWaitBase } from "../block/demux";
import { TimeWait, hand, pool, timeWaitAt, timeWaitIndex } from "../block/time-wait-record";
import { detach, dispose } from "./end";
import { ackSegment } from "./challenge";

/** Time between answers to SYNs and empty segments. */
const EMPTY_MS: u16 = 500;

/**
 * The connection has seen both FINs acknowledged: its four-tuple moves to a record,
 * its TCB serves only its handle from now on.
 */
export function enterTimeWait(t: Tcb): void {
  const wnd = advertise(t);
  const lip = nameKeep(t.lip), rip = nameKeep(t.rip);
  detach(t);
  setState(t, State.TIME_WAIT);
  const w = allocate();
  flowSet(w, lip, rip, t.ports);
  w.sndNxt = t.sndNxt;
  w.rcvNxt = t.rcvNxt;
  w.tsRecent = t.tsRecent;
  w.timestamps = tcbHas(t, Has.TIMESTAMPS);
  w.wnd = <u16>wnd;
  w.answeredAt = <u16>clock.ms - EMPTY_MS;
  w.tosTtl = <u16>t.tosTtl;
  w.challenged = false;
  const owner = timeWaitBase() + timeWaitIndex(w);
  demuxInsert(owner);
  // The record keeps them now.
  nameDrop(lip);
  nameDrop(rip);
  heapArm(owner, afterMs(config.timeWaitMs));
  count(Mib.TW);
  // The ACK that the peer's FIN wants, with the last word of this connection.
  if (tcbHas(t, Has.ACK_NOW | Has.ACK_LATER)) timeWaitAck(w);
  dispose(t);
}

function allocate(): TimeWait {
  if (pool.freeCount == 0) {
    const at = load<u32>(hand), next = at + 1;
    store<u32>(hand, next == config.timeWaitMax ? 0 : next);
    count(Mib.TWKilled);
    timeWaitEnd(timeWaitAt(at));
  }
  return changetype<TimeWait>(poolTake(pool));
}

function timeWaitEnd(w: TimeWait): void {
  const owner = timeWaitBase() + timeWaitIndex(w);
  heapDisarm(owner);
  demuxRemove(owner);
  poolGive(pool, changetype<usize>(w));
}

/** An address is gone: its records end. Free ones have no deadline. */
export function timeWaitsForget(lip: Address): void {
  for (let i: u32 = 0; i < config.timeWaitMax; i++) {
    const w = timeWaitAt(i);
    if (heapDeadline(timeWaitBase() + i) != NEVER && w.lip == lip) timeWaitEnd(w);
  }
}

/** 2 MSL have passed. */
export function timeWaitTimer(index: u32): void {
  timeWaitEnd(timeWaitAt(index));
}

/** `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`, answering the segment at hand. */
function timeWaitAck(w: TimeWait): void {
  ackSegment(w.sndNxt, w.rcvNxt, w.wnd, w.timestamps, w.tsRecent, w.tosTtl);
}

/**
 * Processes the segment at hand (RFC 9293 §3.10.7.4, TIME-WAIT). Returns true for a SYN with which a new connection may
 * begin (RFC 6191 §2), if somebody listens: `timeWaitReuse` follows once it does.
 */
export function timeWaitInput(index: u32, listens: bool): bool {
  const w = timeWaitAt(index);
  if (segIs(RST)) {
    // RFC 1337 §3: a RST does not end TIME-WAIT, unless the configuration wants RFC 9293's way, or it answers our
    // challenge of a SYN: the peer has forgotten the old connection, and wants a new one. RFC 5961 §3.2 holds.
    if ((w.challenged || (POLICIES && (config.policy & Policy.RST_ENDS_TIME_WAIT) != 0)) && seg.seq == w.rcvNxt) {
      timeWaitEnd(w);
    }
    return false;
  }
  if (segIs(SYN)) {
    if (listens && !segIs(ACK) && mayReuse(w)) return true;
    if (!timeWaitAnswerTake(w)) return false;
    w.challenged = !segIs(ACK);
    timeWaitAck(w);
    return false;
  }
  if (!segIs(ACK)) return false;
  const paws = w.timestamps && segHas(Option.TIMESTAMPS) && isStampOld(seg.tsVal, w.tsRecent);
  // A retransmitted FIN is acknowledged and restarts the 2 MSL. What is old is
  // acknowledged; an ACK of our FIN is what we expect.
  if (paws || segLen() != 0 || seg.seq != w.rcvNxt) {
    if (seqLt(w.sndNxt, seg.ack)) {
      resetSegment();
      return false;
    }
    if (!paws && segIs(FIN) && seg.seq + seg.size + 1 == w.rcvNxt) {
      const owner = timeWaitBase() + index;
      heapDisarm(owner);
      heapArm(owner, afterMs(config.timeWaitMs));
    }
    if (segLen() == 0 && !timeWaitAnswerTake(w)) return false;
    timeWaitAck(w);
  }
  return false;
}

/**
 * Takes the answer to a SYN, or to what is empty; returns false when it is too early for one. There are two a second at
 * most, so that two ends do not go on acknowledging each other's ACKs.
 */
function timeWaitAnswerTake(w: TimeWait): bool {
  if (<u16>clock.ms - w.answeredAt < EMPTY_MS) return false;
  w.answeredAt = <u16>clock.ms;
  return true;
}

/** RFC 6191 §2: newer timestamps, or, where they do not tell, a sequence number beyond the old connection's. */
function mayReuse(w: TimeWait): bool {
  if (w.timestamps && segHas(Option.TIMESTAMPS) && seg.tsVal != w.tsRecent) return seqLt(w.tsRecent, seg.tsVal);
  return seqLt(w.rcvNxt, seg.seq);
}

/**
 * A new connection begins: the record `owner` ends. Returns `iss`, or what lies beyond the old
 * connection's numbers (RFC 9293 §3.10.7.4).
 */
export function timeWaitReuse(owner: u32, iss: Seq): Seq {
  const w = timeWaitAt(owner - timeWaitBase()), old = w.sndNxt;
  count(Mib.TWRecycled);
  timeWaitEnd(w);
  return seqLe(iss, old) ? old + 0x10000 : iss;
}
