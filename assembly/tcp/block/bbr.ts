// What BBR knows of a path: a block behind a Sender's, in builds that have it.

/** Where BBR is in its walk (draft-ietf-ccwg-bbr §5.1.1). */
export const enum Bbrs {
  STARTUP,
  DRAIN,
  // PROBE_BW
  DOWN,
  CRUISE,
  REFILL,
  UP,
  // From here on not PROBE_BW.
  PROBE_RTT,
}

/** Bits of `Bbr.bits`. */
export const enum Bb {
  /** The pipe was full once: Startup is over. */
  FULL = 1,
  /** The ACK at hand begins a round. */
  ROUND = 2,
  /** Something was lost, or marked, in this round. */
  LOSS = 4,
  /** Losses tell of our own probe for more. */
  PROBE_SAMPLES = 8,
  /** The ACKs of that probe end with this round. */
  STOPPING = 16,
  /** PROBE_RTT has lasted for a round. */
  RTT_ROUND = 32,
  /** The first flight after idle: no probe for the round-trip time. */
  IDLE = 64,
}

/** No bound. */
export const UNBOUND: u32 = u32.MAX_VALUE;

/** Rates are bytes a second, times µs modulo 2^32, volumes bytes. */
@unmanaged export class Bbr {
  /** One of `Bbrs`. */
  state: u8;
  bits: u8;
  /** Rounds without growth. */
  fullCount: u8;
  /** ACKs of this round that told of a loss. */
  lossEvents: u8;
  /** Number of the mark that is written next, and how many there are. */
  markNext: u8;
  marks: u8;
  roundsSinceProbe: u8;
  upRounds: u8;

  // Delivery (§4.1): C.delivered is the Sender's.
  deliveredAt: u32;
  /** Bytes that were found lost, from the beginning. */
  lost: u32;
  /** `lost` as of the last ACK. */
  lostBefore: u32;
  /** Samples are the application's up to where this many bytes are delivered; 0: they are not. */
  limitedTo: u32;
  /** The round ends when something arrives that was sent after so many bytes had been delivered. */
  roundEnd: u32;
  roundDelivered: u32;
  roundLost: u32;

  // The model (§2.8 to §2.13)
  /** The most of the last cycle of probes, and of this one. */
  maxBwBefore: u32;
  maxBw: u32;
  fullBw: u32;
  bwLatest: u32;
  inflightLatest: u32;
  bwLo: u32;
  inflightLo: u32;
  inflightHi: u32;
  minRtt: u32;
  minRttAt: u32;
  /** The least of the last 5 s, after which it is probed for. */
  probeRttMin: u32;
  probeRttMinAt: u32;
  /** When PROBE_RTT ends; 0: the pipe is not drained yet. */
  probeRttDone: u32;

  /** When PROBE_BW_DOWN began, and how long after that the next probe for more comes. */
  downAt: u32;
  probeAfter: u32;
  /** So many acknowledged bytes raise `inflightHi` by a segment; how many there were. */
  upCount: u32;
  upAcked: u32;

  /** The window of before a recovery, or PROBE_RTT. */
  priorCwnd: u32;
  pacing: u32;
}

/** The state of delivery when something was sent (§4.1.1.2). One stands for all of a quarter of a round trip. */
@unmanaged export class Mark {
  sentAt: u32;
  delivered: u32;
  deliveredAt: u32;
  /** When what was delivered last had been sent. */
  firstSentAt: u32;
  lost: u32;
  /** Bytes in flight, what was sent included. */
  inflight: u32;
  limited: u32;
}

/** As many as fit between two looks at one that is a round trip old; a power of two. */
export const MARKS: u32 = 8;

export const BBR_SIZE: u32 = offsetof<Bbr>() + MARKS * offsetof<Mark>();

/** The n-th mark back, from 0: the last one. */
export function markBack(b: Bbr, n: u32): Mark {
  return changetype<Mark>(
    changetype<usize>(b) + offsetof<Bbr>() + ((<u32>b.markNext - 1 - n) & (MARKS - 1)) * offsetof<Mark>()
  );
}

/** Of a block that is all zero. */
export function bbrInit(b: Bbr, now: u32): void {
  b.bwLo = b.inflightLo = b.inflightHi = UNBOUND;
  b.minRtt = b.probeRttMin = UNBOUND;
  b.deliveredAt = b.minRttAt = b.probeRttMinAt = b.downAt = now;
}
