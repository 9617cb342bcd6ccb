import { AsyncLocalStorage } from "node:async_hooks";

const inside = new AsyncLocalStorage<{ pool: object; isOpen: boolean }>();

/** Runs the body of a transaction so that a query beside it, from within it, is refused instead of waiting for ever. */
export async function runInside<T>(pool: object, body: () => Promise<T>): Promise<T> {
  const state = { pool, isOpen: true };
  try {
    return await inside.run(state, body);
  } finally {
    state.isOpen = false;
  }
}

/** Throws when called from within a transaction over this very pool. */
export function refuseInsideTransaction(pool: object): void {
  const state = inside.getStore();
  if (state?.isOpen && state.pool === pool) {
    throw new Error("A query inside a transaction must go through the transaction's connection, not the database's.");
  }
}
