import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";

const options = z.object({
  dir: z.string().min(1).describe("Relative to the builder's directory on the worker; its parents are made, too."),
});

/** Makes a directory on the worker: `makeDirectory({ dir: "build/out" })`. One that exists is a success. */
export default defineStep({
  type: "make-directory",
  options,
  rules: { haltOnFailure: true },
  async run(ctx, { dir }) {
    const { rc } = await ctx.command("mkdir", { paths: [ctx.path(dir)] });
    return { results: rc === 0 ? Results.SUCCESS : Results.FAILURE, summary: `make directory ${dir}`, rc };
  },
});
