/**
 * A stack to be fuzzed, and what its attacker knows of it: the connection under attack, its numbers, what was asked
 * last. What is now can be kept as a scene, a snapshot of the memory, and put back.
 */
import { COUNTERS } from "../../host/counters.js";
import {
  DHCP6_SIZE, LEASE_SIZE, NAMES_SIZE, POOL, TCP_INFO, TCP_INFO_SIZE, TIME_SIZE,
} from "../../host/module/layout.js";
import { StackModule, type Exports } from "../../host/stack.js";
import { type StackOptions } from "../../host/config.js";
import { StintError } from "../../host/errors.js";
import { Random } from "../../host/random.js";
import { rest } from "../../host/rest.js";
import { ip4, tcp, type Tcp } from "../harness/codec.js";
import { drawConfig, exactly, Guards, GUARD } from "../harness/configs.js";
import { entropyOf } from "../harness/entropy.js";
import { OWNED, SLOW } from "../harness/module.js";
import { type Field, type Look, type Made } from "./bites.js";
import { Clients, type Asked } from "./clients.js";
import { frameIsGood } from "./holds.js";
import { NOTES, type Instrumented } from "./instrument.js";
import { tsValOf } from "./quick.js";

export const STACK = ip4("10.0.0.1"), PEER = ip4("10.0.0.2"), OTHER = ip4("198.51.100.7");
export const LISTENING = 8080, UDP_PORT = 5353;
/** What one poll may burn: turns of loops. The most that was seen is in docs/testing/fuzz.md. */
const FUEL = SLOW ? 2_000_000 : 20_000;
/** The most that an arena may take: a run begins with a copy of it. */
const ARENA_MAX = OWNED ? 900_000 : 300_000;

/** The configuration that most runs have: small tables, so that they are full at times. */
const FIXED: StackOptions = {
  ip: "10.0.0.1/24", gateway: "10.0.0.2", entropy: entropyOf(7), connsMax: 4, halfOpenMax: 3, timeWaitMax: 2,
  listenersMax: 2, sendRing: 4096, recvRing: 4096, rangesMax: 12, rxSlots: 4, txSlots: 4, loopSlots: 2,
  reassemblyMax: 2, reassemblyBytes: 2048, neighboursMax: 4, udpMax: 2, udpRing: 1024, prefixBuckets: 4,
  cookieRate: 1000, rtoMinMs: 200, userTimeoutMs: 20_000, timeWaitMs: 2000, keepIdleS: 5, keepIntervalS: 1,
  keepProbes: 2, firstByteMs: 30_000,
};

/** Addresses that the stack has, once its scenes are made. */
export interface Own6 { local: Uint8Array; global: Uint8Array }

/**
 * The configuration number `n`: 0 is FIXED, each other one is drawn from the whole space, again until the module takes
 * it.
 */
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

export interface Scene {
  name: string;
  memory: Uint8Array;
  nowUs: number;
  /** The connection under attack, its ports and the last sequence numbers of the peer. */
  handle: number;
  listener: number;
  udp: number;
  sport: number;
  dport: number;
  /**
   * The peer's last SYN, the stack's last SYN-ACK, and its timestamp: what a half-open connection, or a cookie, is
   * completed with.
   */
  synSeq: number;
  synAck: number;
  synAckTs: number;
  /** What the clients of DHCP and DNS asked last. */
  asked: Asked;
  /** Of what most frames are, if not of IPv4 and TCP. */
  speaks: "" | "six" | "local";
}

export class Subject {
  readonly stack: StackModule;
  readonly exports: Exports;
  /** Real exchanges up to a point. */
  readonly scenes: Scene[] = [];
  readonly notes: Uint8Array;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly view: DataView;
  /** The memory up to where the stack's ends. */
  readonly end: number;
  nowUs = 1_000_000;
  handle = 0;
  listener = 0;
  udp = 0;
  sport = 40000;
  dport = LISTENING;
  synSeq = 1000;
  synAck = 0;
  synAckTs = 0;
  speaks: Scene["speaks"] = "";
  /** The stack's IPv6 addresses in the scenes that have them. */
  own6: Own6 | undefined;
  readonly guards: Guards;
  readonly clients = new Clients();
  /** The frame that was made last. */
  readonly made: Made = { kind: "", flags: "", size: 0 };
  /** Scenes that this configuration does not allow. */
  readonly missing: string[] = [];
  /** The stack's Fast Open cookie for the peer. */
  cookie: number[] = [];
  /** Where calls may write. */
  readonly scratch: number;
  frames = 0;
  polls = 0;
  fuelMax = 0;
  /** What was sent, while the scenes are made. */
  sent: Uint8Array[] = [];
  /** Whether `sent` is kept. */
  recording = true;

  /** `config`: the number of a configuration, see `configuration`. */
  constructor(built: Instrumented, readonly config = 0) {
    const options = configuration(built.module, config);
    this.stack = new StackModule(built.module, options);
    this.exports = this.stack.exports;
    this.u8 = new Uint8Array(this.exports.memory.buffer);
    this.u32 = new Uint32Array(this.exports.memory.buffer);
    this.view = new DataView(this.exports.memory.buffer);
    this.notes = this.u8.subarray(NOTES, NOTES + ((built.notes + 7) & ~7));
    this.scratch = this.exports.configBlock();
    this.end = options.arenaBase! + options.arenaSize!;
    if (this.end + GUARD > NOTES) throw new Error("the stack's memory reaches into the notes");
    this.guards = new Guards(this.u8, options.arenaSize!);
  }

  /** Where the bytes behind the arena begin that nobody may touch. */
  get guardAt(): number {
    return this.end;
  }

  /** What is now, to come back to. */
  snapshot(name: string): Scene {
    return {
      name, memory: this.u8.slice(0, this.end), nowUs: this.nowUs, handle: this.handle, listener: this.listener,
      udp: this.udp, sport: this.sport, dport: this.dport, synSeq: this.synSeq, synAck: this.synAck,
      synAckTs: this.synAckTs, asked: this.clients.asked, speaks: this.speaks,
    };
  }

  /** Keeps what is now as a scene. */
  save(name: string): void {
    this.scenes.push(this.snapshot(name));
  }

  restore(scene: Scene): void {
    this.u8.set(scene.memory);
    this.nowUs = scene.nowUs;
    this.handle = scene.handle;
    this.listener = scene.listener;
    this.udp = scene.udp;
    this.sport = scene.sport;
    this.dport = scene.dport;
    this.synSeq = scene.synSeq;
    this.synAck = scene.synAck;
    this.synAckTs = scene.synAckTs;
    this.clients.asked = scene.asked;
    this.speaks = scene.speaks;
    this.sent = [];
  }

  /** The number of the stack's last segment. */
  lastTcp(): number {
    const f = this.sent.findLast((s) => s[12] === 8 && s[13] === 0 && s[23] === 6);
    if (f === undefined) throw new Error("no segment came");
    return new DataView(f.buffer, f.byteOffset).getUint32(38);
  }

  /** Its timestamp; 0: none. */
  lastTsVal(): number {
    const f = this.sent.findLast((s) => s[12] === 8 && s[13] === 0 && s[23] === 6)!;
    return tsValOf(f);
  }

  /** The peer sends a segment. */
  send(t: Tcp): void {
    if (t.flags.startsWith("S") && !t.flags.includes("A")) this.synSeq = t.seq;
    this.push(tcp(
      { src: PEER, dst: STACK },
      { sport: this.sport, dport: this.dport, ...t, seq: t.seq >>> 0, ack: (t.ack ?? 0) >>> 0 },
    ));
    this.poll();
  }

  /** A frame comes. */
  push(frame: Uint8Array): void {
    this.frames++;
    if (this.stack.pushFrame(frame)) return;
    this.poll();
    this.stack.pushFrame(frame);
  }

  /** Time goes by. */
  time(us: number): void {
    this.nowUs += us;
    this.poll();
  }

  /** Polls until the stack rests. */
  poll(): void {
    const fuel = (this.exports as unknown as { fuel: WebAssembly.Global }).fuel;
    rest(() => {
      this.polls++;
      fuel.value = FUEL;
      const wait = this.stack.poll(this.nowUs);
      this.fuelMax = Math.max(this.fuelMax, FUEL - (fuel.value as number));
      fuel.value = 0x7fffffff;
      return wait;
    }, () => {
      this.stack.drainFrames((f) => {
        frameIsGood(this, f);
        if (!this.recording) return;
        this.sent.push(f.slice());
      });
      this.stack.drainEvents(() => {});
    }, 100);
  }

  /** What can be seen from outside, now. */
  look(): Look {
    const known = this.handle !== 0 && this.exports.tcp_info(this.handle, this.scratch) === 0;
    const counters = this.exports.counters() >>> 2;
    const tcb = known ? new DataView(this.u8.slice(this.scratch, this.scratch + TCP_INFO_SIZE).buffer) : undefined;
    const told = (size: number): DataView => new DataView(this.u8.slice(this.scratch, this.scratch + size).buffer);
    this.exports.dhcp_info(this.scratch);
    const lease = told(LEASE_SIZE);
    this.exports.dns_info(this.scratch);
    const names = told(NAMES_SIZE);
    this.exports.sntp_info(this.scratch);
    const time = told(TIME_SIZE);
    this.exports.dhcp6_info(this.scratch);
    const lease6 = told(DHCP6_SIZE);
    return {
      counters: this.u32.slice(counters, counters + COUNTERS.length), tcb,
      halfOpenFree: this.exports.pool(POOL.halfOpenFree), lease, names, time, lease6,
    };
  }

  /** A number of what `tcp_info` wrote last. */
  field(name: Field): number {
    return this.view.getUint32(this.scratch + TCP_INFO[name].at, true);
  }

  /** A variable of the connection under attack; if there is none, what it will be once the last SYN is answered. */
  known(known: boolean, name: Field): number {
    if (known) return this.field(name);
    return (
      (name === "iss"
        ? this.synAck
        : name === "sndUna" || name === "sndNxt"
          ? this.synAck + 1
          : name === "tsRecent"
            ? 1001
            : this.synSeq + 1) >>> 0
    );
  }
}
