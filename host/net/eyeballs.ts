/** Happy eyeballs (RFC 8305): a host has several addresses, and the first one that answers is taken. */
import { isIp6 } from "../address6.js";
import { Timer } from "../timer.js";

/** §5, Connection Attempt Delay: how long an attempt has before the next one begins beside it, ms. */
const ATTEMPT_MS = 250;

/** A connection that is being opened. */
export interface Attempt<C> {
  opened: Promise<C>;
  /** It is not wanted any more. */
  cancel: () => void;
}

/** The order in which addresses, the best one first (RFC 6724 §6), are tried: both families in turn (§4). */
export function inTurn(addresses: readonly string[]): string[] {
  const six = addresses.filter(isIp6), four = addresses.filter((a) => !isIp6(a));
  const [first, second] = isIp6(addresses[0] ?? "") ? [six, four] : [four, six];
  return Array.from({ length: Math.max(first.length, second.length) }, (_, i) => [first[i], second[i]])
    .flat()
    .filter((a) => a !== undefined);
}

/**
 * Begins with the first address, and with the next one when an attempt fails or takes 250 ms. Resolves to the first
 * connection that opens, and cancels the others; rejects with the error of the attempt that failed last.
 */
export function firstOf<C>(addresses: readonly string[], attempt: (address: string) => Attempt<C>): Promise<C> {
  return new Promise((resolve, reject) => {
    const open = new Set<Attempt<C>>(), left = inTurn(addresses);
    let timer: Timer | undefined, done = false;
    const settle = (then: () => void): void => {
      done = true;
      timer?.clear();
      for (const other of open) other.cancel();
      open.clear();
      then();
    };
    const begin = (): void => {
      timer?.clear();
      const address = left.shift();
      if (address === undefined) return;
      const at = attempt(address);
      open.add(at);
      if (left.length > 0) timer = new Timer(ATTEMPT_MS, begin);
      at.opened.then(
        (connection) => {
          open.delete(at);
          if (!done) settle(() => resolve(connection));
        },
        (why: Error) => {
          open.delete(at);
          if (done) return;
          if (left.length > 0) begin();
          else if (open.size === 0) settle(() => reject(why));
        },
      );
    };
    begin();
  });
}
