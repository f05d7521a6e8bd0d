/** A stack on a link: where sockets come from, and where all of them end. */
import { EventEmitter } from "node:events";
import { checkAddresses, formatIp, isIp, parseIp } from "../address.js";
import type { StackOptions } from "../config.js";
import { AbortError, StintError, type ErrName } from "../errors.js";
import type { Link } from "../links/link.js";
import { Loop, monotonicUs } from "../loop.js";
import { loadModule } from "../module.js";
import { ADDRESS_MS, EVENT, StackModule, type Lease } from "../stack.js";
import { Timer } from "../timer.js";
import { Connection, type ConnectionOptions } from "./connection.js";
import { UdpSocket } from "./datagram.js";
import { Lingering } from "./linger.js";
import { Server } from "./listener.js";
import { Lookups } from "./lookups.js";
import type { Home, Names, Owner } from "./owner.js";

export interface OpenOptions extends StackOptions {
  link: Link;
  /** Without `ip`: what the network is asked for an address with. */
  dhcp?: DhcpOptions;
  /** Another clock than the host's, µs. */
  nowUs?: () => number;
}

export interface DhcpOptions {
  /** An address that the stack had before: it is asked for first, which is quicker. */
  address?: string | undefined;
  /** The host's name, up to 63 bytes: some servers make it a name of their DNS. */
  name?: string | undefined;
  /** How long `Stack.open` waits for an address, ms; Infinity: until the link closes. */
  timeoutMs?: number | undefined;
}

export interface ConnectOptions extends ConnectionOptions {
  /** An address; for `connect` also a name. */
  host: string;
  port: number;
  localPort?: number | undefined;
  /** How long the handshake, and the look-up of a name before it, may take, ms. */
  timeoutMs?: number | undefined;
  /** Gives up at the first soft error: no neighbour answers, or an ICMP error says that the host cannot be reached. */
  failFast?: boolean | undefined;
  /**
   * `data`, which the server may see twice, goes out with the SYN if the server gave us a cookie before (RFC 7413), as much as one
   * segment takes; else, and the rest, after the handshake.
   */
  fastOpen?: boolean | undefined;
  data?: Uint8Array | undefined;
  /** Ends the connection with an AbortError, also after the handshake. */
  signal?: AbortSignal | undefined;
}

export interface ListenOptions extends ConnectionOptions {
  /** 0: any that is free; `server.address()` tells it. */
  port: number;
  backlog?: number | undefined;
  /** The own address, or one of 127/8, to which alone clients may come; by default every one. */
  host?: string | undefined;
  /** Takes SYNs that carry text (RFC 7413). */
  fastOpen?: boolean | undefined;
}

/** How long `close` waits for connections, ms, if it is not told. */
const CLOSING_MS = 3000;
/** How often connections that were closed are asked whether everything was acknowledged, ms. */
const LOOK_MS = 20;
/** How long the last frames have to leave the link, and challenges of peers that missed something to be answered (RFC 5961 §3.2), ms. */
const FLUSH_MS = 50;
/** RFC 6335 §6: ports that are nobody's, and how often one is tried. */
const PORT_FIRST = 49152, PORT_COUNT = 16384, PORT_TRIES = 256;

/**
 * Events: "down" (why) and "up" when the link loses its device and has it again; "address" (the new one, "0.0.0.0" for none) when the network
 * gives the stack another address or takes it away; "close" (why, if not by `close`).
 */
export class Stack extends EventEmitter implements Home {
  readonly module: StackModule;
  readonly #loop: Loop;
  readonly #owners = new Map<number, Owner>();
  readonly #lingering = new Set<Lingering>();
  #looking: NodeJS.Timeout | undefined;
  #closing: Promise<number> | undefined;
  #ended = false;
  #lost = 0;
  #address: string;
  readonly #lookups = new Lookups((name) => this.module.lookup(name));

  /** Starts a stack on a link. Without `ip` it asks the network for an address, and waits for it: TIMED_OUT, and the stack is closed. */
  static async open(options: OpenOptions): Promise<Stack> {
    const stack = new Stack(options);
    if (options.ip === undefined) await stack.#configure(options.dhcp ?? {});
    return stack;
  }

  /** Gets an address by DHCP. */
  async #configure({ address, name, timeoutMs = ADDRESS_MS }: DhcpOptions): Promise<void> {
    try {
      this.module.dhcpStart(address === undefined ? 0 : parseIp(address), name ?? "");
      await new Promise<void>((resolve, reject) => {
        const settle = (then: () => void): void => {
          timer.clear();
          this.off("address", given).off("close", ended);
          then();
        };
        const given = (): void => settle(resolve), ended = (why?: Error): void => settle(() => reject(why ?? closed()));
        const timer = new Timer(timeoutMs, () => settle(() => reject(new StintError("TIMED_OUT", `no DHCP server gave an address within ${timeoutMs / 1000} s`))));
        this.on("address", given).on("close", ended);
      });
    } catch (e) {
      await this.close(0);
      throw e;
    }
  }

  private constructor(options: OpenOptions) {
    super();
    if (options.ip !== undefined) checkAddresses(options.ip, options.gateway);
    this.module = new StackModule(loadModule(), options);
    this.#loop = new Loop(this.module, options.link, options.nowUs ?? monotonicUs);
    this.#loop.onEvent = (handle, bits) => (handle === 0 ? this.#tellStack(bits) : this.#tell(handle, bits));
    this.#address = this.address;
    this.#loop.onLink = (up, why) => this.emit(up ? "up" : "down", why);
    options.link.onClose = (error) => this.#linkIsLost(error);
  }

  /** The own address; "0.0.0.0": there is none. */
  get address(): string {
    return formatIp(this.module.ownAddress());
  }

  /** DNS servers to ask, as addresses, three at most; by default, those that the network told with the address. */
  setServers(servers: readonly string[]): void {
    this.module.dnsServers(servers.map(parseIp));
  }

  /**
   * The IPv4 addresses of a name, at least one. A name without a dot is looked for in the domain that the network told, if it told one.
   * Rejects with a StintError: NOT_FOUND, NO_IPV4 (it may have others), NO_ANSWER, UNREACHABLE (there is no server to ask), SIZE (the answer is too long), ARGUMENT (it is no name),
   * FULL (very many names wait already), ABORTED.
   */
  lookup(name: string): Promise<string[]> {
    return this.#find(name);
  }

  async #find(name: string, left?: AbortSignal): Promise<string[]> {
    if (isIp(name)) return [name];
    const { domain } = this.lease(), full = name.includes(".") || domain === "" ? name : `${name}.${domain}`;
    this.#checkOpen();
    return (await this.#lookups.find(full, left)).map(formatIp);
  }

  /** What is known of the own address: from whom it is, for how long, and which DNS servers came with it. */
  lease(): Lease {
    return this.module.lease();
  }

  #tellStack(bits: number): void {
    if ((bits & EVENT.NAMES) !== 0) this.#lookups.look();
    if ((bits & EVENT.ADDRESS) !== 0) this.#tellAddress();
  }

  #tellAddress(): void {
    const { address } = this;
    if (address === this.#address) return;
    this.#address = address;
    this.#guard(() => this.emit("address", address));
  }

  #tell(handle: number, bits: number): void {
    this.#guard(() => this.#owners.get(handle)?.handleEvent(bits));
  }

  #guard(tell: () => void): void {
    try {
      tell();
    } catch (e) {
      // What a listener of the application's throws is the process's to handle; the stack goes on.
      process.nextTick(() => {
        throw e;
      });
    }
  }

  #linkIsLost(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endAll(error ?? new StintError("UNREACHABLE", "the link has closed"));
    this.#loop.stop();
    this.emit("close", error);
  }

  #endAll(reason: Error | undefined): void {
    for (const owner of [...this.#owners.values()]) owner.stackEnds(reason);
    this.#lookups.end(reason ?? closed());
  }

  #checkOpen(): void {
    if (this.#ended || this.#closing) throw closed();
  }

  /** Opens a connection, which is connecting when it is returned: "connect" or "error" follows. `connected` hears the first "connect". */
  createConnection(to: ConnectOptions, connected?: () => void): Connection {
    let handle = 0, error: Error | undefined;
    try {
      this.#checkOpen();
      handle = this.module.connect(parseIp(to.host), to.port, to.localPort ?? 0);
    } catch (e) {
      error = e as Error;
    }
    const connection = new Connection(this, handle, false, to);
    if (connected) connection.once("connect", connected);
    if (error) return connection.destroy(error);
    try {
      if (to.fastOpen) connection.setOption("fastOpen", true);
    } catch (e) {
      return connection.destroy(e as Error);
    }
    if (to.data !== undefined) connection.write(to.data);
    if (to.timeoutMs !== undefined) {
      const timer = new Timer(to.timeoutMs, () => connection.destroy(new StintError("TIMED_OUT", "cannot connect")));
      connection.once("connect", () => timer.clear()).once("close", () => timer.clear());
    }
    if (to.failFast) {
      // TCP goes on trying after a soft error (RFC 9293 §3.9.2.2); who asks for it does not.
      const giveUp = (code: ErrName): void => void connection.destroy(new StintError(code));
      connection.once("softerror", giveUp).once("connect", () => connection.off("softerror", giveUp));
    }
    return connection;
  }

  /**
   * Opens a connection; rejects with a StintError (REFUSED, TIMED_OUT, UNREACHABLE …), or an AbortError. `host` may be a name; its addresses are
   * tried one after the other, within `timeoutMs` in all.
   */
  connect(to: ConnectOptions): Promise<Connection> {
    return isIp(to.host) ? this.#connectTo(to) : this.#connectByName(to);
  }

  async #connectByName(to: ConnectOptions): Promise<Connection> {
    const until = to.timeoutMs === undefined ? undefined : performance.now() + to.timeoutMs;
    const left = (): number | undefined => (until === undefined ? undefined : Math.max(1, until - performance.now()));
    const over = new AbortController();
    let failure: unknown;
    for (const host of await within(this.#find(to.host, over.signal), left(), to.signal).finally(() => over.abort())) {
      try {
        return await this.#connectTo({ ...to, host, timeoutMs: left() });
      } catch (e) {
        failure = e;
        if (to.signal?.aborted || (until !== undefined && performance.now() >= until)) break;
      }
    }
    throw failure;
  }

  #connectTo(to: ConnectOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const connection = this.createConnection(to);
      const settle = (then: () => void) => (): void => {
        connection.off("connect", opened).off("error", failed).off("close", closed);
        then();
      };
      const opened = settle(() => resolve(connection));
      const closed = settle(() => reject(new StintError("ABORTED", "cannot connect")));
      const failed = (error: Error): void => settle(() => reject(error))();
      connection.on("connect", opened).on("error", failed).on("close", closed);
    });
  }

  /** Listens; `for await` over the server, `accept()` or its "connection" event give the connections. */
  listen(at: ListenOptions): Server {
    this.#checkOpen();
    const [handle, port] = free(at.port, (p) => this.module.listen(p, at.backlog, at.host === undefined ? 0 : parseIp(at.host)));
    try {
      if (at.fastOpen) this.module.setOption(handle, "fastOpen", true);
    } catch (e) {
      this.module.close(handle);
      throw e;
    }
    return new Server(this, handle, port, at);
  }

  udp(at: { port?: number } = {}): UdpSocket {
    this.#checkOpen();
    const [handle, port] = free(at.port ?? 0, (p) => this.module.udpOpen(p));
    return new UdpSocket(this, handle, port);
  }

  /** The counters under their MIB names. */
  counters(): ReturnType<StackModule["counters"]> {
    return this.module.counters();
  }

  /**
   * Ends everything and stops. Listeners and connections that are not yet open end at once. Open ones have `ms` to end by themselves, and
   * the peers of those that were closed have as long to acknowledge their last bytes. What is left then is reset. Returns how many
   * connections lost bytes that way.
   */
  close(ms = CLOSING_MS): Promise<number> {
    this.#closing ??= this.#close(ms);
    return this.#closing;
  }

  async #close(ms: number): Promise<number> {
    const until = performance.now() + ms;
    this.#lookups.end(closed());
    for (const owner of [...this.#owners.values()]) {
      if (!(owner instanceof Lingering) && (!(owner instanceof Connection) || owner.connecting)) owner.stackEnds(undefined);
    }
    while (!this.#ended && this.module.pools().connections > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (!this.#ended) {
      this.#endAll(undefined);
      this.#loop.run();
      await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
    }
    if (!this.#ended) {
      this.#ended = true;
      this.#loop.stop();
      this.#loop.link.close();
      this.emit("close");
    }
    return this.#lost;
  }

  /** Lets the process end although the stack's link is open. */
  unref(): this {
    this.#loop.unref();
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  own(handle: number, owner: Owner): void {
    this.#owners.set(handle, owner);
  }

  /** @internal */
  disown(handle: number): void {
    this.#owners.delete(handle);
  }

  /** @internal */
  lost(): void {
    this.#lost++;
  }

  /** @internal */
  linger(handle: number, names: Names): void {
    const { module } = this, { stateName, sndSize } = module.info(handle);
    const unread = module.receivable(handle) > 0;
    if (stateName === "SYN-SENT" || stateName === "CLOSED" || unread) {
      // Data that nobody took: the peer is told with a RST (RFC 9293 §3.6.1).
      if (stateName !== "CLOSED" && unread && sndSize > 0) this.#lost++;
      module.close(handle);
      return;
    }
    module.shutdown(handle);
    const lingering = new Lingering(this, handle, names, (lost) => {
      if (lost) this.#lost++;
      this.disown(handle);
      this.#lingering.delete(lingering);
      if (this.#lingering.size === 0) clearInterval(this.#looking);
    });
    if (this.#lingering.size === 0) this.#looking = setInterval(() => this.#look(), LOOK_MS);
    this.#lingering.add(lingering);
    this.own(handle, lingering);
  }

  #look(): void {
    for (const lingering of [...this.#lingering]) lingering.look();
  }
}

function closed(): StintError {
  return new StintError("ABORTED", "the stack is closed");
}

/** What `promise` gives, unless the time is over before (TIMED_OUT), or the signal says no. */
function within<T>(promise: Promise<T>, ms: number | undefined, signal: AbortSignal | undefined): Promise<T> {
  if (ms === undefined && signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => fail(new AbortError(signal!)), timer = ms === undefined ? undefined : new Timer(ms, () => fail(new StintError("TIMED_OUT", "cannot connect")));
    const settle = (): void => {
      timer?.clear();
      signal?.removeEventListener("abort", abort);
    };
    const fail = (why: Error): void => {
      settle();
      reject(why);
    };
    promise.then((value) => {
      settle();
      resolve(value);
    }, fail);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort);
  });
}

/** Opens a port, or one that is free when it is 0. Returns what `open` did, and the port. */
function free(port: number, open: (port: number) => number): [handle: number, port: number] {
  for (let tries = 1; ; tries++) {
    const candidate = port || PORT_FIRST + (crypto.getRandomValues(new Uint16Array(1))[0]! & (PORT_COUNT - 1));
    try {
      return [open(candidate), candidate];
    } catch (e) {
      if (port !== 0 || tries === PORT_TRIES || (e as StintError).code !== "IN_USE") throw e;
    }
  }
}
