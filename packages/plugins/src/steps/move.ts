import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";

const options = z.object({
  from: z.string().min(1).describe("A file or directory, relative to the builder's directory on the worker."),
  to: z.string().min(1).describe("Its new path, relative to the same."),
});

/** Renames a file or directory on the worker: `move({ from: "build/out.zip", to: "keep/out.zip" })`. */
export default defineStep({
  type: "move",
  options,
  rules: { haltOnFailure: true },
  async run(ctx, { from, to }) {
    const paths = [ctx.path(from), ctx.path(to)];
    const command = ctx.worker.system === "nt" ? ["cmd", "/c", "move", "/y", ...paths] : ["mv", "-f", "--", ...paths];
    const { rc } = await ctx.shell({ command, workdir: "." });
    return { results: rc === 0 ? Results.SUCCESS : Results.FAILURE, summary: `move ${from} to ${to}`, rc };
  },
});
