import type { Logger } from "@multimaster/core";

/** Maximum number of keys, so that a client with many addresses cannot fill the memory. */
const maxKeys = 1000;

/**
 * Logs a recurring event at most once per interval and key, with the number of times it occurred since. A refused worker,
 * for example, reconnects every two seconds forever.
 */
export class RefusalLog {
  #log: Logger;
  #intervalMs: number;
  #entries = new Map<string, { at: number; suppressed: number }>();

  constructor(log: Logger, intervalMs = 60_000) {
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  warn(key: string, sentence: string): void {
    const now = performance.now();
    const entry = this.#entries.get(key);
    if (entry !== undefined && now - entry.at < this.#intervalMs) {
      entry.suppressed += 1;
      return;
    }
    const times =
      entry === undefined || entry.suppressed === 0 ? "" : ` (${entry.suppressed} more times since it was last logged)`;
    this.#log.warn(`${sentence}${times}`);
    if (this.#entries.size >= maxKeys) this.#entries.clear();
    this.#entries.set(key, { at: now, suppressed: 0 });
  }
}
