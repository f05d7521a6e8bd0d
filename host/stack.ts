/**
 * The module as a TypeScript object: with the classes that it is made of, the only one that knows its exports and where
 * things lie in its memory. It does no I/O and knows no clock: `loop.ts` drives it, `net/` makes sockets of handles.
 */
import { ERR, StintError } from "./errors.js";
import { type Exports } from "./module/instance.js";
import {
  Interface, type Ip6Address, type Lease, type LocalName, type ResolverInfo, type TimeInfo,
} from "./module/interface.js";
import {
  DATAGRAM_FROM, EVENT, FAST_OPEN, FLAG, LISTENER_INFO, OPTION, POOL, STATES, TCP_INFO, TIMER,
  type TcpInfoNumbers,
} from "./module/layout.js";

export { EVENT, FAST_OPEN, FLAG, OPTION, STATES, TIMER };
export type { Exports, Ip6Address, Lease, LocalName, ResolverInfo, TimeInfo };
/** The name of a state of RFC 9293 §3.3.2, as "SYN-SENT". */
export type StateName = (typeof STATES)[number];
/** The name of an option of a connection (`OPTION`). */
export type OptionName = keyof typeof OPTION;

/** What `info` tells: what the module writes, and what follows from it. Times are in ms from now; Infinity: never. */
export interface TcpInfo extends TcpInfoNumbers {
  /** The state's name. */
  stateName: StateName;
  /** The peer's port. */
  rport: number;
  /** Our own port. */
  lport: number;
  /** RCV.WND as advertised, bytes. */
  rcvWnd: number;
  /** The smoothed round-trip time, µs (RFC 6298); 0: there is no sample yet. */
  srttUs: number;
  /** Its variation, µs. */
  rttvarUs: number;
  /** The retransmission time-out, µs. */
  rtoUs: number;
  /** Bytes that the send ring has room for. */
  sndRing: number;
  /** Bytes that the receive ring has room for. */
  rcvRing: number;
  /** When the timer of `timerKind` fires. */
  timerMs: number;
  /** When an ACK that waits is sent. */
  delackMs: number;
  /** When keep-alive, the wait for a first byte, or the time of a closed connection is over. */
  idleMs: number;
}

/** Who is connected to whom: local and remote address and port, as the module has them. */
export interface Names {
  /** Our own address. */
  lip: number;
  /** Our own port. */
  lport: number;
  /** The peer's address. */
  rip: number;
  /** The peer's port. */
  rport: number;
}

/** What is known of a listener. */
export interface ListenerInfo {
  /** Handshakes that are under way. */
  halfOpen: number;
  /** Connections that wait to be accepted. */
  toAccept: number;
  /** How many may wait. */
  backlog: number;
  /** Whether SYNs are answered with cookies now. */
  defending: boolean;
}

/** A datagram that came. */
export interface Datagram {
  /** Its text: a copy. */
  data: Uint8Array;
  /** The sender's address: an IPv4 address in host order, or the name of an IPv6 one (`ip6Bytes`). */
  ip: number;
  /** The sender's port. */
  port: number;
}

/** How full the tables are, in entries. */
export interface Pools {
  /** In use. */
  connections: number;
  /** Records for handshakes that are free. */
  halfOpenFree: number;
  /** Records for TIME-WAIT that are free. */
  timeWaitFree: number;
  /** Ranges that are free. */
  rangesFree: number;
}

/** A page of memory; and what a datagram may take of that which is lent for one. */
const PAGE_SIZE = 65536, LENT_SIZE = 65536;

/** How long whoever asks the network for an address waits for one, ms, if nobody says. */
export const ADDRESS_MS = 30_000;

/**
 * The module, one method for each call, without a clock and without a link: whoever has it gives it frames and the
 * time. Handles and IPv4 addresses are numbers, addresses in host order. Calls that fail throw a StintError.
 *
 * @example
 * ```ts
 * const stack = new StackModule(loadModule(), { ip: "10.0.0.2/24" });
 * const listener = stack.listen(7);
 * stack.pushFrame(frame);
 * const waitUs = stack.poll(nowUs);
 * stack.drainFrames((out) => send(out));
 * ```
 */
export class StackModule extends Interface {
  // TCP

  /** A listener on `port` of one address, or of all (0). Returns its handle. Throws IN_USE, FULL, ARGUMENT. */
  listen(port: number, backlog = 128, ip = 0): number {
    return this.checked(this.exports.tcp_listen(ip, port, backlog), `cannot listen on port ${port}`);
  }

  /** A connection's handle, or 0 when none waits. */
  accept(listener: number): number {
    const handle = this.exports.tcp_accept(listener);
    return handle === ERR.AGAIN ? 0 : this.checked(handle, "cannot accept");
  }

  /**
   * Opens to `rip`:`rport`, from an ephemeral port and the address that fits unless they are given. Returns a handle at
   * once; `EVENT.CONNECTED` or `EVENT.CLOSED` follows. Throws UNREACHABLE, FULL, IN_USE, ARGUMENT.
   */
  connect(rip: number, rport: number, lport = 0, lip = 0): number {
    return this.checked(this.exports.tcp_connect(lip, lport, rip, rport), "cannot connect");
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
      this.u8.set(data.subarray(sent, sent + n), this.exports.tcp_send_at(handle));
      this.exports.tcp_send_commit(handle, n);
      sent += n;
    }
    if (sent > 0) this.onWork();
    return sent;
  }

  /** Bytes that `send` would take now; negative: an Err. */
  sendRoom(handle: number): number {
    return this.exports.tcp_send_room(handle);
  }

  /**
   * Takes up to `limit` bytes: a copy. null: nothing yet; an empty array: the peer has closed. Throws when the
   * connection is over.
   */
  receive(handle: number, limit = Infinity): Uint8Array | null {
    const have = this.exports.tcp_recv_size(handle);
    if (have === ERR.AGAIN) return null;
    if (have < 0) throw new StintError(have, "cannot receive");
    const out = new Uint8Array(Math.min(have, limit));
    for (let got = 0; got < out.length;) {
      const n = Math.min(this.exports.tcp_recv_span(handle), out.length - got);
      const at = this.exports.tcp_recv_at(handle);
      out.set(this.u8.subarray(at, at + n), got);
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

  /** Nothing more is sent: a FIN goes out behind what is queued. What the peer sends can still be received. */
  shutdown(handle: number): void {
    this.checked(this.exports.tcp_shutdown(handle), "cannot close the sending side");
  }

  /**
   * Gives the handle up; the connection ends in order by itself. Of a listener: what waits to be accepted is reset.
   */
  close(handle: number): void {
    this.checked(this.exports.tcp_close(handle), "cannot close");
  }

  /** Ends the connection with a RST, and gives the handle up. */
  abort(handle: number): void {
    this.checked(this.exports.tcp_abort(handle), "cannot abort");
  }

  /** What was queued last is urgent (RFC 9293 §3.8.5). */
  urgent(handle: number): void {
    this.checked(this.exports.tcp_urgent(handle), "cannot mark data as urgent");
  }

  /**
   * Sets an option, in its unit (docs/reference/calls.md). Throws ARGUMENT: it is out of range, or this build has none.
   */
  setOption(handle: number, option: OptionName, value: number | boolean): void {
    const n = Number(value), result = this.exports.tcp_set(handle, OPTION[option], n), what = `cannot set ${option}`;
    // 0 and 1 are in range: a build without Fast Open does not know the option.
    const absent = option === "fastOpen" && result === ERR.ARGUMENT && n <= 1;
    if (absent) throw new StintError(result, what, "this module was built without it");
    this.checked(result, what);
  }

  /** What a connection is doing. Throws HANDLE. */
  info(handle: number): TcpInfo {
    this.answered(this.exports.tcp_info(handle, this.scratch), "no such connection");
    const info = this.read(TCP_INFO);
    return {
      ...info,
      stateName: STATES[info.state]!,
      rport: info.ports >>> 16,
      lport: info.ports & 0xffff,
      rcvWnd: (info.rcvAdv - info.rcvNxt) >>> 0,
      srttUs: info.srtt >>> 3,
      rttvarUs: info.rttvar >>> 2,
      rtoUs: info.rto,
      sndRing: this.numbers.sendRing,
      rcvRing: this.numbers.recvRing,
      timerMs: this.untilMs(info.timerAt),
      delackMs: this.untilMs(info.delackAt),
      idleMs: this.untilMs(info.idleAt),
    };
  }

  /** The connection's addresses and ports alone. */
  names(handle: number): Names {
    this.answered(this.exports.tcp_info(handle, this.scratch), "no such connection");
    const word = (field: "lip" | "rip" | "ports"): number => this.u32[(this.scratch + TCP_INFO[field].at) >>> 2]!;
    const ports = word("ports");
    return { lip: word("lip"), lport: ports & 0xffff, rip: word("rip"), rport: ports >>> 16 };
  }

  /** How many handshakes a listener has under way, and connections that wait. Throws HANDLE. */
  listenerInfo(handle: number): ListenerInfo {
    this.answered(this.exports.listener_info(handle, this.scratch), "no such listener");
    const word = (at: number): number => this.u32[(this.scratch + at) >>> 2]!;
    return {
      halfOpen: word(LISTENER_INFO.halfOpen), toAccept: word(LISTENER_INFO.toAccept),
      backlog: word(LISTENER_INFO.backlog), defending: word(LISTENER_INFO.defending) !== 0,
    };
  }

  /** The state of a four-tuple, whoever owns it. */
  flowState(lip: number, lport: number, rip: number, rport: number): StateName {
    return STATES[this.exports.flow_state(lip, lport, rip, rport)] ?? "CLOSED";
  }

  // UDP

  /** A UDP socket on `port`, or an ephemeral one. Returns its handle. Throws IN_USE, FULL, ARGUMENT. */
  udpOpen(port = 0): number {
    return this.checked(this.exports.udp_open(port), "cannot open a UDP socket");
  }

  /** Queues a datagram. Returns false when the ring is full. */
  udpSend(handle: number, ip: number, port: number, data: Uint8Array): boolean {
    if (data.length > 65507) throw new StintError("SIZE", "cannot send the datagram");
    const at = this.#lend(data);
    const result = this.exports.udp_send(handle, ip, port, at, data.length);
    if (result === ERR.AGAIN) return false;
    this.checked(result, "cannot send the datagram");
    return true;
  }

  /** The next datagram, or null. REFUSED (an ICMP error came) throws. */
  udpReceive(handle: number): Datagram | null {
    const at = this.#borrow(LENT_SIZE);
    const n = this.exports.udp_recv(handle, at, LENT_SIZE, this.scratch);
    if (n === ERR.AGAIN) return null;
    this.checked(n, "cannot receive");
    const word = (offset: number): number => this.u32[(this.scratch + offset) >>> 2]!;
    return { data: this.u8.slice(at, at + n), ip: word(DATAGRAM_FROM.ip), port: word(DATAGRAM_FROM.port) };
  }

  /** Time to live of what the socket sends; 0: the configuration's. */
  udpTtl(handle: number, ttl: number): void {
    this.checked(this.exports.udp_ttl(handle, ttl), "cannot set the time to live");
  }

  /** The socket takes the datagrams of one peer alone, and others learn nothing of its port; 0: everybody's. */
  udpConnect(handle: number, ip: number, port: number): void {
    // Small builds leave it out: there whoever has the socket looks at each datagram's sender, and nothing else does.
    if (this.exports.udp_connect) this.checked(this.exports.udp_connect(handle, ip, port), "cannot set the peer");
  }

  /** Closes a UDP socket; what waits in it is dropped. */
  udpClose(handle: number): void {
    this.checked(this.exports.udp_close(handle), "cannot close");
  }

  /** Memory of the host's own behind the arena, for datagrams: one more page or two, taken when it is first needed. */
  #borrowed = 0;
  #borrow(size: number): number {
    if (this.#borrowed === 0) {
      this.#borrowed = this.exports.memory.buffer.byteLength;
      this.exports.memory.grow(Math.ceil(size / PAGE_SIZE));
      this.refreshViews();
    }
    return this.#borrowed;
  }

  #lend(data: Uint8Array): number {
    const at = this.#borrow(LENT_SIZE);
    this.u8.set(data.subarray(0, LENT_SIZE), at);
    return at;
  }

  /** An application that the stack was linked with does what it has to. Returns whether another poll may send more. */
  runApplication(): boolean {
    return (this.exports as Exports & { app_run(): number }).app_run() !== 0;
  }

  /** How full the tables are. */
  pools(): Pools {
    const of = (which: keyof Pools): number => this.exports.pool(POOL[which]);
    return {
      connections: of("connections"), halfOpenFree: of("halfOpenFree"), timeWaitFree: of("timeWaitFree"),
      rangesFree: of("rangesFree"),
    };
  }
}
