/**
 * UDP sockets of a script, on the module's. The module has ports. Who a socket is connected to is kept here, as every
 * host keeps it: the socket then hears that peer alone, and an ICMP error becomes its next call's error (RFC 1122
 * §4.1.3.3).
 */
import { ERR, StintError } from "../errors.js";
import type { Call } from "./parse.js";
import {
  attempted, flagsOf, type Host, OK, refusal, type Result, sizeOf, type Socket, takeError,
} from "./socket.js";
import { SYMBOLS, Unsupported } from "./system.js";

/** Ports for sockets that send before they were bound. */
const FREE_PORT = 50_000;
/** UDP's header, and with IPv4's. */
const HEADER = 8, HEADERS = 28;

/** What a UDP socket has beside its handle. */
interface State {
  isConnected: boolean;
  /** Sizes of the datagrams that were taken from the module, and not read yet; and how many there were in all. */
  arrived: number[];
  total: number;
}

/** Each call takes the socket of its descriptor. `null` means that it would block. */
export class Datagrams {
  #states = new Map<Socket, State>();
  #portsGiven = 0;
  /** The local port of the youngest socket that has one: it is under test. */
  localPort: number | undefined;

  /** `sizeMax`: what a packet has room for behind the IP header. */
  constructor(readonly host: Host, readonly sizeMax: number) {}

  #of(s: Socket): State {
    let state = this.#states.get(s);
    if (!state) this.#states.set(s, state = { isConnected: false, arrived: [], total: 0 });
    return state;
  }

  #open(s: Socket, port: number): Result {
    const opened = attempted(() => this.host.stack.udpOpen(port));
    if (opened.value < 0) return opened;
    s.handle = opened.value;
    this.localPort = port;
    return OK;
  }

  /** A socket that has no port gets one that nobody has. */
  #settle(s: Socket): Result {
    return s.handle === 0 ? this.#open(s, FREE_PORT + this.#portsGiven++) : OK;
  }

  /** Takes the script's local port, whichever the call names; EINVAL for a socket that has one. */
  bind(s: Socket): Result {
    return s.handle === 0 ? this.#open(s, this.host.ends.localPort) : refusal("EINVAL");
  }

  /** The peer is the remote side, whatever the call names. No packet is sent. */
  connect(s: Socket): Result {
    const settled = this.#settle(s);
    if (settled.value < 0) return settled;
    // What came before stays to be read, whoever sent it.
    this.pump(s);
    this.#of(s).isConnected = true;
    return OK;
  }

  /** What was not read yet is gone. */
  close(s: Socket): void {
    if (s.handle !== 0) this.host.stack.udpClose(s.handle);
    this.#states.delete(s);
  }

  /** Takes from the module what came. */
  pump(s: Socket): void {
    if (s.handle === 0) return;
    const state = this.#of(s), { ends, stack } = this.host;
    for (;;) {
      try {
        const got = stack.udpReceive(s.handle);
        if (!got) return;
        const isPeers = this.host.isRemote(got.ip) && got.port === ends.remotePort;
        if (state.isConnected && !isPeers) continue;
        state.arrived.push(got.data.length);
        state.total++;
      } catch (e) {
        if (!(e instanceof StintError) || e.code !== "REFUSED") throw e;
        if (state.isConnected) s.error = ERR.REFUSED;
      }
    }
  }

  /** The size of the datagram that is read next; undefined: there is none. */
  next(s: Socket): number | undefined {
    this.pump(s);
    return this.#of(s).arrived[0];
  }

  /** How many datagrams ever arrived. */
  received(s: Socket): number {
    return this.#of(s).total;
  }

  /** A waiting ICMP error goes before data. What the buffer has no room for is lost, as with every host. */
  receive(e: Call, s: Socket): Result | null {
    const size = this.next(s), flags = flagsOf(e);
    if (s.error !== 0) return takeError(s);
    if (size === undefined) return s.nonblocking || flags & SYMBOLS["MSG_DONTWAIT"]! ? refusal("EAGAIN") : null;
    if (!(flags & SYMBOLS["MSG_PEEK"]!)) this.#of(s).arrived.shift();
    if (e.name === "recvmsg" && size > sizeOf(e)) {
      throw new Unsupported(`line ${e.line}: msg_flags of a datagram that is cut off`);
    }
    return { value: Math.min(size, sizeOf(e)) };
  }

  /** `size` zeros to the remote side: a script's payloads have no contents. A socket without a port gets one. */
  send(e: Call, s: Socket): Result | null {
    const size = sizeOf(e), flags = flagsOf(e), { ends, stack } = this.host;
    if (flags & SYMBOLS["MSG_FASTOPEN"]!) throw new Unsupported(`line ${e.line}: MSG_FASTOPEN on a UDP socket`);
    if (flags & SYMBOLS["MSG_OOB"]!) return refusal("EOPNOTSUPP");
    this.pump(s);
    if (s.error !== 0) return takeError(s);
    // sendto and sendmsg say to whom; their "..." is the remote side.
    if (!this.#of(s).isConnected && !/^send(to|msg)$/.test(e.name)) return refusal("EDESTADDRREQ");
    if (size > 65_535 - HEADERS) return refusal("EMSGSIZE");
    if (size > this.sizeMax - HEADER) throw new Unsupported(`line ${e.line}: a datagram in fragments`);
    const settled = this.#settle(s);
    if (settled.value < 0) return settled;
    if (stack.udpSend(s.handle, ends.remoteIp, ends.remotePort, new Uint8Array(size))) return { value: size };
    return s.nonblocking || flags & SYMBOLS["MSG_DONTWAIT"]! ? refusal("EAGAIN") : null;
  }
}
