// TIME-WAIT (RFC 9293 §3.3.2, §3.6.1): a small record keeps the four-tuple for 2 MSL, never a TCB. When the table is full, the oldest
// record ends early.

import { config, Policy } from "../../config";
import { layoutCommits, take } from "../../core/layout";
import { OWNERSHIP, POLICIES } from "../../features";
import { RED_SHIFT } from "../../core/own";
import { Pool, poolAt, poolGive, poolIndex, poolInit, poolShow, poolTake } from "../../buffers/pool";
import { count, Mib } from "../../core/counters";
import { afterMs, clock } from "../../core/clock";
import { Seq, seqLt, seqLe } from "../../core/seq";
import { heapArm, heapDisarm } from "../../buffers/heap";
import { ACK, FIN, RST, SYN } from "../../wire/tcp";
import { Flow, flowSet, Tcb, Has, tcbHas } from "./tcb";
import { State, setState } from "./state";
import { demuxInsert, demuxRemove, timeWaitBase } from "./demux";
import { seg, segHas, segIs, segLen } from "../segment/segment";
import { Option } from "../segment/options";
import { ackSegment, resetSegment } from "../close/reset";
import { leave, dispose } from "../close/end";
import { advertise } from "../receive";

@unmanaged export class TimeWait extends Flow {
  sndNxt: Seq;
  rcvNxt: Seq;
  tsRecent: u32;
  /** The raw window that its ACKs carry. */
  wnd: u16;
  timestamps: bool;
  /** Whether a SYN was challenged: its sender may know nothing of the old connection, and says so with a RST. */
  challenged: bool;
  /** When a SYN or an empty segment was answered last, ms modulo 2^16. */
  answeredAt: u16;
  /** The connection's (RFC 9293 MUST-48, MUST-49). */
  tos: u8;
  ttl: u8;
}

/** Time between answers to SYNs and empty segments. */
const EMPTY_MS: u16 = 500;

/** 2^5 bytes: a record. */
const SHIFT: u32 = 5 + RED_SHIFT;

export let pool: Pool = changetype<Pool>(0);
/** One u32: where the search for the oldest record goes on: they are made, and so grow old, in turn. */
let hand: usize = 0;

export function timeWaitInit(): void {
  if (offsetof<TimeWait>() > 1 << SHIFT) ERROR("a TIME-WAIT record is at most 32 bytes");
  hand = take(1, 4);
  pool = poolInit(config.timeWaitMax, SHIFT);
  // Its SND.NXT: see `timeWaitSndNxt`.
  if (OWNERSHIP && layoutCommits()) poolShow(pool, config.timeWaitMax, 8, 8);
}

export function timeWaitsFree(): u32 {
  return pool.freeCount;
}

export function timeWaitAt(i: u32): TimeWait {
  return changetype<TimeWait>(poolAt(pool, i));
}

function indexOf(w: TimeWait): u32 {
  return poolIndex(pool, changetype<usize>(w));
}

/** The connection has seen both FINs acknowledged: its four-tuple moves to a record, its TCB serves only its handle from now on. */
export function enterTimeWait(t: Tcb): void {
  const wnd = advertise(t);
  leave(t);
  setState(t, State.TIME_WAIT);
  const w = allocate();
  flowSet(w, t.rip, t.lip, t.ports);
  w.sndNxt = t.sndNxt;
  w.rcvNxt = t.rcvNxt;
  w.tsRecent = t.tsRecent;
  w.timestamps = tcbHas(t, Has.TIMESTAMPS);
  w.wnd = <u16>wnd;
  w.answeredAt = <u16>clock.ms - EMPTY_MS;
  w.tos = t.tos;
  w.ttl = t.ttl;
  w.challenged = false;
  const owner = timeWaitBase() + indexOf(w);
  demuxInsert(owner);
  heapArm(owner, afterMs(config.timeWaitMs));
  count(Mib.TW);
  // The ACK that the peer's FIN wants, with the last word of this connection.
  if (tcbHas(t, Has.ACK_NOW | Has.ACK_LATER)) acknowledge(w);
  dispose(t);
}

function allocate(): TimeWait {
  if (pool.freeCount == 0) {
    const at = load<u32>(hand), next = at + 1;
    store<u32>(hand, next == config.timeWaitMax ? 0 : next);
    count(Mib.TWKilled);
    end(timeWaitAt(at));
  }
  return changetype<TimeWait>(poolTake(pool));
}

function end(w: TimeWait): void {
  const owner = timeWaitBase() + indexOf(w);
  heapDisarm(owner);
  demuxRemove(owner);
  poolGive(pool, changetype<usize>(w));
}

/** 2 MSL have passed. */
export function timeWaitTimer(index: u32): void {
  end(timeWaitAt(index));
}

/** `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`, answering the segment at hand. */
function acknowledge(w: TimeWait): void {
  ackSegment(w.sndNxt, w.rcvNxt, w.wnd, w.timestamps, w.tsRecent, w.tos, w.ttl);
}

/**
 * Processes the segment at hand (RFC 9293 §3.10.7.4, TIME-WAIT). Returns true for a SYN with which a new connection may begin (RFC 6191 §2),
 * if somebody listens: `timeWaitReuse` follows once it does.
 */
export function timeWaitInput(index: u32, listens: bool): bool {
  const w = timeWaitAt(index);
  if (segIs(RST)) {
    // RFC 1337 §3: a RST does not end TIME-WAIT, unless the configuration wants RFC 9293's way, or it answers our challenge of a SYN: the peer
    // has forgotten the old connection, and wants a new one. RFC 5961 §3.2 holds.
    if ((w.challenged || (POLICIES && (config.policy & Policy.RST_ENDS_TIME_WAIT) != 0)) && seg.seq == w.rcvNxt) end(w);
    return false;
  }
  if (segIs(SYN)) {
    if (listens && !segIs(ACK) && mayReuse(w)) return true;
    if (!mayAnswer(w)) return false;
    w.challenged = !segIs(ACK);
    acknowledge(w);
    return false;
  }
  if (!segIs(ACK)) return false;
  const paws = w.timestamps && segHas(Option.TIMESTAMPS) && seqLt(seg.tsVal, w.tsRecent);
  // A retransmitted FIN is acknowledged and restarts the 2 MSL. What is old is acknowledged; an ACK of our FIN is what we expect.
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
    if (segLen() == 0 && !mayAnswer(w)) return false;
    acknowledge(w);
  }
  return false;
}

/** Whether a SYN, or what is empty, is answered now: twice a second at most, so that two ends do not go on acknowledging each other's ACKs. */
function mayAnswer(w: TimeWait): bool {
  if (<u16>clock.ms - w.answeredAt < EMPTY_MS) return false;
  w.answeredAt = <u16>clock.ms;
  return true;
}

/** RFC 6191 §2: newer timestamps, or, where they do not tell, a sequence number beyond the old connection's. */
function mayReuse(w: TimeWait): bool {
  if (w.timestamps && segHas(Option.TIMESTAMPS) && seg.tsVal != w.tsRecent) return seqLt(w.tsRecent, seg.tsVal);
  return seqLt(w.rcvNxt, seg.seq);
}

/** A new connection begins: the record `owner` ends. Returns `iss`, or what lies beyond the old connection's numbers (RFC 9293 §3.10.7.4). */
export function timeWaitReuse(owner: u32, iss: Seq): Seq {
  const w = timeWaitAt(owner - timeWaitBase()), old = w.sndNxt;
  count(Mib.TWRecycled);
  end(w);
  return seqLe(iss, old) ? old + 0x10000 : iss;
}
