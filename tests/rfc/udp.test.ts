/** UDP (RFC 768, RFC 1122 §4.1). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { about, Bench, PEER, STACK, pattern } from "../harness/bench.js";
import { be, icmp, udp } from "../harness/codec.js";

describe("RFC 768: UDP", () => {
  it("1122-UDP-1 checks and makes checksums, and takes a datagram without one", () => {
    const b = new Bench();
    const s = b.stack.udpOpen(53);
    b.frame(udp({ src: PEER, dst: STACK }, 999, 53, pattern(33)));
    assert.deepEqual(b.stack.udpReceive(s), { data: pattern(33), ip: PEER, port: 999 });
    b.frame(udp({ src: PEER, dst: STACK }, 999, 53, pattern(4), { withSum: false }));
    assert.equal(b.stack.udpReceive(s)!.data.length, 4);
    const bad = udp({ src: PEER, dst: STACK }, 999, 53, pattern(33));
    bad[50]! ^= 1;
    b.frame(bad);
    assert.equal(b.stack.udpReceive(s), null);
    b.stack.udpSend(s, PEER, 999, pattern(9));
    b.poll();
    const out = b.out.find((x) => x.kind === "udp")!;
    assert.deepEqual([out.sumOk, out.sport, out.dport, out.data], [true, 53, 999, pattern(9)]);
  });

  it("drops lengths that cannot be", () => {
    const b = new Bench();
    const s = b.stack.udpOpen(53);
    for (const length of [0, 7, 100, 65535]) {
      const f = udp({ src: PEER, dst: STACK }, 999, 53, pattern(20), { withSum: false });
      f.set(be(2, length), 38);
      b.frame(f);
    }
    assert.equal(b.stack.udpReceive(s), null);
    assert.equal(b.count("udpInErrors"), 4);
  });

  it("RFC 5927 §4: an error that quotes what a socket did not send is not believed", () => {
    const b = new Bench(), s = b.stack.udpOpen(53);
    b.stack.udpSend(s, PEER, 999, pattern(9));
    b.poll();
    const quoted = b.out.find((x) => x.kind === "udp")!.raw.slice(14, 14 + 28);
    // To another host, from another port, to another one.
    for (const [at, byte] of [[19, 3], [21, 54], [22, 0], [23, 0]] as const) {
      const forged = quoted.slice();
      forged[at] = byte;
      b.frame(icmp({ src: PEER, dst: STACK }, 3, 3, 0, forged));
      assert.equal(b.stack.udpReceive(s), null, `byte ${at}`);
    }
    b.frame(icmp({ src: PEER, dst: STACK }, 3, 3, 0, quoted));
    assert.equal(b.code(() => b.stack.udpReceive(s)), "REFUSED");
    // One that is opened on the port again has sent nothing.
    b.stack.udpClose(s);
    const t = b.stack.udpOpen(53);
    b.frame(icmp({ src: PEER, dst: STACK }, 3, 3, 0, quoted));
    assert.equal(b.stack.udpReceive(t), null);
  });

  it("tells a socket of a port unreachable, and bounds its ring", () => {
    const b = new Bench({ udpRing: 1024 });
    const s = b.stack.udpOpen(53);
    b.stack.udpSend(s, PEER, 999, pattern(9));
    b.poll();
    about(b, b.out.find((x) => x.kind === "udp")!, 3, 3);
    assert.equal(b.code(() => b.stack.udpReceive(s)), "REFUSED");
    for (let i = 0; i < 50; i++) b.frame(udp({ src: PEER, dst: STACK }, 999, 53, pattern(100)));
    assert.ok(b.count("udpRcvbufErrors") > 0);
    let n = 0;
    while (b.stack.udpReceive(s)) n++;
    assert.equal(n, Math.floor(1024 / 112));
  });
});
