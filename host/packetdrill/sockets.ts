/** The system calls of a script, on the module's calls: sockets by file descriptor. */
import { numberOf } from "./calls.js";
import { Datagrams } from "./datagrams.js";
import { Failure } from "./failure.js";
import { Readiness } from "./ready.js";
import { SocketOptions } from "./socket-options.js";
import type { Call } from "./parse.js";
import {
  type Attempt, attempted, freshSocket, type Host, OK, refusal, type Result, type Socket,
} from "./socket.js";
import { Streams } from "./streams.js";
import { SYMBOLS, Unsupported } from "./system.js";

/** What makes an attempt of a call; `socket` finds the one that its first argument names. */
type Calls = Record<string, (e: Call, socket: () => Socket) => Attempt>;

/** Descriptors are the script's own numbers: a call that makes a socket returns the one that is expected. */
export class Sockets {
  readonly sockets = new Map<number, Socket>();
  readonly datagrams: Datagrams;
  #host: Host;
  #options: SocketOptions;
  #ready: Readiness;
  #streams: Streams;

  /** `sizeMax`: what a datagram has to fit into, with UDP's header. */
  constructor(host: Host, sizeMax: number) {
    this.#host = host;
    this.datagrams = new Datagrams(host, sizeMax);
    this.#options = new SocketOptions(host, this.datagrams);
    this.#streams = new Streams(host, (from, to) => this.#options.applyAll(from, to));
    this.#ready = new Readiness(host.stack, this.sockets, this.datagrams);
  }

  #receive = (e: Call, socket: () => Socket): Attempt => () => {
    const s = socket();
    return s.kind === "datagram" ? this.datagrams.receive(e, s) : this.#streams.receive(e, s);
  };

  #send = (e: Call, socket: () => Socket): Attempt => {
    const s = this.sockets.get(numberOf(e.args[0]));
    if (s?.kind === "new" && this.#streams.sendsFast(e, s)) return this.#streams.sendFast(e, s);
    return () => {
      const sender = socket();
      return sender.kind === "datagram" ? this.datagrams.send(e, sender) : this.#streams.send(e, sender);
    };
  };

  #accept = (e: Call, socket: () => Socket): Attempt => () => {
    const s = socket();
    if (s.kind === "datagram") return refusal("EOPNOTSUPP");
    if (s.kind !== "listener") return refusal("EINVAL");
    const accepted = attempted(() => this.#host.stack.accept(s.handle));
    if (accepted.value < 0) return accepted;
    if (accepted.value === 0) return null;
    const made = freshSocket("connection", accepted.value, (numberOf(e.args[3]) & SYMBOLS["SOCK_NONBLOCK"]!) !== 0);
    this.#options.applyAll(s, made);
    return this.#name(e, made);
  };

  #connect(socket: () => Socket): Attempt {
    return socket().kind === "datagram" ? () => this.datagrams.connect(socket()) : this.#streams.connect(socket);
  }

  #calls: Calls = {
    socket: (e) => () => this.#socket(e),
    bind: (_, socket) => () => (socket().kind === "datagram" ? this.datagrams.bind(socket()) : OK),
    listen: (e, socket) => () => this.#listen(e, socket()),
    accept: this.#accept, accept4: this.#accept,
    connect: (_, socket) => this.#connect(socket),
    read: this.#receive, recv: this.#receive, recvfrom: this.#receive, recvmsg: this.#receive, readv: this.#receive,
    write: this.#send, send: this.#send, sendto: this.#send, sendmsg: this.#send, writev: this.#send,
    close: (e, socket) => () => this.#close(e, socket),
    shutdown: (e, socket) => () => this.#shutdown(e, socket()),
    fcntl: (e, socket) => () => this.#fcntl(e, socket()),
    ioctl: (e, socket) => () => this.#options.control(e, socket()),
    setsockopt: (e, socket) => () => this.#options.set(e, socket()),
    getsockopt: (e, socket) => () => this.#options.get(e, socket()),
    poll: (e) => () => this.#ready.poll(e),
    epoll_create: (e) => () => this.#ready.epollCreate(e), epoll_create1: (e) => () => this.#ready.epollCreate(e),
    epoll_ctl: (e) => () => this.#ready.epollControl(e),
    epoll_wait: (e) => () => this.#ready.epollWait(e), epoll_pwait: (e) => () => this.#ready.epollWait(e),
  };

  /** The call as something that can be tried. */
  prepare(e: Call): Attempt {
    const make = Object.hasOwn(this.#calls, e.name) ? this.#calls[e.name] : undefined;
    if (!make) throw new Unsupported(`line ${e.line}: the system call ${e.name}`);
    return make(e, () => {
      const s = this.sockets.get(numberOf(e.args[0]));
      if (!s) throw new Failure(e.line, `${e.name} on socket ${numberOf(e.args[0])}`, "there is no such socket");
      return s;
    });
  }

  /** Gives a socket the descriptor that the script says it has. */
  #name(e: Call, s: Socket): Result {
    const fd = numberOf(e.result);
    this.sockets.set(fd, s);
    return { value: fd };
  }

  #socket(e: Call): Result {
    const type = numberOf(e.args[1]), kind = (type & SYMBOLS["SOCK_DGRAM"]!) !== 0 ? "datagram" : "new";
    return this.#name(e, freshSocket(kind, 0, (type & SYMBOLS["SOCK_NONBLOCK"]!) !== 0));
  }

  #listen(e: Call, s: Socket): Result {
    if (s.kind === "datagram") return refusal("EOPNOTSUPP");
    const { stack, ends, options } = this.#host;
    const backlog = Math.min(Math.max(1, numberOf(e.args[1])), options.backlogMax ?? Infinity);
    const opened = attempted(() => (s.kind === "listener" ? s.handle : stack.listen(ends.localPort, backlog)));
    if (opened.value < 0) return opened;
    Object.assign(s, { kind: "listener", handle: opened.value });
    this.#options.listen(s);
    return OK;
  }

  #close(e: Call, socket: () => Socket): Result {
    const fd = numberOf(e.args[0]);
    if (this.#ready.close(fd)) return OK;
    const s = socket();
    this.sockets.delete(fd);
    if (s.kind === "datagram") this.datagrams.close(s);
    else if (s.kind !== "new") this.#host.stack.close(s.handle);
    return OK;
  }

  #shutdown(e: Call, s: Socket): Result {
    if (s.kind === "datagram") throw new Unsupported(`line ${e.line}: shutdown of a UDP socket`);
    if (s.kind !== "connection") return refusal("ENOTCONN");
    const how = numberOf(e.args[1]);
    if (how !== SYMBOLS["SHUT_WR"]) s.shutRead = true;
    if (how === SYMBOLS["SHUT_RD"]) return OK;
    return attempted(() => this.#host.stack.shutdown(s.handle)).value < 0 ? refusal("ENOTCONN") : OK;
  }

  #fcntl(e: Call, s: Socket): Result {
    if (numberOf(e.args[1]) === SYMBOLS["F_SETFL"]) {
      s.nonblocking = (numberOf(e.args[2]) & SYMBOLS["O_NONBLOCK"]!) !== 0;
      return OK;
    }
    return { value: SYMBOLS["O_RDWR"]! | (s.nonblocking ? SYMBOLS["O_NONBLOCK"]! : 0) };
  }

  /** The socket whose connection is under test: the youngest. */
  current(): Socket | undefined {
    return [...this.sockets.values()].filter((s) => s.kind === "connection").at(-1);
  }
}
