/** The module's counters, in its order (assembly/core/counters.ts). */
export const COUNTERS = [
  "ifInFrames", "ifInOctets", "ifInErrors", "ifInDiscards", "ifInUnknownProtos", "ifOutFrames", "ifOutOctets", "ifOutDiscards",
  "arpInRequests", "arpInReplies", "arpOutRequests", "arpOutReplies", "arpInErrors", "arpConflicts", "arpFailures",
  "arpInIgnored", "ipInReceives", "ipInHdrErrors", "ipInAddrErrors", "ipInUnknownProtos", "ipInDiscards", "ipInDelivers",
  "ipOutRequests", "ipOutNoRoutes", "ipOutDiscards", "ipReasmReqds", "ipReasmOKs", "ipReasmFails", "ipReasmTimeout",
  "ipReasmOverlaps", "icmpInMsgs", "icmpInErrors", "icmpInEchos", "icmpInEchoReps", "icmpInDestUnreachs", "icmpInTimeExcds",
  "icmpInIgnored", "icmpOutMsgs", "icmpOutEchoReps", "icmpOutDestUnreachs", "icmpOutTimeExcds", "icmpOutRateLimited",
  "udpInDatagrams", "udpNoPorts", "udpInErrors", "udpOutDatagrams", "udpRcvbufErrors", "tcpActiveOpens", "tcpPassiveOpens",
  "tcpAttemptFails", "tcpEstabResets", "tcpInSegs", "tcpOutSegs", "tcpRetransSegs", "tcpInErrs", "tcpOutRsts",
  "SyncookiesSent", "SyncookiesRecv", "SyncookiesFailed", "ListenOverflows", "ListenDrops", "TCPReqQFullDoCookies",
  "TCPReqQFullDrop", "TCPChallengeACK", "TCPSYNChallenge", "TCPACKSkippedChallenge", "PAWSEstab", "PAWSActive",
  "TCPMissingTimestamps", "TW", "TWRecycled", "TWKilled", "DelayedACKs", "TCPPureAcks", "TCPOFOQueue", "TCPOFODrop",
  "TCPOFOMerge", "TCPDSACKOldSent", "TCPDSACKOfoSent", "TCPSACKDiscard", "TCPTimeouts", "TCPFastRetrans",
  "TCPSlowStartRetrans", "TCPRenoRecovery", "TCPSackRecovery", "TCPSynRetrans", "TCPAbortOnData",
  "TCPAbortOnClose", "TCPAbortOnTimeout", "TCPKeepAlive", "TCPZeroWindowProbes", "TCPPathMtu",
  "OutOfWindowIcmps", "TCPHalfOpenExpired", "TCPHalfOpenEvicted", "TCPSynFinDropped", "TCPSynRateDrop", "TCPACKSkippedCookie",
  "TCPFirstByteTimeout", "InCEPkts", "TCPECNReductions", "TCPLossProbes", "TCPLossProbeRecovery", "TCPFullUndo", "TCPSpuriousRTOs",
  "TCPFastOpenActive", "TCPFastOpenActiveFail", "TCPFastOpenPassive", "TCPFastOpenPassiveFail", "TCPFastOpenListenOverflow",
  "TCPFastOpenCookieReqd",
] as const;

export type Counter = (typeof COUNTERS)[number];
