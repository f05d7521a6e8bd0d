/**
 * Two stacks, what is in flight between them, and the moves that a network, a clock and two applications can make. The
 * stacks are the real module; a state is a copy of their memories.
 */
import { decodeTcp } from "../../host/decode.js";
import { rest } from "../../host/rest.js";
import { EVENT, type TcpInfo } from "../../host/stack.js";
import { arp, opt, tcp, type Tcp } from "../harness/codec.js";
import { FORMS, type Deed, type Form, type Scenario } from "./scenario.js";
import { byteOf, CLIENT, IPS, MACS, PORTS, SERVER, Side } from "./side.js";

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

/** So many polls at one moment are no rest any more. */
const POLLS_MAX = 20;
/** What a poll says of everything that is more than half an hour away: the lifetime of a router, which is for ever. */
const LONG_US = 0x7fffffff;
/** Bytes of the frames that are told apart, at most. */
const FRAME_MAX = 128;

/** A property that does not hold. */
export class Violation extends Error {}

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
  /** Transitions of states that were seen: "FROM→TO". */
  readonly transitions = new Map<string, number>();
  readonly reached = new Set<string>();

  constructor(module: WebAssembly.Module, readonly scenario: Scenario) {
    this.sides = [new Side(module, CLIENT, scenario), new Side(module, SERVER, scenario)];
    for (const s of this.sides) {
      const other = 1 - s.index;
      s.stack.poll(this.now);
      s.stack.pushFrame(
        arp(1, { mac: [...MACS[other]!], ip: IPS[other]! }, { mac: [0, 0, 0, 0, 0, 0], ip: IPS[s.index]! }),
      );
      s.stack.poll(this.now);
      s.stack.drainFrames(() => {});
      s.begin();
    }
    const { before } = scenario;
    if (before) {
      for (const [side, deeds] of [[SERVER, before.server], [CLIENT, before.client]] as const) {
        for (const deed of deeds) {
          this.#deed(side, deed);
          this.#calm();
        }
      }
    }
    for (const { from, segment } of scenario.old ?? [])
      this.#fly(from, this.#segment(from, segment({ flags: "", seq: 0 })));
  }

  #segment(from: number, t: Tcp): Uint8Array {
    return tcp(
      { src: IPS[from]!, dst: IPS[1 - from]!, srcMac: [...MACS[from]!], dstMac: [...MACS[1 - from]!] },
      { sport: PORTS[from]!, dport: PORTS[1 - from]!, ...t },
    );
  }

  /** Everything is delivered until nothing moves. */
  #calm(): void {
    for (let i = 0; i < 100 && this.flights.length > 0; i++) this.deliver(0);
  }

  #fly(from: number, frame: Uint8Array): void {
    const s = this.sides[from]!;
    s.u8.fill(0, s.scratch, s.scratch + FRAME_MAX);
    s.u8.set(frame, s.scratch);
    this.flights.push({ from, frame, hash: s.x.hashBytes(s.scratch, FRAME_MAX) });
  }

  /** One side does what there is to do, its applications too. */
  poll(side: number): void {
    const s = this.sides[side]!, before = s.state();
    s.dirty = true;
    rest(() => s.stack.poll(this.now), () => {
      let again = false;
      const forged: Uint8Array[] = [];
      s.stack.drainFrames((f) => {
        const frame = f.slice();
        if (frame[12] === 8 && frame[13] === 6) {
          // Addresses are answered for at once: this is about TCP.
          if (frame[21] === 1) {
            const asker = { mac: [...MACS[side]!], ip: IPS[side]! };
            s.stack.pushFrame(arp(2, { mac: [...MACS[1 - side]!], ip: IPS[1 - side]! }, asker, asker.mac));
          }
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
      return this.#work(side) || again;
    }, POLLS_MAX);
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
        case "send":
          if (handle !== 0) this.sent[side]! += stack.send(handle, Uint8Array.of(byteOf(side, 0), byteOf(side, 1)));
          break;
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
    this.poll(side);
  }

  /** The i-th of the frames in flight arrives. */
  deliver(i: number): void {
    const [flight] = this.flights.splice(i, 1), to = 1 - flight!.from;
    this.sides[to]!.stack.pushFrame(flight!.frame);
    this.poll(to);
  }

  // States

  key(): bigint {
    let flights = 0n;
    for (const f of this.flights)
      flights = (flights + f.hash * (f.from === CLIENT ? 1n : 0x9e3779b97f4a7c15n)) & 0xffffffffffffffffn;
    // In order of arrival, where order counts.
    if (!this.scenario.bounds.reorder)
      for (const f of this.flights) flights = (flights * 31n + f.hash) & 0xffffffffffffffffn;
    const rest = BigInt(
      this.drops
        | (this.duplicates << 4)
        | (this.timers << 8)
        | (this.resets << 14)
        | (this.done[0] << 16)
        | (this.done[1] << 19)
        | (Math.min(3, this.got[0]) << 22)
        | (Math.min(3, this.got[1]) << 24)
        | (Number(this.ended[0]) << 26)
        | (Number(this.ended[1]) << 27)
        | (Number(this.handles[0] !== 0) << 28)
        | (Number(this.handles[1] !== 0) << 29),
    );
    const h =
      (this.sides[0].hash() * 0xff51afd7ed558ccdn
        + this.sides[1].hash() * 0xc4ceb9fe1a85ec53n
        + flights
        + rest * 0x9fb21c651e98df25n
        + BigInt(this.attacks) * 0xd6e8feb86659fd93n)
      & 0xffffffffffffffffn;
    return h ^ (h >> 29n);
  }

  save(): State {
    return {
      memories: [this.sides[0].save(), this.sides[1].save()], flights: [...this.flights], now: this.now,
      handles: [...this.handles], listeners: [...this.listeners], done: [...this.done], got: [...this.got],
      sent: [...this.sent], ended: [...this.ended], drops: this.drops, duplicates: this.duplicates, timers: this.timers,
      resets: this.resets, attacks: this.attacks,
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
  nextTimer(): number {
    let next = Infinity;
    for (const s of this.sides) {
      const wait = s.stack.poll(this.now);
      if (wait >= 0 && wait < LONG_US) next = Math.min(next, this.now + Math.max(1, wait));
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
    if (this.timers < bounds.timers && this.nextTimer() !== Infinity) out.push({ kind: "timer" });
    for (const side of [CLIENT, SERVER])
      if (this.done[side]! < this.#deeds(side).length) out.push({ kind: "deed", side });
    if (this.resets < (this.scenario.resets ?? 0))
      out.push({ kind: "reset", to: CLIENT }, { kind: "reset", to: SERVER });
    const { attacks } = this.scenario;
    if (attacks && this.attacks < attacks.count)
      for (const form of attacks.forms)
        out.push({ kind: "attack", to: CLIENT, form }, { kind: "attack", to: SERVER, form });
    return out;
  }

  #deeds(side: number): Deed[] {
    return side === CLIENT ? this.scenario.client : this.scenario.server;
  }

  make(move: Move): void {
    switch (move.kind) {
      case "deliver": this.deliver(move.flight); break;
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
        this.now = this.nextTimer();
        this.poll(CLIENT);
        this.poll(SERVER);
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
        this.poll(move.to);
      }
    }
  }

  /** A segment of an attacker reaches one side. Its timestamp is as good a guess: far ahead. */
  #attack(to: number, form: Form): void {
    this.attacks++;
    const { stack } = this.sides[to]!, mine = this.known(to), theirs = this.known(1 - to);
    const guess = {
      rcvNxt: mine?.rcvNxt ?? (theirs ? theirs.iss + 1 : 7001), sndNxt: mine?.sndNxt ?? theirs?.rcvNxt ?? 1,
    };
    const t = FORMS[form](guess);
    const opts = this.scenario.timestamps ? opt.ts(((mine?.tsRecent ?? 0) + 0x20000000) >>> 0, 0) : [];
    stack.pushFrame(
      this.#segment(1 - to, {
        ...t, seq: t.seq >>> 0, ack: (t.ack ?? 0) >>> 0, opts: form === "a SYN between the two" ? [] : opts,
      }),
    );
    this.poll(to);
  }

  /** A side's connection; undefined: it has none. */
  known(side: number): TcpInfo | undefined {
    try {
      return this.handles[side] === 0 ? undefined : this.sides[side]!.stack.info(this.handles[side]!);
    } catch {
      return undefined;
    }
  }

  /** A move in words. */
  say(move: Move): string {
    if (move.kind === "attack")
      return `an attacker's segment reaches the ${move.to === CLIENT ? "client" : "server"}: ${move.form}`;
    if (move.kind === "timer") return "a timer fires";
    if (move.kind === "deed")
      return `the ${move.side === CLIENT ? "client" : "server"}'s application: `
        + `${this.#deeds(move.side)[this.done[move.side]!]}`;
    if (move.kind === "reset")
      return `a RST with the right number reaches the ${move.to === CLIENT ? "client" : "server"}`;
    const f = this.flights[move.flight]!, s = decodeTcp(f.frame)!;
    const age = (this.scenario.old ?? []).some(
      (o) =>
        o.from === f.from && this.#segment(f.from, o.segment({ flags: "", seq: 0 })).every((b, i) => b === f.frame[i]),
    )
      ? "old "
      : "";
    return `${{ deliver: "delivered", drop: "lost", duplicate: "duplicated" }[move.kind]}: `
      + `the ${f.from === CLIENT ? "client" : "server"}'s ${age}${s.flags.join("+")} seq=${s.seq} `
      + `ack=${s.ack} len=${s.len}`;
  }
}
