/** The operations on a master that signals trigger. */
interface Stoppable {
  /** Graceful: running builds finish. */
  drain(): void;
  /** Immediate: running builds are released. */
  stopNow(): void;
}

/** A terminal's Ctrl-C reaches a program and, through npm, reaches it again: such an echo is not a second signal. */
const ECHO_MS = 500;

/** First SIGTERM or SIGINT: graceful; a later one: immediate. Returns a function that ends the listening. */
export function stopOnSignals(master: Stoppable): () => void {
  let first: number | undefined;
  const onSignal = () => {
    const now = Date.now();
    if (first === undefined) {
      first = now;
      // In a log it would be text between JSON lines, and says nothing that the log does not.
      if (process.stderr.isTTY)
        process.stderr.write("Stopping: running builds finish first; press again to stop now.\n");
      master.drain();
    } else if (now - first > ECHO_MS) {
      master.stopNow();
    }
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return () => {
    process.off("SIGTERM", onSignal);
    process.off("SIGINT", onSignal);
  };
}

/** The first SIGTERM or SIGINT interrupts the work of this process, a later one ends it. */
export function interruptOnSignals(): { interrupted: AbortSignal; ignore(): void } {
  const interrupt = new AbortController();
  let first: number | undefined;
  const onSignal = () => {
    if (first !== undefined && Date.now() - first > ECHO_MS) process.exit(1);
    first ??= Date.now();
    interrupt.abort();
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return {
    interrupted: interrupt.signal,
    ignore() {
      process.off("SIGTERM", onSignal);
      process.off("SIGINT", onSignal);
    },
  };
}
