/**
 * RFC 9293 §3.10.6 STATUS: every field of `tcp_info`, in connections that hand-made frames lead from state to state.
 * What is expected comes from those frames, from the options of the stack, and from what it sent.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { loadModule } from "../../host/module.js";
import { FLAG, STATES, TCP_INFO, TCP_INFO_SIZE, TCP_INFO_VERSION, TIMER } from "../../host/module/layout.js";
import { StackModule } from "../../host/stack.js";
import { Bench, PEER, PEER_PORT, STACK, STACK_PORT, pattern } from "../harness/bench.js";
import { opt, type Seen } from "../harness/codec.js";
import { entropyOf } from "../harness/entropy.js";
import { FAMILY6 } from "../harness/polled.js";

type Field = keyof typeof TCP_INFO;
type Numbers = Record<Field, number>;

/** All ones: a time that never comes. */
const NEVER = Number(0xffffffffffffffffn);
const OPTIONS = {
  sendRing: 16384, recvRing: 131_072, userTimeoutMs: 90_000, firstByteMs: 20_000, keepIdleS: 111, keepIntervalS: 22,
  keepProbes: 5, ttl: 77, initialWindow: 10, delayedAckMs: 40,
  policy: { timestamps: true, sack: true, windowScaling: true },
};
/** 12 bytes of timestamps in every segment. */
const PEER_MSS = 1400, MSS = PEER_MSS - 12;
/** What the peer names: shifted by 4. */
const PEER_SCALE = 4;

const stateOf = (name: (typeof STATES)[number]): number => STATES.indexOf(name);

/** What the module wrote, by field. */
function read(b: Bench): Numbers {
  const all = b.info as unknown as Numbers;
  return Object.fromEntries(Object.keys(TCP_INFO).map((name) => [name, all[name as Field]])) as Numbers;
}

/** Every field is as `want` says: it names them all, but for `flags`, which tests look at bit by bit. */
function is(b: Bench, want: Omit<Numbers, "flags">, set: number, unset: number): void {
  const { flags, ...rest } = read(b);
  assert.deepEqual(rest, want);
  assert.equal(flags & (set | unset), set);
}

/** TSval of a segment that the stack sent. */
function stamp(seen: Seen): number {
  return Buffer.from(seen.opts.get(8)!).readUInt32BE(0);
}

/** An accepted connection, 50 ms after its SYN, and what every field is then. */
function opened(): { b: Bench; want: Omit<Numbers, "flags"> } {
  const b = new Bench(OPTIONS);
  b.listener = b.stack.listen(STACK_PORT, 8);
  b.send({ flags: "S", seq: 0, win: 5000, opts: [
    ...opt.mss(PEER_MSS), ...opt.sackOk(), ...opt.ts(1000, 0), 1, ...opt.ws(PEER_SCALE),
  ] });
  const synAck = b.expect("SA", { seq: 0, ack: 1 }), val = stamp(synAck);
  const rcvScale = synAck.opts.get(3)![0]!, tsOffset = (val - b.nowUs / 1000) >>> 0;
  b.advance(50);
  b.send({ flags: "A", seq: 1, ack: 1, win: 200, opts: opt.ts(1050, val) });
  b.handle = b.stack.accept(b.listener);
  b.clear();
  const iss = synAck.seq, irs = b.peerIsn, next = (irs + 1) >>> 0;
  return { b, want: {
    version: 2, rip: PEER, lip: STACK, ports: PEER_PORT * 0x10000 + STACK_PORT, state: stateOf("ESTABLISHED"),
    error: 0, softError: 0, timerKind: TIMER.NONE, retries: 0, dupAcks: 0, sndScale: PEER_SCALE, rcvScale, mss: MSS,
    pathMtu: 1500, sndWnd: 200 << PEER_SCALE, maxSndWnd: 200 << PEER_SCALE, iss, sndUna: (iss + 1) >>> 0,
    sndNxt: (iss + 1) >>> 0, sndUp: iss, sndWl1: next, sndWl2: (iss + 1) >>> 0, sndSize: 0, pipe: 0, sackedBytes: 0,
    irs, rcvNxt: next, rcvAdv: (synAck.ack + synAck.win) >>> 0, rcvUp: irs, lastAckSent: next, tsRecent: 1050,
    rcvSize: 0, outOfOrderBytes: 0, urgentLeft: 0,
    // RFC 6928 §2; RFC 5681 §3.1 lets the threshold begin as high as may be; RFC 6298 §2.2 and §2.4.
    cwnd: 10 * MSS, ssthresh: 0x3fffffff, rto: 1_000_000, srtt: 50_000 * 8, rttvar: 25_000 * 4,
    tsRecentAt: b.nowUs / 1000, tsOffset, userTimeoutMs: 90_000, timerAt: NEVER, delackAt: NEVER,
    idleAt: b.nowUs + 20_000_000, heardAt: b.nowUs, stalledAt: b.nowUs, peerMss: PEER_MSS, keepIdleS: 111,
    keepIntervalS: 22, keepProbes: 5, keepSent: 0, tos: 0, ttl: 77, congestion: 0, ecn: 0, fastOpen: 0, unacked: 0,
  } };
}

const plus = (seq: number, n: number): number => (seq + n) >>> 0;

// What is said of numbers of IPv4 is said of names over IPv6: the fields are the same.
describe("RFC 9293 §3.10.6: STATUS, by what frames said", { skip: FAMILY6 }, () => {
  it("tells of a connection that is open, in both directions, with text that is missing", () => {
    const { b, want } = opened(), set = FLAG.timestamps | FLAG.sack | FLAG.windowScale | FLAG.held;
    is(b, want, set, FLAG.finReceived | FLAG.finSent | FLAG.unaccepted);
    // 100 bytes in order; 60 beyond a gap of 40.
    b.advance(10);
    b.send({ flags: "A", seq: 1, ack: 1, win: 200, data: pattern(100), opts: opt.ts(1060, 0) });
    const first = b.nowUs;
    is(b, {
      ...want, rcvNxt: plus(want.irs, 101), rcvSize: 100, tsRecent: 1060, tsRecentAt: first / 1000, heardAt: first,
      delackAt: first + 40_000, unacked: 1, sndWl1: plus(want.irs, 1),
    }, set, 0);
    b.advance(10);
    b.send({ flags: "A", seq: 141, ack: 1, win: 200, data: pattern(60), opts: opt.ts(1070, 0) });
    const ack = b.expect("A", { seq: 1, ack: 101 });
    const half = {
      ...want, rcvNxt: ack.ack, rcvSize: 100, tsRecent: 1060, tsRecentAt: first / 1000, heardAt: first,
      outOfOrderBytes: 60, lastAckSent: ack.ack, rcvAdv: plus(ack.ack, ack.win << want.rcvScale),
      sndWl1: plus(want.irs, 141),
    };
    is(b, half, set, 0);
    // We send two segments, which the peer's window of 3,200 takes; each has a block of SACK.
    const size = MSS - 12;
    b.write(2 * size);
    const sent = b.nowUs;
    assert.deepEqual(b.out.map((seen) => seen.data.length), [size, size]);
    const sending = {
      ...half, sndNxt: plus(want.iss, 1 + 2 * size), sndSize: 2 * size, pipe: 2 * size, timerKind: TIMER.RETRANSMIT,
      timerAt: sent + 1_000_000, stalledAt: sent,
    };
    is(b, sending, set | FLAG.timing, 0);
    // The peer has the second segment alone. Its window is older than the one beyond the gap (RFC 9293 §3.10.7.4).
    b.advance(10);
    const block: [number, number] = [plus(want.iss, 1 + size), plus(want.iss, 1 + 2 * size)];
    b.send({ flags: "A", seq: 101, ack: 1, win: 180, opts: [...opt.ts(1080, 0), ...opt.sack(block)] });
    is(b, {
      ...sending, pipe: size, sackedBytes: size, dupAcks: 1, heardAt: b.nowUs, tsRecent: 1080,
      tsRecentAt: b.nowUs / 1000,
    }, set, FLAG.recovery);
  });

  it("tells of one that is half closed, by either side, of urgent data, and of TIME-WAIT until it is over", () => {
    const { b, want } = opened();
    b.advance(10);
    b.send({ flags: "FAU", seq: 1, ack: 1, win: 200, up: 5, data: pattern(8), opts: opt.ts(1060, 0) });
    const ack = b.expect("A", { seq: 1, ack: 10 }), came = b.nowUs;
    const closed = {
      ...want, state: stateOf("CLOSE-WAIT"), rcvNxt: plus(want.irs, 10), rcvSize: 8, lastAckSent: ack.ack,
      rcvAdv: plus(ack.ack, ack.win << want.rcvScale), tsRecent: 1060, tsRecentAt: came / 1000, heardAt: came,
      rcvUp: plus(want.irs, 6), urgentLeft: 5, sndWl1: plus(want.irs, 1),
    };
    is(b, closed, FLAG.finReceived | FLAG.urgentIn, FLAG.finSent);
    b.read(3);
    is(b, { ...closed, rcvSize: 5, urgentLeft: 2 }, FLAG.finReceived | FLAG.urgentIn, FLAG.finSent);

    const { b: c, want: open } = opened();
    c.stack.shutdown(c.handle);
    c.poll();
    const fin = c.expect("FA", { seq: 1, ack: 1 }), at = c.nowUs;
    const first = {
      ...open, state: stateOf("FIN-WAIT-1"), sndNxt: plus(open.iss, 2), pipe: 1, timerKind: TIMER.RETRANSMIT,
      timerAt: at + 1_000_000, stalledAt: at, rcvAdv: plus(fin.ack, fin.win << open.rcvScale),
    };
    is(c, first, FLAG.finQueued | FLAG.finSent, FLAG.finReceived);
    c.advance(50);
    c.send({ flags: "A", seq: 1, ack: 2, win: 300, opts: opt.ts(1100, stamp(fin)) });
    // RFC 6298 §2.3, with R' = 50 ms as before; RFC 5681 §3.1: our FIN is the one byte that was acknowledged.
    const second = {
      ...first, state: stateOf("FIN-WAIT-2"), sndUna: plus(open.iss, 2), pipe: 0, timerKind: TIMER.NONE,
      timerAt: NEVER, stalledAt: c.nowUs, heardAt: c.nowUs, sndWnd: 300 << PEER_SCALE, maxSndWnd: 300 << PEER_SCALE,
      sndWl2: plus(open.iss, 2), tsRecent: 1100, tsRecentAt: c.nowUs / 1000, rttvar: 75_000, cwnd: open.cwnd + 1,
    };
    is(c, second, FLAG.finSent, FLAG.finReceived);
    c.advance(10);
    c.send({ flags: "FA", seq: 1, ack: 2, win: 300, opts: opt.ts(1110, 0) });
    const last = c.expect("A", { seq: 2, ack: 2 });
    const waits = {
      ...second, state: stateOf("TIME-WAIT"), rcvNxt: last.ack, rcvAdv: plus(last.ack, last.win << open.rcvScale),
      heardAt: c.nowUs, tsRecent: 1110, tsRecentAt: c.nowUs / 1000, idleAt: NEVER,
    };
    is(c, waits, FLAG.finSent | FLAG.finReceived | FLAG.detached, 0);
    c.advance(600_000);
    is(c, { ...waits, state: stateOf("CLOSED") }, FLAG.finSent | FLAG.finReceived | FLAG.detached, 0);
  });

  it("tells of one that was reset with data in flight: nothing is in the network any more, and no timer runs", () => {
    const { b, want } = opened();
    b.write(MSS);
    const sent = b.expect("PA", { seq: 1, len: MSS });
    b.advance(10);
    b.send({ flags: "R", seq: 1 });
    is(b, {
      ...want, state: stateOf("CLOSED"), error: ERR.RESET, sndNxt: plus(want.iss, 1 + MSS), sndSize: MSS, idleAt: NEVER,
      rcvAdv: plus(sent.ack, sent.win << want.rcvScale), heardAt: b.nowUs, stalledAt: b.nowUs - 10_000,
    }, FLAG.detached, FLAG.work | FLAG.blocked);
  });

  it("tells of one that is being opened, of which the peer has said nothing", () => {
    const b = new Bench(OPTIONS).connecting(), syn = b.all[0]!, { want } = opened();
    is(b, {
      ...want, ports: PEER_PORT * 0x10000 + 50_000, state: stateOf("SYN-SENT"), timerKind: TIMER.RETRANSMIT,
      sndScale: 0, rcvScale: 0, mss: 536, sndWnd: 0, maxSndWnd: 0, iss: syn.seq, sndUna: syn.seq,
      sndNxt: plus(syn.seq, 1), sndUp: syn.seq, sndWl1: 0, sndWl2: 0, pipe: 1, irs: 0, rcvNxt: 0, rcvAdv: 0, rcvUp: 0,
      lastAckSent: 0, tsRecent: 0, cwnd: read(b).cwnd, rto: 1_000_000, srtt: 0, rttvar: 0, tsRecentAt: 0,
      tsOffset: (stamp(syn) - b.nowUs / 1000) >>> 0, timerAt: b.nowUs + 1_000_000, idleAt: NEVER, heardAt: b.nowUs,
      stalledAt: b.nowUs, peerMss: 536,
    }, FLAG.held, FLAG.unaccepted);
  });
});

describe("tcp_info", () => {
  it("writes the same bytes, and none behind them, in each build", () => {
    for (const name of ["stint", "stint.mvp", "stint6", "stint.mcu", "stint.simd"]) {
      const stack = new StackModule(loadModule(name), { ip: "10.0.0.1/24", entropy: entropyOf(1), connsMax: 2 });
      const handle = stack.connect(PEER, PEER_PORT), at = stack.exports.configBlock();
      const written = [0, 0xff].map((fill) => {
        const memory = new Uint8Array(stack.exports.memory.buffer, at, 256).fill(fill);
        assert.equal(stack.exports.tcp_info(handle, at), 0, name);
        return memory.slice();
      });
      const told = written[0]!.findLastIndex((byte, i) => byte === written[1]![i]) + 1;
      assert.equal(told, TCP_INFO_SIZE, name);
      assert.ok(written[0]!.subarray(0, told).every((byte, i) => byte === written[1]![i]), `${name}: a gap`);
      assert.equal(new DataView(written[0]!.buffer).getUint32(0, true), TCP_INFO_VERSION, name);
    }
  });
});
