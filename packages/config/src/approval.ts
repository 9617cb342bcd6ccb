import { duration } from "@multimaster/core";
import { z } from "zod";

/** Which builds of a builder begin only after a user has approved them. */
export const approvalOption = z
  .strictObject({
    untrusted: z
      .boolean()
      .default(true)
      .describe("Builds of strangers' code: of a fork, of a patch, or of a pull request that no hook calls trusted."),
    expires: duration
      .nullable()
      .prefault("30d")
      .describe("A request that waits for approval this long ends as CANCELLED; null: it waits for ever."),
  })
  .nullable();
