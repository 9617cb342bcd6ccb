/** Statements that the server keeps prepared, on each connection. Users' filters make ever new ones, so there is an end. */
const maxNames = 400;
const maxSeen = 2000;

/** Names for statements that come again: the server parses and plans a named one once per connection. */
export class StatementNames {
  #names = new Map<string, string>();
  #seen = new Set<string>();
  #stopped = false;

  /** From now on there are none. */
  stop(): void {
    this.#stopped = true;
  }

  /** The name to send a statement with; none the first time, and none any more when there are too many. */
  get(sql: string): string | undefined {
    if (this.#stopped) return undefined;
    const known = this.#names.get(sql);
    if (known !== undefined) return known;
    if (!this.#seen.has(sql)) {
      if (this.#seen.size >= maxSeen) this.#seen.clear();
      this.#seen.add(sql);
      return undefined;
    }
    if (this.#names.size >= maxNames) return undefined;
    const name = `mm${this.#names.size + 1}`;
    this.#names.set(sql, name);
    this.#seen.delete(sql);
    return name;
  }
}
