import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";

const options = z.object({
  that: z.boolean().describe("What must be true, as a function of the build."),
  message: z.string().default("the assertion does not hold").describe("Says why the step fails."),
});

/** Fails unless a condition holds: `assert({ that: (b) => b.property("branch") === "main", message: "only on main" })`. */
export default defineStep({
  type: "assert",
  options,
  rules: { haltOnFailure: true },
  run: async (_ctx, { that, message }) =>
    that
      ? { results: Results.SUCCESS, summary: "holds" }
      : { results: Results.FAILURE, summary: "failed", reason: message },
});
