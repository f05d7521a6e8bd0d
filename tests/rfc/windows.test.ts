/** Receive windows of any ring and scale: a peer fills what it is told, an application reads at will. From seeds. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../../host/random.js";
import { Bench } from "../harness/bench.js";
import { opt } from "../harness/codec.js";

/** The most that the connection may rest although there is something to send: the peer would have to probe. */
const RESTS_MAX = 200;

/** One connection. */
function run(seed: number): void {
  const random = new Random(seed), one = <T>(...of: T[]): T => of[random.below(of.length)]!;
  const ring = one(64, 100, 1000, 1460, 2920, 4096, 20_000, 65_536, 262_144);
  const mss = one(88, 536, 1460), scales = random.chance(0.75);
  const scale = one(...[255, 0, 1, 7, 14].filter((s) => s === 255 || ring >> s !== 0));
  const b = new Bench({
    recvRing: ring, windowScale: scale,
    policy: { windowScaling: random.chance(0.66), eagerWindow: random.chance(0.33) },
  });
  b.listener = b.stack.listen(8080, 8);
  b.send({ flags: "S", seq: 0, opts: [...opt.mss(mss), ...(scales ? opt.ws(0) : [])] });
  const synAck = b.next(), shift = scales ? synAck.opts.get(3)?.[0] ?? 0 : 0, total = one(1, 50, ring, 3 * ring + 7);
  b.send({ flags: "A", seq: 1, ack: 1 });
  b.handle = b.stack.accept(b.listener);
  b.clear();
  let edge = 1 + synAck.win, seq = 1, read = 0, rests = 0;
  while (read < total) {
    for (const s of b.out.splice(0)) {
      const right = ((s.ack - b.peerIsn) >>> 0) + s.win * 2 ** shift;
      // What is told in units is told as the least that it can be.
      assert.ok(right > edge - 2 ** shift, `the edge moved from ${edge} to ${right}`);
      edge = right;
    }
    const left = Math.min(1 + total - seq, edge - seq);
    let data: Uint8Array | null = null;
    rests++;
    if (left > 0 && random.chance(0.66)) {
      const size = Math.min(left, mss, 1 + random.below(one(3, 100, 2000)));
      b.send({ flags: "A", seq, ack: 1, data: new Uint8Array(size) });
      seq += size;
      rests = 0;
    } else if (random.chance(0.5)) {
      data = b.read(1 + random.below(one(2, 50, 3000, ring)));
      read += data?.length ?? 0;
    } else b.advance(one(1, 50));
    if (data !== null) rests = 0;
    assert.ok(rests < RESTS_MAX, `it rests after ${read} of ${total} bytes, the edge at ${edge}, the peer at ${seq}`);
  }
}

describe("RFC 9293 §3.8.6.2.2: windows", () => {
  it("random: everything arrives without probes, and the edge does not move left by a unit or more", () => {
    const first = Number(process.env["WINDOW_SEED"] ?? 1), count = Number(process.env["WINDOWS"] ?? 60);
    for (let seed = first; seed < first + count; seed++) {
      try {
        run(seed);
      } catch (e) {
        throw new Error(`WINDOW_SEED=${seed} WINDOWS=1`, { cause: e });
      }
    }
  });
});
