import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";

/** Of the mode in what `stat` answers: the kind of the file, and that of a directory. */
const kindMask = 0o170000;
const directory = 0o040000;

const options = z.object({
  path: z.string().min(1).describe("Relative to the builder's directory on the worker."),
  kind: z.enum(["file", "directory", "any"]).default("file").describe("What it must be."),
});

/** Fails unless there is a file of that path on the worker: `fileExists({ path: "build/out.zip" })`. */
export default defineStep({
  type: "file-exists",
  options,
  rules: { haltOnFailure: true },
  async run(ctx, { path, kind }) {
    const { stat } = await ctx.command("stat", { path: ctx.path(path) });
    const summary = `check ${path}`;
    if (stat === undefined) return { results: Results.FAILURE, summary, reason: "there is none" };
    const isDirectory = ((stat[0] ?? 0) & kindMask) === directory;
    if (kind === "any" || isDirectory === (kind === "directory")) return { results: Results.SUCCESS, summary };
    return { results: Results.FAILURE, summary, reason: isDirectory ? "it is a directory" : "it is no directory" };
  },
});
