/**
 * The handshake lab's engine: a few stacks on a wire, in virtual time, one event a step. The stacks are the module that
 * ships. What happens follows from the scenario, the seed and what the user did, so every step can be gone back to.
 */
import { parseIp } from "../address.js";
import { decodeTcp, type TcpSegment } from "../decode.js";
import { Random } from "../random.js";
import { rest } from "../rest.js";
import { StackModule, type StateName, type TcpInfo } from "../stack.js";
import type { StackOptions } from "../config.js";
import { hostsOf, STEPS_MAX } from "./acts.js";
import { INJECTED, OLD, type Frame, type Mark } from "./analyze.js";
import { Faults } from "./faults.js";
import { arpAnswer, arpRequest, SynFrame } from "./frames.js";
import { connection, Host, type HostState, type Served } from "./host.js";
import { segmentFrame, thirdOf, type SegmentFields } from "./segment-frame.js";
import type { Action, HostPlan, Scenario, UserAct } from "./scenario.js";

export interface Flight {
  id: number;
  from: number;
  to: number;
  sentUs: number;
  dueUs: number;
  bytes: Uint8Array;
}

interface Pending { atUs: number; order: number; action: Action }

interface Snapshot {
  step: number;
  nowUs: number;
  memories: Uint8Array[];
  states: HostState[];
  flights: Flight[];
  pending: Pending[];
  seen: Record<string, number>;
  frames: readonly Frame[];
  changes: number;
  notes: number;
  served: Served;
  up: boolean;
  spoof: number;
}

/** A state that a host entered. */
export interface Change { timeUs: number; step: number; host: number; state: StateName; flow: number }
/** A connection that is looked at: by whom, to whom. */
export interface Flow { a: number; aPort: number; b: number; bPort: number }

const SERVER_PORT = 80, CLIENT_PORT = 49160;
const START_US = 1_000_000, EVERY = 32;
/** What the user does has its effects within, µs. */
const AFTER_ACT_US = 10_000_000;
/** A frame takes so long to leave, so that those of one moment can be told apart, µs. */
const FRAME_US = 200;
const DEFAULT_HOSTS: HostPlan[] = [{ name: "client", ip: "10.0.0.1" }, { name: "server", ip: "10.0.0.2" }];
const SMALL: Partial<StackOptions> = {
  connsMax: 8, halfOpenMax: 8, timeWaitMax: 8, listenersMax: 2, sendRing: 8192, recvRing: 8192, rangesMax: 64,
  sendersMax: 4, rxSlots: 16, txSlots: 16, loopSlots: 0, reassemblyMax: 0, neighboursMax: 16, udpMax: 0,
  prefixBuckets: 64, timeWaitMs: 4000, delayedAckMs: 40, rtoMinMs: 300, synAckMs: 1000,
};

/** Two labs with the same scenario, seed, variant and acts are the same, to the byte. */
export class Lab {
  readonly scenario: Scenario;
  readonly hosts: readonly HostPlan[];
  readonly stacks: StackModule[] = [];
  frames: Frame[] = [];
  changes: Change[] = [];
  notes: { timeUs: number; step: number; text: string }[] = [];
  flows: Flow[] = [];
  /** In the order of arrival. No queue of host/queue.ts: users edit and delay flights, and steps are taken back. */
  flights: Flight[] = [];
  step = 0;
  nowUs = START_US;
  served: Served = { began: 0, connected: 0, spoofed: 0, held: 0, waiting: [] };
  up = true;
  acts: UserAct[] = [];
  readonly #on: Host[] = [];
  #pending: Pending[] = [];
  #order = 0;
  readonly #faults: Faults;
  #snapshots: Snapshot[] = [];
  #random: Random;
  #spoof = 0;
  #delayUs: number;
  /** Until when there is something to see. */
  #untilUs: number;

  constructor(
    module: WebAssembly.Module, scenario: Scenario, readonly seed = 1, readonly variant = "", acts: UserAct[] = [],
  ) {
    this.scenario = { ...scenario, ...(scenario.variants?.[variant] ?? {}) };
    this.hosts = this.scenario.hosts ?? DEFAULT_HOSTS;
    this.#delayUs = (this.scenario.delayMs ?? 20) * 1000;
    this.#untilUs = START_US + this.scenario.lastsMs * 1000;
    this.#random = new Random(seed);
    this.#faults = new Faults(this.scenario.faults ?? []);
    const macs = this.hosts.map((_, i) => [2, 0, 0, 0, 0, i + 1]);
    for (const [i, plan] of this.hosts.entries()) {
      this.stacks.push(
        new StackModule(module, {
          ...SMALL,
          entropy: this.#random.bytes(32),
          mac: macs[i]!.map((b) => b.toString(16).padStart(2, "0")).join(":"),
          gateway: "10.0.0.254",
          ...plan.options,
          ip: `${plan.ip}/24`,
          policy: { announce: false, quickAcks: false, ...plan.options?.policy },
        }),
      );
      this.#on.push(new Host(i, macs[i]!, this.stacks[i]!, START_US));
    }
    for (const { atMs, ...action } of this.scenario.script) this.#later(atMs * 1000, action);
    // Everybody knows everybody: the ladder begins with TCP.
    for (const [i, stack] of this.stacks.entries()) {
      stack.poll(this.nowUs);
      const others = this.hosts.flatMap((h, j) => (j === i ? [] : [{ mac: macs[j]!, ip: parseIp(h.ip) }]));
      for (const other of others) {
        stack.pushFrame(arpRequest(other.mac, other.ip, parseIp(this.hosts[i]!.ip)));
        stack.poll(this.nowUs);
        stack.drainFrames(() => {});
      }
    }
    // Who is named is there: an act is carried out later, when nobody is left to tell.
    for (const act of acts) hostsOf(act).forEach((name) => this.host(name));
    this.acts = [...acts];
    this.#snapshot();
  }

  /** A host's number by its name. Throws a RangeError that lists the names. */
  host(name: string): number {
    const i = this.hosts.findIndex((h) => h.name === name);
    if (i < 0)
      throw new RangeError(`there is no host "${name}"; there are ${this.hosts.map((h) => h.name).join(", ")}`);
    return i;
  }

  get timeMs(): number {
    return (this.nowUs - START_US) / 1000;
  }

  /** When `frames`' times begin. */
  get startUs(): number {
    return START_US;
  }

  // Time

  #later(us: number, action: Action): void {
    this.#pending.push({ atUs: START_US + us, order: this.#order++, action });
    this.#pending.sort((a, b) => a.atUs - b.atUs || a.order - b.order);
  }

  /** When the next thing happens; Infinity: nothing will. */
  get nextUs(): number {
    const flight = this.flights[0]?.dueUs ?? Infinity, action = this.#pending[0]?.atUs ?? Infinity;
    return Math.min(flight, action, ...this.#on.map((h) => h.state.wakeUs));
  }

  /** Whether the scenario is over: its script is done, and nothing is on its way, or its time is up. */
  get isOver(): boolean {
    return this.nextUs === Infinity || this.nextUs > this.#untilUs;
  }

  /** Does the next thing. Returns false when there is none. */
  next(): boolean {
    const acts = this.acts.filter((a) => a.step === this.step);
    for (const act of acts) this.#carryOut(act);
    // What the user does is a step of its own, also when nothing follows from it.
    if (this.nextUs === Infinity && acts.length === 0) return false;
    if (this.nextUs !== Infinity) this.#event(this.nextUs);
    this.step++;
    if (this.step % EVERY === 0 && !this.#snapshots.some((s) => s.step === this.step)) this.#snapshot();
    return true;
  }

  /** What comes at `at`: a frame arrives, an application acts, or a timer fires. */
  #event(at: number): void {
    this.nowUs = Math.max(this.nowUs, at);
    const flight = this.flights[0], action = this.#pending[0];
    if (flight && flight.dueUs <= at) {
      this.flights = this.flights.slice(1);
      this.#arrive(flight);
    } else if (action && action.atUs <= at) {
      this.#pending.shift();
      this.#act(action.action);
    } else {
      this.#poll(this.#on.findIndex((h) => h.state.wakeUs <= at));
    }
  }

  /** Goes to a step, forwards or back. */
  goTo(step: number): void {
    if (step < this.step) {
      const from = [...this.#snapshots].reverse().find((s) => s.step <= Math.max(0, step))!;
      this.#restore(from);
    }
    while (this.step < step && this.next());
  }

  /** Goes on until the scenario is over, or `steps` later. */
  finish(steps = STEPS_MAX): void {
    for (let i = 0; i < steps && !this.isOver && this.next(); i++);
  }

  /** A number that all memories and all that is on its way have part in. */
  fingerprint(): string {
    let h = 0x811c9dc5;
    const mix = (bytes: Uint8Array): void => { for (const b of bytes) h = Math.imul(h ^ b, 0x01000193) >>> 0; };
    for (const s of this.stacks) mix(s.save());
    for (const f of this.flights) mix(f.bytes);
    return `${this.step}:${this.nowUs}:${h.toString(16)}`;
  }

  /** Something that the user does now. What had been done after this moment is forgotten. */
  user(
    act:
      | { act: "action"; action: Action }
      | { act: "fate"; flight: number; fate: "drop" | "duplicate" | "delay" | "corrupt" }
      | { act: "edit"; flight: number; fields: SegmentFields },
  ): void {
    this.acts = [...this.acts.filter((a) => a.step <= this.step), { ...act, step: this.step }];
    this.#snapshots = this.#snapshots.filter((s) => s.step <= this.step);
    this.next();
  }

  #carryOut(act: UserAct): void {
    this.#untilUs = Math.max(this.#untilUs, this.nowUs + AFTER_ACT_US);
    if (act.act === "action") {
      this.#act(act.action);
      return;
    }
    const i = this.flights.findIndex((f) => f.id === act.flight);
    if (i < 0) return;
    const flight = this.flights[i]!;
    if (act.act === "edit") {
      this.#replace(i, { ...flight, bytes: segmentFrame(act.fields, flight.bytes) }, "edited");
    } else if (act.fate === "drop") {
      this.flights = this.flights.filter((f) => f !== flight);
      this.#amend(flight.id, { arrivesUs: null, fate: "lost" });
    } else if (act.fate === "delay") {
      this.#replace(i, { ...flight, dueUs: flight.dueUs + 3 * this.#delayUs }, "delayed");
    } else if (act.fate === "duplicate") {
      this.#fly({ ...flight, dueUs: flight.dueUs + this.#delayUs });
      this.#amend(flight.id, { fate: "duplicate" });
    } else {
      const bytes = flight.bytes.slice();
      bytes[bytes.length - 1]! ^= 0x10;
      this.#replace(i, { ...flight, bytes }, "corrupted");
    }
  }

  #replace(i: number, flight: Flight, fate: string): void {
    this.flights = this.flights.filter((_, j) => j !== i);
    this.#fly(flight);
    this.#amend(flight.id, { arrivesUs: flight.dueUs, fate });
  }

  #amend(id: number, change: Partial<Frame>): void {
    this.frames = this.frames.map((f, i) => (i === id ? { ...f, ...change } : f));
  }

  // Snapshots

  #snapshot(): void {
    this.#snapshots.push({
      step: this.step,
      nowUs: this.nowUs,
      memories: this.stacks.map((s) => s.save()),
      states: structuredClone(this.#on.map((h) => h.state)),
      flights: [...this.flights],
      pending: [...this.#pending],
      seen: { ...this.#faults.seen },
      frames: [...this.frames],
      changes: this.changes.length,
      notes: this.notes.length,
      served: structuredClone(this.served),
      up: this.up,
      spoof: this.#spoof,
    });
  }

  #restore(s: Snapshot): void {
    this.step = s.step;
    this.nowUs = s.nowUs;
    this.stacks.forEach((stack, i) => stack.restore(s.memories[i]!, s.nowUs));
    for (const [i, state] of structuredClone(s.states).entries()) this.#on[i]!.state = state;
    this.flights = [...s.flights];
    this.#pending = [...s.pending];
    this.#faults.seen = { ...s.seen };
    // Copies: what the user did later to a frame has not happened yet.
    this.frames = [...s.frames];
    this.changes = this.changes.slice(0, s.changes);
    this.notes = this.notes.slice(0, s.notes);
    this.served = structuredClone(s.served);
    this.up = s.up;
    this.#spoof = s.spoof;
    this.flows = this.flows.filter((f) => this.changes.some((c) => this.flows[c.flow] === f));
  }

  // Hosts

  #poll(i: number): void {
    const stack = this.stacks[i]!, host = this.#on[i]!;
    const counted = (): { cookies: number; challenges: number } => {
      const c = stack.counters();
      return { cookies: c["SyncookiesSent"], challenges: c["TCPChallengeACK"] + c["TCPSYNChallenge"] };
    };
    let before = counted();
    const wait = rest(() => {
      before = counted();
      return stack.poll(this.nowUs);
    }, () => {
      const now = counted(), marks: Mark[] = [];
      if (now.cookies > before.cookies) marks.push("cookie");
      if (now.challenges > before.challenges) marks.push("challenge");
      stack.drainFrames((frame) => this.#send(i, frame.slice(), marks));
      // Before the applications answer: a state may last for no longer.
      this.#watch();
      return host.applications(this.served);
    });
    host.state.wakeUs = wait < 0 ? Infinity : this.nowUs + wait;
    this.served.held = Math.max(this.served.held, this.halfOpen(i));
    this.#watch();
  }

  /** Notes the states that flows have entered. */
  #watch(): void {
    this.flows.forEach((f, flow) => {
      for (const [host, lport, other, rport] of [[f.a, f.aPort, f.b, f.bPort], [f.b, f.bPort, f.a, f.aPort]] as const) {
        const state = this.stateOf(host, lport, other, rport);
        const last = this.changes.findLast((c) => c.host === host && c.flow === flow)?.state;
        if (state !== last) this.changes.push({ timeUs: this.nowUs, step: this.step, host, state, flow });
      }
    });
  }

  /** The state that host `host` is in towards host `other`; "CLOSED" without a connection. */
  stateOf(host: number, lport: number, other: number, rport: number): StateName {
    return this.stacks[host]!.flowState(parseIp(this.hosts[host]!.ip), lport, parseIp(this.hosts[other]!.ip), rport);
  }

  /** How many half-open connections a host keeps. */
  halfOpen(host: number): number {
    const places = this.hosts[host]!.options?.halfOpenMax ?? SMALL.halfOpenMax!;
    return places - this.stacks[host]!.pools().halfOpenFree;
  }

  /** The connections of a host, as its inspector shows them. */
  inspect(host: number): { info: TcpInfo; got: number; text: string }[] {
    return this.#on[host]!.inspect();
  }

  // The wire

  #send(from: number, bytes: Uint8Array, marks: Mark[]): void {
    const answer = arpAnswer(bytes);
    if (answer) {
      this.stacks[from]!.pushFrame(answer);
      this.#on[from]!.state.wakeUs = this.nowUs;
      return;
    }
    const tcp = decodeTcp(bytes);
    if (!tcp) return;
    const { habit } = this.hosts[from]!, s = this.#on[from]!.state;
    if (habit !== undefined && tcp.flags.includes("SYN") && tcp.flags.includes("ACK")) {
      if (habit === "splits") {
        this.#send(from, segmentFrame({ flags: ["ACK"], seq: (tcp.seq + 1) >>> 0 }, bytes), marks);
        this.#send(from, segmentFrame({ flags: ["SYN"] }, bytes), marks);
        return;
      }
      // No frame of the wire: it has no number.
      this.#fly({ id: -1, from, to: from, sentUs: this.nowUs, dueUs: this.nowUs, bytes: thirdOf(bytes) });
    }
    const leaves = Math.max(this.nowUs, s.busyUs);
    s.busyUs = leaves + FRAME_US;
    const to = this.#route(tcp);
    const id = this.frames.length, fault = this.#faults.of(this.hosts[from]!.name, tcp);
    let dueUs = leaves + this.#delayUs;
    const mine = marks.filter((m) =>
      m === "cookie" ? tcp.flags.includes("SYN") : tcp.len === 0 && !tcp.flags.includes("SYN"),
    );
    const frame: Frame = { timeUs: leaves, bytes, arrivesUs: dueUs, marks: mine };
    // Answers to addresses that nobody has are not drawn to their end.
    if (to < 0 || !this.up || fault?.fate === "drop") {
      this.frames.push({ ...frame, arrivesUs: null, fate: to < 0 ? "sent to nobody" : "lost" });
      return;
    }
    if (fault?.fate === "delay") {
      dueUs += (fault.delayMs ?? 100) * 1000;
      Object.assign(frame, { arrivesUs: dueUs, fate: "delayed" });
    }
    if (fault?.fate === "duplicate") frame.fate = "duplicate";
    this.frames.push(frame);
    const flight: Flight = { id, from, to, sentUs: leaves, dueUs, bytes };
    this.#fly(flight);
    if (fault?.fate === "duplicate") this.#fly({ ...flight, dueUs: dueUs + (fault.delayMs ?? 60) * 1000 });
  }

  #fly(flight: Flight): void {
    const i = this.flights.findIndex((f) => f.dueUs > flight.dueUs);
    this.flights = i < 0 ? [...this.flights, flight] : [...this.flights.slice(0, i), flight, ...this.flights.slice(i)];
  }

  /** Whom a packet goes to: who has the address; of several, one by the packet's addresses and ports. */
  #route(tcp: TcpSegment): number {
    const owners = this.hosts.flatMap((h, i) => (parseIp(h.ip) === tcp.dst ? [i] : []));
    if (owners.length <= 1) return owners[0] ?? -1;
    return owners[this.shareOf(tcp.src, tcp.srcPort, owners.length)]!;
  }

  /** Which of `n` hosts with one address gets what comes from there. */
  shareOf(ip: number, port: number, n: number): number {
    return (Math.imul(ip ^ (port << 16), 0x9e3779b1) >>> 16) % n;
  }

  #arrive(flight: Flight): void {
    const stack = this.stacks[flight.to]!;
    if (!stack.pushFrame(flight.bytes)) {
      this.#poll(flight.to);
      stack.pushFrame(flight.bytes);
    }
    this.#poll(flight.to);
  }

  // Actions

  #act(a: Action): void {
    switch (a.do) {
      case "link":
        this.up = a.up;
        this.#note(a.up ? "The link is up again." : "The link is down.");
        return;
      case "segment": {
        this.#inject(a);
        return;
      }
      case "replay": {
        const frame = this.frames[a.frame], tcp = frame && decodeTcp(frame.bytes);
        if (!tcp) return this.#note("There is no such segment yet.");
        const to = this.#route(tcp);
        if (to < 0) return this.#note("Nobody has the address that it goes to.");
        this.#watch();
        this.#late(this.hosts.findIndex((h) => parseIp(h.ip) === tcp.src), to, frame.bytes, OLD);
        return;
      }
      case "flood": {
        const to = this.host(a.to), plan = this.hosts[to]!;
        const syn = new SynFrame(Uint8Array.from(this.#on[to]!.mac), parseIp(plan.ip), SERVER_PORT);
        this.#spoof = (Math.imul(this.#spoof, 1664525) + 1013904223 + this.seed) >>> 0;
        const bytes = syn
          .from((0x0b000000 | (this.#spoof >>> 8)) >>> 0, 1024 + (this.#spoof & 0x7fff), this.#spoof)
          .slice();
        const owner = this.#route(decodeTcp(bytes)!);
        this.served.spoofed++;
        this.#late(-1, owner, bytes, INJECTED);
        if (a.ms > 0) this.#later(this.nowUs - START_US + 1e6 / a.perSecond, { ...a, ms: a.ms - 1000 / a.perSecond });
        return;
      }
      case "clients": {
        const host = this.host(a.host), stack = this.stacks[host]!;
        try {
          const handle = stack.connect(parseIp(this.hosts[this.host(a.to)]!.ip), SERVER_PORT);
          this.served.began++;
          this.served.waiting.push({ host, handle });
        } catch {
          this.#note("The client has no connection left.");
        }
        if (a.ms > 0) this.#later(this.nowUs - START_US + a.everyMs * 1000, { ...a, ms: a.ms - a.everyMs });
        this.#poll(host);
        return;
      }
      default:
        this.#onHost(a, this.host(a.host));
    }
  }

  #onHost(a: Exclude<Action, { do: "link" | "segment" | "replay" | "flood" | "clients" }>, i: number): void {
    const { stack, state: s } = this.#on[i]!, c = s.connections.findLast((x) => x.handle !== 0 && !x.over);
    try {
      switch (a.do) {
        case "listen":
          s.listeners.push(stack.listen(a.port ?? SERVER_PORT, a.backlog ?? 8));
          break;
        case "connect": {
          const to = this.host(a.to), aPort = a.from ?? CLIENT_PORT, bPort = a.port ?? SERVER_PORT;
          // The states before are the first that are shown.
          this.flows.push({ a: i, aPort, b: to, bPort });
          this.#watch();
          const handle = stack.connect(parseIp(this.hosts[to]!.ip), bPort, aPort);
          s.connections.push(connection(handle, { reads: true }));
          break;
        }
        case "send":
          if (c)
            stack.send(
              c.handle,
              a.text !== undefined ? new TextEncoder().encode(a.text) : new Uint8Array(a.bytes ?? 1000).fill(46),
            );
          else this.#note(`The ${a.host} has no connection to send on.`);
          break;
        case "close":
          if (c) stack.shutdown(c.handle);
          else if (s.listeners.length > 0) stack.close(s.listeners.pop()!);
          break;
        case "abort":
          if (c) {
            stack.abort(c.handle);
            c.over = true;
          }
          break;
        case "stop reading":
          if (c) c.reads = false;
          else s.connections.push(connection(0, { reads: false }));
          break;
        case "read again":
          for (const x of s.connections) x.reads = true;
          s.connections = s.connections.filter((x) => x.handle !== 0);
          break;
        case "restart":
          stack.restore(this.#snapshots[0]!.memories[i]!, this.nowUs);
          Object.assign(s, { listeners: [], connections: [], busyUs: 0 });
          this.served.waiting = this.served.waiting.filter((w) => w.host !== i);
          this.#note(`The ${a.host} has crashed and starts again: it remembers nothing.`);
          break;
      }
    } catch (e) {
      this.#note(`${a.host}: ${(e as Error).message}`);
    }
    this.#poll(i);
  }

  /**
   * A segment that somebody else makes, or that is late from an earlier connection. Numbers are relative to what each
   * side has now.
   */
  #inject(a: Extract<Action, { do: "segment" }>): void {
    const from = this.host(a.from), to = this.host(a.to);
    const flow = this.flows.find((f) => f.a === from && f.b === to);
    const back = this.flows.find((f) => f.a === to && f.b === from);
    const sport = a.fields.srcPort ?? (flow ? flow.aPort : back ? back.bPort : CLIENT_PORT);
    const dport = a.fields.dstPort ?? (flow ? flow.bPort : back ? back.aPort : SERVER_PORT);
    if (!flow && !back) this.flows.push({ a: from, aPort: sport, b: to, bPort: dport });
    this.#watch();
    const iss = (side: number): number => {
      const syn = this.frames
        .map((f) => decodeTcp(f.bytes))
        .find((t) => t?.flags.includes("SYN") && t.src === parseIp(this.hosts[side]!.ip));
      return syn?.seq ?? 0;
    };
    const bytes = segmentFrame(
      {
        ...a.fields, srcPort: sport, dstPort: dport,
        seq: a.fields.absolute ? (a.fields.seq ?? 0) : (iss(from) + (a.fields.seq ?? 0)) >>> 0,
        ack: a.fields.absolute ? (a.fields.ack ?? 0) : (iss(to) + (a.fields.ack ?? 0)) >>> 0,
      },
      undefined,
      {
        src: parseIp(this.hosts[from]!.ip), dst: parseIp(this.hosts[to]!.ip), srcMac: this.#on[from]!.mac,
        dstMac: this.#on[to]!.mac,
      },
    );
    this.#late(from, to, bytes, a.old ? OLD : INJECTED);
  }

  /** A frame that no host sends now is on its way. */
  #late(from: number, to: number, bytes: Uint8Array, fate: string): void {
    const dueUs = this.nowUs + this.#delayUs;
    this.frames.push({ timeUs: this.nowUs, bytes, arrivesUs: dueUs, fate });
    this.#fly({ id: this.frames.length - 1, from, to, sentUs: this.nowUs, dueUs, bytes });
  }

  #note(text: string): void {
    this.notes.push({ timeUs: this.nowUs, step: this.step, text });
  }
}
