/**
 * After a corruption of the stack's memory (a fault of the machine, a bug in the host) nothing can be promised but an
 * end: each poll returns or traps, after so many turns of loops, and the host hands out no more frames than there are
 * slots, none longer than a slot.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CONFIG_SIZE } from "../../host/module/layout.js";
import { Random } from "../../host/random.js";
import { StackModule } from "../../host/stack.js";
import { instrumented } from "../fuzz/instrument.js";
import { PEER, STACK, pattern, SMALL } from "../harness/bench.js";
import { arp, icmp, MAC_PEER, MAC_STACK, opt, tcp, udp } from "../harness/codec.js";
import { entropyOf } from "../harness/entropy.js";

const TX = 4;
/**
 * Turns of loops that a poll may take: tables are small here, but what a corrupted length makes of a copy or a sum is
 * long.
 */
const FUEL = 4_000_000;

describe("a corrupted memory", () => {
  const { module } = instrumented(undefined, { withNotes: false });

  const fresh = (): StackModule =>
    new StackModule(module, {
      ip: "10.0.0.1/24", entropy: entropyOf(4), connsMax: 4, halfOpenMax: 4, timeWaitMax: 2, listenersMax: 2,
      sendRing: 4096, recvRing: 4096, rangesMax: 16, sendersMax: 2, rxSlots: 4, txSlots: TX, loopSlots: 2,
      reassemblyMax: 2, reassemblyBytes: 2048, neighboursMax: 4, udpMax: 2, udpRing: 1024, prefixBuckets: 4,
      fastOpenCookies: 2,
    });

  const frame = (t: Parameters<typeof tcp>[1]): Uint8Array =>
    tcp({ src: PEER, dst: STACK }, { sport: 40000, dport: 80, ...t });
  /** What arrives after the corruption; `isn` is that of the connection with text both ways. */
  const inputsAt = (isn: number): Uint8Array[] => [
    frame({ flags: "A", seq: 100, ack: isn + 1001, data: pattern(100), opts: opt.sack([isn + 1500, isn + 2000]) }),
    frame({ flags: "S", seq: 5, sport: 41000 }), udp({ src: PEER, dst: STACK }, 9, 53, pattern(20)),
    icmp({ src: PEER, dst: STACK }, 8, 0, 1, pattern(64)), frame({ flags: "FA", seq: 650, ack: isn + 3001 }),
  ];

  /** Puts something else into a word: anything, little, a bit turned round, a bit more, the most, its bytes moved. */
  function corrupt(memory: Uint32Array, word: number, random: Random): void {
    const had = memory[word]!, bit = 1 << random.below(32);
    const values = [random.u32(), random.below(16), had ^ bit, had + 1, 0xffffffff, had << 8];
    memory[word] = values[random.below(values.length)]! >>> 0;
  }

  if (!SMALL) it("ends each poll in a return or a trap, and claims no more frames than slots", () => {
    const random = new Random(20261126);
    const stack = fresh();
    const fuel = (stack.exports as unknown as { fuel: WebAssembly.Global }).fuel;
    // Something of everything: a listener, a half-open record, a connection with text both ways and beyond a gap, UDP,
    // fragments, itself.
    let now = 1_000_000, isn = 0;
    const poll = (): void => {
      fuel.value = FUEL;
      stack.poll(now += 1000);
      let frames = 0;
      stack.drainFrames((f) => {
        frames++;
        if (f[23] === 6 && (f[47]! & 18) === 18) isn = new DataView(f.buffer, f.byteOffset).getUint32(38);
      });
      assert.ok(frames <= TX, `${frames} frames in ${TX} slots`);
      stack.drainEvents(() => {});
    };
    const listener = stack.listen(80, 4), own = stack.connect(STACK, 80), s = stack.udpOpen(53);
    stack.pushFrame(arp(1, { mac: MAC_PEER, ip: PEER }, { mac: MAC_STACK, ip: STACK }));
    poll();
    stack.pushFrame(
      frame({
        flags: "S", seq: 99, opts: [...opt.mss(1460), ...opt.sackOk(), ...opt.ts(1, 0), ...opt.ws(2)], sport: 40001,
      }),
    );
    stack.pushFrame(frame({ flags: "S", seq: 99, opts: [...opt.mss(1460), ...opt.sackOk(), 1, 1] }));
    poll();
    stack.pushFrame(frame({ flags: "A", seq: 100, ack: isn + 1 }));
    poll();
    const handles = [own, stack.accept(listener), stack.accept(listener)].filter((h) => h > 0);
    for (const h of handles) stack.send(h, pattern(3000));
    for (const seq of [200, 400, 600]) stack.pushFrame(frame({ flags: "A", seq, ack: isn + 1, data: pattern(50) }));
    stack.udpSend(s, STACK, 53, pattern(100));
    poll();
    const before = stack.save();
    const at = stack.exports.controlBlock() - CONFIG_SIZE, words = stack.arenaBytes >> 2, then = now;
    const memory = new Uint32Array(stack.exports.memory.buffer);
    const inputs = inputsAt(isn);
    let returned = 0, trapped = 0, refused = 0;
    const started = performance.now();
    for (let i = 0; i < 6000; i++) {
      stack.restore(before, now = then);
      // Tables are the smaller part of an arena, and the more telling: half of the words are taken from there.
      for (let n = 1 + random.below(4); n > 0; n--) {
        corrupt(memory, (at >> 2) + random.below(random.below(2) === 0 ? 800 : words), random);
      }
      try {
        for (let turn = 0; turn < 4; turn++) {
          stack.pushFrame(inputs[random.below(inputs.length)]!);
          poll();
          now += [0, 50_000, 3_000_000][random.below(3)]!;
        }
        for (const h of handles) stack.exports.tcp_info(h, stack.exports.configBlock());
        returned++;
      } catch (e) {
        if (e instanceof WebAssembly.RuntimeError) trapped++;
        else if (/more than|is longer/.test((e as Error).message) || e instanceof RangeError) refused++;
        else throw e;
        assert.ok((fuel.value as number) > 0, `a poll did not end: corruption ${i}`);
      }
    }
    assert.equal(returned + trapped + refused, 6000);
    assert.ok(
      returned > 100 && trapped > 100, `${returned} returned, ${trapped} trapped, ${refused} were refused by the host`,
    );
    assert.ok(performance.now() - started < 300_000);
  });
});
