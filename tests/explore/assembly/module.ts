// The stack, and beside its exports a canonical form of its state: two states that differ only in when they are, or in
// what nobody will look at again (counters, frames that were sent, generations of handles), have the same.

import { config } from "../../../assembly/config";
import { clock, Micros, NEVER } from "../../../assembly/core/clock";
import { heapDeadline } from "../../../assembly/buffers/heap";
import { Has, tcbAt, tcbHas, Tcb } from "../../../assembly/tcp/block/tcb";
import { halfOpenBase, timeWaitBase } from "../../../assembly/tcp/block/demux";
import { halfOpenAt, halfOpenInUse, HalfOpen } from "../../../assembly/tcp/block/half-open-record";
import { timeWaitAt, TimeWait } from "../../../assembly/tcp/block/time-wait-record";
import { listenerAt } from "../../../assembly/tcp/open/listener";

export * from "../../../assembly/dual";

let to: usize = 0;

function put(x: u32): void {
  store<u32>(to, x);
  to += 4;
}

/** A moment, as time from now. */
function putTime(at: Micros): void {
  put(at == NEVER ? u32.MAX_VALUE : <u32>(at - clock.us));
}

function putBytes(at: usize, size: u32): void {
  memory.copy(to, at, size);
  to += (size + 3) & ~3;
}

function putTcb(t: Tcb): void {
  if (t.state == 0 && t.flags == 0) {
    put(0);
    return;
  }
  const at = changetype<usize>(t);
  // Up to the variables of the round-trip time all count, but for the time of TS.Recent; then, by name, what does.
  putBytes(at, offsetof<Tcb>("tsRecentAt"));
  putBytes(at + offsetof<Tcb>("finSeq"), offsetof<Tcb>("synText") - offsetof<Tcb>("finSeq"));
  putTime(t.timerAt);
  putTime(t.delackAt);
  putTime(t.idleAt);
  putTime(t.stalledAt);
  if (tcbHas(t, Has.TIMING)) putTime(t.rttAt);
  put(<u32>t.challenges | (<u32>t.unacked << 8) | (<u32>t.keepSent << 16));
}

/** Writes the canonical form to `dst`. Returns its size in bytes. */
export function canonical(dst: usize): u32 {
  to = dst;
  for (let i: u32 = 0; i < config.connsMax; i++) putTcb(tcbAt(i));
  for (let i: u32 = 0; i < config.halfOpenMax; i++) {
    const h = halfOpenAt(i);
    if (!halfOpenInUse(h)) {
      put(0);
      continue;
    }
    putBytes(changetype<usize>(h), offsetof<HalfOpen>());
    putTime(heapDeadline(halfOpenBase() + i));
  }
  for (let i: u32 = 0; i < config.timeWaitMax; i++) {
    const w = timeWaitAt(i);
    if (heapDeadline(timeWaitBase() + i) == NEVER) {
      put(0);
      continue;
    }
    putBytes(changetype<usize>(w), offsetof<TimeWait>("answeredAt"));
    putTime(heapDeadline(timeWaitBase() + i));
  }
  for (let i: u32 = 0; i < config.listenersMax; i++) {
    const l = listenerAt(i);
    const cookies: u32 = l.cookiesUntil > clock.us ? 1 : 0;
    put(l.halfOpen | (l.acceptCount << 8) | (<u32>(l.port != 0) << 16) | (cookies << 17));
    put(l.acceptFirst);
  }
  return <u32>(to - dst);
}

/** Two 32-bit hashes (MurmurHash3's mixing) of `size` bytes at `at`. */
export function hashBytes(at: usize, size: u32): u64 {
  let a: u32 = 0x9747b28c, b: u32 = 0x85ebca77;
  for (let end = at + size; at < end; at += 4) {
    const k = load<u32>(at);
    a ^= rotl<u32>(k * 0xcc9e2d51, 15) * 0x1b873593;
    a = rotl<u32>(a, 13) * 5 + 0xe6546b64;
    b ^= rotl<u32>(k * 0x239b961b, 16) * 0xab0e9789;
    b = rotl<u32>(b, 17) * 5 + 0x561ccd1b;
  }
  return (<u64>mix(a ^ size) << 32) | <u64>mix(b ^ size ^ a);
}

function mix(x: u32): u32 {
  x = (x ^ (x >> 16)) * 0x85ebca6b;
  x = (x ^ (x >> 13)) * 0xc2b2ae35;
  return x ^ (x >> 16);
}

/**
 * Where the first `words` words of memory differ from the copy at `base`: pairs of a word's place and
 * its value, to `dst`. Returns their number.
 */
export function diff(base: usize, words: u32, dst: usize): u32 {
  let to = dst;
  for (let i: u32 = 0; i < words; i += 4) {
    const at = <usize>i << 2;
    if (!v128.any_true(v128.xor(v128.load(at), v128.load(base + at)))) continue;
    for (let j: u32 = i; j < i + 4; j++) {
      const value = load<u32>(<usize>j << 2);
      if (value == load<u32>(base + (<usize>j << 2))) continue;
      store<u32>(to, j);
      store<u32>(to, value, 4);
      to += 8;
    }
  }
  return <u32>((to - dst) >> 3);
}

/** Makes the first `words` words of memory the copy at `base`, with `pairs` pairs at `from` put in. */
export function patch(base: usize, words: u32, from: usize, pairs: u32): void {
  memory.copy(0, base, <usize>words << 2);
  for (let i: u32 = 0; i < pairs; i++) {
    store<u32>(<usize>load<u32>(from + (<usize>i << 3)) << 2, load<u32>(from + (<usize>i << 3), 4));
  }
}
