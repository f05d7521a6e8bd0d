/** The command for wasmtime (host/wasi) and the host that brings its frames (host/cli/wasmtime.ts). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Command } from "../harness/command.js";
import { arp, ip4, MAC_PEER, MAC_STACK, see, tcp, type Tcp } from "../harness/codec.js";

const STACK = ip4("10.0.0.1"), PEER = ip4("10.0.0.2"), BEAT = 2 ** 32 - 3;

interface Talk { echoed: string; ended: boolean }

/**
 * A client of echo says "one" at the beginning, and "two" after `ms`. Its host beats every two seconds for so long as
 * `beats` says, and again when it brings "two".
 */
function talk(ms: number, beats: (ms: number) => boolean): Talk {
  const seen: Talk = { echoed: "", ended: false };
  let seq = 0, next = 0;
  const send = (t: () => Tcp, later = 0): void =>
    command.frame(() => tcp({ src: PEER, dst: STACK }, { sport: 40000, dport: 7, win: 65535, ...t() }), later);
  const acknowledge = (): void => send(() => ({ flags: "A", seq, ack: next }));
  const say = (text: string, later = 0): void => send(() => {
    const t = { flags: "PA", seq, ack: next, data: Buffer.from(text) };
    seq += text.length;
    return t;
  }, later);
  const command = new Command(["up", "--ip", "10.0.0.1/24", "--echo", "7", "--no-ipv6"], (frame) => {
    const s = see(Uint8Array.from(frame));
    if (s.kind !== "tcp") return;
    if (/[FR]/.test(s.flags)) seen.ended = true;
    else if (s.flags.includes("S")) {
      [seq, next] = [1, (s.seq + 1) >>> 0];
      say("one");
    } else if (s.data.length > 0 && s.seq === next) {
      seen.echoed += Buffer.from(s.data).toString();
      next = (next + s.data.length) >>> 0;
      acknowledge();
    } else if (s.data.length === 0 && s.seq === next - 1) {
      // Keep-alive: a host that stands still brings no answer.
      if (beats(command.nowUs / 1000 - 1000)) acknowledge();
    }
  });
  const first = arp(1, { mac: MAC_PEER, ip: PEER }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }, MAC_STACK);
  command.frame(() => first);
  send(() => ({ flags: "S", seq: 0, opts: [2, 4, 5, 180] }), 1);
  for (let at = 0; at < ms; at += 2000) if (beats(at)) command.frame(() => BEAT, at);
  say("two", ms);
  command.run(ms + 1000);
  assert.equal(command.status, undefined, command.words);
  return seen;
}

describe("stint up --runtime wasmtime, and a host that is stopped", () => {
  it("ends nobody for being idle while its host stands still", () => {
    const seen = talk(100_000, (ms) => ms < 10_000);
    assert.deepEqual([seen.echoed, seen.ended], ["onetwo", false]);
  });

  it("ends who says nothing for a minute while its host goes on", () => {
    const seen = talk(100_000, () => true);
    assert.deepEqual([seen.echoed, seen.ended], ["one", true]);
  });

  it("goes on by itself with a host that never beats", () => {
    const seen = talk(100_000, () => false);
    assert.deepEqual([seen.echoed, seen.ended], ["one", true]);
  });
});
