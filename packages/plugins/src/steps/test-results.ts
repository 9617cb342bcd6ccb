import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import { reportFormats } from "./test-results/formats/report-formats.ts";
import { reportShape, storeResults } from "./test-results/store-results.ts";

const options = z.object({
  format: z
    .enum(reportFormats)
    .describe(
      'What the files are: "tap", "go" (`go test -json`), "gtest" (`--gtest_output`, JSON or XML), "subunit" (1 or 2), "nunit" (NUnit, xUnit.net), "trx" (Visual Studio), "junit".',
    ),
  ...reportShape,
});

/** Stores results of tests that a program on the worker has written: `testResults({ format: "tap", files: "*.tap" })`. */
export default defineStep({
  type: "test-results",
  options,
  rules: { warnOnWarnings: true },
  run: (ctx, options): Promise<StepEnd> => storeResults(ctx, options.format, options),
});
