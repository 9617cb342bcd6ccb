import { boundedPattern } from "@multimaster/core";
import { z } from "zod";

/** A pattern for lines of output. The code that is built writes the output, without limit: only a linear pattern may read it. */
export const linePattern = z.union([z.string(), z.instanceof(RegExp)]).superRefine((pattern, ctx) => {
  const problem = whyNoLinePattern(pattern);
  if (problem !== undefined) ctx.addIssue({ code: "custom", message: problem });
});

/** What is wrong with a pattern for lines; undefined: nothing. */
export function whyNoLinePattern(pattern: string | RegExp): string | undefined {
  try {
    const { notLinear } = boundedPattern(pattern);
    return notLinear === undefined
      ? undefined
      : `has ${notLinear}, so that one line of output could block the engine for long; write it without that`;
  } catch (error) {
    return `is not a regular expression: ${error instanceof Error ? error.message : String(error)}`;
  }
}
