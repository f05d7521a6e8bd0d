/** RFC 3168: explicit congestion notification. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { POLICY } from "../../host/config.js";
import { Bench, MSS, PEER, SMALL, pattern, type BenchOptions } from "../harness/bench.js";
import { opt } from "../harness/codec.js";

const ECN = { policy: { ecn: true } }, OFFER = { policy: { ecnOffer: true } };
const passive = (syn: string, options: BenchOptions = ECN): Bench => {
  const b = new Bench(options);
  b.listener = b.stack.listen(8080, 4);
  b.send({ flags: syn, seq: 0, opts: opt.mss(1460) });
  return b;
};
/** An ESTABLISHED connection with ECN. */
const open = (options: BenchOptions = ECN): Bench => {
  const b = passive("SEW", options);
  b.expect("SAE");
  b.send({ flags: "A", seq: 1, ack: 1 });
  b.handle = b.stack.accept(b.listener);
  return b.clear();
};

if (!SMALL) describe("RFC 3168 §6.1.1: negotiation", () => {
  it("SHLD-8 agrees to an offer with ECE in its SYN-ACK, and to nothing else", () => {
    for (const [syn, answer] of [["SEW", "SAE"], ["S", "SA"], ["SE", "SA"], ["SW", "SA"]] as const)
      passive(syn).expect(answer);
    passive("SEW", {}).expect("SA");
  });

  it("what our SYN asked for counts, whatever the policy is when the answer comes", () => {
    for (const [options, policy, asks, tos] of [[OFFER, 0, "SEW", 2], [{}, POLICY.ecnOffer, "S", 0]] as const) {
      const b = new Bench(options);
      b.dport = 50000;
      b.handle = b.stack.connect(PEER, 40000, 50000);
      b.poll();
      b.expect(asks, { seq: 0 });
      b.stack.tune({ policy });
      b.send({ flags: "SAE", seq: 0, ack: 1, opts: opt.mss(1460) });
      b.expect("A", { seq: 1, ack: 1 });
      b.write(100);
      assert.equal(b.next().ip.tos & 3, tos, asks);
    }
  });

  it("offers with ECE and CWR, and takes a SYN-ACK with ECE alone for agreement", () => {
    for (const [answer, tos] of [["SAE", 2], ["SA", 0], ["SAEW", 0]] as const) {
      const b = new Bench(OFFER);
      b.dport = 50000;
      b.handle = b.stack.connect(PEER, 40000, 50000);
      b.poll();
      b.expect("SEW", { seq: 0 });
      b.send({ flags: answer, seq: 0, ack: 1, opts: opt.mss(1460) });
      b.expect("A", { seq: 1, ack: 1 });
      b.write(100);
      assert.equal(b.next().ip.tos & 3, tos, answer);
    }
  });

  it("accepts without offering, if that is the policy", () => {
    const b = new Bench(ECN);
    b.dport = 50000;
    b.handle = b.stack.connect(PEER, 40000, 50000);
    b.poll();
    b.expect("S");
  });

  it("§6.1.1.1: a SYN that is sent again offers nothing", () => {
    const b = new Bench(OFFER);
    b.dport = 50000;
    b.handle = b.stack.connect(PEER, 40000, 50000);
    b.poll();
    b.expect("SEW");
    b.advance(1000);
    b.expect("S");
  });

  it("rides in a cookie's timestamp", () => {
    const b = new Bench({ cookies: 2, policy: { ecn: true, timestamps: true } });
    b.listener = b.stack.listen(8080, 4);
    b.send({ flags: "SEW", seq: 0, opts: [...opt.mss(1460), ...opt.ts(100, 0)] });
    const synAck = b.expect("SAE");
    const val = new DataView(synAck.opts.get(8)!.buffer, synAck.opts.get(8)!.byteOffset).getUint32(0);
    b.send({ flags: "A", seq: 1, ack: 1, opts: opt.ts(101, val) });
    b.handle = b.stack.accept(b.listener);
    b.write(10);
    assert.equal(b.next().ip.tos & 3, 2);
  });
});

if (!SMALL) describe("RFC 3168 §6.1: marks", () => {
  it("§6.1.4 and §6.1.5: new text is ECT(0), ACKs and retransmissions are not", () => {
    const b = open();
    b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(10) });
    b.advance(50);
    assert.equal(b.next().ip.tos & 3, 0, "a pure ACK");
    b.write(100);
    assert.equal(b.next().ip.tos & 3, 2, "new text");
    b.advance(1100);
    assert.equal(b.next().ip.tos & 3, 0, "the same again");
    b.send({ flags: "A", seq: 11, ack: 101 });
    b.clear();
    b.write(1);
    assert.equal(b.next().ip.tos & 3, 2, "one byte");
    b.send({ flags: "A", seq: 11, ack: 102 });
    b.clear();
    b.stack.shutdown(b.handle);
    b.poll();
    assert.equal(b.expect("FA", { seq: 102, len: 0 }).ip.tos & 3, 0, "a FIN without text");
  });

  it("§5: the application's TOS octet gives the other six bits, and not these", () => {
    const b = open();
    b.stack.setOption(b.handle, "tos", 0xbf);
    b.write(100);
    assert.equal(b.next().ip.tos, 0xbc | 2, "new text");
    b.send({ flags: "PA", seq: 1, ack: 101, data: pattern(10) });
    b.advance(50);
    assert.equal(b.next().ip.tos, 0xbc, "an ACK");
  });

  it("§6.1.3: echoes a mark until the sender has slowed down", () => {
    const b = open();
    b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(10) }, { tos: 3 });
    b.advance(50);
    b.expect("AE", { ack: 11 });
    b.send({ flags: "PA", seq: 11, ack: 1, data: pattern(10) }, { tos: 2 });
    b.advance(50);
    b.expect("AE", { ack: 21 });
    b.send({ flags: "PAW", seq: 21, ack: 1, data: pattern(10) }, { tos: 2 });
    b.advance(50);
    b.expect("A", { ack: 31 });
    assert.equal(b.count("InCEPkts"), 1);
    // A mark on a segment without text means nothing.
    b.send({ flags: "A", seq: 31, ack: 1 }, { tos: 3 });
    b.write(1);
    b.expect("PA");
  });

  it("§6.1.2: halves its window once for each window of data, says CWR with the next new text, "
      + "and sends nothing again", () => {
    const b = open();
    b.write(20 * MSS);
    const before = b.info.cwnd;
    b.clear();
    b.send({ flags: "AE", seq: 1, ack: 1 + 2 * MSS });
    const after = b.info.cwnd;
    assert.ok(after <= before / 2 + MSS && after >= 2 * MSS, `${before} to ${after}`);
    b.send({ flags: "AE", seq: 1, ack: 1 + 3 * MSS });
    assert.equal(b.info.cwnd >= after, true, "not a second time for the same window");
    assert.deepEqual([b.count("TCPECNReductions"), b.count("tcpRetransSegs")], [1, 0]);
    b.clear();
    b.send({ flags: "A", seq: 1, ack: 1 + 9 * MSS });
    const sent = b.out.filter((s) => s.kind === "tcp");
    assert.ok(sent.length > 0 && sent[0]!.flags.includes("W"), "the first new segment says CWR");
    assert.ok(sent.slice(1).every((s) => !s.flags.includes("W")), "and only that");
  });

  it("an echo without negotiation changes nothing", () => {
    const b = passive("S");
    b.expect("SA");
    b.send({ flags: "A", seq: 1, ack: 1 });
    b.handle = b.stack.accept(b.listener);
    b.write(5 * MSS);
    const before = b.info.cwnd;
    b.clear();
    b.send({ flags: "AEW", seq: 1, ack: 1 + MSS });
    assert.ok(b.info.cwnd >= before);
    assert.equal(b.count("TCPECNReductions"), 0);
  });
});
