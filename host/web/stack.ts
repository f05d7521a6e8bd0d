/** A stack in a page or a worker: without Node, with Web Streams. */
import { checkAddresses, formatIp, parseIp } from "../address.js";
import { monotonicUs } from "../clock.js";
import type { StackOptions } from "../config.js";
import { StintError } from "../errors.js";
import type { Link } from "../links/link.js";
import { Loop } from "../loop.js";
import { Lookups } from "../net/lookups.js";
import { free } from "../net/ports.js";
import { ADDRESS_MS, EVENT, StackModule } from "../stack.js";
import { Connection } from "./connection.js";
import { UdpSocket } from "./datagram.js";
import type { Family6 } from "./family6.js";
import { Server } from "./listener.js";
import { Pending, type Home, type Owner } from "./owner.js";

/** The module: compiled, as bytes, or as `fetch` gives it. */
export type ModuleSource = WebAssembly.Module | BufferSource | Response;

/** What `Stack.open` takes, beside the configuration of a stack. */
export interface OpenOptions extends StackOptions {
  /** build/stint.simd.wasm, or stint.wasm where there is no SIMD; `fetch(…)` compiles it as it arrives. */
  module: ModuleSource | PromiseLike<ModuleSource>;
  /** Where frames come from and go to; it belongs to the stack from now on, and is closed with it. */
  link: Link;
  /** IPv6 beside IPv4: what `ip6()` of `stint/ip6` gives. */
  ipv6?: Family6;
  /** false, with `ipv6`: without `ip`, the network is not asked for an IPv4 address. */
  dhcp?: boolean;
  /** Without `ip`: how long the network has to give an address, ms. */
  timeoutMs?: number;
  /** Without `ip`: the host's name, for the network's DHCP server. */
  name?: string;
}

/** What `stack.connect` takes. */
export interface ConnectOptions {
  /** An address or a name. */
  host: string;
  /** The peer's port, 1 to 65,535. */
  port: number;
  /** The port of this end; without it a free one from 49,152 on. */
  localPort?: number;
  /** Ends the connection, also after the handshake. */
  signal?: AbortSignal;
}

/** How long `close` waits for connections, ms, and how often it looks. */
const CLOSING_MS = 3000, LOOK_MS = 10;
const ADDRESS = /^\d+(\.\d+){3}$/;

async function compiled(source: ModuleSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (!(source instanceof Response)) return WebAssembly.compile(source);
  if (!source.ok) throw new Error(`cannot load the module: ${source.url} is ${source.status} ${source.statusText}`);
  // Some servers do not know what .wasm is; then it cannot be compiled while it arrives.
  const isKnown = source.headers.get("content-type")?.startsWith("application/wasm");
  return isKnown ? WebAssembly.compileStreaming(source) : WebAssembly.compile(await source.arrayBuffer());
}

/**
 * A TCP/IP stack in a page or a worker, on one link. Calls that wait are promises; their errors are StintErrors.
 *
 * @example
 * ```ts
 * const stack = await Stack.open({ module: fetch("stint.simd.wasm"), link: channelLink(new BroadcastChannel("lan")) });
 * const connection = await stack.connect({ host: "10.0.0.2", port: 80 });
 * ```
 */
export class Stack implements Home {
  /** The module, for what this class has no call for: counters, options, neighbours. */
  readonly module: StackModule;
  readonly #loop: Loop;
  readonly #owners = new Map<number, Owner>();
  readonly #names: Lookups<number>;
  readonly #six: Family6 | undefined;
  readonly #addressed = new Pending<void>();
  readonly #closed = new Pending<void>();
  #ended = false;

  /**
   * Starts a stack on a link. Without `ip` it asks the network for an address, and waits for it or, with `ipv6`, for
   * one by a router's prefix: TIMED_OUT. If it cannot be started, the link is closed.
   */
  static async open(options: OpenOptions): Promise<Stack> {
    const { ip, gateway, link, ipv6, dhcp } = options;
    try {
      if (ip !== undefined) checkAddresses(ip, gateway);
      if (ipv6 && !(ipv6 as Partial<Family6>).begin) throw new TypeError("ipv6 is what ip6() gives");
      const module = new StackModule(await compiled(await options.module), options);
      const stack = new Stack(module, link, ipv6);
      if (ip === undefined && !(ipv6 && dhcp === false)) await stack.#configure(options);
      return stack;
    } catch (e) {
      link.close();
      throw e;
    }
  }

  private constructor(module: StackModule, link: Link, six: Family6 | undefined) {
    this.module = module;
    this.#names = new Lookups((name) => module.lookup(name));
    this.#six = six;
    // Its timers count from now.
    if (six) module.poll(monotonicUs());
    six?.begin(module, (lookup) => new Lookups(lookup));
    this.#loop = new Loop(module, link, monotonicUs);
    this.#loop.onEvent = (handle, bits) => {
      if (handle === 0) this.#hear(bits);
      else this.#owners.get(handle)?.handleEvent(bits);
    };
    link.onClose = (error) => this.#end(error ?? new StintError("UNREACHABLE", "the link has closed"));
  }

  async #configure({ name = "", timeoutMs = ADDRESS_MS }: OpenOptions): Promise<void> {
    this.module.dhcpStart(0, name);
    const why = new StintError("TIMED_OUT", `no DHCP server gave an address within ${timeoutMs / 1000} s`);
    const timer = setTimeout(() => this.#end(why), timeoutMs);
    await this.#addressed.promise.finally(() => clearTimeout(timer));
  }

  #hear(bits: number): void {
    if (bits & EVENT.ADDRESS && (this.#six?.addressed() || this.module.ownAddress() !== 0)) this.#addressed.resolve();
    if (bits & EVENT.NAMES) {
      this.#six?.named();
      this.#names.read();
      while (this.#names.next());
    }
  }

  /** The own IPv4 address; "0.0.0.0": there is none. */
  get address(): string {
    return formatIp(this.module.ownAddress());
  }

  /** The own IPv6 addresses that can be used. */
  get addresses6(): string[] {
    return this.#six?.addresses ?? [];
  }

  /** Settles when the stack was closed; rejects when it lost its link. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /**
   * The IPv4 addresses of a name; with `ipv6`, those of IPv6 before them. Rejects with a StintError: NOT_FOUND,
   * NO_IPV4, NO_ANSWER, UNREACHABLE (no server is known), ARGUMENT (it is no name).
   */
  async lookup(name: string): Promise<string[]> {
    this.#checkOpen();
    if (ADDRESS.test(name) || this.#six?.bytes(name)) return [name];
    const [six, four] = await Promise.allSettled([this.#six?.lookup(name) ?? [], this.#names.find(name)]);
    const all = six.status === "fulfilled" ? six.value : [];
    if (four.status === "fulfilled") all.push(...four.value.map(formatIp));
    else if (all.length === 0) throw four.reason;
    return all;
  }

  /** DNS servers to ask, as addresses, three at most; by default, those that came with the address. */
  setServers(servers: readonly string[]): void {
    this.module.dnsServers(servers.map((server) => this.#six?.bytes(server) ?? parseIp(server)));
  }

  /** Opens a connection; rejects with a StintError (REFUSED, TIMED_OUT, UNREACHABLE …), or the signal's reason. */
  async connect({ host, port, localPort = 0, signal }: ConnectOptions): Promise<Connection> {
    signal?.throwIfAborted();
    const addresses = await this.lookup(host);
    signal?.throwIfAborted();
    for (const [i, address] of addresses.entries()) {
      await this.#six?.settled(address, signal);
      signal?.throwIfAborted();
      this.#checkOpen();
      try {
        const connection = new Connection(this, this.module.connect(this.number(address), port, localPort), "opened");
        const stop = (): void => connection.stackEnds(signal!.reason as Error);
        signal?.addEventListener("abort", stop, { once: true });
        connection.closed.catch(() => {}).finally(() => signal?.removeEventListener("abort", stop));
        await connection.opened;
        return connection;
      } catch (e) {
        if (signal?.aborted || i === addresses.length - 1) throw e;
      }
    }
    throw new StintError("NOT_FOUND", `cannot connect to ${host}`);
  }

  /** Listens on a port of every own address; 0: on one that is free. */
  listen({ port, backlog }: { port: number; backlog?: number }): Server {
    this.#checkOpen();
    return new Server(this, ...free(port, (p) => this.module.listen(p, backlog)));
  }

  /** A UDP socket; port 0, the default: one that is free. */
  udp({ port = 0 }: { port?: number } = {}): UdpSocket {
    this.#checkOpen();
    return new UdpSocket(this, ...free(port, (p) => this.module.udpOpen(p)));
  }

  /** The counters under their MIB names. */
  counters(): ReturnType<StackModule["counters"]> {
    return this.module.counters();
  }

  /** Ends listeners at once, gives connections `ms` to end by themselves, resets the others, and stops. */
  async close(ms = CLOSING_MS): Promise<void> {
    const until = performance.now() + ms;
    for (const owner of [...this.#owners.values()])
      if (!(owner instanceof Connection)) owner.stackEnds(new StintError("ABORTED", "the stack is closed"));
    while (!this.#ended && this.module.pools().connections > 0 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    this.#end(undefined);
  }

  /** `await using`: closes as `close` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#ended) throw new StintError("ABORTED", "the stack is closed");
  }

  #end(why: Error | undefined): void {
    if (this.#ended) return;
    const reason = why ?? new StintError("ABORTED", "the stack is closed");
    for (const owner of [...this.#owners.values()]) owner.stackEnds(reason);
    this.#names.end(reason);
    this.#six?.end(reason);
    // The RSTs leave.
    this.#loop.run();
    this.#ended = true;
    this.#loop.stop();
    this.#loop.link.close();
    this.#addressed.reject(reason);
    if (why) this.#closed.reject(why);
    else this.#closed.resolve();
  }

  /** @internal */
  number(address: string): number {
    const bytes = this.#six?.bytes(address);
    return bytes ? this.module.ip6Name(bytes) : parseIp(address);
  }

  /** @internal */
  text(number: number): string {
    return this.#six?.text(number) ?? formatIp(number);
  }

  /** @internal */
  own(handle: number, owner: Owner): void {
    this.#owners.set(handle, owner);
  }

  /** @internal */
  disown(handle: number): void {
    this.#owners.delete(handle);
  }
}
