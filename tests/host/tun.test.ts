/** A TAP device without a helper: what passes between the kernel and the module's slots (host/links/tun.ts). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FrameRing } from "../../host/links/frames.js";
import { LinkError, type Link } from "../../host/links/link.js";
import { surviving } from "../../host/links/surviving.js";
import { takeTun } from "../../host/links/tun.js";
import { loadModule } from "../../host/module.js";
import { StackModule } from "../../host/stack.js";
import { Loop } from "../../host/loop.js";
import { FakeKernel } from "../harness/fake-tun.js";
import { arp, ip4, see } from "../harness/codec.js";
import { until } from "../harness/programs.js";

const TUNSETIFF = 0x400454ca, TUNSETVNETHDRSZ = 0x400454d8;
const HEAD = new Uint8Array(10), PEER = [2, 0, 0, 0, 0, 9];
const withHead = (frame: Uint8Array): Uint8Array => Uint8Array.of(...HEAD, ...frame);
const code = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

/** "Who has 10.0.0.2?" from 10.0.0.9. */
const QUESTION = arp(1, { mac: PEER, ip: ip4("10.0.0.9") }, { mac: [0, 0, 0, 0, 0, 0], ip: ip4("10.0.0.2") });

/** A stack behind a device, and the kernel that has it. */
function behind(kernel: FakeKernel, link: Link): { stack: StackModule; loop: Loop } {
  const options = { ip: "10.0.0.2/24", rxSlots: 8, txSlots: 8 };
  const stack = new StackModule(loadModule("stint.simd"), options), loop = new Loop(stack, link, () => 0);
  kernel.ready();
  return { stack, loop };
}

/** The device, which is up and stays so. */
const take = (kernel: FakeKernel): Link => takeTun(kernel, "tap7", () => () => {});

const answers = (kernel: FakeKernel): Uint8Array[] =>
  kernel.written.filter((f) => see(f.subarray(HEAD.length)).op === 2);

describe("a TAP device without a helper", () => {
  it("is asked for with a head before each frame, and without offloads that nobody undoes", () => {
    const kernel = new FakeKernel();
    take(kernel).close();
    const asked = new Map(kernel.asked);
    assert.equal(asked.get(TUNSETIFF), 0x5002, "IFF_TAP, IFF_NO_PI, IFF_VNET_HDR");
    assert.equal(asked.get(TUNSETVNETHDRSZ), HEAD.length);
    assert.equal(kernel.isOpen, false);
  });

  it("that cannot be had says why in one line, and leaves nothing open", () => {
    const faults: [(kernel: FakeKernel) => void, RegExp][] = [
      [(k) => (k.refuses = code("EACCES")), /is for root alone .*chmod 666/],
      [(k) => (k.refuses = code("ENOENT")), /modprobe tun/],
      [(k) => (k.refuses = code("EMFILE")), /EMFILE/],
      [(k) => k.answers.set(TUNSETIFF, -1), /takes root, or a device of your own: ip tuntap add dev tap7 mode tap/],
      [(k) => k.answers.set(TUNSETIFF, -16), /is in use by another program/],
      [(k) => k.answers.set(TUNSETIFF, -22), /is no TAP device/],
      [(k) => k.answers.set(TUNSETIFF, -12), /error 12/],
      [(k) => k.answers.set(TUNSETVNETHDRSZ, -22), /the kernel is too old/],
    ];
    for (const [refuse, line] of faults) {
      const kernel = new FakeKernel();
      refuse(kernel);
      assert.throws(() => take(kernel), (e: Error) => {
        assert.ok(e instanceof LinkError);
        assert.match(e.message, /^cannot open tap7: [^\n]+$/);
        assert.match(e.message, line);
        return true;
      });
      assert.deepEqual([kernel.isOpen, kernel.polls], [false, 0]);
    }
  });

  it("that was made for several queues is asked for as such", () => {
    const kernel = new FakeKernel();
    kernel.ioctl = (fd, request, argument) => {
      const flags = argument[16]! | (argument[17]! << 8);
      FakeKernel.prototype.ioctl.call(kernel, fd, request, argument);
      return request === TUNSETIFF && (flags & 0x100) === 0 ? -22 : 0;
    };
    take(kernel).close();
    assert.deepEqual(kernel.asked.slice(0, 2), [[TUNSETIFF, 0x5002], [TUNSETIFF, 0x5102]]);
  });

  it("fills the stack's slots, more often than there are any, and is written from them", async () => {
    const kernel = new FakeKernel(), { stack, loop } = behind(kernel, take(kernel));
    for (let n = 0; n < 100; n++) kernel.waiting.push(withHead(QUESTION));
    kernel.ready();
    await until("all are answered", () => answers(kernel).length === 100);
    assert.equal(stack.counters().ifInFrames, 100);
    for (const frame of answers(kernel)) assert.deepEqual(frame.subarray(0, 10), HEAD);
    loop.stop();
    loop.link.close();
    assert.deepEqual([kernel.isOpen, kernel.polls], [false, 0]);
  });

  it("goes on when the module's memory has grown", async () => {
    const kernel = new FakeKernel(), { stack, loop } = behind(kernel, take(kernel));
    kernel.waiting.push(withHead(QUESTION));
    kernel.ready();
    await until("it is answered", () => answers(kernel).length === 1);
    const before = stack.memory.length;
    stack.udpSend(stack.udpOpen(), ip4("10.0.0.9"), 9, new Uint8Array(9));
    assert.ok(stack.memory.length > before);
    kernel.waiting.push(withHead(QUESTION));
    kernel.ready();
    await until("it is answered again", () => answers(kernel).length === 2);
    loop.stop();
    loop.link.close();
  });

  it("drops a frame that is too long for a slot, and touches no other slot", async () => {
    const kernel = new FakeKernel(), { stack, loop } = behind(kernel, take(kernel));
    kernel.waiting.push(withHead(QUESTION), withHead(new Uint8Array(9000).fill(255)), withHead(QUESTION));
    kernel.ready();
    await until("both others are answered", () => answers(kernel).length === 2);
    assert.equal(stack.counters().ifInErrors, 1);
    loop.stop();
    loop.link.close();
  });

  it("hands frames out one by one where nobody has slots, and sends them so", async () => {
    const kernel = new FakeKernel(), link = take(kernel), got: number[] = [];
    link.onFrame = (frame) => {
      got.push(frame.length);
      // What is handed out is not what is written from.
      link.send(Uint8Array.of(1, 2, 3));
      assert.equal(frame.at(-1), 7);
    };
    for (let n = 1; n <= 70; n++) kernel.waiting.push(withHead(new Uint8Array(n).fill(7)));
    for (let turn = 0; turn < 2; turn++) {
      kernel.ready();
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    }
    assert.deepEqual(got, Array.from({ length: 70 }, (_, n) => n + 1));
    assert.deepEqual([...kernel.written[0]!], [...HEAD, 1, 2, 3]);
    link.close();
    link.send(Uint8Array.of(1));
    link.close();
    link.unref!();
    assert.equal(kernel.written.length, 70, "nothing is written after its end");
  });

  it("that was deleted is taken again, and the stack's slots with it", async () => {
    const kernel = new FakeKernel(), told: string[] = [];
    const link = await surviving(() => Promise.resolve(take(kernel)));
    const { stack, loop } = behind(kernel, link);
    loop.onLink = (up, why) => void told.push(up ? "up" : why!.message);
    await until("it has announced itself", () => kernel.written.length > 0);
    kernel.fails = -77;
    kernel.ready();
    await until("it is gone", () => told.length === 1);
    assert.equal(kernel.isOpen, false);
    kernel.fails = 0;
    await until("it is there again", () => told.length === 2);
    kernel.waiting.push(withHead(QUESTION));
    kernel.ready();
    await until("it is answered", () => answers(kernel).length === 1);
    assert.deepEqual(told, ["tap7 is gone", "up"]);
    assert.equal(stack.counters().ifInFrames, 1);
    loop.stop();
    link.close();
  });
});

describe("slots that a link reads and writes in place", () => {
  const options = { ip: "10.0.0.2/24", rxSlots: 8, txSlots: 8 };

  it("are as many as are free, and hold what was put there", () => {
    const stack = new StackModule(loadModule("stint.simd"), options), rooms: number[] = [];
    const put = (n: number) => (ring: FrameRing, at: number, room: number): number => {
      rooms.push(room);
      for (let i = 0; i < n; i++) {
        ring.u8.set(QUESTION, ring.first + ((at + i) & ring.mask) * ring.stride);
        ring.u32[ring.lengths + ((at + i) & ring.mask)] = QUESTION.length;
      }
      return n;
    };
    for (const n of [5, 3]) assert.equal(stack.fillFrames(put(n)), n);
    assert.equal(stack.fillFrames(() => assert.fail("it is full")), 0);
    stack.poll(0);
    assert.deepEqual(rooms, [8, 3]);
    let sent = 0;
    const took = stack.lendFrames((ring, at, count) => {
      for (let i = 0; i < count; i++) sent += ring.u32[ring.lengths + ((at + i) & ring.mask)]!;
    });
    assert.ok(took >= 7 && sent >= 7 * 42, `${took} frames of ${sent} bytes`);
    assert.equal(stack.lendFrames(() => assert.fail("there is none")), 0);
  });

  it("are not handed out when the module says of them what cannot be", () => {
    const control = (stack: StackModule): number => stack.exports.controlBlock() >>> 2;
    const words = (stack: StackModule): Uint32Array => new Uint32Array(stack.memory.buffer);
    const lies: [RegExp, (stack: StackModule) => void][] = [
      [/more than its 8 slots/, (s) => (words(s)[control(s) + 6 + 1]! += 9)],
      [/longer than a slot/, (s) => (words(s)[words(s)[control(s) + 6 + 5]! >>> 2] = 1517)],
      [/not in its memory/, (s) => {
        words(s)[control(s) + 6 + 3] = s.memory.length - 100;
        s.refreshViews();
      }],
    ];
    for (const [says, lie] of lies) {
      const stack = new StackModule(loadModule("stint.simd"), options);
      stack.poll(0);
      lie(stack);
      assert.throws(() => stack.lendFrames(() => assert.fail("it was handed out")), says);
    }
  });
});
