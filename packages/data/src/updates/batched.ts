export interface BatchOptions {
  /** Most items of a batch. */
  readonly most?: number;
  /**
   * Whether the items of a batch that failed are done again, each by itself, so that a failure stays with the item that
   * caused it. Default: the error is that of all of them.
   */
  isOfOne?(error: unknown): boolean;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Batches calls: those that arrive while a batch is under way go together in the next.
 * A single call does not wait; a thousand concurrent calls cost a few transactions. `act` returns one result per item, in order.
 */
export function batched<Item, Result>(
  act: (items: readonly Item[]) => Promise<readonly Result[]>,
  { most = 100, isOfOne = () => false }: BatchOptions = {},
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let running = false;

  async function run(): Promise<void> {
    running = true;
    // Calls of the same turn join this batch.
    await Promise.resolve();
    while (waiting.length > 0) await runBatch(waiting.splice(0, most));
    running = false;
  }

  async function runBatch(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await act(batch.map(({ item }) => item));
      for (const [i, { resolve }] of batch.entries()) resolve(results[i] as Result);
    } catch (error) {
      if (batch.length > 1 && isOfOne(error)) for (const one of batch) await runBatch([one]);
      else for (const { reject } of batch) reject(error);
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!running) void run();
    });
}
