import { errors } from "@multimaster/core";
import { z } from "zod";
import { defineHook } from "../define-hook.ts";
import { readFieldLists } from "../hook-fields.ts";
import { openShape } from "../hook-options.ts";
import { warnOfOpen } from "../hook-warnings.ts";

/** Makes change sources poll immediately: those named by the parameters `poller`, or all. */
export default defineHook({
  type: "poller",
  maxBody: 64 * 1024,
  options: z.strictObject({
    ...openShape,
    allowed: z
      .array(z.string())
      .optional()
      .describe("Names of the change sources that requests may name; absent: all."),
  }),
  warnings: warnOfOpen,
  parse(request, { allowed }) {
    const asked = readFieldLists(request).getAll("poller");
    const refused = asked.filter((name) => allowed && !allowed.includes(name));
    if (refused.length > 0) throw errors.requestInvalid(`There is no change source ${refused.join(", ")}.`);
    return { polls: asked.length > 0 ? asked : (allowed ?? "all") };
  },
});
