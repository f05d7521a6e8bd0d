// Ephemeral ports (RFC 6056 §3.3.2, algorithm 2: random, and random again when taken): 49152 … 65535

import { random32 } from "../../core/random";
import { demuxFind, NOBODY } from "../block/demux";
import { listenerFor } from "./listener";

const FIRST: u32 = 49152;
const COUNT: u32 = 16384;
/** Ports that are tried before the search is given up. */
const TRIES: u32 = 1024;

/** A local port that is free towards this peer, or 0. */
export function ephemeralPort(lip: u32, rip: u32, rport: u16): u16 {
  let at = random32() % COUNT;
  // An odd step visits all ports, 2^14 of them.
  const step = random32() | 1;
  for (let i: u32 = 0; i < TRIES; i++) {
    const port = FIRST + at;
    if (demuxFind(lip, rip, (<u32>rport << 16) | port) == NOBODY && listenerFor(lip, port) == null) return <u16>port;
    at = (at + step) % COUNT;
  }
  return 0;
}
