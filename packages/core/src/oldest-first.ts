/**
 * A set that knows its oldest item without a search. The first item of a plain set is found slowly once many older ones were
 * deleted, because their gaps remain until the set shrinks.
 */
export class OldestFirst<T extends object | string | number> {
  readonly #items = new Set<T>();
  /** Continues after `#oldest`; all items without it are still ahead. */
  #rest = this.#items.values();
  #oldest: T | undefined;

  get items(): ReadonlySet<T> {
    return this.#items;
  }

  get oldest(): T | undefined {
    if (this.#oldest !== undefined) return this.#oldest;
    let next = this.#rest.next();
    if (next.done === true) {
      // An iterator that has ended once never sees what is added later.
      this.#rest = this.#items.values();
      next = this.#rest.next();
    }
    this.#oldest = next.done === true ? undefined : next.value;
    return this.#oldest;
  }

  add(item: T): void {
    this.#items.add(item);
  }

  delete(item: T): boolean {
    if (item === this.#oldest) this.#oldest = undefined;
    return this.#items.delete(item);
  }
}
