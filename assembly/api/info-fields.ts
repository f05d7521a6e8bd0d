// Made by tools/border. Where the TCB has each field that `TcpInfo` copies, plus 1: those of 8 bytes, of 4, of 2, of 1; 0 ends each run.

import { Tcb } from "../tcp/tcb";

export const INFO_FIELDS: usize = memory.data<u8>([
  <u8>offsetof<Tcb>("timerAt") + 1, <u8>offsetof<Tcb>("delackAt") + 1, <u8>offsetof<Tcb>("idleAt") + 1,
  <u8>offsetof<Tcb>("heardAt") + 1, <u8>offsetof<Tcb>("stalledAt") + 1, 0,
  <u8>offsetof<Tcb>("rip") + 1, <u8>offsetof<Tcb>("lip") + 1, <u8>offsetof<Tcb>("ports") + 1,
  <u8>offsetof<Tcb>("flags") + 1, <u8>offsetof<Tcb>("sndUna") + 1, <u8>offsetof<Tcb>("sndNxt") + 1,
  <u8>offsetof<Tcb>("sndWnd") + 1, <u8>offsetof<Tcb>("maxSndWnd") + 1, <u8>offsetof<Tcb>("iss") + 1,
  <u8>offsetof<Tcb>("sndUp") + 1, <u8>offsetof<Tcb>("rcvNxt") + 1, <u8>offsetof<Tcb>("rcvAdv") + 1,
  <u8>offsetof<Tcb>("rcvUp") + 1, <u8>offsetof<Tcb>("irs") + 1, <u8>offsetof<Tcb>("sndSize") + 1,
  <u8>offsetof<Tcb>("rcvSize") + 1, <u8>offsetof<Tcb>("rto") + 1, <u8>offsetof<Tcb>("cwnd") + 1,
  <u8>offsetof<Tcb>("ssthresh") + 1, <u8>offsetof<Tcb>("recover") + 1, <u8>offsetof<Tcb>("sndLost") + 1,
  <u8>offsetof<Tcb>("rtxNxt") + 1, <u8>offsetof<Tcb>("tsRecent") + 1, <u8>offsetof<Tcb>("tsRecentAt") + 1,
  <u8>offsetof<Tcb>("lastAckSent") + 1, <u8>offsetof<Tcb>("sndWl1") + 1, <u8>offsetof<Tcb>("sndWl2") + 1,
  <u8>offsetof<Tcb>("finSeq") + 1, <u8>offsetof<Tcb>("tsOffset") + 1, <u8>offsetof<Tcb>("srtt") + 1,
  <u8>offsetof<Tcb>("rttvar") + 1, <u8>offsetof<Tcb>("userTimeoutMs") + 1, 0,
  <u8>offsetof<Tcb>("mss") + 1, <u8>offsetof<Tcb>("pathMtu") + 1, <u8>offsetof<Tcb>("peerMss") + 1,
  <u8>offsetof<Tcb>("keepIdleS") + 1, <u8>offsetof<Tcb>("keepIntervalS") + 1, 0,
  <u8>offsetof<Tcb>("timerKind") + 1, <u8>offsetof<Tcb>("retries") + 1, <u8>offsetof<Tcb>("dupAcks") + 1,
  <u8>offsetof<Tcb>("sndScale") + 1, <u8>offsetof<Tcb>("rcvScale") + 1, <u8>offsetof<Tcb>("keepProbes") + 1,
  <u8>offsetof<Tcb>("keepSent") + 1, <u8>offsetof<Tcb>("challenges") + 1, <u8>offsetof<Tcb>("unacked") + 1,
  <u8>offsetof<Tcb>("ecn") + 1, <u8>offsetof<Tcb>("fastOpen") + 1, <u8>offsetof<Tcb>("tos") + 1,
  <u8>offsetof<Tcb>("ttl") + 1, 0,
]);
