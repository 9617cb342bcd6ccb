/** Notifies the watchdog of whether the step's own code has control. */
export interface Turns {
  /** Resolves at the beginning of a turn of the event loop, where no transaction of SQLite is open (docs/decisions/roles-run-in-threads.md). */
  enter(): Promise<void>;
  leave(): void;
}
