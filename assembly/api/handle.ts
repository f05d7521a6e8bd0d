// Handles: index and generation. A stale handle, an invented one, or one of
// another kind is an error, never another socket.
//
//    31  30                              bits              0
//   +---+-----------------------------+---------------------+
//   | 0 | generation                  | index               |
//   +---+-----------------------------+---------------------+
//
// Indices run through connections, listeners and UDP sockets. The index takes as many bits as there are sockets; the
// rest is the generation, which wraps after 2^(31 − bits) uses of one place: 2^28 with 8 sockets, 2^14 with 100,000.

import { SPEED, UDP } from "../features";
import { config, CONNS_MAX } from "../config";
import { generation } from "../core/events";
import { isUp } from "../stack";
import { Tcb, tcbAt, tcbIndex, Has, tcbHas } from "../tcp/block/tcb";
import { Listener, listenerIndex, listenerAt } from "../tcp/open/listener";
import { udpAt } from "../udp/udp";

if (CONNS_MAX >= 1 << 21) ERROR("a generation needs 8 bits");

function sockets(): u32 {
  return config.connsMax + config.listenersMax + config.udpMax;
}

function indexBits(): u32 {
  return 32 - clz(sockets());
}

/** The handle of the socket at `index`, > 0. */
export function handleOf(index: u32): i32 {
  return <i32>made(generation(index), indexBits(), index);
}

function made(gen: u32, bits: u32, index: u32): u32 {
  // The generation 0 would make the handle 0 possible: it counts as the one after.
  const mask = (<u32>1 << (31 - bits)) - 1, used = gen & mask;
  return ((used == 0 ? mask : used) << bits) | index;
}

const NO_INDEX: u32 = u32.MAX_VALUE;

/** The index of a handle that is right, or NO_INDEX. */
function indexOf(handle: i32): u32 {
  if (!isUp()) return NO_INDEX;
  const index = <u32>handle & ((<u32>1 << indexBits()) - 1);
  return handle > 0 && index < sockets() && handleOf(index) == handle ? index : NO_INDEX;
}

/** The index in a handle, right or not: < 2^22. For applications that keep a table of their own beside the stack's. */
export function indexOfHandle(handle: i32): u32 {
  return <u32>handle & ((<u32>1 << indexBits()) - 1);
}

export function handleOfTcb(t: Tcb): i32 {
  return handleOf(tcbIndex(t));
}

export function handleOfListener(l: Listener): i32 {
  return handleOf(config.connsMax + listenerIndex(l));
}

export function handleOfUdp(i: u32): i32 {
  return handleOf(config.connsMax + config.listenersMax + i);
}

/** The connection of a handle; null: it has none. */
export function tcbOf(handle: i32): Tcb | null {
  if (!SPEED) {
    const i = indexOf(handle);
    if (i >= config.connsMax) return null;
    const t = tcbAt(i);
    return tcbHas(t, Has.HELD) && !tcbHas(t, Has.ORPHAN) ? t : null;
  }
  if (!isUp() || handle <= 0) return null;
  const bits = indexBits(), i = <u32>handle & ((<u32>1 << bits) - 1);
  if (i >= config.connsMax) return null;
  const t = tcbAt(i);
  return (t.flags & (Has.HELD | Has.ORPHAN)) == Has.HELD && <u32>handle == made(generation(i), bits, i) ? t : null;
}

export function listenerOf(handle: i32): Listener | null {
  const i = indexOf(handle);
  if (i < config.connsMax || i >= config.connsMax + config.listenersMax) return null;
  const l = listenerAt(i - config.connsMax);
  return l.port != 0 ? l : null;
}

/** The number of a handle's UDP socket; NO_UDP: it has none. */
export const NO_UDP: u32 = u32.MAX_VALUE;

export function udpOf(handle: i32): u32 {
  const i = indexOf(handle);
  const first = config.connsMax + config.listenersMax;
  if (!UDP || i < first || i == NO_INDEX) return NO_UDP;
  return udpAt(i - first).port != 0 ? i - first : NO_UDP;
}
