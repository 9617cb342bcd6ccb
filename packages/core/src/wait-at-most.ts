import type { Clock } from "./clock.ts";

/**
 * Waits for something, but no longer than `ms`, nor once `signal` aborts: then the answer is undefined, and whatever it
 * comes to later is nobody's. A rejection before that is passed on.
 */
export async function waitAtMost<T>(
  clock: Clock,
  ms: number,
  awaited: Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const over = new AbortController();
  const patience = clock.sleep(ms, signal ? AbortSignal.any([over.signal, signal]) : over.signal).then(() => undefined);
  try {
    return await Promise.race([awaited, patience]);
  } finally {
    over.abort();
  }
}
