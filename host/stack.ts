/**
 * The module as a TypeScript object: the only file that knows its exports and where things lie in its memory. It does no I/O and knows
 * no clock; `loop.ts` drives it, `net/` makes sockets of its handles.
 */
import { CONFIG_FIELDS, configNumbers, type ConfigField, type StackOptions } from "./config.js";
import { configFault, memoryFault } from "./config-fault.js";
import { COUNTERS, type Counter } from "./counters.js";
import { ERR, StintError } from "./errors.js";
import {
  BLOCK_SIZE, CONFIG_SIZE, DATAGRAM_FROM, ENTROPY_AT, ENTROPY_SIZE, EVENT, FAST_OPEN, FLAG, FRAME_OFFSET, LEASE, LEASE_STATES, LISTENER_INFO, NAMES, OPTION,
  SLOT_RING, SLOT_RING_SIZE, STATES, TCP_INFO, TIMER, type Calls,
} from "./module/layout.js";

/** What build/stint.wasm exports. */
export interface Exports extends Calls {
  memory: WebAssembly.Memory;
}

export { EVENT, FAST_OPEN, FLAG, OPTION, STATES, TIMER };
export type StateName = (typeof STATES)[number];
export type OptionName = keyof typeof OPTION;

type InfoFields = Record<keyof typeof TCP_INFO, number>;

/** What `info` tells: what the module writes, and what follows from it. Times are in ms from now; Infinity: never. */
export interface TcpInfo extends Omit<InfoFields, "version" | "ports"> {
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
}

/** What `lease` tells. Addresses are 0 where there is none; times are in ms from now, Infinity: never. */
export interface Lease extends Omit<Record<keyof typeof LEASE, number>, "state" | "dns0" | "dns1" | "dns2" | "ntp0" | "ntp1" | "renewAt" | "rebindAt" | "endsAt"> {
  state: (typeof LEASE_STATES)[number];
  dns: number[];
  ntp: number[];
  domain: string;
  renewMs: number;
  rebindMs: number;
  endsMs: number;
}

/** Bytes of a name as text, at most. */
const NAME_MAX = 255;

interface Ring {
  /** Index of the ring's first word in `u32`. */
  word: number;
  mask: number;
  lengths: number;
  /** A view of each slot, from the frame's first byte on. */
  slots: Uint8Array[];
}

/** How long whoever asks the network for an address waits for one, ms, if nobody says. */
export const ADDRESS_MS = 30_000;

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
    if (size < 0n) throw new StintError(Number(size), "cannot lay the stack out", this.#why(Number(size), numbers));
    this.arenaBytes = Number(size);
    this.mtu = numbers.mtu;
    // An application that has the stack inside lays it out itself.
    const start = (this.exports as { app_start?: (block: number) => number }).app_start, result = start ? start(block) : this.exports.init(block);
    if (result < 0) throw new StintError(result, "cannot start the stack", this.#why(result, numbers, this.arenaBytes));
    this.#u8 = new Uint8Array(this.exports.memory.buffer);
    this.#u32 = new Uint32Array(this.exports.memory.buffer);
    const control = this.exports.controlBlock() >>> 2;
    this.#rx = this.#ring(control);
    this.#tx = this.#ring(control + SLOT_RING_SIZE / 4);
  }

  /** What the module's refusal to start is due to. */
  #why(result: number, numbers: Record<string, number>, bytes?: number): string | undefined {
    if (result === ERR.CONFIG) return configFault(numbers);
    return result === ERR.NO_MEMORY ? memoryFault(numbers, bytes) : undefined;
  }

  #writeConfig(block: number, numbers: Record<string, number>, entropy: Uint8Array): void {
    const view = new DataView(this.exports.memory.buffer, block, BLOCK_SIZE);
    numbers["size"] = CONFIG_SIZE;
    CONFIG_FIELDS.forEach((field, i) => {
      // What the block would hold in another form was not meant by anybody.
      if (numbers[field]! >>> 0 !== numbers[field]) throw new StintError("CONFIG", "cannot lay the stack out", configFault(numbers) ?? `${field} is ${numbers[field]}; it must be a whole number from 0 to 4294967295`);
      view.setUint32(i * 4, numbers[field], true);
    });
    if (entropy.length !== ENTROPY_SIZE) throw new RangeError("entropy is 32 bytes");
    new Uint8Array(this.exports.memory.buffer, block + ENTROPY_AT, ENTROPY_SIZE).set(entropy);
  }

  #ring(word: number): Ring {
    const mask = this.#u32[word + SLOT_RING.mask / 4]!, stride = this.#u32[word + SLOT_RING.stride / 4]!;
    const base = this.#u32[word + SLOT_RING.slots / 4]! + FRAME_OFFSET;
    const slots = Array.from({ length: mask + 1 }, (_, i) => this.#u8.subarray(base + i * stride, base + (i + 1) * stride - FRAME_OFFSET));
    return { word, mask, lengths: this.#u32[word + SLOT_RING.lengths / 4]! >>> 2, slots };
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
    const tail = this.#u32[word + SLOT_RING.tail / 4]!, head = this.#u32[word + SLOT_RING.head / 4]!;
    if (((tail - head) >>> 0) > mask) return false;
    const slot = slots[tail & mask]!;
    slot.set(frame.length <= slot.length ? frame : frame.subarray(0, slot.length));
    this.#u32[lengths + (tail & mask)] = frame.length;
    this.#u32[word + SLOT_RING.tail / 4] = tail + 1;
    return true;
  }

  /** Hands every frame from the stack to `take`: a view that is valid only during the call. Returns how many there were. */
  drainFrames(take: (frame: Uint8Array) => void): number {
    const { word, mask, lengths, slots } = this.#tx;
    let head = this.#u32[word + SLOT_RING.head / 4]!;
    const tail = this.#u32[word + SLOT_RING.tail / 4]!;
    const n = (tail - head) >>> 0;
    // Whatever has become of the memory, no more is handed out than there can be.
    if (n > mask + 1) throw new WebAssembly.RuntimeError(`the stack claims ${n} frames, more than its ${mask + 1} slots hold`);
    for (; head !== tail; head = (head + 1) >>> 0) {
      const slot = slots[head & mask]!, size = this.#u32[lengths + (head & mask)]!;
      if (size > slot.length) throw new WebAssembly.RuntimeError(`the stack claims a frame of ${size} bytes, which is longer than a slot`);
      take(slot.subarray(0, size));
    }
    this.#u32[word + SLOT_RING.head / 4] = head;
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

  /** The link leads to another network, or may: neighbours are asked for again, and the own address is announced. */
  linkChanged(): void {
    // An application that was linked with the stack may have left the call out.
    if (this.exports.link_changed) this.#checked(this.exports.link_changed(), "cannot look for neighbours");
  }

  // The interface's address. Only builds with everything have these calls.

  /** Gives the interface a fixed address, or with 0 none. Connections of the one before end with NO_ADDRESS. */
  setAddress(ip: number, prefix = 0, gateway = 0): void {
    this.#checked(this.exports.set_address(ip, prefix, gateway), "cannot set the address");
    this.onWork();
  }

  /** Asks the network for an address (RFC 2131); `wanted`: one that it had before. `name`: what the server may call us. */
  dhcpStart(wanted = 0, name = ""): void {
    const bytes = new TextEncoder().encode(name);
    this.#u8.set(bytes.subarray(0, BLOCK_SIZE), this.#scratch);
    this.#checked(this.exports.dhcp_start(wanted, this.#scratch, bytes.length), "cannot ask for an address");
    this.onWork();
  }

  /** Ends that: the server is told, and then, after a second at most, the interface has no address. */
  dhcpStop(): void {
    this.#checked(this.exports.dhcp_stop(), "cannot stop DHCP");
    this.onWork();
  }

  /** The interface's address; 0: it has none. */
  ownAddress(): number {
    // A small build has the one that it was configured with.
    return this.exports.dhcp_info === undefined ? this.#numbers.ip : this.lease().ip;
  }

  /** What is known of the interface's address, and of its lease. */
  lease(): Lease {
    const result = this.exports.dhcp_info(this.#scratch);
    if (result < 0) throw new StintError(result, "cannot tell the address");
    const all = this.#read(LEASE);
    const size = this.exports.dhcp_domain(this.#scratch, BLOCK_SIZE), domain = new TextDecoder().decode(this.#u8.slice(this.#scratch, this.#scratch + size));
    const { dns0, dns1, dns2, ntp0, ntp1, renewAt, rebindAt, endsAt, state, ...rest } = all;
    return {
      ...rest, state: LEASE_STATES[state]!, domain, dns: [dns0, dns1, dns2].filter((a) => a !== 0), ntp: [ntp0, ntp1].filter((a) => a !== 0),
      renewMs: this.#untilMs(renewAt), rebindMs: this.#untilMs(rebindAt), endsMs: this.#untilMs(endsAt),
    };
  }

  /**
   * The addresses of a name; undefined: it is being asked for, and `EVENT.NAMES` of handle 0 tells when to call again. Throws NOT_FOUND,
   * NO_IPV4, NO_ANSWER, SIZE (the answer is too long), UNREACHABLE (there is no server), FULL, ARGUMENT (it is no name).
   */
  lookup(name: string): number[] | undefined {
    const bytes = new TextEncoder().encode(name);
    if (bytes.length > NAME_MAX) throw new StintError("ARGUMENT", "the name is too long");
    this.#u8.set(bytes, this.#scratch);
    const result = this.exports.dns_lookup(this.#scratch, bytes.length, this.#scratch, 4);
    if (result === ERR.AGAIN) {
      this.onWork();
      return undefined;
    }
    if (result < 0) throw new StintError(result, `cannot look ${name} up${result === ERR.UNREACHABLE ? ", there is no DNS server to ask" : ""}`);
    return Array.from({ length: result }, (_, i) => this.#u32[(this.#scratch >>> 2) + i]!);
  }

  /** The DNS servers to ask, three at most; none: those that the lease names. */
  dnsServers(servers: readonly number[]): void {
    const [first = 0, second = 0, third = 0] = servers;
    this.#checked(this.exports.dns_servers(first, second, third), "cannot ask these DNS servers");
  }

  /** What the resolver did. */
  resolver(): Record<keyof typeof NAMES, number> {
    const result = this.exports.dns_info(this.#scratch);
    if (result < 0) throw new StintError(result, "cannot tell about names");
    return this.#read(NAMES);
  }

  /** Milliseconds to a moment of the clock of `poll`. */
  #untilMs(us: number): number {
    return us >= 2 ** 63 ? Infinity : Math.max(0, Math.ceil((us - this.#nowUs) / 1000));
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
    const n = Number(value), result = this.exports.tcp_set(handle, OPTION[option], n), what = `cannot set ${option}`;
    // 0 and 1 are in range: a build without Fast Open does not know the option.
    const absent = option === "fastOpen" && result === ERR.ARGUMENT && n <= 1;
    if (absent) throw new StintError(result, what, "this module was built without it");
    this.#checked(result, what);
  }

  info(handle: number): TcpInfo {
    const result = this.exports.tcp_info(handle, this.#scratch);
    if (result < 0) throw new StintError(result, "no such connection");
    const info = this.#read(TCP_INFO);
    return {
      ...info,
      stateName: STATES[info.state]!,
      rport: info.ports >>> 16,
      lport: info.ports & 0xffff,
      rcvWnd: (info.rcvAdv - info.rcvNxt) >>> 0,
      srttUs: info.srtt >>> 3,
      rttvarUs: info.rttvar >>> 2,
      rtoUs: info.rto,
      sndRing: this.#numbers.sendRing,
      rcvRing: this.#numbers.recvRing,
      timerMs: this.#untilMs(info.timerAt),
      delackMs: this.#untilMs(info.delackAt),
      idleMs: this.#untilMs(info.idleAt),
    };
  }

  /** The connection's addresses and ports alone. */
  names(handle: number): { lip: number; lport: number; rip: number; rport: number } {
    const result = this.exports.tcp_info(handle, this.#scratch);
    if (result < 0) throw new StintError(result, "no such connection");
    const word = (field: "lip" | "rip" | "ports"): number => this.#u32[(this.#scratch + TCP_INFO[field].at) >>> 2]!;
    const ports = word("ports");
    return { lip: word("lip"), lport: ports & 0xffff, rip: word("rip"), rport: ports >>> 16 };
  }

  /** The record that a call wrote into the scratch memory. */
  #read<Name extends string>(record: Record<Name, { at: number; type: string }>): Record<Name, number> {
    const view = new DataView(this.exports.memory.buffer, this.#scratch, BLOCK_SIZE);
    const out = {} as Record<Name, number>;
    for (const [name, { at, type }] of Object.entries<{ at: number; type: string }>(record)) {
      switch (type) {
        case "u8": out[name as Name] = view.getUint8(at); break;
        case "i8": out[name as Name] = view.getInt8(at); break;
        case "u16": out[name as Name] = view.getUint16(at, true); break;
        case "u32": out[name as Name] = view.getUint32(at, true); break;
        default: out[name as Name] = Number(view.getBigUint64(at, true));
      }
    }
    return out;
  }

  listenerInfo(handle: number): { halfOpen: number; toAccept: number; backlog: number; defending: boolean } {
    const result = this.exports.listener_info(handle, this.#scratch);
    if (result < 0) throw new StintError(result, "no such listener");
    const word = (at: number): number => this.#u32[(this.#scratch + at) >>> 2]!;
    return {
      halfOpen: word(LISTENER_INFO.halfOpen), toAccept: word(LISTENER_INFO.toAccept), backlog: word(LISTENER_INFO.backlog),
      defending: word(LISTENER_INFO.defending) !== 0,
    };
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
    const word = (offset: number): number => this.#u32[(this.#scratch + offset) >>> 2]!;
    return { data: this.#u8.slice(at, at + n), ip: word(DATAGRAM_FROM.ip), port: word(DATAGRAM_FROM.port) };
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
    this.#tx = this.#ring(control + SLOT_RING_SIZE / 4);
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
