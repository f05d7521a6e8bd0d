/** What must hold of a stack that is fuzzed, and of what it sends. */
import { sum } from "../../host/encode.js";
import { POOL, STATES, TCP_INFO, TIMER } from "../../host/module/layout.js";
import type { Exports, StackModule } from "../../host/stack.js";
import { sumAddresses, tsValOf } from "./quick.js";

/** What went wrong, in words. */
export class Broken extends Error {}

/** A stack that is fuzzed, and the connection under attack. */
export interface Fuzzed {
  stack: StackModule;
  exports: Exports;
  handle: number;
  scratch: number;
  u8: Uint8Array;
  /** A number of the connection, as `tcp_info` told it. */
  field(name: keyof typeof TCP_INFO): number;
}

/** What must hold between two operations. */
export function holds(s: Fuzzed): void {
  must(s.exports.sntp_utc() >= 0n, "a time is known, or 0");
  if (s.handle === 0 || s.exports.tcp_info(s.handle, s.scratch) !== 0) return;
  const state = s.u8[s.scratch + TCP_INFO.state.at]!;
  const timer = s.u8[s.scratch + TCP_INFO.timerKind.at]!;
  must(state < STATES.length, "a state that RFC 9293 does not have");
  must(le(s.field("sndUna"), s.field("sndNxt")), "SND.UNA ≤ SND.NXT");
  must(le(s.field("rcvNxt"), s.field("rcvAdv")), "RCV.NXT ≤ RCV.NXT + RCV.WND");
  const { stack } = s, ring = stack.configured("recvRing");
  must(
    s.field("sndSize") <= stack.configured("sendRing") && s.field("rcvSize") <= ring,
    "rings hold no more than their size",
  );
  must(
    ((s.field("rcvAdv") - s.field("rcvNxt")) >>> 0) + s.field("rcvSize") <= ring + 1,
    "the window promises no more than there is room for",
  );
  if (STATES[state] === "CLOSED" || STATES[state] === "TIME-WAIT") return;
  const inFlight = (s.field("sndNxt") - s.field("sndUna")) >>> 0;
  const isSynchronized = state >= STATES.indexOf("ESTABLISHED");
  if (isSynchronized) must(inFlight <= s.field("sndSize") + 1, "no more in flight than the ring holds, and a FIN");
  if (inFlight > 0) must(timer !== TIMER.NONE, "a timer runs while something is in flight");
  const x = s.exports;
  must(
    x.pool(POOL.connections) <= stack.configured("connsMax")
      && x.pool(POOL.halfOpenFree) <= stack.configured("halfOpenMax")
      && x.pool(POOL.timeWaitFree) <= stack.configured("timeWaitMax")
      && x.pool(POOL.rangesFree) <= stack.configured("rangesMax"),
    "pools hold no more than was put in",
  );
}

/** What is known of whoever sends: what it sent tells more. */
export interface Sender {
  clients: Record<"see" | "see6" | "seeSegment" | "seeArp", (frame: Uint8Array) => void>;
  sport: number;
  synAck: number;
  synAckTs: number;
}

/** What the stack sends must be well formed: lengths and checksums. */
export function frameIsGood(s: Sender, f: Uint8Array): void {
  if (f[12] === 0x86) frame6IsGood(s, f);
  if (f[12] === 8 && f[13] === 6) s.clients.seeArp(f);
  if (f[12] !== 8 || f[13] !== 0) return;
  const view = new DataView(f.buffer, f.byteOffset, f.length), total = view.getUint16(16);
  // IGMP has the Router Alert option (RFC 3376 §4), nothing else has any.
  const header = f[23] === 2 ? 24 : 20;
  if (total + 14 > f.length || f[14] !== 0x40 + header / 4) throw new Broken("an IP header that is not one");
  if (sum(f, 14, 14 + header, 0) !== 0xffff) throw new Broken("an IP checksum that is wrong");
  if (f[23] === 17) {
    if (sum(f, 34, 14 + total, sumAddresses(f) + 17 + total - 20) !== 0xffff)
      throw new Broken("a UDP checksum that is wrong");
    s.clients.see(f);
  }
  if (f[23] !== 6) return;
  const size = total - 20;
  if (sum(f, 34, 34 + size, sumAddresses(f) + 6 + size) !== 0xffff) throw new Broken("a TCP checksum that is wrong");
  if ((f[46]! >> 4) * 4 > size) throw new Broken("a TCP header longer than its segment");
  s.clients.seeSegment(f);
  if ((f[47]! & 0x12) !== 0x12 || view.getUint16(36) !== s.sport) return;
  s.synAck = view.getUint32(38);
  s.synAckTs = tsValOf(f);
}

function frame6IsGood(s: Sender, f: Uint8Array): void {
  const size = (f[18]! << 8) | f[19]!, next = f[20]!;
  if (size + 54 > f.length || f[14]! >> 4 !== 6) throw new Broken("an IPv6 header that is not one");
  if (next !== 6 && next !== 17 && next !== 58) return;
  if (sum(f, 54, 54 + size, sum(f, 22, 54) + next + size) !== 0xffff)
    throw new Broken("a checksum over IPv6 that is wrong");
  if (next === 17) s.clients.see6(f);
}

function le(a: number, b: number): boolean {
  return ((b - a) | 0) >= 0;
}

function must(ok: boolean, what: string): void {
  if (!ok) throw new Broken(what);
}
