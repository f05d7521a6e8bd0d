/** setsockopt(), getsockopt() and ioctl() of a script's sockets. */
import type { Datagrams } from "./datagrams.js";
import { numberOf } from "./calls.js";
import type { Call } from "./parse.js";
import { type Host, OK, refusal, type Result, type Socket } from "./socket.js";
import { FAST_OPEN, Unsupported } from "./system.js";

type Setter = (handle: number, value: number, stack: Host["stack"]) => void;

/** Options that are the module's, connection by connection. */
const SETTERS: Record<string, Setter> = {
  TCP_NODELAY: (handle, value, stack) => stack.setOption(handle, "noDelay", value !== 0),
  SO_KEEPALIVE: (handle, value, stack) => stack.setOption(handle, "keepAlive", value !== 0),
  TCP_KEEPIDLE: (handle, value, stack) => stack.setOption(handle, "keepIdleS", value),
  TCP_KEEPINTVL: (handle, value, stack) => stack.setOption(handle, "keepIntervalS", value),
  TCP_KEEPCNT: (handle, value, stack) => stack.setOption(handle, "keepProbes", value),
  TCP_USER_TIMEOUT: (handle, value, stack) => {
    if (value > 0) stack.setOption(handle, "userTimeoutMs", value);
  },
  IP_TOS: (handle, value, stack) => stack.setOption(handle, "tos", value),
  IP_TTL: (handle, value, stack) => stack.setOption(handle, "ttl", value),
  IPV6_TCLASS: (handle, value, stack) => stack.setOption(handle, "tos", value),
  IPV6_UNICAST_HOPS: (handle, value, stack) => stack.setOption(handle, "ttl", value),
};
/** A listener's options that its SYN-ACKs show; the others are for what it accepts. */
const OF_LISTENERS = ["IP_TOS", "IP_TTL", "IPV6_TCLASS", "IPV6_UNICAST_HOPS"];
/** Options that this file gives a meaning. */
const OF_FAST_OPEN = ["TCP_FASTOPEN", "TCP_FASTOPEN_CONNECT"];
/** Options without an effect on what a script can see. */
const HARMLESS = [
  "SO_REUSEADDR", "SO_REUSEPORT", "SO_DEBUG", "TCP_LOG", "IP_MTU_DISCOVER", "IPV6_MTU_DISCOVER", "IPV6_V6ONLY",
];

/** Options of a socket that has no handle yet wait in `Socket.options`, until it connects or listens. */
export class SocketOptions {
  constructor(readonly host: Host, readonly datagrams: Datagrams) {}

  /** What a socket was given before it was connected, or its listener was given. */
  applyAll(from: Socket, to: Socket): void {
    to.options = new Map(from.options);
    for (const [name, value] of from.options) this.#apply(to, name, value);
  }

  #apply(s: Socket, name: string, value: number): void {
    if (s.kind === "new" || (s.kind === "listener" && !OF_LISTENERS.includes(name))) return;
    SETTERS[name]?.(s.handle, value, this.host.stack);
  }

  /** A listener takes text in SYNs if it was asked to, or all do. */
  listen(s: Socket): void {
    for (const [name, value] of s.options) this.#apply(s, name, value);
    const queue = s.options.get("TCP_FASTOPEN"), allowed = this.host.options.fastOpen ?? 0;
    const asked = queue === undefined ? (allowed & FAST_OPEN.everyListener) !== 0 : queue > 0;
    const on = (allowed & FAST_OPEN.server) !== 0 && asked;
    this.host.stack.setOption(s.handle, "fastOpen", on);
    if (on && queue !== undefined) this.host.stack.tune({ fastOpenMax: queue });
  }

  #name(e: Call): string {
    const v = e.args[2];
    return v?.kind === "symbol" ? v.name : `option ${numberOf(v)}`;
  }

  /** setsockopt(). Throws an Unsupported for options that a script might see and the stack has not. */
  set(e: Call, s: Socket): Result {
    const name = this.#name(e);
    if (HARMLESS.includes(name)) return OK;
    if (s.kind === "datagram") throw new Unsupported(`line ${e.line}: setsockopt ${name} of a UDP socket`);
    // Both are the stack's, and set before a script begins.
    if (name === "TCP_MAXSEG" || name === "TCP_CONGESTION") return OK;
    // Acknowledging at once is what the dialect of Linux does anyway.
    if (name === "TCP_QUICKACK" && numberOf(e.args[3]) === 1 && this.host.options.delayedAckMs === 0) return OK;
    const isOurs = Object.hasOwn(SETTERS, name) || OF_FAST_OPEN.includes(name);
    if (!isOurs) throw new Unsupported(`line ${e.line}: setsockopt ${name}`);
    const value = numberOf(e.args[3]);
    s.options.set(name, value);
    this.#apply(s, name, value);
    if (name === "TCP_FASTOPEN" && s.kind === "listener") this.listen(s);
    return OK;
  }

  /** getsockopt(): the value is in `out`. SO_ERROR takes the error, so that it is told once. */
  get(e: Call, s: Socket): Result {
    const name = this.#name(e), { options, stack } = this.host;
    if (s.kind === "datagram") {
      if (name !== "SO_ERROR") throw new Unsupported(`line ${e.line}: getsockopt ${name} of a UDP socket`);
      this.datagrams.pump(s);
    }
    switch (name) {
      case "SO_ERROR": {
        const out = s.error;
        s.error = 0;
        return { value: 0, out };
      }
      case "SO_RCVBUF": {
        // FreeBSD rounds the buffer up once it knows the MSS.
        const ring = options.recvRing ?? 0, early = ["SYN-SENT", "SYN-RECEIVED", "CLOSED"];
        const isOpen = s.kind === "connection" && !early.includes(stack.info(s.handle).stateName);
        return { value: 0, out: ring === 65700 && !isOpen ? 65536 : ring };
      }
      case "TCP_MAXSEG":
        return { value: 0, out: s.kind === "connection" ? stack.info(s.handle).mss : options.mss ?? 536 };
      default:
        if (s.options.has(name)) return { value: 0, out: s.options.get(name)! };
        if (["TCP_NODELAY", "SO_KEEPALIVE", ...OF_FAST_OPEN].includes(name)) return { value: 0, out: 0 };
        throw new Unsupported(`line ${e.line}: getsockopt ${name}`);
    }
  }

  /** ioctl(): FIONBIO, and how many bytes wait to be read, to be acknowledged or to be sent. */
  control(e: Call, s: Socket): Result {
    const request = e.args[1]?.kind === "symbol" ? e.args[1].name : "", { stack } = this.host;
    if (request === "FIONBIO") {
      s.nonblocking = numberOf(e.args[2]) !== 0;
      return OK;
    }
    const isIn = request === "SIOCINQ" || request === "FIONREAD";
    if (s.kind === "datagram") {
      if (!isIn) throw new Unsupported(`line ${e.line}: ioctl ${request} of a UDP socket`);
      return { value: 0, out: this.datagrams.next(s) ?? 0 };
    }
    if (s.kind !== "connection") return refusal("EINVAL");
    if (isIn) return { value: 0, out: Math.max(0, stack.receivable(s.handle)) };
    const t = stack.info(s.handle);
    if (request === "SIOCOUTQ" || request === "TIOCOUTQ") return { value: 0, out: t.sndSize };
    if (request === "SIOCOUTQNSD") return { value: 0, out: Math.max(0, t.sndSize - ((t.sndNxt - t.sndUna) >>> 0)) };
    throw new Unsupported(`line ${e.line}: ioctl ${request}`);
  }
}
