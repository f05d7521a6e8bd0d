/**
 * A simulation: a few stacks on a bad wire in virtual time, applications that open, write, read, pause, close and abort
 * by chance, and beside each byte stream a model of what it has to be. Everything follows from one seed.
 */
import assert from "node:assert/strict";
import { parseIp } from "../../host/address.js";
import type { StackOptions } from "../../host/config.js";
import { ERR, StintError } from "../../host/errors.js";
import { Wire, type InFlight } from "../../host/links/loopback.js";
import { loadModule } from "../../host/module.js";
import { Random } from "../../host/random.js";
import { EVENT, FLAG, StackModule, TIMER } from "../../host/stack.js";
import { icmp } from "../harness/codec.js";
import { icmp6, ip6 } from "../harness/codec6.js";
import { drawConfig } from "../harness/configs.js";
import { SLOW } from "../harness/module.js";

const PORT = 7000;
const POLICIES = [
  "timestamps", "sack", "windowScaling", "pushBursts", "noDelay", "rack", "tlp", "prr", "undo", "cubic", "hystart",
  "pacing", "bbr",
] as const;

/**
 * What worlds whose hosts are drawn from the whole space of configurations draw (harness/configs.ts): sizes, and what
 * bounds the pace.
 */
const DRAWN = [
  "mtu", "connsMax", "halfOpenMax", "timeWaitMax", "sendRing", "recvRing", "rangesMax", "sendersMax", "rxSlots",
  "txSlots", "loopSlots", "reassemblyMax", "reassemblyBytes", "neighboursMax", "udpMax", "udpRing", "prefixBuckets",
  "fastOpenCookies", "appBytes", "windowScale", "mss", "initialWindow", "delayedAckMs", "pathMtuMin", "fastOpenMax",
] as const;

/** One end of a connection as its application sees it. */
interface End {
  host: number;
  handle: number;
  /**
   * The stream that it writes, and how far it got; the stream that it reads is known once the peer's key has arrived.
   */
  key: number;
  toWrite: number;
  written: number;
  read: number;
  peerKey: number;
  /** It closed its sending side, saw the peer's end, or is gone. */
  finished: boolean;
  sawEnd: boolean;
  over: boolean;
  slow: boolean;
}

/** The byte at a place of a stream: anything misplaced, repeated or made up shows. */
function byteAt(key: number, at: number): number {
  let x = Math.imul(key ^ at, 0x9e3779b1);
  x ^= x >>> 15;
  return Math.imul(x, 0x85ebca6b) >>> 24;
}

/** What can be left out of a world. */
export const TROUBLES = [
  "loss", "duplicate", "reorder", "corrupt", "rate", "partition", "mtu", "pause", "clock",
] as const;
export type Trouble = (typeof TROUBLES)[number];

/** How a world is made, where it is not by its seed alone. */
export interface WorldOptions {
  module?: WebAssembly.Module;
  /** What is left out, to find out what a failure needs. */
  without?: ReadonlySet<Trouble>;
  /** Of which IP its connections are. */
  family?: 4 | 6;
}

/** The least that a link and a path of IPv6 carry (RFC 8200 §5). */
const LEAST_MTU6 = 1280;
/** How long hosts have for duplicate address detection (RFC 4862 §5.4) before anything happens, µs. */
const SETTLING_US = 5e6;
/** A host's address over IPv6. */
const address6 = (host: number): Uint8Array => ip6(`fd00::${(host + 1).toString(16)}`);

/**
 * Turns of loops that one poll may take: an event may touch every connection, every record and a full batch of frames.
 */
const FUEL = SLOW ? 0x7fffffff : 200_000;

/** Streams begin with their key: 4 bytes. */
const KEY = 4;

export class World {
  readonly random: Random;
  readonly wire: Wire;
  readonly stacks: StackModule[] = [];
  readonly ends: End[] = [];
  readonly notes: string[] = [];
  /** The most turns of loops that a poll took; 0 if the module does not count them. */
  fuelMax = 0;
  #listeners: number[] = [];
  #byHandle: Map<number, End>[] = [];
  /** Streams by key: their length, once closed in order; else as far as written. */
  #streams = new Map<number, { writer: End }>();
  #calm = false;
  /**
   * Worlds with SYN cookies: nobody aborts, gives up or loses all packets, since a cookie that is replayed after its
   * connection was dropped makes it anew, with its old numbers (docs/design/syn-cookies.md).
   */
  #gentle = false;

  /** Who opens fast (RFC 7413), by chances of their own; undefined: nobody does. */
  #fast: Random | undefined;

  /** The most bytes of a stream: what rings of a few bytes carry in a minute. */
  #longest = 300_000;

  /** The groups of a partitioned network, by host. */
  #groups: number[] = [];
  /** Largest packet that the path lets through; more is answered with "fragmentation needed" (RFC 1191). */
  #pathMtu = 65535;

  readonly without: ReadonlySet<Trouble>;
  readonly family: 4 | 6;

  constructor(readonly seed: number, { module = loadModule(), without = new Set(), family = 4 }: WorldOptions = {}) {
    this.without = without;
    this.family = family;
    const random = (this.random = new Random(seed));
    this.wire = new Wire(random.u32(), 1_000_000);
    const count = random.chance(0.85) ? 2 + random.below(3) : 5 + random.below(4);
    this.#gentle = random.chance(0.25);
    // A SYN that comes again when its connection is over makes another one: not where nothing may make a connection go
    // silent.
    const fast = new Random(seed ^ 0x7413);
    if (!this.#gentle && fast.chance(0.5)) this.#fast = fast;
    const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!;
    const drawn = new Random(seed ^ 0xc0f1), isDrawn = drawn.chance(0.4);
    for (let i = 0; i < count; i++) {
      const stack = this.#stack(module, isDrawn ? drawn : undefined, {
        ip: `10.0.0.${i + 1}/24`,
        entropy: random.bytes(32),
        connsMax: pick([1, 2, 8, 32]),
        halfOpenMax: pick([1, 4, 32]),
        timeWaitMax: pick([1, 2, 32]),
        sendRing: pick([1460, 2920, 8192, 65536]),
        recvRing: pick([1460, 2920, 8192, 65536, 262144]),
        rangesMax: pick([0, 2, 64, 1024]),
        sendersMax: pick([0, 1, 2, 32]),
        rxSlots: pick([1, 2, 16]),
        txSlots: pick([1, 2, 16]),
        mtu: this.#atLeast(pick([576, 1500, 1500])),
        cookies: this.#gentle ? 1 + random.below(2) : 0,
        rtoMinMs: pick([1, 200, 1000]),
        timeWaitMs: pick([1000, 60000]),
        delayedAckMs: pick([0, 40, 200]),
        // So that every connection ends within the simulation.
        userTimeoutMs: this.#gentle ? 1_000_000 : 60_000, synTimeoutMs: 30_000, finWait2Ms: 20_000,
        policy: Object.fromEntries(POLICIES.map((p) => [p, random.chance(p === "bbr" ? 0.3 : 0.7)])),
      });
      this.stacks.push(stack);
      this.#byHandle.push(new Map());
      this.#listeners.push(stack.listen(PORT, 1 + random.below(8)));
      if (this.#fast?.chance(0.8)) stack.setOption(this.#listeners[i]!, "fastOpen", true);
      this.wire.attach(stack, {
        delayUs: pick([10, 1000, 50_000]), rate: this.#if("rate", pick([0, 0, 1e6, 1e8])), queue: pick([5, 100]),
        loss: this.#if("loss", pick([0, 0.01, 0.1, 0.3])), duplicate: this.#if("duplicate", pick([0, 0.05])),
        reorder: this.#if("reorder", pick([0, 0.1, 0.3])), corrupt: this.#if("corrupt", pick([0, 0.02])),
        reorderUs: pick([1000, 60_000]),
      });
      const rate = pick([1, 1, 0.95, 1.05]);
      if (!without.has("clock")) this.wire.ports[i]!.clockRate = rate;
      this.#groups.push(0);
    }
    if (family === 6) this.#beginIp6();
    this.wire.onPolled = (port) => this.#work(port);
    this.wire.reaches = (from, to) => this.#groups[from] === this.#groups[to];
    this.wire.decide = (flight) => this.#passes(flight) ? undefined : "drop";
  }

  /** A size of packets, which IPv6 bounds from below. */
  #atLeast(mtu: number): number {
    return this.family === 6 ? Math.max(mtu, LEAST_MTU6) : mtu;
  }

  /** Every host gets an address, on a wire that does as it should: others would have to take theirs for taken. */
  #beginIp6(): void {
    for (const [i, stack] of this.stacks.entries()) {
      stack.poll(this.wire.nowUs);
      stack.ip6Start(this.random.bytes(16));
      stack.ip6Add(address6(i));
    }
    this.wire.decide = () => "deliver";
    this.wire.run(() => false, this.wire.nowUs + SETTLING_US);
    for (const stack of this.stacks) {
      const own = stack.ip6Addresses().filter((a) => a.ready && a.origin === "fixed");
      assert.equal(own.length, 1, "a host has its address");
    }
  }

  /** Another host's address as a number; of IPv6 a name, good for the next call. */
  #address(from: StackModule, host: number): number {
    return this.family === 6 ? from.ip6Name(address6(host)) : parseIp(`10.0.0.${host + 1}`);
  }

  /** A host: its configuration, as far as it is not drawn, again until the module takes it. */
  #stack(module: WebAssembly.Module, drawn: Random | undefined, options: StackOptions): StackModule {
    for (let i = 0; drawn && i < 100; i++) {
      const all = drawConfig(drawn);
      const some = Object.fromEntries(
        DRAWN.flatMap((field) => (all[field] === undefined ? [] : [[field, all[field]]])),
      );
      if (typeof some["mtu"] === "number") some["mtu"] = this.#atLeast(some["mtu"]);
      try {
        const stack = new StackModule(module, { ...options, ...some });
        this.#longest = Math.min(this.#longest, 64 * stack.configured("sendRing"), 64 * stack.configured("recvRing"));
        return stack;
      } catch (e) {
        if (!(e instanceof StintError)) throw e;
      }
    }
    return new StackModule(module, options);
  }

  #if(trouble: Trouble, value: number): number {
    return this.without.has(trouble) ? 0 : value;
  }

  /** The path's MTU (RFC 1191): what is too large is dropped, and its sender told, by a router between them. */
  #passes({ frame, from }: InFlight): boolean {
    if (this.family === 6) return this.#passes6(frame, from);
    if (frame[12] !== 8 || frame[13] !== 0) return true;
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length), size = view.getUint16(16);
    if (size <= this.#pathMtu) return true;
    const source = view.getUint32(26), stack = this.stacks[from]!, mac = [2, 0, 10, 0, 0, from + 1];
    stack.pushFrame(icmp(
      { src: view.getUint32(30), dst: source, dstMac: mac, srcMac: [...frame.subarray(0, 6)] }, 3, 4, this.#pathMtu,
      frame.subarray(14, 14 + 28),
    ));
    this.wire.ports[from]!.wakeUs = this.wire.nowUs;
    return false;
  }

  /** The same of IPv6 (RFC 8201); what finds neighbours is not routed, and small. */
  #passes6(frame: Uint8Array, from: number): boolean {
    if (frame[12] !== 0x86 || frame[13] !== 0xdd) return true;
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    if (40 + view.getUint16(18) <= this.#pathMtu) return true;
    const [source, destination] = [frame.slice(22, 38), frame.slice(38, 54)], mac = [2, 0, 10, 0, 0, from + 1];
    this.stacks[from]!.pushFrame(icmp6(
      { src: destination, dst: source, dstMac: mac, srcMac: [...frame.subarray(0, 6)] }, 2, 0, this.#pathMtu,
      frame.subarray(14, 14 + 40 + 8),
    ));
    this.wire.ports[from]!.wakeUs = this.wire.nowUs;
    return false;
  }

  /** Runs until all is over. Throws at the first thing that must not be. */
  run(seconds: number): void {
    const until = this.wire.nowUs + seconds * 1e6;
    while (this.wire.nowUs < until) {
      const step = this.random.below(2_000_000);
      this.wire.run(() => false, Math.min(until, this.wire.nowUs + step));
      this.#act();
    }
    // The network heals, the applications end what they have; everything has to come to its end.
    this.#calm = true;
    this.#groups.fill(0);
    this.#pathMtu = 65535;
    for (const p of this.wire.ports) p.pausedUntilUs = 0;
    for (const p of this.wire.ports) Object.assign(p.out, { loss: 0, corrupt: 0, reorder: 0, duplicate: 0, rate: 0 });
    for (const end of this.ends) if (!end.over) Object.assign(end, { slow: false, toWrite: end.written });
    for (let i = 0; i < 40; i++) {
      for (const [h] of this.stacks.entries()) this.wire.ports[h]!.wakeUs = this.wire.nowUs;
      this.wire.run(() => false, this.wire.nowUs + 10e6);
    }
    for (const end of this.ends)
      assert.ok(end.over, `a connection of host ${end.host} did not end: ${end.over ? "" : this.#infoOf(end)}`);
    this.wire.run(() => false, this.wire.nowUs + 200e6);
    for (const [h, stack] of this.stacks.entries()) {
      const o = stack.options;
      assert.deepEqual(
        stack.pools(),
        { connections: 0, halfOpenFree: o.halfOpenMax, timeWaitFree: o.timeWaitMax, rangesFree: o.rangesMax },
        `pools of host ${h}`,
      );
    }
  }

  #infoOf(end: End): string {
    try {
      const { stateName, timerKind, retries, sndSize, rcvSize, sndWnd, rcvWnd, lport, rport } = this.stacks[
        end.host
      ]!.info(end.handle);
      return JSON.stringify({ stateName, timerKind, retries, sndSize, rcvSize, sndWnd, rcvWnd, lport, rport, ...end });
    } catch {
      return "no info";
    }
  }

  /** A random deed of a random application. */
  #act(): void {
    const r = this.random, host = r.below(this.stacks.length), stack = this.stacks[host]!;
    switch (r.below(9)) {
      case 0:
      case 1:
      case 2: {
        const to = r.below(this.stacks.length);
        try {
          const handle = stack.connect(this.#address(stack, to), PORT);
          const end = this.#adopt(host, handle);
          if (this.#fast?.chance(0.7)) {
            stack.setOption(handle, "fastOpen", true);
            this.#use(end);
          }
        } catch (e) {
          // Without slots for it, a host does not reach itself.
          const may = to === host && stack.configured("loopSlots") === 0 ? ["UNREACHABLE"] : ["FULL", "IN_USE"];
          assert.ok(may.includes((e as { code: string }).code), String(e));
        }
        return;
      }
      case 3: {
        const open = this.ends.filter((e) => !e.over);
        const end = open[r.below(Math.max(open.length, 1))];
        if (end && !this.#gentle && r.chance(0.3)) this.#leave(end, "abort");
        else if (end) end.slow = !end.slow;
        return;
      }
      case 4: {
        const port = this.wire.ports[host]!;
        port.out.loss = this.#if("loss", !this.#gentle && r.chance(0.2) ? 1 : [0, 0.01, 0.1, 0.3][r.below(4)]!);
        return;
      }
      case 6:
        this.#trouble(host);
        return;
      case 5:
        for (const end of this.ends) if (!end.over && end.host === host) this.#use(end);
        return;
      default:
    }
  }

  /** Something that happens to a network, or to a host, as a whole. */
  #trouble(host: number): void {
    const r = this.random, port = this.wire.ports[host]!;
    const kind = r.below(5), a = r.u32(), b = r.below(4);
    // A world with cookies is spared what would make a connection go silent.
    if (this.#gentle && kind !== 2) return;
    switch (kind) {
      case 0:
        if (!this.without.has("partition")) this.#groups = this.#groups.map((_, i) => (a >>> i) & 1);
        return;
      case 1:
        this.#groups.fill(0);
        return;
      case 2:
        if (!this.without.has("mtu")) this.#pathMtu = this.#atLeast([65535, 1400, 1006, 600][b]!);
        return;
      case 3:
        if (!this.without.has("pause"))
          port.pausedUntilUs = this.wire.nowUs + [10_000, 500_000, 5_000_000, 20_000_000][b]!;
        return;
      default:
        // A host that slept finds its clock ahead; one whose clock was set back waits for it.
        if (!this.without.has("clock")) port.clockOffsetUs += [1_000_000, 30_000_000, 3_600_000_000, -2_000_000][b]!;
        port.wakeUs = this.wire.nowUs;
    }
  }

  #adopt(host: number, handle: number): End {
    const r = this.random;
    const end: End = {
      host, handle, key: r.u32(),
      toWrite: KEY + (r.chance(0.2) ? 0 : Math.min(this.#longest, r.below(r.chance(0.3) ? 300_000 : 5000))), written: 0,
      read: 0, peerKey: -1, finished: false, sawEnd: false, over: false, slow: !this.#calm && r.chance(0.2),
    };
    // A peer that is gone without a word is found out by keep-alive alone.
    const stack = this.stacks[host]!;
    if (!this.#gentle)
      for (const [option, value] of [
        ["keepIdleS", 10], ["keepIntervalS", 5], ["keepProbes", 4], ["keepAlive", 1],
      ] as const) {
        stack.setOption(handle, option, value);
      }
    this.ends.push(end);
    this.#streams.set(end.key, { writer: end });
    this.#byHandle[host]!.set(handle, end);
    return end;
  }

  /** What the applications of one host do after a poll. */
  #work(host: number): boolean {
    const stack = this.stacks[host]!;
    const fuel = (stack.exports as unknown as { fuel?: WebAssembly.Global }).fuel;
    if (fuel) {
      this.fuelMax = Math.max(this.fuelMax, 0x7fffffff - (fuel.value as number));
      assert.ok(
        0x7fffffff - (fuel.value as number) < FUEL,
        `a poll of host ${host} took ${0x7fffffff - (fuel.value as number)} turns of loops`,
      );
      fuel.value = 0x7fffffff;
    }
    let did = false;
    stack.drainEvents((handle, bits) => {
      if (bits & EVENT.ACCEPT) {
        for (let h = stack.accept(this.#listeners[host]!); h !== 0; h = stack.accept(this.#listeners[host]!)) {
          this.#use(this.#adopt(host, h));
          did = true;
        }
        return;
      }
      const end = this.#byHandle[host]!.get(handle);
      if (end && !end.over) {
        this.#use(end, (bits & EVENT.CLOSED) !== 0);
        did = true;
      }
    });
    for (const end of this.#byHandle[host]!.values()) {
      if (end.over) continue;
      this.#check(end);
      if (this.#calm && this.#use(end)) did = true;
    }
    return did;
  }

  /** Reads what there is, writes what there is room for, closes when done. Returns whether it did something. */
  #use(end: End, closed = false): boolean {
    const stack = this.stacks[end.host]!;
    let did = false;
    if (end.slow && !closed) return false;
    for (let n = stack.receivable(end.handle); n > 0; n = stack.receivable(end.handle)) {
      this.#took(end, stack.receive(end.handle, 1 + this.random.below(4000))!);
      did = true;
    }
    const left = stack.receivable(end.handle);
    if (left === 0 && !end.sawEnd) {
      end.sawEnd = true;
      const writer = this.#streams.get(end.peerKey)?.writer;
      // An end in order means that all was delivered that was written before the close.
      if (end.read > 0) assert.equal(end.read, writer!.written, "the stream ended early or late");
      if (writer) assert.ok(writer.finished, "an end that nobody sent");
      did = true;
    }
    if (left < 0 && left !== ERR.AGAIN) {
      this.#leave(end, "close");
      return true;
    }
    while (end.written < end.toWrite) {
      const room = stack.sendRoom(end.handle);
      if (room <= 0) break;
      const chunk = new Uint8Array(Math.min(room, end.toWrite - end.written, 1 + this.random.below(5000)));
      for (let i = 0; i < chunk.length; i++) chunk[i] = this.#byte(end.key, end.written + i);
      end.written += stack.send(end.handle, chunk);
      did = true;
    }
    if (end.written === end.toWrite && !end.finished) {
      try {
        stack.shutdown(end.handle);
        end.finished = true;
        did = true;
      } catch {
        this.#leave(end, "close");
        return true;
      }
    }
    if (end.finished && end.sawEnd) {
      this.#leave(end, "close");
      return true;
    }
    return did;
  }

  #byte(key: number, at: number): number {
    return at < KEY ? (key >>> (8 * at)) & 255 : byteAt(key, at);
  }

  /** Holds what was read against the stream that it must be. */
  #took(end: End, data: Uint8Array): void {
    assert.ok(!end.sawEnd, "data after the end");
    for (const byte of data) {
      if (end.read < KEY) {
        if (end.read === 0) end.peerKey = 0;
        end.peerKey = (end.peerKey | (byte << (8 * end.read))) >>> 0;
        if (end.read === KEY - 1)
          assert.ok(this.#streams.has(end.peerKey), `a stream that nobody wrote: ${end.peerKey.toString(16)}`);
      } else if (byte !== byteAt(end.peerKey, end.read)) {
        assert.fail(`byte ${end.read} of a stream is ${byte}, not ${byteAt(end.peerKey, end.read)}`);
      }
      end.read++;
    }
    const writer = this.#streams.get(end.peerKey)?.writer;
    if (writer) assert.ok(end.read <= writer.written, "more was read than was written");
  }

  #leave(end: End, how: "close" | "abort"): void {
    const stack = this.stacks[end.host]!;
    end.over = true;
    this.#byHandle[end.host]!.delete(end.handle);
    if (how === "close") stack.close(end.handle);
    else stack.abort(end.handle);
  }

  /** What holds of every TCB at any time (RFC 9293 §3.4). */
  #check(end: End): void {
    const t = this.stacks[end.host]!.info(end.handle);
    const le = (a: number, b: number): boolean => ((b - a) | 0) >= 0;
    assert.ok(le(t.sndUna, t.sndNxt), "SND.UNA ≤ SND.NXT");
    assert.ok(le(t.rcvNxt, t.rcvAdv), "RCV.NXT ≤ RCV.NXT + RCV.WND");
    assert.ok(t.sndSize <= t.sndRing && t.rcvSize <= t.rcvRing, "rings hold no more than their size");
    assert.ok(t.rcvWnd + t.rcvSize <= t.rcvRing + 1, "the window promises no more than there is room for");
    if (t.stateName === "CLOSED" || t.stateName === "TIME-WAIT") return;
    const synchronized = !["LISTEN", "SYN-SENT", "SYN-RECEIVED"].includes(t.stateName);
    const inFlight = (t.sndNxt - t.sndUna) >>> 0;
    if (synchronized) assert.ok(inFlight <= t.sndSize + 1, "no more in flight than the ring holds, and a FIN");
    // One whose SYN has to wait for a slot is on the list of those with work.
    if (inFlight > 0)
      assert.ok(
        t.timerKind !== TIMER.NONE || (t.flags & FLAG.work) !== 0,
        `a timer runs while something is in flight (${t.stateName})`,
      );
  }
}
