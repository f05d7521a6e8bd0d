/** What the sockets of a stack and the stack itself know of each other. */
import type { EventEmitter } from "node:events";
import { StintError } from "../errors.js";
import type { Names, StackModule } from "../stack.js";

export type { Names };

/** Whoever gets the events of a handle. */
export interface Owner {
  /** Something happened, as bits of EVENT. */
  handleEvent(bits: number): void;
  /** The stack was closed, or (with a reason) lost its link: whatever is pending ends now. */
  stackEnds(reason: Error | undefined): void;
}

/** What a socket asks of its stack. */
export interface Home {
  readonly module: StackModule;
  readonly address: string;
  own(handle: number, owner: Owner): void;
  disown(handle: number): void;
  /** `connection` has ended with bytes that the peer does not have, and nobody was told yet. */
  lost(connection: EventEmitter): void;
  /** Takes over what `connection` was, which is closed, until the peer has acknowledged everything. */
  linger(handle: number, names: Names, connection: EventEmitter): void;
}

/** An address as `node:net` writes it. */
export interface SocketAddress {
  /** "10.0.0.2", or "fd00::2". */
  address: string;
  /** "IPv4" or "IPv6". */
  family: string;
  /** 1 … 65,535. */
  port: number;
}

/** What whoever waits for a stack is told when it is closed. */
export function stackIsClosed(): StintError {
  return new StintError("ABORTED", "the stack is closed");
}
