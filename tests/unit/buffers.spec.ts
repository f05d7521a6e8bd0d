import { layoutBegin } from "../../assembly/core/layout";
import { heapArm, heapCount, heapDisarm, heapInit, heapNext, heapOwner } from "../../assembly/buffers/heap";
import {
  rangeAt, rangesAdd, rangesAdded, rangesBytes, rangesClear, rangesCut, rangesFree, rangesHold, rangesInit, LIST_MAX,
} from "../../assembly/buffers/ranges";
import { NEVER } from "../../assembly/core/clock";

const ARENA: usize = memory.data(65536, 8);
let seed: u32 = 1;

function random(bound: u32): u32 {
  seed = seed * 1664525 + 1013904223;
  return (seed >> 8) % bound;
}

function begin(): void {
  memory.fill(ARENA, 0, 65536);
  layoutBegin(<u64>ARENA, true);
}

describe("deadlines", () => {
  test("come up in order, whatever is armed, moved and taken out", () => {
    begin();
    heapInit(200);
    const deadlines = new StaticArray<u64>(200);
    for (let i = 0; i < 200; i++) deadlines[i] = NEVER;
    for (let step = 0; step < 20000; step++) {
      const owner = random(200);
      if (random(3) == 0) {
        heapDisarm(owner);
        deadlines[owner] = NEVER;
      } else {
        const at = <u64>random(1000);
        heapArm(owner, at);
        // A later deadline does not move an entry that is in.
        if (at < deadlines[owner]) deadlines[owner] = at;
      }
      let least = NEVER, count: u32 = 0;
      for (let i = 0; i < 200; i++) {
        if (deadlines[i] < least) least = deadlines[i];
        if (deadlines[i] != NEVER) count++;
      }
      assert(heapNext() == least && heapCount() == count);
      if (count > 0) assert(deadlines[heapOwner()] == least);
    }
    expect(heapCount()).toBeLessThan(201);
  });
});

describe("ranges", () => {
  test("model: a list covers just what was added and not cut", () => {
    begin();
    rangesInit(40);
    // Sequence numbers around 2^32, so that they wrap.
    const base: u32 = 0xffffff80;
    const bits = new StaticArray<bool>(256);
    let head: u16 = 0, cut: u32 = 0;
    for (let step = 0; step < 20000; step++) {
      if (random(50) == 0) {
        cut = min<u32>(cut + random(40), 250);
        head = rangesCut(head, base + cut);
        for (let i: u32 = 0; i < cut; i++) bits[i] = false;
      } else if (random(400) == 0) {
        head = rangesClear(head);
        cut = 0;
        for (let i = 0; i < 256; i++) bits[i] = false;
      } else {
        const start = cut + random(255 - cut), end = start + 1 + random(min<u32>(12, 255 - start));
        head = rangesAdd(head, base + start, base + end);
        if (rangesAdded()) for (let i = start; i < end; i++) bits[i] = true;
      }
      let covered: u32 = 0, held: u32 = 0;
      for (let i = 0; i < 256; i++) if (bits[i]) covered++;
      let last = base + cut - 1;
      for (let i = head; i != 0; i = rangeAt(i).next) {
        const r = rangeAt(i);
        assert(<i32>(r.start - last) > 0 && <i32>(r.end - r.start) > 0);
        for (let s = r.start; s != r.end; s++) assert(bits[s - base]);
        last = r.end;
        held++;
      }
      assert(rangesBytes(head) == covered && rangesFree() == 40 - held);
    }
    expect(rangesFree()).toBeLessThan(41);
  });

  test("each list has its share: the more there are, the less is left for the next, and something is", () => {
    begin();
    rangesInit(4096);
    let least: u32 = 4096;
    for (let n = 0; n < 100; n++) {
      const before = rangesFree();
      let head: u16 = 0;
      for (let i: u32 = 0; i < 100; i++) head = rangesAdd(head, i * 10, i * 10 + 5);
      const got = before - rangesFree();
      expect(got <= least).toBe(true);
      expect(got > 0).toBe(true);
      least = got;
    }
    expect(rangesFree()).toBeGreaterThan(0);
  });

  test("a list that is full, or a pool that is empty, stays as it is", () => {
    begin();
    rangesInit(200);
    let head: u16 = 0;
    for (let i: u32 = 0; i < 100; i++) head = rangesAdd(head, i * 10, i * 10 + 5);
    expect(rangesAdded()).toBe(false);
    expect(rangesFree()).toBe(200 - LIST_MAX);
    expect(rangesHold(head, 0, 5)).toBe(true);
    expect(rangesHold(head, 0, 6)).toBe(false);
    head = rangesAdd(head, 0, 10000);
    expect(rangesAdded()).toBe(true);
    expect(rangesBytes(head)).toBe(10000);
    expect(rangesFree()).toBe(199);
  });
});
