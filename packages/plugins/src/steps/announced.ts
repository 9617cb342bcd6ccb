import { Results, worstResult } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";
import { commandOption } from "../step-options.ts";
import { OutputFollower } from "./announced/follow-output.ts";
import { judgeProgram, programShape, toShellCommand } from "./shell/program-options.ts";
import { summarizeCommand } from "./shell/summarize-command.ts";

const options = z.object({
  command: commandOption,
  ...programShape,
  maxSteps: z
    .int()
    .min(1)
    .max(1000)
    .default(200)
    .describe("Steps that the program may announce; the output of further ones stays in this step's log."),
  properties: z
    .array(z.string())
    .default([])
    .describe("Properties of the build that the program may set; it sets no others."),
});

/**
 * Runs a program that announces its own steps by marks of its output, such as `@@@BUILD_STEP compile@@@`:
 * `announced({ command: "./build.py" })`.
 */
export default defineStep({
  type: "announced",
  options,
  rules: { warnOnWarnings: true },
  async run(ctx, options) {
    const { command, maxSteps, properties } = options;
    const shown = summarizeCommand(command);
    if (options.description === undefined) ctx.setState(shown);
    const follower = new OutputFollower(ctx, { maxSteps, properties });
    const end = await ctx.shell(toShellCommand(command, options), { log: null, onText: follower.onText });
    const judged = judgeProgram(end, options);
    const failed = judged.results === Results.FAILURE || judged.results === Results.EXCEPTION;
    const { results, halts, count, bad } = await follower.finish(failed ? end.rc || -1 : 0);
    const more = bad.length > 5 ? [`${bad.length - 5} more`] : [];
    const reasons = [...(judged.reason === undefined ? [] : [judged.reason]), ...bad.slice(0, 5), ...more];
    return {
      results: worstResult(results, judged.results),
      halts,
      rc: end.rc,
      summary: `${shown}, ${count === 1 ? "1 step" : `${Math.min(count, maxSteps)} steps`}`,
      ...(reasons.length === 0 ? {} : { reason: reasons.join(", ") }),
    };
  },
});
