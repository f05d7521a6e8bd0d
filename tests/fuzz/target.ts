/**
 * A stack to be fuzzed: scenes to start from (snapshots of its memory), inputs that are read as frames and calls, and what must hold after
 * each of them. An input is a string of bytes, out of which every choice is made, so that any string is one, and mutating it mutates choices.
 */
import { COUNTERS } from "../../host/counters.js";
import { FLAG, STATES, TCP_INFO, TCP_INFO_SIZE } from "../../host/module/layout.js";
import { StackModule, type Exports } from "../../host/stack.js";
import { POLICY, type StackOptions } from "../../host/config.js";
import { ERR, StintError } from "../../host/errors.js";
import { Random } from "../../host/random.js";
import { arp, be, ip4, MAC_PEER, MAC_STACK, opt, tcp, type Tcp } from "../harness/codec.js";
import { drawConfig, exactly, Guards, GUARD } from "../harness/configs.js";
import { entropyOf } from "../harness/entropy.js";
import { OWNED, SLOW } from "../harness/module.js";
import { type Ledger, type Field, type Look, type Made } from "./bites.js";
import { NOTES, type Instrumented } from "./instrument.js";
import { piece, quickEcho, quickFragment, quickIcmp, quickTcp, quickUdp, repair, sum, sumAddresses } from "./quick.js";

const STACK = ip4("10.0.0.1"), PEER = ip4("10.0.0.2"), OTHER = ip4("198.51.100.7");
const LISTENING = 8080, UDP_PORT = 5353;
/** What one poll may burn: turns of loops. The most that was seen is in docs/testing/fuzz.md. */
const FUEL = SLOW ? 2_000_000 : 20_000;
const OPS_MAX = 48;
/** The most that an arena may take: a run begins with a copy of it. */
const ARENA_MAX = OWNED ? 900_000 : 300_000;
const TIMESTAMPS = FLAG.timestamps, SACK = FLAG.sack;
const SYN_SENT = STATES.indexOf("SYN-SENT"), SYN_RECEIVED = STATES.indexOf("SYN-RECEIVED");

/** The configuration that most runs have: small tables, so that they are full at times. */
const FIXED: StackOptions = {
  ip: "10.0.0.1/24", gateway: "10.0.0.2", entropy: entropyOf(7), connsMax: 4, halfOpenMax: 3, timeWaitMax: 2, listenersMax: 2,
  sendRing: 4096, recvRing: 4096, rangesMax: 12, rxSlots: 4, txSlots: 4, loopSlots: 2, reassemblyMax: 2, reassemblyBytes: 2048, neighboursMax: 4,
  udpMax: 2, udpRing: 1024, prefixBuckets: 4, cookieRate: 1000, rtoMinMs: 200, userTimeoutMs: 20_000, timeWaitMs: 2000, keepIdleS: 5, keepIntervalS: 1, keepProbes: 2,
  firstByteMs: 30_000,
};

/** The configuration number `n`: 0 is FIXED, each other one is drawn from the whole space, again until the module takes it. */
function configuration(plain: WebAssembly.Module, n: number): StackOptions {
  if (n === 0) return exactly(plain, FIXED);
  const r = new Random(n);
  for (let i = 0; i < 200; i++) {
    try {
      const options = exactly(plain, { ...FIXED, ...drawConfig(r) });
      if (options.arenaSize! <= ARENA_MAX) return options;
    } catch (e) {
      if (!(e instanceof StintError)) throw e;
    }
  }
  throw new Error("no configuration is taken");
}

/** What went wrong, in words. */
export class Broken extends Error {}

interface Scene {
  name: string;
  memory: Uint8Array;
  nowUs: number;
  /** The connection under attack, its ports and the last sequence numbers of the peer. */
  handle: number;
  listener: number;
  udp: number;
  sport: number;
  dport: number;
  /** The peer's last SYN, the stack's last SYN-ACK, and its timestamp: what a half-open connection, or a cookie, is completed with. */
  synSeq: number;
  synAck: number;
  synAckTs: number;
}

/** Reads choices out of an input; beyond its end everything is 0. */
class Choices {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}
  get left(): boolean {
    return this.at < this.bytes.length;
  }
  u8(): number {
    return this.bytes[this.at++] ?? 0;
  }
  u16(): number {
    return this.u8() << 8 | this.u8();
  }
  u32(): number {
    return (this.u16() << 16 | this.u16()) >>> 0;
  }
  below(n: number): number {
    return this.u8() % n;
  }
}

export class Target {
  readonly stack: StackModule;
  readonly exports: Exports;
  readonly scenes: Scene[] = [];
  readonly notes: Uint8Array;
  #u8: Uint8Array;
  #u32: Uint32Array;
  #view: DataView;
  /** The memory up to where the stack's ends. */
  #end: number;
  #nowUs = 1_000_000;
  #handle = 0;
  #listener = 0;
  #udp = 0;
  #sport = 40000;
  #dport = LISTENING;
  #synSeq = 1000;
  #synAck = 0;
  #synAckTs = 0;
  #guards: Guards;
  #made: Made = { kind: "", flags: "", size: 0 };
  /** What is counted of each frame that had a poll of its own, if anybody wants to know. */
  ledger: Ledger | undefined;
  /** Which counters ever moved in a run. */
  readonly moved = new Uint8Array(COUNTERS.length);
  /** Scenes that this configuration does not allow. */
  readonly missing: string[] = [];
  /** The stack's Fast Open cookie for the peer. */
  #cookie: number[] = [];
  #scratch: number;
  frames = 0;
  polls = 0;
  fuelMax = 0;
  /** What was sent, while the scenes are made. */
  #sent: Uint8Array[] = [];
  #recording = true;

  /** `config`: the number of a configuration, see `configuration`. */
  constructor(built: Instrumented, readonly config = 0) {
    const options = configuration(built.module, config);
    this.stack = new StackModule(built.module, options);
    this.exports = this.stack.exports;
    this.#u8 = new Uint8Array(this.exports.memory.buffer);
    this.#u32 = new Uint32Array(this.exports.memory.buffer);
    this.#view = new DataView(this.exports.memory.buffer);
    this.notes = this.#u8.subarray(NOTES, NOTES + ((built.notes + 7) & ~7));
    this.#scratch = this.exports.configBlock();
    this.#end = options.arenaBase! + options.arenaSize!;
    if (this.#end + GUARD > NOTES) throw new Error("the stack's memory reaches into the notes");
    this.#guards = new Guards(this.#u8, options.arenaSize!);
    this.#makeScenes();
    this.#recording = false;
  }

  /** Where the bytes behind the arena begin that nobody may touch. */
  get guardAt(): number {
    return this.#end;
  }

  // Scenes: real exchanges up to a point.

  #makeScenes(): void {
    this.#poll();
    this.#push(arp(1, { mac: MAC_PEER, ip: PEER }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
    this.#poll();
    this.#listener = this.stack.listen(LISTENING, 3);
    this.#maybe("a UDP socket", () => (this.#udp = this.stack.udpOpen(UDP_PORT)));
    this.#save("LISTEN");
    const fresh = this.#snapshot("");
    const options = [...opt.mss(1460), ...opt.sackOk(), ...opt.ts(1000, 0), ...opt.nop(), ...opt.ws(4)];
    this.#maybe("with all options", () => this.#makeStates(fresh, "with all options", options));
    this.#maybe("without options", () => this.#makeStates(fresh, "without options", []));
    this.#maybe("recoveries", () => this.#makeRecoveries(fresh));
    this.#maybe("fast opens", () => this.#makeFastOpens(fresh));
    this.#maybe("congestion marks", () => this.#makeMarked(fresh));
    this.#maybe("limits", () => this.#makeLimits(fresh));
    this.#maybe("active opens", () => {
      this.restore(fresh);
      this.#handle = this.stack.connect(PEER, 40000, 50000);
      this.#dport = 50000;
      this.#poll();
      this.#save("SYN-SENT");
      this.#send({ flags: "S", seq: 77 });
      this.#save("simultaneous open");
    });
    this.#maybe("self", () => {
      // A connection of the stack with itself, which goes through the loop slots.
      this.restore(fresh);
      this.#handle = this.stack.connect(STACK, LISTENING);
      this.#poll();
      this.stack.send(this.#handle, new Uint8Array(3000));
      this.#poll();
      this.#save("connected to itself");
    });
    this.restore(fresh);
    for (let i = 0; i < 8; i++) {
      this.#sport = 41000 + i;
      this.#send({ flags: "S", seq: 5000, opts: i < 4 ? [] : [...options] });
      if (i === 3) this.#save("flooded without options");
    }
    this.#save("flooded");
  }

  /** Scenes that a configuration may not allow: tables that are too small, policies that are off. The fixed one allows them all. */
  #maybe(what: string, make: () => void): void {
    try {
      make();
    } catch (e) {
      if (this.config === 0 || e instanceof Broken || e instanceof WebAssembly.RuntimeError) throw e;
      this.missing.push(what);
    }
  }

  #makeStates(fresh: Scene, name: string, opts: number[]): void {
    this.restore(fresh);
    this.#send({ flags: "S", seq: 1000, opts: [...opts] });
    this.#save(`SYN-RECEIVED ${name}`);
    const synAck = this.#lastTcp(), tsVal = this.#lastTsVal();
    this.#send({ flags: "A", seq: 1001, ack: synAck + 1, opts: tsVal ? opt.ts(1001, tsVal) : [] });
    this.#handle = this.stack.accept(this.#listener);
    if (this.#handle === 0) throw new Error("the scene's handshake failed");
    this.#save(`ESTABLISHED ${name}`);
    const established = this.#snapshot("");
    this.stack.send(this.#handle, new Uint8Array(3500));
    this.#poll();
    this.#save(`data in flight ${name}`);
    this.#time(300_000);
    this.#save(`after a time-out ${name}`);
    this.restore(established);
    const ack = synAck + 1, ts = tsVal ? opt.ts(1002, tsVal) : [];
    this.#send({ flags: "A", seq: 1501, ack, data: new Uint8Array(300), opts: ts });
    this.#send({ flags: "A", seq: 2501, ack, data: new Uint8Array(300), opts: ts });
    this.#save(`out of order ${name}`);
    this.restore(established);
    this.stack.shutdown(this.#handle);
    this.#poll();
    this.#save(`FIN-WAIT-1 ${name}`);
    this.#send({ flags: "A", seq: 1001, ack: synAck + 2, opts: ts });
    this.#save(`FIN-WAIT-2 ${name}`);
    this.#send({ flags: "FA", seq: 1001, ack: synAck + 2, opts: ts });
    this.#save(`TIME-WAIT ${name}`);
    this.restore(established);
    this.#send({ flags: "FA", seq: 1001, ack, opts: ts });
    this.#save(`CLOSE-WAIT ${name}`);
    this.stack.shutdown(this.#handle);
    this.#poll();
    this.#save(`LAST-ACK ${name}`);
    this.restore(established);
    this.stack.setOption(this.#handle, "keepAlive", true);
    this.#save(`keep-alive ${name}`);
    this.stack.send(this.#handle, new Uint8Array(4000));
    this.#send({ flags: "A", seq: 1001, ack, win: 0, opts: ts });
    this.#time(2_000_000);
    this.#save(`zero window ${name}`);
    this.restore(established);
    this.stack.close(this.#handle);
    this.#poll();
    this.#save(`closed by its application ${name}`);
  }

  /** Tables that are full, and rates that are used up. */
  #makeLimits(fresh: Scene): void {
    const { stack } = this, flood = (n: number): void => {
      for (let i = 0; i < n; i++) {
        this.#sport = 42000 + i;
        this.#send({ flags: "S", seq: 5000 });
      }
    };
    const never = { cookies: 0 }, limits = { "cookies off": never, "cookies off, old records stay": { ...never, policy: stack.configured("policy") | POLICY.keepHalfOpen },
      "few SYNs a second": { ...never, synRate: 1, synBurst: 1 }, "few cookies a second": { cookieRate: 1 } };
    for (const [name, numbers] of Object.entries(limits)) {
      this.restore(fresh);
      stack.tune(numbers);
      flood(5);
      if (numbers !== never && "cookieRate" in numbers) for (let i = 0; i < 12; i++) this.#send({ flags: "A", seq: 5001, ack: 1 });
      this.#save(`flooded, ${name}`);
    }
    // Three wait to be accepted, and a fourth has answered only with a SYN.
    this.restore(fresh);
    for (let i = 0; i < 4; i++) {
      this.#sport = 43000 + i;
      this.#send({ flags: "S", seq: 1000 });
      if (i < 3) this.#send({ flags: "A", seq: 1001, ack: this.#lastTcp() + 1 });
    }
    this.#save("a full accept queue");
    // Two records in TIME-WAIT, and a connection that will be the third.
    this.restore(fresh);
    for (let i = 0; i < 3; i++) {
      this.#sport = 44000 + i;
      this.#send({ flags: "S", seq: 1000 });
      const synAck = this.#lastTcp();
      this.#send({ flags: "A", seq: 1001, ack: synAck + 1 });
      this.#handle = stack.accept(this.#listener);
      stack.shutdown(this.#handle);
      this.#poll();
      this.#send({ flags: "A", seq: 1001, ack: synAck + 2 });
      if (i < 2) {
        this.#send({ flags: "FA", seq: 1001, ack: synAck + 2 });
        stack.close(this.#handle);
        this.#poll();
      }
    }
    this.#save("FIN-WAIT-2, and no room in TIME-WAIT");
  }

  /** A connection whose segments carry congestion marks (RFC 3168). */
  #makeMarked(fresh: Scene): void {
    this.restore(fresh);
    this.stack.tune({ policy: this.stack.configured("policy") | POLICY.ecn });
    this.#send({ flags: "SEW", seq: 1000, opts: [...opt.mss(100), ...opt.sackOk()] });
    this.#send({ flags: "A", seq: 1001, ack: this.#lastTcp() + 1 });
    this.#handle = this.stack.accept(this.#listener);
    if (this.#handle === 0) throw new Error("the scene's handshake failed");
    this.stack.send(this.#handle, new Uint8Array(2000));
    this.#poll();
    this.#save("ECN");
  }

  /** Text in SYNs (RFC 7413): taken, answered, sent, sent in vain. */
  #makeFastOpens(fresh: Scene): void {
    this.restore(fresh);
    this.stack.setOption(this.#listener, "fastOpen", true);
    this.#send({ flags: "S", seq: 900, opts: opt.fastOpen() });
    const at = this.#sent.findLast((s) => s[23] === 6)!, option = at.indexOf(34, 54);
    this.#cookie = [...at.subarray(option + 2, option + 10)];
    this.#send({ flags: "R", seq: 901 });
    this.#save("LISTEN for Fast Open");
    this.#send({ flags: "S", seq: 1000, opts: [...opt.mss(1460), ...opt.sackOk(), ...opt.fastOpen(this.#cookie)], data: new Uint8Array(300) });
    this.#handle = this.stack.accept(this.#listener);
    if (this.#handle === 0) throw new Error("the scene's Fast Open failed");
    this.#save("opened fast");
    this.stack.send(this.#handle, new Uint8Array(4000));
    this.#poll();
    this.#save("opened fast, and answered");
    this.stack.tune({ fastOpenMax: 1 });
    this.#sport++;
    this.#save("opened fast, and no other may");
    this.restore(fresh);
    for (const answers of [false, true]) {
      this.#dport = answers ? 50002 : 50001;
      this.#handle = this.stack.connect(PEER, 40000, this.#dport);
      this.stack.setOption(this.#handle, "fastOpen", true);
      this.stack.send(this.#handle, new Uint8Array(2000));
      this.#poll();
      this.#save(answers ? "SYN-SENT with text" : "SYN-SENT with a request");
      if (!answers) {
        this.#send({ flags: "SA", seq: 77, ack: this.#lastTcp() + 1, opts: [...opt.mss(1460), ...opt.fastOpen([1, 2, 3, 4, 5, 6, 7, 8])] });
        this.stack.abort(this.#handle);
        this.#poll();
      }
    }
    this.restore(fresh);
  }

  /** Small segments, so that many are in flight: some of them arrived, some are lost, some were sent twice; paced and not. */
  #makeRecoveries(fresh: Scene): void {
    for (const [name, timestamps, sack] of [["with timestamps", true, true], ["without timestamps", false, true], ["without SACK", true, false]] as const) {
      this.restore(fresh);
      this.#send({ flags: "S", seq: 1000, opts: [...opt.mss(100), ...(sack ? opt.sackOk() : []), ...(timestamps ? opt.ts(1000, 0) : [])] });
      const synAck = this.#lastTcp(), tsVal = this.#lastTsVal(), ts = timestamps ? opt.ts(1001, tsVal) : [];
      const ack = (n: number, ...blocks: [number, number][]): void => {
        this.#send({ flags: "A", seq: 1001, ack: synAck + 1 + n, opts: [...ts, ...(blocks.length ? opt.sack(...blocks.map(([a, b]) => [(synAck + 1 + a) >>> 0, (synAck + 1 + b) >>> 0] as [number, number])) : [])] });
      };
      ack(0);
      this.#handle = this.stack.accept(this.#listener);
      this.stack.send(this.#handle, new Uint8Array(4000));
      this.#time(1000);
      for (let n = 88; n <= 880; n += 88) {
        this.#time(10_000);
        ack(n);
      }
      this.#save(`slow start ${name}`);
      this.#time(20_000);
      if (!sack) {
        ack(880);
        ack(880);
        this.#save(`two duplicate ACKs ${name}`);
        this.#time(15_000);
        ack(880);
        this.#save(`fast recovery ${name}`);
        continue;
      }
      ack(880, [968, 1056], [1144, 1232]);
      this.#save(`a gap ${name}`);
      const gap = this.#snapshot("");
      this.#time(15_000);
      ack(880, [968, 1056], [1144, 1408]);
      this.#save(`fast recovery ${name}`);
      this.#time(10_000);
      ack(1408);
      this.#save(`recovered ${name}`);
      for (let n = 1496; n <= 2376; n += 88) {
        this.#time(10_000);
        ack(n);
      }
      this.#save(`congestion avoidance ${name}`);
      this.restore(gap);
      this.#time(400_000);
      this.#save(`a time-out after a gap ${name}`);
      this.restore(gap);
      this.stack.tune({ policy: this.stack.configured("policy") | POLICY.pacing });
      this.#time(5000);
      this.#save(`paced ${name}`);
    }
  }

  #snapshot(name: string): Scene {
    return {
      name, memory: this.#u8.slice(0, this.#end), nowUs: this.#nowUs, handle: this.#handle, listener: this.#listener, udp: this.#udp, sport: this.#sport, dport: this.#dport,
      synSeq: this.#synSeq, synAck: this.#synAck, synAckTs: this.#synAckTs,
    };
  }

  #save(name: string): void {
    this.scenes.push(this.#snapshot(name));
  }

  restore(scene: Scene): void {
    this.#u8.set(scene.memory);
    this.#nowUs = scene.nowUs;
    this.#handle = scene.handle;
    this.#listener = scene.listener;
    this.#udp = scene.udp;
    this.#sport = scene.sport;
    this.#dport = scene.dport;
    this.#synSeq = scene.synSeq;
    this.#synAck = scene.synAck;
    this.#synAckTs = scene.synAckTs;
    this.#sent = [];
  }

  #lastTcp(): number {
    const f = this.#sent.findLast((s) => s[12] === 8 && s[13] === 0 && s[23] === 6);
    if (f === undefined) throw new Error("no segment came");
    return new DataView(f.buffer, f.byteOffset).getUint32(38);
  }

  #lastTsVal(): number {
    const f = this.#sent.findLast((s) => s[12] === 8 && s[13] === 0 && s[23] === 6)!;
    return tsValOf(f);
  }

  #send(t: Tcp): void {
    if (t.flags.startsWith("S") && !t.flags.includes("A")) this.#synSeq = t.seq;
    this.#push(tcp({ src: PEER, dst: STACK }, { sport: this.#sport, dport: this.#dport, ...t, seq: t.seq >>> 0, ack: (t.ack ?? 0) >>> 0 }));
    this.#poll();
  }

  #push(frame: Uint8Array): void {
    this.frames++;
    if (this.stack.pushFrame(frame)) return;
    this.#poll();
    this.stack.pushFrame(frame);
  }

  #time(us: number): void {
    this.#nowUs += us;
    this.#poll();
  }

  #poll(): void {
    const fuel = (this.exports as unknown as { fuel: WebAssembly.Global }).fuel;
    for (let i = 0; i < 100; i++) {
      this.polls++;
      fuel.value = FUEL;
      const wait = this.stack.poll(this.#nowUs);
      this.fuelMax = Math.max(this.fuelMax, FUEL - (fuel.value as number));
      fuel.value = 0x7fffffff;
      this.stack.drainFrames((f) => {
        this.#frameIsGood(f);
        if (!this.#recording) return;
        this.#sent.push(f.slice());
      });
      this.stack.drainEvents(() => {});
      if (wait !== 0) return;
    }
    throw new Broken("the stack does not come to rest");
  }

  // Running an input

  /** Runs one input. Throws Broken, or whatever the module trapped with. */
  run(bytes: Uint8Array): void {
    const c = new Choices(bytes);
    this.restore(this.scenes[c.below(this.scenes.length)]!);
    this.notes.fill(0);
    const counters = this.exports.counters() >>> 2, first = this.#u32.slice(counters, counters + COUNTERS.length);
    // A run that trapped may have left none.
    (this.exports as unknown as { fuel: WebAssembly.Global }).fuel.value = 0x7fffffff;
    for (let i = 0; i < OPS_MAX && c.left; i++) {
      const kind = c.below(16);
      // Some frames share a poll.
      if (kind < 10) this.#frameOp(c, kind > 1);
      else if (kind < 12) this.#time([1, 1000, 40_000, 200_000, 1_000_000, 3_000_000, 60_000_000, 3_600_000_000][c.below(8)]!);
      else {
        this.#call(c);
        this.#poll();
      }
      this.#holds();
    }
    for (let i = 0; i < COUNTERS.length; i++) if (this.#u32[counters + i] !== first[i]) this.moved[i] = 1;
    const broken = this.#guards.broken();
    if (broken === undefined) return;
    this.#guards.mend();
    throw new Broken(`memory that is not the stack's was written: ${broken}`);
  }

  #frameOp(c: Choices, poll: boolean): void {
    const ledger = poll ? this.ledger : undefined, before = ledger && this.#look();
    const frame = this.#frame(c);
    // The same again and again: duplicates, and floods.
    for (let n = c.below(16) ? 0 : 1 + c.below(4); n > 0; n--) this.#push(frame);
    this.#push(frame);
    if (!poll) return;
    this.#poll();
    if (ledger) ledger.note(this.#made, before!, this.#look());
  }

  /** What can be seen from outside, now. */
  #look(): Look {
    const known = this.#handle !== 0 && this.exports.tcp_info(this.#handle, this.#scratch) === 0, counters = this.exports.counters() >>> 2;
    const tcb = known ? new DataView(this.#u8.slice(this.#scratch, this.#scratch + TCP_INFO_SIZE).buffer) : undefined;
    return { counters: this.#u32.slice(counters, counters + COUNTERS.length), tcb, halfOpenFree: this.exports.pool(1) };
  }

  /** A number near one that matters. */
  #near(c: Choices, ...numbers: number[]): number {
    const pick = c.below(numbers.length + 1), delta = [0, 0, 0, 0, 0, 0, 0, 1, -1, 2, 100, -100, 500, 1400, -500, 1460, -1460, 0x7fffffff, -0x80000000, c.u8()][c.below(20)]!;
    return ((pick === numbers.length ? c.u32() : numbers[pick]!) + delta) >>> 0;
  }

  #field(name: Field): number {
    return this.#view.getUint32(this.#scratch + TCP_INFO[name].at, true);
  }

  /** A variable of the connection under attack; if there is none, what it will be once the last SYN is answered. */
  #known(known: boolean, name: Field): number {
    if (known) return this.#field(name);
    return (name === "iss" ? this.#synAck : name === "sndUna" || name === "sndNxt" ? this.#synAck + 1 : name === "tsRecent" ? 1001 : this.#synSeq + 1) >>> 0;
  }

  #frame(c: Choices): Uint8Array {
    const known = this.#handle !== 0 && this.exports.tcp_info(this.#handle, this.#scratch) === 0, made = this.#made;
    made.flags = "";
    made.size = 0;
    switch (c.below(48)) {
      case 0: {
        made.kind = "arp";
        // Mostly of somebody else: a neighbour, the one that is waited for, or ourselves (a conflict).
        const ip = [PEER, PEER, STACK, OTHER, STACK + 2 + c.below(8), c.u32()][c.below(6)]!;
        return arp(c.below(4), { mac: c.below(2) ? MAC_PEER : [2, 1, 2, 3, 4, c.u8()], ip }, { mac: MAC_STACK, ip: c.below(3) ? STACK : c.u32() });
      }
      case 1: made.kind = "udp"; return quickUdp(c.below(2) ? PEER : OTHER, c.u16(), c.below(3) ? UDP_PORT : c.u16(), c.u8() * 4, c.below(8) !== 0);
      case 2: made.kind = "icmp"; return c.below(4) ? this.#icmpError(c, known) : quickEcho(c.below(2) ? PEER : OTHER, c.below(4) ? 8 : 0, c.u8());
      case 3: made.kind = "fragment"; return this.#fragment(c, known);
      case 4: made.kind = "icmp"; return this.#icmpError(c, known);
      default: made.kind = "tcp"; return this.#segment(c, known);
    }
  }

  /** An ICMP error that quotes a segment or a datagram of ours, or nearly. */
  #icmpError(c: Choices, known: boolean): Uint8Array {
    const quoted = {
      src: c.below(8) ? STACK : c.u32(), dst: PEER, sport: c.below(8) ? this.#dport : UDP_PORT, dport: this.#sport, protocol: c.below(8) ? 6 : 17,
      seq: this.#near(c, this.#known(known, "sndUna"), this.#known(known, "sndNxt"), this.#known(known, "iss")),
    };
    const size = 8 + c.below(20), total = [1500, 1500, 800, 20 + size][c.below(4)]!;
    return quickIcmp(c.below(2) ? PEER : OTHER, [3, 3, 3, 11, 12, 4, 5, c.u8()][c.below(8)]!, c.below(2) ? 4 : c.below(16), c.below(2) ? c.u16() : 600 + c.u8(), { ...quoted, total }, size);
  }

  /** Fragments: of anything, or all of a datagram that is good, in any order, one of them perhaps twice, or cut, or not at all. */
  #fragment(c: Choices, known: boolean): Uint8Array {
    if (c.below(3) === 0) return quickFragment(PEER, [6, 17, 1, 99][c.below(4)]!, 1 + c.below(3), c.below(60) | (c.below(2) ? 0x2000 : 0), 8 * (1 + c.below(40)));
    const kind = c.below(3), whole = (kind === 0 ? this.#segment(c, known) : kind === 1 ? quickUdp(PEER, c.u16(), UDP_PORT, c.u8() * 4) : quickEcho(PEER, 8, c.u8())).slice();
    const units = Math.ceil((whole.length - 34) / 8), cut = 1 + c.below(Math.max(1, units - 1)), id = 1 + c.below(3);
    const parts = [piece(whole, id, 0, Math.min(cut, units)), ...(cut < units ? [piece(whole, id, cut, units)] : [])];
    if (c.below(2)) parts.reverse();
    const spoiled = c.below(8);
    if (spoiled === 0) parts.push(parts[0]!);
    else if (spoiled === 1 && units > 2) parts.splice(c.below(parts.length), 0, piece(whole, id, c.below(units), units));
    else if (spoiled === 2 && parts.length > 1) parts.shift();
    for (const p of parts.slice(0, -1)) this.#push(p);
    return parts.at(-1)!;
  }

  /** The options of a segment. */
  #options(c: Choices, known: boolean, waits: boolean): number[] {
    const opts: number[] = [], kinds = c.below(4) === 0 ? c.below(5) : 0;
    const stamps = waits ? c.below(4) === 0 : known ? (this.#field("flags") & TIMESTAMPS) !== 0 : this.#synAckTs !== 0;
    if (stamps && c.below(16) !== 0) {
      const recent = this.#known(known, "tsRecent"), ours = known ? (this.#field("tsRecentAt") + this.#field("tsOffset")) >>> 0 : this.#synAckTs;
      opts.push(...opt.ts(this.#near(c, recent, recent, recent + 1), this.#near(c, 0, ours, ours)));
    }
    if (known && (this.#field("flags") & SACK) !== 0 && c.below(8) === 0) opts.push(...this.#block(c, known));
    for (let i = 0; i < kinds && opts.length < 30; i++) {
      switch (c.below(8)) {
        case 6: opts.push(...opt.fastOpen(this.#cookie)); break;
        case 7: opts.push(...opt.fastOpen(c.below(2) ? [] : [1, 2, 3, 4, 5, 6, 7, 8].slice(0, c.below(9)))); break;
        case 0: opts.push(...opt.mss([0, 1, 48, 536, 1460, 65535][c.below(6)]!)); break;
        case 1: opts.push(...opt.sackOk()); break;
        case 2: opts.push(...opt.ws(c.below(16))); break;
        case 3: opts.push(...this.#block(c, known)); break;
        case 4: opts.push(c.u8(), c.below(12), c.u8()); break;
        case 5: opts.push(...opt.ts(this.#near(c, 1000), 0)); break;
        default: opts.push(...opt.nop());
      }
    }
    return opts.slice(0, 40);
  }

  /** A SACK block: mostly of text that is in flight, behind a gap, else between any two numbers near those that matter. */
  #block(c: Choices, known: boolean): number[] {
    const una = this.#known(known, "sndUna"), nxt = this.#known(known, "sndNxt"), flight = (nxt - una) >>> 0;
    if (flight < 2 || c.below(4) === 0) return [5, 10, ...be(4, this.#near(c, una, nxt)), ...be(4, this.#near(c, una, nxt))];
    const gap = 1 + (c.u16() % (flight - 1)), size = 1 + (c.u16() % (flight - gap));
    return [5, 10, ...be(4, (una + gap) >>> 0), ...be(4, (una + gap + size) >>> 0)];
  }

  #segment(c: Choices, known: boolean): Uint8Array {
    // Who waits for a SYN-ACK takes little else.
    const state = known ? this.#u8[this.#scratch + TCP_INFO.state.at] : 0, waits = (state === SYN_SENT || state === SYN_RECEIVED) && c.below(3) !== 0;
    const flags = waits ? c.below(4) ? "SA" : "S" : FLAGS[c.below(FLAGS.length)]!, opts = this.#options(c, known, waits), size = [0, 0, 1, 10, 500, 1400, c.u8()][c.below(7)]!;
    const name = (n: Field): number => this.#known(known, n);
    const t: Tcp = {
      flags, sport: c.below(12) ? this.#sport : c.u16(), dport: c.below(12) ? this.#dport : LISTENING,
      seq: this.#near(c, ...(waits ? [name("irs"), name("irs")] : [name("rcvNxt"), name("rcvNxt"), name("rcvAdv"), name("irs")])), ack: this.#near(c, name("sndNxt"), name("sndUna"), name("iss") + 1),
      win: [0, 1, 1000, 65535, c.u16()][c.below(5)]!, up: c.below(4) ? 0 : c.u16(), opts, data: payload(size),
    };
    const src = c.below(12) ? PEER : c.below(2) ? OTHER : c.u32(), ipOptions = c.below(20) ? undefined : [c.u8(), c.below(8), c.u8(), 0];
    if (flags.startsWith("S") && !flags.includes("A") && src === PEER && t.sport === this.#sport && !known) this.#synSeq = t.seq;
    Object.assign(this.#made, { flags, size });
    const frame = quickTcp(src, t, ipOptions, c.below(8) ? 0 : c.u8() | 3);
    // A few bytes that are wrong; often with checksums that are right again.
    for (let i = c.below(8) === 0 ? 1 + c.below(4) : 0; i > 0; i--) {
      frame[14 + (c.u8() % Math.max(1, Math.min(frame.length - 14, 100)))] = c.u8();
      if (c.below(3)) repair(frame);
    }
    // The Ethernet header is the same for all frames here: only a copy may have another.
    if (c.below(60) === 0) {
      const other = frame.slice();
      other[c.below(14)] = c.u8();
      return other;
    }
    return c.below(30) ? frame : frame.subarray(0, c.u8() % (frame.length + 1));
  }

  #call(c: Choices): void {
    const x = this.exports, h = c.below(8) ? this.#handle : c.u32() | 0, scratch = this.#scratch;
    const r = this.#called(c, x, h, scratch);
    if (r < 0 && !CODES.has(r)) throw new Broken(`a call returned ${r}, which is no error`);
  }

  #called(c: Choices, x: Exports, h: number, scratch: number): number {
    switch (c.below(20)) {
      case 0: case 1: return this.#sendSome(h, c.u16() % 5000);
      case 2: case 3: return x.tcp_recv_consume(h, Math.max(0, Math.min(x.tcp_recv_span(h), c.u16())));
      case 4: return x.tcp_shutdown(h);
      case 5: return x.tcp_close(h);
      case 6: return x.tcp_abort(h);
      case 7: return x.tcp_set(h, c.below(11), c.u16());
      case 8: {
        const accepted = x.tcp_accept(this.#listener);
        if (accepted > 0) this.#handle = accepted;
        return accepted;
      }
      case 9: {
        const made = x.tcp_connect(0, c.below(2) ? 0 : 50000 + c.below(4), c.below(3) ? PEER | 0 : c.u32() | 0, c.below(2) ? this.#sport : c.u16());
        if (made > 0) this.#handle = made;
        return made;
      }
      case 10: return x.tcp_listen(0, LISTENING + c.below(3), c.below(4));
      case 11: return x.udp_send(this.#udp, PEER | 0, c.u16(), scratch, c.u8());
      case 12: return x.udp_recv(this.#udp, scratch, 200, scratch + 200);
      case 13: return x.tcp_info(h, c.below(2) ? scratch : this.#bad(c));
      case 14: return x.tcp_send(h, c.u32() | 0, c.u32() | 0);
      case 15: return x.tcp_peek(h, c.below(2) ? scratch : this.#bad(c), c.u8());
      case 16: return x.tcp_urgent(h);
      case 17: return x.tune(c.u8(), c.below(2) ? c.u8() : c.u32() | 0);
      case 18: return x.tcp_send_commit(h, c.u32() | 0);
      default: return x.tcp_recv_consume(h, c.u32() | 0);
    }
  }

  /** A pointer that no caller may give: into the stack's own memory, or beyond all. */
  #bad(c: Choices): number {
    return c.below(2) ? this.exports.controlBlock() + (c.u16() % this.stack.arenaBytes) : c.u32() | 0x80000000;
  }

  #sendSome(h: number, size: number): number {
    const span = this.exports.tcp_send_span(h);
    return span <= 0 ? 0 : this.exports.tcp_send_commit(h, Math.min(span, size));
  }

  // What must hold

  #holds(): void {
    if (this.#handle === 0 || this.exports.tcp_info(this.#handle, this.#scratch) !== 0) return;
    const state = this.#u8[this.#scratch + TCP_INFO.state.at]!, timer = this.#u8[this.#scratch + TCP_INFO.timerKind.at]!;
    must(state <= 10, "a state that RFC 9293 does not have");
    must(le(this.#field("sndUna"), this.#field("sndNxt")), "SND.UNA ≤ SND.NXT");
    must(le(this.#field("rcvNxt"), this.#field("rcvAdv")), "RCV.NXT ≤ RCV.NXT + RCV.WND");
    const { stack } = this, ring = stack.configured("recvRing");
    must(this.#field("sndSize") <= stack.configured("sendRing") && this.#field("rcvSize") <= ring, "rings hold no more than their size");
    must(((this.#field("rcvAdv") - this.#field("rcvNxt")) >>> 0) + this.#field("rcvSize") <= ring + 1, "the window promises no more than there is room for");
    if (state === 0 || state === 10) return;
    const inFlight = (this.#field("sndNxt") - this.#field("sndUna")) >>> 0;
    if (state >= 4) must(inFlight <= this.#field("sndSize") + 1, "no more in flight than the ring holds, and a FIN");
    if (inFlight > 0) must(timer !== 0, "a timer runs while something is in flight");
    const x = this.exports;
    must(x.pool(0) <= stack.configured("connsMax") && x.pool(1) <= stack.configured("halfOpenMax") && x.pool(2) <= stack.configured("timeWaitMax") &&
      x.pool(3) <= stack.configured("rangesMax"), "pools hold no more than was put in");
  }

  /** What the stack sends must be well formed: lengths and checksums. */
  #frameIsGood(f: Uint8Array): void {
    if (f[12] !== 8 || f[13] !== 0) return;
    const view = new DataView(f.buffer, f.byteOffset, f.length), total = view.getUint16(16);
    if (total + 14 > f.length || f[14] !== 0x45) throw new Broken("an IP header that is not one");
    if (sum(f, 14, 34, 0) !== 0xffff) throw new Broken("an IP checksum that is wrong");
    if (f[23] !== 6) return;
    const size = total - 20;
    if (sum(f, 34, 34 + size, sumAddresses(f) + 6 + size) !== 0xffff) throw new Broken("a TCP checksum that is wrong");
    if ((f[46]! >> 4) * 4 > size) throw new Broken("a TCP header longer than its segment");
    if ((f[47]! & 0x12) !== 0x12 || view.getUint16(36) !== this.#sport) return;
    this.#synAck = view.getUint32(38);
    this.#synAckTs = tsValOf(f);
  }
}

function le(a: number, b: number): boolean {
  return ((b - a) | 0) >= 0;
}

function must(ok: boolean, what: string): void {
  if (!ok) throw new Broken(what);
}

/** The timestamp that a segment carries; 0: none. */
function tsValOf(f: Uint8Array): number {
  const end = Math.min(f.length, 34 + (f[46]! >> 4) * 4);
  for (let i = 54; i + 10 <= end;) {
    if (f[i] === 8) return new DataView(f.buffer, f.byteOffset).getUint32(i + 2);
    i += f[i] === 1 ? 1 : Math.max(2, f[i + 1]!);
  }
  return 0;
}

const FLAGS = ["A", "A", "A", "PA", "FA", "S", "SA", "R", "RA", "F", "UA", "SF", "", "PFUA", "AE", "AEW", "SEW"];
const CODES = new Set<number>(Object.values(ERR));
/** Payloads, by size. */
const payloads = new Map<number, Uint8Array>();
function payload(size: number): Uint8Array {
  let p = payloads.get(size);
  if (!p) payloads.set(size, (p = Uint8Array.from({ length: size }, (_, i) => i * 7)));
  return p;
}
