// Explicit congestion notification (RFC 3168): routers mark packets in place of dropping them, the receiver echoes the
// mark, the sender slows down as if a segment had been lost, and says so.

import { Policy, config } from "../../config";
import { ECN } from "../../features";
import { seqLe } from "../../core/seq";
import { ACK, CWR, ECE } from "../../wire/tcp";
import { Tcb, Has, RECOVERING, tcbHas } from "../block/tcb";
import { seg, segIs } from "../segment/segment";
import { congestionLoss } from "./congestion";
import { count, Mib } from "../../core/counters";

/** Bits of `Tcb.ecn`. */
const enum Ecn {
  /** Negotiated. */
  ON = 1,
  /** A mark arrived: ACKs carry ECE until the peer says CWR (§6.1.3). */
  ECHO = 2,
  /** We slowed down: the next new data carries CWR (§6.1.2). */
  CWR_DUE = 4,
  /** Our SYN asked for it. */
  ASKED = 8,
}

/** The IP header's ECN field (§5). */
const FIELD: u32 = 3;
const ECT0: u32 = 2;
const CE: u32 = 3;

function ecnOn(t: Tcb): bool {
  return ECN && (t.ecn & <u8>Ecn.ON) != 0;
}

/** Whether the SYN at hand asks for ECN, and we agree (§6.1.1). */
export function ecnAsked(): bool {
  return ECN && (config.policy & (Policy.ECN | Policy.ECN_OFFER)) != 0 && (seg.flags & (ECE | CWR)) == (ECE | CWR);
}

/** Whether the SYN-ACK at hand agrees to what our SYN asked for (§6.1.1); a SYN that crosses ours asks itself. */
export function ecnAgreed(t: Tcb): bool {
  if (!segIs(ACK)) return ecnAsked();
  return ECN && (t.ecn & <u8>Ecn.ASKED) != 0 && (seg.flags & (ECE | CWR)) == ECE;
}

/**
 * Offers ECN in our SYN, and notes that it did; or agrees to it, in a SYN-ACK. Returns the flags for it beside SYN. A
 * SYN that is sent again offers nothing: a middlebox may have dropped it (§6.1.1.1).
 */
export function ecnOffer(t: Tcb, answer: bool): u32 {
  if (answer) return ecnOn(t) ? ECE : 0;
  if (!ECN || (config.policy & Policy.ECN_OFFER) == 0 || tcbHas(t, Has.SYN_RESENT)) return 0;
  t.ecn = <u8>Ecn.ASKED;
  return ECE | CWR;
}

export function ecnSettle(t: Tcb, on: bool): void {
  if (!ECN) return;
  t.ecn = on ? <u8>Ecn.ON : 0;
  t.cwrSeq = t.iss;
}

/** Takes in the marks of an acceptable segment. */
export function ecnArrives(t: Tcb): void {
  if (!ecnOn(t)) return;
  if (segIs(CWR)) t.ecn &= ~<u8>Ecn.ECHO;
  if (seg.size != 0 && seg.ecn == <u8>CE) {
    count(Mib.InCEPkts);
    t.ecn |= <u8>Ecn.ECHO;
  }
}

/**
 * An ACK with ECE: once for each window of data that is as good as a loss, but nothing has to be sent again
 * (§6.1.2). `flight`: what was outstanding.
 */
export function ecnEchoed(t: Tcb, flight: u32): void {
  if (!ecnOn(t) || !segIs(ECE) || tcbHas(t, RECOVERING) || seqLe(seg.ack, t.cwrSeq)) return;
  congestionLoss(t, flight);
  t.cwrSeq = t.sndNxt;
  t.ecn |= <u8>Ecn.CWR_DUE;
  count(Mib.TCPECNReductions);
}

/** Flags of a segment in a synchronized state. `fresh`: it carries text that was never sent before. */
export function ecnFlags(t: Tcb, fresh: bool): u32 {
  if (!ecnOn(t)) return 0;
  let flags = (t.ecn & <u8>Ecn.ECHO) != 0 ? ECE : 0;
  if (fresh && (t.ecn & <u8>Ecn.CWR_DUE) != 0) {
    flags |= CWR;
    t.ecn &= ~<u8>Ecn.CWR_DUE;
  }
  return flags;
}

/**
 * TOS and TTL: only new text is marked as ECN-capable, neither ACKs nor what is sent
 * again, nor window probes (§6.1.4 to §6.1.6).
 */
export function ecnTosTtl(t: Tcb, fresh: bool): u32 {
  const tosTtl = t.tosTtl;
  return ecnOn(t) ? (tosTtl & ~(FIELD << 8)) | (fresh ? ECT0 << 8 : 0) : tosTtl;
}
