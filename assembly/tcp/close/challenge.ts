// ACKs that answer what is not to be believed, at a bounded rate: challenge ACKs (RFC 5961), answers to probes of
// keep-alive (RFC 9293 §3.8.4), and, for owners without a TCB, the ACK itself. RSTs are in segment/empty.ts (nobody's)
// and output.ts (a connection's); a RST that arrives is input.ts's.

import { config } from "../../config";
import { count, Mib } from "../../core/counters";
import { clock } from "../../core/clock";
import { Ipv4, PROTO_TCP } from "../../wire/ipv4";
import { TcpHeader, ACK, SYN } from "../../wire/tcp";
import { ipBegin } from "../../ip/output";
import { Tcb } from "../block/tcb";
import { ackNow } from "../block/acks";
import { seg, segIs } from "../segment/segment";
import { emptySegment } from "../segment/empty";
import { putTimestamps } from "../segment/options";
import { timestampOffset } from "../open/syn-cookie";

/**
 * Answers the segment at hand with `<SEQ=seq><ACK=ack><CTL=ACK>`, for owners that have no TCB. With timestamps, if they
 * were negotiated (RFC 7323 §3.2): ours, and the echo of `tsRecent`.
 */
export function ackSegment(seq: u32, ack: u32, wnd: u32, timestamps: bool, tsRecent: u32, tosTtl: u32): void {
  const ip = ipBegin(seg.lip, seg.rip, PROTO_TCP, tosTtl);
  if (ip == null) return;
  let size = TcpHeader.SIZE;
  if (timestamps) {
    const at = changetype<usize>(ip) + Ipv4.SIZE;
    size = <u32>(putTimestamps(at + TcpHeader.SIZE, clock.ms + timestampOffset(seg.lip, seg.rip), tsRecent) - at);
  }
  emptySegment(ip, seg.ports, seq, ack, ACK, wnd, size);
}

/** Challenge ACKs are counted over periods of 5 s (RFC 5961 §7), in units of 1/4 s. */
const PERIOD: u16 = 20;

/** So many answers more in a period for probes of keep-alive: an honest peer sends one a second at most. */
const PROBES: u32 = 10;

/**
 * Orders a challenge ACK, unless this connection has sent its share. The limit is a connection's own: one that all
 * share would tell an outsider what others do (CVE-2016-5696).
 */
export function challenge(t: Tcb): void {
  if (!answerTake(t, config.challengeMax)) return;
  count(Mib.TCPChallengeACK);
  if (segIs(SYN)) count(Mib.TCPSYNChallenge);
  ackNow(t);
}

/**
 * Answers an empty segment at RCV.NXT − 1, which is a probe of keep-alive (RFC 9293 §3.8.4); or the
 * answer of a peer whose numbers are one off, so there is a limit, or both would go on for ever.
 * Whoever does not know RCV.NXT cannot use it up.
 */
export function answerProbe(t: Tcb): void {
  if (answerTake(t, min<u32>(config.challengeMax + PROBES, 255))) ackNow(t);
}

/** Takes one of the `most` answers of a period to segments that bring nothing. Returns false when none is left. */
function answerTake(t: Tcb, most: u32): bool {
  const now = <u16>(clock.ms / 250);
  if (t.challenges == 0 || now - t.challengeSince >= PERIOD) {
    t.challengeSince = now;
    t.challenges = 0;
  }
  if (<u32>t.challenges >= most) {
    count(Mib.TCPACKSkippedChallenge);
    return false;
  }
  t.challenges++;
  return true;
}
