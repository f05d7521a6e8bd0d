// Counters, under the names of the standard MIBs (IP and ICMP: RFC 4293; TCP: RFC 4022; UDP: RFC 4113) and those that
// Linux made common. 32 bits each, wrapping. host/counters.ts lists the same names in the same order.

import { take } from "./layout";

export const enum Mib {
  // Link
  ifInFrames, ifInOctets, ifInErrors, ifInDiscards, ifInUnknownProtos, ifOutFrames, ifOutOctets, ifOutDiscards,
  // ARP
  arpInRequests, arpInReplies, arpOutRequests, arpOutReplies, arpInErrors, arpConflicts, arpFailures, arpInIgnored,
  // IP (RFC 4293)
  ipInReceives, ipInHdrErrors, ipInAddrErrors, ipInUnknownProtos, ipInDiscards, ipInDelivers, ipOutRequests,
  ipOutNoRoutes,
  ipOutDiscards, ipReasmReqds, ipReasmOKs, ipReasmFails, ipReasmTimeout, ipReasmOverlaps,
  // ICMP (RFC 4293)
  icmpInMsgs, icmpInErrors, icmpInEchos, icmpInEchoReps, icmpInDestUnreachs, icmpInTimeExcds, icmpInIgnored,
  icmpOutMsgs,
  icmpOutEchoReps, icmpOutDestUnreachs, icmpOutTimeExcds, icmpOutRateLimited,
  // UDP (RFC 4113)
  udpInDatagrams, udpNoPorts, udpInErrors, udpOutDatagrams, udpRcvbufErrors,
  // TCP (RFC 4022)
  tcpActiveOpens, tcpPassiveOpens, tcpAttemptFails, tcpEstabResets, tcpInSegs, tcpOutSegs, tcpRetransSegs, tcpInErrs,
  tcpOutRsts,
  // TCP, as Linux names them
  SyncookiesSent, SyncookiesRecv, SyncookiesFailed, ListenOverflows, ListenDrops, TCPReqQFullDoCookies, TCPReqQFullDrop,
  TCPChallengeACK, TCPSYNChallenge, TCPACKSkippedChallenge, PAWSEstab, PAWSActive, TCPMissingTimestamps, TW, TWRecycled,
  TWKilled,
  DelayedACKs, TCPPureAcks, TCPOFOQueue, TCPOFODrop, TCPOFOMerge, TCPDSACKOldSent, TCPDSACKOfoSent, TCPSACKDiscard,
  TCPTimeouts, TCPFastRetrans, TCPSlowStartRetrans, TCPRenoRecovery, TCPSackRecovery, TCPSynRetrans,
  TCPAbortOnData, TCPAbortOnClose, TCPAbortOnTimeout, TCPKeepAlive, TCPZeroWindowProbes, TCPPathMtu,
  OutOfWindowIcmps, TCPHalfOpenExpired, TCPHalfOpenEvicted, TCPSynFinDropped, TCPSynRateDrop, TCPACKSkippedCookie,
  TCPFirstByteTimeout,
  InCEPkts, TCPECNReductions, TCPLossProbes, TCPLossProbeRecovery, TCPFullUndo, TCPSpuriousRTOs,
  TCPFastOpenActive, TCPFastOpenActiveFail, TCPFastOpenPassive, TCPFastOpenPassiveFail, TCPFastOpenListenOverflow,
  TCPFastOpenCookieReqd,
  COUNT,
}

let base: usize = 0;

export function countersInit(): void {
  base = take(<u32>Mib.COUNT, 4);
}

/** Address of the u32 counters, in the order of `Mib`. */
export function countersAt(): usize {
  return base;
}

export function count(which: Mib): void {
  const at = base + (<usize>which << 2);
  store<u32>(at, load<u32>(at) + 1);
}

export function countBy(which: Mib, by: u32): void {
  const at = base + (<usize>which << 2);
  store<u32>(at, load<u32>(at) + by);
}
