import type { Answer } from "../sql.ts";

/** A statement at the moment when it is asked, those that begin and end transactions included. */
export interface WatchedStatement {
  /** As the driver gets it: with `$1` for PostgreSQL. */
  readonly sql: string;
  readonly bindings: readonly unknown[];
  readonly answer: Promise<Answer>;
}

export type StatementWatcher = (statement: WatchedStatement) => void;

/** Those who watch the statements of one database, such as traces and tests. */
export class StatementWatchers {
  readonly #watchers = new Set<StatementWatcher>();

  /** Calls `watcher` for each statement until the returned function is called. */
  add(watcher: StatementWatcher): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  notify(sql: string, bindings: readonly unknown[], answer: Promise<Answer>): void {
    for (const watcher of this.#watchers) watcher({ sql, bindings, answer });
  }
}
