const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `fn` once when the signal aborts, or now if it has. Returns what takes that back. However many listen, the
 * signal has one listener: Node warns of a leak, in plain text, above ten.
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
      // One that is taken back by another while they are called is not called.
      for (const entry of entries) {
        entries.delete(entry);
        entry();
      }
    },
    { once: true },
  );
  return entries;
}
