/** That the checker of ownership refuses what it should: else a suite that passes on it says nothing. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FRAME_OFFSET, SLOT_RING, SLOT_RING_SIZE } from "../../host/module/layout.js";
import type { Exports } from "../../host/stack.js";
import { Bench } from "../harness/bench.js";

process.env["STINT_MODULE"] = "stint.owned";

type Checked = Exports & {
  ownLoad(at: number, offset: number, size: number): number;
  ownStore(at: number, offset: number, size: number): number;
  ownFault(): number;
};

const checked = (b: Bench): Checked => b.stack.exports as Checked;

function refuses(b: Bench, at: number, size = 1): void {
  const x = checked(b);
  for (const access of [x.ownLoad, x.ownStore]) {
    assert.throws(() => access(at, 0, size), WebAssembly.RuntimeError, `${at}`);
    assert.equal(x.ownFault(), at);
  }
}

function allows(b: Bench, at: number, size = 1): void {
  checked(b).ownLoad(at, 0, size);
  checked(b).ownStore(at, 0, size);
}

describe("ownership", () => {
  it("a table ends where it ends, to the byte", () => {
    const b = new Bench();
    const control = b.stack.exports.controlBlock();
    const counters = b.stack.exports.counters();
    const size = 4 * b.stack.exports.countersCount();
    allows(b, control + 2 * SLOT_RING_SIZE - 1);
    refuses(b, control + 2 * SLOT_RING_SIZE);
    allows(b, counters + size - 4, 4);
    refuses(b, counters + size - 3, 4);
    refuses(b, counters - 1);
  });

  it("rings are nobody's before a connection has them and after it gave them back", () => {
    const b = new Bench({ recvRing: 512 }).accepted();
    const ring = b.stack.exports.tcp_recv_at(b.handle);
    allows(b, ring, 16);
    allows(b, ring + 511);
    refuses(b, ring + 512);
    b.stack.abort(b.handle);
    b.poll();
    refuses(b, ring);
  });

  it("a frame is the stack's while it is processed only", () => {
    const b = new Bench(), view = new DataView(b.stack.exports.memory.buffer), control = b.stack.exports.controlBlock();
    const slots = (ring: number): number => view.getUint32(ring + SLOT_RING.slots, true);
    for (const ring of [control, control + SLOT_RING_SIZE]) refuses(b, slots(ring) + FRAME_OFFSET);
  });

  it("what is not lent is the caller's", () => {
    const b = new Bench(), x = checked(b), block = x.configBlock();
    assert.ok(x.tcp_recv(1, block, 16) < 0);
    b.poll();
    assert.throws(() => x.ownStore(block, 0, 4), WebAssembly.RuntimeError);
    assert.throws(() => x.ownStore(16, 0, 4), WebAssembly.RuntimeError);
    x.ownLoad(16, 0, 4);
    assert.throws(() => x.ownLoad(0, 0, 4), WebAssembly.RuntimeError);
  });
});
