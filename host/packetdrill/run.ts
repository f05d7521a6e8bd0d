/** Runs one script against the module, in virtual time. */
import { isDeepStrictEqual } from "node:util";
import { CaptureFile } from "../links/capture.js";
import { loadModule } from "../module.js";
import { errName } from "../errors.js";
import { EVENT, FLAG, StackModule } from "../stack.js";
import type { Event, Option, Packet, Script, Value } from "./parse.js";
import { Failure } from "./failure.js";
import { checkCall, numberOf } from "./calls.js";
import { configure, steps } from "./command.js";
import { Sockets, type Result } from "./sockets.js";
import { timeoutOf } from "./ready.js";
import { defaults, ERRNO, setting, Unsupported, type Dialect, type Settings } from "./system.js";
import { hex } from "../decode.js";
import { assertions, view } from "./view.js";
import { decodeTcp, icmpFrame, icmpNumbers, letters, optionBytes, tcpFrame, type Ends, type TcpSegment } from "./wire.js";

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
  /** Leaves PSH out of the comparison. */
  ignorePush?: boolean;
}

/** What a script's word for the ECN field (RFC 3168 §5) may be; the first one is sent. */
const ECN_FIELD: Record<string, number[]> = { noecn: [0], ect0: [2], ect1: [1], ect01: [2, 1], ce: [3] };
const ENDS: Ends = {
  remoteMac: [2, 0, 0, 0, 0, 2], localMac: [2, 0, 192, 168, 0, 1], remoteIp: 0xc0000201, localIp: 0xc0a80001, remotePort: 40000, localPort: 8080,
};
const ROUTER_IP = [192, 168, 0, 254];
const START_US = 10_000_000;
/** How long a packet at any time is waited for. */
const ANY_US = 600e6;
const DEFAULT_TOLERANCE_US = 4000;

interface Seen {
  us: number;
  segment: TcpSegment;
}

/** A blocking call that has not returned. */
interface Pending {
  event: Event & { type: "call" };
  attempt: () => Result | null;
  endUs: number;
  /** When it gives up by its own words, with 0. */
  timeoutUs: number;
}

export class Runner {
  #stack!: StackModule;
  #options: Settings;
  #nowUs = START_US;
  #lastUs = START_US;
  #wait = -1;
  #queue: Seen[] = [];
  /** ICMP messages that the stack sent; the sequence number of the TCP segment that each quotes. */
  #errors: { us: number; type: number; code: number; quoted: number | undefined }[] = [];
  #calls!: Sockets;
  #pending: Pending[] = [];
  #ends = { ...ENDS };
  #localIsn: { live: number; script: number } | undefined;
  #remoteIsn: number | undefined;
  /** The remote side's last SYN. */
  #remoteSyn = { start: 0, length: -1 };
  #stamps = new Map<number, number>();
  #stampOffset = 0;
  #dialect: Dialect;
  #toleranceUs: number | undefined;
  #log: string[] = [];
  #capture: CaptureFile | undefined;
  #learnedPort = false;
  #cookieGiven: string | undefined;
  /** SND.NXT when ECN slowed the connection down. */
  #reducedTo: number | undefined;
  /** The greatest end of what was sent, and the ends of what was sent again and is not acknowledged. */
  #sentMax: number | undefined;
  #repeats = new Set<number>();
  /** The event that happens; 0: none yet. */
  #line = 0;

  constructor(readonly script: Script, readonly how: How = {}) {
    const text = [...script.init.map((i) => i.text), ...script.events.map((e) => (e.type === "command" ? e.text : ""))].join("\n");
    this.#dialect = how.dialect ?? (/net\.inet\.|sockstat|tcpdrop/.test(text) || script.options.has("ip_version") && !/defaults\.sh/.test(text) ? "freebsd" : "linux");
    this.#options = defaults(this.#dialect);
    if (how.pcap !== undefined) this.#capture = new CaptureFile(how.pcap, ["stint"]);
  }

  run(): Outcome {
    const { file } = this.script;
    try {
      this.#check();
      this.#start();
      for (const event of this.script.events) {
        this.#line = event.line;
        this.#event(event);
      }
      this.#finishPending(Infinity);
      return { file, result: "passed" };
    } catch (e) {
      if (e instanceof Unsupported) return { file, result: "unsupported", got: this.#line === 0 || e.message.startsWith("line ") ? e.message : `line ${this.#line}: ${e.message}` };
      if (e instanceof Failure) return { file, result: "failed", line: e.line, expected: e.expected, got: e.got, packets: this.#log.slice(-12) };
      throw e;
    } finally {
      this.#capture?.close();
    }
  }

  /** What cannot be run is found before anything is. */
  #check(): void {
    this.#scriptOptions();
    for (const e of this.script.events) {
      if (e.type === "other") throw new Unsupported(`line ${e.line}: ${e.what} packets`);
      if (e.type === "call") checkCall(e);
      if (e.type !== "in" && e.type !== "out") continue;
      for (const o of e.packet.options ?? []) {
        if (o.kind === "raw") throw new Unsupported(`line ${e.line}: the option ${o.text}`);
        if (o.kind === "fastopen" && o.experimental) throw new Unsupported(`line ${e.line}: the experimental option of Fast Open`);
      }
    }
    this.#stackWide();
    this.#longSegments();
    // Settings count that are made before anything happens: the configuration is fixed once the stack is laid out.
    for (const { text } of this.script.init) configure(text, this.#options);
    const isBegun = (e: Event): boolean => e.type === "in" || e.type === "out" || (e.type === "call" && /^(connect|listen|send.*|write)$/.test(e.name));
    const first = this.script.events.findIndex(isBegun), begun = first < 0 ? this.script.events.length : first;
    for (const e of this.script.events.slice(0, begun)) if (e.type === "command") configure(e.text, this.#options);
    this.#lateSettings(begun);
  }

  /**
   * A segment that is longer than the MTU comes as one packet, as from a network card that joins them: the stack then takes packets
   * of that size, and goes on sending by the MSS. Where the MTU could be seen otherwise, the segment comes as several.
   */
  #longSegments(): void {
    const mtu = this.#options.mtu ?? 1500, { events } = this.script, packets = events.flatMap((e) => (e.type === "in" ? [e.packet] : []));
    const longest = Math.max(0, ...packets.map((p) => p.length + 40 + optionBytes(p.options ?? []).length));
    const isSeen = packets.some((p) => p.options?.some((o) => o.kind === "mss" && o.value > mtu - 40)) || events.some((e) => e.type === "icmp" || (e.type === "code" && e.text.includes("tcpi_pmtu")));
    if (longest <= mtu || longest > 65_535 || isSeen) return;
    this.#options.mss ??= mtu - 40;
    this.#options.mtu = longest;
  }

  /** What a script says with "--". */
  #scriptOptions(): void {
    const { options } = this.script;
    const count = (name: string, least: number, most: number): number | undefined => {
      const text = options.get(name);
      if (text === undefined) return undefined;
      if (!/^\d+$/.test(text) || Number(text) < least || Number(text) > most) throw new Unsupported(`--${name}=${text}`);
      return Number(text);
    };
    for (const [name, value] of options) {
      if (name === "ip_version" && value !== "ipv4") throw new Unsupported(`--ip_version=${value}`);
      if (!["ip_version", "mtu", "tolerance_usecs", "tcp_ts_tick_usecs"].includes(name)) throw new Unsupported(`--${name}`);
    }
    const mtu = count("mtu", 68, 65_535);
    if (mtu !== undefined) this.#options.mtu = mtu;
    this.#toleranceUs = count("tolerance_usecs", 0, 3_600_000_000);
    const tick = count("tcp_ts_tick_usecs", 0, 10_000_000);
    if (tick !== undefined && tick !== 0 && tick !== 1000) throw new Unsupported(`--tcp_ts_tick_usecs=${tick}: the clock of timestamps ticks every 1000 us`);
  }

  /** Options of sockets that are the stack's here: the MSS to offer, and congestion control. */
  #stackWide(): void {
    for (const e of this.script.events) {
      if (e.type !== "call" || e.name !== "setsockopt" || e.args[2]?.kind !== "symbol") continue;
      const name = e.args[2].name, value = e.args[3]?.kind === "list" ? e.args[3].items[0] : e.args[3];
      if (name === "TCP_CONGESTION" && value?.kind === "string") setting(this.#options, "net.ipv4.tcp_congestion_control", value.text);
      if (name !== "TCP_MAXSEG") continue;
      const mss = numberOf(value);
      if (mss < 88 || mss > (this.#options.mtu ?? 1500) - 40) throw new Unsupported(`line ${e.line}: a TCP_MAXSEG of ${mss}`);
      this.#options.mss = mss;
    }
  }

  /** Later settings may restore what was there before the script, at its end; in its middle they may only say what is so. */
  #lateSettings(begun: number): void {
    const { events } = this.script, last = events.findLastIndex((e) => e.type !== "command" && !(e.type === "call" && e.name === "close"));
    events.slice(begun).forEach((e, i) => {
      if (e.type !== "command") return;
      const then = structuredClone(this.#options);
      configure(e.text, then);
      if (begun + i < last && !isDeepStrictEqual(then, this.#options)) throw new Unsupported(`line ${e.line}: ${e.text.trim()} once the connection has begun`);
    });
  }

  #start(): void {
    this.#options.pathMtuMin = Math.min(552, this.#options.mtu ?? 1500);
    this.#stack = new StackModule(loadModule(), {
      ip: "192.168.0.1/16", gateway: ROUTER_IP.join("."), mac: this.#ends.localMac.map((b) => b.toString(16).padStart(2, "0")).join(":"),
      entropy: Uint8Array.from({ length: 32 }, (_, i) => (i * i * 37 + 1) & 255), connsMax: 16, rxSlots: 64, txSlots: 64, timeWaitMs: 60_000, ...this.#options,
    });
    this.#calls = new Sockets(this.#stack, this.#ends, this.#options, () => this.#nowUs);
    this.#poll();
    const bytes = [...this.#ends.remoteMac, ...ROUTER_IP];
    this.#stack.pushFrame(Uint8Array.from([...this.#ends.localMac, ...this.#ends.remoteMac, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, ...bytes, 0, 0, 0, 0, 0, 0, 192, 168, 0, 1]));
    this.#poll();
  }

  // Time

  #poll(): void {
    for (let i = 0; i < 10_000; i++) {
      this.#wait = this.#stack.poll(this.#nowUs);
      let arp = false;
      this.#stack.drainFrames((frame) => {
        this.#capture?.frame(this.#nowUs - START_US, frame);
        if (frame[13] === 6 && frame[21] === 1) {
          // The router answers for itself, whenever it is asked.
          this.#stack.pushFrame(Uint8Array.from([...this.#ends.localMac, ...this.#ends.remoteMac, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2, ...this.#ends.remoteMac, ...ROUTER_IP, ...this.#ends.localMac, 192, 168, 0, 1]));
          arp = true;
          return;
        }
        if (frame[23] === 1) {
          const quoted = frame.length >= 70 && frame[51] === 6 ? new DataView(frame.buffer, frame.byteOffset).getUint32(66) : undefined;
          this.#errors.push({ us: this.#nowUs, type: frame[34]!, code: frame[35]!, quoted });
          return;
        }
        const segment = decodeTcp(frame.slice());
        if (!segment) return;
        if (!this.#learnedPort && segment.flags.includes("SYN") && !segment.flags.includes("ACK")) this.#ends.localPort = segment.srcPort;
        if (segment.srcPort !== this.#ends.localPort || segment.dstPort !== this.#ends.remotePort) return;
        this.#queue.push({ us: this.#nowUs, segment });
        this.#noteRepeat(segment);
      });
      this.#stack.drainEvents((handle, bits) => {
        if (!(bits & EVENT.CLOSED)) return;
        for (const s of this.#calls.sockets.values()) if (s.handle === handle && s.kind === "connection") s.error = this.#stack.info(handle).error;
      });
      if (this.#wait !== 0 && !arp) break;
    }
    for (const p of [...this.#pending]) this.#tryPending(p);
  }

  /** Keeps the ends of segments that were sent again. */
  #noteRepeat(s: TcpSegment): void {
    const end = (s.seq + s.len) >>> 0;
    if (s.len === 0) return;
    if (s.flags.includes("SYN") || this.#sentMax === undefined || ((end - this.#sentMax) | 0) > 0) this.#sentMax = end;
    else this.#repeats.add(end);
  }

  /** How many of them are still out. */
  #repeatsOut(): number {
    const s = this.#calls.current();
    if (s) for (const end of this.#repeats) if (((end - this.#stack.info(s.handle).sndUna) | 0) <= 0) this.#repeats.delete(end);
    return this.#repeats.size;
  }

  /** Lets time pass until `us`, or until `stop` says so. */
  #advance(us: number, stop: () => boolean = () => false): void {
    while (!stop()) {
      const next = Math.min(this.#wait < 0 ? Infinity : this.#nowUs + this.#wait, ...this.#pending.map((p) => Math.max(p.timeoutUs, this.#nowUs)));
      if (next > us) {
        if (us > this.#nowUs && us !== Infinity) {
          this.#nowUs = us;
          this.#poll();
        }
        return;
      }
      this.#nowUs = next;
      this.#poll();
    }
  }

  #tolerance(gapUs: number): number {
    return this.#toleranceUs ?? Math.max(DEFAULT_TOLERANCE_US, gapUs * 0.125);
  }

  #event(e: Event): void {
    const base = e.when.kind === "absolute" || e.when.kind === "absolute-range" ? START_US : this.#lastUs;
    const at = e.when.kind === "any" ? this.#nowUs : base + e.when.at * 1e6;
    if (e.type === "out") {
      this.#expect(e, at, base);
      return;
    }
    if (e.type === "icmp" && !e.inbound) {
      this.#expectIcmp(e, at, base);
      return;
    }
    this.#advance(Math.max(at, this.#nowUs));
    this.#finishPending(this.#nowUs);
    this.#lastUs = Math.max(at, this.#lastUs);
    switch (e.type) {
      case "in": this.#inbound(e.packet); break;
      case "icmp": this.#icmp(e); break;
      case "call": this.#call(e, base); break;
      case "command": this.#command(e.text, e.line); break;
      case "code": assertions(e.text, e.line, view(this.#stack, this.#calls.current(), this.#stateNow(), this.#dialect, this.#options, { reducing: this.#isReducing(), repeats: this.#repeatsOut() })); break;
      default: break;
    }
  }

  // Packets in

  #option(o: Option): Option {
    if (o.kind === "TS") return { ...o, ecr: o.ecr === 0 ? 0 : this.#stamps.get(o.ecr) ?? (o.ecr + this.#stampOffset) >>> 0 };
    if (o.kind === "sack") return { ...o, blocks: o.blocks.map(([a, b]) => [this.#liveLocal(a), this.#liveLocal(b)]) };
    if (o.kind === "fastopen" && o.cookie !== null) return { ...o, cookie: this.#cookie(o.cookie) };
    return o;
  }

  /** A cookie in digits. A name stands for the one that the stack gives to the remote side's address, which is asked for from another port. */
  #cookie(text: string): string {
    if (/^[0-9a-f]+$/i.test(text)) return text;
    if (this.#cookieGiven === undefined && text === "TFO_COOKIE") {
      const ends = { ...this.#ends, remotePort: this.#ends.remotePort + 1 };
      const ask = (flags: string, seq: number): void => {
        this.#stack.pushFrame(tcpFrame(ends, { flags, seq, ack: 0, win: 0, urgent: 0, length: 0, options: flags === "S" ? [{ kind: "fastopen", cookie: null, experimental: false }] : [], tos: 0, ttl: 64 }));
        this.#stack.poll(this.#nowUs);
        this.#stack.drainFrames((frame) => {
          const o = decodeTcp(frame)?.options.find((x) => x.kind === "fast-open");
          if (o?.kind === "fast-open") this.#cookieGiven = hex(o.cookie);
        });
      };
      ask("S", 0);
      ask("R", 1);
    }
    if (this.#cookieGiven === undefined) throw new Unsupported(`the cookie ${text}`);
    return this.#cookieGiven;
  }

  #liveLocal(n: number): number {
    return (n + (this.#localIsn?.live ?? 0)) >>> 0;
  }

  #inbound(p: Packet): void {
    const syn = p.flags.includes("S");
    if (syn) this.#remoteSyn = { start: p.start, length: p.length };
    // The first packet on a fresh socket, or a SYN that begins anew, tells where the remote side's numbers start.
    if (this.#remoteIsn === undefined || (syn && !p.flags.includes("."))) {
      const fresh = this.#remoteIsn === undefined || !this.#alive();
      if (fresh) this.#remoteIsn = syn ? p.start : 0;
    } else if (syn && p.flags.includes(".")) {
      if (this.#stateNow() === "SYN-SENT") this.#remoteIsn = p.start;
    }
    if (this.#stateNow() === "SYN-SENT" && syn) this.#remoteIsn = p.start;
    const seq = syn && this.#remoteIsn === p.start ? p.start : (p.start + (this.#remoteIsn ?? 0)) >>> 0;
    this.#logPacket("<", p.flags || "-", p.start, p.length, p.ack, p.win);
    const options = (p.options ?? []).map((o) => this.#option(o));
    // A segment that is longer than a packet can be arrives as several, at one moment.
    const room = this.#stack.mtu - 40 - optionBytes(options).length;
    for (const o of options) {
      if (o.kind === "sack") for (const [a, b] of o.blocks) for (const end of this.#repeats) if (((end - a) | 0) > 0 && ((b - end) | 0) >= 0) this.#repeats.delete(end);
    }
    const s = this.#calls.current(), before = p.flags.includes("E") && s ? this.#stack.info(s.handle) : undefined;
    let at = 0;
    do {
      const length = Math.min(room, p.length - at), last = at + length === p.length;
      const frame = tcpFrame(this.#ends, {
        flags: last ? p.flags : p.flags.replace(/[PF]/g, ""), seq: (seq + at) >>> 0, ack: p.ack === undefined ? 0 : this.#liveLocal(p.ack), win: p.win ?? 0,
        urgent: p.urgent ?? 0, length, options, tos: (p.tos ?? 0) | ECN_FIELD[p.ecn ?? "noecn"]![0]!, ttl: p.ttl ?? 64,
      });
      this.#capture?.frame(this.#nowUs - START_US, frame);
      if (!this.#stack.pushFrame(frame)) {
        this.#poll();
        this.#stack.pushFrame(frame);
      }
      at += length;
    } while (at < p.length);
    this.#poll();
    if (!s || !before) return;
    const after = this.#stack.info(s.handle);
    if (after.ssthresh < before.ssthresh && !(after.flags & (FLAG.recovery | FLAG.loss))) this.#reducedTo = before.sndNxt;
  }

  /** Whether the flight is still out that ECN slowed down: Linux's CWR. */
  #isReducing(): boolean {
    const s = this.#calls.current();
    if (!s || this.#reducedTo === undefined) return false;
    if (((this.#stack.info(s.handle).sndUna - this.#reducedTo) | 0) >= 0) this.#reducedTo = undefined;
    return this.#reducedTo !== undefined;
  }

  /** An ICMP line's type and code as numbers. */
  #icmpKind(e: Event & { type: "icmp" }): { type: number; code: number } {
    const { type, code } = icmpNumbers(e.kind, e.code);
    if (type === undefined || code === undefined) throw new Unsupported(`line ${e.line}: icmp ${e.kind} ${e.code}`);
    return { type, code };
  }

  /** What the stack has to send to the remote side that is not TCP. */
  #expectIcmp(e: Event & { type: "icmp" }, at: number, base: number): void {
    const { type, code } = this.#icmpKind(e), { until, tolerance, any } = this.#window(e, at, base);
    this.#advance(until + tolerance, () => this.#errors.length > 0);
    const got = this.#errors.shift(), want = `icmp ${e.kind} ${e.code}`.trim();
    if (!got) throw new Failure(e.line, want, "nothing was sent");
    if (got.type !== type || got.code !== code) throw new Failure(e.line, want, `ICMP of type ${got.type}, code ${got.code} came`);
    if (e.quoted && got.quoted !== undefined && got.quoted !== (e.quoted.start + (this.#remoteIsn ?? 0)) >>> 0) throw new Failure(e.line, want, `it quotes sequence number ${(got.quoted - (this.#remoteIsn ?? 0)) >>> 0}`);
    if (!any && (got.us < at - tolerance || got.us > until + tolerance)) throw new Failure(e.line, `${want} at ${this.#seconds(at)}`, `it was sent at ${this.#seconds(got.us)}`);
    this.#lastUs = Math.max(got.us, this.#lastUs);
  }

  /** When an outbound packet may come. */
  #window(e: Event, at: number, base: number): { until: number; tolerance: number; any: boolean; range: number | undefined } {
    const range = e.when.kind === "absolute-range" || e.when.kind === "relative-range" ? e.when.to : undefined, any = e.when.kind === "any";
    return { range, any, until: any ? this.#nowUs + ANY_US : range !== undefined ? base + range * 1e6 : at, tolerance: any ? 0 : this.#tolerance(at - this.#lastUs) };
  }

  #icmp(e: Event & { type: "icmp" }): void {
    const { type, code } = this.#icmpKind(e);
    const quoted = e.quoted;
    const frame = icmpFrame(this.#ends, type, code, e.mtu ?? 0, this.#liveLocal(quoted?.start ?? 0), quoted?.length ?? 0);
    this.#capture?.frame(this.#nowUs - START_US, frame);
    this.#stack.pushFrame(frame);
    this.#poll();
  }

  // Packets out

  #expect(e: Event & { type: "out" }, at: number, base: number): void {
    const { range, any, until, tolerance } = this.#window(e, at, base);
    this.#advance(until + tolerance, () => this.#queue.length > 0);
    const want = this.#describe(e.packet);
    const first = this.#queue.shift();
    if (!first) throw new Failure(e.line, want, "nothing was sent");
    // One scripted packet may stand for several back-to-back segments; the last one's flags count.
    let last = first, length = first.segment.len;
    while (length < e.packet.length && this.#queue[0] && this.#queue[0].segment.len > 0 && this.#queue[0].us <= first.us + tolerance &&
        this.#queue[0].segment.seq === (first.segment.seq + length) >>> 0 && letters(last.segment).replace("P", "") === ".") {
      last = this.#queue.shift()!;
      length += last.segment.len;
    }
    this.#learn(e.packet, first.segment);
    this.#logSeen(first.segment, length, last.segment);
    this.#compare(e, first.segment, last.segment, length);
    const us = first.us;
    if (!any && (us < at - tolerance || us > until + tolerance)) {
      throw new Failure(e.line, `${want} at ${this.#seconds(at)}`, `it was sent at ${this.#seconds(us)}`);
    }
    this.#lastUs = any || range !== undefined ? us : Math.max(us, this.#lastUs);
  }

  #seconds(us: number): string {
    return `${((us - START_US) / 1e6).toFixed(6)} s`;
  }

  #learn(p: Packet, s: TcpSegment): void {
    if (s.flags.includes("SYN")) {
      if (!this.#localIsn || this.#localIsn.live !== s.seq) this.#localIsn = { live: s.seq, script: p.start };
      this.#learnedPort = true;
      // What a SYN-ACK acknowledges is the SYN that the remote side's numbers start from, and perhaps its text.
      const { start, length } = this.#remoteSyn;
      if (s.flags.includes("ACK")) this.#remoteIsn = (s.ack - 1 - start) >>> 0 <= length ? start : (s.ack - 1) >>> 0;
    }
  }

  #compare(e: Event & { type: "out" }, s: TcpSegment, last: TcpSegment, length: number): void {
    const p = e.packet, syn = s.flags.includes("SYN");
    const got = this.#describeSeen(s, length, last);
    const fail = (what: string): never => {
      throw new Failure(e.line, this.#describe(p), `${got} came (${what})`);
    };
    const normal = (flags: string): string => [...(this.how.ignorePush ? flags.replace("P", "") : flags)].sort().join("");
    if (normal(p.flags) !== normal(letters(last))) fail("flags");
    if (p.ecn !== undefined && !ECN_FIELD[p.ecn]!.includes(last.ecn)) fail(`the ECN field, ${last.ecn}`);
    if (p.tos !== undefined && p.tos !== last.tos) fail(`the TOS octet, 0x${last.tos.toString(16)}`);
    if (p.ttl !== undefined && p.ttl !== last.ttl) fail(`the time to live, ${last.ttl}`);
    const local = this.#localIsn, remote = this.#remoteIsn ?? 0;
    const seq = syn ? (s.seq - (local?.live ?? 0) + (local?.script ?? 0)) >>> 0 : (s.seq - (local?.live ?? 0)) >>> 0;
    if (seq !== p.start) fail(`sequence number ${seq}`);
    if (length !== p.length) fail(`${length} bytes`);
    const ack = s.flags.includes("ACK") ? (syn ? s.ack : (s.ack - remote) >>> 0) : s.ack;
    if (ack !== (p.ack ?? 0)) fail(`acknowledgment number ${ack}`);
    if (p.win !== undefined && s.window !== p.win) fail(`window ${s.window}`);
    if (p.urgent !== undefined && s.urgent !== p.urgent) fail(`urgent pointer ${s.urgent}`);
    if (s.payload.some((b) => b !== 0) || last.payload.some((b) => b !== 0)) fail("payload");
    if (p.options === null) {
      this.#learnStamps([], s);
      return;
    }
    this.#compareOptions(p.options ?? [], s, fail);
  }

  #learnStamps(options: Option[], s: TcpSegment): void {
    const live = s.options.find((o) => o.kind === "timestamps"), script = options.find((o) => o.kind === "TS");
    if (live?.kind !== "timestamps" || script?.kind !== "TS") return;
    if (!this.#stamps.has(script.val)) {
      this.#stamps.set(script.val, live.val);
      this.#stampOffset = (live.val - script.val) >>> 0;
    }
  }

  #compareOptions(want: Option[], s: TcpSegment, fail: (what: string) => never): void {
    const known = this.#stamps.size > 0, offset = this.#stampOffset;
    this.#learnStamps(want, s);
    const text = (o: Option): string => {
      switch (o.kind) {
        case "TS": return `TS ecr ${o.ecr}`;
        case "sack": return `sack ${o.blocks.map((b) => b.join(":")).join(" ")}`;
        case "mss": case "wscale": return `${o.kind} ${o.value}`;
        case "fastopen": return `FO ${o.cookie === null ? "" : this.#cookie(o.cookie)}`.trim();
        default: return o.kind;
      }
    };
    const remote = this.#remoteIsn ?? 0;
    const got = s.options.flatMap((o): string[] => {
      switch (o.kind) {
        case "mss": return [`mss ${o.value}`];
        case "window-scale": return [`wscale ${o.shift}`];
        case "sack-permitted": return ["sackOK"];
        case "timestamps": return [`TS ecr ${o.ecr}`];
        case "sack": return [`sack ${o.blocks.map(([a, b]) => `${(a - remote) >>> 0}:${(b - remote) >>> 0}`).join(" ")}`];
        case "fast-open": return [`FO ${hex(o.cookie)}`.trim()];
        case "nop": return [];
        default: return [`option ${o.code}`];
      }
    });
    const wanted = want.filter((o) => o.kind !== "nop" && o.kind !== "eol").map(text);
    if (wanted.sort().join(", ") !== got.sort().join(", ")) fail(`options <${got.join(", ")}>`);
    // The clock of timestamps is checked where the script says how fast it runs.
    const tick = Number(this.script.options.get("tcp_ts_tick_usecs") ?? 0);
    const script = want.find((o) => o.kind === "TS"), live = s.options.find((o) => o.kind === "timestamps");
    if (known && tick === 1000 && script?.kind === "TS" && live?.kind === "timestamps") {
      const off = (live.val - offset - script.val) | 0;
      if (Math.abs(off) > this.#tolerance(0) / 1000) fail(`TS val ${(live.val - offset) >>> 0}`);
    }
  }

  #describe(p: Packet): string {
    return `${p.flags || "-"} ${p.start}:${p.end}(${p.length})${p.ack === undefined ? "" : ` ack ${p.ack}`}${p.win === undefined ? "" : ` win ${p.win}`}`;
  }

  #describeSeen(s: TcpSegment, length: number, last: TcpSegment): string {
    const syn = s.flags.includes("SYN"), local = this.#localIsn;
    const seq = (s.seq - (local?.live ?? 0) + (syn ? local?.script ?? 0 : 0)) >>> 0;
    const ack = syn ? s.ack : (s.ack - (this.#remoteIsn ?? 0)) >>> 0;
    return `${letters(last)} ${seq}:${seq + length}(${length})${s.flags.includes("ACK") ? ` ack ${ack}` : ""} win ${s.window}`;
  }

  #logSeen(s: TcpSegment, length: number, last: TcpSegment): void {
    this.#log.push(`${this.#seconds(this.#nowUs)} > ${this.#describeSeen(s, length, last)}`);
  }

  #logPacket(mark: string, flags: string, start: number, length: number, ack?: number, win?: number): void {
    this.#log.push(`${this.#seconds(this.#nowUs)} ${mark} ${flags} ${start}:${start + length}(${length})${ack === undefined ? "" : ` ack ${ack}`}${win === undefined ? "" : ` win ${win}`}`);
  }

  // System calls

  #call(e: Event & { type: "call" }, base: number): void {
    const until = e.when.kind === "absolute" || e.when.kind === "relative" ? e.when.until : undefined;
    const attempt = this.#calls.prepare(e);
    let result = attempt(until !== undefined);
    this.#poll();
    if (result === null && until !== undefined) {
      const again = (): Result | null => attempt(true);
      result = again();
      if (result === null) {
        const timeout = timeoutOf(e);
        this.#pending.push({ event: e, attempt: again, endUs: base + until * 1e6, timeoutUs: timeout === undefined ? Infinity : base + timeout * 1000 });
        return;
      }
    }
    // One that would wait, and need not by the script, gives up at once.
    this.#checkResult(e, result ?? (timeoutOf(e) === undefined ? { value: -1, errno: "EAGAIN" } : { value: 0 }));
  }

  #tryPending(p: Pending): void {
    const result = p.attempt() ?? (this.#nowUs >= p.timeoutUs ? { value: 0 } : null);
    if (result === null) return;
    this.#pending.splice(this.#pending.indexOf(p), 1);
    const tolerance = this.#tolerance(p.endUs - this.#lastUs);
    if (Math.abs(this.#nowUs - p.endUs) > tolerance) {
      throw new Failure(p.event.line, `${p.event.name} returns at ${this.#seconds(p.endUs)}`, `it returned at ${this.#seconds(this.#nowUs)}`);
    }
    this.#checkResult(p.event, result);
    // Whatever the call changed is for the next poll.
    this.#wait = 0;
  }

  #finishPending(us: number): void {
    if (us === Infinity && this.#pending.length > 0) this.#advance(Math.max(...this.#pending.map((p) => p.endUs)) + DEFAULT_TOLERANCE_US);
    for (const p of this.#pending) {
      if (us > p.endUs + this.#tolerance(p.endUs - this.#lastUs)) throw new Failure(p.event.line, `${p.event.name} returns at ${this.#seconds(p.endUs)}`, "it is still blocked");
    }
  }

  #checkResult(e: Event & { type: "call" }, got: Result): void {
    const text = (r: Result): string => `${r.value}${r.errno ? ` ${r.errno}` : ""}`;
    const same = (a: string | undefined, b: string | undefined): boolean => a === b || [a, b].every((x) => x === "EAGAIN" || x === "EWOULDBLOCK");
    if (e.result.kind !== "any") {
      const want: Result = { value: numberOf(e.result), ...(e.errno === undefined ? {} : { errno: e.errno }) };
      if (want.value !== got.value || !same(want.errno, got.errno)) throw new Failure(e.line, `${e.name}() = ${text(want)}`, `it returned ${text(got)}`);
    }
    if (got.out === undefined) return;
    const place = e.name === "getsockopt" ? e.args[3] : e.args[2];
    const item = place?.kind === "list" ? place.items[0] : place;
    if (!item || item.kind === "any" || item.kind === "struct") return;
    const wanted = item.kind === "symbol" && /^E[A-Z]+$/.test(item.name) ? item.name : numberOf(item);
    const have = typeof wanted === "string" ? ERRNO[errName(got.out)] : got.out;
    const zero = typeof wanted === "number" && wanted === 0 && got.out === 0;
    if (!zero && wanted !== have) throw new Failure(e.line, `${e.name}() gives ${wanted}`, `it gave ${typeof wanted === "string" ? have ?? "no error" : got.out}`);
  }

  // State

  #stateNow(): string {
    return this.#stack.flowState(this.#ends.localIp, this.#ends.localPort, this.#ends.remoteIp, this.#ends.remotePort);
  }

  #alive(): boolean {
    return !["CLOSED", "LISTEN"].includes(this.#stateNow());
  }

  #command(text: string, line: number): void {
    for (const step of steps(text)) {
      if (step.kind === "drop") {
        const s = this.#calls.current();
        if (s) this.#stack.abort(s.handle);
      }
      if (step.kind !== "count") continue;
      const now = this.#stateNow(), { state, count } = step.what;
      if ((now === state ? 1 : 0) !== count) throw new Failure(line, `${count} connection in ${state}`, `the connection is in ${now}`);
    }
  }
}
