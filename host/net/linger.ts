/**
 * A connection that its user has closed but whose last bytes the peer has not acknowledged yet. It keeps its handle, so
 * that the loss of those bytes is noticed, and so that the peer gets a RST if the stack ends first.
 */
import { EVENT, type StackModule, type StateName } from "../stack.js";
import type { Names, Owner } from "./owner.js";

/** States of RFC 9293 §3.3.2 in which our FIN, and so all before it, was acknowledged. */
const ACKNOWLEDGED = new Set<StateName>(["FIN-WAIT-2", "TIME-WAIT", "CLOSED"]);

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
    else if (bits & EVENT.CLOSED) this.#end(this.home.module.info(this.handle).sndSize > 0);
    else this.look();
  }

  /** No event tells that a FIN was acknowledged, so the stack asks from time to time. */
  look(): void {
    const { lip, lport, rip, rport } = this.names;
    // From here on the module's own time limits hold, those of FIN-WAIT-2 and TIME-WAIT.
    if (ACKNOWLEDGED.has(this.home.module.flowState(lip, lport, rip, rport))) this.#end(false);
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

  #end(lost: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.home.module.close(this.handle);
    this.ended(lost);
  }
}
