/**
 * Two stacks, what is in flight between them, and the moves that a network, a clock and two applications can make. The stacks are the real
 * module; a state is a copy of their memories.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseIp } from "../../host/address.js";
import { decodeTcp } from "../../host/decode.js";
import { TCP_INFO } from "../../host/module/layout.js";
import { EVENT, StackModule, type Exports, type StateName, type TcpInfo } from "../../host/stack.js";
import { MAC_PEER, arp, opt, tcp, type Tcp } from "../harness/codec.js";
import { entropyOf } from "../harness/entropy.js";
import { MODULE, OWNED } from "../harness/module.js";
import { owned } from "../../tools/ownership.mjs";
import { succeeded } from "../harness/programs.js";

export const CLIENT = 0, SERVER = 1;
const IPS = [parseIp("10.0.0.1"), parseIp("10.0.0.2")] as const;
const MACS = [[2, 0, 10, 0, 0, 1], MAC_PEER] as const;
const PORTS = [40000, 80] as const;
/** Pages of each side's memory: the stack; a copy of it as it was at the beginning; room for what is handed over. */
const PAGES = 12, BASE = 6 * 65536, SCRATCH = 10 * 65536;

interface ExploreExports extends Exports {
  canonical(dst: number): number;
  hashBytes(at: number, size: number): bigint;
  diff(base: number, words: number, dst: number): number;
  patch(base: number, words: number, from: number, pairs: number): void;
}

/** Compiles the stack with its canonical form, as STINT_MODULE has it. */
export function exploreModule(): WebAssembly.Module {
  const dir = mkdtempSync(join(tmpdir(), "stint-explore-")), out = join(dir, "explore.wasm");
  if (OWNED) owned(out, "tests/ownership/assembly/explore.ts");
  else succeeded("node_modules/.bin/asc", ["tests/explore/assembly/module.ts", "--target", MODULE, "--outFile", out]);
  const module = new WebAssembly.Module(readFileSync(out));
  rmSync(dir, { recursive: true });
  return module;
}

/** What an application does, once each and in this order. */
export type Deed = "listen" | "connect" | "send" | "close" | "abort";

export interface Scenario {
  name: string;
  what: string;
  client: Deed[];
  server: Deed[];
  /** Deeds that are done before exploration begins, on a perfect network. */
  before?: { client: Deed[]; server: Deed[] };
  /** Segments of an earlier incarnation that are still about: from whom, and what they say. */
  old?: { from: number; segment: (server: Tcp) => Tcp }[];
  /** Segments that an outsider may inject, once each, with exactly right numbers: RSTs. */
  resets?: number;
  cookies?: 0 | 2;
  /** Segments that an attacker, who sees nothing and guesses numbers in the window, may inject: any of FORMS, or SYNs between listeners. */
  attacks?: { count: number; forms: Form[] };
  timestamps?: boolean;
  bounds: { drops: number; duplicates: number; timers: number; reorder: boolean };
  /** The third step of the handshake is left out: the server takes its own SYN-ACK for acknowledged. */
  twoSteps?: boolean;
}

export interface Flight {
  from: number;
  frame: Uint8Array;
  hash: bigint;
}

export type Move =
  | { kind: "deliver" | "drop" | "duplicate"; flight: number }
  | { kind: "timer" }
  | { kind: "deed"; side: number }
  | { kind: "reset"; to: number }
  | { kind: "attack"; to: number; form: Form };

/** What an attacker builds a segment of: what its target expects next, and what it sent last. */
interface Guess {
  rcvNxt: number;
  sndNxt: number;
}

/** One segment of each form that is not exactly right: nothing of it may count (RFC 5961, RFC 9293 §3.10.7.4). */
export const FORMS = {
  "a RST in the window": ({ rcvNxt, sndNxt }: Guess): Tcp => ({ flags: "RA", seq: rcvNxt + 1, ack: sndNxt }),
  "a SYN in the window": ({ rcvNxt }: Guess): Tcp => ({ flags: "S", seq: rcvNxt }),
  "an ACK of the future": ({ rcvNxt, sndNxt }: Guess): Tcp => ({ flags: "A", seq: rcvNxt, ack: sndNxt + 1000 }),
  "an ACK of long ago": ({ rcvNxt, sndNxt }: Guess): Tcp => ({ flags: "A", seq: rcvNxt, ack: sndNxt - 0x10000000 }),
  "an octet that was acknowledged": ({ rcvNxt, sndNxt }: Guess): Tcp => ({ flags: "A", seq: rcvNxt - 1, ack: sndNxt, data: Uint8Array.of(0) }),
  "nothing, before the window": ({ rcvNxt, sndNxt }: Guess): Tcp => ({ flags: "A", seq: rcvNxt - 1, ack: sndNxt }),
  "text with an ACK of the future": ({ rcvNxt, sndNxt }: Guess): Tcp => ({ flags: "PA", seq: rcvNxt, ack: sndNxt + 1000, data: Uint8Array.of(1, 2, 3) }),
  "text without an ACK": ({ rcvNxt }: Guess): Tcp => ({ flags: "P", seq: rcvNxt, data: Uint8Array.of(1, 2, 3) }),
  "a FIN without an ACK": ({ rcvNxt }: Guess): Tcp => ({ flags: "F", seq: rcvNxt }),
  "a SYN between the two": (): Tcp => ({ flags: "S", seq: 7000 }),
} as const;
export type Form = keyof typeof FORMS;

/** So many frames in a row, while no time passes, are no conversation any more: each connection may challenge ten times. */
const FRAMES_MAX = 60;

export interface State {
  memories: [Uint32Array, Uint32Array];
  flights: Flight[];
  now: number;
  handles: [number, number];
  listeners: [number, number];
  /** Deeds done, by side. */
  done: [number, number];
  /** Bytes that each side's application got, and whether it saw the end. */
  got: [number, number];
  /** Bytes that each side's application sent. */
  sent: [number, number];
  ended: [boolean, boolean];
  drops: number;
  duplicates: number;
  timers: number;
  resets: number;
  attacks: number;
}

/** States in which both sides' numbers are known. */
const OPEN = new Set(["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK"]);

/** A property that does not hold. */
export class Violation extends Error {}

class Side {
  readonly stack: StackModule;
  readonly x: ExploreExports;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly words: number;
  readonly scratch = SCRATCH;
  /** Whether something has happened since a state was loaded; that state's memory, and its hash. */
  dirty = true;
  #loaded: Uint32Array | undefined;
  #hash: bigint | undefined;
  #view: DataView;

  constructor(module: WebAssembly.Module, readonly index: number, { cookies = 0, timestamps = false }: Scenario) {
    this.stack = new StackModule(module, {
      ip: `10.0.0.${index + 1}/24`, entropy: entropyOf(index + 1), connsMax: 2, halfOpenMax: 2, timeWaitMax: 2, listenersMax: 1, sendRing: 64, recvRing: 64,
      rangesMax: 4, rxSlots: 4, txSlots: 4, loopSlots: 0, reassemblyMax: 0, reassemblyBytes: 0, neighboursMax: 4, udpMax: 0, udpRing: 0, prefixBuckets: 0, mtu: 128,
      cookies, neighbourMs: 0x7000000, delayedAckMs: 0, synAckRetries: 2, userTimeoutMs: 10_000, synTimeoutMs: 8000, timeWaitMs: 2000, halfOpenMs: 10_000, finWait2Ms: 5000,
      policy: { announce: false, timestamps, sack: false, windowScaling: false },
    });
    this.x = this.stack.exports as ExploreExports;
    const have = this.x.memory.buffer.byteLength / 65536;
    if (have < PAGES) this.x.memory.grow(PAGES - have);
    this.stack.refreshViews();
    this.u8 = new Uint8Array(this.x.memory.buffer);
    this.u32 = new Uint32Array(this.x.memory.buffer);
    this.#view = new DataView(this.x.memory.buffer);
    // Whole vectors.
    this.words = Math.ceil((this.x.controlBlock() + this.stack.arenaBytes) / 16) * 4;
    if (this.words * 4 > SCRATCH - BASE || this.words * 4 > BASE) throw new Error("the stack is larger than its place");
  }

  /** The state now is what others are told by how they differ from it. */
  begin(): void {
    this.u8.copyWithin(BASE, 0, this.words * 4);
  }

  hash(): bigint {
    if (!this.dirty && this.#hash !== undefined) return this.#hash;
    const hash = this.x.hashBytes(this.scratch, this.x.canonical(this.scratch));
    if (!this.dirty) this.#hash = hash;
    return hash;
  }

  /** Copies the connection's variables, for `field`. */
  look(handle: number): boolean {
    return this.x.tcp_info(handle, this.scratch) === 0;
  }

  field(name: "iss" | "irs"): number {
    return this.#view.getUint32(this.scratch + TCP_INFO[name].at, true);
  }

  state(): StateName {
    const other = 1 - this.index;
    return this.stack.flowState(IPS[this.index]!, PORTS[this.index]!, IPS[other]!, PORTS[other]!);
  }

  /** What differs from the state at the beginning: pairs of a word's place and its value. */
  save(): Uint32Array {
    if (!this.dirty && this.#loaded !== undefined) return this.#loaded;
    const pairs = this.x.diff(BASE, this.words, this.scratch), at = this.scratch / 4;
    return this.u32.slice(at, at + 2 * pairs);
  }

  load(delta: Uint32Array): void {
    if (!this.dirty && this.#loaded === delta) return;
    this.u32.set(delta, this.scratch / 4);
    this.x.patch(BASE, this.words, this.scratch, delta.length / 2);
    this.dirty = false;
    this.#loaded = delta;
    this.#hash = undefined;
  }
}

export class World {
  readonly sides: [Side, Side];
  /** The state that the sides are in. */
  flights: Flight[] = [];
  now = 1_000_000_000;
  handles: [number, number] = [0, 0];
  listeners: [number, number] = [0, 0];
  done: [number, number] = [0, 0];
  got: [number, number] = [0, 0];
  sent: [number, number] = [0, 0];
  ended: [boolean, boolean] = [false, false];
  drops = 0;
  duplicates = 0;
  timers = 0;
  resets = 0;
  attacks = 0;
  #waits: [number, number] = [-1, -1];
  /** Transitions of states that were seen: "FROM→TO". */
  readonly transitions = new Map<string, number>();
  readonly reached = new Set<string>();

  constructor(module: WebAssembly.Module, readonly scenario: Scenario) {
    this.sides = [new Side(module, CLIENT, scenario), new Side(module, SERVER, scenario)];
    for (const s of this.sides) {
      const other = 1 - s.index;
      s.stack.poll(this.now);
      s.stack.pushFrame(arp(1, { mac: [...MACS[other]!], ip: IPS[other]! }, { mac: [0, 0, 0, 0, 0, 0], ip: IPS[s.index]! }));
      s.stack.poll(this.now);
      s.stack.drainFrames(() => {});
      s.begin();
    }
    const { before } = scenario;
    if (before) {
      const plan = this.scenario;
      for (const [side, deeds] of [[SERVER, before.server], [CLIENT, before.client]] as const) {
        for (const deed of deeds) {
          this.#deed(side, deed);
          this.#calm();
        }
      }
      if (plan !== this.scenario) throw new Error("unreachable");
    }
    for (const { from, segment } of scenario.old ?? []) this.#fly(from, this.#segment(from, segment({ flags: "", seq: 0 })));
  }

  #segment(from: number, t: Tcp): Uint8Array {
    return tcp({ src: IPS[from]!, dst: IPS[1 - from]!, srcMac: [...MACS[from]!], dstMac: [...MACS[1 - from]!] }, { sport: PORTS[from]!, dport: PORTS[1 - from]!, ...t });
  }

  /** Everything is delivered until nothing moves. */
  #calm(): void {
    for (let i = 0; i < 100 && this.flights.length > 0; i++) this.#deliver(0);
  }

  #fly(from: number, frame: Uint8Array): void {
    const s = this.sides[from]!;
    s.u8.fill(0, s.scratch, s.scratch + 128);
    s.u8.set(frame, s.scratch);
    this.flights.push({ from, frame, hash: s.x.hashBytes(s.scratch, 128) });
  }

  #poll(side: number): void {
    const s = this.sides[side]!, before = s.state();
    s.dirty = true;
    for (let i = 0; i < 20; i++) {
      this.#waits[side] = s.stack.poll(this.now);
      let again = this.#waits[side] === 0;
      const forged: Uint8Array[] = [];
      s.stack.drainFrames((f) => {
        const frame = f.slice();
        if (frame[12] === 8 && frame[13] === 6) {
          // Addresses are answered for at once: this is about TCP.
          if (frame[21] === 1) s.stack.pushFrame(arp(2, { mac: [...MACS[1 - side]!], ip: IPS[1 - side]! }, { mac: [...MACS[side]!], ip: IPS[side]! }));
          again = true;
          return;
        }
        const seg = decodeTcp(frame);
        if (this.scenario.twoSteps && side === SERVER && seg?.flags.join() === "SYN,ACK") {
          forged.push(this.#segment(CLIENT, { flags: "A", seq: seg.ack, ack: (seg.seq + 1) >>> 0 }));
        }
        this.#fly(side, frame);
      });
      for (const f of forged) {
        s.stack.pushFrame(f);
        again = true;
      }
      if (this.#work(side)) again = true;
      if (!again) break;
    }
    this.#moved(before, s.state());
  }

  #moved(from: string, to: string): void {
    this.reached.add(to);
    if (from === to) return;
    const key = `${from}→${to}`;
    this.transitions.set(key, (this.transitions.get(key) ?? 0) + 1);
  }

  /** Applications accept and read at once. Returns whether they did something. */
  #work(side: number): boolean {
    const { stack } = this.sides[side]!;
    let did = false;
    stack.drainEvents((handle, bits) => {
      if ((bits & EVENT.ACCEPT) !== 0) {
        const h = stack.accept(this.listeners[side]!);
        if (h !== 0) {
          // A second incarnation: the application takes the newer one, and lets go of the other.
          if (this.handles[side] !== 0) stack.close(this.handles[side]!);
          this.handles[side] = h;
          this.got[side] = this.sent[side] = 0;
          this.ended[side] = false;
          did = true;
        }
      }
    });
    const handle = this.handles[side]!;
    if (handle === 0) return did;
    for (let n = stack.receivable(handle); n >= 0; n = stack.receivable(handle)) {
      if (n === 0) {
        this.ended[side] = true;
        break;
      }
      const data = stack.receive(handle)!;
      for (const byte of data) {
        const want = byteOf(1 - side, this.got[side]!);
        if (byte !== want) throw new Violation(`data that was not sent: ${byte} at ${this.got[side]}, not ${want}`);
        this.got[side]!++;
      }
      did = true;
    }
    return did;
  }

  #deed(side: number, deed: Deed): void {
    this.sides[side]!.dirty = true;
    const { stack } = this.sides[side]!, before = this.sides[side]!.state(), handle = this.handles[side]!;
    try {
      switch (deed) {
        case "listen": this.listeners[side] = stack.listen(PORTS[side]!, 2); break;
        case "connect": this.handles[side] = stack.connect(IPS[1 - side]!, PORTS[1 - side]!, PORTS[side]); break;
        case "send": if (handle !== 0) this.sent[side]! += stack.send(handle, Uint8Array.of(byteOf(side, 0), byteOf(side, 1))); break;
        case "close": if (handle !== 0) stack.shutdown(handle); break;
        case "abort":
          if (handle !== 0) stack.abort(handle);
          this.handles[side] = 0;
      }
    } catch (e) {
      // A connection that is over refuses; that is no fault.
      if ((e as { code?: string }).code === undefined) throw e;
    }
    this.#moved(before, this.sides[side]!.state());
    this.#poll(side);
  }

  #deliver(i: number): void {
    const [flight] = this.flights.splice(i, 1), to = 1 - flight!.from;
    this.sides[to]!.stack.pushFrame(flight!.frame);
    this.#poll(to);
  }

  // States

  key(): bigint {
    let flights = 0n;
    for (const f of this.flights) flights = (flights + f.hash * (f.from === CLIENT ? 1n : 0x9e3779b97f4a7c15n)) & 0xffffffffffffffffn;
    // In order of arrival, where order counts.
    if (!this.scenario.bounds.reorder) for (const f of this.flights) flights = (flights * 31n + f.hash) & 0xffffffffffffffffn;
    const rest = BigInt(this.drops | this.duplicates << 4 | this.timers << 8 | this.resets << 14 | this.done[0] << 16 | this.done[1] << 19 |
      Math.min(3, this.got[0]) << 22 | Math.min(3, this.got[1]) << 24 | Number(this.ended[0]) << 26 | Number(this.ended[1]) << 27 | Number(this.handles[0] !== 0) << 28 | Number(this.handles[1] !== 0) << 29);
    const h = (this.sides[0].hash() * 0xff51afd7ed558ccdn + this.sides[1].hash() * 0xc4ceb9fe1a85ec53n + flights + rest * 0x9fb21c651e98df25n + BigInt(this.attacks) * 0xd6e8feb86659fd93n) & 0xffffffffffffffffn;
    return h ^ (h >> 29n);
  }

  save(): State {
    return {
      memories: [this.sides[0].save(), this.sides[1].save()], flights: [...this.flights], now: this.now, handles: [...this.handles], listeners: [...this.listeners],
      done: [...this.done], got: [...this.got], sent: [...this.sent], ended: [...this.ended], drops: this.drops, duplicates: this.duplicates, timers: this.timers, resets: this.resets,
      attacks: this.attacks,
    };
  }

  load(s: State): void {
    this.sides[0].load(s.memories[0]);
    this.sides[1].load(s.memories[1]);
    this.flights = [...s.flights];
    this.now = s.now;
    this.handles = [...s.handles];
    this.listeners = [...s.listeners];
    this.done = [...s.done];
    this.got = [...s.got];
    this.sent = [...s.sent];
    this.ended = [...s.ended];
    this.drops = s.drops;
    this.duplicates = s.duplicates;
    this.timers = s.timers;
    this.resets = s.resets;
    this.attacks = s.attacks;
  }

  /** When the next timer fires; Infinity: none runs. Asking costs a poll that changes nothing. */
  #nextTimer(): number {
    let next = Infinity;
    for (const s of this.sides) {
      const wait = s.stack.poll(this.now);
      if (wait >= 0) next = Math.min(next, this.now + Math.max(1, wait));
    }
    return next;
  }

  /** The moves that are possible now, within the bounds. */
  moves(): Move[] {
    const { bounds } = this.scenario, out: Move[] = [];
    const heads = new Set<number>();
    this.flights.forEach((f, i) => {
      // Without reordering only the first of each direction can arrive.
      if (!bounds.reorder && heads.has(f.from)) return;
      heads.add(f.from);
      out.push({ kind: "deliver", flight: i });
      if (this.drops < bounds.drops) out.push({ kind: "drop", flight: i });
      if (this.duplicates < bounds.duplicates) out.push({ kind: "duplicate", flight: i });
    });
    if (this.timers < bounds.timers && this.#nextTimer() !== Infinity) out.push({ kind: "timer" });
    for (const side of [CLIENT, SERVER]) if (this.done[side]! < this.#deeds(side).length) out.push({ kind: "deed", side });
    if (this.resets < (this.scenario.resets ?? 0)) out.push({ kind: "reset", to: CLIENT }, { kind: "reset", to: SERVER });
    const { attacks } = this.scenario;
    if (attacks && this.attacks < attacks.count) for (const form of attacks.forms) out.push({ kind: "attack", to: CLIENT, form }, { kind: "attack", to: SERVER, form });
    return out;
  }

  #deeds(side: number): Deed[] {
    return side === CLIENT ? this.scenario.client : this.scenario.server;
  }

  make(move: Move): void {
    switch (move.kind) {
      case "deliver": this.#deliver(move.flight); break;
      case "drop":
        this.drops++;
        this.flights.splice(move.flight, 1);
        break;
      case "duplicate":
        this.duplicates++;
        this.flights.push(this.flights[move.flight]!);
        break;
      case "timer":
        this.timers++;
        this.now = this.#nextTimer();
        this.#poll(CLIENT);
        this.#poll(SERVER);
        break;
      case "deed":
        this.#deed(move.side, this.#deeds(move.side)[this.done[move.side]!++]!);
        break;
      case "attack": this.#attack(move.to, move.form); break;
      case "reset": {
        this.resets++;
        const { stack } = this.sides[move.to]!, handle = this.handles[move.to]!;
        if (handle === 0) break;
        const info = stack.info(handle);
        stack.pushFrame(this.#segment(1 - move.to, { flags: "R", seq: info.rcvNxt }));
        this.#poll(move.to);
      }
    }
  }

  /** A segment of an attacker reaches one side. Its timestamp is as good a guess: far ahead. */
  #attack(to: number, form: Form): void {
    this.attacks++;
    const { stack } = this.sides[to]!, mine = this.#known(to), theirs = this.#known(1 - to);
    const guess = { rcvNxt: mine?.rcvNxt ?? (theirs ? theirs.iss + 1 : 7001), sndNxt: mine?.sndNxt ?? theirs?.rcvNxt ?? 1 }, t = FORMS[form](guess);
    const opts = this.scenario.timestamps ? opt.ts(((mine?.tsRecent ?? 0) + 0x20000000) >>> 0, 0) : [];
    stack.pushFrame(this.#segment(1 - to, { ...t, seq: t.seq >>> 0, ack: (t.ack ?? 0) >>> 0, opts: form.startsWith("a SYN") ? [] : opts }));
    this.#poll(to);
  }

  #known(side: number): TcpInfo | undefined {
    try {
      return this.handles[side] === 0 ? undefined : this.sides[side]!.stack.info(this.handles[side]!);
    } catch {
      return undefined;
    }
  }

  /** A move in words. */
  say(move: Move): string {
    if (move.kind === "attack") return `an attacker's segment reaches the ${move.to === CLIENT ? "client" : "server"}: ${move.form}`;
    if (move.kind === "timer") return "a timer fires";
    if (move.kind === "deed") return `the ${move.side === CLIENT ? "client" : "server"}'s application: ${this.#deeds(move.side)[this.done[move.side]!]}`;
    if (move.kind === "reset") return `a RST with the right number reaches the ${move.to === CLIENT ? "client" : "server"}`;
    const f = this.flights[move.flight]!, s = decodeTcp(f.frame)!;
    const age = (this.scenario.old ?? []).some((o) => o.from === f.from && this.#segment(f.from, o.segment({ flags: "", seq: 0 })).every((b, i) => b === f.frame[i])) ? "old " : "";
    return `${{ deliver: "delivered", drop: "lost", duplicate: "duplicated" }[move.kind]}: the ${f.from === CLIENT ? "client" : "server"}'s ${age}${s.flags.join("+")} seq=${s.seq} ack=${s.ack} len=${s.len}`;
  }

  // Properties

  /** What must hold in every state. */
  check(): void {
    const [a, b] = [this.sides[0].state(), this.sides[1].state()];
    const numbers = (side: number, state: string): { iss: number; irs: number } | undefined => {
      const s = this.sides[side]!, handle = this.handles[side]!;
      return handle !== 0 && OPEN.has(state) && s.look(handle) ? { iss: s.field("iss"), irs: s.field("irs") } : undefined;
    };
    const ca = numbers(CLIENT, a), sb = numbers(SERVER, b);
    if (a === "ESTABLISHED" && b === "ESTABLISHED" && ca && sb && (ca.iss !== sb.irs || ca.irs !== sb.iss)) {
      throw new Violation(`both are ESTABLISHED and disagree: client ISS ${ca.iss} IRS ${ca.irs}, server ISS ${sb.iss} IRS ${sb.irs}`);
    }
    // A connection that exists at the server was wanted by this client: what two steps cannot promise.
    const wanted = this.scenario.client.slice(0, this.done[CLIENT]).includes("connect") || this.scenario.before?.client.includes("connect");
    if (b === "ESTABLISHED" && !wanted) throw new Violation("the server is ESTABLISHED, and the client never asked for it");
    if (b === "ESTABLISHED" && a === "ESTABLISHED" && sb && ca && sb.irs !== ca.iss) throw new Violation("the server is ESTABLISHED with a SYN of an earlier incarnation");
    if (this.scenario.twoSteps && b === "ESTABLISHED" && a === "SYN-SENT" && sb) {
      const iss = this.sides[0].stack.info(this.handles[0]).iss;
      if (sb.irs !== iss) throw new Violation(`the server is ESTABLISHED with ISN ${sb.irs}, the client is opening with ${iss}`);
    }
  }

  /** After an attack, on a perfect network: frames stop, who agreed still does, what was taken is given back. Undefined, or what is wrong. */
  survives(): string | undefined {
    const agreed = this.#agree();
    try {
      // A handshake that is attacked may fail, and leave one end that believes: it finds out when it says something.
      const wrong = this.recovers();
      if (wrong !== undefined && agreed) return wrong;
      if (agreed && !this.#agree()) return `the connection was lost: ${this.sides.map((s) => s.state()).join(" and ")}`;
      if (!agreed && this.handles.every((h) => h === 0)) {
        this.#honest();
        this.#passes();
      }
    } catch (e) {
      if (!(e instanceof Violation)) throw e;
      return e.message;
    }
    for (const { stack, index } of this.sides) {
      const { halfOpenFree, rangesFree } = stack.pools();
      if (halfOpenFree !== stack.configured("halfOpenMax") || rangesFree !== stack.configured("rangesMax")) {
        return `the ${index === CLIENT ? "client" : "server"} has not got back what the attacker took: ${halfOpenFree} half-open records and ${rangesFree} ranges are free`;
      }
    }
    return undefined;
  }

  /** Both are ESTABLISHED, with each other. */
  #agree(): boolean {
    const [a, b] = [this.#known(CLIENT), this.#known(SERVER)];
    return a?.stateName === "ESTABLISHED" && b?.stateName === "ESTABLISHED" && a.iss === b.irs && a.irs === b.iss;
  }

  /** An honest connection between the two, from another port. */
  #honest(): void {
    const port = PORTS[CLIENT] + 1;
    this.sides[CLIENT].stack.connect(IPS[SERVER], PORTS[SERVER], port);
    this.#poll(CLIENT);
    for (let i = 0; i < 20 && this.flights.length > 0; i++) this.#deliver(0);
    const state = this.sides[CLIENT].stack.flowState(IPS[CLIENT], port, IPS[SERVER], PORTS[SERVER]);
    if (state !== "ESTABLISHED") throw new Violation(`an honest connection is ${state} after an attack`);
  }

  /** Everything arrives, and time passes, until nothing is left to happen. */
  #passes(): void {
    let frames = 0;
    for (let i = 0; i < 400; i++) {
      if (this.flights.length > 0) {
        if (++frames > FRAMES_MAX) throw new Violation(`frames do not stop: ${FRAMES_MAX} in no time`);
        this.#deliver(0);
        continue;
      }
      frames = 0;
      const next = this.#nextTimer();
      if (next === Infinity) break;
      this.now = next;
      this.#poll(CLIENT);
      this.#poll(SERVER);
    }
  }

  /** From here on the network is perfect and time passes: do both ends come to agree? Changes the state. */
  recovers(): string | undefined {
    // Whoever believes in a connection has something to say: that is how a half-open one is found (RFC 9293 §3.5.1).
    for (const side of [CLIENT, SERVER]) {
      try {
        if (["ESTABLISHED", "CLOSE-WAIT"].includes(this.sides[side]!.state()) && this.handles[side] !== 0) {
          this.sent[side]! += this.sides[side]!.stack.send(this.handles[side]!, Uint8Array.of(byteOf(side, this.sent[side]!)));
        }
      } catch { /* it has closed already */ }
      this.#poll(side);
    }
    this.#passes();
    const [a, b] = [this.sides[0].state(), this.sides[1].state()];
    const gone = (s: string): boolean => s === "CLOSED" || s === "LISTEN";
    if (gone(a) && gone(b)) return undefined;
    const waiting = [a, b].findIndex((s) => s === "FIN-WAIT-2");
    if (waiting >= 0 && gone([a, b][1 - waiting]!)) {
      // FIN-WAIT-2 has no timer while its application holds on (RFC 9293 §3.6): it has to let go, or to have turned keep-alive on.
      this.sides[waiting]!.stack.close(this.handles[waiting]!);
      this.handles[waiting] = 0;
      this.#passes();
      return gone(this.sides[waiting]!.state()) ? undefined : "FIN-WAIT-2 does not end although its application has let go";
    }
    const agree = a === b || [a, b].sort().join() === "CLOSE-WAIT,FIN-WAIT-2";
    if (!agree) return `they stay in ${a} and ${b}`;
    const [ia, ib] = this.sides.map((s, i) => s.stack.info(this.handles[i]!));
    return ia!.iss === ib!.irs && ia!.irs === ib!.iss && ia!.sndUna === ib!.rcvNxt && ib!.sndUna === ia!.rcvNxt ? undefined : `they stay in ${a} and ${b} with numbers that do not fit`;
  }
}

/** The n-th byte that a side sends. */
function byteOf(side: number, n: number): number {
  return (side === CLIENT ? 0x43 : 0x53) ^ (n * 29);
}
