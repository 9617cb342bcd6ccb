import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";
import { kindOf } from "./files/file-kind.ts";

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
    const isDirectory = kindOf(stat) === "directory";
    if (kind === "any" || isDirectory === (kind === "directory")) return { results: Results.SUCCESS, summary };
    return { results: Results.FAILURE, summary, reason: isDirectory ? "it is a directory" : "it is no directory" };
  },
});
