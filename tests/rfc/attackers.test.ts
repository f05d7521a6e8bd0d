/** What others can do to a stack from afar: blind segments, floods, and answers that answer each other. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, PEER, SMALL, STACK, STACK_PORT, pattern, type BenchOptions } from "../harness/bench.js";
import { ip4, opt, tcp, type Seen, type Tcp } from "../harness/codec.js";

const from = (i: number): number => ip4("198.18.0.1") + i * 256;

/** A server whose clients come from beyond the link, through the peer. */
const server = (options: BenchOptions = {}): Bench => new Bench({ gateway: "10.0.0.2", cookies: 0, ...options });

/** A client's SYN; the answer, if there was one. */
function syn(b: Bench, src: number, sport = 1024, more: Partial<Tcp> = {}): Seen | undefined {
  b.clear();
  b.send({ flags: "S", seq: 0, sport, opts: opt.mss(1460), ...more }, { src });
  return b.out.find((s) => s.kind === "tcp");
}

/** The ACK that completes what `synAck` began. */
function complete(b: Bench, synAck: Seen): void {
  b.frame(tcp({ src: synAck.ip.dst, dst: STACK }, { flags: "A", seq: synAck.ack, ack: (synAck.seq + 1) >>> 0, sport: synAck.dport, dport: synAck.sport }));
}

describe("RFC 5961 §5.2, RFC 7323 §5.3: TS.Recent", () => {
  const stamped = (): Bench => new Bench({ policy: { timestamps: true } })
    .accepted({ opts: [...opt.mss(1460), ...opt.ts(100, 0)] }, { opts: opt.ts(100, 0) });
  const blind: [string, Tcp][] = [
    ["an ACK of what was never sent", { flags: "A", seq: 1, ack: 5000 }],
    ["an ACK that is too old", { flags: "PA", seq: 1, ack: -200_000, data: pattern(1) }],
    ["a SYN", { flags: "S", seq: 1 }],
    ["a SYN with an ACK", { flags: "SA", seq: 1, ack: 1 }],
    ["no ACK", { flags: "", seq: 1, data: pattern(1) }],
    ["a FIN without an ACK", { flags: "F", seq: 1 }],
    ["text before the window", { flags: "PA", seq: 0, ack: 1, data: pattern(1) }],
  ];
  for (const [name, segment] of blind) {
    it(`is not moved by a blind segment with ${name}: what follows is taken`, () => {
      const b = stamped();
      b.send({ ...segment, opts: opt.ts(0x40000000, 0) });
      b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(10), opts: opt.ts(101, 0) });
      assert.deepEqual(b.read(), pattern(10));
      assert.equal(b.count("PAWSEstab"), 0);
    });
  }

  it("is not moved by a blind segment that meets a half-open record", () => {
    for (const segment of blind.map(([, s]) => s)) {
      const b = new Bench({ policy: { timestamps: true } });
      b.listener = b.stack.listen(STACK_PORT, 8);
      b.send({ flags: "S", seq: 0, opts: [...opt.mss(1460), ...opt.ts(100, 0)] });
      // A SYN in the window ends the record, as RFC 9293 §3.10.7.4 has it for a passive OPEN.
      if (segment.flags.includes("S")) continue;
      b.send({ ...segment, opts: opt.ts(0x40000000, 0) });
      b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(10), opts: opt.ts(101, 0) });
      b.handle = b.stack.accept(b.listener);
      assert.deepEqual(b.read(), pattern(10));
    }
  });

  it("has no effect on the text that a segment with a bad ACK brings, nor an answer beyond the challenges", () => {
    const b = new Bench({ challengeMax: 3 }).accepted();
    for (let i = 0; i < 20; i++) b.send({ flags: "PA", seq: 0, ack: 5000, data: pattern(2) });
    assert.equal(b.out.filter((s) => s.kind === "tcp").length, 3);
    assert.equal(b.info.rcvSize, 0);
  });
});
