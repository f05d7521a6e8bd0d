/** A stack on a link: where sockets come from, and where all of them end. */
import { EventEmitter } from "node:events";
import { checkAddresses, formatIp, parseIp } from "../address.js";
import { addressNumber, addressText, isAddress, isIp6, parseIp6 } from "../address6.js";
import { monotonicUs } from "../clock.js";
import { Dhcp6Stack } from "../dhcp6.js";
import { AbortError, StintError } from "../errors.js";
import { Loop } from "../loop.js";
import { loadModule } from "../module.js";
import { CONFIG_DEFAULTS } from "../module/layout.js";
import { ADDRESS_MS, EVENT, type Lease, type StackModule } from "../stack.js";
import { Timer } from "../timer.js";
import { FAR, OwnAddresses } from "./addresses.js";
import { Connection } from "./connection.js";
import { Connector } from "./connector.js";
import { UdpSocket } from "./datagram.js";
import { ServiceBrowser } from "./browsing.js";
import { checkIp6 } from "./ip6.js";
import { Lingering, LingeringSet } from "./linger.js";
import { Server } from "./listener.js";
import { Multicast } from "./multicast.js";
import { HostNames, type Family } from "./names.js";
import type { ConnectOptions, DhcpOptions, ListenOptions, OpenOptions, OwnAddress } from "./options.js";
import { stackIsClosed, type Home, type Names, type Owner } from "./owner.js";
import { free } from "./ports.js";
import { PublishedService, type ServiceOptions } from "./published.js";

/** How long `close` waits for connections, ms, if it is not told. */
const CLOSING_MS = 3000;
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
  readonly module: Dhcp6Stack;
  readonly #loop: Loop;
  readonly #owners = new Map<number, Owner>();
  readonly #lingering: LingeringSet;
  readonly #addresses: OwnAddresses;
  readonly #connector: Connector;
  #closing: Promise<number> | undefined;
  #ended = false;
  #lost = 0;
  #isNamed = false;
  readonly #lookups: HostNames;
  readonly #group = new Multicast(this);
  readonly #services = new Set<PublishedService | ServiceBrowser>();

  /**
   * Starts a stack on a link. Without `ip` it asks the network for an address, and waits for it: TIMED_OUT, and the
   * stack is closed.
   */
  static async open(options: OpenOptions): Promise<Stack> {
    const stack = new Stack(options);
    try {
      if (options.ipv6) stack.#addresses.begin6(options.ipv6 === true ? {} : options.ipv6, stack.#loop.clock.nowUs());
      if (options.localName !== undefined) stack.#beginName(options.localName);
      if (options.ip === undefined && options.dhcp !== false)
        await stack.#askForAddress({ name: options.localName, ...options.dhcp });
    } catch (e) {
      await stack.close(0);
      throw e;
    }
    return stack;
  }

  async #askForAddress(dhcp: DhcpOptions): Promise<void> {
    const timeoutMs = dhcp.timeoutMs ?? ADDRESS_MS;
    this.#addresses.ask(dhcp, timeoutMs);
    await new Promise<void>((resolve, reject) => {
      const settle = (then: () => void): void => {
        timer.clear();
        this.off("address", given).off("close", ended);
        then();
      };
      const given = (): void => {
        if (this.#addresses.serves()) settle(resolve);
      };
      const ended = (why?: Error): void => settle(() => reject(why ?? stackIsClosed()));
      const late = new StintError("TIMED_OUT", `no DHCP server gave an address within ${timeoutMs / 1000} s`);
      const timer = new Timer(timeoutMs, () => settle(() => reject(late)));
      this.on("address", given).on("close", ended);
    });
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
    this.module = new Dhcp6Stack(loadModule(), options);
    this.#addresses = new OwnAddresses(this.module);
    this.#lookups = new HostNames(this.module);
    this.#loop = new Loop(this.module, options.link, options.clock ?? options.nowUs ?? monotonicUs);
    this.#loop.onEvent = (handle, bits) => (handle === 0 ? this.#tellStack(bits) : this.#tell(handle, bits));
    this.#connector = new Connector(this, () => this.#checkOpen(), (name, left) => this.#find(name, 0, left));
    this.#lingering = new LingeringSet(this);
    this.#loop.onLink = (up, why) => {
      if (up) this.#beginServices();
      this.emit(up ? "up" : "down", why);
    };
    options.link.onClose = (error) => this.#linkIsLost(error);
  }

  /** Whether IPv6 has begun. */
  get hasIp6(): boolean {
    return this.#addresses.hasIp6;
  }

  /** The own addresses of both families; those of IPv6 also while they cannot be used yet. */
  addresses(): OwnAddress[] {
    return this.#addresses.list();
  }

  /**
   * Waits until an own address can be used for packets to `host`, an address. After the stack was opened IPv6 asks
   * first whether somebody else has its addresses, which takes some seconds at most. With IPv6, DHCP may give an
   * address after the stack is open, or not within its time. `from`: waits for that own address. `connect` waits by
   * itself.
   */
  async settled(host: string, from?: string): Promise<void> {
    if (this.isAwaited(host, from)) await this.#addresses.until(host, from);
  }

  /** Whether `settled` would wait. */
  isAwaited(host: string, from?: string): boolean {
    return !this.#ended && this.#addresses.isAwaited(host, from);
  }

  /** Whether `address` is an own one, of either family, that can be used now; those of 127/8 are, and ::1 with IPv6. */
  isOwn(address: string): boolean {
    return this.#addresses.has(address);
  }

  /** The own name on the link, as "lamp.local"; undefined: none was asked for, or it is not settled. */
  get localName(): string | undefined {
    if (!this.#isNamed) return undefined;
    const { state, name } = this.module.localName();
    return state === "SETTLED" ? name : undefined;
  }

  /**
   * Time servers to ask (RFC 4330), as addresses of either family, three at most; none: those that DHCP told of.
   * Nobody is asked before this was called. The "time" event tells each time that one has answered. Throws a
   * RangeError for what is no address, and ARGUMENT for one that is no host's, or a fourth one.
   */
  setTimeServers(servers: readonly string[] = []): void {
    if (servers.length > 3) throw new StintError("ARGUMENT", "three time servers at most");
    const addresses = servers.map((server) => (isIp6(server) ? parseIp6(server) : parseIp(server)));
    // To the module an address of zero means that there are no more.
    if (addresses.includes(0)) throw new StintError("ARGUMENT", "0.0.0.0 is no time server");
    this.module.sntpStart(addresses);
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
   * The addresses of a name, at least one: of a family, or by default of those that the stack has an address of. They
   * stand in the order of RFC 6724 §6: what cannot be reached comes last, before it what is of IPv4. A name without a
   * dot is looked for in the domain that the network told, if it told one. A name in .local is asked for on the link,
   * and of no server. Rejects with a StintError: NOT_FOUND, NO_IPV4 or NO_IPV6 (it may have others), NO_ANSWER,
   * UNREACHABLE (there is no server to ask), SIZE (the answer is too long), ARGUMENT (it is no name), FULL (very many
   * names wait already), ABORTED.
   */
  lookup(name: string, { family = 0 }: { family?: Family } = {}): Promise<string[]> {
    return this.#find(name, family);
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
    const found = await this.#lookups.find(full, family === 0 ? this.#addresses.families() : [family], left);
    return this.#addresses.inOrder(found);
  }

  /** @internal Waits, if no DNS server is known: a router or DHCP tells of some, with an address or without. */
  async serversSettled(): Promise<void> {
    const isKnown = (): boolean => this.getServers().length > 0;
    for (const host of FAR) if (!isKnown()) await this.settled(host);
    if (!this.#ended && !isKnown()) await this.#addresses.untilTold(isKnown);
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
    if (this.#addresses.notice()) this.#guard(() => this.emit("address", this.address));
  }

  #tellName(): void {
    const { localName } = this;
    this.#beginServices();
    if (localName !== undefined) this.#guard(() => this.emit("name", localName));
  }

  /** Services lead to the own name, and are known on this link. */
  #beginServices(): void {
    for (const service of this.#services) service.begin();
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
    this.#group.end();
    for (const owner of [...this.#owners.values()]) owner.stackEnds(reason);
    this.#addresses.end();
    this.#lookups.end(reason ?? stackIsClosed());
  }

  #checkOpen(): void {
    if (this.#ended || this.#closing) throw stackIsClosed();
  }

  /**
   * Opens a connection, which is connecting when it is returned: "connect" or "error" follows. `connected` hears the
   * first "connect".
   */
  createConnection(to: ConnectOptions, connected?: () => void): Connection {
    return this.#connector.create(to, connected);
  }

  /**
   * Opens a connection; rejects with a StintError (REFUSED, TIMED_OUT, UNREACHABLE …), or an AbortError. `host` may be
   * a name; its addresses are tried as RFC 8305 says, the next one after 250 ms, within `timeoutMs` in all.
   */
  async connect(to: ConnectOptions): Promise<Connection> {
    return this.#connector.connect(to);
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

  /**
   * Publishes a service on the link (RFC 6763), until it or the stack is closed. Resolves when its name is settled,
   * about a second after the host's own (`localName`), without which it is STATE. Throws a RangeError for what is no
   * service, and IN_USE if the stack publishes it already, or somebody has the UDP port 5353.
   *
   * @example
   * ```ts
   * const service = await stack.publish({ name: "Lamp in the hall", type: "_http._tcp", port: 80 });
   * ```
   */
  async publish(options: ServiceOptions): Promise<PublishedService> {
    this.#checkOpen();
    if (!this.#isNamed) throw new StintError("STATE", "cannot publish a service", "the stack has no localName");
    if ([...this.#services].some((s) => s instanceof PublishedService && s.isCalled(options)))
      throw new StintError("IN_USE", "cannot publish a service", `it publishes ${options.name} already`);
    const service = new PublishedService(this.#group, options);
    this.#keep(service);
    await new Promise<void>((resolve, reject) => {
      service.once("settled", resolve).once("close", () => reject(stackIsClosed()));
    });
    return service;
  }

  /**
   * Looks for services of others of a type, as "_http._tcp", on the link (RFC 6763 §4), until it or the stack is
   * closed. Throws a RangeError for what is no type, and IN_USE if somebody has the UDP port 5353.
   */
  browse(type: string): ServiceBrowser {
    this.#checkOpen();
    const browser = new ServiceBrowser(this.#group, type);
    this.#keep(browser);
    return browser;
  }

  #keep(service: PublishedService | ServiceBrowser): void {
    this.#services.add(service);
    service.once("close", () => this.#services.delete(service));
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
    this.#lookups.end(stackIsClosed());
    this.#addresses.end();
    this.#group.end();
    this.#loop.run();
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
    this.#lingering.add(handle, names, connection);
  }
}
