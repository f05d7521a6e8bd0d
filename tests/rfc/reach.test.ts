/**
 * What the network can reach: text, fragments and datagrams stay where they belong, whatever their lengths say
 * (docs/design/reach.md).
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { record } from "../../tools/border/read.mjs";
import { Bench, MSS, PEER, STACK, pattern, type BenchOptions, SMALL } from "../harness/bench.js";
import { icmp, ipv4, opt, segment, udp, type Tcp } from "../harness/codec.js";

/** A datagram in pieces of `size` bytes, as frames. */
function pieces(payload: Uint8Array, proto: number, id = 77, size = 1480): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += size) {
    const end = Math.min(at + size, payload.length);
    out.push(ipv4(
      { src: PEER, dst: STACK, proto, id, frag: (end < payload.length ? 0x2000 : 0) | (at >> 3) },
      payload.subarray(at, end),
    ));
  }
  return out;
}

/** A stack in an arena of just the size that it asks for, in the midst of memory that it must not touch. */
class Watched extends Bench {
  static readonly BASE = 0x20000;

  constructor(options: BenchOptions) {
    super({ ...options, arenaBase: Watched.BASE, arenaSize: new Bench(options).stack.arenaBytes });
    // The arena may end where the memory does.
    this.stack.exports.memory.grow(1);
    this.stack.refreshViews();
    const bytes = new Uint8Array(this.stack.exports.memory.buffer);
    bytes.fill(0xa5, Watched.BASE - 4096, Watched.BASE).fill(0xa5, Watched.BASE + this.stack.arenaBytes);
  }

  /** Fails if a byte before or behind the arena was written. */
  untouched(): void {
    const bytes = new Uint8Array(this.stack.exports.memory.buffer), end = Watched.BASE + this.stack.arenaBytes;
    assert.ok(bytes.length > end + 64, "there is something behind the arena");
    assert.equal(
      bytes.subarray(Watched.BASE - 4096, Watched.BASE).findIndex((b) => b !== 0xa5), -1,
      "a byte before the arena was written",
    );
    assert.equal(bytes.subarray(end).findIndex((b) => b !== 0xa5), -1, "a byte behind the arena was written");
  }
}

/** One connection whose ring lies at the arena's end, as far as there are no senders. */
const SMALLEST: BenchOptions = { connsMax: 1, sendersMax: 0, sendRing: 64, recvRing: 512 };

describe("RFC 9293 §3.10.7.3: text that comes with a SYN is cut to the window", () => {
  it("in a SYN-ACK: what the ring holds is taken, and the rest comes again", () => {
    const b = new Watched(SMALLEST).connecting();
    b.send({ flags: "SA", seq: 0, ack: 1, opts: opt.mss(MSS), data: pattern(MSS - 4) });
    b.untouched();
    assert.equal(b.info.rcvSize, 512);
    b.expect("A", { ack: 513, win: 0 });
    assert.deepEqual(b.read(), pattern(512));
  });

  it("in a SYN-ACK with a FIN: the FIN behind what was cut off does not count", () => {
    const b = new Watched(SMALLEST).connecting();
    b.send({ flags: "SFA", seq: 0, ack: 1, data: pattern(600) });
    b.untouched();
    assert.equal(b.state, "ESTABLISHED");
    b.expect("A", { ack: 513 });
  });

  if (!SMALL) it("in a SYN-ACK that came in fragments, of 60,000 bytes", () => {
    const b = new Watched({ ...SMALLEST, recvRing: 2048, rxSlots: 64 }).connecting();
    const whole = segment({ src: PEER, dst: STACK }, {
      flags: "SA", seq: b.peerIsn, ack: (b.stackIsn + 1) >>> 0, sport: b.sport, dport: b.dport, data: pattern(60_000),
    });
    for (const f of pieces(whole, 6)) b.frame(f);
    assert.equal(b.count("ipReasmOKs"), 1);
    b.untouched();
    assert.equal(b.info.rcvSize, 2048);
    assert.deepEqual(b.read(), pattern(2048));
  });

  const simultaneous = (first: Partial<Tcp>, second: Partial<Tcp>): Watched => {
    const b = new Watched(SMALLEST).connecting();
    b.send({ flags: "S", seq: 0, ...first });
    b.expect("SA", { seq: 0, ack: 1 });
    b.untouched();
    b.send({ flags: "SA", seq: 0, ack: 1, ...second });
    b.untouched();
    assert.equal(b.state, "ESTABLISHED");
    return b;
  };

  it("in a SYN that meets ours", () => {
    const b = simultaneous({ data: pattern(1400) }, {});
    assert.deepEqual(b.read(), pattern(512));
  });

  it("in the SYN-ACK after a SYN that met ours", () => {
    const b = simultaneous({}, { data: pattern(1400) });
    assert.deepEqual(b.read(), pattern(512));
  });

  it("in both: what is there already is not taken twice, and RCV.NXT does not go back", () => {
    for (const [first, second] of [[100, 50], [100, 100], [50, 300], [600, 50], [600, 700]] as const) {
      const b = simultaneous({ data: pattern(first) }, { data: pattern(second) });
      const size = Math.min(512, Math.max(first, second));
      assert.deepEqual(b.read(), pattern(size));
      assert.equal((b.info.rcvNxt - b.peerIsn) >>> 0, 1 + size);
    }
  });

  it("with the ACK that completes a handshake after a SYN that met ours", () => {
    const b = new Watched(SMALLEST).connecting();
    b.send({ flags: "S", seq: 0, data: pattern(400) });
    b.expect("SA", { ack: 1 });
    b.send({ flags: "A", seq: 1, ack: 1, data: pattern(1400) });
    b.untouched();
    assert.deepEqual(b.read(), pattern(512));
  });

  it("to a listener: with the ACK that completes the handshake", () => {
    const b = new Watched(SMALLEST);
    b.listener = b.stack.listen(b.dport, 8);
    b.send({ flags: "S", seq: 0, data: pattern(1400) });
    b.expect("SA", { ack: 1 });
    b.send({ flags: "FA", seq: 1, ack: 1, data: pattern(1400) });
    b.untouched();
    b.handle = b.stack.accept(b.listener);
    assert.deepEqual(b.read(), pattern(512));
  });
});

describe("the way into a ring holds its own bound, whatever the window says", () => {
  const { fields } = record("assembly/tcp/block/tcb.ts", "Tcb");
  const offsetOf = (name: string): number => fields.find((f) => f.name === name)!.offset;

  /** Where a connection's own number lies in memory: in the one TCB whose numbers are those that `info` tells. */
  function placeOf(b: Bench, field: "rcvAdv"): number {
    const memory = new DataView(b.stack.exports.memory.buffer), info = b.info, found: number[] = [];
    const known = (["lip", "rip", "iss", "sndNxt", "irs", "rcvNxt", "rcvAdv"] as const).map((name) =>
      [offsetOf(name), info[name]] as const);
    for (let at = Watched.BASE; at + offsetOf("rttAt") < memory.byteLength; at += 4)
      if (known.every(([offset, value]) => memory.getUint32(at + offset, true) === value)) found.push(at);
    assert.equal(found.length, 1, "the connection's numbers stand in memory once");
    return found[0]! + offsetOf(field);
  }

  for (const [what, seq, size] of [
    ["in order", 1, 513], ["beyond a gap", 301, 213], ["at the ring's end", 513, 1], ["far beyond it", 30_000, 400],
  ] as const) {
    it(`text ${what} that does not fit is dropped`, () => {
      const b = new Watched(SMALLEST).accepted();
      new DataView(b.stack.exports.memory.buffer).setUint32(placeOf(b, "rcvAdv"), (b.peerIsn + 1 + 60_000) >>> 0, true);
      b.send({ flags: "A", seq, ack: 1, data: pattern(size) });
      b.untouched();
      assert.deepEqual([b.info.rcvSize, b.info.outOfOrderBytes], [0, 0]);
      b.send({ flags: "A", seq: 1, ack: 1, data: pattern(512) });
      assert.deepEqual(b.read(), pattern(512));
    });
  }
});

describe("RFC 791 §3.2, RFC 5722: no byte is delivered that no fragment of its datagram brought", () => {
  // Without a checksum, so that nothing but coverage tells.
  const data = pattern(4096), whole = udp({ src: PEER, dst: STACK }, 9, 53, data, { withSum: false }).slice(34);
  /** The sizes of the datagrams that fragments [from, to, more] make. */
  const made = (list: [from: number, to: number, more: boolean][]): number[] => {
    const b = new Bench(), s = b.stack.udpOpen(53);
    for (const [from, to, more] of list) {
      const bytes = new Uint8Array(to - from).fill(0xee);
      bytes.set(whole.subarray(from, to));
      b.frame(ipv4({ src: PEER, dst: STACK, proto: 17, id: 9, frag: (more ? 0x2000 : 0) | (from >> 3) }, bytes));
    }
    const out: number[] = [];
    for (let d = b.stack.udpReceive(s); d !== null; d = b.stack.udpReceive(s)) {
      assert.deepEqual(d.data, data);
      out.push(d.data.length + 8);
    }
    return out;
  };
  const N = whole.length;

  if (!SMALL) it("one that is whole is delivered, in any order", () => {
    assert.deepEqual(made([[0, 1480, true], [1480, 2960, true], [2960, N, false]]), [N]);
    assert.deepEqual(made([[2960, N, false], [1480, 2960, true], [0, 1480, true]]), [N]);
    assert.deepEqual(
      made([[0, 1480, true], [0, 1480, true], [2960, N, false], [2960, N, false], [1480, 2960, true]]), [N],
    );
  });

  it("a fragment beyond the end does not stand for one that is missing", () => {
    assert.deepEqual(made([[0, 1480, true], [4800, 4800 + 1480, true], [2960, N, false]]), []);
    assert.deepEqual(made([[4800, 4800 + 1480, true], [0, 1480, true], [2960, N, false]]), []);
    assert.deepEqual(made([[0, 1480, true], [2960, N, false], [4800, 4800 + 1480, true]]), []);
  });

  it("is given up when its ends contradict each other", () => {
    // A last fragment that ends before what is there; a second end; more fragments announced at the end.
    assert.deepEqual(made([[0, 1480, true], [1480, 2960, true], [1480, 2952, false]]), []);
    assert.deepEqual(made([[2960, N, false], [2960, N - 8, false], [0, 1480, true], [1480, 2960, true]]), []);
    assert.deepEqual(made([[0, 1480, true], [1480, 2960, true], [1480, 2960, false]]), []);
    assert.deepEqual(made([[1480, 2960, false], [1480, 2960, true], [0, 1480, true]]), []);
  });

  if (!SMALL) it("random fragments: what is answered, every byte of it came", () => {
    let seed = 5;
    const below = (n: number): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0, (seed >>> 8) % n);
    // The checksum of an echo of zeros does not depend on its length.
    const b = new Bench({ reassemblyMax: 2 });
    const zeros = icmp({ src: PEER, dst: STACK }, 8, 0, 0, new Uint8Array(64)).slice(34);
    let answered = 0;
    for (let run = 0; run < 4000; run++) {
      const list: [number, number, boolean][] = [], units = 1 + below(6), covered = new Set<number>();
      for (let i = 0, n = 1 + below(2 * units); i < n; i++) {
        const from = below(units) * 8, more = below(3) !== 0;
        list.push([from, from + 8 * (1 + below(3)) - (more ? 0 : below(8)), more]);
      }
      for (const [from, to, more] of list) {
        b.frame(ipv4(
          { src: PEER, dst: STACK, proto: 1, id: 100 + run, frag: (more ? 0x2000 : 0) | (from >> 3) },
          zeros.subarray(from, to),
        ));
        for (let at = from; at < to && (from !== 0 || more); at++) covered.add(at);
        const s = b.out.splice(0).find((x) => x.kind === "icmp");
        // What begins at 0 and has nothing behind it is no fragment.
        if (s === undefined || (from === 0 && !more)) continue;
        answered++;
        for (let at = 0; at < s.ip.total - 20; at++)
          assert.ok(
            covered.has(at), `byte ${at} of ${s.ip.total - 20} came with no fragment of ${JSON.stringify(list)}`,
          );
        covered.clear();
      }
    }
    assert.ok(answered > 100, `${answered} were answered`);
  });
});

describe("RFC 791 §3.1: the total length of a datagram that was put together is at most 65,535", () => {
  it("a configuration that would let it be longer is refused", () => {
    for (const reassemblyBytes of [65_528, 65_536])
      assert.throws(() => new Bench({ reassemblyBytes }), { code: "CONFIG" });
  });

  if (!SMALL) it("the longest one is delivered whole, and none that is longer", () => {
    const b = new Bench({ reassemblyBytes: 65_520, udpRing: 131_068, rxSlots: 64 });
    const s = b.stack.udpOpen(53), data = pattern(65_507);
    for (const f of pieces(udp({ src: PEER, dst: STACK }, 9, 53, data).slice(34), 17)) b.frame(f);
    assert.deepEqual(b.stack.udpReceive(s)?.data, data);
    for (const size of [65_516, 65_519, 65_520, 65_527]) {
      const payload = new Uint8Array(size);
      for (const f of pieces(payload, 17, size)) b.frame(f);
    }
    assert.equal(b.count("ipReasmOKs"), 1);
    assert.equal(b.stack.udpReceive(s), null);
  });
});

describe("the time that the host passes", () => {
  it("stands still when it goes back, be it below zero, so that no deadline wraps", () => {
    const b = new Bench();
    b.answersArp = false;
    for (const us of [2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 2n, 0n]) {
      b.stack.connect(PEER, 80);
      let wait = 0;
      for (let i = 0; i < 10 && wait === 0; i++) {
        wait = b.stack.exports.poll(us);
        b.stack.drainFrames(() => {});
      }
      assert.ok(wait > 0, `at ${us} there is more for ever`);
    }
  });
});
