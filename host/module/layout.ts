// Made by tools/border from the sources in assembly/: all that crosses the border of the module.
// Nothing else in host/, tests/ and tools/ names an offset, a bit or a number of it.

/** Errors: what calls return below 0. */
export const ERR = {
  OK: 0, HANDLE: -1, ARGUMENT: -2, STATE: -3, FULL: -4, AGAIN: -5, IN_USE: -6, REFUSED: -7, RESET: -8,
  TIMED_OUT: -9, UNREACHABLE: -10, CLOSED: -11, NOT_INIT: -12, ENTROPY: -13, NO_MEMORY: -14, CONFIG: -15,
  ABORTED: -16, SIZE: -17, NO_ADDRESS: -18, NOT_FOUND: -19, NO_ANSWER: -20, NO_IPV4: -21, NO_IPV6: -22,
} as const;

/** Bits of an event. */
export const EVENT = {
  CONNECTED: 1, ACCEPT: 2, READABLE: 4, WRITABLE: 8, END: 16, CLOSED: 32, URGENT: 64, STALLED: 128,
  SOFT_ERROR: 256, DEFENCE: 512, ADDRESS: 1024, NAMES: 2048,
} as const;

/** The states of RFC 9293 §3.3.2, by their number. */
export const STATES = [
  "CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
  "CLOSING", "LAST-ACK", "TIME-WAIT",
] as const;

/** Options of a connection or a listener. */
export const OPTION = {
  noDelay: 0, keepAlive: 1, keepIdleS: 2, keepIntervalS: 3, keepProbes: 4, userTimeoutMs: 5, tos: 6, ttl: 7,
  softErrors: 8, fastOpen: 9,
} as const;

/** Bits of the configuration's `policy`. */
export const POLICY = {
  timestamps: 1, sack: 2, windowScaling: 4, rstEndsTimeWait: 8, synFin: 16, rstOnOverflow: 32, pushBursts: 64,
  announce: 128, noDelay: 256, broadcastEcho: 512, blackhole: 1024, eagerWindow: 2048, keepHalfOpen: 4096,
  synSilence: 8192, group: 16384, ecn: 32768, ecnOffer: 65536, rack: 131072, tlp: 262144, prr: 524288,
  undo: 1048576, cubic: 2097152, hystart: 4194304, pacing: 8388608, noisyLink: 16777216, quickAcks: 33554432,
  rstInWindow: 67108864, synResets: 134217728, oldAcks: 268435456,
} as const;

/** The bits that are set by default. */
export const POLICY_DEFAULT = 41812103;

/** Values of the configuration's `cookies`. */
export const COOKIES = {
  never: 0, auto: 1, always: 2,
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

/** Least and greatest value of each, as the module's table of bounds has them. */
export const CONFIG_BOUNDS = {
  mtu: [128, 65535], connsMax: [1, 2097151], halfOpenMax: [1, 65535], timeWaitMax: [1, 2097151],
  listenersMax: [0, 255], sendRing: [64, 1073741823], recvRing: [64, 1073741823], rangesMax: [0, 65535],
  sendersMax: [0, 65535], rxSlots: [1, 32767], txSlots: [1, 32767], loopSlots: [0, 32767],
  reassemblyMax: [0, 255], reassemblyBytes: [0, 65535], neighboursMax: [4, 65535], udpMax: [0, 1023],
  udpRing: [0, 1048575], prefixBuckets: [0, 131071], fastOpenCookies: [0, 255], appBytes: [0, 1073741823],
  windowScale: [0, 255], policy: [0, 536870911], cookies: [0, 3], mss: [0, 65535], initialWindow: [1, 127],
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
  version: { at: 0, type: "u32" }, state: { at: 4, type: "u32" }, rip: { at: 8, type: "u32" },
  lip: { at: 12, type: "u32" }, ports: { at: 16, type: "u32" }, flags: { at: 20, type: "u32" },
  timerKind: { at: 25, type: "u8" }, retries: { at: 26, type: "u8" }, dupAcks: { at: 27, type: "u8" },
  sndScale: { at: 28, type: "u8" }, rcvScale: { at: 29, type: "u8" }, error: { at: 30, type: "i8" },
  softError: { at: 31, type: "i8" }, mss: { at: 32, type: "u16" }, pathMtu: { at: 34, type: "u16" },
  sndUna: { at: 36, type: "u32" }, sndNxt: { at: 40, type: "u32" }, sndWnd: { at: 44, type: "u32" },
  maxSndWnd: { at: 48, type: "u32" }, iss: { at: 52, type: "u32" }, sndUp: { at: 56, type: "u32" },
  rcvNxt: { at: 60, type: "u32" }, rcvAdv: { at: 64, type: "u32" }, rcvUp: { at: 68, type: "u32" },
  irs: { at: 72, type: "u32" }, sndSize: { at: 80, type: "u32" }, rcvSize: { at: 88, type: "u32" },
  rto: { at: 92, type: "u32" }, cwnd: { at: 96, type: "u32" }, ssthresh: { at: 100, type: "u32" },
  recover: { at: 104, type: "u32" }, sndLost: { at: 108, type: "u32" }, rtxNxt: { at: 112, type: "u32" },
  tsRecent: { at: 116, type: "u32" }, lastAckSent: { at: 124, type: "u32" }, sndWl1: { at: 128, type: "u32" },
  sndWl2: { at: 132, type: "u32" }, finSeq: { at: 136, type: "u32" }, tsRecentAt: { at: 140, type: "u32" },
  tsOffset: { at: 144, type: "u32" }, srtt: { at: 148, type: "u32" }, rttvar: { at: 152, type: "u32" },
  userTimeoutMs: { at: 188, type: "u32" }, timerAt: { at: 192, type: "u64" },
  delackAt: { at: 200, type: "u64" }, idleAt: { at: 208, type: "u64" }, heardAt: { at: 216, type: "u64" },
  stalledAt: { at: 224, type: "u64" }, peerMss: { at: 242, type: "u16" }, keepIdleS: { at: 244, type: "u16" },
  keepIntervalS: { at: 246, type: "u16" }, challenges: { at: 250, type: "u8" },
  keepProbes: { at: 251, type: "u8" }, keepSent: { at: 252, type: "u8" }, tos: { at: 253, type: "u8" },
  ttl: { at: 254, type: "u8" }, unacked: { at: 255, type: "u8" }, ecn: { at: 260, type: "u8" },
  fastOpen: { at: 261, type: "u8" }, pipe: { at: 264, type: "u32" }, sackedBytes: { at: 268, type: "u32" },
  outOfOrderBytes: { at: 272, type: "u32" }, urgentLeft: { at: 276, type: "u32" },
} as const;

export const TCP_INFO_VERSION = 1, TCP_INFO_SIZE = 280;

/** What `listener_info` writes. */
export const LISTENER_INFO = {
  halfOpen: 0, toAccept: 4, backlog: 8, defending: 12,
} as const;

/** What `dhcp_info` writes. */
export const LEASE = {
  state: { at: 0, type: "u32" }, ip: { at: 4, type: "u32" }, prefix: { at: 8, type: "u32" },
  gateway: { at: 12, type: "u32" }, server: { at: 16, type: "u32" }, dns0: { at: 20, type: "u32" },
  dns1: { at: 24, type: "u32" }, dns2: { at: 28, type: "u32" }, ntp0: { at: 32, type: "u32" },
  ntp1: { at: 36, type: "u32" }, broadcast: { at: 40, type: "u32" }, mtu: { at: 44, type: "u32" },
  leaseS: { at: 48, type: "u32" }, domainSize: { at: 52, type: "u32" }, sent: { at: 56, type: "u32" },
  taken: { at: 60, type: "u32" }, dropped: { at: 64, type: "u32" }, refused: { at: 68, type: "u32" },
  declined: { at: 72, type: "u32" }, renewAt: { at: 80, type: "u64" }, rebindAt: { at: 88, type: "u64" },
  endsAt: { at: 96, type: "u64" },
} as const;

export const LEASE_SIZE = 104;

/** How far DHCP is, by `LEASE.state`. */
export const LEASE_STATES = [
  "OFF", "INIT", "SELECTING", "REQUESTING", "PROBING", "BOUND", "RENEWING", "REBINDING", "REBOOTING",
  "RELEASING",
] as const;

/** What `dns_info` writes. */
export const NAMES = {
  server0: { at: 0, type: "u32" }, server1: { at: 4, type: "u32" }, server2: { at: 8, type: "u32" },
  sent: { at: 12, type: "u32" }, taken: { at: 16, type: "u32" }, dropped: { at: 20, type: "u32" },
  asking: { at: 24, type: "u32" },
} as const;

export const NAMES_SIZE = 28;

/** What `ip6_info` writes. */
export const IP6_INFO = {
  byte0: { at: 0, type: "u32" }, byte4: { at: 4, type: "u32" }, byte8: { at: 8, type: "u32" },
  byte12: { at: 12, type: "u32" }, name: { at: 16, type: "u32" }, state: { at: 20, type: "u32" },
  origin: { at: 24, type: "u32" }, prefix: { at: 28, type: "u32" }, preferredS: { at: 32, type: "u32" },
  validS: { at: 36, type: "u32" },
} as const;

export const IP6_INFO_SIZE = 40;

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

/** What the module exports. */
export interface Calls {
  /**
   * Address of a block of 304 bytes: the configuration is written there, and `init` called; later it is free
   * for the host's use.
   */
  configBlock(): number;
  /** Bytes of arena that the configuration at `block` takes; ARGUMENT, CONFIG or NO_MEMORY. */
  layoutSize(block: number): bigint;
  /**
   * Lays the stack out as the configuration at `block` says, and wipes its entropy. OK, ARGUMENT, CONFIG,
   * ENTROPY or NO_MEMORY.
   */
  init(block: number): number;
  /**
   * Moves frames and time: takes in all frames from the host, fires timers, sends. Returns the microseconds
   * until it must be called again at the latest; 0: at once, there is more; −1: nothing is due. NOT_INIT.
   */
  poll(nowUs: bigint): number;
  /**
   * The link was away, and may lead to another network now: neighbours are asked for again, and the own
   * address is announced. OK or NOT_INIT.
   */
  link_changed(): number;
  /**
   * Address of the control block: the ring from the host, then the ring to it, each as a SlotRing
   * (buffers/slots.ts). 0 before `init`.
   */
  controlBlock(): number;
  /** Address of the u32 counters, in the order of `Mib`; and their number. */
  counters(): number;
  countersCount(): number;
  /**
   * Entries in use or free: 0 connections in use, 1 free half-open records, 2 free TIME-WAIT records, 3 free
   * ranges. ARGUMENT.
   */
  pool(which: number): number;
  /**
   * Changes one number of the running configuration, by its place among the u32 of `Config`: from `policy` to
   * `firstByteMs`. What is under way keeps the deadline that it has. OK, ARGUMENT or NOT_INIT.
   */
  tune(word: number, value: number): number;
  /**
   * The next socket that has something to tell: its handle in the upper half, bits of `Event` in the lower;
   * 0: none.
   */
  event_next(): bigint;
  tcp_listen(ip: number, port: number, backlog: number): number;
  tcp_accept(listener: number): number;
  tcp_connect(lip: number, lport: number, rip: number, rport: number): number;
  /** Queues up to `size` bytes. Returns how many; AGAIN when the ring is full (WRITABLE follows). */
  tcp_send(handle: number, src: number, size: number): number;
  /** Bytes that could be queued now. */
  tcp_send_room(handle: number): number;
  /** Where the next bytes can be written in place; `tcp_send_span` of them. 0: no such connection. */
  tcp_send_at(handle: number): number;
  tcp_send_span(handle: number): number;
  /** Queues the `size` bytes that were written in place. */
  tcp_send_commit(handle: number, size: number): number;
  /** Takes up to `size` bytes. Returns how many; 0: the peer has closed; AGAIN: nothing yet. */
  tcp_recv(handle: number, dst: number, size: number): number;
  /** The same, but the bytes stay. */
  tcp_peek(handle: number, dst: number, size: number): number;
  /** Bytes that can be taken now; 0 and errors as `tcp_recv`. */
  tcp_recv_size(handle: number): number;
  /** Where the next bytes lie in place; `tcp_recv_span` of them. 0: no such connection. */
  tcp_recv_at(handle: number): number;
  tcp_recv_span(handle: number): number;
  /** Gives back `size` bytes that were read in place. */
  tcp_recv_consume(handle: number, size: number): number;
  /** Everything queued so far is urgent. */
  tcp_urgent(handle: number): number;
  /** Bytes up to the end of the urgent data that is to be received; 0: there is none. */
  tcp_urgent_left(handle: number): number;
  /** Closes the sending side (FIN follows the last byte). */
  tcp_shutdown(handle: number): number;
  /** Gives the handle of a connection or a listener up. A connection ends in order by itself. */
  tcp_close(handle: number): number;
  /** Gives the handle up and resets the connection. */
  tcp_abort(handle: number): number;
  /** Sets one of `TcpOption`, of a connection or, if it has that one, of a listener. */
  tcp_set(handle: number, option: number, value: number): number;
  /** Writes what is to be known of the connection to `dst`: a `TcpInfo` (api/info.ts). */
  tcp_info(handle: number, dst: number): number;
  /** Writes what is to be known of the listener to `dst`: a `ListenerInfo` (api/info.ts). */
  listener_info(handle: number, dst: number): number;
  /** The state (RFC 9293 §3.3.2, numbered 0 CLOSED … 10 TIME-WAIT) of a four-tuple. */
  flow_state(lip: number, lport: number, rip: number, rport: number): number;
  /**
   * Opens a socket on `port` (0: an ephemeral one). Returns a handle, ARGUMENT, IN_USE or FULL; a build
   * without UDP has none.
   */
  udp_open(port: number): number;
  /** Queues a datagram for `ip`:`port`. OK; AGAIN: the ring is full; SIZE, UNREACHABLE or ARGUMENT. */
  udp_send(handle: number, ip: number, port: number, src: number, size: number): number;
  /**
   * Takes the next datagram: up to `size` bytes to `dst`, a `DatagramFrom` to `from` (0: nobody asks). Its
   * length, AGAIN or REFUSED.
   */
  udp_recv(handle: number, dst: number, size: number, from: number): number;
  /**
   * Time to live of what the socket sends, 1 to 255; 0: the configuration's (RFC 1122 §4.1.4). Only builds
   * with everything have this call.
   */
  udp_ttl(handle: number, ttl: number): number;
  /**
   * The socket takes datagrams of `ip`:`port` alone from now on; to others its port is one that nobody has.
   * `ip` 0: it takes everybody's again. What came before stays. OK or ARGUMENT. Only builds with everything
   * have this call.
   */
  udp_connect(handle: number, ip: number, port: number): number;
  udp_close(handle: number): number;
  /**
   * Gives the interface a fixed address; 0, with `prefix` and `gateway` 0, takes it away. Connections of the
   * address before end with NO_ADDRESS; listeners stay. DHCP ends. OK, ARGUMENT or NOT_INIT.
   */
  set_address(ip: number, prefix: number, gateway: number): number;
  /**
   * Asks the network for an address (RFC 2131): `Event.ADDRESS` of handle 0 tells when it has one, another
   * one, or none. The address that the interface has is taken away. `wanted`: one that it had before, which
   * is asked for first; 0: none. `name`: the host's name for the server, up to 63 bytes. OK, ARGUMENT,
   * NOT_INIT; SIZE: the link's MTU is below 576.
   */
  dhcp_start(wanted: number, name: number, size: number): number;
  /**
   * Ends it. The server whose lease it is is told (RFC 2131 §4.4.6) with one of the next polls; then, or
   * after a second without a way to it, the interface has no address, and `Event.ADDRESS` of handle 0 tells.
   * OK or NOT_INIT.
   */
  dhcp_stop(): number;
  /**
   * Writes what is known of the interface's address, and of the lease if there is one, to `dst`: a `Lease`
   * (clients/dhcp-state.ts). OK, ARGUMENT or NOT_INIT.
   */
  dhcp_info(dst: number): number;
  /**
   * Writes up to `size` bytes of the domain's name that the server told to `dst`. Returns how long it is,
   * ARGUMENT or NOT_INIT.
   */
  dhcp_domain(dst: number, size: number): number;
  /**
   * The addresses of the name that `size` bytes of text are: writes up to `most` of them, a u32 each, to
   * `dst`. Returns how many there are, 4 at most. AGAIN: it is being asked for; `Event.NAMES` of handle 0
   * tells when to call again. NOT_FOUND: there is none. NO_IPV4: it may have other addresses. NO_ANSWER: no
   * server answers, or none does well. SIZE: the answer is too long for a datagram. UNREACHABLE: there is no
   * server. FULL, ARGUMENT, NOT_INIT.
   */
  dns_lookup(name: number, size: number, dst: number, most: number): number;
  /**
   * The same of IPv6 addresses: 16 bytes each, as they stand in a packet. NO_IPV6 in the place of NO_IPV4. A
   * build without IPv6 has none to tell: ARGUMENT.
   */
  dns_lookup6(name: number, size: number, dst: number, most: number): number;
  /**
   * The servers to ask, in this order, IPv4 addresses (`dns_server_add` takes those of IPv6); 0: no more. All
   * 0: those that the lease names, and behind them those of which routers tell (RFC 8106). What is known is
   * forgotten. OK, ARGUMENT or NOT_INIT.
   */
  dns_servers(first: number, second: number, third: number): number;
  /**
   * One more server to ask, behind those of `dns_servers`: an IPv4 address, or the name of an IPv6 one
   * (`ip6_name`). What is known is forgotten. OK, ARGUMENT, NOT_INIT; FULL: there are three.
   */
  dns_server_add(server: number): number;
  /** Writes what the resolver did to `dst`: a `Names` (clients/dns.ts). OK, ARGUMENT or NOT_INIT. */
  dns_info(dst: number): number;
  /**
   * IPv6 begins (RFC 4862): the interface has a link-local address after a second, others when a router says
   * from which prefix; `Event.ADDRESS` of handle 0 tells. `secret`: 16 bytes that the host keeps, so that the
   * interface has the same addresses after each start (RFC 7217); 0: it has others. OK, ARGUMENT or NOT_INIT;
   * SIZE: the link's MTU is below 1280; STATE: it has begun.
   */
  ip6_start(secret: number): number;
  /** Ends it: connections over IPv6 end with NO_ADDRESS. OK or NOT_INIT. */
  ip6_stop(): number;
  /**
   * Gives the interface one more address, the 16 bytes at `address`, and tells that its first `prefix` bits
   * are those of the link; the 16 bytes at `router`, if it is not 0, are the address of a router. It can be
   * used once duplicate address detection has passed (`ip6_info`). OK, ARGUMENT, IN_USE, FULL or NOT_INIT;
   * STATE: `ip6_start` comes first.
   */
  ip6_add(address: number, prefix: number, router: number): number;
  /**
   * Takes an address away. Its connections end with NO_ADDRESS. OK, NOT_INIT, or ARGUMENT: the interface does
   * not have it.
   */
  ip6_remove(address: number): number;
  /**
   * Writes the `index`-th address of the interface to `dst`, an `Ip6Info`. OK or NOT_INIT; ARGUMENT: there
   * are no more.
   */
  ip6_info(index: number, dst: number): number;
  /** Writes the `index`-th router's 16 bytes to `dst`. OK or NOT_INIT; ARGUMENT: there are no more. */
  ip6_router(index: number, dst: number): number;
  /** The name of the 16 bytes at `address`, to be used in the very next call. 0: ARGUMENT or NOT_INIT. */
  ip6_name(address: number): number;
  /**
   * Writes the 16 bytes of an address that the module has just named to `dst`. OK, NOT_INIT, or ARGUMENT: it
   * is no name now.
   */
  ip6_bytes(name: number, dst: number): number;
}
