/** A stack on a link: where sockets come from, and where all of them end. */
import { EventEmitter } from "node:events";
import { checkAddresses, formatIp, parseIp } from "../address.js";
import { addressNumber, addressText, formatIp6, isAddress, isIp6, parseIp6 } from "../address6.js";
import { monotonicUs, type Clock } from "../clock.js";
import type { StackOptions } from "../config.js";
import { CONFIG_DEFAULTS } from "../module/layout.js";
import { AbortError, StintError, type ErrName } from "../errors.js";
import type { Link } from "../links/link.js";
import { Loop } from "../loop.js";
import { loadModule } from "../module.js";
import { ADDRESS_MS, EVENT, StackModule, type Ip6Address, type Lease } from "../stack.js";
import { Timer } from "../timer.js";
import { Connection, type ConnectionOptions } from "./connection.js";
import { UdpSocket } from "./datagram.js";
import { beginIp6, checkIp6, Forming, type Ip6Options } from "./ip6.js";
import { Lingering } from "./linger.js";
import { Server } from "./listener.js";
import { firstOf, type Attempt } from "./eyeballs.js";
import { HostNames, type Family } from "./names.js";
import type { Home, Names, Owner } from "./owner.js";
import { free } from "./ports.js";

/** What `Stack.open` takes: the link, addresses, and any number of the configuration. */
export interface OpenOptions extends StackOptions {
  /** What frames go through. The stack closes it at its end. */
  link: Link;
  /** Without `ip`: what the network is asked for an address with; false: it is not, and the stack has IPv6 alone. */
  dhcp?: DhcpOptions | false;
  /** IPv6 beside IPv4: with addresses that routers tell of, and those that are given here. */
  ipv6?: boolean | Ip6Options | undefined;
  /**
   * The stack is to be reachable as this name in .local (RFC 6762), up to 63 letters, digits and hyphens. The "name"
   * event tells when it is, or as which other one, if somebody else has it. A DHCP server hears it, too.
   */
  localName?: string | undefined;
  /** Another time than the host's, µs. */
  nowUs?: () => number;
  /** Another clock than the host's, as `VirtualTime`; then `nowUs` says nothing. */
  clock?: Clock;
}

/** What a DHCP server is asked for. */
export interface DhcpOptions {
  /** An address that the stack had before: it is asked for first, which is quicker. */
  address?: string | undefined;
  /** The host's name, up to 63 bytes: some servers make it a name of their DNS. */
  name?: string | undefined;
  /**
   * Where no server answers, the stack gives itself an address of 169.254/16 (RFC 3927), with which it reaches whoever
   * is on the link, and nobody else. A server's address takes its place whenever one answers. Default: false.
   */
  linkLocal?: boolean | undefined;
  /** How long `Stack.open` waits for an address, ms; Infinity: until the link closes. */
  timeoutMs?: number | undefined;
}

/** An address of a stack's own. */
export interface OwnAddress {
  /** "10.0.0.2", or "fd00::2". */
  address: string;
  /** Which family it is of. */
  family: "IPv4" | "IPv6";
  /** Length of its network's prefix, bits. */
  prefix: number;
  /** "fixed" was given; "dhcp" and "prefix" are the network's; "link-local" is the stack's own. */
  origin: "fixed" | "dhcp" | Exclude<Ip6Address["origin"], "loopback">;
  /** Whether it can be used: false while it is asked whether somebody else has it (RFC 4862 §5.4). */
  ready: boolean;
}

/** Where `connect` goes, and how. */
export interface ConnectOptions extends ConnectionOptions {
  /** An address; for `connect` also a name. */
  host: string;
  /** 1 … 65,535. */
  port: number;
  /** Our own port; by default one of 49152 … 65535 that is free. */
  localPort?: number | undefined;
  /** How long the handshake, and the look-up of a name before it, may take, ms. */
  timeoutMs?: number | undefined;
  /** Gives up at the first soft error: no neighbour answers, or an ICMP error says that the host cannot be reached. */
  failFast?: boolean | undefined;
  /**
   * `data`, which the server may see twice, goes out with the SYN if the server gave us a cookie before (RFC 7413), as
   * much as one segment takes; else, and the rest, after the handshake.
   */
  fastOpen?: boolean | undefined;
  /** The first bytes to send, with `fastOpen`. */
  data?: Uint8Array | undefined;
  /** Ends the connection with an AbortError, also after the handshake. */
  signal?: AbortSignal | undefined;
}

/** Where `listen` listens, and how. */
export interface ListenOptions extends ConnectionOptions {
  /** 0: any that is free; `server.address()` tells it. */
  port: number;
  /** Connections that may wait to be accepted; more are held off. By default 128. */
  backlog?: number | undefined;
  /**
   * The own address, or one of 127/8, to which alone clients may come; by default, and with "::", every one, of IPv4
   * and IPv6.
   */
  host?: string | undefined;
  /** Takes SYNs that carry text (RFC 7413). */
  fastOpen?: boolean | undefined;
}

/** Addresses that only a router leads to: our own prefixes are not known yet. */
const FAR = "2000::", FAR_4 = "192.0.2.1";
/** How long `close` waits for connections, ms, if it is not told. */
const CLOSING_MS = 3000;
/** How often connections that were closed are asked whether everything was acknowledged, ms. */
const LOOK_MS = 20;
/**
 * How long the last frames have to leave the link, and challenges of peers that missed something to be answered (RFC
 * 5961 §3.2), ms; and turns of the event loop: on a busy machine the time is over before a frame has had one.
 */
const FLUSH_MS = 50, FLUSH_TURNS = 16;

/**
 * A TCP/IP stack on a link: it makes connections, listeners and UDP sockets, and ends with all of them.
 *
 * Events: "down" (why) and "up" when the link loses its device and has it again; "address" (the new one, "0.0.0.0" for
 * none) when the network gives the stack another address or takes it away; "name" (as `localName`) when the own name in
 * .local is settled, or another one; "time" (a Date) when a time server has answered; "lost" (a connection) when one
 * that was closed ends before the peer has its last bytes; "close" (why, if not by `close`).
 *
 * @example
 * ```ts
 * const stack = await Stack.open({ link: await openTap("tap0"), ip: "10.0.0.2/24" });
 * const connection = await stack.connect({ host: "10.0.0.1", port: 7 });
 * ```
 */
export class Stack extends EventEmitter implements Home {
  /** The module that it runs, for what has no method here. */
  readonly module: StackModule;
  readonly #loop: Loop;
  readonly #owners = new Map<number, Owner>();
  readonly #lingering = new Set<Lingering>();
  #looking: NodeJS.Timeout | undefined;
  #closing: Promise<number> | undefined;
  #ended = false;
  #lost = 0;
  #address: string;
  #forming: Forming | undefined;
  #told6 = "";
  #isNamed = false;
  readonly #lookups: HostNames;

  /**
   * Starts a stack on a link. Without `ip` it asks the network for an address, and waits for it: TIMED_OUT, and the
   * stack is closed.
   */
  static async open(options: OpenOptions): Promise<Stack> {
    const stack = new Stack(options);
    try {
      if (options.ipv6) stack.#beginIp6(options.ipv6 === true ? {} : options.ipv6);
      if (options.localName !== undefined) stack.#beginName(options.localName);
      if (options.ip === undefined && options.dhcp !== false)
        await stack.#configure({ name: options.localName, ...options.dhcp });
    } catch (e) {
      await stack.close(0);
      throw e;
    }
    return stack;
  }

  /** Gets an address by DHCP; with IPv6, a router's may come first. */
  async #configure({ address, name, linkLocal = false, timeoutMs = ADDRESS_MS }: DhcpOptions): Promise<void> {
    if (linkLocal) this.module.linkLocalStart();
    this.module.dhcpStart(address === undefined ? 0 : parseIp(address), name ?? "");
    this.#forming?.awaitLease(timeoutMs);
    await new Promise<void>((resolve, reject) => {
      const settle = (then: () => void): void => {
        timer.clear();
        this.off("address", given).off("close", ended);
        then();
      };
      const given = (): void => {
        const serves = (a: OwnAddress): boolean => a.family === "IPv4" || (a.ready && a.origin !== "link-local");
        if (this.addresses().some(serves)) settle(resolve);
      };
      const ended = (why?: Error): void => settle(() => reject(why ?? closed()));
      const late = new StintError("TIMED_OUT", `no DHCP server gave an address within ${timeoutMs / 1000} s`);
      const timer = new Timer(timeoutMs, () => settle(() => reject(late)));
      this.on("address", given).on("close", ended);
    });
  }

  #beginIp6(options: Ip6Options): void {
    // Its timers count from now.
    this.module.poll(this.#loop.clock.nowUs());
    beginIp6(this.module, options);
    this.#forming = new Forming(this.module);
  }

  #beginName(name: string): void {
    this.module.mdnsStart(name);
    this.#isNamed = true;
  }

  private constructor(options: OpenOptions) {
    super();
    if (options.ip !== undefined) checkAddresses(options.ip, options.gateway);
    if (options.ip === undefined && options.dhcp === false && !options.ipv6)
      throw new RangeError("a stack without an address, DHCP and IPv6 reaches nobody");
    if (options.ipv6 && options.ipv6 !== true) checkIp6(options.ipv6, options.mtu ?? CONFIG_DEFAULTS.mtu);
    this.module = new StackModule(loadModule(), options);
    this.#lookups = new HostNames(this.module);
    this.#loop = new Loop(this.module, options.link, options.clock ?? options.nowUs ?? monotonicUs);
    this.#loop.onEvent = (handle, bits) => (handle === 0 ? this.#tellStack(bits) : this.#tell(handle, bits));
    this.#address = this.address;
    this.#loop.onLink = (up, why) => this.emit(up ? "up" : "down", why);
    options.link.onClose = (error) => this.#linkIsLost(error);
  }

  /** Whether IPv6 has begun. */
  get hasIp6(): boolean {
    return this.#forming !== undefined;
  }

  /** The own addresses of both families; those of IPv6 also while they cannot be used yet. */
  addresses(): OwnAddress[] {
    const all: OwnAddress[] = [];
    const ip = this.module.ownAddress();
    if (ip !== 0) {
      const { prefix, linkLocal } = this.lease(), given = this.module.options.ip === undefined ? "dhcp" : "fixed";
      const origin = linkLocal ? "link-local" : given;
      all.push({ address: formatIp(ip), family: "IPv4", prefix, origin, ready: true });
    }
    for (const { bytes, prefix, origin, ready } of this.#forming?.addresses() ?? [])
      if (origin !== "loopback") all.push({ address: formatIp6(bytes), family: "IPv6", prefix, origin, ready });
    return all;
  }

  /**
   * Waits until an own address can be used for packets to `host`, an address. After the stack was opened IPv6 asks
   * first whether somebody else has its addresses, which takes some seconds at most. With IPv6, DHCP may give an
   * address after the stack is open, or not within its time. `connect` waits by itself.
   */
  async settled(host: string): Promise<void> {
    if (this.isAwaited(host)) await this.#forming!.until(host);
  }

  /** Whether `settled` would wait. */
  isAwaited(host: string): boolean {
    return !this.#ended && this.#forming !== undefined && isAddress(host) && this.#forming.isAwaited(host);
  }

  /** The own name on the link, as "lamp.local"; undefined: none was asked for, or it is not settled. */
  get localName(): string | undefined {
    if (!this.#isNamed) return undefined;
    const { state, name } = this.module.localName();
    return state === "SETTLED" ? name : undefined;
  }

  /**
   * Time servers to ask (RFC 4330), as IPv4 addresses, three at most; none: those that DHCP told of. Nobody is asked
   * before this was called. The "time" event tells each time that one has answered.
   */
  setTimeServers(servers: readonly string[] = []): void {
    this.module.sntpStart(servers.map(parseIp));
  }

  /** The time by the network; undefined: no time server has answered yet. */
  get time(): Date | undefined {
    const { stratum, utc, at } = this.module.time();
    return stratum === 0 ? undefined : new Date((utc + this.#loop.clock.nowUs() - at) / 1000);
  }

  /** The own IPv4 address; "0.0.0.0": there is none. */
  get address(): string {
    return formatIp(this.module.ownAddress());
  }

  /** Whether an address means everybody on the link: 255.255.255.255, or the directed broadcast of our network. */
  isBroadcast(address: string): boolean {
    if (address === "255.255.255.255") return true;
    const { ip, prefix } = this.lease(), size = 2 ** (32 - prefix);
    return ip !== 0 && prefix < 31 && parseIp(address) === Math.floor(ip / size) * size + size - 1;
  }

  /** The DNS servers that are asked. */
  getServers(): string[] {
    const { server0, server1, server2 } = this.module.resolver();
    return [server0, server1, server2].filter((ip) => ip !== 0).map((ip) => addressText(this.module, ip));
  }

  /** DNS servers to ask, as addresses, three at most; by default, those that the network told with the address. */
  setServers(servers: readonly string[]): void {
    this.module.dnsServers(servers.map((server) => (isIp6(server) ? parseIp6(server) : parseIp(server))));
  }

  /**
   * The addresses of a name, at least one: of a family, or by default of those that the stack has an address of, those
   * of IPv6 first. A name without a dot is looked for in the domain that the network told, if it told one. A name in
   * .local is asked for on the link, and of no server. Rejects with a StintError: NOT_FOUND, NO_IPV4 or NO_IPV6 (it may
   * have others), NO_ANSWER, UNREACHABLE (there is no server to ask), SIZE (the answer is too long), ARGUMENT (it is no
   * name), FULL (very many names wait already), ABORTED.
   */
  lookup(name: string, { family = 0 }: { family?: Family } = {}): Promise<string[]> {
    return this.#find(name, family);
  }

  /** The families of which the stack has an address that others can reach, or may get one soon; else IPv4. */
  #families(): (4 | 6)[] {
    const six = this.addresses().some((a) => a.family === "IPv6" && a.origin !== "link-local") || this.isAwaited(FAR);
    if (!six) return [4];
    return this.module.ownAddress() === 0 && !this.isAwaited(FAR_4) ? [6] : [6, 4];
  }

  async #find(name: string, family: Family, left?: AbortSignal): Promise<string[]> {
    if (isAddress(name)) return [name];
    const { domain } = this.lease(), full = name.includes(".") || domain === "" ? name : `${name}.${domain}`;
    this.#checkOpen();
    // Names in .local need no server, but an address.
    const isReady = /\.local\.?$/i.test(full) && this.module.ownAddress() !== 0;
    if (!isReady && this.getServers().length === 0) await this.serversSettled();
    this.#checkOpen();
    if (left?.aborted) throw new AbortError(left);
    return this.#lookups.find(full, family === 0 ? this.#families() : [family], left);
  }

  /** @internal Waits, if no DNS server is known: a router or DHCP tells of some with the address. */
  async serversSettled(): Promise<void> {
    for (const host of [FAR, FAR_4]) if (this.getServers().length === 0) await this.settled(host);
  }

  /** What is known of the own address: from whom it is, for how long, and which DNS servers came with it. */
  lease(): Lease {
    return this.module.lease();
  }

  #tellStack(bits: number): void {
    if ((bits & EVENT.NAMES) !== 0) this.#lookups.look();
    if ((bits & EVENT.ADDRESS) !== 0) this.#tellAddress();
    if ((bits & EVENT.NAME) !== 0) this.#tellName();
    if ((bits & EVENT.TIME) !== 0) this.#guard(() => this.emit("time", this.time));
  }

  #tellAddress(): void {
    const { address } = this, told6 = this.#forming?.told() ?? "";
    if (address === this.#address && told6 === this.#told6) return;
    this.#address = address;
    this.#told6 = told6;
    this.#forming?.look();
    this.#guard(() => this.emit("address", address));
  }

  #tellName(): void {
    const { localName } = this;
    if (localName !== undefined) this.#guard(() => this.emit("name", localName));
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
    this.#forming?.end();
    this.#lookups.end(reason ?? closed());
  }

  #checkOpen(): void {
    if (this.#ended || this.#closing) throw closed();
  }

  /**
   * Opens a connection, which is connecting when it is returned: "connect" or "error" follows. `connected` hears the
   * first "connect".
   */
  createConnection(to: ConnectOptions, connected?: () => void): Connection {
    let handle = 0, error: Error | undefined;
    try {
      this.#checkOpen();
      handle = this.module.connect(addressNumber(this.module, to.host), to.port, to.localPort ?? 0);
    } catch (e) {
      error = e as Error;
    }
    const connection = this.#connection(handle, to);
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

  #connection(handle: number, to: ConnectOptions): Connection {
    try {
      return new Connection(this, handle, false, to);
    } catch (e) {
      // Options that cannot be: nobody has it.
      this.disown(handle);
      if (handle !== 0) this.module.close(handle);
      throw e;
    }
  }

  /**
   * Opens a connection; rejects with a StintError (REFUSED, TIMED_OUT, UNREACHABLE …), or an AbortError. `host` may be
   * a name; its addresses are tried as RFC 8305 says, the next one after 250 ms, within `timeoutMs` in all.
   */
  async connect(to: ConnectOptions): Promise<Connection> {
    if (to.signal !== undefined && typeof to.signal.addEventListener !== "function")
      throw new TypeError("the signal of connect() is no AbortSignal");
    if (!isAddress(to.host)) return this.#connectByName(to);
    return this.#attempt(to).opened;
  }

  /** Begins to connect to an address. */
  #attempt(to: ConnectOptions): Attempt<Connection> {
    if (!this.isAwaited(to.host)) return this.#connectTo(to);
    const over = new AbortController(), began = performance.now();
    let begun: Attempt<Connection> | undefined;
    const later = async (): Promise<Connection> => {
      await within(this.settled(to.host), to.timeoutMs, to.signal);
      const left = to.timeoutMs === undefined ? undefined : Math.max(1, to.timeoutMs - (performance.now() - began));
      if (over.signal.aborted) throw new AbortError(over.signal);
      begun = this.#connectTo({ ...to, timeoutMs: left });
      return begun.opened;
    };
    const cancel = (): void => {
      over.abort();
      begun?.cancel();
    };
    return { opened: later(), cancel };
  }

  async #connectByName(to: ConnectOptions): Promise<Connection> {
    const until = to.timeoutMs === undefined ? undefined : performance.now() + to.timeoutMs;
    const left = (): number | undefined => (until === undefined ? undefined : Math.max(1, until - performance.now()));
    const over = new AbortController();
    const found = this.#find(to.host, 0, over.signal);
    const hosts = await within(found, left(), to.signal).finally(() => over.abort());
    return firstOf(hosts, (host) => this.#attempt({ ...to, host, timeoutMs: left() }));
  }

  #connectTo(to: ConnectOptions): Attempt<Connection> {
    const connection = this.createConnection(to);
    const opened = new Promise<Connection>((resolve, reject) => {
      const settle = (then: () => void) => (): void => {
        connection.off("connect", opened).off("error", failed).off("close", closed);
        then();
      };
      // Its end may have come in the same piece: nobody could listen for that yet, so that it is told here.
      const opened = (): void => queueMicrotask(settle(() => resolve(connection)));
      const closed = settle(() => reject(new StintError("ABORTED", "cannot connect")));
      const failed = (error: Error): void => settle(() => reject(error))();
      connection.on("connect", opened).on("error", failed).on("close", closed);
    });
    return { opened, cancel: () => void connection.destroy() };
  }

  /** Listens; `for await` over the server, `accept()` or its "connection" event give the connections. */
  listen(at: ListenOptions): Server {
    this.#checkOpen();
    const { backlog, host = "::" } = at;
    const [handle, port] = free(at.port, (p) =>
      this.module.listen(p, backlog, host === "::" ? 0 : addressNumber(this.module, host)),
    );
    try {
      if (at.fastOpen) this.module.setOption(handle, "fastOpen", true);
    } catch (e) {
      this.module.close(handle);
      throw e;
    }
    return new Server(this, handle, port, at);
  }

  /** Opens a UDP socket on a port, by default one that is free. Throws IN_USE, FULL, ARGUMENT; CLOSED after the end. */
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
   * Ends everything and stops. Listeners and connections that are not yet open end at once. Open ones have `ms` to end
   * by themselves, and the peers of those that were closed have as long to acknowledge their last bytes. What is left
   * then is reset. Returns how many connections lost bytes that way.
   */
  close(ms = CLOSING_MS): Promise<number> {
    this.#closing ??= this.#close(ms);
    return this.#closing;
  }

  async #close(ms: number): Promise<number> {
    const until = performance.now() + ms;
    this.#lookups.end(closed());
    this.#forming?.end();
    for (const owner of [...this.#owners.values()]) {
      if (!(owner instanceof Lingering) && (!(owner instanceof Connection) || owner.connecting))
        owner.stackEnds(undefined);
    }
    while (!this.#ended && this.module.pools().connections > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (!this.#ended) {
      this.#endAll(undefined);
      if (this.#isNamed) this.module.mdnsStop();
      this.#loop.run();
      await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
      for (let turn = 0; turn < FLUSH_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
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

  /** Closes it at the end of a block with `await using`. */
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
  lost(connection: EventEmitter): void {
    this.#lost++;
    // Whoever closes it is in the middle of that.
    process.nextTick(() => {
      connection.emit("lost");
      this.emit("lost", connection);
    });
  }

  /** @internal */
  linger(handle: number, names: Names, connection: EventEmitter): void {
    const { module } = this, { stateName, sndSize } = module.info(handle);
    const unread = module.receivable(handle) > 0;
    if (stateName === "SYN-SENT" || stateName === "CLOSED" || unread) {
      // Data that nobody took: the peer is told with a RST (RFC 9293 §3.6.1).
      if (stateName !== "CLOSED" && unread && sndSize > 0) this.lost(connection);
      module.close(handle);
      return;
    }
    module.shutdown(handle);
    const lingering = new Lingering(this, handle, names, (lost) => {
      if (lost) this.lost(connection);
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
    const abort = (): void => fail(new AbortError(signal!));
    const timer =
      ms === undefined ? undefined : new Timer(ms, () => fail(new StintError("TIMED_OUT", "cannot connect")));
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
