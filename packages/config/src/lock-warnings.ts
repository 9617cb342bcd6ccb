import type { ConfigWarning } from "./config-warning.ts";

/** A builder, as far as its locks matter. */
interface LockingBuilder {
  readonly locks: unknown;
  readonly steps: readonly { readonly options: unknown }[];
}

/** Where the check of circles cannot see the names of locks. */
export function warningsOfLocks({ locks, steps }: LockingBuilder, i: number): ConfigWarning[] {
  if (Array.isArray(locks) && locks.length === 0) return [];
  return steps.flatMap(({ options }, j) => {
    const ofStep = (options as { readonly locks?: unknown } | undefined)?.locks;
    if (ofStep === undefined || (typeof locks !== "function" && typeof ofStep !== "function")) return [];
    const sentence =
      "locks of the builder and of its step are not all known before a build: whether builds can wait for each other in a circle is not checked";
    return [{ path: ["builders", i, "steps", j, "locks"], sentence }];
  });
}
