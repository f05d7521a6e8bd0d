/**
 * Trains of segments as one frame, and large frames cut up (host/links/offload.ts): what was put together is cut again
 * as a network device would, and each segment must be what it was, to the bit.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FrameRing } from "../../host/links/frames.js";
import { finishSum, Train, TRAIN_MAX } from "../../host/links/offload.js";
import { takeTun } from "../../host/links/tun.js";
import { Random } from "../../host/random.js";
import { be, ethernet, ip4, opt, see, segment, tcp, udp, type Tcp } from "../harness/codec.js";
import { ip6, ipv6, sum6, udp6 } from "../harness/codec6.js";
import { FakeKernel } from "../harness/fake-tun.js";

const HEAD = 10, SLOT = 1514, SRC = ip4("10.0.0.1"), DST = ip4("10.0.0.2");
const FROM6 = ip6("fd00::1"), TO6 = ip6("fd00::2");

/** A ring of 64 slots, whose count is about to wrap. */
const AT = 0xfffffff0;

function ringOf(frames: Uint8Array[]): FrameRing {
  const u8 = new Uint8Array(64 * (SLOT + 2) + 256), u32 = new Uint32Array(u8.buffer);
  const ring = { u8, u32, mask: 63, first: 2, stride: SLOT + 2, size: SLOT, lengths: (64 * (SLOT + 2)) >> 2 };
  frames.forEach((frame, i) => {
    const slot = (AT + i) & 63;
    u8.set(frame, ring.first + slot * ring.stride);
    u32[ring.lengths + slot] = frame.length;
  });
  return ring;
}

/** What the kernel gets for frames, each with its head. */
function written(frames: Uint8Array[]): Uint8Array[] {
  const kernel = new FakeKernel(), link = takeTun(kernel, "tap7", () => () => {});
  link.batches!.drain(ringOf(frames), AT, frames.length);
  link.close();
  return kernel.written;
}

/** What comes of what the kernel hands out, `room` slots at a time. */
function taken(from: Uint8Array[], room = 64): Uint8Array[] {
  const kernel = new FakeKernel(), link = takeTun(kernel, "tap7", () => () => {}), got: Uint8Array[] = [];
  kernel.waiting.push(...from);
  for (let n = room; n === room;) {
    const ring = ringOf([]);
    n = link.batches!.fill(ring, AT, room);
    for (let i = 0; i < n; i++) {
      const at = ring.first + ((AT + i) & 63) * ring.stride;
      got.push(ring.u8.slice(at, at + ring.u32[ring.lengths + ((AT + i) & 63)]!));
    }
  }
  link.close();
  return got;
}

/** What is unusual below TCP. */
interface How { tos?: number; id?: number; frag?: number; mac?: number }

/** A segment over either family. */
function frameOf(t: Tcp, family: 4 | 6, how: How = {}): Uint8Array {
  const dstMac = [2, 0, 0, 0, 0, how.mac ?? 1];
  if (family === 4) return tcp({ src: SRC, dst: DST, id: 0, ...how, dstMac }, t);
  const bytes = segment({ src: 0, dst: 0 }, t);
  bytes.set([0, 0], 16);
  bytes.set(be(2, sum6({ src: FROM6, dst: TO6 }, 6, bytes)), 16);
  return ipv6({ src: FROM6, dst: TO6, next: 6, class: how.tos ?? 0, dstMac }, bytes);
}

const stamp = (n: number): number[] => [1, 1, ...opt.ts(n, 7)];
const bytesOf = (frames: Uint8Array[]): string[] => frames.map((f) => Buffer.from(f).toString("hex"));

/** A train of `count` segments with nothing special, but for what `but` says of each. */
function train(count: number, but: (i: number) => Partial<Tcp> = () => ({}), family: 4 | 6 = 4): Uint8Array[] {
  const random = new Random(count);
  return Array.from({ length: count }, (_, i) =>
    frameOf(
      { flags: "A", seq: (0xffffff00 + i * 100) >>> 0, ack: 5, opts: stamp(9), data: random.bytes(100), ...but(i) },
      family,
    ),
  );
}

/** How many segments each frame holds. */
const sizes = (frames: Uint8Array[]): number[] =>
  frames.map((f) => (f[1] === 0 ? 1 : Math.ceil((f.length - HEAD - (f[2]! | (f[3]! << 8))) / (f[4]! | (f[5]! << 8)))));

describe("a train of segments", () => {
  it("goes as one frame, with a head that says how it is to be cut", () => {
    const [frame, ...more] = written(train(10));
    assert.equal(more.length, 0);
    // NEEDS_CSUM, GSO_TCPV4; headers of 14 + 20 + 32; 100 bytes each; the sum is made from 34 on, and stands 16 later.
    assert.deepEqual([...frame!.subarray(0, HEAD)], [1, 1, 66, 0, 100, 0, 34, 0, 16, 0]);
    assert.equal(frame!.length, HEAD + 66 + 1000);
    const six = written(train(10, undefined, 6))[0]!;
    assert.deepEqual([...six.subarray(0, HEAD)], [1, 4, 86, 0, 100, 0, 54, 0, 16, 0]);
  });

  it("is one, too, of frames that are sent one by one in a turn", async () => {
    const kernel = new FakeKernel(), link = takeTun(kernel, "tap7", () => () => {}), frames = train(100);
    for (const frame of [...frames, new Uint8Array(9000), ...frames]) {
      const lent = frame.slice();
      link.send(lent);
      lent.fill(0);
    }
    await Promise.resolve();
    assert.deepEqual(sizes(kernel.written), [64, 36, 1, 64, 36]);
    assert.deepEqual(bytesOf(taken([...kernel.written.slice(0, 2)])), bytesOf(frames));
    link.send(frames[0]!);
    link.close();
    assert.equal(kernel.written.length, 6, "what waits goes before the end");
  });

  it("has a sum that the kernel only has to complete", () => {
    const frame = written(train(10))[0]!, own = new Uint8Array(4096);
    own.set(frame.subarray(HEAD), 2);
    finishSum(own, new Uint32Array(own.buffer), 2, frame.length - HEAD, new DataView(frame.buffer));
    const { sumOk, ip } = see(own.slice(2, 2 + frame.length - HEAD));
    assert.deepEqual([sumOk, ip.sumOk, ip.total], [true, true, 1052]);
  });

  it("ends with PSH or FIN, which stand on its last segment again", () => {
    for (const flags of ["PA", "FA", "FPA"]) {
      const frames = train(9, (i) => (i === 3 ? { flags } : {})), out = written(frames);
      assert.deepEqual(sizes(out), [4, 5], flags);
      assert.deepEqual(bytesOf(taken(out)), bytesOf(frames));
    }
  });

  it("ends with a segment that is shorter, and before one that is longer", () => {
    const short = train(3, (i) => (i === 2 ? { data: new Uint8Array(60) } : {}));
    assert.deepEqual(sizes(written([...short, ...train(1)])), [3, 1]);
    assert.deepEqual(sizes(written(train(3, (i) => ({ data: new Uint8Array(i === 2 ? 140 : 100) })))), [2, 1]);
  });

  it("is none where anything but the text differs, or is more than a piece of a stream", () => {
    const differ: [string, Partial<Tcp>][] = [
      ["ACK", { ack: 6 }], ["window", { win: 9 }], ["a timestamp", { opts: stamp(10) }],
      ["a gap", { seq: 0 }], ["no options", { opts: [] }], ["a port", { sport: 9 }], ["the other port", { dport: 9 }],
      ["an urgent pointer", { up: 1 }],
    ];
    const never: [string, Partial<Tcp>][] = [
      ["URG", { flags: "UA" }], ["SYN", { flags: "SA" }], ["RST", { flags: "RA" }], ["ECE", { flags: "AE" }],
      ["CWR", { flags: "AW" }], ["no ACK", { flags: "" }], ["no text", { data: new Uint8Array() }],
    ];
    for (const family of [4, 6] as const) {
      for (const [what, other] of [...differ, ...never]) {
        const frames = train(2, (i) => (i === 1 ? other : {}), family), out = written(frames);
        assert.deepEqual(sizes(out), [1, 1], what);
        assert.deepEqual(bytesOf(out.map((f) => f.slice(HEAD))), bytesOf(frames), "as they were");
      }
      for (const [what, both] of never)
        assert.deepEqual(sizes(written(train(2, () => both, family))), [1, 1], `${what} on both`);
    }
  });

  it("is none where the addresses or what IP says differ, nor of what the kernel might not cut as it was", () => {
    const plain: Tcp = { flags: "A", seq: 100, data: new Uint8Array(100) };
    const next: Tcp = { ...plain, seq: 200 };
    for (const how of [{ tos: 1 }, { mac: 2 }])
      for (const family of [4, 6] as const)
        assert.deepEqual(sizes(written([frameOf(plain, family), frameOf(next, family, how)])), [1, 1]);
    for (const how of [{ id: 5 }, { frag: 0 }, { frag: 0x2000 }])
      assert.deepEqual(sizes(written([frameOf(plain, 4, how), frameOf(next, 4, how)])), [1, 1]);
    const padded = [plain, next].map((t) => Uint8Array.from([...frameOf(t, 4), 0, 0]));
    assert.deepEqual(sizes(written(padded)), [1, 1], "bytes behind the datagram");
    const text = new Uint8Array(100), u = udp({ src: SRC, dst: DST, id: 0 }, 1, 2, text);
    assert.deepEqual(sizes(written([u, u])), [1, 1]);
    assert.deepEqual(sizes(written([Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)])), [1, 1]);
  });

  it("is no longer than an IP packet can be, nor of more segments than there is room for", () => {
    const full = train(60, (i) => ({ seq: i * 1448, data: new Uint8Array(1448) })), out = written(full);
    assert.deepEqual(sizes(out), [45, 15], "65,535 bytes of IP: 52 of headers, and 45 × 1,448");
    const found = new Train(), small = ringOf([]);
    // The same 64 slots again and again: a train that never ends.
    const frame = frameOf({ flags: "A", seq: 0, data: new Uint8Array(10) }, 4);
    for (let i = 0; i < 64; i++) {
      small.u8.set(frame, 2 + i * (SLOT + 2));
      small.u8.set(be(4, ((i - (AT & 63)) & 63) * 10), 2 + i * (SLOT + 2) + 38);
      small.u32[small.lengths + i] = frame.length;
    }
    found.find(small, AT, 64);
    assert.ok(found.count === 64 && found.count < TRAIN_MAX);
  });
});

/** What a stack may send: mostly trains, with whatever else in between. */
function mixture(random: Random): Uint8Array[] {
  const frames: Uint8Array[] = [], count = 1 + random.below(60), family = random.chance(0.5) ? 4 : 6;
  const mss = [1, 60, 536, 1000, 1380][random.below(5)]!;
  let seq = random.u32(), ack = random.u32(), ts = random.u32(), tos = 0;
  while (frames.length < count) {
    const size = random.chance(0.1) ? random.below(mss + 1) : mss;
    const odd = random.chance(0.2) ? random.below(8) : -1;
    if (odd === 0) ack = (ack + 1) >>> 0;
    if (odd === 1) ts = (ts + 1) >>> 0;
    if (odd === 2) seq = (seq + 1 + random.below(3)) >>> 0;
    if (odd === 3) tos = random.below(4);
    if (odd === 4) frames.push(udp({ src: SRC, dst: DST }, 1, 2, random.bytes(random.below(99))));
    const flags = ["A", "A", "PA", "FA", "PFA", "AE", "AW", "UA"][odd === 5 ? random.below(8) : 0]!;
    const opts = random.chance(0.02) ? opt.nop() : stamp(ts);
    frames.push(frameOf({ flags, seq, ack, opts, data: random.bytes(size) }, family, { tos }));
    seq = (seq + size) >>> 0;
  }
  return frames.slice(0, 64);
}

describe("trains of random segments", () => {
  it("are cut into what they were, whatever stands between them and however many slots are free", () => {
    let frames = 0, writes = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed), sent = mixture(random), out = written(sent);
      frames += sent.length;
      writes += out.length;
      assert.deepEqual(bytesOf(taken(out, 1 + random.below(64))), bytesOf(sent), `seed ${seed}`);
    }
    assert.ok(writes < frames / 3, `${frames} frames went as ${writes}`);
  });
});

describe("what the kernel hands out", () => {
  const large = written(train(10))[0]!;

  it("tells on the first segment alone that the window was reduced", () => {
    const bytes = Uint8Array.from(large);
    bytes[1]! |= 0x80;
    bytes[HEAD + 34 + 13] = 0x90;
    const out = taken([bytes]);
    assert.deepEqual(out.map((f) => see(f).flags), ["AW", ...Array<string>(9).fill("A")]);
    assert.ok(out.every((f) => see(f).sumOk && see(f).ip.sumOk));
  });

  it("has an identification for each segment that may be cut on its way", () => {
    const bytes = Uint8Array.from(large);
    bytes.set([0xff, 0xfe, 0, 0], HEAD + 18);
    assert.deepEqual(taken([bytes]).slice(0, 4).map((f) => see(f).ip.id), [0xfffe, 0xffff, 0, 1]);
  });

  it("is cut behind a tag, too", () => {
    const bytes = Uint8Array.from([...large.subarray(0, HEAD + 12), 0x81, 0, 0, 5, ...large.subarray(HEAD + 12)]);
    bytes[2]! += 4;
    bytes[6]! += 4;
    const out = taken([bytes]);
    assert.deepEqual(out.map((f) => [...f.subarray(12, 16)]), Array(10).fill([0x81, 0, 0, 5]));
    const plain = out.map((f) => ethernet(0x0800, f.slice(18)));
    assert.deepEqual(plain.map((f) => f.slice(14)), taken([large]).map((f) => f.slice(14)));
  });

  it("has a sum where it was left to us, and one of UDP is not 0", () => {
    for (const text of [Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3, 4)]) {
      const whole = udp({ src: SRC, dst: DST }, 5, 6, text), begun = Uint8Array.from(whole);
      const pseudo = [SRC, DST].flatMap((a) => [a >>> 16, a & 0xffff]).reduce((a, b) => a + b) + 17 + 8 + text.length;
      begun.set(be(2, (pseudo & 0xffff) + (pseudo >>> 16)), 40);
      assert.deepEqual(taken([Uint8Array.from([1, 0, 0, 0, 0, 0, 34, 0, 6, 0, ...begun])]), [whole]);
    }
    // A text that makes the sum 0: what was the sum.
    const zero = udp({ src: SRC, dst: DST }, 5, 6, Uint8Array.of(0, 0)), sum = see(zero).raw.slice(40, 42);
    const whole = udp({ src: SRC, dst: DST }, 5, 6, sum), begun = Uint8Array.from(whole);
    assert.deepEqual([...whole.slice(40, 42)], [255, 255], "the test is about this");
    const pseudo = [SRC, DST].flatMap((a) => [a >>> 16, a & 0xffff]).reduce((a, b) => a + b) + 17 + 10;
    begun.set(be(2, (pseudo & 0xffff) + (pseudo >>> 16)), 40);
    assert.deepEqual(taken([Uint8Array.from([1, 0, 0, 0, 0, 0, 34, 0, 6, 0, ...begun])]), [whole]);
  });

  it("is cut where it is many datagrams of UDP, each with its length and its sum", () => {
    const text = new Random(1).bytes(330), pieces = [0, 100, 200, 300].map((at) => text.subarray(at, at + 100));
    // The same in one piece: 14 + 20 + 8 bytes of headers; 100 each; the sum stands at 6, and is made from 34 on.
    const four = (id: number) => (data: Uint8Array) => udp({ src: SRC, dst: DST, id, frag: 0 }, 5, 6, data);
    const head = [1, 5, 42, 0, 100, 0, 34, 0, 6, 0], whole = Uint8Array.from([...head, ...four(7)(text)]);
    assert.deepEqual(bytesOf(taken([whole])), bytesOf(pieces.map((data, i) => four(7 + i)(data))));
    const six = (data: Uint8Array): Uint8Array => udp6({ src: FROM6, dst: TO6, next: 17 }, 5, 6, data);
    const long = Uint8Array.from([1, 5, 62, 0, 100, 0, 54, 0, 6, 0, ...six(text)]);
    assert.deepEqual(bytesOf(taken([long], 2)), bytesOf(pieces.map(six)));
    // A head that places UDP in what is no header, or behind the end.
    for (const [bytes, at] of [[whole, 30], [long, 34], [whole, 370]] as const) {
      const moved = Uint8Array.from(bytes);
      moved.set([at & 255, at >> 8], 6);
      assert.deepEqual(taken([moved]).map((f) => f.length), [SLOT + 1], `at ${at}`);
    }
  });

  it("is one frame too long, for the stack to count, where its head makes no sense or a slot is too short", () => {
    const heads: [at: number, value: number][] = [[1, 3], [1, 4], [4, 0], [6, 200], [6, 33], [HEAD + 34 + 12, 0x40]];
    for (const [at, value] of heads) {
      const bytes = Uint8Array.from(large);
      bytes[at] = value;
      const [first, ...more] = taken([bytes]);
      assert.deepEqual([first!.length, more.length], [SLOT + 1, 0], `${value} at ${at}`);
    }
    const wide = Uint8Array.from([...large.subarray(0, HEAD + 66), ...new Uint8Array(9000)]);
    wide.set([0xd0, 0x07], 4);
    assert.deepEqual(taken([wide, large]).map((f) => f.length), [SLOT + 1, ...Array<number>(10).fill(166)]);
  });
});
