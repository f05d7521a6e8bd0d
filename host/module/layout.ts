// Made by tools/border from the sources in assembly/: all that crosses the border of the module.
// Nothing else in host/, tests/ and tools/ names an offset, a bit or a number of it.

/** Errors: what calls return below 0. */
export const ERR = {
  /** No error. */
  OK: 0,
  /** The handle is stale, invented, or of another kind. */
  HANDLE: -1,
  /** A pointer, a length or a value is out of range. */
  ARGUMENT: -2,
  /**
   * The call makes no sense in this state (RFC 9293 §3.10: "connection does not exist", "connection
   * closing").
   */
  STATE: -3,
  /** The table that the call needs an entry of is full. */
  FULL: -4,
  /** Nothing to do now; an event tells when. */
  AGAIN: -5,
  /** The local address and port are taken. */
  IN_USE: -6,
  /** The peer answered a SYN with a RST, or an ICMP error said so ("connection refused"). */
  REFUSED: -7,
  /** The peer reset the connection ("connection reset"). */
  RESET: -8,
  /** R2, the user timeout or the keep-alive limit passed ("connection aborted due to user timeout"). */
  TIMED_OUT: -9,
  /** No route, no neighbour, or an ICMP error said so. */
  UNREACHABLE: -10,
  /** The sending side was closed by this application. */
  CLOSED: -11,
  /** A call before `init`. */
  NOT_INIT: -12,
  /** `init` got no entropy. */
  ENTROPY: -13,
  /** The arena is smaller than `layoutSize` says. */
  NO_MEMORY: -14,
  /** A value in the configuration is out of its range. */
  CONFIG: -15,
  /** The connection was aborted by this application. */
  ABORTED: -16,
  /** The datagram is longer than the buffer or than what a frame carries. */
  SIZE: -17,
  /** The own address that the connection had is gone. */
  NO_ADDRESS: -18,
  /** There is no such name. */
  NOT_FOUND: -19,
  /** No DNS server answers, or none of them does well. */
  NO_ANSWER: -20,
  /** The name has no IPv4 address; it may have others. */
  NO_IPV4: -21,
  /** The name has no IPv6 address; it may have others. */
  NO_IPV6: -22,
} as const;

/** Bits of an event. */
export const EVENT = {
  /** The connection is ESTABLISHED (active open). */
  CONNECTED: 1,
  /** A listener has a connection to accept. */
  ACCEPT: 2,
  /** There is something to receive. */
  READABLE: 4,
  /** There is room to send again. */
  WRITABLE: 8,
  /** The peer has sent its FIN: what is in the ring is the last. */
  END: 16,
  /** The connection is over; the error tells how. */
  CLOSED: 32,
  /** The urgent pointer moved (RFC 9293 §3.8.5). */
  URGENT: 64,
  /** R1 passed: retransmissions are not answered (RFC 9293 §3.8.3). */
  STALLED: 128,
  /** A soft error was noted (RFC 9293 §3.9.1.8). */
  SOFT_ERROR: 256,
  /** A listener began or ended to defend itself with SYN cookies. */
  DEFENCE: 512,
  /** Of handle 0, the stack itself: its address, or what it knows of the network, has changed. */
  ADDRESS: 1024,
  /** Of handle 0: a name that was asked for is known, or given up. */
  NAMES: 2048,
  /** Of handle 0: the own name in .local is settled (`mdns_name`): the one that was given, or another one. */
  NAME: 4096,
  /** Of handle 0: a time server has answered (`sntp_utc`). */
  TIME: 8192,
} as const;

/** The states of RFC 9293 §3.3.2, by their number. */
export const STATES = [
  "CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
  "CLOSING", "LAST-ACK", "TIME-WAIT",
] as const;

/** Options of a connection or a listener. */
export const OPTION = {
  /** 1: Nagle's algorithm is off (MUST-17). */
  noDelay: 0,
  /** 1: on (MUST-24). */
  keepAlive: 1,
  /** Idle time before the first probe, s (MUST-27). */
  keepIdleS: 2,
  /** Time between probes, s. */
  keepIntervalS: 3,
  /** Unanswered probes before the connection is given up, 2 at least. */
  keepProbes: 4,
  /** R2, ms (MUST-21). */
  userTimeoutMs: 5,
  /** DSCP and ECN bits, as the TOS octet (MUST-48). */
  tos: 6,
  /** Time to live (MUST-49). */
  ttl: 7,
  /** 0: no events for soft errors (SHLD-20). */
  softErrors: 8,
  /**
   * 1: TCP Fast Open (RFC 7413). A connection that `tcp_connect` has just made sends what is queued before
   * the next `poll` in its SYN, once its server has given it a cookie: the server may see that text twice. A
   * listener takes such connections.
   */
  fastOpen: 9,
  /** Congestion control: 0 as the configuration has it, 1 CUBIC or NewReno, 2 BBR, in a build that has it. */
  congestion: 10,
} as const;

/** Bits of the configuration's `policy`. */
export const POLICY = {
  /** Offer and accept timestamps (RFC 7323 §3). */
  timestamps: 1,
  /** Offer and accept selective acknowledgments (RFC 2018). */
  sack: 2,
  /** Offer and accept window scaling (RFC 7323 §2). */
  windowScaling: 4,
  /**
   * A RST ends TIME-WAIT, as RFC 9293 §3.10.7.4 has it. Without it TIME-WAIT ignores a RST, as RFC 1337 §3
   * recommends.
   */
  rstEndsTimeWait: 8,
  /** A SYN that carries FIN is processed, as RFC 9293 §3.10.7.2 has it. Without it such a segment is dropped. */
  synFin: 16,
  /**
   * When the accept queue is full, the handshake's last ACK is answered with a RST. Without it, it is dropped
   * and may come again.
   */
  rstOnOverflow: 32,
  /** Mark the last segment of a burst with PSH, not only the last one in the buffer. */
  pushBursts: 64,
  /** Announce the own address when the stack starts (RFC 5227 §2.3). */
  announce: 128,
  /** Nagle's algorithm is off for new connections (RFC 9293 §3.7.4). */
  noDelay: 256,
  /** Answer echo requests to a broadcast address (RFC 1122 §3.2.2.6 leaves it open). */
  broadcastEcho: 512,
  /** A segment to a closed port is dropped and not answered with a RST. */
  blackhole: 1024,
  /**
   * The window's right edge moves with every ACK that is sent, not only by worthwhile steps, as long as the
   * window is not small.
   */
  eagerWindow: 2048,
  /**
   * When the half-open table is full and no cookie is sent, the SYN is dropped. Without it, the next record
   * in turn makes room for it.
   */
  keepHalfOpen: 4096,
  /** A SYN above the rate limits is dropped. Without it, it is answered with a cookie, unless cookies are off. */
  synSilence: 8192,
  /** A member of a group: see `groupKey0`. Cannot be changed while the stack runs. */
  group: 16384,
  /** Accept explicit congestion notification (RFC 3168), in a build that has it. */
  ecn: 32768,
  /** Ask for it in the SYNs of connections that we open. */
  ecnOffer: 65536,
  /**
   * Find losses by time (RACK, RFC 8985), for connections with SACK and a block of `sendersMax`. What follows
   * needs it.
   */
  rack: 131072,
  /** Probe the tail of a flight for losses (TLP, RFC 8985 §7). */
  tlp: 262144,
  /**
   * Proportional rate reduction (RFC 6937) in fast recovery. Without it, the window is halved at once (RFC
   * 6675).
   */
  prr: 524288,
  /** Go back on a recovery that was for nothing (RFC 3522, RFC 3708, RFC 4015, RFC 5682). */
  undo: 1048576,
  /** CUBIC (RFC 9438). Without it, NewReno (RFC 5681, RFC 6582). */
  cubic: 2097152,
  /** HyStart++ (RFC 9406) in the first slow start. */
  hystart: 4194304,
  /** Spread what is sent over the round trip. */
  pacing: 8388608,
  /**
   * The link loses by noise (radio, power lines): a loss without any sign of a queue leaves the window of
   * congestion as it is. No RFC has this, and a shallow queue gives no sign; for links that one knows.
   */
  noisyLink: 16777216,
  /**
   * Every full segment at the beginning of a connection is acknowledged at once, so that the peer's slow
   * start is not slowed down, in a build that has it.
   */
  quickAcks: 33554432,
  /**
   * A RST anywhere in the window ends a connection, as RFC 793 had it. Without it, only one at RCV.NXT does
   * (RFC 5961 §3.2). This and the two that follow let an outsider who guesses end connections, or put text
   * into them: for the comparison with old stacks alone.
   */
  rstInWindow: 67108864,
  /**
   * A SYN in the window resets the connection, as RFC 793 had it. Without it, it is challenged (RFC 5961
   * §4.2).
   */
  synResets: 134217728,
  /**
   * Text is taken with an ACK however old, as RFC 793 had it. Without it, an ACK older than the largest
   * window is challenged (RFC 5961 §5.2).
   */
  oldAcks: 268435456,
  /**
   * BBR (draft-ietf-ccwg-bbr) in the place of CUBIC, for connections that do not choose themselves, in a
   * build that has it. It paces, and losses without a queue do not slow it down.
   */
  bbr: 536870912,
} as const;

/** The bits that are set by default. */
export const POLICY_DEFAULT = 41812103;

/** Values of the configuration's `cookies`. */
export const COOKIES = {
  /** Never. When the half-open table is full, the next record in turn makes room. */
  never: 0,
  /** When the half-open table is full. */
  auto: 1,
  /** Always; the half-open table is not used. */
  always: 2,
} as const;

/** The counters, in their order. */
export const COUNTERS = [
  "ifInFrames", "ifInOctets", "ifInErrors", "ifInDiscards", "ifInUnknownProtos", "ifOutFrames", "ifOutOctets",
  "ifOutDiscards", "arpInRequests", "arpInReplies", "arpOutRequests", "arpOutReplies", "arpInErrors",
  "arpConflicts", "arpFailures", "arpInIgnored", "ipInReceives", "ipInHdrErrors", "ipInAddrErrors",
  "ipInUnknownProtos", "ipInDiscards", "ipInDelivers", "ipOutRequests", "ipOutNoRoutes", "ipOutDiscards",
  "ipReasmReqds", "ipReasmOKs", "ipReasmFails", "ipReasmTimeout", "ipReasmOverlaps", "icmpInMsgs",
  "icmpInErrors", "icmpInEchos", "icmpInEchoReps", "icmpInDestUnreachs", "icmpInTimeExcds", "icmpInIgnored",
  "icmpOutMsgs", "icmpOutEchoReps", "icmpOutDestUnreachs", "icmpOutTimeExcds", "icmpOutRateLimited",
  "udpInDatagrams", "udpNoPorts", "udpInErrors", "udpOutDatagrams", "udpRcvbufErrors", "tcpActiveOpens",
  "tcpPassiveOpens", "tcpAttemptFails", "tcpEstabResets", "tcpInSegs", "tcpOutSegs", "tcpRetransSegs",
  "tcpInErrs", "tcpOutRsts", "SyncookiesSent", "SyncookiesRecv", "SyncookiesFailed", "ListenOverflows",
  "ListenDrops", "TCPReqQFullDoCookies", "TCPReqQFullDrop", "TCPChallengeACK", "TCPSYNChallenge",
  "TCPACKSkippedChallenge", "PAWSEstab", "PAWSActive", "TCPMissingTimestamps", "TW", "TWRecycled", "TWKilled",
  "DelayedACKs", "TCPPureAcks", "TCPOFOQueue", "TCPOFODrop", "TCPOFOMerge", "TCPDSACKOldSent",
  "TCPDSACKOfoSent", "TCPSACKDiscard", "TCPTimeouts", "TCPFastRetrans", "TCPSlowStartRetrans",
  "TCPRenoRecovery", "TCPSackRecovery", "TCPSynRetrans", "TCPAbortOnData", "TCPAbortOnClose",
  "TCPAbortOnTimeout", "TCPKeepAlive", "TCPZeroWindowProbes", "TCPPathMtu", "OutOfWindowIcmps",
  "TCPHalfOpenExpired", "TCPHalfOpenEvicted", "TCPSynFinDropped", "TCPSynRateDrop", "TCPACKSkippedCookie",
  "TCPFirstByteTimeout", "InCEPkts", "TCPECNReductions", "TCPLossProbes", "TCPLossProbeRecovery",
  "TCPFullUndo", "TCPSpuriousRTOs", "TCPFastOpenActive", "TCPFastOpenActiveFail", "TCPFastOpenPassive",
  "TCPFastOpenPassiveFail", "TCPFastOpenListenOverflow", "TCPFastOpenCookieReqd",
] as const;

/** Bits of `TcpInfo.flags`. */
export const FLAG = {
  recovery: 1, loss: 2, ackNow: 4, orphan: 8, timestamps: 16, sack: 32, windowScale: 64, urgentOut: 128,
  retransmitOne: 256, finReceived: 512, urgentIn: 1024, synDue: 2048, finQueued: 4096, probeDue: 8192,
  ackLater: 16384, keepAlive: 32768, finEarly: 65536, finSent: 131072, blocked: 262144, work: 524288,
  detached: 1048576, timing: 2097152, synResent: 4194304, unaccepted: 8388608, wantsRoom: 16777216,
  keepDue: 33554432, firstByte: 67108864, held: 134217728, resetDue: 268435456, noDelay: 536870912,
  noSoftErrors: 1073741824, dsack: 2147483648,
} as const;

/** Kinds of `TcpInfo.timerKind`. */
export const TIMER = {
  NONE: 0, RETRANSMIT: 1, PERSIST: 2, REORDER: 3, PROBE: 4,
} as const;

/** Bits of `TcpInfo.fastOpen`. */
export const FAST_OPEN = {
  WANTED: 1, OPENED: 2, RENEW: 4, TAKEN: 8,
} as const;

/** The services of build/stint-app.wasm. */
export const SERVICES = {
  echo: 1, discard: 2, chargen: 3, http: 4,
} as const;

/** The numbers of the configuration block, in its order, a u32 each; behind them lies the entropy. */
export const CONFIG_FIELDS = [
  "size", "arenaBase", "arenaSize", "memoryBytes", "macHigh", "macLow", "ip", "prefix", "gateway", "mtu",
  "connsMax", "halfOpenMax", "timeWaitMax", "listenersMax", "sendRing", "recvRing", "rangesMax", "sendersMax",
  "rxSlots", "txSlots", "loopSlots", "reassemblyMax", "reassemblyBytes", "neighboursMax", "udpMax", "udpRing",
  "prefixBuckets", "fastOpenCookies", "appBytes", "windowScale", "policy", "cookies", "mss", "initialWindow",
  "rtoInitialMs", "rtoMinMs", "rtoMaxMs", "userTimeoutMs", "synTimeoutMs", "delayedAckMs", "timeWaitMs",
  "finWait2Ms", "synAckMs", "synAckRetries", "halfOpenMs", "challengeMax", "icmpRate", "neighbourMs",
  "keepIdleS", "keepIntervalS", "keepProbes", "ttl", "pathMtuMin", "synRate", "synBurst", "prefixRate",
  "prefixBurst", "cookieRate", "fastOpenMax", "firstByteMs", "groupKey0", "groupKey1", "groupKey2",
  "groupKey3", "clockOffsetLow", "clockOffsetHigh",
] as const;

/** The same numbers, and what each means. */
export interface ConfigNumbers {
  /** sizeof(Config) as the host knows it: a host built for another version is refused (CONFIG). */
  size: number;
  /**
   * Where the arena begins, not below `__heap_base`: NO_MEMORY; 0: there, and the memory grows once, by what
   * is missing.
   */
  arenaBase: number;
  /** Bytes of the arena; ignored when arenaBase is 0. Less than `layoutSize`: NO_MEMORY. */
  arenaSize: number;
  /**
   * Bytes of memory that callers' pointers may reach into, at most what there is: NO_MEMORY; 0:
   * `memory.size`.
   */
  memoryBytes: number;
  /** Own MAC address: bytes 0–3, most significant first. A group address is refused. */
  macHigh: number;
  /** Bytes 4–5 of it. */
  macLow: number;
  /** Own IPv4 address, host order. 0, with prefix and gateway 0, in a build that has `dhcp_start`: none yet. */
  ip: number;
  /** Length of the subnet's prefix, 0 … 32. */
  prefix: number;
  /** Default router; 0: none, and what is not on the link is UNREACHABLE. Not of 0/8, 127/8 or 224/3. */
  gateway: number;
  /**
   * Largest IP packet of the link, 128 … 65,535 bytes: with every option that there is, a segment still has
   * text. By default 1500.
   */
  mtu: number;
  /**
   * Connections with a TCB. 304 bytes at most (352 in a build with IPv6) and two rings each. Full: the
   * handshake's last ACK waits in the half-open table, `connect` is FULL. By default 64.
   */
  connsMax: number;
  /**
   * Half-open connections (SYN-RECEIVED from LISTEN), ≤ 65,535. 68 bytes each at most, 116 with IPv6. Full:
   * see `cookies`. By default 256.
   */
  halfOpenMax: number;
  /**
   * Connections in TIME-WAIT. 68 bytes each at most, 116 with IPv6. Full: the oldest ends early. By default
   * 256.
   */
  timeWaitMax: number;
  /** Listeners, ≤ 255. 84 bytes each, 132 with IPv6. Full: FULL. By default 8. */
  listenersMax: number;
  /**
   * Bytes of send ring a connection, a multiple of 4, below 2^30. A segment takes half of it at most. Full:
   * `send` takes less. By default 65536.
   */
  sendRing: number;
  /**
   * Bytes of receive ring a connection, a multiple of 4, below 2^30. Full: the window closes. By default
   * 65536.
   */
  recvRing: number;
  /**
   * Ranges that all connections share, ≤ 65,535. 16 bytes each. A connection may have the more the more are
   * free, 64 a list at most. Full: what arrives out of order is dropped, SACK blocks ignored. By default
   * 4096.
   */
  rangesMax: number;
  /**
   * Connections with something in flight that have modern loss recovery (Policy.RACK), ≤ 65,535. 160 bytes
   * each, 496 in a build with BBR, and ranges for what is in flight. None left, not even of an idle
   * connection: RFC 6675 and NewReno. 0 in a build without it. By default 64.
   */
  sendersMax: number;
  /**
   * Frame slots from the host, a power of two. mtu + 24 bytes each. Full: the host keeps or drops the frame.
   * By default 64.
   */
  rxSlots: number;
  /**
   * Frame slots to the host, a power of two. mtu + 20 bytes each, and one in four of them, 1 to 16, again,
   * for datagrams that wait for their neighbours. Full: connections wait, other packets are dropped. By
   * default 64.
   */
  txSlots: number;
  /**
   * Frame slots for what the stack sends to itself, 0 or a power of two ≥ 2: what came and its answer. mtu +
   * 20 bytes each. Full: dropped; 0: the own addresses are UNREACHABLE. By default 8.
   */
  loopSlots: number;
  /**
   * Datagrams being reassembled. reassemblyBytes + 1/64 of it + 64 bytes each, 160 with IPv6. Full: the
   * oldest one is given up. By default 4.
   */
  reassemblyMax: number;
  /**
   * Longest reassembled payload in bytes, a multiple of 8, ≤ 65,520; RFC 1122 §3.3.2 wants 556 at least.
   * Longer: dropped. By default 65520.
   */
  reassemblyBytes: number;
  /**
   * Neighbours, a power of two ≥ 4. 32 bytes each, 80 with IPv6. Full: the one of its set that is worth least
   * is forgotten, never the gateway, and for a packet that may be forged none that a connection used within a
   * minute. By default 64.
   */
  neighboursMax: number;
  /** UDP sockets. 60 bytes and two rings each. Full: FULL. By default 8. */
  udpMax: number;
  /**
   * Bytes of each UDP ring, a multiple of 4. Full: `send` is AGAIN, what arrives is dropped. By default
   * 16384.
   */
  udpRing: number;
  /**
   * Source prefixes (/24) whose rates are told apart, 0 or a power of two. 8 bytes each. They share entries
   * by a keyed hash; 0: no such limits. By default 256.
   */
  prefixBuckets: number;
  /**
   * Servers whose Fast Open cookies are kept (RFC 7413 §4.1.3), ≤ 255, in a build that has Fast Open. 40
   * bytes each. Full: the one that was used least recently is forgotten; 0: no connection that we open opens
   * fast. By default 16.
   */
  fastOpenCookies: number;
  /**
   * Bytes behind the arena's tables for an application that is compiled together with the stack
   * (`applicationAt`).
   */
  appBytes: number;
  /**
   * Window scale to offer, 0 … 14, so that 2^scale ≤ recvRing; 255: the smallest one that lets the window
   * cover the ring. It stands before `policy`, since a scale that was offered holds (RFC 7323 §2.2). By
   * default 255.
   */
  windowScale: number;
  /** Bits of `Policy`. */
  policy: number;
  /** One of `Cookies`. By default 1. */
  cookies: number;
  /** Largest segment to offer in the MSS option; 0: mtu − 40. By default 0. */
  mss: number;
  /** Initial congestion window in segments (RFC 6928 §2: 10). By default 10. */
  initialWindow: number;
  /** Retransmission time-out before a sample, ms (RFC 6298 §2.1: 1000). By default 1000. */
  rtoInitialMs: number;
  /** Least retransmission time-out, ms (RFC 6298 §2.4: 1000). By default 300. */
  rtoMinMs: number;
  /** Largest retransmission time-out, ms (RFC 6298 §2.5: 60,000 at least). By default 60000. */
  rtoMaxMs: number;
  /**
   * R2 (RFC 9293 §3.8.3): how long data may stay unacknowledged before the connection is given up, ms. By
   * default 300000.
   */
  userTimeoutMs: number;
  /** The same for a SYN, ms (RFC 9293 §3.8.3: 3 minutes at least). By default 180000. */
  synTimeoutMs: number;
  /** Longest delay of an ACK, ms (RFC 9293 §3.8.6.3: below 500). By default 40. */
  delayedAckMs: number;
  /** TIME-WAIT: 2 × MSL, ms. By default 60000. */
  timeWaitMs: number;
  /** How long a connection whose handle is closed stays in FIN-WAIT-2, ms; 0: for ever. By default 60000. */
  finWait2Ms: number;
  /** A half-open record's first SYN-ACK retransmission, ms. By default 1000. */
  synAckMs: number;
  /** SYN-ACK retransmissions of a half-open record. By default 5. */
  synAckRetries: number;
  /** Deadline of a half-open record, ms. By default 63000. */
  halfOpenMs: number;
  /** Challenge ACKs of one connection in 5 s (RFC 5961 §7). Above: none. By default 10. */
  challengeMax: number;
  /** ICMP errors a second (RFC 1812 §4.3.2.8). Above: none. By default 100. */
  icmpRate: number;
  /** Neighbour entries are renewed after, ms (RFC 1122 §2.3.2.1). By default 60000. */
  neighbourMs: number;
  /**
   * Keep-alive: idle time before the first probe, s (RFC 9293 §3.8.4: 7200 at least by default). By default
   * 7200.
   */
  keepIdleS: number;
  /** Keep-alive: time between probes, s. By default 75. */
  keepIntervalS: number;
  /** Keep-alive: unanswered probes before the connection is given up, ≥ 2. By default 9. */
  keepProbes: number;
  /** Time to live of what is sent. By default 64. */
  ttl: number;
  /** Least path MTU that an ICMP error, or time-outs, can set, bytes. By default 552. */
  pathMtuMin: number;
  /**
   * SYNs a second that a listener takes in (RFC 4987 §3); 0: no limit. Above: see `Policy.SYN_SILENCE`. By
   * default 0.
   */
  synRate: number;
  /** How many of them may come at once. By default 64. */
  synBurst: number;
  /**
   * The same for the SYNs from one /24; it needs `prefixBuckets`. Above: see `Policy.SYN_SILENCE`. By default
   * 0.
   */
  prefixRate: number;
  /** How many of them may come at once. By default 16. */
  prefixBurst: number;
  /**
   * ACKs a second from one /24 whose wrong cookie is answered with a RST; 0: no limit. Above: they are
   * dropped. By default 1000.
   */
  cookieRate: number;
  /**
   * Connections whose SYN had a Fast Open cookie and text, and whose handshake is not complete
   * (PendingFastOpenRequests, RFC 7413 §4.2). Full: the others open as usual; 0: all do. By default 16.
   */
  fastOpenMax: number;
  /**
   * How long an accepted connection may stay without a byte from the peer, ms; 0: for ever. Longer: it is
   * reset. By default 0.
   */
  firstByteMs: number;
  /**
   * The secret that the members of a group share, 16 bytes, with `Policy.GROUP`: any of them can complete a
   * handshake that another began. `init` wipes it.
   */
  groupKey0: number;
  /** Bytes 4–7 of it. */
  groupKey1: number;
  /** Bytes 8–11 of it. */
  groupKey2: number;
  /** Bytes 12–15 of it. */
  groupKey3: number;
  /**
   * The group's clock less this one's, µs modulo 2^64: its minutes are the cookies' epochs, its milliseconds
   * the timestamps.
   */
  clockOffsetLow: number;
  /** The upper half of it. */
  clockOffsetHigh: number;
}

/** Least and greatest value of each, as the module's table of bounds has them. */
export const CONFIG_BOUNDS = {
  mtu: [128, 65535], connsMax: [1, 2097151], halfOpenMax: [1, 65535], timeWaitMax: [1, 2097151],
  listenersMax: [0, 255], sendRing: [64, 1073741823], recvRing: [64, 1073741823], rangesMax: [0, 65535],
  sendersMax: [0, 65535], rxSlots: [1, 32767], txSlots: [1, 32767], loopSlots: [0, 32767],
  reassemblyMax: [0, 255], reassemblyBytes: [0, 65535], neighboursMax: [4, 65535], udpMax: [0, 1023],
  udpRing: [0, 1048575], prefixBuckets: [0, 131071], fastOpenCookies: [0, 255], appBytes: [0, 1073741823],
  windowScale: [0, 255], policy: [0, 1073741823], cookies: [0, 3], mss: [0, 65535], initialWindow: [1, 127],
  rtoInitialMs: [1, 65535], rtoMinMs: [1, 65535], rtoMaxMs: [1, 1048575], userTimeoutMs: [1, 2147483647],
  synTimeoutMs: [1, 2147483647], delayedAckMs: [0, 511], timeWaitMs: [1, 134217727],
  finWait2Ms: [0, 134217727], synAckMs: [1, 65535], synAckRetries: [0, 15], halfOpenMs: [1, 4194303],
  challengeMax: [0, 255], icmpRate: [0, 65535], neighbourMs: [1, 134217727], keepIdleS: [1, 65535],
  keepIntervalS: [1, 65535], keepProbes: [2, 255], ttl: [1, 255], pathMtuMin: [68, 65535],
  synRate: [0, 1048575], synBurst: [1, 1023], prefixRate: [0, 1048575], prefixBurst: [1, 1023],
  cookieRate: [0, 1048575], fastOpenMax: [0, 65535], firstByteMs: [0, 134217727],
} as const;

/** What a desktop host starts from: generous rings, the RFCs' time-outs. */
export const CONFIG_DEFAULTS = {
  arenaBase: 0, arenaSize: 0, memoryBytes: 0, mtu: 1500, connsMax: 64, halfOpenMax: 256, timeWaitMax: 256,
  listenersMax: 8, sendRing: 65536, recvRing: 65536, rangesMax: 4096, sendersMax: 64, rxSlots: 64,
  txSlots: 64, loopSlots: 8, reassemblyMax: 4, reassemblyBytes: 65520, neighboursMax: 64, udpMax: 8,
  udpRing: 16384, prefixBuckets: 256, fastOpenCookies: 16, appBytes: 0, windowScale: 255, cookies: 1, mss: 0,
  initialWindow: 10, rtoInitialMs: 1000, rtoMinMs: 300, rtoMaxMs: 60000, userTimeoutMs: 300000,
  synTimeoutMs: 180000, delayedAckMs: 40, timeWaitMs: 60000, finWait2Ms: 60000, synAckMs: 1000,
  synAckRetries: 5, halfOpenMs: 63000, challengeMax: 10, icmpRate: 100, neighbourMs: 60000, keepIdleS: 7200,
  keepIntervalS: 75, keepProbes: 9, ttl: 64, pathMtuMin: 552, synRate: 0, synBurst: 64, prefixRate: 0,
  prefixBurst: 16, cookieRate: 1000, fastOpenMax: 16, firstByteMs: 0, groupKey0: 0, groupKey1: 0,
  groupKey2: 0, groupKey3: 0, clockOffsetLow: 0, clockOffsetHigh: 0,
} as const;

export const CONFIG_SIZE = 296, ENTROPY_AT = 264, ENTROPY_SIZE = 32;

/** Bytes behind `configBlock` that the host may use. */
export const BLOCK_SIZE = 304;

/** A ring of frame slots; two of them lie behind `controlBlock`: to the stack, from the stack. */
export const SLOT_RING = {
  head: 0, tail: 4, mask: 8, slots: 12, stride: 16, lengths: 20,
} as const;

export const SLOT_RING_SIZE = 24;

/** Bytes before the frame in a slot. */
export const FRAME_OFFSET = 2;

/** What `tcp_info` writes. */
export const TCP_INFO = {
  version: { at: 0 }, rip: { at: 4 }, lip: { at: 8 }, ports: { at: 12 }, flags: { at: 16 },
  state: { at: 20, type: "u8" }, error: { at: 21, type: "i8" }, softError: { at: 22, type: "i8" },
  timerKind: { at: 23, type: "u8" }, retries: { at: 24, type: "u8" }, dupAcks: { at: 25, type: "u8" },
  sndScale: { at: 26, type: "u8" }, rcvScale: { at: 27, type: "u8" }, mss: { at: 28, type: "u16" },
  pathMtu: { at: 30, type: "u16" }, sndWnd: { at: 32 }, maxSndWnd: { at: 36 }, iss: { at: 40 },
  sndUna: { at: 44 }, sndNxt: { at: 48 }, sndUp: { at: 52 }, sndWl1: { at: 56 }, sndWl2: { at: 60 },
  sndSize: { at: 64 }, pipe: { at: 68 }, sackedBytes: { at: 72 }, irs: { at: 76 }, rcvNxt: { at: 80 },
  rcvAdv: { at: 84 }, rcvUp: { at: 88 }, lastAckSent: { at: 92 }, tsRecent: { at: 96 }, rcvSize: { at: 100 },
  outOfOrderBytes: { at: 104 }, urgentLeft: { at: 108 }, cwnd: { at: 112 }, ssthresh: { at: 116 },
  rto: { at: 120 }, srtt: { at: 124 }, rttvar: { at: 128 }, tsRecentAt: { at: 132 }, tsOffset: { at: 136 },
  userTimeoutMs: { at: 140 }, timerAt: { at: 144, type: "u64" }, delackAt: { at: 152, type: "u64" },
  idleAt: { at: 160, type: "u64" }, heardAt: { at: 168, type: "u64" }, stalledAt: { at: 176, type: "u64" },
  peerMss: { at: 184, type: "u16" }, keepIdleS: { at: 186, type: "u16" },
  keepIntervalS: { at: 188, type: "u16" }, keepProbes: { at: 190, type: "u8" },
  keepSent: { at: 191, type: "u8" }, ttl: { at: 192, type: "u8" }, tos: { at: 193, type: "u8" },
  congestion: { at: 194, type: "u8" }, ecn: { at: 195, type: "u8" }, fastOpen: { at: 196, type: "u8" },
  unacked: { at: 197, type: "u8" },
} as const;

/** The same fields as numbers. */
export interface TcpInfoNumbers {
  /** Remote address, host order. */
  rip: number;
  /** Local address, host order. */
  lip: number;
  /** Bits of `Has`. */
  flags: number;
  /** The state now, one of `State`. */
  state: number;
  /** Why the connection ended, of `Err`; 0: it did not, or in order. */
  error: number;
  /** The last soft error, of `Err`; 0: none. */
  softError: number;
  /** One of `Timer`: what `timerAt` is for. */
  timerKind: number;
  /** Time-outs in a row. */
  retries: number;
  /** Duplicate ACKs in a row (RFC 5681 §2). */
  dupAcks: number;
  /** Shift of the windows that the peer names (RFC 7323 §2). */
  sndScale: number;
  /** Shift of those that we name. */
  rcvScale: number;
  /** Largest payload of a segment, bytes. */
  mss: number;
  /** Largest packet of the path, bytes. */
  pathMtu: number;
  /** SND.WND: the peer's window, bytes. */
  sndWnd: number;
  /** The largest window that the peer has had, bytes. */
  maxSndWnd: number;
  /** ISS: our initial sequence number. */
  iss: number;
  /** SND.UNA: the first sequence number that is not acknowledged. */
  sndUna: number;
  /** SND.NXT: the next one to send. */
  sndNxt: number;
  /** SND.UP: the end of the urgent data that we send, as long as the flag URGENT_OUT is set. */
  sndUp: number;
  /** SND.WL1: the sequence number of the last window update. */
  sndWl1: number;
  /** SND.WL2: its acknowledgment number. */
  sndWl2: number;
  /** Bytes in the send ring. */
  sndSize: number;
  /** Bytes that are in the network, as far as is known; 0 once the connection has ended. */
  pipe: number;
  /** Bytes that the peer selectively acknowledged. */
  sackedBytes: number;
  /** IRS: the peer's initial sequence number. */
  irs: number;
  /** RCV.NXT: the next sequence number to receive. */
  rcvNxt: number;
  /** RCV.NXT + RCV.WND, as advertised. */
  rcvAdv: number;
  /** RCV.UP: the end of the urgent data that the peer sends, as long as the flag URGENT_IN is set. */
  rcvUp: number;
  /** Last.ACK.sent (RFC 7323 §4.3). */
  lastAckSent: number;
  /** TS.Recent (RFC 7323 §4.3). */
  tsRecent: number;
  /** Bytes that the application has not taken. */
  rcvSize: number;
  /** Bytes that arrived out of order. */
  outOfOrderBytes: number;
  /** Bytes up to the end of the urgent data that is to be received. */
  urgentLeft: number;
  /** The congestion window, bytes (RFC 5681 §2). */
  cwnd: number;
  /** The slow start threshold, bytes. */
  ssthresh: number;
  /** The time-out, µs (RFC 6298). */
  rto: number;
  /** The smoothed round-trip time × 8, µs; 0: no sample yet. */
  srtt: number;
  /** Its variation × 4, µs. */
  rttvar: number;
  /** When TS.Recent was set, ms. */
  tsRecentAt: number;
  /** What our timestamps are ahead of the clock (RFC 7323 §5.4). */
  tsOffset: number;
  /** How long data may stay unacknowledged, ms. */
  userTimeoutMs: number;
  /** When the timer fires whose kind is `timerKind`, µs; all ones: it is not armed. */
  timerAt: number;
  /** When an ACK is due that waits, µs; all ones: none. */
  delackAt: number;
  /**
   * When it is looked next whether a first byte has come (the flag FIRST_BYTE), or whether keep-alive has
   * something to send, µs; all ones: never.
   */
  idleAt: number;
  /** When the last segment of this connection arrived, or, before the first one, when it was opened, µs. */
  heardAt: number;
  /** Since when something waits for an acknowledgment without progress; if nothing does, when that ended; µs. */
  stalledAt: number;
  /** The MSS that the peer named. */
  peerMss: number;
  /** Keep-alive: idle time before the first probe, s. */
  keepIdleS: number;
  /** Keep-alive: time between probes, s. */
  keepIntervalS: number;
  /** Keep-alive: unanswered probes before the connection is given up. */
  keepProbes: number;
  /** Keep-alive: probes that were sent in a row. */
  keepSent: number;
  /** Time to live of what is sent. */
  ttl: number;
  /** Type of service of what is sent. */
  tos: number;
  /** Congestion control, as CONGESTION was set. */
  congestion: number;
  /** ECN (RFC 3168): 1 it is on, 2 a mark is echoed, 4 CWR is due, 8 our SYN asked for it. */
  ecn: number;
  /** Bits of `FastOpen`. */
  fastOpen: number;
  /** Segments with text since the last ACK was sent. */
  unacked: number;
}

export const TCP_INFO_VERSION = 2, TCP_INFO_SIZE = 198;

/** What `listener_info` writes. */
export const LISTENER_INFO = {
  halfOpen: 0, toAccept: 4, backlog: 8, defending: 12,
} as const;

/** What `dhcp_info` writes. */
export const LEASE = {
  state: { at: 0 }, ip: { at: 4 }, prefix: { at: 8 }, gateway: { at: 12 }, server: { at: 16 },
  dns0: { at: 20 }, dns1: { at: 24 }, dns2: { at: 28 }, ntp0: { at: 32 }, ntp1: { at: 36 },
  broadcast: { at: 40 }, mtu: { at: 44 }, leaseS: { at: 48 }, domainSize: { at: 52 }, sent: { at: 56 },
  taken: { at: 60 }, dropped: { at: 64 }, refused: { at: 68 }, declined: { at: 72 }, linkLocal: { at: 76 },
  renewAt: { at: 80, type: "u64" }, rebindAt: { at: 88, type: "u64" }, endsAt: { at: 96, type: "u64" },
} as const;

/** The same fields as numbers. */
export interface LeaseNumbers {
  /**
   * 0 off, 1 INIT, 2 SELECTING, 3 REQUESTING, 4 probing, 5 BOUND, 6 RENEWING, 7 REBINDING, 8 REBOOTING, 9
   * releasing (RFC 2131 §4.4).
   */
  state: number;
  /** What the interface has, whoever gave it; 0: no address. */
  ip: number;
  /** Length of the subnet's prefix. */
  prefix: number;
  /** The default router; 0: none. */
  gateway: number;
  /** Whose lease it is. */
  server: number;
  /** DNS servers, in the order of the server's preference. */
  dns0: number;
  /** The second one; 0: none. */
  dns1: number;
  /** The third one; 0: none. */
  dns2: number;
  /** Time servers. */
  ntp0: number;
  /** The second one; 0: none. */
  ntp1: number;
  /** The broadcast address that the server tells. */
  broadcast: number;
  /** The link's MTU as the server tells it; the stack keeps its own. 0: it told none. */
  mtu: number;
  /** Length of the lease, s; 0xffffffff: for ever. */
  leaseS: number;
  /** Bytes of the domain's name (`dhcp_domain`). */
  domainSize: number;
  /** Messages sent. */
  sent: number;
  /** Answers taken. */
  taken: number;
  /** Messages dropped for what was wrong with them. */
  dropped: number;
  /** Requests that a server refused. */
  refused: number;
  /** Addresses that others had. */
  declined: number;
  /** 1: the address is one of 169.254/16 that the stack gave itself (`link_local_start`). */
  linkLocal: number;
  /** When it is renewed, in the clock of `poll`; 2^64 − 1: never. */
  renewAt: number;
  /** When any server is asked. */
  rebindAt: number;
  /** When it ends. */
  endsAt: number;
}

export const LEASE_SIZE = 104;

/** How far DHCP is, by `LEASE.state`. */
export const LEASE_STATES = [
  "OFF", "INIT", "SELECTING", "REQUESTING", "PROBING", "BOUND", "RENEWING", "REBINDING", "REBOOTING",
  "RELEASING",
] as const;

/** What `dns_info` writes. */
export const NAMES = {
  server0: { at: 0 }, server1: { at: 4 }, server2: { at: 8 }, sent: { at: 12 }, taken: { at: 16 },
  dropped: { at: 20 }, asking: { at: 24 }, streamed: { at: 28 }, noConnection: { at: 32 },
} as const;

/** What the resolver has, and did. */
export interface NamesNumbers {
  /** The servers that are asked, in this order; 0: no more. */
  server0: number;
  /** The second one. */
  server1: number;
  /** The third one. */
  server2: number;
  /** Questions sent. */
  sent: number;
  /** Answers taken. */
  taken: number;
  /** Datagrams from servers that were no answers to them. */
  dropped: number;
  /** Names that are being asked for. */
  asking: number;
  /** Of the questions sent, those that went over TCP, since the answer did not fit into a datagram (RFC 7766). */
  streamed: number;
  /** Questions that could not be asked over TCP: no connection was free, or there was no way. */
  noConnection: number;
}

export const NAMES_SIZE = 36;

/** What `sntp_info` writes. */
export const TIME = {
  server: { at: 0 }, stratum: { at: 4 }, leap: { at: 8 }, sent: { at: 12 }, taken: { at: 16 },
  dropped: { at: 20 }, kisses: { at: 24 }, intervalS: { at: 28 }, utc: { at: 32, type: "u64" },
  at: { at: 40, type: "u64" }, delay: { at: 48, type: "u64" },
} as const;

/** What is known of the time. */
export interface TimeNumbers {
  /**
   * Who told the time, or is asked for it, an IPv4 address or the name of an IPv6 one; 0: nobody was asked
   * yet.
   */
  server: number;
  /** 1 to 15: how far from a reference clock the server was that told the time. 0: the time is not known. */
  stratum: number;
  /** 1 or 2: the last minute of the day has 61 or 59 seconds. */
  leap: number;
  /** Questions sent. */
  sent: number;
  /** Answers taken. */
  taken: number;
  /** Datagrams from the server that was asked that were no answers, or of no use. */
  dropped: number;
  /** Servers that asked to be left alone, or to be asked less often (RFC 4330 §8). */
  kisses: number;
  /** Seconds between questions. */
  intervalS: number;
  /** UTC when the clock of `poll` was `at`, in µs since 1970. */
  utc: number;
  /** When it was told. */
  at: number;
  /** The round trip to the server, µs: the time is wrong by half of it at most, if the server is right. */
  delay: number;
}

export const TIME_SIZE = 56;

/** What `dhcp6_info` writes. */
export const DHCP6 = {
  state: { at: 0 }, sent: { at: 4 }, taken: { at: 8 }, dropped: { at: 12 }, refused: { at: 16 },
  declined: { at: 20 },
} as const;

/** What the DHCPv6 client did. */
export interface Dhcp6Numbers {
  /**
   * 0 off, 1 waiting for a router, 2 Solicit, 3 Request, 4 bound, 5 Renew, 6 Rebind, 7 Decline, 8 Release, 9
   * Information-request, 10 informed (RFC 8415 §18.2).
   */
  state: number;
  /** Messages sent. */
  sent: number;
  /** Messages taken. */
  taken: number;
  /** Messages that were dropped: malformed, of no exchange of ours, or out of place. */
  dropped: number;
  /** How often a server refused. */
  refused: number;
  /** Addresses that somebody else had. */
  declined: number;
}

export const DHCP6_SIZE = 24;

/** How far DHCPv6 is, by `DHCP6.state`. */
export const LEASE6_STATES = [
  "OFF", "WAITING", "SOLICITING", "REQUESTING", "BOUND", "RENEWING", "REBINDING", "DECLINING", "RELEASING",
  "INFORMING", "INFORMED",
] as const;

/** What `mdns_info` writes. */
export const LOCAL_NAME = {
  state: { at: 0 }, conflicts: { at: 4 }, asked: { at: 8 }, sent: { at: 12 }, dropped: { at: 16 },
} as const;

/** What the host's own name is, and did. */
export interface LocalNameNumbers {
  /** 0 off, 1 waiting for an address, 2 probing, 3 settled, 4 leaving. */
  state: number;
  /** How often somebody had the name, or said so. */
  conflicts: number;
  /** Questions about the own name that were heard. */
  asked: number;
  /** Messages sent. */
  sent: number;
  /** Messages that were dropped as malformed, or not of the link. */
  dropped: number;
}

export const LOCAL_NAME_SIZE = 20;

/** How far the own name in .local is, by `LOCAL_NAME.state`. */
export const LOCAL_STATES = [
  "OFF", "WAITING", "PROBING", "SETTLED", "LEAVING",
] as const;

/** What `ip6_info` writes. */
export const IP6_INFO = {
  byte0: { at: 0 }, byte4: { at: 4 }, byte8: { at: 8 }, byte12: { at: 12 }, name: { at: 16 },
  state: { at: 20 }, origin: { at: 24 }, prefix: { at: 28 }, preferredS: { at: 32 }, validS: { at: 36 },
} as const;

export const IP6_INFO_SIZE = 40;

/** Values of `IP6_INFO.state`. */
export const IP6_STATE = {
  TENTATIVE: 1, VALID: 2,
} as const;

/** Where an address is from, by `IP6_INFO.origin`. */
export const IP6_ORIGINS = [
  "loopback", "link-local", "prefix", "fixed", "dhcp", "temporary",
] as const;

/** From here on, an IPv6 address's name. */
export const IP6_NAMES = 0xf8000000;

/** What `pool` counts. */
export const POOL = {
  connections: 0, halfOpenFree: 1, timeWaitFree: 2, rangesFree: 3,
} as const;

/** Whom a datagram is from, as `udp_recv` writes it. */
export const DATAGRAM_FROM = {
  ip: 0, port: 4,
} as const;

/** What the services ask the host for. */
export const REQUEST = {
  want: 0, block: 4, path: 8, pathSize: 12, data: 16, size: 20, offset: 24, tag: 32,
} as const;

export const REQUEST_SIZE = 40;

/** Values of `REQUEST.want`. */
export const WANT = {
  NONE: 0, LENGTH: 1, PIECE: 2,
} as const;

/** What the module exports; include/stint.h says what each does. */
export interface Calls {
  /*
   * Address of a block of 304 bytes: the configuration is written there, and `init` called; later it is free
   * for the host's use.
   */
  configBlock(): number;
  /* Bytes of arena that the configuration at `block` takes; ARGUMENT, CONFIG or NO_MEMORY. */
  layoutSize(block: number): bigint;
  /*
   * Lays the stack out as the configuration at `block` says, and wipes its entropy. OK, ARGUMENT, CONFIG,
   * ENTROPY or NO_MEMORY.
   */
  init(block: number): number;
  /*
   * Moves frames and time: takes in all frames from the host, fires timers, sends. Returns the microseconds
   * until it must be called again at the latest; 0: at once, there is more; −1: nothing is due. NOT_INIT.
   */
  poll(nowUs: bigint): number;
  /*
   * The link was away, and may lead to another network now: neighbours are asked for again, and the own
   * address is announced. OK or NOT_INIT.
   */
  link_changed(): number;
  /*
   * Address of the control block: the ring from the host, then the ring to it, each as a SlotRing
   * (buffers/slots.ts). 0 before `init`.
   */
  controlBlock(): number;
  /* Address of the u32 counters, in the order of `Mib`. */
  counters(): number;
  /* How many counters there are. */
  countersCount(): number;
  /* How full a table is, in entries; `which`: one of `Pool`. ARGUMENT or NOT_INIT. */
  pool(which: number): number;
  /*
   * Changes one number of the running configuration, by its place among the u32 of `Config`: from `policy` to
   * `firstByteMs`. What is under way keeps the deadline that it has. OK, ARGUMENT or NOT_INIT.
   */
  tune(word: number, value: number): number;
  /*
   * The next socket that has something to tell: its handle in the upper half, bits of `Event` in the lower;
   * 0: none.
   */
  event_next(): bigint;
  /*
   * Listens on `ip` and `port`; 0: on every own address. In builds with everything also 255.255.255.255: on
   * every IPv4 one; and the name of :: (`ip6_name`): on every IPv6 one. Returns a handle, IN_USE, FULL or
   * ARGUMENT.
   */
  tcp_listen(ip: number, port: number, backlog: number): number;
  /*
   * A connection that `listener` has, and that nobody took yet: a handle, the oldest first. AGAIN: none waits
   * (ACCEPT follows). HANDLE.
   */
  tcp_accept(listener: number): number;
  /*
   * Active OPEN to `rip` and `rport`, from `lip` and `lport`; 0: the address that fits, a port that is free.
   * Returns a handle at once, and CONNECTED or CLOSED follows. ARGUMENT, FULL, IN_USE, UNREACHABLE or
   * NOT_INIT.
   */
  tcp_connect(lip: number, lport: number, rip: number, rport: number): number;
  /* Queues up to `size` bytes. Returns how many; AGAIN when the ring is full (WRITABLE follows). */
  tcp_send(handle: number, src: number, size: number): number;
  /* Bytes that could be queued now. 0: the ring is full, and WRITABLE follows. */
  tcp_send_room(handle: number): number;
  /* Where the next bytes can be written in place; `tcp_send_span` of them. 0: no such connection. */
  tcp_send_at(handle: number): number;
  /* Bytes that can be written at `tcp_send_at`: up to the end of the free room, or of the ring. */
  tcp_send_span(handle: number): number;
  /* Queues the `size` bytes that were written in place. */
  tcp_send_commit(handle: number, size: number): number;
  /* Takes up to `size` bytes. Returns how many; 0: the peer has closed; AGAIN: nothing yet. */
  tcp_recv(handle: number, dst: number, size: number): number;
  /* The same, but the bytes stay. */
  tcp_peek(handle: number, dst: number, size: number): number;
  /* Bytes that can be taken now; 0 and errors as `tcp_recv`. */
  tcp_recv_size(handle: number): number;
  /* Where the next bytes lie in place; `tcp_recv_span` of them. 0: no such connection. */
  tcp_recv_at(handle: number): number;
  /* Bytes that can be read at `tcp_recv_at`: up to the last one received, or to the end of the ring. */
  tcp_recv_span(handle: number): number;
  /* Gives back `size` bytes that were read in place. */
  tcp_recv_consume(handle: number, size: number): number;
  /* Everything queued so far is urgent. */
  tcp_urgent(handle: number): number;
  /* Bytes up to the end of the urgent data that is to be received; 0: there is none. */
  tcp_urgent_left(handle: number): number;
  /* Closes the sending side (FIN follows the last byte). */
  tcp_shutdown(handle: number): number;
  /* Gives the handle of a connection or a listener up. A connection ends in order by itself. */
  tcp_close(handle: number): number;
  /* Gives the handle up and resets the connection. */
  tcp_abort(handle: number): number;
  /* Sets one of `TcpOption`, of a connection or, if it has that one, of a listener. */
  tcp_set(handle: number, option: number, value: number): number;
  /* Writes what is to be known of the connection to `dst`: a `TcpInfo` (api/info.ts). */
  tcp_info(handle: number, dst: number): number;
  /* Writes what is to be known of the listener to `dst`: a `ListenerInfo` (api/info.ts). */
  listener_info(handle: number, dst: number): number;
  /* The state (RFC 9293 §3.3.2, numbered 0 CLOSED … 10 TIME-WAIT) of a four-tuple. */
  flow_state(lip: number, lport: number, rip: number, rport: number): number;
  /*
   * Opens a socket on `port` (0: an ephemeral one). Returns a handle, ARGUMENT, IN_USE or FULL; a build
   * without UDP has none.
   */
  udp_open(port: number): number;
  /*
   * Queues a datagram for `ip`:`port`. To groups nothing is sent; but in builds with mDNS a socket on port
   * 5353 is in its groups, 224.0.0.251 and ff02::fb, and may send to that port there. OK; AGAIN: the ring is
   * full; SIZE, UNREACHABLE or ARGUMENT.
   */
  udp_send(handle: number, ip: number, port: number, src: number, size: number): number;
  /*
   * Takes the next datagram: up to `size` bytes to `dst`, a `DatagramFrom` to `from` (0: nobody asks). Its
   * length, AGAIN or REFUSED.
   */
  udp_recv(handle: number, dst: number, size: number, from: number): number;
  /*
   * Time to live of what the socket sends, 1 to 255; 0: the configuration's (RFC 1122 §4.1.4). Only builds
   * with everything have this call.
   */
  udp_ttl(handle: number, ttl: number): number;
  /*
   * The socket takes datagrams of `ip`:`port` alone from now on; to others its port is one that nobody has.
   * `ip` 0: it takes everybody's again. What came before stays. OK or ARGUMENT. Only builds with everything
   * have this call.
   */
  udp_connect(handle: number, ip: number, port: number): number;
  /* Closes the socket; what waits in it is dropped. HANDLE. */
  udp_close(handle: number): number;
  /*
   * Gives the interface a fixed address; 0, with `prefix` and `gateway` 0, takes it away. Connections of the
   * address before end with NO_ADDRESS; listeners stay. DHCP ends, and what `link_local_start` began. OK,
   * ARGUMENT or NOT_INIT.
   */
  set_address(ip: number, prefix: number, gateway: number): number;
  /*
   * Asks the network for an address (RFC 2131): `Event.ADDRESS` of handle 0 tells when it has one, another
   * one, or none. The address that the interface has is taken away. `wanted`: one that it had before, which
   * is asked for first; 0: none. `name`: the host's name for the server, up to 63 bytes. OK, ARGUMENT,
   * NOT_INIT; SIZE: the link's MTU is below 576.
   */
  dhcp_start(wanted: number, name: number, size: number): number;
  /*
   * Ends it. The server whose lease it is is told (RFC 2131 §4.4.6) with one of the next polls; then, or
   * after a second without a way to it, the interface has no address, and `Event.ADDRESS` of handle 0 tells.
   * OK or NOT_INIT.
   */
  dhcp_stop(): number;
  /*
   * Writes what is known of the interface's address, and of the lease if there is one, to `dst`: a `Lease`
   * (clients/dhcp-state.ts). OK, ARGUMENT or NOT_INIT.
   */
  dhcp_info(dst: number): number;
  /*
   * Writes up to `size` bytes of the domain's name that the server told to `dst`. Returns how long it is,
   * ARGUMENT or NOT_INIT.
   */
  dhcp_domain(dst: number, size: number): number;
  /*
   * The addresses of the name that `size` bytes of text are: writes up to `most` of them, a u32 each, to
   * `dst`. Returns how many there are, 4 at most. AGAIN: it is being asked for; `Event.NAMES` of handle 0
   * tells when to call again. NOT_FOUND: there is none. NO_IPV4: it may have other addresses. NO_ANSWER: no
   * server answers, or none does well. SIZE: the answer is too long for a datagram, and could not be had over
   * TCP. UNREACHABLE: there is no server. FULL, ARGUMENT, NOT_INIT. A name in .local is asked for on the
   * link, and of no server (RFC 6762).
   */
  dns_lookup(name: number, size: number, dst: number, most: number): number;
  /*
   * The same of IPv6 addresses: 16 bytes each, as they stand in a packet. NO_IPV6 in the place of NO_IPV4. A
   * build without IPv6 has none to tell: ARGUMENT.
   */
  dns_lookup6(name: number, size: number, dst: number, most: number): number;
  /*
   * The servers to ask, in this order, IPv4 addresses (`dns_server_add` takes those of IPv6); 0: no more. All
   * 0: those that the lease names, and behind them those of which routers tell (RFC 8106). What is known is
   * forgotten. OK, ARGUMENT or NOT_INIT.
   */
  dns_servers(first: number, second: number, third: number): number;
  /*
   * One more server to ask, behind those of `dns_servers`: an IPv4 address, or the name of an IPv6 one
   * (`ip6_name`). What is known is forgotten. OK, ARGUMENT, NOT_INIT; FULL: there are three.
   */
  dns_server_add(server: number): number;
  /* Writes what the resolver did to `dst`: a `Names` (clients/dns.ts). OK, ARGUMENT or NOT_INIT. */
  dns_info(dst: number): number;
  /*
   * The host is to be reachable by this name in .local (RFC 6762): `size` bytes of text, 63 at most, letters,
   * digits and hyphens, without ".local". While somebody else has it, another name is taken, with a number
   * behind it. `Event.NAME` of handle 0 tells when it is settled, about a second after there is an address,
   * and again when it changes. OK, ARGUMENT, NOT_INIT; STATE: there is a name; SIZE: the link's MTU is below
   * 576.
   */
  mdns_start(name: number, size: number): number;
  /* Ends it. With the next poll others are told that the name is nobody's any more. OK or NOT_INIT. */
  mdns_stop(): number;
  /* Writes what is known of the own name to `dst`: a `LocalName` (clients/mdns.ts). OK, ARGUMENT or NOT_INIT. */
  mdns_info(dst: number): number;
  /*
   * Writes up to `size` bytes of the own name, which ends in ".local", to `dst`; it is settled when
   * `mdns_info` says so. Returns how long it is, 0 if none was given, ARGUMENT or NOT_INIT.
   */
  mdns_name(dst: number, size: number): number;
  /*
   * Asks these servers for the time (RFC 4330), in this order, IPv4 addresses (`sntp_server_add` takes those
   * of IPv6); 0: no more. All 0: those of which the DHCP server told. `Event.TIME` of handle 0 tells each
   * time that one has answered. It goes on until `sntp_stop`. OK, ARGUMENT or NOT_INIT.
   */
  sntp_start(first: number, second: number, third: number): number;
  /*
   * One more server to ask, behind those of `sntp_start`: an IPv4 address, or the name of an IPv6 one
   * (`ip6_name`). Those of the lease are asked no more. OK, ARGUMENT, NOT_INIT; FULL: there are three; STATE:
   * `sntp_start` comes first.
   */
  sntp_server_add(server: number): number;
  /* Asks no more; the time stays known. OK or NOT_INIT. */
  sntp_stop(): number;
  /* UTC at the last `poll`, in µs since 1970-01-01, without leap seconds; 0: it is not known. */
  sntp_utc(): bigint;
  /* Writes what is known of the time to `dst`: a `Time` (clients/sntp.ts). OK, ARGUMENT or NOT_INIT. */
  sntp_info(dst: number): number;
  /*
   * From now on the interface is to have an address of 169.254/16 when it has no other (RFC 3927): while DHCP
   * runs, once no server answers; else at once. `Event.ADDRESS` of handle 0 tells when it has one, after five
   * seconds or more. `wanted`: one that it had before, which is tried first; 0: none. `set_address` ends it.
   * OK, ARGUMENT or NOT_INIT.
   */
  link_local_start(wanted: number): number;
  /* Ends it. If the interface has such an address, it is taken away. OK or NOT_INIT. */
  link_local_stop(): number;
  /*
   * Whether the interface has temporary addresses (RFC 8981), beside those that it makes from routers'
   * prefixes. With `wanted` 1 each prefix has one, which lasts a day at most before the next one takes its
   * place, and connections are opened from it. With 0, as at the start, there are none; those that there are
   * go, and their connections end with NO_ADDRESS. OK, NOT_INIT; ARGUMENT: neither 0 nor 1, or a build
   * without them.
   */
  ip6_temporary(wanted: number): number;
  /*
   * Writes what the DHCPv6 client did (RFC 8415) to `dst`: a `Lease6` (nd/dhcp6-state.ts). It begins with
   * `ip6_start`, when a router says that there is a server; `ip6_info` tells its address. OK, ARGUMENT (a
   * build without it) or NOT_INIT.
   */
  dhcp6_info(dst: number): number;
  /*
   * Gives the address back that a DHCPv6 server gave: it is used no more, and the server is told with the
   * next poll. Until `ip6_start` none is asked for. OK or NOT_INIT.
   */
  dhcp6_stop(): number;
  /*
   * The own address from which packets to `ip` would leave now (RFC 6724 §5): an IPv4 address, or the name of
   * an IPv6 one. 0: there is none, no way to `ip`, or that is nobody's alone; or there is no stack.
   */
  ip_source(ip: number): number;
  /*
   * IPv6 begins (RFC 4862): the interface has a link-local address after a second, others when a router says
   * from which prefix; `Event.ADDRESS` of handle 0 tells. `secret`: 16 bytes that the host keeps, so that the
   * interface has the same addresses after each start (RFC 7217); 0: it has others. OK, ARGUMENT or NOT_INIT;
   * SIZE: the link's MTU is below 1280; STATE: it has begun.
   */
  ip6_start(secret: number): number;
  /* Ends it: connections over IPv6 end with NO_ADDRESS. OK or NOT_INIT. */
  ip6_stop(): number;
  /*
   * Gives the interface one more address, the 16 bytes at `address`, and tells that its first `prefix` bits
   * are those of the link; the 16 bytes at `router`, if it is not 0, are the address of a router. It can be
   * used once duplicate address detection has passed (`ip6_info`). OK, ARGUMENT, IN_USE or NOT_INIT; FULL:
   * there is no place for the address, its prefix or the router; STATE: `ip6_start` comes first.
   */
  ip6_add(address: number, prefix: number, router: number): number;
  /*
   * Takes an address away. Its connections end with NO_ADDRESS. One that a DHCPv6 server gave is given back,
   * and none is asked for until the link changes. OK, NOT_INIT, or ARGUMENT: the interface does not have it.
   */
  ip6_remove(address: number): number;
  /*
   * Writes the `index`-th address of the interface to `dst`, an `Ip6Info`. OK or NOT_INIT; ARGUMENT: there
   * are no more.
   */
  ip6_info(index: number, dst: number): number;
  /* Writes the `index`-th router's 16 bytes to `dst`. OK or NOT_INIT; ARGUMENT: there are no more. */
  ip6_router(index: number, dst: number): number;
  /* The name of the 16 bytes at `address`, to be used in the very next call. 0: ARGUMENT or NOT_INIT. */
  ip6_name(address: number): number;
  /*
   * Writes the 16 bytes of an address that the module has just named to `dst`. OK, NOT_INIT, or ARGUMENT: it
   * is no name now.
   */
  ip6_bytes(name: number, dst: number): number;
}
