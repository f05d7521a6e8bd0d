/** What the sockets of a page's stack and the stack itself know of each other. */
import type { StackModule } from "../stack.js";

/** Whoever gets the events of a handle. */
export interface Owner {
  /** Something happened, as bits of EVENT. */
  handleEvent(bits: number): void;
  /** The stack was closed, or lost its link: whatever is pending ends now. */
  stackEnds(reason: Error): void;
}

/** What a socket asks of its stack. */
export interface Home {
  readonly module: StackModule;
  /** The number of an address, for the next call. */
  number(address: string): number;
  /** The address that the module's last call told by a number. */
  text(number: number): string;
  own(handle: number, owner: Owner): void;
  disown(handle: number): void;
}

/** A promise that somebody else settles. */
export class Pending<T> {
  resolve!: (value: T) => void;
  reject!: (reason: Error) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    // Nobody has to wait for it.
    this.promise.catch(() => {});
  }
}
