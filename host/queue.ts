/** An event queue: a binary heap by time, first in first out among equals. */
export class Queue<T> {
  #items: { at: number; order: number; item: T }[] = [];
  #order = 0;

  get nextUs(): number {
    return this.#items[0]?.at ?? Infinity;
  }

  get size(): number {
    return this.#items.length;
  }

  /** At `at`, µs, after what is there for the same time. */
  push(at: number, item: T): void {
    const a = this.#items;
    a.push({ at, order: this.#order++, item });
    for (let i = a.length - 1; i > 0;) {
      const p = (i - 1) >> 1;
      if (!this.#before(i, p)) break;
      [a[i], a[p]] = [a[p]!, a[i]!];
      i = p;
    }
  }

  /** Takes what is due first. It throws a TypeError if nothing is there: ask `size`. */
  pop(): T {
    const a = this.#items, first = a[0]!, last = a.pop()!;
    if (a.length > 0) {
      a[0] = last;
      for (let i = 0; ;) {
        let c = 2 * i + 1;
        if (c >= a.length) break;
        if (c + 1 < a.length && this.#before(c + 1, c)) c++;
        if (!this.#before(c, i)) break;
        [a[i], a[c]] = [a[c]!, a[i]!];
        i = c;
      }
    }
    return first.item;
  }

  /** Nothing is left. */
  clear(): void {
    this.#items = [];
  }

  #before(i: number, j: number): boolean {
    const a = this.#items[i]!, b = this.#items[j]!;
    return a.at !== b.at ? a.at < b.at : a.order < b.order;
  }
}
