// Counters, under the names of the standard MIBs (IP and ICMP: RFC 4293; TCP: RFC 4022; UDP: RFC 4113) and those that
// Linux made common. 32 bits each, wrapping. host/counters.ts lists the same names in the same order.

import { take } from "./layout";

export const enum Mib {
  // Link
  /** Frames that came. */
  ifInFrames,
  /** Their bytes. */
  ifInOctets,
  /** Frames that are too short or too long. */
  ifInErrors,
  /** Frames to somebody else's MAC address. */
  ifInDiscards,
  /** Frames of an unknown EtherType. */
  ifInUnknownProtos,
  /** Frames that were sent. */
  ifOutFrames,
  /** Their bytes. */
  ifOutOctets,
  /** Frames for which there was no slot. */
  ifOutDiscards,
  // ARP
  /** ARP requests, and neighbour solicitations, that came. */
  arpInRequests,
  /** Answers to such that came. */
  arpInReplies,
  /** ARP requests, and neighbour solicitations, that were sent. */
  arpOutRequests,
  /** Answers to such that were sent. */
  arpOutReplies,
  /** ARP packets, and messages of neighbour discovery, that are malformed. */
  arpInErrors,
  /** Somebody else uses an own address. */
  arpConflicts,
  /** Neighbours that did not answer. */
  arpFailures,
  /** ARP packets, and messages of neighbour discovery, that change nothing. */
  arpInIgnored,
  // IP (RFC 4293)
  /** Packets that came. */
  ipInReceives,
  /** Packets with a bad header. */
  ipInHdrErrors,
  /** Packets to an address that is not ours, or from one that cannot be. */
  ipInAddrErrors,
  /** Packets of a protocol that the stack has not. */
  ipInUnknownProtos,
  /** Packets with a source route to a connection, which are dropped. */
  ipInDiscards,
  /** Packets that were handed to a protocol. */
  ipInDelivers,
  /** Packets that protocols sent. */
  ipOutRequests,
  /** Packets to which no route leads. */
  ipOutNoRoutes,
  /** Packets that were dropped: they waited for a neighbour, or it does not answer. */
  ipOutDiscards,
  /** Fragments that came. */
  ipReasmReqds,
  /** Datagrams that were put together. */
  ipReasmOKs,
  /** Datagrams, and fragments, that were given up. */
  ipReasmFails,
  /** Datagrams whose other fragments did not come in time. */
  ipReasmTimeout,
  /** Fragments that overlap others. */
  ipReasmOverlaps,
  // ICMP (RFC 4293)
  /** ICMP messages that came. */
  icmpInMsgs,
  /** Those with a wrong checksum, or malformed. */
  icmpInErrors,
  /** Echo requests that came. */
  icmpInEchos,
  /** Echo replies that came. */
  icmpInEchoReps,
  /** Messages of an unreachable destination that came. */
  icmpInDestUnreachs,
  /** Messages of an exceeded time that came. */
  icmpInTimeExcds,
  /** Messages that change nothing. */
  icmpInIgnored,
  /** ICMP messages that were sent. */
  icmpOutMsgs,
  /** Echo replies that were sent. */
  icmpOutEchoReps,
  /** Messages of an unreachable destination that were sent. */
  icmpOutDestUnreachs,
  /** Messages of an exceeded time that were sent. */
  icmpOutTimeExcds,
  /** Errors that were not sent, because of `icmpRate`. */
  icmpOutRateLimited,
  // UDP (RFC 4113)
  /** Datagrams that sockets got. */
  udpInDatagrams,
  /** Datagrams to a port that nobody has. */
  udpNoPorts,
  /** Datagrams with a wrong checksum, or malformed. */
  udpInErrors,
  /** Datagrams that were sent. */
  udpOutDatagrams,
  /** Datagrams for which a socket's ring had no room. */
  udpRcvbufErrors,
  // TCP (RFC 4022)
  /** Connections that we opened. */
  tcpActiveOpens,
  /** Connections that peers opened. */
  tcpPassiveOpens,
  /** Handshakes that failed. */
  tcpAttemptFails,
  /** Open connections that a RST ended. */
  tcpEstabResets,
  /** Segments that came. */
  tcpInSegs,
  /** Segments that were sent. */
  tcpOutSegs,
  /** Segments that were sent again. */
  tcpRetransSegs,
  /** Segments with a wrong checksum, or malformed. */
  tcpInErrs,
  /** RSTs that were sent. */
  tcpOutRsts,
  // TCP, as Linux names them
  /** SYN cookies that were sent (RFC 4987 §3.6). */
  SyncookiesSent,
  /** SYN cookies that came back. */
  SyncookiesRecv,
  /** ACKs to a listener whose cookie is wrong. */
  SyncookiesFailed,
  /** Handshakes for which the accept queue, or the table of connections, had no room. */
  ListenOverflows,
  /** SYNs and last ACKs of handshakes that were dropped. */
  ListenDrops,
  /** SYNs that were answered with a cookie. */
  TCPReqQFullDoCookies,
  /** SYNs that were dropped, because the table of half-open connections was full. */
  TCPReqQFullDrop,
  /** Challenge ACKs that were sent (RFC 5961). */
  TCPChallengeACK,
  /** Those that answered a SYN. */
  TCPSYNChallenge,
  /** Those that were not sent, because of `challengeMax`. */
  TCPACKSkippedChallenge,
  /** Segments with an old timestamp (RFC 7323 §5). */
  PAWSEstab,
  /** Answers to our SYN that echo a timestamp that we did not send. */
  PAWSActive,
  /** Segments without the timestamps that were agreed on. */
  TCPMissingTimestamps,
  /** Connections that went to TIME-WAIT. */
  TW,
  /** TIME-WAIT records that ended for a new connection. */
  TWRecycled,
  /** TIME-WAIT records that ended early, because the table was full. */
  TWKilled,
  /** ACKs that waited before they were sent. */
  DelayedACKs,
  /** ACKs without text that were sent. */
  TCPPureAcks,
  /** Segments that came out of order and were kept. */
  TCPOFOQueue,
  /** Segments that came out of order and were dropped, for want of ranges. */
  TCPOFODrop,
  /** Segments that overlap what came out of order before. */
  TCPOFOMerge,
  /** D-SACKs of what was acknowledged before (RFC 2883). */
  TCPDSACKOldSent,
  /** D-SACKs of what came out of order before. */
  TCPDSACKOfoSent,
  /** SACK blocks that cannot be. */
  TCPSACKDiscard,
  /** Retransmission time-outs. */
  TCPTimeouts,
  /** Fast retransmits (RFC 5681 §3.2). */
  TCPFastRetrans,
  /** Segments that were sent again after a time-out. */
  TCPSlowStartRetrans,
  /** Recoveries without SACK (RFC 6582). */
  TCPRenoRecovery,
  /** Recoveries with SACK (RFC 6675, RFC 8985). */
  TCPSackRecovery,
  /** SYNs and SYN-ACKs that were sent again. */
  TCPSynRetrans,
  /** Connections that were reset: text came, and nobody was left to read it. */
  TCPAbortOnData,
  /** Connections that were reset: they were closed with text that nobody had read. */
  TCPAbortOnClose,
  /** Connections that were given up: the peer did not answer in time. */
  TCPAbortOnTimeout,
  /** Keep-alive probes that were sent. */
  TCPKeepAlive,
  /** Probes of a closed window that were sent. */
  TCPZeroWindowProbes,
  /** Times that the MTU of a path was found to be another one. */
  TCPPathMtu,
  /** ICMP errors about a segment that is not under way. */
  OutOfWindowIcmps,
  /** Half-open records whose deadline passed. */
  TCPHalfOpenExpired,
  /** Half-open records that made room for a SYN. */
  TCPHalfOpenEvicted,
  /** SYNs with FIN that were dropped. */
  TCPSynFinDropped,
  /** SYNs above `synRate` or `prefixRate` that were dropped. */
  TCPSynRateDrop,
  /** ACKs with a wrong cookie above `cookieRate`, which got no RST. */
  TCPACKSkippedCookie,
  /** Connections without a byte within `firstByteMs`. */
  TCPFirstByteTimeout,
  /** Packets with the mark of congestion (RFC 3168). */
  InCEPkts,
  /** Reductions of the window for such a mark. */
  TCPECNReductions,
  /** Probes of the tail of a flight (RFC 8985 §7). */
  TCPLossProbes,
  /** Losses that such a probe made good. */
  TCPLossProbeRecovery,
  /** Recoveries that were for nothing, and were taken back. */
  TCPFullUndo,
  /** Time-outs that were for nothing, and were taken back. */
  TCPSpuriousRTOs,
  /** Connections that we opened with text in the SYN, which the peer took (RFC 7413). */
  TCPFastOpenActive,
  /** Those whose text the peer did not take. */
  TCPFastOpenActiveFail,
  /** Connections whose SYN had a right cookie and text. */
  TCPFastOpenPassive,
  /** SYNs whose Fast Open cookie was wrong, or had another size. */
  TCPFastOpenPassiveFail,
  /** SYNs with text above `fastOpenMax`. */
  TCPFastOpenListenOverflow,
  /** SYNs that asked for a Fast Open cookie. */
  TCPFastOpenCookieReqd,
  /** How many there are. */
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
