// Deadlines: a 4-ary heap over numbered owners. Each owner has at most one entry.
//
// The cost of a packet must not depend on how many connections there are, so a deadline that moves to
// later is not moved here: when the old one comes up, the owner looks at its own and asks again
// (`timers.ts`). Moving to earlier costs log4(n).

import { BOUNDED } from "../features";
import { take, layoutCommits } from "../core/layout";
import { NEVER, Micros } from "../core/clock";

export const NOWHERE: u32 = u32.MAX_VALUE;

/** u64 deadlines, then u32 owners, in heap order; and each owner's place, by owner. */
export let deadlines: usize = 0;
export let owners: usize = 0;
export let places: usize = 0;
/** How many owners there are: entries, at most. */
let most: u32 = 0;
/** One u32: entries in use. */
let state: usize = 0;

/** Bytes: 16 an owner. */
export function heapInit(ownersMax: u32): void {
  state = take(1, 4);
  deadlines = take(ownersMax, 8);
  owners = take(ownersMax, 4);
  places = take(ownersMax, 4);
  most = ownersMax;
  if (layoutCommits()) memory.fill(places, 0xff, <usize>ownersMax << 2);
}

/** The earliest deadline, or NEVER. */
export function heapNext(): Micros {
  return load<u32>(state) == 0 ? NEVER : load<u64>(deadlines);
}

/** Whose deadline `heapNext` is. Only while there is one. */
export function heapOwner(): u32 {
  return load<u32>(owners);
}

/** Sees to it that `owner` comes up at `deadline` or earlier. */
export function heapArm(owner: u32, deadline: Micros): void {
  let place = load<u32>(places + (owner << 2));
  if (place == NOWHERE) {
    place = heapCount();
    assert(!BOUNDED || place < most);
    store<u32>(state, place + 1);
  } else if (load<u64>(deadlines + (<usize>place << 3)) <= deadline) {
    return;
  }
  siftUp(place, owner, deadline);
}

/** Takes `owner` out, if it is in. */
export function heapDisarm(owner: u32): void {
  const place = load<u32>(places + (owner << 2));
  if (place == NOWHERE) return;
  store<u32>(places + (owner << 2), NOWHERE);
  const last = load<u32>(state) - 1;
  store<u32>(state, last);
  if (place == last) return;
  const moved = load<u32>(owners + (last << 2));
  const deadline = load<u64>(deadlines + (<usize>last << 3));
  if (place > 0 && deadline < load<u64>(deadlines + (<usize>((place - 1) >> 2) << 3))) siftUp(place, moved, deadline);
  else siftDown(place, last, moved, deadline);
}

/** The deadline of an owner's entry; NEVER: it has none. */
export function heapDeadline(owner: u32): Micros {
  const place = load<u32>(places + (owner << 2));
  return place == NOWHERE ? NEVER : load<u64>(deadlines + (<usize>place << 3));
}

/** Entries in use. */
export function heapCount(): u32 {
  assert(load<u32>(state) <= most);
  return load<u32>(state);
}

function put(place: u32, owner: u32, deadline: Micros): void {
  store<u64>(deadlines + (<usize>place << 3), deadline);
  store<u32>(owners + (place << 2), owner);
  store<u32>(places + (owner << 2), place);
}

function siftUp(place: u32, owner: u32, deadline: Micros): void {
  while (place > 0) {
    const parent = (place - 1) >> 2;
    const above = load<u64>(deadlines + (<usize>parent << 3));
    if (above <= deadline) break;
    put(place, load<u32>(owners + (parent << 2)), above);
    place = parent;
  }
  put(place, owner, deadline);
}

function siftDown(place: u32, count: u32, owner: u32, deadline: Micros): void {
  for (;;) {
    let child = (place << 2) + 1;
    if (child >= count) break;
    let least = child;
    let below = load<u64>(deadlines + (<usize>child << 3));
    const end = min(child + 4, count);
    for (child++; child < end; child++) {
      const d = load<u64>(deadlines + (<usize>child << 3));
      if (d < below) {
        below = d;
        least = child;
      }
    }
    if (below >= deadline) break;
    put(place, load<u32>(owners + (least << 2)), below);
    place = least;
  }
  put(place, owner, deadline);
}
