import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import { commandOption } from "../step-options.ts";
import { warningShape } from "./shell/count-warnings.ts";
import { linePattern } from "./shell/line-pattern.ts";
import { outputShape } from "./shell/output-values.ts";
import { programShape } from "./shell/program-options.ts";
import { runProgram } from "./shell/run-program.ts";

const options = z.object({
  command: commandOption.default(["make", "all"]),
  ...programShape,
  ...outputShape,
  warningPattern: linePattern
    .default(/[Ww]arning[: ]/)
    .describe("A line of output that matches is a warning; a success with warnings becomes warnings."),
  ...warningShape,
});

/** Runs a compiler and counts its warnings: `compile({ command: "make all", maxWarnings: 20 })`. */
export default defineStep({
  type: "compile",
  options,
  rules: { haltOnFailure: true, warnOnWarnings: true },
  resumable: true,
  run: (ctx, options): Promise<StepEnd> => runProgram(ctx, options),
});
