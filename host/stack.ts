/**
 * The module as a TypeScript object: the only file that knows its exports and where things lie in its memory. It does no I/O and knows
 * no clock; `loop.ts` drives it, `net.ts` makes sockets of its handles.
 */
import { CONFIG_FIELDS, configNumbers, type ConfigField, type StackOptions } from "./config.js";
import { COUNTERS, type Counter } from "./counters.js";
import { ERR, StintError } from "./errors.js";

/** What build/stint.wasm exports; assembly/index.ts says what each does. */
export interface Exports {
  memory: WebAssembly.Memory;
  configBlock(): number;
  layoutSize(block: number): bigint;
  init(block: number): number;
  poll(nowUs: bigint): number;
  controlBlock(): number;
  counters(): number;
  countersCount(): number;
  pool(which: number): number;
  tune(word: number, value: number): number;
  event_next(): bigint;
  tcp_listen(ip: number, port: number, backlog: number): number;
  tcp_accept(listener: number): number;
  tcp_connect(lip: number, lport: number, rip: number, rport: number): number;
  tcp_send(handle: number, src: number, size: number): number;
  tcp_send_room(handle: number): number;
  tcp_send_at(handle: number): number;
  tcp_send_span(handle: number): number;
  tcp_send_commit(handle: number, size: number): number;
  tcp_recv(handle: number, dst: number, size: number): number;
  tcp_peek(handle: number, dst: number, size: number): number;
  tcp_recv_size(handle: number): number;
  tcp_recv_at(handle: number): number;
  tcp_recv_span(handle: number): number;
  tcp_recv_consume(handle: number, size: number): number;
  tcp_urgent(handle: number): number;
  tcp_urgent_left(handle: number): number;
  tcp_shutdown(handle: number): number;
  tcp_close(handle: number): number;
  tcp_abort(handle: number): number;
  tcp_set(handle: number, option: number, value: number): number;
  tcp_info(handle: number, dst: number): number;
  listener_info(handle: number, dst: number): number;
  flow_state(lip: number, lport: number, rip: number, rport: number): number;
  udp_open(port: number): number;
  udp_send(handle: number, ip: number, port: number, src: number, size: number): number;
  udp_recv(handle: number, dst: number, size: number, from: number): number;
  udp_close(handle: number): number;
}

/** The states of RFC 9293 §3.3.2, by their number. */
export const STATES = [
  "CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK",
  "TIME-WAIT",
] as const;
export type StateName = (typeof STATES)[number];

/** Bits of an event (assembly/core/events.ts). */
export const EVENT = {
  CONNECTED: 1, ACCEPT: 2, READABLE: 4, WRITABLE: 8, END: 16, CLOSED: 32, URGENT: 64, STALLED: 128, SOFT_ERROR: 256, DEFENCE: 512,
} as const;

/** Options of a connection (assembly/api/tcp.ts, TcpOption). */
export const OPTION = {
  noDelay: 0, keepAlive: 1, keepIdleS: 2, keepIntervalS: 3, keepProbes: 4, userTimeoutMs: 5, tos: 6, ttl: 7, softErrors: 8, fastOpen: 9,
} as const;
export type OptionName = keyof typeof OPTION;

/** A connection's variables: the fields of its TCB in their order (assembly/tcp/tcb.ts), from which their offsets follow. */
const TCB = [
  ["rip", "u32"], ["lip", "u32"], ["ports", "u32"], ["flags", "u32"], ["state", "u8"], ["timerKind", "u8"],
  ["retries", "u8"], ["dupAcks", "u8"], ["sndScale", "u8"], ["rcvScale", "u8"], ["error", "i8"], ["softError", "i8"],
  ["mss", "u16"], ["pathMtu", "u16"], ["sndUna", "u32"], ["sndNxt", "u32"], ["sndWnd", "u32"], ["maxSndWnd", "u32"],
  ["iss", "u32"], ["sndUp", "u32"], ["rcvNxt", "u32"], ["rcvAdv", "u32"], ["rcvUp", "u32"], ["irs", "u32"], ["sndHead", "u32"],
  ["sndSize", "u32"], ["rcvHead", "u32"], ["rcvSize", "u32"], ["rto", "u32"], ["cwnd", "u32"], ["ssthresh", "u32"],
  ["recover", "u32"], ["sndLost", "u32"], ["rtxNxt", "u32"], ["tsRecent", "u32"], ["sacked", "u16"], ["outOfOrder", "u16"],
  ["lastAckSent", "u32"], ["sndWl1", "u32"], ["sndWl2", "u32"], ["finSeq", "u32"], ["tsRecentAt", "u32"], ["tsOffset", "u32"],
  ["srtt", "u32"], ["rttvar", "u32"], ["rttSeq", "u32"], ["cwndAcked", "u32"], ["dsackStart", "u32"], ["dsackEnd", "u32"],
  ["workPrev", "u32"], ["workNext", "u32"], ["acceptNext", "u32"], ["synText", "u32"], ["userTimeoutMs", "u32"], ["timerAt", "u64"],
  ["delackAt", "u64"], ["idleAt", "u64"], ["heardAt", "u64"], ["stalledAt", "u64"], ["rttAt", "u64"], ["listener", "u16"],
  ["peerMss", "u16"], ["keepIdleS", "u16"], ["keepIntervalS", "u16"], ["challengeSince", "u16"], ["challenges", "u8"],
  ["keepProbes", "u8"], ["keepSent", "u8"], ["tos", "u8"], ["ttl", "u8"], ["unacked", "u8"], ["cwrSeq", "u32"], ["ecn", "u8"],
  ["fastOpen", "u8"],
] as const;
const WIDTH = { u8: 1, i8: 1, u16: 2, u32: 4, u64: 8 } as const;
/** Where each field of a TCB lies, bytes; for C code and tests that read one in place. */
export const TCB_OFFSETS = ((): Record<(typeof TCB)[number][0], number> => {
  const out = {} as Record<(typeof TCB)[number][0], number>;
  let at = 0;
  for (const [name, type] of TCB) {
    at = Math.ceil(at / WIDTH[type]) * WIDTH[type];
    out[name] = at;
    at += WIDTH[type];
  }
  return out;
})();
type Tcb = Record<(typeof TCB)[number][0], number>;

/** What `info` tells: the TCB's fields, what follows from them, and what the module adds. Times are in ms from now; Infinity: never. */
export interface TcpInfo extends Omit<Tcb, "ports" | "synText" | "workPrev" | "workNext" | "acceptNext"> {
  stateName: StateName;
  rport: number;
  lport: number;
  rcvWnd: number;
  srttUs: number;
  rttvarUs: number;
  rtoUs: number;
  sndRing: number;
  rcvRing: number;
  timerMs: number;
  delackMs: number;
  idleMs: number;
  pipe: number;
  sackedBytes: number;
  outOfOrderBytes: number;
  urgentLeft: number;
}

/** Bits of `TcpInfo.flags` that hosts look at (assembly/tcp/tcb.ts, Has). */
export const FLAG = { timestamps: 0x10, sack: 0x20, recovery: 0x1, loss: 0x2, finSent: 0x20000, finReceived: 0x200, orphan: 0x8, work: 0x80000 } as const;

/** Bit of `TcpInfo.fastOpen`: text in the SYN was taken (assembly/tcp/fast-open.ts, FastOpen). */
export const FAST_OPEN_TAKEN = 8;

/** Where the module's own records lie. */
const SLOT_RING = { head: 0, tail: 1, mask: 2, slots: 3, stride: 4, lengths: 5, words: 6 } as const;
const FRAME_OFFSET = 2;
const ENTROPY_SIZE = 32;
const SCRATCH_SIZE = 304;

interface Ring {
  /** Index of the ring's first word in `u32`. */
  word: number;
  mask: number;
  lengths: number;
  /** A view of each slot, from the frame's first byte on. */
  slots: Uint8Array[];
}

export class StackModule {
  readonly exports: Exports;
  readonly options: StackOptions;
  /** Bytes of arena in use. */
  readonly arenaBytes: number;
  readonly mtu: number;
  /** Whatever uses the module calls it after it changed something, so that the owner of the clock polls soon. */
  onWork: () => void = () => {};
  #u8: Uint8Array;
  #u32: Uint32Array;
  #rx: Ring;
  #tx: Ring;
  #scratch: number;
  #nowUs = 0;
  #numbers: ReturnType<typeof configNumbers>;

  /** Instantiates the module and lays it out. Throws a StintError: CONFIG, ENTROPY or NO_MEMORY. */
  constructor(module: WebAssembly.Module, options: StackOptions, imports: WebAssembly.Imports = {}) {
    const instance = new WebAssembly.Instance(module, imports);
    // A module that is made to be linked has the memory that it is given.
    const given = imports["env"]?.["memory"];
    this.exports = { ...instance.exports, ...(given instanceof WebAssembly.Memory ? { memory: given } : {}) } as unknown as Exports;
    this.options = options;
    const numbers = configNumbers(options);
    // An arena at a place of the host's choice: the memory reaches beyond its end.
    const pages = Math.floor((numbers.arenaBase + numbers.arenaSize) / 65536) + 1 - this.exports.memory.buffer.byteLength / 65536;
    if (numbers.arenaBase !== 0 && given === undefined && pages > 0) this.exports.memory.grow(pages);
    this.#numbers = numbers;
    const block = this.exports.configBlock();
    this.#scratch = block;
    this.#writeConfig(block, numbers, options.entropy ?? crypto.getRandomValues(new Uint8Array(ENTROPY_SIZE)));
    const size = this.exports.layoutSize(block);
    if (size < 0n) throw new StintError(Number(size), "cannot lay the stack out");
    this.arenaBytes = Number(size);
    this.mtu = numbers.mtu;
    // An application that has the stack inside lays it out itself.
    const start = (this.exports as { app_start?: (block: number) => number }).app_start, result = start ? start(block) : this.exports.init(block);
    if (result < 0) throw new StintError(result, "cannot start the stack");
    this.#u8 = new Uint8Array(this.exports.memory.buffer);
    this.#u32 = new Uint32Array(this.exports.memory.buffer);
    const control = this.exports.controlBlock() >>> 2;
    this.#rx = this.#ring(control);
    this.#tx = this.#ring(control + SLOT_RING.words);
  }

  #writeConfig(block: number, numbers: Record<string, number>, entropy: Uint8Array): void {
    const view = new DataView(this.exports.memory.buffer, block, SCRATCH_SIZE);
    const entropyAt = (CONFIG_FIELDS.length * 4 + 7) & ~7;
    numbers["size"] = entropyAt + ENTROPY_SIZE;
    CONFIG_FIELDS.forEach((field, i) => view.setUint32(i * 4, numbers[field]!, true));
    if (entropy.length !== ENTROPY_SIZE) throw new RangeError("entropy is 32 bytes");
    new Uint8Array(this.exports.memory.buffer, block + entropyAt, ENTROPY_SIZE).set(entropy);
  }

  #ring(word: number): Ring {
    const mask = this.#u32[word + SLOT_RING.mask]!, stride = this.#u32[word + SLOT_RING.stride]!;
    const base = this.#u32[word + SLOT_RING.slots]! + FRAME_OFFSET;
    const slots = Array.from({ length: mask + 1 }, (_, i) => this.#u8.subarray(base + i * stride, base + (i + 1) * stride - FRAME_OFFSET));
    return { word, mask, lengths: this.#u32[word + SLOT_RING.lengths]! >>> 2, slots };
  }

  /** A copy of everything that the stack is. */
  save(): Uint8Array {
    return this.#u8.slice();
  }

  /** Makes the stack what it was when `memory` was saved; `nowUs`: the time then. */
  restore(memory: Uint8Array, nowUs: number): void {
    this.#u8.set(memory);
    this.#nowUs = nowUs;
  }

  // Frames

  /** Puts a frame into the ring to the stack. Returns false when the ring is full: poll first. Too long: dropped by the stack. */
  pushFrame(frame: Uint8Array): boolean {
    const { word, mask, lengths, slots } = this.#rx;
    const tail = this.#u32[word + SLOT_RING.tail]!, head = this.#u32[word + SLOT_RING.head]!;
    if (((tail - head) >>> 0) > mask) return false;
    const slot = slots[tail & mask]!;
    slot.set(frame.length <= slot.length ? frame : frame.subarray(0, slot.length));
    this.#u32[lengths + (tail & mask)] = frame.length;
    this.#u32[word + SLOT_RING.tail] = tail + 1;
    return true;
  }

  /** Hands every frame from the stack to `take`: a view that is valid only during the call. Returns how many there were. */
  drainFrames(take: (frame: Uint8Array) => void): number {
    const { word, mask, lengths, slots } = this.#tx;
    let head = this.#u32[word + SLOT_RING.head]!;
    const tail = this.#u32[word + SLOT_RING.tail]!;
    const n = (tail - head) >>> 0;
    for (; head !== tail; head = (head + 1) >>> 0) {
      take(slots[head & mask]!.subarray(0, this.#u32[lengths + (head & mask)]!));
    }
    this.#u32[word + SLOT_RING.head] = head;
    return n;
  }

  /** Does what is due at `nowUs`. Returns µs until the next call at the latest; 0: at once; −1: nothing is due. */
  poll(nowUs: number): number {
    this.#nowUs = nowUs;
    return this.exports.poll(BigInt(Math.floor(nowUs)));
  }

  /** Calls `take` for each socket that has something to tell, with bits of EVENT. */
  drainEvents(take: (handle: number, bits: number) => void): void {
    for (let e = this.exports.event_next(); e !== 0n; e = this.exports.event_next()) {
      take(Number(e >> 32n), Number(e & 0xffffffffn));
    }
  }

  // TCP. Calls that fail throw a StintError.

  #checked(result: number, what: string): number {
    if (result < 0) throw new StintError(result, what);
    this.onWork();
    return result;
  }

  listen(port: number, backlog = 128, ip = 0): number {
    return this.#checked(this.exports.tcp_listen(ip, port, backlog), `cannot listen on port ${port}`);
  }

  /** A connection's handle, or 0 when none waits. */
  accept(listener: number): number {
    const handle = this.exports.tcp_accept(listener);
    return handle === ERR.AGAIN ? 0 : this.#checked(handle, "cannot accept");
  }

  connect(rip: number, rport: number, lport = 0, lip = 0): number {
    return this.#checked(this.exports.tcp_connect(lip, lport, rip, rport), "cannot connect");
  }

  /** Queues as much of `data` as fits. Returns how many bytes. */
  send(handle: number, data: Uint8Array): number {
    let sent = 0;
    while (sent < data.length) {
      const span = this.exports.tcp_send_span(handle);
      if (span < 0) {
        if (sent > 0) break;
        throw new StintError(span, "cannot send");
      }
      if (span === 0) break;
      const n = Math.min(span, data.length - sent);
      this.#u8.set(data.subarray(sent, sent + n), this.exports.tcp_send_at(handle));
      this.exports.tcp_send_commit(handle, n);
      sent += n;
    }
    if (sent > 0) this.onWork();
    return sent;
  }

  sendRoom(handle: number): number {
    return this.exports.tcp_send_room(handle);
  }

  /**
   * Takes up to `limit` bytes: a copy. null: nothing yet; an empty array: the peer has closed. Throws when the connection is over.
   */
  receive(handle: number, limit = Infinity): Uint8Array | null {
    const have = this.exports.tcp_recv_size(handle);
    if (have === ERR.AGAIN) return null;
    if (have < 0) throw new StintError(have, "cannot receive");
    const out = new Uint8Array(Math.min(have, limit));
    for (let got = 0; got < out.length;) {
      const n = Math.min(this.exports.tcp_recv_span(handle), out.length - got);
      const at = this.exports.tcp_recv_at(handle);
      out.set(this.#u8.subarray(at, at + n), got);
      this.exports.tcp_recv_consume(handle, n);
      got += n;
    }
    if (out.length > 0) this.onWork();
    return out;
  }

  /** Bytes that can be received now; 0 at the peer's end, negative (an Err) otherwise. */
  receivable(handle: number): number {
    return this.exports.tcp_recv_size(handle);
  }

  shutdown(handle: number): void {
    this.#checked(this.exports.tcp_shutdown(handle), "cannot close the sending side");
  }

  close(handle: number): void {
    this.#checked(this.exports.tcp_close(handle), "cannot close");
  }

  abort(handle: number): void {
    this.#checked(this.exports.tcp_abort(handle), "cannot abort");
  }

  urgent(handle: number): void {
    this.#checked(this.exports.tcp_urgent(handle), "cannot mark data as urgent");
  }

  setOption(handle: number, option: OptionName, value: number | boolean): void {
    this.#checked(this.exports.tcp_set(handle, OPTION[option], Number(value)), `cannot set ${option}`);
  }

  info(handle: number): TcpInfo {
    const result = this.exports.tcp_info(handle, this.#scratch);
    if (result < 0) throw new StintError(result, "no such connection");
    const tcb = this.#tcb();
    const untilMs = (us: number): number => (us >= 2 ** 63 ? Infinity : Math.max(0, Math.ceil((us - this.#nowUs) / 1000)));
    return {
      ...tcb,
      stateName: STATES[tcb.state]!,
      rport: tcb.ports >>> 16,
      lport: tcb.ports & 0xffff,
      rcvWnd: (tcb.rcvAdv - tcb.rcvNxt) >>> 0,
      srttUs: tcb.srtt >>> 3,
      rttvarUs: tcb.rttvar >>> 2,
      rtoUs: tcb.rto,
      sndRing: this.#numbers.sendRing,
      rcvRing: this.#numbers.recvRing,
      timerMs: untilMs(tcb.timerAt),
      delackMs: untilMs(tcb.delackAt),
      idleMs: untilMs(tcb.idleAt),
      pipe: tcb.synText,
      sackedBytes: tcb.workPrev,
      outOfOrderBytes: tcb.workNext,
      urgentLeft: tcb.acceptNext,
    };
  }

  /** The copy of a TCB in the scratch memory. */
  #tcb(): Tcb {
    const view = new DataView(this.exports.memory.buffer, this.#scratch, SCRATCH_SIZE);
    const out = {} as Tcb;
    for (const [name, type] of TCB) {
      const at = TCB_OFFSETS[name];
      switch (type) {
        case "u8": out[name] = view.getUint8(at); break;
        case "i8": out[name] = view.getInt8(at); break;
        case "u16": out[name] = view.getUint16(at, true); break;
        case "u32": out[name] = view.getUint32(at, true); break;
        default: out[name] = Number(view.getBigUint64(at, true));
      }
    }
    return out;
  }

  listenerInfo(handle: number): { halfOpen: number; toAccept: number; backlog: number; defending: boolean } {
    const result = this.exports.listener_info(handle, this.#scratch);
    if (result < 0) throw new StintError(result, "no such listener");
    const [halfOpen, toAccept, backlog, defending] = this.#u32.subarray(this.#scratch >>> 2, (this.#scratch >>> 2) + 4);
    return { halfOpen: halfOpen!, toAccept: toAccept!, backlog: backlog!, defending: defending !== 0 };
  }

  /** Changes numbers of the running configuration: those from `policy` to `firstByteMs`. Throws ARGUMENT; those before it stay changed. */
  tune(numbers: Partial<Record<ConfigField, number>>): void {
    for (const [field, value] of Object.entries(numbers)) {
      this.#checked(this.exports.tune(CONFIG_FIELDS.indexOf(field as ConfigField), value), `cannot set ${field} to ${value}`);
    }
  }

  /** A number of the configuration that the stack started with. */
  configured(field: ConfigField): number {
    return this.#numbers[field];
  }

  /** The state of a four-tuple, whoever owns it. */
  flowState(lip: number, lport: number, rip: number, rport: number): StateName {
    return STATES[this.exports.flow_state(lip, lport, rip, rport)] ?? "CLOSED";
  }

  // UDP

  udpOpen(port = 0): number {
    return this.#checked(this.exports.udp_open(port), "cannot open a UDP socket");
  }

  /** Queues a datagram. Returns false when the ring is full. */
  udpSend(handle: number, ip: number, port: number, data: Uint8Array): boolean {
    const at = this.#lend(data);
    const result = this.exports.udp_send(handle, ip, port, at, data.length);
    if (result === ERR.AGAIN) return false;
    this.#checked(result, "cannot send the datagram");
    return true;
  }

  /** The next datagram, or null. REFUSED (an ICMP error came) throws. */
  udpReceive(handle: number): { data: Uint8Array; ip: number; port: number } | null {
    const at = this.#borrow(65536);
    const n = this.exports.udp_recv(handle, at, 65536, this.#scratch);
    if (n === ERR.AGAIN) return null;
    this.#checked(n, "cannot receive");
    const word = this.#scratch >>> 2;
    return { data: this.#u8.slice(at, at + n), ip: this.#u32[word]!, port: this.#u32[word + 1]! };
  }

  udpClose(handle: number): void {
    this.#checked(this.exports.udp_close(handle), "cannot close");
  }

  /** Memory of the host's own behind the arena, for datagrams: one more page or two, taken when it is first needed. */
  #borrowed = 0;
  #borrow(size: number): number {
    if (this.#borrowed === 0) {
      this.#borrowed = this.exports.memory.buffer.byteLength;
      this.exports.memory.grow(Math.ceil(size / 65536));
      this.refreshViews();
    }
    return this.#borrowed;
  }

  #lend(data: Uint8Array): number {
    const at = this.#borrow(65536);
    this.#u8.set(data.subarray(0, 65536), at);
    return at;
  }

  /** The memory grew or was replaced: all views are made anew. */
  refreshViews(): void {
    this.#u8 = new Uint8Array(this.exports.memory.buffer);
    this.#u32 = new Uint32Array(this.exports.memory.buffer);
    const control = this.exports.controlBlock() >>> 2;
    this.#rx = this.#ring(control);
    this.#tx = this.#ring(control + SLOT_RING.words);
  }

  /** Entries: connections in use; free half-open records, TIME-WAIT records and ranges. */
  pools(): { connections: number; halfOpenFree: number; timeWaitFree: number; rangesFree: number } {
    const [connections, halfOpenFree, timeWaitFree, rangesFree] = [0, 1, 2, 3].map((i) => this.exports.pool(i)) as [number, number, number, number];
    return { connections, halfOpenFree, timeWaitFree, rangesFree };
  }

  counters(): Record<Counter, number> {
    const word = this.exports.counters() >>> 2;
    return Object.fromEntries(COUNTERS.map((name, i) => [name, this.#u32[word + i]!])) as Record<Counter, number>;
  }

  /** The module's memory: for snapshots, and for applications that read and write in place. */
  get memory(): Uint8Array {
    return this.#u8;
  }
}
