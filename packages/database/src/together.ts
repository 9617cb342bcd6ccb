import type { Connection } from "./connection.ts";

interface Call<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Statements that are alike become one: what is asked of one connection in the same turn of the event loop is given to
 * `act` together, which returns one result for each item, in order. Items of the same `keyOf` come one after the other.
 */
export function together<Item, Result>(
  act: (tx: Connection, items: readonly Item[]) => Promise<readonly Result[]>,
  keyOf?: (item: Item) => unknown,
): (tx: Connection, item: Item) => Promise<Result> {
  const waiting = new WeakMap<Connection, Call<Item, Result>[]>();

  async function run(tx: Connection): Promise<void> {
    const calls = waiting.get(tx) ?? [];
    waiting.delete(tx);
    for (const round of keyOf ? inRounds(calls, keyOf) : [calls]) await runRound(tx, round);
  }

  async function runRound(tx: Connection, calls: readonly Call<Item, Result>[]): Promise<void> {
    try {
      const results = await act(
        tx,
        calls.map(({ item }) => item),
      );
      for (const [i, { resolve }] of calls.entries()) resolve(results[i] as Result);
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }

  return (tx, item) =>
    new Promise((resolve, reject) => {
      const call = { item, resolve, reject };
      const calls = waiting.get(tx);
      if (calls) calls.push(call);
      else {
        waiting.set(tx, [call]);
        // After all that goes on in this turn has asked.
        void Promise.resolve().then(() => process.nextTick(() => void run(tx)));
      }
    });
}

/** In each round there is at most one call of a key; those of one key keep their order. */
function inRounds<Item, Result>(
  calls: readonly Call<Item, Result>[],
  keyOf: (item: Item) => unknown,
): Iterable<readonly Call<Item, Result>[]> {
  const rounds: Call<Item, Result>[][] = [];
  const seen = new Map<unknown, number>();
  for (const call of calls) {
    const key = keyOf(call.item);
    const round = seen.get(key) ?? 0;
    seen.set(key, round + 1);
    const known = rounds[round];
    if (known) known.push(call);
    else rounds.push([call]);
  }
  return rounds;
}
