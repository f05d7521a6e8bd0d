// At which address of ours somebody asked a socket over IPv6: the answer leaves from there (RFC 1122 §4.1.3.5),
// whatever address would serve a question of our own (RFC 6724). An IPv4 interface has one address.

import { clock } from "../core/clock";
import { take } from "../core/layout";
import { Address, digest32 } from "../address/names";
import { ownByDigest } from "../ip/interface6";

/** Those who asked over IPv6 by UDP. @full the one who asked first is answered from any address of ours */
const ASKED_MAX: u32 = 32;
/** What is sent to somebody who asked longer ago is no answer (RFC 4787 §4.3), 2^20 µs. */
const ANSWER: u32 = 286;

@unmanaged class Asked {
  /** Who asked, and our port; 0: nobody. */
  who: u64;
  /** Of the address of ours (`digest32`). */
  local: u32;
  /** When, in units of 2^20 µs. */
  at: u32;
}

let places: usize = 0;
/** Its first word: the place that is taken next. */
let next: usize = 0;

export function askedInit(): void {
  places = take(ASKED_MAX, offsetof<Asked>());
  next = take(1, 4);
}

function askedPlace(i: u32): Asked {
  return changetype<Asked>(places + <usize>i * offsetof<Asked>());
}

function whoIs(port: u32, peer: Address, peerPort: u32): u64 {
  return <u64>port << 48 | <u64>digest32(peer) << 16 | <u64>peerPort;
}

function askedFind(who: u64): Asked | null {
  for (let i: u32 = 0; i < ASKED_MAX; i++) if (askedPlace(i).who == who) return askedPlace(i);
  return null;
}

/** `peer` asks the socket of `port` at `local`. */
export function askedNote(port: u32, peer: Address, peerPort: u32, local: Address): void {
  const who = whoIs(port, peer, peerPort), had = askedFind(who);
  const a = had != null ? had : askedPlace(load<u32>(next));
  if (had == null) store<u32>(next, (load<u32>(next) + 1) % ASKED_MAX);
  a.who = who;
  a.local = digest32(local);
  a.at = <u32>(clock.us >> 20);
}

/** Another socket has the port from now on: nobody has asked it. */
export function askedForget(port: u32): void {
  for (let i: u32 = 0; i < ASKED_MAX; i++) if (askedPlace(i).who >> 48 == <u64>port) askedPlace(i).who = 0;
}

/** The address at which `peer` asked the socket of `port` not long ago, if it is still ours; 0: there is none. */
export function askedAt(port: u32, peer: Address, peerPort: u32): Address {
  const a = askedFind(whoIs(port, peer, peerPort));
  return a == null || <u32>(clock.us >> 20) - a.at > ANSWER ? 0 : ownByDigest(a.local);
}
