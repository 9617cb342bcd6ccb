import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import { reportShape, storeResults } from "./test-results/store-results.ts";

const options = z.object(reportShape);

/** Stores results of tests that a program on the worker has written as JUnit XML: `junit({ files: "reports/*.xml" })`. */
export default defineStep({
  type: "junit",
  options,
  rules: { warnOnWarnings: true },
  run: (ctx, options): Promise<StepEnd> => storeResults(ctx, "junit", options),
});
