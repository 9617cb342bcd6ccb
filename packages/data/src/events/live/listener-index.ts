type Pattern = readonly (string | null)[];

/** Listeners by the pattern that they listen to, found by a key in one step per arrangement of wildcards. */
export class ListenerIndex<L> {
  readonly #listeners = new Map<string, Set<{ readonly listener: L }>>();
  /** The number of patterns of each arrangement of wildcards. */
  readonly #arrangements = new Map<string, number>();

  /** Adds a listener; the result removes it. A listener added twice is called twice. */
  add(pattern: Pattern, listener: L): () => void {
    const text = textOf(pattern);
    const own = { listener };
    let listeners = this.#listeners.get(text);
    if (!listeners) {
      this.#listeners.set(text, (listeners = new Set()));
      this.#count(pattern, 1);
    }
    listeners.add(own);
    return () => {
      if (!listeners.delete(own) || listeners.size > 0) return;
      this.#listeners.delete(text);
      this.#count(pattern, -1);
    };
  }

  has(key: readonly string[]): boolean {
    return this.#matching(key).next().done !== true;
  }

  /** Returns the listeners to this key, each once per pattern that matches. */
  of(key: readonly string[]): L[] {
    return [...this.#matching(key)].flatMap((listeners) => [...listeners].map(({ listener }) => listener));
  }

  *#matching(key: readonly string[]): Generator<ReadonlySet<{ readonly listener: L }>> {
    for (const arrangement of this.#arrangements.keys()) {
      if (arrangement.length !== key.length) continue;
      const found = this.#listeners.get(textOf(key.map((part, i) => (arrangement[i] === "*" ? null : part))));
      if (found) yield found;
    }
  }

  #count(pattern: Pattern, change: 1 | -1): void {
    const arrangement = pattern.map((part) => (part === null ? "*" : "=")).join("");
    const count = (this.#arrangements.get(arrangement) ?? 0) + change;
    if (count > 0) this.#arrangements.set(arrangement, count);
    else this.#arrangements.delete(arrangement);
  }
}

/** Unambiguous: no part is empty or holds a dot. */
function textOf(pattern: Pattern): string {
  return pattern.map((part) => part ?? "").join(".");
}
