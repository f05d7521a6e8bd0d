/* stint: a TCP/IP stack as a part of your program. Made by tools/border from the sources in assembly/. */

/*
 * Addresses and ports are in host order (10.0.0.2 is 0x0a000002). Times are in the unit that a name or
 * comment says. A handle is above 0; a result below 0 is an error (STINT_ERR_…). Memory that a call is given
 * stays yours; memory whose address a call returns is the stack's, and yours to read or write until the next
 * call for that connection. No call may be made from two threads at once.
 */

/*
 * Link with: stint link app.wasm -o out.wasm. Or natively with libstint.a (npm run native): the stack's
 * memory is then its own, and the arena that a configuration names is ignored.
 */
#ifndef STINT_H
#define STINT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __wasm__
#define STINT_IMPORT(name) __attribute__((import_module("stint"), import_name(name)))
#else
#define STINT_IMPORT(name)
#endif
/* To the linker a call is named for the library: a program may have a function udp_open of its own. */
#ifdef __GNUC__
#define STINT_TEXT_OF(x) #x
#define STINT_TEXT(x) STINT_TEXT_OF(x)
#define STINT_SYMBOL(name) __asm__(STINT_TEXT(__USER_LABEL_PREFIX__) name)
#else
#define STINT_SYMBOL(name)
#endif

/* Errors: what calls return below 0. */
enum {
  /* The handle is stale, invented, or of another kind. */
  STINT_ERR_HANDLE = -1,
  /* A pointer, a length or a value is out of range. */
  STINT_ERR_ARGUMENT = -2,
  /*
   * The call makes no sense in this state (RFC 9293 §3.10: "connection does not exist", "connection
   * closing").
   */
  STINT_ERR_STATE = -3,
  /* The table that the call needs an entry of is full. */
  STINT_ERR_FULL = -4,
  /* Nothing to do now; an event tells when. */
  STINT_ERR_AGAIN = -5,
  /* The local address and port are taken. */
  STINT_ERR_IN_USE = -6,
  /* The peer answered a SYN with a RST, or an ICMP error said so ("connection refused"). */
  STINT_ERR_REFUSED = -7,
  /* The peer reset the connection ("connection reset"). */
  STINT_ERR_RESET = -8,
  /* R2, the user timeout or the keep-alive limit passed ("connection aborted due to user timeout"). */
  STINT_ERR_TIMED_OUT = -9,
  /* No route, no neighbour, or an ICMP error said so. */
  STINT_ERR_UNREACHABLE = -10,
  /* The sending side was closed by this application. */
  STINT_ERR_CLOSED = -11,
  /* A call before `init`. */
  STINT_ERR_NOT_INIT = -12,
  /* `init` got no entropy. */
  STINT_ERR_ENTROPY = -13,
  /* The arena is smaller than `layoutSize` says. */
  STINT_ERR_NO_MEMORY = -14,
  /* A value in the configuration is out of its range. */
  STINT_ERR_CONFIG = -15,
  /* The connection was aborted by this application. */
  STINT_ERR_ABORTED = -16,
  /* The datagram is longer than the buffer or than what a frame carries. */
  STINT_ERR_SIZE = -17,
  /* The own address that the connection had is gone. */
  STINT_ERR_NO_ADDRESS = -18,
  /* There is no such name. */
  STINT_ERR_NOT_FOUND = -19,
  /* No DNS server answers, or none of them does well. */
  STINT_ERR_NO_ANSWER = -20,
  /* The name has no IPv4 address; it may have others. */
  STINT_ERR_NO_IPV4 = -21,
  /* The name has no IPv6 address; it may have others. */
  STINT_ERR_NO_IPV6 = -22,
};

/* Events: bits in the lower half of stint_event_next. */
enum {
  /* The connection is ESTABLISHED (active open). */
  STINT_EVENT_CONNECTED = 1,
  /* A listener has a connection to accept. */
  STINT_EVENT_ACCEPT = 2,
  /* There is something to receive. */
  STINT_EVENT_READABLE = 4,
  /* There is room to send again. */
  STINT_EVENT_WRITABLE = 8,
  /* The peer has sent its FIN: what is in the ring is the last. */
  STINT_EVENT_END = 16,
  /* The connection is over; the error tells how. */
  STINT_EVENT_CLOSED = 32,
  /* The urgent pointer moved (RFC 9293 §3.8.5). */
  STINT_EVENT_URGENT = 64,
  /* R1 passed: retransmissions are not answered (RFC 9293 §3.8.3). */
  STINT_EVENT_STALLED = 128,
  /* A soft error was noted (RFC 9293 §3.9.1.8). */
  STINT_EVENT_SOFT_ERROR = 256,
  /* A listener began or ended to defend itself with SYN cookies. */
  STINT_EVENT_DEFENCE = 512,
  /* Of handle 0, the stack itself: its address, or what it knows of the network, has changed. */
  STINT_EVENT_ADDRESS = 1024,
  /* Of handle 0: a name that was asked for is known, or given up. */
  STINT_EVENT_NAMES = 2048,
  /* Of handle 0: the own name in .local is settled (`mdns_name`): the one that was given, or another one. */
  STINT_EVENT_NAME = 4096,
  /* Of handle 0: a time server has answered (`sntp_utc`). */
  STINT_EVENT_TIME = 8192,
};

/* States, as stint_flow_state has them. */
enum {
  STINT_STATE_CLOSED = 0,
  STINT_STATE_LISTEN = 1,
  STINT_STATE_SYN_SENT = 2,
  STINT_STATE_SYN_RECEIVED = 3,
  STINT_STATE_ESTABLISHED = 4,
  STINT_STATE_FIN_WAIT_1 = 5,
  STINT_STATE_FIN_WAIT_2 = 6,
  STINT_STATE_CLOSE_WAIT = 7,
  STINT_STATE_CLOSING = 8,
  STINT_STATE_LAST_ACK = 9,
  STINT_STATE_TIME_WAIT = 10,
};

/* Options of tcp_set. */
enum {
  /* 1: Nagle's algorithm is off (MUST-17). */
  STINT_OPTION_NO_DELAY = 0,
  /* 1: on (MUST-24). */
  STINT_OPTION_KEEP_ALIVE = 1,
  /* Idle time before the first probe, s (MUST-27). */
  STINT_OPTION_KEEP_IDLE = 2,
  /* Time between probes, s. */
  STINT_OPTION_KEEP_INTERVAL = 3,
  /* Unanswered probes before the connection is given up, 2 at least. */
  STINT_OPTION_KEEP_PROBES = 4,
  /* R2, ms (MUST-21). */
  STINT_OPTION_USER_TIMEOUT = 5,
  /* DSCP and ECN bits, as the TOS octet (MUST-48). */
  STINT_OPTION_TOS = 6,
  /* Time to live (MUST-49). */
  STINT_OPTION_TTL = 7,
  /* 0: no events for soft errors (SHLD-20). */
  STINT_OPTION_SOFT_ERRORS = 8,
  /*
   * 1: TCP Fast Open (RFC 7413). A connection that `tcp_connect` has just made sends what is queued before
   * the next `poll` in its SYN, once its server has given it a cookie: the server may see that text twice. A
   * listener takes such connections.
   */
  STINT_OPTION_FAST_OPEN = 9,
  /* Congestion control: 0 as the configuration has it, 1 CUBIC or NewReno, 2 BBR, in a build that has it. */
  STINT_OPTION_CONGESTION = 10,
};

/* Bits of stint_config.policy. */
enum {
  /* Offer and accept timestamps (RFC 7323 §3). */
  STINT_POLICY_TIMESTAMPS = 1,
  /* Offer and accept selective acknowledgments (RFC 2018). */
  STINT_POLICY_SACK = 2,
  /* Offer and accept window scaling (RFC 7323 §2). */
  STINT_POLICY_WINDOW_SCALE = 4,
  /*
   * A RST ends TIME-WAIT, as RFC 9293 §3.10.7.4 has it. Without it TIME-WAIT ignores a RST, as RFC 1337 §3
   * recommends.
   */
  STINT_POLICY_RST_ENDS_TIME_WAIT = 8,
  /* A SYN that carries FIN is processed, as RFC 9293 §3.10.7.2 has it. Without it such a segment is dropped. */
  STINT_POLICY_SYN_FIN = 16,
  /*
   * When the accept queue is full, the handshake's last ACK is answered with a RST. Without it, it is dropped
   * and may come again.
   */
  STINT_POLICY_RST_ON_OVERFLOW = 32,
  /* Mark the last segment of a burst with PSH, not only the last one in the buffer. */
  STINT_POLICY_PUSH_BURSTS = 64,
  /* Announce the own address when the stack starts (RFC 5227 §2.3). */
  STINT_POLICY_ANNOUNCE = 128,
  /* Nagle's algorithm is off for new connections (RFC 9293 §3.7.4). */
  STINT_POLICY_NO_DELAY = 256,
  /* Answer echo requests to a broadcast address (RFC 1122 §3.2.2.6 leaves it open). */
  STINT_POLICY_BROADCAST_ECHO = 512,
  /* A segment to a closed port is dropped and not answered with a RST. */
  STINT_POLICY_BLACKHOLE = 1024,
  /*
   * The window's right edge moves with every ACK that is sent, not only by worthwhile steps, as long as the
   * window is not small.
   */
  STINT_POLICY_EAGER_WINDOW = 2048,
  /*
   * When the half-open table is full and no cookie is sent, the SYN is dropped. Without it, the next record
   * in turn makes room for it.
   */
  STINT_POLICY_KEEP_HALF_OPEN = 4096,
  /* A SYN above the rate limits is dropped. Without it, it is answered with a cookie, unless cookies are off. */
  STINT_POLICY_SYN_SILENCE = 8192,
  /* A member of a group: see `groupKey0`. Cannot be changed while the stack runs. */
  STINT_POLICY_GROUP = 16384,
  /* Accept explicit congestion notification (RFC 3168), in a build that has it. */
  STINT_POLICY_ECN = 32768,
  /* Ask for it in the SYNs of connections that we open. */
  STINT_POLICY_ECN_OFFER = 65536,
  /*
   * Find losses by time (RACK, RFC 8985), for connections with SACK and a block of `sendersMax`. What follows
   * needs it.
   */
  STINT_POLICY_RACK = 131072,
  /* Probe the tail of a flight for losses (TLP, RFC 8985 §7). */
  STINT_POLICY_TLP = 262144,
  /*
   * Proportional rate reduction (RFC 6937) in fast recovery. Without it, the window is halved at once (RFC
   * 6675).
   */
  STINT_POLICY_PRR = 524288,
  /* Go back on a recovery that was for nothing (RFC 3522, RFC 3708, RFC 4015, RFC 5682). */
  STINT_POLICY_UNDO = 1048576,
  /* CUBIC (RFC 9438). Without it, NewReno (RFC 5681, RFC 6582). */
  STINT_POLICY_CUBIC = 2097152,
  /* HyStart++ (RFC 9406) in the first slow start. */
  STINT_POLICY_HYSTART = 4194304,
  /* Spread what is sent over the round trip. */
  STINT_POLICY_PACING = 8388608,
  /*
   * The link loses by noise (radio, power lines): a loss without any sign of a queue leaves the window of
   * congestion as it is. No RFC has this, and a shallow queue gives no sign; for links that one knows.
   */
  STINT_POLICY_NOISY_LINK = 16777216,
  /*
   * Every full segment at the beginning of a connection is acknowledged at once, so that the peer's slow
   * start is not slowed down, in a build that has it.
   */
  STINT_POLICY_QUICK_ACKS = 33554432,
  /*
   * A RST anywhere in the window ends a connection, as RFC 793 had it. Without it, only one at RCV.NXT does
   * (RFC 5961 §3.2). This and the two that follow let an outsider who guesses end connections, or put text
   * into them: for the comparison with old stacks alone.
   */
  STINT_POLICY_RST_IN_WINDOW = 67108864,
  /*
   * A SYN in the window resets the connection, as RFC 793 had it. Without it, it is challenged (RFC 5961
   * §4.2).
   */
  STINT_POLICY_SYN_RESETS = 134217728,
  /*
   * Text is taken with an ACK however old, as RFC 793 had it. Without it, an ACK older than the largest
   * window is challenged (RFC 5961 §5.2).
   */
  STINT_POLICY_OLD_ACKS = 268435456,
  /*
   * BBR (draft-ietf-ccwg-bbr) in the place of CUBIC, for connections that do not choose themselves, in a
   * build that has it. It paces, and losses without a queue do not slow it down.
   */
  STINT_POLICY_BBR = 536870912,
};

/* Values of stint_config.cookies. */
enum {
  /* Never. When the half-open table is full, the next record in turn makes room. */
  STINT_COOKIES_NEVER = 0,
  /* When the half-open table is full. */
  STINT_COOKIES_AUTO = 1,
  /* Always; the half-open table is not used. */
  STINT_COOKIES_ALWAYS = 2,
};

/* Bits of stint_tcp_info.flags. */
enum {
  /* Fast recovery (RFC 6582, RFC 6675). */
  STINT_FLAG_RECOVERY = 1u,
  /* Recovery after a time-out (RFC 5681 §3.1). */
  STINT_FLAG_LOSS = 2u,
  /* An ACK is to be sent now. */
  STINT_FLAG_ACK_NOW = 4u,
  /* No handle refers to it any more. */
  STINT_FLAG_ORPHAN = 8u,
  /* Settled by the SYNs: these three are as in `Syn`. */
  STINT_FLAG_TIMESTAMPS = 16u,
  STINT_FLAG_SACK = 32u,
  STINT_FLAG_WINDOW_SCALE = 64u,
  /* There is urgent data to send, up to `sndUp`. */
  STINT_FLAG_URGENT_OUT = 128u,
  /* A fast retransmit's first segment goes out whatever the window of congestion says. */
  STINT_FLAG_RETRANSMIT_ONE = 256u,
  /* The peer's FIN was reached in sequence. */
  STINT_FLAG_FIN_RECEIVED = 512u,
  /* There is urgent data to receive, up to `rcvUp`. */
  STINT_FLAG_URGENT_IN = 1024u,
  /* A SYN (with ACK in SYN-RECEIVED) is to be sent. */
  STINT_FLAG_SYN_DUE = 2048u,
  /* The application closed its side: FIN follows the last byte. */
  STINT_FLAG_FIN_QUEUED = 4096u,
  /* A window probe is to be sent, whatever its size. */
  STINT_FLAG_PROBE_DUE = 8192u,
  /* An ACK may wait for `delackAt`. */
  STINT_FLAG_ACK_LATER = 16384u,
  STINT_FLAG_KEEP_ALIVE = 32768u,
  /* A FIN arrived beyond a gap: at `finSeq`. */
  STINT_FLAG_FIN_EARLY = 65536u,
  STINT_FLAG_FIN_SENT = 131072u,
  /* On the list of those that wait for a neighbour. */
  STINT_FLAG_BLOCKED = 262144u,
  /* On the list of connections with something to send. */
  STINT_FLAG_WORK = 524288u,
  /* The four-tuple belongs to a TIME-WAIT record, or to nobody; this block only serves its handle. */
  STINT_FLAG_DETACHED = 1048576u,
  /* The segment with `rttSeq` is being timed. */
  STINT_FLAG_TIMING = 2097152u,
  /* The SYN or SYN-ACK was sent more than once. */
  STINT_FLAG_SYN_RESENT = 4194304u,
  /* In a listener's accept queue. */
  STINT_FLAG_UNACCEPTED = 8388608u,
  /* The send ring was full: tell when there is room. */
  STINT_FLAG_WANTS_ROOM = 16777216u,
  /* A keep-alive probe is to be sent. */
  STINT_FLAG_KEEP_DUE = 33554432u,
  /* It must send a first byte before `idleAt`. */
  STINT_FLAG_FIRST_BYTE = 67108864u,
  /* The application has a handle, or had one. */
  STINT_FLAG_HELD = 134217728u,
  /* Aborted: a RST is to be sent, and then the connection is over. */
  STINT_FLAG_RESET_DUE = 268435456u,
  STINT_FLAG_NO_DELAY = 536870912u,
  /* The application does not want to hear of soft errors (RFC 9293 §3.9.1.8). */
  STINT_FLAG_NO_SOFT_ERRORS = 1073741824u,
  /* A D-SACK is to be reported (RFC 2883 §4). */
  STINT_FLAG_DSACK = 2147483648u,
};

/* Kinds of stint_tcp_info.timerKind. */
enum {
  STINT_TIMER_NONE = 0,
  STINT_TIMER_RETRANSMIT = 1,
  STINT_TIMER_PERSIST = 2,
  STINT_TIMER_REORDER = 3,
  STINT_TIMER_PROBE = 4,
};

/* Bits of stint_tcp_info.fastOpen. */
enum {
  /* The application wants it, for a connection that it opens; the SYN was not answered yet. */
  STINT_FAST_OPEN_WANTED = 1,
  /* FastOpened (RFC 7413 §4.2): a connection that a SYN with a cookie made. */
  STINT_FAST_OPEN_OPENED = 2,
  /* The SYN-ACK of such a connection has a new cookie. */
  STINT_FAST_OPEN_RENEW = 4,
  /* Text in the SYN was taken. */
  STINT_FAST_OPEN_TAKEN = 8,
};

/* What stint_pool counts. */
enum {
  /* Connections in use. */
  STINT_POOL_CONNECTIONS = 0,
  /* Records for handshakes that are free. */
  STINT_POOL_HALF_OPEN_FREE = 1,
  /* Records for TIME-WAIT that are free. */
  STINT_POOL_TIME_WAIT_FREE = 2,
  /* Ranges that are free. */
  STINT_POOL_RANGES_FREE = 3,
};

/* Values of stint_ip6_info.state. */
enum {
  /* Duplicate address detection runs. */
  STINT_IP6_TENTATIVE = 1,
  STINT_IP6_VALID = 2,
};

/* Values of stint_ip6_info.origin. */
enum {
  STINT_IP6_ORIGIN_LOOPBACK = 0,
  STINT_IP6_ORIGIN_LINK_LOCAL = 1,
  STINT_IP6_ORIGIN_PREFIX = 2,
  STINT_IP6_ORIGIN_FIXED = 3,
  STINT_IP6_ORIGIN_DHCP = 4,
  STINT_IP6_ORIGIN_TEMPORARY = 5,
};

/* Values of stint_lease.state. */
enum {
  STINT_DHCP_OFF = 0,
  /* It begins anew, at once or after a while. */
  STINT_DHCP_INIT = 1,
  STINT_DHCP_SELECTING = 2,
  STINT_DHCP_REQUESTING = 3,
  /* The server agreed; others are asked whether they use the address (RFC 5227 §2.1). */
  STINT_DHCP_PROBING = 4,
  STINT_DHCP_BOUND = 5,
  STINT_DHCP_RENEWING = 6,
  STINT_DHCP_REBINDING = 7,
  /* It asks for an address that it had. */
  STINT_DHCP_REBOOTING = 8,
  /* It gives its lease back. */
  STINT_DHCP_RELEASING = 9,
};

/* Values of stint_dhcp6.state. */
enum {
  STINT_DHCP6_OFF = 0,
  /* No router says that there is a server. */
  STINT_DHCP6_WAITING = 1,
  STINT_DHCP6_SOLICITING = 2,
  STINT_DHCP6_REQUESTING = 3,
  STINT_DHCP6_BOUND = 4,
  STINT_DHCP6_RENEWING = 5,
  STINT_DHCP6_REBINDING = 6,
  STINT_DHCP6_DECLINING = 7,
  STINT_DHCP6_RELEASING = 8,
  STINT_DHCP6_INFORMING = 9,
  STINT_DHCP6_INFORMED = 10,
};

/* Values of stint_local_name.state. */
enum {
  /* The host has no name. */
  STINT_MDNS_OFF = 0,
  /* There is no address to tell of. */
  STINT_MDNS_WAITING = 1,
  /* It is asked whether somebody has the name. */
  STINT_MDNS_PROBING = 2,
  /* The name is ours. */
  STINT_MDNS_SETTLED = 3,
  /* It will be taken back with the next poll. */
  STINT_MDNS_LEAVING = 4,
};

/* Places of the counters behind stint_counters. */
enum {
  STINT_COUNTER_ifInFrames = 0,
  STINT_COUNTER_ifInOctets = 1,
  STINT_COUNTER_ifInErrors = 2,
  STINT_COUNTER_ifInDiscards = 3,
  STINT_COUNTER_ifInUnknownProtos = 4,
  STINT_COUNTER_ifOutFrames = 5,
  STINT_COUNTER_ifOutOctets = 6,
  STINT_COUNTER_ifOutDiscards = 7,
  STINT_COUNTER_arpInRequests = 8,
  STINT_COUNTER_arpInReplies = 9,
  STINT_COUNTER_arpOutRequests = 10,
  STINT_COUNTER_arpOutReplies = 11,
  STINT_COUNTER_arpInErrors = 12,
  STINT_COUNTER_arpConflicts = 13,
  STINT_COUNTER_arpFailures = 14,
  STINT_COUNTER_arpInIgnored = 15,
  STINT_COUNTER_ipInReceives = 16,
  STINT_COUNTER_ipInHdrErrors = 17,
  STINT_COUNTER_ipInAddrErrors = 18,
  STINT_COUNTER_ipInUnknownProtos = 19,
  STINT_COUNTER_ipInDiscards = 20,
  STINT_COUNTER_ipInDelivers = 21,
  STINT_COUNTER_ipOutRequests = 22,
  STINT_COUNTER_ipOutNoRoutes = 23,
  STINT_COUNTER_ipOutDiscards = 24,
  STINT_COUNTER_ipReasmReqds = 25,
  STINT_COUNTER_ipReasmOKs = 26,
  STINT_COUNTER_ipReasmFails = 27,
  STINT_COUNTER_ipReasmTimeout = 28,
  STINT_COUNTER_ipReasmOverlaps = 29,
  STINT_COUNTER_icmpInMsgs = 30,
  STINT_COUNTER_icmpInErrors = 31,
  STINT_COUNTER_icmpInEchos = 32,
  STINT_COUNTER_icmpInEchoReps = 33,
  STINT_COUNTER_icmpInDestUnreachs = 34,
  STINT_COUNTER_icmpInTimeExcds = 35,
  STINT_COUNTER_icmpInIgnored = 36,
  STINT_COUNTER_icmpOutMsgs = 37,
  STINT_COUNTER_icmpOutEchoReps = 38,
  STINT_COUNTER_icmpOutDestUnreachs = 39,
  STINT_COUNTER_icmpOutTimeExcds = 40,
  STINT_COUNTER_icmpOutRateLimited = 41,
  STINT_COUNTER_udpInDatagrams = 42,
  STINT_COUNTER_udpNoPorts = 43,
  STINT_COUNTER_udpInErrors = 44,
  STINT_COUNTER_udpOutDatagrams = 45,
  STINT_COUNTER_udpRcvbufErrors = 46,
  STINT_COUNTER_tcpActiveOpens = 47,
  STINT_COUNTER_tcpPassiveOpens = 48,
  STINT_COUNTER_tcpAttemptFails = 49,
  STINT_COUNTER_tcpEstabResets = 50,
  STINT_COUNTER_tcpInSegs = 51,
  STINT_COUNTER_tcpOutSegs = 52,
  STINT_COUNTER_tcpRetransSegs = 53,
  STINT_COUNTER_tcpInErrs = 54,
  STINT_COUNTER_tcpOutRsts = 55,
  STINT_COUNTER_SyncookiesSent = 56,
  STINT_COUNTER_SyncookiesRecv = 57,
  STINT_COUNTER_SyncookiesFailed = 58,
  STINT_COUNTER_ListenOverflows = 59,
  STINT_COUNTER_ListenDrops = 60,
  STINT_COUNTER_TCPReqQFullDoCookies = 61,
  STINT_COUNTER_TCPReqQFullDrop = 62,
  STINT_COUNTER_TCPChallengeACK = 63,
  STINT_COUNTER_TCPSYNChallenge = 64,
  STINT_COUNTER_TCPACKSkippedChallenge = 65,
  STINT_COUNTER_PAWSEstab = 66,
  STINT_COUNTER_PAWSActive = 67,
  STINT_COUNTER_TCPMissingTimestamps = 68,
  STINT_COUNTER_TW = 69,
  STINT_COUNTER_TWRecycled = 70,
  STINT_COUNTER_TWKilled = 71,
  STINT_COUNTER_DelayedACKs = 72,
  STINT_COUNTER_TCPPureAcks = 73,
  STINT_COUNTER_TCPOFOQueue = 74,
  STINT_COUNTER_TCPOFODrop = 75,
  STINT_COUNTER_TCPOFOMerge = 76,
  STINT_COUNTER_TCPDSACKOldSent = 77,
  STINT_COUNTER_TCPDSACKOfoSent = 78,
  STINT_COUNTER_TCPSACKDiscard = 79,
  STINT_COUNTER_TCPTimeouts = 80,
  STINT_COUNTER_TCPFastRetrans = 81,
  STINT_COUNTER_TCPSlowStartRetrans = 82,
  STINT_COUNTER_TCPRenoRecovery = 83,
  STINT_COUNTER_TCPSackRecovery = 84,
  STINT_COUNTER_TCPSynRetrans = 85,
  STINT_COUNTER_TCPAbortOnData = 86,
  STINT_COUNTER_TCPAbortOnClose = 87,
  STINT_COUNTER_TCPAbortOnTimeout = 88,
  STINT_COUNTER_TCPKeepAlive = 89,
  STINT_COUNTER_TCPZeroWindowProbes = 90,
  STINT_COUNTER_TCPPathMtu = 91,
  STINT_COUNTER_OutOfWindowIcmps = 92,
  STINT_COUNTER_TCPHalfOpenExpired = 93,
  STINT_COUNTER_TCPHalfOpenEvicted = 94,
  STINT_COUNTER_TCPSynFinDropped = 95,
  STINT_COUNTER_TCPSynRateDrop = 96,
  STINT_COUNTER_TCPACKSkippedCookie = 97,
  STINT_COUNTER_TCPFirstByteTimeout = 98,
  STINT_COUNTER_InCEPkts = 99,
  STINT_COUNTER_TCPECNReductions = 100,
  STINT_COUNTER_TCPLossProbes = 101,
  STINT_COUNTER_TCPLossProbeRecovery = 102,
  STINT_COUNTER_TCPFullUndo = 103,
  STINT_COUNTER_TCPSpuriousRTOs = 104,
  STINT_COUNTER_TCPFastOpenActive = 105,
  STINT_COUNTER_TCPFastOpenActiveFail = 106,
  STINT_COUNTER_TCPFastOpenPassive = 107,
  STINT_COUNTER_TCPFastOpenPassiveFail = 108,
  STINT_COUNTER_TCPFastOpenListenOverflow = 109,
  STINT_COUNTER_TCPFastOpenCookieReqd = 110,
};

/* What stint_init is given. `init` checks it, and wipes its entropy. */
struct stint_config {
  /* sizeof(Config) as the host knows it: a host built for another version is refused (CONFIG). */
  uint32_t size;
  /*
   * Where the arena begins, not below `__heap_base`: NO_MEMORY; 0: there, and the memory grows once, by what
   * is missing.
   */
  uint32_t arenaBase;
  /* Bytes of the arena; ignored when arenaBase is 0. Less than `layoutSize`: NO_MEMORY. */
  uint32_t arenaSize;
  /*
   * Bytes of memory that callers' pointers may reach into, at most what there is: NO_MEMORY; 0:
   * `memory.size`.
   */
  uint32_t memoryBytes;
  /* Own MAC address: bytes 0–3, most significant first. A group address is refused. */
  uint32_t macHigh;
  /* Bytes 4–5 of it. */
  uint32_t macLow;
  /* Own IPv4 address, host order. 0, with prefix and gateway 0, in a build that has `dhcp_start`: none yet. */
  uint32_t ip;
  /* Length of the subnet's prefix, 0 … 32. */
  uint32_t prefix;
  /* Default router; 0: none, and what is not on the link is UNREACHABLE. Not of 0/8, 127/8 or 224/3. */
  uint32_t gateway;
  /*
   * Largest IP packet of the link, 128 … 65,535 bytes: with every option that there is, a segment still has
   * text.
   */
  uint32_t mtu;
  /*
   * Connections with a TCB. 304 bytes at most (352 in a build with IPv6) and two rings each. Full: the
   * handshake's last ACK waits in the half-open table, `connect` is FULL.
   */
  uint32_t connsMax;
  /*
   * Half-open connections (SYN-RECEIVED from LISTEN), ≤ 65,535. 68 bytes each at most, 116 with IPv6. Full:
   * see `cookies`.
   */
  uint32_t halfOpenMax;
  /* Connections in TIME-WAIT. 68 bytes each at most, 116 with IPv6. Full: the oldest ends early. */
  uint32_t timeWaitMax;
  /* Listeners, ≤ 255. 84 bytes each, 132 with IPv6. Full: FULL. */
  uint32_t listenersMax;
  /*
   * Bytes of send ring a connection, a multiple of 4, below 2^30. A segment takes half of it at most. Full:
   * `send` takes less.
   */
  uint32_t sendRing;
  /* Bytes of receive ring a connection, a multiple of 4, below 2^30. Full: the window closes. */
  uint32_t recvRing;
  /*
   * Ranges that all connections share, ≤ 65,535. 16 bytes each. A connection may have the more the more are
   * free, 64 a list at most. Full: what arrives out of order is dropped, SACK blocks ignored.
   */
  uint32_t rangesMax;
  /*
   * Connections with something in flight that have modern loss recovery (Policy.RACK), ≤ 65,535. 160 bytes
   * each, 496 in a build with BBR, and ranges for what is in flight. None left, not even of an idle
   * connection: RFC 6675 and NewReno. 0 in a build without it.
   */
  uint32_t sendersMax;
  /* Frame slots from the host, a power of two. mtu + 24 bytes each. Full: the host keeps or drops the frame. */
  uint32_t rxSlots;
  /*
   * Frame slots to the host, a power of two. mtu + 20 bytes each, and one in four of them, 1 to 16, again,
   * for datagrams that wait for their neighbours. Full: connections wait, other packets are dropped.
   */
  uint32_t txSlots;
  /*
   * Frame slots for what the stack sends to itself, 0 or a power of two ≥ 2: what came and its answer. mtu +
   * 20 bytes each. Full: dropped; 0: the own addresses are UNREACHABLE.
   */
  uint32_t loopSlots;
  /*
   * Datagrams being reassembled. reassemblyBytes + 1/64 of it + 64 bytes each, 160 with IPv6. Full: the
   * oldest one is given up.
   */
  uint32_t reassemblyMax;
  /*
   * Longest reassembled payload in bytes, a multiple of 8, ≤ 65,520; RFC 1122 §3.3.2 wants 556 at least.
   * Longer: dropped.
   */
  uint32_t reassemblyBytes;
  /*
   * Neighbours, a power of two ≥ 4. 32 bytes each, 80 with IPv6. Full: the one of its set that is worth least
   * is forgotten, never the gateway, and for a packet that may be forged none that a connection used within a
   * minute.
   */
  uint32_t neighboursMax;
  /* UDP sockets. 60 bytes and two rings each. Full: FULL. */
  uint32_t udpMax;
  /* Bytes of each UDP ring, a multiple of 4. Full: `send` is AGAIN, what arrives is dropped. */
  uint32_t udpRing;
  /*
   * Source prefixes (/24) whose rates are told apart, 0 or a power of two. 8 bytes each. They share entries
   * by a keyed hash; 0: no such limits.
   */
  uint32_t prefixBuckets;
  /*
   * Servers whose Fast Open cookies are kept (RFC 7413 §4.1.3), ≤ 255, in a build that has Fast Open. 40
   * bytes each. Full: the one that was used least recently is forgotten; 0: no connection that we open opens
   * fast.
   */
  uint32_t fastOpenCookies;
  /*
   * Bytes behind the arena's tables for an application that is compiled together with the stack
   * (`applicationAt`).
   */
  uint32_t appBytes;
  /*
   * Window scale to offer, 0 … 14, so that 2^scale ≤ recvRing; 255: the smallest one that lets the window
   * cover the ring. It stands before `policy`, since a scale that was offered holds (RFC 7323 §2.2).
   */
  uint32_t windowScale;
  /* Bits of `Policy`. */
  uint32_t policy;
  /* One of `Cookies`. */
  uint32_t cookies;
  /* Largest segment to offer in the MSS option; 0: mtu − 40. */
  uint32_t mss;
  /* Initial congestion window in segments (RFC 6928 §2: 10). */
  uint32_t initialWindow;
  /* Retransmission time-out before a sample, ms (RFC 6298 §2.1: 1000). */
  uint32_t rtoInitialMs;
  /* Least retransmission time-out, ms (RFC 6298 §2.4: 1000). */
  uint32_t rtoMinMs;
  /* Largest retransmission time-out, ms (RFC 6298 §2.5: 60,000 at least). */
  uint32_t rtoMaxMs;
  /* R2 (RFC 9293 §3.8.3): how long data may stay unacknowledged before the connection is given up, ms. */
  uint32_t userTimeoutMs;
  /* The same for a SYN, ms (RFC 9293 §3.8.3: 3 minutes at least). */
  uint32_t synTimeoutMs;
  /* Longest delay of an ACK, ms (RFC 9293 §3.8.6.3: below 500). */
  uint32_t delayedAckMs;
  /* TIME-WAIT: 2 × MSL, ms. */
  uint32_t timeWaitMs;
  /* How long a connection whose handle is closed stays in FIN-WAIT-2, ms; 0: for ever. */
  uint32_t finWait2Ms;
  /* A half-open record's first SYN-ACK retransmission, ms. */
  uint32_t synAckMs;
  /* SYN-ACK retransmissions of a half-open record. */
  uint32_t synAckRetries;
  /* Deadline of a half-open record, ms. */
  uint32_t halfOpenMs;
  /* Challenge ACKs of one connection in 5 s (RFC 5961 §7). Above: none. */
  uint32_t challengeMax;
  /* ICMP errors a second (RFC 1812 §4.3.2.8). Above: none. */
  uint32_t icmpRate;
  /* Neighbour entries are renewed after, ms (RFC 1122 §2.3.2.1). */
  uint32_t neighbourMs;
  /* Keep-alive: idle time before the first probe, s (RFC 9293 §3.8.4: 7200 at least by default). */
  uint32_t keepIdleS;
  /* Keep-alive: time between probes, s. */
  uint32_t keepIntervalS;
  /* Keep-alive: unanswered probes before the connection is given up, ≥ 2. */
  uint32_t keepProbes;
  /* Time to live of what is sent. */
  uint32_t ttl;
  /* Least path MTU that an ICMP error, or time-outs, can set, bytes. */
  uint32_t pathMtuMin;
  /* SYNs a second that a listener takes in (RFC 4987 §3); 0: no limit. Above: see `Policy.SYN_SILENCE`. */
  uint32_t synRate;
  /* How many of them may come at once. */
  uint32_t synBurst;
  /* The same for the SYNs from one /24; it needs `prefixBuckets`. Above: see `Policy.SYN_SILENCE`. */
  uint32_t prefixRate;
  /* How many of them may come at once. */
  uint32_t prefixBurst;
  /*
   * ACKs a second from one /24 whose wrong cookie is answered with a RST; 0: no limit. Above: they are
   * dropped.
   */
  uint32_t cookieRate;
  /*
   * Connections whose SYN had a Fast Open cookie and text, and whose handshake is not complete
   * (PendingFastOpenRequests, RFC 7413 §4.2). Full: the others open as usual; 0: all do.
   */
  uint32_t fastOpenMax;
  /*
   * How long an accepted connection may stay without a byte from the peer, ms; 0: for ever. Longer: it is
   * reset.
   */
  uint32_t firstByteMs;
  /*
   * The secret that the members of a group share, 16 bytes, with `Policy.GROUP`: any of them can complete a
   * handshake that another began. `init` wipes it.
   */
  uint32_t groupKey0;
  /* Bytes 4–7 of it. */
  uint32_t groupKey1;
  /* Bytes 8–11 of it. */
  uint32_t groupKey2;
  /* Bytes 12–15 of it. */
  uint32_t groupKey3;
  /*
   * The group's clock less this one's, µs modulo 2^64: its minutes are the cookies' epochs, its milliseconds
   * the timestamps.
   */
  uint32_t clockOffsetLow;
  /* The upper half of it. */
  uint32_t clockOffsetHigh;
  /*
   * 32 bytes of entropy; what cannot be any is refused (ENTROPY): a counter, or equal words of 32 bits, two
   * pairs of them or more. `init` wipes them.
   */
  uint64_t entropy0;
  uint64_t entropy1;
  uint64_t entropy2;
  uint64_t entropy3;
};

/*
 * Fills a configuration with the library's defaults. Addresses, MAC address, arena and entropy are left to be
 * set.
 */
static inline void stint_config_defaults(struct stint_config *config) {
#ifdef __cplusplus
  *config = stint_config();
#else
  static const struct stint_config none;
  *config = none;
#endif
  config->size = sizeof *config;
  config->mtu = 1500u;
  config->connsMax = 64u;
  config->halfOpenMax = 256u;
  config->timeWaitMax = 256u;
  config->listenersMax = 8u;
  config->sendRing = 65536u;
  config->recvRing = 65536u;
  config->rangesMax = 4096u;
  config->sendersMax = 64u;
  config->rxSlots = 64u;
  config->txSlots = 64u;
  config->loopSlots = 8u;
  config->reassemblyMax = 4u;
  config->reassemblyBytes = 65520u;
  config->neighboursMax = 64u;
  config->udpMax = 8u;
  config->udpRing = 16384u;
  config->prefixBuckets = 256u;
  config->fastOpenCookies = 16u;
  config->windowScale = 255u;
  config->cookies = 1u;
  config->initialWindow = 10u;
  config->rtoInitialMs = 1000u;
  config->rtoMinMs = 300u;
  config->rtoMaxMs = 60000u;
  config->userTimeoutMs = 300000u;
  config->synTimeoutMs = 180000u;
  config->delayedAckMs = 40u;
  config->timeWaitMs = 60000u;
  config->finWait2Ms = 60000u;
  config->synAckMs = 1000u;
  config->synAckRetries = 5u;
  config->halfOpenMs = 63000u;
  config->challengeMax = 10u;
  config->icmpRate = 100u;
  config->neighbourMs = 60000u;
  config->keepIdleS = 7200u;
  config->keepIntervalS = 75u;
  config->keepProbes = 9u;
  config->ttl = 64u;
  config->pathMtuMin = 552u;
  config->synBurst = 64u;
  config->prefixBurst = 16u;
  config->cookieRate = 1000u;
  config->fastOpenMax = 16u;
  config->policy = 41812103u;
}

/* A number of a configuration that is out of its bounds. */
struct stint_config_fault {
  const char *field;
  uint32_t value, least, most;
};

/*
 * The first number of a configuration that is out of its bounds goes to `fault`. Returns whether there is
 * one: what stint_init refuses with STINT_ERR_CONFIG beside these are numbers that do not go together, as the
 * comments of the fields say. A caller who never asks pays nothing.
 */
static inline int stint_config_fault(const struct stint_config *config, struct stint_config_fault *fault) {
  const struct stint_config_fault all[] = {
    {"mtu", config->mtu, 128u, 65535u},
    {"connsMax", config->connsMax, 1u, 2097151u},
    {"halfOpenMax", config->halfOpenMax, 1u, 65535u},
    {"timeWaitMax", config->timeWaitMax, 1u, 2097151u},
    {"listenersMax", config->listenersMax, 0u, 255u},
    {"sendRing", config->sendRing, 64u, 1073741823u},
    {"recvRing", config->recvRing, 64u, 1073741823u},
    {"rangesMax", config->rangesMax, 0u, 65535u},
    {"sendersMax", config->sendersMax, 0u, 65535u},
    {"rxSlots", config->rxSlots, 1u, 32767u},
    {"txSlots", config->txSlots, 1u, 32767u},
    {"loopSlots", config->loopSlots, 0u, 32767u},
    {"reassemblyMax", config->reassemblyMax, 0u, 255u},
    {"reassemblyBytes", config->reassemblyBytes, 0u, 65535u},
    {"neighboursMax", config->neighboursMax, 4u, 65535u},
    {"udpMax", config->udpMax, 0u, 1023u},
    {"udpRing", config->udpRing, 0u, 1048575u},
    {"prefixBuckets", config->prefixBuckets, 0u, 131071u},
    {"fastOpenCookies", config->fastOpenCookies, 0u, 255u},
    {"appBytes", config->appBytes, 0u, 1073741823u},
    {"windowScale", config->windowScale, 0u, 255u},
    {"policy", config->policy, 0u, 1073741823u},
    {"cookies", config->cookies, 0u, 3u},
    {"mss", config->mss, 0u, 65535u},
    {"initialWindow", config->initialWindow, 1u, 127u},
    {"rtoInitialMs", config->rtoInitialMs, 1u, 65535u},
    {"rtoMinMs", config->rtoMinMs, 1u, 65535u},
    {"rtoMaxMs", config->rtoMaxMs, 1u, 1048575u},
    {"userTimeoutMs", config->userTimeoutMs, 1u, 2147483647u},
    {"synTimeoutMs", config->synTimeoutMs, 1u, 2147483647u},
    {"delayedAckMs", config->delayedAckMs, 0u, 511u},
    {"timeWaitMs", config->timeWaitMs, 1u, 134217727u},
    {"finWait2Ms", config->finWait2Ms, 0u, 134217727u},
    {"synAckMs", config->synAckMs, 1u, 65535u},
    {"synAckRetries", config->synAckRetries, 0u, 15u},
    {"halfOpenMs", config->halfOpenMs, 1u, 4194303u},
    {"challengeMax", config->challengeMax, 0u, 255u},
    {"icmpRate", config->icmpRate, 0u, 65535u},
    {"neighbourMs", config->neighbourMs, 1u, 134217727u},
    {"keepIdleS", config->keepIdleS, 1u, 65535u},
    {"keepIntervalS", config->keepIntervalS, 1u, 65535u},
    {"keepProbes", config->keepProbes, 2u, 255u},
    {"ttl", config->ttl, 1u, 255u},
    {"pathMtuMin", config->pathMtuMin, 68u, 65535u},
    {"synRate", config->synRate, 0u, 1048575u},
    {"synBurst", config->synBurst, 1u, 1023u},
    {"prefixRate", config->prefixRate, 0u, 1048575u},
    {"prefixBurst", config->prefixBurst, 1u, 1023u},
    {"cookieRate", config->cookieRate, 0u, 1048575u},
    {"fastOpenMax", config->fastOpenMax, 0u, 65535u},
    {"firstByteMs", config->firstByteMs, 0u, 134217727u},
    {"size", config->size, sizeof *config, sizeof *config},
    {"prefix", config->prefix, 0u, 32u},
  };
  for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
    if (all[i].value >= all[i].least && all[i].value <= all[i].most) continue;
    *fault = all[i];
    return 1;
  }
  return 0;
}

/* What tcp_info writes. `version` is STINT_TCP_INFO_VERSION. */
struct stint_tcp_info {
  /* INFO_VERSION. */
  uint32_t version;
  /* Remote address, host order. */
  uint32_t rip;
  /* Local address, host order. */
  uint32_t lip;
  /* Remote port << 16 | local port. */
  uint32_t ports;
  /* Bits of `Has`. */
  uint32_t flags;
  /* The state now, one of `State`. */
  uint8_t state;
  /* Why the connection ended, of `Err`; 0: it did not, or in order. */
  int8_t error;
  /* The last soft error, of `Err`; 0: none. */
  int8_t softError;
  /* One of `Timer`: what `timerAt` is for. */
  uint8_t timerKind;
  /* Time-outs in a row. */
  uint8_t retries;
  /* Duplicate ACKs in a row (RFC 5681 §2). */
  uint8_t dupAcks;
  /* Shift of the windows that the peer names (RFC 7323 §2). */
  uint8_t sndScale;
  /* Shift of those that we name. */
  uint8_t rcvScale;
  /* Largest payload of a segment, bytes. */
  uint16_t mss;
  /* Largest packet of the path, bytes. */
  uint16_t pathMtu;
  /* SND.WND: the peer's window, bytes. */
  uint32_t sndWnd;
  /* The largest window that the peer has had, bytes. */
  uint32_t maxSndWnd;
  /* ISS: our initial sequence number. */
  uint32_t iss;
  /* SND.UNA: the first sequence number that is not acknowledged. */
  uint32_t sndUna;
  /* SND.NXT: the next one to send. */
  uint32_t sndNxt;
  /* SND.UP: the end of the urgent data that we send, as long as the flag URGENT_OUT is set. */
  uint32_t sndUp;
  /* SND.WL1: the sequence number of the last window update. */
  uint32_t sndWl1;
  /* SND.WL2: its acknowledgment number. */
  uint32_t sndWl2;
  /* Bytes in the send ring. */
  uint32_t sndSize;
  /* Bytes that are in the network, as far as is known; 0 once the connection has ended. */
  uint32_t pipe;
  /* Bytes that the peer selectively acknowledged. */
  uint32_t sackedBytes;
  /* IRS: the peer's initial sequence number. */
  uint32_t irs;
  /* RCV.NXT: the next sequence number to receive. */
  uint32_t rcvNxt;
  /* RCV.NXT + RCV.WND, as advertised. */
  uint32_t rcvAdv;
  /* RCV.UP: the end of the urgent data that the peer sends, as long as the flag URGENT_IN is set. */
  uint32_t rcvUp;
  /* Last.ACK.sent (RFC 7323 §4.3). */
  uint32_t lastAckSent;
  /* TS.Recent (RFC 7323 §4.3). */
  uint32_t tsRecent;
  /* Bytes that the application has not taken. */
  uint32_t rcvSize;
  /* Bytes that arrived out of order. */
  uint32_t outOfOrderBytes;
  /* Bytes up to the end of the urgent data that is to be received. */
  uint32_t urgentLeft;
  /* The congestion window, bytes (RFC 5681 §2). */
  uint32_t cwnd;
  /* The slow start threshold, bytes. */
  uint32_t ssthresh;
  /* The time-out, µs (RFC 6298). */
  uint32_t rto;
  /* The smoothed round-trip time × 8, µs; 0: no sample yet. */
  uint32_t srtt;
  /* Its variation × 4, µs. */
  uint32_t rttvar;
  /* When TS.Recent was set, ms. */
  uint32_t tsRecentAt;
  /* What our timestamps are ahead of the clock (RFC 7323 §5.4). */
  uint32_t tsOffset;
  /* How long data may stay unacknowledged, ms. */
  uint32_t userTimeoutMs;
  /* When the timer fires whose kind is `timerKind`, µs; all ones: it is not armed. */
  uint64_t timerAt;
  /* When an ACK is due that waits, µs; all ones: none. */
  uint64_t delackAt;
  /*
   * When it is looked next whether a first byte has come (the flag FIRST_BYTE), or whether keep-alive has
   * something to send, µs; all ones: never.
   */
  uint64_t idleAt;
  /* When the last segment of this connection arrived, or, before the first one, when it was opened, µs. */
  uint64_t heardAt;
  /* Since when something waits for an acknowledgment without progress; if nothing does, when that ended; µs. */
  uint64_t stalledAt;
  /* The MSS that the peer named. */
  uint16_t peerMss;
  /* Keep-alive: idle time before the first probe, s. */
  uint16_t keepIdleS;
  /* Keep-alive: time between probes, s. */
  uint16_t keepIntervalS;
  /* Keep-alive: unanswered probes before the connection is given up. */
  uint8_t keepProbes;
  /* Keep-alive: probes that were sent in a row. */
  uint8_t keepSent;
  /* Time to live of what is sent. */
  uint8_t ttl;
  /* Type of service of what is sent. */
  uint8_t tos;
  /* Congestion control, as CONGESTION was set. */
  uint8_t congestion;
  /* ECN (RFC 3168): 1 it is on, 2 a mark is echoed, 4 CWR is due, 8 our SYN asked for it. */
  uint8_t ecn;
  /* Bits of `FastOpen`. */
  uint8_t fastOpen;
  /* Segments with text since the last ACK was sent. */
  uint8_t unacked;
};

#define STINT_TCP_INFO_VERSION 2

/* What listener_info writes. */
struct stint_listener_info {
  /* Half-open records; connections to accept. */
  uint32_t halfOpen;
  uint32_t toAccept;
  uint32_t backlog;
  /* 1 while it defends itself with SYN cookies. */
  uint32_t defending;
};

/* What dhcp_info writes. */
struct stint_lease {
  /*
   * 0 off, 1 INIT, 2 SELECTING, 3 REQUESTING, 4 probing, 5 BOUND, 6 RENEWING, 7 REBINDING, 8 REBOOTING, 9
   * releasing (RFC 2131 §4.4).
   */
  uint32_t state;
  /* What the interface has, whoever gave it; 0: no address. */
  uint32_t ip;
  /* Length of the subnet's prefix. */
  uint32_t prefix;
  /* The default router; 0: none. */
  uint32_t gateway;
  /* Whose lease it is. */
  uint32_t server;
  /* DNS servers, in the order of the server's preference. */
  uint32_t dns0;
  /* The second one; 0: none. */
  uint32_t dns1;
  /* The third one; 0: none. */
  uint32_t dns2;
  /* Time servers. */
  uint32_t ntp0;
  /* The second one; 0: none. */
  uint32_t ntp1;
  /* The broadcast address that the server tells. */
  uint32_t broadcast;
  /* The link's MTU as the server tells it; the stack keeps its own. 0: it told none. */
  uint32_t mtu;
  /* Length of the lease, s; 0xffffffff: for ever. */
  uint32_t leaseS;
  /* Bytes of the domain's name (`dhcp_domain`). */
  uint32_t domainSize;
  /* Messages sent. */
  uint32_t sent;
  /* Answers taken. */
  uint32_t taken;
  /* Messages dropped for what was wrong with them. */
  uint32_t dropped;
  /* Requests that a server refused. */
  uint32_t refused;
  /* Addresses that others had. */
  uint32_t declined;
  /* 1: the address is one of 169.254/16 that the stack gave itself (`link_local_start`). */
  uint32_t linkLocal;
  /* When it is renewed, in the clock of `poll`; 2^64 − 1: never. */
  uint64_t renewAt;
  /* When any server is asked. */
  uint64_t rebindAt;
  /* When it ends. */
  uint64_t endsAt;
};

/* What dns_info writes. */
struct stint_names {
  /* The servers that are asked, in this order; 0: no more. */
  uint32_t server0;
  /* The second one. */
  uint32_t server1;
  /* The third one. */
  uint32_t server2;
  /* Questions sent. */
  uint32_t sent;
  /* Answers taken. */
  uint32_t taken;
  /* Datagrams from servers that were no answers to them. */
  uint32_t dropped;
  /* Names that are being asked for. */
  uint32_t asking;
  /* Of the questions sent, those that went over TCP, since the answer did not fit into a datagram (RFC 7766). */
  uint32_t streamed;
  /* Questions that could not be asked over TCP: no connection was free, or there was no way. */
  uint32_t noConnection;
};

/* What sntp_info writes. */
struct stint_time {
  /*
   * Who told the time, or is asked for it, an IPv4 address or the name of an IPv6 one; 0: nobody was asked
   * yet.
   */
  uint32_t server;
  /* 1 to 15: how far from a reference clock the server was that told the time. 0: the time is not known. */
  uint32_t stratum;
  /* 1 or 2: the last minute of the day has 61 or 59 seconds. */
  uint32_t leap;
  /* Questions sent. */
  uint32_t sent;
  /* Answers taken. */
  uint32_t taken;
  /* Datagrams from the server that was asked that were no answers, or of no use. */
  uint32_t dropped;
  /* Servers that asked to be left alone, or to be asked less often (RFC 4330 §8). */
  uint32_t kisses;
  /* Seconds between questions. */
  uint32_t intervalS;
  /* UTC when the clock of `poll` was `at`, in µs since 1970. */
  uint64_t utc;
  /* When it was told. */
  uint64_t at;
  /* The round trip to the server, µs: the time is wrong by half of it at most, if the server is right. */
  uint64_t delay;
};

/* What dhcp6_info writes. */
struct stint_dhcp6 {
  /*
   * 0 off, 1 waiting for a router, 2 Solicit, 3 Request, 4 bound, 5 Renew, 6 Rebind, 7 Decline, 8 Release, 9
   * Information-request, 10 informed (RFC 8415 §18.2).
   */
  uint32_t state;
  /* Messages sent. */
  uint32_t sent;
  /* Messages taken. */
  uint32_t taken;
  /* Messages that were dropped: malformed, of no exchange of ours, or out of place. */
  uint32_t dropped;
  /* How often a server refused. */
  uint32_t refused;
  /* Addresses that somebody else had. */
  uint32_t declined;
};

/* What mdns_info writes. */
struct stint_local_name {
  /* 0 off, 1 waiting for an address, 2 probing, 3 settled, 4 leaving. */
  uint32_t state;
  /* How often somebody had the name, or said so. */
  uint32_t conflicts;
  /* Questions about the own name that were heard. */
  uint32_t asked;
  /* Messages sent. */
  uint32_t sent;
  /* Messages that were dropped as malformed, or not of the link. */
  uint32_t dropped;
};

/* What ip6_info writes. */
struct stint_ip6_info {
  /* The address, as it stands in a packet. */
  uint32_t byte0;
  uint32_t byte4;
  uint32_t byte8;
  uint32_t byte12;
  /* Its name, as other calls take it. */
  uint32_t name;
  /* 1: it is looked for by duplicate address detection; 2: it can be used. */
  uint32_t state;
  /* 0: ::1; 1: link-local; 2: made from a router's prefix; 3: fixed; 4: of a DHCPv6 server; 5: temporary. */
  uint32_t origin;
  /* Bits of its prefix. */
  uint32_t prefix;
  /* Seconds for which it is preferred, and valid; 2^32 − 1: for ever. */
  uint32_t preferredS;
  uint32_t validS;
};

/* Whom a datagram is from, as udp_recv writes it. */
struct stint_datagram_from {
  /* Host order. */
  uint32_t ip;
  uint32_t port;
};

/*
 * Address of a block of 304 bytes: the configuration is written there, and `init` called; later it is free
 * for the host's use.
 */
STINT_IMPORT("configBlock") struct stint_config *stint_config_block(void);

/* Bytes of arena that the configuration at `block` takes; ARGUMENT, CONFIG or NO_MEMORY. */
STINT_IMPORT("layoutSize") int64_t stint_layout_size(struct stint_config *config);

/*
 * Lays the stack out as the configuration at `block` says, and wipes its entropy. OK, ARGUMENT, CONFIG,
 * ENTROPY or NO_MEMORY.
 */
STINT_IMPORT("init") int32_t stint_init(struct stint_config *config);

/*
 * Moves frames and time: takes in all frames from the host, fires timers, sends. Returns the microseconds
 * until it must be called again at the latest; 0: at once, there is more; −1: nothing is due. NOT_INIT.
 */
STINT_IMPORT("poll") int32_t stint_poll(uint64_t nowUs);

/*
 * The link was away, and may lead to another network now: neighbours are asked for again, and the own address
 * is announced. OK or NOT_INIT.
 */
STINT_IMPORT("link_changed") int32_t stint_link_changed(void);

/*
 * Address of the control block: the ring from the host, then the ring to it, each as a SlotRing
 * (buffers/slots.ts). 0 before `init`.
 */
STINT_IMPORT("controlBlock") void *stint_control_block(void);

/* Address of the u32 counters, in the order of `Mib`. */
STINT_IMPORT("counters") void *stint_counters(void);

/* How many counters there are. */
STINT_IMPORT("countersCount") uint32_t stint_counters_count(void);

/* How full a table is, in entries; `which`: one of `Pool`. ARGUMENT or NOT_INIT. */
STINT_IMPORT("pool") int32_t stint_pool(uint32_t which);

/*
 * Changes one number of the running configuration, by its place among the u32 of `Config`: from `policy` to
 * `firstByteMs`. What is under way keeps the deadline that it has. OK, ARGUMENT or NOT_INIT.
 */
STINT_IMPORT("tune") int32_t stint_tune(uint32_t word, uint32_t value);

/*
 * The next socket that has something to tell: its handle in the upper half, bits of `Event` in the lower; 0:
 * none.
 */
STINT_IMPORT("event_next") uint64_t stint_event_next(void);

/*
 * Listens on `ip` and `port`; 0: on every own address. In builds with everything also 255.255.255.255: on
 * every IPv4 one; and the name of :: (`ip6_name`): on every IPv6 one. Returns a handle, IN_USE, FULL or
 * ARGUMENT.
 */
STINT_IMPORT("tcp_listen") int32_t tcp_listen(uint32_t ip, uint32_t port, uint32_t backlog)
    STINT_SYMBOL("stint_tcp_listen");

/*
 * A connection that `listener` has, and that nobody took yet: a handle, the oldest first. AGAIN: none waits
 * (ACCEPT follows). HANDLE.
 */
STINT_IMPORT("tcp_accept") int32_t tcp_accept(int32_t listener)
    STINT_SYMBOL("stint_tcp_accept");

/*
 * Active OPEN to `rip` and `rport`, from `lip` and `lport`; 0: the address that fits, a port that is free.
 * Returns a handle at once, and CONNECTED or CLOSED follows. ARGUMENT, FULL, IN_USE, UNREACHABLE or NOT_INIT.
 */
STINT_IMPORT("tcp_connect") int32_t tcp_connect(uint32_t lip, uint32_t lport, uint32_t rip, uint32_t rport)
    STINT_SYMBOL("stint_tcp_connect");

/* Queues up to `size` bytes. Returns how many; AGAIN when the ring is full (WRITABLE follows). */
STINT_IMPORT("tcp_send") int32_t tcp_send(int32_t handle, void *src, uint32_t size)
    STINT_SYMBOL("stint_tcp_send");

/* Bytes that could be queued now. 0: the ring is full, and WRITABLE follows. */
STINT_IMPORT("tcp_send_room") int32_t tcp_send_room(int32_t handle)
    STINT_SYMBOL("stint_tcp_send_room");

/* Where the next bytes can be written in place; `tcp_send_span` of them. 0: no such connection. */
STINT_IMPORT("tcp_send_at") void *tcp_send_at(int32_t handle)
    STINT_SYMBOL("stint_tcp_send_at");

/* Bytes that can be written at `tcp_send_at`: up to the end of the free room, or of the ring. */
STINT_IMPORT("tcp_send_span") int32_t tcp_send_span(int32_t handle)
    STINT_SYMBOL("stint_tcp_send_span");

/* Queues the `size` bytes that were written in place. */
STINT_IMPORT("tcp_send_commit") int32_t tcp_send_commit(int32_t handle, uint32_t size)
    STINT_SYMBOL("stint_tcp_send_commit");

/* Takes up to `size` bytes. Returns how many; 0: the peer has closed; AGAIN: nothing yet. */
STINT_IMPORT("tcp_recv") int32_t tcp_recv(int32_t handle, void *dst, uint32_t size)
    STINT_SYMBOL("stint_tcp_recv");

/* The same, but the bytes stay. */
STINT_IMPORT("tcp_peek") int32_t tcp_peek(int32_t handle, void *dst, uint32_t size)
    STINT_SYMBOL("stint_tcp_peek");

/* Bytes that can be taken now; 0 and errors as `tcp_recv`. */
STINT_IMPORT("tcp_recv_size") int32_t tcp_recv_size(int32_t handle)
    STINT_SYMBOL("stint_tcp_recv_size");

/* Where the next bytes lie in place; `tcp_recv_span` of them. 0: no such connection. */
STINT_IMPORT("tcp_recv_at") void *tcp_recv_at(int32_t handle)
    STINT_SYMBOL("stint_tcp_recv_at");

/* Bytes that can be read at `tcp_recv_at`: up to the last one received, or to the end of the ring. */
STINT_IMPORT("tcp_recv_span") int32_t tcp_recv_span(int32_t handle)
    STINT_SYMBOL("stint_tcp_recv_span");

/* Gives back `size` bytes that were read in place. */
STINT_IMPORT("tcp_recv_consume") int32_t tcp_recv_consume(int32_t handle, uint32_t size)
    STINT_SYMBOL("stint_tcp_recv_consume");

/* Everything queued so far is urgent. */
STINT_IMPORT("tcp_urgent") int32_t tcp_urgent(int32_t handle)
    STINT_SYMBOL("stint_tcp_urgent");

/* Bytes up to the end of the urgent data that is to be received; 0: there is none. */
STINT_IMPORT("tcp_urgent_left") int32_t tcp_urgent_left(int32_t handle)
    STINT_SYMBOL("stint_tcp_urgent_left");

/* Closes the sending side (FIN follows the last byte). */
STINT_IMPORT("tcp_shutdown") int32_t tcp_shutdown(int32_t handle)
    STINT_SYMBOL("stint_tcp_shutdown");

/* Gives the handle of a connection or a listener up. A connection ends in order by itself. */
STINT_IMPORT("tcp_close") int32_t tcp_close(int32_t handle)
    STINT_SYMBOL("stint_tcp_close");

/* Gives the handle up and resets the connection. */
STINT_IMPORT("tcp_abort") int32_t tcp_abort(int32_t handle)
    STINT_SYMBOL("stint_tcp_abort");

/* Sets one of `TcpOption`, of a connection or, if it has that one, of a listener. */
STINT_IMPORT("tcp_set") int32_t tcp_set(int32_t handle, uint32_t option, uint32_t value)
    STINT_SYMBOL("stint_tcp_set");

/* Writes what is to be known of the connection to `dst`: a `TcpInfo` (api/info.ts). */
STINT_IMPORT("tcp_info") int32_t tcp_info(int32_t handle, void *dst)
    STINT_SYMBOL("stint_tcp_info");

/* Writes what is to be known of the listener to `dst`: a `ListenerInfo` (api/info.ts). */
STINT_IMPORT("listener_info") int32_t stint_listener_info(int32_t handle, void *dst);

/* The state (RFC 9293 §3.3.2, numbered 0 CLOSED … 10 TIME-WAIT) of a four-tuple. */
STINT_IMPORT("flow_state") int32_t stint_flow_state(uint32_t lip, uint32_t lport, uint32_t rip, uint32_t rport);

/*
 * Opens a socket on `port` (0: an ephemeral one). Returns a handle, ARGUMENT, IN_USE or FULL; a build without
 * UDP has none.
 */
STINT_IMPORT("udp_open") int32_t udp_open(uint32_t port)
    STINT_SYMBOL("stint_udp_open");

/*
 * Queues a datagram for `ip`:`port`. To groups nothing is sent; but in builds with mDNS a socket on port 5353
 * is in its groups, 224.0.0.251 and ff02::fb, and may send to that port there. OK; AGAIN: the ring is full;
 * SIZE, UNREACHABLE or ARGUMENT.
 */
STINT_IMPORT("udp_send") int32_t udp_send(int32_t handle, uint32_t ip, uint32_t port, void *src, uint32_t size)
    STINT_SYMBOL("stint_udp_send");

/*
 * Takes the next datagram: up to `size` bytes to `dst`, a `DatagramFrom` to `from` (0: nobody asks). Its
 * length, AGAIN or REFUSED.
 */
STINT_IMPORT("udp_recv") int32_t udp_recv(int32_t handle, void *dst, uint32_t size, void *from)
    STINT_SYMBOL("stint_udp_recv");

/*
 * Time to live of what the socket sends, 1 to 255; 0: the configuration's (RFC 1122 §4.1.4). Only builds with
 * everything have this call.
 */
STINT_IMPORT("udp_ttl") int32_t udp_ttl(int32_t handle, uint32_t ttl)
    STINT_SYMBOL("stint_udp_ttl");

/*
 * The socket takes datagrams of `ip`:`port` alone from now on; to others its port is one that nobody has.
 * `ip` 0: it takes everybody's again. What came before stays. OK or ARGUMENT. Only builds with everything
 * have this call.
 */
STINT_IMPORT("udp_connect") int32_t udp_connect(int32_t handle, uint32_t ip, uint32_t port)
    STINT_SYMBOL("stint_udp_connect");

/* Closes the socket; what waits in it is dropped. HANDLE. */
STINT_IMPORT("udp_close") int32_t udp_close(int32_t handle)
    STINT_SYMBOL("stint_udp_close");

/*
 * Gives the interface a fixed address; 0, with `prefix` and `gateway` 0, takes it away. Connections of the
 * address before end with NO_ADDRESS; listeners stay. DHCP ends, and what `link_local_start` began. OK,
 * ARGUMENT or NOT_INIT.
 */
STINT_IMPORT("set_address") int32_t stint_set_address(uint32_t ip, uint32_t prefix, uint32_t gateway);

/*
 * Asks the network for an address (RFC 2131): `Event.ADDRESS` of handle 0 tells when it has one, another one,
 * or none. The address that the interface has is taken away. `wanted`: one that it had before, which is asked
 * for first; 0: none. `name`: the host's name for the server, up to 63 bytes. OK, ARGUMENT, NOT_INIT; SIZE:
 * the link's MTU is below 576.
 */
STINT_IMPORT("dhcp_start") int32_t dhcp_start(uint32_t wanted, void *name, uint32_t size)
    STINT_SYMBOL("stint_dhcp_start");

/*
 * Ends it. The server whose lease it is is told (RFC 2131 §4.4.6) with one of the next polls; then, or after
 * a second without a way to it, the interface has no address, and `Event.ADDRESS` of handle 0 tells. OK or
 * NOT_INIT.
 */
STINT_IMPORT("dhcp_stop") int32_t dhcp_stop(void)
    STINT_SYMBOL("stint_dhcp_stop");

/*
 * Writes what is known of the interface's address, and of the lease if there is one, to `dst`: a `Lease`
 * (clients/dhcp-state.ts). OK, ARGUMENT or NOT_INIT.
 */
STINT_IMPORT("dhcp_info") int32_t dhcp_info(void *dst)
    STINT_SYMBOL("stint_dhcp_info");

/*
 * Writes up to `size` bytes of the domain's name that the server told to `dst`. Returns how long it is,
 * ARGUMENT or NOT_INIT.
 */
STINT_IMPORT("dhcp_domain") int32_t dhcp_domain(void *dst, uint32_t size)
    STINT_SYMBOL("stint_dhcp_domain");

/*
 * The addresses of the name that `size` bytes of text are: writes up to `most` of them, a u32 each, to `dst`.
 * Returns how many there are, 4 at most. AGAIN: it is being asked for; `Event.NAMES` of handle 0 tells when
 * to call again. NOT_FOUND: there is none. NO_IPV4: it may have other addresses. NO_ANSWER: no server
 * answers, or none does well. SIZE: the answer is too long for a datagram, and could not be had over TCP.
 * UNREACHABLE: there is no server. FULL, ARGUMENT, NOT_INIT. A name in .local is asked for on the link, and
 * of no server (RFC 6762).
 */
STINT_IMPORT("dns_lookup") int32_t dns_lookup(void *name, uint32_t size, void *dst, uint32_t most)
    STINT_SYMBOL("stint_dns_lookup");

/*
 * The same of IPv6 addresses: 16 bytes each, as they stand in a packet. NO_IPV6 in the place of NO_IPV4. A
 * build without IPv6 has none to tell: ARGUMENT.
 */
STINT_IMPORT("dns_lookup6") int32_t dns_lookup6(void *name, uint32_t size, void *dst, uint32_t most)
    STINT_SYMBOL("stint_dns_lookup6");

/*
 * The servers to ask, in this order, IPv4 addresses (`dns_server_add` takes those of IPv6); 0: no more. All
 * 0: those that the lease names, and behind them those of which routers tell (RFC 8106). What is known is
 * forgotten. OK, ARGUMENT or NOT_INIT.
 */
STINT_IMPORT("dns_servers") int32_t dns_servers(uint32_t first, uint32_t second, uint32_t third)
    STINT_SYMBOL("stint_dns_servers");

/*
 * One more server to ask, behind those of `dns_servers`: an IPv4 address, or the name of an IPv6 one
 * (`ip6_name`). What is known is forgotten. OK, ARGUMENT, NOT_INIT; FULL: there are three.
 */
STINT_IMPORT("dns_server_add") int32_t dns_server_add(uint32_t server)
    STINT_SYMBOL("stint_dns_server_add");

/* Writes what the resolver did to `dst`: a `Names` (clients/dns.ts). OK, ARGUMENT or NOT_INIT. */
STINT_IMPORT("dns_info") int32_t dns_info(void *dst)
    STINT_SYMBOL("stint_dns_info");

/*
 * The host is to be reachable by this name in .local (RFC 6762): `size` bytes of text, 63 at most, letters,
 * digits and hyphens, without ".local". While somebody else has it, another name is taken, with a number
 * behind it. `Event.NAME` of handle 0 tells when it is settled, about a second after there is an address, and
 * again when it changes. OK, ARGUMENT, NOT_INIT; STATE: there is a name; SIZE: the link's MTU is below 576.
 */
STINT_IMPORT("mdns_start") int32_t mdns_start(void *name, uint32_t size)
    STINT_SYMBOL("stint_mdns_start");

/* Ends it. With the next poll others are told that the name is nobody's any more. OK or NOT_INIT. */
STINT_IMPORT("mdns_stop") int32_t mdns_stop(void)
    STINT_SYMBOL("stint_mdns_stop");

/* Writes what is known of the own name to `dst`: a `LocalName` (clients/mdns.ts). OK, ARGUMENT or NOT_INIT. */
STINT_IMPORT("mdns_info") int32_t mdns_info(void *dst)
    STINT_SYMBOL("stint_mdns_info");

/*
 * Writes up to `size` bytes of the own name, which ends in ".local", to `dst`; it is settled when `mdns_info`
 * says so. Returns how long it is, 0 if none was given, ARGUMENT or NOT_INIT.
 */
STINT_IMPORT("mdns_name") int32_t mdns_name(void *dst, uint32_t size)
    STINT_SYMBOL("stint_mdns_name");

/*
 * Asks these servers for the time (RFC 4330), in this order, IPv4 addresses (`sntp_server_add` takes those of
 * IPv6); 0: no more. All 0: those of which the DHCP server told. `Event.TIME` of handle 0 tells each time
 * that one has answered. It goes on until `sntp_stop`. OK, ARGUMENT or NOT_INIT.
 */
STINT_IMPORT("sntp_start") int32_t stint_sntp_start(uint32_t first, uint32_t second, uint32_t third);

/*
 * One more server to ask, behind those of `sntp_start`: an IPv4 address, or the name of an IPv6 one
 * (`ip6_name`). Those of the lease are asked no more. OK, ARGUMENT, NOT_INIT; FULL: there are three; STATE:
 * `sntp_start` comes first.
 */
STINT_IMPORT("sntp_server_add") int32_t stint_sntp_server_add(uint32_t server);

/* Asks no more; the time stays known. OK or NOT_INIT. */
STINT_IMPORT("sntp_stop") int32_t stint_sntp_stop(void);

/* UTC at the last `poll`, in µs since 1970-01-01, without leap seconds; 0: it is not known. */
STINT_IMPORT("sntp_utc") int64_t stint_sntp_utc(void);

/* Writes what is known of the time to `dst`: a `Time` (clients/sntp.ts). OK, ARGUMENT or NOT_INIT. */
STINT_IMPORT("sntp_info") int32_t stint_sntp_info(void *dst);

/*
 * From now on the interface is to have an address of 169.254/16 when it has no other (RFC 3927): while DHCP
 * runs, once no server answers; else at once. `Event.ADDRESS` of handle 0 tells when it has one, after five
 * seconds or more. `wanted`: one that it had before, which is tried first; 0: none. `set_address` ends it.
 * OK, ARGUMENT or NOT_INIT.
 */
STINT_IMPORT("link_local_start") int32_t stint_link_local_start(uint32_t wanted);

/* Ends it. If the interface has such an address, it is taken away. OK or NOT_INIT. */
STINT_IMPORT("link_local_stop") int32_t stint_link_local_stop(void);

/*
 * Whether the interface has temporary addresses (RFC 8981), beside those that it makes from routers'
 * prefixes. With `wanted` 1 each prefix has one, which lasts a day at most before the next one takes its
 * place, and connections are opened from it. With 0, as at the start, there are none; those that there are
 * go, and their connections end with NO_ADDRESS. OK, NOT_INIT; ARGUMENT: neither 0 nor 1, or a build without
 * them.
 */
STINT_IMPORT("ip6_temporary") int32_t stint_ip6_temporary(uint32_t wanted);

/*
 * Writes what the DHCPv6 client did (RFC 8415) to `dst`: a `Lease6` (nd/dhcp6-state.ts). It begins with
 * `ip6_start`, when a router says that there is a server; `ip6_info` tells its address. OK, ARGUMENT (a build
 * without it) or NOT_INIT.
 */
STINT_IMPORT("dhcp6_info") int32_t stint_dhcp6_info(void *dst);

/*
 * Gives the address back that a DHCPv6 server gave: it is used no more, and the server is told with the next
 * poll. Until `ip6_start` none is asked for. OK or NOT_INIT.
 */
STINT_IMPORT("dhcp6_stop") int32_t stint_dhcp6_stop(void);

/*
 * The own address from which packets to `ip` would leave now (RFC 6724 §5): an IPv4 address, or the name of
 * an IPv6 one. 0: there is none, no way to `ip`, or that is nobody's alone; or there is no stack.
 */
STINT_IMPORT("ip_source") uint32_t stint_ip_source(uint32_t ip);

/*
 * IPv6 begins (RFC 4862): the interface has a link-local address after a second, others when a router says
 * from which prefix; `Event.ADDRESS` of handle 0 tells. `secret`: 16 bytes that the host keeps, so that the
 * interface has the same addresses after each start (RFC 7217); 0: it has others. OK, ARGUMENT or NOT_INIT;
 * SIZE: the link's MTU is below 1280; STATE: it has begun.
 */
STINT_IMPORT("ip6_start") int32_t stint_ip6_start(void *secret);

/* Ends it: connections over IPv6 end with NO_ADDRESS. OK or NOT_INIT. */
STINT_IMPORT("ip6_stop") int32_t stint_ip6_stop(void);

/*
 * Gives the interface one more address, the 16 bytes at `address`, and tells that its first `prefix` bits are
 * those of the link; the 16 bytes at `router`, if it is not 0, are the address of a router. It can be used
 * once duplicate address detection has passed (`ip6_info`). OK, ARGUMENT, IN_USE or NOT_INIT; FULL: there is
 * no place for the address, its prefix or the router; STATE: `ip6_start` comes first.
 */
STINT_IMPORT("ip6_add") int32_t stint_ip6_add(void *address, uint32_t prefix, void *router);

/*
 * Takes an address away. Its connections end with NO_ADDRESS. One that a DHCPv6 server gave is given back,
 * and none is asked for until the link changes. OK, NOT_INIT, or ARGUMENT: the interface does not have it.
 */
STINT_IMPORT("ip6_remove") int32_t stint_ip6_remove(void *address);

/*
 * Writes the `index`-th address of the interface to `dst`, an `Ip6Info`. OK or NOT_INIT; ARGUMENT: there are
 * no more.
 */
STINT_IMPORT("ip6_info") int32_t stint_ip6_info(uint32_t index, void *dst);

/* Writes the `index`-th router's 16 bytes to `dst`. OK or NOT_INIT; ARGUMENT: there are no more. */
STINT_IMPORT("ip6_router") int32_t stint_ip6_router(uint32_t index, void *dst);

/* The name of the 16 bytes at `address`, to be used in the very next call. 0: ARGUMENT or NOT_INIT. */
STINT_IMPORT("ip6_name") uint32_t stint_ip6_name(void *address);

/*
 * Writes the 16 bytes of an address that the module has just named to `dst`. OK, NOT_INIT, or ARGUMENT: it is
 * no name now.
 */
STINT_IMPORT("ip6_bytes") int32_t stint_ip6_bytes(uint32_t name, void *dst);

/*
 * A ring of frame slots; two of them lie behind stint_control_block: to the stack, from the stack. The
 * producer writes a frame STINT_FRAME_OFFSET bytes into slot tail & mask, its length to lengths, and adds 1
 * to tail; the consumer adds 1 to head. Addresses are the stack's: stint_at gives the pointer.
 */
struct stint_ring {
  /* Frames taken out so far; the consumer writes it. */
  uint32_t head;
  /* Frames put in so far; the producer writes it. */
  uint32_t tail;
  /* Number of slots, a power of two, less one. */
  uint32_t mask;
  /* Address of slot 0. */
  uint32_t slots;
  /* Bytes from one slot to the next. */
  uint32_t stride;
  /* Address of the u32 lengths, one a slot. */
  uint32_t lengths;
};

#define STINT_FRAME_OFFSET 2u

#ifdef __wasm__
static inline void *stint_at(uint32_t address) {
  return (void *)(uintptr_t)address;
}
#else
void *stint_at(uint32_t address);
#endif

/* What an application is, for the ready-made hosts (stint run, firmware, wasmtime): two functions. */

/*
 * app_start: the host has filled in addresses, MTU and entropy, and the library's defaults for the rest; the
 * application sets sizes and its arena, calls stint_init, listens, and returns 0 or an error. app_run: called
 * after every poll; returns not 0 when another poll may have something to send.
 */
#ifdef __wasm__
#define STINT_APP(name) __attribute__((export_name(name)))
#else
#define STINT_APP(name)
#endif
STINT_APP("app_start") int32_t app_start(struct stint_config *config);
STINT_APP("app_run") int32_t app_run(void);

#ifdef __cplusplus
}
#endif

#endif
