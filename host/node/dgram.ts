/**
 * The interface of `node:dgram` over a stack: `import dgram from "stint/dgram"` in the place of `node:dgram`. Without
 * IPv6, multicast, descriptors, and several sockets on one port.
 */
import { EventEmitter } from "node:events";
import { isIP } from "node:net";
import type { UdpSocket } from "../net/datagram.js";
import type { SocketAddress } from "../net/owner.js";
import type { Stack } from "../net/stack.js";
import { bindArguments, peerArguments, sendArguments, type BindOptions, type Sending } from "./datagram-arguments.js";
import { Outbox } from "./datagram-outbox.js";
import { hold, letGo, theStack, use } from "./default.js";
import { asSystemError, callable, checkFunction, checkPort, misuse, systemError, wrongType } from "./errors.js";
import { addressFor, type OneLookup } from "./names.js";

export { use };

export interface SocketOptions {
  type: "udp4" | "udp6";
  reuseAddr?: boolean | undefined;
  ipv6Only?: boolean | undefined;
  /** Sizes of the kernel's buffers: a stack has its own, which are as its configuration says. */
  recvBufferSize?: number | undefined;
  sendBufferSize?: number | undefined;
  lookup?: OneLookup | undefined;
  signal?: AbortSignal | undefined;
  /** On which stack; by default on that of `use`. */
  stack?: Stack | Promise<Stack> | undefined;
}

export interface RemoteInfo {
  address: string;
  family: "IPv4" | "IPv6";
  port: number;
  size: number;
}

type Message = (message: Buffer, from: RemoteInfo) => void;
const enum Bind {
  UNBOUND,
  BINDING,
  BOUND,
}
const enum Peer {
  NONE,
  CONNECTING,
  CONNECTED,
}

/** What was asked for before the socket was bound, and what to do if it cannot be. */
interface Waiting {
  go: () => void;
  failed: (error: Error) => void;
}

const isLoopback = (address: string): boolean => address.startsWith("127.");

/** Events: those of `dgram.Socket`. */
class OneSocket extends EventEmitter {
  readonly type: "udp4" | "udp6";
  readonly #options: Partial<SocketOptions>;
  readonly #lookup: OneLookup | undefined;
  #inner: UdpSocket | undefined;
  #outbox: Outbox | undefined;
  #stack: Stack | undefined;
  #bind = Bind.UNBOUND;
  #peer = Peer.NONE;
  #host = "0.0.0.0";
  #queue: Waiting[] | undefined;
  #closed = false;
  #refed = true;
  #broadcast = false;

  constructor(options: SocketOptions | SocketOptions["type"], listener?: Message) {
    super();
    const given: Partial<SocketOptions> = typeof options === "object" && options !== null ? options : { type: options },
      { type, lookup, signal } = given;
    if (type !== "udp4" && type !== "udp6") {
      const what = "Bad socket type specified. Valid types are: udp4, udp6";
      throw misuse("ERR_SOCKET_BAD_TYPE", what, TypeError);
    }
    if (lookup !== undefined) checkFunction("lookup", lookup);
    if (signal !== undefined && !(signal instanceof AbortSignal))
      throw wrongType("options.signal", "an instance of AbortSignal", signal);
    for (const name of ["recvBufferSize", "sendBufferSize"] as const)
      if (given[name] && typeof given[name] !== "number")
        throw wrongType(`options.${name}`, "of type number", given[name]);
    this.type = type;
    this.#options = given;
    this.#lookup = lookup;
    if (typeof listener === "function") this.on("message", listener);
    if (signal?.aborted) this.close();
    else if (signal) this.#listenTo(signal);
  }

  #listenTo(signal: AbortSignal): void {
    const abort = (): void => {
      if (!this.#closed) this.close();
    };
    signal.addEventListener("abort", abort, { once: true });
    this.once("close", () => signal.removeEventListener("abort", abort));
  }

  #check(): void {
    if (this.#closed) throw misuse("ERR_SOCKET_DGRAM_NOT_RUNNING", "Not running");
  }

  // Its own end

  bind(port?: number, address?: string, listening?: () => void): this;
  bind(port: number, listening?: () => void): this;
  bind(listening: () => void): this;
  bind(options: BindOptions, listening?: () => void): this;
  bind(...args: unknown[]): this {
    this.#check();
    if (this.#bind !== Bind.UNBOUND) throw misuse("ERR_SOCKET_ALREADY_BOUND", "Socket is already bound");
    const [options, listening] = bindArguments(args),
      { address } = options,
      port = checkPort(options.port ?? 0, "Port", 0);
    if (address !== undefined && address !== null && typeof address !== "string")
      throw wrongType("address", "of type string", address);
    this.#bind = Bind.BINDING;
    if (listening) {
      const over = (): void => void this.off("error", over).off("listening", bound);
      const bound = (): void => {
        over();
        listening.call(this);
      };
      this.on("error", over).on("listening", bound);
    }
    if (this.#refed) hold(this);
    if (typeof options.fd === "number") {
      this.#fails("bind", "ENOTSUP", {});
      return this;
    }
    this.#bindTo(address || (this.type === "udp4" ? "0.0.0.0" : "::"), port);
    return this;
  }

  #fails(syscall: string, code: string, where: { address?: string; port?: number }, cause?: unknown): void {
    process.nextTick(() => this.#unbound(systemError(syscall, code, where, cause)));
  }

  /** It could not be bound: what waited for that is told, which Node forgets. */
  #unbound(error: Error): void {
    if (this.#closed) return;
    const queue = this.#queue ?? [];
    this.#bind = Bind.UNBOUND;
    this.#queue = undefined;
    letGo(this);
    process.nextTick(() => {
      for (const { failed } of queue) failed(error);
    });
    this.emit("error", error);
  }

  #bindTo(host: string, port: number): void {
    const where = port === 0 ? { address: host } : { address: host, port };
    if (this.type === "udp6") return this.#fails("bind", "EAFNOSUPPORT", where);
    const begin = (stack: Stack): void =>
      addressFor(stack, host, this.#lookup, (error, address) => {
        if (this.#closed || this.#bind !== Bind.BINDING) return;
        if (error) this.#unbound(error);
        else this.#open(stack, address, port);
      });
    try {
      const stack = this.#options.stack ?? theStack();
      if (stack instanceof Promise) stack.then(begin, (e: Error) => this.#unbound(e));
      else begin(stack);
    } catch (e) {
      process.nextTick(() => this.#unbound(e as Error));
    }
  }

  #open(stack: Stack, address: string, port: number): void {
    const where = port === 0 ? { address } : { address, port },
      own = address === "0.0.0.0" || address === stack.address || isLoopback(address);
    if (isIP(address) !== 4) return this.#unbound(systemError("bind", "EINVAL", where));
    if (!own) return this.#unbound(systemError("bind", "EADDRNOTAVAIL", where));
    let inner: UdpSocket;
    try {
      inner = stack.udp({ port });
    } catch (e) {
      return this.#unbound(asSystemError(e, "bind", where));
    }
    this.#inner = inner;
    this.#outbox = new Outbox(inner);
    this.#stack = stack;
    this.#host = address;
    inner.on("message", (data: Uint8Array, from: RemoteInfo) => this.#take(data, from));
    // Anybody can forge an ICMP error: it does not end a process that nobody told to listen.
    inner.on("error", (e: Error) => {
      if (this.listenerCount("error") > 0) this.emit("error", asSystemError(e, "recvmsg"));
    });
    inner.on("close", () => {
      // Its stack was closed.
      if (this.#inner === inner && !this.#closed) this.close();
    });
    this.#bind = Bind.BOUND;
    this.emit("listening");
    const queue = this.#queue;
    this.#queue = undefined;
    for (const { go } of queue ?? []) go();
  }

  #take(data: Uint8Array, { address, family, port }: RemoteInfo): void {
    // A socket of the type udp4 has nothing from IPv6.
    if (family === "IPv6") return;
    // To 127/8 nobody sends but from there, and nobody from there to anywhere else.
    if (this.#host !== "0.0.0.0" && isLoopback(this.#host) !== isLoopback(address)) return;
    const message = Buffer.from(data.buffer, data.byteOffset, data.length);
    this.emit("message", message, { address, family, port, size: data.length });
  }

  /** Does it at once, or when the socket is bound, which begins now if it has not. */
  #whenBound(go: () => void, failed: (error: Error) => void): void {
    if (this.#bind === Bind.UNBOUND) this.bind({ port: 0 });
    if (this.#bind === Bind.BOUND) go();
    else (this.#queue ??= []).push({ go, failed });
  }

  address(): SocketAddress {
    this.#check();
    if (!this.#inner) throw systemError("getsockname", "EBADF");
    // With a peer it is known from which of our addresses we talk to it.
    const peer = this.#inner.remoteAddress(),
      own = !peer ? "0.0.0.0" : isLoopback(peer.address) ? peer.address : this.#stack!.address,
      address = this.#host === "0.0.0.0" ? own : this.#host;
    return { address, family: "IPv4", port: this.#inner.port };
  }

  // The other end

  connect(port: number, address?: string, connected?: () => void): void;
  connect(port: number, connected?: () => void): void;
  connect(...args: unknown[]): void {
    this.#check();
    const [port, address, connected] = peerArguments(args);
    if (this.#peer !== Peer.NONE) throw misuse("ERR_SOCKET_DGRAM_IS_CONNECTED", "Already connected");
    this.#peer = Peer.CONNECTING;
    this.#whenBound(() => {
      if (connected) this.once("connect", connected);
      this.#find(address, (error, to) => {
        const refused = error ?? this.#cannotReach("connect", to, port);
        if (!refused) this.#inner!.connect(port, to);
        this.#peer = refused ? Peer.NONE : Peer.CONNECTED;
        process.nextTick(() => {
          if (!refused) this.emit("connect");
          else if (connected) this.off("connect", connected).#call(connected, refused);
          else this.emit("error", refused);
        });
      });
    }, (error) => {
      this.#peer = Peer.NONE;
      if (connected) this.#call(connected, error);
    });
  }

  #call(tell: (error: Error) => void, error: Error): void {
    tell.call(this, error);
  }

  #find(address: string | undefined, found: (error: Error | undefined, address: string) => void): void {
    addressFor(this.#stack!, address ?? "127.0.0.1", this.#lookup, (error, to) => {
      // Who closed it hears no more of what was to be sent: so Node's own tests want it.
      if (!this.#closed) found(error, to);
    });
  }

  /** What the kernel would say to an address at once. */
  #cannotReach(syscall: string, address: string, port: number): Error | undefined {
    const [first = 0] = address.split(".").map(Number),
      where = { address, port };
    if (isIP(address) !== 4) return systemError(syscall, "EINVAL", where);
    if (first >= 224 && first < 240) return systemError(syscall, "ENETUNREACH", where);
    // Between 127/8 and anybody else nothing goes (RFC 1122 §3.2.1.3 (g)).
    const far = !isLoopback(address) && address !== "0.0.0.0" && address !== this.#stack!.address;
    if (far && isLoopback(this.#host)) return systemError(syscall, "EINVAL", where);
    if (!this.#broadcast && this.#stack!.isBroadcast(address)) return systemError(syscall, "EACCES", where);
    return undefined;
  }

  disconnect(): void {
    if (this.#peer !== Peer.CONNECTED) throw misuse("ERR_SOCKET_DGRAM_NOT_CONNECTED", "Not connected");
    this.#peer = Peer.NONE;
    this.#inner?.disconnect();
  }

  remoteAddress(): SocketAddress {
    this.#check();
    const peer = this.#peer === Peer.CONNECTED ? this.#inner?.remoteAddress() : undefined;
    if (!peer) throw misuse("ERR_SOCKET_DGRAM_NOT_CONNECTED", "Not connected");
    return peer;
  }

  send(...args: unknown[]): void {
    const connected = this.#peer === Peer.CONNECTED,
      sending = sendArguments(connected, args);
    this.#check();
    this.#whenBound(() => {
      if (connected) return this.#send(sending, undefined, "");
      this.#find(sending.address, (error, to) => this.#send(sending, error, to));
    }, (error) => sending.sent?.(error));
  }

  /** The form that Node had first. */
  sendto(buffer: unknown, offset: number, length: number, port: number, address: string, sent?: () => void): void {
    for (const [name, value] of Object.entries({ offset, length, port }))
      if (typeof value !== "number") throw wrongType(name, "of type number", value);
    if (typeof address !== "string") throw wrongType("address", "of type string", address);
    this.send(buffer, offset, length, port, address, sent);
  }

  #send({ data, port, address, sent }: Sending, error: Error | undefined, to: string): void {
    const peer = port === undefined ? this.#inner!.remoteAddress() : undefined,
      host = peer?.address ?? to,
      where = port === undefined ? { address: peer?.address } : { address: address ?? host, port };
    const refused = error ?? this.#cannotReach("send", host, port ?? peer?.port ?? 0);
    if (refused) {
      process.nextTick(() => {
        if (sent) sent(refused);
        // A name that is not there is told in any case; what the kernel would say only to whom asks.
        else if (error) this.emit("error", error);
      });
      return;
    }
    const at = port === undefined ? undefined : { host: host === "0.0.0.0" ? "127.0.0.1" : host, port };
    this.#outbox!.push(data, at, (e) => {
      if (e) sent?.(asSystemError(e, "send", where));
      else sent?.(null, data.length);
    });
  }

  // Its end

  close(closed?: () => void): this {
    if (typeof closed === "function") this.on("close", closed);
    if (this.#queue !== undefined) {
      const go = (): void => {
        if (!this.#closed) this.close();
      };
      this.#queue.push({ go, failed: go });
      return this;
    }
    this.#check();
    this.#closed = true;
    this.#outbox?.end();
    this.#inner?.close();
    letGo(this);
    process.nextTick(() => this.emit("close"));
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) await new Promise<void>((resolve) => this.close(() => resolve()));
  }

  ref(): this {
    this.#refed = true;
    if (!this.#closed && this.#bind !== Bind.UNBOUND) hold(this);
    return this;
  }

  unref(): this {
    this.#refed = false;
    letGo(this);
    return this;
  }

  // Settings

  /** The socket of the stack's. As in Node, there is none before it is bound. */
  #bound(syscall: string): UdpSocket {
    this.#check();
    if (!this.#inner) throw systemError(syscall, "EBADF");
    return this.#inner;
  }

  setBroadcast(on: boolean): void {
    this.#bound("setBroadcast");
    this.#broadcast = Boolean(on);
  }

  setTTL(ttl: number): number {
    if (typeof ttl !== "number") throw wrongType("ttl", "of type number", ttl);
    if (!(ttl >= 1 && ttl < 256)) throw systemError("setTTL", "EINVAL");
    const inner = this.#bound("setTTL");
    try {
      inner.setTtl(Math.floor(ttl));
    } catch (e) {
      throw asSystemError(e, "setTTL");
    }
    return ttl;
  }

  #buffer(which: "recv" | "send", size: number | undefined): number {
    const call = `uv_${which}_buffer_size`;
    if (size !== undefined && !(Number.isInteger(size) && size >= 0 && size <= 0x7fffffff))
      throw misuse("ERR_SOCKET_BAD_BUFFER_SIZE", "Buffer size must be a positive integer", TypeError);
    if (this.#closed || !this.#inner) {
      const info = { errno: -9, code: "EBADF", message: "bad file descriptor", syscall: call };
      const what = `Could not get or set buffer size: ${call} returned EBADF (bad file descriptor)`,
        error = misuse("ERR_SOCKET_BUFFER_SIZE", what);
      throw Object.assign(error, { name: "SystemError", info, errno: -9, syscall: call });
    }
    return this.#stack!.module.configured("udpRing");
  }

  /** The ring's size is the stack's (`udpRing`), whatever is asked for here. */
  setRecvBufferSize(size: number): void {
    this.#buffer("recv", size);
  }

  setSendBufferSize(size: number): void {
    this.#buffer("send", size);
  }

  getRecvBufferSize(): number {
    return this.#buffer("recv", undefined);
  }

  getSendBufferSize(): number {
    return this.#buffer("send", undefined);
  }

  /** Bytes, and datagrams, of which nobody has been told yet that they are sent. */
  getSendQueueSize(): number {
    return this.#outbox?.bytes ?? 0;
  }

  getSendQueueCount(): number {
    return this.#outbox?.count ?? 0;
  }

  // Multicast: a stack has none.

  #noMulticast(syscall: string): never {
    this.#bound(syscall);
    throw systemError(syscall, "EOPNOTSUPP");
  }

  #group(syscall: string, group: unknown, ...addresses: [name: string, value: unknown][]): never {
    this.#check();
    for (const [name, value] of addresses) {
      if (value === undefined) throw misuse("ERR_MISSING_ARGS", `The "${name}" argument must be specified`, TypeError);
      if (typeof value !== "string") throw wrongType(name, "of type string", value);
    }
    if (!/^(22[4-9]|23\d)\./.test(group as string) || isIP(group as string) !== 4) throw systemError(syscall, "EINVAL");
    throw systemError(syscall, "EOPNOTSUPP");
  }

  setMulticastTTL(ttl: number): number {
    if (typeof ttl !== "number") throw wrongType("ttl", "of type number", ttl);
    return this.#noMulticast("setMulticastTTL");
  }

  setMulticastLoopback(_on: boolean): boolean {
    return this.#noMulticast("setMulticastLoopback");
  }

  setMulticastInterface(address: string): void {
    this.#check();
    if (typeof address !== "string") throw wrongType("interfaceAddress", "of type string", address);
    this.#noMulticast("setMulticastInterface");
  }

  addMembership(group: string, _interface?: string): void {
    this.#group("addMembership", group, ["multicastAddress", group || undefined]);
  }

  dropMembership(group: string, _interface?: string): void {
    this.#group("dropMembership", group, ["multicastAddress", group || undefined]);
  }

  addSourceSpecificMembership(source: string, group: string, _interface?: string): void {
    this.#group("addSourceSpecificMembership", group, ["sourceAddress", source], ["groupAddress", group]);
  }

  dropSourceSpecificMembership(source: string, group: string, _interface?: string): void {
    this.#group("dropSourceSpecificMembership", group, ["sourceAddress", source], ["groupAddress", group]);
  }
}

export const Socket = callable(OneSocket, "Socket");
export type Socket = OneSocket;

/** A socket that is not bound yet: its first `send` binds it to any free port. `listener` hears "message". */
export function createSocket(options: SocketOptions | SocketOptions["type"], listener?: Message): Socket {
  return new Socket(options, listener);
}

export default { createSocket, Socket, use };
