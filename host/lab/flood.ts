/**
 * A SYN flood in virtual time: an attacker who never completes a handshake, honest clients who do, and a server, or
 * two, behind one address. All of them beyond one router; all stacks are the module that ships.
 */
import { parseIp } from "../address.js";
import type { StackOptions } from "../config.js";
import { ETHERTYPE, get, IP_AT, IPV4, ipv4Size, TCP, typeOf } from "../headers.js";
import { loadModule } from "../module.js";
import { Queue } from "../queue.js";
import { Random } from "../random.js";
import { rest } from "../rest.js";
import { EVENT, StackModule } from "../stack.js";
import { StintError } from "../errors.js";
import { SynFrame, arpAnswer, forwarded } from "./frames.js";

export const DEFENCES = ["none", "timeout", "rate", "cookies", "balance", "all"] as const;
export type Defence = (typeof DEFENCES)[number];

export interface FloodOptions {
  /** Spoofed SYNs a second. */
  rate: number;
  seconds: number;
  clients: number;
  /** /24 networks that the attacker's addresses come from; 0: the whole address space. */
  networks: number;
  seed: number;
}

export interface FloodRun {
  defence: Defence;
  honest_attempted: number;
  honest_connected: number;
  connect_ms_p50: number;
  connect_ms_p99: number;
  /** Processor time of the server for a spoofed SYN, ns. */
  syn_ns: number;
  half_open_peak: number;
  memory_bytes_before: number;
  memory_bytes_peak: number;
  /** By second of the run: clients who began then, and those of them who were served. */
  timeline: { second: number; attempted: number; connected: number }[];
  counters: Record<string, number>;
}

const SERVER = parseIp("192.0.2.80"), PORT = 80;
const TABLE = 256;
/** One way, between anybody and the servers. */
const DELAY_US = 5000;
const TICK_US = 1000;
/** A client gives up after so long: long enough for its SYN to be sent three times. */
const PATIENCE_US = 5_000_000;
/** How often a client comes, on average. */
const EVERY_US = 1_000_000;
/** How long the router goes on sending to a dead server. */
const DETECT_US = 200_000;

/** What each defence changes, against a table that keeps what it has for as long as RFC-like time-outs say. */
const NONE = { cookies: 0, policy: { keepHalfOpen: true } };
const SERVERS: Record<Defence, { count: number; options: Partial<StackOptions> }> = {
  none: { count: 1, options: NONE },
  timeout: { count: 1, options: { ...NONE, synAckMs: 200, synAckRetries: 1, halfOpenMs: 500 } },
  rate: {
    count: 1,
    options: {
      ...NONE, policy: { keepHalfOpen: true, synSilence: true }, prefixRate: 1, prefixBurst: 8, prefixBuckets: 1024,
    },
  },
  cookies: { count: 1, options: { cookies: 1 } },
  // What is pushed out of a full table is not lost: in a group every SYN-ACK carries a cookie.
  balance: { count: 2, options: { cookies: 0 } },
  all: {
    count: 2,
    options: {
      cookies: 1, synAckMs: 500, synAckRetries: 2, halfOpenMs: 5000, prefixRate: 8, prefixBurst: 16,
      prefixBuckets: 1024,
    },
  },
};

/** A stack on the router. */
class Host {
  readonly stack: StackModule;
  readonly mac: Uint8Array;
  wakeUs = 0;
  alive = true;
  /** Real time spent in the module, ms. */
  cpuMs = 0;

  constructor(
    readonly ip: number, readonly lab: Lab, index: number, options: Partial<StackOptions>, readonly startedUs = 0,
  ) {
    const mac = [2, 1, 0, 0, index >> 8, index & 255];
    const network = `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}`;
    this.mac = Uint8Array.from(mac);
    this.stack = new StackModule(loadModule(), {
      ip: `${network}.${ip & 255}/24`,
      gateway: `${network}.1`,
      mac: mac.map((b) => b.toString(16).padStart(2, "0")).join(":"),
      entropy: lab.random.bytes(32),
      sendRing: 2048,
      recvRing: 2048,
      rangesMax: 16,
      reassemblyMax: 0,
      udpMax: 0,
      loopSlots: 0,
      ...options,
    });
    this.stack.onWork = () => { this.wakeUs = 0; };
  }

  push(frame: Uint8Array): void {
    if (!this.alive) return;
    if (!this.stack.pushFrame(frame)) {
      this.poll();
      this.stack.pushFrame(frame);
    }
    this.wakeUs = 0;
  }

  poll(onPolled: () => void = () => {}): void {
    if (!this.alive) return;
    const wait = rest(() => {
      const began = performance.now(), asked = this.stack.poll(this.lab.nowUs - this.startedUs);
      this.cpuMs += performance.now() - began;
      this.wakeUs = Infinity;
      return asked;
    }, () => {
      this.stack.drainFrames((frame) => this.lab.route(frame, this));
      onPolled();
      return this.wakeUs === 0;
    }, 100_000);
    this.wakeUs = wait < 0 ? Infinity : this.lab.nowUs + wait;
  }
}

class Server extends Host {
  readonly listener: number;
  halfOpenPeak = 0;
  memoryPeak: number;
  readonly memoryBefore: number;

  constructor(lab: Lab, index: number, options: Partial<StackOptions>, startedUs: number) {
    super(SERVER, lab, index, {
      connsMax: TABLE, halfOpenMax: TABLE, timeWaitMax: TABLE, rxSlots: 256, txSlots: 256, cookieRate: 1000, ...options,
    }, startedUs);
    this.listener = this.stack.listen(PORT, TABLE);
    this.memoryBefore = this.memoryPeak = this.stack.memory.length;
  }

  /** Echo, until the client closes. */
  serve(): void {
    for (let handle = this.stack.accept(this.listener); handle !== 0; handle = this.stack.accept(this.listener))
      this.#read(handle);
    this.stack.drainEvents((handle, bits) => {
      if (handle !== this.listener && (bits & (EVENT.READABLE | EVENT.END | EVENT.CLOSED)) !== 0) this.#read(handle);
    });
    this.halfOpenPeak = Math.max(this.halfOpenPeak, TABLE - this.stack.pools().halfOpenFree);
    this.memoryPeak = Math.max(this.memoryPeak, this.stack.memory.length);
  }

  #read(handle: number): void {
    try {
      const data = this.stack.receive(handle);
      if (data === null) return;
      if (data.length === 0) this.stack.close(handle);
      else this.stack.send(handle, data);
    } catch (e) {
      if (!(e instanceof StintError)) throw e;
      this.stack.close(handle);
    }
  }
}

interface Attempt {
  beganUs: number;
  connectedUs: number;
  served: boolean;
}

/** Connects about once a second, whatever became of the times before; sends a byte, waits for its echo, closes. */
class Client extends Host {
  readonly attempts: Attempt[] = [];
  #open = new Map<number, Attempt>();
  #nextUs: number;

  constructor(lab: Lab, index: number) {
    super(((100 << 24) | (64 << 16) | (index << 8) | 10) >>> 0, lab, 1000 + index, {
      connsMax: 16, halfOpenMax: 1, timeWaitMax: 16, rxSlots: 8, txSlots: 8,
    });
    this.#nextUs = lab.nowUs + lab.random.below(EVERY_US);
  }

  get busy(): boolean {
    return this.#open.size > 0;
  }

  turn(): void {
    const { nowUs, stopUs, random } = this.lab;
    this.stack.drainEvents((handle, bits) => this.#hear(handle, bits));
    for (const [handle, attempt] of this.#open)
      if (nowUs - attempt.beganUs > PATIENCE_US) this.#over(handle, attempt, "failed");
    if (nowUs < this.#nextUs || nowUs >= stopUs) return;
    const attempt = { beganUs: nowUs, connectedUs: NaN, served: false };
    this.attempts.push(attempt);
    this.#open.set(this.stack.connect(SERVER, PORT), attempt);
    this.#nextUs = nowUs + EVERY_US / 2 + random.below(EVERY_US);
  }

  #hear(handle: number, bits: number): void {
    const attempt = this.#open.get(handle);
    if (!attempt) return;
    if ((bits & EVENT.CONNECTED) !== 0) {
      attempt.connectedUs = this.lab.nowUs;
      this.stack.send(handle, Uint8Array.of(1));
    }
    if ((bits & EVENT.CLOSED) !== 0) this.#over(handle, attempt, "failed");
    else if ((bits & EVENT.READABLE) !== 0) this.#over(handle, attempt, "served");
  }

  #over(handle: number, attempt: Attempt, how: "served" | "failed"): void {
    attempt.served = how === "served";
    this.#open.delete(handle);
    if (attempt.served) {
      this.stack.receive(handle);
      this.stack.close(handle);
    } else {
      this.stack.abort(handle);
    }
  }
}

class Lab {
  nowUs = 1_000_000_000;
  readonly stopUs: number;
  readonly random: Random;
  readonly servers: Server[];
  readonly clients: Client[];
  #flights = new Queue<{ frame: Uint8Array; to: Host }>();
  #hosts = new Map<number, Host>();
  #dead: Server | undefined;
  #diedUs = Infinity;
  #attacker: SynFrame[];
  #owed = 0;
  syns = 0;

  constructor(readonly defence: Defence, readonly options: FloodOptions) {
    this.random = new Random(options.seed);
    this.stopUs = this.nowUs + options.seconds * 1e6;
    const { count, options: own } = SERVERS[defence];
    const key = this.random.bytes(16);
    this.servers = Array.from({ length: count }, (_, i) => {
      // The members of a group were switched on at different times; what they share is the time of day.
      const startedUs = i * 345_678_901 / 2;
      return new Server(
        this, 1 + i, count === 1 ? own : { ...own, group: { key, clockOffsetUs: startedUs } }, startedUs,
      );
    });
    this.clients = Array.from({ length: options.clients }, (_, i) => new Client(this, i));
    for (const c of this.clients) this.#hosts.set(c.ip, c);
    this.#attacker = this.servers.map((s) => new SynFrame(s.mac, SERVER, PORT));
  }

  /**
   * The router: to a client by its address, to one of the servers by the flow's hash, to a spoofed address not at all.
   */
  route(frame: Uint8Array, from: Host): void {
    const answer = arpAnswer(frame);
    if (answer) return from.push(answer);
    if (typeOf(frame) !== ETHERTYPE.ipv4) return;
    const dst = get(frame, IP_AT, IPV4.dst);
    const to =
      dst === SERVER
        ? this.#balance(get(frame, IP_AT, IPV4.src), get(frame, IP_AT + ipv4Size(frame, IP_AT), TCP.sport))
        : this.#hosts.get(dst);
    if (to) this.#flights.push(this.nowUs + DELAY_US, { frame: forwarded(frame, to.mac), to });
  }

  /** Which server a flow goes to: until its death is noticed, also the dead one. */
  #balance(src: number, port: number): Server {
    const all = this.nowUs < this.#diedUs + DETECT_US ? this.servers : this.servers.filter((s) => s !== this.#dead);
    let hash = Math.imul(src ^ Math.imul(port, 0x9e3779b1), 0x85ebca6b);
    hash ^= hash >>> 15;
    return all[(hash >>> 0) % all.length]!;
  }

  run(): void {
    const half = this.nowUs + (this.stopUs - this.nowUs) / 2;
    while (this.nowUs < this.stopUs || this.clients.some((c) => c.busy)) {
      this.nowUs += TICK_US;
      if (this.servers.length > 1 && this.#dead === undefined && this.nowUs >= half) {
        this.#dead = this.servers[0]!;
        this.#dead.alive = false;
        this.#diedUs = this.nowUs;
      }
      while (this.#flights.nextUs <= this.nowUs) {
        const { frame, to } = this.#flights.pop();
        to.push(frame);
      }
      this.#attack();
      for (const s of this.servers) if (s.wakeUs <= this.nowUs) s.poll(() => s.serve());
      for (const c of this.clients) {
        c.turn();
        if (c.wakeUs <= this.nowUs) c.poll(() => c.turn());
      }
    }
  }

  #attack(): void {
    this.#owed += (this.options.rate * TICK_US) / 1e6;
    for (; this.#owed >= 1; this.#owed--) {
      const { random } = this, { networks } = this.options;
      // 198.18.0.0/15 and what follows it, or any address below 224 that is no client's and no one's of this network.
      let src =
        networks > 0
          ? ((198 << 24) + (18 << 16) + random.below(networks) * 256 + 1 + random.below(254)) >>> 0
          : random.u32();
      if (networks === 0)
        while (
          src >>> 24 === 0
          || src >>> 24 === 127
          || src >>> 24 >= 224
          || src >>> 24 === 100
          || src >>> 8 === SERVER >>> 8
        )
          src = random.u32();
      const port = 1024 + random.below(64512), to = this.#balance(src, port);
      to.push(this.#attacker[this.servers.indexOf(to)]!.from(src, port, random.u32()));
      this.syns++;
    }
  }
}

function percentile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** Runs one defence. `onSecond` hears of the progress. */
export function flood(defence: Defence, options: FloodOptions): FloodRun {
  const lab = new Lab(defence, options);
  const start = lab.nowUs;
  lab.run();
  const attempts = lab.clients.flatMap((c) => c.attempts);
  const times = attempts.filter((a) => a.served).map((a) => (a.connectedUs - a.beganUs) / 1000).sort((a, b) => a - b);
  const timeline = Array.from({ length: options.seconds }, (_, second) => {
    const began = attempts.filter((a) => Math.floor((a.beganUs - start) / 1e6) === second);
    return { second, attempted: began.length, connected: began.filter((a) => a.served).length };
  });
  const sum = (f: (s: Server) => number): number => lab.servers.reduce((n, s) => n + f(s), 0);
  const counters: Record<string, number> = {};
  for (const s of lab.servers)
    for (const [name, n] of Object.entries(s.stack.counters())) counters[name] = (counters[name] ?? 0) + n;
  return {
    defence,
    honest_attempted: attempts.length,
    honest_connected: times.length,
    connect_ms_p50: percentile(times, 0.5),
    connect_ms_p99: percentile(times, 0.99),
    syn_ns: Math.round((sum((s) => s.cpuMs) * 1e6) / Math.max(1, lab.syns)),
    half_open_peak: sum((s) => s.halfOpenPeak),
    memory_bytes_before: sum((s) => s.memoryBefore),
    memory_bytes_peak: sum((s) => s.memoryPeak),
    timeline,
    counters,
  };
}
