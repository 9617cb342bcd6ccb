/**
 * Batches calls: those that arrive while a batch is under way go together in the next.
 * A single call does not wait; a thousand concurrent calls cost a few transactions. `act` returns one result per item, in order.
 */
export function batched<Item, Result>(
  act: (items: readonly Item[]) => Promise<readonly Result[]>,
  most = 100,
): (item: Item) => Promise<Result> {
  const waiting: { item: Item; resolve(result: Result): void; reject(error: unknown): void }[] = [];
  let running = false;

  async function run(): Promise<void> {
    running = true;
    // Calls of the same turn join this batch.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.splice(0, most);
      try {
        const results = await act(batch.map(({ item }) => item));
        for (const [i, { resolve }] of batch.entries()) resolve(results[i] as Result);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!running) void run();
    });
}
