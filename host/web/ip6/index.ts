/** IPv6 for stacks in pages and workers: what `Stack.open` takes as `ipv6`. */
import { formatIp6, isIp6, isLinkLocal, parseCidr6, parseIp6 } from "../../address6.js";
import { isForming6 } from "../../forming6.js";
import type { Ip6Options } from "../../net/ip6.js";
import type { Lookups } from "../../net/lookups.js";
import type { Ip6Address, StackModule } from "../../stack.js";
import type { Family6 } from "../family6.js";

export { type Ip6Options } from "../../net/ip6.js";
export { type Family6 } from "../family6.js";

/** How long after the beginning an IPv6 address may be awaited, ms: the same as `FORMING_MS` in host/net/ip6.ts. */
const FORMING_MS = 4500;
/** Bytes of a secret. */
const SECRET = 16;

/** One stack's. */
class Ip6 implements Family6 {
  #module!: StackModule;
  #names!: Lookups<Uint8Array>;
  #until = 0;
  /** Those who wait for an address. */
  readonly #waiting = new Set<() => void>();

  constructor(readonly options: Ip6Options) {}

  begin(module: StackModule, names: (lookup: (name: string) => Uint8Array[] | undefined) => Lookups<Uint8Array>): void {
    const { secret, addresses = [], gateway, temporary } = this.options;
    if (!module.hasIp6) throw new RangeError("the module has no IPv6");
    if (this.#until) throw new RangeError("one ip6() is for one stack");
    if (secret && secret.length !== SECRET) throw new RangeError("the secret is 16 bytes");
    this.#module = module;
    this.#names = names((name) => module.lookup6(name));
    module.ip6Start(secret);
    if (temporary) module.ip6TemporaryStart();
    for (const [i, text] of addresses.entries()) {
      const { bytes, prefix } = parseCidr6(text);
      module.ip6Add(bytes, prefix, gateway && !i ? parseIp6(gateway) : undefined);
    }
    this.#until = performance.now() + FORMING_MS;
  }

  /** Those that can be used, but for ::1. */
  get addresses(): string[] {
    return this.#all.filter((a) => a.ready).map((a) => formatIp6(a.bytes));
  }

  get #all(): Ip6Address[] {
    return this.#module.ip6Addresses().filter((a) => a.origin !== "loopback");
  }

  bytes(text: string): Uint8Array | undefined {
    return isIp6(text) ? parseIp6(text) : undefined;
  }

  text(number: number): string | undefined {
    const bytes = this.#module.ip6Bytes(number);
    return bytes ? formatIp6(bytes) : undefined;
  }

  addressed(): boolean {
    for (const look of this.#waiting) look();
    return !isForming6(this.#all);
  }

  named(): void {
    this.#names.read();
    while (this.#names.next());
  }

  async lookup(name: string): Promise<string[]> {
    return (await this.#names.find(name)).map(formatIp6);
  }

  async settled(address: string, signal: AbortSignal | undefined): Promise<void> {
    const to = this.bytes(address);
    while (to && !signal?.aborted && performance.now() < this.#until
      && (isLinkLocal(to) ? !this.addresses[0] : isForming6(this.#all))) {
      await new Promise<void>((resolve) => {
        const look = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", look);
          this.#waiting.delete(look);
          resolve();
        };
        const timer = setTimeout(look, this.#until - performance.now() + 1);
        this.#waiting.add(look);
        signal?.addEventListener("abort", look);
      });
    }
  }

  end(reason: Error): void {
    this.#until = 1;
    this.#names.end(reason);
    for (const look of this.#waiting) look();
  }
}

/**
 * IPv6 for a stack: the link's address, others when a router tells a prefix, and those of the options.
 *
 * @example
 * ```ts
 * const stack = await Stack.open({ module: fetch("stint.simd.wasm"), link, ipv6: ip6() });
 * ```
 */
export function ip6(options: Ip6Options = {}): Family6 {
  return new Ip6(options);
}
