/** RFC 9293 §3.1, §3.2: the header, its checksum, and options. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { Bench, PEER, STACK, pattern, it4 } from "../harness/bench.js";
import { opt, tcp } from "../harness/codec.js";

describe("RFC 9293 §3.1: header", () => {
  it("MUST-1 takes the window as 16 bits without a sign", () => {
    const b = new Bench({ sendRing: 65536, initialWindow: 64 }).accepted({ win: 0xfff0 }, { win: 0xfff0 });
    b.write(60000);
    assert.ok(b.info.sndWnd === 0xfff0);
    const bytes = b.all.reduce((n, s) => n + s.data.length, 0);
    assert.ok(bytes > 32768, `${bytes} bytes were sent into a window of 65520`);
  });

  it("MUST-2 puts a right checksum on every segment", () => {
    const b = new Bench().accepted();
    for (const size of [1, 2, 3, 100, 1459, 1460]) {
      b.write(size);
      b.advance(10);
      b.send({ flags: "A", seq: 1, ack: (b.info.sndNxt - b.stackIsn) >>> 0 });
    }
    b.stack.close(b.handle);
    b.poll();
    assert.ok(b.all.length >= 8);
    for (const s of b.all) assert.ok(s.sumOk && s.ip.sumOk);
  });

  it("MUST-3 drops a segment with any one bit of it wrong, without an answer", () => {
    const b = new Bench().accepted();
    const good = b.make({ flags: "PA", seq: 1, ack: 1, data: pattern(20) });
    for (let bit = 34 * 8; bit < good.length * 8; bit++) {
      const bad = good.slice();
      bad[bit >> 3]! ^= 1 << (bit & 7);
      b.frame(bad);
    }
    b.silent();
    assert.equal(b.count("tcpInErrs"), (good.length - 34) * 8, "each is counted");
    assert.equal(b.stack.receivable(b.handle), ERR.AGAIN);
    b.frame(good);
    assert.deepEqual(b.read(), pattern(20));
  });

  it("MUST-65 sends an MSS option on SYN segments only", () => {
    const b = new Bench().accepted();
    b.write(5000);
    b.stack.close(b.handle);
    b.advance(3000);
    for (const s of b.all) assert.equal(s.opts.has(2), s.flags.includes("S"));
  });

  it("MUST-69 pads after the end of its options with zeros", () => {
    const b = new Bench({ policy: { timestamps: true, sack: true, windowScaling: true } });
    b.accepted(
      { opts: [...opt.mss(1460), ...opt.sackOk(), ...opt.ts(1, 0), ...opt.nop(), ...opt.ws(3)] },
      { opts: opt.ts(2, 0) },
    );
    for (const s of b.all) {
      const eol = [...s.optBytes.keys()].find((i) => s.optBytes[i] === 0 && !inside(s.optBytes, i));
      if (eol !== undefined) assert.ok(s.optBytes.slice(eol).every((x) => x === 0));
    }
  });

  it("drops a data offset below 5 or beyond the segment", () => {
    const b = new Bench().accepted();
    for (const offset of [0, 4, 15]) {
      const f = b.make({ flags: "A", seq: 1, ack: 1 });
      f[34 + 12] = offset << 4;
      b.frame(f);
    }
    b.silent();
    assert.equal(b.count("tcpInErrs"), 3);
    assert.equal(b.state, "ESTABLISHED");
  });
});

function inside(opts: Uint8Array, at: number): boolean {
  for (let i = 0; i < opts.length;) {
    if (i === at) return false;
    if (opts[i] === 0) return false;
    const size = opts[i] === 1 ? 1 : opts[i + 1]!;
    if (at < i + size) return true;
    i += size;
  }
  return false;
}

describe("RFC 9293 §3.2: options", () => {
  it("MUST-4 understands EOL, NOP and MSS", () => {
    const b = new Bench().accepted({ opts: [...opt.nop(), ...opt.mss(1000), ...opt.nop(), 0, 2, 4, 1] });
    assert.equal(b.info.peerMss, 1000);
  });

  it("MUST-5 takes options on any segment", () => {
    const b = new Bench().accepted();
    for (const [i, flags] of ["A", "PA"].entries()) {
      b.send({ flags, seq: 1 + i, ack: 1, data: pattern(1, i), opts: [...opt.ts(5, 5), 253, 4, 1, 2] });
    }
    b.send({ flags: "FA", seq: 3, ack: 1, opts: [253, 3, 7] });
    assert.equal(b.state, "CLOSE-WAIT");
    const c = new Bench().accepted();
    c.send({ flags: "RA", seq: 1, ack: 1, opts: [253, 4, 0, 0] });
    assert.equal(c.state, "LISTEN");
  });

  it("MUST-6 skips an option that it does not know by its length", () => {
    const b = new Bench().accepted({ opts: [253, 6, 2, 4, 255, 255, ...opt.mss(900)] });
    assert.equal(b.info.peerMss, 900);
  });

  it("MUST-7 survives lengths that cannot be", () => {
    for (const opts of [[2], [2, 0], [2, 1], [253, 0, 1, 1], [253, 40], [1, 1, 1, 8], [8, 10, 0, 0], [5, 255]]) {
      const b = new Bench().accepted({ opts });
      assert.equal(b.info.peerMss, 536, `options ${opts}`);
      b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(5), opts });
      assert.deepEqual(b.read(), pattern(5));
    }
  });

  it("MUST-64 reads options at any alignment", () => {
    for (let pad = 0; pad < 4; pad++) {
      const b = new Bench().accepted({ opts: [...Array(pad).fill(1), ...opt.mss(777)] });
      assert.equal(b.info.peerMss, 777);
    }
  });

  it("MUST-68 takes a length for granted in every option but EOL and NOP", () => {
    // Kind 30 with a length of 3, directly followed by MSS.
    const b = new Bench().accepted({ opts: [30, 3, 2, ...opt.mss(555)] });
    assert.equal(b.info.peerMss, 555);
  });
});

describe("RFC 9293 §3.9.2.3: addresses", () => {
  const syn = (src: number, dst = STACK, extra = {}): Uint8Array =>
    tcp({ src, dst, ...extra }, { flags: "S", seq: 1, sport: 1000, dport: 8080 });

  it("MUST-57 drops a SYN to a broadcast or multicast address", () => {
    const b = new Bench();
    b.stack.listen(8080);
    const all = [255, 255, 255, 255, 255, 255];
    for (const dst of [0xffffffff, 0x0a0000ff, 0xe0000001, 0xe1020304]) {
      b.frame(syn(PEER, dst));
      b.frame(syn(PEER, dst, { dstMac: all }));
    }
    b.frame(syn(PEER, STACK, { dstMac: all }));
    assert.deepEqual(b.out, []);
    assert.equal(b.stack.pools().halfOpenFree, 8);
  });

  it4("MUST-63 ignores a SYN from an address that is no host's", () => {
    const b = new Bench();
    b.stack.listen(8080);
    for (const src of [0, 5, 0x7f000001, 0xe0000001, 0xf0000001, 0xffffffff, 0x0a0000ff, STACK]) b.frame(syn(src));
    assert.deepEqual(b.out, []);
    assert.equal(b.stack.pools().halfOpenFree, 8);
  });
});

describe("a frame slot that is used again", () => {
  it("a frame that is cut short is not completed by what lay in its slot before", () => {
    const b = new Bench({ rxSlots: 1 }).accepted();
    const data = new Uint8Array(500).fill(7);
    b.send({ flags: "PA", seq: 1, ack: 1, data });
    const whole = b.make({ flags: "PA", seq: 501, ack: 1, data });
    for (const cut of [1, 2, 10, 14, 28, 200]) {
      b.frame(whole.subarray(0, whole.length - cut));
      assert.equal(b.info.rcvNxt, (b.peerIsn + 501) >>> 0, `${cut} bytes less`);
    }
    b.frame(whole);
    assert.equal(b.info.rcvNxt, (b.peerIsn + 1001) >>> 0);
  });
});
