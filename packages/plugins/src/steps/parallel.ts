import { type Result, Results, resultName } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";
import { innerSteps, stepList } from "../step-options.ts";
import { countResults } from "./trigger/count-results.ts";

const options = z.object({
  steps: stepList("The steps. They share the worker and its directory, and each has its own rules."),
  maxInFlight: z.int().min(1).max(100).default(16).describe("How many run at the same time."),
});

/** Runs steps at the same time on the worker: `parallel({ name: "checks", steps: [shell(…), shell(…)] })`. */
export default defineStep({
  type: "parallel",
  options,
  rules: { warnOnWarnings: true },
  inner: ({ steps }) => innerSteps("steps", steps),
  async run(ctx, { steps, maxInFlight }) {
    const { results, halted, build, members } = await ctx.runTogether(steps, { maxInFlight });
    const count = members.length === 1 ? "1 step" : `${members.length} steps`;
    const bad = members.filter((member) => member.results !== Results.SUCCESS && member.results !== Results.SKIPPED);
    return {
      results,
      halts: halted,
      summary: [count, ...countResults(members.map((member) => member.results))].join(", "),
      ...(bad.length === 0 ? {} : { reason: describeBad(bad) }),
      ...(build === undefined ? {} : { build }),
    };
  },
});

function describeBad(bad: readonly { readonly name: string; readonly results: Result }[]): string {
  const shown = bad.slice(0, 5).map(({ name, results }) => `${name}: ${resultName(results)}`);
  return [...shown, ...(bad.length > 5 ? [`${bad.length - 5} more`] : [])].join(", ");
}
