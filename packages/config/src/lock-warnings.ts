import type { ConfigWarning } from "./config-warning.ts";
import { listSteps } from "./list-steps.ts";
import type { PluginDescriptor } from "./plugin.ts";

/** A builder, as far as its locks matter. */
interface LockingBuilder {
  readonly locks: unknown;
  readonly steps: readonly PluginDescriptor<"step">[];
}

/** Where the check of circles cannot see the names of locks. */
export function warningsOfLocks(builder: LockingBuilder, i: number): ConfigWarning[] {
  const { locks } = builder;
  if (Array.isArray(locks) && locks.length === 0) return [];
  return listSteps(builder).flatMap(({ path, step }) => {
    const ofStep = (step.options as { readonly locks?: unknown } | undefined)?.locks;
    if (ofStep === undefined || (typeof locks !== "function" && typeof ofStep !== "function")) return [];
    const sentence =
      "locks of the builder and of its step are not all known before a build: whether builds can wait for each other in a circle is not checked";
    return [{ path: ["builders", i, ...path, "locks"], sentence }];
  });
}
