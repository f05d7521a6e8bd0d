/** ICMP: errors that concern TCP (RFC 9293 §3.9.2.2, RFC 5927, RFC 1191), and ICMP itself (RFC 792, 1122 §3.2.2). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { loadModule } from "../../host/module.js";
import { StackModule } from "../../host/stack.js";
import { about, Bench, it4, PEER, PEER_PORT, SMALL, STACK, pattern } from "../harness/bench.js";
import { arp, be, BROADCAST, icmp, ip4, ipv4, MAC_PEER, see, udp, type Seen } from "../harness/codec.js";
import { entropyOf } from "../harness/entropy.js";

describe("RFC 9293 §3.9.2.2, RFC 5927: ICMP errors", () => {
  const sent = (): [Bench, Seen] => {
    const b = new Bench().accepted();
    b.write(100);
    return [b, b.next()];
  };

  it("MUST-54 SHLD-25 5927-1 belong to a connection by their quoted header, "
      + "and count only for what is in flight", () => {
    const [b, s] = sent();
    about(b, s, 3, 1);
    assert.ok(b.had("SOFT_ERROR"));
    assert.equal(b.info.softError, ERR.UNREACHABLE);
    const [c, r] = sent();
    for (const seq of [c.stackIsn - 5, c.stackIsn + 101, c.stackIsn + 70000])
      about(c, r, 3, 1, 0, (q) => q.set(be(4, seq >>> 0), 24));
    about(c, r, 3, 1, 0, (q) => q.set(be(2, 1), 22));
    assert.equal(c.info.softError, 0);
    assert.equal(c.count("OutOfWindowIcmps"), 4);
  });

  it("concern nothing in TIME-WAIT: what is quoted was acknowledged", () => {
    const b = new Bench().accepted();
    b.stack.close(b.handle);
    b.poll();
    const fin = b.next();
    b.send({ flags: "FA", seq: 1, ack: 2 });
    assert.equal(b.state, "TIME-WAIT");
    about(b, fin, 3, 3);
    assert.deepEqual([b.count("OutOfWindowIcmps"), b.state], [1, "TIME-WAIT"]);
  });

  it("MUST-56 soft errors end no connection, not even one that is opening", () => {
    for (const [type, code] of [[3, 0], [3, 1], [3, 5], [11, 0], [11, 1], [12, 0]] as const) {
      const [b, s] = sent();
      about(b, s, type, code);
      assert.equal(b.state, "ESTABLISHED");
      const c = new Bench();
      c.dport = 50000;
      c.handle = c.stack.connect(PEER, PEER_PORT, 50000);
      c.poll();
      about(c, c.next(), type, code);
      assert.equal(c.state, "SYN-SENT");
    }
  });

  it("MUST-47 SHLD-20 a soft error is what a time-out reports; events for them can be turned off", () => {
    const [b, s] = sent();
    b.stack.setOption(b.handle, "softErrors", 0);
    about(b, s, 3, 1);
    assert.ok(!b.had("SOFT_ERROR"));
    b.advance(400_000);
    assert.equal(b.info.error, ERR.UNREACHABLE);
  });

  it("SHLD-26 hard errors refuse a connection that is opening, and are soft later", () => {
    const c = new Bench();
    c.dport = 50000;
    c.handle = c.stack.connect(PEER, PEER_PORT, 50000);
    c.poll();
    about(c, c.next(), 3, 3);
    assert.equal(c.info.error, ERR.REFUSED);
    const [b, s] = sent();
    about(b, s, 3, 2);
    assert.equal(b.state, "ESTABLISHED");
  });

  it("MUST-55 a source quench changes nothing", () => {
    const [b, s] = sent();
    const before = b.info;
    about(b, s, 4, 0);
    assert.deepEqual(b.info, before);
  });

  it("1191-1 fragmentation needed lowers the path MTU, not below its floor, and resends at once; cwnd stays", () => {
    const b = new Bench().accepted();
    b.write(14600);
    const first = b.out[0]!;
    const cwnd = b.info.cwnd;
    b.clear();
    about(b, first, 3, 4, 1000);
    assert.equal(b.out[0]!.data.length, 960);
    assert.deepEqual([b.info.pathMtu, b.info.mss, b.info.cwnd], [1000, 960, cwnd]);
    about(b, first, 3, 4, 600);
    assert.equal(b.info.pathMtu, 1000, "the quoted packet is from before");
    const second = b.out.find((s) => s.data.length === 960)!;
    about(b, second, 3, 4, 1);
    assert.equal(b.info.pathMtu, 552);
    for (const mtu of [0, 68, 9000]) about(b, second, 3, 4, mtu);
    assert.equal(b.info.pathMtu, 552);
    const c = new Bench().accepted();
    c.write(3000);
    about(c, c.out[0]!, 3, 4, 0);
    assert.equal(c.info.pathMtu, 1492, "the next plateau for a router that names no MTU");
  });
});

describe("RFC 1122 §3.2.2: ICMP", () => {
  it("1122-ICMP-5 answers an echo with the same data", () => {
    const b = new Bench();
    for (const size of [0, 1, 56, 1471, 1472]) {
      b.frame(icmp({ src: PEER, dst: STACK }, 8, 0, 0x12345678, pattern(size)));
      const s = b.out.pop()!;
      assert.deepEqual([s.type, s.rest, s.sumOk, s.ip.src], [0, 0x12345678, true, STACK]);
      assert.deepEqual(s.data, pattern(size));
    }
    b.frame(icmp({ src: PEER, dst: 0x0a0000ff, dstMac: BROADCAST }, 8, 0, 1, pattern(4)));
    assert.deepEqual(b.out, []);
  });

  for (const name of ["stint", "stint.mcu"]) {
    it(`RFC 1122 §3.3.2: ${name}.wasm puts no fragments together; it counts them, and goes on`, () => {
      const stack = new StackModule(loadModule(name), {
        ip: "10.0.0.1/24", entropy: entropyOf(1), connsMax: 2, sendRing: 2048, recvRing: 2048,
      });
      const echo = icmp({ src: PEER, dst: STACK }, 8, 0, 0x12345678, pattern(1400)), whole = echo.slice(34);
      const part = (at: number, frag: number, size: number): Uint8Array =>
        ipv4({ src: PEER, dst: STACK, proto: 1, id: 7, frag }, whole.slice(at, at + size));
      const answers = (frames: Uint8Array[]): [heard: number, given: number] => {
        const before = stack.counters();
        for (const frame of frames) {
          assert.ok(stack.pushFrame(frame), "there is room");
          stack.poll(1_000_000);
          stack.drainFrames(() => {});
        }
        const after = stack.counters();
        return [after.icmpInMsgs - before.icmpInMsgs, after.ipReasmFails - before.ipReasmFails];
      };
      assert.deepEqual(answers([echo]), [1, 0], "one that is whole");
      assert.deepEqual(answers([part(0, 0x2000, 800), part(800, 100, 1000)]), [0, 2], "in order");
      assert.deepEqual(answers([part(800, 100, 1000), part(0, 0x2000, 800)]), [0, 2], "out of order");
    });

    it(`RFC 1071: ${name}.wasm sums messages of every size, and finds a wrong bit anywhere`, () => {
      const stack = new StackModule(loadModule(name), {
        ip: "10.0.0.1/24", entropy: entropyOf(1), connsMax: 2, sendRing: 2048, recvRing: 2048,
      });
      let now = 0;
      const answered = (frame: Uint8Array): Seen | undefined => {
        let answer: Seen | undefined;
        assert.ok(stack.pushFrame(frame), "there is room");
        stack.poll(now += 10_000);
        stack.drainFrames((f) => void (answer = see(f.slice())));
        return answer;
      };
      answered(arp(1, { mac: MAC_PEER, ip: PEER }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
      for (let size = 0; size < 300; size++) {
        const frame = icmp({ src: PEER, dst: STACK }, 8, 0, 0x12345678, pattern(size)), answer = answered(frame);
        assert.deepEqual([answer?.type, answer?.sumOk, answer?.data], [0, true, pattern(size)], `${size} bytes`);
        frame[34 + (size * 7) % (8 + size)]! ^= 1 << size % 8;
        assert.equal(answered(frame), undefined, `${size} bytes, one of them wrong`);
      }
    });
  }

  if (!SMALL) it("RFC 1122 §3.2.2.6: one that came in fragments goes back in fragments, "
      + "up to the largest datagram", () => {
    const b = new Bench({ rxSlots: 64 });
    for (const size of [1473, 3000, 65_507]) {
      const data = pattern(size), whole = icmp({ src: PEER, dst: STACK }, 8, 0, 0x12345678, data).slice(34);
      for (let at = 0; at < whole.length; at += 1480) {
        const part = whole.slice(at, at + 1480);
        b.frame(ipv4(
          {
            src: PEER, dst: STACK, proto: 1, id: size, frag: (at / 8) | (at + part.length < whole.length ? 0x2000 : 0),
          },
          part,
        ));
      }
      const parts = b.out.splice(0).filter((s) => s.ip.proto === 1), reply = new Uint8Array(whole.length);
      assert.equal(parts.length, Math.ceil(whole.length / 1480));
      assert.equal(new Set(parts.map((s) => s.ip.id)).size, 1);
      for (const s of parts) {
        assert.ok(s.raw.length <= 1514 && s.ip.sumOk && (s.ip.frag & 0x4000) === 0);
        reply.set(s.raw.slice(34), (s.ip.frag & 0x1fff) * 8);
      }
      assert.deepEqual(parts.map((s) => (s.ip.frag & 0x2000) !== 0), parts.map((_, i) => i < parts.length - 1));
      const want = icmp({ src: STACK, dst: PEER }, 0, 0, 0x12345678, data).slice(34);
      assert.deepEqual(reply, want);
    }
    assert.equal(b.count("icmpOutEchoReps"), 3);
  });

  if (!SMALL) it("RFC 1122 §3.2.2.6: a reply for which there are too few slots is not begun", () => {
    const b = new Bench({ rxSlots: 64, txSlots: 2 });
    const whole = icmp({ src: PEER, dst: STACK }, 8, 0, 1, pattern(4000)).slice(34);
    for (let at = 0; at < whole.length; at += 1480) {
      const part = whole.slice(at, at + 1480);
      b.frame(ipv4(
        { src: PEER, dst: STACK, proto: 1, id: 9, frag: (at / 8) | (at + part.length < whole.length ? 0x2000 : 0) },
        part,
      ));
    }
    assert.deepEqual([b.out, b.count("ipOutDiscards"), b.count("icmpOutEchoReps")], [[], 1, 0]);
  });

  it("RFC 792, RFC 768, RFC 791: what has any one bit wrong under its checksum is dropped, without an answer", () => {
    const b = new Bench().accepted(), socket = b.stack.udpOpen(53), from = { src: PEER, dst: STACK };
    b.write(1000);
    const flight = b.next(), quoted = flight.raw.slice(14, 42);
    const messages: [string, Uint8Array][] = [
      ["an IP header", icmp(from, 8, 0, 7, pattern(5))], ["an echo", icmp(from, 8, 0, 0x12345678, pattern(9))],
      ["an error", icmp({ src: ip4("10.0.0.254"), dst: STACK }, 3, 4, 600, quoted)],
      ["a datagram", udp(from, 999, 53, pattern(9))],
    ];
    for (const [what, good] of messages) {
      const [first, last] = what === "an IP header" ? [14, 34] : [34, good.length];
      for (let bit = first * 8; bit < last * 8; bit++) {
        const bad = good.slice();
        bad[bit >> 3]! ^= 1 << (bit & 7);
        // Zeros say that a datagram has no checksum.
        if (what === "a datagram" && (bad[40]! | bad[41]!) === 0) continue;
        b.clear().frame(bad);
        assert.deepEqual(b.out.map((s) => s.kind), [], `${what}, bit ${bit}`);
        assert.equal(b.info.mss, 1460, `${what}, bit ${bit}`);
        assert.equal(b.stack.udpReceive(socket), null, `${what}, bit ${bit}`);
      }
    }
    for (const [, good] of messages.slice(1)) b.frame(good);
    assert.deepEqual([b.out[0]!.type, b.stack.udpReceive(socket)!.data.length, b.info.mss < 1460], [0, 9, true]);
  });

  it("1122-ICMP-3 drops types that it does not know", () => {
    const b = new Bench();
    for (const type of [1, 13, 15, 17, 40, 128, 255])
      b.frame(icmp({ src: PEER, dst: STACK }, type, 0, 0, pattern(40)));
    assert.deepEqual(b.out, []);
  });

  it4("1122-ICMP-6 a redirect, which anybody can forge, is counted, and the gateway stays the way", () => {
    const far = ip4("198.51.100.7"), b = new Bench({ gateway: "10.0.0.2" });
    b.others = [PEER];
    const s = b.stack.udpOpen(5000), send = (): number[][] => {
      b.stack.udpSend(s, far, 53, pattern(20));
      b.poll();
      return b.out.splice(0).filter((x) => x.kind === "udp").map((x) => x.dstMac);
    };
    b.stack.udpSend(s, far, 53, pattern(20));
    b.poll();
    const quoted = b.out.splice(0).find((x) => x.kind === "udp")!.raw.slice(14, 14 + 28);
    for (const code of [0, 1, 2, 3])
      b.frame(icmp({ src: PEER, dst: STACK }, 5, code, ip4("10.0.0.9"), quoted));
    assert.deepEqual([send(), b.count("icmpInIgnored")], [[MAC_PEER], 4]);
  });

  it("1122-ICMP-4 1122-ICMP-2 says that a port or a protocol is unreachable, quoting what came", () => {
    const b = new Bench();
    const f = udp({ src: PEER, dst: STACK }, 1000, 2000, pattern(20));
    b.frame(f);
    const s = b.out.pop()!;
    assert.deepEqual([s.type, s.code, s.sumOk], [3, 3, true]);
    assert.deepEqual(s.data, f.slice(14, 14 + 28));
    b.frame(ipv4({ src: PEER, dst: STACK, proto: 99 }, pattern(20)));
    assert.deepEqual([b.out[0]!.type, b.out[0]!.code], [3, 2]);
  });

  it("1122-ICMP-1 sends no error about an error, a broadcast or a later fragment", () => {
    const b = new Bench();
    b.frame(udp({ src: PEER, dst: 0x0a0000ff, dstMac: BROADCAST }, 1, 2, pattern(4)));
    b.frame(ipv4({ src: PEER, dst: STACK, proto: 99, frag: 0x0001 }, pattern(16)));
    b.frame(icmp({ src: PEER, dst: STACK }, 3, 3, 0, pattern(5)));
    assert.deepEqual(b.out, []);
  });

  it("limits its errors", () => {
    const b = new Bench({ icmpRate: 10 });
    for (let i = 0; i < 200; i++) b.frame(udp({ src: PEER, dst: STACK }, 1000, 2000 + i, pattern(4)));
    assert.ok(b.out.length >= 6 && b.out.length <= 10, `${b.out.length} errors`);
    b.clear().advance(1100);
    b.frame(udp({ src: PEER, dst: STACK }, 1000, 2000, pattern(4)));
    assert.equal(b.out.length, 1);
  });
});
