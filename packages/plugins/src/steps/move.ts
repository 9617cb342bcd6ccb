import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";
import { FailureText } from "./files/failure-text.ts";

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
    const said = new FailureText("mv");
    const { rc } = await ctx.shell({ command, workdir: "." }, { onText: said.onText });
    const summary = `move ${from} to ${to}`;
    if (rc === 0) return { results: Results.SUCCESS, summary, rc };
    return { results: Results.FAILURE, summary, reason: said.reason(rc), rc };
  },
});
