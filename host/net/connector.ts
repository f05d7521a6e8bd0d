/** How connections are opened: to an address, or to one of those that a name has (RFC 8305). */
import { addressNumber, isAddress, isIp6, mappedIp, parseIp6 } from "../address6.js";
import { AbortError, StintError, type ErrName } from "../errors.js";
import { Timer } from "../timer.js";
import { Connection } from "./connection.js";
import { firstOf, type Attempt } from "./eyeballs.js";
import type { ConnectOptions } from "./options.js";
import type { Home } from "./owner.js";

/** What it asks of the stack, beside what each socket does. */
interface Opener extends Home {
  isAwaited(host: string, from?: string): boolean;
  settled(host: string, from?: string): Promise<void>;
  isOwn(address: string): boolean;
}

function checkLocal(address: unknown): void {
  if (typeof address !== "string" || !isAddress(address))
    throw new RangeError(`localAddress is no address: ${JSON.stringify(address)}; write it like 10.0.0.2 or fd00::2`);
}

/** Whether an address is of IPv6, and does not stand for one of IPv4. */
const isSix = (address: string): boolean => isIp6(address) && mappedIp(parseIp6(address)) === undefined;

/** Opens the connections of a stack. */
export class Connector {
  /** `checkOpen` throws when the stack is closed; `find` gives the addresses of a name, until `left` aborts. */
  constructor(
    readonly home: Opener, readonly checkOpen: () => void,
    readonly find: (name: string, left: AbortSignal) => Promise<string[]>,
  ) {}

  /** A connection that is connecting; `connected` hears the first "connect". */
  create(to: ConnectOptions, connected?: () => void): Connection {
    let handle = 0, error: Error | undefined;
    try {
      this.checkOpen();
      handle = this.#handle(to);
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

  #handle({ host, port, localPort = 0, localAddress }: ConnectOptions): number {
    const { module } = this.home;
    if (localAddress === undefined) return module.connect(addressNumber(module, host), port, localPort);
    checkLocal(localAddress);
    if (!this.home.isOwn(localAddress))
      throw new StintError("UNREACHABLE", `cannot connect from ${localAddress}: it is not an address of this stack`);
    if (isSix(localAddress) !== isSix(host))
      throw new StintError("UNREACHABLE", `cannot connect from ${localAddress} to ${host}: they are of two families`);
    const lip = addressNumber(module, localAddress);
    return module.connect(addressNumber(module, host), port, localPort, lip);
  }

  #connection(handle: number, to: ConnectOptions): Connection {
    try {
      return new Connection(this.home, handle, "opened", to);
    } catch (e) {
      // Options that cannot be: nobody has it.
      this.home.disown(handle);
      if (handle !== 0) this.home.module.close(handle);
      throw e;
    }
  }

  /** Opens a connection to an address or a name. */
  async connect(to: ConnectOptions): Promise<Connection> {
    if (to.signal !== undefined && typeof to.signal.addEventListener !== "function")
      throw new TypeError("the signal of connect() is no AbortSignal");
    if (to.localAddress !== undefined) checkLocal(to.localAddress);
    if (!isAddress(to.host)) return this.#connectByName(to);
    return this.#attempt(to).opened;
  }

  /** Begins to connect to an address. */
  #attempt(to: ConnectOptions): Attempt<Connection> {
    if (!this.home.isAwaited(to.host, to.localAddress)) return this.#connectTo(to);
    const over = new AbortController(), began = performance.now();
    let begun: Attempt<Connection> | undefined;
    const later = async (): Promise<Connection> => {
      await within(this.home.settled(to.host, to.localAddress), to.timeoutMs, to.signal);
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
    const found = this.find(to.host, over.signal);
    const hosts = await within(found, left(), to.signal).finally(() => over.abort());
    const from = to.localAddress, fitting = hosts.filter((h) => from === undefined || isSix(h) === isSix(from));
    if (fitting.length === 0)
      throw new StintError("UNREACHABLE", `cannot connect from ${from}: ${to.host} has no address of its family`);
    return firstOf(fitting, (host) => this.#attempt({ ...to, host, timeoutMs: left() }));
  }

  #connectTo(to: ConnectOptions): Attempt<Connection> {
    const connection = this.create(to);
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
