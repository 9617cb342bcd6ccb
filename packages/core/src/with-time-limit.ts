import { onAbort } from "./on-abort.ts";
import { startTimeout } from "./timeout.ts";

/**
 * Acts with a signal that aborts with `signal`, or after this time with a `TimeoutError`. The timer ends with what is done.
 *
 * `AbortSignal.any([signal, AbortSignal.timeout(ms)])` is no such limit: only its weak reference holds the inner signal, which Node 20
 * may collect before it fires.
 */
export async function withTimeLimit<T>(
  ms: number,
  signal: AbortSignal | undefined,
  act: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const unlink = signal ? onAbort(signal, () => limit.abort(signal.reason)) : () => undefined;
  const endTimer = startTimeout(() => limit.abort(new DOMException("no end in time", "TimeoutError")), ms);
  try {
    return await act(limit.signal);
  } finally {
    endTimer();
    unlink();
  }
}
