import { Results, resultName } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";
import { resultOption } from "./shell/program-options.ts";

const options = z.object({
  results: resultOption.prefault("success").describe("How the build ends."),
  text: z.string().min(1).optional().describe("The build's text; by default its result."),
});

/** Ends the build here: `endBuild({ text: "nothing has changed", doStepIf: … })`. Only steps that always run follow. */
export default defineStep({
  type: "end-build",
  options,
  run: async (_ctx, { results, text }) => ({
    results: Results.SUCCESS,
    summary: `the build ends: ${text ?? resultName(results)}`,
    build: { results, ...(text === undefined ? {} : { text }) },
  }),
});
