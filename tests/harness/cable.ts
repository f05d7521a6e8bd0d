/** Two stacks of the library in one process, in real time, and the cable between them. */
import { Stack, type Link, type StackOptions } from "../../host/index.js";

export const A = "10.0.0.1", B = "10.0.0.2";

/** A cable that can be pulled, plugged in again, and torn. */
export class Cable {
  readonly ends: [Link, Link];
  /** Frames that were sent, from either end. */
  frames: Uint8Array[] = [];
  #plugged = true;

  constructor() {
    const make = (): Link => ({ send: () => {}, onFrame: () => {}, onClose: () => {}, close() {} });
    const [a, b] = [make(), make()];
    const cross = (from: Link, to: Link): void => {
      from.send = (frame) => {
        const copy = frame.slice();
        this.frames.push(copy);
        setImmediate(() => {
          if (this.#plugged) to.onFrame(copy);
        });
      };
    };
    cross(a, b);
    cross(b, a);
    this.ends = [a, b];
  }

  pull(why = new Error("the cable was pulled")): void {
    this.#plugged = false;
    for (const end of this.ends) end.onChange?.(false, why);
  }

  plug(): void {
    this.#plugged = true;
    for (const end of this.ends) end.onChange?.(true);
  }

  /** One end is lost for good. */
  tear(end: 0 | 1, error?: Error): void {
    this.#plugged = false;
    this.ends[end].onClose(error);
  }
}

/** Stacks at 10.0.0.1 and 10.0.0.2, and with `ipv6` at fd00::1 and fd00::2, or under `prefix6`. */
export async function pair(
  { prefix6 = "fd00::", ...options }: Partial<StackOptions> & { ipv6?: { secret?: Uint8Array }; prefix6?: string } = {},
): Promise<{ a: Stack; b: Stack; cable: Cable }> {
  const cable = new Cable();
  const open = (n: 1 | 2): Promise<Stack> => {
    const ipv6 = options.ipv6 && { ...options.ipv6, addresses: [`${prefix6}${n}/64`] };
    return Stack.open({ link: cable.ends[n - 1]!, ip: `${n === 1 ? A : B}/24`, ...options, ipv6 });
  };
  const [a, b] = await Promise.all([open(1), open(2)]);
  return { a, b, cable };
}

/** Counts promises and callbacks: each is to be told once, with an error or without. */
export class Pending {
  readonly #left = new Map<string, number>();
  /** How each ended: "ok", or the error's code or name. */
  readonly ended = new Map<string, string[]>();

  #begin(name: string): (error?: unknown) => void {
    this.#left.set(name, (this.#left.get(name) ?? 0) + 1);
    let told = false;
    return (error) => {
      if (told) throw new Error(`${name} was told twice`);
      told = true;
      this.#left.set(name, this.#left.get(name)! - 1);
      const how =
        error === undefined || error === null ? "ok" : ((error as { code?: string }).code ?? (error as Error).name);
      this.ended.set(name, [...(this.ended.get(name) ?? []), how]);
    };
  }

  promise(name: string, promise: Promise<unknown>): void {
    const end = this.#begin(name);
    promise.then(() => end(), (e: unknown) => end(e ?? new Error("rejected without a reason")));
  }

  /** A callback that is to be called once. */
  callback(name: string): (error?: Error | null) => void {
    return this.#begin(name);
  }

  get left(): string[] {
    return [...this.#left].filter(([, n]) => n !== 0).map(([name]) => name);
  }

  /** Waits until nothing is pending, `ms` at most. Returns what is. */
  async settled(ms: number): Promise<string[]> {
    for (const until = performance.now() + ms; this.left.length > 0 && performance.now() < until;) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this.left;
  }
}
