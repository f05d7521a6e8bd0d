/** Runs one script against the module, in virtual time. */
import { errName } from "../errors.js";
import { decodeTcp, hex } from "../decode.js";
import { numberOf } from "./calls.js";
import { steps } from "./command.js";
import { compare, compareIp, describe, describeRun, tosOf, type Run } from "./compare.js";
import { Failure } from "./failure.js";
import { Notes } from "./notes.js";
import { Numbers } from "./numbers.js";
import type { Call, Event, Packet, Script } from "./parse.js";
import { doubts, plan, type Plan } from "./plan.js";
import { timeoutOf } from "./ready.js";
import type { Attempt, Result } from "./socket.js";
import { Sockets } from "./sockets.js";
import { ERRNO, Unsupported, type Dialect } from "./system.js";
import { headersOf, type Version } from "./version.js";
import { assertions, view } from "./view.js";
import {
  icmpFrame, icmpNumbers, letters, optionBytes, tcpFrame, udpFrame, type Ends, type Quoted, type Sent,
} from "./wire.js";
import { World } from "./world.js";

export interface Outcome {
  file: string;
  result: "passed" | "failed" | "unsupported";
  line?: number;
  expected?: string;
  got?: string;
  /** The last packets, as the script would write them. */
  packets?: string[];
}

/** How a script is run. */
export interface How {
  /** Where its packets are written. */
  pcap?: string;
  /** Whose defaults it assumes; undefined: its words tell. */
  dialect?: Dialect;
  /** Over which IP; undefined: the script tells. */
  version?: Version;
  /** Leaves PSH out of the comparison. */
  ignorePush?: boolean;
}

/** How long a packet at any time is waited for. */
const ANY_US = 600e6;
const DEFAULT_TOLERANCE_US = 4000;
const TCP_HEADER = 20;
/** Packets that a failure shows. */
const SHOWN = 12;

type Outbound = Event & { type: "out" };
type Udp = Event & { type: "udp" };
type Icmp = Event & { type: "icmp" };

/** A blocking call that has not returned. */
interface Pending {
  event: Call;
  attempt: Attempt;
  endUs: number;
  /** When it gives up by its own words, with 0. */
  timeoutUs: number;
}

/** When an outbound packet may come. */
interface Window {
  at: number;
  until: number;
  tolerance: number;
  isAny: boolean;
  isRange: boolean;
}

/** One script against one stack in virtual time. It runs once. */
export class Runner {
  #plan!: Plan;
  #world!: World;
  #sockets!: Sockets;
  #numbers = new Numbers((text) => this.#cookie(text));
  #notes = new Notes();
  #pending: Pending[] = [];
  /** When the last event happened. */
  #lastUs = 0;
  #log: string[] = [];
  #cookieGiven: string | undefined;
  /** The event that happens; 0: none yet. */
  #line = 0;

  constructor(readonly script: Script, readonly how: How = {}) {}

  /** Throws only for faults of its own: a script that fails or asks for too much is an outcome. */
  run(): Outcome {
    const { file } = this.script;
    try {
      this.#plan = plan(this.script, this.how.dialect, this.how.version);
      this.#start();
      for (const event of this.script.events) {
        this.#line = event.line;
        this.#event(event);
      }
      this.#finishPending(Infinity);
      this.#doubts();
      return { file, result: "passed" };
    } catch (e) {
      if (e instanceof Unsupported) {
        const isPlaced = this.#line === 0 || e.message.startsWith("line ");
        return { file, result: "unsupported", got: isPlaced ? e.message : `line ${this.#line}: ${e.message}` };
      }
      if (!(e instanceof Failure)) throw e;
      const { line, expected, got } = e;
      return { file, result: "failed", line, expected, got, packets: this.#log.slice(-SHOWN) };
    } finally {
      this.#world?.close();
    }
  }

  /** Nothing has passed that a setting might have changed. */
  #doubts(): void {
    const counters: Record<string, number> = this.#world.stack.counters();
    this.#line = 0;
    doubts(this.#plan.options, this.script, (name) => counters[name] ?? 0);
  }

  #start(): void {
    const { options, mtu, version } = this.#plan;
    this.#world = new World(options, {
      sent: (what) => {
        const { localPort, remotePort } = this.#world.ends;
        if (what.kind !== "tcp" || what.segment.srcPort !== localPort || what.segment.dstPort !== remotePort) return;
        this.#notes.sent(what.segment);
      },
      closed: (handle) => this.#closed(handle),
      settled: () => [...this.#pending].forEach((p) => this.#tryPending(p)),
      deadlineUs: () => Math.min(Infinity, ...this.#pending.map((p) => p.timeoutUs)),
    }, this.how.pcap, version === "ipv6");
    const { stack, ends } = this.#world;
    this.#sockets = new Sockets({
      stack, ends, options, nowUs: () => this.#world.nowUs, isRemote: (ip) => this.#world.isRemote(ip),
    }, mtu - headersOf(version) + TCP_HEADER);
    this.#lastUs = this.#world.startUs;
    this.#world.begin();
  }

  /** The connection's error, for its socket's next call. */
  #closed(handle: number): void {
    for (const s of this.#sockets.sockets.values()) {
      if (s.handle === handle && s.kind === "connection") s.error = this.#world.stack.info(handle).error;
    }
  }

  get #isSix(): boolean {
    return this.#plan.version === "ipv6";
  }

  #tolerance(gapUs: number): number {
    return this.#plan.toleranceUs ?? Math.max(DEFAULT_TOLERANCE_US, gapUs * 0.125);
  }

  #event(e: Event): void {
    const isAbsolute = e.when.kind === "absolute" || e.when.kind === "absolute-range";
    const base = isAbsolute ? this.#world.startUs : this.#lastUs;
    const at = e.when.kind === "any" ? this.#world.nowUs : base + e.when.at * 1e6;
    if (e.type === "out" || ((e.type === "icmp" || e.type === "udp") && !e.inbound)) {
      this.#expect(e, this.#window(e, at, base));
      return;
    }
    if (isAbsolute && at < this.#lastUs - this.#tolerance(0)) {
      const [due, now] = [at, this.#lastUs].map((us) => this.#world.seconds(us));
      throw new Failure(e.line, `it happens at ${due}`, `what stands before it is over at ${now}`);
    }
    this.#world.advance(Math.max(at, this.#world.nowUs));
    this.#finishPending(this.#world.nowUs);
    this.#lastUs = Math.max(at, this.#lastUs);
    switch (e.type) {
      case "in": this.#inbound(e.packet); break;
      case "udp": this.#datagram(e); break;
      case "icmp": this.#icmp(e); break;
      case "call": this.#call(e, base); break;
      case "command": this.#command(e.text, e.line); break;
      case "code": this.#assert(e.text, e.line); break;
      default: break;
    }
  }

  #note(mark: string, text: string): void {
    this.#log.push(`${this.#world.seconds(this.#world.nowUs)} ${mark} ${text}`);
  }

  // Packets in

  /**
   * A cookie in digits. A name stands for the one that the stack gives to the remote side's address, which is asked for
   * from another port.
   */
  #cookie(text: string): string {
    if (/^[0-9a-f]+$/i.test(text)) return text;
    if (this.#cookieGiven === undefined && text === "TFO_COOKIE") {
      this.#askForCookie("S", 0);
      this.#askForCookie("R", 1);
    }
    if (this.#cookieGiven === undefined) throw new Unsupported(`the cookie ${text}`);
    return this.#cookieGiven;
  }

  #askForCookie(flags: string, seq: number): void {
    const { stack, nowUs } = this.#world, ends = { ...this.#world.ends, remotePort: this.#world.ends.remotePort + 1 };
    const request = { kind: "fastopen", cookie: null, experimental: false } as const;
    const rest = { ack: 0, win: 0, urgent: 0, length: 0, tos: 0, ttl: 64 };
    stack.pushFrame(tcpFrame(ends, { flags, seq, options: flags === "S" ? [request] : [], ...rest }));
    stack.poll(nowUs);
    stack.drainFrames((frame) => {
      const o = decodeTcp(frame)?.options.find((x) => x.kind === "fast-open");
      if (o?.kind === "fast-open") this.#cookieGiven = hex(o.cookie);
    });
  }

  #inbound(p: Packet): void {
    const { stack } = this.#world, seq = this.#numbers.inbound(p, this.#stateNow());
    this.#note("<", describe(p));
    const options = (p.options ?? []).map((o) => this.#numbers.inboundOption(o));
    for (const o of options) if (o.kind === "sack") this.#notes.sacked(o.blocks);
    // A segment that is longer than a packet can be arrives as several, at one moment.
    const room = stack.mtu - headersOf(this.#plan.version) - optionBytes(options).length, s = this.#sockets.current();
    const bring = (): void => {
      let at = 0;
      do {
        const length = Math.min(room, p.length - at), isLast = at + length === p.length;
        this.#world.push(tcpFrame(this.#world.ends, {
          flags: isLast ? p.flags : p.flags.replace(/[PF]/g, ""), seq: (seq + at) >>> 0,
          ack: p.ack === undefined ? 0 : this.#numbers.liveLocal(p.ack), win: p.win ?? 0, urgent: p.urgent ?? 0,
          length, options, tos: tosOf(p), ttl: p.ttl ?? 64,
        }));
        at += length;
      } while (at < p.length);
      this.#world.poll();
    };
    if (p.flags.includes("E") && s) this.#notes.echoed(stack, s, bring);
    else bring();
  }

  /** The four-tuple of the UDP socket under test. */
  #udpEnds(): Ends {
    const { ends } = this.#world;
    return { ...ends, localPort: this.#sockets.datagrams.localPort ?? ends.localPort };
  }

  #datagram(e: Udp): void {
    this.#note("<", `udp (${e.length})`);
    this.#world.push(udpFrame(this.#udpEnds(), { length: e.length, tos: tosOf(e), ttl: e.ttl ?? 64 }));
    this.#world.poll();
  }

  #icmp(e: Icmp): void {
    const { type, code } = icmpNumbers(e.kind, e.code, this.#isSix), q = e.quoted;
    const quoted: Quoted | undefined = q?.protocol === "tcp" ? { ...q, seq: this.#numbers.liveLocal(q.seq) } : q;
    this.#note("<", `icmp ${e.kind} ${e.code}`.trim());
    const ends = q?.protocol === "udp" ? this.#udpEnds() : this.#world.ends;
    this.#world.push(icmpFrame(ends, { type: type!, code: code!, mtu: e.mtu ?? 0, quoted }));
    this.#world.poll();
  }

  // Packets out

  #window(e: Event, at: number, base: number): Window {
    const isAny = e.when.kind === "any", range = "to" in e.when ? base + e.when.to * 1e6 : undefined;
    const tolerance = isAny ? 0 : this.#tolerance(at - this.#lastUs);
    const until = isAny ? this.#world.nowUs + ANY_US : range ?? at;
    return { at, until, tolerance, isAny, isRange: range !== undefined };
  }

  /** What the stack has to send now: the next packet has to be this one. */
  #expect(e: Outbound | Udp | Icmp, w: Window): void {
    const { sent } = this.#world, want = this.#describe(e);
    this.#world.advance(w.until + w.tolerance, () => sent.length > 0);
    const first = sent.shift();
    if (!first) throw new Failure(e.line, want, "nothing was sent");
    const { what, us } = first;
    if (e.type === "out" && what.kind === "tcp") this.#expectSegment(e, what.segment, us + w.tolerance);
    else if (e.type === "udp" && what.kind === "udp") this.#expectDatagram(e, what.datagram);
    else if (e.type === "icmp" && what.kind === "icmp") this.#expectMessage(e, what.message);
    else throw new Failure(e.line, want, `${this.#describeSent(what)} came`);
    if (!w.isAny && (us < w.at - w.tolerance || us > w.until + w.tolerance)) {
      throw new Failure(e.line, `${want} at ${this.#world.seconds(w.at)}`, `it was sent at ${this.#world.seconds(us)}`);
    }
    this.#lastUs = w.isAny || w.isRange ? us : Math.max(us, this.#lastUs);
  }

  #describe(e: Outbound | Udp | Icmp): string {
    if (e.type === "out") return describe(e.packet);
    return e.type === "udp" ? `udp (${e.length})` : `icmp ${e.kind} ${e.code}`.trim();
  }

  #describeSent(what: Sent): string {
    if (what.kind === "udp") return `udp (${what.datagram.payload.length})`;
    if (what.kind === "icmp") return `ICMP of type ${what.message.type}, code ${what.message.code}`;
    return describeRun({ first: what.segment, last: what.segment, length: what.segment.len }, this.#numbers);
  }

  /**
   * One scripted segment may stand for several that are sent back to back, until `untilUs`; the last one's flags count.
   */
  #expectSegment(e: Outbound, first: Run["first"], untilUs: number): void {
    const { sent } = this.#world, run: Run = { first, last: first, length: first.len };
    while (run.length < e.packet.length && letters(run.last).replace("P", "") === ".") {
      const next = sent[0];
      if (!next || next.what.kind !== "tcp" || next.us > untilUs || next.what.segment.len === 0) break;
      if (next.what.segment.seq !== (first.seq + run.length) >>> 0) break;
      run.last = next.what.segment;
      run.length += run.last.len;
      sent.shift();
    }
    this.#numbers.learn(e.packet, first);
    const text = describeRun(run, this.#numbers);
    this.#note(">", text);
    // The clock of timestamps is checked where the script says how fast it runs.
    const isTicking = this.script.options.get("tcp_ts_tick_usecs") === "1000";
    const differs = compare(e.packet, run, this.#numbers, {
      ignorePush: this.how.ignorePush ?? false, stampTolerance: isTicking ? this.#tolerance(0) / 1000 : undefined,
    });
    if (differs !== undefined) throw new Failure(e.line, describe(e.packet), `${text} came (${differs})`);
  }

  #expectDatagram(e: Udp, got: (Sent & { kind: "udp" })["datagram"]): void {
    const text = `udp (${got.payload.length})`, isOther = got.srcPort !== this.#udpEnds().localPort;
    this.#note(">", text);
    const differs = isOther ? `port ${got.srcPort}` : got.payload.length !== e.length ? `${got.payload.length} bytes`
      : got.payload.some((b) => b !== 0) ? "payload" : compareIp(e, got);
    if (differs !== undefined) throw new Failure(e.line, this.#describe(e), `${text} came (${differs})`);
  }

  #expectMessage(e: Icmp, got: (Sent & { kind: "icmp" })["message"]): void {
    const { type, code } = icmpNumbers(e.kind, e.code, this.#isSix), q = e.quoted;
    const fail = (what: string): never => {
      throw new Failure(e.line, this.#describe(e), what);
    };
    this.#note(">", this.#describe(e));
    if (got.type !== type || got.code !== code) fail(`ICMP of type ${got.type}, code ${got.code} came`);
    if (e.mtu !== undefined && got.mtu !== e.mtu) fail(`its MTU is ${got.mtu}`);
    if (!q) return;
    if (got.quoted?.protocol !== q.protocol) fail(`it quotes ${got.quoted?.protocol ?? "nothing"}`);
    if (got.quoted?.protocol === "tcp" && q.protocol === "tcp"
      && this.#numbers.scriptRemote(got.quoted.seq) !== q.seq) {
      fail(`it quotes sequence number ${this.#numbers.scriptRemote(got.quoted.seq)}`);
    }
    if (got.quoted?.length !== q.length) fail(`it quotes ${got.quoted?.length} bytes`);
  }

  // System calls

  #call(e: Call, base: number): void {
    const until = "until" in e.when ? e.when.until : undefined, attempt = this.#sockets.prepare(e);
    let result = attempt();
    this.#world.poll();
    if (until === undefined) {
      // One that would wait, and need not by the script, gives up at once.
      this.#checkResult(e, result ?? (timeoutOf(e) === undefined ? { value: -1, errno: "EAGAIN" } : { value: 0 }));
      return;
    }
    result ??= attempt();
    const endUs = base + until * 1e6, timeout = timeoutOf(e);
    const timeoutUs = timeout === undefined ? Infinity : base + timeout * 1000;
    const pending: Pending = { event: e, attempt, endUs, timeoutUs };
    if (result === null) this.#pending.push(pending);
    else this.#return(pending, result);
  }

  #tryPending(p: Pending): void {
    const result = p.attempt() ?? (this.#world.nowUs >= p.timeoutUs ? { value: 0 } : null);
    if (result === null) return;
    this.#pending.splice(this.#pending.indexOf(p), 1);
    this.#return(p, result);
    // Whatever the call changed is for the next poll.
    this.#world.waitUs = 0;
  }

  /** A blocking call returns, and has to do so when the script says. */
  #return({ event: e, endUs }: Pending, result: Result): void {
    const { nowUs } = this.#world;
    if (Math.abs(nowUs - endUs) > this.#tolerance(endUs - this.#lastUs)) {
      throw new Failure(e.line, `${e.name} returns at ${this.#world.seconds(endUs)}`,
        `it returned at ${this.#world.seconds(nowUs)}`);
    }
    this.#checkResult(e, result);
  }

  #finishPending(us: number): void {
    if (us === Infinity && this.#pending.length > 0) {
      this.#world.advance(Math.max(...this.#pending.map((p) => p.endUs)) + DEFAULT_TOLERANCE_US);
    }
    for (const { event: e, endUs } of this.#pending) {
      if (us <= endUs + this.#tolerance(endUs - this.#lastUs)) continue;
      throw new Failure(e.line, `${e.name} returns at ${this.#world.seconds(endUs)}`, "it is still blocked");
    }
  }

  #checkResult(e: Call, got: Result): void {
    const text = (r: Result): string => `${r.value}${r.errno ? ` ${r.errno}` : ""}`;
    const isAgain = (errno: string | undefined): boolean => errno === "EAGAIN" || errno === "EWOULDBLOCK";
    if (e.result.kind !== "any") {
      const want: Result = { value: numberOf(e.result), ...(e.errno === undefined ? {} : { errno: e.errno }) };
      const isSame = want.errno === got.errno || (isAgain(want.errno) && isAgain(got.errno));
      if (want.value !== got.value || !isSame) {
        throw new Failure(e.line, `${e.name}() = ${text(want)}`, `it returned ${text(got)}`);
      }
    }
    if (got.out !== undefined) this.#checkOut(e, got.out);
  }

  /** What a call wrote: an option's value, or a number of bytes. */
  #checkOut(e: Call, out: number): void {
    const place = e.name === "getsockopt" ? e.args[3] : e.args[2];
    const item = place?.kind === "list" ? place.items[0] : place;
    if (!item || item.kind === "any" || item.kind === "struct") return;
    const wanted = item.kind === "symbol" && /^E[A-Z]+$/.test(item.name) ? item.name : numberOf(item);
    const have = typeof wanted === "string" ? ERRNO[errName(out)] : out;
    if ((wanted === 0 && out === 0) || wanted === have) return;
    throw new Failure(e.line, `${e.name}() gives ${wanted}`, `it gave ${have ?? "no error"}`);
  }

  // State

  #stateNow(): string {
    const { localIp, localPort, remoteIp, remotePort } = this.#world.ends;
    return this.#world.stack.flowState(localIp, localPort, remoteIp, remotePort);
  }

  #assert(text: string, line: number): void {
    const { stack } = this.#world, socket = this.#sockets.current(), { dialect, options, version } = this.#plan;
    const isReducing = this.#notes.isReducing(stack, socket), repeats = this.#notes.repeats(stack, socket);
    const now = this.#stateNow(), headers = headersOf(version);
    assertions(text, line, view({ stack, socket, now, dialect, options, headers, isReducing, repeats }));
  }

  #command(text: string, line: number): void {
    for (const step of steps(text)) {
      if (step.kind === "drop") {
        const s = this.#sockets.current();
        if (s) this.#world.stack.abort(s.handle);
      }
      if (step.kind !== "count") continue;
      const now = this.#stateNow(), { state, count } = step.what;
      if ((now === state ? 1 : 0) !== count) {
        throw new Failure(line, `${count} connection in ${state}`, `the connection is in ${now}`);
      }
    }
  }
}
