/** RFC 7323 (window scale, timestamps, PAWS), RFC 2018 and RFC 2883 (SACK), RFC 6675. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { POLICY } from "../../host/config.js";
import { FLAG } from "../../host/stack.js";
import { Bench, SMALL, MSS, pattern } from "../harness/bench.js";
import { opt, type Seen } from "../harness/codec.js";

const TS = { policy: { timestamps: true } }, SACK = { policy: { sack: true } };

function stamps(s: Seen): [number, number] {
  const v = new DataView(s.opts.get(8)!.buffer, s.opts.get(8)!.byteOffset);
  return [v.getUint32(0), v.getUint32(4)];
}

/** Blocks relative to the peer's ISN. */
function blocks(b: Bench, s: Seen): number[][] {
  const bytes = s.opts.get(5);
  if (!bytes) return [];
  const v = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: bytes.length / 8 }, (_, i) =>
    [v.getUint32(8 * i), v.getUint32(8 * i + 4)].map((x) => (x - b.peerIsn) >>> 0),
  );
}

describe("RFC 7323 §2: window scale", () => {
  it("7323-1 is offered on SYNs only, and used only if both sides sent it", () => {
    const b = new Bench({ policy: { windowScaling: true } }).accepted({ opts: opt.mss(1460) });
    assert.deepEqual([b.all[0]!.opts.has(3), b.info.sndScale, b.info.rcvScale], [false, 0, 0]);
    const c = new Bench({ policy: { windowScaling: true }, recvRing: 1 << 20 }).accepted(
      { opts: [...opt.mss(1460), ...opt.ws(4)] }, { win: 100, opts: opt.ws(9) },
    );
    assert.deepEqual([c.info.sndScale, c.info.rcvScale, c.info.sndWnd], [4, 5, 1600]);
  });

  it("7323-2 does not scale the window of a SYN", () => {
    const b = new Bench({ policy: { windowScaling: true } }).connected({
      win: 5000, opts: [...opt.mss(1460), ...opt.ws(7)],
    });
    assert.equal(b.info.sndWnd, 5000);
  });

  it("scales the window of a half-open record's ACK: only that of a SYN is not", () => {
    const b = new Bench({ recvRing: 2048, windowScale: 4, policy: { windowScaling: true, keepHalfOpen: true } });
    b.stack.listen(b.dport, 4);
    for (const [opts, win] of [[[...opt.mss(1460), ...opt.ws(7)], 2048 >> 4], [opt.mss(1460), 2048]] as const) {
      b.send({ flags: "S", seq: 0, opts: [...opts] });
      assert.equal(b.expect("SA", { ack: 1 }).win, 2048);
      // Text far beyond the window.
      b.send({ flags: "A", seq: 100_000, ack: 1, data: pattern(1) });
      assert.equal(b.expect("A", { ack: 1 }).win, win);
      b.sport++;
    }
  });

  it("7323-3 takes a shift above 14 as 14", () => {
    const b = new Bench({ policy: { windowScaling: true } }).accepted({ opts: opt.ws(200) }, { win: 1 });
    assert.equal(b.info.sndWnd, 1 << 14);
  });
});

describe("RFC 7323 §3 to §5: timestamps", () => {
  const open = (): Bench =>
    new Bench(TS).accepted({ opts: [...opt.mss(1460), ...opt.ts(1000, 0)] }, { opts: opt.ts(1001, 0) });

  it("7323-4 sends them on every segment, and drops a segment that has none", () => {
    const b = open();
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(10) });
    b.silent();
    assert.equal(b.count("TCPMissingTimestamps"), 1);
    assert.equal(b.state, "ESTABLISHED");
    b.write(3000);
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(10), opts: opt.ts(1002, 0) });
    b.stack.close(b.handle);
    b.advance(2000);
    for (const s of b.all) assert.ok(s.flags.includes("R") || s.opts.has(8));
  });

  it("7323-5 7323-6 echoes TS.Recent, which follows the segment at the left edge only", () => {
    const b = open();
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(1448), opts: opt.ts(2000, 0) });
    b.send({ flags: "A", seq: 1449, ack: 1, data: pattern(1448), opts: opt.ts(2005, 0) });
    // An ACK for both echoes the earlier one's timestamp (RFC 7323 §4.3, case A).
    assert.equal(stamps(b.next())[1], 2000);
    b.send({ flags: "A", seq: 9000, ack: 1, data: pattern(100), opts: opt.ts(3000, 0) });
    assert.equal(stamps(b.next())[1], 2000, "out of order");
  });

  it("7323-7 PAWS: drops and acknowledges what is older, a RST excepted", () => {
    const b = open();
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(10), opts: opt.ts(500, 0) });
    b.expect("A", { ack: 1 });
    assert.equal(b.count("PAWSEstab"), 1);
    b.send({ flags: "R", seq: 1, opts: opt.ts(500, 0) });
    assert.equal(b.info.error, ERR.RESET);
  });

  it("7323-8 believes any timestamp after 24 days of silence", () => {
    const b = open();
    b.advance(24 * 24 * 3600_000 + 60_000);
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(10), opts: opt.ts(500, 0) });
    assert.deepEqual(b.read(), pattern(10));
  });

  it("7323-9 counts milliseconds, from an offset that differs by peer", () => {
    const b = open();
    const [first] = stamps(b.all[0]!);
    b.advance(1234);
    b.write(10);
    assert.equal((stamps(b.next())[0] - first) >>> 0, 1234);
  });

  it("takes a sample from an echo after a retransmission", () => {
    const b = open();
    b.write(100);
    b.advance(1000);
    const s = b.out.at(-1)!;
    b.nowUs += 50_000;
    b.send({ flags: "A", seq: 1, ack: 101, opts: opt.ts(1100, stamps(s)[0]) });
    // The handshake's, which took no time, and an eighth of 50 ms.
    assert.equal(b.info.srttUs, 50_000 / 8);
  });
});

describe("the MSS that we offer", () => {
  it("is the most that we send, too, whatever the peer offers", () => {
    const b = new Bench({ mss: 500 }).accepted({ opts: opt.mss(1460) });
    b.write(2000);
    assert.deepEqual(b.out.filter((s) => s.kind === "tcp").map((s) => s.data.length), [500, 500, 500, 500]);
  });
});

describe("RFC 2018, RFC 2883: SACK sent", () => {
  const open = (options = {}): Bench =>
    new Bench({ ...SACK, ...options }).accepted({ opts: [...opt.mss(1460), ...opt.sackOk()] });
  const at = (b: Bench, seq: number, size: number): number[][] => {
    b.send({ flags: "A", seq, ack: 1, data: pattern(size, seq - 1) });
    return blocks(b, b.next());
  };

  it("2018-1 only to a peer that permitted it", () => {
    const b = new Bench(SACK).accepted();
    assert.ok(!b.all[0]!.opts.has(4));
    b.send({ flags: "A", seq: 101, ack: 1, data: pattern(10) });
    assert.ok(!b.next().opts.has(5));
    assert.ok(open().all[0]!.opts.has(4));
  });

  it("2018-2 2018-3 2018-4 reports the newest block first, then the others, in every ACK", () => {
    const b = open();
    assert.deepEqual(at(b, 101, 50), [[101, 151]]);
    assert.deepEqual(at(b, 301, 50), [[301, 351], [101, 151]]);
    assert.deepEqual(at(b, 501, 50), [[501, 551], [301, 351], [101, 151]]);
    assert.deepEqual(at(b, 701, 50), [[701, 751], [501, 551], [301, 351], [101, 151]]);
    assert.deepEqual(at(b, 351, 10), [[301, 361], [701, 751], [501, 551], [101, 151]]);
    assert.deepEqual(at(b, 1, 100), [[301, 361], [701, 751], [501, 551]]);
  });

  it("2018-3 three blocks beside timestamps", () => {
    const b = new Bench({ policy: { sack: true, timestamps: true } });
    b.accepted({ opts: [...opt.mss(1460), ...opt.sackOk(), ...opt.ts(1, 0)] }, { opts: opt.ts(1, 0) });
    for (let i = 0; i < 5; i++)
      b.send({ flags: "A", seq: 101 + 200 * i, ack: 1, data: pattern(50), opts: opt.ts(1, 0) });
    assert.equal(blocks(b, b.out.at(-1)!).length, 3);
  });

  if (!SMALL) it("2883-1 reports a duplicate first, and once", () => {
    const b = open();
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(200) });
    b.advance(100);
    b.clear();
    assert.deepEqual(at(b, 1, 100), [[1, 101]]);
    assert.deepEqual(at(b, 7, 1), [[7, 8]]);
    assert.deepEqual(at(b, 401, 100), [[401, 501]]);
    assert.deepEqual(at(b, 401, 100), [[401, 501], [401, 501]]);
    assert.deepEqual(at(b, 101, 350), [[101, 201]]);
  });

  if (!SMALL) it("RFC 2883 §4.2: what an in-order segment brings again of text that came early is a duplicate", () => {
    const b = open();
    assert.deepEqual(at(b, 101, 100), [[101, 201]]);
    assert.deepEqual(at(b, 301, 100), [[301, 401], [101, 201]]);
    assert.deepEqual(at(b, 1, 150), [[101, 151], [301, 401]]);
    assert.deepEqual(at(b, 201, 250), [[301, 401]]);
  });

  it("drops what is out of order when the pool is empty, and loses nothing", () => {
    const b = open({ rangesMax: 2 });
    for (const seq of [101, 301, 501, 701]) at(b, seq, 50);
    assert.equal(b.count("TCPOFODrop"), 2);
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(751) });
    assert.deepEqual(b.read(), pattern(751));
    assert.equal(b.stack.pools().rangesFree, 2);
  });
});

describe("RFC 2018, RFC 6675: SACK received", () => {
  const open = (): Bench => {
    const b = new Bench({ ...SACK }).accepted({ opts: [...opt.mss(1460), ...opt.sackOk()] });
    b.write(14600);
    return b.clear();
  };
  const sack = (b: Bench, ack: number, ...list: [number, number][]): void =>
    b.send({
      flags: "A",
      seq: 1,
      ack,
      opts: opt.sack(...list.map(([x, y]) => [x, y].map((n) => (b.stackIsn + 1 + n * MSS) >>> 0) as [number, number])),
    });

  it("6675-1 6675-2 retransmits a hole below three segments that arrived, and halves cwnd", () => {
    const b = open();
    sack(b, 1, [1, 2]);
    sack(b, 1, [1, 3]);
    assert.equal(b.count("TCPFastRetrans"), 0);
    sack(b, 1, [1, 4]);
    b.expect("A", { seq: 1, len: MSS });
    assert.deepEqual([b.info.ssthresh, b.info.cwnd], [7300, 7300]);
    assert.equal(b.info.pipe, 7 * MSS, "6 after the hole, and the retransmission");
  });

  it("6675-1 three separate ranges are enough, however small they are", () => {
    const b = open(), first = b.stackIsn + 1;
    b.send({ flags: "A", seq: 1, ack: 1, opts: opt.sack([first + 2000, first + 2001], [first + 2100, first + 2101]) });
    assert.equal(b.count("TCPFastRetrans"), 0, "two are not");
    b.send({
      flags: "A", seq: 1, ack: 1,
      opts: opt.sack([first + 2200, first + 2201], [first + 2000, first + 2001], [first + 2100, first + 2101]),
    });
    b.expect("A", { seq: 1, len: MSS });
    assert.equal(b.count("TCPFastRetrans"), 1);
  });

  it("6675-2 sends holes in order, while cwnd − pipe has room for a segment", () => {
    const b = open();
    sack(b, 1, [3, 4]);
    sack(b, 1, [3, 5]);
    sack(b, 1, [3, 10]);
    const seqs = b.out.map((s) => ((s.seq - b.stackIsn - 1) >>> 0) / MSS);
    assert.deepEqual(seqs, [0, 1, 2]);
  });

  it("6675-3 reduces once a window", () => {
    const b = open();
    sack(b, 1, [1, 5]);
    sack(b, 1, [1, 6]);
    sack(b, 1, [1, 7]);
    sack(b, 1 + 7 * MSS, [8, 9]);
    sack(b, 1 + 7 * MSS, [8, 10]);
    assert.equal(b.info.ssthresh, 7300);
    assert.equal(b.count("TCPFastRetrans"), 1);
  });

  it("2018-5 2018-6 6675-4 forgets what was selectively acknowledged after a time-out, "
      + "and frees nothing before", () => {
    const b = open();
    sack(b, 1, [1, 2]);
    assert.equal(b.info.sndSize, 14600);
    assert.equal(b.info.sackedBytes, MSS);
    b.advance(1000);
    b.expect("A", { seq: 1, len: MSS });
    assert.equal(b.info.sackedBytes, 0);
    b.send({ flags: "A", seq: 1, ack: 1 + MSS });
    assert.deepEqual(b.out.map((s) => ((s.seq - b.stackIsn - 1) >>> 0) / MSS), [1, 2]);
  });

  it("ignores blocks that lie", () => {
    const b = open();
    const abs = (n: number): number => (b.stackIsn + 1 + n) >>> 0;
    for (const [x, y] of [
      [abs(3000), abs(1000)], [abs(1000), abs(1000)], [abs(14000), abs(20000)], [abs(-5000), abs(-1000)],
      [abs(-100), abs(100)],
    ] as const) {
      b.send({ flags: "A", seq: 1, ack: 1, opts: opt.sack([x, y]) });
    }
    assert.equal(b.info.sackedBytes, 0);
    assert.equal(b.stack.pools().rangesFree, b.stack.configured("rangesMax"));
  });

  it("RFC 6675 §4: what was selectively acknowledged is no longer in the pipe, "
      + "also before anything counts as lost", () => {
    const b = new Bench({ policy: { sack: true } }).accepted({ opts: [...opt.mss(1460), ...opt.sackOk()] });
    b.write(4 * 1460);
    assert.equal(b.info.pipe, 4 * 1460);
    b.clear();
    b.send({
      flags: "A", seq: 1, ack: 1, opts: opt.sack([(b.stackIsn + 1 + 1460) >>> 0, (b.stackIsn + 1 + 2920) >>> 0]),
    });
    assert.deepEqual([b.info.pipe, b.info.sackedBytes], [3 * 1460, 1460]);
  });
});

describe("what our SYN offered counts, whatever the policy is when the answer comes", () => {
  const ALL = { timestamps: true, sack: true, windowScaling: true };
  const answer = { opts: [...opt.mss(1460), ...opt.sackOk(), ...opt.ts(100, 0), ...opt.nop(), ...opt.ws(7)] };
  const agreed = (b: Bench): unknown[] =>
    [(b.info.flags & FLAG.timestamps) !== 0, (b.info.flags & FLAG.sack) !== 0, b.info.sndScale];

  it("RFC 7323 §2.2 and §3.2, RFC 2018 §2: switched off, or on, between SYN and SYN-ACK", () => {
    const off = new Bench({ policy: ALL }).connecting();
    off.stack.tune({ policy: 0 });
    off.send({ flags: "SA", seq: 0, ack: 1, ...answer });
    assert.ok(off.next().opts.has(8), "both SYNs had timestamps: each segment has one");
    assert.deepEqual(agreed(off), [true, true, 7]);
    const on = new Bench({ policy: {} }).connecting();
    on.stack.tune({ policy: POLICY.timestamps | POLICY.sack | POLICY.windowScaling });
    on.send({ flags: "SA", seq: 0, ack: 1, ...answer });
    assert.ok(!on.next().opts.has(8), "our SYN had none");
    assert.deepEqual(agreed(on), [false, false, 0]);
  });

  it("a SYN that is sent again offers the same", () => {
    const b = new Bench({ policy: ALL }).connecting();
    b.stack.tune({ policy: 0 });
    b.advance(1000);
    const again = b.expect("S", { seq: 0 });
    assert.deepEqual([again.opts.has(3), again.opts.has(4), again.opts.has(8)], [true, true, true]);
  });

  const KEEPERS = [["a listener's half-open record", 0], ["a SYN cookie, in the timestamp,", 2]] as const;
  for (const [what, cookies] of KEEPERS) {
    if (!SMALL || cookies === 0) it(`${what} keeps what both SYNs had`, () => {
      const b = new Bench({ cookies, policy: ALL });
      b.listener = b.stack.listen(8080, 4);
      b.send({ flags: "S", seq: 0, ...answer });
      const synAck = b.expect("SA", { ack: 1 });
      b.stack.tune({ policy: 0 });
      b.send({ flags: "A", seq: 1, ack: 1, opts: opt.ts(101, stamps(synAck)[0]) });
      b.handle = b.stack.accept(b.listener);
      assert.deepEqual(agreed(b), [true, true, 7]);
    });
  }
});
