import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import type { StepContext } from "../step-context.ts";
import { ArtifactRefused } from "../step-errors.ts";
import { warnOfChoice } from "./files/choose-one.ts";
import { endWithSentence } from "./files/end-with-sentence.ts";
import { receiveFile } from "./files/transfer-file.ts";

const options = z.object({
  artifact: z.string().min(1).optional().describe("Name of an artifact of this build."),
  fromMaster: z
    .string()
    .min(1)
    .optional()
    .describe("Absolute path of a file on the engine's machine. The config must allow it (`onMaster.readFrom`)."),
  to: z.string().min(1).describe("Path of the file on the worker, relative to workdir; it replaces one that is there."),
  workdir: z.string().default("build").describe("Relative to the builder's directory on the worker."),
  mode: z.int().min(0).max(0o777).default(0o644).describe("Permissions of the file, such as 0o755."),
});

/** Writes a file of the artifact store or of the master to the worker: `download({ artifact: "app.tar.gz", to: "app.tar.gz" })`. */
export default defineStep({
  type: "download",
  options,
  rules: { haltOnFailure: true },
  warnings: (options) => warnOfChoice(options, ["artifact", "fromMaster"]),
  onMaster: ({ fromMaster }) => (fromMaster === undefined ? [] : [{ option: "fromMaster", needs: "readFrom" }]),
  run: (ctx, { artifact, fromMaster, to, workdir, mode }): Promise<StepEnd> =>
    endWithSentence(`download ${to}`, async () => {
      if ((artifact === undefined) === (fromMaster === undefined))
        throw new ArtifactRefused("The step download needs one of the options artifact and fromMaster.");
      const source = fromMaster === undefined ? await openOwn(ctx, artifact ?? "") : await ctx.master.read(fromMaster);
      await receiveFile(ctx, ctx.path(workdir, to), mode, source);
      return { results: Results.SUCCESS, summary: `download ${to}` };
    }),
});

async function openOwn(ctx: StepContext, name: string) {
  const found = await ctx.artifacts.find({ buildid: ctx.build.buildid, name, forks: true });
  const artifact = found?.find((one) => one.name === name);
  if (artifact === undefined) throw new ArtifactRefused(`This build has no artifact ${JSON.stringify(name)}.`);
  return ctx.artifacts.open(artifact);
}
