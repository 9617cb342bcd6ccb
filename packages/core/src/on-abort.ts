const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `fn` once when the signal aborts, or immediately if it already has. Returns a function that cancels this. All
 * callbacks share one listener of the signal: above ten listeners, Node prints a warning of a leak.
 */
export function onAbort(signal: AbortSignal, fn: () => void): () => void {
  if (signal.aborted) {
    fn();
    return () => undefined;
  }
  const entry = () => fn();
  const known = listeners.get(signal) ?? listen(signal);
  known.add(entry);
  return () => void known.delete(entry);
}

function listen(signal: AbortSignal): Set<() => void> {
  const entries = new Set<() => void>();
  listeners.set(signal, entries);
  signal.addEventListener(
    "abort",
    () => {
      listeners.delete(signal);
      // A callback may cancel another one: that one is not called.
      for (const entry of entries) {
        entries.delete(entry);
        entry();
      }
    },
    { once: true },
  );
  return entries;
}
