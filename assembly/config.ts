// The configuration block: what the host writes before `init`. Every limit that it may set is here, with its unit, its
// cost in bytes of arena, and what happens when it runs out. `layoutSize` adds the costs up.

import { Err } from "./core/error";
import { BOUNDED, COOKIES, DHCP, POLICIES } from "./features";

/** Bits of `Config.policy`. */
export const enum Policy {
  /** Offer and accept timestamps (RFC 7323 §3). @on default */
  TIMESTAMPS = 1,
  /** Offer and accept selective acknowledgments (RFC 2018). @on default */
  SACK = 2,
  /** Offer and accept window scaling (RFC 7323 §2). @as windowScaling @on default */
  WINDOW_SCALE = 4,
  /**
   * A RST ends TIME-WAIT, as RFC 9293 §3.10.7.4 has it. Without it TIME-WAIT ignores a RST, as RFC 1337 §3 recommends.
   */
  RST_ENDS_TIME_WAIT = 8,
  /** A SYN that carries FIN is processed, as RFC 9293 §3.10.7.2 has it. Without it such a segment is dropped. */
  SYN_FIN = 16,
  /**
   * When the accept queue is full, the handshake's last ACK is answered with a RST.
   * Without it, it is dropped and may come again.
   */
  RST_ON_OVERFLOW = 32,
  /** Mark the last segment of a burst with PSH, not only the last one in the buffer. */
  PUSH_BURSTS = 64,
  /** Announce the own address when the stack starts (RFC 5227 §2.3). @on default */
  ANNOUNCE = 128,
  /** Nagle's algorithm is off for new connections (RFC 9293 §3.7.4). */
  NO_DELAY = 256,
  /** Answer echo requests to a broadcast address (RFC 1122 §3.2.2.6 leaves it open). */
  BROADCAST_ECHO = 512,
  /** A segment to a closed port is dropped and not answered with a RST. */
  BLACKHOLE = 1024,
  /**
   * The window's right edge moves with every ACK that is sent, not only by worthwhile
   * steps, as long as the window is not small.
   */
  EAGER_WINDOW = 2048,
  /**
   * When the half-open table is full and no cookie is sent, the SYN is dropped.
   * Without it, the next record in turn makes room for it.
   */
  KEEP_HALF_OPEN = 4096,
  /** A SYN above the rate limits is dropped. Without it, it is answered with a cookie, unless cookies are off. */
  SYN_SILENCE = 8192,
  /** A member of a group: see `groupKey0`. Cannot be changed while the stack runs. */
  GROUP = 16384,
  /** Accept explicit congestion notification (RFC 3168), in a build that has it. */
  ECN = 32768,
  /** Ask for it in the SYNs of connections that we open. */
  ECN_OFFER = 65536,
  /**
   * Find losses by time (RACK, RFC 8985), for connections with SACK and a block of `sendersMax`. What follows needs it.
   * @on default
   */
  RACK = 1 << 17,
  /** Probe the tail of a flight for losses (TLP, RFC 8985 §7). @on default */
  TLP = 1 << 18,
  /**
   * Proportional rate reduction (RFC 6937) in fast recovery. Without it, the window is halved at once (RFC 6675).
   * @on default
   */
  PRR = 1 << 19,
  /** Go back on a recovery that was for nothing (RFC 3522, RFC 3708, RFC 4015, RFC 5682). @on default */
  UNDO = 1 << 20,
  /** CUBIC (RFC 9438). Without it, NewReno (RFC 5681, RFC 6582). @on default */
  CUBIC = 1 << 21,
  /** HyStart++ (RFC 9406) in the first slow start. @on default */
  HYSTART = 1 << 22,
  /** Spread what is sent over the round trip. */
  PACING = 1 << 23,
  /**
   * The link loses by noise (radio, power lines): a loss without any sign of a queue leaves the window of congestion as
   * it is. No RFC has this, and a shallow queue gives no sign; for links that one knows.
   */
  NOISY_LINK = 1 << 24,
  /**
   * Every full segment at the beginning of a connection is acknowledged at once, so that the peer's slow start is
   * not slowed down, in a build that has it.
   * @on default
   */
  QUICK_ACKS = 1 << 25,
  /**
   * A RST anywhere in the window ends a connection, as RFC 793 had it. Without it, only one at RCV.NXT does
   * (RFC 5961 §3.2). This and the two that follow let an outsider who guesses end connections, or put text into them:
   * for the comparison with old stacks alone.
   */
  RST_IN_WINDOW = 1 << 26,
  /** A SYN in the window resets the connection, as RFC 793 had it. Without it, it is challenged (RFC 5961 §4.2). */
  SYN_RESETS = 1 << 27,
  /**
   * Text is taken with an ACK however old, as RFC 793 had it. Without it, an ACK older than the
   * largest window is challenged (RFC 5961 §5.2).
   */
  OLD_ACKS = 1 << 28,
  /**
   * BBR (draft-ietf-ccwg-bbr) in the place of CUBIC, for connections that do not choose themselves, in a build that
   * has it. It paces, and losses without a queue do not slow it down.
   */
  BBR = 1 << 29,
}

/** When a SYN is answered with a cookie (RFC 4987 §3.6). */
export const enum Cookies {
  /** Never. When the half-open table is full, the next record in turn makes room. */
  NEVER = 0,
  /** When the half-open table is full. */
  AUTO = 1,
  /** Always; the half-open table is not used. */
  ALWAYS = 2,
}

@unmanaged export class Config {
  /** sizeof(Config) as the host knows it: a host built for another version is refused (CONFIG). */
  size: u32;
  /**
   * Where the arena begins, not below `__heap_base`: NO_MEMORY; 0: there, and
   * the memory grows once, by what is missing.
   */
  arenaBase: u32;
  /** Bytes of the arena; ignored when arenaBase is 0. Less than `layoutSize`: NO_MEMORY. */
  arenaSize: u32;
  /** Bytes of memory that callers' pointers may reach into, at most what there is: NO_MEMORY; 0: `memory.size`. */
  memoryBytes: u32;

  /** Own MAC address: bytes 0–3, most significant first. A group address is refused. */
  macHigh: u32;
  /** Bytes 4–5 of it. */
  macLow: u32;
  /** Own IPv4 address, host order. 0, with prefix and gateway 0, in a build that has `dhcp_start`: none yet. */
  ip: u32;
  /** Length of the subnet's prefix, 0 … 32. */
  prefix: u32;
  /** Default router; 0: none, and what is not on the link is UNREACHABLE. Not of 0/8, 127/8 or 224/3. */
  gateway: u32;
  /**
   * Largest IP packet of the link, 128 … 65,535 bytes: with every option that there is, a segment still has text.
   * @default 1500
   */
  mtu: u32;

  /**
   * Connections with a TCB. 304 bytes at most (352 in a build with IPv6) and two rings each. Full: the handshake's last
   * ACK waits in the half-open table, `connect` is FULL.
   * @seen ListenOverflows @default 64
   */
  connsMax: u32;
  /**
   * Half-open connections (SYN-RECEIVED from LISTEN), ≤ 65,535. 68 bytes each at
   * most, 116 with IPv6. Full: see `cookies`.
   * @seen TCPReqQFullDoCookies, TCPHalfOpenEvicted, TCPReqQFullDrop @default 256
   */
  halfOpenMax: u32;
  /**
   * Connections in TIME-WAIT. 68 bytes each at most, 116 with IPv6. Full: the oldest ends early.
   * @seen TWKilled @default 256
   */
  timeWaitMax: u32;
  /** Listeners, ≤ 255. 84 bytes each, 132 with IPv6. Full: FULL. @default 8 */
  listenersMax: u32;
  /**
   * Bytes of send ring a connection, a multiple of 4, below 2^30. A segment takes
   * half of it at most. Full: `send` takes less.
   * @default 65536
   */
  sendRing: u32;
  /** Bytes of receive ring a connection, a multiple of 4, below 2^30. Full: the window closes. @default 65536 */
  recvRing: u32;
  /**
   * Ranges that all connections share, ≤ 65,535. 16 bytes each. A connection may have the more the more are free, 64 a
   * list at most. Full: what arrives out of order is dropped, SACK blocks ignored.
   * @seen TCPOFODrop @default 4096
   */
  rangesMax: u32;
  /**
   * Connections with something in flight that have modern loss recovery (Policy.RACK), ≤ 65,535. 160
   * bytes each, 496 in a build with BBR, and ranges for what is in flight. None left, not even of
   * an idle connection: RFC 6675 and NewReno. 0 in a build without it.
   * @default 64
   */
  sendersMax: u32;
  /**
   * Frame slots from the host, a power of two. mtu + 24 bytes each. Full: the host keeps or drops the frame.
   * @default 64
   */
  rxSlots: u32;
  /**
   * Frame slots to the host, a power of two. mtu + 20 bytes each, and one in four of them, 1 to 16, again, for
   * datagrams that wait for their neighbours. Full: connections wait, other packets are dropped.
   * @seen ifOutDiscards @default 64
   */
  txSlots: u32;
  /**
   * Frame slots for what the stack sends to itself, 0 or a power of two ≥ 2: what came and its answer. mtu + 20 bytes
   * each. Full: dropped; 0: the own addresses are UNREACHABLE.
   * @default 8
   */
  loopSlots: u32;
  /**
   * Datagrams being reassembled. reassemblyBytes + 1/64 of it + 64 bytes each, 160
   * with IPv6. Full: the oldest one is given up.
   * @seen ipReasmFails @default 4
   */
  reassemblyMax: u32;
  /**
   * Longest reassembled payload in bytes, a multiple of 8, ≤ 65,520;
   * RFC 1122 §3.3.2 wants 556 at least. Longer: dropped.
   * @default 65520
   */
  reassemblyBytes: u32;
  /**
   * Neighbours, a power of two ≥ 4. 32 bytes each, 80 with IPv6. Full: the one of its set that is worth least is
   * forgotten, never the gateway, and for a packet that may be forged none that a connection used within a minute.
   * @default 64
   */
  neighboursMax: u32;
  /** UDP sockets. 60 bytes and two rings each. Full: FULL. @default 8 */
  udpMax: u32;
  /**
   * Bytes of each UDP ring, a multiple of 4. Full: `send` is AGAIN, what arrives is dropped.
   * @seen udpRcvbufErrors @default 16384
   */
  udpRing: u32;
  /**
   * Source prefixes (/24) whose rates are told apart, 0 or a power of two. 8 bytes each. They share
   * entries by a keyed hash; 0: no such limits.
   * @default 256
   */
  prefixBuckets: u32;
  /**
   * Servers whose Fast Open cookies are kept (RFC 7413 §4.1.3), ≤ 255, in a build that has Fast Open. 40 bytes each.
   * Full: the one that was used least recently is forgotten; 0: no connection that we open opens fast.
   * @default 16
   */
  fastOpenCookies: u32;
  /** Bytes behind the arena's tables for an application that is compiled together with the stack (`applicationAt`). */
  appBytes: u32;
  /**
   * Window scale to offer, 0 … 14, so that 2^scale ≤ recvRing; 255: the smallest one that lets the window cover the
   * ring. It stands before `policy`, since a scale that was offered holds (RFC 7323 §2.2).
   * @default 255
   */
  windowScale: u32;

  /** Bits of `Policy`. */
  policy: u32;
  /** One of `Cookies`. @default 1 */
  cookies: u32;
  /** Largest segment to offer in the MSS option; 0: mtu − 40. @default 0 */
  mss: u32;
  /** Initial congestion window in segments (RFC 6928 §2: 10). @default 10 */
  initialWindow: u32;
  /** Retransmission time-out before a sample, ms (RFC 6298 §2.1: 1000). @default 1000 */
  rtoInitialMs: u32;
  /** Least retransmission time-out, ms (RFC 6298 §2.4: 1000). @default 300 */
  rtoMinMs: u32;
  /** Largest retransmission time-out, ms (RFC 6298 §2.5: 60,000 at least). @default 60000 */
  rtoMaxMs: u32;
  /**
   * R2 (RFC 9293 §3.8.3): how long data may stay unacknowledged before the connection is given up, ms.
   * @seen TCPAbortOnTimeout @default 300000
   */
  userTimeoutMs: u32;
  /** The same for a SYN, ms (RFC 9293 §3.8.3: 3 minutes at least). @default 180000 */
  synTimeoutMs: u32;
  /** Longest delay of an ACK, ms (RFC 9293 §3.8.6.3: below 500). @default 40 */
  delayedAckMs: u32;
  /** TIME-WAIT: 2 × MSL, ms. @default 60000 */
  timeWaitMs: u32;
  /** How long a connection whose handle is closed stays in FIN-WAIT-2, ms; 0: for ever. @default 60000 */
  finWait2Ms: u32;
  /** A half-open record's first SYN-ACK retransmission, ms. @default 1000 */
  synAckMs: u32;
  /** SYN-ACK retransmissions of a half-open record. @default 5 */
  synAckRetries: u32;
  /** Deadline of a half-open record, ms. @default 63000 */
  halfOpenMs: u32;
  /** Challenge ACKs of one connection in 5 s (RFC 5961 §7). Above: none. @seen TCPACKSkippedChallenge @default 10 */
  challengeMax: u32;
  /** ICMP errors a second (RFC 1812 §4.3.2.8). Above: none. @seen icmpOutRateLimited @default 100 */
  icmpRate: u32;
  /** Neighbour entries are renewed after, ms (RFC 1122 §2.3.2.1). @default 60000 */
  neighbourMs: u32;
  /** Keep-alive: idle time before the first probe, s (RFC 9293 §3.8.4: 7200 at least by default). @default 7200 */
  keepIdleS: u32;
  /** Keep-alive: time between probes, s. @default 75 */
  keepIntervalS: u32;
  /** Keep-alive: unanswered probes before the connection is given up, ≥ 2. @default 9 */
  keepProbes: u32;
  /** Time to live of what is sent. @default 64 */
  ttl: u32;
  /** Least path MTU that an ICMP error, or time-outs, can set, bytes. @default 552 */
  pathMtuMin: u32;
  /**
   * SYNs a second that a listener takes in (RFC 4987 §3); 0: no limit. Above: see `Policy.SYN_SILENCE`.
   * @seen TCPSynRateDrop @default 0
   */
  synRate: u32;
  /** How many of them may come at once. @default 64 */
  synBurst: u32;
  /**
   * The same for the SYNs from one /24; it needs `prefixBuckets`. Above: see `Policy.SYN_SILENCE`.
   * @seen TCPSynRateDrop @default 0
   */
  prefixRate: u32;
  /** How many of them may come at once. @default 16 */
  prefixBurst: u32;
  /**
   * ACKs a second from one /24 whose wrong cookie is answered with a RST; 0: no limit. Above: they are dropped.
   * @seen TCPACKSkippedCookie @default 1000
   */
  cookieRate: u32;
  /**
   * Connections whose SYN had a Fast Open cookie and text, and whose handshake is not complete
   * (PendingFastOpenRequests, RFC 7413 §4.2). Full: the others open as usual; 0: all do.
   * @seen TCPFastOpenListenOverflow @default 16
   */
  fastOpenMax: u32;
  /**
   * How long an accepted connection may stay without a byte from the peer, ms; 0: for ever. Longer: it is reset.
   * @seen TCPFirstByteTimeout @default 0
   */
  firstByteMs: u32;

  /**
   * The secret that the members of a group share, 16 bytes, with `Policy.GROUP`: any of them can complete a
   * handshake that another began. `init` wipes it.
   */
  groupKey0: u32;
  /** Bytes 4–7 of it. */
  groupKey1: u32;
  /** Bytes 8–11 of it. */
  groupKey2: u32;
  /** Bytes 12–15 of it. */
  groupKey3: u32;
  /**
   * The group's clock less this one's, µs modulo 2^64: its minutes are the cookies'
   * epochs, its milliseconds the timestamps.
   */
  clockOffsetLow: u32;
  /** The upper half of it. */
  clockOffsetHigh: u32;

  /**
   * 32 bytes of entropy; what cannot be any is refused (ENTROPY): a counter, or equal words of
   * 32 bits, two pairs of them or more. `init` wipes them.
   */
  entropy0: u64;
  entropy1: u64;
  entropy2: u64;
  entropy3: u64;
}

/** The block that `init` reads, and afterwards scratch memory for the host. */
export const BLOCK_SIZE: u32 = 304;
export const BLOCK: usize = memory.data(BLOCK_SIZE, 8);
if (offsetof<Config>() > BLOCK_SIZE) ERROR("the configuration is larger than its block");

/** Copies of the configuration that the stack runs on; `init` fills it. */
export let config: Config = changetype<Config>(0);

export function configUse(at: usize): void {
  config = changetype<Config>(at);
}

/** Whether one of the policies is set that do without RFC 5961. */
export function isInsecure(policy: Policy): bool {
  return POLICIES && (config.policy & policy) != 0;
}

/**
 * Bytes of header before the payload in a frame slot: 2 of padding, so that the IP
 * header is 4-byte aligned, and 14 of Ethernet.
 */
export const FRAME_OFFSET: u32 = 2;
export const ETHERNET_SIZE: u32 = 14;
/** Most bytes of payload of a reassembled datagram: with its header of 20 bytes its length fits in 16 bits. */
export const REASSEMBLY_MAX: u32 = 65_515;
export const CONNS_MAX: u32 = (1 << 21) - 1;

function isSlots(x: u32): bool {
  return popcnt(x) == 1;
}

/**
 * Least value of each number from `mtu` to `firstByteMs`, and how many bits it
 * may have. What is finer is checked by name.
 */
const BOUNDS: usize = memory.data<u8>([
  128, 16,
  1, 21, 1, 16, 1, 21, 0, 8, 64, 30, 64, 30, 0, 16, 0, 16, 1, 15, 1, 15, 0, 15,
  0, 8, 0, 16, 4, 16, 0, 10, 0, 20, 0, 17, 0, 8, 0, 30,
  0, 8, 0, 30, 0, 2, 0, 16, 1, 7, 1, 16, 1, 16, 1, 20, 1, 31, 1, 31,
  0, 9, 1, 27, 0, 27, 1, 16, 0, 4, 1, 22, 0, 8, 0, 16, 1, 27,
  1, 16, 1, 16, 2, 8, 1, 8, 68, 16,
  0, 20, 1, 10, 0, 20, 1, 10, 0, 20, 0, 16, 0, 27,
]);

/** Checks every value. Returns OK, CONFIG or ENTROPY. */
export function configCheck(c: Config): Err {
  if (!configCheckSizes(c)) return Err.CONFIG;
  if ((c.macHigh & 0x01000000) != 0 || (c.macHigh | c.macLow) == 0 || c.macLow > 0xffff) return Err.CONFIG;
  if (!configCheckPolicy(c)) return Err.CONFIG;
  if (!isAddress(c.ip, c.prefix, c.gateway)) return Err.CONFIG;
  return isDull(c) ? Err.ENTROPY : Err.OK;
}

/**
 * Whether an interface can have this address, with this router; no address at all is one for a build
 * in which it may change.
 */
export function isAddress(ip: u32, prefix: u32, gateway: u32): bool {
  return DHCP && (ip | prefix | gateway) == 0 ||
    (isHost(ip, prefix) && gateway != ip && (gateway == 0 || isHost(gateway, 32)));
}

/**
 * Whether an address can be one host's: not 0/8, 127/8, 224/3, nor the broadcast address of
 * its subnet (RFC 1122 §3.2.1.3, RFC 3021).
 */
export function isHost(ip: u32, prefix: u32): bool {
  const net = ip >> 24;
  return prefix <= 32 && net != 0 && net != 127 && ip < 0xe0000000 &&
    (prefix > 30 || ip << prefix != <u32>-1 << prefix);
}

/** Bits of our subnet that name the host. */
export function hostMask(): u32 {
  return <u32>(<u64>0xffffffff >> config.prefix);
}

export function isOnLink(ip: u32): bool {
  return (ip ^ config.ip) <= hostMask();
}

/** 169.254/16 (RFC 3927). */
export function isLinkLocal4(ip: u32): bool {
  return ip >> 16 == 0xa9fe;
}

/** Whether frames are sent to `ip` itself: a host of our subnet, or the gateway, wherever that is. */
export function isNeighbour(ip: u32): bool {
  return ip != 0 && (ip == config.gateway || isOnLink(ip));
}

/** Whether the window can be told in units of 2^scale: the ring is one of them at least. */
function isScale(scale: u32, ring: u32): bool {
  return scale == 255 || (scale <= 14 && ring >> scale != 0);
}

/**
 * Whether the entropy, as 8 words of 32 bits, has two pairs of words that are equal, or as far from the second word
 * before them. What a source left out, filled up or said again has them, and what counts; of true entropy one in 10^16.
 * Or, for bytes that count in large steps, whether most of them go on as those before them did.
 */
export function isDull(c: Config): bool {
  const from = changetype<usize>(c) + offsetof<Config>("entropy0"), to = from + 32;
  let pairs: u32 = 0, steady: u32 = 0;
  for (let i = from; i < to; i += 4) {
    for (let j = from; j < i; j += 4) {
      if (load<u32>(i) == load<u32>(j)) pairs++;
      if (j >= from + 8 && load<u32>(i) - load<u32>(i - 8) == load<u32>(j) - load<u32>(j - 8)) pairs++;
    }
  }
  for (let i = from + 2; BOUNDED && i < to; i++) {
    if (load<u8>(i) - load<u8>(i - 1) == load<u8>(i - 1) - load<u8>(i - 2)) steady++;
  }
  return pairs > 1 || steady > 15;
}

/** How what may change while the stack runs must fit together. */
function configCheckPolicy(c: Config): bool {
  if (!COOKIES && (c.cookies == Cookies.ALWAYS || (c.policy & Policy.GROUP) != 0 || (c.synRate | c.prefixRate) != 0)) {
    return false;
  }
  return c.cookies <= <u32>Cookies.ALWAYS && c.delayedAckMs < 500 && isScale(c.windowScale, c.recvRing) &&
    (c.prefixRate == 0 || c.prefixBuckets != 0) && c.mss <= c.mtu - 40 && c.pathMtuMin <= c.mtu &&
    c.rtoMaxMs >= max(c.rtoMinMs, c.rtoInitialMs);
}

/** Changes one number, by its place among the words of `Config`, from `policy` on: OK or ARGUMENT. */
export function configTune(word: u32, value: u32): Err {
  const first = <u32>offsetof<Config>("policy") >> 2, last = <u32>offsetof<Config>("firstByteMs") >> 2;
  if (word < first || word > last || !isWithin(word, value)) return Err.ARGUMENT;
  const at = changetype<usize>(config) + (<usize>word << 2), had = load<u32>(at);
  // The keys of a group are made when the stack starts.
  if (COOKIES && word == first && ((value ^ had) & Policy.GROUP) != 0) return Err.ARGUMENT;
  store<u32>(at, value);
  if (configCheckPolicy(config)) return Err.OK;
  store<u32>(at, had);
  return Err.ARGUMENT;
}

function isWithin(word: u32, x: u32): bool {
  const bounds = BOUNDS + ((<usize>word - (offsetof<Config>("mtu") >> 2)) << 1);
  return x >= <u32>load<u8>(bounds) && x >> load<u8>(bounds, 1) == 0;
}

/** The part of the check that `layoutSize` needs. */
export function configCheckSizes(c: Config): bool {
  if (c.size != offsetof<Config>()) return false;
  for (let word = <u32>offsetof<Config>("mtu") >> 2; word <= <u32>offsetof<Config>("firstByteMs") >> 2; word++) {
    if (!isWithin(word, load<u32>(changetype<usize>(c) + (<usize>word << 2)))) return false;
  }
  return ((c.sendRing | c.recvRing | c.udpRing) & 3) == 0 && (c.udpMax == 0 || c.udpRing >= 64) &&
    (c.reassemblyBytes & 7) == 0 && c.reassemblyBytes < REASSEMBLY_MAX + 8 &&
    isSlots(c.rxSlots) && isSlots(c.txSlots) && c.loopSlots != 1 && popcnt(c.loopSlots) <= 1 &&
    popcnt(c.prefixBuckets) <= 1 && popcnt(c.neighboursMax) == 1;
}
