/**
 * A connection that its user has closed but whose last bytes the peer has not acknowledged yet. It keeps its handle, so
 * that the loss of those bytes is noticed, and so that the peer gets a RST if the stack ends first.
 */
import type { EventEmitter } from "node:events";
import { EVENT, type StackModule, type StateName } from "../stack.js";
import type { Home, Names, Owner } from "./owner.js";

/** States of RFC 9293 §3.3.2 in which our FIN, and so all before it, was acknowledged. */
const ACKNOWLEDGED = new Set<StateName>(["FIN-WAIT-2", "TIME-WAIT", "CLOSED"]);

/** How often connections that were closed are asked whether everything was acknowledged, ms. */
const LOOK_MS = 20;

/** What it asks of the stack. */
export interface Held {
  readonly module: Pick<StackModule, "receivable" | "info" | "flowState" | "abort" | "close">;
}

/** The owner of a handle from close to the last acknowledgement. */
export class Lingering implements Owner {
  #over = false;

  /** `ended` is told once, with whether bytes were lost. */
  constructor(
    readonly home: Held, readonly handle: number, readonly names: Names, readonly ended: (lost: boolean) => void,
  ) {}

  handleEvent(bits: number): void {
    // Nobody will take what arrives now, and the peer is to know (RFC 1122 §4.2.2.13).
    if (bits & EVENT.READABLE && this.home.module.receivable(this.handle) > 0) this.reset();
    else if (bits & EVENT.CLOSED) this.#end(this.home.module.info(this.handle).sndSize);
    else this.look();
  }

  /** No event tells that a FIN was acknowledged, so the stack asks from time to time. */
  look(): void {
    const { lip, lport, rip, rport } = this.names;
    // From here on the module's own time limits hold, those of FIN-WAIT-2 and TIME-WAIT.
    if (ACKNOWLEDGED.has(this.home.module.flowState(lip, lport, rip, rport))) this.#end(0);
  }

  /** Ends the connection at once, with a RST. */
  reset(): void {
    if (this.#over) return;
    const lost = this.home.module.info(this.handle).sndSize > 0;
    this.#over = true;
    this.home.module.abort(this.handle);
    this.ended(lost);
  }

  stackEnds(): void {
    this.reset();
  }

  /** `lost`: bytes of the send ring that nobody has acknowledged. */
  #end(lost: number): void {
    if (this.#over) return;
    this.#over = true;
    this.home.module.close(this.handle);
    this.ended(lost > 0);
  }
}

/** All of a stack's that linger. */
export class LingeringSet {
  readonly #all = new Set<Lingering>();
  #looking: NodeJS.Timeout | undefined;

  constructor(readonly home: Home) {}

  /** Takes over what `connection` was, which is closed: until the peer has acknowledged everything. */
  add(handle: number, names: Names, connection: EventEmitter): void {
    const { home } = this, { module } = home, { stateName, sndSize } = module.info(handle);
    const unread = module.receivable(handle) > 0;
    if (stateName === "SYN-SENT" || stateName === "CLOSED" || unread) {
      // Data that nobody took: the peer is told with a RST (RFC 9293 §3.6.1).
      if (stateName !== "CLOSED" && unread && sndSize > 0) home.lost(connection);
      module.close(handle);
      return;
    }
    module.shutdown(handle);
    const lingering = new Lingering(home, handle, names, (lost) => {
      if (lost) home.lost(connection);
      home.disown(handle);
      this.#all.delete(lingering);
      if (this.#all.size === 0) clearInterval(this.#looking);
    });
    if (this.#all.size === 0) this.#looking = setInterval(() => this.#look(), LOOK_MS);
    this.#all.add(lingering);
    home.own(handle, lingering);
  }

  #look(): void {
    for (const lingering of [...this.#all]) lingering.look();
  }
}
