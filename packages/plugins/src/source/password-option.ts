import { z } from "zod";

/** A password that comes from a secret or from the environment, where its variable may be missing. */
export const passwordOption = z
  .string()
  .optional()
  .pipe(
    z
      .string({ error: "is given without a value (is its environment variable set?)" })
      .min(1, "is empty")
      .regex(/^[^\r\n]+$/, "must be one line"),
  )
  .describe("Password; use `secret(…)` in a step, and the environment in a change source.");
