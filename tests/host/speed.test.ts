/**
 * What is there for speed alone changes nothing: the module as it ships, and the same compiled without header
 * prediction, trains and sums while copying (STINT_NO_SPEED), are given the same frames, calls and times, and must send
 * the same bytes, tell the same events and count the same.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parseIp } from "../../host/address.js";
import type { StackOptions } from "../../host/config.js";
import { loadModule } from "../../host/module.js";
import { Random } from "../../host/random.js";
import { rest } from "../../host/rest.js";
import { FLAG, StackModule } from "../../host/stack.js";
import { compile, FAST } from "../../tools/wasm.mjs";
import { entropyOf } from "../harness/entropy.js";

const TIMESTAMPS = FLAG.timestamps;
const WORLDS = 400, STEPS = 250, PORT = 7, MIN = 80;
/** The peer's host, and that of the twins. */
const PEER = 1, TWINS = 2;

/** Both builds, as one. */
class Twins {
  readonly both: [StackModule, StackModule];

  constructor(plain: WebAssembly.Module, options: StackOptions) {
    this.both = [
      new StackModule(loadModule("stint.simd"), { ...options, entropy: entropyOf(9) }),
      new StackModule(plain, { ...options, entropy: entropyOf(9) }),
    ];
  }

  /** What both return; it must be the same. */
  same<T>(what: string, f: (s: StackModule) => T): T {
    const call = (s: StackModule): unknown => {
      try {
        return f(s);
      } catch (e) {
        return String(e);
      }
    };
    const [fast, plain] = this.both.map(call);
    assert.deepEqual(fast, plain, what);
    return fast as T;
  }

  poll(nowUs: number): { frames: Uint8Array[]; events: [number, number][] } {
    return this.same("poll", (s) => {
      const frames: Uint8Array[] = [], events: [number, number][] = [], wait = s.poll(nowUs);
      s.drainFrames((f) => frames.push(f.slice()));
      s.drainEvents((handle, bits) => events.push([handle, bits]));
      return { frames, events, wait };
    });
  }
}

/** A frame as the link delivers it: as it is, or with a bit wrong. */
function damaged(random: Random, frame: Uint8Array): Uint8Array {
  const out = frame.slice();
  out[random.below(out.length)]! ^= 1 << random.below(8);
  return out;
}

/** What a host of a world has: rings, slots and policies, by chance. */
function optionsOf(host: number, random: Random): StackOptions {
  const coin = (n: number): boolean => random.below(n) === 0;
  const one = (of: number[]): number => of[random.below(of.length)]!;
  return {
    ip: `10.0.0.${host}/24`, mac: `02:00:00:00:00:0${host}`, connsMax: 4, sendRing: one([2048, 5000, 65536, 20_000]),
    recvRing: one([2048, 5000, 65536, 20_000]), rxSlots: 64, txSlots: one([4, 64]), sendersMax: random.below(3),
    rangesMax: one([16, 256]), mtu: coin(4) ? 1280 : 1500,
    policy: {
      timestamps: coin(2), sack: !coin(4), noDelay: coin(2), pushBursts: coin(2), ecn: coin(3), ecnOffer: coin(3),
      pacing: coin(6), cubic: coin(2), announce: false,
    },
  };
}

/** What the peer's application does in a step: it sends, it reads, and at the end it closes. */
function peerDeeds(peer: StackModule, handles: number[], data: Uint8Array, end: boolean, random: Random): void {
  for (const h of handles) {
    try {
      if (random.below(3) === 0) peer.send(h, data);
      if (random.below(4) !== 0) while (peer.receivable(h) > 0) peer.receive(h, 1 + random.below(9000));
      if (end) peer.shutdown(h);
    } catch { /* it is not there yet, or over */ }
  }
}

type Family = 4 | 6;

/** What a stack calls a host; and that it is one, which takes it until `LIVES_US`. */
const LIVES_US = 3_000_000;
const bytes6 = (host: number): Uint8Array => Uint8Array.from([0xfd, ...new Array<number>(14).fill(0), host]);
const address = (s: StackModule, host: number, family: Family): number =>
  family === 4 ? parseIp(`10.0.0.${host}`) : s.ip6Name(bytes6(host));

/** IPv6 begins: all that is sent, and all that is heard, passes between the three alone. */
function begin6(s: StackModule, host: number): void {
  s.poll(0);
  s.ip6Start(new Uint8Array(16).fill(7));
  s.ip6Add(bytes6(host), 64);
  for (let us = 0; us < LIVES_US; us += 50_000) {
    s.poll(us);
    s.drainFrames(() => {});
  }
  s.drainEvents(() => {});
}

function world(plain: WebAssembly.Module, seed: number, family: Family): number {
  const random = new Random(seed), coin = (n: number): boolean => random.below(n) === 0;
  const twins = new Twins(plain, optionsOf(TWINS, random));
  const peer = new StackModule(loadModule("stint.simd"), optionsOf(PEER, random));
  const wires: { at: number; frame: Uint8Array; to: "peer" | "us" }[] = [];
  let now = 1_000_000, texts = 0;
  if (family === 6) {
    begin6(peer, PEER);
    for (const s of twins.both) begin6(s, TWINS);
    now += LIVES_US;
  }
  const loss = [0, 0, 20, 8][random.below(4)]!, late = [0, 0, 10][random.below(3)]!, wrong = [0, 30][random.below(2)]!;
  const carry = (frame: Uint8Array, to: "peer" | "us"): void => {
    if (loss && coin(loss)) return;
    wires.push({
      at: now + 500 + (late && coin(late) ? random.below(40_000) : 0),
      frame: wrong && coin(wrong) ? damaged(random, frame) : frame, to,
    });
    if (loss && coin(30)) wires.push({ at: now + 900, frame, to });
  };
  const listener = twins.same("listen", (s) => s.listen(PORT));
  const there = peer.listen(PORT), handles: number[] = [], peers: number[] = [];
  peers.push(peer.connect(address(peer, TWINS, family), PORT));
  handles.push(twins.same("connect", (s) => s.connect(address(s, PEER, family), PORT)));
  for (let step = 0; step < STEPS; step++) {
    for (let i = 0; i < wires.length;) {
      const w = wires[i]!;
      if (w.at > now) {
        i++;
        continue;
      }
      wires.splice(i, 1);
      if (w.to === "peer") peer.pushFrame(w.frame);
      else {
        if (w.frame.length > MIN) texts++;
        twins.same("push", (s) => s.pushFrame(w.frame));
      }
      if (coin(3)) for (const f of twins.poll(now).frames) carry(f, "peer");
    }
    for (const f of twins.poll(now).frames) carry(f, "peer");
    rest(() => peer.poll(now), () => void peer.drainFrames((f) => carry(f.slice(), "us")));
    peer.drainEvents(() => {});
    for (let h = peer.accept(there); h !== 0; h = peer.accept(there)) peers.push(h);
    for (let h; typeof (h = twins.same("accept", (s) => s.accept(listener))) === "number" && h !== 0;) handles.push(h);
    const data = random.bytes([1, 7, 500, 1448, 3000, 9000][random.below(6)]!), end = coin(150);
    peerDeeds(peer, peers, data, end, random);
    for (const h of handles) {
      if (coin(3)) twins.same("send", (s) => s.send(h, data));
      const take = 1 + random.below(9000);
      if (!coin(4))
        twins.same("receive", (s) =>
          s.receivable(h) > 0 ? Buffer.from(s.receive(h, take) ?? []).toString("hex") : s.receivable(h),
        );
      if (coin(300)) twins.same("urgent", (s) => s.exports.tcp_urgent(h));
      if (end && coin(2)) twins.same("shutdown", (s) => s.exports.tcp_shutdown(h));
    }
    now += [100, 500, 1000, 5000, 50_000][random.below(5)]! + (coin(60) ? 1_500_000 : 0);
  }
  twins.same("counters", (s) => s.counters());
  // Without timestamps TS.Recent is whatever some other segment had: nobody reads it.
  for (const h of handles)
    twins.same("info", (s) => ({
      ...s.info(h), tsRecent: (s.info(h).flags & TIMESTAMPS) !== 0 ? s.info(h).tsRecent : 0,
    }));
  return texts;
}

describe("speed", () => {
  const dir = mkdtempSync(join(tmpdir(), "stint-speed-"));
  let plain: WebAssembly.Module;
  before(() => {
    plain = new WebAssembly.Module(readFileSync(
      compile("assembly/whole.ts", "stint.simd", join(dir, "plain.wasm"), FAST, { without: ["STINT_NO_SPEED"] }),
    ));
  });
  after(() => rmSync(dir, { recursive: true }));
  for (const family of [4, 6] as const) {
    it(`changes nothing that can be seen over IPv${family}: ${WORLDS} worlds with loss, reordering, damage, `
        + "timestamps, ECN, pacing, small rings and slots", () => {
      let texts = 0;
      for (let seed = 1; seed <= WORLDS; seed++) {
        try {
          texts += world(plain, seed, family);
        } catch (e) {
          throw new Error(`seed ${seed}: ${(e as Error).message}`, { cause: e });
        }
      }
      assert.ok(texts > 5000, `${texts} segments with text`);
    });
  }
});
