/*
 * The numbers of a stack for a device: what each costs, and what happens when it is full. Made by
 * tools/border. Define a macro before this file, or on the compiler's command line, to have another number.
 */
#ifndef STINT_CONFIG_H
#define STINT_CONFIG_H

#include "stint.h"

/*
 * The next three are what stint.c is compiled with. STINT_TRAP: the stack in use is broken, and `why` says
 * how; it may reset the device, or leave by longjmp and create the stack anew. If it returns, the program
 * hangs.
 */
#ifndef STINT_TRAP
#define STINT_TRAP(why) __builtin_trap()
#endif

/* Bytes for what passes through the stack on its way to a pointer of yours: the largest datagram, or peek. */
#ifndef STINT_SCRATCH
#define STINT_SCRATCH 2048u
#endif

/* _Thread_local, where threads have stacks of their own: the stack in use is a thread's then. */
#ifndef STINT_THREAD
#define STINT_THREAD
#endif

/* Bytes of the memory of stint_create beside the arena (stint_layout_size). */
#ifndef STINT_OVERHEAD
#define STINT_OVERHEAD (8192u + STINT_SCRATCH)
#endif

/*
 * Largest IP packet of the link, 128 … 65,535 bytes: with every option that there is, a segment still has
 * text. From 128 to 65535.
 */
#ifndef STINT_MTU
#define STINT_MTU 1500u
#endif

/*
 * Connections with a TCB. 304 bytes at most (352 in a build with IPv6) and two rings each. Full: the
 * handshake's last ACK waits in the half-open table, `connect` is FULL. From 1 to 2097151.
 */
#ifndef STINT_CONNS_MAX
#define STINT_CONNS_MAX 8u
#endif

/*
 * Half-open connections (SYN-RECEIVED from LISTEN), ≤ 65,535. 68 bytes each at most, 116 with IPv6. Full: see
 * `cookies`. From 1 to 65535.
 */
#ifndef STINT_HALF_OPEN_MAX
#define STINT_HALF_OPEN_MAX 8u
#endif

/*
 * Connections in TIME-WAIT. 68 bytes each at most, 116 with IPv6. Full: the oldest ends early. From 1 to
 * 2097151.
 */
#ifndef STINT_TIME_WAIT_MAX
#define STINT_TIME_WAIT_MAX 8u
#endif

/* Listeners, ≤ 255. 84 bytes each, 132 with IPv6. Full: FULL. From 0 to 255. */
#ifndef STINT_LISTENERS_MAX
#define STINT_LISTENERS_MAX 4u
#endif

/*
 * Bytes of send ring a connection, a multiple of 4, below 2^30. A segment takes half of it at most. Full:
 * `send` takes less. From 64 to 1073741823.
 */
#ifndef STINT_SEND_RING
#define STINT_SEND_RING 1460u
#endif

/*
 * Bytes of receive ring a connection, a multiple of 4, below 2^30. Full: the window closes. From 64 to
 * 1073741823.
 */
#ifndef STINT_RECV_RING
#define STINT_RECV_RING 1460u
#endif

/*
 * Ranges that all connections share, ≤ 65,535. 16 bytes each. A connection may have the more the more are
 * free, 64 a list at most. Full: what arrives out of order is dropped, SACK blocks ignored. From 0 to 65535.
 */
#ifndef STINT_RANGES_MAX
#define STINT_RANGES_MAX 16u
#endif

/*
 * Connections with something in flight that have modern loss recovery (Policy.RACK), ≤ 65,535. 160 bytes
 * each, 496 in a build with BBR, and ranges for what is in flight. None left, not even of an idle connection:
 * RFC 6675 and NewReno. 0 in a build without it. From 0 to 65535.
 */
#ifndef STINT_SENDERS_MAX
#define STINT_SENDERS_MAX 0u
#endif

/*
 * Frame slots from the host, a power of two. mtu + 24 bytes each. Full: the host keeps or drops the frame.
 * From 1 to 32767.
 */
#ifndef STINT_RX_SLOTS
#define STINT_RX_SLOTS 4u
#endif

/*
 * Frame slots to the host, a power of two. mtu + 20 bytes each, and one in four of them, 1 to 16, again, for
 * datagrams that wait for their neighbours. Full: connections wait, other packets are dropped. From 1 to
 * 32767.
 */
#ifndef STINT_TX_SLOTS
#define STINT_TX_SLOTS 4u
#endif

/*
 * Frame slots for what the stack sends to itself, 0 or a power of two ≥ 2: what came and its answer. mtu + 20
 * bytes each. Full: dropped; 0: the own addresses are UNREACHABLE. From 0 to 32767.
 */
#ifndef STINT_LOOP_SLOTS
#define STINT_LOOP_SLOTS 0u
#endif

/*
 * Datagrams being reassembled. reassemblyBytes + 1/64 of it + 64 bytes each, 160 with IPv6. Full: the oldest
 * one is given up. From 0 to 255.
 */
#ifndef STINT_REASSEMBLY_MAX
#define STINT_REASSEMBLY_MAX 0u
#endif

/*
 * Longest reassembled payload in bytes, a multiple of 8, ≤ 65,520; RFC 1122 §3.3.2 wants 556 at least.
 * Longer: dropped. From 0 to 65535.
 */
#ifndef STINT_REASSEMBLY_BYTES
#define STINT_REASSEMBLY_BYTES 0u
#endif

/*
 * Neighbours, a power of two ≥ 4. 32 bytes each, 80 with IPv6. Full: the one of its set that is worth least
 * is forgotten, never the gateway, and for a packet that may be forged none that a connection used within a
 * minute. From 4 to 65535.
 */
#ifndef STINT_NEIGHBOURS_MAX
#define STINT_NEIGHBOURS_MAX 4u
#endif

/* UDP sockets. 60 bytes and two rings each. Full: FULL. From 0 to 1023. */
#ifndef STINT_UDP_MAX
#define STINT_UDP_MAX 2u
#endif

/* Bytes of each UDP ring, a multiple of 4. Full: `send` is AGAIN, what arrives is dropped. From 0 to 1048575. */
#ifndef STINT_UDP_RING
#define STINT_UDP_RING 2048u
#endif

/*
 * Source prefixes (/24) whose rates are told apart, 0 or a power of two. 8 bytes each. They share entries by
 * a keyed hash; 0: no such limits. From 0 to 131071.
 */
#ifndef STINT_PREFIX_BUCKETS
#define STINT_PREFIX_BUCKETS 16u
#endif

/*
 * Servers whose Fast Open cookies are kept (RFC 7413 §4.1.3), ≤ 255, in a build that has Fast Open. 40 bytes
 * each. Full: the one that was used least recently is forgotten; 0: no connection that we open opens fast.
 * From 0 to 255.
 */
#ifndef STINT_FAST_OPEN_COOKIES
#define STINT_FAST_OPEN_COOKIES 0u
#endif

/*
 * Window scale to offer, 0 … 14, so that 2^scale ≤ recvRing; 255: the smallest one that lets the window cover
 * the ring. It stands before `policy`, since a scale that was offered holds (RFC 7323 §2.2). From 0 to 255.
 */
#ifndef STINT_WINDOW_SCALE
#define STINT_WINDOW_SCALE 255u
#endif

/* One of `Cookies`. From 0 to 3. */
#ifndef STINT_COOKIES
#define STINT_COOKIES 1u
#endif

/* Largest segment to offer in the MSS option; 0: mtu − 40. From 0 to 65535. */
#ifndef STINT_MSS
#define STINT_MSS 0u
#endif

/* Initial congestion window in segments (RFC 6928 §2: 10). From 1 to 127. */
#ifndef STINT_INITIAL_WINDOW
#define STINT_INITIAL_WINDOW 10u
#endif

/* Retransmission time-out before a sample, ms (RFC 6298 §2.1: 1000). From 1 to 65535. */
#ifndef STINT_RTO_INITIAL_MS
#define STINT_RTO_INITIAL_MS 1000u
#endif

/* Least retransmission time-out, ms (RFC 6298 §2.4: 1000). From 1 to 65535. */
#ifndef STINT_RTO_MIN_MS
#define STINT_RTO_MIN_MS 300u
#endif

/* Largest retransmission time-out, ms (RFC 6298 §2.5: 60,000 at least). From 1 to 1048575. */
#ifndef STINT_RTO_MAX_MS
#define STINT_RTO_MAX_MS 60000u
#endif

/*
 * R2 (RFC 9293 §3.8.3): how long data may stay unacknowledged before the connection is given up, ms. From 1
 * to 2147483647.
 */
#ifndef STINT_USER_TIMEOUT_MS
#define STINT_USER_TIMEOUT_MS 300000u
#endif

/* The same for a SYN, ms (RFC 9293 §3.8.3: 3 minutes at least). From 1 to 2147483647. */
#ifndef STINT_SYN_TIMEOUT_MS
#define STINT_SYN_TIMEOUT_MS 180000u
#endif

/* Longest delay of an ACK, ms (RFC 9293 §3.8.6.3: below 500). From 0 to 511. */
#ifndef STINT_DELAYED_ACK_MS
#define STINT_DELAYED_ACK_MS 40u
#endif

/* TIME-WAIT: 2 × MSL, ms. From 1 to 134217727. */
#ifndef STINT_TIME_WAIT_MS
#define STINT_TIME_WAIT_MS 60000u
#endif

/* How long a connection whose handle is closed stays in FIN-WAIT-2, ms; 0: for ever. From 0 to 134217727. */
#ifndef STINT_FIN_WAIT2_MS
#define STINT_FIN_WAIT2_MS 60000u
#endif

/* A half-open record's first SYN-ACK retransmission, ms. From 1 to 65535. */
#ifndef STINT_SYN_ACK_MS
#define STINT_SYN_ACK_MS 1000u
#endif

/* SYN-ACK retransmissions of a half-open record. From 0 to 15. */
#ifndef STINT_SYN_ACK_RETRIES
#define STINT_SYN_ACK_RETRIES 5u
#endif

/* Deadline of a half-open record, ms. From 1 to 4194303. */
#ifndef STINT_HALF_OPEN_MS
#define STINT_HALF_OPEN_MS 63000u
#endif

/* Challenge ACKs of one connection in 5 s (RFC 5961 §7). Above: none. From 0 to 255. */
#ifndef STINT_CHALLENGE_MAX
#define STINT_CHALLENGE_MAX 10u
#endif

/* ICMP errors a second (RFC 1812 §4.3.2.8). Above: none. From 0 to 65535. */
#ifndef STINT_ICMP_RATE
#define STINT_ICMP_RATE 100u
#endif

/* Neighbour entries are renewed after, ms (RFC 1122 §2.3.2.1). From 1 to 134217727. */
#ifndef STINT_NEIGHBOUR_MS
#define STINT_NEIGHBOUR_MS 60000u
#endif

/*
 * Keep-alive: idle time before the first probe, s (RFC 9293 §3.8.4: 7200 at least by default). From 1 to
 * 65535.
 */
#ifndef STINT_KEEP_IDLE_S
#define STINT_KEEP_IDLE_S 7200u
#endif

/* Keep-alive: time between probes, s. From 1 to 65535. */
#ifndef STINT_KEEP_INTERVAL_S
#define STINT_KEEP_INTERVAL_S 75u
#endif

/* Keep-alive: unanswered probes before the connection is given up, ≥ 2. From 2 to 255. */
#ifndef STINT_KEEP_PROBES
#define STINT_KEEP_PROBES 9u
#endif

/* Time to live of what is sent. From 1 to 255. */
#ifndef STINT_TTL
#define STINT_TTL 64u
#endif

/* Least path MTU that an ICMP error, or time-outs, can set, bytes. From 68 to 65535. */
#ifndef STINT_PATH_MTU_MIN
#define STINT_PATH_MTU_MIN 552u
#endif

/*
 * SYNs a second that a listener takes in (RFC 4987 §3); 0: no limit. Above: see `Policy.SYN_SILENCE`. From 0
 * to 1048575.
 */
#ifndef STINT_SYN_RATE
#define STINT_SYN_RATE 0u
#endif

/* How many of them may come at once. From 1 to 1023. */
#ifndef STINT_SYN_BURST
#define STINT_SYN_BURST 64u
#endif

/*
 * The same for the SYNs from one /24; it needs `prefixBuckets`. Above: see `Policy.SYN_SILENCE`. From 0 to
 * 1048575.
 */
#ifndef STINT_PREFIX_RATE
#define STINT_PREFIX_RATE 0u
#endif

/* How many of them may come at once. From 1 to 1023. */
#ifndef STINT_PREFIX_BURST
#define STINT_PREFIX_BURST 16u
#endif

/*
 * ACKs a second from one /24 whose wrong cookie is answered with a RST; 0: no limit. Above: they are dropped.
 * From 0 to 1048575.
 */
#ifndef STINT_COOKIE_RATE
#define STINT_COOKIE_RATE 1000u
#endif

/*
 * Connections whose SYN had a Fast Open cookie and text, and whose handshake is not complete
 * (PendingFastOpenRequests, RFC 7413 §4.2). Full: the others open as usual; 0: all do. From 0 to 65535.
 */
#ifndef STINT_FAST_OPEN_MAX
#define STINT_FAST_OPEN_MAX 0u
#endif

/*
 * How long an accepted connection may stay without a byte from the peer, ms; 0: for ever. Longer: it is
 * reset. From 0 to 134217727.
 */
#ifndef STINT_FIRST_BYTE_MS
#define STINT_FIRST_BYTE_MS 0u
#endif

/* Bits of STINT_POLICY_… in stint.h. */
#ifndef STINT_POLICY
#define STINT_POLICY 41812103u
#endif

/* Fills a configuration with these numbers. Addresses, MAC address and entropy are left to be set. */
static inline void stint_config_numbers(struct stint_config *config) {
  stint_config_defaults(config);
  config->mtu = STINT_MTU;
  config->connsMax = STINT_CONNS_MAX;
  config->halfOpenMax = STINT_HALF_OPEN_MAX;
  config->timeWaitMax = STINT_TIME_WAIT_MAX;
  config->listenersMax = STINT_LISTENERS_MAX;
  config->sendRing = STINT_SEND_RING;
  config->recvRing = STINT_RECV_RING;
  config->rangesMax = STINT_RANGES_MAX;
  config->sendersMax = STINT_SENDERS_MAX;
  config->rxSlots = STINT_RX_SLOTS;
  config->txSlots = STINT_TX_SLOTS;
  config->loopSlots = STINT_LOOP_SLOTS;
  config->reassemblyMax = STINT_REASSEMBLY_MAX;
  config->reassemblyBytes = STINT_REASSEMBLY_BYTES;
  config->neighboursMax = STINT_NEIGHBOURS_MAX;
  config->udpMax = STINT_UDP_MAX;
  config->udpRing = STINT_UDP_RING;
  config->prefixBuckets = STINT_PREFIX_BUCKETS;
  config->fastOpenCookies = STINT_FAST_OPEN_COOKIES;
  config->windowScale = STINT_WINDOW_SCALE;
  config->cookies = STINT_COOKIES;
  config->mss = STINT_MSS;
  config->initialWindow = STINT_INITIAL_WINDOW;
  config->rtoInitialMs = STINT_RTO_INITIAL_MS;
  config->rtoMinMs = STINT_RTO_MIN_MS;
  config->rtoMaxMs = STINT_RTO_MAX_MS;
  config->userTimeoutMs = STINT_USER_TIMEOUT_MS;
  config->synTimeoutMs = STINT_SYN_TIMEOUT_MS;
  config->delayedAckMs = STINT_DELAYED_ACK_MS;
  config->timeWaitMs = STINT_TIME_WAIT_MS;
  config->finWait2Ms = STINT_FIN_WAIT2_MS;
  config->synAckMs = STINT_SYN_ACK_MS;
  config->synAckRetries = STINT_SYN_ACK_RETRIES;
  config->halfOpenMs = STINT_HALF_OPEN_MS;
  config->challengeMax = STINT_CHALLENGE_MAX;
  config->icmpRate = STINT_ICMP_RATE;
  config->neighbourMs = STINT_NEIGHBOUR_MS;
  config->keepIdleS = STINT_KEEP_IDLE_S;
  config->keepIntervalS = STINT_KEEP_INTERVAL_S;
  config->keepProbes = STINT_KEEP_PROBES;
  config->ttl = STINT_TTL;
  config->pathMtuMin = STINT_PATH_MTU_MIN;
  config->synRate = STINT_SYN_RATE;
  config->synBurst = STINT_SYN_BURST;
  config->prefixRate = STINT_PREFIX_RATE;
  config->prefixBurst = STINT_PREFIX_BURST;
  config->cookieRate = STINT_COOKIE_RATE;
  config->fastOpenMax = STINT_FAST_OPEN_MAX;
  config->firstByteMs = STINT_FIRST_BYTE_MS;
  config->policy = STINT_POLICY;
}

#endif
