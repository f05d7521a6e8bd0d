/** Addresses of names, of both families. */
import { formatIp } from "../address.js";
import { formatIp6 } from "../address6.js";
import { StintError } from "../errors.js";
import type { StackModule } from "../stack.js";
import { Timer } from "../timer.js";
import { Lookups } from "./lookups.js";

/** RFC 8305 §3, Resolution Delay: how long the addresses of one family wait for those of the other, ms. */
const OTHER_FAMILY_MS = 50;

/** Of IPv4 or IPv6 alone; 0: of those that the stack has an address of. */
export type Family = 0 | 4 | 6;

type Outcome = { addresses: string[] } | { why: Error };

/** Names looked up by the stack's own DNS client, one question for all who ask the same. */
export class HostNames {
  readonly #four: Lookups<number>;
  readonly #six: Lookups<Uint8Array>;

  constructor(module: StackModule) {
    this.#four = new Lookups((name) => module.lookup(name));
    this.#six = new Lookups((name) => module.lookup6(name));
  }

  /**
   * The addresses of a name, one at least, those of IPv6 before those of IPv4. Rejects with what the module says of it.
   * When `left` aborts, nobody wants them any more: the promise is never settled.
   */
  async find(name: string, families: readonly (4 | 6)[], left?: AbortSignal): Promise<string[]> {
    const four = async (): Promise<string[]> => (await this.#four.find(name, left)).map(formatIp);
    const six = async (): Promise<string[]> => (await this.#six.find(name, left)).map(formatIp6);
    if (families.length === 1) return families[0] === 6 ? six() : four();
    const outcomes = await either([six(), four()]);
    const all = outcomes.flatMap((o) => ("addresses" in o ? o.addresses : []));
    if (all.length > 0) return all;
    const whys = outcomes.flatMap((o) => ("why" in o ? [o.why] : []));
    throw whys.find((why) => !isOfFamily(why)) ?? new StintError("NOT_FOUND", `cannot look ${name} up`, "no address");
  }

  /** Names are known, or given up. */
  look(): void {
    // Whoever has a place is told first: what the module may not remember, the next question could push out unread.
    this.#four.read();
    this.#six.read();
    // In turn: one family does not wait until all names of the other are known.
    while ([this.#six.next(), this.#four.next()].some((isMore) => isMore));
  }

  /** Nobody is told of a name any more: whoever waits is told why. */
  end(why: Error): void {
    this.#four.end(why);
    this.#six.end(why);
  }
}

/** Whether an error says that a name has no address of one family. */
function isOfFamily(why: Error): boolean {
  return why instanceof StintError && (why.code === "NO_IPV4" || why.code === "NO_IPV6");
}

/** What comes of two questions: of both, but who has an answer waits for the other only a little. In their order. */
async function either(asked: [Promise<string[]>, Promise<string[]>]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const both = asked.map(async (question, i) => {
    const outcome = await question.then((addresses): Outcome => ({ addresses }), (why: Error): Outcome => ({ why }));
    outcomes[i] = outcome;
    return outcome;
  });
  const first = await Promise.race(both);
  if ("why" in first) {
    await Promise.all(both);
  } else {
    await new Promise<void>((resolve) => {
      const timer = new Timer(OTHER_FAMILY_MS, resolve);
      void Promise.all(both).then(() => {
        timer.clear();
        resolve();
      });
    });
  }
  return outcomes.filter((o) => o !== undefined);
}
