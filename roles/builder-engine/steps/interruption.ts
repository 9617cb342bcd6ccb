import { type Result, Results } from "@multimaster/core";

/** Why a running build does not go on by itself. */
export interface Interruption {
  /**
   * - stopped: a user requested it, or the master releases the build;
   * - lost: the worker's connection has ended;
   * - abandoned: the lease is gone or the role is stopped: nothing may be written, only commands be interrupted.
   */
  readonly kind: "stopped" | "lost" | "abandoned";
  readonly reason: string;
  readonly results: Result;
  /** The master stops immediately. The build may have made it do so, so it counts as a loss. */
  readonly atOnce?: true;
  /** A user has stopped the build again while its clean-up ran. */
  readonly isRepeated?: true;
}

const weight = { stopped: 0, lost: 1, abandoned: 2 };

/** What two interruptions amount to: the more serious one, but a cancelled build is not run again. */
export function combine(former: Interruption | undefined, next: Interruption): Interruption {
  if (former === undefined) return next;
  const graver = weight[next.kind] > weight[former.kind] ? next : former;
  const worse: Interruption = former.atOnce || next.atOnce ? { ...graver, atOnce: true } : graver;
  const cancelled = [former, next].find((one) => one.results === Results.CANCELLED);
  if (cancelled === undefined) return worse;
  const { reason, results } = cancelled;
  return { kind: worse.kind, reason, results, ...(former.isRepeated || next.isRepeated ? { isRepeated: true } : {}) };
}

/** Whether steps that always run may still follow. */
export function mayGoOn(interruption: Interruption | undefined): boolean {
  if (interruption === undefined) return true;
  const { kind, results, isRepeated = false } = interruption;
  return kind === "stopped" && results !== Results.RETRY && !isRepeated;
}
