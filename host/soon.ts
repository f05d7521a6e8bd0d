/** What is to be done once the tasks that wait already have had their turn, on Node and in browsers. */

/** Browsers have no setImmediate, and make setTimeout wait; a message to oneself has its turn at once. */
class Turns {
  readonly #tasks: (() => void)[] = [];
  readonly #channel = new MessageChannel();

  constructor() {
    this.#channel.port1.onmessage = () => this.#tasks.shift()!();
  }

  after(task: () => void): () => void {
    let wanted = true;
    this.#tasks.push(() => wanted && task());
    this.#channel.port2.postMessage(0);
    return () => (wanted = false);
  }
}

let turns: Turns | undefined;

/** Calls `task` soon, and not before it returns. Returns what takes that back. */
export function soon(task: () => void): () => void {
  if (typeof setImmediate === "function") {
    const immediate = setImmediate(task);
    return () => clearImmediate(immediate);
  }
  turns ??= new Turns();
  return turns.after(task);
}
