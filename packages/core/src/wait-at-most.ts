import type { Clock } from "./clock.ts";

/**
 * Waits for a promise for at most `ms`, or until `signal` aborts; then it returns undefined and the promise's later outcome
 * is ignored. An earlier rejection is thrown.
 */
export async function waitAtMost<T>(
  clock: Clock,
  ms: number,
  awaited: Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const over = new AbortController();
  const timeout = clock.sleep(ms, signal ? AbortSignal.any([over.signal, signal]) : over.signal).then(() => undefined);
  try {
    return await Promise.race([awaited, timeout]);
  } finally {
    over.abort();
  }
}
