/**
 * Names that are looked up: the same question is asked once, and those that the module has no place for wait for their
 * turn.
 */
import { StintError } from "../errors.js";

/** Names that wait for a place, at most; who comes then is told FULL. */
const WAITING_MAX = 1024;

interface Caller<Address> { resolve: (addresses: Address[]) => void; reject: (why: unknown) => void }

/** A name, and who wants its addresses: somebody does. */
interface Question<Address> { name: string; callers: Set<Caller<Address>> }

/** `Address`: what the module gives, of one family. */
export class Lookups<Address> {
  /**
   * Those that the module asks, and those that wait for a place, in the order in which they came; by the name, without
   * regard to case.
   */
  readonly #asked = new Map<string, Question<Address>>();
  readonly #waiting = new Map<string, Question<Address>>();

  /** `lookup` gives the addresses of a name, or undefined while it asks for them; or throws a StintError. */
  constructor(readonly lookup: (name: string) => Address[] | undefined) {}

  /** The addresses of a name. When `left` aborts, they are not wanted any more: the promise is never settled. */
  find(name: string, left?: AbortSignal): Promise<Address[]> {
    return new Promise((resolve, reject) => {
      const key = name.replace(/[A-Z]/g, (c) => c.toLowerCase()).replace(/\.$/, ""), caller = { resolve, reject };
      const same = this.#asked.get(key) ?? this.#waiting.get(key);
      const question: Question<Address> = same ?? { name, callers: new Set() };
      question.callers.add(caller);
      if (same === undefined && !this.#ask(key, question)) {
        if (this.#waiting.size < WAITING_MAX) this.#waiting.set(key, question);
        else reject(new StintError("FULL", `cannot look ${name} up`, `${WAITING_MAX} names wait already`));
      }
      left?.addEventListener("abort", () => {
        question.callers.delete(caller);
        if (question.callers.size > 0) return;
        // The module asks to the end what it has begun to ask; its answer is nobody's.
        for (const questions of [this.#asked, this.#waiting]) {
          if (questions.get(key) === question) questions.delete(key);
        }
      }, { once: true });
    });
  }

  /** Names are known, or given up: whoever waits for them is told. */
  read(): void {
    const asked = [...this.#asked];
    this.#asked.clear();
    for (const [key, question] of asked) if (!this.#ask(key, question)) this.#waiting.set(key, question);
  }

  /** The name that waits for the longest time has its turn. Returns false if none waits, or there is no place. */
  next(): boolean {
    const [first] = this.#waiting;
    return first !== undefined && this.#ask(...first) && this.#waiting.delete(first[0]);
  }

  /** Nobody is told of a name any more: whoever waits is told why. */
  end(why: Error): void {
    const questions = [...this.#asked.values(), ...this.#waiting.values()];
    this.#asked.clear();
    this.#waiting.clear();
    for (const { callers } of questions) for (const { reject } of callers) reject(why);
  }

  /** Asks, or tells the callers what is known. Returns false if there is no place to ask. */
  #ask(key: string, question: Question<Address>): boolean {
    try {
      const found = this.lookup(question.name);
      if (found === undefined) this.#asked.set(key, question);
      else for (const { resolve } of question.callers) resolve(found);
    } catch (e) {
      if (e instanceof StintError && e.code === "FULL") return false;
      for (const { reject } of question.callers) reject(e);
    }
    return true;
  }
}
