/**
 * Configurations are inputs, too: what `init` takes works, in memory of just the size that it asked for; what does not
 * work it refuses.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CONFIG_FIELDS, POLICY, type ConfigField } from "../../host/config.js";
import { StintError } from "../../host/errors.js";
import { loadModule } from "../../host/module.js";
import { BLOCK_SIZE, CONFIG_SIZE } from "../../host/module/layout.js";
import { StackModule } from "../../host/stack.js";
import { Random } from "../../host/random.js";
import { Bench, SMALL, pattern } from "../harness/bench.js";
import { arp, icmp, ip4, ipv4, see } from "../harness/codec.js";
import { entropyOf } from "../harness/entropy.js";

type Numbers = Partial<Record<ConfigField, number>>;

const BASE = 0x10000, GUARD = 0x5a;
const IPS = [ip4("10.0.0.1"), ip4("10.0.0.2")] as const;
const MACS = [[2, 0, 10, 0, 0, 1], [2, 0, 10, 0, 0, 2]] as const;

/** A stack in an arena of just its size; all memory around it, but for the module's own data, is a guard. */
class Guarded extends StackModule {
  readonly #end: number;
  /** Where the memory ended at first: what is taken behind that is the library's own, for datagrams. */
  readonly #top: number;

  constructor(index: number, numbers: Numbers, size: number) {
    const policy = numbers.policy ?? 0;
    super(loadModule(), {
      ...numbers, policy: Object.fromEntries(Object.entries(POLICY).map(([name, bit]) => [name, (policy & bit) !== 0])),
      ip: `10.0.0.${index + 1}/24`, entropy: entropyOf(index + 1), arenaBase: BASE, arenaSize: size,
    } as never);
    this.#end = BASE + size;
    this.#top = this.exports.memory.buffer.byteLength;
    new Uint8Array(this.exports.memory.buffer).fill(GUARD, BASE - 4096, BASE).fill(GUARD, this.#end);
  }

  check(): void {
    const all = new Uint8Array(this.exports.memory.buffer);
    assert.ok(this.#top > this.#end, "there is something behind the arena");
    assert.ok(all.subarray(BASE - 4096, BASE).every((b) => b === GUARD), "a byte before the arena was written");
    assert.ok(all.subarray(this.#end, this.#top).every((b) => b === GUARD), "a byte behind the arena was written");
  }
}

/** Bytes of arena that a configuration takes; throws what `layoutSize` says. */
function sizeOf(numbers: Numbers): number {
  // Not enough of an arena, so the stack does not start; but what it would take is known.
  const probe = new WebAssembly.Instance(loadModule()).exports as unknown as StackModule["exports"];
  const block = probe.configBlock(), view = new DataView(probe.memory.buffer, block, BLOCK_SIZE);
  const all: Numbers = {
    ip: IPS[0], prefix: 24, macHigh: 0x02000a00, macLow: 1, gateway: 0, ...numbers,
    size: CONFIG_SIZE,
  };
  CONFIG_FIELDS.forEach((field, i) => view.setUint32(i * 4, all[field] ?? 0, true));
  const size = Number(probe.layoutSize(block));
  if (size < 0) throw new StintError(size, "layoutSize");
  return size;
}

/** Two stacks of one configuration on a wire without loss, in virtual time. */
class Pair {
  readonly stacks: [Guarded, Guarded];
  nowUs = 1_000_000;
  /** What came from a stack to nobody: answers to what `inject` put on the wire. */
  readonly answers: ReturnType<typeof see>[] = [];
  readonly #queues: [Uint8Array[], Uint8Array[]] = [[], []];

  /** `onTurn`: what is done before each turn. */
  constructor(readonly numbers: Numbers, readonly onTurn: (stacks: readonly StackModule[]) => void = () => {}) {
    const size = sizeOf(numbers);
    this.stacks = [new Guarded(0, numbers, size), new Guarded(1, numbers, size)];
  }

  inject(to: 0 | 1, frame: Uint8Array): void {
    this.#queues[to].push(frame);
  }

  /** Goes on until `done`, or nothing happens any more, or a quarter of an hour has passed. */
  run(done: () => boolean): boolean {
    const until = this.nowUs + 900e6;
    for (let idle = 0; this.nowUs < until;) {
      let wait = Infinity, moved = 0;
      this.onTurn(this.stacks);
      for (const i of [0, 1] as const) {
        const stack = this.stacks[i], queue = this.#queues[i];
        for (; queue.length > 0 && stack.pushFrame(queue[0]!); moved++) queue.shift();
        const next = stack.poll(this.nowUs);
        if (next >= 0) wait = Math.min(wait, next);
        moved += stack.drainFrames((f) => {
          const copy = f.slice();
          assert.ok(copy.length <= 14 + this.numbers.mtu!, `a frame of ${copy.length} bytes`);
          if (see(copy).kind === "icmp") this.answers.push(see(copy));
          this.#queues[1 - i]!.push(copy);
        });
        stack.drainEvents(() => { moved++; });
      }
      if (done()) return true;
      idle = moved === 0 && wait === 0 ? idle + 1 : 0;
      assert.ok(idle < 200, "poll asks to be called again at once, for ever");
      if (moved > 0) continue;
      if (wait === Infinity) return done();
      this.nowUs += Math.max(wait, 1);
    }
    return false;
  }

  /** `size` bytes from one socket to another, which may be of one stack. */
  move(from: [StackModule, number], to: [StackModule, number], size: number): void {
    const data = pattern(size), got: number[] = [];
    let sent = 0;
    assert.ok(this.run(() => {
      if (sent < size) sent += from[0].send(from[1], data.subarray(sent));
      for (let have = to[0].receivable(to[1]); have > 0; have = to[0].receivable(to[1]))
        got.push(...to[0].receive(to[1])!);
      return got.length >= size;
    }), `${got.length} of ${size} bytes arrived`);
    assert.deepEqual(Uint8Array.from(got), data);
  }
}

/** Opens a connection from one stack to another (or to itself), moves text both ways, closes it. */
function talk(p: Pair, client: StackModule, server: StackModule, ip: number, port: number): void {
  const listener = server.listen(port, 1), c = client.connect(ip, port);
  let s = 0;
  assert.ok(
    p.run(() => (s ||= server.accept(listener)) !== 0 && client.info(c).stateName === "ESTABLISHED"),
    "the connection opens",
  );
  p.move([client, c], [server, s], 700);
  p.move([server, s], [client, c], 700);
  client.shutdown(c);
  assert.ok(p.run(() => server.receivable(s) === 0), "the FIN arrives");
  server.close(s);
  assert.ok(p.run(() => client.receivable(c) === 0), "the other FIN arrives");
  client.close(c);
  server.close(listener);
  assert.ok(p.run(() => client.pools().connections + server.pools().connections === 0), "both ends end");
}

function conversation(numbers: Numbers, onTurn?: (stacks: readonly StackModule[]) => void): void {
  const p = new Pair(numbers, onTurn), [a, b] = p.stacks, n = numbers as Record<ConfigField, number>;
  talk(p, a, b, IPS[1], 7);
  // To ourselves: with two blocks, and slots for it.
  if (SMALL || n.loopSlots === 0) assert.throws(() => a.connect(IPS[0], 7), { code: "UNREACHABLE" });
  else if (n.connsMax >= 2) talk(p, a, a, IPS[0], 8);
  if (n.udpMax > 0) {
    const s = a.udpOpen(53), r = b.udpOpen(53), data = pattern(Math.min(n.mtu - 28, n.udpRing - 12));
    assert.throws(() => a.udpSend(s, IPS[1], 53, new Uint8Array(data.length + 1)), { code: "SIZE" });
    for (let i = 0; i < 3; i++) {
      a.udpSend(s, IPS[1], 53, data);
      let got: Uint8Array | undefined;
      assert.ok(p.run(() => (got = b.udpReceive(r)?.data) !== undefined), "the datagram arrives");
      assert.deepEqual(got, data);
    }
    if (SMALL || n.loopSlots === 0) assert.throws(() => a.udpSend(s, IPS[0], 53, data), { code: "UNREACHABLE" });
  }
  // The longest ping, whole and in pieces.
  const ping = icmp(
    { src: IPS[1], dst: IPS[0], srcMac: [...MACS[1]], dstMac: [...MACS[0]] }, 8, 0, 0x10001, pattern(n.mtu - 28),
  );
  p.inject(0, arp(1, { mac: [...MACS[1]], ip: IPS[1] }, { mac: [0, 0, 0, 0, 0, 0], ip: IPS[0] }));
  // A slot holds one answer at a time.
  let turns = 0;
  p.run(() => ++turns > 8);
  p.inject(0, ping);
  assert.ok(p.run(() => p.answers.some((s) => s.ip.src === IPS[0] && s.type === 0)), "the ping is answered");
  p.answers.length = 0;
  const payload = ping.slice(34), cut = (payload.length >> 4) << 3;
  for (const [from, to, frag] of [[cut, payload.length, cut >> 3], [0, cut, 0x2000]] as const) {
    p.inject(
      0,
      ipv4(
        { src: IPS[1], dst: IPS[0], proto: 1, id: 7, frag, srcMac: [...MACS[1]], dstMac: [...MACS[0]] },
        payload.slice(from, to),
      ),
    );
  }
  const whole = !SMALL && n.reassemblyMax > 0 && payload.length <= n.reassemblyBytes;
  assert.equal(
    p.run(() => p.answers.some((s) => s.ip.src === IPS[0] && s.type === 0)), whole,
    "the ping in fragments is answered if there is room for it",
  );
  a.check();
  b.check();
}

/** Of each number that has to do with sizes: the least, the greatest, and odd ones between. What is not named is 0. */
const VALUES: Partial<Record<ConfigField, readonly number[]>> = {
  mtu: [128, 129, 131, 296, 576, 1500, 9000, 65_535], connsMax: [1, 2, 3, 5], halfOpenMax: [1, 2, 7],
  timeWaitMax: [1, 2, 3], listenersMax: [1, 2, 255], sendRing: [64, 68, 100, 536, 1460, 4096, 65_536, 1 << 20],
  recvRing: [64, 68, 100, 536, 1460, 4096, 65_536, 1 << 20], rangesMax: [0, 1, 2, 16, 65_535], sendersMax: [0, 1, 2, 5],
  rxSlots: [1, 2, 64], txSlots: [1, 2, 64], loopSlots: [0, 2, 8], reassemblyMax: [0, 1, 2],
  reassemblyBytes: [0, 8, 64, 72, 576, 65_512], neighboursMax: [4, 8, 512], udpMax: [0, 1, 2],
  udpRing: [64, 68, 1000, 131_072], prefixBuckets: [0, 1, 16], fastOpenCookies: [0, 1, 255], appBytes: [0, 1, 1001],
  cookies: [0, 1, 2], windowScale: [255, 255, 0, 1, 6, 14], mss: [0, 0, 1, 48, 88, 536], initialWindow: [1, 2, 10, 127],
  rtoInitialMs: [1, 1000], rtoMinMs: [1, 300, 1000], rtoMaxMs: [1000, 60_000], userTimeoutMs: [300_000],
  synTimeoutMs: [180_000], delayedAckMs: [0, 1, 40, 499], timeWaitMs: [1, 1000, 60_000], finWait2Ms: [1000],
  synAckMs: [1, 1000], synAckRetries: [1, 5, 15], halfOpenMs: [63_000], challengeMax: [0, 1, 10], icmpRate: [0, 1, 100],
  neighbourMs: [1, 60_000], keepIdleS: [1, 7200], keepIntervalS: [1, 75], keepProbes: [2, 9], ttl: [1, 64, 255],
  pathMtuMin: [68, 128], synBurst: [1, 64], prefixBurst: [1, 16], cookieRate: [0, 1000], fastOpenMax: [0, 1, 16],
};

const POLICIES = Object.entries(POLICY)
  .filter(([name]) => name !== "group" && name !== "blackhole")
  .reduce((bits, [, bit]) => bits | bit, 0);

function draw(random: Random): Numbers {
  const numbers: Numbers = { policy: (random.below(1 << 13) * 8192 + random.below(8192)) & POLICIES };
  for (const [field, values] of Object.entries(VALUES)) {
    let value = values[random.below(values.length)]!;
    // Anything between, now and then.
    if ((field === "sendRing" || field === "recvRing" || field === "udpRing") && random.below(3) === 0)
      value = 64 + 4 * random.below(3000);
    if (field === "mtu" && random.below(3) === 0) value = 128 + random.below(2000);
    if (field === "reassemblyBytes" && random.below(3) === 0) value = 8 * random.below(300);
    numbers[field as ConfigField] = value;
  }
  return numbers;
}

describe("a configuration works, or is refused", () => {
  it("the least of everything", () => {
    const least = Object.fromEntries(
      Object.entries(VALUES).map(([field, values]) => [field, Math.min(...values)]),
    ) as Numbers;
    conversation({ ...least, rtoMaxMs: 60_000, policy: 0 });
    conversation({ ...least, rtoMaxMs: 60_000, policy: POLICIES });
    conversation({
      ...least, rtoMaxMs: 60_000, policy: POLICIES, udpMax: 1, loopSlots: 2, connsMax: 2, reassemblyMax: 1,
      reassemblyBytes: 8,
    });
  });

  it("MTU of 128 and a little more, with everything that a header can hold", () => {
    for (const mtu of [128, 129, 130, 131, 132, 140, 200]) {
      const most = Object.fromEntries(
        Object.entries(VALUES).map(([field, values]) => [field, values.at(-1)!]),
      ) as Numbers;
      conversation({
        ...most, mtu, mss: 0, windowScale: 255, pathMtuMin: 68, policy: POLICIES, cookies: 1, rangesMax: 64,
      });
    }
  });

  it("random ones", () => {
    const seed = Number(process.env["CONFIG_SEED"] ?? 20261126);
    const count = Number(process.env["CONFIGS"] ?? 60);
    const random = new Random(seed);
    let refused = 0;
    for (let i = 0; i < count; i++) {
      const numbers = draw(random);
      try {
        conversation(numbers);
      } catch (e) {
        if ((e as StintError).code === "CONFIG") {
          refused++;
          continue;
        }
        throw new Error(`configuration ${i} of CONFIG_SEED=${seed}: ${JSON.stringify(numbers)}`, { cause: e });
      }
    }
    assert.ok(refused < count * 0.9, `${refused} of ${count} were refused`);
  });

  it("numbers and policies that change between SYN and answer, and at any other moment", () => {
    const random = new Random(Number(process.env["CONFIG_SEED"] ?? 20261127)), fields = Object.keys(VALUES);
    const good = Object.fromEntries(
      Object.entries(VALUES).map(([field, values]) => [field, values.at(-1)!]),
    ) as Numbers;
    let tuned = 0;
    const change = (stacks: readonly StackModule[]): void => {
      if (random.below(3) !== 0) return;
      const field = (random.below(2) === 0 ? "policy" : fields[random.below(fields.length)]) as ConfigField;
      const numbers = draw(random);
      try {
        stacks[random.below(2)]!.tune({ [field]: numbers[field] });
        tuned++;
      } catch (e) {
        assert.equal((e as StintError).code, "ARGUMENT", `${field} ${numbers[field]}`);
      }
    };
    for (let i = 0; i < 30; i++) {
      const policy = draw(random).policy!;
      conversation({ ...good, mtu: 1500, mss: 0, windowScale: 255, policy, cookies: i % 2 }, change);
    }
    assert.ok(tuned > 150, `${tuned} changes were taken`);
  });

  it("RFC 7323 §2.2: a window scale that was offered cannot be changed any more", () => {
    const b = new Bench({ recvRing: 65_536, policy: { windowScaling: true } });
    assert.equal(b.code(() => b.stack.tune({ windowScale: 0 })), "ARGUMENT");
    assert.equal(b.stack.configured("windowScale"), 255);
  });

  it("what cannot work is refused", () => {
    const good = Object.fromEntries(
      Object.entries(VALUES).map(([field, values]) => [field, values.at(-1)!]),
    ) as Numbers;
    const ok: Numbers = { ...good, mtu: 1500, mss: 0, windowScale: 255, policy: 0, cookies: 0 };
    conversation(ok);
    for (const bad of [
      { mtu: 68 }, { mtu: 127 }, { reassemblyBytes: 65_528 }, { reassemblyBytes: 65_536 },
      { recvRing: 64, windowScale: 7 }, { recvRing: 16_380, windowScale: 14 }, { mss: 1461 }, { udpRing: 60 },
      { sendRing: 0 }, { recvRing: 1 << 30 }, { rangesMax: 65_536 }, { txSlots: 3 }, { rxSlots: 0 }, { loopSlots: 3 },
      { loopSlots: 1 }, { neighboursMax: 2 }, { prefixBuckets: 3 }, { prefixRate: 1, prefixBuckets: 0 },
      { rtoMaxMs: 999 },
    ] as Numbers[])
      assert.throws(() => new Guarded(0, { ...ok, ...bad }, 1 << 24), { code: "CONFIG" }, JSON.stringify(bad));
    if (SMALL) assert.throws(() => new Guarded(0, { ...ok, cookies: 2 }, 1 << 24), { code: "CONFIG" });
  });
});
