import type { Answer } from "../sql.ts";

export interface TransactionOptions {
  /** Only reads, and all of it from one snapshot. */
  readonly readOnly?: boolean;
}

/** A connection that a pool lends to one user at a time. */
export interface PooledConnection {
  /** True when it must not be used again: it has ended, or no one knows what state it is in. */
  readonly isSpoilt: boolean;
  /** Runs one statement with `?` bindings. */
  run(statement: string, bindings: readonly unknown[]): Promise<Answer>;
  begin(options: TransactionOptions): Promise<void>;
  /** If it fails, the connection is spoilt. */
  commit(): Promise<void>;
  /** Never fails; a connection that cannot roll back is spoilt. */
  rollback(): Promise<void>;
  close(): Promise<void>;
}
