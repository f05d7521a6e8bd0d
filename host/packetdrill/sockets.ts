/** The system calls of a script, on the module's calls: sockets by file descriptor, options, errno. */
import { errName } from "../errors.js";
import type { StackModule } from "../stack.js";
import { decodeTcp } from "../decode.js";
import { numberOf } from "./calls.js";
import { Failure } from "./failure.js";
import type { Event, Value } from "./parse.js";
import { Readiness } from "./ready.js";
import { ERRNO, FAST_OPEN, SYMBOLS, Unsupported, type Settings } from "./system.js";
import type { Ends } from "./wire.js";

const AGAIN = -5;

export interface Socket {
  kind: "new" | "listener" | "connection";
  handle: number;
  nonblocking: boolean;
  error: number;
  shutRead: boolean;
  options: Map<string, number>;
}

/** A result: a number, and the name of an errno when it is −1. */
export interface Result {
  value: number;
  errno?: string;
  /** What out-parameters hold. */
  out?: number;
}

export class Sockets {
  readonly sockets = new Map<number, Socket>();
  #ready: Readiness;
  #stack: StackModule;
  #ends: Ends;
  #options: Settings;
  #nowUs: () => number;

  constructor(stack: StackModule, ends: Ends, options: Settings, nowUs: () => number) {
    this.#nowUs = nowUs;
    this.#stack = stack;
    this.#ready = new Readiness(stack, this.sockets);
    this.#ends = ends;
    this.#options = options;
  }

  #errno(code: number): Result {
    return { value: -1, errno: ERRNO[errName(code)] ?? "EINVAL" };
  }

  /** The call as something that can be tried: null means that it would block. */
  prepare(e: Event & { type: "call" }): (blocking: boolean) => Result | null {
    const fd = e.args[0]?.kind === "number" ? e.args[0].value : NaN, x = this.#stack.exports;
    const socket = (): Socket => this.sockets.get(fd) ?? (() => { throw new Failure(e.line, `${e.name} on socket ${fd}`, "there is no such socket"); })();
    const ok: Result = { value: 0 };
    const fresh = (kind: Socket["kind"], handle: number): Socket => ({ kind, handle, nonblocking: false, error: 0, shutRead: false, options: new Map() });
    const error = (code: number): Result => this.#errno(code);
    switch (e.name) {
      case "socket":
        return () => {
          const n = numberOf(e.result);
          const made = fresh("new", 0);
          made.nonblocking = (numberOf(e.args[1]) & SYMBOLS["SOCK_NONBLOCK"]!) !== 0;
          this.sockets.set(n, made);
          return { value: n };
        };
      case "bind":
        return () => ok;
      case "listen":
        return () => {
          const s = socket();
          const handle = s.kind === "listener" ? s.handle : x.tcp_listen(0, this.#ends.localPort, Math.max(1, numberOf(e.args[1])));
          if (handle < 0) return error(handle);
          Object.assign(s, { kind: "listener", handle });
          for (const [name, value] of s.options) this.#applyOption(s, name, value);
          this.#listenFast(s);
          return ok;
        };
      case "accept":
      case "accept4": {
        let made: Socket | undefined;
        return () => {
          const s = socket();
          if (s.kind !== "listener") return error(-2);
          const handle = x.tcp_accept(s.handle);
          if (handle === AGAIN) return null;
          made = fresh("connection", handle);
          made.nonblocking = (numberOf(e.args[3]) & SYMBOLS["SOCK_NONBLOCK"]!) !== 0;
          this.#applyOptions(s, made);
          const n = numberOf(e.result);
          this.sockets.set(n, made);
          return { value: n };
        };
      }
      case "connect": {
        let begun = false;
        return () => {
          const s = socket();
          if (!begun && s.kind !== "new") return s.error !== 0 ? this.#takeError(s) : s.kind === "connection" ? this.#connected(s) : error(-3);
          if (!begun) {
            begun = true;
            // TCP_FASTOPEN_CONNECT: with a cookie, the SYN waits for text.
            const fast = s.options.get("TCP_FASTOPEN_CONNECT") === 1;
            if (fast && this.#synText(1) > 0) return ok;
            const code = this.#open(s, fast);
            if (code < 0) return error(code);
            if (s.nonblocking) return { value: -1, errno: "EINPROGRESS" };
            return null;
          }
          if (s.error !== 0) return this.#takeError(s);
          const state = this.#stack.info(s.handle).stateName;
          return state === "SYN-SENT" || state === "SYN-RECEIVED" ? null : ok;
        };
      }
      case "read": case "recv": case "recvfrom": case "recvmsg": case "readv":
        return () => this.#receive(e, socket());
      case "write": case "send": case "sendto": case "sendmsg": case "writev": {
        const s = this.sockets.get(fd);
        return s?.kind === "new" && this.#sendsFast(e, s) ? this.#sendFast(e, s) : () => this.#send(e, socket());
      }
      case "close":
        return () => {
          if (this.#ready.close(fd)) return ok;
          const s = socket();
          this.sockets.delete(fd);
          if (s.kind !== "new") x.tcp_close(s.handle);
          return ok;
        };
      case "shutdown":
        return () => {
          const s = socket(), how = numberOf(e.args[1]);
          if (s.kind !== "connection") return { value: -1, errno: "ENOTCONN" };
          if (how !== SYMBOLS["SHUT_WR"]) s.shutRead = true;
          const result = how === SYMBOLS["SHUT_RD"] ? 0 : x.tcp_shutdown(s.handle);
          return result < 0 ? { value: -1, errno: "ENOTCONN" } : ok;
        };
      case "fcntl":
        return () => {
          const s = socket();
          if (numberOf(e.args[1]) === SYMBOLS["F_SETFL"]) {
            s.nonblocking = (numberOf(e.args[2]) & SYMBOLS["O_NONBLOCK"]!) !== 0;
            return ok;
          }
          return { value: SYMBOLS["O_RDWR"]! | (s.nonblocking ? SYMBOLS["O_NONBLOCK"]! : 0) };
        };
      case "ioctl":
        return () => this.#ioctl(e, socket());
      case "setsockopt":
        return () => this.#setOption(e, socket());
      case "getsockopt":
        return () => this.#getOption(e, socket());
      case "poll":
        return () => this.#ready.poll(e);
      case "epoll_create": case "epoll_create1":
        return () => this.#ready.epollCreate(e);
      case "epoll_ctl":
        return () => this.#ready.epollControl(e);
      case "epoll_wait": case "epoll_pwait":
        return () => this.#ready.epollWait(e);
      default:
        throw new Unsupported(`line ${e.line}: the system call ${e.name}`);
    }
  }

  /** Opens a connection of this socket. Returns its handle, or an error. */
  #open(s: Socket, fast: boolean): number {
    const handle = this.#stack.exports.tcp_connect(0, 0, this.#ends.remoteIp, this.#ends.remotePort);
    if (handle < 0) return handle;
    Object.assign(s, { kind: "connection", handle });
    this.#applyOptions(s, s);
    if (fast && this.#allows(FAST_OPEN.client)) this.#stack.setOption(handle, "fastOpen", true);
    this.#ends.localPort = this.#stack.info(handle).lport;
    return handle;
  }

  #allows(bit: number): boolean {
    return ((this.#options.fastOpen ?? 0) & bit) !== 0;
  }

  /** A listener takes text in SYNs if it was asked to, or all do. */
  #listenFast(s: Socket): void {
    const queue = s.options.get("TCP_FASTOPEN");
    const on = this.#allows(FAST_OPEN.server) && (queue === undefined ? this.#allows(FAST_OPEN.everyListener) : queue > 0);
    this.#stack.setOption(s.handle, "fastOpen", on);
    if (on && queue !== undefined) this.#stack.tune({ fastOpenMax: queue });
  }

  /** Whether a call sends text on a socket that is not connected, and may (RFC 7413 Appendix A). */
  #sendsFast(e: Event & { type: "call" }, s: Socket): boolean {
    const flags = numberOf(e.args[e.name === "sendmsg" ? 2 : 3]);
    return (e.name.startsWith("send") && (flags & SYMBOLS["MSG_FASTOPEN"]!) !== 0) || s.options.get("TCP_FASTOPEN_CONNECT") === 1 || (e.name.startsWith("send") && (s.options.get("TCP_FASTOPEN") ?? 0) > 0);
  }

  /** As Linux has it: without a cookie a non-blocking socket sends nothing; with one, what fits into the SYN; a blocking one waits to send the rest. */
  #sendFast(e: Event & { type: "call" }, s: Socket): (blocking: boolean) => Result | null {
    const size = this.#count(e);
    let sent = -1;
    return () => {
      if (sent < 0) {
        const text = this.#synText(size), code = this.#open(s, true);
        if (code < 0) return this.#errno(code);
        sent = text > 0 && s.nonblocking ? text : s.nonblocking ? 0 : size;
        if (sent > 0) this.#stack.send(s.handle, new Uint8Array(sent));
        if (s.nonblocking) return text > 0 ? { value: sent } : { value: -1, errno: "EINPROGRESS" };
        // What all went into the SYN is sent.
        if (text === size && size > 0) return { value: size };
      }
      if (s.error !== 0) return this.#takeError(s);
      return ["SYN-SENT", "SYN-RECEIVED"].includes(this.#stack.info(s.handle).stateName) ? null : { value: sent };
    };
  }

  /** How much of `size` bytes would go out in a SYN: tried, and taken back. */
  #synText(size: number): number {
    if (!this.#allows(FAST_OPEN.client) || size === 0) return 0;
    const before = this.#stack.memory.slice(), x = this.#stack.exports;
    const handle = x.tcp_connect(0, 0, this.#ends.remoteIp, this.#ends.remotePort);
    let text = 0;
    if (handle > 0) {
      this.#stack.setOption(handle, "fastOpen", true);
      this.#stack.send(handle, new Uint8Array(size));
      this.#stack.poll(this.#nowUs());
      this.#stack.drainFrames((frame) => {
        const s = decodeTcp(frame);
        if (s?.flags.includes("SYN")) text = s.len;
      });
    }
    this.#stack.memory.set(before);
    return text;
  }

  #connected(s: Socket): Result {
    const state = this.#stack.info(s.handle).stateName;
    return { value: -1, errno: state === "SYN-SENT" || state === "SYN-RECEIVED" ? "EALREADY" : "EISCONN" };
  }

  #takeError(s: Socket): Result {
    const code = s.error;
    s.error = 0;
    return this.#errno(code);
  }

  /** How many bytes a call moves: the third argument, or what iovecs add up to. */
  #count(e: Event & { type: "call" }): number {
    const iovecs = (v: Value | undefined): number => {
      if (v?.kind === "list") return v.items.reduce((n, i) => n + (i.kind === "list" && i.items.length === 2 ? numberOf(i.items[1]) : iovecs(i)), 0);
      if (v?.kind === "struct") return v.fields.reduce((n, [name, f]) => n + (name === "msg_iov" || name === "iov_len" ? (name === "iov_len" ? numberOf(f) : iovecs(f)) : 0), 0);
      return 0;
    };
    return /(readv|writev|msg)$/.test(e.name) ? iovecs(e.args[1]) : numberOf(e.args[2]);
  }

  #receive(e: Event & { type: "call" }, s: Socket): Result | null {
    if (s.kind !== "connection") return { value: -1, errno: "ENOTCONN" };
    const flags = e.name === "recvmsg" ? numberOf(e.args[2]) : numberOf(e.args[3]);
    const have = this.#stack.receivable(s.handle);
    if (have > 0) {
      const n = Math.min(have, this.#count(e));
      if (!(flags & SYMBOLS["MSG_PEEK"]!)) this.#stack.receive(s.handle, n);
      return { value: n };
    }
    if (have === 0 || s.shutRead) return { value: 0 };
    if (have === AGAIN) return s.nonblocking || flags & SYMBOLS["MSG_DONTWAIT"]! ? { value: -1, errno: "EAGAIN" } : null;
    if (s.error !== 0) return this.#takeError(s);
    // An error is told once; then the connection is at its end.
    return have === -3 ? { value: -1, errno: "ENOTCONN" } : { value: 0 };
  }

  #send(e: Event & { type: "call" }, s: Socket): Result | null {
    if (s.kind !== "connection") return { value: -1, errno: "EPIPE" };
    if (s.error !== 0) return this.#takeError(s);
    const room = this.#stack.sendRoom(s.handle);
    if (room < 0) return { value: -1, errno: "EPIPE" };
    const n = Math.min(room, this.#count(e)), flags = e.name.startsWith("send") ? numberOf(e.args[e.name === "sendmsg" ? 2 : 3]) : 0;
    if (flags & SYMBOLS["MSG_FASTOPEN"]!) throw new Unsupported(`line ${e.line}: MSG_FASTOPEN on a connection`);
    if (n === 0 && this.#count(e) > 0) return s.nonblocking || flags & SYMBOLS["MSG_DONTWAIT"]! ? { value: -1, errno: "EAGAIN" } : null;
    this.#stack.send(s.handle, new Uint8Array(n));
    if (flags & SYMBOLS["MSG_OOB"]!) this.#stack.urgent(s.handle);
    return { value: n };
  }

  #ioctl(e: Event & { type: "call" }, s: Socket): Result {
    const request = e.args[1]?.kind === "symbol" ? e.args[1].name : "";
    if (request === "FIONBIO") {
      s.nonblocking = numberOf(e.args[2]) !== 0;
      return { value: 0 };
    }
    if (s.kind !== "connection") return { value: -1, errno: "EINVAL" };
    switch (request) {
      case "SIOCINQ": case "FIONREAD":
        return { value: 0, out: Math.max(0, this.#stack.receivable(s.handle)) };
      case "SIOCOUTQ": case "TIOCOUTQ":
        return { value: 0, out: this.#stack.info(s.handle).sndSize };
      case "SIOCOUTQNSD": {
        const t = this.#stack.info(s.handle);
        return { value: 0, out: Math.max(0, t.sndSize - ((t.sndNxt - t.sndUna) >>> 0)) };
      }
      default:
        throw new Unsupported(`line ${e.line}: ioctl ${request}`);
    }
  }

  #applyOptions(from: Socket, to: Socket): void {
    to.options = new Map(from.options);
    for (const [name, value] of from.options) this.#applyOption(to, name, value);
  }

  #applyOption(s: Socket, name: string, value: number): void {
    if (s.kind === "new" || (s.kind === "listener" && name !== "IP_TOS" && name !== "IP_TTL")) return;
    switch (name) {
      case "TCP_NODELAY": this.#stack.setOption(s.handle, "noDelay", value !== 0); break;
      case "SO_KEEPALIVE": this.#stack.setOption(s.handle, "keepAlive", value !== 0); break;
      case "TCP_KEEPIDLE": this.#stack.setOption(s.handle, "keepIdleS", value); break;
      case "TCP_KEEPINTVL": this.#stack.setOption(s.handle, "keepIntervalS", value); break;
      case "TCP_KEEPCNT": this.#stack.setOption(s.handle, "keepProbes", value); break;
      case "TCP_USER_TIMEOUT": if (value > 0) this.#stack.setOption(s.handle, "userTimeoutMs", value); break;
      case "IP_TOS": this.#stack.setOption(s.handle, "tos", value); break;
      case "IP_TTL": this.#stack.setOption(s.handle, "ttl", value); break;
      default: break;
    }
  }

  optionName(e: Event & { type: "call" }): string {
    const v = e.args[2];
    return v?.kind === "symbol" ? v.name : `option ${numberOf(v)}`;
  }

  #setOption(e: Event & { type: "call" }, s: Socket): Result {
    const name = this.optionName(e);
    // Both are the stack's, and set before a script begins.
    if (name === "TCP_MAXSEG" || name === "TCP_CONGESTION") return { value: 0 };
    // Acknowledging at once is what the dialect of Linux does anyway.
    if (name === "TCP_QUICKACK" && numberOf(e.args[3]) === 1 && this.#options.delayedAckMs === 0) return { value: 0 };
    const known = ["TCP_NODELAY", "SO_KEEPALIVE", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT", "IP_TOS", "IP_TTL", "TCP_FASTOPEN", "TCP_FASTOPEN_CONNECT"];
    const harmless = ["SO_REUSEADDR", "SO_REUSEPORT", "SO_DEBUG", "TCP_LOG", "IP_MTU_DISCOVER"];
    if (known.includes(name)) {
      s.options.set(name, numberOf(e.args[3]));
      this.#applyOption(s, name, numberOf(e.args[3]));
      if (name === "TCP_FASTOPEN" && s.kind === "listener") this.#listenFast(s);
      return { value: 0 };
    }
    if (!harmless.includes(name)) throw new Unsupported(`line ${e.line}: setsockopt ${name}`);
    return { value: 0 };
  }

  #getOption(e: Event & { type: "call" }, s: Socket): Result {
    const name = this.optionName(e);
    switch (name) {
      case "SO_ERROR": {
        const out = s.error;
        s.error = 0;
        return { value: 0, out };
      }
      case "SO_RCVBUF": {
        // FreeBSD rounds the buffer up once it knows the MSS.
        const ring = this.#options.recvRing ?? 0;
        const open = s.kind === "connection" && !["SYN-SENT", "SYN-RECEIVED", "CLOSED"].includes(this.#stack.info(s.handle).stateName);
        return { value: 0, out: ring === 65700 && !open ? 65536 : ring };
      }
      case "TCP_MAXSEG":
        return { value: 0, out: s.kind === "connection" ? this.#stack.info(s.handle).mss : this.#options.mss ?? 536 };
      default:
        if (s.options.has(name)) return { value: 0, out: s.options.get(name)! };
        if (["TCP_NODELAY", "SO_KEEPALIVE", "TCP_FASTOPEN", "TCP_FASTOPEN_CONNECT"].includes(name)) return { value: 0, out: 0 };
        throw new Unsupported(`line ${e.line}: getsockopt ${name}`);
    }
  }

  /** The socket whose connection is under test: the youngest. */
  current(): Socket | undefined {
    return [...this.sockets.values()].filter((s) => s.kind === "connection").at(-1);
  }
}
