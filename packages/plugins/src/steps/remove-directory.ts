import { duration, Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";
import { FailureText } from "./files/failure-text.ts";

const options = z.object({
  dir: z.string().min(1).describe("A directory or file, relative to the builder's directory on the worker."),
  timeout: duration.nullable().prefault("20m").describe("Time without progress after which it fails; null: none."),
});

/** Removes a directory with all that is in it: `removeDirectory({ dir: "build" })`. One that is not there is a success. */
export default defineStep({
  type: "remove-directory",
  options,
  rules: { haltOnFailure: true },
  async run(ctx, { dir, timeout }) {
    const said = new FailureText("rmdir");
    const args = { paths: [ctx.path(dir)], timeout: timeout === null ? null : timeout / 1000 };
    const { rc } = await ctx.command("rmdir", args, { onText: said.onText });
    const summary = `remove ${dir}`;
    if (rc === 0) return { results: Results.SUCCESS, summary, rc };
    return { results: Results.FAILURE, summary, reason: said.reason(rc), rc };
  },
});
