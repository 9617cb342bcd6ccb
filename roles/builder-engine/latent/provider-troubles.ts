import { type Clock, describeCause, type Logger } from "@multimaster/core";
import type { LatentWorker } from "./latent-worker.ts";

/** What fails with the same cause again and again is logged once in this time. */
const againMs = 10 * 60_000;
/** Failures that are remembered. */
const mostKnown = 1000;

/** What a provider, or the code that asks it, says of a fault, in one line and without credentials. */
export function describeFault(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return describeCause(text.trim().replaceAll(/\s*[\r\n]\s*/g, " "));
}

/**
 * Logs what providers fail to do, in one sentence: when it begins, when its cause changes, once in a while as long as it
 * lasts, and when it is over. A provider that is away fails every few seconds, and its error's stack helps no operator.
 */
export class ProviderTroubles {
  #clock: Clock;
  #log: Logger;
  #known = new Map<string, { cause: string; loggedAt: number }>();

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** `what` says what failed, the same text each time; it is tried again. */
  note({ name }: LatentWorker, what: string, error: unknown): void {
    const cause = describeFault(error);
    const known = this.#known.get(what);
    const now = this.#clock.now();
    if (known?.cause === cause && now - known.loggedAt < againMs) return;
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(what, { cause, loggedAt: now });
    this.#log.warn({ latent: name }, `${what}: ${cause}; retrying`);
  }

  /** It succeeded; true if it had failed before. */
  end(what: string): boolean {
    return this.#known.delete(what);
  }
}
