import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import { commandOption } from "../step-options.ts";
import { warningShape } from "./shell/count-warnings.ts";
import { linePattern } from "./shell/line-pattern.ts";
import { outputShape } from "./shell/output-values.ts";
import { programShape } from "./shell/program-options.ts";
import { runProgram } from "./shell/run-program.ts";

const options = z.object({
  command: commandOption,
  ...programShape,
  ...outputShape,
  warningPattern: linePattern
    .optional()
    .describe("A line of output that matches is a warning; a success with warnings becomes warnings."),
  ...warningShape,
});

/** Runs a command on the worker: `shell({ command: "make all" })` or `shell({ command: ["make", "all"] })`. */
export default defineStep({
  type: "shell",
  options,
  // Warnings occur only if the options request them, so they show on the build unless the config says otherwise.
  rules: { warnOnWarnings: true },
  resumable: true,
  run: (ctx, options): Promise<StepEnd> => runProgram(ctx, options),
});
