import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";
import { FailureText } from "./files/failure-text.ts";

const options = z.object({
  dir: z.string().min(1).describe("Relative to the builder's directory on the worker; its parents are made, too."),
});

/** Makes a directory on the worker: `makeDirectory({ dir: "build/out" })`. One that exists is a success. */
export default defineStep({
  type: "make-directory",
  options,
  rules: { haltOnFailure: true },
  async run(ctx, { dir }) {
    const said = new FailureText("mkdir");
    const { rc } = await ctx.command("mkdir", { paths: [ctx.path(dir)] }, { onText: said.onText });
    const summary = `make directory ${dir}`;
    if (rc === 0) return { results: Results.SUCCESS, summary, rc };
    return { results: Results.FAILURE, summary, reason: said.reason(rc), rc };
  },
});
