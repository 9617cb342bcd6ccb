import { fitsGlob, Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import { ArtifactRefused } from "../step-errors.ts";
import { warnOfChoice } from "./files/choose-one.ts";
import { endWithSentence } from "./files/end-with-sentence.ts";
import { receiveFile } from "./files/transfer-file.ts";

const results = { success: Results.SUCCESS, warnings: Results.WARNINGS, failure: Results.FAILURE };

const options = z.object({
  builder: z
    .string()
    .min(1)
    .optional()
    .describe("The builder of the build; of its builds, the newest that the other options describe."),
  buildid: z.int().positive().optional().describe("The id of a build, in the place of builder."),
  branch: z.string().min(1).optional().describe("Only a build of this branch."),
  results: z
    .array(z.enum(["success", "warnings", "failure"]))
    .min(1)
    .default(["success", "warnings"])
    .describe("Results that the build may have."),
  names: z.array(z.string().min(1)).default(["*"]).describe("Which of its artifacts: names in which `*` is any text."),
  to: z
    .string()
    .default(".")
    .describe("A directory of the worker, relative to workdir, in which they keep their names."),
  workdir: z.string().default("build").describe("Relative to the builder's directory on the worker."),
  mode: z.int().min(0).max(0o777).default(0o644).describe("Permissions of the files."),
  forks: z
    .boolean()
    .default(false)
    .describe(
      "Also of a build of a fork's code, which anyone may have written. The steps that follow must not run it.",
    ),
  whenMissing: z.enum(["failure", "warnings", "success"]).default("failure").describe("The result if there is none."),
  property: z.string().min(1).optional().describe("A property that gets the id of the build."),
});

/** Writes artifacts of another build to the worker: `fetchArtifacts({ builder: "package", branch: "main", names: ["*.deb"] })`. */
export default defineStep({
  type: "fetch-artifacts",
  options,
  rules: { haltOnFailure: true },
  warnings: (options) => warnOfChoice(options, ["builder", "buildid"]),
  run: (ctx, options): Promise<StepEnd> =>
    endWithSentence("fetch artifacts", async () => {
      const { builder, buildid, branch, names, to, workdir, mode, forks, whenMissing, property } = options;
      if ((builder === undefined) === (buildid === undefined))
        throw new ArtifactRefused("The step fetch-artifacts needs one of the options builder and buildid.");
      const wanted = options.results.map((name) => results[name]);
      const of = buildid === undefined ? { builder, results: wanted } : { buildid };
      const found = (await ctx.artifacts.find({ ...of, branch, forks })) ?? [];
      const chosen = found.filter(({ name }) => names.some((glob) => fitsGlob(name, glob)));
      const [first] = chosen;
      if (first === undefined)
        return {
          results: { failure: Results.FAILURE, warnings: Results.WARNINGS, success: Results.SUCCESS }[whenMissing],
          summary: "no artifacts to fetch",
          reason: found.length === 0 ? "no build has any" : "none has such a name",
        };
      for (const [i, artifact] of chosen.entries()) {
        ctx.setState(`fetching ${i + 1} of ${chosen.length}`);
        await receiveFile(ctx, ctx.path(workdir, to, ...artifact.name.split("/")), mode, ctx.artifacts.open(artifact));
      }
      if (property !== undefined) ctx.properties.set(property, first.buildid);
      const count = chosen.length === 1 ? "1 artifact" : `${chosen.length} artifacts`;
      return { results: Results.SUCCESS, summary: `${count} of build ${first.buildid}` };
    }),
});
