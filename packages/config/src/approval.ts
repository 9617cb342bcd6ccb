import { duration } from "@multimaster/core";
import { z } from "zod";
import type { ConfigWarning } from "./config-warning.ts";
import { listSteps } from "./list-steps.ts";
import type { PluginDescriptor } from "./plugin.ts";

/** Which builds of a builder begin only after a user has approved them. */
export const approvalOption = z
  .strictObject({
    untrusted: z
      .boolean()
      .default(true)
      .describe("Builds of strangers' code: of a fork, of a patch, or of a pull request that no hook calls trusted."),
    expires: duration
      .nullable()
      .prefault("30d")
      .describe("A request that waits for approval this long ends as CANCELLED; null: it waits for ever."),
  })
  .nullable();

interface Guarded {
  readonly approval: z.output<typeof approvalOption>;
  readonly steps: readonly PluginDescriptor<"step">[];
}

/** Checkouts that build something else than what a user has approved. */
export function warningsOfApproval(builder: Guarded, i: number): ConfigWarning[] {
  if (!builder.approval?.untrusted) return [];
  return listSteps(builder).flatMap(({ path, step }) => {
    const { codebase = "", alwaysUseLatest } = step.options as Readonly<Record<string, unknown>>;
    if (step.plugin.type !== "git" || codebase !== "" || alwaysUseLatest !== true) return [];
    const sentence =
      "builds what is newest when it starts, not the revision that a user has approved; leave it out, or give other code a codebase of its own";
    return [{ path: ["builders", i, ...path, "alwaysUseLatest"], sentence }];
  });
}
