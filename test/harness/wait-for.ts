import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  /** What is waited for, as it reads in "waited 30 s for …". */
  what: string;
  timeoutMs?: number;
  intervalMs?: number;
}

/** A machine that runs a CI is slow and busy: there each wait may take so many times as long. */
const patience = process.env["CI"] ? 2.5 : 1;

/**
 * Polls until `condition` returns something truthy, and returns that. An exception counts as "not yet"; the last one is
 * reported when the time is over.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, false | null | undefined | 0 | "">> {
  const timeoutMs = (options.timeoutMs ?? 30_000) * patience;
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  let thrown = false;
  for (;;) {
    try {
      last = await condition();
      thrown = false;
      if (last) return last as Exclude<T, false | null | undefined | 0 | "">;
    } catch (error) {
      last = error;
      thrown = true;
    }
    if (performance.now() >= deadline) break;
    await sleep(options.intervalMs ?? 50);
  }
  const detail = thrown ? `; the last attempt failed: ${last instanceof Error ? last.message : String(last)}` : "";
  throw new Error(`waited ${timeoutMs / 1000} s for ${options.what}${detail}`, thrown ? { cause: last } : undefined);
}
