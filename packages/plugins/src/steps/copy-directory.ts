import { duration, Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";
import { FailureText } from "./files/failure-text.ts";

const options = z.object({
  from: z.string().min(1).describe("Relative to the builder's directory on the worker."),
  to: z.string().min(1).describe("The same; the directory that the copy becomes."),
  timeout: duration.nullable().prefault("20m").describe("Time without progress after which it fails; null: none."),
});

/** Copies a directory on the worker: `copyDirectory({ from: "build/out", to: "last" })`. */
export default defineStep({
  type: "copy-directory",
  options,
  rules: { haltOnFailure: true },
  async run(ctx, { from, to, timeout }) {
    const said = new FailureText("cpdir");
    const args = {
      from_path: ctx.path(from),
      to_path: ctx.path(to),
      timeout: timeout === null ? null : timeout / 1000,
    };
    const { rc } = await ctx.command("cpdir", args, { onText: said.onText });
    const summary = `copy ${from} to ${to}`;
    if (rc === 0) return { results: Results.SUCCESS, summary, rc };
    return { results: Results.FAILURE, summary, reason: said.reason(rc), rc };
  },
});
