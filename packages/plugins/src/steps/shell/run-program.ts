import { callIfGiven } from "@multimaster/core";
import type { z } from "zod";
import type { StepEnd } from "../../define-step.ts";
import type { StepContext } from "../../step-context.ts";
import { WarningCounter, type warningShape } from "./count-warnings.ts";
import { captureFor, type outputShape, takeOutput } from "./output-values.ts";
import { judgeProgram, type programShape, toShellCommand } from "./program-options.ts";
import { summarizeCommand } from "./summarize-command.ts";

type RunOptions = z.output<z.ZodObject<typeof programShape & typeof outputShape & typeof warningShape>> & {
  readonly command: string | readonly string[];
  readonly warningPattern?: string | RegExp | undefined;
  readonly description?: string | undefined;
};

/** Runs one program on the worker and makes of its output what the options say. */
export async function runProgram(ctx: StepContext, options: RunOptions): Promise<StepEnd> {
  const { command, warningPattern: pattern, description } = options;
  const shown = summarizeCommand(command);
  if (description === undefined) ctx.setState(shown);
  const warnings = pattern === undefined ? undefined : await WarningCounter.create(ctx, { ...options, pattern });
  const observer = callIfGiven(options.observe);
  const onLine = (line: string, log: string) => {
    if (log === "stdio") warnings?.onLine(line);
    observer?.onLine(line, log);
  };
  const end = await ctx.shell(toShellCommand(command, options), {
    capture: captureFor(options),
    ...(warnings === undefined && observer === undefined ? {} : { onLine }),
  });
  const summary = (await takeOutput(ctx, options, observer, end)) ?? shown;
  const judged = judgeProgram(end, options);
  return { summary, rc: end.rc, ...((await warnings?.finish(ctx, judged)) ?? judged) };
}
