// What can be left out of a build, to make it smaller (asconfig.json, tools/board/module.ts). Each is a constant,
// so that what hangs on it is not compiled.

/**
 * SYN cookies, groups, limits on the rate of SYNs, and events that tell of a flood. Without them a full half-open
 * table makes room for new SYNs (`evict`).
 */
export const COOKIES: bool = !isDefined(STINT_NO_COOKIES);

/** Telling the peer what came twice (RFC 2883). */
export const DSACK: bool = !isDefined(STINT_NO_DSACK);

/** Explicit congestion notification (RFC 3168). */
export const ECN: bool = !isDefined(STINT_NO_ECN);

/**
 * Modern loss recovery (RFC 8985) and what stands on its knowledge of each segment: tail loss probes,
 * proportional rate reduction, undo of what was for nothing, CUBIC, HyStart++, pacing. Without it a
 * build has RFC 6675, RFC 6582 and RFC 5681.
 */
export const RACK: bool = !isDefined(STINT_NO_RACK);
export const TLP: bool = RACK && !isDefined(STINT_NO_TLP);
export const PRR: bool = RACK && !isDefined(STINT_NO_PRR);
export const UNDO: bool = RACK && !isDefined(STINT_NO_UNDO);
export const CUBIC: bool = RACK && !isDefined(STINT_NO_CUBIC);
export const HYSTART: bool = RACK && !isDefined(STINT_NO_HYSTART);
export const PACING: bool = RACK && !isDefined(STINT_NO_PACING);
/** Congestion control by a model of the path (draft-ietf-ccwg-bbr), for connections that ask for it. */
export const BBR: bool = PACING && !isDefined(STINT_NO_BBR);

/** ACKs one by one at a connection's start (`Policy.QUICK_ACKS`). */
export const QUICK_ACKS: bool = !isDefined(STINT_NO_QUICK_ACKS);

/** TCP Fast Open (RFC 7413): text in SYNs. Without it, it cannot be asked for. */
export const FAST_OPEN: bool = !isDefined(STINT_NO_FAST_OPEN);

/** What is there for speed alone: header prediction, copying and summing in one pass. */
export const SPEED: bool = !isDefined(STINT_NO_SPEED);

/** A build that becomes C for a PC: sums are made by the C compiler, which knows vectors (host/native). */
export const NATIVE: bool = isDefined(STINT_NATIVE);

/**
 * The policies that RFCs leave open, or that testers ask for: see `Policy`. Without
 * them a build has what is right for most.
 */
export const POLICIES: bool = !isDefined(STINT_NO_POLICIES);

/** Paths that swallow large packets in silence (RFC 4821, RFC 8899). Without it the path MTU is what ICMP says. */
export const BLACK_HOLES: bool = !isDefined(STINT_NO_BLACK_HOLES);

/**
 * A waiting packet for each of several neighbours. Without it one packet waits in all (RFC 1122 §2.3.2.2 asks for one).
 */
export const WAITING: bool = !isDefined(STINT_NO_WAITING);

/**
 * Walks over lists and tables trap when they are longer than they can be: after a
 * corruption of memory they might have no end.
 */
export const BOUNDED: bool = !isDefined(STINT_NO_BOUNDED);

/**
 * Talking to ourselves, by 127/8 or the own address. Without it these are
 * UNREACHABLE, and `loopSlots` is not looked at.
 */
export const LOOPBACK: bool = !isDefined(STINT_NO_LOOPBACK);

/**
 * `link_changed` asks for all neighbours again. Without it a neighbour is asked again when it does
 * not answer for a while (RFC 1122 §2.3.2.1).
 */
export const LINK_CHANGES: bool = !isDefined(STINT_NO_LINK_CHANGES);

/** UDP. Without it a datagram is answered like one of an unknown protocol. */
export const UDP: bool = !isDefined(STINT_NO_UDP);

/**
 * An address from the network (RFC 2131), and one that changes while the stack runs.
 * Without it the configuration's address stays.
 */
export const DHCP: bool = UDP && !isDefined(STINT_NO_DHCP);

/** An address of 169.254/16 where nobody gives one (RFC 3927). Without it there is none then. */
export const LINK_LOCAL: bool = DHCP && !isDefined(STINT_NO_LINK_LOCAL);

/** Addresses of names (RFC 1035). */
export const DNS: bool = DHCP && !isDefined(STINT_NO_DNS);

/** DNS over TCP, for answers that do not fit into a datagram (RFC 7766). Without it they are SIZE. */
export const DNS_TCP: bool = DNS && !isDefined(STINT_NO_DNS_TCP);

/** The host's own name in .local, and look-ups of such names (RFC 6762). */
export const MDNS: bool = DNS && !isDefined(STINT_NO_MDNS);

/** The time of day (RFC 4330). */
export const SNTP: bool = DHCP && !isDefined(STINT_NO_SNTP);

/**
 * IPv6 (RFC 8200) beside IPv4, with addresses from routers (RFC 4862). Without it
 * frames with it are of an unknown protocol.
 */
export const IPV6: bool = !isDefined(STINT_NO_IPV6);

/** An address and DNS servers from a DHCPv6 server (RFC 8415), as routers say. */
export const DHCP6: bool = IPV6 && DHCP && !isDefined(STINT_NO_DHCP6);

/** Temporary addresses beside those from routers' prefixes (RFC 8981). Without it there are none. */
export const TEMPORARY: bool = IPV6 && !isDefined(STINT_NO_TEMPORARY);

/**
 * All rules of RFC 6724 §5 say from which address a connection is opened. Without it rules 5.5 and 6 are left out:
 * where nothing is temporary, the longest prefix stands for them.
 */
export const SOURCES: bool = TEMPORARY;

/** Listeners on all addresses of one family. Without it a listener is on one address, or on all of both. */
export const FAMILIES: bool = IPV6 && POLICIES;

/** A link-local address that others had is looked for again a minute later. Without it when IPv6 begins anew. */
export const AGAIN: bool = IPV6 && POLICIES;

/** Routers may name a better first hop for an IPv6 destination (RFC 4861 §8). Without it they forward themselves. */
export const REDIRECTS: bool = IPV6 && !isDefined(STINT_NO_REDIRECTS);

/** Reassembly (RFC 791 §3.2). Without it fragments are dropped. */
export const REASSEMBLY: bool = !isDefined(STINT_NO_REASSEMBLY);

/** The services' HTTP. */
export const HTTP: bool = !isDefined(STINT_NO_HTTP);

/** The services that are good for measuring: discard and chargen. */
export const MEASURING: bool = !isDefined(STINT_NO_MEASURING);

/**
 * A build to be linked into an application's module: the memory is the application's, and so is the arena. Fast builds
 * are not told when they are compiled (core/linked.ts).
 */
export const LINKED: bool = isDefined(STINT_LINKED);

/** A board: paths of files are short, and memory is small. */
export const BOARD: bool = isDefined(STINT_BOARD);

/** Firmware that is laid out when it is built: `init` notes which keys it draws, `seed` draws them on the device. */
export const IMAGE: bool = isDefined(STINT_IMAGE);

/** A build that knows whose memory is what, for checkers (core/own.ts). It does the same in more memory. */
export const OWNERSHIP: bool = isDefined(STINT_OWNERSHIP);

/** Everything that is counted in two places is counted anew after each `poll`, and every list walked (checks.ts). */
export const CHECKS: bool = isDefined(STINT_CHECKS);
