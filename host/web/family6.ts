/** What a page's stack asks of IPv6, which is a file of its own (`stint/ip6`): pages without it need not carry it. */
import type { Lookups } from "../net/lookups.js";
import type { StackModule } from "../stack.js";

/** IPv6 for one stack: `ip6()` makes it, `Stack.open` takes it. */
export interface Family6 {
  /** The own addresses that can be used, as text. */
  readonly addresses: string[];
  /** @internal Begins; `names` makes what looks names up. */
  begin(module: StackModule, names: (lookup: (name: string) => Uint8Array[] | undefined) => Lookups<Uint8Array>): void;
  /** @internal The 16 bytes of an address; undefined: the text is none of IPv6. */
  bytes(text: string): Uint8Array | undefined;
  /** @internal The address that the module's last call told by this number; undefined: it is none of IPv6. */
  text(number: number): string | undefined;
  /** @internal Addresses have changed. Returns whether one reaches beyond the link. */
  addressed(): boolean;
  /** @internal Names are known. */
  named(): void;
  /** @internal The addresses of a name. */
  lookup(name: string): Promise<string[]>;
  /** @internal Waits, for seconds at most or up to a signal, until an own address serves for packets to this one. */
  settled(address: string, signal: AbortSignal | undefined): Promise<void>;
  /** @internal The stack is closed. */
  end(reason: Error): void;
}
